//! The references among the instructions: stages, variables, flags and mounts.

use super::directives;
use super::expand::Scope;
use super::from::{fits, from_words, pattern_of, stage_names, stage_of};
use super::judge;
use super::lines::{self, Instruction};
use super::mount;
use super::template;
use super::words::{self, Flag};
use crate::source::found::{Found, Given};
use crate::source::located::{Around, Comment, Located, ReferenceKind, Resolution, WhyNot, extent};
use crate::source::mapped::Mapped;
use crate::source::passed::{Passed, PassedOver};
use crate::source::stages::{Stage, Stages};
use crate::source::value::Expanded;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

/// Variables that the builder sets without any `ARG`; their values are known only during the build.
const SET_BY_BUILDER: [&str; 10] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETOSVERSION",
    "TARGETSTAGE",
];

const INSTRUCTIONS: [&str; 18] = [
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

/// The most bytes of all words together after expansion: many times a file's size means that one variable is repeated
/// to exhaust the memory.
const MAX_EXPANDED: usize = 4 * 1024 * 1024;

/// Reads the references of a Dockerfile whose text begins at `base`, in a build that gives it values.
pub(crate) fn read(text: &str, base: usize, given: &Given) -> Found {
    let mut passed = PassedOver::default();
    let directives = directives::read(text, base);
    let instructions = lines::read(text, base, directives.escape, &mut passed);
    let mut reader = Reader {
        escape: directives.escape,
        given,
        scope: builder_scope(given),
        stages: Stages::default(),
        stage_at: HashMap::new(),
        all_stages: stage_names(&instructions, directives.escape),
        before_first_from: true,
        expanded: 0,
        found: Vec::new(),
        around: Vec::new(),
        overriding: Vec::new(),
        passed,
    };
    if let Some((line, name)) = directives.repeated {
        let what = format!("the directive `{name}` appears twice, so a build fails");
        reader.passed.push(Passed { line, what });
    }
    if let Some((line, word)) = directives.syntax {
        let expanded = Expanded::literal(&word);
        reader.add(
            line,
            ReferenceKind::Syntax,
            &word,
            expanded,
            Place::default(),
        );
    }
    if let Some(line) = template::first_line(&instructions) {
        let what = "the file is a template: what its engine fills in is not known";
        reader.passed.push(Passed {
            line,
            what: what.to_owned(),
        });
    }
    for instruction in &instructions {
        reader.instruction(instruction);
    }
    if reader.passed.is_empty()
        && let Some(complaint) = judge::complaint(&instructions, directives.escape)
    {
        reader.passed.push(complaint);
    }
    Found {
        references: reader.found,
        around: reader.around,
        overriding: reader.overriding,
        stages: reader.stages,
        passed: reader.passed,
        ..Found::default()
    }
}

fn builder_scope(given: &Given) -> Scope {
    let mut scope = Scope::default();
    for name in SET_BY_BUILDER {
        let unknown = || Expanded {
            unresolved: true,
            ..Expanded::default()
        };
        let value = given.args.get(name).cloned();
        scope.set(name, value.unwrap_or_else(unknown));
    }
    scope
}

struct Reader<'a> {
    escape: u8,
    given: &'a Given,
    scope: Scope,
    /// The stages defined so far.
    stages: Stages,
    /// The named stages, by name.
    stage_at: HashMap<String, usize>,
    all_stages: HashSet<String>,
    before_first_from: bool,
    /// The bytes of all expanded words together.
    expanded: usize,
    found: Vec<Located>,
    around: Vec<Around>,
    /// The given values that win over a default.
    overriding: Vec<Range<usize>>,
    passed: PassedOver,
}

/// The context of a reference.
#[derive(Default)]
struct Place {
    stage: Option<String>,
    platform: Option<String>,
    notes: Vec<Comment>,
}

impl Reader<'_> {
    fn instruction(&mut self, instruction: &Instruction) {
        let text = instruction.text.text();
        let (keyword, rest) = words::keyword(text);
        match keyword.to_ascii_lowercase().as_str() {
            "arg" if self.before_first_from => self.arg(instruction, rest),
            "from" => self.from(instruction, rest),
            "copy" => self.copy(instruction, rest, ReferenceKind::CopyFrom),
            "run" => self.mounts(instruction, rest, ReferenceKind::MountFrom),
            "onbuild" => {
                let (inner, behind) = words::keyword(&text[rest..]);
                match inner.to_ascii_lowercase().as_str() {
                    "copy" => self.copy(instruction, rest + behind, ReferenceKind::OnbuildFrom),
                    "run" => self.mounts(instruction, rest + behind, ReferenceKind::OnbuildFrom),
                    _ => {}
                }
            }
            known if INSTRUCTIONS.contains(&known) => {}
            // The file is reported as a template once, not line by line.
            _ if template::is_markup(text) => {}
            _ => {
                let shown: String = keyword.chars().take(40).collect();
                self.pass(instruction, format!("{shown:?} is not an instruction"));
            }
        }
    }

    fn pass(&mut self, instruction: &Instruction, what: String) {
        self.passed.push(Passed {
            line: instruction.line,
            what,
        });
    }

    /// `ARG A=1 B="2"`: a name without `=` only declares, and keeps an earlier value.
    fn arg(&mut self, instruction: &Instruction, rest: usize) {
        let text = instruction.text.text();
        for word in words::split(text, rest, self.escape) {
            let equals = text[word.clone()].find('=').map(|at| word.start + at);
            let name = &text[word.start..equals.unwrap_or(word.end)];
            if name.is_empty() {
                self.pass(instruction, "an ARG without a name".to_owned());
                continue;
            }
            let value = match (self.given.args.get(name), equals) {
                (Some(given), default) => {
                    if default.is_some() {
                        let places = given.value.places(0..given.value.len());
                        self.overriding.extend(places);
                    }
                    given.clone()
                }
                (None, Some(equals)) => self
                    .scope
                    .expand(&instruction.text.slice(equals + 1..word.end), self.escape),
                (None, None) => continue,
            };
            self.scope.set(name, value);
        }
    }

    fn from(&mut self, instruction: &Instruction, rest: usize) {
        self.before_first_from = false;
        let text = instruction.text.text();
        let (flags, rest) = words::flags(&instruction.text, rest, self.escape);
        let words = from_words(text, rest);
        let Some(image) = words.first() else {
            return self.pass(instruction, "a FROM without an image".to_owned());
        };
        let texts: Vec<&str> = words.iter().map(|word| &text[word.clone()]).collect();
        let stage = stage_of(&texts);
        if texts.len() > 1 && (stage.is_none() || texts.len() > 3) {
            self.pass(
                instruction,
                format!("what follows {:?} is not `AS name`", texts[0]),
            );
        }
        let written = instruction.text.slice(image.clone());
        let expanded = self.expand(&written);
        let name = expanded.value.text().to_ascii_lowercase();
        let known = !expanded.unresolved && !expanded.malformed;
        let platform = flags.iter().rev().find(|f| f.name == "platform");
        if let Some(flag) = platform {
            let expanded = self.expand(&flag.value);
            self.around(instruction.line, &flag.value, &expanded);
        }
        // A number is not a stage's name here.
        let is_number = name.parse::<usize>().is_ok();
        let base = self.stage_at.get(&name).copied();
        let base = base.filter(|_| known && !is_number);
        let choice = match expanded.unresolved && !expanded.malformed {
            true => self.choice(written.text()),
            false => BTreeSet::new(),
        };
        let replaced = self.given.replaces(expanded.value.text()).filter(|_| known);
        let is_stage = base.is_some() || expanded.value.text() == "scratch";
        // A context with the name of this stage replaces all of it: what it is based on is not pulled.
        let is_replaced = stage
            .as_deref()
            .is_some_and(|name| self.given.replaces(name).is_some());
        if known && is_stage || replaced == Some(false) || !choice.is_empty() {
            self.around(instruction.line, &written, &expanded);
        } else {
            let place = Place {
                stage: stage.clone(),
                platform: platform.map(|flag| flag.value.text().to_owned()),
                notes: instruction.notes.clone(),
            };
            self.add(
                instruction.line,
                ReferenceKind::From,
                &written,
                expanded,
                place,
            );
            if let Some(located) = self.found.last_mut().filter(|_| is_replaced) {
                located.fix(WhyNot::ReplacedByContext);
            }
        }
        let number = self.stages.0.len();
        self.stage_at
            .extend(stage.clone().map(|name| (name, number)));
        self.stages.0.push(Stage {
            line: instruction.line,
            name: stage,
            base,
            takes: choice,
        });
    }

    /// The stages that a name with unknown variables can mean: `tools-${TARGETOS}`.
    fn choice(&self, written: &str) -> BTreeSet<usize> {
        let Some(pattern) = pattern_of(written) else {
            return BTreeSet::new();
        };
        let stages = self.stage_at.iter();
        let fitting = stages.filter(|(name, _)| fits(&pattern, name));
        fitting.map(|(_, stage)| *stage).collect()
    }

    fn copy(&mut self, instruction: &Instruction, rest: usize, kind: ReferenceKind) {
        let (flags, _) = words::flags(&instruction.text, rest, self.escape);
        for Flag { value, .. } in flags.into_iter().filter(|flag| flag.name == "from") {
            self.takes(value.text());
            // A number is a stage's index here, and only here.
            if value.text().parse::<i64>().is_err() {
                self.named_image(instruction, &value, kind);
            }
        }
    }

    fn mounts(&mut self, instruction: &Instruction, rest: usize, kind: ReferenceKind) {
        let (flags, _) = words::flags(&instruction.text, rest, self.escape);
        for flag in flags.into_iter().filter(|flag| flag.name == "mount") {
            let from = |field: Mapped| {
                let equals = field.text().find('=')?;
                field.text()[..equals]
                    .eq_ignore_ascii_case("from")
                    .then(|| field.slice(equals + 1..field.len()))
            };
            // If there are several, the last one counts.
            if let Some(image) = mount::fields(&flag.value).into_iter().rev().find_map(from) {
                self.takes(image.text());
                self.named_image(instruction, &image, kind);
            }
        }
    }

    /// Notes that the present stage takes something from an earlier one.
    fn takes(&mut self, text: &str) {
        let here = self.stages.0.len().saturating_sub(1);
        let named = self.stage_at.get(&text.to_ascii_lowercase()).copied();
        let from = text.parse().ok().or(named).filter(|stage| *stage < here);
        if let Some(stage) = self.stages.0.last_mut() {
            stage.takes.extend(from);
        }
    }

    /// An image in a flag: never a stage of this file, and variables are not expanded.
    fn named_image(&mut self, instruction: &Instruction, value: &Mapped, kind: ReferenceKind) {
        let text = value.text();
        let is_stage = self.all_stages.contains(&text.to_ascii_lowercase());
        let replaced = self.given.replaces(text);
        let is_image = match replaced {
            Some(is_image) => is_image && !is_stage,
            None => text != "scratch" && !is_stage,
        };
        if text.is_empty() || !is_image {
            return;
        }
        let place = Place {
            notes: instruction.notes.clone(),
            ..Place::default()
        };
        if text.contains('$') {
            let found = Resolution::Unknown {
                why: WhyNot::VariableNotExpanded,
                touches: Vec::new(),
            };
            self.push(instruction.line, kind, value, found, place);
        } else {
            self.add(
                instruction.line,
                kind,
                value,
                Expanded::literal(value),
                place,
            );
        }
    }

    /// Expands a word that is kept. Beyond [`MAX_EXPANDED`] it is malformed.
    fn expand(&mut self, word: &Mapped) -> Expanded {
        let expanded = self.scope.expand(word, self.escape);
        self.expanded += expanded.value.len();
        if self.expanded > MAX_EXPANDED {
            return Expanded::malformed();
        }
        expanded
    }

    fn around(&mut self, line: usize, written: &Mapped, expanded: &Expanded) {
        self.around.push(Around {
            line,
            written: written.text().to_owned(),
            text: expanded.value.text().to_owned(),
        });
    }

    fn add(
        &mut self,
        line: usize,
        kind: ReferenceKind,
        written: &Mapped,
        expanded: Expanded,
        place: Place,
    ) {
        let expanded = match template::has_placeholder(written.text()) {
            true => Expanded {
                why: Some(WhyNot::Template),
                ..expanded
            },
            false => expanded,
        };
        let found = expanded.resolution(&extent(written));
        self.push(line, kind, written, found, place);
    }

    fn push(
        &mut self,
        line: usize,
        kind: ReferenceKind,
        written: &Mapped,
        found: Resolution,
        place: Place,
    ) {
        let Place {
            stage,
            platform,
            notes,
        } = place;
        let found = match found {
            Resolution::Known(mut known) if self.given.replaces(known.value.text()).is_some() => {
                known.why_not = Some(WhyNot::ReplacedByContext);
                Resolution::Known(known)
            }
            found => found,
        };
        let written_at = extent(written);
        let written = written.text().to_owned();
        self.found.push(Located {
            ordinal: self.found.len(),
            line,
            kind,
            stage,
            platform,
            written,
            written_at,
            notes,
            told: Vec::new(),
            in_ci: false,
            found,
        });
    }
}
