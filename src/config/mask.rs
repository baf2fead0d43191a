//! Which parts of a configuration file may be repeated in a report of its problems.
//!
//! A problem is shown with its line, and the line may contain a password: in its proper place, in a misspelt key,
//! without quotes, or in an address. So everything is hidden unless it is known to be harmless: keys, punctuation, and
//! the values of known keys that are not secrets (B10).

use super::keys::{Key, Kind, MATCHERS, SETTINGS, VERSION_FILE};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text with possible secrets replaced byte for byte, and the ranges that were replaced.
pub(super) fn masked(text: &str, root: &DeTable<'_>, keys: &[Key]) -> (String, Vec<String>) {
    let mut shown = headers(text, keys);
    walk(text, root, &[keys], &mut shown);
    shown.sort_by_key(|span| span.start);
    let mut out = text.as_bytes().to_vec();
    let mut next = 0;
    let mut hidden = Vec::new();
    for span in shown
        .into_iter()
        .chain(std::iter::once(text.len()..text.len()))
    {
        hide(text, next..span.start, &mut out, &mut hidden);
        next = next.max(span.end);
    }
    hidden.sort();
    hidden.dedup();
    // Only whole characters are replaced, each byte by ASCII, so the text stays UTF-8.
    (String::from_utf8(out).unwrap_or_default(), hidden)
}

/// The lines that are headers of known tables: `[[registry]]`, `[registry.login]`.
fn headers(text: &str, keys: &[Key]) -> Vec<Range<usize>> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    let headers = lines.filter_map(|(start, line)| {
        let inside = line.trim().strip_prefix('[')?.strip_suffix(']')?;
        let name = inside
            .strip_prefix('[')
            .map_or(Some(inside), |inside| inside.strip_suffix(']'))?;
        let first = name.split('.').next().unwrap_or_default().trim();
        let is_known = keys.iter().any(|key| key.name == first);
        is_known.then(|| start..start + line.len())
    });
    headers.collect()
}

/// Hides a range of the text except white space and the punctuation of TOML.
fn hide(text: &str, span: Range<usize>, out: &mut [u8], hidden: &mut Vec<String>) {
    let Some(piece) = text.get(span.clone()) else {
        return;
    };
    let mut word = String::new();
    for (at, c) in piece.char_indices() {
        if c.is_whitespace() || "[]{}=,\"'#".contains(c) {
            hidden.extend(Some(std::mem::take(&mut word)).filter(|word| word.len() >= 4));
            continue;
        }
        word.push(c);
        let at = span.start + at;
        out[at..at + c.len_utf8()].fill(b'*');
    }
    hidden.extend(Some(word).filter(|word| word.len() >= 4));
}

fn walk(text: &str, table: &DeTable<'_>, lists: &[&[Key]], shown: &mut Vec<Range<usize>>) {
    for (name, value) in table.iter() {
        shown.push(name.span());
        let mut all = lists.iter().copied().flatten();
        if let Some(key) = all.find(|key| key.name == name.get_ref().as_ref()) {
            show(text, &key.kind, value, shown);
        } else {
            keys_only(value, shown);
        }
    }
}

fn show(text: &str, kind: &Kind, value: &Spanned<DeValue<'_>>, shown: &mut Vec<Range<usize>>) {
    let tables: Option<Vec<&[Key]>> = match kind {
        Kind::Table(keys) => Some(vec![keys]),
        Kind::Tables([]) => Some(vec![MATCHERS, SETTINGS]),
        Kind::Tables(keys) => Some(vec![keys]),
        Kind::VersionFile => Some(vec![VERSION_FILE]),
        _ => None,
    };
    match (value.get_ref(), kind) {
        (DeValue::Table(table), Kind::Secret) => secret(text, table, shown),
        (DeValue::Table(table), _) => match tables {
            Some(lists) => walk(text, table, &lists, shown),
            None => keys_only(value, shown),
        },
        (DeValue::Array(items), Kind::Tables(_)) => {
            for item in items.iter() {
                show(text, kind, item, shown);
            }
        }
        (_, Kind::Secret | Kind::Map | Kind::Table(_) | Kind::Tables(_)) => keys_only(value, shown),
        _ => plain(text, value, shown),
    }
}

/// A value without tables is shown, unless it contains the user name of an address.
fn plain(text: &str, value: &Spanned<DeValue<'_>>, shown: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(_) => keys_only(value, shown),
        DeValue::Array(items) => items.iter().for_each(|item| plain(text, item, shown)),
        _ => {
            let written = text.get(value.span()).unwrap_or_default();
            let has_user = |rest: &str| {
                rest.split('/')
                    .next()
                    .is_some_and(|host| host.contains('@'))
            };
            let has_user = written
                .split_once("//")
                .is_some_and(|(_, rest)| has_user(rest));
            if !has_user {
                shown.push(value.span());
            }
        }
    }
}

/// Shows `{ env }`, `{ file }` and the program of `{ command }`. An `env` that does not look like a name may be the
/// secret.
fn secret(text: &str, table: &DeTable<'_>, shown: &mut Vec<Range<usize>>) {
    for (name, value) in table.iter() {
        shown.push(name.span());
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("env", DeValue::String(env)) if is_variable(env) => shown.push(value.span()),
            ("file", DeValue::String(_)) => plain(text, value, shown),
            ("command", DeValue::Array(words)) => {
                if let Some(program) = words.iter().next() {
                    plain(text, program, shown);
                }
            }
            _ => keys_only(value, shown),
        }
    }
}

/// Whether a text looks like the name of an environment variable: upper case, as is the convention.
pub(super) fn is_variable(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.chars().all(fits)
}

fn keys_only(value: &Spanned<DeValue<'_>>, shown: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (name, value) in table.iter() {
                shown.push(name.span());
                keys_only(value, shown);
            }
        }
        DeValue::Array(items) => items.iter().for_each(|item| keys_only(item, shown)),
        _ => {}
    }
}
