//! The only way to GitHub: `octocrab` hands its requests to our own HTTP client, so that there is one policy.
//!
//! It adds the token, waits for limits, pauses between writes, and reads what an answer says besides its body. It
//! doesn't know what is asked.

use super::failure::Failure;
use super::hour::Hour;
use super::limits;
use super::login::{Login, Minted};
use super::settings::GitHubSettings;
use crate::forge::error::ForgeError;
use crate::forge::wire::{Budgets, Refused, Writes, server_time};
use crate::http::{Client, Clock, Gates, HttpRequest, HttpResponse, Origin, redirect_target};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt as _;
use octocrab::OctoBody;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The most bytes of an answer: a page of heads with a thousand long merge requests.
const MAX_ANSWER: usize = 64 << 20;
/// The version of the REST API that the requests are written for; Enterprise Server knows it from 3.9 on.
const API_VERSION: &str = "2022-11-28";
/// The path that stands for the GraphQL API in a request of `octocrab`, which knows one base only.
pub(super) const GRAPHQL: &str = "/graphql";
/// An older Enterprise Server has `mergeStateStatus` only for clients that ask for its preview.
const WITH_PREVIEW: &str =
    "application/vnd.github+json, application/vnd.github.merge-info-preview+json";
/// The header about organisations with SAML single sign-on.
pub(super) const SSO: &str = "x-github-sso";
/// The most redirects that a `GET` follows, each to our own origin.
const MAX_REDIRECTS: usize = 3;

#[derive(Clone)]
pub(super) struct Wire {
    client: Client,
    clock: Clock,
    rest: Url,
    graphql: Url,
    pub(super) login: Arc<Login>,
    writes: Writes,
    budgets: Budgets,
    refused: Arc<Refused>,
    seen: Arc<Mutex<Seen>>,
    hour: Arc<Hour>,
}

/// What answers say besides their bodies.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// The Enterprise Server's version.
    pub(super) version: Option<String>,
    /// A classic token's scopes.
    pub(super) scopes: Option<String>,
    /// When the token ends.
    pub(super) expires: Option<String>,
    /// How many seconds the server's clock is ahead of ours.
    pub(super) skew: Option<i64>,
    /// What an installation's token may do.
    pub(super) permissions: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Wire {
    pub(super) fn new(settings: &GitHubSettings) -> Result<Self, ForgeError> {
        let client = settings.server.client()?;
        let (rest, graphql) = settings.apis();
        let clock = &settings.server.clock;
        let login = Login::new(&settings.token, &settings.server.redactor, clock)?;
        Ok(Self {
            client,
            rest,
            graphql,
            login: Arc::new(login),
            writes: Writes::new(settings.server.pause, clock.clone()),
            budgets: Budgets::new(settings.server.policy.patience, clock.clone()),
            clock: clock.clone(),
            refused: Arc::default(),
            seen: Arc::default(),
            hour: Arc::default(),
        })
    }

    /// The same for another pass, which has not been refused yet. All else but the gates belongs to the token.
    pub(super) fn for_pass(&self, gates: &Gates) -> Self {
        Self {
            client: self.client.with_gates(gates.clone()),
            refused: Arc::default(),
            ..self.clone()
        }
    }

    /// A pass begins: the token may have been replaced or allowed again since.
    pub(super) fn begin(&self) {
        self.refused.forget();
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Sends one request of `octocrab`.
    pub(super) async fn call(
        &self,
        request: http::Request<OctoBody>,
    ) -> Result<http::Response<OctoBody>, Failure> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Failure::from)?.to_bytes();
        let mut request = self.request(&parts.method, &parts.uri)?;
        let graphql = parts.uri.path() == GRAPHQL;
        request.headers = headers(&parts.headers, graphql);
        request.body = (!body.is_empty()).then(|| body.clone());
        let write = match graphql {
            true => is_mutation(&body),
            false => parts.method != Method::GET,
        };
        let response = if write {
            self.hour
                .take(&parts.method, parts.uri.path(), self.clock.elapsed())?;
            self.writes.send(self.patiently(request)).await?
        } else {
            self.patiently(request).await?
        };
        if response.status == http::StatusCode::FORBIDDEN
            && let Some(failure) = response.header(SSO).and_then(Failure::sso)
        {
            return Err(failure);
        }
        if response.status.is_server_error() && !is_json(&response) {
            // A proxy's page about a server that is down doesn't concern one request.
            let text = format!("{} answered {}", self.origin(), response.status.as_u16());
            let mut failure = Failure::new(ForgeError::Unreachable(text));
            (failure.status, failure.lost) = (Some(response.status.as_u16()), true);
            return Err(failure);
        }
        if response.status.is_success() && !response.body.is_empty() && !is_json(&response) {
            let why = format!("{} answered with a web page instead of JSON", self.origin());
            return Err(Failure::new(ForgeError::NotAForge(why)));
        }
        let mut answer = http::Response::new(OctoBody::from(response.body));
        *answer.status_mut() = response.status;
        *answer.headers_mut() = response.headers;
        Ok(answer)
    }

    /// Sends a request with the token, waits for limits, refreshes a token once.
    async fn patiently(&self, mut request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (mut refusals, mut redirects, mut renewed) = (0, 0, false);
        loop {
            self.refused.check(self.origin())?;
            let budget = budget(&request.url, &self.graphql);
            let there = self.budgets.wait(&budget).await;
            there.map_err(|wait| self.limited(wait))?;
            let token = self.login.token(async || self.mint().await).await?;
            let outgoing = request.clone().authorization(bearer(&token)?);
            let response = self.client.send(outgoing).await.map_err(Failure::http)?;
            self.note(&response);
            if let Some(wait) = limits::wait(&response, refusals, self.clock.now()) {
                refusals += 1;
                self.close(&response, wait)?;
                continue;
            }
            if let Some(wait) = limits::until_reset(&response, self.clock.now()) {
                // This one was answered; the next waits, or reports that the limit is used up.
                let _ = self.budgets.close(&self.budget_of(&response), wait);
            }
            match response.status.as_u16() {
                401 if !renewed && self.login.forget().await => renewed = true,
                401 => {
                    self.refused.note();
                    return Ok(response);
                }
                // A repository that was renamed: reading follows, writing does not.
                301 | 302 | 307 | 308
                    if request.method == Method::GET && redirects < MAX_REDIRECTS =>
                {
                    redirects += 1;
                    let target = redirect_target(&request.url, response.header("location"));
                    match target {
                        Ok(url) if Origin::of(&url) == Origin::of(&request.url) => {
                            request.url = url;
                        }
                        _ => {
                            let why = format!("{} redirects to another place", self.origin());
                            return Err(Failure::new(ForgeError::NotAForge(why)));
                        }
                    }
                }
                _ => return Ok(response),
            }
        }
    }

    /// Notes that a limit refused a request; an error if the wait is longer than patience.
    fn close(&self, response: &HttpResponse, wait: Duration) -> Result<(), Failure> {
        let primary = response.header("x-ratelimit-remaining") == Some("0");
        // A secondary limit applies to all requests.
        let budget = match primary {
            true => self.budget_of(response),
            false => String::new(),
        };
        let closed = self.budgets.close(&budget, wait);
        closed.map_err(|wait| self.limited(wait))
    }

    fn limited(&self, wait: Duration) -> Failure {
        let text = format!(
            "{} is rate-limited and asks to wait {} s",
            self.origin(),
            wait.as_secs()
        );
        Failure::new(ForgeError::RateLimited(text))
    }

    fn budget_of(&self, response: &HttpResponse) -> String {
        match response.header("x-ratelimit-resource") {
            Some(resource) => resource.to_owned(),
            None => budget(&response.url, &self.graphql),
        }
    }

    fn note(&self, response: &HttpResponse) {
        let own = |name: &str| response.header(name).map(str::to_owned);
        let mut seen = lock(&self.seen);
        let keep = |place: &mut Option<String>, name: &str| {
            if let Some(value) = own(name) {
                *place = Some(value);
            }
        };
        keep(&mut seen.version, "x-github-enterprise-version");
        keep(&mut seen.scopes, "x-oauth-scopes");
        keep(&mut seen.expires, "github-authentication-token-expiration");
        if let Some(time) = server_time(response) {
            seen.skew = Some(time.as_second() - self.clock.now().as_second());
        }
    }

    /// Asks for an installation's token.
    async fn mint(&self) -> Result<Minted, Failure> {
        let id = match self.login.installation() {
            Some(id) => id,
            None => self.only_installation().await?,
        };
        let path = format!("/app/installations/{id}/access_tokens");
        let minted: Minted = self.as_app(&Method::POST, &path).await?;
        lock(&self.seen).permissions = Some(minted.permissions.clone());
        Ok(minted)
    }

    async fn only_installation(&self) -> Result<u64, Failure> {
        #[derive(serde::Deserialize)]
        struct Installation {
            id: u64,
        }
        let path = "/app/installations?per_page=100";
        let all: Vec<Installation> = self.as_app(&Method::GET, path).await?;
        let [only] = all.as_slice() else {
            let why = format!(
                "the GitHub App has {} installations: name one with `installation`",
                all.len()
            );
            return Err(Failure::new(ForgeError::Unauthorized(why)));
        };
        self.login.set_installation(only.id);
        Ok(only.id)
    }

    /// Asks as the App itself. If our clock is wrong, the first refusal shows it, and the second try corrects it.
    async fn as_app<T: serde::de::DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
    ) -> Result<T, Failure> {
        let uri = path.parse::<Uri>();
        let uri = uri.map_err(|error| Failure::unreadable(&error.to_string()))?;
        let mut skew = 0;
        loop {
            let request = self.request(method, &uri)?;
            let request = request.authorization(bearer(&self.login.proof(skew)?)?);
            let response = self.client.send(request).await.map_err(Failure::http)?;
            self.note(&response);
            let ahead = lock(&self.seen).skew.unwrap_or(0);
            if response.status == http::StatusCode::UNAUTHORIZED && skew == 0 && ahead.abs() > 30 {
                skew = ahead;
                continue;
            }
            if !response.status.is_success() {
                let message = message(&response.body);
                let mut failure = Failure::status(response.status.as_u16(), &message);
                if response.status == http::StatusCode::NOT_FOUND {
                    // Not a missing repository: the App can't work.
                    failure.error = ForgeError::Unauthorized(failure.message.clone());
                }
                return Err(failure);
            }
            return serde_json::from_slice(&response.body)
                .map_err(|error| Failure::unreadable(&error.to_string()));
        }
    }

    fn request(&self, method: &Method, uri: &Uri) -> Result<HttpRequest, Failure> {
        let mut url = if uri.path() == GRAPHQL {
            self.graphql.clone()
        } else {
            let mut url = self.rest.clone();
            let root = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{root}{}", uri.path()));
            url
        };
        url.set_query(uri.query());
        let mut request = HttpRequest::get(url, MAX_ANSWER);
        request.method = method.clone();
        // This module waits for limits itself: it knows more about them than the header says.
        request.is_final = Some(|_, _| true);
        Ok(request
            .header(http::header::ACCEPT, "application/vnd.github+json")
            .header(
                http::HeaderName::from_static("x-github-api-version"),
                API_VERSION,
            ))
    }

    fn origin(&self) -> String {
        Origin::of(&self.rest).map_or_else(|| "GitHub".to_owned(), |origin| origin.to_string())
    }
}

/// The headers of `octocrab` that matter: our client sets its own for the rest.
fn headers(given: &HeaderMap, graphql: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let accept = match graphql {
        true => WITH_PREVIEW,
        false => "application/vnd.github+json",
    };
    headers.insert(http::header::ACCEPT, http::HeaderValue::from_static(accept));
    headers.insert(
        http::HeaderName::from_static("x-github-api-version"),
        http::HeaderValue::from_static(API_VERSION),
    );
    if let Some(kind) = given.get(http::header::CONTENT_TYPE) {
        headers.insert(http::header::CONTENT_TYPE, kind.clone());
    }
    headers
}

/// The budget that a request is taken from.
fn budget(url: &Url, graphql: &Url) -> String {
    match url.path() == graphql.path() {
        true => "graphql".to_owned(),
        false => "core".to_owned(),
    }
}

fn is_mutation(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Document {
        query: String,
    }
    serde_json::from_slice::<Document>(body)
        .is_ok_and(|document| document.query.trim_start().starts_with("mutation"))
}

fn is_json(response: &HttpResponse) -> bool {
    response
        .media_type()
        .is_some_and(|kind| kind.ends_with("/json") || kind.ends_with("+json"))
}

fn bearer(token: &SecretString) -> Result<http::HeaderValue, Failure> {
    http::HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
        let why = "the token contains invalid characters";
        Failure::new(ForgeError::Unauthorized(why.to_owned()))
    })
}

fn message(body: &Bytes) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    serde_json::from_slice::<Said>(body).map_or_else(
        |_| String::from_utf8_lossy(body).into_owned(),
        |said| said.message,
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
