//! The variables that GitLab sets for every job and that follow from the repository itself.

use crate::config::{Config, ForgeConfig, ServerKind};
use crate::forge::Repository;
use std::collections::BTreeMap;

/// The variables of a repository's jobs, by name; none if its forge is not a GitLab.
pub(super) fn predefined(repo: &Repository, config: &Config) -> BTreeMap<String, String> {
    let servers = config.forges.iter().filter_map(|forge| match forge {
        ForgeConfig::Server(server) if server.kind == ServerKind::GitLab => Some(&server.url),
        _ => None,
    });
    let mut servers = servers.filter(|url| repo.remote.url().starts_with(url.as_str()));
    let Some((url, host)) = servers.find_map(|url| Some((url, url.host_str()?))) else {
        return BTreeMap::new();
    };
    let server = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let registry = repo.registry.as_ref();
    let registry = registry.map(|registry| registry.host.to_string());
    variables(host, &server, registry.as_deref(), repo.name.as_str())
}

fn variables(
    host: &str,
    server: &str,
    registry: Option<&str>,
    path: &str,
) -> BTreeMap<String, String> {
    let group = path.rsplit_once('/').map_or("", |(group, _)| group);
    let top = path.split('/').next().unwrap_or_default();
    let proxy = |group: &str| {
        let group = group.to_ascii_lowercase();
        format!("{server}/{group}/dependency_proxy/containers")
    };
    let named = [
        ("CI_PROJECT_PATH", path.to_owned()),
        ("CI_SERVER_HOST", host.to_owned()),
        ("CI_SERVER_FQDN", server.to_owned()),
        ("CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX", proxy(top)),
        (
            "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX",
            proxy(group),
        ),
    ];
    let of_registry = registry.map(|registry| {
        let path = path.to_ascii_lowercase();
        [
            ("CI_REGISTRY", registry.to_owned()),
            ("CI_REGISTRY_IMAGE", format!("{registry}/{path}")),
        ]
    });
    let all = named.into_iter().chain(of_registry.into_iter().flatten());
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::variables;

    #[test]
    fn they_follow_from_the_repository() {
        let found = variables(
            "git.example.com",
            "git.example.com:8443",
            Some("registry.example.com"),
            "Acme/team/App",
        );
        let found: Vec<String> = found
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            found,
            [
                "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX=git.example.com:8443/acme/team/dependency_proxy/containers",
                "CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX=git.example.com:8443/acme/dependency_proxy/containers",
                "CI_PROJECT_PATH=Acme/team/App",
                "CI_REGISTRY=registry.example.com",
                "CI_REGISTRY_IMAGE=registry.example.com/acme/team/app",
                "CI_SERVER_FQDN=git.example.com:8443",
                "CI_SERVER_HOST=git.example.com",
            ]
        );
    }
}
