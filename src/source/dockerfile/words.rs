//! The words of an instruction: split at spaces, flags with quotes removed, heredoc markers.

use crate::source::mapped::Mapped;
use std::ops::Range;

/// A flag of an instruction, `--name=value`, quotes and escapes removed from the value.
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) value: Mapped,
}

/// The end of a heredoc.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Terminator {
    pub(super) name: String,
    /// `<<-`: leading tabs of the body are stripped, also before the terminator.
    pub(super) strip_tabs: bool,
}

/// Cuts off the first word; returns the keyword and the index at which the rest begins.
pub(super) fn keyword(text: &str) -> (&str, usize) {
    let end = text.find(is_blank).unwrap_or(text.len());
    let rest = text[end..]
        .find(|c: char| !is_blank(c))
        .map_or(text.len(), |skip| end + skip);
    (&text[..end], rest)
}

/// What separates words: `[\t\v\f\r ]` in BuildKit's parser. Other white space is part of a word, except at its ends.
pub(super) fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// Splits at spaces outside quotes; quotes and escapes stay in the words.
pub(super) fn split(text: &str, from: usize, escape: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = from;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        let mut quote = None;
        while at < bytes.len() {
            match (bytes[at], quote) {
                (b, Some(q)) if b == q => quote = None,
                (b, q) if b == escape && q != Some(b'\'') => at += 1,
                (b @ (b'\'' | b'"'), None) => quote = Some(b),
                (b, None) if b.is_ascii_whitespace() => break,
                _ => {}
            }
            at += 1;
        }
        at = at.min(bytes.len());
        words.push(start..at);
    }
    words
}

/// Reads the flags before the first word without `--`; returns the index of what follows them.
///
/// Quotes and escape characters are removed as BuildKit does.
pub(super) fn flags(text: &Mapped, from: usize, escape: u8) -> (Vec<Flag>, usize) {
    let bytes = text.bytes();
    let mut flags = Vec::new();
    let mut at = from;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        if !bytes[at.min(bytes.len())..].starts_with(b"--") {
            return (flags, at);
        }
        let mut word = Mapped::default();
        let mut quote = None;
        while let Some(&byte) = bytes.get(at) {
            match (byte, quote) {
                (b, Some(q)) if b == q => quote = None,
                (b, _) if b == escape => {
                    at += 1;
                    word.push_from(text, at);
                }
                (b @ (b'\'' | b'"'), None) => quote = Some(b),
                (b, None) if b.is_ascii_whitespace() => break,
                _ => word.push_from(text, at),
            }
            at += 1;
        }
        if word.text() == "--" {
            return (flags, at.min(bytes.len()));
        }
        let (name, value) = match word.text().find('=') {
            Some(equals) => (&word.text()[2..equals], word.slice(equals + 1..word.len())),
            None => (&word.text()[2..], Mapped::default()),
        };
        flags.push(Flag {
            name: name.to_ascii_lowercase(),
            value,
        });
    }
}

/// The heredocs that an instruction opens: `RUN`, `COPY` and `ADD`, also after `ONBUILD`, not in JSON form.
pub(super) fn heredocs(instruction: &str, escape: u8) -> Vec<Terminator> {
    if !instruction.contains("<<") || has_open_quote(instruction) {
        return Vec::new();
    }
    let (mut word, mut rest) = keyword(instruction);
    if word.eq_ignore_ascii_case("onbuild") {
        let (inner, behind) = keyword(&instruction[rest..]);
        (word, rest) = (inner, rest + behind);
    }
    let takes_heredocs = ["run", "copy", "add"]
        .iter()
        .any(|k| word.eq_ignore_ascii_case(k));
    let (_, arguments) = flags(&Mapped::of_file(instruction, 0), rest, escape);
    if !takes_heredocs || is_json_form(&instruction[arguments.min(instruction.len())..]) {
        return Vec::new();
    }
    split(instruction, rest, b'\\')
        .into_iter()
        .filter_map(|word| terminator(&instruction[word]))
        .collect()
}

/// Whether a quote is not closed: BuildKit's shell reader then returns no words at all, and so no heredocs.
fn has_open_quote(text: &str) -> bool {
    let mut quote = None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b, Some(q)) if b == q => quote = None,
            (b'\\', q) if q != Some(b'\'') => _ = bytes.next(),
            (b @ (b'\'' | b'"'), None) => quote = Some(b),
            _ => {}
        }
    }
    quote.is_some()
}

fn is_json_form(text: &str) -> bool {
    text.starts_with('[') && serde_json::from_str::<Vec<String>>(text).is_ok()
}

/// A word of the form `[fd]<<[-]NAME`.
fn terminator(word: &str) -> Option<Terminator> {
    let rest = word
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix("<<")?;
    let (strip_tabs, name) = match rest.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, rest),
    };
    if name.is_empty() || name.contains('<') {
        return None;
    }
    Some(Terminator {
        name: name.replace(['"', '\'', '\\'], ""),
        strip_tabs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heredocs_are_whole_words_of_instructions_that_take_them() {
        for (text, expect) in [
            ("RUN <<EOF", vec![("EOF", false)]),
            ("RUN cat <<-\"EOF\" > /x", vec![("EOF", true)]),
            ("COPY <<one <<two /d/", vec![("one", false), ("two", false)]),
            ("ONBUILD RUN 3<<EOF", vec![("EOF", false)]),
            ("RUN cat <<<word", vec![]),
            ("RUN echo $((1<<2))", vec![]),
            ("RUN a<<EOF", vec![]),
            ("RUN [\"a\", \"<<EOF\"]", vec![]),
            ("RUN --mount=type=ssh [\"a\", \"<<EOF\"]", vec![]),
            ("ENV a <<EOF", vec![]),
            ("RUN cat <<EOF it's", vec![]),
            ("RUN cat <<EOF it\\'s", vec![("EOF", false)]),
            ("RUN cat <<EOF \"it's\"", vec![("EOF", false)]),
        ] {
            let found: Vec<_> = heredocs(text, b'\\')
                .into_iter()
                .map(|t| (t.name, t.strip_tabs))
                .collect();
            let expect: Vec<_> = expect.into_iter().map(|(n, s)| (n.to_owned(), s)).collect();
            assert_eq!(found, expect, "{text}");
        }
    }
}
