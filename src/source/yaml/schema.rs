//! The types of plain texts in YAML 1.1 and in the core schema of YAML 1.2.
//!
//! Programs differ in the version that they read: PyYAML, Ruby and most Go programs read 1.1 in part, others 1.2.

use regex::Regex;
use std::sync::LazyLock;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

impl Style {
    pub(super) fn is_block(self) -> bool {
        matches!(self, Self::Literal | Self::Folded)
    }
}

/// The type of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarType {
    Text,
    Null,
    Bool,
    Int,
    Float,
    /// A date, with or without a time; YAML 1.2 has none.
    Timestamp,
}

/// <https://yaml.org/type/>; the first that matches counts.
const YAML_1_1: [(ScalarType, &str); 13] = [
    (ScalarType::Null, "|~|null|Null|NULL"),
    (
        ScalarType::Bool,
        "y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
    ),
    (ScalarType::Int, "[-+]?0b[0-1_]+"),
    (ScalarType::Int, "[-+]?0[0-7_]+"),
    (ScalarType::Int, "[-+]?(0|[1-9][0-9_]*)"),
    (ScalarType::Int, "[-+]?0x[0-9a-fA-F_]+"),
    (ScalarType::Int, "[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+"),
    (
        ScalarType::Float,
        r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?",
    ),
    (ScalarType::Float, r"[-+]?\.[0-9][0-9_]*([eE][-+][0-9]+)?"),
    (
        ScalarType::Float,
        r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*",
    ),
    (ScalarType::Float, r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    (ScalarType::Timestamp, "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    (
        ScalarType::Timestamp,
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))?",
    ),
];

/// <https://yaml.org/spec/1.2.2/#103-core-schema>
const YAML_1_2: [(ScalarType, &str); 7] = [
    (ScalarType::Null, "|~|null|Null|NULL"),
    (ScalarType::Bool, "true|True|TRUE|false|False|FALSE"),
    (ScalarType::Int, "[-+]?[0-9]+"),
    (ScalarType::Int, "0o[0-7]+"),
    (ScalarType::Int, "0x[0-9a-fA-F]+"),
    (
        ScalarType::Float,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
    ),
    (ScalarType::Float, r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
];

type Patterns = Vec<(ScalarType, Regex)>;

static PATTERNS: LazyLock<(Patterns, Patterns)> =
    LazyLock::new(|| (compiled(&YAML_1_1), compiled(&YAML_1_2)));

fn compiled(patterns: &[(ScalarType, &str)]) -> Patterns {
    let compiled = patterns.iter().filter_map(|(kind, pattern)| {
        let whole = Regex::new(&format!("^(?:{pattern})$")).ok()?;
        Some((*kind, whole))
    });
    compiled.collect()
}

/// The types of a plain text in YAML 1.1 and 1.2.
pub(super) fn types(text: &str) -> (ScalarType, ScalarType) {
    let kind = |patterns: &Patterns| {
        let found = patterns.iter().find(|(_, pattern)| pattern.is_match(text));
        found.map_or(ScalarType::Text, |(kind, _)| *kind)
    };
    (kind(&PATTERNS.0), kind(&PATTERNS.1))
}

/// Whether a number is printed as it is written by a program that reads it as a floating-point number and prints the
/// fewest digits that it needs, as Go does: six digits, no zeros at either end, no sign or exponent.
pub(super) fn prints_as_written(text: &str) -> bool {
    static PRINTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(?:0|[1-9][0-9]{0,5}|(?:0|[1-9][0-9]{0,5})\.[0-9]{0,8}[1-9])$").ok()
    });
    PRINTED
        .as_ref()
        .is_some_and(|printed| printed.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::ScalarType::{Bool, Float, Int, Null, Text, Timestamp};
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(
            (PATTERNS.0.len(), PATTERNS.1.len()),
            (YAML_1_1.len(), YAML_1_2.len())
        );
    }

    #[test]
    fn types_of_plain_texts() {
        for (text, expect) in [
            ("", (Null, Null)),
            ("~", (Null, Null)),
            ("yes", (Bool, Text)),
            ("true", (Bool, Bool)),
            ("12", (Int, Int)),
            ("-12", (Int, Int)),
            ("012", (Int, Int)),
            ("089", (Text, Int)),
            ("1_000", (Int, Text)),
            ("0x1F", (Int, Int)),
            ("0o17", (Text, Int)),
            ("12:30", (Int, Text)),
            ("1.10", (Float, Float)),
            ("1.", (Float, Float)),
            ("1e3", (Text, Float)),
            ("1.5e3", (Text, Float)),
            ("1.5e+3", (Float, Float)),
            (".inf", (Float, Float)),
            ("2024-01-31", (Timestamp, Text)),
            ("2024-01-31 10:00:00 +1", (Timestamp, Text)),
            ("1.2.3", (Text, Text)),
            ("v1.2", (Text, Text)),
            ("1.2-alpine", (Text, Text)),
            ("latest", (Text, Text)),
            ("nullable", (Text, Text)),
            ("1\n", (Text, Text)),
        ] {
            assert_eq!(types(text), expect, "{text:?}");
        }
    }

    #[test]
    fn numbers_that_are_printed_as_written() {
        for text in ["0", "7", "16", "123456", "1.5", "3.18", "0.05", "12.25"] {
            assert!(prints_as_written(text), "{text}");
        }
        for text in [
            "1.10", "1.0", "1.", ".5", "007", "1234567", "20240101", "+1", "1e3", "0x1F", "1_0",
            "12:30", "~", "",
        ] {
            assert!(!prints_as_written(text), "{text}");
        }
    }
}
