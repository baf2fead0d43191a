//! `[budget]`: how much work one repository and one host may cause in a pass.

use super::keys::{Key, Kind};
use super::table::Table;
use crate::policy::Age;
use std::time::Duration;

/// The most work of a pass. An ordinary repository stays far below these bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The most references that are read from a repository, and from one file.
    pub references: usize,
    /// The most images of a repository that are looked up in a pass.
    pub lookups: usize,
    /// The most newer tags that are tried for a reference in a pass, if the ones before cannot be used.
    pub candidates: usize,
    /// How long a look-up waits for a registry that has not answered any request yet.
    pub lookup_time: Duration,
    /// The longest that a pass waits for one registry.
    pub host_time: Duration,
    /// The longest that one git process may take.
    pub git_time: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            references: 2_000,
            lookups: 500,
            candidates: 20,
            lookup_time: Duration::from_secs(2 * 60),
            host_time: Duration::from_secs(10 * 60),
            git_time: Duration::from_secs(2 * 60),
        }
    }
}

/// The keys of `[budget]`.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "references",
        kind: Kind::Number,
        about: "Maximum number of references read per repository and per file; the rest are counted and reported. Default: 2000.",
        default: || None,
    },
    Key {
        name: "lookups",
        kind: Kind::Number,
        about: "Maximum number of images looked up per repository and pass; the others follow in later passes. Default: 500.",
        default: || None,
    },
    Key {
        name: "candidates",
        kind: Kind::Number,
        about: "Maximum number of newer tags tried per reference and pass while none is usable; the next pass continues from there. Default: 20.",
        default: || None,
    },
    Key {
        name: "lookup_time",
        kind: Kind::Text,
        about: "Longest time a look-up waits for a registry that does not respond. Default: \"2 min\".",
        default: || None,
    },
    Key {
        name: "host_time",
        kind: Kind::Text,
        about: "Longest time a pass waits for one registry; everything else continues without it. Default: \"10 min\".",
        default: || None,
    },
    Key {
        name: "git_time",
        kind: Kind::Text,
        about: "Longest time one git process may take, including hooks of local repositories. Default: \"2 min\".",
        default: || None,
    },
];

impl Budget {
    /// Every key with its value as it is written.
    pub fn settings(&self) -> [(&'static str, String); 6] {
        let time = |time: Duration| format!("\"{} s\"", time.as_secs());
        [
            ("references", self.references.to_string()),
            ("lookups", self.lookups.to_string()),
            ("candidates", self.candidates.to_string()),
            ("lookup_time", time(self.lookup_time)),
            ("host_time", time(self.host_time)),
            ("git_time", time(self.git_time)),
        ]
    }

    /// Reads `[budget]`.
    pub(super) fn read(table: Table<'_>) -> Self {
        table.only(&[KEYS]);
        let default = Self::default();
        let number = |name: &str, most: u32, default: usize| {
            let at = table.number(name, 1..=most);
            at.map_or(default, |at| at.value as usize)
        };
        let time = |name: &str, default: Duration| {
            let at = table.parsed(name, positive);
            at.map_or(default, |at| at.value)
        };
        Self {
            references: number("references", 100_000, default.references),
            lookups: number("lookups", 100_000, default.lookups),
            candidates: number("candidates", 1_000, default.candidates),
            lookup_time: time("lookup_time", default.lookup_time),
            host_time: time("host_time", default.host_time),
            git_time: time("git_time", default.git_time),
        }
    }
}

/// A time of at least a second.
fn positive(text: &str) -> Result<Duration, String> {
    let age = Age::parse(text).map_err(|error| error.to_string())?;
    match u64::try_from(age.seconds) {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be at least one second".to_owned()),
    }
}
