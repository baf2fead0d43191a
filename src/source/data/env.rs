//! Reads files of variables.

use super::tree::{Data, Key, Kind};
use crate::source::dotenv;
use crate::source::lines::Lines;
use crate::source::located::extent;
use crate::source::sources::FileText;
use std::rc::Rc;

/// The variables of a file.
pub(crate) fn parse(file: &FileText<'_>) -> Data {
    let lines = Lines::new(&file.text);
    let entries = dotenv::variables(file)
        .into_iter()
        .filter_map(|(name, value)| {
            value.value.place_of(0)?;
            let at = extent(&value.value);
            // A value of several pieces is where its first one is.
            let at = at.start..at.end.max(at.start + 1);
            let line = lines.of(at.start.checked_sub(file.base)?);
            let data = Data {
                line,
                written: value.value.text().to_owned(),
                notes: Rc::default(),
                kind: Kind::Text(Box::new(value), true),
                at,
            };
            let place = data.at.start;
            Some((Key { name, line, place }, data))
        });
    let mut entries: Vec<(Key, Data)> = entries.collect();
    entries.sort_by_key(|(key, _)| key.place);
    Data {
        line: 1,
        at: 0..0,
        written: String::new(),
        notes: Rc::default(),
        kind: Kind::Map(entries),
    }
}
