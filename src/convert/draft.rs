//! An `imagebot.toml` in the making: what is set, and comments about what is not.
//!
//! Every table is checked when it is added, so that an unusual value costs one setting and not the whole file.

use super::converted::Converted;
use super::origin::{Origin, printable};
use crate::config::{Config, parse_repository};
use std::sync::LazyLock;

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    key: String,
    /// The value in TOML.
    value: String,
    origin: Origin,
    /// What to know about it, on the same line.
    note: String,
}

impl Setting {
    pub(super) fn text(key: &str, value: &str, origin: &Origin) -> Self {
        Self::raw(key, quoted(value), origin)
    }

    pub(super) fn texts<T: AsRef<str>>(key: &str, values: &[T], origin: &Origin) -> Self {
        let values: Vec<String> = values.iter().map(|value| quoted(value.as_ref())).collect();
        Self::raw(key, format!("[{}]", values.join(", ")), origin)
    }

    pub(super) fn bool(key: &str, value: bool, origin: &Origin) -> Self {
        Self::raw(key, value.to_string(), origin)
    }

    pub(super) fn number(key: &str, value: u32, origin: &Origin) -> Self {
        Self::raw(key, value.to_string(), origin)
    }

    pub(super) fn raw(key: &str, value: String, origin: &Origin) -> Self {
        Self {
            key: key.to_owned(),
            value,
            origin: origin.clone(),
            note: String::new(),
        }
    }

    /// With a comment on its line.
    pub(super) fn noted(mut self, note: &str) -> Self {
        self.note = note.to_owned();
        self
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn line(&self) -> String {
        match self.note.as_str() {
            "" => format!("{} = {}\n", self.key, self.value),
            note => format!("{} = {}   # {note}\n", self.key, self.value),
        }
    }
}

/// A table such as a `[[rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    header: &'static str,
    origin: Origin,
    /// The keys without which the table would mean something else.
    pub(super) needed: Vec<Setting>,
    /// The keys that are independent of each other.
    pub(super) settings: Vec<Setting>,
}

impl Block {
    pub(super) fn new(header: &'static str, origin: &Origin) -> Self {
        Self {
            header,
            origin: origin.clone(),
            needed: Vec::new(),
            settings: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let lines = self.needed.iter().chain(&self.settings);
        let lines: String = lines.map(Setting::line).collect();
        format!("\n# {}\n{}\n{lines}", self.origin, self.header)
    }
}

/// A file in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    keys: Vec<Setting>,
    blocks: Vec<Block>,
    notes: Vec<(usize, String)>,
    by_hand: Vec<String>,
    operator: Vec<String>,
    /// The number of comments beyond those.
    more_notes: usize,
    more_operator: usize,
}

/// The most tables that are written.
const MOST_BLOCKS: usize = 500;
/// The most comments about keys, and the most tables for the operator.
const MOST_NOTES: usize = 1_000;
const MOST_OPERATOR: usize = 40;
/// The most bytes of comments. An `imagebot.toml` has a limit, and its settings need room.
const MOST_COMMENTS: usize = 48 << 10;
/// The width of comments, in characters.
const WIDTH: usize = 118;

impl Draft {
    /// Adds a comment about a key that is not carried over.
    pub(super) fn note(&mut self, origin: &Origin, why: &str) {
        match self.notes.len() < MOST_NOTES {
            true => self
                .notes
                .push((origin.line(), format!("{origin}: {}", printable(why)))),
            false => self.more_notes += 1,
        }
    }

    /// Adds lines that the user completes and uncomments.
    pub(super) fn by_hand(&mut self, lines: &str) {
        self.by_hand.push(lines.to_owned());
    }

    /// Adds lines for the operator's configuration. They are comments: an `imagebot.toml` cannot have them.
    pub(super) fn operator(&mut self, lines: &str) {
        match self.operator.len() < MOST_OPERATOR {
            true => self.operator.push(lines.to_owned()),
            false => self.more_operator += 1,
        }
    }

    /// Adds a key of the file.
    pub(super) fn key(&mut self, setting: Setting) {
        match problem(&setting.line()) {
            None => {
                self.keys.retain(|known| known.key != setting.key);
                self.keys.push(setting);
            }
            Some(why) => self.refused(&setting, &why),
        }
    }

    /// Adds a table before all others.
    pub(super) fn first(&mut self, block: Block) {
        let others = std::mem::take(&mut self.blocks);
        self.block(block);
        self.blocks.extend(others);
    }

    /// Adds a table. A setting that is not valid becomes a comment; without a needed one, the whole table does.
    pub(super) fn block(&mut self, mut block: Block) {
        if self.blocks.len() >= MOST_BLOCKS {
            let why = format!("only the first {MOST_BLOCKS} tables are written");
            return self.note(&block.origin, &why);
        }
        let (header, needed) = (block.header, std::mem::take(&mut block.needed));
        let lines: String = needed.iter().map(Setting::line).collect();
        // A rule without settings is an error; `reason` is one that is always valid.
        let filler = if header == RULE {
            "reason = \"\"\n"
        } else {
            ""
        };
        if let Some(why) = problem(&format!("{header}\n{lines}{filler}")) {
            let keys: Vec<&str> = block.settings.iter().map(Setting::key).collect();
            let lost = match keys.is_empty() {
                true => String::new(),
                false => format!(" (it would set {})", keys.join(", ")),
            };
            return self.note(&block.origin, &format!("{why}{lost}"));
        }
        let settings = std::mem::take(&mut block.settings);
        for setting in settings {
            // Of two values for a key, the later one counts.
            block.settings.retain(|known| known.key != setting.key);
            match header == RULE {
                true => match problem(&format!("{RULE}\n{}", setting.line())) {
                    None => block.settings.push(setting),
                    Some(why) => self.refused(&setting, &why),
                },
                false => block.settings.push(setting),
            }
        }
        block.needed = needed;
        if block.header != RULE || block.settings.iter().any(|setting| setting.key != "reason") {
            self.blocks.push(block);
        }
    }

    fn refused(&mut self, setting: &Setting, why: &str) {
        let origin = setting.origin.clone();
        self.note(&origin, &format!("`{}`: {why}", setting.key));
    }

    /// The whole file. Tables that would exceed the limits of an `imagebot.toml` are left out, with a comment.
    pub(super) fn finish(mut self, name: &str, read_as_is: &str) -> Converted {
        let order = |block: &Block| HEADERS.iter().position(|known| *known == block.header);
        self.blocks.sort_by_key(order);
        self.notes.sort_by_key(|(line, _)| *line);
        let all = self.keys.len() + self.blocks.len();
        let is_valid = |count: usize| problem(&self.text(name, read_as_is, count)).is_none();
        let count = match is_valid(all) {
            true => all,
            false => {
                // The limits are on bytes and entries, so that every shorter file is valid too.
                let counts: Vec<usize> = (0..all).collect();
                let valid = counts.partition_point(|count| is_valid(*count));
                valid.saturating_sub(1)
            }
        };
        let keys = count.min(self.keys.len());
        let blocks = self.blocks.iter().take(count - keys);
        let in_blocks = blocks.map(|block| block.needed.len() + block.settings.len());
        Converted {
            text: self.text(name, read_as_is, count),
            carried: keys + in_blocks.sum::<usize>(),
            left: self.notes.len() + self.more_notes + (all - count),
            read_as_is: read_as_is.to_owned(),
        }
    }

    /// The file with its first `count` keys and tables.
    fn text(&self, name: &str, read_as_is: &str, count: usize) -> String {
        let keys = count.min(self.keys.len());
        let blocks = count - keys;
        let head = format!(
            "imagebot: settings of this repository, made from {}. `imagebot check .` shows their effect.",
            printable(name)
        );
        let mut text = comment(&head);
        if !read_as_is.is_empty() {
            text += &comment(read_as_is);
        }
        if !self.keys.is_empty() {
            text.push('\n');
        }
        text.extend(self.keys.iter().take(keys).map(Setting::line));
        text.extend(self.blocks.iter().take(blocks).map(Block::text));
        for lines in &self.by_hand {
            text += &format!("\n{}", commented(lines));
        }
        let over = self.keys.len() + self.blocks.len() - count;
        let mut notes: Vec<String> = Vec::new();
        if over > 0 {
            notes.push(format!(
                "{over} more keys and tables: an imagebot.toml has room for 1,000 entries and 128 KiB; use fewer, wider globs"
            ));
        }
        notes.extend(self.notes.iter().map(|(_, note)| note.clone()));
        text += &section("Not carried over:", &notes, self.more_notes);
        text + &self.for_operator()
    }
}

impl Draft {
    fn for_operator(&self) -> String {
        if self.operator.is_empty() {
            return String::new();
        }
        let head = "For the operator's config.toml, because a repository cannot set it:";
        let mut text = format!("\n{}", comment(head));
        text += &commented(&self.operator.join("\n\n"));
        if self.more_operator > 0 {
            text += &comment(&format!("and {} more tables", self.more_operator));
        }
        text
    }
}

const RULE: &str = "[[rule]]";
/// The tables in the order in which they are written.
const HEADERS: [&str; 5] = ["[args]", "[[image]]", "[[depends]]", "[[source]]", RULE];

/// Comments below a headline, as many as there is room for; `more` are those that were not kept.
fn section(headline: &str, notes: &[String], more: usize) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", comment(headline));
    let mut shown = 0;
    for note in notes {
        if text.len() > MOST_COMMENTS {
            break;
        }
        shown += 1;
        let options = textwrap::Options::new(WIDTH)
            .initial_indent("# - ")
            .subsequent_indent("#   ");
        text += &format!("{}\n", textwrap::fill(note, options));
    }
    match notes.len() - shown + more {
        0 => text,
        others => text + &comment(&format!("- and {others} more")),
    }
}

/// A text as lines of comments.
fn comment(text: &str) -> String {
    let options = textwrap::Options::new(WIDTH)
        .initial_indent("# ")
        .subsequent_indent("# ");
    format!("{}\n", textwrap::fill(text, options))
}

/// Lines of TOML as comments.
fn commented(lines: &str) -> String {
    let lines = lines
        .lines()
        .map(|line| format!("{}\n", format!("# {line}").trim_end()));
    lines.collect()
}

/// An `imagebot.toml` cannot define schemes, and those of the operator are not known here.
static BUILT_IN: LazyLock<Config> = LazyLock::new(Config::default);

/// What is wrong with a file.
fn problem(text: &str) -> Option<String> {
    let problems = parse_repository("imagebot.toml", text, &BUILT_IN.schemes).err()?;
    let first = problems.list.first()?;
    Some(match &first.help {
        Some(help) => format!("{}; {help}", first.message),
        None => first.message.clone(),
    })
}

/// A key as TOML writes it.
pub(super) fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A text as a TOML string on one line.
pub(super) fn quoted(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c })
        .collect();
    toml::Value::String(plain).to_string()
}
