//! A pass of imagebot on values: the core's own functions in the order in which a pass calls them.

use super::world::{HOST, Ours, Said, World};
use imagebot::family::hold::{Ci, Facts};
use imagebot::family::{Graph, ImageSpec, Member, Stand};
use imagebot::image::{Digest, ImageName, RegistryHost, Tag};
use imagebot::plan::{
    Around, Ask, Certainty, ChangeSet, Contents, Decision, Existing, Failure, File, Household,
    Images, Lookup, Observations, Ownership, Proposal, Proposed, Question, Reconciled, Request,
    Since, Target, Templates, Terms, above, decide, hold, overlaps, place, propose, reconcile,
    requests,
};
use imagebot::policy::{Age, Changes, Hold, Policy, Rule, Set, SettingOrigin};
use imagebot::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoPath};
use imagebot::source::{Format, Located, Stages, scan};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What the bot remembers between passes; it may be lost at any time.
#[derive(Default)]
pub(super) struct Memory {
    opening: BTreeMap<String, Timestamp>,
}

/// The bot.
pub(super) struct Bot {
    pub(super) memory: Memory,
    policy: Policy,
    main: Branch,
    templates: Templates,
    /// The references of files, by their contents.
    read: HashMap<Vec<u8>, (Vec<Located>, Stages)>,
    /// The decisions of each repository, and what they were made of: the core is pure, so they are the same again.
    decided: HashMap<usize, (Ground, Vec<Decision>)>,
}

/// What a repository's decisions are made of: its head, what is proposed, and what the registry has.
type Ground = (CommitId, Proposed, Vec<u64>);

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

struct Case {
    files: Vec<File>,
    references: Vec<(RepoPath, Located)>,
    decisions: Vec<Decision>,
    existing: BTreeMap<Branch, Existing>,
    open: Vec<Request>,
    proposed: Proposed,
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
            memory: Memory::default(),
            policy: Policy {
                rules: vec![Rule::everything(changes, SettingOrigin::built_in())],
                operators: 1,
                ..Policy::default()
            },
            main: Branch::parse("main").unwrap(),
            templates: Templates::default(),
            read: HashMap::new(),
            decided: HashMap::new(),
        }
    }

    /// One pass: observe, decide, hold, propose, act.
    pub(super) fn pass(&mut self, world: &mut World, trouble: &Trouble) -> Done {
        let now = Timestamp::from_second(world.now).unwrap();
        let mut cases: Vec<Case> = (0..world.repos.len())
            .map(|repo| self.case(world, repo))
            .collect();
        let members: Vec<Member> = cases
            .iter()
            .enumerate()
            .map(|(repo, case)| self.member(world, repo, case))
            .collect();
        let graph = Graph::new(&members, &[]);
        let seen = self.decide(world, &mut cases, now, trouble);
        let resolve = |image: &ImageName| image.clone();
        let names = |repo: usize| world.repos[repo].name.to_string();
        for (repo, case) in cases.iter_mut().enumerate() {
            place(&mut case.decisions, repo, &graph, &names, &resolve, &|_| {
                None
            });
        }
        let mut decisions: Vec<Vec<Decision>> = cases
            .iter_mut()
            .map(|case| std::mem::take(&mut case.decisions))
            .collect();
        let mut households: Vec<Household<'_>> = decisions
            .iter_mut()
            .enumerate()
            .map(|(repo, decisions)| Household {
                name: names(repo),
                noun: "merge request",
                decisions,
                proposed: cases[repo].proposed.clone(),
            })
            .collect();
        let around = Around {
            graph: &graph,
            members: &members,
            resolve: &resolve,
            proven: &|_, _| false,
            now,
        };
        let above = above(&graph, &households);
        let memory = &mut self.memory;
        let (main, templates) = (&self.main, &self.templates);
        hold(&mut households, &around, &above, &mut |repo, decisions| {
            let case = &cases[repo];
            let (proposals, results) = plan(main, templates, world, repo, case, decisions, &seen);
            facts(world, repo, memory, now, case, &proposals, &results)
        });
        drop(households);
        let mut done = Done::default();
        let mut writes = 0;
        for (repo, decisions) in decisions.iter_mut().enumerate() {
            let quiet = decisions.iter().all(|decision| decision.wanted.is_empty());
            if quiet && cases[repo].open.is_empty() && world.repos[repo].branches.is_empty() {
                continue;
            }
            let (proposals, results) =
                plan(main, templates, world, repo, &cases[repo], decisions, &seen);
            for result in results {
                if trouble.dies.is_some_and(|dies| writes >= dies) {
                    return done;
                }
                writes += act(
                    world,
                    repo,
                    &proposals,
                    result,
                    &cases[repo].proposed,
                    &mut done,
                );
            }
        }
        done
    }

    fn case(&mut self, world: &World, repo: usize) -> Case {
        let it = &world.repos[repo];
        let mut files = Vec::new();
        let mut references = Vec::new();
        for (path, contents) in &it.files {
            let (found, _) = self.scan(contents);
            references.extend(found.iter().map(|located| (path.clone(), located.clone())));
            files.push(File {
                path: path.clone(),
                format: Format::Dockerfile,
                contents: contents.clone(),
            });
        }
        let mut existing: BTreeMap<Branch, Existing> = BTreeMap::new();
        for (branch, ours) in &it.branches {
            let there = existing.entry(branch.clone()).or_default();
            let ownership = match &ours.changes {
                Some(changes) => Ownership::Ours(changes.clone()),
                None => Ownership::Foreign("a person pushed".to_owned()),
            };
            there.head = Some((ours.head.clone(), ownership));
            there.on_top = ours.parent == it.head;
            there.fits = ours.files.iter().all(|(path, file)| {
                let base = &ours.base[path];
                base == file || !overlaps(base, file, &it.files[path])
            });
        }
        for mr in &it.mrs {
            let there = existing.entry(mr.source.clone()).or_default();
            there.merge_requests.push(mr.clone().into());
        }
        let open = it.mrs.iter();
        let open = open.filter(|mr| mr.state == MergeRequestState::Open);
        let open: Vec<Request> = open.cloned().map(Request::from).collect();
        let changes = open.iter().filter_map(Request::changes);
        let proposed = changes
            .flat_map(|changes| &changes.references)
            .map(|change| (change.path.clone(), change.image.clone(), change.to.clone()))
            .collect();
        Case {
            files,
            references,
            decisions: Vec::new(),
            existing,
            open,
            proposed,
        }
    }

    fn scan(&mut self, contents: &[u8]) -> &(Vec<Located>, Stages) {
        self.read.entry(contents.to_vec()).or_insert_with(|| {
            let scan = scan(Format::Dockerfile, contents, &BTreeMap::new()).unwrap();
            (scan.references, scan.stages)
        })
    }

    fn member(&mut self, world: &World, repo: usize, case: &Case) -> Member {
        let it = &world.repos[repo];
        let mut member = Member {
            own: Some((RegistryHost::parse(HOST).unwrap(), it.name.to_string())),
            ..Member::new(it.name.clone())
        };
        member
            .stands_on
            .extend(case.references.iter().map(|(path, located)| Stand {
                image: located.reference().unwrap().name.clone(),
                id: located.id(path),
                line: located.line,
            }));
        for (path, contents) in &it.files {
            let stages = self.scan(contents).1.clone();
            member.stages.insert(path.clone(), stages);
        }
        if it.images.len() > 1 {
            member.images.extend(it.images.iter().map(|image| {
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
                    place: Arc::from("imagebot.toml:1"),
                }
            }));
        }
        member
    }

    /// Decides everything, with the answers that the registry gives.
    fn decide(
        &mut self,
        world: &World,
        cases: &mut [Case],
        now: Timestamp,
        trouble: &Trouble,
    ) -> Observations {
        let mut seen = Observations::default();
        for (repo, case) in cases.iter_mut().enumerate() {
            let images = case.references.iter();
            let images = images.filter_map(|(_, located)| located.reference());
            let pushes = images.map(|reference| world.pushes[&reference.name]);
            let head = world.repos[repo].head.clone();
            let ground = (head, case.proposed.clone(), pushes.collect());
            let known = self.decided.get(&repo);
            let mut images = case.references.iter().filter_map(|(_, it)| it.reference());
            let is_lost = images.any(|reference| trouble.lost.contains(&reference.name));
            if let Some((_, known)) = known.filter(|(of, _)| *of == ground && !is_lost) {
                case.decisions.clone_from(known);
                continue;
            }
            for (path, located) in &case.references {
                let lookup = Lookup {
                    image: located.reference().unwrap().name.clone(),
                    login: None,
                };
                let decision = loop {
                    let ask = Ask {
                        inner: None,
                        repo: Some(&world.repos[repo].name),
                        path,
                        located,
                        policy: &self.policy,
                        lookup: Ok(Some(&lookup)),
                        seen: &seen,
                        now,
                        proposed: &case.proposed,
                        traces: false,
                        candidates: 20,
                    };
                    match decide(&ask) {
                        Ok(decision) => break decision,
                        Err(question) => answer(world, question, &mut seen, trouble, now),
                    }
                };
                case.decisions.push(decision);
            }
            if !is_lost {
                let decisions = case.decisions.clone();
                self.decided.insert(repo, (ground, decisions));
            }
        }
        seen
    }
}

fn answer(
    world: &World,
    question: Question,
    seen: &mut Observations,
    trouble: &Trouble,
    now: Timestamp,
) {
    let lost = Failure {
        code: "timeout",
        message: "the registry did not answer".to_owned(),
        help: None,
        kind: imagebot::plan::FailureKind::Wrong,
    };
    let is_lost = |lookup: &Lookup| trouble.lost.contains(&lookup.image);
    match question {
        Question::Tags(lookup) => {
            let tags = world.registry[&lookup.image].iter();
            let tags = tags.map(|(tag, _)| Tag::parse(tag).unwrap()).collect();
            let answer = if is_lost(&lookup) {
                Err(lost)
            } else {
                Ok(Arc::new(tags))
            };
            seen.tags.insert(lookup, answer);
        }
        Question::Head(lookup, tag) => {
            let mut tags = world.registry[&lookup.image].iter();
            let digest = tags.find(|(known, _)| known == tag.as_str());
            let digest = digest.map(|(_, digest)| digest.clone());
            let answer = if is_lost(&lookup) {
                Err(lost)
            } else {
                Ok(digest)
            };
            seen.heads.insert((lookup, tag), answer);
        }
        Question::Manifest(lookup, digest) => {
            let answer = if is_lost(&lookup) {
                Err(lost)
            } else {
                Ok(Some(Contents::Image))
            };
            seen.manifests.insert((lookup, digest), answer);
        }
        Question::Platform(lookup, digest) => {
            drop(seen.platforms.insert((lookup, digest), Ok(None)));
        }
        // Nothing here is years old.
        Question::FirstSeen(key) => drop(seen.first_seen.insert(*key, now)),
        Question::Created(..) => panic!("nothing has a min_age here"),
    }
}

/// What would be done in a repository now.
fn plan(
    main: &Branch,
    templates: &Templates,
    world: &World,
    repo: usize,
    case: &Case,
    decisions: &mut [Decision],
    seen: &Observations,
) -> (Vec<Proposal>, Vec<Reconciled>) {
    let name = world.repos[repo].name.as_str();
    let target = Target {
        together: false,
        repo_id: name,
        repo: name,
        branch: main,
        noun: "merge request",
        templates,
        commit_prefix: "",
    };
    let (proposals, _) = propose(
        &target,
        &case.files,
        &BTreeMap::new(),
        &Images::default(),
        decisions,
        seen,
    );
    let certainty = Certainty::new(decisions, BTreeSet::new());
    let terms = Terms {
        default_branch: main,
        certainty: &certainty,
        rebase_label: "rebase",
        stop_label: "stop",
    };
    let results = reconcile(&proposals, &case.existing, &terms);
    (proposals, results)
}

struct Remembered<'a> {
    memory: &'a mut Memory,
    repo: usize,
    now: Timestamp,
}

impl Since for Remembered<'_> {
    fn opened(&mut self, _: u64) -> Option<Timestamp> {
        None
    }

    fn opening(&mut self, changes: &ChangeSet) -> Option<Timestamp> {
        let key = format!("{} {:?}", self.repo, changes.lines());
        Some(*self.memory.opening.entry(key).or_insert(self.now))
    }
}

fn facts(
    world: &World,
    repo: usize,
    memory: &mut Memory,
    now: Timestamp,
    case: &Case,
    proposals: &[Proposal],
    results: &[Reconciled],
) -> Facts {
    let it = &world.repos[repo];
    let failed = case.open.iter().filter(|mr| {
        let said = mr.head.as_ref().and_then(|head| it.ci.get(head));
        said == Some(&Said::Failed)
    });
    let failed: BTreeSet<u64> = failed.map(|mr| mr.number).collect();
    let mut remembered = Remembered { memory, repo, now };
    let since = Timestamp::from_second(it.head_since).ok();
    Facts {
        open: requests(proposals, results, &case.open, &failed, &mut remembered),
        ci: match it.ci.get(&it.head) {
            None => Ci::None,
            Some(Said::Running) => Ci::Running,
            Some(Said::Passed) => Ci::Passed,
            Some(Said::Failed) => Ci::Failed,
        },
        ci_since: since,
        head_since: since,
    }
}

/// Does what is to be done for one branch; how many writes that took.
fn act(
    world: &mut World,
    repo: usize,
    proposals: &[Proposal],
    result: Reconciled,
    before: &Proposed,
    done: &mut Done,
) -> usize {
    let Some(action) = result.action else {
        return 0;
    };
    let name = world.repos[repo].name.clone();
    let mut writes = 0;
    let mut line = format!("{name}: {} {}", result.status.code(), action.branch);
    if let Some((index, from)) = &action.write {
        let proposal = &proposals[*index];
        let present = world.repos[repo].branches.get(&action.branch);
        assert_eq!(
            present.map(|ours| &ours.head),
            from.as_ref(),
            "the lease of {name} {}",
            action.branch
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
        world.pushed(repo, &action.branch, ours);
        for mr in world.repos[repo].mrs.iter_mut() {
            if mr.source == action.branch && mr.state == MergeRequestState::Open {
                mr.head = Some(head.clone());
            }
        }
        for change in &proposal.changes.references {
            let key = (change.path.clone(), change.image.clone(), change.to.clone());
            if !before.contains(&key) {
                let digest = change.to.digest.clone().unwrap();
                done.proposed.push((repo, key.0, key.1, digest));
            }
            line.push_str(&format!(
                " {}→{}",
                change.image,
                change.to.tag.as_ref().unwrap()
            ));
        }
        writes += 1;
    }
    if let Some(index) = action.open {
        let texts = &proposals[index].texts;
        let it = &mut world.repos[repo];
        let number = it.mrs.len() as u64 + 1;
        it.mrs.push(MergeRequest {
            number,
            state: MergeRequestState::Open,
            source: action.branch.clone(),
            target: Branch::parse("main").unwrap(),
            title: texts.title.clone(),
            description: texts.block(&texts.state),
            labels: texts.attributes.labels.clone(),
            head: it
                .branches
                .get(&action.branch)
                .map(|ours| ours.head.clone()),
            merged_as: None,
            draft: false,
            created: Timestamp::from_second(world.now).ok(),
            auto_merge: false,
        });
        line.push_str(&format!(" as {number}"));
        writes += 1;
    }
    if let Some(edit) = &action.edit {
        let mr = world.mr(repo, edit.number);
        mr.description.clone_from(&edit.description);
        if let Some(title) = &edit.title {
            mr.title.clone_from(title);
        }
        writes += 1;
    }
    if let Some(from) = &action.delete {
        let gone = world.repos[repo].branches.remove(&action.branch);
        assert_eq!(gone.map(|ours| ours.head).as_ref(), Some(from));
        writes += 1;
    }
    if let Some(number) = action.close {
        world.mr(repo, number).state = MergeRequestState::Closed;
        writes += 1;
    }
    world.tell(format!("imagebot: {line}"));
    done.lines.push(line);
    writes
}
