//! A second instance that is as the first one is now, and goes its own way.

use super::state::State;
use super::{FakeGitHub, Options, git};

impl FakeGitHub {
    /// A copy at another address, with its own repositories and the same clock; the log, the faults and what fired are
    /// not copied.
    pub(crate) async fn fork(&self) -> Self {
        let options = Options {
            port: 0,
            ..self.shared.options.clone()
        };
        let other = Self::start_with(options).await;
        {
            let (from, mut to) = (self.lock(), other.lock());
            for repo in from.repos.values() {
                let folder = repo.folder();
                let source = self.shared.repos.path(&folder);
                git::copy(&source, &other.shared.repos.path(&folder));
            }
            *to = State {
                owners: from.owners.clone(),
                repos: from.repos.clone(),
                names: from.names.clone(),
                moved: from.moved.clone(),
                tokens: from.tokens.clone(),
                app: from.app.clone(),
                budgets: from.budgets.clone(),
                last_id: from.last_id,
                graphql_off: from.graphql_off,
                ..State::default()
            };
        }
        other
    }

    /// The full names of all repositories.
    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.lock();
        let repos = state.repos.values();
        repos.map(super::state::Repo::full_name).collect()
    }
}
