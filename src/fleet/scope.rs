//! The scope of a pass: the whole fleet, or some repositories with everything that they depend on.
//!
//! If it is remembered which repository publishes each image, a smaller scope needs fewer requests: only these
//! repositories are fetched, then those that publish the images that they name, and so on up to the roots of the
//! family.

use super::known::{Coverage, Fleet, Remembered};
use super::need::Need;
use super::parsed::ParsedRepo;
use super::record::Access;
use crate::family::On;
use crate::image::{ImageName, Reference};
use crate::repo::{RepoGlobs, RepoName};
use std::collections::{BTreeSet, HashMap};

/// The scope of a pass.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The patterns of the repositories in scope; `None` for all.
    only: Option<RepoGlobs>,
    /// The repositories by name, if only these and their ancestors have to be fetched.
    walk: Option<Walk>,
    /// The indices to which the scope is limited: the repositories that can be planned now.
    within: Option<BTreeSet<usize>>,
    /// Whether references are decided as soon as their repository is read, before all are read.
    is_impatient: bool,
}

/// The starting points of a walk up the family.
#[derive(Debug, Clone)]
struct Walk {
    first: BTreeSet<RepoName>,
    /// The registered repositories by lower-case path, because image names are derived from it.
    by_path: HashMap<String, RepoName>,
}

impl Scope {
    /// A scope of all registered repositories.
    pub fn all() -> Self {
        Self::default()
    }

    /// A scope of the repositories that match some patterns. If each pattern is the exact name of a remembered
    /// repository, only these and their ancestors are fetched.
    pub fn only(globs: RepoGlobs, remembered: &Remembered) -> Self {
        let names: Option<BTreeSet<RepoName>> = globs
            .positive()
            .map(|glob| RepoName::parse(glob).ok())
            .collect();
        let names = names
            .into_iter()
            .flatten()
            .filter(|name| globs.select(name));
        Self {
            walk: Walk::new(names.collect(), remembered),
            only: Some(globs),
            within: None,
            is_impatient: false,
        }
    }

    /// The scope of a name, which is a repository or an image that a repository publishes: that repository and its
    /// descendants, all or only the nearest. `None` if the name is not remembered. `resolve` returns an image's name in
    /// its registry.
    pub fn below(
        name: &str,
        all: bool,
        remembered: &Remembered,
        resolve: &dyn Fn(&ImageName) -> ImageName,
    ) -> Option<Self> {
        let name = name.strip_prefix("repo:").unwrap_or(name);
        let image = name.strip_prefix("image:").unwrap_or(name);
        let publisher = || {
            let image = Reference::parse(image).ok()?;
            let image = resolve(&image.name).canonical();
            RepoName::parse(remembered.publishers.get(&image)?).ok()
        };
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for (child, parents) in &remembered.parents {
            for parent in parents.lines() {
                children.entry(parent).or_default().push(child);
            }
        }
        let repo = RepoName::parse(name).ok();
        let first = repo.filter(|repo| remembered.knows(repo));
        let mut names = BTreeSet::from([first.or_else(publisher)?]);
        let mut waiting: Vec<RepoName> = names.iter().cloned().collect();
        while let Some(above) = waiting.pop() {
            let below = children.get(above.as_str()).into_iter().flatten();
            for child in below.filter_map(|child| RepoName::parse(child).ok()) {
                if names.insert(child.clone()) && all {
                    waiting.push(child);
                }
            }
        }
        let globs: Vec<String> = names
            .iter()
            .map(|it| globset::escape(it.as_str()))
            .collect();
        Some(Self {
            only: Some(RepoGlobs::parse(&globs).ok()?),
            walk: Some(Walk::new(names, remembered)?),
            within: None,
            is_impatient: false,
        })
    }

    /// The same scope, using the forges' full lists, after a repository was not found under its remembered name.
    pub fn listed(self) -> Self {
        Self { walk: None, ..self }
    }

    /// The same scope, deciding about references before all repositories are read.
    pub fn impatient(self) -> Self {
        Self {
            is_impatient: true,
            ..self
        }
    }

    /// Whether references are decided before all repositories are read.
    pub(super) fn is_impatient(&self) -> bool {
        self.is_impatient
    }

    /// The same scope, limited to these repositories, by index.
    pub fn within(&self, repos: BTreeSet<usize>) -> Self {
        Self {
            within: Some(repos),
            ..self.clone()
        }
    }

    /// Whether only these repositories and what they depend on are requested.
    pub fn is_walk(&self) -> bool {
        self.walk.is_some()
    }

    /// Whether it is not limited for now.
    pub(super) fn is_whole(&self) -> bool {
        self.within.is_none()
    }

    /// Whether all its repositories are done.
    pub fn is_done(&self, fleet: &Fleet) -> bool {
        self.remaining(fleet).is_empty()
    }

    /// The patterns of the repositories in scope.
    pub fn globs(&self) -> Option<&RepoGlobs> {
        self.only.as_ref()
    }

    /// The repositories that must be listed or read before anything can be decided.
    pub(super) fn missing(&self, fleet: &Fleet) -> BTreeSet<Need> {
        match &self.walk {
            None if fleet.coverage == Coverage::Partial && self.within.is_none() => {
                return BTreeSet::from([Need::Listing]);
            }
            None => {}
            Some(walk) => {
                let missing = walk.missing(fleet);
                if !missing.is_empty() {
                    return missing;
                }
            }
        }
        let repos = fleet.repos.iter().enumerate();
        let within = |repo: &usize| self.within.as_ref().is_none_or(|all| all.contains(repo));
        let pending = repos
            .filter(|(_, repo)| repo.access == Access::Pending)
            .map(|(index, _)| index);
        pending.filter(within).map(Need::Tree).collect()
    }

    /// The repositories in scope that are not done yet.
    pub(super) fn remaining(&self, fleet: &Fleet) -> BTreeSet<usize> {
        let only = |index: &usize| {
            let globs = self.only.as_ref();
            globs.is_none_or(|globs| globs.select(&fleet.repos[*index].name))
        };
        let within = |repo: &usize| self.within.as_ref().is_none_or(|all| all.contains(repo));
        let not_done = |repo: &usize| fleet.repos[*repo].acted.is_none();
        let all = (0..fleet.repos.len()).filter(not_done);
        all.filter(only).filter(within).collect()
    }

    /// The repositories in scope and their ancestors.
    pub(super) fn concerned(&self, fleet: &Fleet) -> BTreeSet<usize> {
        let remaining = self.remaining(fleet);
        let mut concerned = match self.only {
            None => remaining,
            Some(_) => fleet.family().with_ancestors(&remaining),
        };
        concerned.retain(|repo| fleet.repos[*repo].acted.is_none());
        if let Some(within) = &self.within {
            concerned.retain(|repo| within.contains(repo));
        }
        concerned
    }
}

impl Remembered {
    /// Whether a repository is registered.
    fn knows(&self, name: &RepoName) -> bool {
        let mut forges = self.registered.values();
        forges.any(|of_forge| of_forge.contains_key(name))
    }
}

impl Walk {
    /// `None` if one of the repositories is not remembered, or no family is.
    fn new(first: BTreeSet<RepoName>, remembered: &Remembered) -> Option<Self> {
        let enough = !remembered.publishers.is_empty()
            && !first.is_empty()
            && first.iter().all(|name| remembered.knows(name));
        let all = remembered.registered.values().flat_map(|of| of.keys());
        let by_path = all.map(|name| (name.as_str().to_ascii_lowercase(), name.clone()));
        enough.then(|| Self {
            first,
            by_path: by_path.collect(),
        })
    }

    fn missing(&self, fleet: &Fleet) -> BTreeSet<Need> {
        let read = fleet.repos.iter().filter(|it| it.access == Access::Read);
        let named = read.flat_map(|repo| self.named_by(fleet, &repo.parsed));
        let names: BTreeSet<RepoName> = named.chain(self.first.iter().cloned()).collect();
        let there: BTreeSet<&RepoName> = fleet.repos.iter().map(|repo| &repo.name).collect();
        let missing = names.into_iter().filter(|name| {
            let is_known = fleet.remembered.knows(name);
            is_known && !there.contains(name) && !fleet.absent.contains(name)
        });
        missing.map(Need::Repository).collect()
    }

    /// The repositories that a repository depends on, by name.
    fn named_by(&self, fleet: &Fleet, parsed: &ParsedRepo) -> BTreeSet<RepoName> {
        let references = parsed.references.iter();
        let images = references.filter_map(|(_, located)| Some(&located.reference()?.name));
        let publisher = |image: &ImageName| self.publisher(&fleet.remembered, image);
        let mut named: BTreeSet<RepoName> = images.filter_map(publisher).collect();
        for depends in &parsed.settings.depends {
            match &depends.on {
                On::Repo { name, .. } => drop(named.insert(name.clone())),
                On::Image(image) => named.extend(publisher(image)),
            }
        }
        named
    }

    /// The publisher of an image: the remembered one, or the registered repository whose path is a prefix of the
    /// image's.
    fn publisher(&self, remembered: &Remembered, image: &ImageName) -> Option<RepoName> {
        if let Some(name) = remembered.publishers.get(&image.canonical()) {
            return RepoName::parse(name).ok();
        }
        let path = image.path();
        let ends = path.match_indices('/').map(|(at, _)| at);
        let mut prefixes = ends.chain([path.len()]).map(|end| &path[..end]);
        let registered = |prefix: &str| self.by_path.get(&prefix.to_ascii_lowercase());
        prefixes.find_map(registered).cloned()
    }
}
