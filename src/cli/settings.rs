//! The settings of a reference, written as TOML.

use crate::policy::{SettingOrigin, Settings};

/// Each setting: its key, its value as TOML, and where it was set.
pub(super) fn rows(s: &Settings) -> Vec<(&'static str, String, &SettingOrigin)> {
    let quoted = |text: &str| format!("{text:?}");
    let list = |texts: Vec<&str>| {
        format!(
            "[{}]",
            texts
                .iter()
                .map(|text| quoted(text))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let names = |texts: &[String]| list(texts.iter().map(String::as_str).collect());
    let variant = format!("{:?}", s.variant.value).to_lowercase();
    let codename = format!("{:?}", s.codename.value).to_lowercase();
    vec![
        ("enabled", s.enabled.value.to_string(), &s.enabled.from),
        ("scheme", quoted(&s.scheme.value.name), &s.scheme.from),
        ("max", quoted(s.max.value.as_str()), &s.max.from),
        (
            "separate_major",
            s.separate_major.value.to_string(),
            &s.separate_major.from,
        ),
        (
            "prerelease",
            s.prerelease.value.to_string(),
            &s.prerelease.from,
        ),
        ("variant", quoted(&variant), &s.variant.from),
        ("codename", quoted(&codename), &s.codename.from),
        ("digest", quoted(s.digest.value.code()), &s.digest.from),
        ("pin_args", s.pin_args.value.to_string(), &s.pin_args.from),
        (
            "platforms",
            list(s.platforms.value.iter().map(|p| p.as_str()).collect()),
            &s.platforms.from,
        ),
        (
            "allow",
            quoted(
                &s.allow
                    .value
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
            &s.allow.from,
        ),
        (
            "ignore",
            format!(
                "[{}]",
                s.ignore
                    .value
                    .iter()
                    .map(|i| quoted(&i.to_string()))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            &s.ignore.from,
        ),
        ("group", quoted(&s.group.value), &s.group.from),
        ("labels", names(&s.labels.value), &s.labels.from),
        ("assignees", names(&s.assignees.value), &s.assignees.from),
        ("reviewers", names(&s.reviewers.value), &s.reviewers.from),
        ("milestone", quoted(&s.milestone.value), &s.milestone.from),
        ("draft", s.draft.value.to_string(), &s.draft.from),
        (
            "squash",
            s.squash.value.map_or_else(
                || quoted("the repository's own setting"),
                |squash| squash.to_string(),
            ),
            &s.squash.from,
        ),
        (
            "remove_source_branch",
            s.remove_source_branch.value.to_string(),
            &s.remove_source_branch.from,
        ),
        (
            "min_age",
            quoted(&s.min_age.value.to_string()),
            &s.min_age.from,
        ),
        (
            "min_age_trust",
            quoted(s.min_age_trust.value.code()),
            &s.min_age_trust.from,
        ),
        (
            "automerge",
            quoted(s.automerge.value.map_or("never", |level| level.as_str())),
            &s.automerge.from,
        ),
        ("max_open", s.max_open.value.to_string(), &s.max_open.from),
        ("hold", quoted(s.hold.value.code()), &s.hold.from),
        (
            "hold_for",
            quoted(
                &s.hold_for
                    .value
                    .map_or_else(|| "never".to_owned(), |age| age.to_string()),
            ),
            &s.hold_for.from,
        ),
        (
            "hold_majors",
            s.hold_majors.value.to_string(),
            &s.hold_majors.from,
        ),
        (
            "settle",
            quoted(&s.settle.value.to_string()),
            &s.settle.from,
        ),
        (
            "reason",
            quoted(s.reason.value.as_deref().unwrap_or_default()),
            &s.reason.from,
        ),
    ]
}
