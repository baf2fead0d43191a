//! The plan of a fleet, on values: what it needs, in which order, and what it says once it has that.

use imagebot::fleet::{
    Access, Acted, Coverage, ExistingRequests, Fleet, FleetRepo, Need, OpenLimits, Operator,
    ParsedRepo, Pipelines, Plan, ReadRepo, Remembered, RepoId, RepoSettings, Scope, Tree, TreeFile,
    plan, ready,
};
use imagebot::image::{Digest, ImageName, RegistryHost, Tag};
use imagebot::plan::{Contents, Lookup, Observation, Planned, Question, Step, Templates};
use imagebot::policy::Ceiling;
use imagebot::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestState, RepoGlobs, RepoName, RepoPath,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn operator() -> Arc<Operator> {
    Arc::new(Operator {
        rules: Vec::new(),
        ceiling: Ceiling::default(),
        publishes: Vec::new(),
        aliases: Vec::new(),
        references: 100,
        candidates: 20,
        rebase_label: "rebase".to_owned(),
        stop_label: "stop".to_owned(),
        templates: Templates::default(),
        commit_prefix: String::new(),
    })
}

fn name(text: &str) -> RepoName {
    RepoName::parse(text).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

fn listed(repo: &str) -> FleetRepo {
    let id = RepoId {
        forge: "forge".to_owned(),
        id: repo.to_owned(),
    };
    FleetRepo::listed(&operator(), name(repo), id, "merge request")
}

/// Repositories, each with its Dockerfile.
struct Given<'a>(&'a [(&'a str, &'a str)]);

impl Given<'_> {
    /// A fleet that knows which repositories there are, and nothing else.
    fn fleet(&self, limits: Option<OpenLimits>) -> Fleet {
        let mut fleet = Fleet::new(operator(), limits, Remembered::default());
        fleet.list(self.0.iter().map(|(repo, _)| listed(repo)));
        fleet.coverage = Coverage::Whole {
            has_problems: false,
        };
        fleet
    }

    fn read(&self, fleet: &mut Fleet, repo: usize) {
        let name = fleet.repos[repo].name.clone();
        let of = self.0.iter().find(|(known, _)| *known == name.as_str());
        let file = TreeFile {
            executable: false,
            contents: of.unwrap().1.as_bytes().to_vec(),
        };
        let tree = Tree {
            files: BTreeMap::from([(RepoPath::parse("Dockerfile").unwrap(), file)]),
            ..Tree::default()
        };
        let settings = RepoSettings::default();
        let mut parsed = ParsedRepo::new(&operator(), Some(name), settings, tree);
        parsed.registry = Some(RegistryHost::parse("reg.io").unwrap());
        let head = CommitId::parse(&"a".repeat(40)).unwrap();
        let read = ReadRepo {
            parsed: Arc::new(parsed),
            base: Some((Branch::parse("main").unwrap(), head)),
            head_since: Some(now()),
            existing: ExistingRequests::default(),
            is_skipped: false,
            has_problems: false,
        };
        fleet.learn_tree(repo, read, now());
    }

    /// Answers a need: every image has the tags 1.0 and 1.1, and nothing runs anywhere.
    fn answer(&self, fleet: &mut Fleet, need: Need) {
        match need {
            Need::Listing | Need::Repository(_) => panic!("all is listed"),
            Need::Tree(repo) => self.read(fleet, repo),
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
                let answer = observe(question.clone());
                fleet.learn(&question, answer, now());
            }
            Need::Pipelines(repo) => {
                let pipelines = Pipelines {
                    head: CiStatus::Passed,
                    ..Pipelines::default()
                };
                fleet.learn_pipelines(repo, pipelines, now());
            }
            Need::Fresh(repo, names) => {
                let existing = ExistingRequests {
                    fresh: names,
                    ..fleet.repos[repo].existing.value.clone()
                };
                fleet.learn_existing(repo, existing, now());
            }
        }
    }

    /// Answers whatever is needed, and gives the plan and the kinds of what was needed, round by round.
    fn plan(&self, fleet: &mut Fleet, scope: &Scope) -> (Plan, Vec<String>) {
        let mut rounds = Vec::new();
        loop {
            let needs = match plan(fleet, scope, now()) {
                Ok(plan) => return (plan, rounds),
                Err(needs) => needs,
            };
            let kinds: BTreeSet<&str> = needs.iter().map(kind).collect();
            rounds.push(kinds.into_iter().collect::<Vec<_>>().join("+"));
            fleet.asked(&needs);
            needs.into_iter().for_each(|need| self.answer(fleet, need));
            assert!(rounds.len() < 50, "{rounds:?}");
        }
    }
}

fn observe(question: Question) -> Observation {
    match question {
        Question::Tags(lookup) => {
            let tags = ["1.0", "1.1"].map(|tag| Tag::parse(tag).unwrap());
            Observation::Tags(lookup, Ok(Arc::new(tags.to_vec())))
        }
        Question::Head(lookup, tag) => {
            let head = digest(tag.as_str());
            Observation::Head((lookup, tag), Ok(Some(head)))
        }
        Question::Manifest(lookup, digest) => {
            Observation::Manifest((lookup, digest), Ok(Some(Contents::Image)))
        }
        Question::Platform(lookup, digest) => Observation::Platform((lookup, digest), Ok(None)),
        Question::FirstSeen(key) => Observation::FirstSeen(*key, now()),
        Question::Created(lookup, digest) => Observation::Created((lookup, digest), None),
        Question::Facts(lookup, digest) => Observation::Facts((lookup, digest), Arc::default()),
        Question::Replaced(lookup, pointer) => {
            Observation::Replaced((lookup, pointer), Arc::default())
        }
    }
}

fn kind(need: &Need) -> &'static str {
    match need {
        Need::Listing => "listing",
        Need::Repository(_) => "repository",
        Need::Tree(_) => "tree",
        Need::Lookups(_) => "lookups",
        Need::Registry(Question::Tags(_)) => "tags",
        Need::Registry(Question::Facts(..)) => "facts",
        Need::Registry(Question::Replaced(..)) => "replaced",
        Need::Registry(_) => "registry",
        Need::Pipelines(_) => "pipelines",
        Need::Fresh(..) => "fresh",
    }
}

/// Each branch that is planned, with its steps.
fn steps(fleet: &Fleet, plan: &Plan) -> Vec<String> {
    let branches = plan.repos.iter().flat_map(|of_repo| {
        let branches = of_repo.branches.iter();
        branches.map(|branch| (&fleet.repos[of_repo.repo].name, branch))
    });
    let shown = branches.map(|(name, branch)| {
        let steps = branch.steps.iter().map(|step| match step {
            Step::Push { .. } => " push",
            Step::Delete { .. } => " delete",
            Step::Open(_) => " open",
            Step::CancelMerge(_) => " cancel",
            Step::Comment { .. } => " comment",
            Step::Edit { .. } => " edit",
            Step::Close(_) => " close",
        });
        format!(
            "{name} {}{}",
            branch.planned.code(),
            steps.collect::<String>()
        )
    });
    shown.collect()
}

fn only(repo: &str) -> Scope {
    let globs = RepoGlobs::parse(&[repo]).unwrap();
    Scope::only(globs, &Remembered::default())
}

#[test]
fn what_is_not_known_is_named_step_by_step_and_never_guessed() {
    let fleet = Fleet::new(operator(), None, Remembered::default());
    let needs = plan(&fleet, &Scope::all(), now()).unwrap_err();
    assert_eq!(needs, BTreeSet::from([Need::Listing]));

    let given = Given(&[("app", "FROM x/base:1.0\n")]);
    let mut fleet = given.fleet(None);
    let (done, mut rounds) = given.plan(&mut fleet, &Scope::all());
    rounds.dedup();
    // Nothing above it is in the family, so CI is not asked.
    assert_eq!(
        rounds,
        [
            "tree",
            "lookups",
            "tags",
            "registry",
            "facts+replaced",
            "fresh"
        ]
    );
    assert_eq!(steps(&fleet, &done), ["app open push open"]);
    // The same facts, the same plan.
    let again = plan(&fleet, &Scope::all(), now()).unwrap();
    assert_eq!(steps(&fleet, &again), steps(&fleet, &done));
}

#[test]
fn what_is_being_asked_is_not_named_again() {
    let given = Given(&[("app", "FROM x/base:1.0\n"), ("tool", "FROM x/base:1.0\n")]);
    let mut fleet = given.fleet(None);
    for _ in 0..2 {
        let needs = plan(&fleet, &Scope::all(), now()).unwrap_err();
        needs
            .into_iter()
            .for_each(|need| given.answer(&mut fleet, need));
    }
    let needs = plan(&fleet, &Scope::all(), now()).unwrap_err();
    // One image, so one question for both.
    assert_eq!(needs.len(), 1);
    fleet.asked(&needs);
    assert_eq!(
        plan(&fleet, &Scope::all(), now()).unwrap_err(),
        BTreeSet::new()
    );
}

/// CI is asked above a reference that something new is wanted for, and nowhere else.
#[test]
fn ci_is_asked_only_above_what_could_be_proposed() {
    let given = Given(&[
        ("base", "FROM scratch\n"),
        ("app", "FROM reg.io/base:1.0\n"),
        ("quiet", "FROM reg.io/other:1.1\n"),
        ("other", "FROM scratch\n"),
    ]);
    let mut fleet = given.fleet(None);
    let (_, rounds) = given.plan(&mut fleet, &Scope::all());
    assert!(
        rounds.iter().any(|round| round == "pipelines"),
        "{rounds:?}"
    );
    let asked = fleet.repos.iter().filter(|repo| repo.pipelines.is_some());
    let asked: Vec<&str> = asked.map(|repo| repo.name.as_str()).collect();
    assert_eq!(asked, ["base"]);
}

/// What the forge says now counts, not what was remembered of it.
#[test]
fn what_is_written_follows_from_what_is_there_now() {
    let given = Given(&[("app", "FROM x/base:1.0\n")]);
    let mut fleet = given.fleet(None);
    let (first, _) = given.plan(&mut fleet, &Scope::all());
    let texts = first.repos[0].proposals[0].texts.clone();
    let branch = first.repos[0].branches[0].branch.clone();
    let mut fleet = given.fleet(None);
    let scope = Scope::all();
    let needs = loop {
        let needs = plan(&fleet, &scope, now()).unwrap_err();
        if needs.iter().any(|need| matches!(need, Need::Fresh(..))) {
            break needs;
        }
        fleet.asked(&needs);
        needs
            .into_iter()
            .for_each(|need| given.answer(&mut fleet, need));
    };
    assert_eq!(
        needs,
        BTreeSet::from([Need::Fresh(0, BTreeSet::from([branch.clone()]))])
    );
    // A person has closed one that proposed just this, a second ago.
    let closed = MergeRequest {
        number: 7,
        state: MergeRequestState::Closed,
        source: branch.clone(),
        description: texts.block(&texts.state),
        ..open_request("app")
    };
    let existing = ExistingRequests {
        ended: vec![closed.into()],
        fresh: BTreeSet::from([branch]),
        ..ExistingRequests::default()
    };
    fleet.learn_existing(0, existing, now());
    let now = plan(&fleet, &scope, now()).unwrap();
    assert_eq!(now.repos[0].branches[0].planned, Planned::Declined);
    assert!(now.repos[0].branches[0].steps.is_empty());
}

/// D1: a look at one repository counts the merge requests of all.
#[test]
fn limits_count_the_whole_fleet_whatever_is_looked_at() {
    let given = Given(&[
        ("app", "FROM x/base:1.0\n"),
        ("tool", "FROM x/base:1.0\n"),
        ("web", "FROM x/base:1.0\n"),
    ]);
    let limits = |max_open, max_new_per_hour| {
        Some(OpenLimits {
            max_open,
            max_new_per_hour,
        })
    };
    let planned = |limits, scope: &Scope, given_before: &dyn Fn(&mut Fleet)| {
        let mut fleet = given.fleet(limits);
        given_before(&mut fleet);
        let (plan, _) = given.plan(&mut fleet, scope);
        steps(&fleet, &plan)
    };
    let nothing = |_: &mut Fleet| {};
    let all = Scope::all();
    assert_eq!(
        planned(limits(2, 9), &all, &nothing),
        ["app open push open", "tool open push open", "web limited"]
    );
    assert_eq!(
        planned(limits(9, 1), &all, &nothing),
        ["app open push open", "tool limited", "web limited"]
    );
    // Three are open in repositories that are not looked at, or not even listed.
    let elsewhere = |fleet: &mut Fleet| fleet.remembered.open_elsewhere = 3;
    assert_eq!(
        planned(limits(3, 9), &only("app"), &elsewhere),
        ["app limited"]
    );
    // What was opened in this pass already counts as well, and what it closed does not.
    let acted = |fleet: &mut Fleet| {
        let acted = Acted {
            open: 1,
            opened: 1,
            ..Acted::default()
        };
        fleet.learn_acted(1, acted);
    };
    assert_eq!(
        planned(limits(9, 2), &all, &acted),
        ["app open push open", "web limited"]
    );
    let lately = |fleet: &mut Fleet| {
        let key = "forge elsewhere 5".to_owned();
        fleet.remembered.opened.insert(key, now());
    };
    assert_eq!(
        planned(limits(9, 1), &only("web"), &lately),
        ["web limited"]
    );
    // An operator may lift them.
    assert_eq!(planned(None, &only("web"), &lately), ["web open push open"]);
}

/// B4: whoever is not related to what is still unknown can be planned.
#[test]
fn what_nothing_connects_with_the_unknown_is_ready() {
    let given = Given(&[
        ("base", "FROM scratch\n"),
        ("app", "FROM reg.io/base:1.0\n"),
        ("slow", "FROM x/slow:1.0\n"),
        ("below", "FROM reg.io/slow:1.0\n"),
        ("alone", "FROM x/base:1.0\n"),
    ]);
    let mut fleet = given.fleet(None);
    let scope = Scope::all();
    let slow = ImageName::parse("x/slow").unwrap();
    loop {
        let needs = plan(&fleet, &scope, now()).unwrap_err();
        if needs.is_empty() {
            break;
        }
        fleet.asked(&needs);
        for need in needs {
            let is_slow =
                |question: &Question| question.lookup().is_some_and(|lookup| lookup.image == slow);
            if !matches!(&need, Need::Registry(question) if is_slow(question)) {
                given.answer(&mut fleet, need);
            }
        }
    }
    let names = |repos: BTreeSet<usize>| {
        let names = repos.into_iter();
        names
            .map(|repo| fleet.repos[repo].name.to_string())
            .collect::<Vec<_>>()
    };
    let apart = ready(&fleet, &scope);
    assert_eq!(names(apart.clone()), ["alone", "app", "base"]);
    let (plan, _) = given.plan(&mut fleet, &scope.within(apart));
    let done: Vec<usize> = plan.repos.iter().map(|plan| plan.repo).collect();
    assert_eq!(
        steps(&fleet, &plan),
        ["alone open push open", "app open push open"]
    );
    for repo in done {
        fleet.learn_acted(repo, Acted::default());
    }
    assert_eq!(ready(&fleet, &scope).len(), 3, "and nothing new is");
}

/// A look at some asks for these and for what they depend on, as far as that is remembered.
#[test]
fn a_scope_grows_up_the_family_and_nowhere_else() {
    let registered = ["app", "base", "os", "other"].map(|repo| (name(repo), repo.to_owned()));
    let remembered = || Remembered {
        registered: BTreeMap::from([("forge".to_owned(), BTreeMap::from(registered.clone()))]),
        publishers: BTreeMap::from([
            ("reg.io/base".to_owned(), "base".to_owned()),
            ("reg.io/os".to_owned(), "os".to_owned()),
        ]),
        ..Remembered::default()
    };
    let given = Given(&[
        ("app", "FROM reg.io/base:1.0\n"),
        ("base", "FROM reg.io/os:1.0\n"),
        ("os", "FROM scratch\n"),
        ("other", "FROM reg.io/app:1.0\n"),
    ]);
    let mut fleet = Fleet::new(operator(), None, remembered());
    let scope = Scope::only(RepoGlobs::parse(&["app"]).unwrap(), &remembered());
    let mut asked = Vec::new();
    loop {
        let Err(needs) = plan(&fleet, &scope, now()) else {
            break;
        };
        fleet.asked(&needs);
        for need in needs {
            match need {
                Need::Repository(name) => {
                    asked.push(name.to_string());
                    fleet.list([listed(name.as_str())]);
                }
                need => given.answer(&mut fleet, need),
            }
        }
    }
    assert_eq!(asked, ["app", "base", "os"]);
    let read = fleet.repos.iter().map(|repo| repo.access);
    assert!(read.into_iter().all(|access| access == Access::Read));
    // Without a memory of who publishes what, only the whole list will do.
    let scope = only("app");
    let fleet = Fleet::new(operator(), None, Remembered::default());
    let needs = plan(&fleet, &scope, now()).unwrap_err();
    assert_eq!(needs, BTreeSet::from([Need::Listing]));
}

/// An open merge request of a repository that can't be read, or whose merge requests can't be fetched now.
fn open_request(repo: &str) -> MergeRequest {
    MergeRequest {
        number: 3,
        state: MergeRequestState::Open,
        source: Branch::parse("imagebot/x-1").unwrap(),
        target: Branch::parse("main").unwrap(),
        title: format!("an update of {repo}"),
        description: String::new(),
        labels: Vec::new(),
        head: None,
        merged_as: None,
        draft: false,
        created: Some(now()),
        auto_merge: false,
        incomplete: false,
    }
}

/// What is open above holds, also where nothing can be planned there: in this plan, and once that repository is done.
#[test]
fn a_parent_in_which_nothing_can_be_planned_still_holds_its_children() {
    let given = Given(&[
        ("base", "FROM x/os:1.1\n"),
        ("app", "FROM reg.io/base:1.0\n"),
    ]);
    for case in ["unavailable", "unread", "skipped"] {
        let mut fleet = given.fleet(None);
        given.plan(&mut fleet, &Scope::all());
        let base = fleet
            .repos
            .iter()
            .position(|repo| repo.name.as_str() == "base");
        let base = base.unwrap();
        fleet.learn_existing(
            base,
            ExistingRequests {
                open: vec![open_request("base").into()],
                unavailable: case == "unavailable",
                ..ExistingRequests::default()
            },
            now(),
        );
        if case != "unavailable" {
            fleet.repos[base].base = None;
            fleet.repos[base].is_skipped = case == "skipped";
        }
        let (all, _) = given.plan(&mut fleet, &Scope::all());
        let expect: &[&str] = match case {
            "skipped" => &["app open push open"],
            _ => &[],
        };
        assert_eq!(steps(&fleet, &all), expect, "{case}");
        // The same after the repository was done in an earlier part of the pass.
        let done = all.repos.iter().find(|plan| plan.repo == base).unwrap();
        let acted = done.acted(&fleet.repos[base]);
        assert_eq!(acted.holds.len(), usize::from(case != "skipped"), "{case}");
        fleet.learn_acted(base, acted);
        let (rest, _) = given.plan(&mut fleet, &Scope::all());
        assert_eq!(steps(&fleet, &rest), expect, "{case}, done");
        // And the times that a limit's queue counts from are not forgotten for it.
        assert!(!all.opening.contains_key(&base), "{case}");
    }
}

/// B4: a repository that is read late is decided although another one's registry does not answer.
#[test]
fn a_late_repository_is_decided_while_a_question_is_open() {
    let given = Given(&[("slow", "FROM x/slow:1.0\n"), ("late", "FROM x/base:1.0\n")]);
    let mut fleet = given.fleet(None);
    let late = fleet
        .repos
        .iter()
        .position(|repo| repo.name.as_str() == "late");
    let late = late.unwrap();
    let scope = Scope::all().impatient();
    let mut is_late = true;
    for round in 0..40 {
        let Err(needs) = plan(&fleet, &scope, now()) else {
            panic!("one answer is missing");
        };
        fleet.asked(&needs);
        for need in needs {
            let is_slow = |question: &Question| {
                let lookup = question.lookup();
                lookup.is_some_and(|lookup| lookup.image.canonical() == "docker.io/x/slow")
            };
            match &need {
                Need::Tree(repo) if *repo == late && is_late => {}
                Need::Registry(question) if is_slow(question) => {}
                _ => given.answer(&mut fleet, need),
            }
        }
        if round == 10 {
            is_late = false;
        }
    }
    assert_eq!(ready(&fleet, &scope), BTreeSet::from([late]));
}

/// What the family says of a reference follows from the family as it is, not as it was.
#[test]
fn a_reference_is_followed_again_once_its_cycle_is_gone() {
    let app = ("app", "FROM reg.io/base:1.0\n");
    let cycle = [app, ("base", "FROM reg.io/app:1.0\n")];
    let (given, later) = (Given(&cycle), [app, ("base", "FROM scratch\n")]);
    let mut fleet = given.fleet(None);
    let reason = |plan: &Plan| plan.repos[0].decisions[0].reason.code();
    let (first, _) = given.plan(&mut fleet, &Scope::all());
    assert_eq!(reason(&first), "family-cycle");
    Given(&later).read(&mut fleet, 1);
    let (second, _) = given.plan(&mut fleet, &Scope::all());
    assert_eq!(reason(&second), "new-tag");
}

/// A fact of an earlier pass is not good enough to act upon: forges and CI are asked again, registries and git are not.
#[test]
fn what_was_learned_in_an_earlier_pass_is_fetched_again_before_anything_is_written() {
    let given = Given(&[
        ("base", "FROM scratch\n"),
        ("app", "FROM reg.io/base:1.0\n"),
    ]);
    let mut fleet = given.fleet(None);
    given.plan(&mut fleet, &Scope::all());
    assert!(plan(&fleet, &Scope::all(), now()).is_ok());
    let later = now() + jiff::SignedDuration::from_mins(5);
    fleet.begin_pass(later);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let Err(needs) = plan(&fleet, &Scope::all(), later) else {
            break;
        };
        for need in needs {
            kinds.push(kind(&need));
            match need {
                Need::Pipelines(repo) => fleet.learn_pipelines(repo, Pipelines::default(), later),
                Need::Fresh(repo, names) => {
                    let existing = ExistingRequests {
                        fresh: names,
                        ..ExistingRequests::default()
                    };
                    fleet.learn_existing(repo, existing, later);
                }
                need => panic!("{need:?} is known"),
            }
        }
    }
    assert_eq!(kinds, ["pipelines", "fresh"]);
    let learned = fleet.repos.iter().map(|repo| repo.existing.learned);
    assert_eq!(learned.max(), Some(later));
}
