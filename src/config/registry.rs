//! `[[registry]]`: the registries that may be contacted.

use super::forge::globs;
use super::keys;
use super::place::place;
use super::secret::Secret;
use super::table::{At, Table};
use crate::http::{Limits, Origin, Rate};
use crate::image::{Alias, RegistryHost};
use crate::policy::SettingOrigin;
use crate::registry::Helper;
use crate::repo::RepoGlobs;
use std::path::{Path, PathBuf};

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
    /// The line of its `[[registry]]`; `None` if there is none.
    pub line: Option<SettingOrigin>,
}

/// A login of a registry.
#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// What it is.
    pub source: LoginSource,
    /// The repositories that it serves; all if there is no list.
    pub repos: Option<RepoGlobs>,
}

/// Where a login comes from.
#[derive(Debug, Clone)]
pub enum LoginSource {
    /// A user name and a secret.
    Password {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A credential helper.
    Helper(Helper),
    /// The metadata server of Google Cloud.
    GoogleMetadata,
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

impl RegistryConfig {
    /// A registry with default settings.
    pub fn new(host: RegistryHost) -> Self {
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
            line: None,
        }
    }
}

/// The public registries, without logins.
pub(super) fn public() -> Vec<RegistryConfig> {
    let hosts = PUBLIC
        .iter()
        .filter_map(|host| RegistryHost::parse(host).ok());
    hosts.map(RegistryConfig::new).collect()
}

/// A `[[registry]]`; its paths are relative to `folder`.
pub(super) fn registry(table: Table<'_>, folder: &Path) -> Option<RegistryConfig> {
    table.only(&[keys::REGISTRY]);
    let host = table.needed("host", "[[registry]]");
    let host = host.and_then(|_| table.parsed("host", RegistryHost::parse));
    // The problems of the other keys are reported as well.
    let mut config = RegistryConfig::new(
        host.as_ref()
            .map_or_else(RegistryHost::docker_hub, |at| at.value.clone()),
    );
    config.login = table
        .table("login")
        .and_then(|login_table| login(login_table, folder, host.as_ref().map(|at| &at.value)));
    config.line = Some(table.origin(table.span.0));
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

fn login(table: Table<'_>, folder: &Path, host: Option<&RegistryHost>) -> Option<LoginConfig> {
    table.only(&[keys::LOGIN]);
    let repos = globs(table, "repos");
    let names: Vec<&str> = table.names().collect();
    let has = |name: &str| names.contains(&name);
    let given = [
        has("username") || has("password"),
        has("helper"),
        has("google"),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        table.problem(
            table.span.0..table.span.1,
            "a login is one of username and password, helper, google",
            Some("keep one of them".to_owned()),
        );
        return None;
    }
    let source = if has("helper") {
        LoginSource::Helper(table.parsed("helper", Helper::parse)?.value)
    } else if has("google") {
        google(table, host)?
    } else {
        password(table, folder)?
    };
    Some(LoginConfig { source, repos })
}

fn password(table: Table<'_>, folder: &Path) -> Option<LoginSource> {
    let username = table.needed("username", "login");
    let password = table
        .table("password")
        .and_then(|password| Secret::read(password, folder));
    // A password of another type has its own problem.
    if password.is_none() && table.value("password").is_none() {
        table.problem(
            table.span.0..table.span.1,
            "login needs `password`; secrets are never written in plain text",
            Some("write password = { env = \"REGISTRY_PASSWORD\" }".to_owned()),
        );
    }
    Some(LoginSource::Password {
        username: username?.value,
        password: password?,
    })
}

/// The token of a Google service account opens all that the account may read, so that it is for Google's registries
/// only.
fn google(table: Table<'_>, host: Option<&RegistryHost>) -> Option<LoginSource> {
    let source = table.one_of("google", &[("metadata", ())])?;
    let host = host?.as_str();
    if host != "gcr.io" && !host.ends_with(".gcr.io") && !host.ends_with("-docker.pkg.dev") {
        table.problem(
            source.span,
            format!(
                "{host} is not a registry of Google, so it must not receive a token of Google Cloud"
            ),
            Some("google = \"metadata\" is for gcr.io, *.gcr.io and *-docker.pkg.dev".to_owned()),
        );
        return None;
    }
    Some(LoginSource::GoogleMetadata)
}
