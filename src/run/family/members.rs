//! The registered repositories as the family sees them.

use super::super::setup::Setup;
use super::super::work::Work;
use crate::family::{Graph, Member, Stand};
use crate::forge::Repository;
use crate::repo::RepoName;

/// The family of the registered repositories, in the order in which they were given.
pub struct Kinship {
    /// What each repository says.
    pub members: Vec<Member>,
    /// Who builds what, and who stands on what.
    pub graph: Graph,
}

/// Draws the graph of repositories, each with what was read of it.
pub fn kinship<'a>(
    setup: &Setup,
    repositories: impl IntoIterator<Item = (&'a Repository, &'a Work)>,
) -> Kinship {
    let members = repositories.into_iter();
    let members: Vec<Member> = members
        .map(|(repo, work)| member(setup, &repo.name, work))
        .collect();
    let graph = Graph::new(&members, &setup.config.publishes);
    Kinship { members, graph }
}

impl Kinship {
    /// What a repository is called.
    pub fn name(&self, repo: usize) -> &RepoName {
        &self.members[repo].name
    }
}

/// What a repository says, with what was read of it.
pub(in crate::run) fn member(setup: &Setup, name: &RepoName, work: &Work) -> Member {
    let stands_on = work.references.iter().filter_map(|(path, located)| {
        Some(Stand {
            image: setup.resolve(&located.reference()?.name),
            path: path.clone(),
            line: located.line,
        })
    });
    let own = work.registry.as_ref().map(|registry| {
        let path = name.as_str().to_ascii_lowercase();
        (registry.host.clone(), path)
    });
    Member {
        own,
        images: work.config.images.clone(),
        stands_on: match work.config.discover {
            true => stands_on.collect(),
            false => Vec::new(),
        },
        stages: work.stages.clone(),
        depends: work.config.depends.clone(),
        ..Member::new(name.clone())
    }
}

/// What is odd about the family, a line each.
pub fn odd(kinship: &Kinship) -> Vec<String> {
    let findings = kinship.graph.findings.iter().map(|finding| {
        let repo = kinship.name(finding.repo);
        let (what, place) = (&finding.what, &finding.place);
        format!("{repo}: {place}: {what} ({})", what.code())
    });
    let cycles = kinship.graph.cycles.iter().map(|cycle| {
        let name = |node: &usize| kinship.graph.name_of(*node, &kinship.members);
        let round: Vec<String> = cycle.iter().chain(cycle.first()).map(name).collect();
        format!(
            "images stand on each other in a circle, and are not followed: {} (family-cycle)",
            round.join(" → ")
        )
    });
    findings.chain(cycles).collect()
}
