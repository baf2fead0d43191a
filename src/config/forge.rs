//! `[[forge]]`: where repositories are.

use super::keys;
use super::name_globs::repository;
use super::place::place;
use super::secret::Secret;
use super::table::Table;
use crate::image::RegistryHost;
use crate::policy::Age;
use crate::repo::RepoGlobs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// A `[[forge]]`.
#[derive(Debug, Clone)]
pub enum ForgeConfig {
    /// A folder of bare repositories on this machine.
    Local {
        /// The folder.
        path: PathBuf,
        /// User ids whose repositories may be used.
        owners: Vec<u32>,
        /// The repositories that are registered.
        repos: RepoGlobs,
    },
    /// A server.
    Server(Box<ServerConfig>),
}

/// A GitLab or GitHub.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// GitLab or GitHub.
    pub kind: ServerKind,
    /// Its address; a path after the host is the server's relative root.
    pub url: Url,
    /// The tokens, each with the prefix of the repositories that it is for. The longest matching prefix decides.
    pub tokens: Vec<(String, TokenConfig)>,
    /// The repositories that are registered.
    pub repos: RepoGlobs,
    /// A repository needs one of these topics to be registered; empty: topics do not matter.
    pub topics: Vec<String>,
    /// Whether archived repositories are registered too.
    pub archived: bool,
    /// Whether forks are registered too.
    pub forks: bool,
    /// Whether mirrors are registered too.
    pub mirrors: bool,
    /// The registry of a GitHub Enterprise Server, whose API does not name it.
    pub registry: Option<RegistryHost>,
    /// Whether GitHub's own auto-merge is used.
    pub auto_merge: bool,
    /// CA certificates besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The least time between two requests that change something; `None`: the forge's default.
    pub pause: Option<Duration>,
}

/// The kinds of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// GitLab.
    GitLab,
    /// GitHub, github.com or Enterprise Server.
    GitHub,
}

/// How imagebot logs in to a server.
#[derive(Debug, Clone)]
pub enum TokenConfig {
    /// A token.
    Token(Secret),
    /// A GitHub App.
    App {
        /// Its id.
        id: u64,
        /// Its installation; `None` if the app has only one.
        installation: Option<u64>,
        /// Its private key, PEM.
        key: Secret,
    },
}

/// Reads a `[[forge]]`. Problems of the other keys are reported even if `kind` is wrong.
pub(super) fn forge(table: Table<'_>, folder: &Path) -> Option<ForgeConfig> {
    table.only(&[keys::FORGE]);
    let kinds = [
        ("local", None),
        ("gitlab", Some(ServerKind::GitLab)),
        ("github", Some(ServerKind::GitHub)),
    ];
    let needed = table.needed("kind", "[[forge]]");
    let kind = needed.and_then(|_| table.one_of("kind", &kinds));
    let repos = globs(table, "repos");
    let all = || RepoGlobs::parse(&["**"]).unwrap_or_default();
    match kind.map(|kind| kind.value) {
        None => {
            let _ = (
                table.text("path"),
                table.text("url"),
                table.numbers("owners"),
            );
            None
        }
        Some(None) => {
            refuse(table, keys::OF_SERVERS, "local");
            let path = table.needed("path", "[[forge]]")?;
            Some(ForgeConfig::Local {
                path: place(folder, &path.value),
                owners: table.numbers("owners").unwrap_or_default(),
                repos: repos.unwrap_or_else(all),
            })
        }
        Some(Some(kind)) => {
            refuse(
                table,
                keys::OF_FOLDERS,
                if kind == ServerKind::GitLab {
                    "gitlab"
                } else {
                    "github"
                },
            );
            server(table, kind, repos.unwrap_or_else(all), folder)
        }
    }
}

/// Reports keys that exist, but not for this kind of forge.
fn refuse(table: Table<'_>, names: &[&str], kind: &str) {
    for name in names
        .iter()
        .filter(|name| table.names().any(|known| known == **name))
    {
        table.problem(
            table.span_of(name),
            format!("`{name}` is not for forges of kind \"{kind}\""),
            None,
        );
    }
}

fn server(
    table: Table<'_>,
    kind: ServerKind,
    repos: RepoGlobs,
    folder: &Path,
) -> Option<ForgeConfig> {
    let default = match kind {
        ServerKind::GitLab => None,
        ServerKind::GitHub => Url::parse("https://github.com").ok(),
    };
    let url = match (table.parsed("url", base), default) {
        (Some(at), _) => Some(at.value),
        (None, Some(url)) if !table.names().any(|name| name == "url") => Some(url),
        (None, None) => {
            let _ = table.needed("url", "[[forge]]");
            None
        }
        (None, Some(_)) => None,
    };
    let mut tokens = Vec::new();
    let token = table
        .table("token")
        .and_then(|token| Secret::read(token, folder))
        .map(TokenConfig::Token);
    let app = table.table("app").and_then(|app| app_of(app, kind, folder));
    if let (Some(_), Some(_)) = (&token, &app) {
        let why = "`token` and `app` cannot be combined; keep one";
        table.problem(table.span_of("app"), why, None);
    }
    tokens.extend(token.or(app).map(|token| (String::new(), token)));
    for narrow in table.tables("tokens") {
        narrow.only(&[keys::TOKENS]);
        let prefix = narrow.needed("prefix", "tokens");
        let token = narrow
            .table("token")
            .and_then(|token| Secret::read(token, folder))
            .map(TokenConfig::Token);
        let app = narrow
            .table("app")
            .and_then(|app| app_of(app, kind, folder));
        match (prefix, token.or(app)) {
            (Some(prefix), Some(token)) => {
                let mut prefix_text = prefix.value.trim_matches('/').to_owned();
                if prefix_text.is_empty() {
                    let why = "a prefix cannot be empty; use `token` for all repositories";
                    table.problem(prefix.span, why, None);
                    continue;
                }
                prefix_text.push('/');
                tokens.push((prefix_text, token));
            }
            (Some(_), None) => narrow.problem(
                narrow.span.0..narrow.span.1,
                "`tokens` needs `token`; secrets are never written in plain text",
                Some("write token = { env = \"NAME\" }".to_owned()),
            ),
            _ => {}
        }
    }
    if tokens.is_empty() {
        table.problem(
            table.span.0..table.span.1,
            "[[forge]] needs `token`; secrets are never written in plain text",
            Some("write token = { env = \"IMAGEBOT_TOKEN\" }".to_owned()),
        );
    }
    let texts = |name: &str| {
        let at = table.texts(name);
        at.map(|at| at.value.into_iter().map(|at| at.value).collect())
            .unwrap_or_default()
    };
    let is = |name: &str| table.bool(name).is_some_and(|at| at.value);
    let pause = table.parsed("pause", Age::parse);
    if kind == ServerKind::GitLab {
        refuse(table, keys::OF_GITHUB, "gitlab");
    }
    Some(ForgeConfig::Server(Box::new(ServerConfig {
        kind,
        url: url?,
        tokens,
        repos,
        topics: texts("topics"),
        archived: is("archived"),
        forks: is("forks"),
        mirrors: is("mirrors"),
        registry: table
            .parsed("registry", RegistryHost::parse)
            .map(|at| at.value),
        auto_merge: is("auto_merge"),
        ca_file: table.text("ca_file").map(|at| place(folder, &at.value)),
        pause: pause.map(|at| Duration::from_secs(at.value.seconds.unsigned_abs())),
    })))
}

fn app_of(table: Table<'_>, kind: ServerKind, folder: &Path) -> Option<TokenConfig> {
    table.only(&[keys::APP]);
    if kind != ServerKind::GitHub {
        let why = "`app` works with GitHub only";
        table.problem(table.span.0..table.span.1, why, None);
        return None;
    }
    let id = table.number("id", 1..=u32::MAX);
    let installation = table.number("installation", 1..=u32::MAX);
    let key = table.table("key").and_then(|key| Secret::read(key, folder));
    if id.is_none() || key.is_none() {
        table.problem(
            table.span.0..table.span.1,
            "app needs `id` and `key`",
            Some("write app = { id = 1234, key = { file = \"app.pem\" } }".to_owned()),
        );
    }
    Some(TokenConfig::App {
        id: u64::from(id?.value),
        installation: installation.map(|at| u64::from(at.value)),
        key: key?,
    })
}

/// The address of a server, as a user opens it in a browser.
fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
    let fits = matches!(url.scheme(), "https" | "http") && url.host_str().is_some();
    if !fits {
        return Err(format!(
            "{text:?} is not a server address; write it as \"https://gitlab.example.com\""
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`url` must not contain a user name or password; use `token`".to_owned());
    }
    if let Some(server) = of_api(&url) {
        return Err(format!(
            "this is an API address; use the address of the web interface: url = \"{server}\""
        ));
    }
    let is_public = url.host_str().is_some_and(|host| {
        matches!(host, "gitlab.com" | "github.com") || host.ends_with(".ghe.com")
    });
    let path = url.path().trim_matches('/');
    if is_public && !path.is_empty() {
        return Err(format!(
            "`url` is the server's address alone; name the group in `repos`: repos = [\"{path}/**\"]"
        ));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "the token would be sent in plain text; write https:// (http:// is for this machine only)".to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!(
            "{text:?} has a query or fragment after its path; remove it"
        ));
    }
    Ok(url)
}

/// If the address is the one of a server's API: the address of the server.
fn of_api(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let origin = |host: &str| format!("{}://{host}{port}", url.scheme());
    if let Some(rest) = host.strip_prefix("api.")
        && (rest == "github.com" || rest.ends_with(".ghe.com"))
    {
        return Some(origin(rest));
    }
    if let Some(rest) = host.strip_prefix("www.")
        && matches!(rest, "github.com" | "gitlab.com")
    {
        return Some(origin(rest));
    }
    let path = url.path().trim_end_matches('/');
    let apis = ["/api/v3", "/api/v4", "/api/graphql", "/api"];
    let root = apis.iter().find_map(|api| path.strip_suffix(api))?;
    Some(format!("{}{root}", origin(host)))
}

/// Whether an address is on this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Globs on repositories.
pub(super) fn globs(table: Table<'_>, name: &str) -> Option<RepoGlobs> {
    let texts = table.texts(name)?.value;
    for at in &texts {
        if let Err((why, help)) = repository(&at.value) {
            table.problem(at.span.clone(), why, help);
            return None;
        }
    }
    let words: Vec<&str> = texts.iter().map(|at| at.value.as_str()).collect();
    match RepoGlobs::parse(&words) {
        Ok(globs) if globs.positive().next().is_none() && !words.is_empty() => {
            let why = format!("every glob of `{name}` excludes repositories, so none is selected");
            let help = format!(
                "{name} = [\"**\", {}]",
                words
                    .iter()
                    .map(|w| format!("{w:?}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            table.problem(table.span_of(name), why, Some(help));
            None
        }
        Ok(globs) => Some(globs),
        Err((index, error)) => {
            table.problem(texts[index].span.clone(), error.to_string(), None);
            None
        }
    }
}
