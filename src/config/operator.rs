//! `config.toml`.

use super::alias::Alias;
use super::keys::{self, Key, Kind};
use super::problem::Problems;
use super::reader::{At, Reader, Table};
use super::rules::{self, Schemes};
use super::secret::Secret;
use crate::git::Identity;
use crate::http::{Limits, Origin, Rate};
use crate::image::RegistryHost;
use crate::policy::{NamedScheme, Rule};
use crate::repo::RepoGlobs;
use crate::scheme::{RegexScheme, Scheme};
use std::collections::BTreeSet;
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
    /// The registries that may be contacted, the public ones included where they are wanted.
    pub registries: Vec<RegistryConfig>,
    /// `[defaults]` and the rules, in order.
    pub rules: Vec<Rule>,
    /// The schemes that rules can name.
    pub schemes: Schemes,
}

/// A `[[forge]]`.
#[derive(Debug, Clone)]
pub enum ForgeConfig {
    /// A folder of bare repositories.
    Local {
        /// The folder.
        path: PathBuf,
        /// User ids whose repositories may be used.
        owners: Vec<u32>,
        /// The repositories that are registered.
        repos: RepoGlobs,
    },
}

/// A `[[registry]]`.
#[derive(Debug, Clone)]
pub struct RegistryConfig {
    /// The exact host.
    pub host: RegistryHost,
    /// The login.
    pub login: Option<LoginConfig>,
    /// Other origins that may ask for the login.
    pub auth_realms: Vec<Origin>,
    /// CA certificates besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether it is asked over http.
    pub plain_http: bool,
    /// How much it is burdened with.
    pub limits: Limits,
    /// Whether links to other origins are asked for at this one.
    pub rebase_links: bool,
    /// Names in files that mean this registry.
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
    /// What holds without a file: public registries, no repositories.
    fn default() -> Self {
        Self {
            cache: None,
            git: Identity {
                name: "imagebot".to_owned(),
                email: "imagebot@localhost".to_owned(),
            },
            forges: Vec::new(),
            registries: PUBLIC
                .iter()
                .filter_map(|host| RegistryHost::parse(host).ok())
                .map(RegistryConfig::new)
                .collect(),
            rules: Vec::new(),
            schemes: rules::built_in_schemes(),
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
            aliases: Vec::new(),
        }
    }
}

/// Reads `config.toml`. Paths in it are relative to `folder`.
pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Config, Problems> {
    Reader::read(file, text, |root| Some(config(root, folder)))
}

fn config(root: Table<'_>, folder: &Path) -> Config {
    root.only(&[keys::OPERATOR]);
    let mut config = Config::default();
    if root.bool("public_registries").is_some_and(|at| !at.value) {
        config.registries.clear();
    }
    config.cache = root.text("cache").map(|at| folder.join(at.value));
    if let Some(git) = root.table("git") {
        git.only(&[list("git")]);
        config.git.name = identity(git, "name").unwrap_or(config.git.name);
        config.git.email = identity(git, "email").unwrap_or(config.git.email);
    }
    config.forges = root
        .tables("forge")
        .into_iter()
        .filter_map(|table| forge(table, folder))
        .collect();
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
    config.rules.extend(
        root.table("defaults")
            .map(|table| rules::defaults(table, &config.schemes)),
    );
    config.rules.extend(
        root.tables("rule")
            .into_iter()
            .map(|table| rules::rule(table, &config.schemes)),
    );
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

/// Git takes no angle brackets and no line breaks in names.
fn identity(table: Table<'_>, name: &str) -> Option<String> {
    let fits = |text: &str| {
        if text.trim().is_empty() || text.contains(['<', '>']) || text.chars().any(char::is_control)
        {
            Err("a name or address without angle brackets and line breaks is needed")
        } else {
            Ok(text.trim().to_owned())
        }
    };
    table.parsed(name, fits).map(|at| at.value)
}

fn forge(table: Table<'_>, folder: &Path) -> Option<ForgeConfig> {
    table.only(&[list("forge")]);
    let kind = table.needed("kind", "[[forge]]")?;
    match kind.value.as_str() {
        "local" => {}
        "gitlab" | "github" => {
            let message = format!(
                "forges of kind \"{}\" are planned, and this version does not know them yet",
                kind.value
            );
            table.problem(
                kind.span,
                message,
                Some(
                    "write kind = \"local\" and the path of a folder of bare repositories"
                        .to_owned(),
                ),
            );
            return None;
        }
        other => {
            // What is wrong with the rest is found all the same.
            let _ = (
                table.text("path"),
                globs(table, "repos"),
                table.numbers("owners"),
            );
            table.problem(
                kind.span,
                format!("there is no forge of kind {other:?}"),
                Some("write kind = \"local\"".to_owned()),
            );
            return None;
        }
    }
    let path = table.needed("path", "[[forge]]")?;
    let repos = globs(table, "repos");
    let all = || RepoGlobs::parse(&["**"]).unwrap_or_default();
    Some(ForgeConfig::Local {
        path: folder.join(path.value),
        owners: table.numbers("owners").unwrap_or_default(),
        repos: repos.unwrap_or_else(all),
    })
}

fn globs(table: Table<'_>, name: &str) -> Option<RepoGlobs> {
    let texts = table.texts(name)?.value;
    let words: Vec<&str> = texts.iter().map(|at| at.value.as_str()).collect();
    match RepoGlobs::parse(&words) {
        Ok(globs) => Some(globs),
        Err((index, error)) => {
            table.problem(texts[index].span.clone(), error.to_string(), None);
            None
        }
    }
}

fn registry(table: Table<'_>, folder: &Path) -> Option<RegistryConfig> {
    table.only(&[list("registry")]);
    let host = table.needed("host", "[[registry]]");
    let host = host.and_then(|_| table.parsed("host", RegistryHost::parse));
    // What is wrong with the rest is found all the same.
    let mut config = RegistryConfig::new(
        host.as_ref()
            .map_or_else(RegistryHost::docker_hub, |at| at.value.clone()),
    );
    config.login = table
        .table("login")
        .and_then(|login_table| login(login_table, folder));
    config.auth_realms = table
        .parsed_list("auth_realms", Origin::parse)
        .map(|at| at.value)
        .unwrap_or_default();
    config.ca_file = table.text("ca_file").map(|at| folder.join(at.value));
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
            "login needs `password`, and never in clear",
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
            format!("there is a scheme {:?} already", name.value),
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
