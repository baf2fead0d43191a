//! Parser directives: `# syntax=…`, `# escape=…` at the very top of a file.

use crate::source::mapped::Mapped;

/// What the directives of a file say.
pub(super) struct Directives {
    /// The escape character: a backslash unless a directive says otherwise.
    pub(super) escape: u8,
    /// The line and the first word of `# syntax=`.
    pub(super) syntax: Option<(usize, Mapped)>,
}

/// Reads the directives. They end at the first line that is none: an instruction, an empty line, any
/// other comment, an unknown or a repeated name.
pub(super) fn read(text: &str, base: usize) -> Directives {
    let mut directives = Directives {
        escape: b'\\',
        syntax: None,
    };
    let mut seen = Vec::new();
    let mut start = base;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let here = start;
        start += line.len();
        // The frontend is found behind a shebang too.
        if index == 0 && line.starts_with("#!") {
            continue;
        }
        let Some((name, value, offset)) = directive(line) else {
            break;
        };
        if seen.contains(&name) {
            break;
        }
        match name.as_str() {
            "escape" => match value {
                "`" => directives.escape = b'`',
                "\\" => {}
                _ => break,
            },
            "syntax" => {
                let word = value.split_whitespace().next().unwrap_or_default();
                directives.syntax = Some((index + 1, Mapped::of_file(word, here + offset)));
            }
            "check" => {}
            _ => break,
        }
        seen.push(name);
    }
    directives
}

/// `# name = value`: the name in lower case, the value, and the value's offset in the line.
fn directive(line: &str) -> Option<(String, &str, usize)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let name = name.trim();
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    let offset = line.len() - value.trim_start().len();
    let value = value.trim();
    (named && !value.is_empty()).then(|| (name.to_ascii_lowercase(), value, offset))
}
