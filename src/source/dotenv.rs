//! `.env` files: values that compose files and others use.
//!
//! Source: Docker's documentation of `.env` files, and compose-go's reader of them. A later line wins; values without
//! quotes and in double quotes may use the variables above them.

use super::interpolate::interpolate;
use super::mapped::Mapped;
use super::sources::FileText;
use super::value::Expanded;
use std::collections::BTreeMap;

/// The most variables that are read of one file.
const MAX_VARIABLES: usize = 10_000;

/// Whether a file's name, in lower case, is that of a file with variables. `.env.example` is not: nothing reads it.
pub(super) fn is_name(file: &str) -> bool {
    file == ".env" || file.ends_with(".env")
}

/// The variables of a file, by name.
pub(crate) fn variables(file: &FileText<'_>) -> BTreeMap<String, Expanded> {
    let mut known: BTreeMap<String, Expanded> = BTreeMap::new();
    let text: &str = &file.text;
    let mut at = 0;
    while at < text.len() && known.len() < MAX_VARIABLES {
        let line = text[at..].split_inclusive('\n').next().unwrap_or_default();
        let next = at + line.len();
        let Some((name, start)) = assignment(text, at, at + line.trim_end().len()) else {
            at = next;
            continue;
        };
        let (value, end) = value(text, start, file.base, &known);
        known.insert(name.to_owned(), value);
        // What follows a value in quotes on its last line is not read.
        at = match text[end..].find('\n') {
            Some(behind) => end + behind + 1,
            None => text.len(),
        };
    }
    known
}

/// The name that a line sets, and where its value begins; `None` if the line sets none.
fn assignment(text: &str, start: usize, end: usize) -> Option<(&str, usize)> {
    let line = text.get(start..end)?;
    let trimmed = line.trim_start();
    let trimmed = match trimmed.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => trimmed,
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let length = trimmed.find(|c| !is_name(c))?;
    let behind = trimmed[length..].trim_start_matches([' ', '\t']);
    let value = behind.strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches([' ', '\t']);
    (length > 0).then(|| (&trimmed[..length], end - value.len()))
}

/// The value that begins at a byte of the text, and where it ends.
fn value(
    text: &str,
    start: usize,
    base: usize,
    known: &BTreeMap<String, Expanded>,
) -> (Expanded, usize) {
    let rest = &text[start..];
    let variable = |name: &str| known.get(name).cloned();
    match rest.as_bytes().first() {
        Some(b'\'') => {
            let Some(length) = rest[1..].find('\'') else {
                return (Expanded::malformed(), start);
            };
            let inner = Mapped::of_file(&rest[1..1 + length], base + start + 1);
            (Expanded::literal(&inner), start + length + 2)
        }
        Some(b'"') => match double_quoted(rest) {
            None => (Expanded::malformed(), start),
            Some((length, has_escapes)) => {
                let inner = Mapped::of_file(&rest[1..1 + length], base + start + 1);
                let mut value = interpolate(&inner, &variable);
                if has_escapes {
                    // The bytes of the file are not the value.
                    value = Expanded::malformed();
                }
                (value, start + length + 2)
            }
        },
        _ => {
            let line = rest.split('\n').next().unwrap_or_default();
            let comment = [" #", "\t#"]
                .iter()
                .filter_map(|lead| line.find(lead))
                .min();
            let shown = line[..comment.unwrap_or(line.len())].trim_end();
            let shown = if shown.starts_with('#') { "" } else { shown };
            let inner = Mapped::of_file(shown, base + start);
            (interpolate(&inner, &variable), start + shown.len())
        }
    }
}

/// The length of a text in double quotes, and whether it has escapes.
fn double_quoted(rest: &str) -> Option<(usize, bool)> {
    let mut has_escapes = false;
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                has_escapes = true;
                bytes.next();
            }
            b'"' => return Some((at - 1, has_escapes)),
            _ => {}
        }
    }
    None
}
