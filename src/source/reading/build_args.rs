//! The build arguments that the text of a CI definition or a Makefile passes: `--build-arg NAME=`, and `build-args:` of
//! actions and plugins.
//!
//! Such a text is not evaluated: only the names and their lines are known.

use crate::source::lines::Lines;

/// The most arguments that are read in a file.
const MOST: usize = 1_000;
/// The option of docker, podman, buildah and kaniko.
const OPTION: &str = "--build-arg";
/// The keys of actions and plugins.
const KEYS: [&str; 2] = ["build-args:", "build_args:"];

/// The lines and names of the arguments in a text.
pub(super) fn passed(text: &str) -> Vec<(usize, String)> {
    if !text.contains("build-arg") && !text.contains("build_arg") {
        return Vec::new();
    }
    let lines = Lines::new(text);
    let mut found = Vec::new();
    // The indentation of the key that the present lines are below.
    let mut below: Option<usize> = None;
    let mut number = 0;
    while let Some((_, line)) = lines.at(number + 1) {
        number += 1;
        let bare = line.trim_start_matches([' ', '-']);
        let indent = line.len() - bare.len();
        let mut add = |name: Option<&str>| {
            let name = name.map(|name| (number, name.to_owned()));
            found.extend(name.filter(|_| bare.as_bytes().first() != Some(&b'#')));
        };
        let options = line.match_indices(OPTION);
        for (at, _) in options {
            let behind = &line[at + OPTION.len()..];
            add(behind
                .strip_prefix(['=', ' ', '\t', '"', '\''])
                .and_then(name));
        }
        below = below.filter(|key| bare.trim().is_empty() || indent > *key);
        if below.is_some() {
            add(name(bare));
        }
        if let Some(value) = KEYS.iter().find_map(|key| bare.strip_prefix(key)) {
            below = Some(indent);
            for word in value.split([',', ' ', '[', ']']) {
                add(name(word.trim()).filter(|_| word.contains('=')));
            }
        }
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    found
}

/// The name that a text begins with, quotes and separators aside.
fn name(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t', '"', '\'', ',', '=']);
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = text.find(|c| !is_inside(c)).unwrap_or(text.len());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| &text[..length])
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn names_with_their_lines() {
        for (text, expect) in [
            (
                "\tdocker build --build-arg A=1 --build-arg=B .\n",
                "1 A, 1 B",
            ),
            ("x\nrun: [\"--build-arg\", \"A=1\"]\n", "2 A"),
            (
                "  build-args: |\n    A=1\n\n    B=2\n  tags: |\n    C=3\n",
                "2 A, 4 B",
            ),
            ("build_args: [A=1, \"B=2\"]\nC=3\n", "1 A, 1 B"),
            ("- build-args:\n  - A=1\n", "2 A"),
            ("# --build-arg A=1\n--build-args X=1\n--build-arg \\\n", ""),
        ] {
            let found = passed(text);
            let found: Vec<String> = found
                .iter()
                .map(|(line, it)| format!("{line} {it}"))
                .collect();
            assert_eq!(found.join(", "), expect, "{text}");
        }
    }
}
