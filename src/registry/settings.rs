//! The operator's settings for a registry.

use super::{Credentials, Validators};
use crate::http::{Clock, Gates, HttpPolicy, Limits, Origin};
use crate::image::RegistryHost;
use crate::redact::Redactor;
use std::path::PathBuf;
use url::Url;

/// A registry that the operator listed.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The host, as image names write it.
    pub host: RegistryHost,
    /// Whether it speaks `http` without TLS.
    pub plain_http: bool,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Other origins that may receive this registry's login.
    pub auth_realms: Vec<Origin>,
    /// The limits on requests to it.
    pub limits: Limits,
    /// Its real address, if it is not at its own name: Docker Hub's `registry-1.docker.io`, or a mirror.
    pub endpoint: Option<Origin>,
    /// Other origins that tags and manifests may be redirected to; requests there are anonymous.
    pub redirects: Vec<Origin>,
    /// Whether a next page at another origin is requested from this one: for a reverse proxy that does not correct the
    /// links.
    pub rebase_links: bool,
    /// Where it is configured (`config.toml:12`), for the fixes that are suggested; `None`: nowhere.
    pub line: Option<String>,
}

impl HostSettings {
    /// A registry with default settings.
    pub fn new(host: RegistryHost) -> Self {
        Self {
            host,
            plain_http: false,
            ca_file: None,
            auth_realms: Vec::new(),
            limits: Limits::default(),
            endpoint: None,
            redirects: Vec::new(),
            rebase_links: false,
            line: None,
        }
    }

    /// The origin of the requests.
    pub(super) fn origin(&self) -> Option<Origin> {
        if let Some(endpoint) = &self.endpoint {
            return Some(endpoint.clone());
        }
        let scheme = if self.plain_http { "http" } else { "https" };
        let host = match self.host.as_str() {
            RegistryHost::DOCKER_HUB => "registry-1.docker.io",
            host => host,
        };
        Origin::of(&Url::parse(&format!("{scheme}://{host}")).ok()?)
    }

    /// Whether a redirect of tags or manifests to this origin is followed. Blobs may come from anywhere: their digest
    /// proves them.
    pub(super) fn may_redirect_to(&self, origin: &Origin) -> bool {
        // registry.k8s.io serves nothing itself, but redirects to an Artifact Registry near the caller
        // (kubernetes/registry.k8s.io, cmd/archeio/docs/request-handling.md).
        let artifact_registry = || {
            let region = origin.host().strip_suffix("-docker.pkg.dev");
            origin.is_https()
                && origin.port() == 443
                && region.is_some_and(|region| !region.contains('.'))
        };
        self.redirects.contains(origin)
            || (self.host.as_str() == "registry.k8s.io" && artifact_registry())
    }

    /// The other origins that may receive its login: listed and built-in ones.
    pub(super) fn realms(&self) -> Vec<Origin> {
        let built_in = match self.host.as_str() {
            RegistryHost::DOCKER_HUB => "https://auth.docker.io",
            "registry.gitlab.com" => "https://gitlab.com",
            "docker.elastic.co" => "https://docker-auth.elastic.co",
            _ => "",
        };
        self.auth_realms
            .iter()
            .cloned()
            .chain(Origin::parse(built_in))
            .collect()
    }
}

/// A login for one registry.
#[derive(Debug, Clone)]
pub struct Login {
    /// A name that is equal for equal logins and contains no secret: it separates what was stored under each.
    pub id: String,
    /// The only registry that receives it.
    pub host: RegistryHost,
    /// Where it is configured, for [`super::Registries::doctor`]: a file and a key.
    pub origin: String,
    /// The user name with the password or token, or the source of both.
    pub credentials: Credentials,
    /// When the registry is contacted without it.
    pub anonymous: Anonymous,
}

/// When a registry is contacted without a login that exists for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// Never: the operator configured the login.
    Never,
    /// If the login is unavailable: a helper that docker's file names cannot be run.
    IfUnavailable,
    /// If it is unavailable or refused: it was not configured for this registry.
    IfRefused,
}

/// What happens with a host that the operator did not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// It is an error, and nothing is sent.
    #[default]
    Refuse,
    /// It is contacted anonymously, over https, at public addresses only: for use without any configuration.
    PublicOnly,
}

/// The settings that all registries of a run share.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// What happens with hosts that are not listed.
    pub unlisted: Unlisted,
    /// The store of kept answers.
    pub validators: Validators,
    /// Learns every login before it is used.
    pub redactor: Redactor,
    /// The clock.
    pub clock: Clock,
    /// Time-outs and patience.
    pub policy: HttpPolicy,
    /// The gates, to be shared with other clients of the same hosts.
    pub gates: Gates,
    /// Whether the environment's proxy settings are used.
    pub proxy: bool,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            unlisted: Unlisted::Refuse,
            validators: Validators::memory(),
            redactor: Redactor::new(),
            clock: Clock::system(),
            policy: HttpPolicy::default(),
            gates: Gates::new(),
            proxy: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t3_only_the_kubernetes_registry_leads_to_artifact_registries() {
        let leads = |host: &str, origin: &str| {
            let host = RegistryHost::parse(host).expect("a host");
            let origin = Origin::parse(origin).expect("an origin");
            HostSettings::new(host).may_redirect_to(&origin)
        };
        assert!(leads(
            "registry.k8s.io",
            "https://europe-west3-docker.pkg.dev"
        ));
        for bad in [
            "http://europe-west3-docker.pkg.dev",
            "https://europe-west3-docker.pkg.dev:8443",
            "https://evil.example-docker.pkg.dev",
            "https://docker.pkg.dev.evil.example",
            "https://evil.example",
        ] {
            assert!(!leads("registry.k8s.io", bad), "{bad}");
        }
        assert!(!leads("docker.io", "https://europe-west3-docker.pkg.dev"));
    }
}
