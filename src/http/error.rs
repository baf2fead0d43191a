//! Why there is no answer.

use super::Origin;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The cause of [`HttpError::Tls`] if the server answers something that is not TLS.
pub(crate) const NO_TLS: &str = "the server does not use TLS on this port";

/// Why a request has no answer. An answer with an error status is an answer, except 429.
///
/// No variant holds more of a URL than its origin: a path may contain a private name, a query may contain a token.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The host's name cannot be resolved.
    #[error("cannot resolve the host name of {0}")]
    Dns(Origin),
    /// No connection could be made.
    #[error("cannot connect to {origin}: {cause}")]
    Connect { origin: Origin, cause: String },
    /// The server does not speak TLS, or its certificate is not trusted.
    #[error("cannot establish a trusted connection to {origin}: {cause}")]
    Tls {
        origin: Origin,
        /// What is wrong with its certificate or its TLS.
        cause: String,
    },
    /// The answer was not complete in time.
    #[error("{origin} timed out after {} s", .limit.as_secs_f32())]
    Timeout {
        origin: Origin,
        /// The time limit.
        limit: Duration,
    },
    /// The answer broke off, at every attempt.
    #[error("{0} closed the connection in the middle of its response")]
    ShortRead(Origin),
    /// The answer is larger than the limit.
    #[error("the response of {origin} is larger than {limit} bytes")]
    TooLarge {
        origin: Origin,
        /// The limit, in bytes after decoding.
        limit: usize,
    },
    /// The server asks for a longer wait than this run allows, or asks to wait again and again.
    #[error("{origin} is rate-limiting{}", wait(.retry_after))]
    RateLimited {
        origin: Origin,
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// Earlier requests of this run found the host down; nothing was sent.
    #[error("skipped: {origin} failed earlier in this run: {cause}")]
    HostDown {
        origin: Origin,
        /// The error of the last failed connection.
        cause: String,
    },
    /// `http://` to a host for which it is not allowed.
    #[error("{0} is not encrypted")]
    Insecure(Origin),
    /// The address is not allowed for this host.
    #[error(
        "{origin} has the private address {address}; imagebot connects to such addresses only if the host is in config.toml"
    )]
    AddressRefused { origin: Origin, address: IpAddr },
    /// The system has no CA certificates, so that no certificate can be checked.
    #[error("no CA certificates: {0}")]
    NoRoots(String),
    /// The CA file cannot be used.
    #[error("the CA file {} cannot be used: {cause}", .path.display())]
    CaFile {
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The URL is neither `http` nor `https`.
    #[error("the URL scheme {0:?} is not supported")]
    NotHttp(String),
    /// Any other failure, such as an answer that is not HTTP.
    #[error("{origin} gave an invalid response: {cause}")]
    Protocol { origin: Origin, cause: String },
}

fn wait(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!(" and asks to wait {} s", time.as_secs()),
        None => String::new(),
    }
}
