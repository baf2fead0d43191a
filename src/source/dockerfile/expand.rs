//! Expands variables in a word, and keeps the position of every byte.
//!
//! The language is that of BuildKit's `shell.Lex`: quotes, escapes, `$V`, `${V}`, `${V:-x}`, `${V-x}`,
//! `${V:+x}`, `${V+x}`, `${V:?x}`, `${V?x}`, `${V#p}`, `${V##p}`, `${V%p}`, `${V%%p}`, `${V/p/r}`, `${V//p/r}`.

use super::glob;
use crate::source::mapped::Mapped;
use crate::source::value::Expanded;
use std::collections::HashMap;

/// The longest value that is expanded, in bytes: no reference is longer (a name of 255, a tag of 128, a digest of 71
/// and the separators), and repeated `ARG A=$A$A` must end.
const MAX_VALUE: usize = 512;
/// The most bytes of the values of all variables together.
const MAX_KEPT: usize = 256 * 1024;
/// The deepest nesting of `${A:-${B:-…}}`.
const MAX_DEPTH: usize = 16;

/// The variables that a word can use.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Expanded>,
    /// The bytes of all values.
    kept: usize,
}

impl Scope {
    /// Sets a variable. Beyond [`MAX_KEPT`] it is malformed, so that the cost of reading a file is bounded by its size.
    pub(super) fn set(&mut self, name: &str, value: Expanded) {
        let freed = self.variables.remove(name).map_or(0, |v| v.value.len());
        self.kept -= freed;
        let value = if self.kept + value.value.len() > MAX_KEPT {
            Expanded::malformed()
        } else {
            value
        };
        self.kept += value.value.len();
        self.variables.insert(name.to_owned(), value);
    }

    /// Expands the variables of a word.
    pub(super) fn expand(&self, word: &Mapped, escape: u8) -> Expanded {
        let mut reader = Reader {
            scope: self,
            word,
            escape,
            at: 0,
            depth: 0,
            raw_escapes: false,
        };
        let mut expanded = reader.until(None);
        expanded.malformed |= expanded.value.len() > MAX_VALUE;
        if expanded.malformed {
            expanded.value = Mapped::default();
        }
        expanded
    }
}

struct Reader<'a> {
    scope: &'a Scope,
    word: &'a Mapped,
    escape: u8,
    at: usize,
    depth: usize,
    /// Whether escape characters are kept, as in patterns.
    raw_escapes: bool,
}

/// The kind of the last element of a word: it decides where text can be added to the word.
enum Last {
    Nothing,
    /// Text, or a variable among text: after this index of the word.
    Behind(usize),
    /// The word is one variable: the end of that variable's own value.
    Inner(Option<usize>),
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.word.bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads up to `stop`, which is consumed, or to the end of the word.
    fn until(&mut self, stop: Option<u8>) -> Expanded {
        let mut out = Expanded::default();
        let mut last = Last::Nothing;
        let mut closed = stop.is_none();
        while let Some(byte) = self.next() {
            if Some(byte) == stop {
                closed = true;
                break;
            }
            match byte {
                b'\'' => {
                    while self.peek().is_some_and(|b| b != b'\'') {
                        out.value.push_from(self.word, self.at);
                        self.at += 1;
                    }
                    last = Last::Behind(self.at);
                    out.malformed |= self.next().is_none();
                }
                b'"' => last = self.double_quoted(&mut out, last),
                b'$' => last = self.variable(&mut out, last),
                b if b == self.escape => {
                    if self.raw_escapes {
                        out.value.push_from(self.word, self.at - 1);
                    }
                    // At the end of a word it is dropped.
                    if self.peek().is_some() {
                        out.value.push_from(self.word, self.at);
                        self.at += 1;
                        last = Last::Behind(self.at);
                    }
                }
                _ => {
                    out.value.push_from(self.word, self.at - 1);
                    last = Last::Behind(self.at);
                }
            }
            self.stop_if_too_long(&mut out);
        }
        out.malformed |= !closed;
        out.slot = match last {
            Last::Nothing => None,
            Last::Behind(index) => self.word.place_behind(index),
            Last::Inner(slot) => slot,
        };
        out
    }

    fn stop_if_too_long(&mut self, out: &mut Expanded) {
        if out.value.len() > MAX_VALUE {
            out.malformed = true;
            self.at = self.word.len();
        }
    }

    fn double_quoted(&mut self, out: &mut Expanded, mut last: Last) -> Last {
        loop {
            match self.next() {
                None => {
                    out.malformed = true;
                    return last;
                }
                Some(b'"') => return last,
                Some(b'$') => last = self.variable(out, last),
                Some(b)
                    if b == self.escape
                        && matches!(self.peek(), Some(next) if next == b'"' || next == b'$' || next == self.escape) =>
                {
                    if self.raw_escapes {
                        out.value.push_from(self.word, self.at - 1);
                    }
                    out.value.push_from(self.word, self.at);
                    self.at += 1;
                    last = Last::Behind(self.at);
                }
                Some(b) if b == self.escape && self.raw_escapes => {
                    // Kept twice, as BuildKit does: for a pattern it is a backslash then.
                    out.value.push_from(self.word, self.at - 1);
                    out.value.push_from(self.word, self.at - 1);
                    last = Last::Behind(self.at);
                }
                Some(_) => {
                    out.value.push_from(self.word, self.at - 1);
                    last = Last::Behind(self.at);
                }
            }
        }
    }

    /// Reads what follows a `$` and adds its value.
    fn variable(&mut self, out: &mut Expanded, last: Last) -> Last {
        let dollar = self.at - 1;
        let part = if self.peek() == Some(b'{') {
            self.at += 1;
            self.braced()
        } else {
            match self.name() {
                Some(name) => self.plain(&name),
                None => {
                    out.value.push_from(self.word, dollar);
                    return Last::Behind(self.at);
                }
            }
        };
        out.value.append(&part.value);
        out.mark(&part);
        let behind = self.at;
        self.stop_if_too_long(out);
        match last {
            Last::Nothing => Last::Inner(part.slot),
            _ => Last::Behind(behind),
        }
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`, digits, or one special character.
    fn name(&mut self) -> Option<String> {
        let rest = &self.word.bytes()[self.at..];
        let len = match rest.first()? {
            b if b.is_ascii_alphabetic() || *b == b'_' => rest
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count(),
            b if b.is_ascii_digit() => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
            b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => 1,
            _ => return None,
        };
        let name = String::from_utf8_lossy(&rest[..len]).into_owned();
        self.at += len;
        Some(name)
    }

    fn plain(&self, name: &str) -> Expanded {
        self.scope
            .variables
            .get(name)
            .cloned()
            .unwrap_or_else(|| Expanded {
                unresolved: true,
                ..Expanded::default()
            })
    }

    fn braced(&mut self) -> Expanded {
        let Some(name) = self.name() else {
            return Expanded::malformed();
        };
        let known = self.scope.variables.get(&name);
        let (operator, empty_is_unset) = match self.next() {
            Some(b'}') => return self.plain(&name),
            Some(b':') => (self.next(), true),
            other => (other, false),
        };
        match operator {
            Some(operator @ (b'-' | b'+' | b'?')) => {
                let word = self.nested(b'}', false);
                // A variable that the builder sets, or whose expansion failed, has an unknown value.
                let opaque = known.filter(|v| v.is_opaque());
                let is_set = known.is_some_and(|v| !(empty_is_unset && v.value.is_empty()));
                match (operator, opaque) {
                    _ if word.malformed => Expanded::malformed(),
                    (_, Some(opaque)) => Expanded::unresolved([opaque, &word]),
                    (b'-', None) if !is_set => word,
                    (b'+', None) if is_set => word,
                    (b'+', None) => Expanded::default(),
                    _ => self.plain(&name),
                }
            }
            Some(operator @ (b'#' | b'%')) => {
                let pattern = self.nested(b'}', true);
                computed(known, [&pattern], |value| {
                    let pattern = pattern.value.text();
                    let (pattern, longest) = match pattern.strip_prefix(char::from(operator)) {
                        Some(rest) => (rest, true),
                        None => (pattern, false),
                    };
                    if operator == b'#' {
                        glob::strip_prefix(value, pattern, longest)
                    } else {
                        glob::strip_suffix(value, pattern, longest)
                    }
                })
            }
            Some(b'/') if !empty_is_unset => {
                let all = self.peek() == Some(b'/');
                self.at += usize::from(all);
                let pattern = self.nested(b'/', true);
                let replacement = self.nested(b'}', true);
                computed(known, [&pattern, &replacement], |value| {
                    glob::replace(value, pattern.value.text(), replacement.value.text(), all)
                })
            }
            _ => Expanded::malformed(),
        }
    }

    /// Reads a word inside braces and expands its variables.
    fn nested(&mut self, stop: u8, raw_escapes: bool) -> Expanded {
        if self.depth >= MAX_DEPTH {
            return Expanded::malformed();
        }
        let outside = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        self.depth += 1;
        let word = self.until(Some(stop));
        self.depth -= 1;
        self.raw_escapes = outside;
        word
    }
}

/// The result of an operator on a variable and the operator's words.
fn computed<const N: usize>(
    variable: Option<&Expanded>,
    words: [&Expanded; N],
    compute: impl FnOnce(&str) -> String,
) -> Expanded {
    if words.iter().any(|word| word.malformed) {
        return Expanded::malformed();
    }
    match variable {
        Some(known) if !known.is_opaque() && !words.iter().any(|word| word.unresolved) => {
            Expanded {
                value: Mapped::computed(&compute(known.value.text())),
                computed: true,
                ..Expanded::default()
            }
        }
        _ => Expanded::unresolved(variable.into_iter().chain(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(text: &str) -> Expanded {
        Expanded {
            value: Mapped::of_file(text, 0),
            ..Expanded::default()
        }
    }

    #[test]
    fn a_value_is_as_long_as_a_reference_at_most() {
        let mut scope = Scope::default();
        scope.set("half", of_file(&"x".repeat(MAX_VALUE / 2)));
        let expand = |word: &str| scope.expand(&Mapped::of_file(word, 0), b'\\');
        for word in ["$half$half", "\"$half$half\"", "${U:-$half}$half"] {
            assert_eq!(expand(word).value.len(), MAX_VALUE, "{word}");
        }
        for word in [
            "$half${half}x",
            "\"$half$half$half\"",
            "${half:+$half$half$half}",
        ] {
            let expanded = expand(word);
            assert!(expanded.malformed && expanded.value.is_empty(), "{word}");
        }
    }

    #[test]
    fn what_a_scope_keeps_is_bounded() {
        let mut scope = Scope::default();
        for n in 0..40_000 {
            scope.set(&format!("v{n}"), of_file(&"x".repeat(MAX_VALUE)));
            scope.set("again", of_file("x"));
        }
        let kept = |scope: &Scope| {
            scope
                .variables
                .values()
                .map(|v| v.value.len())
                .sum::<usize>()
        };
        assert_eq!(kept(&scope), scope.kept);
        assert!(scope.kept <= MAX_KEPT);
        // A new value frees the bytes of the old one.
        scope.set("v0", of_file("x"));
        scope.set("late", of_file("x"));
        assert!(!scope.variables["late"].malformed);
        assert!(scope.variables["v39999"].malformed);
    }
}
