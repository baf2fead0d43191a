//! How a command ended.

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
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Clean => 0,
            Ended::Failed => 1,
            Ended::Misused => 2,
        })
    }
}
