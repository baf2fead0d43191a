//! Which registries the commands on local files may contact: the configured ones, those that the user names, and
//! without any configuration those that docker or podman is logged in to. `run` and `serve` keep to the configuration.

use super::session::ConfigArgument;
use crate::config::{Config, RegistryConfig};
use crate::image::RegistryHost;
use crate::registry::{DockerFiles, Unlisted};
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The configuration, and further registries.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PersonalArgument {
    #[command(flatten)]
    config: ConfigArgument,
    /// A registry that may be contacted besides the configured ones, also at a private address; repeatable.
    /// http://HOST is contacted without encryption
    #[arg(long = "registry", value_name = "HOST")]
    registries: Vec<NamedRegistry>,
}

/// A host, with the scheme if it was given.
#[derive(Debug, Clone)]
struct NamedRegistry {
    host: RegistryHost,
    plain_http: bool,
}

impl FromStr for NamedRegistry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, plain_http) = match text.split_once("://") {
            Some(("http", host)) => (host, Some(true)),
            Some(("https", host)) => (host, Some(false)),
            Some((scheme, _)) => return Err(format!("the scheme {scheme:?} is not http or https")),
            None => (text, None),
        };
        let host = RegistryHost::parse(host.trim_end_matches('/')).map_err(|error| {
            format!("{error}; expected a host, such as registry.example.com:5000")
        })?;
        let plain_http = plain_http.unwrap_or_else(|| is_loopback(&host));
        Ok(Self { host, plain_http })
    }
}

impl PersonalArgument {
    /// The configuration with the named registries, and whether others may be contacted.
    pub(super) fn load(&self) -> anyhow::Result<(Config, Unlisted)> {
        let (mut config, unlisted) = self.config.load()?;
        for NamedRegistry { host, plain_http } in &self.registries {
            list(&mut config, host, *plain_http);
        }
        Ok((config, unlisted))
    }

    /// As [`ConfigArgument::with_forges`].
    pub(super) fn with_forges(&self) -> anyhow::Result<Config> {
        self.config.with_forges()
    }

    /// The file that is used.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.config.path()
    }
}

/// The configuration without a file: the public registries, and those that the user's docker or podman is logged in to.
pub(super) fn without_file() -> Config {
    let mut config = Config::default();
    config.docker_helpers = true;
    for host in DockerFiles::of_user().hosts() {
        list(&mut config, &host, is_loopback(&host));
    }
    config
}

/// Adds a registry, unless it is configured.
fn list(config: &mut Config, host: &RegistryHost, plain_http: bool) {
    let mut known = config.registries.iter();
    if !known.any(|registry| registry.host == *host) {
        config.registries.push(RegistryConfig {
            plain_http,
            ..RegistryConfig::new(host.clone())
        });
    }
}

/// Whether a registry is on this machine: as in docker, it is then contacted without encryption.
fn is_loopback(host: &RegistryHost) -> bool {
    let text = host.as_str();
    let name = match text.rsplit_once(':') {
        Some((name, _)) if !text.ends_with(']') => name,
        _ => text,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_registry_is_a_host_with_or_without_a_scheme() {
        for (text, expect) in [
            ("harbor.example.com", Ok(false)),
            ("https://harbor.example.com/", Ok(false)),
            ("http://harbor.example.com:5000", Ok(true)),
            ("localhost:5000", Ok(true)),
            ("127.0.0.1:5000", Ok(true)),
            ("[::1]:5000", Ok(true)),
            ("https://localhost:5000", Ok(false)),
            ("10.0.0.1:5000", Ok(false)),
            ("ftp://harbor.example.com", Err(())),
            ("harbor.example.com/team", Err(())),
            ("", Err(())),
        ] {
            let parsed = text.parse::<NamedRegistry>();
            assert_eq!(
                parsed.map(|it| it.plain_http).map_err(drop),
                expect,
                "{text}"
            );
        }
    }
}
