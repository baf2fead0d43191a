//! A second instance that is as the first one is now, and goes its own way.

use super::FakeGitLab;
use super::state::State;
use std::path::Path;

impl FakeGitLab {
    /// A copy at another address, with its own repositories; the log, the faults and what fired are not copied.
    pub(crate) async fn fork(&self) -> Self {
        let other = Self::start_at("127.0.0.1:0", &self.shared.root).await;
        {
            let (from, mut to) = (self.lock(), other.lock());
            copy(
                &from.folder.join("repositories"),
                &to.folder.join("repositories"),
            );
            let mut projects = from.projects.clone();
            for project in projects.values_mut() {
                let inside = project.repository.strip_prefix(&from.folder).unwrap();
                project.repository = to.folder.join(inside);
            }
            *to = State {
                now: from.now,
                version: from.version.clone(),
                graphql: from.graphql,
                complexity_limit: from.complexity_limit,
                projects,
                moved: from.moved.clone(),
                groups: from.groups.clone(),
                users: from.users.clone(),
                tokens: from.tokens.clone(),
                rate: from.rate,
                pipelines_late: from.pipelines_late,
                links_late: from.links_late,
                diffs_late: from.diffs_late,
                settling: from.settling,
                next_id: from.next_id,
                registry: from.registry.clone(),
                granted: from.granted.clone(),
                ..State::new(&to.folder, &to.url)
            };
        }
        other
    }

    /// People did something to a project's repository with git itself.
    pub(crate) fn pushed(&self, path: &str) {
        let mut state = self.lock();
        state.tick();
        let id = state.named_mut(path).id;
        state.notice_push(id);
    }

    /// The paths of all projects.
    pub(crate) fn paths(&self) -> Vec<String> {
        let state = self.lock();
        state.projects.values().map(|p| p.path.clone()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
