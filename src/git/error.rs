//! Errors of git, by what the caller does next.

/// A git command that failed.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program cannot be started.
    #[error("git cannot be started ({error}); imagebot needs git {needed} or newer in PATH")]
    Missing {
        error: std::io::Error,
        /// The oldest version that works.
        needed: String,
    },
    /// The program is too old.
    #[error("{found} is too old; imagebot needs git {needed} or newer in PATH")]
    Version {
        /// What `git --version` printed.
        found: String,
        /// The oldest version that works.
        needed: String,
    },
    /// The repository belongs to another user.
    #[error(
        "{path} belongs to user {owner}, not to the user who runs imagebot; add the owner to `owners` of this [[forge]]"
    )]
    ForeignOwner { path: String, owner: u32 },
    /// The URL is not one that git may get.
    #[error("{0}")]
    BadUrl(String),
    /// The server wants a login, or refuses the given one.
    #[error("{remote}: the server rejected the login: {detail}")]
    Unauthorized { remote: String, detail: String },
    /// The login is valid, but may not do this with this repository.
    #[error("{remote}: permission denied: {detail}")]
    Forbidden { remote: String, detail: String },
    /// The server received too many requests: it gets no more of them in this pass.
    #[error("{remote}: the server is rate-limiting: {detail}")]
    RateLimited { remote: String, detail: String },
    /// The repository does not exist, or is not a repository.
    #[error("{remote}: not a readable git repository: {detail}")]
    Unreadable { remote: String, detail: String },
    /// The server sent more than the cap allows.
    #[error(
        "{remote}: more than {limit} MiB; the server may have ignored the filter for partial clones (uploadpack.allowFilter)"
    )]
    TooLarge {
        remote: String,
        /// The cap in MiB.
        limit: u64,
    },
    /// The command took too long.
    #[error("{remote}: git {action} took longer than {seconds} s")]
    Timeout {
        remote: String,
        action: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// The server, or a hook of a local repository, prints without end.
    #[error(
        "{remote}: git {action} was stopped: the server or a hook printed more than 4 MiB of messages"
    )]
    TooTalkative {
        remote: String,
        action: &'static str,
    },
    /// Another process holds the cached copy.
    #[error(
        "the cached copy of {remote} is locked by another process ({lock}); gave up after {seconds} s"
    )]
    CopyInUse {
        remote: String,
        lock: String,
        /// How long imagebot waited for it.
        seconds: u64,
    },
    /// A ref of a local repository has a lock file that is not removed.
    #[error(
        "{remote}: {lock} exists: another process holds this lock, or was killed while holding it"
    )]
    RefLocked { remote: String, lock: String },
    /// The disk is full.
    #[error("no space left for the cache folder or the temporary folder: {detail}")]
    NoSpace { detail: String },
    /// The cache is damaged; the next attempt fetches everything again.
    #[error("the cached copy of {remote} is damaged and will be fetched again: {detail}")]
    Damaged { remote: String, detail: String },
    /// The command failed for another reason.
    #[error("git {action} failed: {detail}")]
    Failed {
        action: &'static str,
        /// The first lines of git's message.
        detail: String,
    },
    /// A file of ours could not be read or written.
    #[error("{what}: {error}")]
    Io {
        /// The attempted action.
        what: String,
        error: std::io::Error,
    },
}

impl GitError {
    /// The error's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Version { .. } => "git-version",
            Self::ForeignOwner { .. } => "git-foreign-owner",
            Self::BadUrl(_) => "git-bad-url",
            Self::Unauthorized { .. } => "git-unauthorized",
            Self::Forbidden { .. } => "git-forbidden",
            Self::RateLimited { .. } => "git-rate-limited",
            Self::Unreadable { .. } => "git-unreadable",
            Self::TooLarge { .. } => "git-too-large",
            Self::Timeout { .. } => "git-timeout",
            Self::TooTalkative { .. } => "git-too-talkative",
            Self::CopyInUse { .. } => "git-copy-in-use",
            Self::RefLocked { .. } => "git-ref-locked",
            Self::NoSpace { .. } => "no-space",
            Self::Damaged { .. } => "git-cache-damaged",
            Self::Failed { .. } => "git-failed",
            Self::Io { .. } => "git-io",
        }
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::RefLocked { lock, .. } => format!(
                "if no git process is running there, remove {lock}; the next pass removes one that is older than an hour"
            ),
            Self::CopyInUse { .. } => {
                "wait for the other imagebot to finish, or give each its own `cache`".to_owned()
            }
            Self::ForeignOwner { owner, .. } => format!("owners = [{owner}]"),
            Self::NoSpace { .. } => {
                "free some space, or move the cache folder with `cache` in config.toml".to_owned()
            }
            Self::Timeout { seconds, .. } => format!("[budget]\ngit_time = \"{} s\"", seconds * 2),
            Self::Unauthorized { .. } => "check the token of this [[forge]]".to_owned(),
            Self::Forbidden { .. } => {
                "give the token the right to read and write this repository".to_owned()
            }
            _ => return None,
        })
    }

    /// The error for a failed command, from its error output.
    pub(super) fn failed(action: &'static str, stderr: &str) -> Self {
        let detail = first_lines(stderr);
        match has_no_space(stderr) {
            true => Self::NoSpace { detail },
            false => Self::Failed { action, detail },
        }
    }

    pub(super) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io {
            what: what.into(),
            error,
        }
    }
}

/// Whether git failed because a file system is full.
pub(super) fn has_no_space(stderr: &str) -> bool {
    let words = ["No space left on device", "Disk quota exceeded"];
    words.iter().any(|word| stderr.contains(word))
}

/// The readable part of an error message: its first lines, without control characters.
pub(super) fn first_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.chars()
                .filter(|c| !c.is_control())
                .take(300)
                .collect::<String>()
        })
        .filter(|line| !line.trim().is_empty())
        .take(4)
        .collect();
    if lines.is_empty() {
        "git did not give a reason".to_owned()
    } else {
        lines.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_a_foreign_owner_and_a_time_out_say_what_to_do() {
        let remote = || "repos/app.git".to_owned();
        let locked = GitError::RefLocked {
            remote: remote(),
            lock: "refs/heads/x.lock".to_owned(),
        };
        let help = locked.help().expect("a help");
        assert!(help.contains("remove refs/heads/x.lock"), "{help}");
        // The suggested configuration is valid.
        let owner = GitError::ForeignOwner {
            path: remote(),
            owner: 33,
        };
        let slow = GitError::Timeout {
            remote: remote(),
            action: "fetch",
            seconds: 120,
        };
        for (error, key) in [(owner, "owners"), (slow, "budget")] {
            let lines: toml::Table = error.help().expect("a help").parse().expect("TOML");
            assert!(lines.contains_key(key), "{lines}");
        }
    }
}
