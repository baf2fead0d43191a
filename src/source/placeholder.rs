//! Placeholders in a text that the format's program fills in: `$(params.x)`, `<< parameters.x >>`, `${{ matrix.x }}`.
//!
//! What is between the delimiters is the format's own; nothing is evaluated, and a value is not filled in again.

use super::located::WhyNot;
use super::value::Expanded;

/// The longest text, in bytes: no reference is longer, and a value can be used many times.
const LONGEST: usize = 512;

/// The meaning of a placeholder.
pub(crate) enum Meaning {
    /// It has this value.
    Value(Expanded),
    /// Nothing in the file gives it a value.
    Unknown,
    /// It is computed.
    Expression,
}

/// A text with its placeholders filled in.
pub(crate) fn fill(
    text: &Expanded,
    (open, close): (&str, &str),
    meaning: &mut dyn FnMut(&str) -> Meaning,
) -> Expanded {
    let written = text.value.text();
    let literal = |from, to| Expanded::literal(&text.value.slice(from..to));
    let mut filled = Expanded::default();
    filled.mark(text);
    let mut at = 0;
    while let Some((start, end)) = next(written, at, open, close) {
        filled.append(&literal(at, start));
        match meaning(written[start + open.len()..end].trim()) {
            Meaning::Value(value) => filled.append(&value),
            Meaning::Unknown => filled.unresolved = true,
            Meaning::Expression => filled.why = Some(WhyNot::Expression),
        }
        at = end + close.len();
        if filled.value.len() > LONGEST {
            return Expanded::malformed();
        }
    }
    filled.append(&literal(at, written.len()));
    filled
}

/// Where the next placeholder begins, and where its closing delimiter does.
fn next(text: &str, from: usize, open: &str, close: &str) -> Option<(usize, usize)> {
    let start = from + text.get(from..)?.find(open)?;
    let inner = start + open.len();
    Some((start, inner + text.get(inner..)?.find(close)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mapped::Mapped;

    fn filled(text: &str) -> Expanded {
        let text = Expanded::literal(&Mapped::of_file(text, 10));
        fill(&text, ("$(", ")"), &mut |name| match name {
            "one" => Meaning::Value(Expanded::literal(&Mapped::of_file("1", 90))),
            "long" => Meaning::Value(Expanded::literal(&Mapped::of_file(&"x".repeat(300), 0))),
            "sum" => Meaning::Expression,
            _ => Meaning::Unknown,
        })
    }

    #[test]
    fn a_value_keeps_its_place() {
        let text = filled("a:$( one )-b$");
        assert_eq!(text.value.text(), "a:1-b$");
        assert_eq!(text.value.places(0..6), [10..12, 90..91, 20..23]);
        assert_eq!((text.slot, text.is_opaque()), (Some(23), false));
        assert_eq!(filled("a:$(one)").slot, Some(91));
        assert_eq!(filled("a:$(one").value.text(), "a:$(one");
    }

    #[test]
    fn what_has_no_value_is_not_guessed() {
        assert!(filled("a:$(two)").unresolved);
        assert_eq!(filled("a:$(sum)").why, Some(WhyNot::Expression));
        assert!(filled("$(long)$(long)").malformed && !filled("$(long)").malformed);
    }
}
