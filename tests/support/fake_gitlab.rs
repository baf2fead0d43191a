//! A GitLab that holds state and speaks HTTP on loopback: REST v4, GraphQL, and git over `git http-backend`.
//!
//! It does what GitLab does where imagebot could be caught by it: quick actions run, mentions are recorded, bodies
//! are trimmed, pages end at 100, complexity at 250, an auto-merge without a pipeline merges at once. It answers
//! only what it knows: anything else is a 404 and fails the test when the fake is dropped.
//! A test binary that uses it also has `mod cable` and `mod forge_server`.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and a fake that panics tells where"
)]

#[path = "fake_gitlab/answers.rs"]
mod answers;
#[path = "fake_gitlab/backend.rs"]
mod backend;
#[path = "fake_gitlab/changes.rs"]
mod changes;
#[path = "fake_gitlab/complexity.rs"]
mod complexity;
#[path = "fake_gitlab/faults.rs"]
mod faults;
#[path = "fake_gitlab/fork.rs"]
mod fork;
#[path = "fake_gitlab/graphql.rs"]
mod graphql;
#[path = "fake_gitlab/jwt.rs"]
mod jwt;
#[path = "fake_gitlab/merging.rs"]
mod merging;
#[path = "fake_gitlab/people.rs"]
mod people;
#[path = "fake_gitlab/rest.rs"]
mod rest;
#[path = "fake_gitlab/state.rs"]
mod state;
#[path = "fake_gitlab/text.rs"]
mod text;
#[path = "fake_gitlab/wire.rs"]
mod wire;

pub(crate) use complexity::complexity as cost;
pub(crate) use faults::{Fault, FaultId};
pub(crate) use graphql::schema;
pub(crate) use people::{NewToken, ProjectOptions};
pub(crate) use state::{Issue, MergeRequest};
pub(crate) use text::Fired;
pub(crate) use wire::{Kind, Logged};

use state::State;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running GitLab.
pub(crate) struct FakeGitLab {
    shared: Arc<Shared>,
    /// `None` for a further handle.
    server: Option<(tokio::task::JoinHandle<()>, tempfile::TempDir)>,
}

/// What the server's tasks share.
struct Shared {
    state: Mutex<State>,
    /// `http://127.0.0.1:port`, followed by the relative root.
    url: String,
    root: String,
}

/// How many requests of each kind there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) rest: usize,
    pub(crate) graphql: usize,
    pub(crate) git: usize,
}

impl FakeGitLab {
    /// A GitLab at the root of a free port, with the user `imagebot` (id 1) and no project.
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0", "").await
    }

    /// One at an address, below a relative root such as `/gitlab`.
    pub(crate) async fn start_at(address: &str, root: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}{root}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path(), &url);
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            url,
            root: root.to_owned(),
        });
        let app = wire::app(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self {
            shared,
            server: Some((server, folder)),
        }
    }

    /// A further handle, for what happens while a request is under way ([`Fault::Before`]); it ends nothing.
    pub(crate) fn handle(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            server: None,
        }
    }

    /// The instance's URL, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.shared.url
    }

    /// The folder with everything that is on disk.
    pub(crate) fn folder(&self) -> PathBuf {
        self.lock().folder.clone()
    }

    /// All requests since the start, or since the log was cleared.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.lock().log.clone()
    }

    /// The requests that change something: REST that is no `GET`, and pushes.
    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.requests();
        log.iter()
            .filter(|r| r.is_write())
            .map(Logged::line)
            .collect()
    }

    pub(crate) fn clear_log(&self) {
        self.lock().log.clear();
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for request in &self.lock().log {
            match request.kind {
                Kind::Rest => counts.rest += 1,
                Kind::GraphQl => counts.graphql += 1,
                Kind::Git => counts.git += 1,
            }
        }
        counts
    }

    /// What texts have set off: quick actions, mentions, references, closing keywords, images.
    pub(crate) fn fired(&self) -> Vec<Fired> {
        self.lock().fired.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeGitLab {
    fn drop(&mut self) {
        let Some((server, _)) = &self.server else {
            return;
        };
        server.abort();
        // What happens before requests holds handles of ours.
        self.lock().faults.clear();
        let unexpected = std::mem::take(&mut self.lock().unexpected);
        if !std::thread::panicking() {
            assert!(unexpected.is_empty(), "unexpected requests: {unexpected:?}");
        }
    }
}
