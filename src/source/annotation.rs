//! `# imagebot: image=…` above a value, in a text file of any kind.
//!
//! The comment names the image, and the line below it sets the value: a tag, a digest, both, or a whole reference to
//! that image. Renovate's comments of the data source `docker` are understood in the same way if imagebot has none at
//! the place. A value that the file's format reads as a reference anyway is left to the format.

mod assignment;
mod renovate;

use super::comment::comment_words;
use super::lines::{Lines, comment};
use super::located::{Comment, Located, ReferenceKind, Resolution, WhyNot};
use super::mapped::Mapped;
use super::parts::ReferenceParts;
use super::sources::FileText;
use super::value::Expanded;
use super::yaml::Yaml;
use crate::image::{Digest, ImageName, Reference, Tag};
use assignment::Assignment;
use regex::bytes::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// The most annotations of a file that are read.
const MOST: usize = 1_000;

/// Extensions of formats in which a bare number is a number, and a tag in its place must be one too.
const TYPED: [&str; 22] = [
    "cjs", "go", "gradle", "groovy", "hcl", "js", "json", "json5", "jsonc", "kt", "kts", "lua",
    "mjs", "nix", "py", "rb", "rs", "tf", "tofu", "toml", "ts", "yaml",
];

/// What the comments above a value say about it.
struct Annotation {
    /// The image; `None` if the value has to name it.
    image: Option<String>,
    /// What the tag begins with and the value does not.
    prefix: String,
    notes: Vec<Comment>,
    /// Whether the comments contradict each other or cannot be read.
    is_bad: bool,
}

/// What a file with annotations contains. Every file is searched for it, so both words are searched at once.
static LEADS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("imagebot:|renovate:").ok());

/// Whether a file can have annotations, without reading its lines.
pub(crate) fn is_likely(contents: &[u8]) -> bool {
    LEADS.as_ref().is_none_or(|leads| leads.is_match(contents))
}

/// The references that comments of a file describe. `is_taken` says whether the format has read a reference at a place.
pub(crate) fn read(file: &FileText<'_>, is_taken: &dyn Fn(&Range<usize>) -> bool) -> Vec<Located> {
    let lines = Lines::new(&file.text);
    let mut found = Vec::new();
    let mut number = 1;
    while let Some((_, text)) = lines.at(number) {
        let first = number;
        number += 1;
        if comment(text).is_none() {
            continue;
        }
        // The comments right above one line belong together.
        while lines
            .at(number)
            .is_some_and(|(_, text)| comment(text).is_some())
        {
            number += 1;
        }
        let comments = (first..number).filter_map(|line| {
            let (_, text) = lines.at(line)?;
            Some((line, comment(text)?))
        });
        let Some(annotation) = Annotation::of(comments) else {
            continue;
        };
        let line = Line::new(&lines, file, number);
        if is_taken(&line.at) {
            continue;
        }
        found.extend(annotation.located(&line));
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// The line below comments.
struct Line<'t> {
    number: usize,
    text: &'t str,
    /// Its place, without its end.
    at: Range<usize>,
    /// Whether a bare number is a number there.
    is_typed: bool,
}

impl<'t> Line<'t> {
    fn new(lines: &Lines<'t>, file: &FileText<'_>, number: usize) -> Self {
        let (start, text) = lines.at(number).unwrap_or((file.text.len(), ""));
        let text = text.trim_end_matches(['\n', '\r']);
        let start = file.base + start;
        let path = file.path.as_str().to_ascii_lowercase();
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        Self {
            number,
            text,
            at: start..start + text.len(),
            is_typed: extension == "yml" || TYPED.contains(&extension),
        }
    }
}

impl Annotation {
    /// What comments say; `None` if they do not describe a value.
    fn of<'t>(comments: impl Iterator<Item = (usize, &'t str)>) -> Option<Self> {
        let mut own = Vec::new();
        let mut renovate = None;
        for (line, text) in comments {
            if let Some(text) = text.strip_prefix("imagebot:") {
                let text = text.trim().to_owned();
                own.push(Comment::new(line, text));
            } else if let Some(text) = text.strip_prefix("renovate:") {
                renovate = renovate::comment(text).map(|text| Comment::new(line, text));
            }
        }
        if own.is_empty() {
            own.extend(renovate);
        }
        if own.is_empty() {
            return None;
        }
        let mut annotation = Self {
            image: None,
            prefix: String::new(),
            notes: Vec::new(),
            is_bad: false,
        };
        for note in own {
            match comment_words(&note.text) {
                Ok(words) => {
                    for (key, value) in words {
                        annotation.add(&key, value);
                    }
                }
                Err(_) => annotation.is_bad = true,
            }
            annotation.notes.push(note);
        }
        Some(annotation)
    }

    fn add(&mut self, key: &str, value: Option<String>) {
        match (key, value) {
            ("image", Some(image)) => {
                self.is_bad |= self.image.is_some();
                self.image = Some(image);
            }
            ("prefix", Some(prefix)) => self.prefix = prefix,
            _ => {}
        }
    }

    /// The reference that the line sets. A comment without `image` describes only a value that names its image.
    fn located(self, line: &Line<'_>) -> Option<Located> {
        let assignment = Assignment::parse(line.text);
        let resolved = match (&assignment, self.is_bad) {
            (Some(assignment), false) => self.resolution(line, assignment),
            _ => None,
        };
        if self.image.is_none() && resolved.is_none() {
            return None;
        }
        let inner = match &assignment {
            Some(assignment) => assignment.value.clone(),
            None => {
                let start = line.text.len() - line.text.trim_start().len();
                start..line.text.trim_end().len().max(start)
            }
        };
        let written_at = line.at.start + inner.start..line.at.start + inner.end;
        let bad = || {
            let (why, touches) = (WhyNot::BadNote, vec![written_at.clone()]);
            (
                line.text[inner.clone()].to_owned(),
                Resolution::Unknown { why, touches },
            )
        };
        let (written, found) = resolved.unwrap_or_else(bad);
        Some(Located {
            ordinal: 0,
            line: line.number,
            kind: ReferenceKind::Annotated,
            stage: None,
            platform: None,
            written,
            written_at,
            notes: self.notes,
            in_ci: false,
            told: Vec::new(),
            found,
        })
    }

    /// The reference that a value is, with its text; `None` if it is neither a reference to the image nor a part of one.
    fn resolution(&self, line: &Line<'_>, assignment: &Assignment) -> Option<(String, Resolution)> {
        let start = line.at.start + assignment.value.start;
        let value = Mapped::of_file(&line.text[assignment.value.clone()], start);
        let own = start..start + value.len();
        let image = match &self.image {
            Some(image) => Some(ImageName::parse(image).ok()?),
            None => None,
        };
        if let Ok(reference) = Reference::parse(value.text()) {
            let is_versioned = reference.tag.is_some() || reference.digest.is_some();
            let is_whole = match &image {
                Some(image) => reference.name == *image,
                None => is_versioned && reference.name.written().contains(['/', '.']),
            };
            if is_whole {
                let text = Expanded::literal(&value);
                return Some((value.text().to_owned(), text.resolution(&own)));
            }
        }
        self.versioned(image?, &value, &own, line.is_typed && !assignment.is_quoted)
    }

    /// The reference that a tag, a digest, or a tag with a digest makes.
    fn versioned(
        &self,
        image: ImageName,
        value: &Mapped,
        own: &Range<usize>,
        is_typed: bool,
    ) -> Option<(String, Resolution)> {
        let text = value.text();
        let (tag, digest) = match text.split_once('@') {
            Some((tag, digest)) => (Some(tag), Some(digest)),
            None if Digest::parse(text).is_ok() => (None, Some(text)),
            None => (Some(text), None),
        };
        let part =
            |text: &str, start: usize| Expanded::literal(&value.slice(start..start + text.len()));
        if let Some(digest) = digest {
            Digest::parse(digest).ok()?;
        }
        let tag = match tag {
            None => None,
            Some(tag) => {
                Tag::parse(&format!("{}{tag}", self.prefix)).ok()?;
                let mut with_prefix = Expanded {
                    value: Mapped::computed(&self.prefix),
                    ..Expanded::default()
                };
                with_prefix.append(&part(tag, 0));
                if is_typed {
                    number(tag, &mut with_prefix);
                }
                Some(with_prefix)
            }
        };
        let parts = ReferenceParts {
            registry: None,
            name: Expanded::given(image.written()),
            tag,
            digest: digest.map(|digest| part(digest, text.len() - digest.len())),
        };
        let joined = parts.join();
        let written = joined.text.value.text().to_owned();
        Some((written, joined.careful_resolution(own)))
    }
}

/// Notes that a bare text is a number, and whether it is printed in another way.
fn number(bare: &str, expanded: &mut Expanded) {
    let yaml = Yaml::read(bare, 0);
    let scalar = yaml.roots().next().and_then(super::yaml::Node::text);
    if let Some(scalar) = scalar {
        expanded.is_number = !scalar.is_text();
        if !scalar.prints_as_written() {
            expanded.why = Some(WhyNot::UnquotedNumber);
        }
    }
}
