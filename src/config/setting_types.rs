//! How the files write each type of setting: what kind of value a key holds, and how it is read.

use super::keys::Kind;
use super::schemes::Schemes;
use super::table::{At, Table};
use crate::coded::Coded;
use crate::image::Platform;
use crate::policy::{Age, LabelNames, NamedScheme, UserNames};
use crate::scheme::{Allow, Ignore, Level};

/// A type of settings. Problems of a value are reported to the table's reader.
pub(super) trait SettingType: Sized {
    /// What the key holds.
    const KIND: Kind;

    /// Reads the key; `None` if it is missing or invalid.
    fn read(table: Table<'_>, name: &str, schemes: &Schemes) -> Option<At<Self>>;
}

impl<T> At<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At {
            value: change(self.value),
            span: self.span,
        }
    }
}

impl<T: Coded> SettingType for T {
    const KIND: Kind = Kind::OneOf(T::CODES);
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.one_of(name, T::MEMBERS)
    }
}

impl SettingType for bool {
    const KIND: Kind = Kind::Bool;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.bool(name)
    }
}

impl SettingType for u32 {
    const KIND: Kind = Kind::Number;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.number(name, 0..=1000)
    }
}

impl SettingType for String {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.parsed(name, one_line)
    }
}

impl SettingType for NamedScheme {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, schemes: &Schemes) -> Option<At<Self>> {
        let words: Vec<(&str, &Self)> = schemes
            .iter()
            .map(|(name, scheme)| (name.as_str(), scheme))
            .collect();
        Some(table.one_of(name, &words)?.map(Self::clone))
    }
}

impl SettingType for Age {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.parsed(name, Self::parse)
    }
}

impl SettingType for LabelNames {
    const KIND: Kind = Kind::Texts;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        Some(table.parsed_list(name, label)?.map(Self))
    }
}

impl SettingType for UserNames {
    const KIND: Kind = Kind::Texts;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        Some(table.parsed_list(name, user_name)?.map(Self))
    }
}

impl SettingType for Vec<Platform> {
    const KIND: Kind = Kind::Texts;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.parsed_list(name, Platform::parse)
    }
}

impl SettingType for Vec<Ignore> {
    const KIND: Kind = Kind::Texts;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        table.parsed_list(name, Ignore::parse)
    }
}

impl SettingType for Option<Allow> {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        let parse = |text: &str| match text {
            "" => Ok(None),
            text => Allow::parse(text).map(Some),
        };
        table.parsed(name, parse)
    }
}

/// `automerge`: a level, or `never`.
impl SettingType for Option<Level> {
    const KIND: Kind = Kind::OneOf(&["never", "digest", "build", "patch", "minor", "major"]);
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        let mut words = vec![("never", None)];
        words.extend(
            Level::MEMBERS
                .iter()
                .map(|(code, level)| (*code, Some(*level))),
        );
        table.one_of(name, &words)
    }
}

/// `hold_for`: a time, or `never`.
impl SettingType for Option<Age> {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        let parse = |text: &str| match text {
            "never" => Ok(None),
            text => Age::parse(text)
                .map(Some)
                .map_err(|error| format!("{error}, or \"never\"")),
        };
        table.parsed(name, parse)
    }
}

/// `squash`.
impl SettingType for Option<bool> {
    const KIND: Kind = Kind::Bool;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        Some(table.bool(name)?.map(Some))
    }
}

/// `reason`.
impl SettingType for Option<String> {
    const KIND: Kind = Kind::Text;
    fn read(table: Table<'_>, name: &str, _: &Schemes) -> Option<At<Self>> {
        Some(table.text(name)?.map(Some))
    }
}

/// A label that every forge accepts: they join several labels with commas.
pub(super) fn label(text: &str) -> Result<String, String> {
    let text = one_line(text)?;
    if text.trim().is_empty() || text.contains(',') {
        return Err("a label must not contain a comma".to_owned());
    }
    Ok(text)
}

/// A short text on one line.
fn one_line(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("it must be one line without control characters".to_owned());
    }
    if text.chars().count() > LONGEST_TITLE {
        return Err(format!("it must have at most {LONGEST_TITLE} characters"));
    }
    Ok(text.to_owned())
}

/// The longest label or milestone title that forges accept, in characters.
const LONGEST_TITLE: usize = 255;

/// A user's name as forges allow it: not a group, and nothing that a forge could interpret as more than a name (T21).
fn user_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | ']');
    if text.is_empty() || text.len() > 255 || !text.chars().all(fits) || text.starts_with('-') {
        return Err(format!("{text:?} is not a user name; write it without @"));
    }
    Ok(text.to_owned())
}
