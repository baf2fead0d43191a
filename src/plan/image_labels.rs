//! The image labels in a merge request's description.
//!
//! Anyone who may push the image can set its labels. They are only displayed, never used for decisions (T31), and shown
//! as code, so that they contain no commands or mentions (T33).

use super::decision::{Decision, Wanted};
use super::escape::code;
use super::observe::Observations;
use crate::family::shown;

/// The description and source of an image, from its labels.
pub(super) fn about(decision: &Decision, wanted: &Wanted, seen: &Observations) -> Option<String> {
    let lookup = decision.lookup.clone()?;
    let labels = &seen.labels.get(&(lookup, wanted.target.clone()?))?.0;
    let label = |name: &str| {
        labels
            .get(&format!("org.opencontainers.image.{name}"))
            .filter(|text| !text.is_empty())
    };
    let image = decision
        .reference()
        .map(|reference| code(shown(reference.name.written())))?;
    let mut parts = Vec::new();
    parts.extend(
        label("description")
            .or_else(|| label("title"))
            .map(|text| code(text)),
    );
    let source = label("source").or_else(|| label("url"));
    parts.extend(source.map(|text| format!("source {}", link(text).unwrap_or_else(|| code(text)))));
    parts.extend(label("revision").map(|text| format!("revision {}", code(text))));
    parts.extend(label("version").map(|text| format!("version {}", code(text))));
    (!parts.is_empty()).then(|| format!("{image}: {}", parts.join(", ")))
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
