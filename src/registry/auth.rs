//! Answers a registry's challenges: where a login is sent, and for what.

use super::challenge::{Challenge, challenges, written};
use super::token::{DEFAULT_LIFETIME, Token, TokenKey, Tokens};
use super::{
    Anonymous, CredentialError, CredentialKind, Credentials, Login, RegistryCredential,
    RegistryError, answer, realm,
};
use crate::http::{Client, Clock, HttpRequest, HttpResponse, Origin};
use crate::image::RegistryHost;
use crate::redact::Redactor;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The largest answer of a token service, in bytes.
const LARGEST_TOKEN: usize = 256 * 1024;

/// How a registry wants to be authenticated, after its realm was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    Basic,
    Bearer { realm: Url, service: Option<String> },
}

/// A login whose credential was read.
#[derive(Debug, Clone)]
pub(super) struct User {
    /// The id of the login and the generation of the credential.
    id: (String, u64),
    pub(super) credential: RegistryCredential,
    /// Whether the operator configured it for this registry.
    configured: bool,
    credentials: Credentials,
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
    /// How long the last token lives.
    lifetime: Option<Duration>,
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

    /// Reads the credential of a login; `None` if there is no login, or its source has none for this registry.
    pub(super) async fn user(&self, login: Option<&Login>) -> Result<Option<User>, RegistryError> {
        let Some(login) = login else {
            return Ok(None);
        };
        let current = login.credentials.get(&self.clock).await;
        let current = current.map_err(|error| RegistryError::Login {
            host: self.host.clone(),
            error,
        })?;
        Ok(current.map(|current| {
            let credential = current.credential;
            self.redactor
                .add_login(&credential.username, &credential.secret);
            User {
                id: (login.id.clone(), current.generation),
                credential,
                configured: login.anonymous != Anonymous::IfRefused,
                credentials: login.credentials.clone(),
            }
        }))
    }

    /// Whether the registry has sent a challenge, so that the next request needs the login.
    pub(super) fn was_challenged(&self) -> bool {
        self.memory().scheme.is_some()
    }

    /// How long the last token lives, if there was one.
    pub(super) fn token_lifetime(&self) -> Option<Duration> {
        self.memory().lifetime
    }

    /// The `Authorization` to begin with: none, until the registry has sent a challenge.
    pub(super) async fn present(
        &self,
        path: &str,
        user: Option<&User>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let (scheme, scope) = {
            let memory = self.memory();
            (memory.scheme.clone(), memory.scopes.get(path).cloned())
        };
        match (scheme, user) {
            (None, _) | (Some(Scheme::Basic), None) => Ok(None),
            (Some(scheme), _) => {
                let scope = scope.unwrap_or_else(|| own_scope(path));
                let (header, _) = self.header(&scheme, scope, user, None).await?;
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
        user: Option<&User>,
        refused: Option<&HeaderValue>,
    ) -> Result<(HeaderValue, bool), RegistryError> {
        let (scheme, scope) = self.choose(&response.headers, user.is_some())?;
        let scope = match scope {
            Some(scope) if scope != own_scope(path) => {
                self.memory().scopes.insert(path.to_owned(), scope.clone());
                scope
            }
            _ => own_scope(path),
        };
        let (header, new) = self.header(&scheme, scope, user, refused).await?;
        if refused == Some(&header) {
            return Err(self.unauthorized(user.is_none()));
        }
        self.memory().scheme = Some(scheme);
        Ok((header, new))
    }

    /// The `Authorization` of a login for a registry as such, without an image.
    pub(super) async fn for_host(
        &self,
        headers: &HeaderMap,
        user: &User,
    ) -> Result<HeaderValue, RegistryError> {
        let (scheme, _) = self.choose(headers, true)?;
        let header = self.header(&scheme, String::new(), Some(user), None);
        Ok(header.await?.0)
    }

    /// The login itself, if a new token does not work and the registry also offers Basic: only an operator's login is
    /// sent to a registry that did not ask for it at first.
    pub(super) fn instead_of_token(
        &self,
        response: &HttpResponse,
        user: Option<&User>,
        refused: &HeaderValue,
    ) -> Option<HeaderValue> {
        let user = user.filter(|user| user.configured)?;
        let is_token = refused.as_bytes().starts_with(b"Bearer ");
        let offered = challenges(&response.headers).contains(&Challenge::Basic);
        let is_password = user.credential.kind == CredentialKind::Password;
        (is_token && offered && is_password).then(|| {
            self.memory().scheme = Some(Scheme::Basic);
            basic(&user.credential)
        })
    }

    /// The challenge to answer: the first Bearer with an allowed realm, else Basic if there is a login. A refused
    /// realm is an error only if nothing else can be answered, and is never contacted.
    pub(super) fn choose(
        &self,
        headers: &HeaderMap,
        with_login: bool,
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
        match (basic && with_login, refused) {
            (true, _) => Ok((Scheme::Basic, None)),
            (false, Some(error)) => Err(error),
            (false, None) if basic => Err(self.unauthorized(!with_login)),
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
        user: Option<&User>,
        stale: Option<&HeaderValue>,
    ) -> Result<(HeaderValue, bool), RegistryError> {
        match (scheme, user) {
            (Scheme::Basic, Some(user)) => match user.credential.kind {
                CredentialKind::Password => Ok((basic(&user.credential), true)),
                CredentialKind::IdentityToken => Err(RegistryError::Login {
                    host: self.host.clone(),
                    error: CredentialError::new(
                        "the login is an identity token, which a registry with Basic authentication does not take",
                    ),
                }),
            },
            (Scheme::Basic, None) => Err(self.unauthorized(true)),
            (Scheme::Bearer { realm, service }, user) => {
                let key = TokenKey {
                    realm: realm.clone(),
                    service: service.clone(),
                    scope,
                    login: user.map(|user| user.id.clone()),
                };
                let fetch = self.fetch(&key, user);
                self.tokens
                    .get(key.clone(), &self.clock, stale, fetch)
                    .await
            }
        }
    }

    /// Requests a token from the service, which was checked. No redirect is followed, with or without a login.
    async fn fetch(&self, key: &TokenKey, user: Option<&User>) -> Result<Token, RegistryError> {
        if let Some(user) =
            user.filter(|user| user.credential.kind == CredentialKind::IdentityToken)
        {
            let response = self.send(exchange(key, &user.credential.secret)).await?;
            // A service without OAuth2 takes the token as a password.
            if !matches!(response.status.as_u16(), 404 | 405) {
                return self.token_of(&response, Some(user));
            }
        }
        let mut request =
            HttpRequest::get(token_url(key), LARGEST_TOKEN).header(ACCEPT, "application/json");
        if let Some(user) = user {
            request = request.authorization(basic(&user.credential));
        }
        let response = self.send(request).await?;
        self.token_of(&response, user)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RegistryError> {
        let answer = self.client.send(request).await;
        answer.map_err(|error| RegistryError::from_http(&self.host, error))
    }

    /// The token of a service's answer.
    fn token_of(
        &self,
        response: &HttpResponse,
        user: Option<&User>,
    ) -> Result<Token, RegistryError> {
        match response.status.as_u16() {
            200 => {}
            // Services also answer a wrong password with 403 (GitLab), and a wrong refresh token with 400 (RFC 6749, 5.2).
            401 | 403 => return Err(self.unauthorized(user.is_none())),
            400 if user
                .is_some_and(|user| user.credential.kind == CredentialKind::IdentityToken) =>
            {
                return Err(self.unauthorized(false));
            }
            300..=399 => {
                return Err(RegistryError::RedirectRefused {
                    host: self.host.clone(),
                    why: "a login is not taken any further".to_owned(),
                    to: None,
                });
            }
            _ => return Err(answer::failure(&self.host, user.is_none(), response)),
        }
        let (token, refreshed) = read_token(&response.body)
            .ok_or_else(|| answer::not_a_registry(&self.host, response))?;
        if let (Some(user), Some(refreshed)) = (user, refreshed)
            && user.credential.kind == CredentialKind::IdentityToken
        {
            self.redactor.add(&refreshed);
            user.credentials.replace_token(user.id.1, refreshed);
        }
        self.memory().lifetime = Some(token.lifetime);
        Ok(token)
    }

    pub(super) fn unauthorized(&self, anonymous: bool) -> RegistryError {
        RegistryError::Unauthorized {
            host: self.host.clone(),
            anonymous,
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

/// The exchange of a refresh token (distribution, "Docker Registry v2 authentication using OAuth2").
fn exchange(key: &TokenKey, token: &SecretString) -> HttpRequest {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token");
    if let Some(service) = &key.service {
        form.append_pair("service", service);
    }
    form.append_pair("client_id", "imagebot");
    if !key.scope.is_empty() {
        form.append_pair("scope", &key.scope);
    }
    form.append_pair("refresh_token", token.expose_secret());
    HttpRequest {
        method: Method::POST,
        body: Some(form.finish().into()),
        ..HttpRequest::get(key.realm.clone(), LARGEST_TOKEN)
    }
    .header(ACCEPT, "application/json")
    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

fn basic(credential: &RegistryCredential) -> HeaderValue {
    let secret = credential.secret.expose_secret();
    let pair = format!("{}:{secret}", credential.username);
    sensitive(&format!("Basic {}", STANDARD.encode(pair)))
        .expect("base64 is made of characters that a header may hold")
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The token of an answer, and the refresh token that replaces the one that was sent.
fn read_token(body: &[u8]) -> Option<(Token, Option<SecretString>)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
        refresh_token: Option<SecretString>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let mut tokens = [answer.token, answer.access_token].into_iter().flatten();
    let token = tokens.find(|token| !token.is_empty())?;
    let token = Token {
        header: sensitive(&format!("Bearer {token}"))?,
        lifetime: answer
            .expires_in
            .map_or(DEFAULT_LIFETIME, Duration::from_secs),
    };
    let refreshed = answer.refresh_token;
    Some((
        token,
        refreshed.filter(|token| !token.expose_secret().is_empty()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tokens() {
        let read =
            |body: &str| read_token(body.as_bytes()).map(|(t, _)| (t.header, t.lifetime.as_secs()));
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
