//! The fake as a server of its own, for `scripts/check-fake-gitlab`: somebody else's client drives it.

use crate::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use std::io::Read as _;

/// Prints where it is, and serves until its standard input ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a server, not a test: scripts/check-fake-gitlab starts it"]
async fn serve_fake_gitlab() {
    let fake = FakeGitLab::start().await;
    fake.allow(1, "", 40);
    fake.user("ann", &[("team", 30)]);
    let token = fake.token(NewToken::default());
    let options = ProjectOptions {
        milestones: vec!["v1".to_owned()],
        topics: vec!["docker".to_owned()],
        protected: vec!["main".to_owned()],
        variables: vec![("KEY".to_owned(), true)],
        ..ProjectOptions::default()
    };
    fake.project("team/app", options);
    fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
    let without_ci = ProjectOptions {
        without_ci: true,
        ..ProjectOptions::default()
    };
    fake.project("team/quick", without_ci);
    fake.commit("team/quick", "main", &[("Dockerfile", "FROM a:1\n")]);
    for path in ["team/app", "team/quick"] {
        fake.commit(path, "imagebot/a-00000001", &[("Dockerfile", "FROM a:2\n")]);
    }
    fake.seed("team/quick", "fleet/deep/app", 130);
    fake.project("team/old", ProjectOptions::default());
    fake.move_project("team/old", "team/new");
    let line = serde_json::json!({"url": fake.url(), "token": token, "moved": fake.id("team/new")});
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nfake-gitlab {line}").unwrap();
    out.flush().unwrap();
    drop(out);
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = end.await;
}
