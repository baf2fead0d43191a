//! What a rule or the top of the file sets.

use super::names::between_slashes;
use super::types::{Types, UpdateType};
use crate::config::renovate_key;
use crate::convert::draft::{Draft, Setting, quoted};
use crate::convert::origin::Origin;
use crate::convert::value::{Kind, Value};
use crate::scheme::RegexScheme;

/// What became of a key.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) set: Vec<Setting>,
    /// Why it, or a part of it, is not carried over.
    pub(super) notes: Vec<String>,
    /// Lines for the operator.
    pub(super) operator: Vec<String>,
}

impl Outcome {
    fn set(setting: Setting) -> Self {
        Self {
            set: vec![setting],
            ..Self::default()
        }
    }

    pub(super) fn note(why: &str) -> Self {
        Self {
            notes: vec![why.to_owned()],
            ..Self::default()
        }
    }

    /// Adds the comments and the lines for the operator to a draft; returns the settings.
    pub(super) fn report(self, origin: &Origin, draft: &mut Draft) -> Vec<Setting> {
        for note in &self.notes {
            draft.note(origin, note);
        }
        for lines in &self.operator {
            draft.operator(lines);
        }
        self.set
    }

    fn wrong(expected: &str) -> Self {
        Self::note(&format!("its value is not {expected}"))
    }
}

/// What the top of the file sets, as far as rules depend on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    pub(super) labels: Option<Vec<String>>,
    pub(super) reviewers: Vec<String>,
    /// Whether new tags have to have an age.
    pub(super) has_age: bool,
}

const ALL_LEVELS: &str =
    "a setting here applies to changes of every level; only `max` and `automerge` name one";

/// The settings for a key of a rule, or of the top of the file, that is about updates of some kinds.
pub(super) fn setting(
    key: &str,
    value: &Value,
    types: &Types,
    context: &Context,
    origin: &Origin,
) -> Outcome {
    match key {
        "enabled" => {
            return value
                .bool()
                .map_or_else(wrong_bool, |value| enabled(value, types, origin));
        }
        "automerge" => {
            return value
                .bool()
                .map_or_else(wrong_bool, |value| automerge(value, types, context, origin));
        }
        "groupName" => return group(value, types, origin),
        _ => {}
    }
    let outcome = plain(key, value, context, origin);
    match types.has_versions() || outcome.set.is_empty() {
        true => outcome,
        false => Outcome::note(ALL_LEVELS),
    }
}

fn wrong_bool() -> Outcome {
    Outcome::wrong("true or false")
}

/// A setting that does not depend on the kind of update.
fn plain(key: &str, value: &Value, context: &Context, origin: &Origin) -> Outcome {
    let boolean = |name: &str, when: bool| match value.bool() {
        Some(value) => Outcome::set(Setting::bool(name, value == when, origin)),
        None => wrong_bool(),
    };
    match key {
        "pinDigests" => match value.bool() {
            Some(true) => Outcome::set(Setting::text("digest", "pin", origin)),
            Some(false) => Outcome::set(Setting::text("digest", "refresh", origin)),
            None => wrong_bool(),
        },
        "draftPR" => boolean("draft", true),
        "separateMajorMinor" => boolean("separate_major", true),
        "ignoreUnstable" => boolean("prerelease", false),
        "minimumReleaseAge" => match &value.kind {
            Kind::Text(age) => Outcome::set(Setting::text("min_age", age, origin)),
            Kind::Null => Outcome::set(Setting::text("min_age", "0 days", origin)),
            _ => Outcome::wrong("a time such as \"3 days\""),
        },
        "stabilityDays" => match value.number() {
            Some(days) => Outcome::set(Setting::text("min_age", &format!("{days} days"), origin)),
            None => Outcome::wrong("a number of days"),
        },
        "allowedVersions" => match value.scalar() {
            Some(allowed) => allowed_versions(&allowed, origin),
            None => Outcome::wrong("a range or a /regex/"),
        },
        "versioning" => match value.text() {
            Some(name) => versioning(name, origin, value.line),
            None => Outcome::wrong("the name of a versioning"),
        },
        "labels" | "addLabels" => match value.texts() {
            Some(labels) => {
                let added = (key == "addLabels").then(|| known_labels(context));
                let own = labels.into_iter().map(str::to_owned);
                let labels: Vec<String> =
                    added.unwrap_or_default().into_iter().chain(own).collect();
                templates_aside("labels", labels, origin)
            }
            None => Outcome::wrong("a list of labels"),
        },
        "assignees" => users("assignees", value, &[], origin),
        "reviewers" => users("reviewers", value, &[], origin),
        "additionalReviewers" => users("reviewers", value, &context.reviewers, origin),
        "prConcurrentLimit" => match value.number() {
            Some(0) => Outcome::note("0 means without a limit; the operator's `max_open` applies"),
            Some(limit) => Outcome::set(
                Setting::number("max_open", limit, origin).noted("never more than the operator's"),
            ),
            None => Outcome::wrong("a number"),
        },
        "prHourlyLimit" => match value.number() {
            Some(0) => {
                Outcome::note("0 means without a limit; the operator's `max_new_per_hour` applies")
            }
            Some(limit) => Outcome {
                operator: vec![format!(
                    "[limits]\nmax_new_per_hour = {limit}   # of all repositories together"
                )],
                ..Outcome::default()
            },
            None => Outcome::wrong("a number"),
        },
        other => Outcome::note(renovate_key(other).unwrap_or("imagebot has no such setting")),
    }
}

/// The labels that `addLabels` adds to.
fn known_labels(context: &Context) -> Vec<String> {
    let default = || vec!["imagebot".to_owned()];
    context.labels.clone().unwrap_or_else(default)
}

fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// A list without its templates, which have a note each.
fn templates_aside(name: &str, values: Vec<String>, origin: &Origin) -> Outcome {
    let (templates, values): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|text| is_template(text));
    let notes = templates
        .iter()
        .map(|template| format!("{template:?} is a template, and `{name}` has none"));
    Outcome {
        set: vec![Setting::texts(name, &values, origin)],
        notes: notes.collect(),
        ..Outcome::default()
    }
}

fn enabled(value: bool, types: &Types, origin: &Origin) -> Outcome {
    if *types == Types::all() {
        return Outcome::set(Setting::bool("enabled", value, origin));
    }
    let settings = |pairs: Vec<(&str, &str)>| Outcome {
        set: pairs
            .into_iter()
            .map(|(key, value)| Setting::text(key, value, origin))
            .collect(),
        ..Outcome::default()
    };
    match (value, types.without()) {
        (false, Some(pairs)) => settings(pairs),
        (false, None) => Outcome::note("`max` excludes a level together with all larger ones"),
        (true, _) if types.has(UpdateType::Major) => settings(vec![("max", "major")]),
        (true, _) if types.has(UpdateType::Pin) => settings(vec![("digest", "pin")]),
        (true, _) if types.has(UpdateType::Digest) => settings(vec![("digest", "refresh")]),
        (true, _) => Outcome::note(
            "`max` allows a level together with all smaller ones; major is the default",
        ),
    }
}

fn automerge(value: bool, types: &Types, context: &Context, origin: &Origin) -> Outcome {
    match (value, types.up_to()) {
        (true, Some(largest)) => {
            let has_digests = types.has(UpdateType::Digest);
            Outcome::set(automerge_up_to(largest, has_digests, context, origin))
        }
        (true, None) => Outcome::note(
            "`automerge` includes all smaller changes; name the largest one that may be merged",
        ),
        (false, _) if types.has_versions() => {
            Outcome::set(Setting::text("automerge", "never", origin))
        }
        (false, _) => Outcome::note(
            "`automerge` names the largest change that is merged; lower it in the rule that sets it",
        ),
    }
}

/// `automerge`, with a comment about what it means here.
pub(super) fn automerge_up_to(
    largest: UpdateType,
    has_digests: bool,
    context: &Context,
    origin: &Origin,
) -> Setting {
    let digests = (largest > UpdateType::Digest && !has_digests).then_some("digests too");
    let age = (!context.has_age).then_some("write min_age as well");
    let notes = [
        digests,
        Some("as far as the operator's [ceiling] allows"),
        age,
    ];
    let notes: Vec<&str> = notes.into_iter().flatten().collect();
    Setting::text("automerge", largest.level(), origin).noted(&notes.join("; "))
}

/// Major changes are merge requests of their own by default, so that a group of all others is the same group here.
fn group(value: &Value, types: &Types, origin: &Origin) -> Outcome {
    let name = match &value.kind {
        Kind::Null => "",
        Kind::Text(name) if is_template(name) => {
            return Outcome::note("it is a template; a group has a fixed name");
        }
        Kind::Text(name) => name,
        _ => return Outcome::wrong("a name"),
    };
    let is_all_but_major = types.has(UpdateType::Minor) && types.has(UpdateType::Patch);
    match is_all_but_major {
        true => Outcome::set(Setting::text("group", name, origin)),
        false => Outcome::note(
            "a group has changes of every level; major changes are separate with `separate_major`",
        ),
    }
}

fn allowed_versions(allowed: &str, origin: &Origin) -> Outcome {
    if is_template(allowed) {
        return Outcome::note("it is a template; `allow` takes a range or a \"/regex/\"");
    }
    let (not, pattern) = match allowed.strip_prefix('!') {
        Some(pattern) if pattern.starts_with('/') => ("!", pattern),
        _ => ("", allowed),
    };
    let written = match between_slashes(pattern) {
        Some(regex) if pattern.ends_with("/i") => format!("{not}/(?i){regex}/"),
        _ => allowed.to_owned(),
    };
    Outcome::set(Setting::text("allow", &written, origin))
}

fn versioning(name: &str, origin: &Origin, line: usize) -> Outcome {
    let auto = "imagebot parses tags by itself; `imagebot tags IMAGE` shows how";
    let Some(pattern) = name.strip_prefix("regex:") else {
        return match name {
            "docker" => Outcome::default(),
            "semver" => Outcome::set(Setting::text("scheme", "semver", origin)),
            _ => Outcome::note(&format!("there is no scheme {name:?}; {auto}")),
        };
    };
    match RegexScheme::parse(pattern, &[]) {
        Ok(_) => Outcome {
            notes: vec![format!(
                "a repository cannot define a scheme; write scheme = \"tags-{line}\" when the operator has the [[scheme]] below, or \
                 nothing: {auto}"
            )],
            operator: vec![format!(
                "[[scheme]]\nname = \"tags-{line}\"\npattern = {}",
                quoted(pattern)
            )],
            ..Outcome::default()
        },
        Err(error) => Outcome::note(&format!(
            "its pattern is not one of a [[scheme]]: {error}; {auto}"
        )),
    }
}

/// Users; teams and addresses are not users.
fn users(name: &str, value: &Value, known: &[String], origin: &Origin) -> Outcome {
    let Some(written) = value.texts() else {
        return Outcome::wrong("a list of user names");
    };
    let is_user = |user: &&str| !user.contains([':', '/', '@', '{', ' ']) && !user.is_empty();
    let plain = written.iter().map(|user| user.trim_start_matches('@'));
    let (users, others): (Vec<&str>, Vec<&str>) = plain.partition(is_user);
    let notes = others
        .iter()
        .map(|other| format!("{other:?} is not a user; only single users can be set"));
    let all: Vec<&str> = known.iter().map(String::as_str).chain(users).collect();
    Outcome {
        set: match all.is_empty() {
            true => Vec::new(),
            false => vec![Setting::texts(name, &all, origin)],
        },
        notes: notes.collect(),
        ..Outcome::default()
    }
}
