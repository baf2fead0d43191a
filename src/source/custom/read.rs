//! Reads a file by a `[[source]]`.

use super::data_path::DataPath;
use super::matches::{Unmatched, Values, matched};
use super::pattern::SourcePattern;
use super::table::{DataFields, DataFormat, DataName, MOST, SourceReads, SourceTable};
use crate::image::ImageName;
use crate::source::data::json::Syntax;
use crate::source::data::{Data, Kind, env, expression, hcl, json, toml, yaml};
use crate::source::found::Found;
use crate::source::lines::Lines;
use crate::source::located::{Located, ReferenceKind, Resolution};
use crate::source::mapped::Mapped;
use crate::source::parts::ReferenceParts;
use crate::source::passed::Passed;
use crate::source::sources::FileText;
use crate::source::value::Expanded;
use std::ops::Range;
use std::rc::Rc;

/// Reads one file by any number of `[[source]]`.
pub(crate) struct CustomReader<'a> {
    file: &'a FileText<'a>,
    lines: Lines<'a>,
    /// The file as data, by format: it is parsed once.
    parsed: Vec<(DataFormat, Rc<[Data]>)>,
    found: Found,
}

impl<'a> CustomReader<'a> {
    pub(crate) fn new(file: &'a FileText<'a>) -> Self {
        Self {
            file,
            lines: Lines::new(&file.text),
            parsed: Vec::new(),
            found: Found::default(),
        }
    }

    /// What a `[[source]]` finds. That the file does not parse is reported once.
    pub(crate) fn read(&mut self, table: &SourceTable) -> Found {
        match &table.reads {
            SourceReads::Annotations => {}
            SourceReads::Data(format, fields) => self.data(*format, fields),
            SourceReads::Lines(pattern, image) => self.text(pattern, image.as_ref()),
        }
        let more = self.found.references.len().saturating_sub(MOST);
        if more > 0 {
            self.found.references.truncate(MOST);
            let what =
                format!("`[[source]]` finds more than {MOST} references; the rest is not read");
            self.pass(1, what);
        }
        std::mem::take(&mut self.found)
    }

    fn pass(&mut self, line: usize, what: String) {
        self.found.passed.push(Passed { line, what });
    }

    fn data(&mut self, format: DataFormat, fields: &DataFields) {
        let documents = self.documents(format);
        match fields {
            DataFields::Whole(path) => self.whole(path, &documents),
            DataFields::Parts { name, .. } => {
                for values in matched(fields, &documents) {
                    self.parts(name, values);
                }
            }
        }
    }

    fn documents(&mut self, format: DataFormat) -> Rc<[Data]> {
        let mut parsed = self.parsed.iter();
        if let Some((_, documents)) = parsed.find(|(known, _)| *known == format) {
            return Rc::clone(documents);
        }
        let documents: Rc<[Data]> = match self.parse(format) {
            Ok(documents) => documents.into(),
            Err(passed) => {
                self.found.passed.push(passed);
                Rc::default()
            }
        };
        self.parsed.push((format, Rc::clone(&documents)));
        documents
    }

    fn parse(&mut self, format: DataFormat) -> Result<Vec<Data>, Passed> {
        Ok(match format {
            DataFormat::Yaml => {
                let (documents, lost) = yaml::parse(self.file);
                for lost in lost {
                    self.found.passed.push(lost);
                }
                documents
            }
            DataFormat::Json => json::parse(self.file, Syntax::Comments)?
                .into_iter()
                .collect(),
            DataFormat::Toml => vec![toml::parse(self.file)?],
            DataFormat::Hcl => {
                let (body, reader) = hcl::parse(self.file)?;
                vec![reader.body(&body)]
            }
            DataFormat::Env => vec![env::parse(self.file)],
        })
    }

    fn whole(&mut self, path: &DataPath, documents: &[Data]) {
        let Some(hits) = path.find(documents) else {
            return self.pass(1, too_much());
        };
        for hit in hits {
            match (hit.data.string(), &hit.data.kind) {
                (Some(text), _) => {
                    let found = text.resolution(&hit.data.at);
                    self.push(hit.data, hit.data.written.clone(), found);
                }
                (None, Kind::Null) => {}
                (None, Kind::Variable(_)) => {
                    let found = expression().resolution(&hit.data.at);
                    self.push(hit.data, hit.data.written.clone(), found);
                }
                (None, _) => {
                    let what = format!("the value at `{}` is not a string", path.as_str());
                    self.pass(hit.data.line, what);
                }
            }
        }
    }

    fn parts(&mut self, name: &DataName, values: Result<Values<'_>, Unmatched<'_>>) {
        let values = match values {
            Ok(values) => values,
            Err(Unmatched::NoName(data)) => {
                let what = "no `repository` belongs to this value".to_owned();
                return self.pass(data.line, what);
            }
            Err(Unmatched::TooMuch) => return self.pass(1, too_much()),
        };
        let text = |data: &Data| data.string().or_else(|| data.number());
        let all = [values.registry, values.name, values.tag, values.digest];
        for data in all.into_iter().flatten() {
            if text(data).is_none() {
                return self.pass(
                    data.line,
                    "this part of a reference is not a text".to_owned(),
                );
            }
        }
        let part = |data: Option<&Data>| data.and_then(text);
        let name = match name {
            DataName::Given(image) => Expanded::given(image.written()),
            DataName::At(_) => part(values.name).unwrap_or_default(),
        };
        let parts = ReferenceParts {
            registry: part(values.registry),
            name,
            tag: part(values.tag),
            digest: part(values.digest),
        };
        if let Some(main) = values.tag.or(values.digest) {
            let joined = parts.join();
            let written = joined.text.value.text().to_owned();
            self.push(main, written, joined.careful_resolution(&main.at));
        }
    }

    fn text(&mut self, pattern: &SourcePattern, image: Option<&ImageName>) {
        let mut number = 1;
        while let Some((start, text)) = self.lines.at(number) {
            let line = number;
            number += 1;
            let text = text.trim_end_matches(['\n', '\r']);
            for captures in pattern.regex.captures_iter(text) {
                if self.found.references.len() > MOST {
                    return;
                }
                let place = self.file.base + start;
                let part = |name: &str| {
                    let group = captures.name(name).filter(|group| !group.is_empty())?;
                    let start = place + group.start();
                    Some((
                        Expanded::literal(&Mapped::of_file(group.as_str(), start)),
                        start..start + group.len(),
                    ))
                };
                let given = image.map(|image| Expanded::given(image.written()));
                let named = part("image").or_else(|| part("repository"));
                let (tag, digest) = (part("tag"), part("digest"));
                let main = [&tag, &digest, &named].into_iter().flatten().next();
                let Some((_, at)) = main.cloned() else {
                    continue;
                };
                let name = named.map(|(text, _)| text).or(given);
                let is_whole = tag.is_none() && digest.is_none();
                let parts = ReferenceParts {
                    registry: part("registry").map(|(text, _)| text),
                    name: name.unwrap_or_default(),
                    tag: tag.map(|(text, _)| text),
                    digest: digest.map(|(text, _)| text),
                };
                let (written, resolution) = match is_whole {
                    true => {
                        let text = parts.join().text;
                        (text.value.text().to_owned(), text.resolution(&at))
                    }
                    false => {
                        let joined = parts.join();
                        let written = joined.text.value.text().to_owned();
                        (written, joined.careful_resolution(&at))
                    }
                };
                let located = self.located(line, written, at, resolution);
                self.found.references.push(located);
            }
        }
    }

    fn push(&mut self, data: &Data, written: String, found: Resolution) {
        let located = self.located(data.line, written, data.at.clone(), found);
        self.found.references.push(located);
    }

    fn located(
        &self,
        line: usize,
        written: String,
        written_at: Range<usize>,
        found: Resolution,
    ) -> Located {
        Located {
            ordinal: 0,
            line,
            kind: ReferenceKind::Source,
            stage: None,
            platform: None,
            written,
            written_at,
            notes: self.lines.notes_above(line).to_vec(),
            in_ci: false,
            told: Vec::new(),
            found,
        }
    }
}

fn too_much() -> String {
    "the file has too many values for a path with `**`".to_owned()
}
