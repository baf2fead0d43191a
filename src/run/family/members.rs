//! The registered repositories as the family sees them.

use super::super::report::capped;
use super::super::setup::Setup;
use super::super::work::Work;
use crate::config::repo_of;
use crate::family::{Graph, Member, On, Stand, round};
use crate::forge::Repository;
use crate::image::ImageName;
use crate::plan::Observations;
use crate::repo::RepoName;
use crate::store::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// The family of the registered repositories, in the order in which they were given.
pub struct Kinship {
    /// What each repository says.
    pub members: Vec<Member>,
    /// Who builds what, and who stands on what.
    pub graph: Graph,
    /// Whether every registered repository could be asked.
    pub is_whole: bool,
}

/// Draws the graph of repositories, each with what was read of it. Those that could not be read, and the `unlisted`
/// ones behind all others, publish what they published when they were read last.
pub fn kinship<'a>(
    setup: &Setup,
    repositories: impl IntoIterator<Item = (&'a Repository, &'a Work)>,
    unlisted: impl IntoIterator<Item = RepoName>,
) -> Kinship {
    let mut before = published_before(setup);
    let mut known = |name: &RepoName| before.remove(name).unwrap_or_default();
    let members = repositories.into_iter();
    let mut members: Vec<Member> = members
        .map(|(repo, work)| Member {
            labelled: match work.unread {
                true => known(&repo.name),
                false => Vec::new(),
            },
            ..member(setup, &repo.name, work)
        })
        .collect();
    members.extend(unlisted.into_iter().map(|name| Member {
        labelled: known(&name),
        ..Member::new(name)
    }));
    let graph = Graph::new(&members, &setup.config.publishes);
    Kinship {
        members,
        graph,
        is_whole: true,
    }
}

/// What each repository published when everybody could be read last.
pub(in crate::run) fn published_before(setup: &Setup) -> BTreeMap<RepoName, Vec<ImageName>> {
    let mut before: BTreeMap<RepoName, Vec<ImageName>> = BTreeMap::new();
    for (image, repo) in setup.store.all_kept(Kind::Publisher) {
        if let (Ok(image), Ok(repo)) = (ImageName::parse(&image), RepoName::parse(&repo)) {
            before.entry(repo).or_default().push(image);
        }
    }
    before
}

/// The addresses that images say their sources are at, from what is known of the images that are to be proposed now or
/// were in an earlier pass.
pub(in crate::run) fn sources(setup: &Setup, seen: &Observations) -> BTreeMap<ImageName, String> {
    for ((lookup, _), labels) in &seen.labels {
        if let Some(source) = labels.0.get("org.opencontainers.image.source") {
            let image = lookup.image.canonical();
            if setup.store.kept(Kind::Source, &image).as_ref() != Some(source) {
                setup.store.keep(Kind::Source, &image, source);
            }
        }
    }
    let kept = setup.store.all_kept(Kind::Source).into_iter();
    kept.filter_map(|(image, source)| Some((ImageName::parse(&image).ok()?, source)))
        .collect()
}

impl Kinship {
    /// Hears the labels of images that nobody else claims.
    pub(in crate::run) fn hear(
        &mut self,
        setup: &Setup,
        repositories: &[&Repository],
        sources: &BTreeMap<ImageName, String>,
    ) {
        let mut heard = false;
        for (image, source) in sources {
            if self.graph.publisher(image).is_some() {
                continue;
            }
            let Some(On::Repo {
                host: Some(host),
                name,
            }) = repo_of(source)
            else {
                continue;
            };
            let fits = |repo: &&Repository| {
                repo.name == name
                    && matches!(repo_of(repo.remote.url()), Some(On::Repo { host: Some(of), .. }) if of == host)
            };
            if let Some(repo) = repositories.iter().position(fits) {
                self.members[repo].labelled.push(image.clone());
                heard = true;
            }
        }
        if heard {
            self.graph = Graph::new(&self.members, &setup.config.publishes);
        }
    }
}

impl Kinship {
    /// Remembers who publishes what, if everybody could be asked.
    pub(in crate::run) fn remember(&self, setup: &Setup) {
        if !self.is_whole {
            return;
        }
        let nodes = self.graph.nodes().iter();
        let published = nodes.filter_map(|node| {
            let name = self.name(node.repo?).to_string();
            Some((node.image.as_ref()?.canonical(), name))
        });
        let now: BTreeMap<String, String> = published.collect();
        let before = setup.store.all_kept(Kind::Publisher);
        for image in before.keys().filter(|image| !now.contains_key(*image)) {
            setup.store.forget(Kind::Publisher, image);
        }
        for (image, repo) in now
            .iter()
            .filter(|(image, repo)| before.get(*image) != Some(*repo))
        {
            setup.store.keep(Kind::Publisher, image, repo);
        }
    }

    /// Those of some repositories that nothing connects with any other: no image of one is built on an image of the
    /// other, over however many others. Those behind the first `listed` are not waited for.
    pub(in crate::run) fn apart(&self, of: &BTreeSet<usize>, listed: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut apart = BTreeSet::new();
        for first in 0..self.members.len() {
            if !seen.insert(first) {
                continue;
            }
            let mut relatives = BTreeSet::from([first]);
            let mut waiting = vec![first];
            while let Some(repo) = waiting.pop() {
                let nodes = self.graph.nodes_of(repo).iter();
                let beside = nodes.flat_map(|node| {
                    let (above, below) = (self.graph.parents(*node), self.graph.children(*node));
                    above
                        .iter()
                        .chain(below)
                        .filter_map(|node| self.graph.nodes()[*node].repo)
                });
                for repo in beside {
                    if seen.insert(repo) {
                        relatives.insert(repo);
                        waiting.push(repo);
                    }
                }
            }
            relatives.retain(|repo| *repo < listed);
            if relatives.is_subset(of) {
                apart.extend(relatives);
            }
        }
        apart
    }

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
            id: located.id(path),
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
    let findings = kinship.graph.findings.iter();
    let findings = findings.map(|finding| finding.told(kinship.name(finding.repo)));
    let cycles = kinship.graph.cycles.iter().map(|cycle| {
        let name = |node: &usize| kinship.graph.name_of(*node, &kinship.members);
        format!(
            "images depend on each other in a cycle and are not followed: {} (family-cycle)",
            round(cycle, &name)
        )
    });
    capped(findings.chain(cycles), MOST_FINDINGS)
}

/// The most findings about the family that are shown.
const MOST_FINDINGS: usize = 100;
