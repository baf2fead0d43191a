//! Sends requests under the policy: gate, retry, breaker.

use super::backoff::backoff;
use super::{Clock, Gates, HttpError, HttpRequest, HttpResponse, Origin, Transport, retry_after};
use reqwest::StatusCode;

/// A client; cheap to clone. Several clients may share a [`Transport`], a [`Clock`] and the [`Gates`].
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    gates: Gates,
    clock: Clock,
    plain_http: bool,
}

impl Client {
    /// A client that speaks https only.
    pub fn new(transport: Transport, gates: Gates, clock: Clock) -> Self {
        Self {
            transport,
            gates,
            clock,
            plain_http: false,
        }
    }

    /// The same client with other gates.
    #[must_use]
    pub fn with_gates(&self, gates: Gates) -> Self {
        Self {
            gates,
            ..self.clone()
        }
    }

    /// The same client with plain http allowed or not.
    #[must_use]
    pub fn plain_http(mut self, allowed: bool) -> Self {
        self.plain_http = allowed;
        self
    }

    /// Sends a request until there is an answer, at most as often as the policy allows.
    ///
    /// Failed connections and 429 are repeated, and for idempotent methods also broken answers, 500, 502, 503 and 504.
    /// An answer that timed out and failed TLS are never repeated. The last 5xx is returned as an answer; a last 429 is
    /// [`HttpError::RateLimited`] unless [`HttpRequest::is_final`] says otherwise.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let origin = origin(&request)?;
        if !origin.is_https() && !self.plain_http {
            return Err(HttpError::Insecure(origin));
        }
        let policy = self.transport.policy();
        let gate = self.gates.of(&origin);
        let idempotent = request.method.is_idempotent();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let last = attempt >= policy.attempts;
            let pause = backoff(policy.backoff, policy.backoff_cap, attempt);
            let permit = gate.enter(&self.clock).await?;
            let outcome = self.transport.exchange(&request, &origin).await;
            drop(permit);
            tracing::debug!(
                method = %request.method, %origin, path = request.url.path(), attempt,
                status = outcome.as_ref().map_or(0, |r| r.status.as_u16()), "request"
            );
            let response = match outcome {
                Ok(response) => response,
                Err(error) => {
                    let unreachable = matches!(
                        error,
                        HttpError::Dns(_)
                            | HttpError::Connect { .. }
                            | HttpError::Tls { .. }
                            | HttpError::Timeout { .. }
                    );
                    let down = unreachable && gate.failed(&error, policy.failures);
                    let again = matches!(error, HttpError::Dns(_) | HttpError::Connect { .. })
                        || (matches!(error, HttpError::ShortRead(_)) && idempotent);
                    if last || down || !again {
                        return Err(error);
                    }
                    self.clock.sleep(pause).await;
                    continue;
                }
            };
            gate.answered();
            let asked = retry_after(&response.headers, self.clock.now());
            let too_long = asked.filter(|time| *time > policy.patience);
            match response.status {
                StatusCode::TOO_MANY_REQUESTS => {
                    let is_final = request.is_final;
                    if is_final.is_some_and(|is_final| is_final(&response.headers, &response.body))
                    {
                        return Ok(response);
                    }
                    match too_long {
                        Some(time) => gate.give_up(time),
                        // Also after the last attempt, since other requests have to wait too.
                        None => gate.close_until(self.clock.elapsed() + asked.unwrap_or(pause)),
                    }
                    if last || too_long.is_some() {
                        return Err(HttpError::RateLimited {
                            origin,
                            retry_after: asked,
                        });
                    }
                }
                StatusCode::INTERNAL_SERVER_ERROR
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
                    if idempotent && !last && too_long.is_none() =>
                {
                    self.clock.sleep(asked.unwrap_or(pause)).await;
                }
                _ => return Ok(response),
            }
        }
    }
}

fn origin(request: &HttpRequest) -> Result<Origin, HttpError> {
    Origin::of(&request.url).ok_or_else(|| HttpError::NotHttp(request.url.scheme().to_owned()))
}
