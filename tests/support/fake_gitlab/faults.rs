//! What goes wrong when it is told to. Each fault counts how often it happened.

use super::FakeGitLab;
use super::state::State;
use crate::cable::{Cable, Cut, Fate};
use std::sync::Arc;

/// What becomes of a matching request.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This answer instead: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The effect, and then a connection that breaks off instead of an answer.
    DropAfter,
    /// No effect, and a connection that breaks off.
    DropBefore,
    /// Something happens just before: a person is faster, or time passes.
    Before(Arc<dyn Fn() + Send + Sync>),
    /// GraphQL: the repository of the project with this id is null, with an error.
    NullRepository(u64),
    /// GraphQL: a page that holds the project with this id fails whole.
    FailPageWith(u64),
}

/// A fault, to ask how often it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FaultId(usize);

pub(super) struct Scripted {
    method: String,
    part: String,
    left: usize,
    fault: Fault,
    fired: usize,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Self::message(status, &format!("{status}"))
    }

    /// An error as GitLab tells it.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string();
        Self::Answer(
            status,
            vec![("content-type", "application/json".to_owned())],
            body,
        )
    }

    /// A login page.
    pub(crate) fn html() -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".to_owned())];
        Self::Answer(200, headers, "<html><form>Sign in</form></html>".to_owned())
    }

    pub(crate) fn retry_after(status: u16, seconds: &str) -> Self {
        Self::Answer(
            status,
            vec![("retry-after", seconds.to_owned())],
            String::new(),
        )
    }
}

impl FakeGitLab {
    /// The next `times` requests of a method (any, if empty) whose path and query, or GraphQL document, hold `part`
    /// go wrong. With 0 times nothing does: the same test without its fault.
    pub(crate) fn fail(&self, method: &str, part: &str, times: usize, fault: Fault) -> FaultId {
        let mut state = self.lock();
        state.faults.push(Scripted {
            method: method.to_owned(),
            part: part.to_owned(),
            left: times,
            fault,
            fired: 0,
        });
        FaultId(state.faults.len() - 1)
    }

    /// How often a fault happened.
    pub(crate) fn happened(&self, id: FaultId) -> usize {
        self.lock().faults[id.0].fired
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
        for fault in &mut state.faults {
            fault.left = 0;
        }
    }
}

impl State {
    /// What goes wrong with this request.
    pub(super) fn meet(&mut self, method: &str, text: &str, write: bool) -> Option<Fault> {
        match self.cable.meet(write) {
            Fate::Answered => meet(&mut self.faults, method, text),
            Fate::Unheard => Some(Fault::DropAfter),
            Fate::Nothing => Some(Fault::DropBefore),
        }
    }
}

/// The fault that this request meets.
fn meet(faults: &mut [Scripted], method: &str, text: &str) -> Option<Fault> {
    let met = faults.iter_mut().find(|fault| {
        let data = matches!(
            fault.fault,
            Fault::NullRepository(_) | Fault::FailPageWith(_)
        );
        !data
            && fault.left > 0
            && (fault.method.is_empty() || fault.method == method)
            && text.contains(&fault.part)
    })?;
    met.left -= 1;
    met.fired += 1;
    Some(met.fault.clone())
}

/// Whether the repository of a project is to be null.
pub(super) fn nulls(faults: &mut [Scripted], project: u64) -> bool {
    let met = faults.iter_mut().find(|fault| {
        fault.left > 0 && matches!(fault.fault, Fault::NullRepository(id) if id == project)
    });
    met.is_some_and(|fault| {
        fault.left -= 1;
        fault.fired += 1;
        true
    })
}

/// Whether a page with these projects fails whole.
pub(super) fn fails(faults: &mut [Scripted], projects: &[u64]) -> bool {
    let met = faults.iter_mut().find(|fault| {
        fault.left > 0 && matches!(fault.fault, Fault::FailPageWith(id) if projects.contains(&id))
    });
    met.is_some_and(|fault| {
        fault.left -= 1;
        fault.fired += 1;
        true
    })
}
