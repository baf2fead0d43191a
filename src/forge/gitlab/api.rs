//! Requests to a GitLab: the typed endpoints of the `gitlab` crate, sent by our own client.
//!
//! Of the crate only [`Endpoint`] is used, which has method, path, parameters and body. Its own query functions keep
//! the answer's headers to themselves, and paging, rate limits and the clock's skew are read from those. Links that a
//! server writes are not followed: pages are counted here.

use super::failure;
use super::wire::Wire;
use crate::forge::error::ForgeError;
use crate::forge::server::ServerSettings;
use crate::forge::wire::one_line;
use crate::http::{Client, Clock, Gates, HttpRequest, HttpResponse};
use futures::StreamExt as _;
use gitlab::api::Endpoint;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
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

/// The API of an instance.
pub(super) struct Api {
    wire: Wire,
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
    pub(super) fn new(client: Client, token: SecretString, settings: &ServerSettings) -> Self {
        Self {
            wire: Wire::new(client, token, settings),
        }
    }

    /// The same for another pass.
    pub(super) fn for_pass(&self, gates: &Gates) -> Self {
        Self {
            wire: self.wire.for_pass(gates),
        }
    }

    /// The clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.wire.clock
    }

    /// A pass begins: the token may have been replaced or allowed again since.
    pub(super) fn begin(&self) {
        self.wire.begin();
    }

    /// The instance as people know it: its host, with port and path where it has them.
    pub(super) fn address(&self) -> &str {
        let url = self.wire.base.as_str().trim_end_matches('/');
        url.split_once("://").map_or(url, |(_, rest)| rest)
    }

    /// A URL of the instance.
    pub(super) fn url(&self, path: &str) -> Result<Url, ForgeError> {
        let joined = self.wire.base.join(path);
        joined.map_err(|error| ForgeError::Refused(format!("{path}: {error}")))
    }

    /// Reads an endpoint's answer.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<T, ForgeError> {
        let response = self.ask(endpoint, None).await?;
        self.decode(&self.good(response)?)
    }

    /// Reads all pages of a list: the first shows how many there are, the others are requested a few at a time.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<Vec<T>, ForgeError> {
        let (mut all, mut more, total) = self.page(endpoint, 1).await?;
        let known = total.unwrap_or(1).clamp(1, PAGES);
        let waiting = (2..=known).map(|page| self.page(endpoint, page));
        let mut waiting = futures::stream::iter(waiting.collect::<Vec<_>>()).buffered(AT_ONCE);
        while let Some(page) = waiting.next().await {
            let (mut found, follows, _) = page?;
            all.append(&mut found);
            more = follows;
        }
        // Lists of more than 10,000 show no total, and others may have grown.
        for page in known + 1.. {
            if !more {
                break;
            }
            if page > PAGES {
                return Err(ForgeError::Refused(format!(
                    "a list of {} has more than {PAGES} pages",
                    self.wire.base
                )));
            }
            let (mut found, follows, _) = self.page(endpoint, page).await?;
            all.append(&mut found);
            more = follows;
        }
        Ok(all)
    }

    /// One page of a list, whether more follow, and how many there are where the server says so.
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

    /// Sends a request to an endpoint; the answer has any status but 401 and 429.
    pub(super) async fn ask(
        &self,
        endpoint: &(impl Endpoint + Sync),
        page: Option<u32>,
    ) -> Result<HttpResponse, ForgeError> {
        let request = self.request(endpoint, page)?;
        let response = self.wire.send(request).await?;
        self.wire.refuse_401(&response)?;
        Ok(response)
    }

    /// Sends what changes something, one after another and with a pause between them; the answer has any status.
    pub(super) async fn write_raw(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<HttpResponse, ForgeError> {
        self.wire.write(self.request(endpoint, None)?).await
    }

    /// As [`Api::write_raw`], where 401 can only mean the token.
    pub(super) async fn write(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<HttpResponse, ForgeError> {
        let response = self.write_raw(endpoint).await?;
        self.wire.refuse_401(&response)?;
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
                self.wire.back_off(attempt).await;
                continue;
            }
            return self.decode(&self.good(response)?);
        }
    }

    /// Whether someone else, or GitLab itself, is changing the project's merge requests right now (F42).
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
            .wire
            .signed(request)
            .header(CONTENT_TYPE, "application/json");
        let mut attempt = 0;
        loop {
            attempt += 1;
            let response = self.wire.send(request.clone()).await;
            let again = match &response {
                Ok(response) => response.status.is_server_error(),
                Err(error) => matches!(error, ForgeError::Unreachable(_) | ForgeError::Server(_)),
            };
            if again && attempt < TRIES {
                self.wire.back_off(attempt).await;
                continue;
            }
            let response = response?;
            self.wire.refuse_401(&response)?;
            return self.decode(&self.good(response)?);
        }
    }

    /// Waits before attempt number `attempt` + 1.
    pub(super) async fn back_off(&self, attempt: u32) {
        self.wire.back_off(attempt).await;
    }

    /// The answer, if its status says success.
    pub(super) fn good(&self, response: HttpResponse) -> Result<HttpResponse, ForgeError> {
        if response.status.is_success() {
            return Ok(response);
        }
        Err(self.failed(&response))
    }

    /// What an answer means that isn't a success.
    pub(super) fn failed(&self, response: &HttpResponse) -> ForgeError {
        failure::of(response, &self.wire.redactor)
    }

    /// What the answer says about its failure, for matching, not for people.
    pub(super) fn message(&self, response: &HttpResponse) -> String {
        failure::message(response, &self.wire.redactor)
    }

    /// The text without the token.
    pub(super) fn redact(&self, text: &str) -> String {
        one_line(&self.wire.redactor.redact(text))
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
        Ok(self.wire.signed(request))
    }
}
