//! Texts that refs of a repository point at, changed by compare-and-swap.

use super::requests::TRIES;
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::git::Git;

/// The text that a ref points at, if there is one.
pub(super) async fn read(
    git: &Git,
    repo: &Repository,
    name: &str,
) -> Result<Option<String>, ForgeError> {
    let contents = git.read_names(&repo.remote, &[name.to_owned()]).await?;
    let text = contents.into_iter().next().flatten();
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// Makes a ref point at a text, or removes it. Writes nothing if that is so already.
pub(super) async fn write(
    git: &Git,
    repo: &Repository,
    name: &str,
    text: Option<&str>,
) -> Result<(), ForgeError> {
    for _ in 0..TRIES {
        if read(git, repo, name).await?.as_deref() == text {
            return Ok(());
        }
        let refs = git.refs(&repo.remote, &[name]).await?;
        let before = refs.into_iter().next().map(|found| found.id);
        let blob = match text {
            Some(text) => Some(git.write_blob(&repo.remote, text.as_bytes()).await?),
            None => None,
        };
        let moved = git.move_ref(&repo.remote, name, before.as_deref(), blob.as_ref());
        if moved.await? {
            return Ok(());
        }
    }
    Err(ForgeError::Conflict(format!(
        "{name} of {} changes too often",
        repo.name
    )))
}
