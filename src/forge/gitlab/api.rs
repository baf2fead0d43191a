//! Requests to a GitLab: the typed endpoints of the `gitlab` crate, sent by our own client.
//!
//! Of the crate only [`Endpoint`] is used, which tells method, path, parameters and body. Its own query functions keep
//! the answer's headers to themselves, and paging, rate limits and the clock's skew are read from those. Links that a
//! server writes are not followed: pages are counted here.

use super::busy::Busy;
use super::failure;
use crate::forge::error::ForgeError;
use crate::forge::wire::{Budgets, Writes};
use crate::http::{Client, Clock, Gates, HttpError, HttpRequest, HttpResponse};
use crate::redact::Redactor;
use futures::StreamExt as _;
use gitlab::api::Endpoint;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

/// The most bytes of an answer: a page of 100 projects or merge requests with long descriptions is far below.
const LIMIT: usize = 64 * 1024 * 1024;
/// The most pages of a list: GitLab's own offset paging ends at 50,000 rows.
const PAGES: u32 = 500;
/// How many pages of one list are asked for at once.
const AT_ONCE: usize = 4;
/// How often what is safe to repeat is sent.
const TRIES: u32 = 3;
/// How often a write is sent that meets a lock (F42).
const LOCKED_TRIES: u32 = 5;

/// One instance with one token, in one pass.
pub(super) struct Api {
    client: Client,
    base: Url,
    token: SecretString,
    clock: Clock,
    redactor: Redactor,
    writes: Writes,
    budgets: Budgets,
    /// The kinds of requests that GitLab has had too many of.
    busy: Busy,
    /// The token was refused in this pass: nothing more is asked (F27).
    refused: AtomicBool,
}

/// What an [`Api`] is made of.
pub(super) struct ApiSettings {
    pub(super) client: Client,
    pub(super) base: Url,
    pub(super) token: SecretString,
    pub(super) clock: Clock,
    pub(super) redactor: Redactor,
    pub(super) pause: Duration,
    pub(super) patience: Duration,
}

/// An answer of GraphQL.
#[derive(serde::Deserialize)]
pub(super) struct Graph<T> {
    /// What was found; a part of it may be null.
    #[serde(default = "Option::default")]
    pub(super) data: Option<T>,
    /// What went wrong.
    #[serde(default)]
    pub(super) errors: Vec<GraphError>,
}

/// An error of GraphQL.
#[derive(serde::Deserialize)]
pub(super) struct GraphError {
    /// What the server says.
    #[serde(default)]
    pub(super) message: String,
    /// Where in the answer; empty where the whole of it is meant.
    #[serde(default)]
    path: Vec<Value>,
}

impl GraphError {
    /// Whether the query as a whole took too long, so that parts of its answer are missing.
    pub(super) fn cuts(&self) -> bool {
        let said = self.message.to_ascii_lowercase();
        self.path.is_empty() || said.contains("timeout") || said.contains("timed out")
    }
}

impl Api {
    pub(super) fn new(settings: ApiSettings) -> Self {
        let mut base = settings.base;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self {
            client: settings.client,
            base,
            token: settings.token,
            writes: Writes::new(settings.pause, settings.clock.clone()),
            budgets: Budgets::new(settings.patience, settings.clock.clone()),
            clock: settings.clock,
            redactor: settings.redactor,
            busy: Busy::default(),
            refused: AtomicBool::new(false),
        }
    }

    /// The same for another pass, which has learned nothing yet and keeps to the same pace.
    pub(super) fn for_pass(&self, gates: &Gates) -> Self {
        Self {
            client: self.client.with_gates(gates.clone()),
            base: self.base.clone(),
            token: self.token.clone(),
            clock: self.clock.clone(),
            redactor: self.redactor.clone(),
            writes: self.writes.clone(),
            budgets: self.budgets.clone(),
            busy: Busy::default(),
            refused: AtomicBool::new(false),
        }
    }

    /// The clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The pass begins: the token may have been replaced or allowed again since.
    pub(super) fn begin(&self) {
        self.refused.store(false, Ordering::Relaxed);
        self.busy.forget();
    }

    /// A URL of the instance.
    pub(super) fn url(&self, path: &str) -> Result<Url, ForgeError> {
        let joined = self.base.join(path);
        joined.map_err(|error| ForgeError::Refused(format!("{path}: {error}")))
    }

    /// Reads what an endpoint tells.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<T, ForgeError> {
        let response = self.ask(endpoint, None).await?;
        self.decode(&self.good(response)?)
    }

    /// Reads all pages of a list: the first tells how many there are, the others are asked for a few at once.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<Vec<T>, ForgeError> {
        let (mut all, mut more, total) = self.page(endpoint, 1).await?;
        let mut next = 2;
        let known = total.unwrap_or(1).min(PAGES);
        let waiting = (next..=known).map(|page| self.page(endpoint, page));
        let mut waiting = futures::stream::iter(waiting.collect::<Vec<_>>()).buffered(AT_ONCE);
        while let Some(page) = waiting.next().await {
            let (mut found, follows, _) = page?;
            all.append(&mut found);
            more = follows;
            next += 1;
        }
        // Lists of more than 10,000 tell no total, and others may have grown.
        while more {
            if next > PAGES {
                return Err(ForgeError::Refused(format!(
                    "a list of {} has more than {PAGES} pages",
                    self.base
                )));
            }
            let (mut found, follows, _) = self.page(endpoint, next).await?;
            all.append(&mut found);
            more = follows;
            next += 1;
        }
        Ok(all)
    }

    /// One page of a list, whether more follow, and how many there are where that is told.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
        page: u32,
    ) -> Result<(Vec<T>, bool, Option<u32>), ForgeError> {
        let response = self.good(self.ask(endpoint, Some(page)).await?)?;
        let found: Vec<T> = self.decode(&response)?;
        // Behind some proxies the header is lost: then a full page is followed by another.
        let more = match response.header("x-next-page") {
            Some(next) => !next.is_empty(),
            None => found.len() >= 100,
        };
        let total = response.header("x-total-pages");
        Ok((found, more, total.and_then(|total| total.parse().ok())))
    }

    /// Asks an endpoint; the answer has any status but 401 and 429.
    pub(super) async fn ask(
        &self,
        endpoint: &(impl Endpoint + Sync),
        page: Option<u32>,
    ) -> Result<HttpResponse, ForgeError> {
        let request = self.request(endpoint, page)?;
        let response = self.send(request).await?;
        self.refuse_401(&response)?;
        Ok(response)
    }

    /// Sends what changes something, one after another and with a pause between them; the answer has any status.
    pub(super) async fn write_raw(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<HttpResponse, ForgeError> {
        let request = self.request(endpoint, None)?;
        loop {
            // Others write while this one waits.
            self.busy.wait(&request, &self.clock).await?;
            let sent = self.writes.send(self.exchange(request.clone()));
            let response = sent.await?;
            if self.busy.is_answered(&request, &response, &self.clock) {
                return Ok(response);
            }
        }
    }

    /// As [`Api::write_raw`], where 401 can only mean the token.
    pub(super) async fn write(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<HttpResponse, ForgeError> {
        let response = self.write_raw(endpoint).await?;
        self.refuse_401(&response)?;
        Ok(response)
    }

    /// As [`Api::write`], for an answer that is needed; a lock is waited for.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<T, ForgeError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let response = self.write(endpoint).await?;
            if attempt < LOCKED_TRIES && self.is_locked(&response) {
                self.back_off(attempt).await;
                continue;
            }
            return self.decode(&self.good(response)?);
        }
    }

    /// Whether somebody else, or GitLab itself, has the project's merge requests in hand just now (F42).
    pub(super) fn is_locked(&self, response: &HttpResponse) -> bool {
        response.status == reqwest::StatusCode::CONFLICT
            && self.message(response).to_ascii_lowercase().contains("lock")
    }

    /// Asks GraphQL. Only reads are sent, so they are repeated like any `GET`.
    pub(super) async fn graph<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<Graph<T>, ForgeError> {
        let body = json!({"query": query, "variables": variables}).to_string();
        let mut request = HttpRequest::get(self.url("api/graphql")?, LIMIT);
        request.method = Method::POST;
        request.body = Some(body.into_bytes().into());
        let request = self
            .signed(request)
            .header(CONTENT_TYPE, "application/json");
        let mut attempt = 0;
        loop {
            attempt += 1;
            let response = self.send(request.clone()).await;
            let again = match &response {
                Ok(response) => response.status.is_server_error(),
                Err(error) => matches!(error, ForgeError::Unreachable(_) | ForgeError::Server(_)),
            };
            if again && attempt < TRIES {
                self.back_off(attempt).await;
                continue;
            }
            let response = response?;
            self.refuse_401(&response)?;
            return self.decode(&self.good(response)?);
        }
    }

    /// Waits before attempt number `attempt` + 1.
    pub(super) async fn back_off(&self, attempt: u32) {
        let wait = Duration::from_secs(1 << attempt.saturating_sub(1).min(4));
        self.clock.sleep(wait).await;
    }

    /// The answer, if its status says success.
    pub(super) fn good(&self, response: HttpResponse) -> Result<HttpResponse, ForgeError> {
        if response.status.is_success() {
            return Ok(response);
        }
        Err(self.failed(&response))
    }

    /// What an answer that is no success means.
    pub(super) fn failed(&self, response: &HttpResponse) -> ForgeError {
        failure::of(response, &self.redactor)
    }

    /// What the answer says of its failure, for reading, not for people.
    pub(super) fn message(&self, response: &HttpResponse) -> String {
        failure::message(response, &self.redactor)
    }

    /// The text without the token.
    pub(super) fn redact(&self, text: &str) -> String {
        failure::short(&self.redactor.redact(text))
    }

    /// Reads an answer's JSON.
    pub(super) fn decode<T: DeserializeOwned>(
        &self,
        response: &HttpResponse,
    ) -> Result<T, ForgeError> {
        serde_json::from_slice(&response.body).map_err(|error| {
            let what = format!(
                "{} did not answer like GitLab: {error}",
                response.url.path()
            );
            let json = response
                .media_type()
                .is_some_and(|kind| kind.contains("json"));
            match json {
                true => ForgeError::Unreachable(what),
                false => ForgeError::NotAForge(what),
            }
        })
    }

    fn request(
        &self,
        endpoint: &(impl Endpoint + Sync),
        page: Option<u32>,
    ) -> Result<HttpRequest, ForgeError> {
        let mut url = self.url(&format!("api/v4/{}", endpoint.endpoint()))?;
        endpoint.parameters().add_to_url(&mut url);
        if let Some(page) = page {
            let number = page.to_string();
            url.query_pairs_mut()
                .append_pair("per_page", "100")
                .append_pair("page", &number);
        }
        let body = endpoint.body();
        let body = body.map_err(|error| ForgeError::Refused(error.to_string()))?;
        let mut request = HttpRequest::get(url, LIMIT);
        request.method = endpoint.method();
        if let Some((media_type, body)) = body {
            request.body = Some(body.into());
            request = request.header(CONTENT_TYPE, media_type);
        }
        Ok(self.signed(request))
    }

    fn signed(&self, mut request: HttpRequest) -> HttpRequest {
        // One that names no time is a limit of this kind of request alone: see `Busy`.
        request.is_final = Some(|headers, _| !headers.contains_key(RETRY_AFTER));
        if let Ok(mut value) = HeaderValue::from_str(self.token.expose_secret()) {
            value.set_sensitive(true);
            request
                .headers
                .insert(HeaderName::from_static("private-token"), value);
        }
        request.header(ACCEPT, "application/json")
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ForgeError> {
        loop {
            self.busy.wait(&request, &self.clock).await?;
            let response = self.exchange(request.clone()).await?;
            if self.busy.is_answered(&request, &response, &self.clock) {
                return Ok(response);
            }
        }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ForgeError> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(ForgeError::Unauthorized(format!(
                "{} refused the token; it is skipped for the rest of this pass",
                self.base
            )));
        }
        // F45: a limit that is used up is waited for, or the forge is left alone.
        self.budgets.wait("").await.map_err(|wait| {
            ForgeError::RateLimited(format!(
                "{} has no requests left for {} s",
                self.base,
                wait.as_secs()
            ))
        })?;
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| match error {
                HttpError::RateLimited { .. } => ForgeError::RateLimited(error.to_string()),
                error => ForgeError::Unreachable(self.redactor.redact(&error.to_string()).into()),
            })?;
        self.note_rate(&response);
        let html = response
            .media_type()
            .is_some_and(|kind| kind == "text/html");
        let sign_in = response.status.is_redirection()
            && response
                .header("location")
                .is_some_and(|to| to.contains("sign_in") || to.contains("login"));
        // A gateway's own page about a server that is down is another matter.
        if (html && !response.status.is_server_error()) || sign_in {
            return Err(ForgeError::NotAForge(format!(
                "{} answered with a web page instead of JSON",
                self.base
            )));
        }
        Ok(response)
    }

    fn note_rate(&self, response: &HttpResponse) {
        let number = |name: &str| response.header(name)?.trim().parse::<i64>().ok();
        let (Some(0), Some(reset)) = (number("ratelimit-remaining"), number("ratelimit-reset"))
        else {
            return;
        };
        // By the server's own clock, so that a wrong one here does no harm.
        let now = response.header("date").and_then(date);
        let now = now.unwrap_or_else(|| self.clock.now()).as_second();
        let wait = u64::try_from(reset.saturating_sub(now)).unwrap_or(0);
        // This one was answered; the next waits, or reports that the limit is used up.
        let _ = self.budgets.close("", Duration::from_secs(wait));
    }

    fn refuse_401(&self, response: &HttpResponse) -> Result<(), ForgeError> {
        if response.status != reqwest::StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        self.refused.store(true, Ordering::Relaxed);
        Err(self.failed(response))
    }
}

/// The moment in a `Date` header.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    Timestamp::try_from(time).ok()
}
