//! Putting variables into a word, with the place of every byte kept.
//!
//! The language is that of BuildKit's `shell.Lex`: quotes, escapes, `$V`, `${V}`, `${V:-x}`, `${V-x}`,
//! `${V:+x}`, `${V+x}`, `${V:?x}`, `${V?x}`, `${V#p}`, `${V##p}`, `${V%p}`, `${V%%p}`, `${V/p/r}`, `${V//p/r}`.

use super::glob;
use crate::source::mapped::Mapped;
use std::collections::HashMap;

/// The longest value that is still put together, in bytes: no reference is longer, and `ARG A=$A$A` over and
/// over must end.
const MAX_VALUE: usize = 4096;
/// How deep `${A:-${B:-…}}` may nest.
const MAX_DEPTH: usize = 16;

/// The variables that a word can name.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Expanded>,
}

/// A word with its variables put in.
#[derive(Debug, Clone, Default)]
pub(super) struct Expanded {
    pub(super) value: Mapped,
    /// The place in the file at which text can be added to the word's end.
    pub(super) slot: Option<usize>,
    /// Whether a variable without a known value takes part.
    pub(super) unresolved: bool,
    /// Whether a part is computed from a variable.
    pub(super) computed: bool,
    /// Whether the word is malformed or too long.
    pub(super) malformed: bool,
}

impl Scope {
    pub(super) fn set(&mut self, name: &str, value: Expanded) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Puts variables into a word.
    pub(super) fn expand(&self, word: &Mapped, escape: u8) -> Expanded {
        let mut reader = Reader {
            scope: self,
            word,
            escape,
            at: 0,
            depth: 0,
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
}

/// What the last element of a word was: it decides where text can be added to the word.
enum Last {
    Nothing,
    /// Text, or a variable among text: behind this index of the word.
    Behind(usize),
    /// The word is one variable: where its own value can be added to.
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
                    while let Some(inner) = self.peek().filter(|b| *b != b'\'') {
                        out.value.push_from(self.word, self.at);
                        self.at += 1;
                        let _ = inner;
                    }
                    last = Last::Behind(self.at);
                    out.malformed |= self.next().is_none();
                }
                b'"' => last = self.double_quoted(&mut out, last),
                b'$' => last = self.variable(&mut out, last),
                b if b == self.escape => {
                    match self.peek() {
                        Some(_) => out.value.push_from(self.word, self.at),
                        None => out.value.push_from(self.word, self.at - 1),
                    }
                    self.at += 1;
                    last = Last::Behind(self.at);
                }
                _ => {
                    out.value.push_from(self.word, self.at - 1);
                    last = Last::Behind(self.at);
                }
            }
            if out.value.len() > MAX_VALUE {
                out.malformed = true;
                self.at = self.word.len();
                break;
            }
        }
        out.malformed |= !closed;
        out.slot = match last {
            Last::Nothing => None,
            Last::Behind(index) => self.word.place_behind(index),
            Last::Inner(slot) => slot,
        };
        out
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
                    out.value.push_from(self.word, self.at);
                    self.at += 1;
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
        out.unresolved |= part.unresolved;
        out.computed |= part.computed;
        out.malformed |= part.malformed;
        match last {
            Last::Nothing => Last::Inner(part.slot),
            _ => Last::Behind(self.at),
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
        let malformed = || Expanded {
            malformed: true,
            ..Expanded::default()
        };
        if self.depth >= MAX_DEPTH {
            return malformed();
        }
        let Some(name) = self.name() else {
            return malformed();
        };
        let known = self.scope.variables.get(&name);
        let (operator, empty_is_unset) = match self.next() {
            Some(b'}') => return self.plain(&name),
            Some(b':') => (self.next(), true),
            other => (other, false),
        };
        // A variable that the builder sets, or that failed to expand, is set to something unknown.
        let opaque = known.is_some_and(|v| v.unresolved || v.malformed);
        let is_set = known.is_some_and(|v| !(empty_is_unset && v.value.is_empty()));
        match operator {
            Some(operator @ (b'-' | b'+' | b'?')) => {
                self.depth += 1;
                let word = self.until(Some(b'}'));
                self.depth -= 1;
                match operator {
                    _ if opaque || word.malformed => Expanded {
                        unresolved: opaque,
                        malformed: word.malformed,
                        ..Expanded::default()
                    },
                    b'-' if !is_set => word,
                    b'+' if is_set => word,
                    b'+' => Expanded::default(),
                    _ => self.plain(&name),
                }
            }
            Some(operator @ (b'#' | b'%')) if !empty_is_unset => {
                let longest = self.peek() == Some(operator);
                self.at += usize::from(longest);
                let pattern = self.raw_until(b'}');
                self.computed(known, pattern, |value, pattern| {
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
                let pattern = self.raw_until(b'/');
                let replacement = self.raw_until(b'}');
                match replacement {
                    None => malformed(),
                    Some(replacement) => self.computed(known, pattern, |value, pattern| {
                        glob::replace(value, pattern, &replacement, all)
                    }),
                }
            }
            _ => malformed(),
        }
    }

    /// The text up to `stop`, which is consumed; `None` if it never comes. Patterns that hold variables
    /// themselves are not supported and read as text.
    fn raw_until(&mut self, stop: u8) -> Option<String> {
        let rest = &self.word.bytes()[self.at..];
        let end = rest.iter().position(|b| *b == stop)?;
        let text = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.at += end + 1;
        Some(text)
    }

    fn computed(
        &self,
        known: Option<&Expanded>,
        pattern: Option<String>,
        compute: impl FnOnce(&str, &str) -> String,
    ) -> Expanded {
        let Some(pattern) = pattern else {
            return Expanded {
                malformed: true,
                ..Expanded::default()
            };
        };
        match known {
            Some(known) if !known.unresolved && !known.malformed => {
                let value = compute(known.value.text(), &pattern);
                Expanded {
                    value: Mapped::computed(&value),
                    computed: true,
                    ..Expanded::default()
                }
            }
            _ => Expanded {
                unresolved: true,
                ..Expanded::default()
            },
        }
    }
}
