//! Why no answer came.

use super::Origin;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Why a request has no answer. An answer with an error status is an answer, except 429.
///
/// No variant holds more of a URL than its origin: a path may tell a name, a query may hold a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The host's name has no address.
    #[error("cannot resolve the host name of {0}")]
    Dns(Origin),
    /// No connection could be made.
    #[error("cannot connect to {origin}: {cause}")]
    Connect {
        /// The origin.
        origin: Origin,
        /// What the system said.
        cause: String,
    },
    /// The other side speaks no TLS, or its certificate is not trusted.
    #[error("cannot establish a trusted connection to {origin}: {cause}")]
    Tls {
        /// The origin.
        origin: Origin,
        /// What is wrong with its certificate or its TLS.
        cause: String,
    },
    /// The answer was not complete in time.
    #[error("{origin} timed out after {} s", .limit.as_secs_f32())]
    Timeout {
        /// The origin.
        origin: Origin,
        /// The time that was given.
        limit: Duration,
    },
    /// The answer ended too early, each time it was asked for.
    #[error("{0} closed the connection in the middle of its response")]
    ShortRead(Origin),
    /// The answer is larger than it may be.
    #[error("the response of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// The origin.
        origin: Origin,
        /// The cap, in bytes after decoding.
        limit: usize,
    },
    /// The server asks to wait longer than this run will, or again and again.
    #[error("{origin} is rate-limiting{}", wait(.retry_after))]
    RateLimited {
        /// The origin.
        origin: Origin,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Earlier requests of this run found the host down.
    #[error("skipped: {origin} failed earlier in this run: {cause}")]
    HostDown {
        /// The origin.
        origin: Origin,
        /// What the last failed connection said.
        cause: String,
    },
    /// `http://` to a host that was not allowed it.
    #[error("{0} is not encrypted")]
    Insecure(Origin),
    /// The address is one that this host must not have.
    #[error(
        "{origin} has the private address {address}; imagebot connects to such addresses only if the host is in config.toml"
    )]
    AddressRefused {
        /// The origin.
        origin: Origin,
        /// The address.
        address: IpAddr,
    },
    /// The system has no CA certificates, so no certificate could be checked.
    #[error("no CA certificates: {0}")]
    NoRoots(String),
    /// The CA file cannot be used.
    #[error("the CA file {} cannot be used: {cause}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The URL is neither `http` nor `https`.
    #[error("the URL scheme {0:?} is not supported")]
    NotHttp(String),
    /// Anything else, such as an answer that is no HTTP.
    #[error("{origin} gave an invalid response: {cause}")]
    Protocol {
        /// The origin.
        origin: Origin,
        /// What happened.
        cause: String,
    },
}

fn wait(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!(" and asks to wait {} s", time.as_secs()),
        None => String::new(),
    }
}
