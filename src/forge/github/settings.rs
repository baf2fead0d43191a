//! The settings of a GitHub client, and where its APIs are.

use crate::forge::server::ServerSettings;
use crate::image::RegistryHost;
use secrecy::SecretString;
use url::Url;

/// The oldest Enterprise Server that is supported: its REST API has the requested version, and its GraphQL API has
/// auto-merge with an expected head.
pub(super) const MIN_SERVER: (u32, u32) = (3, 10);

/// The registry of github.com; it is its own realm.
const REGISTRY: &str = "ghcr.io";

/// The settings of a client for github.com or an Enterprise Server.
#[derive(Clone)]
pub struct GitHubSettings {
    /// The instance, `https://github.com` or an Enterprise Server, and which of its repositories are registered. GitHub
    /// asks for a second between two requests that change something.
    pub server: ServerSettings,
    /// The login.
    pub token: GitHubToken,
    /// The registry of an Enterprise Server, `containers.<host>`: its API does not name it.
    pub registry: Option<RegistryHost>,
    /// Whether GitHub's own auto-merge is switched on if something required is missing. It stays on when someone
    /// with write access pushes to the branch.
    pub auto_merge: bool,
}

/// A login at GitHub.
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
        self.server.url.host_str() == Some("github.com") && self.server.url.port().is_none()
    }

    /// The host of an Enterprise Cloud with data residency, `octocorp.ghe.com`.
    fn data_resident(&self) -> Option<&str> {
        let host = self.server.url.host_str()?;
        let tenant = host.strip_suffix(".ghe.com")?;
        (!tenant.is_empty() && !tenant.contains('.')).then_some(host)
    }

    /// The host of the registry, where it is known or was named.
    pub(super) fn registry_host(&self) -> Option<RegistryHost> {
        if self.is_dotcom() {
            return RegistryHost::parse(REGISTRY).ok();
        }
        let named = self.registry.clone();
        named.or_else(|| RegistryHost::parse(&format!("containers.{}", self.data_resident()?)).ok())
    }

    /// The base of the REST API, and the address of the GraphQL API.
    pub(super) fn apis(&self) -> (Url, Url) {
        let at = |base: &str, path: &str| {
            let mut url = self.server.url.clone();
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
        if let Some(host) = self.data_resident() {
            let (mut rest, mut graphql) = (at("", "/"), at("", "/graphql"));
            let api = format!("api.{host}");
            // A longer name below the same domain: this cannot fail.
            let _ = rest.set_host(Some(&api));
            let _ = graphql.set_host(Some(&api));
            return (rest, graphql);
        }
        let root = self.server.url.path().trim_end_matches('/');
        (at(root, "/api/v3/"), at(root, "/api/graphql"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> GitHubSettings {
        let url = Url::parse(url).expect("a URL");
        GitHubSettings {
            server: ServerSettings::new("github", url),
            token: GitHubToken::Token("ghp_x".to_owned().into()),
            registry: None,
            auto_merge: false,
        }
    }

    #[test]
    fn row_19_the_registry_of_every_instance() {
        for (url, registry) in [
            ("https://github.com", Some("ghcr.io")),
            (
                "https://octocorp.ghe.com",
                Some("containers.octocorp.ghe.com"),
            ),
            ("https://ghe.com", None),
            ("https://ghe.example.com", None),
        ] {
            let host = settings(url).registry_host();
            assert_eq!(host.as_ref().map(RegistryHost::as_str), registry, "{url}");
        }
    }

    #[test]
    fn row_19_the_apis_of_every_instance() {
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
                "https://octocorp.ghe.com",
                "https://api.octocorp.ghe.com/",
                "https://api.octocorp.ghe.com/graphql",
                "https://octocorp.ghe.com/o/r.git",
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
            let name = crate::repo::RepoName::parse("o/r").expect("a name");
            assert_eq!(settings.server.git_url(&name).as_str(), git);
        }
    }
}
