//! A tag, as the OCI distribution specification writes it.

use std::fmt;

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution specification, "Pulling manifests").
///
/// Names in a registry's list that do not fit are dropped where they are read, so that nothing from outside can carry a
/// newline, a space or an escape sequence into a file.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

/// Why a text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseTagError {
    /// The text is empty.
    #[error("a tag cannot be empty")]
    Empty,
    /// The text is longer than 128 characters.
    #[error("a tag has at most 128 characters")]
    TooLong,
    /// A character that is not allowed in a tag, or not as its first.
    #[error(
        "invalid character {0:?} in a tag: use letters, digits and `_`, and after the first character also `.` and `-`"
    )]
    Character(char),
}

impl Tag {
    /// The longest tag, in characters.
    pub const MAX_LEN: usize = 128;

    /// Reads a tag.
    pub fn parse(text: &str) -> Result<Self, ParseTagError> {
        if text.is_empty() {
            return Err(ParseTagError::Empty);
        }
        let bad = text.char_indices().find(|&(i, c)| {
            !(c.is_ascii_alphanumeric() || c == '_' || (i > 0 && matches!(c, '.' | '-')))
        });
        if let Some((_, c)) = bad {
            return Err(ParseTagError::Character(c));
        }
        if text.len() > Self::MAX_LEN {
            return Err(ParseTagError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.0)
    }
}

impl std::str::FromStr for Tag {
    type Err = ParseTagError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Tag {
    type Error = ParseTagError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_specification_allows() {
        for good in [
            "1",
            "latest",
            "V1_2-x",
            "_a",
            "1.2.3-alpine3.18",
            &"a".repeat(128),
        ] {
            assert_eq!(Tag::parse(good).map(|t| t.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn refuses_what_could_break_out_of_a_line() {
        use ParseTagError::*;
        for (bad, why) in [
            ("", Empty),
            (".1", Character('.')),
            ("-rm", Character('-')),
            ("1.0\nRUN curl evil", Character('\n')),
            ("1 0", Character(' ')),
            ("$(x)", Character('$')),
            ("@everyone", Character('@')),
            ("../x", Character('.')),
            ("1\u{202e}0", Character('\u{202e}')),
            (&"a".repeat(129), TooLong),
        ] {
            assert_eq!(Tag::parse(bad), Err(why), "{bad:?}");
        }
    }
}
