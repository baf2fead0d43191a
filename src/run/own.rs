//! What a repository or a folder says about itself.

use super::observe::REPO_CONFIG;
use crate::config::{Config, Problems, RepoConfig, parse_repository};

/// Why nothing is done with a repository or folder whose `imagebot.toml` cannot be read: the defaults would do what the
/// file may have forbidden.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// The file is there and was not read, or is no text.
    #[error("{file} was not read: {why}")]
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

/// Reads `imagebot.toml` below `place`: its contents if it is there, or why it was skipped.
pub fn own_config<'a>(
    place: &str,
    contents: Option<&[u8]>,
    skipped: impl IntoIterator<Item = (&'a str, &'a str)>,
    operator: &Config,
) -> Result<RepoConfig, OwnError> {
    let file = format!("{place}{REPO_CONFIG}");
    let unread = |why: String| OwnError::Unread {
        file: file.clone(),
        why,
    };
    if let Some((_, why)) = skipped.into_iter().find(|(path, _)| *path == REPO_CONFIG) {
        return Err(unread(why.to_owned()));
    }
    let Some(contents) = contents else {
        return Ok(RepoConfig::default());
    };
    let text = std::str::from_utf8(contents)
        .map_err(|error| unread(format!("not UTF-8 text: {error}")))?;
    Ok(parse_repository(&file, text, &operator.schemes)?)
}
