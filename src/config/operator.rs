//! `config.toml`.

use super::bounds::Bounds;
use super::budget::Budget;
use super::family;
use super::forge::{ForgeConfig, forge};
use super::keys;
use super::merge_request::{self, MergeRequestConfig};
use super::place::{place, plain};
use super::problem::Problems;
use super::reader::Reader;
use super::registry::{self, RegistryConfig};
use super::rules;
use super::schemes::{self, Schemes};
use super::setting_types::SettingType as _;
use super::sources::sources;
use super::table::Table;
use crate::family::Publishes;
use crate::fleet::{OpenLimits, Operator};
use crate::git::Identity;
use crate::policy::{Age, Ceiling, Rule, SettingOrigin};
use crate::scheme::Level;
use crate::source::SourceTable;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The operator's configuration, validated.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder for caches, if the file names one.
    pub cache: Option<PathBuf>,
    /// The author of commits.
    pub git: Identity,
    /// Where repositories are.
    pub forges: Vec<ForgeConfig>,
    /// Which repositories publish which images, as the operator declares it.
    pub publishes: Vec<Publishes>,
    /// The files with docker's or podman's logins; `None`: their own.
    pub docker_config: Option<Vec<PathBuf>>,
    /// Whether the credential helpers that these files name are run.
    pub docker_helpers: bool,
    /// The registries that may be contacted, including the public ones unless they are switched off.
    pub registries: Vec<RegistryConfig>,
    /// `[defaults]` and the rules, in order.
    pub rules: Vec<Rule>,
    /// The schemes that rules can name.
    pub schemes: Schemes,
    /// What is read in all repositories besides the recognised formats.
    pub sources: Vec<SourceTable>,
    /// How much work one repository and one host may cause in a pass.
    pub budget: Budget,
    /// How far a repository may go beyond the operator's rules.
    pub ceiling: Ceiling,
    /// The most merge requests.
    pub limits: OpenLimits,
    /// Settings that all merge requests share.
    pub merge_requests: MergeRequestConfig,
    /// The lines of the keys of `[limits]` and `[budget]`, by name (`budget.lookups`).
    origins: BTreeMap<String, SettingOrigin>,
}

impl Config {
    /// Every key of `[limits]` and `[budget]` with its value and the line that it comes from.
    pub fn fleet_settings(&self) -> Vec<(String, String, SettingOrigin)> {
        let limits = [
            ("max_open", self.limits.max_open.to_string()),
            ("max_new_per_hour", self.limits.max_new_per_hour.to_string()),
        ];
        let named = |table: &str, key: &str, value: String| {
            let key = format!("{table}.{key}");
            let origin = self.origins.get(&key).cloned();
            (key, value, origin.unwrap_or_else(SettingOrigin::built_in))
        };
        let limits = limits
            .into_iter()
            .map(|(key, value)| named("limits", key, value));
        let budget = self.budget.settings().into_iter();
        limits
            .chain(budget.map(|(key, value)| named("budget", key, value)))
            .collect()
    }

    /// The part of it that the core needs.
    pub fn operator(&self) -> Operator {
        let aliases = self.registries.iter().flat_map(|registry| {
            let aliases = registry.aliases.iter().cloned();
            aliases.map(|alias| (alias, registry.host.clone()))
        });
        let merge_requests = &self.merge_requests;
        Operator {
            rules: self.rules.clone(),
            ceiling: self.ceiling,
            publishes: self.publishes.clone(),
            aliases: aliases.collect(),
            references: self.budget.references,
            candidates: self.budget.candidates,
            rebase_label: merge_requests.rebase_label.clone(),
            stop_label: merge_requests.stop_label.clone(),
            templates: merge_requests.templates.clone(),
            commit_prefix: merge_requests.commit_prefix.clone(),
        }
    }
}

impl Default for Config {
    /// The configuration without a file: public registries, no repositories.
    fn default() -> Self {
        Self {
            cache: None,
            git: merge_request::default_author(),
            forges: Vec::new(),
            publishes: Vec::new(),
            docker_config: None,
            docker_helpers: false,
            registries: registry::public(),
            rules: Vec::new(),
            schemes: schemes::built_in(),
            sources: Vec::new(),
            budget: Budget::default(),
            ceiling: Ceiling::default(),
            limits: OpenLimits {
                max_open: 50,
                max_new_per_hour: 20,
            },
            merge_requests: MergeRequestConfig::default(),
            origins: BTreeMap::new(),
        }
    }
}

/// Reads `config.toml`. Paths in it are relative to `folder`.
pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Config, Problems> {
    Reader::read(file, text, keys::OPERATOR, Bounds::OPERATOR, |root| {
        Some(config(root, folder))
    })
}

fn config(root: Table<'_>, folder: &Path) -> Config {
    root.only(&[keys::OPERATOR]);
    let mut config = Config::default();
    if root.bool("public_registries").is_some_and(|at| !at.value) {
        config.registries.clear();
    }
    config.cache = root.text("cache").map(|at| place(folder, &at.value));
    let docker = root.texts("docker_config").map(|at| at.value);
    config.docker_config = docker.map(|paths| {
        let paths = paths.into_iter().map(|at| place(folder, &at.value));
        paths.collect()
    });
    config.docker_helpers = root.bool("docker_helpers").is_some_and(|at| at.value);
    if let Some(git) = root.table("git") {
        merge_request::git(git, &mut config.git, &mut config.merge_requests);
    }
    if let Some(limits) = root.table("limits") {
        limits.only(&[keys::LIMITS]);
        let number = |name: &str, default: u32| {
            let at = limits.number(name, 0..=100_000);
            at.map_or(default, |at| at.value)
        };
        config.limits = OpenLimits {
            max_open: number("max_open", config.limits.max_open),
            max_new_per_hour: number("max_new_per_hour", config.limits.max_new_per_hour),
        };
    }
    if let Some(budget) = root.table("budget") {
        config.budget = Budget::read(budget);
    }
    for name in ["limits", "budget"] {
        let table = Some(name).filter(|name| root.is_table(name));
        let table = table.and_then(|name| root.table(name));
        for (key, table) in table
            .iter()
            .flat_map(|table| table.names().map(move |key| (key, table)))
        {
            let origin = table.origin(table.span_of(key).start);
            config.origins.insert(format!("{name}.{key}"), origin);
        }
    }
    if let Some(ceiling) = root.table("ceiling") {
        ceiling.only(&[keys::CEILING]);
        config.ceiling = Ceiling {
            automerge: Option::<Level>::read(ceiling, "automerge", &config.schemes)
                .and_then(|at| at.value),
            min_age: ceiling.parsed("min_age", Age::parse).map(|at| at.value),
        };
    }
    if let Some(table) = root.table("merge_request") {
        config.merge_requests.read(table);
    }
    let mut folders = BTreeSet::new();
    for table in root.tables("forge") {
        let forge = forge(table, folder);
        if let Some(ForgeConfig::Local { path, .. }) = &forge
            && !folders.insert(plain(path))
        {
            let message = format!("{} is the folder of another [[forge]]", path.display());
            let help = "keep one of them; its `repos` takes several globs";
            table.problem(table.span_of("path"), message, Some(help.to_owned()));
        }
        config.forges.extend(forge);
    }
    let publishes = root.tables("forge").into_iter().map(family::publishes);
    config.publishes = publishes.flatten().collect();
    let mut seen = BTreeSet::new();
    for table in root.tables("registry") {
        let Some(registry) = registry::registry(table, folder) else {
            continue;
        };
        if !seen.insert(registry.host.clone()) {
            table.problem(
                table.span.0..table.span.1,
                format!("{} is listed twice", registry.host),
                None,
            );
        }
        config
            .registries
            .retain(|known| known.host != registry.host);
        config.registries.push(registry);
    }
    for table in root.tables("scheme") {
        if let Some((name, scheme)) = schemes::scheme(table, &config.schemes) {
            config.schemes.insert(name, scheme);
        }
    }
    config.sources = sources(root, true);
    let texts = &config.merge_requests;
    let orders = [texts.rebase_label.as_str(), texts.stop_label.as_str()];
    let mut all = Vec::new();
    if let Some(table) = root.table("defaults") {
        all.push((table, rules::defaults(table, &config.schemes)));
    }
    for table in root.tables("rule") {
        all.push((table, rules::rule(table, &config.schemes)));
    }
    for (table, rule) in &all {
        rules::reserved(*table, rule, orders);
    }
    let rules: Vec<Rule> = all.into_iter().map(|(_, rule)| rule).collect();
    config.rules.extend(rules);
    config
}
