//! Makes the clients for a `[[forge]]`: one per token.

use super::error::SetupError;
use crate::config::{ServerConfig, ServerKind, TokenConfig};
use crate::forge::{
    Forge, ForgeError, GitHub, GitHubSettings, GitHubToken, GitLab, GitLabSettings, ServerSettings,
};
use crate::http::{Clock, Gates};
use crate::redact::Redactor;
use std::sync::Arc;
use std::time::Duration;

/// GitHub's guidelines recommend one second between two requests that change something.
const PAUSE_OF_GITHUB: Duration = Duration::from_secs(1);

/// The clients of a server. No request is made, but each token is fetched.
pub(super) async fn servers(
    server: &ServerConfig,
    redactor: &Redactor,
    clock: &Clock,
    gates: &Gates,
) -> Result<Vec<Arc<dyn Forge>>, SetupError> {
    let mut made = Vec::new();
    for (prefix, token) in &server.tokens {
        let mut one = One {
            server,
            prefix,
            deeper: deeper(server, prefix),
            gates: gates.clone(),
            redactor,
            clock,
        };
        made.push(match server.kind {
            ServerKind::GitLab => one.gitlab(token).await?,
            ServerKind::GitHub => one.github(token).await?,
        });
    }
    Ok(made)
}

/// The prefixes of tokens for narrower paths than this one's.
fn deeper(server: &ServerConfig, prefix: &str) -> Vec<String> {
    let others = server.tokens.iter().map(|(other, _)| other);
    others
        .filter(|other| other.len() > prefix.len() && other.starts_with(prefix))
        .cloned()
        .collect()
}

struct One<'a> {
    server: &'a ServerConfig,
    prefix: &'a str,
    deeper: Vec<String>,
    gates: Gates,
    redactor: &'a Redactor,
    clock: &'a Clock,
}

impl One<'_> {
    /// The host, with the token's path prefix if there are several tokens.
    fn name(&self) -> String {
        let url = &self.server.url;
        let host = url.host_str().unwrap_or_default();
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let path = url.path().trim_end_matches('/');
        match self.prefix.trim_end_matches('/') {
            "" => format!("{host}{port}{path}"),
            prefix => format!("{host}{port}{path}/{prefix}"),
        }
    }

    fn settings(&mut self) -> ServerSettings {
        let server = self.server;
        let pause = match server.kind {
            ServerKind::GitLab => Duration::ZERO,
            ServerKind::GitHub => PAUSE_OF_GITHUB,
        };
        ServerSettings {
            prefix: self.prefix.to_owned(),
            deeper: std::mem::take(&mut self.deeper),
            repos: server.repos.clone(),
            topics: server.topics.clone(),
            include_archived: server.archived,
            include_forks: server.forks,
            include_mirrors: server.mirrors,
            ca_file: server.ca_file.clone(),
            clock: self.clock.clone(),
            gates: self.gates.clone(),
            redactor: self.redactor.clone(),
            pause: server.pause.unwrap_or(pause),
            ..ServerSettings::new(self.name(), server.url.clone())
        }
    }

    async fn gitlab(&mut self, token: &TokenConfig) -> Result<Arc<dyn Forge>, SetupError> {
        let TokenConfig::Token(token) = token else {
            let why = "GitLab does not support Apps".to_owned();
            return Err(ForgeError::Refused(why).into());
        };
        let client = GitLab::new(GitLabSettings {
            server: self.settings(),
            token: token.fetch().await?,
        })?;
        Ok(Arc::new(client))
    }

    async fn github(&mut self, token: &TokenConfig) -> Result<Arc<dyn Forge>, SetupError> {
        let token = match token {
            TokenConfig::Token(token) => GitHubToken::Token(token.fetch().await?),
            TokenConfig::App {
                id,
                installation,
                key,
            } => GitHubToken::App {
                app_id: *id,
                installation: *installation,
                key: key.fetch().await?,
            },
        };
        let client = GitHub::new(GitHubSettings {
            server: self.settings(),
            token,
            registry: self.server.registry.clone(),
            auto_merge: self.server.auto_merge,
        })?;
        Ok(Arc::new(client))
    }
}
