//! The family graph: who builds what, who stands on what, and who waits for whom.

use imagebot::family::hold::{
    Activity, FleetActivity, HoldTerms, HoldVerdict, OpenRequest, RepoActivity,
};
use imagebot::family::{Depends, Graph, ImageSpec, Member, On, Publishes, Stand};
use imagebot::image::{ImageName, RegistryHost};
use imagebot::repo::{CiStatus, Glob, RepoName, RepoPath};
use imagebot::source::{Format, scan};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const HOST: &str = "reg.io";

fn image(name: &str) -> ImageName {
    ImageName::parse(&match name.contains('.') {
        true => name.to_owned(),
        false => format!("{HOST}/{name}"),
    })
    .unwrap()
}

/// A repository whose own registry is `reg.io/<its path>`.
fn member(name: &str, dockerfile: &str) -> Member {
    let mut member = Member {
        own: Some((RegistryHost::parse(HOST).unwrap(), name.to_owned())),
        ..Member::new(RepoName::parse(name).unwrap())
    };
    add(&mut member, "Dockerfile", dockerfile);
    member
}

fn add(member: &mut Member, path: &str, dockerfile: &str) {
    let path = RepoPath::parse(path).unwrap();
    let scan = scan(Format::Dockerfile, dockerfile.as_bytes(), &BTreeMap::new()).unwrap();
    member
        .stands_on
        .extend(scan.references.iter().map(|located| Stand {
            image: located.reference().unwrap().name.clone(),
            id: located.id(&path),
            line: located.line,
        }));
    member.stages.insert(path, scan.stages);
}

fn spec(name: &str, dockerfile: &str, target: Option<&str>, line: usize) -> ImageSpec {
    ImageSpec {
        name: image(name),
        published: Vec::new(),
        context: None,
        dockerfile: RepoPath::parse(dockerfile).unwrap(),
        target: target.map(str::to_owned),
        tags: Vec::new(),
        also: Vec::new(),
        watch: Vec::new(),
        version: None,
        is_declared: true,
        place: Arc::from(format!("imagebot.toml:{line}")),
    }
}

fn depends(on: On, line: usize) -> Depends {
    let path = RepoPath::parse("imagebot.toml").unwrap();
    Depends { on, path, line }
}

fn on_repo(name: &str) -> On {
    On::Repo {
        host: None,
        name: RepoName::parse(name).unwrap(),
    }
}

fn publishes(repo: &str, images: &[&str]) -> Publishes {
    let images: Vec<String> = images.iter().map(|text| (*text).to_owned()).collect();
    Publishes::new(
        Glob::parse(repo).unwrap(),
        &images,
        Arc::from("config.toml:1"),
    )
    .unwrap()
}

/// `parent -> child` lines, then generations, then findings by code.
fn drawn(members: &[Member], said: &[Publishes]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let graph = Graph::new(members, said);
    let name = |node: usize| graph.name_of(node, members).replace("reg.io/", "");
    let edges = graph.edges().iter();
    let mut edges: Vec<String> = edges
        .map(|edge| {
            format!(
                "{} -> {} {}:{}",
                name(edge.parent),
                name(edge.child),
                edge.path,
                edge.line
            )
        })
        .collect();
    edges.sort();
    let nodes = graph.nodes().iter().enumerate();
    let mut generations: Vec<String> = nodes
        .map(|(index, node)| format!("{} {}", name(index), node.generation))
        .collect();
    generations.sort();
    let findings = graph.findings.iter();
    let findings =
        findings.map(|f| format!("{} {} {}", members[f.repo].name, f.place, f.what.code()));
    (edges, generations, findings.collect())
}

#[test]
fn g1_a_from_of_the_forges_own_registry_is_an_edge() {
    let members = [
        member("acme/base", "FROM debian:12\n"),
        member("acme/app", "FROM reg.io/acme/base:1 AS b\nRUN x\nFROM b\n"),
    ];
    let (edges, generations, findings) = drawn(&members, &[]);
    assert_eq!(
        edges,
        [
            "acme/base -> acme/app Dockerfile:1",
            "docker.io/library/debian -> acme/base Dockerfile:1"
        ]
    );
    assert_eq!(
        generations,
        ["acme/app 2", "acme/base 1", "docker.io/library/debian 0"]
    );
    assert_eq!(findings, [""; 0]);
}

#[test]
fn g2_a_repository_without_a_dockerfile_depends_on_another() {
    let mut app = Member::new(RepoName::parse("acme/site").unwrap());
    app.depends.push(depends(on_repo("acme/base"), 3));
    app.depends.push(depends(On::Image(image("acme/tool")), 6));
    app.depends.push(depends(on_repo("acme/gone"), 9));
    let members = [
        member("acme/base", "FROM scratch\n"),
        app,
        member("acme/tool", "FROM scratch\n"),
    ];
    let (edges, _, findings) = drawn(&members, &[]);
    assert_eq!(
        edges,
        [
            "acme/base -> acme/site imagebot.toml:3",
            "acme/tool -> acme/site imagebot.toml:6"
        ]
    );
    assert_eq!(findings, ["acme/site imagebot.toml:9 depends-on-nothing"]);
}

#[test]
fn g3_what_files_name_and_what_is_said_make_one_graph() {
    let mut app = member("acme/app", "FROM reg.io/acme/base:1\n");
    app.depends.push(depends(on_repo("acme/library"), 2));
    let members = [
        member("acme/base", "FROM scratch\n"),
        Member::new(RepoName::parse("acme/library").unwrap()),
        app,
    ];
    let (edges, ..) = drawn(&members, &[]);
    assert_eq!(
        edges,
        [
            "acme/base -> acme/app Dockerfile:1",
            "acme/library -> acme/app imagebot.toml:2"
        ]
    );
}

#[test]
fn g4_images_from_outside_are_parents_too_and_other_names_can_be_mapped() {
    let mut app = member(
        "acme/app",
        "FROM mirror.io/x/base:1\nCOPY --from=busybox:1 /a /b\n",
    );
    app.own = None;
    let members = [member("acme/base", "FROM scratch\n"), app];
    let (edges, ..) = drawn(&members, &[publishes("acme/base", &["mirror.io/x/base"])]);
    assert_eq!(
        edges,
        [
            "docker.io/library/busybox -> acme/app Dockerfile:2",
            "mirror.io/x/base -> acme/app Dockerfile:1"
        ]
    );
}

#[test]
fn several_images_of_one_repository_and_stages_have_their_own_parents() {
    let dockerfile = "FROM reg.io/go:1 AS build\nRUN x\nFROM reg.io/node:1 AS web\n\
                      FROM reg.io/base:1 AS tool\nCOPY --from=build /x /\nFROM reg.io/base:2 AS all\nCOPY --from=web /w /\n";
    let mut repo = member("acme/tools", dockerfile);
    add(&mut repo, "ci/Dockerfile", "FROM reg.io/lint:1\n");
    repo.images = vec![
        spec("acme/tools/tool", "Dockerfile", Some("tool"), 1),
        spec("acme/tools/all", "Dockerfile", None, 5),
        spec("acme/tools/lost", "lost/Dockerfile", None, 9),
        spec("acme/tools/odd", "Dockerfile", Some("odd"), 13),
    ];
    let (edges, _, findings) = drawn(&[repo], &[]);
    assert_eq!(
        edges,
        [
            "base -> acme/tools/all Dockerfile:6",
            "base -> acme/tools/tool Dockerfile:4",
            "go -> acme/tools/tool Dockerfile:1",
            "lint -> acme/tools ci/Dockerfile:1",
            "node -> acme/tools/all Dockerfile:3",
        ]
    );
    assert_eq!(
        findings,
        [
            "acme/tools imagebot.toml:9 no-dockerfile",
            "acme/tools imagebot.toml:13 no-stage"
        ]
    );
}

#[test]
fn the_strongest_claim_wins_and_equals_cancel_each_other_out() {
    let claiming = |name: &str, claims: &[&str]| {
        let mut member = member(name, "FROM scratch\n");
        let specs = claims.iter().enumerate();
        member.images = specs
            .map(|(n, image)| spec(image, "Dockerfile", None, n + 1))
            .collect();
        member
    };
    let mut labelled = claiming("acme/d", &[]);
    labelled.labelled = vec![image("x/label"), image("x/said")];
    let members = [
        claiming("acme/a", &["acme/a/own", "x/said", "x/both", "y/none"]),
        claiming("acme/b", &["x/both", "acme/a/own", "x/mine"]),
        labelled,
        member(
            "acme/z",
            "FROM reg.io/x/both:1\nFROM reg.io/x/said:1\nFROM reg.io/x/mine:1\nFROM reg.io/x/label:1\n",
        ),
    ];
    let said = [
        publishes("acme/*", &["reg.io/x/*", "reg.io/acme/**"]),
        publishes("acme/d", &["reg.io/x/said"]),
    ];
    let graph = Graph::new(&members, &said);
    let publisher = |name: &str| {
        graph
            .publisher(&image(name))
            .map(|repo| members[repo].name.to_string())
    };
    assert_eq!(publisher("acme/a/own").as_deref(), Some("acme/a"));
    assert_eq!(publisher("x/said").as_deref(), Some("acme/d"));
    assert_eq!(publisher("x/mine").as_deref(), Some("acme/b"));
    assert_eq!(publisher("x/label").as_deref(), Some("acme/d"));
    assert_eq!(publisher("x/both"), None);
    assert_eq!(publisher("y/none"), None);
    let (_, _, findings) = drawn(&members, &said);
    assert_eq!(
        findings,
        [
            "acme/a imagebot.toml:2 claim-taken",
            "acme/a imagebot.toml:3 claim-equal",
            "acme/a imagebot.toml:4 claim-not-allowed",
            "acme/b imagebot.toml:1 claim-equal",
            "acme/b imagebot.toml:2 claim-taken",
        ]
    );
}

#[test]
fn all_names_of_an_image_are_one() {
    let mut base = member("acme/base", "FROM scratch\n");
    base.images = vec![spec("acme/base", "Dockerfile", None, 1)];
    base.images[0].published = vec![image("mirror.io/base")];
    let members = [base, member("acme/app", "FROM mirror.io/base:1\n")];
    let (edges, generations, findings) =
        drawn(&members, &[publishes("acme/base", &["mirror.io/*"])]);
    assert_eq!(edges, ["acme/base -> acme/app Dockerfile:1"]);
    assert_eq!(generations, ["acme/app 1", "acme/base 0"]);
    assert_eq!(findings, [""; 0]);
}

#[test]
fn t37_a_cycle_is_found_with_its_path() {
    let members = [
        member("a", "FROM reg.io/b:1\n"),
        member("b", "FROM reg.io/c:1\n"),
        member("c", "FROM reg.io/a:1\n"),
        member("d", "FROM reg.io/c:1\n"),
        member("self", "FROM debian:12\nCOPY --from=reg.io/d:1 /a /b\n"),
    ];
    let graph = Graph::new(&members, &[]);
    let name = |node: &usize| graph.name_of(*node, &members);
    let cycles: Vec<Vec<String>> = graph
        .cycles
        .iter()
        .map(|c| c.iter().map(name).collect())
        .collect();
    assert_eq!(cycles, [["reg.io/a", "reg.io/c", "reg.io/b"]]);
    let round: Vec<bool> = graph
        .edges()
        .iter()
        .filter(|e| e.on_cycle)
        .map(|_| true)
        .collect();
    assert_eq!(round.len(), 3);
}

// ---- hold and release -----------------------------------------------------------------------------------------

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + 60 * minutes).unwrap()
}

fn quiet() -> RepoActivity {
    RepoActivity {
        open: Vec::new(),
        ci: CiStatus::Passed,
        ci_since: Some(at(-60)),
        head_since: Some(at(-60)),
    }
}

fn open(number: u64, since: i64) -> OpenRequest {
    OpenRequest {
        number: Some(number),
        major: false,
        failed: false,
        since: Some(at(since)),
        paths: BTreeSet::from([RepoPath::parse("Dockerfile").unwrap()]),
    }
}

/// root → a, b; a → c; b → d → c: a diamond with legs of different length; e stands beside c on a.
fn diamond() -> Vec<Member> {
    vec![
        member("root", "FROM scratch\n"),
        member("a", "FROM reg.io/root:1\n"),
        member("b", "FROM reg.io/root:1\n"),
        member("d", "FROM reg.io/b:1\n"),
        member("c", "FROM reg.io/a:1\nCOPY --from=reg.io/d:1 /x /\n"),
        member("e", "FROM reg.io/a:1\n"),
    ]
}

/// What becomes of a reference of `child` to `parent`, in a word and with the repository that causes it.
fn judged(
    facts: &[(&str, RepoActivity)],
    child: &str,
    parent: &str,
    terms: HoldTerms,
    proven: bool,
) -> String {
    let members = diamond();
    let graph = Graph::new(&members, &[]);
    let repo = |name: &str| {
        members
            .iter()
            .position(|m| m.name.as_str() == name)
            .unwrap()
    };
    let facts: BTreeMap<usize, RepoActivity> = facts
        .iter()
        .map(|(name, facts)| (repo(name), facts.clone()))
        .collect();
    let scene = FleetActivity {
        graph: &graph,
        members: &members,
        activity: &facts,
        lives: &|_| true,
        now: at(0),
    };
    // An image that nobody stands on is known by its repository alone.
    let node = |name: &str| graph.nodes_of(repo(name))[0];
    match scene.judge(node(child), node(parent), proven, &terms) {
        HoldVerdict::Free(old) if old.is_empty() => "free".to_owned(),
        HoldVerdict::Free(old) => format!("expired {}", members[old[0].repo].name),
        HoldVerdict::Held(by) => format!("held {} {:?}", members[by.repo].name, by.what),
        HoldVerdict::Blocked(by) => format!("blocked {} {:?}", members[by.repo].name, by.what),
    }
}

const TERMS: HoldTerms = HoldTerms {
    hold_for: Some(SignedDuration::from_hours(24)),
    majors: false,
    settle: SignedDuration::from_mins(10),
};

#[test]
fn f61_everything_that_is_coming_above_a_child_holds_it() {
    let busy = |open: Vec<OpenRequest>| RepoActivity { open, ..quiet() };
    let check = |facts: &[(&str, RepoActivity)], child: &str, parent: &str, expect: &str| {
        assert_eq!(
            judged(facts, child, parent, TERMS, false),
            expect,
            "{facts:?}"
        );
    };
    check(&[], "c", "a", "free");
    check(
        &[("a", busy(vec![open(3, -5)]))],
        "c",
        "a",
        "held a MergeRequest(Some(3))",
    );
    // The other leg, through a repository where nothing happens yet.
    check(
        &[("b", busy(vec![open(3, -5)]))],
        "c",
        "a",
        "held b MergeRequest(Some(3))",
    );
    check(&[("b", busy(vec![open(3, -5)]))], "e", "a", "free");
    let running = RepoActivity {
        ci: CiStatus::Running,
        ..quiet()
    };
    check(&[("d", running)], "c", "a", "held d Running");
    let new = RepoActivity {
        ci: CiStatus::None,
        head_since: Some(at(-9)),
        ..quiet()
    };
    check(&[("d", new.clone())], "c", "a", "held d Settling");
    check(
        &[(
            "d",
            RepoActivity {
                head_since: Some(at(-10)),
                ..new
            },
        )],
        "c",
        "a",
        "free",
    );
    check(
        &[(
            "d",
            RepoActivity {
                ci: CiStatus::Unseen,
                head_since: Some(at(0)),
                ..quiet()
            },
        )],
        "c",
        "a",
        "free",
    );
    let major = OpenRequest {
        major: true,
        ..open(3, -5)
    };
    check(&[("a", busy(vec![major.clone()]))], "c", "a", "free");
    let terms = HoldTerms {
        majors: true,
        ..TERMS
    };
    assert_eq!(
        judged(&[("a", busy(vec![major]))], "c", "a", terms, false),
        "held a MergeRequest(Some(3))"
    );
}

#[test]
fn f62_a_parent_that_failed_blocks_the_references_to_its_image_only() {
    let failed = RepoActivity {
        ci: CiStatus::Failed,
        ..quiet()
    };
    let check = |facts: &[(&str, RepoActivity)], child: &str, parent: &str, expect: &str| {
        assert_eq!(
            judged(facts, child, parent, TERMS, false),
            expect,
            "{facts:?}"
        );
    };
    check(&[("a", failed.clone())], "c", "a", "blocked a Failed");
    check(&[("a", failed.clone())], "e", "a", "blocked a Failed");
    check(&[("a", failed.clone())], "c", "d", "free");
    check(&[("a", failed)], "d", "b", "free");
    let red = RepoActivity {
        open: vec![OpenRequest {
            failed: true,
            ..open(4, -5)
        }],
        ..quiet()
    };
    check(
        &[("a", red.clone())],
        "c",
        "a",
        "blocked a FailedRequest(Some(4))",
    );
    check(&[("a", red)], "c", "d", "free");
}

#[test]
fn a_hold_runs_out_and_a_label_proves_what_is_new() {
    let old = RepoActivity {
        open: vec![open(3, -24 * 60)],
        ..quiet()
    };
    let check = |facts: &RepoActivity, terms: HoldTerms, proven: bool, expect: &str| {
        let facts = [("a", facts.clone())];
        assert_eq!(judged(&facts, "c", "a", terms, proven), expect);
    };
    check(&old, TERMS, false, "expired a");
    check(
        &old,
        HoldTerms {
            hold_for: None,
            ..TERMS
        },
        false,
        "held a MergeRequest(Some(3))",
    );
    let running = RepoActivity {
        ci: CiStatus::Running,
        head_since: Some(at(-1)),
        ..quiet()
    };
    check(&running, TERMS, false, "held a Running");
    check(&running, TERMS, true, "free");
    let both = RepoActivity {
        open: vec![open(3, -5)],
        ..running
    };
    check(&both, TERMS, true, "held a MergeRequest(Some(3))");
    assert_eq!(
        Activity::Running.describe("pull request"),
        "its pipeline is running"
    );
}

#[test]
fn what_comes_back_through_another_repository_is_waited_for() {
    let mut both = Member {
        own: Some((RegistryHost::parse(HOST).unwrap(), "both".to_owned())),
        ..Member::new(RepoName::parse("both").unwrap())
    };
    add(&mut both, "x/Dockerfile", "FROM reg.io/root:1\n");
    add(
        &mut both,
        "y/Dockerfile",
        "FROM reg.io/mid:1\nCOPY --from=reg.io/root:1 /a /\n",
    );
    add(
        &mut both,
        "z/Dockerfile",
        "FROM reg.io/both/x:1\nCOPY --from=reg.io/root:1 /a /\n",
    );
    for name in ["x", "y", "z"] {
        let dockerfile = format!("{name}/Dockerfile");
        let mut spec = spec(&format!("reg.io/both/{name}"), &dockerfile, None, 1);
        spec.context = Some(RepoPath::parse(name).unwrap());
        both.images.push(spec);
    }
    let members = [
        member("root", "FROM scratch\n"),
        both,
        member("mid", "FROM reg.io/both/x:1\n"),
    ];
    let graph = Graph::new(&members, &[]);
    let mut of_x = open(7, -5);
    of_x.paths = BTreeSet::from([RepoPath::parse("x/Dockerfile").unwrap()]);
    let busy = RepoActivity {
        open: vec![of_x],
        ..quiet()
    };
    let facts = BTreeMap::from([(1, busy)]);
    let scene = FleetActivity {
        graph: &graph,
        members: &members,
        activity: &facts,
        lives: &|_| true,
        now: at(0),
    };
    let node = |name: &str| graph.node_of(&image(name)).unwrap();
    let judge = |child: &str| {
        let child = graph.nodes_of(1).iter().find(|of| {
            let name = graph.nodes()[**of].image.as_ref();
            name.is_some_and(|name| name.short() == child)
        });
        scene.judge(*child.unwrap(), node("root"), false, &TERMS)
    };
    // z is built in one commit with x; y stands on what is built from x elsewhere.
    assert_eq!(judge("z"), HoldVerdict::Free(Vec::new()));
    assert!(matches!(judge("y"), HoldVerdict::Held(by) if by.repo == 1));
}
