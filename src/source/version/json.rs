//! A key of a JSON document.

use super::error::{VersionFileError, line_of};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::ops::Range;

/// The members of an object in their order; repeated names are repeated.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                match members.len() {
                    0..=1_000_000 => Ok(Members(members)),
                    _ => Err(A::Error::custom("too many members")),
                }
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let document: &RawValue =
        serde_json::from_str(text).map_err(|error| VersionFileError::Malformed {
            line: Some(error.line()).filter(|line| *line > 0),
            format: "JSON",
            what: error.to_string(),
        })?;
    let mut values = vec![document];
    for name in key {
        let below = values.iter().filter_map(|value| {
            let members: Members<'_> = serde_json::from_str(value.get()).ok()?;
            Some(members.0)
        });
        let below = below.flatten().filter(|(member, _)| member == name);
        values = below.map(|(_, value)| value).collect();
    }
    let base = text.as_ptr() as usize;
    values
        .into_iter()
        .map(|value| {
            let written = value.get();
            let start = written.as_ptr() as usize - base;
            let not_plain = |what| VersionFileError::NotPlain {
                line: line_of(text, start),
                what,
            };
            let read: String = serde_json::from_str(written)
                .map_err(|_| not_plain("the value is not a string in quotes"))?;
            let inner = start + 1..start + written.len() - 1;
            match text.get(inner.clone()) == Some(&read) {
                true => Ok(inner),
                false => Err(not_plain("the value is written with escapes")),
            }
        })
        .collect()
}
