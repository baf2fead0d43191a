//! `octocrab` on our wire: typed answers for REST, partial answers for GraphQL.
//!
//! The routes are `octocrab`'s raw ones with serde structs of our own: its models demand fields that an Enterprise
//! Server may not send, and its `graphql` drops the data that came with an error.

use super::failure::{Failure, plain};
use super::login::Login;
use super::settings::GitHubSettings;
use super::wire::{GRAPHQL, SSO, Seen, Wire};
use crate::forge::error::ForgeError;
use crate::forge::scope::Scope;
use crate::http::Gates;
use crate::repo::RepoName;
use http::Method;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// The most entries of a page, everywhere on GitHub.
pub(super) const PAGE: usize = 100;
/// The most pages of one list: a hundred thousand entries.
const MAX_PAGES: usize = 1000;
/// Characters that need no escape in a path or a query.
const BARE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The client that all parts share.
pub(super) struct Api {
    octocrab: Octocrab,
    wire: Arc<Wire>,
    pub(super) settings: GitHubSettings,
    pub(super) scope: Scope,
}

/// A GraphQL answer: the data, and the errors about what is missing from it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) data: Value,
    pub(super) errors: Vec<Trouble>,
}

/// One error of a GraphQL answer.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Where: field names and indices, `nodes/3`.
    pub(super) path: String,
    pub(super) message: String,
    /// `RESOURCE_LIMITS_EXCEEDED`, `NOT_FOUND`, …; empty if there is none.
    kind: String,
}

/// A GraphQL answer as it comes.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<SentError>,
}

#[derive(Deserialize)]
struct SentError {
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    path: Option<Vec<Value>>,
}

impl Trouble {
    /// Whether the query as a whole was too expensive, so that parts of the answer are missing: a smaller one may work.
    fn cuts(&self) -> bool {
        let kind = self.kind.to_ascii_uppercase();
        let said = self.message.to_ascii_lowercase();
        !self.path.contains('/')
            || kind.contains("LIMIT")
            || kind.contains("TIMEOUT")
            || ["resource limit", "timeout", "timed out", "couldn't respond"]
                .iter()
                .any(|words| said.contains(words))
    }
}

impl Answer {
    /// Whether it was cut off: then what is missing says nothing about single repositories.
    pub(super) fn is_cut(&self) -> bool {
        self.errors.iter().any(Trouble::cuts)
    }

    /// The error about a part of the answer.
    pub(super) fn trouble(&self, path: &str) -> Option<&str> {
        let fits = |trouble: &&Trouble| {
            let rest = trouble.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Some(self.errors.iter().find(fits)?.message.as_str())
    }
}

impl Api {
    pub(super) fn new(settings: GitHubSettings) -> Result<Self, ForgeError> {
        Ok(Self::on(Wire::new(&settings)?, settings))
    }

    /// The same for another pass.
    pub(super) fn for_pass(&self, gates: &Gates) -> Self {
        Self::on(self.wire.for_pass(gates), self.settings.clone())
    }

    fn on(wire: Wire, settings: GitHubSettings) -> Self {
        let wire = Arc::new(wire);
        let service = {
            let wire = Arc::clone(&wire);
            tower::service_fn(move |request| {
                let wire = Arc::clone(&wire);
                async move { wire.call(request).await }
            })
        };
        let built = OctocrabBuilder::new_empty()
            .with_service(service)
            .with_auth(AuthState::None)
            .build();
        let octocrab = match built {
            Ok(octocrab) => octocrab,
            Err(never) => match never {},
        };
        Self {
            scope: Scope::new(&settings.server),
            octocrab,
            wire,
            settings,
        }
    }

    /// A pass begins.
    pub(super) async fn begin(&self) {
        self.wire.begin();
        self.login().freshen().await;
    }

    pub(super) fn login(&self) -> &Login {
        &self.wire.login
    }

    pub(super) fn seen(&self) -> Seen {
        self.wire.seen()
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, Failure> {
        Ok(self.octocrab.get(route, None::<&()>).await?)
    }

    /// Sends a request that changes something.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        route: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Failure> {
        let octocrab = &self.octocrab;
        Ok(match method {
            Method::PUT => octocrab.put(route, Some(body)).await?,
            Method::PATCH => octocrab.patch(route, Some(body)).await?,
            Method::DELETE => octocrab.delete(route, Some(body)).await?,
            _ => octocrab.post(route, Some(body)).await?,
        })
    }

    /// All pages of a list. Pages are counted here; the server's link only says whether another follows. `items` takes
    /// the list out of an answer.
    pub(super) async fn pages<T, A: DeserializeOwned>(
        &self,
        route: &str,
        items: impl Fn(A) -> Vec<T>,
    ) -> Result<Vec<T>, Failure> {
        let (all, gap) = self.pages_with_gaps(route, items).await?;
        match gap {
            Some(gap) => Err(gap),
            None => Ok(all),
        }
    }

    /// As [`Api::pages`], for a list that may lack what the token isn't allowed to see: what there is, and why it isn't
    /// complete.
    pub(super) async fn pages_with_gaps<T, A: DeserializeOwned>(
        &self,
        route: &str,
        items: impl Fn(A) -> Vec<T>,
    ) -> Result<(Vec<T>, Option<Failure>), Failure> {
        let joint = if route.contains('?') { '&' } else { '?' };
        let (mut all, mut gap) = (Vec::new(), None);
        for page in 1..=MAX_PAGES {
            let route = format!("{route}{joint}per_page={PAGE}&page={page}");
            let (answer, more, lacks) = self.page_with_gaps(&route).await?;
            all.extend(items(answer));
            gap = gap.or(lacks);
            if !more {
                return Ok((all, gap));
            }
        }
        let why = format!("a list has more than {MAX_PAGES} pages, the limit");
        Err(Failure::new(ForgeError::Refused(why)))
    }

    /// One page, and whether another follows.
    pub(super) async fn page<A: DeserializeOwned>(
        &self,
        route: &str,
    ) -> Result<(A, bool), Failure> {
        let (answer, more, gap) = self.page_with_gaps(route).await?;
        match gap {
            Some(gap) => Err(gap),
            None => Ok((answer, more)),
        }
    }

    async fn page_with_gaps<A: DeserializeOwned>(
        &self,
        route: &str,
    ) -> Result<(A, bool, Option<Failure>), Failure> {
        let response = self.octocrab._get(route).await?;
        let response = octocrab::map_github_error(response).await?;
        let sso = response.headers().get(SSO);
        let gap = sso.and_then(|value| Failure::sso(value.to_str().ok()?));
        let links = response.headers().get_all(http::header::LINK);
        let more = links
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("rel=\"next\""));
        let answer = <A as octocrab::FromResponse>::from_response(response).await?;
        Ok((answer, more, gap))
    }

    /// Sends a document to the GraphQL API. An answer without any data is a failure.
    pub(super) async fn graphql(
        &self,
        document: &str,
        variables: &Value,
    ) -> Result<Answer, Failure> {
        let payload = json!({"query": document, "variables": variables});
        let Sent { data, errors } = self.octocrab.post(GRAPHQL, Some(&payload)).await?;
        let errors: Vec<Trouble> = errors
            .into_iter()
            .map(|error| Trouble {
                path: path(error.path.unwrap_or_default()),
                message: plain(&error.message),
                kind: error.kind.unwrap_or_default(),
            })
            .collect();
        // A refused mutation is `null` under its name.
        let nothing = match &data {
            Value::Object(fields) => !errors.is_empty() && fields.values().all(Value::is_null),
            _ => true,
        };
        if nothing {
            let said = errors.first().map_or("no data", |error| &error.message);
            let text = format!("GitHub's GraphQL API: {said}");
            let mut failure = Failure::new(ForgeError::Refused(text));
            failure.message = said.to_owned();
            return Err(failure);
        }
        Ok(Answer { data, errors })
    }
}

fn path(segments: Vec<Value>) -> String {
    let text = |segment| match segment {
        Value::String(name) => name,
        other => other.to_string(),
    };
    let all: Vec<String> = segments.into_iter().map(text).collect();
    all.join("/")
}

/// A text, escaped for a part of a path or a value of a query.
pub(super) fn quoted(text: &str) -> String {
    utf8_percent_encode(text, BARE).to_string()
}

/// The route of a repository, with what follows it.
pub(super) fn route(name: &RepoName, rest: &str) -> String {
    let (owner, repo) = halves(name);
    format!("/repos/{}/{}{rest}", quoted(owner), quoted(repo))
}

/// Owner and name of a repository.
pub(super) fn halves(name: &RepoName) -> (&str, &str) {
    name.as_str().split_once('/').unwrap_or((name.as_str(), ""))
}
