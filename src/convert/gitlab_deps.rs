//! `.gitlab-deps`: imagebot reads it as it is.

use super::converted::Converted;
use super::draft::Draft;
use super::origin::{Origin, printable};
use crate::family::repo_of;

/// What imagebot makes of each line. No key is needed.
pub(super) fn convert(name: &str, text: &str) -> Converted {
    let mut draft = Draft::default();
    let mut read = 0;
    for (index, line) in text.lines().enumerate() {
        let word = line.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        match repo_of(word) {
            Some(_) => read += 1,
            None => {
                let origin = Origin::new(&printable(word), index + 1);
                draft.note(&origin, "it is not the address of a project");
            }
        }
    }
    let noun = if read == 1 {
        "dependency"
    } else {
        "dependencies"
    };
    let as_is = format!(
        "imagebot reads {} in the root of the repository as it is ({read} {noun}), so keep it; the same can be written here as \
         [[depends]]. Dependencies that a FROM names are found without it.",
        printable(name)
    );
    draft.finish(name, &as_is)
}
