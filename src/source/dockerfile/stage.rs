//! The stages of a build, and what each takes from.

/// A stage of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The name behind `AS`, in lower case.
    pub(crate) name: Option<String>,
    /// What it is built on; `None` for `scratch`.
    pub(crate) base: Option<Source>,
    /// What it copies from or mounts.
    pub(crate) uses: Vec<Source>,
}

/// What a stage takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Another stage, by its place among the stages.
    Stage(usize),
    /// An image, by its place among the references.
    Reference(usize),
}
