//! Bearer tokens, one for each scope and login, requested once however many tasks wait.

use super::RegistryError;
use crate::http::Clock;
use reqwest::header::HeaderValue;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    pub(super) realm: Url,
    pub(super) service: Option<String>,
    pub(super) scope: String,
    /// The id of the login and the generation of its credential; `None`: anonymous.
    pub(super) login: Option<(String, u64)>,
}

/// A fresh token as the header that carries it, and how long it lives.
pub(super) struct Token {
    pub(super) header: HeaderValue,
    pub(super) lifetime: Duration,
}

/// A token's lifetime if the service does not state it (distribution, "Token Authentication Specification").
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// How long the tasks that waited for a token share its failure.
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Ready {
        header: HeaderValue,
        until: Duration,
    },
    Failed {
        error: RegistryError,
        until: Duration,
    },
}

/// The tokens of one registry. They are kept in memory only.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<TokenKey, Arc<tokio::sync::Mutex<Slot>>>>);

impl Tokens {
    /// The token for a key: the existing one, unless it has expired or is the `stale` one that was just refused;
    /// otherwise a new one from `fetch`. Also returns whether it is new.
    pub(super) async fn get<F>(
        &self,
        key: TokenKey,
        clock: &Clock,
        stale: Option<&HeaderValue>,
        fetch: F,
    ) -> Result<(HeaderValue, bool), RegistryError>
    where
        F: Future<Output = Result<Token, RegistryError>>,
    {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key).or_default())
        };
        let mut slot = slot.lock().await;
        match &*slot {
            Slot::Ready { header, until } if stale != Some(header) && clock.elapsed() < *until => {
                return Ok((header.clone(), false));
            }
            Slot::Failed { error, until } if clock.elapsed() < *until => return Err(error.clone()),
            _ => {}
        }
        match fetch.await {
            Ok(token) => {
                // A token must not expire on its way.
                let margin = (token.lifetime / 4).min(Duration::from_secs(10));
                *slot = Slot::Ready {
                    header: token.header.clone(),
                    until: clock.elapsed().saturating_add(token.lifetime - margin),
                };
                Ok((token.header, true))
            }
            Err(error) => {
                *slot = Slot::Failed {
                    error: error.clone(),
                    until: clock.elapsed() + FAILURE_LIFETIME,
                };
                Err(error)
            }
        }
    }
}
