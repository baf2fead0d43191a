//! Fetches what the plan needs, from the forges, git, the registries and the store.
//!
//! Listings are awaited. All other requests run in the background, and their results are added to the fleet one by one,
//! on the task of the pass: the fleet needs no lock during a request, and the plan never sees half of a result. A fact
//! is requested at most once at a time, however often the plan names it; look-ups follow from the
//! configuration and need no request.

use super::cold::learn;
use super::existing::{look as look_at_requests, of_unread, remember_ended};
use super::lookups::lookups;
use super::observe::Judge;
use super::pipelines::{Heads, of_unlisted, pipelines};
use super::questions::Questions;
use super::read::{Arrival, Depth, Reading};
use super::register::{Registered, Roll, Wanted, id_of, look, register};
use super::remembered::{count_elsewhere, remember_source};
use super::report::{ProblemReport, Report, RepositoryReport};
use super::shared::{AT_ONCE, Shared};
use super::unmatched;
use crate::family::repo_of;
use crate::fleet::{Coverage, ExistingRequests, Fleet, FleetRepo, Need, Pipelines, RepoId, Scope};
use crate::image::ImageName;
use crate::plan::{Lookup, Observation, Question};
use crate::repo::RepoName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a pass waits for a new fact before it continues without those that are missing.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// The sources of the facts of a pass, and the requests in progress.
pub(super) struct Edges {
    pub(super) shared: Shared,
    /// The scope of the pass. It is widened if a repository is not found under its remembered name.
    pub(super) scope: Scope,
    depth: Depth,
    /// The forge and the listing of each repository.
    pub(super) registered: BTreeMap<RepoId, Registered>,
    /// The report of each repository that has been read.
    pub(super) reports: BTreeMap<RepoId, RepositoryReport>,
    reading: Reading,
    questions: Questions,
    /// The requests to forges about single repositories in progress.
    asked: JoinSet<(Need, OfForge)>,
    room: Arc<Semaphore>,
    /// The needs in progress, without questions to registries.
    in_flight: BTreeSet<Need>,
}

/// The answer of a forge about one repository.
enum OfForge {
    Pipelines(Pipelines),
    Existing(Result<ExistingRequests, ProblemReport>),
}

/// A new fact.
enum NewFact {
    Read(Arrival),
    Registry(Question, Observation),
    Forge(Need, OfForge),
}

impl Edges {
    pub(super) fn new(shared: Shared, scope: Scope, depth: Depth) -> Self {
        Self {
            reading: Reading::new(&shared, depth),
            questions: Questions::new(&shared.setup, shared.options.now),
            depth,
            registered: BTreeMap::new(),
            reports: BTreeMap::new(),
            asked: JoinSet::new(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            in_flight: BTreeSet::new(),
            shared,
            scope,
        }
    }

    /// Starts to fetch what is needed. Returns whether the fleet already has new facts: listings and look-ups are added
    /// before this returns, all other facts by [`Self::wait`].
    pub(super) async fn ask(
        &mut self,
        fleet: &mut Fleet,
        needs: BTreeSet<Need>,
        report: &mut Report,
    ) -> bool {
        // A plan that needs a listing cannot do anything in parallel, so these needs are simply awaited here.
        let at_once =
            |need: &Need| matches!(need, Need::Listing | Need::Repository(_) | Need::Lookups(_));
        let knows_more = needs.iter().any(at_once);
        fleet.asked(&needs);
        let mut names = BTreeSet::new();
        for need in needs {
            if self.in_flight.contains(&need) {
                continue;
            }
            match &need {
                Need::Listing => self.list(fleet, report).await,
                Need::Repository(name) => drop(names.insert(name.clone())),
                Need::Lookups(repo) => {
                    let all = self.lookups_of(&fleet.repos[*repo]);
                    fleet.learn_lookups(*repo, all);
                }
                Need::Registry(question) => self.questions.ask(question.clone()),
                Need::Tree(repo) => {
                    let id = fleet.repos[*repo].id.as_ref();
                    let new = id.filter(|id| !self.reading.contains(id));
                    if let Some(registered) = new.and_then(|id| self.registered.get(id)) {
                        self.reading.start(&self.shared, registered);
                    }
                }
                Need::Pipelines(repo) => self.ask_pipelines(fleet, *repo),
                // Another set of branches is requested once this answer is there.
                Need::Fresh(repo, _) if self.is_fetching(*repo) => {}
                Need::Fresh(repo, names) => {
                    self.ask_requests(&fleet.repos[*repo], need.clone(), names.clone());
                }
            }
        }
        if !names.is_empty() {
            self.look(fleet, names, report).await;
        }
        knows_more
    }

    /// Waits for a new fact, until `moment` at the latest; returns whether there was one.
    pub(super) async fn wait(&mut self, fleet: &mut Fleet, moment: Option<Instant>) -> bool {
        let next = async {
            tokio::select! {
                Some(arrival) = self.reading.next() => Some(NewFact::Read(arrival)),
                Some((question, answer)) = self.questions.next() => {
                    Some(NewFact::Registry(question, answer))
                }
                Some(done) = self.asked.join_next() => Some(of_forge(done)),
                else => None,
            }
        };
        let first = match moment {
            None => next.await,
            Some(moment) => tokio::time::timeout_at(moment, next).await.ok().flatten(),
        };
        let Some(first) = first else {
            return false;
        };
        self.learn(fleet, first);
        // Facts that have arrived already are added as well: each new plan goes through the fleet, so fewer are better.
        while let Some(arrival) = self.reading.arrived() {
            self.learn(fleet, NewFact::Read(arrival));
        }
        while let Some((question, answer)) = self.questions.arrived() {
            self.learn(fleet, NewFact::Registry(question, answer));
        }
        while let Some(done) = self.asked.try_join_next() {
            self.learn(fleet, of_forge(done));
        }
        let (done, total) = fleet.progress();
        if total > 0 {
            let progress = &self.shared.options.progress;
            progress.tick("registries", done, total);
        }
        true
    }

    /// The number of repositories that are being read.
    pub(super) fn reading(&self) -> usize {
        self.reading.left().count()
    }

    /// Waits for the requests to forges about single repositories, until `moment` at the latest: planning in between would
    /// only repeat the needs that are still open.
    pub(super) async fn wait_for_forges(&mut self, fleet: &mut Fleet, moment: Option<Instant>) {
        while !self.in_flight.is_empty() && self.wait(fleet, moment).await {}
    }

    fn is_fetching(&self, repo: usize) -> bool {
        let mut in_flight = self.in_flight.iter();
        in_flight.any(|need| matches!(need, Need::Fresh(of, _) if *of == repo))
    }

    /// Fetches what a view of the fleet needs until it has everything. Reads more repositories at once if nothing
    /// arrives.
    pub(super) async fn fetch_all<T>(
        &mut self,
        fleet: &mut Fleet,
        report: &mut Report,
        view: impl Fn(&Fleet, &Scope) -> Result<T, BTreeSet<Need>>,
    ) -> T {
        loop {
            let needs = match view(fleet, &self.scope) {
                Ok(found) => return found,
                Err(needs) => needs,
            };
            if self.ask(fleet, needs, report).await {
                continue;
            }
            let moment = Instant::now() + PATIENCE;
            if self.wait(fleet, Some(moment)).await {
                self.wait_for_forges(fleet, None).await;
            } else {
                self.reading.widen();
            }
        }
    }

    /// Reads more repositories at once, if that helps; returns whether it does.
    pub(super) fn widen(&mut self) -> bool {
        self.reading.widen()
    }

    /// Adds the known merge requests of repositories that are still being read, so that limits count them.
    pub(super) fn count_unread(&self, fleet: &mut Fleet) {
        for (id, (forge, repo)) in self.reading.left() {
            if let Some(index) = fleet.index_of(id) {
                let existing = of_unread(&self.shared.setup, forge.as_ref(), repo);
                fleet.repos[index].existing.value = existing;
            }
        }
    }

    /// Whether a need is in progress.
    pub(super) fn is_in_flight(&self, need: &Need) -> bool {
        self.in_flight.contains(need)
    }

    fn learn(&mut self, fleet: &mut Fleet, fact: NewFact) {
        let now = self.shared.options.now;
        match fact {
            NewFact::Read(Arrival { id, read, report }) => {
                if let Some(index) = fleet.index_of(&id) {
                    fleet.learn_tree(index, read, now);
                }
                self.reports.insert(id, report);
            }
            NewFact::Registry(question, observation) => {
                if let Observation::Facts((lookup, _), facts) = &observation {
                    remember_source(&self.shared.setup, lookup, facts);
                }
                fleet.learn(&question, observation, now);
            }
            NewFact::Forge(need, answer) => {
                self.in_flight.remove(&need);
                let (Need::Pipelines(repo) | Need::Fresh(repo, _)) = need else {
                    return;
                };
                match answer {
                    OfForge::Pipelines(pipelines) => {
                        fleet.learn_pipelines(repo, pipelines, now);
                    }
                    OfForge::Existing(Ok(existing)) => {
                        fleet.learn_existing(repo, existing, now);
                    }
                    OfForge::Existing(Err(problem)) => {
                        if let Some(id) = &fleet.repos[repo].id
                            && let Some(report) = self.reports.get_mut(id)
                        {
                            report.problems.push(problem);
                        }
                        // The remembered state stays, marked as not current: limits still count it, but nothing is
                        // written there.
                        let existing = ExistingRequests {
                            unavailable: true,
                            ..fleet.repos[repo].existing.value.clone()
                        };
                        fleet.learn_existing(repo, existing, now);
                    }
                }
            }
        }
    }

    /// Lists all registered repositories of all forges.
    async fn list(&mut self, fleet: &mut Fleet, report: &mut Report) {
        let remember = self.depth == Depth::Everything && !self.shared.options.dry_run;
        let only = self.scope.globs().cloned();
        let setup = Arc::clone(&self.shared.setup);
        let roll = register(&setup, only.as_ref(), remember, report).await;
        let has_problems = !report.problems.is_empty() || !report.repositories.is_empty();
        fleet.retain(|_| false);
        self.add(fleet, roll).await;
        fleet.remembered.open_elsewhere = 0;
        // In a limited scope, failures of other repositories are not reported, so completeness is not known.
        fleet.coverage = Coverage::Whole {
            has_problems: has_problems || only.is_some(),
        };
    }

    /// Lists only the repositories with these names.
    async fn look(&mut self, fleet: &mut Fleet, names: BTreeSet<RepoName>, report: &mut Report) {
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for (forge, of_forge) in &fleet.remembered.registered {
            let here = names.iter().filter_map(|name| of_forge.get_key_value(name));
            let here: Wanted = here.map(|(name, id)| (name.clone(), id.clone())).collect();
            if !here.is_empty() {
                wanted.insert(forge.clone(), here);
            }
        }
        let Some(only) = self.scope.globs().cloned() else {
            return;
        };
        let remember = self.depth == Depth::Everything && !self.shared.options.dry_run;
        let setup = Arc::clone(&self.shared.setup);
        let mut partial = Report::new(report.dry_run);
        let roll = look(&setup, &wanted, &only, remember, &mut partial).await;
        self.add(fleet, roll).await;
        let found: BTreeSet<&RepoName> = fleet.repos.iter().map(|repo| &repo.name).collect();
        let absent = names.iter().filter(|name| !found.contains(name));
        fleet.absent.extend(absent.cloned());
        report.take(partial);
        let found = found.iter().map(|name| name.as_str());
        let failed = report.repositories.iter().map(|repo| repo.repo.as_str());
        let out = report.left_out.iter().map(|left| left.repo.as_str());
        if !unmatched::of_list(&only, found.chain(failed).chain(out)).is_empty() {
            // One of them was renamed or deleted; only a full listing can show which. The report starts again, because
            // the full listing reports the same problems.
            self.scope = self.scope.clone().listed();
            report.clear();
        }
        match self.scope.is_walk() && self.depth == Depth::Everything {
            true => count_elsewhere(&setup, fleet),
            false => fleet.remembered.open_elsewhere = 0,
        }
    }

    /// Adds listed repositories to the fleet.
    async fn add(&mut self, fleet: &mut Fleet, roll: Roll) {
        let setup = Arc::clone(&self.shared.setup);
        // For all repositories at once, before any is read: this saves a request for each of them.
        if self.depth == Depth::Everything {
            remember_ended(&setup, &roll.repositories).await;
            learn(&setup, &self.shared.options, &roll.repositories).await;
        }
        let mut new = Vec::new();
        for (forge, repo) in roll.repositories {
            let id = id_of(forge.as_ref(), &repo);
            if self.registered.contains_key(&id) && fleet.index_of(&id).is_some() {
                continue;
            }
            let name = repo.name.clone();
            new.push(FleetRepo {
                address: repo_of(repo.remote.url()),
                ..FleetRepo::listed(&setup.operator, name, id.clone(), forge.noun())
            });
            self.registered.insert(id, (forge, repo));
        }
        let unlisted = roll.unlisted.into_iter();
        new.extend(unlisted.map(|name| FleetRepo::unlisted(&setup.operator, name)));
        fleet.list(new);
    }

    fn registered_of(&self, repo: &FleetRepo) -> Option<&Registered> {
        self.registered.get(repo.id.as_ref()?)
    }

    /// The look-ups for the references of a repository.
    pub(super) fn lookups_of(&self, repo: &FleetRepo) -> super::lookups::Lookups {
        let registered = self.registered_of(repo);
        let registry = registered.and_then(|(_, listed)| listed.registry.as_ref());
        lookups(&self.shared.setup, &repo.parsed, registry)
    }

    /// The look-up for an image on behalf of a repository; `None` if it is not known or not allowed.
    pub(super) fn lookup(
        &self,
        name: &RepoName,
        id: Option<&RepoId>,
        image: &ImageName,
    ) -> Option<Lookup> {
        let registered = id.and_then(|id| self.registered.get(id));
        let registry = registered.and_then(|(_, listed)| listed.registry.as_ref());
        let setup = &self.shared.setup;
        setup.lookup(image, Some(name), registry).ok().flatten()
    }

    fn ask_pipelines(&mut self, fleet: &mut Fleet, index: usize) {
        let repo = &fleet.repos[index];
        let Some(registered) = self.registered_of(repo).cloned() else {
            let pipelines = of_unlisted(&self.shared, &repo.name);
            fleet.learn_pipelines(index, pipelines, self.shared.options.now);
            return;
        };
        let heads = Heads::of(repo);
        let need = Need::Pipelines(index);
        self.in_flight.insert(need.clone());
        let (shared, room) = (self.shared.clone(), Arc::clone(&self.room));
        self.asked.spawn(async move {
            let _turn = room.acquire_owned().await;
            let found = pipelines(&shared, &registered, &heads).await;
            (need, OfForge::Pipelines(found))
        });
    }

    fn ask_requests(&mut self, repo: &FleetRepo, need: Need, names: BTreeSet<crate::repo::Branch>) {
        let Some((forge, listed)) = self.registered_of(repo).cloned() else {
            return;
        };
        let Some((_, head)) = repo.base.clone() else {
            return;
        };
        self.in_flight.insert(need.clone());
        let parsed = Arc::clone(&repo.parsed);
        let (shared, room) = (self.shared.clone(), Arc::clone(&self.room));
        self.asked.spawn(async move {
            let _turn = room.acquire_owned().await;
            // A task of its own: a bug in reading one repository's branches is reported there (F51).
            let task = tokio::spawn(async move {
                let judge = Judge {
                    setup: &shared.setup,
                    git: &shared.git,
                    repo: &listed,
                    head: &head,
                    args: &parsed.settings.args,
                    files: &parsed.contents(),
                };
                let setup = &shared.setup;
                look_at_requests(setup, forge.as_ref(), &listed, &judge, names).await
            });
            let found = task.await;
            let found = found.unwrap_or_else(|error| Err(ProblemReport::bug(&error)));
            (need, OfForge::Existing(found))
        });
    }
}

fn of_forge(done: Result<(Need, OfForge), tokio::task::JoinError>) -> NewFact {
    match done {
        Ok((need, answer)) => NewFact::Forge(need, answer),
        // A bug in imagebot, which is passed on to the caller of the pass.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
