//! The assembly line: base → ruby → app, each built on the one below it.

use super::canary;
use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use imagebot::demo::{AssemblyLine, Bench, DemoRepository, Turn};
use imagebot::redact::Redactor;
use imagebot::repo::{CiStatus, MergeRequestState};
use std::os::unix::fs::PermissionsExt;

/// Two lines that share their base: base → ruby → app and base → tool.
fn members() -> Vec<DemoRepository> {
    vec![
        DemoRepository::new("base", &[]),
        DemoRepository::new("ruby", &["base"]),
        DemoRepository::new("app", &["ruby"]),
        DemoRepository::new("tool", &["base"]),
    ]
}

struct Line {
    line: AssemblyLine,
    folder: tempfile::TempDir,
    _registry: DockerRegistry,
}

impl Line {
    async fn new(with_login: bool) -> Option<Self> {
        imagebot::http::install_crypto();
        let registry = DockerRegistry::start(with_login)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, PASSWORD).expect("written");
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).expect("set");
        let login = (
            USER.to_owned(),
            PASSWORD.into(),
            "{ file = \"secret\" }".to_owned(),
        );
        let bench = Bench {
            folder: folder.path().to_owned(),
            registry: registry.address().to_string(),
            login: with_login.then_some(login),
        };
        let line = AssemblyLine::new(&bench, &members(), &Redactor::new())
            .await
            .expect("a line");
        Some(Self {
            line,
            folder,
            _registry: registry,
        })
    }

    async fn turn(&mut self) -> Turn {
        let turn = self
            .line
            .turn("2026-11-21T12:00:00Z".parse().expect("a time"), usize::MAX)
            .await
            .expect("a turn");
        assert!(!turn.report.failed(), "{:#?}", turn.report);
        assert_eq!(canary::found(format!("{turn:?}").as_bytes()), [""; 0]);
        turn
    }

    /// The repositories whose images were built in a turn.
    async fn built(&mut self) -> Vec<String> {
        let turn = self.turn().await;
        turn.built.into_iter().map(|(repo, ..)| repo).collect()
    }

    async fn end(self) {
        let secret = self.folder.path().join("secret");
        let places = canary::below(self.folder.path(), &[secret]);
        assert!(places.is_empty(), "{places:#?}");
    }
}

async fn whole_cascade(with_login: bool) {
    let Some(mut line) = Line::new(with_login).await else {
        return;
    };
    assert_eq!(line.built().await, [""; 0], "nothing is due at first");
    line.line.build("base", 1).await.expect("a new base");
    assert_eq!(line.built().await, ["ruby", "tool"]);
    assert_eq!(line.built().await, ["app"]);
    assert_eq!(line.built().await, [""; 0], "everything is built once");
    for (repo, count) in [("base", 0), ("ruby", 1), ("app", 1), ("tool", 1)] {
        let repo = line.line.repository(repo).await.expect("a repository");
        let mrs = line.line.forge.all(&repo).await.expect("a list");
        assert_eq!(mrs.len(), count, "{}", repo.name);
        assert!(mrs.iter().all(|mr| mr.state == MergeRequestState::Merged));
        assert!(
            repo.branches.as_ref().is_some_and(|all| all.is_empty()),
            "{:?}",
            repo.branches
        );
    }
    line.end().await;
}

#[tokio::test]
async fn a_cascade_of_three_generations_rebuilds_everything_once() {
    whole_cascade(false).await;
}

#[tokio::test]
async fn t8_a_cascade_behind_a_login_leaves_no_credential_anywhere() {
    whole_cascade(true).await;
}

#[tokio::test]
async fn red_ci_stops_exactly_its_descendants() {
    let Some(mut line) = Line::new(false).await else {
        return;
    };
    line.line.ci.set_red("ruby", true);
    line.line.build("base", 1).await.expect("a new base");
    let turn = line.turn().await;
    let tested: Vec<_> = turn
        .tested
        .iter()
        .map(|(r, _, _, s)| (r.as_str(), *s))
        .collect();
    assert_eq!(
        tested,
        [("ruby", CiStatus::Failed), ("tool", CiStatus::Passed)]
    );
    assert_eq!(
        line.built().await,
        [""; 0],
        "app waits, base and tool are done"
    );
    let ruby = line.line.repository("ruby").await.expect("a repository");
    let mrs = line.line.forge.all(&ruby).await.expect("a list");
    assert_eq!(mrs.len(), 1);
    assert_eq!(mrs[0].state, MergeRequestState::Open);
    // Mended by another base: the same merge request goes on, and the rest of the line with it.
    line.line.ci.set_red("ruby", false);
    line.line.build("base", 1).await.expect("another base");
    assert_eq!(line.built().await, ["ruby", "tool"]);
    assert_eq!(line.built().await, ["app"]);
    let mrs = line.line.forge.all(&ruby).await.expect("a list");
    assert_eq!(mrs.len(), 1);
    line.end().await;
}

#[tokio::test]
async fn t8_the_search_finds_what_is_planted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repo = folder.path().join("r.git");
    let shown = repo.display().to_string();
    super::bare::git(None, &["init", "-q", "--bare", &shown], b"");
    assert_eq!(canary::below(folder.path(), &[]), [""; 0]);
    super::bare::git(
        Some(&repo),
        &["hash-object", "-w", "--stdin"],
        b"a blob with CANARY-x",
    );
    assert_eq!(canary::below(folder.path(), &[]).len(), 1);
    std::fs::remove_dir_all(&repo).expect("removed");
    use base64::Engine as _;
    for shift in 0..3 {
        let text = format!("{}:CANARY-x", &"bot"[..shift]);
        let text = base64::engine::general_purpose::STANDARD.encode(text);
        std::fs::write(folder.path().join("file"), text).expect("written");
        assert_eq!(canary::below(folder.path(), &[]).len(), 1, "{shift}");
    }
    let database = rusqlite::Connection::open(folder.path().join("file2")).expect("a database");
    database
        .execute_batch(
            "PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES ('CANARY-x')",
        )
        .expect("written");
    std::fs::remove_file(folder.path().join("file")).expect("removed");
    assert!(!canary::below(folder.path(), &[]).is_empty());
}
