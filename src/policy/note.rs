//! `# imagebot:` comments right above an instruction.

use super::settings::{Changes, Set, SettingOrigin};
use crate::coded::Coded;
use crate::repo::RepoPath;
use crate::scheme::{Allow, Ignore};
use crate::source::{Comment, comment_words};
use std::borrow::Cow;
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
            let text = settings_in(&comment.text);
            if read.len() < Self::MOST && !read.contains_key(&*text) {
                let note = Note::parse(&text, &SettingOrigin::built_in());
                read.insert(text.into_owned(), note);
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
                file: comment.file.as_ref().unwrap_or(path).as_str().into(),
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
        let text = &*settings_in(text);
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

/// A comment without the image that it names: many comments name different images and set the same.
fn settings_in(text: &str) -> Cow<'_, str> {
    if !["image=", "prefix="].iter().any(|key| text.contains(key)) || text.len() > LONGEST {
        return text.into();
    }
    let Ok(words) = comment_words(text) else {
        return text.into();
    };
    let names_image = |key: &str| matches!(key, "image" | "prefix");
    let words = words.into_iter().filter_map(|(key, value)| match value {
        Some(_) if names_image(&key) => None,
        Some(value) if value.contains(char::is_whitespace) => Some(format!("{key}=\"{value}\"")),
        Some(value) => Some(format!("{key}={value}")),
        None => Some(key),
    });
    words.collect::<Vec<_>>().join(" ").into()
}

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
        for (key, value) in comment_words(note).map_err(&error)? {
            apply(&mut changes, &key, value.as_deref(), from).map_err(&error)?;
        }
        Ok(Self { changes })
    }
}

/// A setting that a comment can change: its values are written without quotes.
trait CommentValue: Sized {
    fn read(key: &str, text: &str) -> Result<Self, String>;
}

impl<T: Coded> CommentValue for T {
    fn read(key: &str, text: &str) -> Result<Self, String> {
        let expected = || format!("{key} must be one of {}", T::CODES.join(", "));
        T::of_code(text).ok_or_else(expected)
    }
}

impl CommentValue for bool {
    fn read(key: &str, text: &str) -> Result<Self, String> {
        let expected = |_| format!("{key} must be one of true, false");
        text.parse().map_err(expected)
    }
}

impl CommentValue for String {
    fn read(_: &str, text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl CommentValue for Option<String> {
    fn read(_: &str, text: &str) -> Result<Self, String> {
        Ok(Some(text.to_owned()))
    }
}

impl CommentValue for Option<Allow> {
    fn read(_: &str, text: &str) -> Result<Self, String> {
        let allow = Allow::parse(text).map_err(|error| error.to_string())?;
        Ok(Some(allow))
    }
}

/// The settings that a comment can change by their own names; `ignore` is apart.
macro_rules! comment_keys {
    ($($name:ident),*) => {
        const KEYS: &str = concat!("ignore" $(, ", ", stringify!($name))*, ", image, prefix");

        fn set_key(changes: &mut Changes, key: &str, text: &str, from: &SettingOrigin) -> Result<(), String> {
            match key {
                $(stringify!($name) => {
                    let value = CommentValue::read(key, text)?;
                    changes.$name = set(value, from);
                })*
                _ => return Err(unknown(key)),
            }
            Ok(())
        }
    };
}

comment_keys!(
    max, prerelease, variant, codename, digest, allow, group, reason
);

fn unknown(key: &str) -> String {
    format!("unknown key {key:?}: expected one of {KEYS}")
}

fn set<T>(value: T, from: &SettingOrigin) -> Option<Set<T>> {
    Some(Set {
        value,
        from: from.clone(),
    })
}

fn apply(
    changes: &mut Changes,
    key: &str,
    value: Option<&str>,
    from: &SettingOrigin,
) -> Result<(), String> {
    match (key, value) {
        // The word alone: the reference is not processed.
        ("ignore", None) => changes.enabled = set(false, from),
        // They give the value below a meaning, and are read with it.
        ("image" | "prefix", Some(_)) => {}
        // With a value: one more tag that is never chosen.
        ("ignore", Some(text)) => {
            let ignored = Ignore::parse(text).map_err(|error| error.to_string())?;
            let before = changes.ignore.take().map(|set| set.value);
            let mut all = before.unwrap_or_default();
            all.push(ignored);
            changes.ignore = set(all, from);
        }
        (key, Some(text)) => set_key(changes, key, text, from)?,
        (key, None) => return Err(unknown(key)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Level;

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
    fn comments_that_name_many_images_are_not_too_many() {
        let comments: Vec<Comment> = (0..2 * Notes::MOST)
            .map(|line| {
                let text = format!(
                    "image=a/b{line} max=minor reason=\"the {} of it\"",
                    line % 2
                );
                Comment::new(line, text)
            })
            .collect();
        let notes = Notes::read(&comments);
        let path = RepoPath::parse("Makefile").expect("a path");
        for comment in &comments {
            let note = notes.at(std::slice::from_ref(comment), &path);
            let changes = note.expect("it is read").changes;
            assert_eq!(changes.max.map(|set| set.value), Some(Level::Minor));
            let reason = format!("the {} of it", comment.line % 2);
            let found = changes.reason.and_then(|set| set.value);
            assert_eq!(found.as_deref(), Some(reason.as_str()));
        }
    }

    #[test]
    fn says_what_can_stand_there() {
        for (note, expect) in [
            (
                "maximum=minor",
                "`# imagebot: maximum=minor`: unknown key \"maximum\": expected one of ignore, max, prerelease, variant, codename, digest, allow, group, reason, image, prefix",
            ),
            (
                "max=big",
                "`# imagebot: max=big`: max must be one of digest, build, patch, minor, major",
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
