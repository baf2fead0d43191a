//! The listing of a pass: what is found, what is left out, what it costs, and what is unknown rather than gone.

use super::{SOURCE, World, failed, left_out, names, settings};
use crate::fake_gitlab::{Counts, FakeGitLab, Fault, NewToken, ProjectOptions};
use imagebot::forge::{Forge, ForgeError, GitLab, KnownIds};
use imagebot::repo::RepoName;
use std::collections::BTreeSet;

fn known(all: &[(&str, u64)]) -> KnownIds {
    let all = all.iter();
    all.map(|(name, id)| (RepoName::parse(name).unwrap(), id.to_string()))
        .collect()
}

/// `n` projects of the group `fleet`, of which the first `m` have an open merge request of ours.
async fn fleet(n: usize, m: usize) -> World {
    let world = World::of(&["fleet/**"], |_| {}).await;
    world.projects(&["seed/template"]);
    world.fake.seed("seed/template", "fleet/app", n);
    for number in 0..m {
        let path = format!("fleet/app-{number}");
        world.fake.open(&path, SOURCE, 1, None);
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_pass_costs_a_handful_of_requests() {
    for (n, m) in [(1, 0), (100, 100), (101, 1), (250, 101)] {
        let world = fleet(n, m).await;
        let listing = world.listing().await;
        assert_eq!(listing.repositories.len(), n);
        assert!(listing.failed.is_empty(), "{:?}", failed(&listing));
        let open = |repo: &imagebot::forge::Repository| repo.open.as_ref().unwrap().len();
        assert_eq!(listing.repositories.iter().map(open).sum::<usize>(), m);
        let (pages, open_pages) = (n.div_ceil(100), m.div_ceil(100).max(1));
        let expect = Counts {
            rest: pages + open_pages,
            graphql: 1 + pages,
            git: 0,
        };
        assert_eq!(world.fake.counts(), expect, "{n} projects, {m} open");
        let budget = 3 + 1 + 2 * pages + m.div_ceil(100);
        assert!(expect.rest + expect.graphql <= budget);
        assert!(world.fake.writes().is_empty());
    }
}

#[tokio::test]
async fn what_is_left_out_is_told() {
    let world = World::of(&["team/**", "!team/legacy"], |settings| {
        settings.server.topics = vec!["docker".to_owned()];
        settings.server.deeper = vec!["team/secret/".to_owned()];
    })
    .await;
    let docker = || ProjectOptions {
        topics: vec!["docker".to_owned()],
        ..ProjectOptions::default()
    };
    let cases = [
        ("team/app", docker()),
        ("team/deep/er/app", docker()),
        ("team/legacy", docker()),
        ("team/other-topic", ProjectOptions::default()),
        ("team/secret/app", docker()),
        (
            "team/archived",
            ProjectOptions {
                archived: true,
                ..docker()
            },
        ),
        (
            "team/fork",
            ProjectOptions {
                fork_of: Some(1),
                ..docker()
            },
        ),
        (
            "team/mirror",
            ProjectOptions {
                mirror: true,
                ..docker()
            },
        ),
        (
            "team/doomed",
            ProjectOptions {
                pending_deletion: true,
                ..docker()
            },
        ),
        ("elsewhere/app", docker()),
    ];
    for (path, options) in cases {
        world.fake.project(path, options);
        world
            .fake
            .commit(path, "main", &[("Dockerfile", "FROM a:1\n")]);
    }
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["team/app", "team/deep/er/app"]);
    assert_eq!(
        listing.repositories[0].why,
        "repos = \"team/**\", topics = \"docker\""
    );
    assert_eq!(
        left_out(&listing),
        [
            ("team/archived", "archived"),
            ("team/doomed", "pending-deletion"),
            ("team/fork", "fork"),
            ("team/legacy", "excluded"),
            ("team/mirror", "mirror"),
            ("team/other-topic", "topic"),
            ("team/secret/app", "other-token"),
        ]
    );
    let all = world.client(&["team/**"], |settings| {
        settings.server.include_archived = true;
        settings.server.include_forks = true;
        settings.server.include_mirrors = true;
    });
    let listing = all.discover(&KnownIds::new()).await.unwrap();
    assert_eq!(left_out(&listing), [("team/doomed", "pending-deletion")]);
    assert_eq!(listing.repositories.len(), 8);
}

#[tokio::test]
async fn two_tokens_serve_what_must_not_see_each_other() {
    let fake = FakeGitLab::start().await;
    let clients = ["apps", "platform"].map(|group| {
        let user = fake.user(&format!("{group}-bot"), &[(group, 30)]);
        let new = NewToken {
            user,
            ..NewToken::default()
        };
        let token = fake.token(new);
        let mut settings = settings(&fake, &token, &["**"]);
        settings.server.prefix = format!("{group}/");
        GitLab::new(settings).unwrap()
    });
    for path in ["apps/web", "platform/base"] {
        fake.project(path, ProjectOptions::default());
        fake.commit(path, "main", &[("Dockerfile", "FROM a:1\n")]);
    }
    let mut logins = BTreeSet::new();
    for (client, name) in clients.iter().zip(["apps/web", "platform/base"]) {
        let listing = client.discover(&KnownIds::new()).await.unwrap();
        assert_eq!(names(&listing), [name]);
        let registry = listing.repositories[0].registry.clone().unwrap();
        assert_eq!(registry.host.as_str(), "registry.example.org");
        assert_eq!(registry.realm.unwrap().to_string(), fake.url());
        let login = registry.login.unwrap().id;
        assert!(!login.contains("glpat"));
        logins.insert(login);
    }
    assert_eq!(logins.len(), 2);
}

#[tokio::test]
async fn a_named_repository_of_another_token_is_not_asked_for() {
    let world = World::of(&["apps/secret/x", "apps/web"], |settings| {
        settings.server.deeper = vec!["apps/secret/".to_owned()];
    })
    .await;
    world.projects(&["apps/secret/x", "apps/web"]);
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["apps/web"]);
    assert_eq!(left_out(&listing), [("apps/secret/x", "other-token")]);
    let asked = world.fake.requests();
    assert!(
        !asked
            .iter()
            .any(|r| r.body.contains("secret") || r.target.contains("secret"))
    );
}

#[tokio::test]
async fn named_repositories_cost_pages_not_requests_each() {
    let globs: Vec<String> = (0..60).map(|n| format!("fleet/app-{n}")).collect();
    let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
    let world = World::of(&globs, |_| {}).await;
    world.projects(&["seed/template"]);
    world.fake.seed("seed/template", "fleet/app", 60);
    let listing = world.listing().await;
    assert_eq!(listing.repositories.len(), 60);
    let registry = |repo: &imagebot::forge::Repository| repo.registry.is_some();
    assert!(listing.repositories.iter().all(registry));
    // The start, two pages of paths, one of heads; the open ones, and one project for the registry's host.
    let expect = Counts {
        rest: 2,
        graphql: 4,
        git: 0,
    };
    assert_eq!(world.fake.counts(), expect);
}

#[tokio::test]
async fn t19_a_renamed_project_is_followed_by_its_id() {
    let world = World::of(&["team/app"], |_| {}).await;
    world.projects(&["team/app"]);
    let id = world.fake.id("team/app");
    world.fake.move_project("team/app", "new/home");
    // Nobody remembers: GitLab leads on, and its id is taken, not its host.
    for known in [KnownIds::new(), known(&[("team/app", id)])] {
        let listing = world.forge.discover(&known).await.unwrap();
        assert_eq!(names(&listing), ["new/home"], "{:?}", failed(&listing));
        let repo = &listing.repositories[0];
        assert_eq!(repo.id, id.to_string());
        assert_eq!(
            repo.remote.url(),
            format!("{}/new/home.git", world.fake.url())
        );
        assert_eq!(repo.why, "repos = \"team/app\"");
    }
    // An attacker takes the old path: what was registered is still followed, and the other never touched.
    world.projects(&["team/app"]);
    let listing = world
        .forge
        .discover(&known(&[("team/app", id)]))
        .await
        .unwrap();
    assert_eq!(names(&listing), ["new/home"]);
    // The same beside a glob that lists the attacker's.
    let wide = world.client(&["team/*", "team/app"], |_| {});
    let listing = wide.discover(&known(&[("team/app", id)])).await.unwrap();
    assert_eq!(names(&listing), ["new/home"]);
    // Once it is gone it is gone: nothing else is taken for it.
    world.fake.delete_project("new/home");
    let listing = world
        .forge
        .discover(&known(&[("team/app", id)]))
        .await
        .unwrap();
    assert_eq!(names(&listing), Vec::<&str>::new());
    assert_eq!(failed(&listing), [("team/app", "forge-not-found")]);
    assert!(world.fake.writes().is_empty());
}

#[tokio::test]
async fn t20_forks_are_left_out_and_their_merge_requests_are_not_ours() {
    let world = World::of(&["team/**"], |_| {}).await;
    let repo = world.prepared().await;
    let fork = ProjectOptions {
        fork_of: Some(world.fake.id("team/app")),
        ..ProjectOptions::default()
    };
    let fork = world.fake.project("team/fork", fork);
    world.fake.open("team/app", SOURCE, 1, Some(fork));
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["team/app"]);
    assert_eq!(left_out(&listing), [("team/fork", "fork")]);
    assert_eq!(listing.repositories[0].open.as_deref(), Some(&[][..]));
    let branches = [crate::conformance::branch(SOURCE)].into();
    assert!(
        world
            .forge
            .merge_requests(&repo, &branches)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn one_null_repository_is_unknown_and_the_others_are_not() {
    for times in [1, 0] {
        let world = World::of(&["team/**"], |_| {}).await;
        world.projects(&["team/a", "team/b", "team/c"]);
        let id = world.fake.id("team/b");
        let fault = world.fake.fail("", "", times, Fault::NullRepository(id));
        let listing = world.listing().await;
        assert_eq!(world.fake.happened(fault), times);
        assert_eq!(
            world.fake.counts(),
            Counts {
                rest: 2,
                graphql: 2,
                git: 0
            }
        );
        match times {
            1 => {
                assert_eq!(names(&listing), ["team/a", "team/c"]);
                assert_eq!(failed(&listing), [("team/b", "forge-unreachable")]);
                let text = listing.failed[0].1.to_string();
                assert!(
                    text.contains("failed to connect to all addresses"),
                    "{text}"
                );
            }
            _ => assert_eq!(names(&listing), ["team/a", "team/b", "team/c"]),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_fails_is_halved_down_to_one() {
    for on in [true, false] {
        let world = fleet(130, 0).await;
        let id = world.fake.id("fleet/app-42");
        let times = if on { usize::MAX } else { 0 };
        let fault = world.fake.fail("", "", times, Fault::FailPageWith(id));
        let listing = world.listing().await;
        let unknown: &[(&str, &str)] = match on {
            true => &[("fleet/app-42", "forge-unreachable")],
            false => &[],
        };
        assert_eq!(failed(&listing), unknown);
        assert_eq!(listing.repositories.len(), 130 - unknown.len());
        // 100, 50, 25, 12 or 13, 6 or 7, 3, 1 or 2, 1: each level once more for the half that is well.
        let asked = world.fake.counts().graphql;
        assert!(asked <= if on { 18 } else { 3 }, "{asked}");
        assert_eq!(world.fake.happened(fault) > 0, on);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_allows_less_gets_smaller_pages() {
    let world = fleet(230, 0).await;
    let listing = world.listing().await;
    assert_eq!(listing.repositories.len(), 230);
    let usual = world.fake.counts().graphql;
    world.fake.clear_log();
    // The document costs 49 with 100 repositories, and less with fewer.
    world.fake.set_complexity_limit(40);
    let listing = world.listing().await;
    assert_eq!(listing.repositories.len(), 230, "{:?}", failed(&listing));
    let asked = world.fake.counts().graphql;
    assert!(asked > usual && asked <= 10, "{asked}");
}

#[tokio::test]
async fn without_graphql_each_repository_is_asked_for() {
    let world = World::of(&["team/**", "one/more"], |_| {}).await;
    world.projects(&["team/a", "team/b", "one/more"]);
    world.fake.project("team/empty", ProjectOptions::default());
    world.fake.set_version("16.0.0", false);
    let listing = world.listing().await;
    assert_eq!(
        names(&listing),
        ["one/more", "team/a", "team/b", "team/empty"]
    );
    let head = listing.repositories[1].head.clone().unwrap();
    assert_eq!(head.1.as_str(), world.fake.head("team/a", "main").unwrap());
    assert_eq!(listing.repositories[3].head, None);
}

#[tokio::test]
async fn an_old_gitlab_is_told_at_once() {
    let world = World::new().await;
    world.fake.set_version("15.5.3", true);
    let error = world.forge.discover(&KnownIds::new()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused(_)), "{error}");
    assert!(error.to_string().contains("15.6"), "{error}");
    assert_eq!(world.fake.requests().len(), 1);
}

#[tokio::test]
async fn f30_a_sign_in_page_is_no_forge() {
    for times in [usize::MAX, 0] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        let fault = world.fake.fail("", "", times, Fault::html());
        let found = world.forge.discover(&KnownIds::new()).await;
        assert_eq!(world.fake.happened(fault) > 0, times > 0);
        match found {
            Ok(listing) => assert_eq!(names(&listing), ["team/app"]),
            Err(error) => assert!(matches!(error, ForgeError::NotAForge(_)), "{error}"),
        }
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_stops_no_other() {
    let world = World::of(&["gone/**", "team/**"], |_| {}).await;
    world.projects(&["team/app"]);
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["team/app"]);
    assert_eq!(failed(&listing), [("gone/**", "forge-not-found")]);
}

#[tokio::test]
async fn a_hostile_branch_name_is_that_repositorys_failure() {
    let world = World::of(&["team/**"], |_| {}).await;
    world.projects(&["team/app", "team/bad"]);
    let folder = world.fake.repository("team/bad").join("refs/heads");
    std::fs::rename(folder.join("main"), folder.join("--upload-pack=x")).unwrap();
    world.fake.set_default_branch("team/bad", "--upload-pack=x");
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["team/app"]);
    assert_eq!(failed(&listing), [("team/bad", "forge-refused")]);
}

/// A server error on one listing, or on one page of another's, is that listing's.
#[tokio::test]
async fn a_listing_that_fails_stops_no_other() {
    for times in [3, 0] {
        let world = World::of(&["a/**", "b/**"], |_| {}).await;
        world.projects(&["a/app", "b/app"]);
        let fault = world
            .fake
            .fail("GET", "/groups/a/projects", times, Fault::status(500));
        let listing = world.listing().await;
        assert_eq!(world.fake.happened(fault), times);
        match times {
            0 => assert_eq!(names(&listing), ["a/app", "b/app"]),
            _ => {
                assert_eq!(names(&listing), ["b/app"]);
                assert_eq!(failed(&listing), [("a/**", "forge-server-error")]);
            }
        }
    }
}

/// The address of an instance without its relative root.
#[tokio::test]
async fn a_page_instead_of_an_api_is_no_forge() {
    let world = World::new().await;
    let headers = vec![("content-type", "text/html".to_owned())];
    let page = Fault::Answer(404, headers, "<html>not found</html>".to_owned());
    world.fake.fail("", "", usize::MAX, page);
    let error = world.forge.discover(&KnownIds::new()).await.unwrap_err();
    assert!(matches!(error, ForgeError::NotAForge(_)), "{error}");
}

/// Another service, or a GitLab below another path.
#[tokio::test]
async fn a_server_without_the_api_is_not_a_gitlab() {
    let world = World::new().await;
    let headers = vec![("content-type", "application/json".to_owned())];
    let answer = Fault::Answer(404, headers, r#"{"error": "404 Not Found"}"#.to_owned());
    world.fake.fail("", "", usize::MAX, answer);
    let error = world.forge.discover(&KnownIds::new()).await.unwrap_err();
    assert!(matches!(error, ForgeError::NotAForge(_)), "{error}");
    let host = world.fake.url().replace("http://", "");
    assert_eq!(
        error.to_string(),
        format!("{host} answers, but not as a GitLab (404 for /api/graphql)")
    );
    assert!(error.help().unwrap().contains("check the forge's `url`"));
    assert_eq!(world.fake.requests().len(), 2);
}

/// The pages of a long list come a few at once, and none is lost or read twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_are_listed() {
    let world = fleet(2300, 0).await;
    let listing = world.listing().await;
    assert_eq!(listing.repositories.len(), 2300);
    let ids: BTreeSet<&str> = listing.repositories.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids.len(), 2300);
    let expect = Counts {
        rest: 23 + 1,
        graphql: 1 + 23,
        git: 0,
    };
    assert_eq!(world.fake.counts(), expect);
}

/// Seeded projects share a repository until one is changed.
#[tokio::test]
async fn a_seeded_project_goes_its_own_way() {
    let world = fleet(3, 0).await;
    let before = world.fake.head("fleet/app-0", "main").unwrap();
    let files = [("Dockerfile", "FROM node:9\n")];
    let own = world.fake.commit("fleet/app-0", "main", &files);
    world.fake.commit("fleet/app-1", SOURCE, &files);
    let heads: Vec<String> = world
        .listing()
        .await
        .repositories
        .iter()
        .map(|repo| repo.head.clone().unwrap().1.to_string())
        .collect();
    assert_eq!(heads, [own, before.clone(), before]);
    assert_eq!(world.fake.head("fleet/app-2", SOURCE), None);
    let file = world.fake.file("fleet/app-0", "main", "Dockerfile");
    assert_eq!(file.as_deref(), Some("FROM node:9"));
}
