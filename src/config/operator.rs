//! `config.toml`.

use super::bounds::Bounds;
use super::budget::Budget;
use super::family;
use super::forge::{ForgeConfig, forge, globs};
use super::keys::{self, Key, Kind};
use super::place::{place, plain};
use super::problem::Problems;
use super::reader::{At, Reader, Table};
use super::rules::{self, Schemes};
use super::secret::Secret;
use crate::family::Publishes;
use crate::fleet::{OpenLimits, Operator};
use crate::git::Identity;
use crate::http::{Limits, Origin, Rate};
use crate::image::{Alias, RegistryHost};
use crate::plan::{ParseTemplateError, Template, Templates};
use crate::policy::{Age, Ceiling, NamedScheme, Rule, SettingOrigin};
use crate::repo::RepoGlobs;
use crate::scheme::{RegexScheme, Scheme};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// The registries that may be contacted, including the public ones unless they are switched off.
    pub registries: Vec<RegistryConfig>,
    /// `[defaults]` and the rules, in order.
    pub rules: Vec<Rule>,
    /// The schemes that rules can name.
    pub schemes: Schemes,
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

/// `[merge_request]`: what all merge requests have in common.
#[derive(Debug, Clone)]
pub struct MergeRequestConfig {
    /// The templates of their texts.
    pub templates: Templates,
    /// The label that keeps a branch on top of its target.
    pub rebase_label: String,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: String,
    /// Whether imagebot opens an issue in a repository whose settings cannot be read.
    pub notices: bool,
    /// A prefix of the first line of every commit message.
    pub commit_prefix: String,
}

/// A `[[registry]]`.
#[derive(Debug, Clone)]
pub struct RegistryConfig {
    /// The exact host.
    pub host: RegistryHost,
    /// The login.
    pub login: Option<LoginConfig>,
    /// Other origins that may receive the login.
    pub auth_realms: Vec<Origin>,
    /// CA certificates besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether it speaks plain http.
    pub plain_http: bool,
    /// The limits on requests to it.
    pub limits: Limits,
    /// Whether links to other origins are followed at this one instead.
    pub rebase_links: bool,
    /// Other origins that tags and manifests may be redirected to.
    pub redirects: Vec<Origin>,
    /// Names in files that stand for this registry.
    pub aliases: Vec<Alias>,
}

/// A login of a registry.
#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// The repositories that it serves; all if there is no list.
    pub repos: Option<RepoGlobs>,
}

/// The registries that are listed unless `public_registries = false`.
const PUBLIC: [&str; 11] = [
    "docker.io",
    "ghcr.io",
    "quay.io",
    "registry.gitlab.com",
    "mcr.microsoft.com",
    "gcr.io",
    "public.ecr.aws",
    "registry.k8s.io",
    "registry.access.redhat.com",
    "cgr.dev",
    "docker.elastic.co",
];

impl Default for Config {
    /// The configuration without a file: public registries, no repositories.
    fn default() -> Self {
        Self {
            cache: None,
            git: Identity {
                name: "imagebot".to_owned(),
                email: "imagebot@localhost".to_owned(),
            },
            forges: Vec::new(),
            publishes: Vec::new(),
            registries: PUBLIC
                .iter()
                .filter_map(|host| RegistryHost::parse(host).ok())
                .map(RegistryConfig::new)
                .collect(),
            rules: Vec::new(),
            schemes: rules::built_in_schemes(),
            budget: Budget::default(),
            ceiling: Ceiling::default(),
            limits: OpenLimits {
                max_open: 50,
                max_new_per_hour: 20,
            },
            merge_requests: MergeRequestConfig {
                templates: Templates::default(),
                rebase_label: "imagebot:rebase".to_owned(),
                stop_label: "imagebot:stop".to_owned(),
                notices: true,
                commit_prefix: String::new(),
            },
            origins: BTreeMap::new(),
        }
    }
}

impl RegistryConfig {
    fn new(host: RegistryHost) -> Self {
        Self {
            host,
            login: None,
            auth_realms: Vec::new(),
            ca_file: None,
            plain_http: false,
            limits: Limits::default(),
            rebase_links: false,
            redirects: Vec::new(),
            aliases: Vec::new(),
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
    if let Some(git) = root.table("git") {
        git.only(&[list("git")]);
        config.git.name = identity(git, "name").unwrap_or(config.git.name);
        config.git.email = identity(git, "email").unwrap_or(config.git.email);
        if let Some(prefix) = git.parsed("commit_prefix", commit_prefix) {
            config.merge_requests.commit_prefix = prefix.value;
        }
    }
    if let Some(limits) = root.table("limits") {
        limits.only(&[list("limits")]);
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
        ceiling.only(&[list("ceiling")]);
        config.ceiling = Ceiling {
            automerge: rules::automerge(ceiling).and_then(|at| at.value),
            min_age: ceiling.parsed("min_age", Age::parse).map(|at| at.value),
        };
    }
    if let Some(table) = root.table("merge_request") {
        merge_request(table, &mut config.merge_requests);
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
        let Some(registry) = registry(table, folder) else {
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
        if let Some((name, scheme)) = scheme(table, &config.schemes) {
            config.schemes.insert(name, scheme);
        }
    }
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

/// The keys of a table of `config.toml`.
fn list(name: &str) -> &'static [Key] {
    keys::OPERATOR
        .iter()
        .find(|key| key.name == name)
        .map_or(&[], |key| match key.kind {
            Kind::Table(keys) | Kind::Tables(keys) => keys,
            _ => &[],
        })
}

/// Git accepts no angle brackets and no line breaks in names.
fn identity(table: Table<'_>, name: &str) -> Option<String> {
    let fits = |text: &str| {
        if text.trim().is_empty() || text.contains(['<', '>']) || text.chars().any(char::is_control)
        {
            Err("it must be a name or address without angle brackets and line breaks")
        } else {
            Ok(text.trim().to_owned())
        }
    };
    table.parsed(name, fits).map(|at| at.value)
}

/// Reads a prefix of commit messages. Some push rules demand one; it must not make a server skip a pipeline or close an
/// issue (T33).
fn commit_prefix(text: &str) -> Result<String, String> {
    let lower = text.to_lowercase();
    let skips = ["skip", "[ci", "***no_ci***"];
    if text.chars().any(char::is_control) || text.contains(['#', '@', '!']) || text.len() > 60 {
        return Err("it must be one short line without #, @ and !".to_owned());
    }
    if skips.iter().any(|word| lower.contains(word)) {
        return Err("it could make the server skip the pipeline".to_owned());
    }
    Ok(text.to_owned())
}

fn merge_request(table: Table<'_>, config: &mut MergeRequestConfig) {
    table.only(&[list("merge_request")]);
    let label = |name: &str, default: &str| {
        let at = table.parsed(name, rules::label);
        at.map_or_else(|| default.to_owned(), |at| at.value)
    };
    let template = |name: &str, parse: fn(&str) -> Result<Template, ParseTemplateError>| {
        table.parsed(name, parse).map(|at| at.value)
    };
    *config = MergeRequestConfig {
        templates: Templates {
            title: template("title", Template::title),
            body: template("body", Template::body),
        },
        rebase_label: label("rebase_label", &config.rebase_label),
        stop_label: label("stop_label", &config.stop_label),
        notices: table.bool("notices").is_none_or(|at| at.value),
        commit_prefix: std::mem::take(&mut config.commit_prefix),
    };
}

fn registry(table: Table<'_>, folder: &Path) -> Option<RegistryConfig> {
    table.only(&[list("registry")]);
    let host = table.needed("host", "[[registry]]");
    let host = host.and_then(|_| table.parsed("host", RegistryHost::parse));
    // The problems of the other keys are reported as well.
    let mut config = RegistryConfig::new(
        host.as_ref()
            .map_or_else(RegistryHost::docker_hub, |at| at.value.clone()),
    );
    config.login = table
        .table("login")
        .and_then(|login_table| login(login_table, folder));
    config.auth_realms = origins(table, "auth_realms");
    config.redirects = origins(table, "redirects");
    config.ca_file = table.text("ca_file").map(|at| place(folder, &at.value));
    config.plain_http = table.bool("plain_http").is_some_and(|at| at.value);
    config.rebase_links = table.bool("rebase_links").is_some_and(|at| at.value);
    if let Some(rate) = table.parsed("rate", Rate::parse) {
        config.limits.rate = Some(rate.value);
    }
    if let Some(concurrency) = table.number("concurrency", 1..=256) {
        config.limits.concurrency = concurrency.value as usize;
    }
    config.aliases = table
        .parsed_list("aliases", Alias::parse)
        .map(|at| at.value)
        .unwrap_or_default();
    host.map(|_| config)
}

/// Origins, each with scheme and host: no wildcard, so that a server cannot choose where a login or a look-up goes.
fn origins(table: Table<'_>, name: &str) -> Vec<Origin> {
    let texts = table.texts(name).map(|at| at.value).unwrap_or_default();
    let mut origins = Vec::new();
    for At { value, span } in texts {
        match Origin::parse(&value) {
            _ if value.contains(['*', '?', '{', '[']) && !value.contains("://[") => {
                let message = format!("`{name}` takes no wildcards");
                let help = format!(
                    "list each origin separately: {name} = [\"https://one.example.com\", \"https://two.example.com\"]"
                );
                table.problem(span, message, Some(help));
            }
            Ok(origin) => origins.push(origin),
            Err(error) => table.problem(span, error.to_string(), None),
        }
    }
    origins
}

fn login(table: Table<'_>, folder: &Path) -> Option<LoginConfig> {
    let keys = list("registry")
        .iter()
        .find(|key| key.name == "login")
        .map_or(&[][..], |key| match key.kind {
            Kind::Table(keys) => keys,
            _ => &[],
        });
    table.only(&[keys]);
    let username = table.needed("username", "login");
    let password = table
        .table("password")
        .and_then(|password| Secret::read(password, folder));
    if password.is_none() {
        table.problem(
            table.span.0..table.span.1,
            "login needs `password`; secrets are never written in plain text",
            Some("write password = { env = \"REGISTRY_PASSWORD\" }".to_owned()),
        );
    }
    Some(LoginConfig {
        username: username?.value,
        password: password?,
        repos: globs(table, "repos"),
    })
}

fn scheme(table: Table<'_>, known: &Schemes) -> Option<(String, NamedScheme)> {
    table.only(&[list("scheme")]);
    let name = table.needed("name", "[[scheme]]");
    let pattern = table.needed("pattern", "[[scheme]]");
    let order = table
        .texts("order")
        .map(|at| at.value.into_iter().map(|at| at.value).collect::<Vec<_>>());
    let (name, pattern) = (name?, pattern?);
    if known.contains_key(&name.value) {
        table.problem(
            name.span,
            format!("a scheme named {:?} already exists", name.value),
            None,
        );
        return None;
    }
    match RegexScheme::parse(&pattern.value, &order.unwrap_or_default()) {
        Ok(scheme) => {
            let scheme = NamedScheme {
                name: Arc::from(name.value.as_str()),
                scheme: Scheme::Regex(scheme),
            };
            Some((name.value, scheme))
        }
        Err(error) => {
            let At { span, .. } = pattern;
            table.problem(span, format!("{}: {error}", error.code()), None);
            None
        }
    }
}
