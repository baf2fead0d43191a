//! How near a misspelt word is to a known one.

use super::keys::{Key, elsewhere};

/// Names that are longer are not compared with the known ones.
pub(super) const LONGEST_NAME: usize = 64;

/// The beginning of a name that is repeated in a message.
pub(super) fn shortened(name: &str) -> String {
    if name.chars().nth(LONGEST_NAME).is_none() {
        return name.to_owned();
    }
    let beginning: String = name.chars().take(LONGEST_NAME).collect();
    format!("{beginning}…")
}

/// The number of single-character edits between two words, swaps counted as one.
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

/// What to do about a key that its table does not know; `known` are those that it knows, `file` those of the file.
pub(super) fn of_unknown_key(name: &str, known: &[&str], file: &'static [Key]) -> String {
    // No known key is so long: the distance to one is not worth its cost.
    let comparable = Some(name).filter(|name| name.len() <= LONGEST_NAME);
    let all = || known.iter().map(|known| (distance(name, known), *known));
    let nearest = comparable.and_then(|_| all().min());
    let elsewhere: Vec<String> = elsewhere(file, name).collect();
    match nearest {
        // A key of another table is meant as that one, however near it is to one of this table.
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
