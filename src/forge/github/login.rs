//! The token of each request: a personal one, or an installation's, which is valid for an hour and renewed in time.
//!
//! Git gets the same [`Credential`], so a new token reaches the repositories that were listed before it: a run may take
//! longer than a token is valid.

use super::failure::Failure;
use super::settings::GitHubToken;
use crate::forge::error::ForgeError;
use crate::git::Credential;
use crate::http::Clock;
use crate::redact::Redactor;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// The user name that GitHub takes with any token, over git and at its registry.
const USERNAME: &str = "x-access-token";
/// A token that is valid no longer than this isn't used any more: a git command may take a while.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// At the start of a pass it is valid at least this long: the registry's login is a copy of it.
const FRESH: SignedDuration = SignedDuration::from_mins(50);

/// Who logs in, and with what.
pub(super) struct Login {
    kind: Kind,
    credential: Credential,
    /// When the installation's token ends.
    ends: tokio::sync::Mutex<Option<Timestamp>>,
    redactor: Redactor,
    clock: Clock,
}

enum Kind {
    Token,
    App {
        app_id: u64,
        key: EncodingKey,
        installation: std::sync::OnceLock<u64>,
    },
}

/// What GitHub answers when an installation asks for a token. What it may do is kept for the doctor.
#[derive(Deserialize)]
pub(super) struct Minted {
    token: SecretString,
    expires_at: Timestamp,
    #[serde(default)]
    pub(super) permissions: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

impl Login {
    pub(super) fn new(
        token: &GitHubToken,
        redactor: &Redactor,
        clock: &Clock,
    ) -> Result<Self, ForgeError> {
        let (kind, secret) = match token {
            GitHubToken::Token(token) => (Kind::Token, token.clone()),
            GitHubToken::App {
                app_id,
                installation,
                key,
            } => {
                redactor.add(key);
                let key =
                    EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(|_| {
                        let why = "the GitHub App's private key is not an RSA key in PEM format";
                        ForgeError::Unauthorized(why.to_owned())
                    })?;
                let kind = Kind::App {
                    app_id: *app_id,
                    key,
                    installation: installation.map_or_else(Default::default, Into::into),
                };
                (kind, SecretString::default())
            }
        };
        redactor.add_login(USERNAME, &secret);
        redactor.add(&secret);
        Ok(Self {
            kind,
            credential: Credential::new(USERNAME, secret),
            ends: tokio::sync::Mutex::new(None),
            redactor: redactor.clone(),
            clock: clock.clone(),
        })
    }

    /// What git is given.
    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn is_app(&self) -> bool {
        matches!(self.kind, Kind::App { .. })
    }

    /// Whether it is a classic personal token, the only kind that GitHub's registry takes: `ghp_…`, or forty digits
    /// where it is older than that form.
    pub(super) fn is_classic(&self) -> bool {
        let token = self.credential.password();
        let token = token.expose_secret();
        let old = token.len() == 40 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
        matches!(self.kind, Kind::Token) && (token.starts_with("ghp_") || old)
    }

    /// The user name for the registry.
    pub(super) fn username(&self) -> &'static str {
        USERNAME
    }

    /// A name that is equal for equal logins and reveals nothing about the token. An installation keeps it when its
    /// token is refreshed.
    pub(super) fn fingerprint(&self) -> String {
        let text = match &self.kind {
            Kind::Token => self.credential.password().expose_secret().to_owned(),
            Kind::App {
                app_id,
                installation,
                ..
            } => format!("app {app_id} {:?}", installation.get()),
        };
        let digest = sha2::Sha256::digest(format!("imagebot login {text}").as_bytes());
        let hex: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("github:{hex}")
    }

    /// The installation, if the login is an App's and its installation is known.
    pub(super) fn installation(&self) -> Option<u64> {
        match &self.kind {
            Kind::App { installation, .. } => installation.get().copied(),
            Kind::Token => None,
        }
    }

    pub(super) fn set_installation(&self, id: u64) {
        if let Kind::App { installation, .. } = &self.kind {
            let _ = installation.set(id);
        }
    }

    /// The token for a request, with `mint` to ask for a new one where the old one ends soon.
    pub(super) async fn token<F>(&self, mint: F) -> Result<SecretString, Failure>
    where
        F: AsyncFnOnce() -> Result<Minted, Failure>,
    {
        if !self.is_app() {
            return Ok(self.credential.password());
        }
        // Held while a new one is asked for: all others wait for that one.
        let mut ends = self.ends.lock().await;
        let soon = self.clock.now() + MARGIN;
        if ends.is_none_or(|ends| ends <= soon) {
            let minted = mint().await?;
            self.redactor.add(&minted.token);
            self.redactor.add_login(USERNAME, &minted.token);
            self.credential.refresh(minted.token);
            *ends = Some(minted.expires_at);
        }
        Ok(self.credential.password())
    }

    /// Makes the next request ask for a new token, if this one isn't fresh.
    pub(super) async fn freshen(&self) {
        let mut ends = self.ends.lock().await;
        *ends = ends.filter(|ends| *ends > self.clock.now() + FRESH);
    }

    /// Forgets an installation's token that was refused; `false` for a token that can't be renewed.
    pub(super) async fn forget(&self) -> bool {
        *self.ends.lock().await = None;
        self.is_app()
    }

    /// The App's own proof of who it is, valid for nine minutes by a clock that `skew` seconds are added to.
    pub(super) fn proof(&self, skew: i64) -> Result<SecretString, Failure> {
        let Kind::App { app_id, key, .. } = &self.kind else {
            let why = "only a GitHub App has a key";
            return Err(Failure::new(ForgeError::Refused(why.to_owned())));
        };
        let now = self.clock.now().as_second() + skew;
        let claims = Claims {
            iat: now - 60,
            exp: now + 540,
            iss: app_id.to_string(),
        };
        let proof = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key);
        let proof = proof.map_err(|error| {
            let why = format!("the GitHub App's key cannot sign: {error}");
            Failure::new(ForgeError::Unauthorized(why))
        })?;
        let proof = SecretString::from(proof);
        self.redactor.add(&proof);
        Ok(proof)
    }
}
