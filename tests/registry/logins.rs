//! Logins that are held elsewhere: in credential helpers, as identity tokens, by a metadata server.

use crate::auth::{LIST, TOKEN, with_app};
use crate::bench::{Bench, PASSWORD, image, listed, login, pair};
use crate::fake_registry::{Auth, FakeRegistry, Fault};
use imagebot::redact::Redactor;
use imagebot::registry::{
    Anonymous, Credentials, Helper, Helpers, Login, RegistryCredential, RegistryError,
};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

fn wants_basic(fake: &FakeRegistry, pair: String) {
    fake.set_auth(Auth::Basic {
        pair,
        challenges: vec!["Basic realm=\"x\"".to_owned()],
    });
}

/// A folder with the program `docker-credential-test`, which notes each call.
struct Program {
    folder: tempfile::TempDir,
}

impl Program {
    /// A shell script; `$here` is its folder, `$server` what it read.
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("docker-credential-test");
        let here = folder.path().display();
        let text = format!(
            "#!/bin/sh\nhere={here}\nserver=$(cat)\necho \"$1 $server\" >> $here/calls\nenv > $here/env\n{script}\n"
        );
        std::fs::write(&path, text).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("executable");
        Self { folder }
    }

    /// One that prints a login.
    fn giving(username: &str, secret: &str) -> Self {
        let program = Self::new("cat $here/answer");
        program.give(username, secret);
        program
    }

    fn give(&self, username: &str, secret: &str) {
        let answer = serde_json::json!({"ServerURL": "x", "Username": username, "Secret": secret});
        std::fs::write(self.path("answer"), answer.to_string()).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    fn helpers(&self) -> Helpers {
        Helpers::new(Redactor::new()).with_path(self.folder.path().into())
    }

    /// The login that it holds for a fake.
    fn login(&self, fake: &FakeRegistry) -> Login {
        let (helpers, server) = (self.helpers(), fake.host().to_string());
        of_source(fake, move || {
            let (helpers, server) = (helpers.clone(), server.clone());
            async move {
                let helper = Helper::parse("test").expect("a name");
                helpers.get(&helper, &server).await
            }
        })
    }
}

fn of_source<F>(fake: &FakeRegistry, source: impl Fn() -> F + Send + Sync + 'static) -> Login
where
    F: Future<Output = imagebot::registry::CredentialResult> + Send + 'static,
{
    Login {
        credentials: Credentials::from_source(source),
        ..login(&fake.host(), "test")
    }
}

#[tokio::test]
async fn a_helper_is_called_once_and_only_if_the_registry_wants_a_login() {
    let fake = with_app().await;
    let program = Program::giving("bot", PASSWORD);
    let held = program.login(&fake);
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    assert!(bench.tags(&app, Some(&held)).await.is_ok());
    assert_eq!(program.calls(), [""; 0]);
    fake.expect(&[LIST]);
    fake.want_token(&fake.url(), &[pair("bot")]);
    let images = ["app", "b", "c", "d"].map(|path| {
        fake.list(path, ["1"]);
        image(&fake, path)
    });
    let look_ups = images.iter().map(|image| bench.tags(image, Some(&held)));
    for found in futures::future::join_all(look_ups).await {
        assert!(found.is_ok(), "{found:?}");
    }
    assert_eq!(program.calls(), [format!("get {}", fake.host())]);
    // Of the environment it gets only what a helper needs.
    let env = std::fs::read_to_string(program.path("env")).expect("the environment");
    let names = env.lines().filter_map(|line| line.split_once('='));
    let allowed = [
        "PATH",
        "HOME",
        "DOCKER_CONFIG",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    ];
    let prefixes = ["AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "XDG_"];
    for (name, _) in names {
        let expected =
            allowed.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix));
        assert!(expected, "{name} is passed on");
    }
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
}

#[tokio::test]
async fn each_failure_of_a_helper_is_named_without_its_secret() {
    let json = r#"{"Username":"bot","Secret":"CANARY-leak"}"#;
    for (script, expect) in [
        (
            "echo 'credentials not found in native keychain'; exit 1",
            "none",
        ),
        (
            "echo 'no credentials server URL'; exit 1",
            "docker-credential-test: exit status: 1: no credentials server URL",
        ),
        (
            "echo 'no credentials username'; exit 1",
            "docker-credential-test: exit status: 1: no credentials username",
        ),
        (
            "exit 3",
            "docker-credential-test: exit status: 3: it printed no message",
        ),
        (
            "printf 'a\\033[31mb\\nc'; exit 1",
            "docker-credential-test: exit status: 1: a[31mb",
        ),
        (
            &format!("echo '{json}'; exit 1"),
            "docker-credential-test: exit status: 1: its output is not shown, because it may contain a secret",
        ),
        (
            "echo CANARY >&2; echo no",
            "docker-credential-test: it did not print JSON with Username and Secret",
        ),
        (
            "echo '{\"Username\":\"\",\"Secret\":\"x\"}'",
            "docker-credential-test: it gave no user name",
        ),
        ("yes", "docker-credential-test: it printed more than 64 KiB"),
        (
            "kill -9 $$",
            "docker-credential-test: signal: 9 (SIGKILL): it printed no message",
        ),
    ] {
        let program = Program::new(script);
        let helper = Helper::parse("test").expect("a name");
        let given = program.helpers().get(&helper, "registry.example.com").await;
        let shown = match given {
            Ok(None) => "none".to_owned(),
            Ok(Some(credential)) => format!("{credential:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expect, "{script}");
    }
    // One that hangs, with a process that holds its output, is stopped.
    let program = Program::new("sleep 600 & sleep 600");
    let hurried = program.helpers().with_time(Duration::from_millis(300));
    let helper = Helper::parse("test").expect("a name");
    let error = hurried.get(&helper, "x").await.expect_err("it hangs");
    assert!(error.to_string().contains("it took longer than"), "{error}");
    let missing = Helper::parse("missing").expect("a name");
    let error = program
        .helpers()
        .get(&missing, "x")
        .await
        .expect_err("it is missing");
    assert_eq!(
        error.to_string(),
        "docker-credential-missing was not found in PATH"
    );
}

#[tokio::test]
async fn a_broken_helper_is_not_called_for_each_image() {
    let fake = with_app().await;
    fake.list("other", ["1"]);
    wants_basic(&fake, pair("bot"));
    let program = Program::new("echo 'the keychain is locked'; exit 1");
    let bench = Bench::new(vec![listed(&fake)]);
    let held = program.login(&fake);
    for path in ["app", "other", "app"] {
        let error = bench.tags(&image(&fake, path), Some(&held)).await;
        let error = error.expect_err("there is no login");
        assert_eq!(error.code(), "login-unavailable");
        assert!(
            error.to_string().contains("the keychain is locked"),
            "{error}"
        );
    }
    assert_eq!(program.calls().len(), 1);
    // One that docker's file names costs no image that is readable without it.
    fake.set_users(&["anonymous".to_owned()]);
    fake.want_token(&fake.url(), &["anonymous".to_owned()]);
    let unneeded = Login {
        anonymous: Anonymous::IfUnavailable,
        ..held
    };
    let bench = Bench::new(vec![listed(&fake)]);
    assert!(
        bench
            .tags(&image(&fake, "app"), Some(&unneeded))
            .await
            .is_ok()
    );
    wants_basic(&fake, pair("bot"));
    let bench = Bench::new(vec![listed(&fake)]);
    let code = bench.tags_code(&image(&fake, "app"), Some(&unneeded)).await;
    assert_eq!(code, "login-unavailable");
}

#[tokio::test]
async fn a_refused_login_is_read_again_once() {
    for bearer in [false, true] {
        let fake = with_app().await;
        let program = Program::giving("old", PASSWORD);
        let held = program.login(&fake);
        let bench = Bench::new(vec![listed(&fake)]);
        let app = image(&fake, "app");
        let want = |user: &str| match bearer {
            true => fake.want_token(&fake.url(), &[pair(user)]),
            false => wants_basic(&fake, pair(user)),
        };
        want("old");
        assert!(bench.tags(&app, Some(&held)).await.is_ok());
        // The password expires, and the helper has a new one.
        want("new");
        fake.revoke_tokens();
        program.give("new", "CANARY-new");
        let code = bench.tags_code(&app, Some(&held)).await;
        assert_eq!(code, "unauthorized", "the user's name does not fit");
        assert_eq!(program.calls().len(), 2);
        // It is not called again for each refusal.
        assert_eq!(bench.tags_code(&app, Some(&held)).await, "unauthorized");
        assert_eq!(program.calls().len(), 2);
        // Half an hour later it is.
        program.give("new", PASSWORD);
        bench.clock.advance(Duration::from_secs(31 * 60));
        assert!(bench.tags(&app, Some(&held)).await.is_ok());
        assert_eq!(program.calls().len(), 3, "{bearer}");
    }
}

#[tokio::test]
async fn an_expired_password_is_replaced_within_the_look_up() {
    let fake = with_app().await;
    let program = Program::giving("bot", "CANARY-old");
    let held = program.login(&fake);
    let bench = Bench::new(vec![listed(&fake)]);
    let old = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "bot:CANARY-old");
    wants_basic(&fake, old);
    let app = image(&fake, "app");
    assert!(bench.tags(&app, Some(&held)).await.is_ok());
    wants_basic(&fake, pair("bot"));
    program.give("bot", PASSWORD);
    fake.take_log();
    assert!(bench.tags(&app, Some(&held)).await.is_ok());
    assert_eq!(program.calls().len(), 2);
    fake.expect(&[LIST, LIST]);
}

fn with_identity_token(fake: &FakeRegistry, username: &str) -> Login {
    let token = RegistryCredential::identity_token(username, "CANARY-refresh".into());
    Login {
        credentials: Credentials::known(token),
        ..login(&fake.host(), username)
    }
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_replaced_by_its_successor() {
    let fake = with_app().await;
    fake.want_token(&fake.url(), &["nobody".to_owned()]);
    fake.set_refresh_token("CANARY-refresh", Some("CANARY-next"));
    let held = with_identity_token(&fake, "<token>");
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    assert!(bench.tags(&app, Some(&held)).await.is_ok());
    let log = fake.expect(&[LIST, "POST /token", LIST]);
    assert_eq!(log[1].header("authorization"), None);
    let form = String::from_utf8_lossy(&log[1].body).into_owned();
    assert_eq!(
        form,
        "grant_type=refresh_token&service=fake&client_id=imagebot&scope=repository%3Aapp%3Apull&refresh_token=CANARY-refresh"
    );
    // The token lives for a minute; then only the next refresh token is valid.
    bench.clock.advance(Duration::from_secs(61));
    fake.revoke_tokens();
    assert!(bench.tags(&app, Some(&held)).await.is_ok());
    fake.expect(&["POST /token", LIST]);
    fake.set_refresh_token("another", None);
    fake.revoke_tokens();
    assert_eq!(bench.tags_code(&app, Some(&held)).await, "unauthorized");
}

#[tokio::test]
async fn a_service_without_oauth2_takes_an_identity_token_as_a_password() {
    let fake = with_app().await;
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        "00000000:CANARY-refresh",
    );
    fake.want_token(&fake.url(), &[basic]);
    let held = with_identity_token(&fake, "00000000");
    let bench = Bench::new(vec![listed(&fake)]);
    assert!(bench.tags(&image(&fake, "app"), Some(&held)).await.is_ok());
    fake.expect(&[LIST, "POST /token", TOKEN, LIST]);
    // To a realm that is not allowed it is not sent.
    let evil = FakeRegistry::start().await;
    fake.want_token(&evil.url(), &["nobody".to_owned()]);
    let bench = Bench::new(vec![listed(&fake)]);
    let code = bench.tags_code(&image(&fake, "app"), Some(&held)).await;
    assert_eq!((code, evil.connections()), ("realm-refused", 0));
}

#[tokio::test]
async fn a_metadata_server_gives_a_token_while_it_lasts() {
    let (fake, metadata) = (with_app().await, FakeRegistry::start().await);
    let answer = |token: &str, flavor: &str| {
        let body =
            format!(r#"{{"access_token":"{token}","expires_in":600,"token_type":"Bearer"}}"#);
        Fault::Answer(
            200,
            vec![("metadata-flavor", flavor.to_owned())],
            body.into_bytes(),
        )
    };
    let path = "GET /computeMetadata/v1/instance/service-accounts/default/token";
    wants_basic(&fake, pair("oauth2accesstoken"));
    let bench = Bench::new(vec![listed(&fake)]);
    let held = |bench: &Bench| Login {
        credentials: bench
            .registries
            .google_credentials(Some(metadata.address().to_string())),
        ..login(&fake.host(), "google")
    };
    let (app, login) = (image(&fake, "app"), held(&bench));
    metadata.fail(path, 1, answer(PASSWORD, "Google"));
    for _ in 0..2 {
        assert!(bench.tags(&app, Some(&login)).await.is_ok());
    }
    let log = metadata.expect(&[path]);
    assert_eq!(log[0].header("metadata-flavor"), Some("Google"));
    bench.clock.advance(Duration::from_secs(599));
    metadata.fail(path, 1, answer(PASSWORD, "Google"));
    assert!(bench.tags(&app, Some(&login)).await.is_ok());
    metadata.expect(&[path]);
    // Another server is not believed.
    for fault in [answer("x", "Evil"), Fault::status(404), Fault::html()] {
        let bench = Bench::new(vec![listed(&fake)]);
        metadata.heal();
        metadata.fail(path, 1, fault);
        let error = bench
            .tags(&app, Some(&held(&bench)))
            .await
            .expect_err("no token");
        assert_eq!(error.code(), "login-unavailable");
        assert!(
            error
                .help()
                .is_some_and(|help| help.contains("Google Cloud"))
        );
        let RegistryError::Login { .. } = error else {
            panic!("{error:?}");
        };
    }
}
