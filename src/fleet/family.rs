//! The registered repositories as the family sees them.

use super::operator::Operator;
use super::parsed::ParsedRepo;
use crate::family::{Graph, Member, On, Stand, repo_of, round};
use crate::image::ImageName;
use crate::repo::RepoName;
use std::collections::{BTreeMap, BTreeSet};

/// The family of the registered repositories, in the order in which they were given.
#[derive(Debug)]
pub struct Family {
    /// What each repository says.
    pub members: Vec<Member>,
    /// Who builds what, and who is built on what.
    pub graph: Graph,
    /// Whether every registered repository could be read.
    pub is_whole: bool,
}

impl Family {
    /// Draws the graph of these repositories.
    pub fn new(operator: &Operator, members: Vec<Member>) -> Self {
        let graph = Graph::new(&members, &operator.publishes);
        Self {
            members,
            graph,
            is_whole: true,
        }
    }

    /// Adds images that nobody else claims to the repositories that their `org.opencontainers.image.source` labels name.
    /// A label counts only if it names the repository's host as well as its path.
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

    /// Who publishes what, by canonical names.
    pub fn published(&self) -> BTreeMap<String, String> {
        let nodes = self.graph.nodes().iter();
        let published = nodes.filter_map(|node| {
            let name = self.name(node.repo?).to_string();
            Some((node.image.as_ref()?.canonical(), name))
        });
        published.collect()
    }

    /// The repositories that each repository depends on directly, a line each, by its name.
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

    /// Those of some repositories that nothing connects with any other: no image of one is built on an image of the
    /// other, over however many others. The `ignored` are not waited for.
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

    /// The repositories directly above and below one.
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

    /// These repositories, and all that they depend on.
    pub fn with_ancestors(&self, repos: &BTreeSet<usize>) -> BTreeSet<usize> {
        let graph = &self.graph;
        let nodes = repos.iter().flat_map(|repo| graph.nodes_of(*repo));
        let above = nodes.flat_map(|node| graph.ancestors(*node));
        let above = above.filter_map(|node| graph.nodes()[node].repo);
        above.chain(repos.iter().copied()).collect()
    }

    /// What a repository is called.
    pub fn name(&self, repo: usize) -> &RepoName {
        &self.members[repo].name
    }

    /// What is wrong in what repositories say of the family, a line each.
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

/// What a repository says of the family.
pub fn member(operator: &Operator, name: &RepoName, parsed: &ParsedRepo) -> Member {
    let named = parsed.references.iter().filter_map(|(path, located)| {
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
