//! A GitHub that holds state and speaks HTTP on loopback: REST, the GraphQL that is used, and git with tokens checked.
//!
//! Repositories are real and bare, behind `git http-backend`. Time is the clock's that it was given. Every request is
//! logged; one that it does not know fails the test when the fake is dropped, as does a text in which something fires:
//! a mention, a reference, a closing keyword. A test binary that uses it also has `mod git_repos`, `mod cable` and `mod forge_server`.
#![allow(unused_imports, reason = "each test binary uses a part of it")]

#[path = "fake_github/faults.rs"]
mod faults;
#[path = "fake_github/fork.rs"]
mod fork;
#[path = "fake_github/git.rs"]
mod git;
#[path = "fake_github/graphql.rs"]
mod graphql;
#[path = "fake_github/issues.rs"]
mod issues;
#[path = "fake_github/people.rs"]
mod people;
#[path = "fake_github/pulls.rs"]
mod pulls;
#[path = "fake_github/render.rs"]
mod render;
#[path = "fake_github/resolve.rs"]
mod resolve;
#[path = "fake_github/rest.rs"]
mod rest;
#[path = "fake_github/server.rs"]
mod server;
#[path = "fake_github/state.rs"]
mod state;
#[path = "fake_github/texts.rs"]
mod texts;

use crate::git_repos::Repos;
use imagebot::http::Clock;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use faults::{Effect, Hits};
pub(crate) use people::{RepoOptions, TokenOptions};
pub(crate) use server::{Kind, Logged};
pub(crate) use state::{Check, Owner};

/// What a fake is started with.
#[derive(Clone)]
pub(crate) struct Options {
    /// Below which path the instance stands: nothing, or `/hub`.
    pub(crate) root: String,
    /// Whether it is an Enterprise Server, with `/api/v3` and `/api/graphql`, and of which version.
    pub(crate) version: Option<String>,
    pub(crate) clock: Clock,
    pub(crate) port: u16,
}

impl Default for Options {
    fn default() -> Self {
        let start = "2026-11-21T12:00:00Z".parse().expect("a time");
        Self {
            root: String::new(),
            version: Some("3.17.2".to_owned()),
            clock: Clock::manual(start),
            port: 0,
        }
    }
}

pub(crate) struct Shared {
    pub(crate) state: Mutex<state::State>,
    pub(crate) repos: Repos,
    pub(crate) options: Options,
    pub(crate) address: SocketAddr,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, state::State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the paths of the REST API begin with.
    pub(crate) fn base(&self) -> String {
        let api = if self.options.version.is_some() {
            "/api/v3"
        } else {
            ""
        };
        format!("{}{api}", self.options.root)
    }

    pub(crate) fn graphql_path(&self) -> String {
        let api = if self.options.version.is_some() {
            "/api"
        } else {
            ""
        };
        format!("{}{api}/graphql", self.options.root)
    }
}

/// A running fake.
pub(crate) struct FakeGitHub {
    pub(crate) shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl FakeGitHub {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", options.port))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            repos: Repos::new(),
            options,
            address,
        });
        let router = server::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, server }
    }

    /// The instance's URL, as the configuration names it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.shared.address, self.shared.options.root)
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.options.clock.clone()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, state::State> {
        self.shared.lock()
    }

    /// The requests since the last call.
    pub(crate) fn take_log(&self) -> Vec<Logged> {
        std::mem::take(&mut self.lock().log)
    }

    /// How many requests of REST, GraphQL and git there were since the last call.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let log = self.take_log();
        let count = |kind| log.iter().filter(|entry| entry.kind == kind).count();
        (count(Kind::Rest), count(Kind::GraphQl), count(Kind::Git))
    }

    /// The requests since the last call that change something.
    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.take_log();
        log.iter().filter(|e| e.write).map(Logged::line).collect()
    }

    /// What fired in a text since the last call: mentions, references, closing keywords.
    pub(crate) fn fired(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().fired)
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.server.abort();
        let mut state = self.lock();
        let unexpected = std::mem::take(&mut state.unexpected);
        let fired = std::mem::take(&mut state.fired);
        drop(state);
        if !std::thread::panicking() {
            assert!(unexpected.is_empty(), "unexpected requests: {unexpected:?}");
            assert!(fired.is_empty(), "a text does something: {fired:?}");
        }
    }
}
