//! What can go wrong with a forge, by what the caller does next.

use crate::git::GitError;
use crate::http::NO_TLS;

/// Why a request to a forge failed.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The forge can't be reached or read, which says nothing about its repositories.
    #[error("{0}")]
    Unreachable(String),
    /// The forge failed at this one request: a repository's failure, until several repositories have met it in a row.
    #[error("{0}")]
    Server(String),
    /// The forge refuses the token: it is not asked again in this pass.
    #[error("{0}")]
    Unauthorized(String),
    /// The token may not do this with this repository.
    #[error("{0}")]
    Forbidden(String),
    /// The forge asks to wait longer than a pass may.
    #[error("{0}")]
    RateLimited(String),
    /// The forge asks to wait with requests of one kind; others continue.
    #[error("{0}")]
    Busy(String),
    /// What answers isn't a forge, but a sign-in page or a proxy.
    #[error("{0}")]
    NotAForge(String),
    /// It changed during this run: the next run reads it again.
    #[error("{0}")]
    Conflict(String),
    /// The listed head of the default branch is that of a tag with the same name: nothing is built on it.
    #[error("{0}")]
    Ambiguous(String),
    /// It doesn't exist, or isn't visible.
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
    /// Something that isn't tried any more, because the forge failed earlier in this pass.
    pub fn stopped() -> Self {
        Self::Unreachable("skipped: the forge failed earlier in this run".to_owned())
    }

    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "forge-unreachable",
            Self::Server(_) => "forge-server-error",
            Self::Unauthorized(_) => "forge-unauthorized",
            Self::Forbidden(_) => "forge-forbidden",
            Self::RateLimited(_) => "forge-rate-limited",
            Self::Busy(_) => "forge-busy",
            Self::NotAForge(_) => "not-a-forge",
            Self::Conflict(_) => "forge-conflict",
            Self::Ambiguous(_) => "ambiguous-default-branch",
            Self::NotFound(_) => "forge-not-found",
            Self::Refused(_) => "forge-refused",
            Self::Git(error) => error.code(),
        }
    }

    /// What the operator can do about it, where that is known.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized(_) | Self::Git(GitError::Unauthorized { .. }) => Some(
                "check the forge's `token`: `imagebot forge doctor` shows its rights and when it expires",
            ),
            Self::Forbidden(_) | Self::Git(GitError::Forbidden { .. }) => {
                Some("`imagebot forge doctor` shows the rights that the token needs")
            }
            Self::Unreachable(cause) if cause.contains(NO_TLS) => Some(
                "correct the port in the forge's `url`; write http:// if the server really does not use TLS",
            ),
            Self::NotAForge(_) => Some(
                "check the forge's `url`, and that no proxy or sign-in page is in front of its API",
            ),
            Self::Ambiguous(_) => Some(
                "delete or rename the tag, and protect tags of that name (Settings > Repository > Protected tags)",
            ),
            _ => None,
        }
    }

    /// As [`ForgeError::help`], for the doctor itself, which cannot point to itself.
    pub(super) fn help_in_doctor(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized(_) | Self::Git(GitError::Unauthorized { .. }) => Some(
                "create a new token with the rights that docs/gitlab.md or docs/github.md lists, and store it where `token` of this [[forge]] \
                 reads it",
            ),
            Self::Forbidden(_) | Self::Git(GitError::Forbidden { .. }) => {
                Some("give the token the rights that docs/gitlab.md or docs/github.md lists")
            }
            error => error.help(),
        }
    }

    /// Whether it may be the forge's: if several repositories meet it in a row, nothing more is written there. A server
    /// error is often one project's; too many refused logins close the whole address for git.
    pub fn may_be_of_forge(&self) -> bool {
        matches!(
            self,
            Self::Server(_) | Self::Git(GitError::Forbidden { .. })
        )
    }

    /// Whether every further request of this pass would fail as well. A server error isn't one of these: the next
    /// request may be answered, and the HTTP client gives up a host that is down.
    pub(super) fn ends_the_pass(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized(_) | Self::RateLimited(_) | Self::NotAForge(_)
        )
    }

    /// The same error once more, for each of the repositories that it concerns.
    pub(super) fn again(&self) -> Self {
        let text = self.to_string();
        match self {
            Self::Unauthorized(_) => Self::Unauthorized(text),
            Self::Server(_) => Self::Server(text),
            Self::Forbidden(_) => Self::Forbidden(text),
            Self::RateLimited(_) => Self::RateLimited(text),
            Self::Busy(_) => Self::Busy(text),
            Self::NotAForge(_) => Self::NotAForge(text),
            Self::Conflict(_) => Self::Conflict(text),
            Self::Ambiguous(_) => Self::Ambiguous(text),
            Self::NotFound(_) => Self::NotFound(text),
            Self::Refused(_) => Self::Refused(text),
            Self::Unreachable(_) | Self::Git(_) => Self::Unreachable(text),
        }
    }

    /// Whether the forge refused: another try gets the same answer.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Forbidden(_) | Self::NotFound(_) | Self::Refused(_)
        )
    }

    /// Whether the forge itself, not this repository, is the cause: nothing more is written to it in this pass. A token
    /// that is refused over git is refused everywhere (F27).
    pub fn is_of_forge(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Unauthorized(_)
                | Self::RateLimited(_)
                | Self::NotAForge(_)
                | Self::Git(GitError::Unauthorized { .. } | GitError::RateLimited { .. })
        )
    }
}
