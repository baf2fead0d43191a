//! The fleet: all facts about repositories, registries and CI, and when nothing more has to be asked, the family.

use super::decisions::Memo;
use super::existing::ExistingRequests;
use super::family::{Family, member};
use super::limits::OpenLimits;
use super::need::Need;
use super::operator::Operator;
use super::parsed::ParsedRepo;
use super::record::{Access, Acted, FleetRepo, Pipelines, RepoId};
use crate::family::Member;
use crate::image::ImageName;
use crate::plan::{Failure, Lookup, Observation, Observations, Question};
use crate::repo::{Branch, CommitId, RepoName};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All that is known. Only facts are in it, and each is told to it from outside; what follows from them is worked out by
/// [`plan`](super::plan()).
#[derive(Debug)]
pub struct Fleet {
    /// What the operator's configuration says.
    pub operator: Arc<Operator>,
    /// How many merge requests there may be; `None`: as many as are wanted.
    pub limits: Option<OpenLimits>,
    /// Whether decisions keep the verdicts on all tags: for one repository, not for a fleet.
    pub traces: bool,
    /// The repositories, in the order of their names.
    pub repos: Vec<FleetRepo>,
    /// Which repositories it knows.
    pub coverage: Coverage,
    /// Those that were asked for by name and are not there, or not worked on.
    pub absent: BTreeSet<RepoName>,
    /// What registries said.
    pub seen: Observations,
    /// What is remembered from earlier passes.
    pub remembered: Remembered,
    by_id: HashMap<RepoId, usize>,
    memo: Mutex<Memo>,
    family: Mutex<Option<Arc<Family>>>,
}

/// Which of the registered repositories a fleet knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// None, or some that were asked for by name.
    Partial,
    /// All that the forges list; `has_problems`: some forge or repository could not be listed.
    Whole {
        /// Whether something is missing.
        has_problems: bool,
    },
}

/// What is remembered from earlier passes. Losing it costs time, and restarts clocks.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The ids of the registered repositories, by forge.
    pub registered: BTreeMap<String, BTreeMap<RepoName, String>>,
    /// Which repository published an image when all could be read last, by the image's canonical name.
    pub publishers: BTreeMap<String, String>,
    /// The repositories that each depended on then, a line each.
    pub parents: BTreeMap<String, String>,
    /// The addresses that images say their sources are at.
    pub sources: BTreeMap<ImageName, String>,
    /// When merge requests were opened, by repository and number.
    pub opened: BTreeMap<String, Timestamp>,
    /// Since when merge requests are about to be opened, by repository and changes.
    pub opening: BTreeMap<String, Timestamp>,
    /// How many merge requests are open in repositories that are not in the fleet.
    pub open_elsewhere: usize,
}

/// What was read of a repository.
#[derive(Debug)]
pub struct ReadRepo {
    /// Its files.
    pub parsed: Arc<ParsedRepo>,
    /// The target branch and its head; `None`: nothing can be done in it.
    pub base: Option<(Branch, CommitId)>,
    /// Since when that head is there.
    pub head_since: Option<Timestamp>,
    /// Its branches and merge requests.
    pub existing: ExistingRequests,
    /// Whether its settings, or its being empty, take it out of everything.
    pub is_skipped: bool,
    /// Whether something went wrong.
    pub has_problems: bool,
}

impl Fleet {
    /// One of which nothing is known yet.
    pub fn new(
        operator: Arc<Operator>,
        limits: Option<OpenLimits>,
        remembered: Remembered,
    ) -> Self {
        Self {
            operator,
            limits,
            traces: false,
            repos: Vec::new(),
            coverage: Coverage::Partial,
            absent: BTreeSet::new(),
            seen: Observations::default(),
            remembered,
            by_id: HashMap::new(),
            memo: Mutex::default(),
            family: Mutex::default(),
        }
    }

    pub(super) fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of a repository.
    pub fn index_of(&self, id: &RepoId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Adds repositories. What was worked out with the others' indices is worked out again.
    pub fn list(&mut self, repos: impl IntoIterator<Item = FleetRepo>) {
        self.repos.extend(repos);
        self.repos
            .sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let ids = self.repos.iter().enumerate();
        let ids = ids.filter_map(|(index, repo)| Some((repo.id.clone()?, index)));
        self.by_id = ids.collect();
        self.memo = Mutex::default();
        self.family = Mutex::default();
    }

    /// Forgets repositories.
    pub fn retain(&mut self, keep: impl Fn(&FleetRepo) -> bool) {
        self.repos.retain(keep);
        self.list([]);
    }

    /// Takes what was read of a repository.
    pub fn learn_tree(&mut self, repo: usize, read: ReadRepo) {
        let it = &mut self.repos[repo];
        it.access = Access::Read;
        it.parsed = read.parsed;
        it.base = read.base;
        it.head_since = read.head_since;
        it.existing = read.existing;
        it.is_skipped = read.is_skipped;
        it.has_problems = read.has_problems;
        self.memo().forget(repo);
        self.family_changed();
    }

    /// Takes where the references of a repository are looked up, in their order.
    pub fn learn_lookups(&mut self, repo: usize, lookups: Vec<Result<Option<Lookup>, Failure>>) {
        self.repos[repo].lookups = Some(lookups);
    }

    /// Takes the answer to a question.
    pub fn learn(&mut self, question: &Question, observation: Observation) {
        if let Observation::Labels((lookup, _), labels) = &observation
            && let Some(source) = labels.source()
            && self
                .remembered
                .sources
                .get(&lookup.image)
                .map(String::as_str)
                != Some(source)
        {
            let image = lookup.image.clone();
            self.remembered.sources.insert(image, source.to_owned());
            self.family_changed();
        }
        self.seen.learn(observation);
        self.memo().answered(question);
    }

    /// Takes what CI says of a repository.
    pub fn learn_pipelines(&mut self, repo: usize, pipelines: Pipelines) {
        self.repos[repo].pipelines = Some(pipelines);
    }

    /// Takes a repository's branches and merge requests as they are now. What depends on what they propose is decided
    /// again.
    pub fn learn_existing(&mut self, repo: usize, existing: ExistingRequests) {
        let before = self.repos[repo].existing.proposed();
        let changed = existing.proposed() != before;
        self.repos[repo].existing = existing;
        if changed {
            self.memo().forget(repo);
        }
    }

    /// Takes what is done in a repository: nothing more is planned there, and its children wait for what is coming.
    pub fn learn_acted(&mut self, repo: usize, acted: Acted) {
        self.repos[repo].acted = Some(acted);
    }

    /// These needs are being seen to, and are no longer named.
    pub fn asked(&self, needs: &BTreeSet<Need>) {
        let questions = needs.iter().filter_map(|need| match need {
            Need::Registry(question) => Some(question),
            _ => None,
        });
        self.memo().asked(questions);
    }

    /// How many of how many questions are answered.
    pub fn progress(&self) -> (usize, usize) {
        self.memo().progress()
    }

    /// A pass begins with a fleet that is known already: what is known stays, but forges and CI are asked anew before
    /// anything is done, and what depends on the time is decided again.
    pub fn begin_pass(&mut self, now: Timestamp) {
        for repo in &mut self.repos {
            repo.acted = None;
            repo.pipelines = None;
            repo.existing.fresh.clear();
            repo.existing.unavailable = false;
        }
        self.memo().begin_pass(now);
    }

    /// Forgets what registries said of an image: whatever names it is decided again.
    pub fn forget_image(&mut self, image: &ImageName) {
        self.seen.forget(image);
        let repos = self.repos.iter().enumerate();
        let naming = repos.filter(|(_, repo)| {
            let mut lookups = repo.lookups.iter().flatten().flatten().flatten();
            lookups.any(|lookup| lookup.image == *image)
        });
        let naming: Vec<usize> = naming.map(|(index, _)| index).collect();
        let mut memo = self.memo();
        naming.into_iter().for_each(|repo| memo.forget(repo));
    }

    fn family_changed(&mut self) {
        self.family = Mutex::default();
        self.memo().family_changed();
    }

    /// Whether all registered repositories could be listed and read.
    pub fn is_whole(&self) -> bool {
        let mut repos = self.repos.iter();
        self.coverage
            == Coverage::Whole {
                has_problems: false,
            }
            && repos.all(|repo| repo.access == Access::Read && !repo.has_problems)
    }

    /// Who publishes what, and who is built on what. Repositories that could not be read publish what they published when
    /// they were read last.
    pub fn family(&self) -> Arc<Family> {
        let mut cached = self.family.lock().unwrap_or_else(PoisonError::into_inner);
        let family = cached.get_or_insert_with(|| Arc::new(self.draw()));
        Arc::clone(family)
    }

    fn draw(&self) -> Family {
        let mut before: HashMap<&str, Vec<ImageName>> = HashMap::new();
        for (image, repo) in &self.remembered.publishers {
            if let Ok(image) = ImageName::parse(image) {
                before.entry(repo).or_default().push(image);
            }
        }
        let mut known = |name: &RepoName| before.remove(name.as_str()).unwrap_or_default();
        let members = self.repos.iter().map(|repo| match repo.access {
            Access::Pending | Access::Unlisted => Member {
                labelled: known(&repo.name),
                ..Member::new(repo.name.clone())
            },
            Access::Read => Member {
                address: repo.address.clone(),
                labelled: match repo.parsed.unread {
                    true => known(&repo.name),
                    false => Vec::new(),
                },
                ..member(&self.operator, &repo.name, &repo.parsed)
            },
        });
        let mut family = Family::new(&self.operator, members.collect());
        family.is_whole = self.is_whole();
        family.add_labelled(&self.operator, &self.remembered.sources);
        family
    }
}
