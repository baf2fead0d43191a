//! The only way to a GitLab: it adds the token, waits for limits, keeps the pace of changes, and finds answers that
//! don't come from a GitLab. It doesn't know what is asked.

use super::busy::Busy;
use super::failure;
use crate::forge::error::ForgeError;
use crate::forge::server::ServerSettings;
use crate::forge::wire::{Budgets, Refused, Writes, back_off, server_time};
use crate::http::{Client, Clock, Gates, HttpError, HttpRequest, HttpResponse};
use crate::redact::Redactor;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use url::Url;

/// One instance with one token, in one pass.
pub(super) struct Wire {
    client: Client,
    /// Where its API is, with a slash at the end.
    pub(super) base: Url,
    token: SecretString,
    pub(super) clock: Clock,
    pub(super) redactor: Redactor,
    writes: Writes,
    budgets: Budgets,
    /// The kinds of requests that GitLab has had too many of.
    busy: Busy,
    refused: Refused,
}

impl Wire {
    pub(super) fn new(client: Client, token: SecretString, settings: &ServerSettings) -> Self {
        let mut base = settings.url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self {
            client,
            base,
            token,
            writes: Writes::new(settings.pause, settings.clock.clone()),
            budgets: Budgets::new(settings.policy.patience, settings.clock.clone()),
            clock: settings.clock.clone(),
            redactor: settings.redactor.clone(),
            busy: Busy::default(),
            refused: Refused::default(),
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
            refused: Refused::default(),
        }
    }

    /// A pass begins: what the last one learned is forgotten.
    pub(super) fn begin(&self) {
        self.refused.forget();
        self.busy.forget();
    }

    /// A request with the token.
    pub(super) fn signed(&self, mut request: HttpRequest) -> HttpRequest {
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

    /// Sends a request that changes nothing; the answer has any status but 429.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ForgeError> {
        loop {
            self.busy.wait(&request, &self.clock).await?;
            let response = self.exchange(request.clone()).await?;
            if self.busy.is_answered(&request, &response, &self.clock) {
                return Ok(response);
            }
        }
    }

    /// Sends what changes something, one after another and with a pause between them; the answer has any status but
    /// 429.
    pub(super) async fn write(&self, request: HttpRequest) -> Result<HttpResponse, ForgeError> {
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

    /// Waits before attempt number `attempt` + 1.
    pub(super) async fn back_off(&self, attempt: u32) {
        back_off(&self.clock, attempt).await;
    }

    /// An error for an answer that refuses the token.
    pub(super) fn refuse_401(&self, response: &HttpResponse) -> Result<(), ForgeError> {
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(());
        }
        self.refused.note();
        Err(failure::of(response, &self.redactor))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ForgeError> {
        self.refused.check(&self.base)?;
        // F45: a limit that is used up is waited for, or the forge is left alone.
        self.budgets.wait("").await.map_err(|wait| {
            ForgeError::RateLimited(format!(
                "{} has no requests left for {} s",
                self.base,
                wait.as_secs()
            ))
        })?;
        let sent = self.client.send(request).await;
        let response = sent.map_err(|error| match error {
            HttpError::RateLimited { .. } => ForgeError::RateLimited(error.to_string()),
            error => ForgeError::Unreachable(self.redactor.redact(&error.to_string()).into()),
        })?;
        self.note_rate(&response);
        if is_web_page(&response) {
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
        let now = server_time(response).unwrap_or_else(|| self.clock.now());
        let wait = u64::try_from(reset.saturating_sub(now.as_second())).unwrap_or(0);
        // This one was answered; the next waits, or reports that the limit is used up.
        let _ = self.budgets.close("", Duration::from_secs(wait));
    }
}

/// Whether a page for people was sent in place of an answer. A gateway's own page about a server that is down is
/// another matter.
fn is_web_page(response: &HttpResponse) -> bool {
    let html = response.media_type();
    let html = html.is_some_and(|kind| kind == "text/html");
    let location = response.header("location");
    let sign_in = response.status.is_redirection()
        && location.is_some_and(|to| to.contains("sign_in") || to.contains("login"));
    (html && !response.status.is_server_error()) || sign_in
}
