//! Problems of a configuration as a whole, beyond its single lines: for `config check`.

use super::forge::{ForgeConfig, ServerKind, TokenConfig};
use super::operator::Config;
use super::registry::LoginSource;
use super::secret::{Secret, SecretError};
use crate::policy::Rule;
use crate::registry::DockerFiles;
use std::path::Path;

/// A problem and its fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewFinding {
    /// Whether it keeps `run` from working.
    pub is_error: bool,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: String,
}

impl ReviewFinding {
    fn error(problem: String, help: &str) -> Self {
        Self {
            is_error: true,
            problem,
            help: help.to_owned(),
        }
    }

    fn warning(problem: String, help: &str) -> Self {
        Self {
            is_error: false,
            ..Self::error(problem, help)
        }
    }
}

/// Checks a configuration as a whole. Files are read; no server is contacted and no command is run.
pub fn review(config: &Config) -> Vec<ReviewFinding> {
    let mut found = Vec::new();
    let default = Config::default();
    let hosts = |config: &Config| -> Vec<String> {
        let registries = config.registries.iter();
        registries
            .map(|registry| registry.host.to_string())
            .collect()
    };
    let nothing_else = config.rules.is_empty()
        && hosts(config) == hosts(&default)
        && config.budget == default.budget
        && config.schemes.len() == default.schemes.len();
    if config.forges.is_empty() && nothing_else {
        found.push(ReviewFinding::error(
            "the configuration has no [[forge]], so no repositories are registered".to_owned(),
            "`imagebot init --operator` writes a commented one",
        ));
    }
    for registry in &config.registries {
        let of = format!("[[registry]] {}", registry.host);
        found.extend(
            registry
                .ca_file
                .as_deref()
                .and_then(|path| ca_file(&of, path)),
        );
        let login = registry.login.as_ref().map(|login| &login.source);
        if let Some(LoginSource::Password { password, .. }) = login {
            found.extend(secret(&format!("the password of {of}"), password));
        }
    }
    if let Some(paths) = &config.docker_config {
        let read = DockerFiles::read(paths.iter().cloned());
        found.extend(read.problems().iter().map(|problem| {
            let help =
                "correct the path or the file; relative paths start at the configuration's folder";
            ReviewFinding::error(format!("docker_config: {problem}"), help)
        }));
    }
    found.extend(config.forges.iter().flat_map(forge));
    found.extend(
        config
            .rules
            .iter()
            .filter_map(|rule| merges_at_once(rule, &config.rules)),
    );
    found
}

fn forge(forge: &ForgeConfig) -> Vec<ReviewFinding> {
    let server = match forge {
        ForgeConfig::Local { path, .. } => {
            let shown = path.display();
            let what = format!("path of [[forge]]: {shown}");
            let help = "correct the path or create the folder; relative paths start at the configuration's folder";
            return match std::fs::read_dir(path) {
                Ok(_) => Vec::new(),
                Err(error) => vec![ReviewFinding::warning(
                    format!("{what} {}", why(&error)),
                    help,
                )],
            };
        }
        ForgeConfig::Server(server) => server,
    };
    let of = format!("[[forge]] {}", server.url);
    let mut found: Vec<ReviewFinding> = Vec::new();
    found.extend(
        server
            .ca_file
            .as_deref()
            .and_then(|path| ca_file(&of, path)),
    );
    for (prefix, token) in &server.tokens {
        let (TokenConfig::Token(token) | TokenConfig::App { key: token, .. }) = token;
        let of_prefix = match prefix.as_str() {
            "" => String::new(),
            prefix => format!(" for {prefix}"),
        };
        found.extend(secret(&format!("the token{of_prefix} of {of}"), token));
    }
    let path = server.url.path().trim_matches('/');
    if server.kind == ServerKind::GitLab && !path.is_empty() {
        found.push(ReviewFinding::warning(
            format!("{of}: the address has the path /{path}"),
            &format!(
                "keep it only if GitLab is installed below that path; name a group in repos = [\"{path}/**\"]"
            ),
        ));
    }
    found
}

fn ca_file(of: &str, path: &Path) -> Option<ReviewFinding> {
    let error = std::fs::File::open(path).err()?;
    let help = "correct the path; relative paths start at the configuration's folder";
    let problem = format!("ca_file of {of}: {} {}", path.display(), why(&error));
    Some(ReviewFinding::error(problem, help))
}

/// Why a file cannot be used.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

/// What `run` would report about a secret. A variable may be set only where imagebot runs, so that is a warning.
fn secret(what: &str, secret: &Secret) -> Vec<ReviewFinding> {
    let open = secret.open_to_all().map(|path| {
        let shown = path.display();
        ReviewFinding::warning(
            format!("{what}: {shown} is world-readable"),
            &format!("chmod 600 {shown}"),
        )
    });
    let Err(error) = secret.examine() else {
        return open.into_iter().collect();
    };
    let problem = match &error {
        SecretError::File { path, error } => format!("{what}: {path} {}", why(error)),
        error => format!("{what}: {error}"),
    };
    vec![match error {
        SecretError::Env(_) => {
            ReviewFinding::warning(problem, "set it in the environment that imagebot runs in")
        }
        SecretError::WorldWritable(path) => ReviewFinding::error(
            problem,
            &format!("chmod 600 {path}, and replace the secret"),
        ),
        SecretError::Empty(_) => ReviewFinding::error(problem, "write the secret into the file"),
        SecretError::File { .. } | SecretError::Command { .. } => ReviewFinding::error(
            problem,
            "correct the path; relative paths start at the configuration's folder",
        ),
    }]
}

/// `automerge` without `min_age` merges versions that are minutes old.
fn merges_at_once(rule: &Rule, all: &[Rule]) -> Option<ReviewFinding> {
    let automerge = rule.changes.automerge.as_ref()?;
    automerge.value?;
    let waits = |rule: &Rule| {
        rule.changes
            .min_age
            .as_ref()
            .is_some_and(|age| age.value.seconds > 0)
    };
    let everywhere = all.iter().any(|rule| !rule.is_selective() && waits(rule));
    (!waits(rule) && !everywhere).then(|| {
        ReviewFinding::error(
            format!(
                "{}: automerge needs min_age; without it, tags would be merged minutes after they appear",
                automerge.from
            ),
            "add min_age = \"3 days\" to the rule or to [defaults]",
        )
    })
}
