//! The blocks of a bake file in JSON, in which blocks are maps.

use super::super::data::Kind;
use super::super::data::json::{self, Syntax};
use super::super::passed::Passed;
use super::super::sources::FileText;
use super::file::{BakeFile, Block};

/// A parsed file.
pub(super) fn parse(file: &FileText<'_>) -> Result<BakeFile, Passed> {
    let mut bake = BakeFile::default();
    let root = json::parse(file, Syntax::Strict)?;
    let Some(Kind::Map(entries)) = root.map(|root| root.kind) else {
        return Ok(bake);
    };
    for (key, value) in entries {
        match value.kind {
            Kind::Map(blocks) if matches!(&*key.name, "variable" | "target" | "group") => {
                for (label, block) in blocks {
                    let Kind::Map(attributes) = block.kind else {
                        continue;
                    };
                    let attributes = attributes.into_iter();
                    let attributes = attributes.map(|(key, value)| (key.name, value));
                    let block = Block {
                        line: label.line,
                        place: label.place,
                        attributes: attributes.collect(),
                        composed: None,
                    };
                    bake.add(&key.name, label.name, block);
                }
            }
            _ => {
                bake.globals.insert(key.name, value);
            }
        }
    }
    Ok(bake)
}
