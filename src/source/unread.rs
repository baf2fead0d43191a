//! Files, and documents in them, that look as if they named an image and that no format reads.

use super::found::{Remark, Told};
use crate::image::Reference;
use crate::repo::RepoPath;

/// The longest value that is read, in characters: no reference is longer.
const LONGEST: usize = 512;

/// The remark about a text that no format reads and that looks as if it named an image; `None` if it does not. Its first
/// line is `line` of the file.
pub fn not_read(path: &RepoPath, text: &str, line: usize) -> Option<Told> {
    let (at, key) = image_line(text)?;
    let format = match path.as_str().to_ascii_lowercase().ends_with(".json") {
        true => "json",
        false => "yaml",
    };
    let what = format!(
        "these lines of imagebot.toml read it:\n[[source]]\nfiles = [\"{path}\"]\nformat = \"{format}\"\nat = \"**.{key}\""
    );
    let (line, remark) = (line + at - 1, Remark::NotRead);
    Some(Told { line, remark, what })
}

/// Whether a file looks as if it named an image.
pub fn has_image_line(contents: &[u8]) -> bool {
    std::str::from_utf8(contents).is_ok_and(|text| image_line(text).is_some())
}

/// The line of a file in an unknown format that looks as if it named an image, counted from 1, and the key:
/// `image: name:tag`.
fn image_line(text: &str) -> Option<(usize, String)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let mut ends = line.match_indices("mage").map(|(at, key)| at + key.len());
        let end = ends.find(|end| names_an_image(&line[*end..]))?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let key: String = line[..end]
            .chars()
            .rev()
            .take_while(|c| is_key(*c))
            .collect();
        Some((index + 1, key.chars().rev().collect()))
    })
}

/// Whether a value with a tag or a digest follows a key.
fn names_an_image(after_key: &str) -> bool {
    let after_key = after_key.trim_start_matches(['"', '\'']).trim_start();
    let Some(value) = after_key.strip_prefix(':') else {
        return false;
    };
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    // No reference is longer, and one line can have many keys.
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']');
    let mut chars = value.char_indices().enumerate();
    let end = chars.find(|(count, (_, c))| *count == LONGEST || ends(*c));
    let end = end.map_or(value.len(), |(_, (at, _))| at);
    let reference = Reference::parse(&value[..end]);
    reference.is_ok_and(|reference| reference.tag.is_some() || reference.digest.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_looks_like_an_image() {
        for (text, expect) in [
            ("a: 1\nimage: nginx:1.25\n", Some((2, "image"))),
            ("- \"baseImage\": \"nginx@1\",\n", None),
            (
                "  - \"base_image\": \"nginx:1.25\",\n",
                Some((1, "base_image")),
            ),
            ("a: {image: nginx:1.25}\n", Some((1, "image"))),
            ("image: nginx\nimage: a picture: of x\n", None),
        ] {
            let found = image_line(text);
            let found = found.as_ref().map(|(line, key)| (*line, key.as_str()));
            assert_eq!(found, expect, "{text}");
        }
    }
}
