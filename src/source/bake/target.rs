//! What targets build.

use super::super::data::{Data, Key, Kind};
use super::super::found::{Build, Found, Given, Remark, Told};
use super::super::inline;
use super::super::located::{Located, ReferenceKind, WhyNot};
use super::super::passed::Passed;
use super::super::paths::{file_at, join};
use super::evaluate::{Scope, Value};
use super::file::{BakeFile, Block};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most combinations of a matrix that are read.
const MAX_COMBINATIONS: usize = 64;
/// The most variables of a matrix that are read.
const MAX_VARIABLES: usize = 16;
/// The most targets that are read.
const MAX_TARGETS: usize = 1_000;
/// The most entries of attributes of all targets together, each time that one is inherited or is in a combination.
const MAX_ENTRIES: usize = 100_000;
/// What leads an image in a named context, and what leads another target.
const IMAGE: &str = "docker-image://";
const TARGET: &str = "target:";

/// Reads all targets. Those whose name begins with `_` are there to be inherited.
pub(super) fn read_all(
    file: &BakeFile,
    folder: &str,
    args: &BTreeMap<String, String>,
    found: &mut Found,
) {
    let targets = file
        .targets
        .iter()
        .filter(|(name, _)| !name.starts_with('_'));
    let mut inherited = Inherited {
        known: BTreeMap::new(),
        room: MAX_ENTRIES,
    };
    let mut room = MAX_ENTRIES;
    for (name, block) in targets.take(MAX_TARGETS) {
        let scope = Scope {
            file,
            args,
            matrix: BTreeMap::new(),
            steps: Cell::new(0),
        };
        let Some(whole) = inherited.of(name, &scope, 0) else {
            let what = format!("the target `{name}` inherits itself, or too much");
            let passed = Passed {
                line: block.line,
                what,
            };
            found.passed_elsewhere.push((block.place, passed));
            continue;
        };
        let (all, is_cut) = combinations(&whole);
        if is_cut {
            let what = format!(
                "more than {MAX_COMBINATIONS} combinations of a matrix; the others are not read"
            );
            let passed = Passed {
                line: block.line,
                what,
            };
            found.passed_elsewhere.push((block.place, passed));
        }
        for matrix in all {
            let Some(left) = room.checked_sub(whole.size()) else {
                let what = format!("the targets have more than {MAX_ENTRIES} entries in all");
                let passed = Passed {
                    line: block.line,
                    what,
                };
                return found.passed_elsewhere.push((block.place, passed));
            };
            room = left;
            let scope = Scope {
                file,
                args,
                matrix,
                steps: Cell::new(0),
            };
            let target = Target {
                name,
                block: &whole,
                scope,
                folder,
            };
            target.read(found);
        }
    }
}

/// How deep targets inherit each other.
const MAX_DEPTH: usize = 64;

/// The targets with the attributes that they inherit, each computed once.
struct Inherited {
    /// `None`: it inherits itself, or too much.
    known: BTreeMap<String, Option<Rc<Block>>>,
    /// How many more attributes and entries of them are put together.
    room: usize,
}

impl Inherited {
    /// A target with the attributes of those that it inherits, which are weaker.
    fn of(&mut self, name: &str, scope: &Scope<'_>, depth: usize) -> Option<Rc<Block>> {
        if let Some(block) = self.known.get(name) {
            return block.clone();
        }
        let composed = scope.file.composed.get(name);
        let none = Block::default();
        let block = match (scope.file.targets.get(name), composed) {
            (Some(block), _) => block,
            (None, Some(_)) => &none,
            (None, None) => return None,
        };
        // It is its own ancestor if it is looked for while it is computed.
        self.known.insert(name.to_owned(), None);
        let mut whole = Block {
            line: block.line,
            place: block.place,
            ..Block::default()
        };
        if let Some(Kind::List(names)) = block.attributes.get("inherits").map(|it| &it.kind) {
            for name in names.iter().filter_map(|name| scope.known(name)) {
                if scope.has_target(&name) {
                    let parent = match depth < MAX_DEPTH {
                        true => self.of(&name, scope, depth + 1)?,
                        false => return None,
                    };
                    self.room = self.room.checked_sub(parent.size())?;
                    whole.merge(parent.attributes.clone());
                    whole.merge_composed(parent.composed.as_ref());
                }
            }
        }
        whole.merge_composed(composed);
        self.room = self.room.checked_sub(block.size())?;
        whole.merge(block.attributes.clone());
        let whole = Rc::new(whole);
        self.known.insert(name.to_owned(), Some(Rc::clone(&whole)));
        Some(whole)
    }
}

/// The combinations of a target's matrix, one without variables if it has none; and whether there are more.
fn combinations(block: &Block) -> (Vec<BTreeMap<String, &Data>>, bool) {
    let mut all = vec![BTreeMap::new()];
    let Some(Kind::Map(entries)) = block.attributes.get("matrix").map(|it| &it.kind) else {
        return (all, false);
    };
    let mut is_cut = entries.len() > MAX_VARIABLES;
    for (key, values) in entries.iter().take(MAX_VARIABLES) {
        let Kind::List(values) = &values.kind else {
            continue;
        };
        let mut next = Vec::new();
        for known in &all {
            let room = MAX_COMBINATIONS - next.len();
            is_cut |= values.len() > room;
            for value in values.iter().take(room) {
                let mut with = known.clone();
                with.insert(key.name.clone(), value);
                next.push(with);
            }
        }
        all = next;
    }
    (all, is_cut)
}

/// One target in one combination of its matrix.
struct Target<'a> {
    name: &'a str,
    block: &'a Block,
    scope: Scope<'a>,
    /// The folder of the file, which paths are relative to.
    folder: &'a str,
}

impl<'a> Target<'a> {
    fn attribute(&self, name: &str) -> Option<&'a Data> {
        self.block.attributes.get(name)
    }

    fn known(&self, name: &str) -> Option<String> {
        self.scope.known(self.attribute(name)?)
    }

    fn entries(&self, name: &str) -> &'a [(Key, Data)] {
        match self.attribute(name).map(|it| &it.kind) {
            Some(Kind::Map(entries)) => entries,
            _ => &[],
        }
    }

    fn read(&self, found: &mut Found) {
        let composed = self.block.composed.clone().unwrap_or_default();
        let mut build = Build {
            line: self.block.line,
            name: self.name.to_owned(),
            target: self.known("target").or(composed.target),
            dockerfile: None,
            ..composed
        };
        for (key, value) in self.entries("args") {
            match self.scope.text(value) {
                Some(Value {
                    expanded,
                    variables,
                }) => {
                    let outside = variables.iter().filter_map(|name| self.default_of(name));
                    let outside = outside.map(|(line, place)| (key.name.clone(), line, place));
                    build.outside.retain(|(name, ..)| *name != key.name);
                    build.outside.extend(outside);
                    build.given.args.insert(key.name.clone(), expanded);
                }
                // `null` does not change what another file sets.
                None if build.given.args.contains_key(&key.name) => {}
                None => build.outside.push((key.name.clone(), key.line, key.place)),
            }
        }
        for (key, value) in self.entries("contexts") {
            let is_image = self.context(value, found);
            build.given.replace(&key.name, is_image);
        }
        for name in ["args", "contexts", "context", "dockerfile", "matrix"] {
            if let Some(value) = self
                .attribute(name)
                .filter(|it| matches!(it.kind, Kind::Other))
            {
                let what = format!("`{name}` is computed, and expressions are not evaluated");
                let passed = Passed {
                    line: value.line,
                    what,
                };
                found.passed_elsewhere.push((value.at.start, passed));
            }
        }
        if let Some(tags) = self.attribute("tags").map(|it| &it.kind)
            && let Kind::List(tags) = tags
        {
            let tags = tags
                .iter()
                .filter_map(|tag| Some(self.scope.text(tag)?.expanded));
            let tags = tags.filter(|tag| !tag.is_opaque());
            build.tags = tags.map(|tag| tag.value).collect();
        }
        match self.attribute("dockerfile-inline") {
            Some(inline) => self.inline(inline, &build.given, found),
            None => self.find_dockerfile(&mut build),
        }
        found.builds.push(build);
    }

    fn find_dockerfile(&self, build: &mut Build) {
        let is_local = |path: &String| !path.contains("://") && !path.contains('@');
        let local = |path: String| join(self.folder, &path);
        build.context = match self.attribute("context") {
            Some(context) => self.scope.known(context).filter(is_local).and_then(local),
            None if self.block.composed.is_some() => build.context.take(),
            None => join(self.folder, "."),
        };
        let file = match self.attribute("dockerfile") {
            Some(file) => self.scope.known(file),
            None => Some(build.file.clone().unwrap_or("Dockerfile".to_owned())),
        };
        if let (Some(context), Some(file)) = (&build.context, file) {
            build.dockerfile = file_at(context, &file);
        }
    }

    /// Where the default of a variable is, by line and place; where the variable is, if it has none.
    fn default_of(&self, name: &str) -> Option<(usize, usize)> {
        let variable = self.scope.file.variables.get(name)?;
        let default = self.scope.default_of(name, variable);
        Some(match default {
            Some(default) => (default.line, default.at.start),
            None => (variable.line, variable.place),
        })
    }

    fn tell(&self, variables: &BTreeSet<String>, found: &mut Found) {
        let told = variables.iter().filter_map(|name| {
            let (line, place) = self.default_of(name)?;
            let (remark, what) = (Remark::OutsideValue, name.clone());
            Some((place, Told { line, remark, what }))
        });
        found.told.extend(told);
    }

    /// Adds the image of a named context; returns whether it is an image.
    fn context(&self, value: &'a Data, found: &mut Found) -> bool {
        let Some(Value {
            mut expanded,
            variables,
        }) = self.scope.text(value)
        else {
            return false;
        };
        let leads = |text: &str| text.starts_with(IMAGE);
        if !leads(expanded.value.text()) && !leads(&value.written) {
            return expanded.value.text().starts_with(TARGET);
        }
        self.tell(&variables, found);
        let behind = IMAGE.len().min(expanded.value.len());
        expanded.value = expanded.value.slice(behind..expanded.value.len());
        let start = value.at.start
            + if leads(&value.written) {
                IMAGE.len()
            } else {
                0
            };
        let written_at = start.min(value.at.end)..value.at.end;
        let written = value.written.strip_prefix(IMAGE).unwrap_or(&value.written);
        found.references.push(Located {
            ordinal: 0,
            line: value.line,
            kind: ReferenceKind::BakeContext,
            stage: None,
            platform: None,
            written: written.to_owned(),
            found: expanded.resolution(&written_at),
            written_at,
            notes: value.notes.to_vec(),
            told: Vec::new(),
            in_ci: false,
        });
        true
    }

    fn inline(&self, value: &'a Data, given: &Given, found: &mut Found) {
        let Some(Value {
            expanded,
            variables,
        }) = self.scope.text(value)
        else {
            return;
        };
        if expanded.is_opaque() {
            let what = "this Dockerfile is computed, and expressions are not evaluated".to_owned();
            let passed = Passed {
                line: value.line,
                what,
            };
            return found.passed_elsewhere.push((value.at.start, passed));
        }
        let line = value.line + usize::from(value.written.starts_with("<<"));
        let mut read = inline::read(&expanded.value, line, &value.at, given);
        if !read.references.is_empty() {
            self.tell(&variables, found);
        }
        if expanded.fixed.is_some() {
            for located in &mut read.references {
                located.line = value.line;
                located.fix(WhyNot::NotPlain);
            }
        }
        let passed = read.passed.iter().cloned();
        found
            .passed_elsewhere
            .extend(passed.map(|passed| (value.at.start, passed)));
        found.around.extend(read.around);
        found.references.extend(read.references);
    }
}
