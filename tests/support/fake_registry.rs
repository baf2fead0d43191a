//! A registry that holds state and speaks HTTP on loopback, for tests of the real client.
//!
//! It is written on bare sockets, so that it can also break off, stall and lie. Every request is logged; one
//! that it does not know fails the test when the fake is dropped.

#[path = "fake_registry/answers.rs"]
mod answers;
#[path = "fake_registry/pushes.rs"]
mod pushes;
#[path = "fake_registry/wire.rs"]
mod wire;

use imagebot::image::{Digest, RegistryHost};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use wire::serve;

pub(crate) use wire::{Fault, Logged};

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

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
    /// The refresh token that `POST /token` exchanges, and the one that it sends in its place.
    refresh: Option<(String, Option<String>)>,
    expires_in: Option<u64>,
    issued: usize,
    paging: Paging,
    elsewhere: String,
    faults: Vec<(String, usize, Fault)>,
    extra: Vec<(&'static str, String)>,
    etags: bool,
    /// The blobs that are being uploaded, once pushes are accepted.
    uploads: Option<Vec<Vec<u8>>>,
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

impl State {
    fn keep_manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        body: Vec<u8>,
    ) -> Digest {
        let digest = Digest::sha256(&body);
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository
            .manifests
            .insert(digest.to_string(), (media_type.to_owned(), body));
        if let Some(tag) = tag {
            repository.tags.retain(|(name, _)| name != tag);
            repository.tags.push((tag.into(), Some(digest.clone())));
        }
        digest
    }
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
            refresh: None,
            expires_in: None,
            issued: 0,
            paging: Paging::All,
            elsewhere: String::new(),
            faults: Vec::new(),
            extra: Vec::new(),
            etags: false,
            uploads: None,
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
        self.lock().keep_manifest(repository, tag, media_type, body)
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

    /// Exchanges this refresh token, once if there is a next one. Without a call, OAuth2 is unknown here: 404.
    pub(crate) fn set_refresh_token(&self, token: &str, next: Option<&str>) {
        self.lock().refresh = Some((token.to_owned(), next.map(str::to_owned)));
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

    /// Takes blobs and manifests from now on; before, a request that writes is unexpected.
    pub(crate) fn accept_pushes(&self) {
        self.lock().uploads = Some(Vec::new());
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

    /// From here on nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.lock().faults.clear();
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
