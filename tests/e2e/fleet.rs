//! What a fleet costs: every request of a pass, counted, on GitLab and on GitHub. The bounds are those of the issue.

use super::forge::{On, TestForge};
use super::world::World;
use super::{fake_github, fake_gitlab};
use imagebot::image::Digest;
use imagebot::repo::{RepoGlobs, RepoName};
use imagebot::run::{Options, Progress, family_graph, pass, publishers, related};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes each test one of both servers.
macro_rules! on_servers {
    ($($name:ident => ($test:ident, $count:expr)),+ $(,)?) => {
        mod on_gitlab { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$test($crate::forge::On::GitLab, $count).await } )+ }
        mod on_github { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$test($crate::forge::On::GitHub, $count).await } )+ }
    };
}

type Counts = BTreeMap<String, usize>;

/// Repositories with the same Dockerfile: two images pinned by digest, shared by all.
struct Fleet {
    world: World,
    names: Vec<String>,
}

impl Fleet {
    async fn new(on: On, count: usize) -> Self {
        let world = World::on(on).await;
        world.configure("[limits]\nmax_open = 10000\nmax_new_per_hour = 10000\n");
        let fake = world.server.fake();
        fake.want_token(&fake.url(), &["anonymous".to_owned()]);
        let base = world.push("base", "1.0.0").await;
        let tool = world.push("tool", "3.1.0").await;
        let names = vec!["team/app".to_owned()];
        let mut fleet = Self { world, names };
        let text = fleet.dockerfile("base", &base, &tool);
        fleet.world.repo("team/app", &text);
        fleet.grow("team/app", count - 1);
        fleet
    }

    fn dockerfile(&self, base: &str, digest: &Digest, tool: &Digest) -> String {
        format!(
            "FROM {}:1.0.0@{digest}\nCOPY --from={}:3.1.0@{tool} /a /b\n",
            self.world.image(base),
            self.world.image("tool"),
        )
    }

    /// Adds repositories with the files of one that is there.
    fn grow(&mut self, of: &str, count: usize) {
        let names: Vec<String> = (0..count).map(|at| format!("{of}-{at}")).collect();
        match &self.world.forge {
            TestForge::Local(..) => panic!("a folder asks for nothing"),
            TestForge::GitLab(fake, _) => drop(fake.seed(of, of, count)),
            TestForge::GitHub(fake) => fake.copies(of, names.iter().cloned()),
        }
        self.names.extend(names);
    }

    /// The requests to the forge since the last call.
    fn asked(&self) -> Vec<Asked> {
        match &self.world.forge {
            TestForge::Local(..) => Vec::new(),
            TestForge::GitLab(fake, _) => {
                let log = fake.requests();
                fake.clear_log();
                log.iter().map(at_gitlab).collect()
            }
            TestForge::GitHub(fake) => fake.take_log().iter().map(at_github).collect(),
        }
    }

    /// The requests of a pass: those to the forge, git's among them, and those to the registry.
    async fn pass(&self) -> (Counts, Counts) {
        self.asked();
        self.world.server.fake().take_log();
        self.world.pass().await;
        let forge = counted(self.asked().into_iter().map(|asked| asked.what));
        let log = self.world.server.fake().take_log();
        let line =
            |logged: &super::fake_registry::Logged| format!("{} {}", logged.method, logged.target);
        (forge, counted(log.iter().map(line)))
    }

    /// What a request that is about a repository holds.
    fn marks(&self, name: &str) -> Vec<String> {
        match &self.world.forge {
            TestForge::GitLab(fake, _) => vec![
                format!("/projects/{}/", fake.id(name)),
                format!("Project/{}\"", fake.id(name)),
                format!("/{name}.git"),
            ],
            _ => {
                let (_, short) = name.split_once('/').expect("an owner");
                vec![
                    format!("{name}/"),
                    format!("{name}.git"),
                    format!("\"name\":\"{short}\""),
                ]
            }
        }
    }

    async fn open(&self) -> usize {
        let mut open = 0;
        for name in &self.names {
            open += self.world.open_mrs(name).await.len();
        }
        open
    }
}

/// A request to a forge.
struct Asked {
    /// The method and the path without what names one repository, or the operation of GraphQL.
    what: String,
    /// Everything of it that may name one.
    whole: String,
}

/// A path without the parts that name a repository or something in it.
fn general(path: &str) -> String {
    let part = |part: &str| match part {
        _ if part.starts_with("app") || part.starts_with("other") => "*".to_owned(),
        _ if part.contains('%') || part.parse::<u64>().is_ok() => "*".to_owned(),
        _ => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Git's requests: of a fetch, of a push, or the question for what a server can do that comes before either.
fn of_git(method: &str, path: &str, query: &str) -> String {
    let service = path.rsplit('/').next().unwrap_or_default();
    let service = query.strip_prefix("service=").unwrap_or(service);
    format!("git {method} {service}")
}

fn at_gitlab(logged: &fake_gitlab::Logged) -> Asked {
    let (path, query) = logged
        .target
        .split_once('?')
        .unwrap_or((&logged.target, ""));
    let what = match logged.kind {
        fake_gitlab::Kind::Git => of_git(&logged.method, path, query),
        fake_gitlab::Kind::Rest => format!("{} {}", logged.method, general(path)),
        fake_gitlab::Kind::GraphQl => {
            let document = logged.body.split("query ").nth(1).unwrap_or_default();
            let name = document.split(['(', ' ', '{']).next().unwrap_or_default();
            format!("graphql {name}")
        }
    };
    let whole = format!("{} {}", logged.target, logged.body);
    Asked { what, whole }
}

fn at_github(logged: &fake_github::Logged) -> Asked {
    let what = match logged.kind {
        fake_github::Kind::Git => of_git(&logged.method, &logged.path, &logged.query),
        fake_github::Kind::Rest => format!("{} {}", logged.method, general(&logged.path)),
        fake_github::Kind::GraphQl => format!("graphql {}", logged.path),
    };
    let whole = format!("{}?{} {}", logged.path, logged.query, logged.body);
    Asked { what, whole }
}

fn counted(lines: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for line in lines {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

#[track_caller]
fn same(what: &str, found: &Counts, expected: &[(&str, usize)]) {
    let expected = expected.iter().filter(|(_, count)| *count > 0);
    let expected: Counts = expected.map(|(line, n)| ((*line).to_owned(), *n)).collect();
    assert_eq!(found, &expected, "{what}");
}

/// The requests to the forge of any pass, before anything is to be done.
fn listing(on: On, count: usize) -> Vec<(&'static str, usize)> {
    match on {
        // Start, one listing of 100 on a page, heads of 100 at once, our open merge requests, 100 on a page.
        On::GitLab => vec![
            ("graphql Start", 1),
            ("GET /api/v4/projects", count.div_ceil(100)),
            ("graphql Heads", count.div_ceil(100)),
        ],
        On::GitHub => vec![
            ("graphql Start", 1),
            ("GET /user/repos", count.div_ceil(100)),
            ("graphql Heads", count.div_ceil(50)),
        ],
        On::Local => Vec::new(),
    }
}

/// What a repository costs in which a merge request is opened: what is there now, one push, and the request itself.
fn opened(on: On, count: usize) -> Vec<(&'static str, usize)> {
    let mut all = vec![
        ("graphql Requests", count),
        ("git GET git-receive-pack", count),
        ("git POST git-receive-pack", count),
    ];
    all.extend(match on {
        On::GitLab => vec![
            ("GET /api/v4/projects/*/repository/branches", count),
            // Whether the listed head is the branch's.
            ("GET /api/v4/projects/*/repository/branches/main", count),
            ("POST /api/v4/projects/*/merge_requests", count),
        ],
        _ => vec![
            ("GET /repos/team/*/git/matching-refs/heads/imagebot/", count),
            ("POST /repos/team/*/pulls", count),
            // Labels cannot be given with the first request.
            ("PATCH /repos/team/*/issues/*", count),
        ],
    });
    all
}

/// The requests of a pass over a fleet with so many open merge requests.
fn warm(on: On, count: usize, open: usize) -> Vec<(&'static str, usize)> {
    let mut all = listing(on, count);
    if on == On::GitLab {
        all.push(("GET /api/v4/merge_requests", open.div_ceil(100).max(1)));
    }
    all
}

/// The bound of the issue for a pass in which nothing has changed: one listing, nothing closed.
fn bound(on: On, count: usize, open: usize) -> usize {
    match on {
        On::GitLab => 3 + 1 + 2 * count.div_ceil(100) + open.div_ceil(100),
        _ => 2 + 1 + count.div_ceil(100) + count.div_ceil(50),
    }
}

/// A challenge, a token for each image, its list, and a `HEAD` for each tag that is pinned or proposed.
const REGISTRY: [(&str, usize); 6] = [
    ("GET /token?service=fake&scope=repository%3Abase%3Apull", 1),
    ("GET /token?service=fake&scope=repository%3Atool%3Apull", 1),
    ("lists", 3),
    ("HEAD /v2/base/manifests/1.0.0", 1),
    ("HEAD /v2/tool/manifests/3.1.0", 1),
    ("HEAD /v2/base/manifests/1.1.0", 1),
];

/// The lists are one line: which of them meets the challenge is chance.
fn of_registry(counts: &Counts) -> Counts {
    let mut short = Counts::new();
    for (line, count) in counts {
        let line = match line.contains("/tags/list") {
            true => "lists",
            false => line,
        };
        *short.entry(line.to_owned()).or_default() += count;
    }
    short
}

/// What is read of each digest, by image and digest or blob.
#[track_caller]
fn at_most_four_gets(what: &str, counts: &mut Counts, digests: usize) {
    let gets: Vec<String> = counts
        .keys()
        .filter(|line| line.contains("sha256:"))
        .cloned()
        .collect();
    assert!(gets.len() <= 4 * digests, "{what}: {gets:#?}");
    for line in gets {
        assert_eq!(counts.remove(&line), Some(1), "{what}: {line}");
    }
}

on_servers!(
    a_fleet_of_1_asks_for_no_more_than_the_issue_allows => (bounds, 1),
    a_fleet_of_50_asks_for_no_more_than_the_issue_allows => (bounds, 50),
    a_fleet_of_101_asks_for_no_more_than_the_issue_allows => (bounds, 101),
    a_lost_store_costs_two_more_fetches_whatever_the_number_of_branches => (forgotten, 2),
    only_those_that_stand_on_it_are_asked_about => (apart, 3),
    what_people_have_ended_is_looked_up_together => (ended, 3),
    a_look_at_one_repository_of_12_asks_about_no_other => (scoped, 12),
);

async fn bounds(on: On, count: usize) {
    let fleet = Fleet::new(on, count).await;
    let shown = |what: &str| format!("{on:?}, {count} repositories, {what}");

    // Cold: each repository is fetched twice, commits with trees and then files, each fetch two requests of HTTP.
    let what = shown("cold");
    let (forge, registry) = fleet.pass().await;
    let fetches = [
        ("git GET git-upload-pack", 2 * count),
        ("git POST git-upload-pack", 2 * count),
    ];
    let mut cold = warm(on, count, 0);
    cold.extend(fetches);
    cold.extend(match on {
        // What a bot before this one may have left: branches without a merge request, a note on the settings.
        On::GitLab => vec![
            ("graphql Left", count.div_ceil(20)),
            ("GET /api/v4/issues", 1),
        ],
        _ => vec![("graphql Notices", count.div_ceil(50))],
    });
    same(&what, &forge, &cold);
    let known: usize = warm(on, count, 0).iter().map(|(_, count)| count).sum();
    let fetched: usize = fetches.iter().map(|(_, count)| count).sum();
    let asked: usize = forge.values().sum();
    assert!(asked - known - fetched <= 2 + count.div_ceil(20), "{what}");
    same(&what, &of_registry(&registry), &REGISTRY[..5]);

    let what = shown("warm");
    let (forge, registry) = fleet.pass().await;
    same(&what, &forge, &warm(on, count, 0));
    assert!(
        forge.values().sum::<usize>() <= bound(on, count, 0),
        "{what}"
    );
    same(&what, &of_registry(&registry), &REGISTRY[..5]);

    // A new tag: nothing is fetched again, and each repository is pushed to once.
    let what = shown("a new tag");
    fleet.world.push("base", "1.1.0").await;
    let (forge, registry) = fleet.pass().await;
    let mut expected = warm(on, count, 0);
    expected.extend(opened(on, count));
    same(&what, &forge, &expected);
    let mut registry = of_registry(&registry);
    at_most_four_gets(&what, &mut registry, 1);
    same(&what, &registry, &REGISTRY);
    assert_eq!(fleet.open().await, count);

    let what = shown("warm, with merge requests");
    let (forge, registry) = fleet.pass().await;
    same(&what, &forge, &warm(on, count, count));
    assert!(
        forge.values().sum::<usize>() <= bound(on, count, count),
        "{what}"
    );
    same(&what, &of_registry(&registry), &REGISTRY);

    if count > 100 {
        // Nothing else depends on the number of pages.
        return;
    }
    let what = shown("a moved digest");
    fleet.world.move_tag("tool", "3.1.0", "rebuilt").await;
    let (forge, registry) = fleet.pass().await;
    let mut expected = warm(on, count, count);
    expected.extend(opened(on, count));
    same(&what, &forge, &expected);
    let mut registry = of_registry(&registry);
    at_most_four_gets(&what, &mut registry, 1);
    same(&what, &registry, &REGISTRY);
    assert_eq!(fleet.open().await, 2 * count);
}

async fn forgotten(on: On, count: usize) {
    let fleet = Fleet::new(on, count).await;
    fleet.world.push("base", "1.1.0").await;
    fleet.world.move_tag("tool", "3.1.0", "rebuilt").await;
    fleet.pass().await;
    assert_eq!(fleet.open().await, 2 * count);
    fleet.world.forget();
    let (forge, _) = fleet.pass().await;
    // Two for the target's head, and two for all our branches: their commits, and what they changed.
    assert_eq!(forge["git GET git-upload-pack"], 4 * count, "{forge:#?}");
    assert_eq!(forge["git POST git-upload-pack"], 4 * count);
    assert_eq!(forge.get("git GET git-receive-pack"), None);
}

async fn apart(on: On, count: usize) {
    let mut fleet = Fleet::new(on, count).await;
    let other = fleet.world.push("other", "1.0.0").await;
    let tool = fleet.world.push("tool", "3.1.0").await;
    let text = fleet.dockerfile("other", &other, &tool);
    fleet.world.repo("team/other", &text);
    fleet.names.push("team/other".to_owned());
    fleet.grow("team/other", count - 1);
    fleet.pass().await;
    for (moved, stays) in [("base", "other"), ("other", "app")] {
        if moved == "base" {
            fleet.world.push("base", "1.1.0").await;
        } else {
            fleet.world.move_tag("other", "1.0.0", "rebuilt").await;
        }
        fleet.asked();
        fleet.world.pass().await;
        let asked = fleet.asked();
        let listing = [
            "graphql Start",
            "graphql Heads",
            "GET /user/repos",
            "GET /api/v4/projects",
            "GET /api/v4/merge_requests",
        ];
        let asked: Vec<_> = asked
            .iter()
            .filter(|a| !listing.contains(&a.what.as_str()))
            .collect();
        assert!(!asked.is_empty());
        let names = fleet.names.iter().filter(|name| name.contains(stays));
        let marks: Vec<String> = names.flat_map(|name| fleet.marks(name)).collect();
        for asked in asked {
            for mark in &marks {
                assert!(
                    !asked.whole.contains(mark.as_str()),
                    "{mark}: {}",
                    asked.whole
                );
            }
        }
    }
}

async fn ended(on: On, count: usize) {
    let fleet = Fleet::new(on, count).await;
    fleet.world.push("base", "1.1.0").await;
    fleet.pass().await;
    for name in &fleet.names[..2] {
        let mr = fleet.world.mr(name).await;
        fleet.world.close(name, mr.number).await;
    }
    let (forge, _) = fleet.pass().await;
    let mut expected = warm(on, count, 1);
    match on {
        // One more page of the merge requests that changed last.
        On::GitLab => expected[3].1 += 1,
        // A page of heads tells of what is open only: two requests for each repository.
        _ => expected.extend([
            ("GET /repos/team/*/git/matching-refs/heads/imagebot/", 2),
            ("graphql Requests", 2),
        ]),
    }
    same("two were closed", &forge, &expected);
    for name in &fleet.names[..2] {
        assert_eq!(fleet.world.open_mrs(name).await, []);
    }
    let (forge, _) = fleet.pass().await;
    same("afterwards", &forge, &warm(on, count, 1));
}

/// How many repositories were read.
#[derive(Default)]
struct Read(AtomicUsize);

impl Progress for Read {
    fn tick(&self, phase: &'static str, _: usize, _: usize) {
        if phase == "reading" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// With a filled store, a look at one repository asks for it and for what it depends on, and parses only these.
async fn scoped(on: On, count: usize) {
    let mut fleet = Fleet::new(on, count).await;
    let world = &fleet.world;
    world.configure_family("[limits]\nmax_open = 10000\nmax_new_per_hour = 10000\n");
    let base = world.push("acme/base", "1.0.0").await;
    let mid = world.push("acme/mid", "1.0.0").await;
    world.repo("team/base", "FROM scratch\n");
    let from = |name: &str, digest: &Digest| {
        format!(
            "FROM {}:1.0.0@{digest}\n",
            world.image(&format!("acme/{name}"))
        )
    };
    world.repo("team/mid", &from("base", &base));
    world.repo("team/leaf", &from("mid", &mid));
    world.repo("team/beside", &from("base", &base));
    world.pass().await;
    world.push("acme/mid", "1.1.0").await;
    fleet.asked();

    // A first look costs what a listing costs, whatever is asked for; from then on the store knows the family.
    let read = Arc::new(Read::default());
    let leaf = RepoGlobs::parse(&["team/leaf"]).expect("a name");
    let setup = Arc::new(fleet.world.set_up(None).await.expect("a set-up"));
    let options = Options {
        progress: Arc::clone(&read) as Arc<dyn Progress>,
        ..fleet.world.options(Some(leaf))
    };
    let report = pass(&setup, &options).await;
    assert_eq!(
        super::world::statuses(&report, "team/leaf"),
        ["open"],
        "{report:#?}"
    );
    assert_eq!(read.0.load(Ordering::Relaxed), 3);
    fleet.names.push("team/beside".to_owned());
    fleet.asks_about_no_other("run --repo");

    let setup = fleet.world.set_up(None).await.expect("a set-up");
    let publishers = publishers(&setup, Some("team/mid")).await;
    assert_eq!(
        publishers
            .of_repo(&RepoName::parse("team/mid").expect("a name"))
            .map(|all| all.len()),
        Some(1)
    );
    fleet.asks_about_no_other("freshness");

    let setup = Arc::new(fleet.world.set_up(None).await.expect("a set-up"));
    let options = Options {
        dry_run: true,
        ..fleet.world.options(related(&setup, "repo:team/leaf"))
    };
    assert!(options.only.is_some());
    let family_graph = family_graph(&setup, &options, false).await;
    let nodes: Vec<_> = family_graph
        .nodes
        .iter()
        .filter_map(|node| node.repo.as_deref())
        .collect();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    fleet.asks_about_no_other("graph");
}

impl Fleet {
    /// Checks that since the last look at the log nothing was asked about these repositories, and no list was asked for.
    #[track_caller]
    fn asks_about_no_other(&self, what: &str) {
        let asked = self.asked();
        assert!(!asked.is_empty(), "{what}");
        let lists = [
            "GET /user/repos",
            "GET /api/v4/projects",
            "GET /api/v4/merge_requests",
        ];
        let marks: Vec<String> = self
            .names
            .iter()
            .flat_map(|name| self.marks(name))
            .collect();
        for asked in asked {
            assert!(
                !lists.contains(&asked.what.as_str()),
                "{what}: {}",
                asked.whole
            );
            for mark in &marks {
                assert!(
                    !asked.whole.contains(mark.as_str()),
                    "{what}: {mark}: {}",
                    asked.whole
                );
            }
        }
    }
}
