//! What a GitHub client is made from, and where its APIs are.

use crate::http::{Clock, Gates, Policy, Redactor};
use crate::image::RegistryHost;
use crate::repo::RepoGlobs;
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The oldest Enterprise Server that is worked with: its REST API has the version that is asked for, its GraphQL API
/// auto-merge with an expected head.
pub(super) const MIN_SERVER: (u32, u32) = (3, 10);

/// What a client for github.com or an Enterprise Server is made from.
#[derive(Clone)]
pub struct GitHubSettings {
    /// What the forge is called in reports.
    pub name: String,
    /// The instance: `https://github.com`, or an Enterprise Server, which may stand below a path.
    pub url: Url,
    /// Who asks.
    pub token: GitHubToken,
    /// What the names of this client's repositories begin with: nothing, or `apps/`.
    pub prefix: String,
    /// The prefixes of other clients of the same forge.
    pub deeper: Vec<String>,
    /// Which repositories are registered.
    pub repos: RepoGlobs,
    /// The topics of which a repository must have one; none: any repository.
    pub topics: Vec<String>,
    /// Whether archived repositories are registered.
    pub include_archived: bool,
    /// Whether forks that are not named one by one are registered.
    pub include_forks: bool,
    /// Whether mirrors that are not named one by one are registered.
    pub include_mirrors: bool,
    /// The registry of an Enterprise Server, `containers.<host>`: its API does not name it.
    pub registry: Option<RegistryHost>,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the environment's proxy settings are used.
    pub proxy: bool,
    /// The clock.
    pub clock: Clock,
    /// The gates of the run.
    pub gates: Gates,
    /// Who is told of secrets.
    pub redactor: Redactor,
    /// Time-outs and patience.
    pub policy: Policy,
    /// The least time between two requests that change something; GitHub asks for a second.
    pub pause: Duration,
}

/// Who asks GitHub.
#[derive(Clone)]
pub enum GitHubToken {
    /// A fine-grained or classic personal access token.
    Token(SecretString),
    /// A GitHub App.
    App {
        /// The App's id.
        app_id: u64,
        /// The installation; `None`: the only one, or the one of the first group.
        installation: Option<u64>,
        /// The private key, PEM.
        key: SecretString,
    },
}

impl GitHubSettings {
    /// Whether the instance is github.com.
    pub(super) fn is_dotcom(&self) -> bool {
        self.url.host_str() == Some("github.com") && self.url.port().is_none()
    }

    /// The base of the REST API, and the address of the GraphQL API.
    pub(super) fn apis(&self) -> (Url, Url) {
        let at = |base: &str, path: &str| {
            let mut url = self.url.clone();
            url.set_path(&format!("{base}{path}"));
            url.set_query(None);
            url.set_fragment(None);
            url
        };
        if self.is_dotcom() {
            let (mut rest, mut graphql) = (at("", "/"), at("", "/graphql"));
            // A constant host name of a URL that has one: this cannot fail.
            let _ = rest.set_host(Some("api.github.com"));
            let _ = graphql.set_host(Some("api.github.com"));
            return (rest, graphql);
        }
        let root = self.url.path().trim_end_matches('/');
        (at(root, "/api/v3/"), at(root, "/api/graphql"))
    }

    /// The address by which git finds a repository: never what the server says.
    pub(super) fn git_url(&self, name: &str) -> Url {
        let mut url = self.url.clone();
        let root = self.url.path().trim_end_matches('/');
        url.set_path(&format!("{root}/{name}.git"));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> GitHubSettings {
        GitHubSettings {
            name: "github".to_owned(),
            url: Url::parse(url).expect("a URL"),
            token: GitHubToken::Token("ghp_x".to_owned().into()),
            prefix: String::new(),
            deeper: Vec::new(),
            repos: RepoGlobs::default(),
            topics: Vec::new(),
            include_archived: false,
            include_forks: false,
            include_mirrors: false,
            registry: None,
            ca_file: None,
            proxy: false,
            clock: Clock::default(),
            gates: Gates::new(),
            redactor: Redactor::new(),
            policy: Policy::default(),
            pause: Duration::from_secs(1),
        }
    }

    #[test]
    fn the_apis_of_every_instance() {
        for (url, rest, graphql, git) in [
            (
                "https://github.com",
                "https://api.github.com/",
                "https://api.github.com/graphql",
                "https://github.com/o/r.git",
            ),
            (
                "https://ghe.example.com",
                "https://ghe.example.com/api/v3/",
                "https://ghe.example.com/api/graphql",
                "https://ghe.example.com/o/r.git",
            ),
            (
                "http://127.0.0.1:8080/hub/",
                "http://127.0.0.1:8080/hub/api/v3/",
                "http://127.0.0.1:8080/hub/api/graphql",
                "http://127.0.0.1:8080/hub/o/r.git",
            ),
        ] {
            let settings = settings(url);
            let (found_rest, found_graphql) = settings.apis();
            assert_eq!(
                (found_rest.as_str(), found_graphql.as_str()),
                (rest, graphql)
            );
            assert_eq!(settings.git_url("o/r").as_str(), git);
        }
    }
}
