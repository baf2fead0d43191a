//! What GitHub makes of a text: mentions, references to issues, closing keywords.

use regex::Regex;
use std::sync::LazyLock;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

static INERT: LazyLock<Regex> = LazyLock::new(|| {
    // Fenced code, code spans and comments are not looked at.
    pattern(r"(?s)```.*?```|~~~.*?~~~|``[^`]+``|`[^`\n]+`|<!--.*?-->")
});
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?:^|[^A-Za-z0-9_/&;.])(@[A-Za-z0-9][A-Za-z0-9-]*(?:/[A-Za-z0-9_-]+)?)")
});
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:[\w.-]+/[\w.-]+)?#\d+")
});
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^A-Za-z0-9_&])((?:[\w.-]+/[\w.-]+)?(?:#|GH-)\d+)\b"));

/// What a text does besides being read.
pub(super) fn effects(place: &str, text: &str) -> Vec<String> {
    let text = INERT.replace_all(text, " x ");
    let mut all = Vec::new();
    for (what, pattern) in [
        ("mentions", &*MENTION),
        ("closes", &*CLOSING),
        ("refers to", &*REFERENCE),
    ] {
        for found in pattern.find_iter(&text) {
            all.push(format!("{place} {what} {}", found.as_str().trim()));
        }
    }
    all
}

#[test]
fn what_fires_and_what_does_not() {
    for fires in [
        "hello @ada",
        "Closes #1",
        "see #12",
        "team/app#3",
        "@org/team",
    ] {
        assert!(!effects("x", fires).is_empty(), "{fires}");
    }
    for inert in [
        "`@ada`",
        "node@sha256:aa",
        "a@b.example",
        "```\nCloses #1\n```",
        "@\u{200b}ada",
        "#\u{200b}1",
        "<!-- @x -->",
        "&#8203;",
    ] {
        assert!(
            effects("x", inert).is_empty(),
            "{inert}: {:?}",
            effects("x", inert)
        );
    }
}
