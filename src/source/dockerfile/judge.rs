//! Whether a file is well-formed, by `parse-dockerfile`.
//!
//! It gets the instructions as our reader joined them, and not the file: it does not know heredocs that are not the
//! first word, and ends directives elsewhere, so that its errors about such files would be wrong.

use super::lines::Instruction;
use super::words;
use crate::source::passed::Passed;

/// An error in the instructions, if any.
pub(super) fn complaint(instructions: &[Instruction], escape: u8) -> Option<Passed> {
    // An empty file is not a Dockerfile, but nothing in it was skipped.
    if instructions.is_empty() {
        return None;
    }
    // The directive is in the file as well, so that no instruction is on its line.
    let mut text = match escape {
        b'`' => "# escape=`".to_owned(),
        _ => String::new(),
    };
    let mut line = 1;
    for instruction in instructions {
        if is_reset(instruction.text.text()) {
            continue;
        }
        // Every instruction keeps its line number.
        text.extend(std::iter::repeat_n('\n', instruction.line - line));
        line = instruction.line;
        // The heredoc was already read to its end, and an escape character at the end continues nothing.
        let alone = instruction.text.text().replace("<<", "__");
        text.push_str(alone.trim_end_matches([char::from(escape), ' ', '\t']));
    }
    // Not `parse`: two stages with one name are well-formed.
    let first = match parse_dockerfile::parse_iter(&text) {
        Ok(mut iter) => iter.find_map(Result::err),
        Err(error) => Some(error),
    };
    // A file that ends too early has no line with the error.
    let last = instructions
        .last()
        .map_or(1, |instruction| instruction.line);
    let line = |line: usize| if line == 0 { last } else { line };
    first.map(|error| Passed {
        line: line(error.line()),
        what: format!("the file does not parse: {error}"),
    })
}

/// `ENTRYPOINT []` and `CMD []` reset the base image's settings.
fn is_reset(instruction: &str) -> bool {
    let (keyword, rest) = words::keyword(instruction);
    let known = ["entrypoint", "cmd"]
        .iter()
        .any(|word| keyword.eq_ignore_ascii_case(word));
    let inner = instruction[rest..].trim();
    let inner = inner
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'));
    known && inner.is_some_and(|inner| inner.trim().is_empty())
}
