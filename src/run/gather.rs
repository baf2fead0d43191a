//! Reading the repositories that are in scope: all of them, or some with all that they depend on.
//!
//! Some are enough where the store remembers who publishes what: then the forges are asked for these repositories and
//! for those that publish what they name, and so on up to the top of the family. Nothing else is listed or parsed.

use super::cold::learn;
use super::existing::remember_ended;
use super::options::Options;
use super::read::{Reading, read_all};
use super::register::{Roll, Wanted, known, look, register};
use super::repo::RepoState;
use super::report::Report;
use super::setup::Setup;
use super::shared::Shared;
use crate::family::On;
use crate::fleet::ParsedRepo;
use crate::image::{ImageName, Reference};
use crate::repo::{RepoGlobs, RepoName};
use crate::store::StoredKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// The repositories in scope, read.
pub(super) struct Gathered {
    /// In the order of their names.
    pub(super) cases: Vec<RepoState>,
    /// Those that are not listed now although they are, or were, registered: unknown, never gone.
    pub(super) unlisted: BTreeSet<RepoName>,
    /// Whether only some of the registered repositories were asked for.
    pub(super) is_partial: bool,
    /// Those that are still being read.
    pub(super) rest: Option<Reading>,
}

/// How long nothing has to arrive until the repositories that were read are acted upon without the others.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Reads what a pass is about.
pub(super) async fn gather(shared: &Shared, options: &Options, report: &mut Report) -> Gathered {
    let setup = &shared.setup;
    if let Some(only) = &options.only
        && let Some(mut scope) = Scope::new(setup, only)
    {
        let mut gathered = Gathered {
            cases: Vec::new(),
            unlisted: BTreeSet::new(),
            is_partial: true,
            rest: None,
        };
        let mut partial = Report::new(options.dry_run);
        while let Some(wanted) = scope.next(gathered.cases.iter().map(|case| &case.parsed)) {
            let roll = look(setup, &wanted, only, !options.dry_run, &mut partial).await;
            gathered.read(shared, options, roll).await;
        }
        let found = gathered.cases.iter().map(|case| case.listed.name.as_str());
        let failed = partial.repositories.iter().map(|repo| repo.repo.as_str());
        let out = partial.left_out.iter().map(|left| left.repo.as_str());
        if super::unmatched::of_list(only, found.chain(failed).chain(out)).is_empty() {
            report.take(partial);
            gathered.sort();
            return gathered;
        }
        // One of them has another name by now, or is gone: only the lists tell.
    }
    let roll = register(setup, options.only.as_ref(), !options.dry_run, report).await;
    remember_ended(setup, &roll.repositories).await;
    learn(setup, options, &roll.repositories).await;
    let mut reading = Reading::start(shared, roll.repositories);
    let mut gathered = Gathered {
        cases: reading.next(PATIENCE).await,
        unlisted: roll.unlisted,
        is_partial: false,
        rest: None,
    };
    gathered.rest = (!reading.is_done()).then_some(reading);
    gathered.sort();
    gathered
}

impl Gathered {
    async fn read(&mut self, shared: &Shared, options: &Options, roll: Roll) {
        let setup = &shared.setup;
        remember_ended(setup, &roll.repositories).await;
        learn(setup, options, &roll.repositories).await;
        self.cases.extend(read_all(shared, roll.repositories).await);
        self.unlisted.extend(roll.unlisted);
    }

    /// Waits for those that are still being read.
    pub(super) async fn whole(mut self) -> Self {
        while let Some(reading) = &mut self.rest {
            let more = reading.next(PATIENCE).await;
            if more.is_empty() {
                self.rest = None;
            }
            self.cases.extend(more);
        }
        self.sort();
        self
    }

    /// The same order in every pass.
    fn sort(&mut self) {
        self.cases.sort_by(|a, b| a.listed.name.cmp(&b.listed.name));
    }
}

/// Some repositories and all that they depend on, as far as the store knows it.
pub(super) struct Scope {
    /// The ids of all repositories, by forge and name.
    known: BTreeMap<String, Wanted>,
    /// Who publishes what.
    publishers: BTreeMap<String, String>,
    /// The repositories by their paths in lower case, as images are named after them.
    by_path: HashMap<String, RepoName>,
    /// The first ones, until they were given out.
    first: Option<BTreeSet<RepoName>>,
    asked: BTreeSet<RepoName>,
}

impl Scope {
    /// The scope of repositories that are named one by one; `None` if the store does not know them, or no family yet.
    pub(super) fn new(setup: &Setup, only: &RepoGlobs) -> Option<Self> {
        let names: Option<BTreeSet<RepoName>> = only
            .positive()
            .map(|glob| RepoName::parse(glob).ok())
            .collect();
        let names = names?.into_iter().filter(|name| only.select(name));
        Self::of(setup, names.collect())
    }

    /// The scope of some repositories.
    pub(super) fn of(setup: &Setup, names: BTreeSet<RepoName>) -> Option<Self> {
        let known: BTreeMap<String, Wanted> = setup
            .forges
            .iter()
            .map(|forge| (forge.name().to_owned(), known(setup, forge.name())))
            .collect();
        let publishers = setup.store.all_kept(StoredKind::Publisher);
        let is_known = |name: &RepoName| known.values().any(|of| of.contains_key(name));
        let enough = !publishers.is_empty() && !names.is_empty() && names.iter().all(is_known);
        let all = known.values().flat_map(|of_forge| of_forge.keys());
        let by_path = all.map(|name| (name.as_str().to_ascii_lowercase(), name.clone()));
        enough.then_some(Self {
            by_path: by_path.collect(),
            known,
            publishers,
            first: Some(names),
            asked: BTreeSet::new(),
        })
    }

    /// The scope of what a name stands for, a repository or an image that one publishes: that repository, and those that
    /// depend on it, all of them or only the nearest.
    pub(super) fn below(setup: &Setup, name: &str, all: bool) -> Option<Self> {
        let name = name.strip_prefix("repo:").unwrap_or(name);
        let image = name.strip_prefix("image:").unwrap_or(name);
        let publisher = || {
            let image = Reference::parse(image).ok()?;
            let image = setup.operator.resolve(&image.name).canonical();
            RepoName::parse(&setup.store.kept(StoredKind::Publisher, &image)?).ok()
        };
        let parents = setup.store.all_kept(StoredKind::Parents);
        let mut children: HashMap<&str, Vec<&str>> = HashMap::new();
        for (child, on) in &parents {
            for parent in on.lines() {
                children.entry(parent).or_default().push(child);
            }
        }
        let repo = RepoName::parse(name).ok();
        let first = repo.filter(|repo| Self::of(setup, BTreeSet::from([repo.clone()])).is_some());
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
        Self::of(setup, names)
    }

    /// Patterns that select just the first ones.
    pub(super) fn globs(&self) -> Option<RepoGlobs> {
        let names = self.first.iter().flatten();
        let globs: Vec<String> = names.map(|name| globset::escape(name.as_str())).collect();
        RepoGlobs::parse(&globs).ok()
    }

    /// The repositories that are to be asked for next, by forge, given those that were read; `None`: no more.
    pub(super) fn next<'a>(
        &mut self,
        read: impl Iterator<Item = &'a ParsedRepo>,
    ) -> Option<BTreeMap<String, Wanted>> {
        let names = match self.first.take() {
            Some(first) => first,
            None => read.flat_map(|parsed| self.named_by(parsed)).collect(),
        };
        let new: BTreeSet<RepoName> = names.difference(&self.asked).cloned().collect();
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for (forge, of_forge) in &self.known {
            let here = new.iter().filter_map(|name| of_forge.get_key_value(name));
            let here: Wanted = here.map(|(name, id)| (name.clone(), id.clone())).collect();
            if !here.is_empty() {
                wanted.insert(forge.clone(), here);
            }
        }
        self.asked.extend(new);
        (!wanted.is_empty()).then_some(wanted)
    }

    /// The repositories that a repository depends on.
    fn named_by(&self, parsed: &ParsedRepo) -> BTreeSet<RepoName> {
        let references = parsed.references.iter();
        let images = references.filter_map(|(_, located)| Some(&located.reference()?.name));
        let mut named: BTreeSet<RepoName> =
            images.flat_map(|image| self.publisher(image)).collect();
        for depends in &parsed.settings.depends {
            match &depends.on {
                On::Repo { name, .. } => drop(named.insert(name.clone())),
                On::Image(image) => named.extend(self.publisher(image)),
            }
        }
        named
    }

    /// Who publishes an image: whom the store knows, or whose path the image's begins with.
    fn publisher(&self, image: &ImageName) -> Option<RepoName> {
        if let Some(name) = self.publishers.get(&image.canonical()) {
            return RepoName::parse(name).ok();
        }
        let path = image.path();
        let ends = path.match_indices('/').map(|(at, _)| at);
        let mut prefixes = ends.chain([path.len()]).map(|end| &path[..end]);
        let registered = |prefix: &str| self.by_path.get(&prefix.to_ascii_lowercase());
        prefixes.find_map(registered).cloned()
    }
}
