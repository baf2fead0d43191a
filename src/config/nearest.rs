//! Finds the known name nearest to a misspelt one.

use super::keys::{Key, elsewhere};
use super::renovate::renovate_key;

/// Longer names are not compared with the known ones.
pub(super) const LONGEST_NAME: usize = 64;

/// The beginning of a name, for a message.
pub(super) fn shortened(name: &str) -> String {
    if name.chars().nth(LONGEST_NAME).is_none() {
        return name.to_owned();
    }
    let beginning: String = name.chars().take(LONGEST_NAME).collect();
    format!("{beginning}…")
}

/// The number of single-character edits between two words; a swap of two characters counts as one edit.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// The help for an unknown key; `known` are the keys of its table, `file` those of the whole file.
pub(super) fn of_unknown_key(
    name: &str,
    is_table: bool,
    known: &[&str],
    file: &'static [Key],
) -> String {
    if let Some(here) = renovate_key(name) {
        return format!("`{name}` is a key of Renovate; here: {here}");
    }
    // No known key is so long, so that the comparison would only cost time.
    let comparable = Some(name).filter(|name| name.len() <= LONGEST_NAME);
    let all = || known.iter().map(|known| (distance(name, known), *known));
    let nearest = comparable.and_then(|_| all().min());
    let elsewhere: Vec<String> = elsewhere(file, name, is_table).collect();
    match nearest {
        // A key that exists in another table is meant as that one, even if another key of this table is similar.
        _ if !elsewhere.is_empty() => {
            let tables = elsewhere.join(" or ");
            let other = nearest.filter(|(distance, _)| *distance <= 1);
            let other = other
                .map(|(_, known)| format!("; `{known}`, which is valid here, is a different key"));
            format!("`{name}` belongs to {tables}{}", other.unwrap_or_default())
        }
        Some((distance, known)) if distance <= 2.max(name.len() / 3) => {
            format!("did you mean `{known}`?")
        }
        _ => format!("expected one of: {}", known.join(", ")),
    }
}
