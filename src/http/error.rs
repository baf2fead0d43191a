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
    #[error("the name of {0} cannot be resolved")]
    Dns(Origin),
    /// No connection could be made.
    #[error("{origin} cannot be reached: {cause}")]
    Connect {
        /// The origin.
        origin: Origin,
        /// What the system said.
        cause: String,
    },
    /// The other side speaks no TLS, or its certificate is not trusted.
    #[error("no trusted connection to {origin}: {cause}")]
    Tls {
        /// The origin.
        origin: Origin,
        /// What is wrong with its certificate or its TLS.
        cause: String,
    },
    /// The answer was not complete in time.
    #[error("{origin} did not answer within {} s", .limit.as_secs_f32())]
    Timeout {
        /// The origin.
        origin: Origin,
        /// The time that was given.
        limit: Duration,
    },
    /// The answer ended too early, each time it was asked for.
    #[error("{0} broke off in the middle of its answer")]
    ShortRead(Origin),
    /// The answer is larger than it may be.
    #[error("{origin} answered with more than {limit} bytes")]
    TooLarge {
        /// The origin.
        origin: Origin,
        /// The cap, in bytes after decoding.
        limit: usize,
    },
    /// The server asks to wait longer than this run will, or again and again.
    #[error("{origin} has too many requests{}", wait(.retry_after))]
    RateLimited {
        /// The origin.
        origin: Origin,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Earlier requests of this run found the host down.
    #[error("{origin} was not asked again: {cause}")]
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
    #[error("{origin} has the address {address}, which is not allowed here")]
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
    #[error("a URL of the scheme {0:?} cannot be asked")]
    NotHttp(String),
    /// Anything else, such as an answer that is no HTTP.
    #[error("{origin} gave no usable answer: {cause}")]
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
