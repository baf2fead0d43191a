//! Servers that repeat what they were sent (B6): nothing that is printed, logged, kept, committed or written into a
//! merge request holds a credential.

use super::fake_gitlab::{FakeGitLab, Fault, NewToken, ProjectOptions};
use super::place::Place;
use base64::Engine as _;

/// The commands that show what a server said, each in both formats and with every log line.
const COMMANDS: [&[&str]; 10] = [
    &["run"],
    &["run", "--format", "json"],
    &["run", "--dry-run"],
    &["check", "team/app"],
    &["check", "team/app", "--format", "json"],
    &["graph"],
    &["graph", "--stale", "--format", "json"],
    &["repos", "list"],
    &["freshness", "team/app"],
    &["forge", "doctor"],
];

fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

/// What servers and proxies answer that repeat a request's headers.
fn echoes(token: &str) -> Vec<(&'static str, Fault)> {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("oauth2:{token}"));
    let headers = format!("Authorization: Basic {basic}\nPRIVATE-TOKEN: {token}\nx: {token}");
    let answer = |status, kind: &str, body: String| {
        Fault::Answer(status, vec![("content-type", kind.to_owned())], body)
    };
    let advertisement = "application/x-git-upload-pack-advertisement";
    let error = packet(&format!("ERR {}", headers.replace('\n', " ")));
    vec![
        ("/info/refs", answer(403, "text/plain", headers.clone())),
        ("/info/refs", answer(500, "text/plain", headers.clone())),
        (
            "/info/refs",
            answer(
                200,
                advertisement,
                format!("{}0000{error}", packet("# service=git-upload-pack\n")),
            ),
        ),
        ("/info/refs", answer(200, advertisement, error)),
        (
            "/api/",
            answer(
                403,
                "application/json",
                serde_json::json!({ "message": headers }).to_string(),
            ),
        ),
        ("/api/", answer(500, "text/plain", headers.clone())),
        (
            "/api/graphql",
            answer(
                200,
                "application/json",
                serde_json::json!({ "errors": [{ "message": headers }] }).to_string(),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_a_server_that_repeats_the_token_gets_it_nowhere() {
    let fake = FakeGitLab::start().await;
    fake.set_registry(None);
    fake.real_time();
    fake.allow(1, "", 30);
    let token = fake.token(NewToken {
        expires_at: Some("2999-01-01"),
        ..NewToken::default()
    });
    assert!(token.contains("CANARY"));
    fake.project("team/app", ProjectOptions::default());
    let config = format!(
        "cache = \"cache\"\n[[forge]]\nkind = \"gitlab\"\nurl = \"{}\"\ntoken = {{ env = \"TOKEN\" }}\nrepos = [\"team/**\"]\n",
        fake.url()
    );
    for (part, fault) in echoes(&token) {
        // What is asked again costs seconds each time; one command shows what becomes of it.
        let once = matches!(&fault, Fault::Answer(500, ..));
        for command in &COMMANDS[..if once { 1 } else { COMMANDS.len() }] {
            let mut place = Place::with(&[("config.toml", &config)]);
            place.set("TOKEN", &token);
            fake.commit("team/app", "main", &[("Dockerfile", "FROM scratch\n")]);
            let happened = fake.fail("", part, 1000, fault.clone());
            let args = [*command, &["--config", "config.toml", "-vvv"]].concat();
            let ran = place.run(&args);
            fake.heal();
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let leaks = super::canary::found(said.as_bytes());
            assert!(leaks.is_empty(), "{command:?} {part}: {leaks:?} in {said}");
            let kept = super::canary::below(&place.path(""), &[]);
            assert!(kept.is_empty(), "{command:?} {part}: {kept:?}");
            if command[0] == "run" {
                assert!(
                    fake.happened(happened) > 0,
                    "{command:?} {part}: nobody asked"
                );
                let shown = part != "/info/refs" || said.contains("[redacted]");
                assert!(shown, "{command:?} {part}: {said}");
            }
        }
    }
}
