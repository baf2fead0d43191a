//! What the fake answers, out of the state that it holds.

use super::wire::{Logged, Reply};
use super::{Auth, Paging, Repository, State, Style, TokenSet};
use imagebot::image::Digest;
use serde_json::{Value, json};
use std::sync::PoisonError;

impl State {
    pub(super) fn answer(&mut self, request: &Logged, tokens: &TokenSet) -> Reply {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        if path == "/token" && !self.users.is_empty() {
            return match request.method.as_str() {
                "POST" => self.exchange(request, tokens),
                _ => self.issue(request, tokens),
            };
        }
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        let Some(below) = path
            .strip_prefix("/v2/")
            .filter(|_| reads || self.uploads.is_some())
        else {
            self.unexpected.push(request.line());
            return Reply::error(404, "NAME_UNKNOWN");
        };
        if let Some(refusal) = self.refuse(request, tokens) {
            return refusal;
        }
        if !reads {
            return self.push(below, query, request).unwrap_or_else(|| {
                self.unexpected.push(request.line());
                Reply::error(405, "UNSUPPORTED")
            });
        }
        if below.is_empty() {
            let mut reply = Reply::new(200, "application/json", b"{}".to_vec());
            reply.set(
                "docker-distribution-api-version",
                Some("registry/2.0".to_owned()),
            );
            return reply;
        }
        if let Some(name) = below.strip_suffix("/tags/list") {
            return self.tags(name, query, request);
        }
        for (middle, is_manifest) in [("/manifests/", true), ("/blobs/", false)] {
            if let Some((name, reference)) = below.split_once(middle) {
                let Some(repository) = self.repositories.get(name) else {
                    return Reply::error(404, "NAME_UNKNOWN");
                };
                return match is_manifest {
                    true => manifest(repository, reference, self.etags, request),
                    false => match repository.blobs.get(reference) {
                        Some(blob) => Reply::new(200, "application/octet-stream", blob.clone()),
                        None => Reply::error(404, "BLOB_UNKNOWN"),
                    },
                };
            }
        }
        self.unexpected.push(request.line());
        Reply::error(404, "NAME_UNKNOWN")
    }

    fn issue(&mut self, request: &Logged, tokens: &TokenSet) -> Reply {
        let user = request
            .header("authorization")
            .map_or("anonymous", |value| value.trim_start_matches("Basic "));
        if !self.users.iter().any(|known| known == user) {
            // As some services do: the request is repeated to whoever sent it.
            let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": format!("bad login {user}")}]});
            return Reply::new(401, "application/json", body.to_string().into_bytes());
        }
        let token = self.new_token(tokens);
        let mut body = json!({"token": token});
        if let Some(seconds) = self.expires_in {
            body["expires_in"] = seconds.into();
        }
        let mut reply = Reply::new(200, "application/json", body.to_string().into_bytes());
        reply.set("set-cookie", Some("session=CANARY-cookie".to_owned()));
        reply
    }

    fn new_token(&mut self, tokens: &TokenSet) -> String {
        self.issued += 1;
        let token = format!("CANARY-token-{}", self.issued);
        let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.push(token.clone());
        token
    }

    /// The OAuth2 way: a form with a refresh token.
    fn exchange(&mut self, request: &Logged, tokens: &TokenSet) -> Reply {
        let Some((valid, next)) = self.refresh.clone() else {
            return Reply::error(404, "UNSUPPORTED");
        };
        let form: std::collections::BTreeMap<_, _> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        let has = |key: &str, value: &str| form.get(key).is_some_and(|found| found == value);
        let complete = has("grant_type", "refresh_token")
            && has("service", "fake")
            && form.contains_key("client_id")
            && form.contains_key("scope");
        if !complete || !has("refresh_token", &valid) {
            let body = json!({"error": "invalid_grant", "error_description": format!("{form:?}")});
            return Reply::new(400, "application/json", body.to_string().into_bytes());
        }
        let mut body = json!({"access_token": self.new_token(tokens)});
        if let Some(next) = next {
            body["refresh_token"] = next.clone().into();
            self.refresh = Some((next, None));
        }
        if let Some(seconds) = self.expires_in {
            body["expires_in"] = seconds.into();
        }
        Reply::new(200, "application/json", body.to_string().into_bytes())
    }

    fn refuse(&self, request: &Logged, tokens: &TokenSet) -> Option<Reply> {
        let given = request.header("authorization").unwrap_or_default();
        let (allowed, challenges) = match &self.auth {
            Auth::Open => return None,
            Auth::Basic { pair, challenges } => (given == format!("Basic {pair}"), challenges),
            Auth::Bearer { challenges } => {
                let tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
                let token = given.strip_prefix("Bearer ");
                (
                    token.is_some_and(|token| tokens.iter().any(|valid| valid == token)),
                    challenges,
                )
            }
        };
        if allowed {
            return None;
        }
        let body =
            json!({"errors": [{"code": "UNAUTHORIZED", "message": format!("you sent {given}")}]});
        let mut reply = Reply::new(401, "application/json", body.to_string().into_bytes());
        for challenge in challenges {
            reply
                .headers
                .push(("www-authenticate".to_owned(), challenge.clone()));
        }
        Some(reply)
    }

    fn tags(&self, name: &str, query: &str, request: &Logged) -> Reply {
        let Some(repository) = self.repositories.get(name) else {
            return Reply::error(404, "NAME_UNKNOWN");
        };
        let parameter = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let asked = parameter("n")
            .and_then(|n| n.parse().ok())
            .unwrap_or(usize::MAX);
        let last = parameter("last").or_else(|| {
            parameter("next_page")
                .and_then(|token| token.strip_prefix("opaque-").map(str::to_owned))
        });
        let all: Vec<&Value> = repository.tags.iter().map(|(name, _)| name).collect();
        // A tag that is gone by now: the page goes on behind where it would be.
        let start = last.as_ref().map_or(0, |last| {
            let known = all.iter().position(|name| *name == last);
            known.map_or_else(
                || {
                    let before =
                        |name: &&&Value| name.as_str().is_some_and(|name| name <= last.as_str());
                    all.iter().take_while(before).count()
                },
                |at| at + 1,
            )
        });
        let (size, style) = match self.paging {
            Paging::All => (usize::MAX, None),
            Paging::NoLink => (asked, None),
            Paging::Links(size, style) => (size.min(asked), Some(style)),
        };
        let start = if self.paging == Paging::All { 0 } else { start };
        let mut page: Vec<Value> = all
            .iter()
            .skip(start)
            .take(size)
            .map(|name| (*name).clone())
            .collect();
        let counter: usize = parameter("turn")
            .and_then(|turn| turn.parse().ok())
            .unwrap_or(0);
        if style == Some(Style::Growing) {
            page = vec![format!("t{counter}").into()];
        }
        let more = start + page.len() < all.len()
            || matches!(style, Some(Style::Loop | Style::Endless | Style::Growing));
        let body = match repository.null_tags {
            true => json!({"name": name, "tags": null}),
            false => json!({"name": name, "tags": page}),
        };
        let body = body.to_string().into_bytes();
        let etag = format!("\"{}\"", Digest::sha256(&body));
        if self.etags && request.header("if-none-match") == Some(etag.as_str()) {
            return Reply {
                status: 304,
                headers: vec![("etag".to_owned(), etag)],
                body: Vec::new(),
            };
        }
        let mut reply = Reply::new(200, "application/json", body);
        if self.etags {
            reply.set("etag", Some(etag));
        }
        if let (Some(style), true) = (style, more) {
            let last = page.last().and_then(Value::as_str).unwrap_or_default();
            let own = format!("/v2/{name}/tags/list");
            let plain = format!("{own}?n={size}&last={last}");
            let link = match style {
                Style::Relative | Style::Several => plain,
                Style::Absolute => format!("http://{}{plain}", self.address),
                Style::Opaque => format!("{own}?next_page=opaque-{last}&limit=2"),
                Style::PathBug => format!(
                    "/v2/{}/tags/list?n={size}&last={last}",
                    name.split_once('/').map_or(name, |(_, rest)| rest)
                ),
                Style::Elsewhere => format!("{}{plain}", self.elsewhere),
                Style::Loop => format!("{own}?{query}"),
                Style::Endless | Style::Growing => format!("{own}?turn={}", counter + 1),
            };
            if style == Style::Several {
                reply.headers.push((
                    "link".to_owned(),
                    "</help>; rel=\"help\"; title=\"a, b\"".to_owned(),
                ));
                reply.headers.push((
                    "link".to_owned(),
                    format!("</first>; rel=first, <{link}>; rel=next"),
                ));
            } else {
                reply
                    .headers
                    .push(("link".to_owned(), format!("<{link}>; rel=\"next\"")));
            }
        }
        reply
    }
}

fn manifest(repository: &Repository, reference: &str, etags: bool, request: &Logged) -> Reply {
    let by_tag = repository
        .tags
        .iter()
        .find(|(name, _)| name == reference)
        .and_then(|(_, digest)| digest.as_ref());
    let digest = by_tag.map_or(reference, Digest::as_str);
    let Some((media_type, body)) = repository.manifests.get(digest) else {
        return Reply::error(404, "MANIFEST_UNKNOWN");
    };
    let etag = format!("\"{digest}\"");
    if etags && request.header("if-none-match") == Some(etag.as_str()) {
        return Reply {
            status: 304,
            headers: vec![("etag".to_owned(), etag)],
            body: Vec::new(),
        };
    }
    let mut reply = Reply::new(200, media_type, body.clone());
    reply.set("docker-content-digest", Some(digest.to_owned()));
    if etags {
        reply.set("etag", Some(etag));
    }
    reply
}
