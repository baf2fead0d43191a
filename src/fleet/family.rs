//! The family view of the registered repositories.

use super::operator::Operator;
use super::parsed::ParsedRepo;
use crate::family::{Graph, Member, On, Stand, repo_of, round};
use crate::image::ImageName;
use crate::repo::RepoName;
use std::collections::{BTreeMap, BTreeSet};

/// The family of the registered repositories, in the order of the fleet.
#[derive(Debug)]
pub struct Family {
    /// The repositories, with the images that they publish and use.
    pub members: Vec<Member>,
    /// The images, with the dependencies between them.
    pub graph: Graph,
}

impl Family {
    /// Builds the family of these repositories.
    pub fn new(operator: &Operator, members: Vec<Member>) -> Self {
        let graph = Graph::new(&members, &operator.publishes);
        Self { members, graph }
    }

    /// Assigns images without a claim to the repositories named in their `org.opencontainers.image.source` labels. A
    /// label counts only if both its host and its path match.
    pub fn add_labelled(&mut self, operator: &Operator, sources: &BTreeMap<ImageName, String>) {
        let mut added = false;
        for (image, source) in sources {
            if self.graph.publisher(image).is_some() {
                continue;
            }
            let source = repo_of(source);
            let Some(On::Repo { host: Some(_), .. }) = source else {
                continue;
            };
            let mut members = self.members.iter_mut();
            if let Some(member) = members.find(|member| member.address == source) {
                member.labelled.push(image.clone());
                added = true;
            }
        }
        if added {
            self.graph = Graph::new(&self.members, &operator.publishes);
        }
    }

    /// The name of the repository that publishes each image, by canonical name.
    pub fn published(&self) -> BTreeMap<String, String> {
        let nodes = self.graph.nodes().iter();
        let published = nodes.filter_map(|node| {
            let name = self.name(node.repo?).to_string();
            Some((node.image.as_ref()?.canonical(), name))
        });
        published.collect()
    }

    /// The names of the repositories that each repository directly depends on, one per line, by its name.
    pub fn parents(&self) -> BTreeMap<String, String> {
        let repos = 0..self.members.len();
        let parents = repos.filter_map(|repo| {
            let nodes = self.graph.nodes_of(repo).iter();
            let above = nodes.flat_map(|node| self.graph.parents(*node));
            let above = above.filter_map(|node| self.graph.nodes()[*node].repo);
            let above: BTreeSet<&str> = above
                .filter(|parent| *parent != repo)
                .map(|parent| self.name(parent).as_str())
                .collect();
            let lines: Vec<&str> = above.into_iter().collect();
            (!lines.is_empty()).then(|| (self.name(repo).to_string(), lines.join("\n")))
        });
        parents.collect()
    }

    /// The repositories of complete families: groups of repositories that depend on each other, directly or not, all of
    /// which are in `of`. Those that are `ignored` may be missing.
    pub fn apart(&self, of: &BTreeSet<usize>, ignored: &dyn Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut apart = BTreeSet::new();
        for first in 0..self.members.len() {
            if !seen.insert(first) {
                continue;
            }
            let mut relatives = BTreeSet::from([first]);
            let mut waiting = vec![first];
            while let Some(repo) = waiting.pop() {
                for repo in self.beside(repo) {
                    if seen.insert(repo) {
                        relatives.insert(repo);
                        waiting.push(repo);
                    }
                }
            }
            relatives.retain(|repo| !ignored(*repo));
            if relatives.is_subset(of) {
                apart.extend(relatives);
            }
        }
        apart
    }

    /// The repositories that one directly depends on, and those that directly depend on it.
    fn beside(&self, repo: usize) -> BTreeSet<usize> {
        let graph = &self.graph;
        let nodes = graph.nodes_of(repo).iter();
        let beside = nodes.flat_map(|node| {
            let (above, below) = (graph.parents(*node), graph.children(*node));
            above.iter().chain(below)
        });
        beside
            .filter_map(|node| graph.nodes()[*node].repo)
            .collect()
    }

    /// These repositories and their ancestors.
    pub fn with_ancestors(&self, repos: &BTreeSet<usize>) -> BTreeSet<usize> {
        let graph = &self.graph;
        let nodes = repos.iter().flat_map(|repo| graph.nodes_of(*repo));
        let above = nodes.flat_map(|node| graph.ancestors(*node));
        let above = above.filter_map(|node| graph.nodes()[node].repo);
        above.chain(repos.iter().copied()).collect()
    }

    /// A repository's path.
    pub fn name(&self, repo: usize) -> &RepoName {
        &self.members[repo].name
    }

    /// Problems in the declarations about the family, one line each.
    pub fn findings(&self) -> impl Iterator<Item = String> {
        let findings = self.graph.findings.iter();
        let findings = findings.map(|finding| finding.told(self.name(finding.repo)));
        let cycles = self.graph.cycles.iter().map(|cycle| {
            let name = |node: &usize| self.graph.name_of(*node, &self.members);
            format!(
                "images depend on each other in a cycle and are not followed: {} (family-cycle)",
                round(cycle, &name)
            )
        });
        findings.chain(cycles)
    }
}

/// A repository's identity, images and dependencies, as input of the graph.
pub fn member(operator: &Operator, name: &RepoName, parsed: &ParsedRepo) -> Member {
    let inputs = parsed.references.iter();
    let inputs = inputs.filter(|(_, located)| located.kind.is_build_input());
    let named = inputs.filter_map(|(path, located)| {
        Some(Stand {
            image: operator.resolve(&located.reference()?.name),
            id: located.id(path),
            line: located.line,
        })
    });
    let own = parsed.registry.as_ref().map(|registry| {
        let path = name.as_str().to_ascii_lowercase();
        (registry.clone(), path)
    });
    Member {
        own,
        images: parsed.settings.images.clone(),
        stands_on: match parsed.settings.discover {
            true => named.collect(),
            false => Vec::new(),
        },
        stages: parsed.stages.clone(),
        depends: parsed.settings.depends.clone(),
        ..Member::new(name.clone())
    }
}
