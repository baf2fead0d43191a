//! RepoPlan what was decided for one repository: reasons, one push, then the merge requests.

use super::observe::{OurBranch, healed, keep_judged};
use super::planned::RepoPlan;
use super::push_rules::{is_of_workflows, push_help};
use super::report::ProblemReport;
use super::shared::Shared;
use crate::forge::{ForgeError, MergeRequestEdit, NewMergeRequest};
use crate::git::{FileChange, GitError, NewCommit, Push, Pushed, TreeEntryKind};
use crate::plan::{Action, Edit, Ownership, Proposal, Reconciled, State, Status};
use crate::repo::{Branch, CommitId};
use crate::store::StoredKind;
use std::collections::{BTreeSet, HashMap};

/// A repository in which something is done.
pub(super) struct Executor<'a> {
    pub(super) shared: &'a Shared,
    pub(super) plan: RepoPlan,
    pub(super) problems: Vec<ProblemReport>,
    /// Whether the head that everything was derived from was found to be the default branch's.
    pub(super) verified: bool,
}

impl Executor<'_> {
    /// Does everything that is to be done but merging, in an order in which each step can be repeated.
    pub(super) async fn all(&mut self) {
        self.close_nothing_after_an_error();
        let acts = |result: &Reconciled| result.action.is_some();
        if self.plan.results.iter().any(acts)
            && let Err(error) = self.verify().await
        {
            self.nothing(error);
            return;
        }
        for index in 0..self.plan.results.len() {
            if self.plan.results[index].status == Status::Close
                && let Some(edit) = self.action(index).and_then(|action| action.edit)
            {
                // The reason is written first: one that is closed without a reason was closed by a person.
                match self.edit(&edit, "reason written").await {
                    Ok(()) => {}
                    Err(error) => self.lost(index, error),
                }
            }
        }
        let pushed = match healed(|| self.push()).await {
            Ok(pushed) => pushed,
            Err(error) => {
                let error = error.into();
                for result in self.plan.results.iter_mut().filter(|r| r.action.is_some()) {
                    result.action = None;
                    result.status = Status::Failed;
                    result.detail = "the push failed".to_owned();
                }
                self.failed(&error);
                return;
            }
        };
        for index in 0..self.plan.results.len() {
            self.after_push(index, &pushed).await;
        }
    }

    /// Asks once whether the head that everything was derived from is the default branch's.
    pub(super) async fn verify(&mut self) -> Result<(), ForgeError> {
        if !self.verified && !self.is_stopped() {
            let state = &self.plan.state;
            state.forge.verify_head(&state.listed).await?;
            self.verified = true;
        }
        Ok(())
    }

    /// Does nothing of what was planned, because of one error that concerns all of it.
    fn nothing(&mut self, error: ForgeError) {
        for result in &mut self.plan.results {
            if result.action.take().is_some() {
                result.status = match error {
                    ForgeError::Conflict(_) => Status::Moved,
                    _ => Status::Kept,
                };
                result.detail = error.to_string();
            }
        }
        if !matches!(error, ForgeError::Conflict(_)) {
            self.failed(&error);
        }
    }

    fn action(&self, index: usize) -> Option<Action> {
        self.plan.results[index].action.clone()
    }

    /// Nothing is closed or deleted in a pass that had an error for the repository.
    fn close_nothing_after_an_error(&mut self) {
        if self.problems.is_empty() {
            return;
        }
        for result in &mut self.plan.results {
            if result.status == Status::Close {
                result.status = Status::Kept;
                result.action = None;
                result.detail = "skipped because of another error in this repository".to_owned();
            }
        }
    }

    /// Writes down what went wrong with one merge request; the others go on.
    pub(super) fn lost(&mut self, index: usize, error: ForgeError) {
        let result = &mut self.plan.results[index];
        result.action = None;
        if let ForgeError::Conflict(why) | ForgeError::Busy(why) = error {
            result.status = Status::Moved;
            result.detail = why;
            return;
        }
        result.status = Status::Failed;
        result.detail = error.to_string();
        self.failed(&error);
    }

    fn failed(&mut self, error: &ForgeError) {
        let state = &self.plan.state;
        let (forge, repo) = (state.forge.name(), &state.listed.id);
        self.shared.stop_if_of_forge(forge, repo, error);
        self.problems.push(ProblemReport::from(error));
    }

    /// Whether nothing more may be written to the forge in this pass.
    pub(super) fn is_stopped(&self) -> bool {
        self.shared.is_stopped(self.plan.state.forge.name())
    }

    fn reached(&self, step: &'static str) {
        self.shared.options.checkpoint.reached(step);
    }

    /// Writes the commits and moves all branches with one push.
    async fn push(&self) -> Result<HashMap<Branch, Pushed>, GitError> {
        let RepoPlan {
            state,
            base: (_, head),
            results,
            ..
        } = &self.plan;
        let actions: Vec<&Action> = results
            .iter()
            .filter_map(|result| result.action.as_ref())
            .collect();
        let moves = |action: &&Action| action.write.is_some() || action.delete.is_some();
        if !actions.iter().any(moves) || self.is_stopped() {
            return Ok(HashMap::new());
        }
        let mut cached = self.shared.git.open(&state.listed.remote, head).await?;
        cached
            .fetch_commits(&BTreeSet::from([head.clone()]))
            .await?;
        let mut pushes = Vec::new();
        for action in actions {
            if let Some((index, from)) = &action.write {
                let proposal = &self.plan.proposals[*index];
                let commit = cached.commit(&self.new_commit(proposal)).await?;
                let written = OurBranch {
                    head: commit.clone(),
                    ownership: Ownership::Ours(proposal.changes.clone()),
                    fits: true,
                    on_top: true,
                };
                keep_judged(&self.shared.setup, head, &written);
                if from.as_ref() != Some(&commit) {
                    pushes.push(Push {
                        branch: action.branch.clone(),
                        from: from.clone(),
                        to: Some(commit),
                    });
                }
            } else if let Some(from) = &action.delete {
                pushes.push(Push {
                    branch: action.branch.clone(),
                    from: Some(from.clone()),
                    to: None,
                });
            }
        }
        self.reached("committed");
        // Deletions last: each ref of a push counts, and new commits need their pipelines more.
        pushes.sort_by_key(|push| push.to.is_none());
        let at_once = self.plan.state.forge.refs_per_push();
        let mut pushed = Vec::new();
        for some in pushes.chunks(at_once.unwrap_or(usize::MAX)) {
            pushed.extend(cached.push(some).await?);
            self.reached("pushed");
        }
        Ok(pushes
            .into_iter()
            .map(|push| push.branch)
            .zip(pushed)
            .collect())
    }

    /// The commit of a proposal on the target's head: the same bytes each time.
    pub(super) fn new_commit(&self, proposal: &Proposal) -> NewCommit {
        let file = |(path, contents): (&crate::repo::RepoPath, &Vec<u8>)| {
            let executable = self.plan.state.parsed.is_executable(path);
            FileChange {
                path: path.clone(),
                kind: match executable {
                    true => TreeEntryKind::Executable,
                    false => TreeEntryKind::File,
                },
                contents: contents.clone(),
            }
        };
        NewCommit {
            parent: self.plan.base.1.clone(),
            files: proposal.files.iter().map(file).collect(),
            message: proposal.message.0.clone(),
        }
    }

    /// What is to be done once the branch is where it should be.
    async fn after_push(&mut self, index: usize, pushed: &HashMap<Branch, Pushed>) {
        let Some(action) = self.action(index) else {
            return;
        };
        match pushed.get(&action.branch) {
            Some(Pushed::Moved) => {
                let result = &mut self.plan.results[index];
                result.status = Status::Moved;
                result.detail =
                    "the branch changed during this run; will retry next run".to_owned();
                return;
            }
            // GitHub says so where the default branch has got a newer workflow than the base has.
            Some(Pushed::Refused(why))
                if is_of_workflows(why) && !self.edits_workflows(&action) =>
            {
                let result = &mut self.plan.results[index];
                result.status = Status::Moved;
                result.detail =
                    "workflows of the default branch changed during this run; will retry next run"
                        .to_owned();
                return;
            }
            Some(Pushed::Refused(why)) => {
                let result = &mut self.plan.results[index];
                result.status = Status::Refused;
                result.detail = format!("the server rejected the branch: {why}");
                let message = format!("{}: {why}", action.branch);
                self.problems.push(ProblemReport {
                    help: push_help(why).map(str::to_owned),
                    ..ProblemReport::new("push-refused", message)
                });
                return;
            }
            Some(Pushed::Done) | None => {}
        }
        let done = match action.close {
            Some(number) => self.close(number).await,
            None => self.merge_request(index, &action).await,
        };
        if let Err(error) = done {
            self.lost(index, error);
        }
    }

    /// Whether a branch changes workflows itself.
    fn edits_workflows(&self, action: &Action) -> bool {
        let proposal = action.write.as_ref();
        let files = proposal.map(|(index, _)| &self.plan.proposals[*index].files);
        let mut paths = files.into_iter().flat_map(|files| files.keys());
        paths.any(|path| path.as_str().starts_with(".github/workflows/"))
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        if self.is_stopped() {
            return Err(ForgeError::stopped());
        }
        let state = &self.plan.state;
        state.forge.close(&state.listed, number).await?;
        self.shared.answered(state.forge.name());
        self.reached("closed");
        Ok(())
    }

    /// Opens or changes the merge request.
    async fn merge_request(&mut self, index: usize, action: &Action) -> Result<(), ForgeError> {
        if self.is_stopped() {
            return Err(ForgeError::stopped());
        }
        let state = &self.plan.state;
        if let Some(proposal) = action.open {
            let texts = &self.plan.proposals[proposal].texts;
            let attributes_pending = State {
                attributes_pending: true,
                labels: BTreeSet::new(),
                ..texts.state.clone()
            };
            let new = NewMergeRequest {
                source: action.branch.clone(),
                target: self.plan.base.0.clone(),
                title: texts.title.clone(),
                description: texts.block(&attributes_pending),
                dressed: texts.block(&texts.state),
                attributes: texts.attributes.clone(),
            };
            let mut opened = state.forge.create(&state.listed, &new).await?;
            self.shared.answered(state.forge.name());
            opened.description = new.dressed;
            self.reached("opened");
            let key = format!("{} {}", state.key(), opened.number);
            let now = self.shared.options.now.as_second().to_string();
            self.shared.setup.store.keep(StoredKind::Opened, &key, &now);
            self.plan.results[index].number = Some(opened.number);
            self.plan.state.there.open.push(opened.into());
            return Ok(());
        }
        if let Some(number) = action.call_off {
            state.forge.call_off(&state.listed, number).await?;
            self.reached("cancelled");
        }
        if let Some((number, code, text)) = action.comment {
            let said = state.forge.comment(&state.listed, number, code, text);
            said.await?;
            self.reached("commented");
        }
        if let Some(edit) = &action.edit {
            self.edit(edit, "edited").await?;
            let mut open = self.plan.state.there.open.iter_mut();
            if let Some(open) = open.find(|mr| mr.number == edit.number) {
                *open = open.clone().described(edit.description.clone());
            }
        }
        Ok(())
    }

    pub(super) async fn edit(&self, edit: &Edit, step: &'static str) -> Result<(), ForgeError> {
        if self.is_stopped() {
            return Err(ForgeError::stopped());
        }
        let state = &self.plan.state;
        let wanted = MergeRequestEdit {
            title: edit.title.clone(),
            description: Some(edit.description.clone()),
            target: None,
            add_labels: edit.add_labels.clone(),
            attributes: edit.attributes.clone(),
        };
        state
            .forge
            .edit(&state.listed, edit.number, &wanted)
            .await?;
        self.shared.answered(state.forge.name());
        self.reached(step);
        Ok(())
    }

    /// Remembers what is open now, so that the next pass sees what vanished.
    pub(super) fn remember(&mut self) {
        let RepoPlan { state, results, .. } = &mut self.plan;
        let there = &mut state.there;
        let gone = |number: u64| {
            results.iter().any(|result| {
                let closed = result.status == Status::Close && result.action.is_some();
                result.number == Some(number) && (closed || result.status == Status::Merged)
            })
        };
        there.open.retain(|mr| !gone(mr.number));
        there.keep_open(&self.shared.setup, state.forge.as_ref(), &state.listed);
    }

    /// The head that a branch of ours has after the push.
    pub(super) fn head_of(&self, index: usize) -> Option<CommitId> {
        let result = &self.plan.results[index];
        let there = self.plan.state.there.branches.get(&result.branch)?;
        Some(there.head.clone())
    }
}
