//! What goes wrong, in scripts: each fault counts how often it struck.

use super::FakeGitHub;
use super::server::Reply;
use super::state::State;
use crate::cable::{Cable, Cut, Fate};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a fault does to a request.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Answers so, and does nothing.
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Value,
    },
    /// Answers with a page for people.
    Html(u16),
    /// Does it, and breaks off in the middle of the answer.
    DropAfter,
    /// Does nothing, and breaks off.
    DropBefore,
    /// The clock moves on before the answer.
    Delay(Duration),
    /// A page of GraphQL that has this repository on it fails as a whole.
    FailPageWith(String),
    /// This repository is `null` on a page of GraphQL, with an error beside it.
    NullNode(String),
}

/// How often a fault struck.
#[derive(Debug, Clone)]
pub(crate) struct Hits(Arc<AtomicUsize>);

impl Hits {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Fault {
    /// What `METHOD path`, `GRAPHQL Operation` or `GIT path` begins with.
    prefix: String,
    left: usize,
    pub(super) effect: Effect,
    hits: Hits,
}

impl Effect {
    pub(crate) fn status(status: u16, message: &str) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: serde_json::json!({"message": message}),
        }
    }

    pub(crate) fn with(status: u16, headers: &[(&'static str, &str)], message: &str) -> Self {
        Self::Answer {
            status,
            headers: headers.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
            body: serde_json::json!({"message": message}),
        }
    }

    pub(super) fn reply(&self) -> Option<Reply> {
        match self {
            Self::Answer {
                status,
                headers,
                body,
            } => {
                let mut reply = Reply::new(*status, body.clone());
                for (name, value) in headers {
                    reply.headers.push(((*name).to_owned(), value.clone()));
                }
                Some(reply)
            }
            Self::Html(status) => Some(Reply::html(*status)),
            _ => None,
        }
    }
}

impl FakeGitHub {
    /// What goes wrong with the next `times` requests whose line begins so.
    pub(crate) fn fail(&self, prefix: &str, times: usize, effect: Effect) -> Hits {
        self.lock().add_fault(prefix, times, effect)
    }

    /// The n-th write from now on is cut off.
    pub(crate) fn cut_at(&self, n: usize, how: Cut) {
        self.lock().cable = Cable::cut_at(n, how);
    }

    /// How many requests got no answer since then.
    pub(crate) fn lost(&self) -> usize {
        self.lock().cable.lost()
    }

    /// From here on nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        let mut state = self.lock();
        state.cable.heal();
        state.faults.clear();
    }
}

impl State {
    pub(super) fn add_fault(&mut self, prefix: &str, times: usize, effect: Effect) -> Hits {
        let hits = Hits(Arc::default());
        self.faults.push(Fault {
            prefix: prefix.to_owned(),
            left: times,
            effect,
            hits: hits.clone(),
        });
        hits
    }

    /// The fault that strikes a request. Those on single repositories strike where they find them.
    pub(super) fn strike(
        &mut self,
        line: &str,
        node_ids: &[String],
        write: bool,
    ) -> Option<Effect> {
        match self.cable.meet(write) {
            Fate::Answered => {}
            Fate::Unheard => return Some(Effect::DropAfter),
            Fate::Nothing => return Some(Effect::DropBefore),
        }
        let names: Vec<String> = node_ids
            .iter()
            .filter_map(|id| self.repo_of_node(id).map(|repo| repo.full_name()))
            .collect();
        let fits = |fault: &&mut Fault| {
            let here = match &fault.effect {
                Effect::FailPageWith(name) | Effect::NullNode(name) => names.contains(name),
                _ => true,
            };
            fault.left > 0 && here && line.starts_with(&fault.prefix)
        };
        let fault = self.faults.iter_mut().find(fits)?;
        fault.left -= 1;
        fault.hits.0.fetch_add(1, Ordering::Relaxed);
        Some(fault.effect.clone())
    }
}
