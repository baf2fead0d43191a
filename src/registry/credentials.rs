//! What proves a login, where it comes from, and when it is read again.
//!
//! A password in docker's file is known at once. Helpers, commands and metadata servers are contacted only when a
//! registry wants a login, once however many look-ups wait, and again after [`KEPT`] or when the registry refuses what
//! they gave.

use crate::http::Clock;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an answer is used before its source is contacted again.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 60);
/// How long a failure is kept, so that a run does not wait for the same broken helper at each look-up.
const FAILURE_KEPT: Duration = Duration::from_secs(5 * 60);

/// A user name and what proves it.
#[derive(Debug, Clone)]
pub struct RegistryCredential {
    /// The user name.
    pub username: String,
    /// The password, or the identity token.
    pub secret: SecretString,
    /// How the secret is used.
    pub kind: CredentialKind,
    /// How long it is valid, if its source says so.
    pub lifetime: Option<Duration>,
}

/// How a secret is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// As the password of the user.
    Password,
    /// As an OAuth2 refresh token, which a token service exchanges.
    IdentityToken,
}

impl RegistryCredential {
    /// A user name and a password.
    pub fn password(username: &str, password: SecretString) -> Self {
        Self {
            username: username.to_owned(),
            secret: password,
            kind: CredentialKind::Password,
            lifetime: None,
        }
    }

    /// An identity token, as docker's files and helpers hold it.
    pub fn identity_token(username: &str, token: SecretString) -> Self {
        Self {
            kind: CredentialKind::IdentityToken,
            ..Self::password(username, token)
        }
    }
}

/// Why a source gives no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct CredentialError {
    /// The problem.
    pub what: String,
    /// What the operator can do about it, if that is known.
    pub help: Option<String>,
}

impl CredentialError {
    /// A problem without a known fix.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: None,
        }
    }

    /// The same problem with its fix.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

/// What a source gives: `None` if it has nothing for this registry.
pub type CredentialResult = Result<Option<RegistryCredential>, CredentialError>;

type Source = Box<dyn Fn() -> BoxFuture<'static, CredentialResult> + Send + Sync>;

/// A credential that is known, or that its source gives when it is needed. Clones share it.
#[derive(Clone)]
pub struct Credentials(Arc<Shared>);

struct Shared {
    /// `None`: there is nothing to read again.
    source: Option<Source>,
    held: Mutex<Held>,
    /// Held while the source is read.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    answer: Option<CredentialResult>,
    /// When the source is read again, by the clock of the run.
    until: Option<Duration>,
    /// Counts the different credentials: what was done with an older one may be tried again.
    generation: u64,
    /// When a refusal made the source be read again.
    renewed: Option<Duration>,
}

/// A credential, and which of its source's it is.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) credential: RegistryCredential,
    pub(super) generation: u64,
}

impl Credentials {
    /// A credential that never changes.
    pub fn known(credential: RegistryCredential) -> Self {
        Self::with(Some(credential), None)
    }

    /// The credentials of a source, which is read when a registry wants a login.
    pub fn from_source<F>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = CredentialResult> + Send + 'static,
    {
        Self::with(None, Some(Box::new(move || Box::pin(source()))))
    }

    /// As [`Credentials::from_source`], and what the source gave at the start.
    pub fn starting_with<F>(
        first: RegistryCredential,
        source: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = CredentialResult> + Send + 'static,
    {
        Self::with(Some(first), Some(Box::new(move || Box::pin(source()))))
    }

    fn with(first: Option<RegistryCredential>, source: Option<Source>) -> Self {
        let held = Held {
            answer: first.map(|first| Ok(Some(first))),
            ..Held::default()
        };
        Self(Arc::new(Shared {
            source,
            held: Mutex::new(held),
            turn: tokio::sync::Mutex::default(),
        }))
    }

    /// The credential; its source is read if nothing is known or the time is over.
    pub(super) async fn get(&self, clock: &Clock) -> Result<Option<Current>, CredentialError> {
        if let Some(answer) = self.fresh(clock) {
            return answer;
        }
        let _turn = self.0.turn.lock().await;
        if let Some(answer) = self.fresh(clock) {
            return answer;
        }
        self.read(clock).await;
        self.held().current()
    }

    /// What is known without reading the source.
    pub(super) fn at_hand(&self) -> Option<RegistryCredential> {
        let held = self.held();
        held.answer.as_ref()?.as_ref().ok()?.clone()
    }

    /// Which credential is in use.
    pub(super) fn generation(&self) -> u64 {
        self.held().generation
    }

    /// Reads the source again because the registry refused the credential of this generation; returns whether there is
    /// another one now. A second refusal within [`KEPT`] does not contact the source again.
    pub(super) async fn renew(&self, refused: u64, clock: &Clock) -> bool {
        let _turn = self.0.turn.lock().await;
        {
            let mut held = self.held();
            if held.generation > refused {
                return true;
            }
            let recent = |at: Duration| clock.elapsed() < at + KEPT;
            if self.0.source.is_none() || held.renewed.is_some_and(recent) {
                return false;
            }
            held.renewed = Some(clock.elapsed());
        }
        self.read(clock).await;
        self.held().generation > refused
    }

    /// Replaces an identity token by the one that the token service sent in its place.
    pub(super) fn replace_token(&self, generation: u64, token: SecretString) {
        let mut held = self.held();
        if held.generation == generation
            && let Some(Ok(Some(credential))) = &mut held.answer
        {
            credential.secret = token;
        }
    }

    fn fresh(&self, clock: &Clock) -> Option<Result<Option<Current>, CredentialError>> {
        let mut held = self.held();
        held.answer.as_ref()?;
        if self.0.source.is_some() {
            let until = held.until.get_or_insert_with(|| clock.elapsed() + KEPT);
            if clock.elapsed() >= *until {
                return None;
            }
        }
        Some(held.current())
    }

    /// Reads the source. A failure does not replace a credential: it may be valid for longer than [`KEPT`].
    async fn read(&self, clock: &Clock) {
        let Some(source) = &self.0.source else {
            return;
        };
        let answer = source().await;
        let mut held = self.held();
        let kept = match &answer {
            Ok(given) => lifetime(given.as_ref()),
            Err(_) => FAILURE_KEPT,
        };
        held.until = Some(clock.elapsed() + kept);
        if answer.is_err() && matches!(held.answer, Some(Ok(_))) {
            return;
        }
        let secret = |answer: &CredentialResult| {
            let credential = answer.as_ref().ok()?.as_ref()?;
            Some(credential.secret.expose_secret().to_owned())
        };
        let is_another = held
            .answer
            .as_ref()
            .is_some_and(|old| secret(old) != secret(&answer));
        held.generation += u64::from(is_another);
        held.answer = Some(answer);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn current(&self) -> Result<Option<Current>, CredentialError> {
        let generation = self.generation;
        let answer = self.answer.clone().unwrap_or(Ok(None));
        answer.map(|credential| {
            credential.map(|credential| Current {
                credential,
                generation,
            })
        })
    }
}

/// How long a source's answer is used: a short-lived token not until its last moment.
fn lifetime(credential: Option<&RegistryCredential>) -> Duration {
    let stated = credential.and_then(|credential| credential.lifetime);
    stated.map_or(KEPT, |stated| KEPT.min(stated - stated / 10))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}
