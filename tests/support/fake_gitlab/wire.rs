//! The fake's HTTP: who asks, what is logged, which fault is met, and where a request goes.

pub(crate) use crate::forge_server::Kind;

use super::faults::Fault;
use super::state::{State, Token};
use super::{Shared, backend, graphql, jwt, rest};
use crate::forge_server::broken;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use base64::Engine as _;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    /// Path and query below the relative root.
    pub(crate) target: String,
    /// The id of the token; 0 for none or a wrong one.
    pub(crate) token: u64,
    /// The body, for REST and GraphQL.
    pub(crate) body: String,
}

impl Logged {
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(crate) fn is_write(&self) -> bool {
        match self.kind {
            Kind::Rest => self.method != "GET",
            Kind::GraphQl => self.body.contains("mutation"),
            Kind::Git => self.method == "POST" && self.target.ends_with("/git-receive-pack"),
        }
    }
}

/// An answer before it is sent.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn message(status: u16, message: impl Into<Value>) -> Self {
        Self::json(status, &json!({ "message": message.into() }))
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::message(404, format!("404 {what} Not Found"))
    }

    pub(super) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// The parameters of a request, from its query and its body, form or JSON alike, and its URL without them.
pub(super) struct Params(pub(super) Map<String, Value>, pub(super) String);

impl Params {
    fn of(url: String, query: &str, media_type: &str, body: &[u8]) -> Self {
        let mut all = Map::new();
        let mut add = |text: &[u8]| {
            for (key, value) in url::form_urlencoded::parse(text) {
                let Some(key) = key.strip_suffix("[]") else {
                    all.insert(key.into_owned(), Value::String(value.into_owned()));
                    continue;
                };
                let list = all.entry(key.to_owned()).or_insert_with(|| json!([]));
                list.as_array_mut().unwrap().push(json!(value));
            }
        };
        add(query.as_bytes());
        if media_type.starts_with("application/x-www-form-urlencoded") {
            add(body);
        } else if let Ok(Value::Object(body)) = serde_json::from_slice(body) {
            all.extend(body);
        }
        Self(all, url)
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.text(key)
            .map(|text| matches!(text.as_str(), "true" | "True" | "1"))
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    /// A list, or a text with commas.
    pub(super) fn list(&self, key: &str) -> Option<Vec<String>> {
        let value = self.0.get(key)?;
        let texts: Vec<String> = match value {
            Value::Array(list) => list
                .iter()
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .collect(),
            Value::String(text) => text.split(',').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Some(texts.into_iter().filter(|t| !t.is_empty()).collect())
    }
}

pub(super) fn app(shared: Arc<Shared>) -> Router {
    let serve = move |request: Request| {
        let shared = Arc::clone(&shared);
        async move { answer(&shared, request).await }
    };
    Router::new()
        .fallback(serve)
        .layer(DefaultBodyLimit::disable())
}

async fn answer(shared: &Shared, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let path = parts.uri.path();
    let Some(path) = path.strip_prefix(shared.root.as_str()) else {
        return send(Reply::not_found("Page"));
    };
    let query = parts.uri.query().unwrap_or_default();
    let header = |name: &str| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let kind = if path.starts_with("/api/v4/") {
        Kind::Rest
    } else if path == "/api/graphql" {
        Kind::GraphQl
    } else {
        Kind::Git
    };
    let secret = secret(&header("private-token"), &header("authorization"));
    let method = parts.method.as_str();
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let text = match kind {
        Kind::Git => String::new(),
        _ => String::from_utf8_lossy(&body).into_owned(),
    };
    let (token, fault) = {
        let mut state = shared.lock();
        let token = state.tokens.iter().find(|t| t.value == secret).cloned();
        let logged = Logged {
            kind,
            method: method.to_owned(),
            target: target.clone(),
            token: token.as_ref().map_or(0, |token| token.id),
            body: text.clone(),
        };
        let write = logged.is_write();
        state.log.push(logged);
        let seen = match kind {
            Kind::GraphQl => format!("{target} {text}"),
            _ => target.clone(),
        };
        (token, state.meet(method, &seen, write))
    };
    match &fault {
        Some(Fault::Answer(status, headers, body)) => {
            let mut reply = Reply {
                status: *status,
                headers: Vec::new(),
                body: body.clone().into_bytes(),
            };
            for (name, value) in headers {
                reply = reply.header(name, value);
            }
            return send(reply);
        }
        Some(Fault::DropBefore) => return broken(),
        Some(Fault::Before(act)) => act(),
        _ => {}
    }
    let reply = match kind {
        Kind::Git if path == "/jwt/auth" => jwt::auth(&mut shared.lock(), query, token),
        Kind::Git => {
            let header = |name: &str| header(name);
            backend::serve(shared, method, path, query, &header, body, token).await
        }
        _ => {
            let params = Params::of(
                format!("{}{path}", shared.url),
                query,
                &header("content-type"),
                &body,
            );
            let mut state = shared.lock();
            let reply = api(&mut state, kind, method, path, &params, token, &secret);
            let date = httpdate::fmt_http_date(state.time().into());
            limited(&mut state, reply).header("date", date)
        }
    };
    if matches!(fault, Some(Fault::DropAfter)) {
        return broken();
    }
    send(reply)
}

/// REST and GraphQL: the token, its scopes, and then what is asked.
fn api(
    state: &mut State,
    kind: Kind,
    method: &str,
    path: &str,
    params: &Params,
    token: Option<Token>,
    secret: &str,
) -> Reply {
    let token = match token {
        Some(token) if token.expired => {
            return Reply::json(
                401,
                &json!({"error": "invalid_token",
                "error_description": "Token is expired. You can either do re-authorization or token refresh."}),
            );
        }
        Some(token) if token.revoked => {
            return Reply::json(
                401,
                &json!({"error": "invalid_token",
                "error_description": "Token was revoked. You have to re-authorize from the user."}),
            );
        }
        Some(token) => token,
        None if kind == Kind::GraphQl && !secret.is_empty() => {
            return Reply::json(401, &json!({"errors": [{"message": "Invalid token"}]}));
        }
        None => return Reply::message(401, "401 Unauthorized"),
    };
    if state
        .rate
        .is_some_and(|(left, reset)| left == 0 && state.time().as_second() < reset)
    {
        let wait = state
            .rate
            .map_or(0, |(_, reset)| reset - state.time().as_second());
        let reply = Reply {
            status: 429,
            headers: Vec::new(),
            body: b"Retry later\n".to_vec(),
        };
        return reply.header("retry-after", wait);
    }
    let scope = |name: &str| token.scopes.iter().any(|scope| scope == name);
    // Reading oneself and one's token needs no scope (GitLab: `personal_access_tokens/self`).
    let itself = path == "/api/v4/personal_access_tokens/self";
    let query = kind == Kind::GraphQl || method == "GET";
    if !(scope("api") || (query && scope("read_api")) || (method == "GET" && itself)) {
        return Reply::json(
            403,
            &json!({"error": "insufficient_scope", "scope": "api",
            "error_description": "The request requires higher privileges than provided by the access token."}),
        );
    }
    match kind {
        Kind::GraphQl if !state.graphql => Reply::not_found("Page"),
        Kind::GraphQl => graphql::answer(state, &token, params),
        _ => {
            let below = path.trim_start_matches("/api/v4/");
            let decode = |part: &str| {
                let decoded = percent_encoding::percent_decode_str(part);
                decoded.decode_utf8_lossy().into_owned()
            };
            let segments: Vec<String> = below.split('/').map(decode).collect();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            let reply = rest::route(state, &token, method, &segments, params);
            reply.unwrap_or_else(|| {
                state.unexpected.push(format!("{method} {path}"));
                Reply::json(404, &json!({"error": "404 Not Found"}))
            })
        }
    }
}

/// The rate limit's headers (GitLab docs, "Rate limits on API").
fn limited(state: &mut State, reply: Reply) -> Reply {
    let Some((left, reset)) = &mut state.rate else {
        return reply;
    };
    *left = left.saturating_sub(1);
    let (left, reset) = (*left, *reset);
    reply
        .header("ratelimit-limit", 2000)
        .header("ratelimit-remaining", left)
        .header("ratelimit-reset", reset)
}

/// The secret in `PRIVATE-TOKEN`, `Authorization: Bearer` or the password of `Authorization: Basic`.
fn secret(private: &str, authorization: &str) -> String {
    if !private.is_empty() {
        return private.to_owned();
    }
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return token.to_owned();
    }
    let pair = authorization.strip_prefix("Basic ").unwrap_or_default();
    let pair = base64::engine::general_purpose::STANDARD.decode(pair);
    let pair = String::from_utf8(pair.unwrap_or_default()).unwrap_or_default();
    let password = pair
        .split_once(':')
        .map(|(_, password)| password.to_owned());
    password.unwrap_or_default()
}

fn send(reply: Reply) -> Response {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
