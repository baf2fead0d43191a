//! A registry that holds state and speaks HTTP on loopback, for tests of the real client.
//!
//! It is written on bare sockets, so that it can also break off, stall and lie. Every request is logged; one
//! that it does not know fails the test when the fake is dropped.

use imagebot::image::{Digest, RegistryHost};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Logged {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// Who may read.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    Open,
    /// `user:password` in base64, with the challenges sent otherwise.
    Basic {
        pair: String,
        challenges: Vec<String>,
    },
    /// A token of [`FakeRegistry::tokens`], with the challenges sent otherwise.
    Bearer {
        challenges: Vec<String>,
    },
}

/// How tags are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// All at once, whatever `n` and `last` say (docker-registry 2.8).
    All,
    /// Pages without any link; `n` and `last` count.
    NoLink,
    /// Pages of this size with a link in this style.
    Links(usize, Style),
}

/// How the next page is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Relative,
    Absolute,
    /// An opaque token in place of `last`.
    Opaque,
    /// Behind another link, in a second header, without quotes.
    Several,
    /// Without the first part of the repository's path (Artifactory).
    PathBug,
    /// At the origin of [`FakeRegistry::set_elsewhere`].
    Elsewhere,
    /// To the page itself.
    Loop,
    /// To a page that always has a new URL and never a new tag.
    Endless,
    /// To pages that always have a new tag.
    Growing,
}

/// What goes wrong with an answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// This answer instead: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The right answer with a header set to something else, or without it.
    Header(&'static str, Option<String>),
    /// The right answer, cut in half.
    Short,
    /// The right head, one byte, and nothing more.
    Stall,
    /// No answer: the connection is closed.
    Close,
    /// Not HTTP.
    Garbage,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }

    pub(crate) fn retry_after(status: u16, value: &str) -> Self {
        Self::Answer(status, vec![("retry-after", value.to_owned())], Vec::new())
    }

    pub(crate) fn redirect(to: String) -> Self {
        Self::Answer(307, vec![("location", to)], Vec::new())
    }

    pub(crate) fn html() -> Self {
        let page = b"<html><form>Sign in to the guest network</form></html>".to_vec();
        Self::Answer(
            200,
            vec![("content-type", "text/html; charset=utf-8".to_owned())],
            page,
        )
    }
}

#[derive(Default)]
struct Repository {
    tags: Vec<(Value, Option<Digest>)>,
    null_tags: bool,
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
}

struct State {
    address: SocketAddr,
    repositories: BTreeMap<String, Repository>,
    auth: Auth,
    users: Vec<String>,
    expires_in: Option<u64>,
    issued: usize,
    paging: Paging,
    elsewhere: String,
    faults: Vec<(String, usize, Fault)>,
    extra: Vec<(&'static str, String)>,
    etags: bool,
    log: Vec<Logged>,
    unexpected: Vec<String>,
    connections: usize,
}

/// The tokens that were issued and are valid; two fakes can share them.
pub(crate) type TokenSet = Arc<Mutex<Vec<String>>>;

pub(crate) struct FakeRegistry {
    state: Arc<Mutex<State>>,
    pub(crate) tokens: TokenSet,
    server: tokio::task::JoinHandle<()>,
}

impl FakeRegistry {
    pub(crate) async fn start() -> Self {
        Self::launch(TokenSet::default(), None).await
    }

    /// One that accepts and issues another's tokens.
    pub(crate) async fn start_with(tokens: TokenSet) -> Self {
        Self::launch(tokens, None).await
    }

    /// One that speaks TLS with the certificate in `fixtures/tls`.
    pub(crate) async fn start_tls() -> Self {
        use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
        imagebot::http::install_crypto();
        let certificate =
            CertificateDer::from_pem_file("fixtures/tls/server.pem").expect("a certificate");
        let key = PrivateKeyDer::from_pem_file("fixtures/tls/server.key").expect("a key");
        let config = tokio_rustls::rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a TLS configuration");
        Self::launch(TokenSet::default(), Some(Arc::new(config).into())).await
    }

    async fn launch(tokens: TokenSet, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            address,
            repositories: BTreeMap::new(),
            auth: Auth::Open,
            users: Vec::new(),
            expires_in: None,
            issued: 0,
            paging: Paging::All,
            elsewhere: String::new(),
            faults: Vec::new(),
            extra: Vec::new(),
            etags: false,
            log: Vec::new(),
            unexpected: Vec::new(),
            connections: 0,
        }));
        let (served, valid) = (Arc::clone(&state), Arc::clone(&tokens));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&served).connections += 1;
                let (state, tokens, tls) = (Arc::clone(&served), Arc::clone(&valid), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &state, &tokens).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &state, &tokens).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            state,
            tokens,
            server,
        }
    }

    /// `127.0.0.1:port`.
    pub(crate) fn host(&self) -> RegistryHost {
        RegistryHost::parse(&self.address().to_string()).expect("a host")
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.lock().address
    }

    /// Adds an image of some layers and labels under a tag; gives its digest.
    pub(crate) fn push(&self, repository: &str, tag: &str, labels: Value) -> Digest {
        let config = json!({"os": "linux", "architecture": "amd64", "created": "2026-11-01T00:00:00Z",
            "config": {"Labels": labels}, "rootfs": {"diff_ids": [Digest::sha256(tag.as_bytes()).as_str()]}});
        let config = self.push_blob(repository, config.to_string().into_bytes());
        let layer = Digest::sha256(format!("layer {tag}").as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.as_str(), "size": 1},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer.as_str(), "size": 1}]});
        self.push_manifest(
            repository,
            Some(tag),
            IMAGE,
            manifest.to_string().into_bytes(),
        )
    }

    pub(crate) fn push_blob(&self, repository: &str, blob: Vec<u8>) -> Digest {
        let digest = Digest::sha256(&blob);
        let mut state = self.lock();
        let repository = state.repositories.entry(repository.to_owned()).or_default();
        repository.blobs.insert(digest.to_string(), blob);
        digest
    }

    pub(crate) fn blob(&self, repository: &str, digest: &Digest) -> Vec<u8> {
        let state = self.lock();
        let blob = state
            .repositories
            .get(repository)
            .and_then(|r| r.blobs.get(digest.as_str()));
        blob.expect("the blob was pushed").clone()
    }

    pub(crate) fn push_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        body: Vec<u8>,
    ) -> Digest {
        let digest = Digest::sha256(&body);
        let mut state = self.lock();
        let repository = state.repositories.entry(repository.to_owned()).or_default();
        repository
            .manifests
            .insert(digest.to_string(), (media_type.to_owned(), body));
        if let Some(tag) = tag {
            repository.tags.retain(|(name, _)| name != tag);
            repository.tags.push((tag.into(), Some(digest.clone())));
        }
        digest
    }

    /// Lists names that may be no tags, without any manifest.
    pub(crate) fn list(&self, repository: &str, names: impl IntoIterator<Item = impl Into<Value>>) {
        let mut state = self.lock();
        let repository = state.repositories.entry(repository.to_owned()).or_default();
        repository
            .tags
            .extend(names.into_iter().map(|name| (name.into(), None)));
    }

    pub(crate) fn set_null_tags(&self, repository: &str) {
        let mut state = self.lock();
        state
            .repositories
            .entry(repository.to_owned())
            .or_default()
            .null_tags = true;
    }

    /// Wants a token from its own `/token`, or from another fake's.
    pub(crate) fn want_token(&self, realm: &str, users: &[String]) {
        let challenge = format!("Bearer realm=\"{realm}/token\",service=\"fake\"");
        self.set_auth(Auth::Bearer {
            challenges: vec![challenge],
        });
        self.set_users(users);
    }

    pub(crate) fn set_auth(&self, auth: Auth) {
        self.lock().auth = auth;
    }

    /// Who gets tokens: base64 of `user:password`, or `anonymous`.
    pub(crate) fn set_users(&self, users: &[String]) {
        self.lock().users = users.to_vec();
    }

    pub(crate) fn set_expires_in(&self, seconds: u64) {
        self.lock().expires_in = Some(seconds);
    }

    /// Makes every token that was issued invalid.
    pub(crate) fn revoke_tokens(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn set_paging(&self, paging: Paging) {
        self.lock().paging = paging;
    }

    pub(crate) fn set_elsewhere(&self, origin: String) {
        self.lock().elsewhere = origin;
    }

    pub(crate) fn set_etags(&self) {
        self.lock().etags = true;
    }

    /// A header on every answer.
    pub(crate) fn set_header(&self, name: &'static str, value: &str) {
        let mut state = self.lock();
        state.extra.retain(|(key, _)| *key != name);
        state.extra.push((name, value.to_owned()));
    }

    /// The next `times` requests whose `METHOD target` begins with `prefix` go wrong.
    pub(crate) fn fail(&self, prefix: &str, times: usize, fault: Fault) {
        self.lock().faults.push((prefix.to_owned(), times, fault));
    }

    pub(crate) fn connections(&self) -> usize {
        self.lock().connections
    }

    /// The requests since the last call.
    pub(crate) fn take_log(&self) -> Vec<Logged> {
        std::mem::take(&mut self.lock().log)
    }

    /// The requests since the last call are exactly these.
    #[track_caller]
    pub(crate) fn expect(&self, lines: &[&str]) -> Vec<Logged> {
        let log = self.take_log();
        let found: Vec<String> = log.iter().map(Logged::line).collect();
        assert_eq!(found, lines);
        log
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.server.abort();
        let unexpected = std::mem::take(&mut self.lock().unexpected);
        if !std::thread::panicking() {
            assert!(unexpected.is_empty(), "unexpected requests: {unexpected:?}");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn new(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        Self {
            status,
            headers,
            body,
        }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": "not for you"}]});
        Self::new(status, "application/json", body.to_string().into_bytes())
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        self.headers.retain(|(key, _)| key != name);
        self.headers
            .extend(value.map(|value| (name.to_owned(), value)));
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    state: &Mutex<State>,
    tokens: &TokenSet,
) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let (reply, fault) = {
        let mut state = lock(state);
        state.log.push(request.clone());
        let line = request.line();
        let fault = state
            .faults
            .iter_mut()
            .find(|(prefix, times, _)| *times > 0 && line.starts_with(prefix.as_str()));
        let fault = fault.map(|(_, times, fault)| {
            *times -= 1;
            fault.clone()
        });
        let mut reply = match &fault {
            Some(Fault::Answer(status, headers, body)) => Reply {
                status: *status,
                headers: headers
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
                body: body.clone(),
            },
            _ => state.answer(&request, tokens),
        };
        for (name, value) in state.extra.clone() {
            reply.set(name, Some(value));
        }
        (reply, fault)
    };
    send(&mut stream, &request, reply, fault).await;
}

async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Logged> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        if head == [0x16] {
            // TLS on a plain port: what servers in Go answer.
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    Some(Logged {
        method: first.next()?.to_owned(),
        target: first.next()?.to_owned(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    })
}

async fn send(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Logged,
    mut reply: Reply,
    fault: Option<Fault>,
) {
    match &fault {
        Some(Fault::Close) => return,
        Some(Fault::Garbage) => {
            let _ = stream
                .write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
                .await;
            return;
        }
        Some(Fault::Header(name, value)) => reply.set(name, value.clone()),
        _ => {}
    }
    let mut text = format!("HTTP/1.1 {} Fake\r\nconnection: close\r\n", reply.status);
    if reply.status != 304 {
        text += &format!("content-length: {}\r\n", reply.body.len());
    }
    for (name, value) in &reply.headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut bytes = format!("{text}\r\n").into_bytes();
    if request.method != "HEAD" && reply.status != 304 {
        let sent = match fault {
            Some(Fault::Short) => reply.body.len() / 2,
            Some(Fault::Stall) => 1,
            _ => reply.body.len(),
        };
        bytes.extend_from_slice(&reply.body[..sent]);
    }
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    if matches!(fault, Some(Fault::Stall)) {
        // Until the client gives up.
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}

impl State {
    fn answer(&mut self, request: &Logged, tokens: &TokenSet) -> Reply {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        if path == "/token" && !self.users.is_empty() {
            return self.issue(request, tokens);
        }
        let Some(below) = path
            .strip_prefix("/v2/")
            .filter(|_| matches!(request.method.as_str(), "GET" | "HEAD"))
        else {
            self.unexpected.push(request.line());
            return Reply::error(404, "NAME_UNKNOWN");
        };
        if let Some(refusal) = self.refuse(request, tokens) {
            return refusal;
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
        self.issued += 1;
        let token = format!("CANARY-token-{}", self.issued);
        tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(token.clone());
        let mut body = json!({"token": token});
        if let Some(seconds) = self.expires_in {
            body["expires_in"] = seconds.into();
        }
        let mut reply = Reply::new(200, "application/json", body.to_string().into_bytes());
        reply.set("set-cookie", Some("session=CANARY-cookie".to_owned()));
        reply
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
        let start = last
            .as_ref()
            .and_then(|last| all.iter().position(|name| *name == last))
            .map_or(0, |at| at + 1);
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
