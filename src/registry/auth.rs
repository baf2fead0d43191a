//! Answers a registry's challenges: where a login is sent, and for what.

use super::challenge::{Challenge, challenges, written};
use super::token::{DEFAULT_LIFETIME, Token, TokenKey, Tokens};
use super::{Login, RegistryError, answer, realm};
use crate::http::{Client, Clock, HttpRequest, HttpResponse, Origin};
use crate::image::RegistryHost;
use crate::redact::Redactor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// How a registry wants to be authenticated, after its realm was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

/// The authentication of one registry: its last challenge, and the tokens.
pub(super) struct Auth {
    host: RegistryHost,
    origin: Origin,
    realms: Vec<Origin>,
    client: Client,
    clock: Clock,
    redactor: Redactor,
    tokens: Tokens,
    memory: Mutex<Memory>,
    /// Whether the first request was answered. It is sent alone: the others then know the challenge, and the registry
    /// sends it only once.
    first: tokio::sync::Mutex<bool>,
}

/// Held by the first request to a registry; the others wait until it is dropped.
pub(super) struct First<'a>(tokio::sync::MutexGuard<'a, bool>);

impl Drop for First<'_> {
    fn drop(&mut self) {
        // Also after a failure: the others must not wait for a second first request.
        *self.0 = true;
    }
}

#[derive(Default)]
struct Memory {
    /// Remembered, so that the next image does not need a 401.
    scheme: Option<Scheme>,
    /// The scopes of paths for which the registry wants another scope than ours.
    scopes: HashMap<String, String>,
}

impl Auth {
    pub(super) fn new(
        host: RegistryHost,
        origin: Origin,
        realms: Vec<Origin>,
        client: Client,
        clock: Clock,
        redactor: Redactor,
    ) -> Self {
        Self {
            host,
            origin,
            realms,
            client,
            clock,
            redactor,
            tokens: Tokens::default(),
            memory: Mutex::default(),
            first: tokio::sync::Mutex::new(false),
        }
    }

    /// Waits for the answer to the first request, unless this one is the first.
    pub(super) async fn turn(&self) -> Option<First<'_>> {
        let first = self.first.lock().await;
        (!*first).then(|| First(first))
    }

    /// The `Authorization` to begin with: none, until the registry has sent a challenge.
    pub(super) async fn present(
        &self,
        path: &str,
        login: Option<&Login>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let (scheme, scope) = {
            let memory = self.memory();
            (memory.scheme.clone(), memory.scopes.get(path).cloned())
        };
        match (scheme, login) {
            (None, _) | (Some(Scheme::Basic), None) => Ok(None),
            (Some(scheme), _) => {
                let scope = scope.unwrap_or_else(|| own_scope(path));
                let (header, _) = self.header(&scheme, scope, login, None).await?;
                Ok(Some(header))
            }
        }
    }

    /// The `Authorization` that answers a 401, and whether it is new, so that a second 401 is final. `refused` is the
    /// one that the 401 refused.
    pub(super) async fn answer(
        &self,
        response: &HttpResponse,
        path: &str,
        login: Option<&Login>,
        refused: Option<&HeaderValue>,
    ) -> Result<(HeaderValue, bool), RegistryError> {
        let (scheme, scope) = self.choose(&response.headers, login)?;
        let scope = match scope {
            Some(scope) if scope != own_scope(path) => {
                self.memory().scopes.insert(path.to_owned(), scope.clone());
                scope
            }
            _ => own_scope(path),
        };
        let (header, new) = self.header(&scheme, scope, login, refused).await?;
        if refused == Some(&header) {
            return Err(self.unauthorized(login));
        }
        self.memory().scheme = Some(scheme);
        Ok((header, new))
    }

    /// The `Authorization` of a login for a registry as such, without an image.
    pub(super) async fn for_host(
        &self,
        headers: &HeaderMap,
        login: &Login,
    ) -> Result<HeaderValue, RegistryError> {
        let (scheme, _) = self.choose(headers, Some(login))?;
        let header = self.header(&scheme, String::new(), Some(login), None);
        Ok(header.await?.0)
    }

    /// The login itself, if a new token does not work and the registry also offers Basic: only an operator's login is
    /// sent to a registry that did not ask for it at first.
    pub(super) fn instead_of_token(
        &self,
        response: &HttpResponse,
        login: Option<&Login>,
        refused: &HeaderValue,
    ) -> Option<HeaderValue> {
        let login = login.filter(|login| !login.optional)?;
        let is_token = refused.as_bytes().starts_with(b"Bearer ");
        let offered = challenges(&response.headers).contains(&Challenge::Basic);
        (is_token && offered).then(|| {
            self.memory().scheme = Some(Scheme::Basic);
            basic(login)
        })
    }

    /// The challenge to answer: the first Bearer with an allowed realm, else Basic if there is a login. A refused
    /// realm is an error only if nothing else can be answered, and is never contacted.
    pub(super) fn choose(
        &self,
        headers: &HeaderMap,
        login: Option<&Login>,
    ) -> Result<(Scheme, Option<String>), RegistryError> {
        let mut basic = false;
        let mut refused = None;
        for challenge in challenges(headers) {
            match challenge {
                Challenge::Basic => basic = true,
                Challenge::Bearer {
                    realm,
                    service,
                    scope,
                } => match realm::check(realm.as_deref(), &self.origin, &self.realms) {
                    Ok(realm) => {
                        let scope = scope.filter(|scope| {
                            let scope = scope.trim();
                            !scope.is_empty() && scope != "*"
                        });
                        return Ok((Scheme::Bearer { realm, service }, scope));
                    }
                    Err((realm, why)) => {
                        refused.get_or_insert(RegistryError::RealmRefused {
                            host: self.host.clone(),
                            realm,
                            why,
                        });
                    }
                },
            }
        }
        match (basic && login.is_some(), refused) {
            (true, _) => Ok((Scheme::Basic, None)),
            (false, Some(error)) => Err(error),
            (false, None) if basic => Err(self.unauthorized(login)),
            (false, None) => Err(RegistryError::Challenge {
                host: self.host.clone(),
                header: written(headers, &self.redactor),
            }),
        }
    }

    async fn header(
        &self,
        scheme: &Scheme,
        scope: String,
        login: Option<&Login>,
        stale: Option<&HeaderValue>,
    ) -> Result<(HeaderValue, bool), RegistryError> {
        match (scheme, login) {
            (Scheme::Basic, Some(login)) => Ok((basic(login), true)),
            (Scheme::Basic, None) => Err(self.unauthorized(login)),
            (Scheme::Bearer { realm, service }, login) => {
                let key = TokenKey {
                    realm: realm.clone(),
                    service: service.clone(),
                    scope,
                    login: login.map(|login| login.id.clone()),
                };
                let fetch = self.fetch(token_url(&key), login);
                self.tokens.get(key, &self.clock, stale, fetch).await
            }
        }
    }

    /// Requests a token from the service, which was checked. No redirect is followed, with or without a login.
    async fn fetch(&self, url: Url, login: Option<&Login>) -> Result<Token, RegistryError> {
        let mut request = HttpRequest::get(url, 256 * 1024).header(ACCEPT, "application/json");
        if let Some(login) = login {
            request = request.authorization(basic(login));
        }
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| RegistryError::from_http(&self.host, error))?;
        match response.status.as_u16() {
            200 => {}
            // Services also answer a wrong password with 403 (GitLab).
            401 | 403 => return Err(self.unauthorized(login)),
            300..=399 => {
                return Err(RegistryError::RedirectRefused {
                    host: self.host.clone(),
                    why: "a login is not taken any further".to_owned(),
                    to: None,
                });
            }
            _ => return Err(answer::failure(&self.host, login.is_none(), &response)),
        }
        read_token(&response.body).ok_or_else(|| answer::not_a_registry(&self.host, &response))
    }

    pub(super) fn unauthorized(&self, login: Option<&Login>) -> RegistryError {
        RegistryError::Unauthorized {
            host: self.host.clone(),
            anonymous: login.is_none(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own_scope(path: &str) -> String {
    format!("repository:{path}:pull")
}

fn token_url(key: &TokenKey) -> Url {
    let mut url = key.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &key.service {
            query.append_pair("service", service);
        }
        for scope in key.scope.split_whitespace() {
            query.append_pair("scope", scope);
        }
    }
    url
}

fn basic(login: &Login) -> HeaderValue {
    let pair = format!("{}:{}", login.username, login.password.expose_secret());
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
        .expect("base64 is made of characters that a header may hold")
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn read_token(body: &[u8]) -> Option<Token> {
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let token = answer
        .token
        .filter(|token| !token.is_empty())
        .or(answer.access_token.filter(|token| !token.is_empty()))?;
    Some(Token {
        header: sensitive(&format!("Bearer {token}"))?,
        lifetime: answer
            .expires_in
            .map_or(DEFAULT_LIFETIME, Duration::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens() {
        let read =
            |body: &str| read_token(body.as_bytes()).map(|t| (t.header, t.lifetime.as_secs()));
        let bearer = |text| HeaderValue::from_static(text);
        assert_eq!(read(r#"{"token":"a"}"#), Some((bearer("Bearer a"), 60)));
        assert_eq!(
            read(r#"{"token":"","access_token":"b","expires_in":300}"#),
            Some((bearer("Bearer b"), 300))
        );
        for bad in ["", "{}", r#"{"token":""}"#, r#"{"token":"a\nb"}"#, "<html>"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        assert!(format!("{:?}", read(r#"{"token":"CANARY"}"#)).contains("Sensitive"));
    }

    #[test]
    fn asks_for_each_scope_and_keeps_the_realms_own_query() {
        let key = TokenKey {
            realm: Url::parse("https://a.example/t?account=x").expect("a URL"),
            service: Some("my registry".to_owned()),
            scope: "repository:a/b:pull repository:c:pull".to_owned(),
            login: None,
        };
        assert_eq!(
            token_url(&key).as_str(),
            "https://a.example/t?account=x&service=my+registry&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull"
        );
    }
}
