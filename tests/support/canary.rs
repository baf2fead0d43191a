//! Looks for credentials in everything that was written: files, databases, every object of every git repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The forms in which the word CANARY travels: as it is (percent-encoding leaves letters alone, but need not), in
/// base64 at each alignment, in hexadecimal.
const FORMS: [&str; 8] = [
    "CANARY",
    "%43%41%4E%41%52%59",
    "%43%41%4e%41%52%59",
    "Q0FOQVJZ",
    "NBTkFSW",
    "DQU5BUl",
    "43414e415259",
    "43414E415259",
];

/// The forms of the canary that stand in these bytes.
pub(crate) fn found(bytes: &[u8]) -> Vec<&'static str> {
    // The forms are ASCII, which survives this; a search in text is fast in a debug build too.
    let text = String::from_utf8_lossy(bytes);
    FORMS
        .into_iter()
        .filter(|form| text.contains(form))
        .collect()
}

/// Where below a folder a canary stands, files in `except` aside.
pub(crate) fn below(folder: &Path, except: &[PathBuf]) -> Vec<String> {
    let mut places = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else {
            continue;
        };
        if path.join("objects").is_dir() && path.join("HEAD").is_file() {
            note(&mut places, &path, "objects", &objects(&path));
        }
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(path),
                Ok(kind) if kind.is_file() && !except.contains(&path) => {
                    let contents = std::fs::read(&path).unwrap_or_default();
                    note(&mut places, &path, "contents", &contents);
                    note(
                        &mut places,
                        &path,
                        "name",
                        path.as_os_str().as_encoded_bytes(),
                    );
                }
                _ => {}
            }
        }
    }
    places
}

fn note(places: &mut Vec<String>, path: &Path, what: &str, bytes: &[u8]) {
    places.extend(
        found(bytes)
            .iter()
            .map(|form| format!("{form} in the {what} of {}", path.display())),
    );
}

/// Every object of a repository, unpacked.
fn objects(repository: &Path) -> Vec<u8> {
    let output = Command::new("git")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .arg("--git-dir")
        .arg(repository)
        .args([
            "-c",
            "safe.directory=*",
            "cat-file",
            "--batch-all-objects",
            "--unordered",
            "--batch",
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("git starts");
    output.stdout
}
