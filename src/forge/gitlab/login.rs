//! The token as git and the instance's registry get it.

use crate::forge::server::ServerSettings;
use crate::git::Credential;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// The user name that git and the registry are shown with a token; GitLab takes any.
const USERNAME: &str = "oauth2";

/// A login with the token.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) credential: Credential,
    /// A name that is equal for equal tokens of an instance and holds no secret.
    pub(super) id: String,
}

impl Login {
    pub(super) fn new(server: &ServerSettings, token: &SecretString) -> Self {
        server.redactor.add_login(USERNAME, token);
        let mut hash = Sha256::new();
        hash.update(server.url.as_str());
        hash.update([0]);
        hash.update(token.expose_secret());
        let hash = hash.finalize();
        let hex = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        Self {
            credential: Credential::new(USERNAME, token.clone()),
            id: format!("gitlab-{}", hex.collect::<String>()),
        }
    }
}
