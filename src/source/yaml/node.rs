//! A value in a document.

use super::scalar::Scalar;
use super::tree::{MAX_DEPTH, StoredMap, StoredNode, StoredValue, Yaml};
use std::collections::HashSet;

/// A value in a document. An alias has the value of what it refers to, and a line of its own.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(super) yaml: &'a Yaml<'a>,
    /// Where it is written.
    id: u32,
    /// What it is: the same, but for an alias.
    target: u32,
    depth: u16,
    /// Whether an alias or a merge key leads to it.
    is_aliased: bool,
}

impl<'a> Node<'a> {
    pub(super) fn root(yaml: &'a Yaml<'_>, id: u32) -> Self {
        Self {
            yaml,
            id,
            target: id,
            depth: 0,
            is_aliased: false,
        }
    }

    /// The line that it begins in, counted from 1; of an alias, the alias's.
    pub(crate) fn line(self) -> usize {
        self.stored(self.id).map_or(1, |node| node.line as usize)
    }

    /// Its tag as it is written: `!reference`, `!!str`.
    pub(crate) fn tag(self) -> Option<&'a str> {
        self.stored(self.target)?.tag.as_deref()
    }

    pub(crate) fn is_alias(self) -> bool {
        self.id != self.target
    }

    /// Where it is in the order of the file's nodes.
    pub(super) fn position(self) -> usize {
        self.id as usize
    }

    /// Where what an alias refers to is in this order.
    pub(super) fn target_position(self) -> usize {
        self.target as usize
    }

    /// Whether an anchor precedes it.
    pub(crate) fn is_anchored(self) -> bool {
        self.stored(self.id).is_some_and(|node| node.is_anchored)
    }

    pub(crate) fn is_map(self) -> bool {
        self.map().is_some()
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self.value(), Some(StoredValue::List { .. }))
    }

    /// Whether its value is missing, or is written `null` or `~`.
    pub(crate) fn is_null(self) -> bool {
        self.text().is_some_and(Scalar::is_null)
    }

    /// Its text, whatever its type; `None` for maps and lists.
    pub(crate) fn text(self) -> Option<Scalar<'a>> {
        let line = self.stored(self.target)?.line as usize;
        match self.value()? {
            StoredValue::Scalar { value, style, span } => Some(Scalar {
                yaml: self.yaml,
                value,
                style: *style,
                start: span.start,
                end: span.end,
                line,
                tag: self.tag(),
            }),
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(self) -> impl Iterator<Item = Node<'a>> {
        let items = match self.value() {
            Some(StoredValue::List { children }) => self.yaml.arena.children(children),
            _ => &[],
        };
        items.iter().map_while(move |item| self.child(*item))
    }

    /// The keys and values that a map has itself, as they are written: repeated keys and `<<` too.
    pub(crate) fn own_entries(self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> {
        let entries = self
            .map()
            .map_or(&[][..], |map| self.yaml.arena.children(&map.children));
        let entries = entries.chunks_exact(2);
        entries.map_while(move |entry| match entry {
            [key, value] => Some((self.child(*key)?, self.child(*value)?)),
            _ => None,
        })
    }

    /// The values of a key that a map has itself, in the order of the file; there are several if the key is repeated.
    pub(crate) fn own(self, key: &str) -> impl DoubleEndedIterator<Item = Node<'a>> {
        let values = self
            .map()
            .map_or_else(Vec::new, |map| self.values(map, key));
        values
            .into_iter()
            .filter_map(move |value| self.child(value))
    }

    /// The value of a key: the last one of the map's own, else the first one of what `<<` merges into it.
    pub(crate) fn get(self, key: &str) -> Option<Node<'a>> {
        if let Some(value) = self.own(key).next_back() {
            return Some(value);
        }
        let mut found = None;
        self.each_merged(|map| {
            found = map.own(key).next_back();
            found.is_none()
        });
        found
    }

    /// The value at the end of a path of keys.
    pub(crate) fn at(self, path: &[&str]) -> Option<Node<'a>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The items of the list at a key.
    pub(crate) fn list(self, key: &str) -> impl Iterator<Item = Node<'a>> {
        self.get(key).into_iter().flat_map(Node::items)
    }

    /// The keys and values of a map, each key once: its own in the order of the file, then what `<<` merges into it.
    pub(crate) fn entries(self) -> Vec<(Node<'a>, Node<'a>)> {
        let mut seen = HashSet::new();
        let mut entries = Vec::new();
        let mut add = |map: Self| {
            let first = entries.len();
            for (key, value) in map.own_entries().collect::<Vec<_>>().into_iter().rev() {
                let name = key.yaml.arena.key(key.id);
                if !key.yaml.arena.is_merge(key.id) && name.is_none_or(|name| seen.insert(name)) {
                    entries.push((key, value));
                }
            }
            if let Some(added) = entries.get_mut(first..) {
                added.reverse();
            }
            true
        };
        add(self);
        self.each_merged(add);
        entries
    }

    /// Calls `visit` with the maps that `<<` merges into this one, the strongest first, each once, until it returns
    /// `false`.
    fn each_merged(self, mut visit: impl FnMut(Self) -> bool) {
        let mut seen = HashSet::from([self.target]);
        let mut waiting = self.merged();
        while let Some(map) = waiting.pop() {
            if !seen.insert(map.target) {
                continue;
            }
            if !self.yaml.may_visit(self.line_number()) || !visit(map) {
                return;
            }
            waiting.extend(map.merged());
        }
    }

    /// The maps that this one's own `<<` name, the strongest last.
    fn merged(self) -> Vec<Self> {
        if !self.map().is_some_and(|map| map.merges) {
            return Vec::new();
        }
        let merges = self
            .own_entries()
            .filter(|(key, _)| self.yaml.arena.is_merge(key.id));
        let mut maps = Vec::new();
        for (_, value) in merges {
            let value = Self {
                is_aliased: true,
                ..value
            };
            match value.is_map() {
                true => maps.push(value),
                false => maps.extend(value.items().filter(|item| item.is_map())),
            }
        }
        maps.reverse();
        maps
    }

    /// The ids of the values of a key, in the order of the file.
    fn values(self, map: &StoredMap, key: &str) -> Vec<u32> {
        let arena = &self.yaml.arena;
        if map.sorted.is_empty() {
            let entries = arena.children(&map.children).chunks_exact(2);
            let found = entries.filter_map(|entry| match entry {
                [name, value] if arena.key(*name) == Some(key) => Some(*value),
                _ => None,
            });
            return found.collect();
        }
        let sorted = map.sorted.start as usize..map.sorted.end as usize;
        let sorted = arena.sorted.get(sorted).unwrap_or_default();
        let name = |at: &u32| {
            arena
                .children
                .get(*at as usize)
                .and_then(|key| arena.key(*key))
        };
        let first = sorted.partition_point(|at| name(at) < Some(key));
        let same = sorted.get(first..).unwrap_or_default().iter();
        let same = same.take_while(|at| name(at) == Some(key));
        same.filter_map(|at| arena.children.get(*at as usize + 1).copied())
            .collect()
    }

    fn child(self, id: u32) -> Option<Self> {
        let target = self.yaml.arena.resolve(id);
        let is_aliased = self.is_aliased || target != id;
        if self.depth >= MAX_DEPTH {
            self.yaml.reach_depth(self.line_number());
            return None;
        }
        if is_aliased && !self.yaml.may_visit(self.line_number()) {
            return None;
        }
        Some(Self {
            yaml: self.yaml,
            id,
            target,
            depth: self.depth + 1,
            is_aliased,
        })
    }

    fn map(self) -> Option<&'a StoredMap> {
        match self.value()? {
            StoredValue::Map(map) => Some(map),
            _ => None,
        }
    }

    fn value(self) -> Option<&'a StoredValue<'a>> {
        self.stored(self.target).map(|node| &node.value)
    }

    fn stored(self, id: u32) -> Option<&'a StoredNode<'a>> {
        self.yaml.arena.node(id)
    }

    fn line_number(self) -> u32 {
        self.stored(self.id).map_or(1, |node| node.line)
    }
}
