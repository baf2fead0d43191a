//! A key of the EDN map in a file. Of EDN it understands what it must to skip everything else: strings, characters,
//! comments, `#_`, tags, and nested collections.

use super::error::{VersionFileError, line_of};
use std::ops::Range;

/// No settings file is nested deeper than this.
const MAX_DEPTH: usize = 64;

/// A form that was read.
enum Form {
    Map(Vec<(Form, Form)>),
    /// The text between the quotes.
    Text(Range<usize>),
    Atom(Range<usize>),
    Other,
}

pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let mut reader = Reader { text, at: 0 };
    let first = reader.form(0).map_err(|what| VersionFileError::Malformed {
        line: Some(line_of(text, reader.at.min(text.len()))),
        format: "EDN",
        what: what.to_owned(),
    })?;
    let mut values: Vec<&Form> = first.iter().collect();
    for name in key {
        let keyword = format!(":{name}");
        let is_key = |form: &Form| matches!(form, Form::Atom(at) if text[at.clone()] == keyword);
        let below = values.iter().filter_map(|form| match form {
            Form::Map(entries) => Some(entries),
            _ => None,
        });
        let below = below.flatten().filter(|(key, _)| is_key(key));
        values = below.map(|(_, value)| value).collect();
    }
    let place = |form: &Form| match form {
        Form::Text(place) => Ok(place.clone()),
        Form::Atom(place) => Err(VersionFileError::NotPlain {
            line: line_of(text, place.start),
            what: "the value is not a string in quotes",
        }),
        Form::Map(_) | Form::Other => Err(VersionFileError::NotPlain {
            line: 1,
            what: "the value is not a string in quotes",
        }),
    };
    values.into_iter().map(place).collect()
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip(&mut self, c: char) {
        self.at += c.len_utf8();
    }

    /// Skips blanks, commas, comments and forms that `#_` discards.
    fn blanks(&mut self, depth: usize) -> Result<(), &'static str> {
        while let Some(c) = self.peek() {
            if c.is_whitespace() || c == ',' {
                self.skip(c);
            } else if c == ';' {
                let rest = &self.text[self.at..];
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if self.text[self.at..].starts_with("#_") {
                self.at += 2;
                self.form(depth + 1)?.ok_or("nothing follows #_")?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The next form; `None` at the end of the text or of the collection.
    fn form(&mut self, depth: usize) -> Result<Option<Form>, &'static str> {
        if depth > MAX_DEPTH {
            return Err("it is nested too deeply");
        }
        self.blanks(depth)?;
        let Some(c) = self.peek() else {
            return Ok(None);
        };
        Ok(Some(match c {
            ')' | ']' | '}' => return Ok(None),
            '"' => self.quoted()?,
            '{' => {
                let mut forms = self.collection('}', depth)?.into_iter();
                let mut entries = Vec::new();
                while let Some(key) = forms.next() {
                    let value = forms.next().ok_or("a map has a key without a value")?;
                    entries.push((key, value));
                }
                Form::Map(entries)
            }
            '[' | '(' => {
                self.collection(if c == '[' { ']' } else { ')' }, depth)?;
                Form::Other
            }
            '#' if self.text[self.at..].starts_with("#{") => {
                self.at += 1;
                self.collection('}', depth)?;
                Form::Other
            }
            '#' => {
                self.atom();
                self.form(depth + 1)?.ok_or("nothing follows a tag")?;
                Form::Other
            }
            _ => self.atom(),
        }))
    }

    fn collection(&mut self, close: char, depth: usize) -> Result<Vec<Form>, &'static str> {
        self.at += 1;
        let mut forms = Vec::new();
        while let Some(form) = self.form(depth + 1)? {
            forms.push(form);
        }
        match self.peek() {
            Some(c) if c == close => self.skip(c),
            Some(_) => return Err("a bracket does not match the open one"),
            None => return Err("a bracket is not closed"),
        }
        Ok(forms)
    }

    fn quoted(&mut self) -> Result<Form, &'static str> {
        let start = self.at + 1;
        let mut escaped = false;
        for (at, c) in self.text[start..].char_indices() {
            match c {
                '"' if !escaped => {
                    self.at = start + at + 1;
                    return Ok(Form::Text(start..start + at));
                }
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        Err("a quote is not closed")
    }

    /// A keyword, symbol, number, character or tag. Its first character is part of it whatever it is.
    fn atom(&mut self) -> Form {
        let start = self.at;
        let mut is_character = self.peek() == Some('\\');
        if let Some(c) = self.peek() {
            self.skip(c);
        }
        while let Some(c) = self.peek() {
            let ends = c.is_whitespace() || ",;\"()[]{}".contains(c);
            if ends && !is_character {
                break;
            }
            is_character = false;
            self.skip(c);
        }
        Form::Atom(start..self.at)
    }
}
