//! What Renovate's own presets set, as far as it concerns container images.

use crate::convert::value::Value;

/// A preset.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Preset {
    /// It sets this.
    Sets(Value),
    /// It extends these.
    Extends(&'static [&'static str]),
    /// It is not carried over.
    Left(&'static str),
}

/// Presets that are made of others.
const EXTENDING: [(&[&str], &[&str]); 3] = [
    (
        &[
            "config:recommended",
            "config:base",
            "config:js-app",
            "config:js-lib",
        ],
        &[":ignoreModulesAndTests"],
    ),
    (
        &["config:best-practices"],
        &["config:recommended", "docker:pinDigests"],
    ),
    (
        &["config:semverAllMonthly", "config:semverAllWeekly"],
        &["group:all", "schedule:monthly"],
    ),
];

/// What presets set, as the JSON that a file would have; `$0` and `$1` are their arguments.
const SETTING: [(&str, &str); 31] = [
    (
        ":ignoreModulesAndTests",
        r#"{"ignorePaths": ["**/bower_components/**", "**/examples/**", "**/__tests__/**", "**/test/**", "**/tests/**", "**/__fixtures__/**"]}"#,
    ),
    (
        "docker:disable",
        r#"{"dockerfile": {"enabled": false}, "docker-compose": {"enabled": false}, "circleci": {"enabled": false}}"#,
    ),
    (
        "docker:disableMajor",
        r#"{"packageRules": [{"matchUpdateTypes": ["major"], "enabled": false}]}"#,
    ),
    (
        "docker:enableMajor",
        r#"{"packageRules": [{"matchUpdateTypes": ["major"], "enabled": true}]}"#,
    ),
    (
        "docker:pinDigests",
        r#"{"packageRules": [{"pinDigests": true}, {"matchManagers": ["devcontainer"], "pinDigests": false}]}"#,
    ),
    (":pinDigestsDisabled", r#"{"pinDigests": false}"#),
    (":enableRenovate", r#"{"enabled": true}"#),
    (":disableRenovate", r#"{"enabled": false}"#),
    (":disableMajorUpdates", r#"{"major": {"enabled": false}}"#),
    (":disableDigestUpdates", r#"{"digest": {"enabled": false}}"#),
    (":automergeAll", r#"{"automerge": true}"#),
    (":automergeMajor", r#"{"automerge": true}"#),
    (
        ":automergeMinor",
        r#"{"minor": {"automerge": true}, "patch": {"automerge": true}, "pin": {"automerge": true}}"#,
    ),
    (
        ":automergePatch",
        r#"{"patch": {"automerge": true}, "pin": {"automerge": true}}"#,
    ),
    (":automergeDigest", r#"{"digest": {"automerge": true}}"#),
    (":automergeDisabled", r#"{"automerge": false}"#),
    (":separateMajorReleases", r#"{"separateMajorMinor": true}"#),
    (":ignoreUnstable", r#"{"ignoreUnstable": true}"#),
    (":prConcurrentLimit10", r#"{"prConcurrentLimit": 10}"#),
    (":prConcurrentLimit20", r#"{"prConcurrentLimit": 20}"#),
    (":prHourlyLimit1", r#"{"prHourlyLimit": 1}"#),
    (":prHourlyLimit2", r#"{"prHourlyLimit": 2}"#),
    (":prHourlyLimit4", r#"{"prHourlyLimit": 4}"#),
    (":label", r#"{"labels": ["$0"]}"#),
    (":labels", r#"{"labels": ["$0", "$1"]}"#),
    (":assignee", r#"{"assignees": ["$0"]}"#),
    (":reviewer", r#"{"reviewers": ["$0"]}"#),
    (
        ":assignAndReview",
        r#"{"assignees": ["$0"], "reviewers": ["$0"]}"#,
    ),
    (
        "group:all",
        r#"{"groupName": "all dependencies", "separateMajorMinor": false}"#,
    ),
    (
        "group:allNonMajor",
        r#"{"packageRules": [{"matchUpdateTypes": ["minor", "patch"], "groupName": "all non-major dependencies"}]}"#,
    ),
    ("group:allDigest", r#"{}"#),
];

const NO_IMAGES: &str = "it does not concern container images";
const SHARED: &str = "it is a preset of your own; convert its file too: what is for all repositories belongs to the operator's config.toml";
const COMMENTS: &str = "comments `# renovate: datasource=docker` are read as they are; name files that imagebot does not know in a [[source]]";
const NO_LIMIT: &str = "the operator's limits apply: `max_open` and [limits]";

/// Why other presets are left out, by what their names begin with.
const LEFT: [(&str, &str); 31] = [
    (
        "schedule:",
        "there are no schedules yet; start `imagebot run` at the times at which updates are wanted",
    ),
    (":timezone", "there are no schedules yet"),
    (
        ":dependencyDashboard",
        "there is no dashboard; `imagebot check` and `imagebot graph` show the same",
    ),
    (":disableDependencyDashboard", "there is no dashboard"),
    (":prHourlyLimitNone", NO_LIMIT),
    (":prConcurrentLimitNone", NO_LIMIT),
    (":disableRateLimiting", NO_LIMIT),
    (
        ":semantic",
        "the operator sets `commit_prefix` under [git] in config.toml",
    ),
    (":gitSignOff", "commits are not signed off"),
    (
        ":rebaseStalePrs",
        "the label imagebot:rebase keeps a branch rebased",
    ),
    (
        ":automergeBranch",
        "a change is always a merge request first",
    ),
    (":automergePr", "that is the default"),
    (":combinePatchMinorReleases", "that is the default"),
    (
        ":separate",
        "there is one merge request for the newest tag; only major changes can be separate",
    ),
    (":enableVulnerabilityAlerts", "vulnerabilities are not read"),
    (
        ":disableVulnerabilityAlerts",
        "vulnerabilities are not read",
    ),
    (":configMigration", "no configuration is migrated"),
    (
        ":approveMajorUpdates",
        "there is no dashboard to approve in; a major change is a merge request of its own",
    ),
    ("customManagers:", COMMENTS),
    ("regexManagers:", COMMENTS),
    (":", NO_IMAGES),
    ("group:", NO_IMAGES),
    ("helpers:", NO_IMAGES),
    ("workarounds:", NO_IMAGES),
    ("replacements:", NO_IMAGES),
    ("mergeConfidence:", NO_IMAGES),
    ("abandonments:", NO_IMAGES),
    ("security:", NO_IMAGES),
    ("npm:", NO_IMAGES),
    ("packages:", NO_IMAGES),
    ("monorepo:", NO_IMAGES),
];

/// A preset with its arguments, `:label(imagebot)`.
pub(super) fn preset(written: &str) -> Preset {
    let written = written
        .strip_prefix("default:")
        .map_or_else(|| written.to_owned(), |name| format!(":{name}"));
    let (name, arguments) = match written.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
        None => (written.as_str(), ""),
    };
    if let Some((_, parts)) = EXTENDING.iter().find(|(names, _)| names.contains(&name)) {
        return Preset::Extends(parts);
    }
    if let Some((_, json)) = SETTING.iter().find(|(known, _)| *known == name) {
        let mut arguments = arguments.split(',').map(str::trim);
        let mut json = (*json).to_owned();
        for place in ["$0", "$1"] {
            let argument = arguments.next().unwrap_or_default();
            json = json.replace(place, &escaped(argument));
        }
        if let Ok(value) = Value::json(&json) {
            return Preset::Sets(value);
        }
    }
    let is_own = name.contains(['>', '/', '@']);
    let mut left = LEFT.iter().filter(|_| !is_own);
    let left = left.find(|(start, _)| name.starts_with(start));
    Preset::Left(left.map_or(SHARED, |(_, why)| why))
}

/// A text inside a JSON string.
fn escaped(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    let plain: String = plain.collect();
    plain.replace('\\', r"\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_json() {
        for (name, _) in SETTING {
            assert!(matches!(preset(name), Preset::Sets(_)), "{name}");
        }
    }

    #[test]
    fn arguments_are_texts_whatever_they_are() {
        let Preset::Sets(value) = preset(r#":label(a"b\c)"#) else {
            panic!("it sets something");
        };
        let labels = value.get("labels").and_then(Value::texts);
        assert_eq!(labels, Some(vec![r#"a"b\c"#]));
        assert!(matches!(
            preset("github>acme/presets"),
            Preset::Left(SHARED)
        ));
        assert!(matches!(preset("schedule:weekly"), Preset::Left(_)));
    }
}
