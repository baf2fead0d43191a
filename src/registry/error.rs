//! Why a registry gave no usable answer.

use super::{CredentialError, realm};
use crate::http::{HttpError, NO_TLS, Origin};
use crate::image::{Digest, RegistryHost};
use std::time::Duration;

/// A failed look-up; each variant needs another reaction of the caller or the operator.
///
/// It never contains a server's own text or the query of a URL: either may contain a credential.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The operator did not list the host; nothing was sent to it.
    #[error("the registry {0} is not configured")]
    NotListed(RegistryHost),
    /// The login belongs to another registry; nothing was sent.
    #[error("the login for {login} must not be sent to {host}")]
    LoginElsewhere {
        /// The registry of the request.
        host: RegistryHost,
        /// The registry that the login belongs to.
        login: RegistryHost,
    },
    /// A CA file, or the system's CA certificates, cannot be used.
    #[error("{0}")]
    Trust(String),
    /// The host's name has no address.
    #[error("{cause}")]
    Dns { host: RegistryHost, cause: String },
    /// No connection could be made.
    #[error("{cause}")]
    Connect { host: RegistryHost, cause: String },
    /// No trusted connection could be made.
    #[error("{cause}")]
    Tls { host: RegistryHost, cause: String },
    /// The address is not one that an unlisted host, or a redirect, may have.
    #[error("{cause}")]
    AddressRefused { host: RegistryHost, cause: String },
    /// Earlier look-ups of this run found the host down; nothing was sent.
    #[error("{cause}")]
    HostDown {
        host: RegistryHost,
        /// What those look-ups found.
        cause: String,
    },
    /// The answer took too long.
    #[error("{cause}")]
    Timeout {
        host: RegistryHost,
        /// The time limit.
        cause: String,
    },
    /// The answer broke off, at every attempt.
    #[error("{cause}")]
    Broken { host: RegistryHost, cause: String },
    /// 401: a login is needed, or the given one is wrong.
    #[error("{host} {}", if *.anonymous { "requires a login" } else { "rejected the login" })]
    Unauthorized {
        host: RegistryHost,
        /// Whether no login was given.
        anonymous: bool,
    },
    /// The login that the registry asks for is unavailable; it was contacted without one, if at all.
    #[error("the login for {host} is unavailable: {error}")]
    Login {
        host: RegistryHost,
        error: CredentialError,
    },
    /// 401 with a challenge that cannot be read, or without one; no login was sent.
    #[error("{host} asks for a login with an invalid challenge: {}", shown(.header))]
    Challenge {
        /// The `WWW-Authenticate` header, cut, without credentials; empty if there is none.
        host: RegistryHost,
        /// The `WWW-Authenticate` header, cut, credentials taken out; empty if there is none.
        header: String,
    },
    /// 403: this login, or any, may not read the image.
    #[error("{0} does not allow this login to read the image")]
    Forbidden(RegistryHost),
    /// 404: the image does not exist, or the registry hides it.
    #[error("image not found on {0}, or this login cannot see it")]
    NotFound(RegistryHost),
    /// 429, until no further retry is allowed.
    #[error("{host} is rate-limiting{}", asks(.retry_after))]
    RateLimited {
        host: RegistryHost,
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// Docker Hub's pull quota is used up: manifests cannot be read until its window has passed. Tags and digests still
    /// can.
    #[error("the pull quota of {host} is used up for {} more minutes", .left.as_secs().div_ceil(60))]
    QuotaExhausted {
        host: RegistryHost,
        /// The longest time until the window has passed.
        left: Duration,
        /// Whether it is the quota of the address, and not of an account.
        anonymous: bool,
    },
    /// A successful answer that does not come from a registry: a web page, a captive portal.
    #[error("{host} did not respond like a container registry (got {found})")]
    NotARegistry {
        host: RegistryHost,
        /// The answer's media type.
        found: String,
    },
    /// The token service is at an origin that is not allowed; nothing was sent to it.
    #[error("{host} asks to send the login to {realm}, which is not allowed: {why}")]
    RealmRefused {
        host: RegistryHost,
        /// The origin of the token service, if it has one.
        realm: String,
        why: &'static str,
    },
    /// The next page of the tag list is at another origin, or the link cannot be read; the list would be incomplete.
    #[error("{host} continues its tag list at another origin, {target}")]
    LinkRefused {
        host: RegistryHost,
        /// The origin of the next page.
        target: String,
    },
    /// A redirect that is not followed.
    #[error("{host} redirects{}, which is not followed: {why}", .to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default())]
    RedirectRefused {
        host: RegistryHost,
        why: String,
        /// Its target's origin, if the operator may allow that.
        to: Option<Origin>,
    },
    /// A server that the registry redirects to wants a login, which it does not get.
    #[error(
        "{host} redirects to {to}, which requires a login; the login for {host} is not sent there"
    )]
    RedirectUnauthorized {
        host: RegistryHost,
        /// The redirect's target.
        to: Origin,
    },
    /// The tag list does not end.
    #[error("the tag list of {host} does not end: {why}")]
    Paging {
        host: RegistryHost,
        /// How that was detected.
        why: &'static str,
    },
    /// The answer is larger than the limit.
    #[error("the response of {host} is larger than {limit} bytes")]
    TooLarge {
        host: RegistryHost,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The content does not have its digest.
    #[error("digest mismatch from {host}: requested {expected}, received {found}")]
    DigestMismatch {
        host: RegistryHost,
        /// The digest that was requested or announced.
        expected: String,
        /// The digest of the content.
        found: Digest,
    },
    /// A manifest or an image configuration that is invalid.
    #[error("{host} returned an invalid manifest: {why}")]
    Malformed {
        host: RegistryHost,
        /// What is wrong with it.
        why: String,
    },
    /// Any other status.
    #[error("{host} answered with status {status}{}", .code.as_ref().map(|c| format!(" ({c})")).unwrap_or_default())]
    Server {
        host: RegistryHost,
        status: u16,
        /// The specification's error code.
        code: Option<String>,
    },
}

/// A header as an error message shows it.
fn shown(header: &str) -> String {
    match header {
        "" => "401 without a WWW-Authenticate header".to_owned(),
        header => format!("WWW-Authenticate: {header}"),
    }
}

fn asks(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |time| {
        format!(" and asks to wait {} s", time.as_secs())
    })
}

impl RegistryError {
    /// The stable code of the variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotListed(_) => "registry-not-listed",
            Self::LoginElsewhere { .. } => "login-elsewhere",
            Self::Trust(_) => "no-trust",
            Self::Dns { .. } => "dns",
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::AddressRefused { .. } => "address-refused",
            Self::HostDown { .. } => "host-down",
            Self::Timeout { .. } => "timeout",
            Self::Broken { .. } => "broken-answer",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Login { .. } => "login-unavailable",
            Self::Challenge { .. } => "bad-challenge",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not-found",
            Self::RateLimited { .. } => "rate-limited",
            Self::QuotaExhausted { .. } => "registry-quota",
            Self::NotARegistry { .. } => "not-a-registry",
            Self::RealmRefused { .. } => "realm-refused",
            Self::LinkRefused { .. } => "link-refused",
            Self::RedirectRefused { .. } => "redirect-refused",
            Self::RedirectUnauthorized { .. } => "redirect-unauthorized",
            Self::Paging { .. } => "endless-list",
            Self::TooLarge { .. } => "too-large",
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::Malformed { .. } => "malformed-manifest",
            Self::Server { .. } => "registry-error",
        }
    }

    /// What the operator can do about it, if that is known.
    pub fn help(&self) -> Option<String> {
        self.help_at(|_| None)
    }

    /// As [`RegistryError::help`], with the place of a host's `[[registry]]`, if it has one: a second block would be
    /// an error.
    pub(super) fn help_at(
        &self,
        line_of: impl Fn(&RegistryHost) -> Option<String>,
    ) -> Option<String> {
        let table = |host: &RegistryHost, key: &str| {
            Some(match line_of(host) {
                Some(line) => format!("add to the [[registry]] at {line}:\n{key}"),
                None => format!("add to config.toml:\n[[registry]]\nhost = \"{host}\"\n{key}"),
            })
        };
        match self {
            Self::NotListed(host) => Some(format!(
                "to allow imagebot to contact it, add to config.toml:\n[[registry]]\nhost = \"{host}\""
            )),
            Self::Trust(_) => Some(
                "install the system's CA certificates (the package ca-certificates), or correct ca_file"
                    .to_owned(),
            ),
            Self::Dns { .. } | Self::Connect { .. } => {
                Some("check the host's name and port, the network and the proxy settings".to_owned())
            }
            Self::Tls { host, cause } if cause.contains(NO_TLS) => {
                table(host, "plain_http = true   # if it really does not use TLS")
            }
            Self::Tls { host, .. } => table(host, "ca_file = \"/path/to/ca.pem\""),
            Self::AddressRefused { host, .. } => Some(format!(
                "if this host is yours, use --registry {host}, or add to config.toml:\n[[registry]]\nhost = \"{host}\""
            )),
            Self::Unauthorized { host, anonymous: true } => table(
                host,
                "login = { username = \"…\", password = { env = \"REGISTRY_TOKEN\" } }",
            ),
            Self::Unauthorized { host, .. } => {
                Some(format!("check the user name and the password for {host}"))
            }
            Self::Login { error, .. } => error.help.clone(),
            Self::Forbidden(host) => Some(format!(
                "give the login for {host} the right to pull this image"
            )),
            Self::QuotaExhausted { host, anonymous: true, .. } => table(
                host,
                "login = { username = \"…\", password = { env = \"DOCKER_TOKEN\" } }   # an account has a larger quota than anonymous access",
            ),
            Self::NotARegistry { host, .. } => Some(format!(
                "check that {host} is the registry's name and that no proxy or sign-in page is in front of it"
            )),
            Self::RealmRefused { host, realm, why } if *why == realm::UNLISTED => {
                table(host, &format!("auth_realms = [\"{realm}\"]"))
            }
            Self::RealmRefused { host, realm, why } if *why == realm::PLAIN => table(
                host,
                &format!("auth_realms = [\"{}\"]   # with https", realm.replacen("http:", "https:", 1)),
            ),
            Self::Challenge { host, .. } => Some(format!(
                "check that {host} and the proxies in front of it send a WWW-Authenticate header with Bearer or Basic"
            )),
            Self::RedirectRefused { host, to: Some(to), .. } => table(
                host,
                &format!("redirects = [\"{to}\"]   # if its tags and manifests are really served there"),
            ),
            Self::RedirectUnauthorized { to, .. } => Some(format!(
                "use {to} as the registry in the files, with its own [[registry]] and login"
            )),
            Self::LinkRefused { host, .. } => table(
                host,
                "rebase_links = true   # if a reverse proxy is in front of it",
            ),
            _ => None,
        }
    }

    /// Whether the host failed, and not only this image: other images of the host are then likely to fail too.
    pub fn is_of_host(&self) -> bool {
        matches!(
            self,
            Self::NotListed(_)
                | Self::Trust(_)
                | Self::Dns { .. }
                | Self::Connect { .. }
                | Self::Tls { .. }
                | Self::AddressRefused { .. }
                | Self::HostDown { .. }
                | Self::Timeout { .. }
                | Self::RateLimited { .. }
                | Self::NotARegistry { .. }
                | Self::RealmRefused { .. }
                | Self::Login { .. }
        )
    }

    pub(super) fn from_http(host: &RegistryHost, error: HttpError) -> Self {
        let cause = error.to_string();
        let host = host.clone();
        match error {
            HttpError::Dns(_) => Self::Dns { host, cause },
            HttpError::Connect { .. } => Self::Connect { host, cause },
            HttpError::Tls { .. } => Self::Tls { host, cause },
            HttpError::Timeout { .. } => Self::Timeout { host, cause },
            HttpError::ShortRead(_) | HttpError::Protocol { .. } => Self::Broken { host, cause },
            HttpError::TooLarge { limit, .. } => Self::TooLarge { host, limit },
            HttpError::RateLimited { retry_after, .. } => Self::RateLimited { host, retry_after },
            HttpError::HostDown { .. } => Self::HostDown { host, cause },
            HttpError::AddressRefused { .. } => Self::AddressRefused { host, cause },
            HttpError::Insecure(_) | HttpError::NotHttp(_) => Self::RedirectRefused {
                host,
                why: cause,
                to: None,
            },
            HttpError::NoRoots(_) | HttpError::CaFile { .. } => Self::Trust(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cure_names_what_to_write() {
        let host = RegistryHost::docker_hub();
        let refused = |realm: &str, why| RegistryError::RealmRefused {
            host: host.clone(),
            realm: realm.to_owned(),
            why,
        };
        assert_eq!(
            refused("https://gitlab.example.com", realm::UNLISTED)
                .help()
                .as_deref(),
            Some(
                "add to config.toml:\n[[registry]]\nhost = \"docker.io\"\nauth_realms = [\"https://gitlab.example.com\"]"
            )
        );
        // Listing it would not help.
        assert_eq!(
            refused("http://gitlab.example.com", "not encrypted").help(),
            None
        );
        let down = RegistryError::HostDown {
            host: host.clone(),
            cause: String::new(),
        };
        assert!(down.is_of_host() && !RegistryError::NotFound(host).is_of_host());
    }
}
