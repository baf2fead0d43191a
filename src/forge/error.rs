//! What can go wrong with a forge, by what the caller does next.

use crate::git::GitError;

/// A forge's answer that is none.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The forge cannot be reached or read; nothing is concluded from that.
    #[error("{0}")]
    Unreachable(String),
    /// What is to be changed is no longer what it was: look again.
    #[error("{0}")]
    Conflict(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The forge refused.
    #[error("{0}")]
    Refused(String),
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl ForgeError {
    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "forge-unreachable",
            Self::Conflict(_) => "forge-conflict",
            Self::NotFound(_) => "forge-not-found",
            Self::Refused(_) => "forge-refused",
            Self::Git(error) => error.code(),
        }
    }
}
