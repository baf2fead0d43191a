//! Reads all files of a repository.
//!
//! Every file is read by its format. What a file describes as a build is then given to the Dockerfile that it names,
//! because a build's arguments win over the defaults there.

mod beside;
mod build_args;
mod comments;
mod units;

use super::dockerfile;
use super::format::Format;
use super::found::{Build, DescribedBuild, Found, Given, Remark, Told};
use super::located::{Located, ReferenceKind, Resolution, WhyNot};
use super::passed::{Passed, PassedOver};
use super::scan::Unreadable;
use super::sources::{Reach, Sources};
use super::stages::Stages;
use super::taken::Taken;
use crate::repo::RepoPath;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use units::Units;

/// The most different builds of one Dockerfile that are read.
const MAX_BUILDS: usize = 64;

/// The most remarks that a reference is shown with.
const MAX_TOLD: usize = 8;

/// What the files of a repository say.
#[derive(Debug, Default)]
pub struct ReadSources {
    /// The references, by file, in the order of the file.
    pub references: Vec<(RepoPath, Located)>,
    /// What was skipped in each file.
    pub passed: Vec<(RepoPath, PassedOver)>,
    /// The files that are not read at all.
    pub skipped: Vec<(RepoPath, Unreadable)>,
    /// The stages of the Dockerfiles.
    pub stages: BTreeMap<RepoPath, Stages>,
    /// Remarks about lines.
    pub told: Vec<(RepoPath, Told)>,
    /// The images that the files say are built here.
    pub builds: Vec<DescribedBuild>,
    /// The texts that an edit must not change although they are not references, by file.
    pub(crate) around: Vec<(usize, super::located::Around)>,
    /// For each file, the files that depend on each other with it: they are edited together.
    pub(crate) units: Units,
}

impl ReadSources {
    /// The group of files that depend on each other that a file is in.
    pub fn unit_of(&self, sources: &Sources, path: &RepoPath) -> Option<usize> {
        Some(self.units.root(sources.index(path)?))
    }

    /// Whether another file depends on a file.
    pub fn is_used(&self, sources: &Sources, path: &RepoPath) -> bool {
        let unit = self.unit_of(sources, path);
        unit.is_some_and(|unit| self.units.is_shared(unit))
    }

    /// The files of such a group.
    pub fn files_of(&self, sources: &Sources, unit: usize) -> Sources {
        sources.part(&self.units.of(unit), &BTreeMap::new())
    }
}

/// What each main file says, by the files that it says it about.
struct Reader<'a> {
    sources: &'a Sources,
    args: &'a BTreeMap<String, String>,
    reading: ReadSources,
    references: Vec<Vec<Located>>,
    /// The files that were read several times, or that several files say something about.
    several: BTreeSet<usize>,
    passed: Vec<PassedOver>,
    told: Vec<BTreeSet<Told>>,
    /// The values that win over defaults of each Dockerfile.
    overriding: BTreeMap<usize, Vec<Range<usize>>>,
    /// The builds of each Dockerfile, with the files that describe each.
    builds: BTreeMap<usize, Vec<(Build, BTreeSet<usize>)>>,
    /// The definitions of CI, and the files that they include.
    ci: BTreeSet<usize>,
    /// The variables that take part in a `FROM` of a Dockerfile.
    used_variables: BTreeSet<String>,
    /// The files that were read, and those that they depend on.
    reached: BTreeSet<usize>,
}

/// Reads all files. `args` are the build arguments that CI passes: they win over all others.
pub fn read_sources(sources: &Sources, args: &BTreeMap<String, String>) -> ReadSources {
    let count = sources.iter().len();
    let mut reader = Reader {
        sources,
        args,
        reading: ReadSources {
            units: Units::new(count),
            ..ReadSources::default()
        },
        references: vec![Vec::new(); count],
        several: BTreeSet::new(),
        passed: vec![PassedOver::default(); count],
        told: vec![BTreeSet::new(); count],
        overriding: BTreeMap::new(),
        builds: BTreeMap::new(),
        ci: BTreeSet::new(),
        used_variables: BTreeSet::new(),
        reached: BTreeSet::new(),
    };
    let formats: Vec<Option<Format>> = sources.iter().map(|file| file.format).collect();
    // Those that describe builds come first.
    for (index, format) in formats.iter().enumerate() {
        if let Some(format) = format.filter(|format| *format != Format::Dockerfile) {
            reader.read(index, format);
        }
    }
    for (index, format) in formats.iter().enumerate() {
        let is_dockerfile = *format == Some(Format::Dockerfile);
        if is_dockerfile || format.is_none() && reader.builds.contains_key(&index) {
            reader.read_dockerfile(index);
        }
    }
    reader.read_beside();
    reader.finish()
}

impl Reader<'_> {
    fn read(&mut self, index: usize, format: Format) {
        let file = match self.sources.text(index) {
            Ok(file) => file,
            Err(why) => return self.skip(index, why),
        };
        let mut reach = Reach::new(self.sources, self.args, index);
        let found = format.read(&file, &mut reach);
        let Some(used) = reach.used() else {
            return self.skip(index, Unreadable::UnitTooLarge);
        };
        if format.is_ci() {
            self.ci.extend(&used);
        }
        self.reading.units.join(&used);
        // The comments of a Makefile are read only if a `[[source]]` names it.
        if format != Format::Makefile {
            self.reached.extend(&used);
        }
        if !matches!(format, Format::Dockerfile | Format::Gipgee) {
            self.several.extend(&used);
        }
        for build in &found.builds {
            let dockerfile = build.dockerfile.as_ref();
            if let Some(dockerfile) = dockerfile.and_then(|path| self.sources.index(path)) {
                let builds = self.builds.entry(dockerfile).or_default();
                builds.push((build.clone(), used.clone()));
            }
        }
        self.add(index, found);
    }

    /// Reads a Dockerfile once for each set of values that builds give it.
    fn read_dockerfile(&mut self, index: usize) {
        let file = match self.sources.text(index) {
            Ok(file) => file,
            Err(why) => return self.skip(index, why),
        };
        let mut used = BTreeSet::from([index]);
        let mut given: Vec<Given> = Vec::new();
        let mut more = 0;
        let used_here = used_variables(&file.text);
        let names = used_here.iter().map(|name| (*name).to_owned());
        self.used_variables.extend(names);
        for (build, by) in self.builds.remove(&index).unwrap_or_default() {
            for (name, line, place) in build.outside {
                if used_here.contains(name.as_str()) {
                    let (remark, what) = (Remark::OutsideValue, name);
                    self.told[self.sources.index_at(place)].insert(Told { line, remark, what });
                }
            }
            let mut all = build.given;
            all.args.extend(Given::of_args(self.args).args);
            used.extend(by);
            if given.contains(&all) {
                continue;
            }
            if given.len() == MAX_BUILDS {
                more += 1;
            } else {
                given.push(all);
            }
        }
        if given.is_empty() {
            given.push(Given::of_args(self.args));
        }
        self.reading.units.join(&used);
        self.reached.extend(&used);
        let mut found = Found::default();
        for (number, given) in given.iter().enumerate() {
            let read = dockerfile::read(&file.text, file.base, given);
            found.references.extend(read.references);
            found.around.extend(read.around);
            found.overriding.extend(read.overriding);
            if number == 0 {
                found.stages = read.stages;
                found.passed = read.passed;
            }
        }
        if given.len() > 1 {
            self.several.insert(index);
        }
        if more > 0 {
            let what =
                format!("{more} more builds of this file are not read; the limit is {MAX_BUILDS}");
            found.passed.push(Passed { line: 1, what });
        }
        if !found.overriding.is_empty() {
            self.overriding
                .insert(index, std::mem::take(&mut found.overriding));
        }
        self.add(index, found);
    }

    /// Reads what no format does.
    fn read_beside(&mut self) {
        let sources = self.sources;
        let mut custom = beside::custom(sources, &|| Taken::new(self.references.iter().flatten()));
        // The operator's can name definitions of CI that no format reads.
        let named = custom.named.iter().copied();
        let is_ci = |index: &usize| {
            let path = sources.file(*index).path.as_str();
            !Format::may_include(path)
        };
        self.ci.extend(named.filter(is_ci));
        for (index, why) in &custom.skipped {
            self.skip(*index, *why);
        }
        for (index, found) in std::mem::take(&mut custom.found) {
            self.several.insert(index);
            self.add(index, found);
        }
        let taken = || Taken::new(self.references.iter().flatten());
        let read = &self.reached | &custom.named;
        let annotated = beside::annotations(sources, &read, &taken);
        self.reading.told.extend(custom.idle(sources, &annotated));
        for (index, found) in annotated {
            self.several.insert(index);
            self.references[index].extend(found);
        }
        for (index, idle) in comments::settle(sources, &read, &mut self.references) {
            self.told[index].insert(idle);
        }
        self.read_build_args();
    }

    /// Notes the arguments that definitions of CI and Makefiles pass to builds of the Dockerfiles.
    fn read_build_args(&mut self) {
        for (index, file) in self.sources.iter().enumerate() {
            let is_read = file.format == Some(Format::Makefile) || self.ci.contains(&index);
            if self.used_variables.is_empty() || !is_read {
                continue;
            }
            let text = self.sources.text(index);
            let passed = text.map_or_else(|_| Vec::new(), |file| build_args::passed(&file.text));
            for (line, name) in passed {
                let is_known = self.args.contains_key(&name);
                if self.used_variables.contains(&name) && !is_known {
                    let (remark, what) = (Remark::OutsideValue, name);
                    self.told[index].insert(Told { line, remark, what });
                }
            }
        }
    }

    fn skip(&mut self, index: usize, why: Unreadable) {
        let path = self.sources.file(index).path.clone();
        self.reading.skipped.push((path, why));
    }

    fn add(&mut self, index: usize, found: Found) {
        let path = &self.sources.file(index).path;
        let own = self.sources.extent(index);
        for located in found.references {
            let start = located.written_at.start;
            // A reference without a place of its own is the main file's.
            let is_own = own.contains(&start) || located.written_at.is_empty();
            let file = if is_own {
                index
            } else {
                self.sources.index_at(start)
            };
            if file != index {
                self.several.insert(file);
            }
            self.references[file].push(located);
        }
        let around = found.around.into_iter().map(|around| (index, around));
        self.reading.around.extend(around);
        for passed in found.passed.iter() {
            self.passed[index].push(passed.clone());
        }
        self.passed[index].skip(found.passed.more());
        for (place, told) in found.told {
            self.told[self.sources.index_at(place)].insert(told);
        }
        for (place, passed) in found.passed_elsewhere {
            self.passed[self.sources.index_at(place)].push(passed);
        }
        if !found.stages.0.is_empty() {
            self.reading.stages.insert(path.clone(), found.stages);
        }
        let builds = found.builds.into_iter();
        let builds = builds.map(|build| DescribedBuild::new(path.clone(), build));
        self.reading.builds.extend(builds);
    }

    fn finish(mut self) -> ReadSources {
        self.reading.units.finish();
        let all = std::mem::take(&mut self.references);
        for (index, located) in all.into_iter().enumerate() {
            let path = &self.sources.file(index).path;
            let is_dockerfile = self.reading.stages.contains_key(path);
            let merged = match self.several.contains(&index) {
                true => merged(located),
                false => located,
            };
            let mut lines: BTreeMap<(usize, usize), usize> = BTreeMap::new();
            for (ordinal, mut located) in merged.into_iter().enumerate() {
                located.ordinal = ordinal;
                located.in_ci = self.is_in_ci(index, &located);
                if is_dockerfile {
                    let at = (located.line, located.written_at.start);
                    let several = lines.entry(at).or_default();
                    *several += 1;
                    let overriding = self.overriding.get(&index).map_or(&[][..], Vec::as_slice);
                    self.told[index].extend(told_of(&located, overriding, *several, self.sources));
                }
                self.reading.references.push((path.clone(), located));
            }
        }
        for (path, located) in &mut self.reading.references {
            let index = self.sources.index(path);
            let told = index.and_then(|index| self.told.get(index));
            let first = Told {
                line: located.line,
                remark: Remark::ALL[0],
                what: String::new(),
            };
            let here = told.into_iter().flat_map(|told| told.range(&first..));
            let here = here.take_while(|told| told.line == located.line);
            located.told = here.take(MAX_TOLD).cloned().collect();
        }
        for (file, (passed, told)) in self
            .sources
            .iter()
            .zip(self.passed.into_iter().zip(self.told))
        {
            if !passed.is_empty() {
                self.reading.passed.push((file.path.clone(), passed));
            }
            let told = told.into_iter().map(|told| (file.path.clone(), told));
            self.reading.told.extend(told);
        }
        self.reading
    }

    /// Whether an edit of a reference is an edit of a definition of CI.
    fn is_in_ci(&self, index: usize, located: &Located) -> bool {
        let places = match &located.found {
            Resolution::Known(known) => known.versioned_places(),
            Resolution::Unknown { .. } => Vec::new(),
        };
        let mut files = places
            .iter()
            .map(|place| self.sources.index_at(place.start));
        self.ci.contains(&index) || files.any(|file| self.ci.contains(&file))
    }
}

/// The variables that take part in a `FROM` of a Dockerfile, directly or through another `ARG`.
fn used_variables(text: &str) -> HashSet<&str> {
    let counts = |line: &&str| {
        let keyword = line.split_ascii_whitespace().next().unwrap_or_default();
        let mut words = ["from", "arg"].iter();
        words.any(|word| keyword.eq_ignore_ascii_case(word))
    };
    let lines = text.lines().filter(counts);
    let names = lines.flat_map(|line| line.split('$').skip(1));
    let names = names.map(|rest| {
        let rest = rest.trim_start_matches('{');
        let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        &rest[..rest.find(|c| !is_inside(c)).unwrap_or(rest.len())]
    });
    names.collect()
}

/// What there is to say about a Dockerfile's reference whose version another file gives.
fn told_of(
    located: &Located,
    overriding: &[Range<usize>],
    several: usize,
    sources: &Sources,
) -> Option<Told> {
    let remark = match (several, located.is_set_by(overriding)) {
        (2.., _) => Remark::SettersDiffer,
        (_, true) => Remark::SetBySetter,
        _ => return None,
    };
    Some(Told {
        line: located.line,
        remark,
        what: match setter(located, overriding) {
            Some(place) => {
                let file = sources.file(sources.index_at(place));
                format!("{}, by {}", located.image(), file.path)
            }
            None => located.image().to_owned(),
        },
    })
}

/// The first place of what gives a reference its version.
fn setter(located: &Located, overriding: &[Range<usize>]) -> Option<usize> {
    let places = overriding.iter();
    let mut set = places.filter(|place| located.is_set_by(std::slice::from_ref(*place)));
    set.next().map(|place| place.start)
}

/// The references of a file that several readings found, each once: the same text that several places give is one
/// reference.
fn merged(found: Vec<Located>) -> Vec<Located> {
    let mut merged: Vec<Located> = Vec::with_capacity(found.len());
    let mut known: HashMap<(usize, usize, ReferenceKind, String), usize> = HashMap::new();
    for located in found {
        if located.written_at.is_empty() {
            merged.push(located);
            continue;
        }
        let text = match &located.found {
            Resolution::Known(known) => {
                let why = known.why_not.map_or("", |why| why.code());
                format!("{} {why}", known.value.text())
            }
            // Each number has to be written in quotes at its own place.
            Resolution::Unknown {
                why: why @ WhyNot::UnquotedNumber,
                touches,
            } => format!(" {} {touches:?}", why.code()),
            Resolution::Unknown { why, .. } => format!(" {}", why.code()),
        };
        let at = &located.written_at;
        let key = (at.start, at.end, located.kind, text);
        match known.get(&key) {
            Some(index) => absorb(&mut merged[*index], located),
            None => {
                known.insert(key, merged.len());
                merged.push(located);
            }
        }
    }
    merged.sort_by_key(|located| {
        let places = match &located.found {
            Resolution::Known(known) => known.value.places(0..known.value.len()),
            Resolution::Unknown { touches, .. } => touches.clone(),
        };
        let value: Vec<usize> = places.into_iter().map(|place| place.start).collect();
        (located.written_at.start, value)
    });
    merged
}

fn absorb(into: &mut Located, other: Located) {
    match (&mut into.found, other.found) {
        (Resolution::Known(known), Resolution::Known(same)) => {
            let is_new = known.value != same.value
                && known.also.iter().all(|(value, _)| *value != same.value);
            if is_new {
                known.also.push((same.value, same.slot));
            }
        }
        (Resolution::Unknown { touches, .. }, Resolution::Unknown { touches: more, .. }) => {
            touches.extend(more);
        }
        _ => {}
    }
}
