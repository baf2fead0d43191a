//! An OCI registry in memory that pushes, lists and pulls as the distribution specification says; without logins.

mod reply;
mod stored;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use reply::{Failure, Reply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use stored::{Shelf, Stored};

/// The largest body of a request.
const LARGEST_BODY: usize = 64 << 20;

/// A registry on a free port of the loopback interface; it stops when the value is dropped.
#[derive(Debug)]
pub struct DemoRegistry {
    address: SocketAddr,
    shelves: Shelves,
    server: tokio::task::JoinHandle<()>,
}

/// A registry's contents in a file.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    port: u16,
    shelves: BTreeMap<String, Shelf>,
}

#[derive(Debug, Clone)]
struct Shelves(Arc<Mutex<Stored>>);

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
        let stored = Stored::new(saved.shelves);
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
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID").into_response();
    };
    let mut stored = shelves.0.lock().unwrap_or_else(PoisonError::into_inner);
    stored
        .log
        .push(format!("{} {}", parts.method, parts.uri.path()));
    let query = parts.uri.query().unwrap_or_default();
    let path = parts.uri.path().trim_start_matches("/v2/");
    let words: Vec<&str> = path.split('/').collect();
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let answer: Result<Reply, Failure> = match words[..] {
        [""] | ["v2"] if reads => Ok(Reply::json("{}".to_owned())),
        [ref name @ .., "tags", "list"] if reads => stored.tags(&name.join("/"), query),
        [ref name @ .., "manifests", reference] => match parts.method {
            Method::GET | Method::HEAD => stored.manifest(&name.join("/"), reference),
            Method::PUT => stored.put_manifest(&name.join("/"), reference, &parts.headers, &body),
            _ => Err(Failure::unsupported()),
        },
        [ref name @ .., "blobs", "uploads", ""] if parts.method == Method::POST => {
            stored.start_upload(&name.join("/"), query)
        }
        [ref name @ .., "blobs", "uploads", id] => match parts.method {
            Method::PATCH => stored.append(&name.join("/"), id, &parts.headers, &body),
            Method::PUT => stored.finish_upload(&name.join("/"), id, query, &body),
            _ => Err(Failure::unsupported()),
        },
        [ref name @ .., "blobs", digest] if reads => stored.blob(&name.join("/"), digest),
        _ => Err(Failure::unsupported()),
    };
    match answer {
        Ok(reply) => reply.into_response(&parts.method),
        Err(failure) => failure.into_response(),
    }
}
