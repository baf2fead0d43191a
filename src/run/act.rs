//! Doing what was decided for one repository: closing, one push, then the merge requests.

use super::checkpoint::Checkpoint;
use super::observe::Written;
use super::report::ProblemReport;
use super::setup::Setup;
use super::work::Work;
use crate::forge::{Dress, Forge, ForgeError, MergeRequestEdit, NewMergeRequest, Repository};
use crate::git::{FileChange, Git, NewCommit, Push, Pushed};
use crate::plan::{Action, Proposal, Reconciled, Status};
use crate::repo::{Branch, CommitId};
use std::collections::{BTreeSet, HashMap};

/// Where the work of one repository is done.
pub(super) struct Acted<'a> {
    pub(super) setup: &'a Setup,
    pub(super) git: &'a Git,
    pub(super) forge: &'a dyn Forge,
    pub(super) repo: &'a Repository,
    /// The target branch and its head.
    pub(super) base: (&'a Branch, &'a CommitId),
    pub(super) checkpoint: &'a Checkpoint,
}

impl Acted<'_> {
    /// Does everything that is to be done, in an order in which each step can be repeated. What became of it is
    /// written into the results.
    pub(super) async fn act(
        &self,
        work: &Work,
        proposals: &[Proposal],
        results: &mut [Reconciled],
    ) -> Vec<ProblemReport> {
        let mut problems = Vec::new();
        for result in results
            .iter_mut()
            .filter(|result| result.status == Status::Close)
        {
            if let Some(action) = result.action.clone()
                && let Err(error) = self.close(&action).await
            {
                // What could not be closed keeps its branch.
                result.action = None;
                problems.push(problem(&error));
            }
        }
        let pushed = match self.push(work, proposals, results).await {
            Ok(pushed) => pushed,
            Err(error) => {
                problems.push(ProblemReport::new(error.code(), &error));
                return problems;
            }
        };
        for result in results.iter_mut() {
            let Some(action) = result.action.clone() else {
                continue;
            };
            match pushed.get(&action.branch) {
                Some(Pushed::Moved) => {
                    result.status = Status::Moved;
                    result.detail =
                        "somebody moved the branch meanwhile; the next pass looks again".to_owned();
                    continue;
                }
                Some(Pushed::Refused(why)) => {
                    result.status = Status::Refused;
                    result.detail = format!("the server refused the branch: {why}");
                    problems.push(ProblemReport::new(
                        "push-refused",
                        format!("{}: {why}", action.branch),
                    ));
                    continue;
                }
                Some(Pushed::Done) | None => {}
            }
            match self.merge_request(&action, proposals).await {
                Ok(number) => result.number = number.or(result.number),
                Err(ForgeError::Conflict(why)) => {
                    result.status = Status::Moved;
                    result.detail = why;
                }
                Err(error) => problems.push(problem(&error)),
            }
        }
        problems
    }

    /// The reason is written first: a merge request that is closed without a reason was closed by a person.
    async fn close(&self, action: &Action) -> Result<(), ForgeError> {
        if let Some((number, title, description)) = &action.edit {
            let edit = MergeRequestEdit {
                title: title.clone(),
                description: Some(description.clone()),
                ..MergeRequestEdit::default()
            };
            self.forge.edit(self.repo, *number, &edit).await?;
            self.checkpoint.reached("reason written");
        }
        if let Some(number) = action.close {
            self.forge.close(self.repo, number).await?;
            self.checkpoint.reached("closed");
        }
        Ok(())
    }

    /// Writes the commits and moves all branches with one push.
    async fn push(
        &self,
        work: &Work,
        proposals: &[Proposal],
        results: &[Reconciled],
    ) -> Result<HashMap<Branch, Pushed>, crate::git::GitError> {
        let actions: Vec<&Action> = results
            .iter()
            .filter_map(|result| result.action.as_ref())
            .collect();
        if !actions
            .iter()
            .any(|action| action.write.is_some() || action.delete.is_some())
        {
            return Ok(HashMap::new());
        }
        let (_, head) = self.base;
        let mut cached = self.git.open(&self.repo.remote, head).await?;
        cached
            .fetch_commits(&BTreeSet::from([head.clone()]))
            .await?;
        let mut pushes = Vec::new();
        for action in actions {
            if let Some((index, from)) = &action.write {
                let proposal = &proposals[*index];
                let file = |(path, contents): (&crate::repo::RepoPath, &Vec<u8>)| {
                    let kind = *work.kinds.get(path)?;
                    Some(FileChange {
                        path: path.clone(),
                        kind,
                        contents: contents.clone(),
                    })
                };
                let new = NewCommit {
                    parent: head.clone(),
                    files: proposal.files.iter().filter_map(file).collect(),
                    message: proposal.message.0.clone(),
                };
                let commit = cached.commit(&new).await?;
                let written = Written {
                    base: head.clone(),
                    changes: proposal.changes.clone(),
                };
                if let Ok(text) = serde_json::to_string(&written) {
                    self.setup.store.keep_written(commit.as_str(), &text);
                }
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
        self.checkpoint.reached("committed");
        let pushed = cached.push(&pushes).await?;
        self.checkpoint.reached("pushed");
        Ok(pushes
            .into_iter()
            .map(|push| push.branch)
            .zip(pushed)
            .collect())
    }

    /// Opens or changes the merge request; the number of the one that was opened.
    async fn merge_request(
        &self,
        action: &Action,
        proposals: &[Proposal],
    ) -> Result<Option<u64>, ForgeError> {
        if let Some(index) = action.open {
            let texts = &proposals[index].texts;
            let new = NewMergeRequest {
                source: action.branch.clone(),
                target: self.base.0.clone(),
                title: texts.title.clone(),
                description: texts.block(&texts.state),
                dressed: texts.block(&texts.state),
                dress: Dress {
                    labels: texts.labels.clone(),
                    ..Dress::default()
                },
            };
            let opened = self.forge.create(self.repo, &new).await?;
            self.checkpoint.reached("opened");
            return Ok(Some(opened.number));
        }
        if action.close.is_some() {
            return Ok(None);
        }
        if let Some((number, text)) = action.comment {
            self.forge
                .comment(self.repo, number, "foreign", text)
                .await?;
            self.checkpoint.reached("commented");
        }
        if let Some((number, title, description)) = &action.edit {
            let edit = MergeRequestEdit {
                title: title.clone(),
                description: Some(description.clone()),
                ..MergeRequestEdit::default()
            };
            self.forge.edit(self.repo, *number, &edit).await?;
            self.checkpoint.reached("edited");
        }
        Ok(None)
    }
}

pub(super) fn problem(error: &ForgeError) -> ProblemReport {
    ProblemReport::new(error.code(), error)
}
