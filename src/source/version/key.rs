//! A key inside other keys, with dots between.

use std::fmt;

/// The names from a document's top to a value: `package.version`, `"a.b".version`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// Reads a key; `None` if a name is empty or a quote is open.
    pub fn parse(text: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut rest = text;
        loop {
            let name;
            (name, rest) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if name.is_empty() || name.chars().any(char::is_control) {
                return None;
            }
            names.push(name.to_owned());
            if rest.is_empty() {
                return Some(Self(names));
            }
            rest = rest.strip_prefix('.')?;
        }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let dot = if index > 0 { "." } else { "" };
            let quote = if name.contains('.') { "\"" } else { "" };
            write!(f, "{dot}{quote}{name}{quote}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_gives_the_text_back() {
        for text in ["version", "package.version", "\"a.b\".version", "a.\"b.c\""] {
            let key = KeyPath::parse(text);
            assert_eq!(key.map(|key| key.to_string()).as_deref(), Some(text));
        }
        for bad in ["", ".", "a.", ".a", "a..b", "\"a", "\"a\"b", "a\nb"] {
            assert_eq!(KeyPath::parse(bad), None, "{bad:?}");
        }
    }
}
