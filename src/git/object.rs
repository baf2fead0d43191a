//! Reads and writes objects: the output of `git cat-file --batch`, and blobs.

use super::command::{Call, Git};
use super::error::GitError;
use crate::repo::ObjectId;

/// Writes blobs with one `hash-object`; returns their ids in the order of the contents.
pub(super) async fn write_blobs(
    git: &Git,
    call: Call<'_>,
    contents: &[&[u8]],
) -> Result<Vec<ObjectId>, GitError> {
    // By way of temporary files: from its input git reads one blob only.
    let folder = tempfile::Builder::new()
        .prefix("blobs-")
        .tempdir_in(git.home())
        .map_err(|error| GitError::io("a folder for blobs", error))?;
    let mut input = String::new();
    for (number, contents) in contents.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, contents).map_err(|error| GitError::io("a blob", error))?;
        input.push_str(&format!("{}\n", path.display()));
    }
    let args = ["-w", "--no-filters", "--stdin-paths"].map(str::to_owned);
    let output = git
        .ask(Call {
            args: args.into(),
            input: input.into_bytes(),
            ..call
        })
        .await?;
    let ids: Vec<ObjectId> = String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| ObjectId::parse(line).ok())
        .collect();
    if ids.len() == contents.len() {
        Ok(ids)
    } else {
        Err(GitError::Failed {
            action: "hash-object",
            detail: "it named a different number of objects".to_owned(),
        })
    }
}

/// An object and its contents.
pub(super) type Object = (ObjectId, Vec<u8>);

/// `<id> SP <type> SP <size> LF <contents> LF` or `<name> missing LF`, repeated, in the order of the requests; `None`
/// if the output has another form.
pub(super) fn batch(mut output: &[u8]) -> Option<Vec<Option<Object>>> {
    let mut objects = Vec::new();
    while !output.is_empty() {
        let end = output.iter().position(|b| *b == b'\n')?;
        let head = std::str::from_utf8(&output[..end]).ok()?;
        if head.ends_with(" missing") {
            objects.push(None);
            output = &output[end + 1..];
            continue;
        }
        let mut head = head.split(' ');
        let id = ObjectId::parse(head.next()?).ok()?;
        let size: usize = head.nth(1)?.parse().ok()?;
        let body = output.get(end + 1..end + 1 + size)?;
        objects.push(Some((id, body.to_vec())));
        output = output.get(end + 2 + size..)?;
    }
    Some(objects)
}
