//! What a conversion results in.

/// An `imagebot.toml`, and how much of the old configuration is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The file.
    pub text: String,
    /// The number of settings in it.
    pub carried: usize,
    /// The number of comments about what could not be carried over.
    pub left: usize,
    /// What imagebot reads from the old file as it is; empty if it does not read it.
    pub read_as_is: String,
}

impl Converted {
    /// What was done, in one or two sentences.
    pub fn summary(&self) -> String {
        let carried = match self.carried {
            0 => "no setting had to be written".to_owned(),
            1 => "1 setting was carried over".to_owned(),
            count => format!("{count} settings were carried over"),
        };
        let left = match self.left {
            0 => String::new(),
            1 => "; 1 comment says what was not, and why".to_owned(),
            count => format!("; {count} comments say what was not, and why"),
        };
        match self.read_as_is.is_empty() {
            true => format!("{carried}{left}"),
            false => format!("{carried}{left}\n{}", self.read_as_is),
        }
    }
}

/// Why a file cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ConvertError {
    /// The file's name as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A line of the old file and what is wrong there.
pub(super) type Wrong = (usize, String);
