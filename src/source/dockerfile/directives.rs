//! Parser directives: `# syntax=…`, `# escape=…` at the very top of a file.
//!
//! BuildKit reads them twice, by different rules. `# syntax` may also follow a shebang, but its `#` must be the line's
//! first character; `# escape` may follow blanks, but not a shebang.

use crate::source::mapped::Mapped;

/// The directives of a file.
pub(super) struct Directives {
    /// The escape character: a backslash unless a directive says otherwise.
    pub(super) escape: u8,
    /// The line and the first word of `# syntax=`.
    pub(super) syntax: Option<(usize, Mapped)>,
    /// The line and the name of a repeated directive.
    pub(super) repeated: Option<(usize, String)>,
}

/// Reads the directives.
pub(super) fn read(text: &str, base: usize) -> Directives {
    let shebang = if text.starts_with("#!") {
        text.find('\n').map_or(text.len(), |end| end + 1)
    } else {
        0
    };
    let syntax = block(&text[shebang..], false)
        .0
        .into_iter()
        .find(|directive| directive.name == "syntax")
        .map(|directive| {
            let word = directive.value.split_whitespace().next();
            let place = base + shebang + directive.start;
            (
                directive.line + usize::from(shebang > 0),
                Mapped::of_file(word.unwrap_or_default(), place),
            )
        });
    let (block, repeated) = block(text, true);
    let escape = block
        .into_iter()
        .find(|directive| directive.name == "escape")
        .filter(|directive| directive.value == "`");
    Directives {
        escape: if escape.is_some() { b'`' } else { b'\\' },
        syntax,
        repeated,
    }
}

/// One `# name = value`.
struct Directive<'a> {
    /// The line, counted from 1.
    line: usize,
    /// In lower case.
    name: String,
    value: &'a str,
    /// The position of the value in the text.
    start: usize,
}

/// The directives at the top of a text. They end at the first other line: an instruction, an empty line, any other
/// comment, an unknown or a repeated name, an invalid escape character. The repeated one is returned too.
fn block(text: &str, blanks_before: bool) -> (Vec<Directive<'_>>, Option<(usize, String)>) {
    let mut block: Vec<Directive> = Vec::new();
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let comment = if blanks_before {
            line.trim_start()
        } else {
            line
        };
        let Some((name, value, behind)) = directive(comment) else {
            break;
        };
        let is_known = match name.as_str() {
            "escape" => matches!(value, "`" | "\\"),
            "syntax" | "check" => true,
            _ => false,
        };
        if block.iter().any(|before| before.name == name) {
            return (block, Some((index + 1, name)));
        }
        if !is_known {
            break;
        }
        block.push(Directive {
            line: index + 1,
            name,
            value,
            start: start + line.len() - behind,
        });
        start += line.len();
    }
    (block, None)
}

/// `# name = value`: the name in lower case, the value, and how far from the end of the text the value begins.
fn directive(comment: &str) -> Option<(String, &str, usize)> {
    let (name, value) = comment.strip_prefix('#')?.split_once('=')?;
    let name = name.trim();
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    let behind = value.trim_start().len();
    let value = value.trim();
    (named && !value.is_empty()).then(|| (name.to_ascii_lowercase(), value, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, escape: u8, syntax: Option<(usize, &str, usize)>) {
        let read = read(text, 0);
        let found = read
            .syntax
            .as_ref()
            .map(|(line, word)| (*line, word.text(), word.place_of(0).unwrap_or_default()));
        assert_eq!((read.escape, found), (escape, syntax), "{text:?}");
    }

    #[test]
    fn the_two_directives_have_rules_of_their_own() {
        check("# syntax=a:1 x\n# escape=`\n", b'`', Some((1, "a:1", 9)));
        check(
            "#  Escape = ` \n#syntax=  a:1\n",
            b'`',
            Some((2, "a:1", 25)),
        );
        check(" # syntax=a:1\n", b'\\', None);
        check(" # syntax=a:1\n # escape=`\n", b'`', None);
        check(" # escape=`\n# syntax=a:1\n", b'`', None);
        check("#!/bin/x\n# syntax=a:1\n", b'\\', Some((2, "a:1", 18)));
        check("#!/bin/x\n# escape=`\n", b'\\', None);
        check("# x\n# syntax=a:1\n", b'\\', None);
        check("# escape=x\n# syntax=a:1\n", b'\\', None);
    }
}
