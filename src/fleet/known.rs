//! The fleet: all facts about repositories, registries and CI.

use super::decisions::Memo;
use super::existing::ExistingRequests;
use super::family::{Family, member};
use super::limits::OpenLimits;
use super::need::Need;
use super::operator::Operator;
use super::parsed::ParsedRepo;
use super::record::{Access, Acted, Fact, FleetRepo, Pipelines, RepoId};
use crate::family::Member;
use crate::image::ImageName;
use crate::plan::{Failure, Lookup, Observation, Observations, Question};
use crate::repo::{Branch, CommitId, RepoName};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All known facts. They are only added from outside; everything derived from them is computed by
/// [`plan`](super::plan()).
#[derive(Debug)]
pub struct Fleet {
    /// The operator's configuration.
    pub operator: Arc<Operator>,
    /// The limits on merge requests; `None` for no limits.
    pub limits: Option<OpenLimits>,
    /// Whether decisions keep the verdicts on all tags: too much memory for a fleet, needed for one repository.
    pub traces: bool,
    /// The repositories, ordered by name.
    pub repos: Vec<FleetRepo>,
    /// Which of the registered repositories it contains.
    pub coverage: Coverage,
    /// Requested repositories that don't exist or are not processed.
    pub absent: BTreeSet<RepoName>,
    /// The answers of registries.
    pub seen: Observations,
    /// The facts from earlier passes.
    pub remembered: Remembered,
    by_id: HashMap<RepoId, usize>,
    memo: Mutex<Memo>,
    family: Mutex<Option<Arc<Family>>>,
}

/// Which of the registered repositories a fleet contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// None, or only those that were requested by name.
    Partial,
    /// All that the forges list.
    Whole {
        /// Whether a forge or repository could not be listed.
        has_problems: bool,
    },
}

/// The facts from earlier passes. If they are lost, a pass takes longer, and waiting times start again.
#[derive(Debug, Default)]
pub struct Remembered {
    /// The ids of the registered repositories, by forge.
    pub registered: BTreeMap<String, BTreeMap<RepoName, String>>,
    /// The repository that published each image in the last complete pass, by canonical name.
    pub publishers: BTreeMap<String, String>,
    /// The repositories that each repository depended on in that pass, one per line.
    pub parents: BTreeMap<String, String>,
    /// The source URL in each image's labels.
    pub sources: BTreeMap<ImageName, String>,
    /// When merge requests were opened, by repository and number.
    pub opened: BTreeMap<String, Timestamp>,
    /// Since when merge requests have been about to be opened, by repository and changes.
    pub opening: BTreeMap<String, Timestamp>,
    /// The number of open merge requests in repositories outside the fleet.
    pub open_elsewhere: usize,
}

/// The facts read from a repository.
#[derive(Debug)]
pub struct ReadRepo {
    /// Its parsed files.
    pub parsed: Arc<ParsedRepo>,
    /// The target branch and its head; `None` if nothing can be proposed.
    pub base: Option<(Branch, CommitId)>,
    /// When that head was first seen.
    pub head_since: Option<Timestamp>,
    /// imagebot's branches and merge requests in it.
    pub existing: ExistingRequests,
    /// Whether it is skipped: its settings disable it, or it is empty.
    pub is_skipped: bool,
    /// Whether an error occurred while it was read.
    pub has_problems: bool,
}

impl Fleet {
    /// A fleet without any facts.
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

    /// Adds repositories. Everything derived with their indices is computed again.
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

    /// Removes the repositories that `keep` rejects. Everything derived with indices is computed again.
    pub fn retain(&mut self, keep: impl Fn(&FleetRepo) -> bool) {
        self.repos.retain(keep);
        self.list([]);
    }

    /// Adds what was read from a repository.
    pub fn learn_tree(&mut self, repo: usize, read: ReadRepo, at: Timestamp) {
        let it = &mut self.repos[repo];
        it.access = Access::Read;
        it.parsed = read.parsed;
        it.base = read.base;
        it.head_since = read.head_since;
        it.existing = Fact {
            value: read.existing,
            learned: at,
        };
        it.read_at = Some(at);
        // Both are about the old files and the old head.
        it.lookups = None;
        it.pipelines = None;
        it.is_skipped = read.is_skipped;
        it.has_problems = read.has_problems;
        self.memo().forget(repo);
        self.family_changed();
    }

    /// Adds the look-ups for the references of a repository, in the same order.
    pub fn learn_lookups(&mut self, repo: usize, lookups: Vec<Result<Option<Lookup>, Failure>>) {
        self.repos[repo].lookups = Some(lookups);
    }

    /// Adds the answer to a question.
    pub fn learn(&mut self, question: &Question, observation: Observation, at: Timestamp) {
        if let Observation::Facts((lookup, _), facts) = &observation
            && let Some(source) = facts.label("source")
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
        self.seen.learn(observation, at);
        self.memo().answered(question);
    }

    /// Adds the CI status of a repository.
    pub fn learn_pipelines(&mut self, repo: usize, pipelines: Pipelines, at: Timestamp) {
        self.repos[repo].pipelines = Some(Fact {
            value: pipelines,
            learned: at,
        });
    }

    /// Replaces the branches and merge requests of a repository. If they propose something else now, its references are
    /// decided again.
    pub fn learn_existing(&mut self, repo: usize, existing: ExistingRequests, at: Timestamp) {
        let before = self.repos[repo].existing.proposed();
        let changed = existing.proposed() != before;
        self.repos[repo].existing = Fact {
            value: existing,
            learned: at,
        };
        if changed {
            self.memo().forget(repo);
        }
    }

    /// Records what was done in a repository: nothing more is planned there, and its children wait for these changes.
    pub fn learn_acted(&mut self, repo: usize, acted: Acted) {
        self.repos[repo].acted = Some(acted);
    }

    /// Marks the questions to registries among these needs as sent, so that they are not returned again. Other needs are
    /// returned until they are met.
    pub fn asked(&self, needs: &BTreeSet<Need>) {
        let questions = needs.iter().filter_map(|need| match need {
            Need::Registry(question) => Some(question),
            _ => None,
        });
        self.memo().asked(questions);
    }

    /// The number of answered questions, and of all questions.
    pub fn progress(&self) -> (usize, usize) {
        self.memo().progress()
    }

    /// Starts another pass with the same fleet. Its facts are kept, but forges and CI have to be queried again before
    /// anything is done, and time-dependent decisions are made again.
    pub fn begin_pass(&mut self, now: Timestamp) {
        for repo in &mut self.repos {
            repo.acted = None;
            // Two passes may have the same time by the clock.
            repo.pipelines = None;
            repo.existing.value.fresh.clear();
            repo.existing.value.unavailable = false;
        }
        self.memo().begin_pass(now);
    }

    /// Drops the answers about an image: every reference to it is decided again.
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

    /// Whether all registered repositories were listed and read without errors.
    pub fn is_whole(&self) -> bool {
        let mut repos = self.repos.iter();
        self.coverage
            == Coverage::Whole {
                has_problems: false,
            }
            && repos.all(|repo| repo.access == Access::Read && !repo.has_problems)
    }

    /// The family, cached until a fact about it changes. Repositories that could not be read are assumed to publish
    /// what they published when they were last read.
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
        family.add_labelled(&self.operator, &self.remembered.sources);
        family
    }
}
