//! Reads what `imagebot init --from` converts.

use crate::convert::{Converted, MAX_OLD_FILE, OLD_FILES, System, convert, convert_contexts};
use crate::repo::RepoPath;
use anyhow::Context as _;
use std::io::Read as _;
use std::path::Path;

/// The most entries of a folder `contexts` that are read.
const MOST_CONTEXTS: usize = 1_000;
/// The files of a context that count.
const FILES: [&str; 2] = ["Dockerfile", "info.edn"];

/// Converts a file, or a folder with contexts.
pub(super) fn read(path: &Path) -> anyhow::Result<Converted> {
    let shown = path.display().to_string();
    let metadata = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    if metadata.is_dir() {
        return folder(path, &shown);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(system) = System::of_file(&name) else {
        anyhow::bail!("{shown} is not a file that can be converted\nhelp: name one of {OLD_FILES}");
    };
    anyhow::ensure!(
        metadata.is_file(),
        "{shown} is not a regular file\nhelp: name the file itself"
    );
    let file = std::fs::File::open(path).with_context(|| format!("{shown} cannot be read"))?;
    let mut bytes = Vec::new();
    file.take(MAX_OLD_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("{shown} cannot be read"))?;
    anyhow::ensure!(
        bytes.len() <= MAX_OLD_FILE,
        "{shown} is larger than {MAX_OLD_FILE} bytes\nhelp: name the configuration of one repository"
    );
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("{shown} is not text in UTF-8\nhelp: save it in UTF-8"))?;
    let converted = convert(system, &shown, &text);
    converted.map_err(|error| {
        anyhow::anyhow!(
            "{error}\nhelp: correct the file, or write imagebot.toml with `imagebot init`"
        )
    })
}

/// The contexts in a folder `contexts`, or in a folder that has one.
fn folder(path: &Path, shown: &str) -> anyhow::Result<Converted> {
    let inner = path.join("contexts");
    let is_inside = !inner.is_dir()
        && path
            .canonicalize()
            .is_ok_and(|path| path.ends_with("contexts"));
    let root = if is_inside { path } else { &inner };
    anyhow::ensure!(
        root.is_dir(),
        "{shown} has no folder contexts\nhelp: name one of {OLD_FILES}"
    );
    let entries = std::fs::read_dir(root).with_context(|| format!("{shown} cannot be read"))?;
    let mut paths = Vec::new();
    for (index, entry) in entries.enumerate() {
        anyhow::ensure!(
            index < MOST_CONTEXTS,
            "{shown} has more than {MOST_CONTEXTS} entries\nhelp: write imagebot.toml with `imagebot init`"
        );
        let entry = entry.with_context(|| format!("{shown} cannot be read"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let files = FILES
            .iter()
            .filter(|file| entry.path().join(file).is_file());
        paths.extend(
            files.filter_map(|file| RepoPath::parse(&format!("contexts/{name}/{file}")).ok()),
        );
    }
    paths.sort();
    Ok(convert_contexts(&paths))
}
