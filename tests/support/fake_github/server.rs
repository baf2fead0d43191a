//! HTTP: who may ask, what goes wrong, what is noted of each request.

pub(crate) use crate::forge_server::Kind;

use super::state::Token;
use super::{Effect, Shared, git, graphql, rest};
use crate::forge_server::broken;
use axum::Router;
use axum::body::Body;
use axum::extract::State as With;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request that was made.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    /// The path below the API's base; for GraphQL the operation's name.
    pub(crate) path: String,
    pub(crate) query: String,
    /// Whether it changes something.
    pub(crate) write: bool,
    pub(crate) body: Value,
}

impl Logged {
    pub(crate) fn line(&self) -> String {
        match self.kind {
            Kind::GraphQl => format!("GRAPHQL {}", self.path),
            _ => format!("{} {}", self.method, self.path),
        }
    }
}

/// A request of the REST API, taken apart.
pub(super) struct Call {
    pub(super) method: String,
    /// Below the base, from the slash on.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Value,
    pub(super) token: Token,
    pub(super) now: Timestamp,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
    html: bool,
}

impl Reply {
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            html: false,
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub(super) fn error(status: u16, message: &str) -> Self {
        let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()});
        Self::new(status, body)
    }

    /// `Validation Failed`, with a message of its own or a field.
    pub(super) fn invalid(errors: Value) -> Self {
        let body = json!({"message": "Validation Failed", "errors": errors, "documentation_url": "https://docs.github.com/rest"});
        Self::new(422, body)
    }

    pub(super) fn missing() -> Self {
        Self::error(404, "Not Found")
    }

    pub(super) fn html(status: u16) -> Self {
        Self {
            html: true,
            ..Self::new(status, Value::Null)
        }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn response(&self) -> Response<Body> {
        let (kind, body) = match self.html {
            true => (
                "text/html; charset=utf-8",
                "<html><body>Sign in</body></html>".to_owned(),
            ),
            false if self.status == 204 => ("application/json", String::new()),
            false => ("application/json; charset=utf-8", self.body.to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a status");
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(kind));
        for (name, value) in &self.headers {
            let name: axum::http::HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        response
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(With(shared): With<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 30)
        .await
        .unwrap_or_default();
    let (method, query) = (parts.method.as_str(), parts.uri.query().unwrap_or_default());
    let path = percent_encoding::percent_decode_str(parts.uri.path())
        .decode_utf8_lossy()
        .into_owned();
    let root = shared.options.root.clone();
    let below = path
        .strip_prefix(&root)
        .unwrap_or(&path)
        .trim_start_matches('/');
    if git::split(below).is_some() {
        return git::serve(&shared, method, below, query, &parts.headers, &body).await;
    }
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = Asked {
        shared: &shared,
        headers: &parts.headers,
        method,
        query,
        json,
    };
    let (reply, drop) = match path == shared.graphql_path() {
        true => asked.graphql(),
        false => asked.rest(&path),
    };
    if drop {
        return broken();
    }
    let mut response = reply.response();
    let now = shared.options.clock.now();
    if !response.headers().contains_key("date") {
        let date = httpdate::fmt_http_date(now.into());
        response
            .headers_mut()
            .insert("date", date.parse().expect("a date"));
    }
    if let Some(version) = &shared.options.version {
        let version = version.parse().expect("a version");
        response
            .headers_mut()
            .insert("x-github-enterprise-version", version);
    }
    response
}

struct Asked<'a> {
    shared: &'a Shared,
    headers: &'a HeaderMap,
    method: &'a str,
    query: &'a str,
    json: Value,
}

impl Asked<'_> {
    fn rest(self, path: &str) -> (Reply, bool) {
        let base = self.shared.base();
        let path = match path.strip_prefix(&base) {
            Some(path) if path.starts_with('/') => path.to_owned(),
            _ => {
                self.shared
                    .lock()
                    .unexpected
                    .push(format!("{} {path}", self.method));
                return (Reply::html(404), false);
            }
        };
        let line = format!("{} {path}", self.method);
        let write = self.method != "GET";
        self.log(Kind::Rest, &path, write);
        let fault = self.shared.lock().strike(&line, &[], write);
        if let Some(early) = self.early(fault.as_ref()) {
            return early;
        }
        let now = self.shared.options.clock.now();
        if path.starts_with("/app") {
            let reply = rest::as_app(self.shared, self.method, &path, &self.bearer(), now);
            self.record(&path, &reply);
            return (reply, matches!(fault, Some(Effect::DropAfter)));
        }
        let token = match self.token() {
            Ok(token) => token,
            Err(reply) => return (reply, false),
        };
        let call = Call {
            method: self.method.to_owned(),
            path: path.clone(),
            query: url::form_urlencoded::parse(self.query.as_bytes())
                .into_owned()
                .collect(),
            body: self.json.clone(),
            token: token.clone(),
            now,
        };
        let mut reply = match self.spend("core") {
            Ok(()) => rest::answer(self.shared, &call),
            Err(reply) => reply,
        };
        self.finish(&mut reply, &token, "core");
        self.record(&path, &reply);
        (reply, matches!(fault, Some(Effect::DropAfter)))
    }

    fn graphql(self) -> (Reply, bool) {
        let document = self.json["query"].as_str().unwrap_or_default().to_owned();
        let operation = graphql::operation(&document);
        let write = document.trim_start().starts_with("mutation");
        self.log(Kind::GraphQl, &operation, write);
        let ids = self.json["variables"]["ids"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ids: Vec<String> = ids
            .iter()
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect();
        let fault = self
            .shared
            .lock()
            .strike(&format!("GRAPHQL {operation}"), &ids, write);
        if let Some(early) = self.early(fault.as_ref()) {
            return early;
        }
        if let Some(Effect::FailPageWith(_)) = fault {
            return (
                Reply::error(502, "Something went wrong while executing your query."),
                false,
            );
        }
        let token = match self.token() {
            Ok(token) => token,
            Err(reply) => return (reply, false),
        };
        if self.shared.lock().graphql_off {
            return (Reply::missing(), false);
        }
        let now = self.shared.options.clock.now();
        let null = match &fault {
            Some(Effect::NullNode(name)) => Some(name.clone()),
            _ => None,
        };
        let accept = self.headers.get_all("accept").iter();
        let accept: Vec<&str> = accept.filter_map(|value| value.to_str().ok()).collect();
        let accept = accept.join(", ");
        let mut reply = match self.spend("graphql") {
            Ok(()) => graphql::answer(
                self.shared,
                &self.json,
                &token,
                null.as_deref(),
                &accept,
                now,
            ),
            Err(reply) => reply,
        };
        self.finish(&mut reply, &token, "graphql");
        self.record("/graphql", &reply);
        (reply, matches!(fault, Some(Effect::DropAfter)))
    }

    fn log(&self, kind: Kind, path: &str, write: bool) {
        self.shared.lock().log.push(Logged {
            kind,
            method: self.method.to_owned(),
            path: path.to_owned(),
            query: self.query.to_owned(),
            write,
            body: self.json.clone(),
        });
    }

    /// A fault that answers, or breaks off, before anything is done.
    fn early(&self, fault: Option<&Effect>) -> Option<(Reply, bool)> {
        match fault? {
            Effect::Delay(time) => self.shared.options.clock.advance(*time),
            Effect::DropBefore => return Some((Reply::missing(), true)),
            _ => {}
        }
        Some((fault?.reply()?, false))
    }

    fn bearer(&self) -> String {
        let header = self
            .headers
            .get("authorization")
            .and_then(|v| v.to_str().ok());
        let header = header.unwrap_or_default();
        let token = header
            .strip_prefix("Bearer ")
            .or_else(|| header.strip_prefix("token "));
        token.unwrap_or_default().to_owned()
    }

    fn token(&self) -> Result<Token, Reply> {
        let now = self.shared.options.clock.now();
        let state = self.shared.lock();
        let token = state.tokens.get(&self.bearer()).cloned();
        token
            .filter(|token| token.expires.is_none_or(|end| end > now))
            .ok_or_else(|| Reply::error(401, "Bad credentials"))
    }

    fn spend(&self, resource: &str) -> Result<(), Reply> {
        let now = self.shared.options.clock.now().as_second();
        let mut state = self.shared.lock();
        let budget = state
            .budgets
            .entry(resource.to_owned())
            .or_insert((5000, now + 3600));
        if budget.1 <= now {
            *budget = (5000, now + 3600);
        }
        if budget.0 == 0 {
            return Err(Reply::error(403, "API rate limit exceeded for user ID 1."));
        }
        budget.0 -= 1;
        Ok(())
    }

    fn finish(&self, reply: &mut Reply, token: &Token, resource: &str) {
        let state = self.shared.lock();
        let (left, reset) = state.budgets.get(resource).copied().unwrap_or((5000, 0));
        for (name, value) in [
            ("x-ratelimit-limit", "5000".to_owned()),
            ("x-ratelimit-remaining", left.to_string()),
            ("x-ratelimit-used", (5000 - left.min(5000)).to_string()),
            ("x-ratelimit-reset", reset.to_string()),
            ("x-ratelimit-resource", resource.to_owned()),
        ] {
            reply.headers.push((name.to_owned(), value));
        }
        if let Some(scopes) = &token.scopes {
            reply
                .headers
                .push(("x-oauth-scopes".to_owned(), scopes.clone()));
        }
        if let (Some(end), None) = (token.expires, token.installation) {
            let text = end.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
            let name = "github-authentication-token-expiration".to_owned();
            reply.headers.push((name, text));
        }
    }

    /// For `scripts/check-fake-github`: every exchange, a line each.
    fn record(&self, path: &str, reply: &Reply) {
        use std::io::Write as _;
        let Some(folder) = std::env::var_os("IMAGEBOT_RECORD_GITHUB") else {
            return;
        };
        let line = json!({"method": self.method, "path": path, "query": self.query, "body": self.json,
            "status": reply.status, "answer": reply.body});
        let file = std::path::Path::new(&folder).join(format!(
            "{}-{}.jsonl",
            std::process::id(),
            self.shared.address.port()
        ));
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file);
        // In one piece, and none between another's.
        let _alone = self.shared.lock();
        let mut file = file.expect("a file for the recording");
        file.write_all(format!("{line}\n").as_bytes())
            .expect("a line");
    }
}
