//! What a merge request's description says about the new images: what changed in them, and their labels.
//!
//! Anyone who may push the image decides about that. It is only displayed, never used for decisions (T31), and shown as
//! code, so that it contains no commands or mentions (T33).

use super::decision::{Decision, Wanted};
use super::escape::code;
use super::image_facts::{ImageDiff, ImageFacts, readable_size};
use super::observe::Observations;
use crate::family::shown;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The most names that are listed for one part.
const MOST_NAMES: usize = 20;

/// The list entry about an image; `None` if nothing is known about it.
pub(super) fn about(decision: &Decision, wanted: &Wanted, seen: &Observations) -> Option<String> {
    let lookup = decision.lookup.clone()?;
    let new = seen.facts.get(&(lookup.clone(), wanted.target.clone()?))?;
    let old = seen.replaced.get(&(lookup, decision.replaced()?));
    let image = decision
        .reference()
        .map(|reference| code(shown(reference.name.written())))?;
    let diff = old.map(|old| ImageDiff::new(old, new)).unwrap_or_default();
    let mut lines = parts(&diff);
    lines.extend(labels(new));
    let mut entry = format!("- {image}");
    if let Some(built) = built(old.map(AsRef::as_ref), new) {
        let _ = write!(entry, ": {built}");
    } else if lines.is_empty() {
        return None;
    }
    for line in lines {
        let _ = write!(entry, "\n  - {line}");
    }
    Some(entry)
}

/// When the images were built. Reproducible builds write a fixed time in 1970.
fn built(old: Option<&ImageFacts>, new: &ImageFacts) -> Option<String> {
    let date = |facts: &ImageFacts| {
        let created = facts.created.filter(|time| time.as_second() > 86_400)?;
        Some(created.strftime("%Y-%m-%d").to_string())
    };
    let now = date(new)?;
    Some(match old.and_then(date) {
        Some(before) => format!("built on {now}, the one before on {before}"),
        None => format!("built on {now}"),
    })
}

fn parts(diff: &ImageDiff) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(page) = &diff.commits {
        lines.push(format!("[commits between the two]({page})"));
    }
    let names = |gained: &str, lost: &str, more: &BTreeSet<String>, fewer: &BTreeSet<String>| {
        let sides = [(gained, more), (lost, fewer)].into_iter();
        let sides = sides.filter(|(_, names)| !names.is_empty());
        let sides: Vec<String> = sides
            .map(|(word, names)| format!("{word} {}", list(names)))
            .collect();
        sides.join(", ")
    };
    let platforms = names(
        "gained",
        "lost",
        &diff.platforms_added,
        &diff.platforms_removed,
    );
    if !platforms.is_empty() {
        lines.push(format!("platforms: {platforms}"));
    }
    for (key, (before, after)) in &diff.settings {
        let value = |value: &Option<String>| match value {
            Some(value) => code(value),
            None => "not set".to_owned(),
        };
        lines.push(format!(
            "{}: {} → {}",
            setting(key),
            value(before),
            value(after)
        ));
    }
    let environment = names(
        "added",
        "removed",
        &diff.environment_added,
        &diff.environment_removed,
    );
    if !environment.is_empty() {
        lines.push(format!("environment: {environment}"));
    }
    let shared = diff.layers_shared;
    let shared = shared.map(|(shared, all)| format!("{shared} of {all} layers unchanged"));
    let sizes = diff.sizes.map(|(before, after)| {
        format!("size: {} → {}", readable_size(before), readable_size(after))
    });
    let content: Vec<String> = sizes.into_iter().chain(shared).collect();
    if !content.is_empty() {
        lines.push(content.join(", "));
    }
    lines
}

/// What a Dockerfile calls a setting.
fn setting(key: &str) -> &'static str {
    match key {
        "User" => "user",
        "ExposedPorts" => "exposed ports",
        "Entrypoint" => "entry point",
        "Cmd" => "command",
        "Volumes" => "volumes",
        "WorkingDir" => "working folder",
        "StopSignal" => "stop signal",
        "Shell" => "shell",
        "OnBuild" => "instructions for children (`ONBUILD`)",
        "Healthcheck" => "health check",
        _ => "another setting",
    }
}

fn list(names: &BTreeSet<String>) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| code(name))
        .collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The description and source of an image, from its labels.
fn labels(facts: &ImageFacts) -> Option<String> {
    let mut parts = Vec::new();
    let description = facts.label("description").or_else(|| facts.label("title"));
    parts.extend(description.map(code));
    let source = facts.label("source").or_else(|| facts.label("url"));
    parts.extend(source.map(|text| format!("source {}", link(text).unwrap_or_else(|| code(text)))));
    let texts = ["revision", "version"].into_iter();
    parts.extend(texts.filter_map(|name| Some(format!("{name} {}", code(facts.label(name)?)))));
    (!parts.is_empty()).then(|| format!("labels: {}", parts.join(", ")))
}

/// A URL as a link; `None` unless the link is safe to post. The text is set by the author of the image: a link to an
/// issue or a commit would leave a note there, and a URL with a login would reveal it.
fn link(text: &str) -> Option<String> {
    const LONGEST: usize = 200;
    let url = url::Url::parse(text).ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let path = url.path().trim_end_matches('/');
    let names_a_thing = [
        "issues",
        "pull",
        "merge_requests",
        "commit",
        "discussions",
        "-",
    ];
    let leads_elsewhere = path.split('/').any(|part| names_a_thing.contains(&part));
    let is_safe = text.len() <= LONGEST
        && url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && path.chars().all(is_plain)
        && !leads_elsewhere;
    is_safe.then(|| format!("<https://{}{path}>", url.authority()))
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn only_a_harmless_address_becomes_a_link() {
        for (text, expect) in [
            (
                "https://gitlab.example/team/base",
                Some("<https://gitlab.example/team/base>"),
            ),
            (
                "https://github.com/acme/base/",
                Some("<https://github.com/acme/base>"),
            ),
            (
                "https://git.example:8443/a.b/c_d-e~f",
                Some("<https://git.example:8443/a.b/c_d-e~f>"),
            ),
            ("http://gitlab.example/team/base", None),
            ("https://github.com/acme/base/issues/7", None),
            ("https://github.com/acme/base/pull/7", None),
            ("https://gitlab.example/a/b/-/merge_requests/1", None),
            ("https://github.com/acme/base/commit/0123456", None),
            ("https://bot:secret@gitlab.example/a/b", None),
            ("https://gitlab.example/a/b?x=@all", None),
            ("https://gitlab.example/a/b#note", None),
            ("https://gitlab.example/a/@all", None),
            ("https://gitlab.example/a>/close", None),
            ("javascript:alert(1)", None),
            ("/close", None),
        ] {
            assert_eq!(link(text).as_deref(), expect, "{text}");
        }
        let long = format!("https://gitlab.example/{}", "a".repeat(300));
        assert_eq!(link(&long), None);
    }
}
