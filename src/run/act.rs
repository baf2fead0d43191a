//! Executes a repository's plan: the steps before its branches move, one push, then the steps after it.
//!
//! Each step is idempotent. If the process is killed between two steps, the next pass does the rest.

use super::existing::keep_open;
use super::observe::{healed, keep_judged};
use super::push_rules::{is_of_workflows, push_help};
use super::register::Registered;
use super::report::ProblemReport;
use super::shared::Shared;
use crate::fleet::{ExistingRequests, OurBranch, ParsedRepo, RepoId};
use crate::forge::ForgeError;
use crate::git::{FileChange, GitError, NewCommit, Push, Pushed, TreeEntryKind};
use crate::plan::{Done, Ownership, Planned, Proposal, Reconciled, Step};
use crate::repo::{Branch, CommitId, MergeRequestEdit, NewMergeRequest};
use crate::store::StoredKind;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The execution of one repository's plan.
pub(super) struct Executor<'a> {
    pub(super) shared: &'a Shared,
    pub(super) id: RepoId,
    pub(super) registered: Registered,
    /// The target branch and its head.
    pub(super) base: (Branch, CommitId),
    pub(super) parsed: Arc<ParsedRepo>,
    /// The existing branches and merge requests, kept up to date while steps are executed.
    pub(super) existing: ExistingRequests,
    pub(super) branches: Vec<BranchRun>,
    pub(super) problems: Vec<ProblemReport>,
    /// Whether the head that the plan is based on was confirmed as the default branch's head.
    pub(super) verified: bool,
}

/// A branch with the progress of its plan.
#[derive(Debug, Clone)]
pub(super) struct BranchRun {
    pub(super) plan: Reconciled,
    pub(super) done: Done,
    /// The reason, human-readable.
    pub(super) detail: String,
    /// The number of the open merge request.
    pub(super) number: Option<u64>,
}

impl From<Reconciled> for BranchRun {
    fn from(plan: Reconciled) -> Self {
        Self {
            done: Done::AsPlanned(plan.planned),
            detail: plan.detail.clone(),
            number: plan.number,
            plan,
        }
    }
}

impl BranchRun {
    /// Drops the remaining steps of the branch.
    fn end(&mut self, done: Done, detail: impl Into<String>) {
        self.plan.steps.clear();
        self.done = done;
        self.detail = detail.into();
    }

    /// The steps before the branch moves, and those after.
    fn halves(&self) -> (Vec<Step>, Vec<Step>) {
        let steps = &self.plan.steps;
        let moves = steps.iter().position(Step::moves_branch);
        let (before, after) = steps.split_at(moves.unwrap_or(0));
        let after = after.iter().filter(|step| !step.moves_branch());
        (before.to_vec(), after.cloned().collect())
    }

    /// Whether its merge request was closed by the plan.
    fn is_closed(&self) -> bool {
        self.done == Done::AsPlanned(Planned::Close) && self.plan.closes()
    }
}

impl Executor<'_> {
    /// Executes all steps of all branches; merging is separate.
    pub(super) async fn all(&mut self) {
        self.close_nothing_after_an_error();
        let acts = |branch: &BranchRun| !branch.plan.steps.is_empty();
        if self.branches.iter().any(acts)
            && let Err(error) = self.verify().await
        {
            self.nothing(error);
            return;
        }
        for index in 0..self.branches.len() {
            // The reason is written first: a merge request closed without a reason counts as closed by a user.
            let (before, _) = self.branches[index].halves();
            self.steps(index, before, "reason written").await;
        }
        let pushed = match healed(|| self.push()).await {
            Ok(pushed) => pushed,
            Err(error) => {
                let error = error.into();
                for branch in self.branches.iter_mut().filter(|branch| acts(branch)) {
                    branch.end(Done::Failed, "the push failed");
                }
                self.failed(&error);
                return;
            }
        };
        for index in 0..self.branches.len() {
            if self.has_moved(index, &pushed) {
                let (_, after) = self.branches[index].halves();
                self.steps(index, after, "edited").await;
            }
        }
    }

    /// Checks once that the head that the plan is based on is still the default branch's head.
    pub(super) async fn verify(&mut self) -> Result<(), ForgeError> {
        if !self.verified && !self.is_stopped() {
            let (forge, repo) = &self.registered;
            forge.verify_head(repo).await?;
            self.verified = true;
        }
        Ok(())
    }

    /// Drops all steps because of an error that affects all of them.
    fn nothing(&mut self, error: ForgeError) {
        for branch in &mut self.branches {
            if !branch.plan.steps.is_empty() {
                let done = match error {
                    ForgeError::Conflict(_) => Done::Moved,
                    _ => Done::Skipped,
                };
                branch.end(done, error.to_string());
            }
        }
        if !matches!(error, ForgeError::Conflict(_)) {
            self.failed(&error);
        }
    }

    /// Closes and deletes nothing if an error occurred in the repository during this pass.
    fn close_nothing_after_an_error(&mut self) {
        if self.problems.is_empty() {
            return;
        }
        for branch in &mut self.branches {
            if branch.plan.planned == Planned::Close {
                let why = "skipped because of another error in this repository";
                branch.end(Done::Skipped, why);
            }
        }
    }

    /// Records a failure of one merge request; the others continue.
    pub(super) fn lost(&mut self, index: usize, error: ForgeError) {
        let branch = &mut self.branches[index];
        if let ForgeError::Conflict(why) | ForgeError::Busy(why) = error {
            branch.end(Done::Moved, why);
            return;
        }
        branch.end(Done::Failed, error.to_string());
        self.failed(&error);
    }

    fn failed(&mut self, error: &ForgeError) {
        let RepoId { forge, id } = &self.id;
        self.shared.stop_if_of_forge(forge, id, error);
        self.problems.push(ProblemReport::from(error));
    }

    /// Whether nothing more may be written to the forge in this pass.
    pub(super) fn is_stopped(&self) -> bool {
        self.shared.is_stopped(&self.id.forge)
    }

    fn reached(&self, step: &'static str) {
        self.shared.options.checkpoint.reached(step);
    }

    /// Creates the commits and moves all branches with one push.
    async fn push(&self) -> Result<HashMap<Branch, Pushed>, GitError> {
        let moves = self.branches.iter().flat_map(|branch| {
            let steps = branch.plan.steps.iter().filter(|step| step.moves_branch());
            steps.map(|step| (&branch.plan.branch, step))
        });
        let moves: Vec<(&Branch, &Step)> = moves.collect();
        if moves.is_empty() || self.is_stopped() {
            return Ok(HashMap::new());
        }
        let (forge, repo) = &self.registered;
        let (_, head) = &self.base;
        let mut cached = self.shared.git.open(&repo.remote, head).await?;
        cached
            .fetch_commits(&BTreeSet::from([head.clone()]))
            .await?;
        let mut pushes = Vec::new();
        for (branch, step) in moves {
            let (from, to) = match step {
                Step::Push { proposal, from } => {
                    let commit = cached.commit(&self.new_commit(proposal)).await?;
                    let written = OurBranch {
                        head: commit.clone(),
                        ownership: Ownership::Ours(proposal.changes.clone()),
                        fits: true,
                        on_top: true,
                    };
                    keep_judged(&self.shared.setup, head, &written);
                    (from.clone(), Some(commit))
                }
                Step::Delete { from } => (Some(from.clone()), None),
                _ => continue,
            };
            if from != to {
                let branch = branch.clone();
                pushes.push(Push { branch, from, to });
            }
        }
        self.reached("committed");
        // Deletions come last: the number of refs per push is limited, and new commits should start their pipelines
        // first.
        pushes.sort_by_key(|push| push.to.is_none());
        let at_once = forge.refs_per_push();
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

    /// The commit of a proposal on top of the target's head. It is reproducible: the same input gives the same bytes.
    pub(super) fn new_commit(&self, proposal: &Proposal) -> NewCommit {
        let file = |(path, contents): (&crate::repo::RepoPath, &Vec<u8>)| FileChange {
            path: path.clone(),
            kind: match self.parsed.is_executable(path) {
                true => TreeEntryKind::Executable,
                false => TreeEntryKind::File,
            },
            contents: contents.clone(),
        };
        NewCommit {
            parent: self.base.1.clone(),
            files: proposal.files.iter().map(file).collect(),
            message: proposal.message.0.clone(),
        }
    }

    /// Whether a branch is at its planned head after the push, so that the later steps may follow.
    fn has_moved(&mut self, index: usize, pushed: &HashMap<Branch, Pushed>) -> bool {
        let branch = &mut self.branches[index];
        match pushed.get(&branch.plan.branch) {
            Some(Pushed::Done) => return true,
            // Nothing was pushed, although the branch has to move: the forge has failed.
            None if self.shared.is_stopped(&self.id.forge)
                && branch.plan.steps.iter().any(Step::moves_branch) =>
            {
                self.lost(index, ForgeError::stopped());
                return false;
            }
            None => return true,
            Some(Pushed::Moved) => {
                let why = "the branch changed during this run; will retry next run";
                branch.end(Done::Moved, why);
            }
            // GitHub rejects the push like this if the default branch has newer workflow files than the base.
            Some(Pushed::Refused(why))
                if is_of_workflows(why) && !edits_workflows(&branch.plan) =>
            {
                let why =
                    "workflows of the default branch changed during this run; will retry next run";
                branch.end(Done::Moved, why);
            }
            Some(Pushed::Refused(why)) => {
                let detail = format!("the server rejected the branch: {why}");
                branch.end(Done::Refused, detail);
                let message = format!("{}: {why}", branch.plan.branch);
                self.problems.push(ProblemReport {
                    help: push_help(why).map(str::to_owned),
                    ..ProblemReport::new("push-refused", message)
                });
            }
        }
        false
    }

    /// Executes some steps of a branch, up to the first that fails.
    async fn steps(&mut self, index: usize, steps: Vec<Step>, edited: &'static str) {
        for step in steps {
            if let Err(error) = self.step(index, step, edited).await {
                self.lost(index, error);
                return;
            }
        }
    }

    async fn step(
        &mut self,
        index: usize,
        step: Step,
        edited: &'static str,
    ) -> Result<(), ForgeError> {
        if self.is_stopped() {
            return Err(ForgeError::stopped());
        }
        let (forge, repo) = &self.registered;
        match step {
            Step::Push { .. } | Step::Delete { .. } => {}
            Step::Open(proposal) => self.open(index, &proposal).await?,
            Step::CancelMerge(number) => {
                forge.call_off(repo, number).await?;
                self.reached("cancelled");
            }
            Step::Comment { number, code, text } => {
                forge.comment(repo, number, code, text).await?;
                self.reached("commented");
            }
            Step::Edit { number, edit } => {
                self.edit(number, &edit, edited).await?;
                let mut open = self.existing.open.iter_mut();
                if let (Some(open), Some(text)) =
                    (open.find(|mr| mr.number == number), edit.description)
                {
                    *open = open.clone().described(text);
                }
            }
            Step::Close(number) => {
                forge.close(repo, number).await?;
                self.shared.answered(&self.id.forge);
                self.reached("closed");
            }
        }
        Ok(())
    }

    async fn open(&mut self, index: usize, proposal: &Proposal) -> Result<(), ForgeError> {
        let (forge, repo) = &self.registered;
        let texts = &proposal.texts;
        let new = NewMergeRequest {
            source: proposal.branch.clone(),
            target: self.base.0.clone(),
            title: texts.title.clone(),
            description: texts.block(&texts.state),
            metadata: texts.metadata.clone(),
        };
        let mut opened = forge.create(repo, &new).await?;
        self.shared.answered(&self.id.forge);
        opened.description = new.description;
        self.reached("opened");
        let key = format!("{} {}", self.id, opened.number);
        let now = self.shared.options.now.as_second().to_string();
        self.shared.setup.store.keep(StoredKind::Opened, &key, &now);
        self.branches[index].number = Some(opened.number);
        self.existing.open.push(opened.into());
        Ok(())
    }

    pub(super) async fn edit(
        &self,
        number: u64,
        edit: &MergeRequestEdit,
        step: &'static str,
    ) -> Result<(), ForgeError> {
        if self.is_stopped() {
            return Err(ForgeError::stopped());
        }
        let (forge, repo) = &self.registered;
        forge.edit(repo, number, edit).await?;
        self.shared.answered(&self.id.forge);
        self.reached(step);
        Ok(())
    }

    /// Remembers the open merge requests, so that the next pass notices which ones disappeared.
    pub(super) fn remember(&mut self) {
        let gone = |number: u64| {
            let mut branches = self.branches.iter();
            branches.any(|branch| {
                branch.number == Some(number) && (branch.is_closed() || branch.done == Done::Merged)
            })
        };
        self.existing.open.retain(|mr| !gone(mr.number));
        let (forge, repo) = &self.registered;
        keep_open(&self.shared.setup, forge.as_ref(), repo, &self.existing);
    }

    /// The head that a branch of imagebot had before this pass.
    pub(super) fn head_of(&self, index: usize) -> Option<CommitId> {
        let branch = self
            .existing
            .branches
            .get(&self.branches[index].plan.branch);
        branch.map(|ours| ours.head.clone())
    }
}

/// Whether the branch's own changes include workflow files.
fn edits_workflows(plan: &Reconciled) -> bool {
    let files = plan.proposal.iter().filter(|_| plan.writes());
    let mut paths = files.flat_map(|proposal| proposal.files.keys());
    paths.any(|path| path.as_str().starts_with(".github/workflows/"))
}
