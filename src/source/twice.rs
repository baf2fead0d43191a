//! Values that a Dockerfile contains twice, of which an edit changes only one: an `ARG` before `FROM` and again in a
//! stage, a label. Only the author knows whether the other one should change too.

use super::dockerfile::assignments;
use super::scan::readable;
use std::ops::Range;

/// The most that are reported for one file.
const MOST: usize = 20;

/// The lines that still have a value that an edit changed elsewhere, with what they set. `changes` are image names and
/// their old tags.
pub fn left_behind(before: &[u8], after: &[u8], changes: &[(&str, &str)]) -> Vec<(usize, String)> {
    let (old, new) = (readable(before), readable(after));
    let value = |text: &str, place: &Option<Range<usize>>| {
        let place = place.clone()?;
        text.get(place).map(str::to_owned)
    };
    let mut moved: Vec<(String, String)> = Vec::new();
    let mut same: Vec<(usize, &str, String, String)> = Vec::new();
    for instruction in ["arg", "label"] {
        let then = assignments(&old, instruction);
        let now = assignments(&new, instruction);
        for (then, now) in then.into_iter().zip(now) {
            let (Some(from), Some(to)) = (value(&old, &then.place), value(&new, &now.place)) else {
                continue;
            };
            match from == to {
                true => same.push((then.line, instruction, then.name, from)),
                false => moved.push((then.name, from)),
            }
        }
    }
    let says = |(_, instruction, name, value): &&(usize, &str, String, String)| {
        let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
        let named = |(image, tag): &(&str, &str)| names(value, image, tag);
        match *instruction {
            "arg" => moved.iter().any(|(n, from)| n == name && from == value),
            _ => {
                moved.iter().any(|(_, from)| has_digit && from == value)
                    || changes.iter().any(named)
            }
        }
    };
    let left = same.iter().filter(says).take(MOST);
    let shown = left.map(|(line, instruction, name, value)| {
        let keyword = instruction.to_ascii_uppercase();
        let value: String = value.chars().take(100).collect();
        (*line, format!("{keyword} {name}={value}"))
    });
    shown.collect()
}

/// Whether a text contains an image with a tag, whatever surrounds it.
fn names(text: &str, image: &str, tag: &str) -> bool {
    let wanted = format!("{image}:{tag}");
    let belongs = |c: Option<char>| {
        c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    text.match_indices(&wanted).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + wanted.len()..].chars().next();
        !belongs(before) && !belongs(behind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_twice_is_named_with_its_line() {
        let image = "docker.io/library/node";
        for (before, from, to, expect) in [
            (
                "ARG V=20\nFROM node:$V\nARG V=20\nLABEL base=node:20 v=\"20\" x=node:20.1\n",
                "ARG V=20\nFROM",
                "ARG V=22\nFROM",
                &["3 ARG V=20", "4 LABEL base=node:20", "4 LABEL v=20"][..],
            ),
            (
                "FROM node:20\nLABEL org.opencontainers.image.base.name=\"docker.io/library/node:20\"\n",
                "FROM node:20",
                "FROM node:22",
                &["2 LABEL org.opencontainers.image.base.name=docker.io/library/node:20"],
            ),
            // Another name, another value, a declaration without a value, a computed value, both changed.
            ("ARG V=20\nFROM node:$V\nARG W=20\n", "V=20", "V=22", &[]),
            ("ARG V=20\nFROM node:$V\nARG V=18\n", "V=20", "V=22", &[]),
            (
                "ARG V=20\nFROM node:$V\nARG V\nLABEL v=$V\n",
                "V=20",
                "V=22",
                &[],
            ),
            ("ARG V=20\nFROM node:$V\nLABEL v=20\n", "20", "22", &[]),
            (
                "FROM node:20\nLABEL a=mynode:20 b=node:20-slim c=node:201\n",
                "FROM node:20",
                "FROM node:22",
                &[],
            ),
        ] {
            let times = if to == "22" { 2 } else { 1 };
            let after = before.replacen(from, to, times);
            let changes = [("node", "20"), (image, "20")];
            let found = left_behind(before.as_bytes(), after.as_bytes(), &changes);
            let found: Vec<String> = found.iter().map(|(l, w)| format!("{l} {w}")).collect();
            assert_eq!(found, expect, "{before}");
        }
    }
}
