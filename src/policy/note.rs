//! `# imagebot:` comments right above an instruction.

use super::settings::{Changes, DigestMode, Set, SettingOrigin};
use crate::repo::RepoPath;
use crate::scheme::{Allow, CodenameMode, Ignore, Level, VariantMode};
use crate::source::Comment;
use std::collections::BTreeMap;

/// The comments above a reference, parsed.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// What they change.
    pub changes: Changes,
}

/// The comments of a repository. Each text is parsed once, however often it occurs in the files and however often a
/// decision is made, because a comment with a regular expression is expensive (B2).
#[derive(Debug, Clone, Default)]
pub struct Notes(BTreeMap<String, Result<Note, ParseNoteError>>);

impl Notes {
    /// The most different comments of a repository that are read.
    pub const MOST: usize = 200;

    /// Parses comments.
    pub fn read<'n>(all: impl IntoIterator<Item = &'n Comment>) -> Self {
        let mut read = BTreeMap::new();
        for comment in all {
            if read.len() < Self::MOST && !read.contains_key(&comment.text) {
                let note = Note::parse(&comment.text, &SettingOrigin::built_in());
                read.insert(comment.text.clone(), note);
            }
        }
        Self(read)
    }

    /// The comments above one reference combined, each key with the line of its own comment.
    pub fn at(&self, comments: &[Comment], path: &RepoPath) -> Result<Note, BadNote> {
        let mut all = Changes::default();
        for (index, comment) in comments.iter().enumerate() {
            let bad = |error| BadNote {
                line: comment.line,
                error,
            };
            if index >= MOST {
                return Err(bad(ParseNoteError {
                    note: shortened(&comment.text),
                    what: format!("a reference can have at most {MOST} comments above it"),
                }));
            }
            let from = SettingOrigin {
                file: path.as_str().into(),
                line: comment.line,
            };
            let mut changes = self.one(&comment.text, &from).map_err(bad)?.changes;
            if let (Some(before), Some(more)) = (&all.ignore, &mut changes.ignore) {
                more.value.splice(0..0, before.value.iter().cloned());
            }
            all = all.with(changes);
        }
        Ok(Note { changes: all })
    }

    fn one(&self, text: &str, from: &SettingOrigin) -> Result<Note, ParseNoteError> {
        match self.0.get(text) {
            None if self.0.len() >= Self::MOST => Err(ParseNoteError {
                note: shortened(text),
                what: format!(
                    "the repository has more than {} different comments; write a [[rule]] instead",
                    Self::MOST
                ),
            }),
            None => Note::parse(text, from),
            Some(Ok(note)) => Ok(Note {
                changes: note.changes.clone().at(from),
            }),
            Some(Err(error)) => Err(error.clone()),
        }
    }
}

/// The most comments above one reference, and the longest one, in bytes.
const MOST: usize = 20;
const LONGEST: usize = 1_000;

/// The beginning of a comment, for an error message.
fn shortened(note: &str) -> String {
    match note.char_indices().nth(100) {
        None => note.to_owned(),
        Some((at, _)) => format!("{}…", &note[..at]),
    }
}

/// Why a comment is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`# imagebot: {note}`: {what}")]
pub struct ParseNoteError {
    /// The comment's text after the colon.
    pub note: String,
    /// What is wrong with it, and what is allowed.
    pub what: String,
}

/// An invalid comment with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct BadNote {
    /// Its line.
    pub line: usize,
    /// What is wrong with it.
    pub error: ParseNoteError,
}

const KEYS: &str = "ignore, max, prerelease, variant, codename, digest, allow, group, reason";

impl Note {
    /// Reads a comment: `ignore`, or `key=value` with double quotes around values that contain spaces.
    ///
    /// A comment can narrow or widen what is proposed for its own reference, and nothing else: it cannot name hosts,
    /// credentials or new schemes.
    pub fn parse(note: &str, from: &SettingOrigin) -> Result<Self, ParseNoteError> {
        let mut changes = Changes::default();
        let error = |what: String| ParseNoteError {
            note: shortened(note),
            what,
        };
        if note.len() > LONGEST {
            return Err(error(format!("it is longer than {LONGEST} characters")));
        }
        for (key, value) in words(note).map_err(&error)? {
            apply(&mut changes, &key, value.as_deref(), from).map_err(&error)?;
        }
        Ok(Self { changes })
    }
}

fn apply(
    changes: &mut Changes,
    key: &str,
    value: Option<&str>,
    from: &SettingOrigin,
) -> Result<(), String> {
    fn set<T>(value: T, from: &SettingOrigin) -> Option<Set<T>> {
        Some(Set {
            value,
            from: from.clone(),
        })
    }
    let one_of = |expected: &str| format!("{key} must be one of {expected}");
    match (key, value) {
        ("ignore", None) => changes.enabled = set(false, from),
        ("max", Some(text)) => {
            let level: Level = text
                .parse()
                .map_err(|_| one_of("major, minor, patch, build, digest"))?;
            changes.max = set(level, from);
        }
        ("prerelease", Some(text)) => {
            changes.prerelease = set(text.parse().map_err(|_| one_of("true, false"))?, from);
        }
        ("variant", Some("keep")) => changes.variant = set(VariantMode::Keep, from),
        ("variant", Some("follow")) => changes.variant = set(VariantMode::Follow, from),
        ("variant", Some(_)) => return Err(one_of("keep, follow")),
        ("codename", Some("hold")) => changes.codename = set(CodenameMode::Hold, from),
        ("codename", Some("follow")) => changes.codename = set(CodenameMode::Follow, from),
        ("codename", Some(_)) => return Err(one_of("hold, follow")),
        ("digest", Some(text)) => {
            let mode = DigestMode::ALL.into_iter().find(|mode| mode.code() == text);
            let names = || one_of(&DigestMode::ALL.map(DigestMode::code).join(", "));
            changes.digest = set(mode.ok_or_else(names)?, from);
        }
        ("allow", Some(text)) => {
            changes.allow = set(
                Some(Allow::parse(text).map_err(|error| error.to_string())?),
                from,
            );
        }
        ("ignore", Some(text)) => {
            let ignored = Ignore::parse(text).map_err(|error| error.to_string())?;
            let mut all = changes
                .ignore
                .take()
                .map(|set| set.value)
                .unwrap_or_default();
            all.push(ignored);
            changes.ignore = set(all, from);
        }
        ("group", Some(text)) => changes.group = set(text.to_owned(), from),
        ("reason", Some(text)) => changes.reason = set(Some(text.to_owned()), from),
        _ => return Err(format!("unknown key {key:?}: expected one of {KEYS}")),
    }
    Ok(())
}

/// The words of a comment, each with the value after its `=`.
fn words(note: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let mut words = Vec::new();
    let mut rest = note.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            None => None,
            Some(behind) => Some(match behind.strip_prefix('"') {
                Some(quoted) => {
                    let close = quoted.find('"').ok_or("a quote is not closed")?;
                    rest = &quoted[close + 1..];
                    quoted[..close].to_owned()
                }
                None => {
                    let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
                    rest = &behind[end..];
                    behind[..end].to_owned()
                }
            }),
        };
        words.push((key, value));
        rest = rest.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(note: &str) -> Result<Changes, String> {
        Note::parse(note, &SettingOrigin::built_in())
            .map(|note| note.changes)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn reads_keys_and_quoted_values() {
        let changes = read(r#"max=minor reason="the data folder changes" prerelease=true"#);
        let changes = changes.as_ref();
        assert_eq!(
            changes
                .ok()
                .and_then(|c| c.max.as_ref())
                .map(|set| set.value),
            Some(Level::Minor)
        );
        let reason = changes
            .ok()
            .and_then(|c| c.reason.as_ref())
            .and_then(|set| set.value.clone());
        assert_eq!(reason.as_deref(), Some("the data folder changes"));
        assert_eq!(
            read("ignore")
                .ok()
                .and_then(|c| c.enabled)
                .map(|set| set.value),
            Some(false)
        );
    }

    #[test]
    fn says_what_can_stand_there() {
        for (note, expect) in [
            (
                "maximum=minor",
                "`# imagebot: maximum=minor`: unknown key \"maximum\": expected one of ignore, max, prerelease, variant, codename, digest, allow, group, reason",
            ),
            (
                "max=big",
                "`# imagebot: max=big`: max must be one of major, minor, patch, build, digest",
            ),
            (
                "reason=\"x",
                "`# imagebot: reason=\"x`: a quote is not closed",
            ),
        ] {
            assert_eq!(read(note).err().as_deref(), Some(expect));
        }
    }
}
