//! The documents of a stream, in one arena.

use super::build::build;
use super::node::Node;
use super::schema::Style;
use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

/// The deepest nesting, aliases followed.
pub(crate) const MAX_DEPTH: u16 = 255;
/// The number of nodes that are visited through aliases and merge keys.
pub(crate) const MAX_ALIASED: u32 = 200_000;

/// All documents of a stream.
#[derive(Debug)]
pub(crate) struct Yaml<'t> {
    pub(super) text: &'t str,
    pub(super) base: usize,
    pub(super) arena: Arena<'t>,
    pub(super) lines: Lines,
    /// The number of nodes that were visited through aliases.
    aliased: Cell<u32>,
    /// The first limit that was reached.
    limit: Cell<Option<Limit>>,
}

/// What the parser's events are built into.
#[derive(Debug, Default)]
pub(super) struct Arena<'t> {
    pub(super) nodes: Vec<StoredNode<'t>>,
    /// The items of lists; keys and values of maps in turn.
    pub(super) children: Vec<u32>,
    /// For maps with many keys: their entries, sorted by the text of the key.
    pub(super) sorted: Vec<u32>,
    pub(super) documents: Vec<Result<u32, Lost>>,
    pub(super) duplicates: Vec<Duplicate>,
}

#[derive(Debug)]
pub(super) struct StoredNode<'t> {
    pub(super) line: u32,
    pub(super) is_anchored: bool,
    pub(super) tag: Option<Box<str>>,
    pub(super) value: StoredValue<'t>,
}

#[derive(Debug)]
pub(super) enum StoredValue<'t> {
    Scalar {
        value: Cow<'t, str>,
        style: Style,
        /// Its bytes in the text, with quotes, without the indicator of a block.
        span: Range<u32>,
    },
    Map(StoredMap),
    List {
        children: Range<u32>,
    },
    Alias(u32),
}

#[derive(Debug, Default)]
pub(super) struct StoredMap {
    pub(super) children: Range<u32>,
    /// Empty if it has few keys.
    pub(super) sorted: Range<u32>,
    /// Whether one of its keys is `<<`.
    pub(super) merges: bool,
}

/// A document that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The line of the error, counted from 1.
    pub(crate) line: usize,
    /// The parser's message.
    pub(crate) what: String,
}

/// A key that its map has already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Duplicate {
    /// The line of the later one, counted from 1.
    pub(crate) line: usize,
    pub(crate) key: String,
}

/// A limit that a reader has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limit {
    line: u32,
    what: &'static str,
}

impl<'t> Yaml<'t> {
    /// Reads a text that begins at byte `base` of the file.
    pub(crate) fn read(text: &'t str, base: usize) -> Self {
        let lines = Lines::new(text);
        Self {
            text,
            base,
            arena: build(text, &lines),
            lines,
            aliased: Cell::new(0),
            limit: Cell::new(None),
        }
    }

    /// The place of the text's first byte.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// The text that was read.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The documents in their order, and instead of one that does not parse the reason.
    pub(crate) fn documents(&self) -> impl Iterator<Item = Result<Node<'_>, &Lost>> {
        let documents = self.arena.documents.iter();
        documents.map(|document| document.as_ref().map(|root| Node::root(self, *root)))
    }

    /// The documents that parse.
    pub(crate) fn roots(&self) -> impl Iterator<Item = Node<'_>> {
        self.documents().filter_map(Result::ok)
    }

    /// The keys that their map has already, `<<` aside.
    pub(crate) fn duplicates(&self) -> &[Duplicate] {
        &self.arena.duplicates
    }

    /// What was not read: documents that do not parse, and the limit that reading has reached so far. To be called
    /// after reading.
    pub(crate) fn trouble(&self) -> Vec<Lost> {
        let lost = self.arena.documents.iter();
        let lost = lost.filter_map(|document| document.as_ref().err().cloned());
        lost.chain(self.limit()).collect()
    }

    /// The limit that reading has reached so far.
    pub(crate) fn limit(&self) -> Option<Lost> {
        self.limit.get().map(|limit| Lost {
            line: limit.line as usize,
            what: limit.what.to_owned(),
        })
    }

    /// The number of nodes that were visited through aliases so far.
    #[cfg(test)]
    pub(crate) fn aliased(&self) -> u32 {
        self.aliased.get()
    }

    /// Counts a node that is visited through an alias; `false` if that is one too many.
    pub(super) fn may_visit(&self, line: u32) -> bool {
        if self.aliased.get() >= MAX_ALIASED {
            self.reach(line, "too much is reached through aliases");
            return false;
        }
        self.aliased.set(self.aliased.get() + 1);
        true
    }

    pub(super) fn reach_depth(&self, line: u32) {
        self.reach(line, "it is nested too deeply");
    }

    fn reach(&self, line: u32, what: &'static str) {
        if self.limit.get().is_none() {
            self.limit.set(Some(Limit { line, what }));
        }
    }
}

impl<'t> Arena<'t> {
    /// What an alias refers to, or the node itself. No alias refers to another one.
    pub(super) fn resolve(&self, id: u32) -> u32 {
        match self.node(id).map(|node| &node.value) {
            Some(StoredValue::Alias(target)) => *target,
            _ => id,
        }
    }

    pub(super) fn node(&self, id: u32) -> Option<&StoredNode<'t>> {
        self.nodes.get(id as usize)
    }

    pub(super) fn children(&self, range: &Range<u32>) -> &[u32] {
        let range = range.start as usize..range.end as usize;
        self.children.get(range).unwrap_or_default()
    }

    /// The text of a key. None for one that is longer than YAML allows on one line: a long text
    /// that many aliases refer to would be compared again and again.
    pub(super) fn key(&self, id: u32) -> Option<&str> {
        match &self.node(self.resolve(id))?.value {
            StoredValue::Scalar { value, .. } if value.len() <= 1_024 => Some(value),
            _ => None,
        }
    }

    /// Whether a key is the merge key.
    pub(super) fn is_merge(&self, id: u32) -> bool {
        match self.node(id) {
            Some(StoredNode {
                value: StoredValue::Scalar { value, style, .. },
                tag,
                ..
            }) => {
                value == "<<"
                    && *style == Style::Plain
                    && tag.as_deref().is_none_or(|tag| tag == "!!merge")
            }
            _ => false,
        }
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(super) struct Lines(Vec<u32>);

impl Lines {
    fn new(text: &str) -> Self {
        let after_ends = text.match_indices('\n').map(|(at, _)| short(at + 1));
        Self(std::iter::once(0).chain(after_ends).collect())
    }

    /// The line of a byte, counted from 1.
    pub(super) fn line(&self, byte: usize) -> u32 {
        let byte = short(byte);
        short(self.0.partition_point(|start| *start <= byte))
    }

    /// The first byte of a line, counted from 1.
    pub(super) fn start(&self, line: usize) -> Option<usize> {
        self.0
            .get(line.checked_sub(1)?)
            .map(|start| *start as usize)
    }

    /// The text of a line, counted from 1, with its end.
    pub(super) fn text<'t>(&self, text: &'t str, line: usize) -> Option<&'t str> {
        let start = self.start(line)?;
        let end = self.0.get(line).map_or(text.len(), |end| *end as usize);
        text.get(start..end)
    }
}

/// A place in a text. Files are capped far below the limit.
pub(super) fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
