//! The decoders on what GitHub publishes as examples (`fixtures/github`).

use super::item::Item;
use super::pull::{Node, Pull};
use crate::repo::MergeRequestState;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/fixtures/github/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("an example");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn repositories_of_every_list_are_read() {
    for name in [
        "minimal-repository",
        "repository",
        "installation-repository",
        "full-repository",
    ] {
        let item: Item = read(name);
        assert_eq!(
            (item.id, item.full_name.as_str()),
            (1_296_269, "octocat/Hello-World"),
            "{name}"
        );
        assert_eq!(item.node_id, "MDEwOlJlcG9zaXRvcnkxMjk2MjY5");
    }
    // What an old server may leave away.
    let item = json!({"id": 1, "node_id": "R_1", "full_name": "a/b"});
    assert!(serde_json::from_value::<Item>(item).is_ok());
}

#[test]
fn pull_requests_are_read_with_and_without_everything() {
    for name in ["pull-request", "pull-request-simple"] {
        let pull: Pull = read(name);
        let mr = pull.merge_request().expect("one of its own repository");
        assert_eq!(
            (mr.number, mr.source.as_str(), mr.target.as_str()),
            (1347, "new-topic", "master")
        );
        assert_eq!(mr.labels, ["bug"]);
        assert_eq!(
            mr.state,
            MergeRequestState::Merged,
            "it has a time of its merge"
        );
        assert!(mr.merged_as.is_some() && mr.head.is_some() && mr.created.is_some());
    }
    let mut pull: Value = read("pull-request");
    pull["merged_at"] = Value::Null;
    let open: Pull = serde_json::from_value(pull.clone()).expect("a pull request");
    let open = open.merge_request().expect("an open one");
    assert_eq!(
        (open.state, open.merged_as),
        (MergeRequestState::Open, None)
    );
    // The fork is gone.
    pull["head"]["repo"] = Value::Null;
    let orphan: Pull = serde_json::from_value(pull).expect("a pull request");
    assert!(orphan.merge_request().is_none());
}

#[test]
fn a_node_with_names_that_git_does_not_allow_is_none() {
    let node = |source: &str| {
        let node = json!({"number": 1, "state": "OPEN", "title": "t", "baseRefName": "main", "headRefName": source});
        serde_json::from_value::<Node>(node)
            .expect("a node")
            .merge_request()
    };
    assert!(node("imagebot/a").is_some());
    for bad in ["--upload-pack=x", "a..b", "a\nb", ""] {
        assert!(node(bad).is_none(), "{bad:?}");
    }
}
