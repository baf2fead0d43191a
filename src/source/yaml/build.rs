//! From the parser's events to the arena.

use super::schema::Style;
use super::tree::{Arena, Duplicate, Lines, Lost, StoredMap, StoredNode, StoredValue, short};
use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// The deepest nesting of blocks in a file, and of flow collections in such a block. Schemas of Kubernetes resources
/// have some forty levels.
const NESTING: usize = 120;
/// Maps with at most this many entries are searched from one end to the other.
const FEW: usize = 8;
/// The most repeated keys that are kept: the first one already makes a file wrong.
const DUPLICATES: usize = 100;

/// Reads all documents of a text.
///
/// Bytes of another encoding were replaced by a control character, which YAML does not allow. The parser is given a
/// printable one instead, so that they hide nothing else; no reference can contain either.
pub(super) fn build<'t>(text: &'t str, lines: &Lines) -> Arena<'t> {
    if !text.contains('\u{1a}') {
        return read(text, lines, |value| value);
    }
    let printable = text.replace('\u{1a}', "^");
    read(&printable, lines, |value| Cow::Owned(value.into_owned()))
}

fn read<'s, 't>(
    text: &'s str,
    lines: &Lines,
    keep: impl Fn(Cow<'s, str>) -> Cow<'t, str>,
) -> Arena<'t> {
    let options = granit_parser::options! {
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: NESTING,
        block_nesting_limit: NESTING,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder {
        text,
        lines,
        arena: Arena::default(),
        document: Document::default(),
    };
    let mut least = 0;
    while let Some(event) = parser.next_event() {
        let error = match event {
            Ok((event, span)) => {
                builder.take(event, span, &keep);
                continue;
            }
            Err(error) => error,
        };
        let marker = error.marker();
        builder.lose(Lost {
            line: marker.line(),
            what: error.info(),
        });
        // Each document that is lost ends further on.
        let more = parser.proceed_next_document().is_ok_and(|more| more);
        if !more || marker.index() < least {
            break;
        }
        least = marker.index();
    }
    builder.arena
}

struct Builder<'t, 'l> {
    text: &'l str,
    lines: &'l Lines,
    arena: Arena<'t>,
    document: Document,
}

/// The document that is being read.
#[derive(Default)]
struct Document {
    root: Option<u32>,
    /// The collections that are open, each with where its children begin in `waiting`.
    open: Vec<(u32, usize)>,
    /// The children of the open collections.
    waiting: Vec<u32>,
    anchors: HashMap<usize, u32>,
}

impl<'t> Builder<'t, '_> {
    fn take<'s>(
        &mut self,
        event: Event<'s>,
        span: Span,
        keep: impl Fn(Cow<'s, str>) -> Cow<'t, str>,
    ) {
        match event {
            Event::DocumentStart(..) => self.document = Document::default(),
            Event::DocumentEnd => {
                if let Some(root) = self.document.root.take() {
                    self.arena.documents.push(Ok(root));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let value = self.scalar(keep(value), style, &span);
                self.push(value, anchor, tag, &span);
            }
            Event::Alias(anchor) => {
                // The parser refuses an alias without an anchor.
                if let Some(target) = self.document.anchors.get(&anchor).copied() {
                    self.push(StoredValue::Alias(target), 0, None, &span);
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                let map = StoredValue::Map(StoredMap::default());
                self.open(map, anchor, tag, &span);
            }
            Event::SequenceStart(_, anchor, tag) => {
                let list = StoredValue::List { children: 0..0 };
                self.open(list, anchor, tag, &span);
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            _ => {}
        }
    }

    /// The document does not parse. What was read of it stays in the arena, where nothing leads to it.
    fn lose(&mut self, lost: Lost) {
        self.document = Document::default();
        self.arena.documents.push(Err(lost));
    }

    fn push(
        &mut self,
        value: StoredValue<'t>,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &Span,
    ) -> u32 {
        let id = short(self.arena.nodes.len());
        self.arena.nodes.push(StoredNode {
            line: self.line(&value, span),
            is_anchored: anchor > 0,
            tag: tag.map(|tag| tag.original().into_boxed_str()),
            value,
        });
        if anchor > 0 {
            self.document.anchors.insert(anchor, id);
        }
        match self.document.open.is_empty() {
            true => self.document.root = Some(id),
            false => self.document.waiting.push(id),
        }
        id
    }

    /// The line of a value; of a block, the one of its `|` or `>`. The parser's range begins at a block's first text, if
    /// it has one.
    fn line(&self, value: &StoredValue<'t>, span: &Span) -> u32 {
        let start = span.start.byte_offset().unwrap_or_default();
        let line = self.lines.line(start);
        match value {
            StoredValue::Scalar { value, style, .. } if style.is_block() => {
                let blank = value.bytes().take_while(|byte| *byte == b'\n').count();
                match blank == value.len() {
                    true => line,
                    false => line.saturating_sub(1 + short(blank)),
                }
            }
            _ => line,
        }
    }

    fn open(
        &mut self,
        value: StoredValue<'t>,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &Span,
    ) {
        let id = self.push(value, anchor, tag, span);
        let begin = self.document.waiting.len();
        self.document.open.push((id, begin));
    }

    fn close(&mut self) {
        let Some((id, begin)) = self.document.open.pop() else {
            return;
        };
        let first = short(self.arena.children.len());
        let own = self.document.waiting.drain(begin..);
        self.arena.children.extend(own);
        let own = first..short(self.arena.children.len());
        let is_map = match self.arena.nodes.get_mut(id as usize) {
            Some(StoredNode {
                value: StoredValue::List { children },
                ..
            }) => {
                *children = own.clone();
                false
            }
            _ => true,
        };
        if is_map {
            self.close_map(id, own);
        }
    }

    fn close_map(&mut self, id: u32, own: Range<u32>) {
        let keys: Vec<u32> = self
            .arena
            .children(&own)
            .iter()
            .step_by(2)
            .copied()
            .collect();
        let merges = keys.iter().any(|key| self.arena.is_merge(*key));
        let named = (0..)
            .zip(&keys)
            .filter_map(|(at, key)| Some((self.arena.key(*key)?, at)));
        let mut entries: Vec<(&str, u32)> = named.collect();
        // Equal keys stay in the order of the file.
        entries.sort_by_key(|(name, _)| *name);
        let mut duplicates: Vec<Duplicate> = Vec::new();
        for pair in entries.windows(2) {
            if let [(one, _), (two, at)] = pair
                && one == two
                && let Some(key) = keys.get(*at as usize)
                && !self.arena.is_merge(*key)
            {
                duplicates.push(Duplicate {
                    line: self.arena.node(*key).map_or(0, |key| key.line as usize),
                    key: (*one).to_owned(),
                });
            }
        }
        let entries: Vec<u32> = match keys.len() > FEW {
            true => entries
                .into_iter()
                .map(|(_, at)| own.start + 2 * at)
                .collect(),
            false => Vec::new(),
        };
        let first = short(self.arena.sorted.len());
        self.arena.sorted.extend(entries);
        let sorted = first..short(self.arena.sorted.len());
        duplicates.sort_by_key(|duplicate| duplicate.line);
        let free = DUPLICATES.saturating_sub(self.arena.duplicates.len());
        self.arena
            .duplicates
            .extend(duplicates.into_iter().take(free));
        if let Some(StoredNode {
            value: StoredValue::Map(map),
            ..
        }) = self.arena.nodes.get_mut(id as usize)
        {
            map.children = own;
            map.sorted = sorted;
            map.merges = merges;
        }
    }

    fn scalar(&self, value: Cow<'t, str>, style: ScalarStyle, span: &Span) -> StoredValue<'t> {
        let bytes = span.byte_range().unwrap_or_default();
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        // The parser writes `~` for a value that is missing.
        let is_missing = style == Style::Plain
            && self
                .text
                .get(bytes.clone())
                .is_some_and(|written| written.trim().is_empty());
        StoredValue::Scalar {
            value: if is_missing { Cow::Borrowed("") } else { value },
            style,
            span: short(bytes.start)..short(bytes.end),
        }
    }
}
