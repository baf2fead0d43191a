//! Variables in the values of compose files and `.env`: `$V`, `${V}` and the operators `:-`, `-`, `:+`, `+`, `:?`, `?`.
//!
//! Source: the Compose specification, *Interpolation*. There is no `#`, `%` or `/`, as a shell or a Dockerfile has.

use super::mapped::Mapped;
use super::value::Expanded;

/// The longest value, in bytes: no reference is longer, and repeated `A=$A$A` must end.
const MAX_VALUE: usize = 512;
/// The longest text in which variables are expanded although it is longer than a reference: an inline Dockerfile.
const MAX_TEXT: usize = 64 * 1024;
/// The deepest nesting of `${A:-${B:-…}}`.
const MAX_DEPTH: usize = 16;

/// Finds the value of a variable; `None` if it is not set.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<Expanded>;

/// A value with its variables expanded.
pub(crate) fn interpolate(text: &Mapped, variables: Variables<'_>) -> Expanded {
    limited(text, variables, MAX_VALUE)
}

/// A longer text with its variables expanded.
pub(crate) fn interpolate_text(text: &Mapped, variables: Variables<'_>) -> Expanded {
    limited(text, variables, MAX_TEXT)
}

fn limited(text: &Mapped, variables: Variables<'_>, longest: usize) -> Expanded {
    let mut reader = Reader {
        text,
        variables,
        at: 0,
        depth: 0,
        longest,
    };
    let expanded = reader.until(None);
    match expanded.malformed {
        true => Expanded::malformed(),
        false => expanded,
    }
}

struct Reader<'a> {
    text: &'a Mapped,
    variables: Variables<'a>,
    at: usize,
    depth: usize,
    longest: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.bytes().get(self.at).copied()
    }

    /// Reads up to `stop`, which is consumed, or to the end.
    fn until(&mut self, stop: Option<u8>) -> Expanded {
        let mut out = Expanded::default();
        let begin = self.at;
        let mut closed = stop.is_none();
        while let Some(byte) = self.peek() {
            if Some(byte) == stop {
                self.at += 1;
                closed = true;
                break;
            }
            let first = self.at == begin;
            let value = match byte {
                b'$' => self.variable(),
                _ => None,
            };
            match value {
                Some(value) if first => {
                    let slot = value.slot;
                    out = value;
                    // A word that is one variable is added to where that variable has its value.
                    out.slot = match self.ends(stop) {
                        true => slot,
                        false => self.text.place_behind(self.at),
                    };
                }
                Some(value) => {
                    out.append(&value);
                    out.slot = self.text.place_behind(self.at);
                }
                None => {
                    out.value.push_from(self.text, self.at);
                    self.at += 1;
                    out.slot = self.text.place_behind(self.at);
                }
            }
            if out.value.len() > self.longest {
                out.malformed = true;
                self.at = self.text.len();
            }
        }
        out.malformed |= !closed;
        out
    }

    fn ends(&self, stop: Option<u8>) -> bool {
        self.peek() == stop
    }

    /// The variable at a `$`; `None` if the `$` stands for itself, and then nothing is consumed but the first one of
    /// `$$`.
    fn variable(&mut self) -> Option<Expanded> {
        let behind = self.text.bytes().get(self.at + 1).copied();
        match behind {
            Some(b'$') => {
                self.at += 1;
                None
            }
            Some(b'{') => {
                self.at += 2;
                Some(self.braced())
            }
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
                self.at += 1;
                let name = self.name();
                Some(self.value_of(&name).unwrap_or_else(unset))
            }
            _ => None,
        }
    }

    fn name(&mut self) -> String {
        let rest = self.text.bytes().get(self.at..).unwrap_or_default();
        let is_inside = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = rest.iter().take_while(is_inside).count();
        let name = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length;
        name
    }

    fn value_of(&self, name: &str) -> Option<Expanded> {
        (self.variables)(name)
    }

    /// What follows `${`.
    fn braced(&mut self) -> Expanded {
        let starts = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
        if self.depth >= MAX_DEPTH || !self.peek().is_some_and(starts) {
            return Expanded::malformed();
        }
        let name = self.name();
        let value = self.value_of(&name);
        let empty_is_unset = self.peek() == Some(b':');
        self.at += usize::from(empty_is_unset);
        let is_set = match &value {
            Some(value) => value.is_opaque() || !value.value.is_empty() || !empty_is_unset,
            None => false,
        };
        let operator = self.peek();
        self.at += 1;
        match operator {
            Some(b'}') if !empty_is_unset => value.unwrap_or_else(unset),
            Some(b'-') => {
                let word = self.nested();
                value.filter(|_| is_set).unwrap_or(word)
            }
            Some(b'+') => {
                let word = self.nested();
                match (is_set, value) {
                    // Whether it is set is not known if its value is not.
                    (true, Some(value)) if value.is_opaque() => {
                        Expanded::unresolved([&value, &word])
                    }
                    (true, _) => word,
                    (false, _) => Expanded::default(),
                }
            }
            Some(b'?') => {
                let word = self.nested();
                let failed = || Expanded {
                    malformed: word.malformed,
                    ..unset()
                };
                value.filter(|_| is_set).unwrap_or_else(failed)
            }
            _ => Expanded::malformed(),
        }
    }

    fn nested(&mut self) -> Expanded {
        self.depth += 1;
        let word = self.until(Some(b'}'));
        self.depth -= 1;
        word
    }
}

/// A variable without a value.
fn unset() -> Expanded {
    Expanded::unresolved([])
}
