//! The blocks of bake files.

use super::super::data::{Data, Kind};
use super::super::found::Build;
use super::super::passed::Passed;
use super::super::sources::FileText;
use super::{hcl, json};
use std::collections::{BTreeMap, HashSet};

/// The blocks of one file, or of several that are merged.
#[derive(Debug, Default)]
pub(super) struct BakeFile {
    /// The attributes at the top, which are values too.
    pub(super) globals: BTreeMap<String, Data>,
    pub(super) variables: BTreeMap<String, Block>,
    pub(super) targets: BTreeMap<String, Block>,
    /// The builds of compose files in the folder, by service: targets of the same name are merged over them.
    pub(super) composed: BTreeMap<String, Build>,
}

/// A block.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// The line that it begins in, counted from 1.
    pub(super) line: usize,
    /// The place of its first byte.
    pub(super) place: usize,
    pub(super) attributes: BTreeMap<String, Data>,
    /// What compose files say about it.
    pub(super) composed: Option<Build>,
}

impl BakeFile {
    pub(super) fn parse(file: &FileText<'_>) -> Result<Self, Passed> {
        match file.path.as_str().ends_with(".json") {
            true => json::parse(file),
            false => hcl::parse(file),
        }
    }

    /// Adds a block; of several with one name, a later one wins, and maps are merged.
    pub(super) fn add(&mut self, kind: &str, name: String, block: Block) {
        let blocks = match kind {
            "variable" => &mut self.variables,
            "target" => &mut self.targets,
            _ => return,
        };
        blocks
            .entry(name)
            .or_insert_with(|| Block {
                attributes: BTreeMap::new(),
                ..block
            })
            .merge(block.attributes);
    }

    /// Adds the blocks of a file that is read later.
    pub(super) fn merge(&mut self, later: Self) {
        self.globals.extend(later.globals);
        for (name, block) in later.variables {
            self.add("variable", name, block);
        }
        for (name, block) in later.targets {
            self.add("target", name, block);
        }
    }
}

impl Block {
    /// The number of its attributes and of the entries of those.
    pub(super) fn size(&self) -> usize {
        let entries = self.attributes.values().map(|value| match &value.kind {
            Kind::Map(entries) => 1 + entries.len(),
            Kind::List(items) => 1 + items.len(),
            _ => 1,
        });
        entries.sum()
    }

    /// Adds what compose files say, which wins over what they say about the targets that it inherits.
    pub(super) fn merge_composed(&mut self, stronger: Option<&Build>) {
        if let Some(stronger) = stronger {
            self.composed.get_or_insert_default().merge(stronger);
        }
    }

    /// Adds attributes that win over the present ones; maps are merged key by key.
    pub(super) fn merge(&mut self, stronger: BTreeMap<String, Data>) {
        for (name, value) in stronger {
            match (self.attributes.get_mut(&name), value) {
                (
                    Some(Data {
                        kind: Kind::Map(known),
                        ..
                    }),
                    Data {
                        kind: Kind::Map(more),
                        ..
                    },
                ) => {
                    let new: HashSet<&str> =
                        more.iter().map(|(new, _)| new.name.as_str()).collect();
                    known.retain(|(key, _)| !new.contains(key.name.as_str()));
                    known.extend(more);
                }
                (_, value) => {
                    self.attributes.insert(name, value);
                }
            }
        }
    }
}
