//! What CI says about a commit, as every forge can report it.

/// What CI says about a commit.
///
/// A forge reports `None`, `Never`, `Running`, `Passed` or `Failed`. `Unseen` and `Unknown` are what a failed request
/// means: the caller decides which of the two an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CiStatus {
    /// Its pipelines cannot be seen, and never will be.
    Unseen,
    /// It could not be found out now: the forge or the repository could not be read.
    Unknown,
    /// Nothing yet.
    None,
    /// Nothing, and the repository never had a pipeline: there is no CI.
    Never,
    /// It runs, or waits.
    Running,
    /// It succeeded, or was skipped.
    Passed,
    /// It failed, or was cancelled.
    Failed,
}
