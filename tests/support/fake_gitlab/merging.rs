//! What follows from a push, from time and from a pipeline's end.

use super::backend;
use super::state::{MergeRequest, Pipeline, Project, State};
use jiff::Timestamp;

/// For how many refs of a push pipelines are made.
const PIPELINES: usize = 4;
/// For how many refs of a push hooks and integrations are run.
const HOOKS: usize = 3;

/// Why a merge request is not merged.
pub(super) enum Refusal {
    NotMergeable,
    Conflict,
    Sha,
    /// The user may not merge into the target branch.
    Forbidden,
}

impl Project {
    /// A target branch that was pushed and holds the head of a merge request has merged it.
    fn notice_merges(&mut self, now: Timestamp) {
        for at in 0..self.merge_requests.len() {
            let request = &self.merge_requests[at];
            let (target, sha) = (request.target.clone(), request.sha.clone());
            let Some(head) = self.head(&target).filter(|_| request.state == "opened") else {
                continue;
            };
            let before = self.targets.get(&target).is_some_and(|seen| *seen != head);
            let holds = ["merge-base", "--is-ancestor", &sha, &head];
            if before && backend::git(&self.repository, &holds, b"").is_some() {
                let request = &mut self.merge_requests[at];
                request.state = "merged";
                request.auto_merge = false;
                request.merged_as = Some(head);
                request.updated_at = now;
            }
        }
        let open = self.merge_requests.iter().filter(|mr| mr.state == "opened");
        let targets = open.filter_map(|mr| Some((mr.target.clone(), self.head(&mr.target)?)));
        self.targets = targets.collect();
    }
}

impl State {
    /// Open merge requests follow their source branches, and new heads get pipelines.
    pub(super) fn notice_push(&mut self, project: u64) {
        self.notice_push_of(project, None);
    }

    /// A push of these branches, in its order. Pipelines are made for the first four refs of a push only, deletions
    /// counted (`git_push_pipeline_limit`), hooks run for at most three (`push_event_hooks_limit`).
    pub(super) fn notice_push_of(&mut self, project: u64, moved: Option<&[String]>) {
        let now = self.tick();
        let late = self.pipelines_late;
        let (links_late, diffs_late) = (self.links_late, self.diffs_late);
        let mut new_pipelines = Vec::new();
        let Some(project) = self.projects.get_mut(&project) else {
            return;
        };
        if moved.is_some_and(|moved| moved.len() > HOOKS) {
            project.unhooked += 1;
        }
        if project.ci {
            let heads = backend::branches(&project.repository).into_iter();
            let has_its = |(branch, _): &(String, String)| {
                let at = moved.and_then(|moved| moved.iter().position(|name| name == branch));
                moved.is_none() || at.is_some_and(|at| at < PIPELINES)
            };
            for (branch, sha) in heads.filter(has_its) {
                if !project
                    .pipelines
                    .iter()
                    .any(|p| p.sha == sha && p.branch == branch)
                {
                    new_pipelines.push((branch, sha));
                }
            }
        }
        let id = project.id;
        for request in &mut project.merge_requests {
            if request.state != "opened" {
                continue;
            }
            let head = backend::read_ref(&project.repository, &request.source);
            request.closing = head.is_none() && request.source_project == id;
            if let Some(head) = head.filter(|head| *head != request.sha && !diffs_late) {
                // A new commit takes back what was agreed for the old one.
                request.sha = head;
                request.auto_merge = false;
                request.unlinked = links_late;
                request.updated_at = now;
            }
        }
        project.notice_merges(now);
        for (branch, sha) in new_pipelines {
            let pipeline = Pipeline {
                id: self.new_id(),
                sha,
                source_sha: None,
                branch,
                status: "running",
                late,
            };
            if let Some(project) = self.projects.get_mut(&id) {
                project.pipelines.push(pipeline);
            }
        }
    }

    /// Merge requests whose source branch is gone are closed by a worker, a while after the push.
    pub(super) fn close_the_branchless(&mut self) {
        let now = self.time();
        let requests = self.projects.values_mut();
        for request in requests.flat_map(|project| &mut project.merge_requests) {
            if std::mem::take(&mut request.closing) && request.state == "opened" {
                (request.state, request.updated_at) = ("closed", now);
            }
        }
    }

    /// Merges, or sets to merge when the pipeline succeeds.
    pub(super) fn merge(
        &mut self,
        project: u64,
        iid: u64,
        sha: Option<&str>,
        auto: bool,
    ) -> Result<(), Refusal> {
        let now = self.tick();
        let project = self
            .projects
            .get_mut(&project)
            .ok_or(Refusal::NotMergeable)?;
        let must_succeed = project.must_succeed;
        project.own();
        let at = project.merge_requests.iter().position(|mr| mr.iid == iid);
        let at = at.ok_or(Refusal::NotMergeable)?;
        let request = &project.merge_requests[at];
        if request.state != "opened" || request.draft() || request.settling > 0 {
            return Err(Refusal::NotMergeable);
        }
        // The head of the newest diff, which may lag behind the branch (`check_sha_param!`).
        let head = request.sha.clone();
        if sha.is_some_and(|sha| sha != head) {
            return Err(Refusal::Sha);
        }
        // What counts is the pipeline that the merge request has, not the commit's (`execute_merge`).
        let pipeline = project
            .head_pipeline(request)
            .map(|pipeline| pipeline.status);
        match pipeline {
            // Asked too early, when there is no pipeline yet, GitLab merges at once.
            None | Some("success") => {}
            Some("skipped") if auto && !must_succeed => return Err(Refusal::NotMergeable),
            // It waits for a success that never comes.
            Some("running" | "pending" | "created" | "skipped") if auto => {
                let request = &mut project.merge_requests[at];
                request.auto_merge = true;
                request.updated_at = now;
                return Ok(());
            }
            Some(_) if must_succeed || auto => return Err(Refusal::NotMergeable),
            Some(_) => {}
        }
        let target = project.head(&request.target).ok_or(Refusal::NotMergeable)?;
        let message = format!(
            "Merge branch '{}' into '{}'",
            request.source, request.target
        );
        let merged = backend::merge(
            &project.repository,
            &target,
            &head,
            request.squash,
            &message,
        );
        let merged = merged.ok_or(Refusal::Conflict)?;
        backend::set_branch(&project.repository, &request.target, Some(&merged));
        if request.remove_source {
            backend::set_branch(&project.repository, &request.source, None);
        }
        let request = &mut project.merge_requests[at];
        request.state = "merged";
        request.auto_merge = false;
        request.merged_as = Some(merged);
        request.updated_at = now;
        let id = project.id;
        self.notice_push(id);
        Ok(())
    }

    /// Ends the pipelines of a commit; merge requests that waited for it are merged.
    pub(super) fn end_pipelines(&mut self, project: u64, sha: &str, status: &'static str) {
        let Some(found) = self.projects.get_mut(&project) else {
            return;
        };
        let of = |p: &&mut Pipeline| p.sha == sha || p.source_sha.as_deref() == Some(sha);
        for pipeline in found.pipelines.iter_mut().filter(of) {
            pipeline.status = status;
            pipeline.late = false;
        }
        let waits = |mr: &&MergeRequest| mr.auto_merge && mr.sha == sha;
        let waiting: Vec<u64> = found
            .merge_requests
            .iter()
            .filter(waits)
            .map(|mr| mr.iid)
            .collect();
        for iid in waiting {
            if status == "success" {
                let _ = self.merge(project, iid, None, true);
            } else if let Some(project) = self.projects.get_mut(&project) {
                project.request(iid).unwrap().auto_merge = false;
            }
        }
    }
}
