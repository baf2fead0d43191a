//! What is wrong with a configuration as a whole, beyond its single lines: for `config check`.

use super::forge::{ForgeConfig, TokenConfig};
use super::operator::Config;
use super::secret::Secret;
use crate::policy::Rule;
use std::path::Path;

/// A problem and its fix.
pub type Found = (String, String);

/// Looks at a configuration as a whole. Files are looked at, nothing is read or fetched.
pub fn review(config: &Config) -> Vec<Found> {
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
        found.push((
            "the configuration is empty: there is no [[forge]], so there are no repositories"
                .to_owned(),
            "`imagebot init --operator` writes a commented one".to_owned(),
        ));
    }
    found.extend(files(config));
    found.extend(
        config
            .rules
            .iter()
            .filter_map(|rule| merges_at_once(rule, &config.rules)),
    );
    found
}

/// Files that are named and not there.
fn files(config: &Config) -> Vec<Found> {
    let mut found = Vec::new();
    let mut look = |what: String, path: &Path| {
        if !path.exists() {
            let shown = path.display();
            found.push((
                format!("{what}: {shown} does not exist"),
                "correct the path; a relative one begins at the configuration's folder".to_owned(),
            ));
        }
    };
    for registry in &config.registries {
        let host = &registry.host;
        if let Some(path) = &registry.ca_file {
            look(format!("ca_file of [[registry]] {host}"), path);
        }
        if let Some(Secret::File(path)) = registry.login.as_ref().map(|login| &login.password) {
            look(format!("the password of [[registry]] {host}"), path);
        }
    }
    for forge in &config.forges {
        match forge {
            // Whether the folder is there, the first pass says.
            ForgeConfig::Local { .. } => {}
            ForgeConfig::Server(server) => {
                let url = &server.url;
                if let Some(path) = &server.ca_file {
                    look(format!("ca_file of [[forge]] {url}"), path);
                }
                for (_, token) in &server.tokens {
                    let (TokenConfig::Token(secret) | TokenConfig::App { key: secret, .. }) = token;
                    if let Secret::File(path) = secret {
                        look(format!("a token of [[forge]] {url}"), path);
                    }
                }
            }
        }
    }
    found
}

/// `automerge` without `min_age` merges what is minutes old.
fn merges_at_once(rule: &Rule, all: &[Rule]) -> Option<Found> {
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
        (
            format!(
                "{}: automerge needs min_age: without it a tag is merged that is minutes old",
                automerge.from
            ),
            "add min_age = \"3 days\" to the rule or to [defaults]".to_owned(),
        )
    })
}
