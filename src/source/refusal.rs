//! Why an edit is refused.

use super::located::WhyNot;
use super::scan::Unreadable;

/// Why an edit is refused; nothing is changed then.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A reference to change is not in the file.
    #[error("the file has no reference to {0}")]
    NotFound(String),
    /// A default also feeds another reference, which must not change, or not to the same text.
    #[error("line {line}: the edit would also change {written}, through a variable that both use")]
    SharedArg { line: usize, written: String },
    /// Two updates demand different texts for one reference.
    #[error("line {line}: the updates of {written} contradict each other")]
    Contradiction { line: usize, written: String },
    /// The reference has a digest, and the update does not.
    #[error("line {0}: a new tag needs a new digest too, and none is given")]
    MissingDigest(usize),
    /// The text is computed from a variable.
    #[error("line {0}: {text}", text = WhyNot::ComputedValue.describe())]
    ComputedValue(usize),
    /// CI passes the text, according to the configuration.
    #[error("line {0}: {text}", text = WhyNot::SetByArgs.describe())]
    SetByArgs(usize),
    /// The texts of several variables can be changed in different ways to give the new tag.
    #[error("line {line}: the variables of {written} can produce {new} in more than one way")]
    Ambiguous {
        line: usize,
        written: String,
        /// The wanted tag or digest.
        new: String,
    },
    /// The texts of the variables cannot give the new tag.
    #[error("line {line}: the variables of {written} cannot produce {new}")]
    NotExpressible {
        line: usize,
        written: String,
        /// The wanted tag or digest.
        new: String,
    },
    /// The file's format would read the new text as a value of another type, or as a number that is not printed as it is
    /// written.
    #[error(
        "line {line}: {}; write it in quotes: \"{new}\"",
        type_change(new, *.was_number, *.is_number)
    )]
    NeedsQuotes {
        line: usize,
        new: String,
        /// Whether the present text is a number.
        was_number: bool,
        /// Whether the new text is a number.
        is_number: bool,
    },
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
}

impl Refusal {
    /// The refusal's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::SharedArg { .. } => "shared-arg",
            Self::Contradiction { .. } => "contradicting-updates",
            Self::MissingDigest(_) => "missing-digest",
            Self::ComputedValue(_) => "computed-value",
            Self::SetByArgs(_) => "set-by-args",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotExpressible { .. } => "not-expressible",
            Self::NeedsQuotes { .. } => "needs-quotes",
            Self::Unreadable(why) => why.code(),
        }
    }
}

fn type_change(new: &str, was_number: bool, is_number: bool) -> String {
    match (was_number, is_number) {
        (true, true) => format!("{new} is read as a number that loses digits"),
        (true, false) => format!("{new} is read as a string, and the present value as a number"),
        (false, _) => format!("{new} is read as a number, and the present value as a string"),
    }
}
