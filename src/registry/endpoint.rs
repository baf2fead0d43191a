//! One registry: its origin, its client, its authentication.

use super::auth::Auth;
use super::quota::Quota;
use super::{Anonymous, HostSettings, Login, RegistryError, Validators};
use crate::http::{Client, Clock, Gates, HttpRequest, HttpResponse, Origin, redirect_target};
use crate::redact::Redactor;
use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
use std::sync::Arc;
use url::Url;

/// The most redirects in a row.
pub(super) const MOST_REDIRECTS: usize = 5;

/// Whether an answer is a redirect.
pub(super) fn is_redirect(response: &HttpResponse) -> bool {
    matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether the registry refuses a login, or its lack.
fn is_refused(answer: &Result<HttpResponse, RegistryError>) -> bool {
    match answer {
        Ok(response) => response.status == StatusCode::FORBIDDEN,
        Err(error) => matches!(error, RegistryError::Unauthorized { .. }),
    }
}

/// One registry. All look-ups on it share what is here.
pub(super) struct Endpoint {
    pub(super) settings: HostSettings,
    pub(super) origin: Origin,
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) auth: Auth,
    pub(super) quota: Arc<Quota>,
    pub(super) validators: Validators,
}

impl Endpoint {
    pub(super) fn new(
        settings: HostSettings,
        origin: Origin,
        client: Client,
        clock: Clock,
        validators: Validators,
        redactor: Redactor,
    ) -> Self {
        let auth = Auth::new(
            settings.host.clone(),
            origin.clone(),
            settings.realms(),
            client.clone(),
            clock.clone(),
            redactor,
        );
        Self {
            settings,
            origin,
            client,
            clock,
            auth,
            quota: Arc::default(),
            validators,
        }
    }

    /// The same registry for another pass.
    pub(super) fn for_pass(&self, gates: &Gates, redactor: &Redactor) -> Self {
        let (settings, origin) = (self.settings.clone(), self.origin.clone());
        let client = self.client.with_gates(gates.clone());
        let (clock, validators) = (self.clock.clone(), self.validators.clone());
        Self {
            quota: Arc::clone(&self.quota),
            ..Self::new(
                settings,
                origin,
                client,
                clock,
                validators,
                redactor.clone(),
            )
        }
    }

    /// The URL of something below `/v2/`.
    pub(super) fn url(&self, below: &str) -> Url {
        Url::parse(&format!("{}/v2/{below}", self.origin))
            .expect("an origin and a path of checked names make a URL")
    }

    /// The key of a kept answer: its kind, the login, and the request.
    pub(super) fn key(&self, kind: &str, login: Option<&Login>, path: &str, what: &str) -> String {
        let login = login.map_or("-", |login| login.id.as_str());
        format!("{kind} {} {path} {what} {login}", self.origin)
    }

    /// Sends a request, anonymously unless the registry has sent a challenge before. A 401 is answered once with a new
    /// token or with the login; the next 401 is final, since a service may silently grant less than the request. Then a
    /// login whose source may have another credential by now is read again, once.
    pub(super) async fn ask(
        &self,
        path: &str,
        login: Option<&Login>,
        request: &HttpRequest,
    ) -> Result<HttpResponse, RegistryError> {
        let Some(login) = login else {
            return self.ask_with(path, None, request).await;
        };
        let used = login.credentials.generation();
        let mut answer = self.ask_with(path, Some(login), request).await;
        if is_refused(&answer) && login.credentials.renew(used, &self.clock).await {
            answer = self.ask_with(path, Some(login), request).await;
        }
        let unavailable = matches!(answer, Err(RegistryError::Login { .. }));
        let without = match login.anonymous {
            Anonymous::Never => false,
            Anonymous::IfUnavailable => unavailable,
            Anonymous::IfRefused => unavailable || is_refused(&answer),
        };
        if !without {
            return answer;
        }
        let anonymous = self.ask_with(path, None, request).await;
        // If the registry needs a login, the missing one is the problem to report.
        match unavailable && is_refused(&anonymous) {
            true => answer,
            false => anonymous,
        }
    }

    async fn ask_with(
        &self,
        path: &str,
        login: Option<&Login>,
        request: &HttpRequest,
    ) -> Result<HttpResponse, RegistryError> {
        let mut first = self.auth.turn().await;
        // The credential is read only once the registry wants one.
        let mut user = match self.auth.was_challenged() {
            true => self.auth.user(login).await?,
            false => None,
        };
        let mut header = self.auth.present(path, user.as_ref()).await?;
        let mut is_final = false;
        // At most: anonymous, with another task's token that has expired in the meantime, with a new one.
        for _ in 0..4 {
            let mut request = request.clone();
            if let Some(header) = &header {
                request = request.authorization(header.clone());
            }
            let response = self.send_on(request).await?;
            if response.status != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            if let Some(elsewhere) = Origin::of(&response.url).filter(|at| *at != self.origin) {
                return Err(RegistryError::RedirectUnauthorized {
                    host: self.settings.host.clone(),
                    to: elsewhere,
                });
            }
            if is_final {
                let refused = header.as_ref();
                let instead = refused.and_then(|refused| {
                    self.auth
                        .instead_of_token(&response, user.as_ref(), refused)
                });
                let Some(instead) = instead else {
                    break;
                };
                header = Some(instead);
                continue;
            }
            if user.is_none() {
                user = self.auth.user(login).await?;
            }
            let (next, new) = self
                .auth
                .answer(&response, path, user.as_ref(), header.as_ref())
                .await?;
            drop(first.take());
            header = Some(next);
            is_final = new;
        }
        Err(self.auth.unauthorized(user.is_none()))
    }

    /// Sends a request, and anonymously follows a redirect to an allowed origin. Any other redirect is returned as the
    /// answer.
    pub(super) async fn send_on(
        &self,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, RegistryError> {
        let mut response = self.send(request.clone()).await?;
        for _ in 0..MOST_REDIRECTS {
            if !is_redirect(&response) {
                break;
            }
            let target = redirect_target(&response.url, response.header("location"));
            let allowed = |url: &Url| {
                Origin::of(url).is_some_and(|origin| self.settings.may_redirect_to(&origin))
            };
            let Some(target) = target.ok().filter(allowed) else {
                break;
            };
            request.url = target;
            request.headers.remove(AUTHORIZATION);
            response = self.send(request.clone()).await?;
        }
        Ok(response)
    }

    /// Sends a request as it is.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RegistryError> {
        self.client
            .send(request)
            .await
            .map_err(|error| RegistryError::from_http(&self.settings.host, error))
    }
}
