//! What the clients of servers have in common: the settings that they are made from, and the HTTP client.

use super::error::ForgeError;
use crate::http::{Addresses, Client, Clock, Gates, HttpPolicy, Transport, TransportSettings};
use crate::redact::Redactor;
use crate::repo::{RepoGlobs, RepoName};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The settings of a client for a server, without its token.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// What it is called in reports.
    pub name: String,
    /// Where people open it, its relative root included.
    pub url: Url,
    /// It works only for repositories below this: empty, or `apps/`.
    pub prefix: String,
    /// The prefixes of other tokens of the same server: what is below a longer one is theirs.
    pub deeper: Vec<String>,
    /// Which repositories are registered.
    pub repos: RepoGlobs,
    /// If not empty, a repository must have one of these topics.
    pub topics: Vec<String>,
    /// Whether archived repositories are registered.
    pub include_archived: bool,
    /// Whether forks that are not named one by one are registered.
    pub include_forks: bool,
    /// Whether mirrors that are not named one by one are registered.
    pub include_mirrors: bool,
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the environment's proxy settings are used.
    pub proxy: bool,
    /// The clock.
    pub clock: Clock,
    /// The gates of the run.
    pub gates: Gates,
    /// Learns every secret, so that none is printed.
    pub redactor: Redactor,
    /// Time-outs and patience.
    pub policy: HttpPolicy,
    /// The least time between two requests that change something.
    pub pause: Duration,
}

impl ServerSettings {
    /// A server with default settings: everything that the token sees, at the system's time.
    pub fn new(name: impl Into<String>, url: Url) -> Self {
        Self {
            name: name.into(),
            url,
            prefix: String::new(),
            deeper: Vec::new(),
            repos: RepoGlobs::parse(&["**"]).unwrap_or_default(),
            topics: Vec::new(),
            include_archived: false,
            include_forks: false,
            include_mirrors: false,
            ca_file: None,
            proxy: true,
            clock: Clock::system(),
            gates: Gates::new(),
            redactor: Redactor::new(),
            policy: HttpPolicy::default(),
            pause: Duration::ZERO,
        }
    }

    /// The address by which git finds a repository: from our own URL, never what the server says.
    pub(super) fn git_url(&self, name: &RepoName) -> Url {
        self.at(&format!("{name}.git"))
    }

    /// The address of a page below the server's URL.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let root = self.url.path().trim_end_matches('/');
        url.set_path(&format!("{root}/{path}"));
        url.set_query(None);
        url.set_fragment(None);
        url
    }

    /// The client that all requests go through. An error is a CA file that can't be read.
    pub(super) fn client(&self) -> Result<Client, ForgeError> {
        let plain = self.url.scheme() == "http";
        let transport = Transport::new(&TransportSettings {
            ca_file: self.ca_file.clone(),
            without_roots: plain,
            // The operator named the host.
            addresses: Addresses::any(),
            proxy: self.proxy,
            policy: self.policy.clone(),
        });
        let transport = transport.map_err(|error| ForgeError::Refused(error.to_string()))?;
        let client = Client::new(transport, self.gates.clone(), self.clock.clone());
        Ok(client.plain_http(plain))
    }
}
