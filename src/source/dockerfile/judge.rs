//! Whether a file is well-formed, by `parse-dockerfile`.
//!
//! It is asked about the instructions as our reader joined them, not about the file: it knows no heredoc that is
//! not the first word, and ends directives elsewhere, and what it then says about such a file is not so.

use super::lines::Instruction;
use super::words;
use crate::source::passed::Passed;

/// What is wrong with the instructions, if anything is.
pub(super) fn complaint(instructions: &[Instruction], escape: u8) -> Option<Passed> {
    // An empty file is no Dockerfile, but nothing in it was passed over.
    if instructions.is_empty() {
        return None;
    }
    // The directive was in the file too, so that no instruction stands on its line.
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
        // A heredoc was read to its end already, and an escape character at the end continues nothing.
        let alone = instruction.text.text().replace("<<", "__");
        text.push_str(alone.trim_end_matches([char::from(escape), ' ', '\t']));
    }
    // Not `parse`: two stages of one name are well-formed.
    let first = match parse_dockerfile::parse_iter(&text) {
        Ok(mut iter) => iter.find_map(Result::err),
        Err(error) => Some(error),
    };
    // A file that ends too early has no line to blame.
    let last = instructions
        .last()
        .map_or(1, |instruction| instruction.line);
    let line = |line: usize| if line == 0 { last } else { line };
    first.map(|error| Passed {
        line: line(error.line()),
        what: format!("the file does not parse: {error}"),
    })
}

/// `ENTRYPOINT []` and `CMD []` take back what the base image says.
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
