//! What a repository or a folder says about itself.

use crate::config::{Config, Problems, parse_repository};
use crate::fleet::{REPO_CONFIG, RepoSettings, Tree};

/// Why nothing is done with a repository or folder whose `imagebot.toml` cannot be read: the defaults would do what the
/// file may have forbidden.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The file is there and was not read, or is no text.
    #[error("{file}: not read: {why}")]
    Unread {
        /// The file as it is named to people.
        file: String,
        /// Why.
        why: String,
    },
    /// The file says something wrong.
    #[error(transparent)]
    Wrong(#[from] Problems),
}

/// Reads the settings of a repository or folder from its files. `place` stands before the file's name in errors.
pub fn own_settings(place: &str, tree: &Tree, operator: &Config) -> Result<RepoSettings, OwnError> {
    let file = format!("{place}{REPO_CONFIG}");
    let unread = |why: String| OwnError::Unread {
        file: file.clone(),
        why,
    };
    if let Some(why) = tree.settings_skipped() {
        return Err(unread(why.to_owned()));
    }
    let Some(contents) = tree.settings() else {
        return Ok(RepoSettings::default());
    };
    let text = std::str::from_utf8(contents)
        .map_err(|error| unread(format!("not UTF-8 text: {error}")))?;
    Ok(parse_repository(&file, text, &operator.schemes)?)
}
