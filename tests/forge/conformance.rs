//! What every forge must do, told in what people do on it and what imagebot sees.

use imagebot::forge::{Forge, ForgeError, KnownIds, Listing, Merging, Repository};
use imagebot::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, MergeRequestMetadata,
    MergeRequestState, NewMergeRequest,
};

/// A forge under test, and what people do on it.
#[async_trait::async_trait]
pub(crate) trait Server: Sync {
    /// The forge as imagebot sees it.
    fn forge(&self) -> &dyn Forge;
    /// Commits a file to a branch, made where it is missing; `main` is the default branch.
    fn commit(&self, repo: &str, branch: &str, path: &str, text: &str) -> CommitId;
    /// Makes a branch at the head of `main`.
    fn branch(&self, repo: &str, branch: &str);
    /// Deletes a branch.
    fn delete_branch(&self, repo: &str, branch: &str);
    /// A branch's head.
    fn head(&self, repo: &str, branch: &str) -> Option<CommitId>;
    /// A person merges.
    async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError>;
    /// What stands below a merge request.
    async fn comments(&self, repo: &Repository, number: u64) -> String;
    /// CI says this of a commit.
    async fn ci(&self, repo: &Repository, commit: &CommitId, state: CiStatus);
    /// The texts of the open notices on a repository.
    async fn notices(&self, repo: &Repository) -> Vec<String>;
}

/// Makes each test of the suite one of a forge's; `$make` makes its server.
macro_rules! conformance {
    ($make:expr) => {
        conformance!($make;
            lists_the_default_branch_and_our_branches,
            an_empty_repository_has_no_head,
            what_was_created_is_listed,
            f5_creating_twice_gives_the_open_one,
            a_closed_one_stays_and_another_can_be_opened,
            f7_two_at_once_open_one,
            editing_changes_what_was_given,
            comments_are_added,
            numbers_go_up,
            a_merge_is_seen,
            a_conflict_is_not_merged,
            what_is_closed_or_merged_does_not_change,
            a_closed_one_is_reopened,
            what_is_not_there_is_told,
            only_our_branches_are_listed,
            texts_of_every_kind_come_back,
            ci_is_told_of_a_commit,
            a_merge_is_bound_to_its_head,
            a_notice_is_there_once_and_goes
        );
    };
    ($make:expr; $($name:ident),+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::conformance::$name(&$make.await).await;
        })+
    };
}

const REPO: &str = "team/app";
const SOURCE: &str = "imagebot/node-1a2b3c4d";

pub(crate) fn branch(name: &str) -> Branch {
    Branch::parse(name).unwrap()
}

pub(crate) fn request(source: &str, title: &str) -> NewMergeRequest {
    NewMergeRequest {
        source: branch(source),
        target: branch("main"),
        title: title.to_owned(),
        description: format!("{title}: the text"),
        metadata: MergeRequestMetadata {
            labels: vec!["imagebot".to_owned(), "dependencies".to_owned()],
            remove_source_branch: true,
            ..MergeRequestMetadata::default()
        },
    }
}

/// The names of those that are worked on.
pub(crate) fn names(listing: &Listing) -> Vec<&str> {
    let all = listing.repositories.iter();
    all.map(|repo| repo.name.as_str()).collect()
}

/// Those that could not be read, with the error's code.
pub(crate) fn failed(listing: &Listing) -> Vec<(&str, &'static str)> {
    let all = listing.failed.iter();
    all.map(|(name, error)| (name.as_str(), error.code()))
        .collect()
}

/// Those that are not worked on, with the reason's code.
pub(crate) fn left_out(listing: &Listing) -> Vec<(&str, &'static str)> {
    let all = listing.left_out.iter();
    all.map(|left| (left.name.as_str(), left.why)).collect()
}

/// The repository as the forge lists it now.
pub(crate) async fn listed(forge: &dyn Forge, name: &str) -> Repository {
    let listing = forge.discover(&KnownIds::new()).await.unwrap();
    let mut repositories = listing.repositories.into_iter();
    repositories
        .find(|repo| repo.name.as_str() == name)
        .unwrap_or_else(|| panic!("{name} is not listed; failed: {:?}", listing.failed))
}

/// A repository with `main` and a branch of ours that has one commit.
async fn prepared(server: &impl Server) -> Repository {
    server.commit(REPO, "main", "Dockerfile", "FROM node:1\n");
    server.branch(REPO, SOURCE);
    server.commit(REPO, SOURCE, "Dockerfile", "FROM node:2\n");
    listed(server.forge(), REPO).await
}

/// The same with an open merge request of ours.
async fn opened(server: &impl Server) -> (Repository, MergeRequest) {
    let repo = prepared(server).await;
    let created = server.forge().create(&repo, &request(SOURCE, "one")).await;
    (repo, created.unwrap())
}

async fn only(server: &impl Server, repo: &Repository) -> MergeRequest {
    let mut all = mrs(server, repo, &[SOURCE]).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The merge requests from these branches.
pub(crate) async fn mrs(
    server: &impl Server,
    repo: &Repository,
    sources: &[&str],
) -> Vec<MergeRequest> {
    let branches = sources.iter().map(|name| branch(name)).collect();
    let found = server.forge().merge_requests(repo, &branches).await;
    found.unwrap()
}

pub(crate) async fn lists_the_default_branch_and_our_branches(server: &impl Server) {
    let repo = prepared(server).await;
    server.branch(REPO, "feature/x");
    let head = server.head(REPO, "main").unwrap();
    assert_eq!(repo.head, Some((branch("main"), head)));
    let again = listed(server.forge(), REPO).await;
    let tip = server.head(REPO, SOURCE).unwrap();
    let ours = [(branch(SOURCE), tip)].into();
    assert_eq!(server.forge().branches(&again).await.unwrap(), ours);
    assert!(again.branches.is_none_or(|listed| listed == ours));
    let moved = server.commit(REPO, "main", "x", "x\n");
    assert_eq!(
        listed(server.forge(), REPO).await.head,
        Some((branch("main"), moved))
    );
    assert_eq!(again.id, repo.id);
}

pub(crate) async fn an_empty_repository_has_no_head(server: &impl Server) {
    server.commit(REPO, "main", "x", "x\n");
    server.delete_branch(REPO, "main");
    let repo = listed(server.forge(), REPO).await;
    assert_eq!(repo.head, None);
    assert!(server.forge().branches(&repo).await.unwrap().is_empty());
    assert!(mrs(server, &repo, &[SOURCE]).await.is_empty());
}

pub(crate) async fn what_was_created_is_listed(server: &impl Server) {
    let repo = prepared(server).await;
    assert!(mrs(server, &repo, &[SOURCE]).await.is_empty());
    let new = request(SOURCE, "Update node to 2");
    let created = server.forge().create(&repo, &new).await.unwrap();
    let seen = only(server, &repo).await;
    assert_eq!(seen.number, created.number);
    assert_eq!(seen.state, MergeRequestState::Open);
    assert_eq!((&seen.source, &seen.target), (&new.source, &new.target));
    assert_eq!(
        (&seen.title, &seen.description),
        (&new.title, &new.description)
    );
    let labels = |mut labels: Vec<String>| {
        labels.sort();
        labels
    };
    assert_eq!(labels(seen.labels.clone()), labels(new.metadata.labels));
    assert_eq!(
        (seen.merged_as.as_ref(), seen.draft, seen.auto_merge),
        (None, false, false)
    );
    let open = listed(server.forge(), REPO).await.open;
    assert!(open.is_none_or(|open| open == [seen]));
}

pub(crate) async fn f5_creating_twice_gives_the_open_one(server: &impl Server) {
    let repo = prepared(server).await;
    let first = server
        .forge()
        .create(&repo, &request(SOURCE, "one"))
        .await
        .unwrap();
    let second = server
        .forge()
        .create(&repo, &request(SOURCE, "two"))
        .await
        .unwrap();
    assert_eq!(first.number, second.number);
    assert_eq!(only(server, &repo).await.title, "one");
}

pub(crate) async fn a_closed_one_stays_and_another_can_be_opened(server: &impl Server) {
    let repo = prepared(server).await;
    let first = server
        .forge()
        .create(&repo, &request(SOURCE, "one"))
        .await
        .unwrap();
    server.forge().close(&repo, first.number).await.unwrap();
    assert_eq!(only(server, &repo).await.state, MergeRequestState::Closed);
    let second = server
        .forge()
        .create(&repo, &request(SOURCE, "two"))
        .await
        .unwrap();
    assert!(second.number > first.number);
    let all = mrs(server, &repo, &[SOURCE]).await;
    let states: Vec<_> = all.iter().map(|mr| (mr.number, mr.state)).collect();
    assert_eq!(
        states,
        [
            (first.number, MergeRequestState::Closed),
            (second.number, MergeRequestState::Open)
        ]
    );
}

pub(crate) async fn f7_two_at_once_open_one(server: &impl Server) {
    let repo = prepared(server).await;
    let new = request(SOURCE, "one");
    let creators = (0..4).map(|_| server.forge().create(&repo, &new));
    let created = futures::future::join_all(creators).await;
    let number = only(server, &repo).await.number;
    for created in created {
        assert_eq!(created.unwrap().number, number);
    }
    // Comments of several at once are all kept.
    let texts = ["a1", "b2", "c3", "d4"];
    let all = texts.map(|text| server.forge().comment(&repo, number, text, text));
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    let comments = server.comments(&repo, number).await;
    assert!(
        texts.iter().all(|text| comments.contains(text)),
        "{comments}"
    );
}

pub(crate) async fn editing_changes_what_was_given(server: &impl Server) {
    let (repo, created) = opened(server).await;
    let title = MergeRequestEdit {
        title: Some("two".to_owned()),
        ..MergeRequestEdit::default()
    };
    server
        .forge()
        .edit(&repo, created.number, &title)
        .await
        .unwrap();
    let seen = only(server, &repo).await;
    assert_eq!(
        (seen.title.as_str(), seen.description.as_str()),
        ("two", "one: the text")
    );
    let text = MergeRequestEdit {
        description: Some("other".to_owned()),
        add_labels: vec!["more".to_owned()],
        ..MergeRequestEdit::default()
    };
    server
        .forge()
        .edit(&repo, created.number, &text)
        .await
        .unwrap();
    let seen = only(server, &repo).await;
    assert_eq!(
        (seen.title.as_str(), seen.description.as_str()),
        ("two", "other")
    );
    assert_eq!(seen.labels.len(), 3);
}

pub(crate) async fn comments_are_added(server: &impl Server) {
    let (repo, created) = opened(server).await;
    let number = created.number;
    for (code, text) in [
        ("a", "first of all"),
        ("b", "then *this*"),
        ("a", "said already, whatever it says now"),
    ] {
        let said = server.forge().comment(&repo, number, code, text).await;
        said.unwrap();
    }
    let comments = server.comments(&repo, number).await;
    let at = |text: &str| {
        comments
            .find(text)
            .unwrap_or_else(|| panic!("{text} in {comments}"))
    };
    assert!(at("first of all") < at("then *this*"));
    assert!(!comments.contains("said already"));
    assert_eq!(only(server, &repo).await.description, "one: the text");
}

pub(crate) async fn numbers_go_up(server: &impl Server) {
    let repo = prepared(server).await;
    let mut last = 0;
    let mut sources = Vec::new();
    for number in 0..12 {
        let source = format!("imagebot/n-{number}");
        server.branch(REPO, &source);
        server.commit(
            REPO,
            &source,
            "Dockerfile",
            &format!("FROM node:{number}\n"),
        );
        let created = server
            .forge()
            .create(&repo, &request(&source, "n"))
            .await
            .unwrap();
        assert!(created.number > last, "{} after {last}", created.number);
        last = created.number;
        sources.push(source);
    }
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    assert_eq!(mrs(server, &repo, &sources).await.len(), 12);
}

pub(crate) async fn a_merge_is_seen(server: &impl Server) {
    let (repo, created) = opened(server).await;
    let number = created.number;
    server.commit(REPO, "main", "other", "x\n");
    let tip = server.head(REPO, SOURCE);
    let merged = server.merge(&repo, number).await.unwrap();
    assert_eq!(server.head(REPO, "main"), Some(merged.clone()));
    assert_eq!(server.head(REPO, SOURCE), None, "the branch is deleted");
    let seen = only(server, &repo).await;
    assert_eq!(seen.state, MergeRequestState::Merged);
    assert_eq!((seen.merged_as, seen.head), (Some(merged), tip));
    assert!(server.forge().branches(&repo).await.unwrap().is_empty());
    let open = listed(server.forge(), REPO).await.open;
    assert!(open.is_none_or(|open| open.is_empty()));
}

pub(crate) async fn a_conflict_is_not_merged(server: &impl Server) {
    let (repo, created) = opened(server).await;
    let number = created.number;
    let target = server.commit(REPO, "main", "Dockerfile", "FROM node:3\n");
    let error = server.merge(&repo, number).await.unwrap_err();
    assert_eq!(error.code(), "forge-conflict", "{error}");
    assert_eq!(server.head(REPO, "main"), Some(target));
    assert!(server.head(REPO, SOURCE).is_some());
    assert_eq!(only(server, &repo).await.state, MergeRequestState::Open);
}

pub(crate) async fn what_is_closed_or_merged_does_not_change(server: &impl Server) {
    let repo = prepared(server).await;
    let forge = server.forge();
    let closed = forge
        .create(&repo, &request(SOURCE, "one"))
        .await
        .unwrap()
        .number;
    forge.close(&repo, closed).await.unwrap();
    let merged = forge
        .create(&repo, &request(SOURCE, "two"))
        .await
        .unwrap()
        .number;
    server.merge(&repo, merged).await.unwrap();
    let before = mrs(server, &repo, &[SOURCE]).await;
    forge.close(&repo, closed).await.unwrap();
    let error = forge.close(&repo, merged).await.unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    for number in [closed, merged] {
        let error = server.merge(&repo, number).await.unwrap_err();
        assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    }
    assert_eq!(mrs(server, &repo, &[SOURCE]).await, before);
}

pub(crate) async fn a_closed_one_is_reopened(server: &impl Server) {
    let (repo, mr) = opened(server).await;
    let forge = server.forge();
    let state = async || forge.merge_request(&repo, mr.number).await.unwrap().state;
    forge.close(&repo, mr.number).await.unwrap();
    assert_eq!(state().await, MergeRequestState::Closed);
    for _ in 0..2 {
        forge.reopen(&repo, mr.number).await.unwrap();
        assert_eq!(state().await, MergeRequestState::Open);
    }
    assert_eq!(only(server, &repo).await.state, MergeRequestState::Open);
    server.merge(&repo, mr.number).await.unwrap();
    let error = forge.reopen(&repo, mr.number).await.unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    let error = forge.merge_request(&repo, 999).await.unwrap_err();
    assert!(matches!(error, ForgeError::NotFound(_)), "{error}");
}

pub(crate) async fn what_is_not_there_is_told(server: &impl Server) {
    let repo = prepared(server).await;
    let forge = server.forge();
    for error in [
        forge.close(&repo, 99).await.unwrap_err(),
        forge.comment(&repo, 99, "x", "x").await.unwrap_err(),
        forge
            .edit(&repo, 99, &MergeRequestEdit::default())
            .await
            .unwrap_err(),
        forge
            .create(&repo, &request("imagebot/nothing", "x"))
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, ForgeError::NotFound(_)), "{error}");
    }
    assert!(mrs(server, &repo, &[SOURCE]).await.is_empty());
}

pub(crate) async fn only_our_branches_are_listed(server: &impl Server) {
    let repo = prepared(server).await;
    for source in ["feature/x", "imagebot-x", SOURCE] {
        if source != SOURCE {
            server.branch(REPO, source);
            server.commit(REPO, source, "y", source);
        }
        server
            .forge()
            .create(&repo, &request(source, source))
            .await
            .unwrap();
    }
    assert_eq!(only(server, &repo).await.title, SOURCE);
    if let Some(open) = listed(server.forge(), REPO).await.open {
        let sources: Vec<_> = open.iter().map(|mr| mr.source.as_str()).collect();
        assert_eq!(sources, [SOURCE]);
    }
}

pub(crate) async fn texts_of_every_kind_come_back(server: &impl Server) {
    let repo = prepared(server).await;
    for (number, text) in [
        "\"quotes\" and 'more'",
        "größe ☃ \u{202e}",
        "a = \"b\"\n[section]\n'''\n\"\"\"\n",
        "<!-- imagebot:state {\"a\":1} -->\r\n| a | b |\n",
        "",
        "ends without a line break",
    ]
    .into_iter()
    .enumerate()
    {
        let source = format!("imagebot/text-{number}");
        server.branch(REPO, &source);
        server.commit(REPO, &source, "y", &source);
        let title = text.lines().next().unwrap_or("x").to_owned();
        let new = NewMergeRequest {
            title,
            ..request(&source, "")
        };
        let created = server.forge().create(&repo, &new).await.unwrap();
        let all = mrs(server, &repo, &[&source]).await;
        let seen = all.iter().find(|mr| mr.number == created.number).unwrap();
        // Servers clean up line ends and the space around a text.
        let clean = |text: &str| text.trim().replace("\r\n", "\n");
        assert_eq!(
            (clean(&seen.title), clean(&seen.description)),
            (clean(&new.title), clean(&new.description))
        );
    }
}

pub(crate) async fn ci_is_told_of_a_commit(server: &impl Server) {
    let repo = prepared(server).await;
    let forge = server.forge();
    let tip = server.head(REPO, SOURCE).unwrap();
    assert_eq!(forge.commit_ci(&repo, &tip).await.unwrap(), CiStatus::None);
    for state in [CiStatus::Running, CiStatus::Failed, CiStatus::Passed] {
        server.ci(&repo, &tip, state).await;
        assert_eq!(forge.commit_ci(&repo, &tip).await.unwrap(), state);
    }
    let other = server.head(REPO, "main").unwrap();
    assert_eq!(
        forge.commit_ci(&repo, &other).await.unwrap(),
        CiStatus::None
    );
    assert_eq!(forge.ci(&repo, &tip).await.unwrap(), CiStatus::Passed);
    assert_eq!(forge.ci(&repo, &other).await.unwrap(), CiStatus::None);
}

/// T35: what a person pushed meanwhile is not merged.
pub(crate) async fn a_merge_is_bound_to_its_head(server: &impl Server) {
    let repo = prepared(server).await;
    let forge = server.forge();
    let number = forge.create(&repo, &request(SOURCE, "one")).await.unwrap();
    let number = number.number;
    let ours = server.head(REPO, SOURCE).unwrap();
    server.ci(&repo, &ours, CiStatus::Passed).await;
    let theirs = server.commit(REPO, SOURCE, "y", "theirs\n");
    server.ci(&repo, &theirs, CiStatus::Passed).await;
    let error = forge.merge(&repo, number, &ours).await.unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    assert_eq!(only(server, &repo).await.state, MergeRequestState::Open);
    let merging = forge.merge(&repo, number, &theirs).await.unwrap();
    assert_eq!(merging, Merging::Merged);
    let seen = only(server, &repo).await;
    assert_eq!(
        (seen.state, seen.head),
        (MergeRequestState::Merged, Some(theirs))
    );
}

pub(crate) async fn a_notice_is_there_once_and_goes(server: &impl Server) {
    let repo = prepared(server).await;
    let forge = server.forge();
    forge.notice(&repo, None).await.unwrap();
    assert!(server.notices(&repo).await.is_empty());
    for text in ["line 1 is wrong", "line 1 is wrong", "line 2 is wrong"] {
        forge.notice(&repo, Some(text)).await.unwrap();
        let notices = server.notices(&repo).await;
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains(text), "{notices:?}");
    }
    forge.notice(&repo, None).await.unwrap();
    assert!(server.notices(&repo).await.is_empty());
    forge.notice(&repo, Some("again")).await.unwrap();
    assert_eq!(server.notices(&repo).await.len(), 1);
}
