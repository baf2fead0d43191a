//! Where a repository is, and which protocol may reach it.

use super::error::GitError;
use base64::Engine as _;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// A repository that can be fetched from and pushed to.
#[derive(Debug, Clone)]
pub struct Remote {
    url: String,
    protocol: &'static str,
    directory: Option<PathBuf>,
    credential: Option<Credential>,
    ca_file: Option<PathBuf>,
    proxy: bool,
}

/// A user name with a password or token. Clones share it, so that a refreshed token is refreshed for all repositories.
#[derive(Clone)]
pub struct Credential(Arc<RwLock<(String, SecretString)>>);

impl Credential {
    /// A user name and its password or token.
    pub fn new(username: impl Into<String>, password: SecretString) -> Self {
        Self(Arc::new(RwLock::new((username.into(), password))))
    }

    /// Replaces the password or token.
    pub fn refresh(&self, password: SecretString) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).1 = password;
    }

    /// The user name.
    pub fn username(&self) -> String {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pair.0.clone()
    }

    /// The present password or token.
    pub fn password(&self) -> SecretString {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pair.1.clone()
    }

    /// The header of Basic authentication.
    fn header(&self) -> String {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{}:{}", pair.0, pair.1.expose_secret());
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        format!("Authorization: Basic {encoded}")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

impl Remote {
    /// A bare repository in a folder on this machine.
    ///
    /// It must belong to the user who runs imagebot or to one of `owners` (user ids): git runs its hooks and reads
    /// its settings.
    pub fn local(path: &Path, owners: &[u32]) -> Result<Self, GitError> {
        let unreadable = |error: std::io::Error| {
            GitError::io(format!("the repository {}", path.display()), error)
        };
        let path = path.canonicalize().map_err(unreadable)?;
        let owner = path.metadata().map_err(unreadable)?.uid();
        if owner != current_user() && !owners.contains(&owner) {
            return Err(GitError::ForeignOwner {
                path: path.display().to_string(),
                owner,
            });
        }
        let url = url::Url::from_file_path(&path).map_err(|()| GitError::Unreadable {
            remote: path.display().to_string(),
            detail: "the path cannot be written as a file:// URL".to_owned(),
        })?;
        Ok(Self {
            url: url.into(),
            protocol: "file",
            directory: Some(path),
            credential: None,
            ca_file: None,
            proxy: false,
        })
    }

    /// A repository on a server that speaks smart HTTP. The credential goes to the URL's origin only: git follows no
    /// redirect. With `ca_file`, git trusts these certificates instead of the system's; `proxy` says whether the
    /// environment's proxy settings are used.
    ///
    /// A URL that is neither `https` nor `http`, or holds a user name, is refused.
    pub fn http(
        url: &url::Url,
        credential: Option<Credential>,
        ca_file: Option<PathBuf>,
        proxy: bool,
    ) -> Result<Self, GitError> {
        let protocol = match url.scheme() {
            "https" => "https",
            "http" => "http",
            other => {
                return Err(GitError::BadUrl(format!(
                    "{other:?} is not a supported protocol for git"
                )));
            }
        };
        if !url.username().is_empty() || url.password().is_some() || url.host_str().is_none() {
            let why = "a repository's URL must name a host, and no user or password";
            return Err(GitError::BadUrl(why.to_owned()));
        }
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self {
            url: url.into(),
            protocol,
            directory: None,
            credential,
            ca_file,
            proxy,
        })
    }

    /// The URL, without credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The one protocol that git may use for it.
    pub(super) fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The settings of git for this remote alone: they are passed in the environment, never in arguments or on disk.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let origin = url::Url::parse(&self.url)
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default();
        if let Some(credential) = &self.credential {
            settings.push((format!("http.{origin}/.extraHeader"), credential.header()));
        }
        if let Some(ca_file) = &self.ca_file {
            settings.push((
                format!("http.{origin}/.sslCAInfo"),
                ca_file.display().to_string(),
            ));
        }
        settings
    }

    /// The names of the environment variables that git may see for this remote.
    pub(super) fn proxy_variables(&self) -> &'static [&'static str] {
        match self.proxy {
            true => &[
                "http_proxy",
                "https_proxy",
                "HTTPS_PROXY",
                "all_proxy",
                "ALL_PROXY",
                "no_proxy",
                "NO_PROXY",
            ],
            false => &[],
        }
    }

    /// Whether it is on another machine: if its server closes a connection, a second try may succeed.
    pub(super) fn is_far(&self) -> bool {
        self.directory.is_none()
    }

    /// The folder, for a local repository.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

/// The id of the user who runs this process.
fn current_user() -> u32 {
    // The owner of /proc/self is the effective user; on other systems a new file shows it.
    if let Ok(metadata) = std::fs::metadata("/proc/self") {
        return metadata.uid();
    }
    tempfile::tempfile()
        .and_then(|file| file.metadata())
        .map_or(u32::MAX, |metadata| metadata.uid())
}
