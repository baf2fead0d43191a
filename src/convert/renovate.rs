//! Renovate: its configuration of a repository, or a preset.
//!
//! Presets of Renovate itself come first, then the keys of the file, then its rules, as in Renovate. Keys that apply to
//! everything are a `[[rule]]` without conditions, because an `imagebot.toml` has no defaults of its own.

mod custom;
mod managers;
mod names;
mod presets;
mod rule;
mod settings;
mod types;

use super::converted::{Converted, Wrong};
use super::draft::{Block, Draft, Setting};
use super::origin::Origin;
use super::value::{Kind, Value};
use managers::Manager;
use names::{Of, Unlike, globs, ignored_path};
use presets::{Preset, preset};
use rule::Scope;
use settings::{Context, automerge_up_to, setting};
use std::collections::BTreeMap;
use types::{Types, UpdateType};

/// The most presets that a file can extend, with those that these extend.
const MOST_PRESETS: usize = 200;

pub(super) fn convert(name: &str, text: &str) -> Result<Converted, Wrong> {
    let mut root = Value::json(text)?;
    if name == "package.json" {
        let inner = root.get("renovate").cloned();
        root = inner.ok_or((1, "it has no key `renovate`".to_owned()))?;
    }
    if root.map().is_none() {
        return Err((root.line, "expected a JSON object".to_owned()));
    }
    let mut file = File::default();
    let mut layers = file.presets(&root);
    layers.push((Origin::new("", 1), root));
    file.context = context(&layers);
    for (index, (origin, layer)) in layers.iter().enumerate() {
        let later: Vec<&Value> = layers[index + 1..].iter().map(|(_, layer)| layer).collect();
        for (key, value) in layer.map().unwrap_or_default() {
            let is_replaced = !is_merged(key) && later.iter().any(|layer| has(layer, key));
            if !is_replaced {
                file.top(key, value, &origin.inner(key, value.line));
            }
        }
    }
    Ok(file.finish(name))
}

fn has(layer: &Value, key: &str) -> bool {
    let mut keys = layer.map().unwrap_or_default().iter();
    keys.any(|(known, _)| known == key)
}

/// Whether the values of several presets are all used.
fn is_merged(key: &str) -> bool {
    let is_list = matches!(
        key,
        "packageRules"
            | "hostRules"
            | "customManagers"
            | "regexManagers"
            | "ignoreDeps"
            | "addLabels"
    );
    is_list || UpdateType::named(key).is_some() || managers::is_manager(key)
}

/// What rules add to, and whether new tags have to have an age.
fn context(layers: &[(Origin, Value)]) -> Context {
    let mut context = Context::default();
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    for (_, layer) in layers {
        if let Some(labels) = layer.get("labels").and_then(Value::texts) {
            context.labels = Some(owned(labels));
        }
        if let Some(reviewers) = layer.get("reviewers").and_then(Value::texts) {
            let plain = reviewers
                .into_iter()
                .map(|user| user.trim_start_matches('@'));
            let users = plain.filter(|user| !user.contains([':', '/', '@', '{', ' ']));
            context.reviewers = users.map(str::to_owned).collect();
        }
        let ages = ["minimumReleaseAge", "stabilityDays"];
        context.has_age |= ages.iter().any(|key| layer.get(key).is_some());
    }
    context
}

/// A file that is being converted.
#[derive(Default)]
struct File {
    draft: Draft,
    context: Context,
    /// What is for all references.
    everywhere: Vec<Setting>,
    /// The rules, which come after that.
    rules: Vec<(Origin, Value, Scope)>,
    /// The rules that no other overrides.
    last: Vec<Block>,
    automerge: Option<(bool, Origin)>,
    automerge_of: BTreeMap<UpdateType, (bool, Origin)>,
}

impl File {
    /// What the presets of a file set, in their order.
    fn presets(&mut self, root: &Value) -> Vec<(Origin, Value)> {
        let texts = |key: &str| root.get(key).and_then(Value::texts).unwrap_or_default();
        let ignored = texts("ignorePresets");
        let line = root.get("extends").map_or(1, |list| list.line);
        let mut layers = Vec::new();
        let mut waiting: Vec<&str> = texts("extends").into_iter().rev().collect();
        for _ in 0..MOST_PRESETS {
            let Some(name) = waiting.pop() else {
                return layers;
            };
            let origin = Origin::new(&format!("extends {name:?}"), line);
            match preset(name) {
                _ if ignored.contains(&name) => {}
                Preset::Sets(value) => layers.push((origin, at_line(value, line))),
                Preset::Extends(parts) => waiting.extend(parts.iter().rev()),
                Preset::Left(why) => self.draft.note(&origin, why),
            }
        }
        if !waiting.is_empty() {
            let why = format!("only the first {MOST_PRESETS} presets are read");
            self.draft.note(&Origin::new("extends", line), &why);
        }
        layers
    }

    /// A key at the top of a file or preset.
    fn top(&mut self, key: &str, value: &Value, origin: &Origin) {
        match key {
            "$schema" | "extends" | "ignorePresets" => {}
            "description" => self.draft.note(origin, "a description has no effect"),
            "enabled" if value.bool() == Some(false) => {
                self.draft.key(Setting::bool("enabled", false, origin));
            }
            "enabled" if value.bool() == Some(true) => {}
            "ignorePaths" | "includePaths" => self.paths(key, value, origin),
            "ignoreDeps" => self.ignored(value, origin),
            "enabledManagers" => self.enabled_managers(value, origin),
            "packageRules" => self.each(value, origin, |file, entry, origin| {
                let rule = (origin.clone(), entry.clone(), Scope::everything());
                file.rules.push(rule);
            }),
            "customManagers" | "regexManagers" => {
                self.each(value, origin, |file, entry, origin| {
                    custom::manager(entry, origin, &mut file.draft);
                })
            }
            "hostRules" => self.each(value, origin, |file, entry, origin| {
                custom::host(entry, origin, &mut file.draft);
            }),
            "automerge" if value.bool().is_some() => {
                self.automerge = value.bool().map(|value| (value, origin.clone()));
            }
            "docker" => self.manager(&[], value, origin),
            _ => match (UpdateType::named(key), managers::manager(key)) {
                (Some(kind), _) => self.of_type(kind, value, origin),
                (None, Manager::Kinds(kinds)) if value.map().is_some() => {
                    self.manager(kinds, value, origin);
                }
                (None, _) if managers::is_manager(key) => {
                    self.draft.note(
                        origin,
                        "it does not concern container images, or only some of their files",
                    );
                }
                _ => self.everywhere(key, value, &Types::all(), origin),
            },
        }
    }

    fn each(&mut self, list: &Value, origin: &Origin, add: fn(&mut Self, &Value, &Origin)) {
        for (index, entry) in list.items().iter().enumerate() {
            add(self, entry, &origin.item(index, entry.line));
        }
    }

    /// A setting for all references.
    fn everywhere(&mut self, key: &str, value: &Value, types: &Types, origin: &Origin) {
        let outcome = setting(key, value, types, &self.context, origin);
        let set = outcome.report(origin, &mut self.draft);
        self.everywhere.extend(set);
    }

    fn paths(&mut self, key: &str, value: &Value, origin: &Origin) {
        let Some(paths) = value.texts() else {
            return self.draft.note(origin, "its value is not a list of texts");
        };
        let paths = paths.into_iter();
        match key {
            "ignorePaths" => {
                let globs: Vec<String> = paths.flat_map(ignored_path).collect();
                self.draft.key(Setting::texts("exclude", &globs, origin));
            }
            _ => {
                let globs: Vec<&str> = paths.map(|path| path.trim_start_matches("./")).collect();
                self.draft.key(Setting::texts("include", &globs, origin));
            }
        }
    }

    fn ignored(&mut self, value: &Value, origin: &Origin) {
        let names = value.texts().unwrap_or_default();
        match globs(&names, Of::Images) {
            Ok(images) if !images.is_empty() => {
                let mut block = Block::new("[[rule]]", origin);
                block.needed.push(Setting::texts("images", &images, origin));
                block.settings.push(Setting::bool("enabled", false, origin));
                self.last.push(block);
            }
            Ok(_) => {}
            Err(Unlike::NotAnImage) => self.draft.note(origin, "it names no container images"),
            Err(Unlike::NoGlob(what)) => self.draft.note(origin, &what),
        }
    }

    /// Everything is disabled, and then the kinds of these managers enabled.
    fn enabled_managers(&mut self, value: &Value, origin: &Origin) {
        let names = value.texts().unwrap_or_default();
        let (kinds, others) = managers::kinds(&names);
        for name in others {
            let why = "it does not read container images, or imagebot has no kind for it";
            self.draft.note(&origin.inner(name, value.line), why);
        }
        self.everywhere
            .push(Setting::bool("enabled", false, origin));
        if !kinds.is_empty() {
            let entry = (
                String::from("enabled"),
                Value {
                    line: value.line,
                    kind: Kind::Bool(true),
                },
            );
            let value = Value {
                line: value.line,
                kind: Kind::Map(vec![entry]),
            };
            let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            let scope = Scope {
                kinds,
                types: Types::all(),
            };
            self.rules.insert(0, (origin.clone(), value, scope));
        }
    }

    /// An object with the settings of a manager.
    fn manager(&mut self, kinds: &[&str], value: &Value, origin: &Origin) {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let scope = Scope {
            kinds,
            types: Types::all(),
        };
        self.rules.push((origin.clone(), value.clone(), scope));
    }

    /// An object with the settings of a kind of update.
    fn of_type(&mut self, kind: UpdateType, value: &Value, origin: &Origin) {
        let Some(entries) = value.map() else {
            return self.draft.note(origin, "it is not an object");
        };
        for (key, value) in entries {
            let at = origin.inner(key, value.line);
            match (key.as_str(), value.bool()) {
                ("automerge", Some(value)) => {
                    self.automerge_of.insert(kind, (value, at));
                }
                _ => self.everywhere(key, value, &Types::one(kind), &at),
            }
        }
    }

    /// The largest change that is merged everywhere. A level that is merged while a smaller one is not cannot be said.
    fn merged(&mut self) {
        let all = self.automerge.as_ref().map(|(value, _)| *value);
        let is_merged = |kind: &UpdateType| {
            let own = self.automerge_of.get(kind).map(|(value, _)| *value);
            own.or(all).unwrap_or_default()
        };
        let own = self.automerge_of.values();
        let origins: Vec<Origin> = own
            .chain(&self.automerge)
            .map(|(_, at)| at.clone())
            .collect();
        let Some(origin) = origins.last() else {
            return;
        };
        let order = [UpdateType::Patch, UpdateType::Minor, UpdateType::Major];
        let largest = order.into_iter().take_while(is_merged).last();
        let skipped: Vec<UpdateType> = order.into_iter().filter(is_merged).collect();
        let digest = [UpdateType::Digest, UpdateType::Pin]
            .into_iter()
            .find(is_merged);
        match largest.or(digest) {
            Some(largest) => {
                let has_digests = is_merged(&UpdateType::Digest);
                let setting = automerge_up_to(largest, has_digests, &self.context, origin);
                self.everywhere.push(setting);
            }
            None => self
                .everywhere
                .push(Setting::text("automerge", "never", origin)),
        }
        if skipped.last().copied() > largest {
            let why =
                "`automerge` includes all smaller changes, and here a smaller one is not merged";
            self.draft.note(origin, why);
        }
    }

    fn finish(mut self, name: &str) -> Converted {
        self.merged();
        let mut everywhere = Block::new("[[rule]]", &Origin::new("for all images", 1));
        everywhere.settings = std::mem::take(&mut self.everywhere);
        // It comes first: later rules override it.
        self.draft.first(everywhere);
        for (origin, entry, scope) in &self.rules {
            rule::add(entry, scope, &self.context, origin, &mut self.draft);
        }
        for block in self.last {
            self.draft.block(block);
        }
        self.draft.finish(name, "")
    }
}

/// A value of a preset: its line is that of the preset.
fn at_line(mut value: Value, line: usize) -> Value {
    value.line = line;
    match &mut value.kind {
        Kind::List(items) => {
            for item in items {
                *item = at_line(item.clone(), line);
            }
        }
        Kind::Map(entries) => {
            for (_, inner) in entries {
                *inner = at_line(inner.clone(), line);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
    }
    value
}
