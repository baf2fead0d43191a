//! Which files depend on each other.

use std::collections::{BTreeMap, BTreeSet};

/// The groups of files that depend on each other.
#[derive(Debug, Default)]
pub(crate) struct Units {
    parent: Vec<usize>,
    /// The files of each group of several.
    groups: BTreeMap<usize, BTreeSet<usize>>,
}

impl Units {
    /// Groups of one file each.
    pub(super) fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
            groups: BTreeMap::new(),
        }
    }

    /// The file that identifies the group of a file.
    pub(super) fn root(&self, mut index: usize) -> usize {
        while self.parent[index] != index {
            index = self.parent[index];
        }
        index
    }

    /// Makes one group of the groups of several files.
    pub(super) fn join(&mut self, of: &BTreeSet<usize>) {
        let mut roots: BTreeSet<usize> = of.iter().map(|index| self.root(*index)).collect();
        if let Some(first) = roots.pop_first() {
            for other in roots {
                self.parent[other] = first;
            }
            // Paths stay short.
            for index in of {
                self.parent[*index] = first;
            }
        }
    }

    /// Completes the groups.
    pub(super) fn finish(&mut self) {
        for index in 0..self.parent.len() {
            let root = self.root(index);
            if root != index {
                let group = self.groups.entry(root).or_default();
                group.extend([root, index]);
            }
        }
    }

    /// Whether a group has several files.
    pub(super) fn is_shared(&self, root: usize) -> bool {
        self.groups.contains_key(&root)
    }

    /// The files of a group.
    pub(super) fn of(&self, root: usize) -> BTreeSet<usize> {
        let group = self.groups.get(&root).cloned();
        group.unwrap_or_else(|| BTreeSet::from([root]))
    }
}
