//! imagebot's own planning, with edges that are values: what it needs is looked up in a [`World`], what it says is done there.

use super::world::{HOST, Ours, Repo, Said, World};
use imagebot::family::ImageSpec;
use imagebot::fleet::{
    Coverage, ExistingRequests, Fleet, FleetRepo, Need, Operator, OurBranch, ParsedRepo, Pipelines,
    Plan, ReadRepo, Remembered, RepoId, RepoSettings, Scope, Tree, TreeFile, plan,
};
use imagebot::image::{Digest, ImageName, RegistryHost, Tag};
use imagebot::plan::{
    Contents, Failure, FailureKind, Lookup, Observation, OwnRequest, Ownership, Proposed, Question,
    Reconciled, Step, Templates, overlaps,
};
use imagebot::policy::{Age, Ceiling, Changes, Hold, Rule, Set, SettingOrigin};
use imagebot::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestState, RepoGlobs, RepoPath,
};
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The bot.
pub(super) struct Bot {
    operator: Arc<Operator>,
    main: Branch,
    /// What it knows; it may be lost at any time.
    fleet: Option<Fleet>,
    /// The heads of its repositories, and how often each image was pushed, when it last looked.
    heads: Vec<CommitId>,
    /// Where each repository of the world stands in the fleet.
    places: Vec<usize>,
    pushes: BTreeMap<ImageName, u64>,
    /// The merge requests as they were read last, by repository and number: reading one takes time.
    requests: RefCell<HashMap<(usize, u64), OwnRequest>>,
    /// The images whose registry did not answer in the last pass.
    lost: BTreeSet<ImageName>,
}

/// What a pass did, one line each.
#[derive(Default)]
pub(super) struct Done {
    pub(super) lines: Vec<String>,
    /// What was newly proposed: repository, file, image, and the digest it is to have.
    pub(super) proposed: Vec<(usize, RepoPath, ImageName, Digest)>,
    /// Whether answers were lost, or the bot died.
    pub(super) disturbed: bool,
}

/// How a pass is disturbed.
#[derive(Default)]
pub(super) struct Trouble {
    /// The images whose registry does not answer.
    pub(super) lost: BTreeSet<ImageName>,
    /// Behind how many writes the bot dies.
    pub(super) dies: Option<usize>,
}

impl Bot {
    pub(super) fn new(holds: bool, hold_for: Option<Age>) -> Self {
        fn set<T>(value: T) -> Option<Set<T>> {
            let from = SettingOrigin::built_in();
            Some(Set { value, from })
        }
        let changes = Changes {
            hold: set(if holds { Hold::Family } else { Hold::Off }),
            hold_for: set(hold_for),
            ..Changes::default()
        };
        Self {
            operator: Arc::new(Operator {
                rules: vec![Rule::everything(changes, SettingOrigin::built_in())],
                ceiling: Ceiling::default(),
                publishes: Vec::new(),
                aliases: Vec::new(),
                references: 1_000,
                candidates: 20,
                rebase_label: "rebase".to_owned(),
                stop_label: "stop".to_owned(),
                templates: Templates::default(),
                commit_prefix: String::new(),
            }),
            main: Branch::parse("main").unwrap(),
            fleet: None,
            heads: Vec::new(),
            places: Vec::new(),
            pushes: BTreeMap::new(),
            requests: RefCell::default(),
            lost: BTreeSet::new(),
        }
    }

    /// What was known and remembered is lost.
    pub(super) fn forget(&mut self) {
        self.fleet = None;
    }

    /// One pass over all repositories.
    pub(super) fn pass(&mut self, world: &mut World, trouble: &Trouble) -> Done {
        self.look(world, trouble, &Scope::all())
    }

    /// One pass over one repository.
    pub(super) fn look_at(&mut self, world: &mut World, repo: usize) -> Done {
        let name = world.repos[repo].name.to_string();
        let globs = RepoGlobs::parse(&[name]).unwrap();
        let scope = Scope::only(globs, &Remembered::default());
        self.look(world, &Trouble::default(), &scope)
    }

    fn look(&mut self, world: &mut World, trouble: &Trouble, scope: &Scope) -> Done {
        let now = Timestamp::from_second(world.now).unwrap();
        let mut fleet = self.fleet.take().unwrap_or_else(|| self.list(world));
        fleet.begin_pass(now);
        self.learn_what_changed(world, &mut fleet, trouble);
        let mut rounds = 0;
        let planned = loop {
            match plan(&fleet, scope, now) {
                Ok(planned) => break planned,
                Err(needs) => {
                    assert!(
                        !needs.is_empty(),
                        "nothing is needed, and nothing is planned"
                    );
                    fleet.asked(&needs);
                    for need in needs {
                        self.answer(world, &mut fleet, need, trouble, now);
                    }
                }
            }
            rounds += 1;
            assert!(rounds < 1_000, "the needs have no end");
        };
        remember_opening(&mut fleet, &planned, now);
        let mut done = Done::default();
        let mut writes = 0;
        for plan in planned.repos {
            assert_eq!(plan.bug, None);
            let before = fleet.repos[plan.repo].existing.proposed();
            for branch in plan.branches {
                if trouble.dies.is_some_and(|dies| writes >= dies) {
                    self.fleet = Some(fleet);
                    return done;
                }
                let repo = self.in_world(plan.repo);
                writes += act(world, repo, branch, &before, &mut done);
            }
        }
        self.fleet = Some(fleet);
        done
    }

    /// A fleet of all repositories, before anything of them is read.
    fn list(&mut self, world: &World) -> Fleet {
        let operator = &self.operator;
        let mut fleet = Fleet::new(Arc::clone(operator), None, Remembered::default());
        fleet.list(world.repos.iter().map(|it| {
            let id = RepoId {
                forge: "world".to_owned(),
                id: it.name.to_string(),
            };
            FleetRepo::listed(operator, it.name.clone(), id, "merge request")
        }));
        fleet.coverage = Coverage::Whole {
            has_problems: false,
        };
        let of = |it: &Repo| fleet.repos.iter().position(|repo| repo.name == it.name);
        self.places = world.repos.iter().map(|it| of(it).unwrap()).collect();
        self.heads = Vec::new();
        self.pushes = world.pushes.clone();
        self.lost.clear();
        fleet
    }

    /// Listing the repositories shows their heads, branches and merge requests; the registry tells what is not what it
    /// was.
    fn learn_what_changed(&mut self, world: &World, fleet: &mut Fleet, trouble: &Trouble) {
        let now = Timestamp::from_second(world.now).unwrap();
        for (repo, it) in world.repos.iter().enumerate() {
            match self.heads.get(repo) == Some(&it.head) {
                true => fleet.learn_existing(self.places[repo], self.existing(world, repo), now),
                false => fleet.learn_tree(self.places[repo], self.read(world, repo), now),
            }
        }
        self.heads = world.repos.iter().map(|it| it.head.clone()).collect();
        let pushed = world.pushes.iter();
        let pushed = pushed.filter(|(image, count)| self.pushes.get(*image) != Some(*count));
        let mut changed: BTreeSet<ImageName> = pushed.map(|(image, _)| image.clone()).collect();
        changed.extend(std::mem::replace(&mut self.lost, trouble.lost.clone()));
        changed.extend(trouble.lost.iter().cloned());
        for image in &changed {
            fleet.forget_image(image);
        }
        self.pushes = world.pushes.clone();
    }

    fn read(&self, world: &World, repo: usize) -> ReadRepo {
        let it = &world.repos[repo];
        let file = |(path, contents): (&RepoPath, &Vec<u8>)| {
            let contents = contents.clone();
            let executable = false;
            (
                path.clone(),
                TreeFile {
                    executable,
                    contents,
                },
            )
        };
        let tree = Tree {
            files: it.files.iter().map(file).collect(),
            ..Tree::default()
        };
        let mut settings = RepoSettings::default();
        if it.images.len() > 1 {
            settings.images.extend(it.images.iter().map(|image| {
                let folder = image.dockerfile.as_str().rsplit_once('/').unwrap().0;
                ImageSpec {
                    name: image.name.clone(),
                    published: Vec::new(),
                    context: Some(RepoPath::parse(folder).unwrap()),
                    dockerfile: image.dockerfile.clone(),
                    target: None,
                    tags: Vec::new(),
                    also: Vec::new(),
                    watch: Vec::new(),
                    version: None,
                    is_declared: true,
                    place: Arc::from("imagebot.toml:1"),
                }
            }));
        }
        let mut parsed = ParsedRepo::new(&self.operator, Some(it.name.clone()), settings, tree);
        parsed.registry = Some(RegistryHost::parse(HOST).unwrap());
        ReadRepo {
            parsed: Arc::new(parsed),
            base: Some((self.main.clone(), it.head.clone())),
            head_since: Timestamp::from_second(it.head_since).ok(),
            existing: self.existing(world, repo),
            is_skipped: false,
            has_problems: false,
        }
    }

    /// A repository's branches and merge requests.
    fn existing(&self, world: &World, repo: usize) -> ExistingRequests {
        let it = &world.repos[repo];
        let branches = it.branches.iter().map(|(branch, ours)| {
            let fits = ours.files.iter().all(|(path, file)| {
                let base = &ours.base[path];
                base == file || !overlaps(base, file, &it.files[path])
            });
            let ownership = match &ours.changes {
                Some(changes) => Ownership::Ours(changes.clone()),
                None => Ownership::Foreign("a person pushed".to_owned()),
            };
            let ours = OurBranch {
                head: ours.head.clone(),
                ownership,
                fits,
                on_top: ours.parent == it.head,
            };
            (branch.clone(), ours)
        });
        let mut known = self.requests.borrow_mut();
        let requests = it.mrs.iter().map(|mr| {
            let key = (repo, mr.number);
            let same = known.get(&key).filter(|known| known.merge_request() == mr);
            let request = same.cloned().unwrap_or_else(|| mr.clone().into());
            known.insert(key, request.clone());
            request
        });
        let (open, ended) =
            requests.partition(|mr: &OwnRequest| mr.state == MergeRequestState::Open);
        ExistingRequests {
            branches: branches.collect(),
            open,
            ended,
            ..ExistingRequests::default()
        }
    }

    fn in_world(&self, place: usize) -> usize {
        let mut places = self.places.iter();
        places.position(|known| *known == place).unwrap()
    }

    /// The edges: what is needed, the world tells.
    fn answer(
        &self,
        world: &World,
        fleet: &mut Fleet,
        need: Need,
        trouble: &Trouble,
        now: Timestamp,
    ) {
        match need {
            Need::Lookups(repo) => {
                let references = fleet.repos[repo].parsed.references.iter();
                let lookups = references.map(|(_, located)| {
                    let image = located.reference().unwrap().name.clone();
                    let login = None;
                    Ok(Some(Lookup { image, login }))
                });
                let lookups = lookups.collect();
                fleet.learn_lookups(repo, lookups);
            }
            Need::Registry(question) => {
                let observation = observe(world, question.clone(), trouble, now);
                fleet.learn(&question, observation, now);
            }
            Need::Pipelines(repo) => {
                let pipelines = pipelines(world, self.in_world(repo));
                fleet.learn_pipelines(repo, pipelines, now);
            }
            Need::Fresh(repo, names) => {
                let mut existing = self.existing(world, self.in_world(repo));
                let open = existing.open.iter().map(|mr| mr.source.clone());
                let branches = existing.branches.keys().cloned();
                existing.fresh = names.into_iter().chain(branches).chain(open).collect();
                fleet.learn_existing(repo, existing, now);
            }
            Need::Listing | Need::Repository(_) | Need::Tree(_) => panic!("all is listed and read"),
        }
    }
}

fn pipelines(world: &World, repo: usize) -> Pipelines {
    let it = &world.repos[repo];
    let open = it.mrs.iter();
    let failed = open.filter(|mr| {
        let said = mr.head.as_ref().and_then(|head| it.ci.get(head));
        mr.state == MergeRequestState::Open && said == Some(&Said::Failed)
    });
    Pipelines {
        head: match it.ci.get(&it.head) {
            None => CiStatus::None,
            Some(Said::Running) => CiStatus::Running,
            Some(Said::Passed) => CiStatus::Passed,
            Some(Said::Failed) => CiStatus::Failed,
        },
        since: Timestamp::from_second(it.head_since).ok(),
        failed: failed.map(|mr| mr.number).collect(),
    }
}

fn observe(world: &World, question: Question, trouble: &Trouble, now: Timestamp) -> Observation {
    let is_lost = |lookup: &Lookup| trouble.lost.contains(&lookup.image);
    if question.lookup().is_some_and(is_lost) {
        let failure = Failure {
            code: "timeout",
            message: "the registry did not answer".to_owned(),
            help: None,
            kind: FailureKind::Wrong,
        };
        return Observation::failed(question, failure, now);
    }
    match question {
        Question::Tags(lookup) => {
            let tags = world.registry[&lookup.image].iter();
            let tags = tags.map(|(tag, _)| Tag::parse(tag).unwrap()).collect();
            Observation::Tags(lookup, Ok(Arc::new(tags)))
        }
        Question::Head(lookup, tag) => {
            let mut tags = world.registry[&lookup.image].iter();
            let digest = tags.find(|(known, _)| known == tag.as_str());
            let digest = digest.map(|(_, digest)| digest.clone());
            Observation::Head((lookup, tag), Ok(digest))
        }
        Question::Manifest(lookup, digest) => {
            Observation::Manifest((lookup, digest), Ok(Some(Contents::Image)))
        }
        Question::Platform(lookup, digest) => Observation::Platform((lookup, digest), Ok(None)),
        Question::Facts(lookup, digest) => Observation::Facts((lookup, digest), Arc::default()),
        Question::Replaced(lookup, pointer) => {
            Observation::Replaced((lookup, pointer), Arc::default())
        }
        // Nothing here is years old.
        Question::FirstSeen(key) => Observation::FirstSeen(*key, now),
        Question::Created(..) => panic!("nothing has a min_age here"),
    }
}

/// Since when something is about to be opened is remembered, as a store does it.
fn remember_opening(fleet: &mut Fleet, plan: &Plan, now: Timestamp) {
    for (repo, opening) in &plan.opening {
        let prefix = format!("{} ", fleet.repos[*repo].key());
        let known = &mut fleet.remembered.opening;
        known.retain(|key, _| !key.starts_with(&prefix) || opening.contains(key));
        for key in opening {
            known.entry(key.clone()).or_insert(now);
        }
    }
}

/// Does what is to be done for one branch; how many writes that took.
fn act(
    world: &mut World,
    repo: usize,
    plan: Reconciled,
    before: &Proposed,
    done: &mut Done,
) -> usize {
    if plan.steps.is_empty() {
        return 0;
    }
    let name = world.repos[repo].name.clone();
    let mut line = format!("{name}: {} {}", plan.planned.code(), plan.branch);
    let writes = plan.steps.len();
    for step in plan.steps {
        match step {
            Step::Push { proposal, from } => {
                let present = world.repos[repo].branches.get(&plan.branch);
                assert_eq!(
                    present.map(|ours| &ours.head),
                    from.as_ref(),
                    "the lease of {name} {}",
                    plan.branch
                );
                assert!(
                    present.is_none_or(|ours| ours.changes.is_some()),
                    "a person's work is overwritten"
                );
                let it = &world.repos[repo];
                let mut files = it.files.clone();
                files.extend(proposal.files.clone());
                let (parent, base) = (it.head.clone(), it.files.clone());
                let ours = Ours {
                    head: world.new_head(),
                    parent,
                    base,
                    files,
                    changes: Some(proposal.changes.clone()),
                };
                let head = ours.head.clone();
                world.pushed(repo, &plan.branch, ours);
                for mr in world.repos[repo].mrs.iter_mut() {
                    if mr.source == plan.branch && mr.state == MergeRequestState::Open {
                        mr.head = Some(head.clone());
                    }
                }
                for change in &proposal.changes.references {
                    let key = (change.path.clone(), change.image.clone(), change.to.clone());
                    if !before.contains(&key) {
                        let digest = change.to.digest.clone().unwrap();
                        done.proposed.push((repo, key.0, key.1, digest));
                    }
                    let to = change.to.tag.as_ref().unwrap();
                    line.push_str(&format!(" {}→{to}", change.image));
                }
            }
            Step::Open(proposal) => {
                let texts = &proposal.texts;
                let it = &mut world.repos[repo];
                let number = it.mrs.len() as u64 + 1;
                it.mrs.push(MergeRequest {
                    number,
                    state: MergeRequestState::Open,
                    source: plan.branch.clone(),
                    target: Branch::parse("main").unwrap(),
                    title: texts.title.clone(),
                    description: texts.block(&texts.state),
                    labels: texts.metadata.labels.clone(),
                    head: it.branches.get(&plan.branch).map(|ours| ours.head.clone()),
                    merged_as: None,
                    draft: false,
                    created: Timestamp::from_second(world.now).ok(),
                    auto_merge: false,
                    incomplete: false,
                });
                line.push_str(&format!(" as {number}"));
            }
            Step::Edit { number, edit } => {
                let mr = world.mr(repo, number);
                mr.description = edit.description.unwrap_or_default();
                if let Some(title) = edit.title {
                    mr.title = title;
                }
            }
            Step::Delete { from } => {
                let gone = world.repos[repo].branches.remove(&plan.branch);
                assert_eq!(gone.map(|ours| ours.head), Some(from));
            }
            Step::Close(number) => world.mr(repo, number).state = MergeRequestState::Closed,
            // Nothing here is read by people, or merged by the forge.
            Step::Comment { .. } | Step::CancelMerge(_) => {}
        }
    }
    world.tell(format!("imagebot: {line}"));
    done.lines.push(line);
    writes
}
