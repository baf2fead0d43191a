//! `[defaults]` and `[[rule]]`.

use super::keys::{MATCHERS, SETTINGS};
use super::name_globs;
use super::reader::{At, Table};
use crate::image::Platform;
use crate::policy::{Age, Changes, DigestMode, Hold, NamedScheme, Rule, Trust};
use crate::repo::Glob;
use crate::scheme::{Allow, CodenameMode, Ignore, Level, Scheme, VariantMode};
use crate::source::ReferenceKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The schemes that rules can name.
pub(super) type Schemes = BTreeMap<String, NamedScheme>;

/// The built-in schemes.
pub(super) fn built_in_schemes() -> Schemes {
    let named = |name: &str, scheme| {
        (
            name.to_owned(),
            NamedScheme {
                name: Arc::from(name),
                scheme,
            },
        )
    };
    BTreeMap::from([
        named("auto", Scheme::Auto),
        named("semver", Scheme::Semver),
        named("floating", Scheme::Floating),
    ])
}

/// `[defaults]`.
pub(super) fn defaults(table: Table<'_>, schemes: &Schemes) -> Rule {
    table.only(&[SETTINGS]);
    Rule::everything(changes(table, schemes), table.origin(table.span.0))
}

fn is_matcher(name: &str) -> bool {
    MATCHERS.iter().any(|key| key.name == name)
}

/// A `[[rule]]`.
pub(super) fn rule(table: Table<'_>, schemes: &Schemes) -> Rule {
    table.only(&[MATCHERS, SETTINGS]);
    let globs = |name: &str| {
        table
            .parsed_list(name, Glob::parse)
            .map(|at| at.value)
            .unwrap_or_default()
    };
    let changes = changes(table, schemes);
    // A key with a wrong value, or an unknown one, has its own message.
    if changes.is_empty() && !table.names().any(|name| !is_matcher(name)) {
        table.problem(table.span.0..table.span.1, "this rule sets nothing", None);
    }
    Rule {
        images: name_globs::images(table),
        repos: name_globs::repos(table),
        paths: globs("paths"),
        tags: name_globs::tags(table),
        kinds: kinds(table),
        changes,
        from: table.origin(table.span.0),
    }
}

fn kinds(table: Table<'_>) -> Vec<ReferenceKind> {
    let parse = |text: &str| {
        let names = || ReferenceKind::ALL.map(ReferenceKind::code).join(", ");
        ReferenceKind::ALL
            .into_iter()
            .find(|kind| kind.code() == text)
            .ok_or_else(|| format!("a kind must be one of {}", names()))
    };
    table
        .parsed_list("kinds", parse)
        .map(|at| at.value)
        .unwrap_or_default()
}

fn changes(table: Table<'_>, schemes: &Schemes) -> Changes {
    let levels = [
        Level::Major,
        Level::Minor,
        Level::Patch,
        Level::Build,
        Level::Digest,
    ]
    .map(|level| (level.as_str(), level));
    let allow = |text: &str| {
        if text.is_empty() {
            Ok(None)
        } else {
            Allow::parse(text).map(Some)
        }
    };
    Changes {
        enabled: table.bool("enabled").map(|at| table.set(at)),
        scheme: scheme(table, schemes).map(|at| table.set(at)),
        max: table.one_of("max", &levels).map(|at| table.set(at)),
        separate_major: table.bool("separate_major").map(|at| table.set(at)),
        prerelease: table.bool("prerelease").map(|at| table.set(at)),
        variant: table
            .one_of(
                "variant",
                &[("keep", VariantMode::Keep), ("follow", VariantMode::Follow)],
            )
            .map(|at| table.set(at)),
        codename: table
            .one_of(
                "codename",
                &[
                    ("hold", CodenameMode::Hold),
                    ("follow", CodenameMode::Follow),
                ],
            )
            .map(|at| table.set(at)),
        digest: table
            .one_of("digest", &DigestMode::ALL.map(|mode| (mode.code(), mode)))
            .map(|at| table.set(at)),
        pin_args: table.bool("pin_args").map(|at| table.set(at)),
        platforms: table
            .parsed_list("platforms", Platform::parse)
            .map(|at| table.set(at)),
        allow: table.parsed("allow", allow).map(|at| table.set(at)),
        ignore: table
            .parsed_list("ignore", Ignore::parse)
            .map(|at| table.set(at)),
        group: table.parsed("group", one_line).map(|at| table.set(at)),
        labels: table.parsed_list("labels", label).map(|at| table.set(at)),
        assignees: table
            .parsed_list("assignees", user_name)
            .map(|at| table.set(at)),
        reviewers: table
            .parsed_list("reviewers", user_name)
            .map(|at| table.set(at)),
        milestone: table.parsed("milestone", one_line).map(|at| table.set(at)),
        draft: table.bool("draft").map(|at| table.set(at)),
        squash: table.bool("squash").map(|at| {
            table.set(At {
                value: Some(at.value),
                span: at.span,
            })
        }),
        remove_source_branch: table.bool("remove_source_branch").map(|at| table.set(at)),
        min_age: table.parsed("min_age", Age::parse).map(|at| table.set(at)),
        min_age_trust: table
            .one_of(
                "min_age_trust",
                &Trust::ALL.map(|trust| (trust.code(), trust)),
            )
            .map(|at| table.set(at)),
        automerge: automerge(table).map(|at| table.set(at)),
        max_open: table.number("max_open", 0..=1000).map(|at| table.set(at)),
        hold: table
            .one_of("hold", &Hold::ALL.map(|hold| (hold.code(), hold)))
            .map(|at| table.set(at)),
        hold_for: table.parsed("hold_for", hold_for).map(|at| table.set(at)),
        hold_majors: table.bool("hold_majors").map(|at| table.set(at)),
        settle: table.parsed("settle", Age::parse).map(|at| table.set(at)),
        reason: table.text("reason").map(|at| {
            table.set(At {
                value: Some(at.value),
                span: at.span,
            })
        }),
    }
}

/// `hold_for`: a time, or `never`.
fn hold_for(text: &str) -> Result<Option<Age>, String> {
    match text {
        "never" => Ok(None),
        text => Age::parse(text)
            .map(Some)
            .map_err(|error| format!("{error}, or \"never\"")),
    }
}

/// `automerge`: a level, or `never`.
pub(super) fn automerge(table: Table<'_>) -> Option<At<Option<Level>>> {
    let mut words = vec![("never", None)];
    words.extend(Level::ALL.map(|level| (level.as_str(), Some(level))));
    table.one_of("automerge", &words)
}

/// A label that every forge accepts: they join several labels with commas.
pub(super) fn label(text: &str) -> Result<String, String> {
    let text = one_line(text)?;
    if text.trim().is_empty() || text.contains(',') {
        return Err("a label must not contain a comma".to_owned());
    }
    Ok(text)
}

/// A short text on one line.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("it must be one line without control characters".to_owned());
    }
    if text.chars().count() > LONGEST_TITLE {
        return Err(format!("it must have at most {LONGEST_TITLE} characters"));
    }
    Ok(text.to_owned())
}

/// The longest label or milestone title that forges accept, in characters.
const LONGEST_TITLE: usize = 255;

/// Reports labels of a rule that are commands to imagebot: it would obey itself.
pub(super) fn reserved(table: Table<'_>, rule: &Rule, orders: [&str; 2]) {
    let labels = rule.changes.labels.iter().flat_map(|set| &set.value);
    for label in labels.filter(|label| orders.contains(&label.as_str())) {
        let message = format!(
            "{label:?} is a command label for imagebot and cannot be set on every merge request"
        );
        let help = "remove it from `labels`, or rename it with rebase_label and stop_label of [merge_request]";
        table.problem(table.span_of("labels"), message, Some(help.to_owned()));
    }
}

/// A user's name as forges allow it: not a group, and nothing that a forge could interpret as more than a name (T21).
fn user_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | ']');
    if text.is_empty() || text.len() > 255 || !text.chars().all(fits) || text.starts_with('-') {
        return Err(format!("{text:?} is not a user name; write it without @"));
    }
    Ok(text.to_owned())
}

fn scheme(table: Table<'_>, schemes: &Schemes) -> Option<At<NamedScheme>> {
    let words: Vec<(&str, &NamedScheme)> = schemes
        .iter()
        .map(|(name, scheme)| (name.as_str(), scheme))
        .collect();
    let at = table.one_of("scheme", &words)?;
    Some(At {
        value: at.value.clone(),
        span: at.span,
    })
}
