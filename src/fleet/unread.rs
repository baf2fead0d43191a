//! The unread parts of a repository or folder, as reported: the first entries, and the number of further ones.

use crate::repo::RepoPath;
use crate::source::PassedOver;

/// How many entries are reported per repository at most.
const MOST: usize = 200;

/// A file or a line that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The file; empty for the entry that counts the rest.
    pub path: String,
    /// The line, counted from 1; `None` for a whole file.
    pub line: Option<usize>,
    /// Why it was not read.
    pub what: String,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.path.as_str(), self.line) {
            ("", _) => f.write_str(&self.what),
            (path, Some(line)) => write!(f, "{path}:{line}: {}", self.what),
            (path, None) => write!(f, "{path}: {}", self.what),
        }
    }
}

/// The entries for files that were not read and lines that were skipped.
pub fn unread(skipped: &[(String, String)], passed: &[(RepoPath, PassedOver)]) -> Vec<Unread> {
    // Each entry is counted with the number of files or lines that it represents.
    let files = skipped.iter().map(|(path, what)| {
        let (path, what) = (path.clone(), what.clone());
        (
            Unread {
                path,
                line: None,
                what,
            },
            1,
        )
    });
    let lines = passed.iter().flat_map(|(path, passed)| {
        let one = |line, what| Unread {
            path: path.to_string(),
            line,
            what,
        };
        let kept = passed.iter();
        let kept = kept.map(move |passed| (one(Some(passed.line), passed.what.clone()), 1));
        let more = passed.more();
        kept.chain((more > 0).then(|| (one(None, and_more(more)), more)))
    });
    let (mut unread, stands_for): (Vec<Unread>, Vec<usize>) = files.chain(lines).take(MOST).unzip();
    let of_lines = passed.iter().map(|(_, p)| p.iter().len() + p.more());
    let all = skipped.len() + of_lines.sum::<usize>();
    let hidden = all - stands_for.iter().sum::<usize>();
    if hidden > 0 {
        unread.push(Unread {
            path: String::new(),
            line: None,
            what: and_more(hidden),
        });
    }
    unread
}

/// The count of left-out entries, formatted as `and 523,981 more`.
pub fn and_more(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("and {grouped} more")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Format, scan};
    use std::collections::BTreeMap;

    #[test]
    fn counts_are_grouped() {
        for (count, expect) in [
            (1, "1"),
            (999, "999"),
            (1_000, "1,000"),
            (523_981, "523,981"),
        ] {
            assert_eq!(and_more(count), format!("and {expect} more"));
        }
    }

    #[test]
    fn a_repository_has_200_entries_and_a_file_20() {
        let file = format!("FROM a:1\n{}", "nonsense\n".repeat(50));
        let scanned = scan(Format::Dockerfile, file.as_bytes(), &BTreeMap::new()).expect("text");
        let path = |n: usize| RepoPath::parse(&format!("{n}/Dockerfile")).expect("a path");
        let passed = |files: usize| -> Vec<_> {
            (0..files)
                .map(|n| (path(n), scanned.passed.clone()))
                .collect()
        };
        let lines = |unread: &[Unread]| unread.iter().map(ToString::to_string).collect::<Vec<_>>();
        let one = lines(&unread(&[], &passed(1)));
        assert_eq!(one.len(), 21);
        assert_eq!(one[0], "0/Dockerfile:2: \"nonsense\" is not an instruction");
        assert_eq!(one[20], "0/Dockerfile: and 30 more");
        let many = lines(&unread(
            &[("x".to_owned(), "symlink".to_owned())],
            &passed(100),
        ));
        assert_eq!((many.len(), many[0].as_str()), (201, "x: symlink"));
        assert_eq!(many[200], "and 4,540 more");
    }
}
