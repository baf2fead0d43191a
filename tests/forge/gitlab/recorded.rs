//! Documents against the schema, and answers as the vendor's documentation shows them.

use super::{SOURCE, World, names};
use crate::conformance::branch;
use crate::fake_gitlab::{Fault, cost, schema};
use apollo_compiler::ExecutableDocument;
use imagebot::forge::Forge;
use imagebot::repo::{CiStatus, CommitId, MergeRequestState};
use serde_json::json;

/// Every document in the source fits GitLab's schema and costs less than a user may spend, which is 250.
#[test]
fn documents_fit_the_schema_and_its_limits() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/forge/gitlab");
    let mut costs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "graphql")
        {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let document = ExecutableDocument::parse_and_validate(schema(), &text, &path);
        let document = document.unwrap_or_else(|error| panic!("{}", error.errors));
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // Names of branches are dear: of them fewer are asked for at once.
        let first = if name == "left" { 20 } else { 100 };
        costs.push((name, cost(&document, &json!({"first": first}))));
    }
    costs.sort();
    let costs: Vec<(&str, u64)> = costs.iter().map(|(n, c)| (n.as_str(), *c)).collect();
    assert_eq!(
        costs,
        [
            ("heads", 53),
            ("left", 208),
            ("merge", 16),
            ("paths", 8),
            ("requests", 54),
            ("start", 8)
        ]
    );
    // Source branches of the source are in no document: nothing of it is hidden in the Rust code.
    let code = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for path in code.filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("query {") && !text.contains("mutation"),
            "{}",
            path.display()
        );
    }
}

/// What the fake refuses, as GitLab does: unknown fields, costly documents.
#[tokio::test]
async fn the_fake_refuses_what_gitlab_refuses() {
    let world = World::new().await;
    let client = reqwest::Client::new();
    let ask = |query: &'static str| {
        let url = format!("{}/api/graphql", world.fake.url());
        let request = client.post(url).bearer_auth(&world.token);
        let request = request.json(&json!({"query": query}));
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    imagebot::http::install_crypto();
    for (query, words) in [
        ("{ currentUser { email } }", "email"),
        ("{ nothing }", "nothing"),
        ("{ projects(idz: 1) { nodes { id } } }", "idz"),
        (
            "{ projects(first: 100) { nodes { repository { branchNames(searchPattern: \"imagebot/*\", offset: 0, limit: 9) } } } }",
            "which exceeds max complexity of 250",
        ),
    ] {
        let said = ask(query).await;
        assert!(
            said.contains("errors") && said.contains(words),
            "{query}: {said}"
        );
    }
    let said = ask("{ queryComplexity { score limit } }").await;
    assert!(
        said.contains("\"score\":3") && said.contains("\"limit\":250"),
        "{said}"
    );
}

fn payload(name: &str) -> Fault {
    let path = format!("{}/fixtures/gitlab/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {path}"));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    // The first key names the page of the documentation.
    assert!(
        value["source"]
            .as_str()
            .is_some_and(|s| s.starts_with("GitLab docs"))
    );
    let headers = vec![("content-type", "application/json".to_owned())];
    Fault::Answer(200, headers, value["answer"].to_string())
}

#[tokio::test]
async fn listings_are_read_as_documented() {
    let world = World::of(&["diaspora/**"], |_| {}).await;
    world.projects(&["diaspora/x"]);
    world.fake.fail(
        "GET",
        "/groups/diaspora/projects",
        1,
        payload("group-projects"),
    );
    world.fake.fail("POST", "query Heads", 1, payload("heads"));
    world
        .fake
        .fail("GET", "/merge_requests", 1, payload("merge-requests"));
    let listing = world.listing().await;
    assert_eq!(
        names(&listing),
        ["diaspora/diaspora-client"],
        "{:?}",
        listing.failed
    );
    let repo = &listing.repositories[0];
    let registry = repo.registry.clone().unwrap();
    assert_eq!(registry.host.as_str(), "registry.example.com");
    let (name, head) = repo.head.clone().unwrap();
    assert_eq!(
        (name, head.as_str()),
        (branch("main"), "2695effb5807a22ff3d138d593fd856244e155e7")
    );
    let open = repo.open.clone().unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].title, "test1");
    assert_eq!((open[0].number, open[0].draft), (1, true));
    assert_eq!(open[0].created.unwrap().to_string(), "2017-04-29T08:46:00Z");
}

#[tokio::test]
async fn merge_requests_and_pipelines_are_read_as_documented() {
    let world = World::new().await;
    let repo = world.prepared().await;
    world
        .fake
        .fail("POST", "query Requests", 1, payload("requests"));
    let sources = [branch(SOURCE)].into();
    let all = world.forge.merge_requests(&repo, &sources).await.unwrap();
    let seen: Vec<_> = all
        .iter()
        .map(|mr| (mr.number, mr.state, mr.draft, mr.auto_merge))
        .collect();
    assert_eq!(
        seen,
        [
            (1, MergeRequestState::Merged, false, false),
            (4, MergeRequestState::Closed, false, false),
            (7, MergeRequestState::Open, true, true),
        ]
    );
    assert_eq!(
        all[0].merged_as.as_ref().unwrap().as_str(),
        "9999999999999999999999999999999999999999"
    );
    assert_eq!(all[2].title, "Update node");
    assert_eq!(all[2].labels, ["imagebot", "a, b"]);
    let head = CommitId::parse(&"a".repeat(40)).unwrap();
    for (name, expect) in [
        ("pipelines", CiStatus::Running),
        ("pipelines-none", CiStatus::None),
    ] {
        world.fake.fail("GET", "/pipelines", 1, payload(name));
        assert_eq!(world.forge.commit_ci(&repo, &head).await.unwrap(), expect);
    }
}
