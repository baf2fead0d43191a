//! A line that gives a name a value: `NAME=1.2`, `name: "1.2"`, `const name = '1.2';`, `ENV NAME 1.2`.

use std::ops::Range;

/// Words before the name.
const KEYWORDS: [&str; 12] = [
    "export", "env", "arg", "const", "var", "def", "let", "local", "readonly", "override",
    "static", "final",
];
/// What separates name and value, the longest first.
const SEPARATORS: [&str; 7] = ["::=", ":=", "?=", "=>", "==", "=", ":"];
/// What begins a comment after the value.
const COMMENTS: [&str; 6] = ["#", "//", "--", ";", "<!--", "/*"];

/// A name and its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// Where the value is in the line, without quotes.
    pub(super) value: Range<usize>,
    pub(super) is_quoted: bool,
}

impl Assignment {
    /// Reads a line; `None` if it is anything else.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if let Some(value) = element(line) {
            return Some(value);
        }
        let mut rest = line.trim_start();
        while let Some(item) = rest.strip_prefix("- ") {
            rest = item.trim_start();
        }
        while let Some(behind) = keyword(rest) {
            rest = behind;
        }
        rest = separated(rest)?.trim_start();
        let start = line.len() - rest.len();
        let quote = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\'' | '`'));
        let (length, behind) = match quote {
            Some(quote) => {
                let inner = &rest[1..];
                let length = inner.find(quote)?;
                (length, &inner[length + 1..])
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let value = rest[..end].trim_end_matches([',', ';']);
                (value.len(), &rest[value.len()..])
            }
        };
        let start = start + usize::from(quote.is_some());
        let value = start..start + length;
        let is_text = length > 0 && !line[value.clone()].contains('\\');
        (is_text && ends(behind)).then_some(Self {
            value,
            is_quoted: quote.is_some(),
        })
    }
}

/// What follows a keyword and its blanks.
fn keyword(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once([' ', '\t'])?;
    let is_keyword = KEYWORDS
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    let rest = rest.trim_start();
    // `local = 1` sets a variable of this name.
    (is_keyword && !SEPARATORS.iter().any(|mark| rest.starts_with(mark))).then_some(rest)
}

/// What follows a name and a separator.
fn separated(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let behind = match quote {
        Some(quote) => {
            let inner = &text[1..];
            &inner[inner.find(quote)? + 1..]
        }
        None => {
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
            (end > 0).then_some(&text[end..])?
        }
    };
    let trimmed = behind.trim_start();
    for mark in SEPARATORS {
        if let Some(value) = trimmed.strip_prefix(mark) {
            // `nginx:1.25` is not a name and a value.
            let is_apart = value.starts_with([' ', '\t', '"', '\'']) || quote.is_some();
            return (mark != ":" || is_apart).then_some(value);
        }
    }
    (trimmed.len() < behind.len()).then_some(trimmed)
}

/// `<name>value</name>`.
fn element(line: &str) -> Option<Assignment> {
    let text = line.trim_start().strip_prefix('<')?;
    let (name, rest) = text.split_once('>')?;
    let name = name
        .split([' ', '\t'])
        .next()
        .filter(|name| !name.is_empty())?;
    let (value, behind) = rest.split_once('<')?;
    let behind = behind
        .strip_prefix('/')?
        .strip_prefix(name)?
        .strip_prefix('>')?;
    let start = line.len() - rest.len() + value.len() - value.trim_start().len();
    let value = start..start + value.trim().len();
    (!value.is_empty() && ends(behind)).then_some(Assignment {
        value,
        is_quoted: true,
    })
}

/// Whether nothing follows a value but punctuation and a comment.
fn ends(behind: &str) -> bool {
    let is_comment = |text: &str| COMMENTS.iter().any(|lead| text.starts_with(lead));
    let mut rest = behind;
    loop {
        let trimmed = rest.trim();
        let is_apart = trimmed.len() < rest.len() || rest.len() < behind.len();
        if trimmed.is_empty() || trimmed == "\\" || is_apart && is_comment(trimmed) {
            return true;
        }
        match trimmed.strip_prefix([',', ';', ')', ']', '}']) {
            Some(after) => rest = after,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_set_a_value() {
        for (line, expect) in [
            ("A=1.2", Some("1.2")),
            ("  key: \"1.2\" # comment", Some("1.2")),
            ("\"key\":\"1.2\",", Some("1.2")),
            ("ARG A=1.2", Some("1.2")),
            ("ENV A 1.2", Some("1.2")),
            ("ENV A=1.2 \\", Some("1.2")),
            ("export A = 1.2", Some("1.2")),
            ("A := a/b:1.2  # comment", Some("a/b:1.2")),
            ("A ?= 1.2", Some("1.2")),
            ("const a = '1.2'; // comment", Some("1.2")),
            ("var a = '1.2',", Some("1.2")),
            ("local a = \"1.2\" -- comment", Some("1.2")),
            ("local = 1.2", Some("1.2")),
            ("- name: 1.2", Some("1.2")),
            ("- A=1.2", Some("1.2")),
            ("version 1.2;", Some("1.2")),
            ("  <version>1.2</version>", Some("1.2")),
            ("image = \"a:1\" }", Some("a:1")),
            ("", None),
            ("1.2", None),
            ("- nginx:1.25", None),
            ("RUN a b c", None),
            ("tag = 1.2 ; comment", Some("1.2")),
            ("a = '1.2'; b();", None),
            ("A=1.2 B=3", None),
            ("A=\"1.2", None),
            ("A=", None),
            ("key: |", Some("|")),
            ("<a>1.2</b>", None),
            ("A=\"1\\n2\"", None),
        ] {
            let found = Assignment::parse(line).map(|it| &line[it.value]);
            assert_eq!(found, expect, "{line}");
        }
    }
}
