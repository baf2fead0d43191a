//! Reads the settings that a repository or folder declares.

use crate::config::{Config, Problems, parse_repository};
use crate::fleet::{REPO_CONFIG, RepoSettings, Tree};

/// Why the `imagebot.toml` of a repository or folder cannot be used. Nothing is done there then: the defaults might do
/// what the file forbids.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The file exists but was not read, or is not text.
    #[error("{file}: not read: {why}")]
    Unread {
        /// The file's display name.
        file: String,
        /// Why it was not read.
        why: String,
    },
    /// The file contains errors.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// Reads the settings of a repository or folder from its files, with the operator's `[[source]]`. `place` is prefixed to the file's name in errors.
pub fn own_settings(place: &str, tree: &Tree, operator: &Config) -> Result<RepoSettings, OwnError> {
    let file = format!("{place}{REPO_CONFIG}");
    let unread = |why: String| OwnError::Unread {
        file: file.clone(),
        why,
    };
    if let Some(why) = tree.settings_skipped() {
        return Err(unread(why.to_owned()));
    }
    let mut settings = match tree.settings() {
        None => RepoSettings::default(),
        Some(contents) => {
            let text = std::str::from_utf8(contents)
                .map_err(|error| unread(format!("not UTF-8 text: {error}")))?;
            parse_repository(&file, text, &operator.schemes)?
        }
    };
    settings.sources.extend(operator.sources.iter().cloned());
    Ok(settings)
}
