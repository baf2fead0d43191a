//! An OCI registry in memory, speaking just enough of the distribution protocol to push, list and pull.

use crate::image::Digest;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A registry on a free port of the loopback interface; it ends with the value.
#[derive(Debug)]
pub struct DemoRegistry {
    address: SocketAddr,
    shelves: Shelves,
    server: tokio::task::JoinHandle<()>,
}

/// What is stored, by repository. CI pushes text only: manifests, configurations and layers that are none.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shelf {
    tags: BTreeMap<String, String>,
    manifests: BTreeMap<String, (String, String)>,
    blobs: BTreeMap<String, String>,
}

/// A registry in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    port: u16,
    shelves: BTreeMap<String, Shelf>,
}

#[derive(Debug, Clone)]
struct Shelves(Arc<Mutex<Stored>>);

#[derive(Debug, Default)]
struct Stored {
    shelves: BTreeMap<String, Shelf>,
    log: Vec<String>,
}

impl DemoRegistry {
    /// Starts an empty registry.
    pub async fn start() -> std::io::Result<Self> {
        Self::serve(Saved {
            port: 0,
            shelves: BTreeMap::new(),
        })
        .await
    }

    /// Starts the registry that [`DemoRegistry::save`] wrote into a file, on the same port.
    pub async fn load(file: &Path) -> std::io::Result<Self> {
        Self::serve(serde_json::from_slice(&std::fs::read(file)?)?).await
    }

    /// Writes everything that is stored into a file.
    pub fn save(&self, file: &Path) -> std::io::Result<()> {
        let mut stored = self
            .shelves
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shelves = std::mem::take(&mut stored.shelves);
        let saved = Saved {
            port: self.address.port(),
            shelves,
        };
        let text = serde_json::to_vec_pretty(&saved);
        stored.shelves = saved.shelves;
        std::fs::write(file, text?)
    }

    async fn serve(saved: Saved) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", saved.port)).await?;
        let address = listener.local_addr()?;
        let stored = Stored {
            shelves: saved.shelves,
            log: Vec::new(),
        };
        let shelves = Shelves(Arc::new(Mutex::new(stored)));
        let app = Router::new().fallback(answer).with_state(shelves.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the demo's registry ended");
            }
        });
        Ok(Self {
            address,
            shelves,
            server,
        })
    }

    /// Its host, as image names write it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far, `METHOD path`, in order.
    pub fn log(&self) -> Vec<String> {
        self.shelves
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .log
            .clone()
    }
}

impl Drop for DemoRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shelves): State<Shelves>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20)
        .await
        .unwrap_or_default();
    let path = parts.uri.path().trim_start_matches("/v2/").to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let mut stored = shelves.0.lock().unwrap_or_else(PoisonError::into_inner);
    stored
        .log
        .push(format!("{} {}", parts.method, parts.uri.path()));
    let words: Vec<&str> = path.split('/').collect();
    match words[..] {
        [""] | ["v2"] => reply(StatusCode::OK, &[], "{}"),
        [ref name @ .., "tags", "list"] => tags(&mut stored, &name.join("/")),
        [ref name @ .., "manifests", reference] => manifest(
            &mut stored,
            &parts.method,
            &name.join("/"),
            reference,
            &parts.headers,
            body,
        ),
        [ref name @ .., "blobs", "uploads", ""] if parts.method == Method::POST => {
            let location = format!("/v2/{}/blobs/uploads/1", name.join("/"));
            reply(StatusCode::ACCEPTED, &[("location", &location)], "")
        }
        [ref name @ .., "blobs", "uploads", _] if parts.method == Method::PUT => {
            put_blob(&mut stored, &name.join("/"), &query, body)
        }
        [ref name @ .., "blobs", digest] => blob(&mut stored, &name.join("/"), digest),
        _ => reply(StatusCode::NOT_FOUND, &[], "{}"),
    }
}

fn tags(stored: &mut Stored, name: &str) -> Response<Body> {
    match stored.shelves.get(name) {
        Some(shelf) => {
            let tags: Vec<&String> = shelf.tags.keys().collect();
            reply(
                StatusCode::OK,
                &[],
                &serde_json::json!({ "name": name, "tags": tags }).to_string(),
            )
        }
        None => reply(
            StatusCode::NOT_FOUND,
            &[],
            r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#,
        ),
    }
}

fn manifest(
    stored: &mut Stored,
    method: &Method,
    name: &str,
    reference: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let shelf = stored.shelves.entry(name.to_owned()).or_default();
    if method == Method::PUT {
        let digest = Digest::sha256(&body).to_string();
        let media_type = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        shelf
            .manifests
            .insert(digest.clone(), (media_type.to_owned(), text(&body)));
        if !reference.contains(':') {
            shelf.tags.insert(reference.to_owned(), digest.clone());
        }
        return reply(
            StatusCode::CREATED,
            &[("docker-content-digest", &digest)],
            "",
        );
    }
    let digest = shelf
        .tags
        .get(reference)
        .cloned()
        .unwrap_or_else(|| reference.to_owned());
    match shelf.manifests.get(&digest) {
        Some((media_type, body)) => {
            let length = body.len().to_string();
            let headers = [
                ("content-type", media_type.as_str()),
                ("docker-content-digest", &digest),
                ("content-length", &length),
            ];
            bytes(
                StatusCode::OK,
                &headers,
                if method == Method::HEAD {
                    Bytes::new()
                } else {
                    Bytes::from(body.clone())
                },
            )
        }
        None => reply(
            StatusCode::NOT_FOUND,
            &[],
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#,
        ),
    }
}

fn put_blob(stored: &mut Stored, name: &str, query: &str, body: Bytes) -> Response<Body> {
    let digest = Digest::sha256(&body).to_string();
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "digest");
    if asked.is_none_or(|(_, asked)| asked != digest) {
        return reply(
            StatusCode::BAD_REQUEST,
            &[],
            r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#,
        );
    }
    stored
        .shelves
        .entry(name.to_owned())
        .or_default()
        .blobs
        .insert(digest, text(&body));
    reply(StatusCode::CREATED, &[], "")
}

fn blob(stored: &mut Stored, name: &str, digest: &str) -> Response<Body> {
    match stored
        .shelves
        .get(name)
        .and_then(|shelf| shelf.blobs.get(digest))
    {
        Some(body) => bytes(
            StatusCode::OK,
            &[("content-type", "application/octet-stream")],
            Bytes::from(body.clone()),
        ),
        None => reply(
            StatusCode::NOT_FOUND,
            &[],
            r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#,
        ),
    }
}

/// A pushed body; CI pushes text.
fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

fn reply(status: StatusCode, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let json = [("content-type", "application/json")];
    bytes(
        status,
        &[&json, headers].concat(),
        Bytes::copy_from_slice(body.as_bytes()),
    )
}

fn bytes(status: StatusCode, headers: &[(&str, &str)], body: Bytes) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}
