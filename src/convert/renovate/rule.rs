//! A `packageRules` entry as a `[[rule]]`.
//!
//! A condition that cannot be said here makes the whole entry a comment: without it, the rule would apply to more than
//! it did.

use super::managers;
use super::names::{Of, Unlike, globs, prefix_globs, regex_globs};
use super::settings::{Context, Outcome, setting};
use super::types::{Types, UpdateType};
use crate::config::renovate_key;
use crate::convert::draft::{Block, Draft, Setting};
use crate::convert::origin::{Origin, printable};
use crate::convert::value::Value;

/// What an entry is about, besides its own conditions.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The kinds of references; empty: all.
    pub(super) kinds: Vec<String>,
    pub(super) types: Types,
}

impl Scope {
    pub(super) fn everything() -> Self {
        Self {
            kinds: Vec::new(),
            types: Types::all(),
        }
    }
}

/// Why an entry has no rule.
type Left = (Origin, String);

/// The conditions of an entry.
struct Conditions {
    needed: Vec<Setting>,
    types: Types,
}

/// Adds the rule for an entry.
pub(super) fn add(
    entry: &Value,
    scope: &Scope,
    context: &Context,
    origin: &Origin,
    draft: &mut Draft,
) {
    let Some(keys) = entry.map() else {
        return draft.note(origin, "it is not an object");
    };
    let conditions = match conditions(entry, scope, origin) {
        Ok(conditions) => conditions,
        Err((at, why)) => {
            let others = keys.iter().map(|(key, _)| key.as_str());
            let lost: Vec<&str> = others.filter(|key| !is_condition(key)).collect();
            let lost = printable(&lost.join(", "));
            return draft.note(&at, &format!("{why} (the entry sets: {lost})"));
        }
    };
    let has_age = ["minimumReleaseAge", "stabilityDays"]
        .iter()
        .any(|key| entry.get(key).is_some());
    let context = Context {
        has_age: has_age || context.has_age,
        ..context.clone()
    };
    let mut block = Block::new("[[rule]]", origin);
    block.needed = conditions.needed;
    for (key, value) in keys.iter().filter(|(key, _)| !is_condition(key)) {
        let at = origin.inner(key, value.line);
        if key == "description" {
            let text = value.texts().unwrap_or_default().join(" ");
            let reason = Setting::text("reason", &printable(&text), &at);
            block.settings.push(reason);
            continue;
        }
        // `major` and the like have settings of their own.
        let own = UpdateType::named(key).zip(value.map());
        let (types, inner) = match own {
            Some((kind, entries)) => (Types::one(kind), entries),
            None => (conditions.types.clone(), &keys[..0]),
        };
        let mut outcomes: Vec<(Origin, Outcome)> = Vec::new();
        for (key, value) in inner {
            let at = at.inner(key, value.line);
            let outcome = setting(key, value, &types, &context, &at);
            outcomes.push((at, outcome));
        }
        if own.is_none() {
            let outcome = setting(key, value, &types, &context, &at);
            outcomes.push((at, outcome));
        }
        for (at, outcome) in outcomes {
            block.settings.extend(outcome.report(&at, draft));
        }
    }
    draft.block(block);
}

fn is_condition(key: &str) -> bool {
    let is_old = matches!(
        key,
        "packageNames" | "packagePatterns" | "paths" | "managers" | "datasources" | "updateTypes"
    );
    key.starts_with("match") || key.starts_with("exclude") || is_old
}

/// The name that a key has today.
fn today(key: &str) -> &str {
    match key {
        "packageNames" => "matchPackageNames",
        "packagePatterns" => "matchPackagePatterns",
        "paths" => "matchPaths",
        "managers" => "matchManagers",
        "datasources" => "matchDatasources",
        "updateTypes" => "matchUpdateTypes",
        key => key,
    }
}

fn conditions(entry: &Value, scope: &Scope, origin: &Origin) -> Result<Conditions, Left> {
    let mut names = Names::default();
    let mut needed = Vec::new();
    let mut types = scope.types.clone();
    let mut kinds = scope.kinds.clone();
    let keys = entry.map().unwrap_or_default().iter();
    for (key, value) in keys.filter(|(key, _)| is_condition(key)) {
        let at = origin.inner(key, value.line);
        let left = |why: &str| (at.clone(), why.to_owned());
        let list = value
            .texts()
            .ok_or_else(|| left("its value is not a list of texts"))?;
        let others = || globs(&list, Of::Others).map_err(|error| left(&unlike(&error)));
        match today(key) {
            "matchDatasources" => is_about_images(&list).map_err(|why| left(&why))?,
            "matchCategories" => match list.contains(&"docker") {
                true => {}
                false => {
                    return Err(left(
                        "it does not concern container images, or only some of their files; write `kinds`",
                    ));
                }
            },
            "matchUpdateTypes" => {
                types = Types::of(value).unwrap_or_else(Types::all);
                if types.is_empty() {
                    return Err(left("images have no updates of these types"));
                }
            }
            "matchManagers" => {
                let (known, _) = managers::kinds(&list);
                if known.is_empty() {
                    return Err(left(
                        "these managers do not concern container images, or imagebot has no kind for them",
                    ));
                }
                kinds = known.iter().map(|kind| (*kind).to_owned()).collect();
            }
            "matchFileNames" => add_globs(&mut needed, "paths", others()?, &at),
            "matchPaths" => {
                let contained = |path: &&str| match path.contains('*') {
                    true => vec![(*path).to_owned()],
                    false => super::names::ignored_path(path),
                };
                let paths = list.iter().flat_map(contained).collect();
                add_globs(&mut needed, "paths", paths, &at);
            }
            "matchRepositories" => add_globs(&mut needed, "repos", others()?, &at),
            "matchCurrentValue" => {
                let tags = globs(&list, Of::Tags).map_err(|error| left(&unlike(&error)))?;
                add_globs(&mut needed, "tags", tags, &at);
            }
            name => match Names::globs(name, &list) {
                Some(found) => {
                    names.add(name, found.map_err(|error| left(&unlike(&error)))?, &at)?
                }
                None => {
                    let why = renovate_key(name).unwrap_or("imagebot has no such condition");
                    return Err(left(why));
                }
            },
        }
    }
    if !kinds.is_empty() {
        needed.insert(0, Setting::texts("kinds", &kinds, origin));
    }
    if let Some(images) = names.images(origin)? {
        needed.insert(0, images);
    }
    Ok(Conditions { needed, types })
}

/// Adds a list of globs; without any, everything matches.
fn add_globs(needed: &mut Vec<Setting>, key: &str, globs: Vec<String>, at: &Origin) {
    if !globs.is_empty() {
        needed.push(Setting::texts(key, &globs, at));
    }
}

/// Whether a list of data sources includes `docker`.
fn is_about_images(sources: &[&str]) -> Result<(), String> {
    let positive = sources.iter().any(|source| !source.starts_with('!'));
    let excludes = sources.contains(&"!docker");
    let includes = sources
        .iter()
        .any(|source| matches!(*source, "docker" | "*"));
    match excludes || (positive && !includes) {
        true => Err("it does not concern container images".to_owned()),
        false => Ok(()),
    }
}

fn unlike(error: &Unlike) -> String {
    match error {
        Unlike::NotAnImage => "it does not concern container images".to_owned(),
        Unlike::NoGlob(what) => what.clone(),
    }
}

/// The names that an entry matches. Those of packages are one list, whatever their keys; those of dependencies another.
#[derive(Default)]
struct Names {
    packages: Option<Vec<String>>,
    dependencies: Option<Vec<String>>,
}

impl Names {
    /// The globs for a key; `None` if the key is not about names.
    fn globs(key: &str, list: &[&str]) -> Option<Result<Vec<String>, Unlike>> {
        let all = |read: fn(&str) -> Result<Vec<String>, Unlike>| {
            let mut all = Vec::new();
            for text in list {
                match read(text)? {
                    globs if globs.is_empty() => return Ok(globs),
                    globs => all.extend(globs),
                }
            }
            Ok(all)
        };
        match key {
            "matchPackageNames" | "matchDepNames" | "matchImageNames" => {
                Some(globs(list, Of::Images))
            }
            "matchPackagePatterns" | "matchDepPatterns" => Some(all(|text| match text {
                "*" => Ok(Vec::new()),
                regex => regex_globs(regex, Of::Images),
            })),
            "matchPackagePrefixes" | "matchDepPrefixes" => Some(all(prefix_globs)),
            _ => None,
        }
    }

    fn add(&mut self, key: &str, globs: Vec<String>, at: &Origin) -> Result<(), Left> {
        let list = match key.starts_with("matchDep") {
            true => &mut self.dependencies,
            false => &mut self.packages,
        };
        match list {
            None => *list = Some(globs),
            Some(known) if known.is_empty() || globs.is_empty() => known.clear(),
            Some(known) => known.extend(globs),
        }
        match (&self.packages, &self.dependencies) {
            (Some(packages), Some(dependencies)) if packages != dependencies => Err((
                at.clone(),
                "a rule has one list of images, and here two have to match".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn images(self, origin: &Origin) -> Result<Option<Setting>, Left> {
        let globs = self.packages.or(self.dependencies).unwrap_or_default();
        Ok((!globs.is_empty()).then(|| Setting::texts("images", &globs, origin)))
    }
}
