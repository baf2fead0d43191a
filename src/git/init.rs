//! New bare repositories, for the demo and for tests.

use super::command::{Call, Git};
use super::error::GitError;
use std::path::Path;

impl Git {
    /// Makes an empty bare repository whose default branch is `main`.
    pub async fn init_bare(&self, path: &Path) -> Result<(), GitError> {
        let args = [
            "--bare",
            "--quiet",
            "--template=",
            "--initial-branch=main",
            "--end-of-options",
        ];
        let args = args
            .map(str::to_owned)
            .into_iter()
            .chain([path.display().to_string()])
            .collect();
        self.ask(Call {
            args,
            ..Call::new("init")
        })
        .await
        .map(|_| ())
    }
}
