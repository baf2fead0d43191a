//! How a command ended.

use super::session::Stopped;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Clean,
    /// Some repository or image failed, or an edit was refused.
    Failed,
    /// The usage or the configuration is wrong.
    Misused,
    /// A signal of this number stopped the command.
    Stopped(u8),
}

impl Ended {
    /// How a command ended that did its work.
    pub(super) fn failed_if(failed: bool) -> Self {
        match failed {
            true => Self::Failed,
            false => Self::Clean,
        }
    }

    /// How a command ended that returned an error.
    pub fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Stopped>() {
            Some(Stopped(signal)) => Self::Stopped(*signal),
            None => Self::Misused,
        }
    }
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Clean => 0,
            Ended::Failed => 1,
            Ended::Misused => 2,
            // The exit code that shells use for a signal.
            Ended::Stopped(signal) => 128 + signal,
        })
    }
}
