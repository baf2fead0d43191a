//! The blocks of a bake file in HCL.

use super::super::data::hcl;
use super::super::passed::Passed;
use super::super::sources::FileText;
use super::file::{BakeFile, Block};
use hcl_edit::Span as _;
use hcl_edit::structure::Structure;

/// A parsed file.
pub(super) fn parse(file: &FileText<'_>) -> Result<BakeFile, Passed> {
    let (body, reader) = hcl::parse(file)?;
    let mut bake = BakeFile::default();
    for structure in &body {
        match structure {
            Structure::Attribute(attribute) => {
                let value = reader.data(&attribute.value);
                bake.globals.insert(attribute.key.to_string(), value);
            }
            Structure::Block(block) => {
                let (line, place) = reader.place(block.span());
                let name = block.labels.first().map(|label| label.as_str().to_owned());
                let attributes = block
                    .body
                    .attributes()
                    .map(|attribute| (attribute.key.to_string(), reader.data(&attribute.value)));
                let block_of = Block {
                    line,
                    place,
                    attributes: attributes.collect(),
                    composed: None,
                };
                bake.add(block.ident.as_str(), name.unwrap_or_default(), block_of);
            }
        }
    }
    Ok(bake)
}
