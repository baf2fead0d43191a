//! `imagebot edit`.

use super::ended::Ended;
use super::output::{data, say};
use crate::fleet::REPO_CONFIG;
use crate::image::{Digest, ImageName, Tag};
use crate::repo::RepoPath;
use crate::run::{in_repository, read_unit};
use crate::source::{Format, FromDigest, SourceFile, Sources, Update, edit_sources, read_sources};
use anyhow::Context as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Print a file with changed references (offline). It is read with the files beside it that it depends on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo '[{\"image\":\"node\",\"from_tag\":\"20\",\"to_tag\":\"22\"}]' | imagebot edit Dockerfile --updates -"
)]
pub(super) struct Arguments {
    /// The file; it is not written
    file: PathBuf,
    /// The updates as JSON: [{"image", "from_tag", "to_tag", "to_digest"}]; - for stdin
    #[arg(long, value_name = "FILE")]
    updates: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenUpdate {
    image: String,
    #[serde(default)]
    from_tag: Option<String>,
    #[serde(default)]
    to_tag: Option<String>,
    #[serde(default)]
    to_digest: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let file = std::fs::read(&arguments.file)
        .with_context(|| format!("{} cannot be read", arguments.file.display()))?;
    let updates = read_updates(&arguments.updates)?;
    let (_, path) = in_repository(&arguments.file)
        .with_context(|| format!("{} is not a file name", arguments.file.display()))?;
    let sources = unit(&arguments.file, &path, file.clone())?;
    match edit_sources(&sources, &BTreeMap::new(), &updates) {
        Ok(mut edited) => {
            data(&edited.files.remove(&path).unwrap_or(file))?;
            for other in edited.files.keys() {
                say(&format!(
                    "note: {other} changes too, and is not printed\n  help: `imagebot update` writes all files"
                ));
            }
            Ok(Ended::Clean)
        }
        Err(refusal) => {
            say(&format!("{refusal} [{}]", refusal.code()));
            Ok(Ended::Failed)
        }
    }
}

/// A file with those that it depends on, or that depend on it.
fn unit(file: &Path, path: &RepoPath, contents: Vec<u8>) -> anyhow::Result<Sources> {
    let (folder, _) =
        read_unit(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let format = Format::read_as(path.as_str(), &contents).unwrap_or(Format::Dockerfile);
    let main = SourceFile {
        path: path.clone(),
        format: Some(format),
        contents,
    };
    let others = folder.tree.files.into_iter();
    let others = others.filter(|(other, _)| other != path && other.as_str() != REPO_CONFIG);
    let others = others.map(|(path, file)| SourceFile {
        format: Format::of(path.as_str())
            .and_then(|_| Format::read_as(path.as_str(), &file.contents)),
        path,
        contents: file.contents,
    });
    let all = Sources::new(others.chain([main]));
    let reading = read_sources(&all, &BTreeMap::new());
    let unit = reading.unit_of(&all, path);
    Ok(unit.map_or(all.clone(), |unit| reading.files_of(&all, unit)))
}

fn read_updates(path: &Path) -> anyhow::Result<Vec<Update>> {
    let text = read_text(path)?;
    let given: Vec<GivenUpdate> = serde_json::from_str(&text).with_context(|| {
        format!(
            "{} is not a list of updates: [{{\"image\", \"from_tag\", \"to_tag\", \"to_digest\"}}]",
            path.display()
        )
    })?;
    given
        .into_iter()
        .enumerate()
        .map(|(index, given)| {
            update(given).with_context(|| format!("update {} of {}", index + 1, path.display()))
        })
        .collect()
}

fn update(given: GivenUpdate) -> anyhow::Result<Update> {
    let tag = |tag: Option<String>| {
        tag.map(|tag| Tag::parse(&tag).with_context(|| format!("tag {tag:?}")))
            .transpose()
    };
    Ok(Update {
        image: ImageName::parse(&given.image)
            .with_context(|| format!("image {:?}", given.image))?,
        from_tag: tag(given.from_tag)?,
        from_digest: FromDigest::Any,
        to_tag: tag(given.to_tag)?,
        to_digest: given
            .to_digest
            .map(|digest| Digest::parse(&digest).with_context(|| format!("digest {digest:?}")))
            .transpose()?,
        drop_digest: false,
        only: None,
    })
}

/// A file's text, or stdin's for `-`.
pub(super) fn read_text(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("stdin cannot be read")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
