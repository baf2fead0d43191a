//! What may hinder imagebot in one repository: rights, protected branches, variables.

use super::publishing;
use crate::forge::doctor::{DoctorFinding, DoctorLevel};
use crate::forge::gitlab::answers::{Permissions, Project};
use crate::forge::gitlab::api::Api;
use crate::forge::gitlab::endpoints::{Get, built};
use crate::forge::traits::Repository;
use crate::repo::Branch;
use gitlab::api::projects::{protected_branches, repository, variables};
use serde::Deserialize;

/// GitLab's level from which branches are pushed and merge requests opened.
const DEVELOPER: u64 = 30;
/// The level that may merge into a new project's default branch.
const MAINTAINER: u64 = 40;

#[derive(Deserialize)]
struct Protected {
    name: String,
}

/// A member of a project, by whatever way.
#[derive(Deserialize)]
struct Member {
    access_level: u64,
}

/// A branch, and what may be done with it.
#[derive(Deserialize)]
struct ProtectedBranch {
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    can_push: bool,
    #[serde(default)]
    developers_can_merge: bool,
}

#[derive(Deserialize)]
struct Variable {
    key: String,
    #[serde(default)]
    protected: bool,
}

/// What may hinder imagebot in one repository.
pub(super) async fn doctor(
    api: &Api,
    session_user: Option<u64>,
    repo: &Repository,
) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let name = &repo.name;
    let project: Project = match api.get(&Get::new(format!("projects/{}", repo.id))).await {
        Ok(project) => project,
        Err(error) => {
            let what = format!("{name}: {error}");
            return vec![DoctorFinding::problem(what).with_help(error.help_in_doctor())];
        }
    };
    let level = level(api, session_user, &project).await;
    if level < DEVELOPER {
        let what = format!(
            "{name}: the token's user has level {level}; branches and merge requests need Developer (30)"
        );
        findings
            .push(DoctorFinding::problem(what).with_help("give the user the role Developer there"));
    }
    let id = project.id;
    findings.extend(protection(api, repo, id, level).await);
    findings.extend(merging(api, repo, id, level).await);
    findings.extend(publishing::doctor(api, repo, id).await);
    if findings.iter().all(|found| found.level == DoctorLevel::Ok) {
        findings.push(DoctorFinding::ok(format!(
            "{name}: branches and merge requests"
        )));
    }
    findings
}

/// What the token's user may do there. The project shows direct members, and members of its group; who has come in by a
/// group that was invited shows among all members only.
async fn level(api: &Api, user: Option<u64>, project: &Project) -> u64 {
    let shown = project.permissions.as_ref().map_or(0, Permissions::level);
    let Some(user) = user.filter(|_| shown < DEVELOPER) else {
        return shown;
    };
    let path = format!("projects/{}/members/all/{user}", project.id);
    let member = api.get::<Member>(&Get::new(path)).await;
    member.map_or(shown, |member| member.access_level.max(shown))
}

/// Whether the user may merge into the default branch, which only automerge needs. A new project lets Maintainers only.
async fn merging(api: &Api, repo: &Repository, id: u64, level: u64) -> Option<DoctorFinding> {
    let (branch, _) = repo.head.as_ref()?;
    let endpoint = repository::branches::Branch::builder()
        .project(id)
        .branch(branch.as_str())
        .build();
    let found: ProtectedBranch = api.get(&built(endpoint).ok()?).await.ok()?;
    let may = !found.protected
        || found.can_push
        || (found.developers_can_merge && level >= DEVELOPER)
        || level >= MAINTAINER;
    (!may).then(|| {
        DoctorFinding::warning(format!(
                "{}: the token's user is not allowed to merge into `{branch}`: it can propose there, and automerge cannot \
                 merge",
                repo.name
            )).with_help("for automerge, allow it to merge under Settings > Repository > Protected branches; proposing needs nothing more")
    })
}

/// Whether pipelines of `imagebot/*` get the variables that others get.
async fn protection(api: &Api, repo: &Repository, id: u64, level: u64) -> Vec<DoctorFinding> {
    let name = &repo.name;
    let mut findings = Vec::new();
    let protected = match built(
        protected_branches::ProtectedBranches::builder()
            .project(id)
            .build(),
    ) {
        Ok(endpoint) => api.pages::<Protected>(&endpoint).await,
        Err(error) => Err(error),
    };
    if protected.is_err() {
        let what = format!(
            "{name}: this token cannot read the protected branches, so imagebot cannot check whether `imagebot/*` is protected"
        );
        findings.push(DoctorFinding::ok(what));
    }
    let protected = protected.ok();
    let ours = protected.as_ref().map(|protected| {
        let covers = |glob: &Protected| covers_ours(&glob.name);
        protected.iter().any(covers)
    });
    if ours == Some(true) && level < 40 {
        let what = format!(
            "{name}: `imagebot/*` is a protected branch, and pushing there may need Maintainer"
        );
        let help = "allow the bot to push to the protected branch `imagebot/*`, and to force-push";
        findings.push(DoctorFinding::warning(what).with_help(help));
    }
    let listed = match built(variables::ProjectVariables::builder().project(id).build()) {
        Ok(endpoint) => api.pages::<Variable>(&endpoint).await.ok(),
        Err(_) => None,
    };
    let hidden: Vec<String> = listed
        .iter()
        .flatten()
        .filter(|v| v.protected)
        .map(|v| v.key.clone())
        .collect();
    if !hidden.is_empty() && ours == Some(false) {
        let what = format!(
            "{name}: pipelines of `imagebot/*` do not get the protected variables {}",
            hidden.join(", ")
        );
        let help = "make sure their build works without them, or protect the branches `imagebot/*`";
        findings.push(DoctorFinding::warning(what).with_help(help));
    }
    findings
}

/// Whether a protected branch's name, where `*` stands for anything, covers branches of ours.
fn covers_ours(name: &str) -> bool {
    let Some((start, rest)) = name.split_once('*') else {
        return name.starts_with(Branch::OURS);
    };
    // What is before the first star decides, as far as our names are known.
    let ends = rest.is_empty() || rest.contains('*') || !rest.contains('/');
    (Branch::OURS.starts_with(start) || start.starts_with(Branch::OURS)) && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_33_protected_names_are_globs() {
        for (name, expect) in [
            ("*", true),
            ("i*", true),
            ("imagebot*", true),
            ("imagebot/*", true),
            ("imagebot/node-*", true),
            ("imagebot/node-1a2b3c4d", true),
            ("*-1a2b3c4d", true),
            ("main", false),
            ("imagebot", false),
            ("release/*", false),
            ("im*/stable/x", false),
        ] {
            assert_eq!(covers_ours(name), expect, "{name}");
        }
    }
}
