//! Whom a login is sent to, and how often.

use crate::bench::{Bench, image, listed, login, names, pair};
use crate::fake_registry::{Auth, FakeRegistry, Fault, Paging, Style, TokenSet};
use imagebot::http::Origin;
use imagebot::image::{ImageName, RegistryHost};
use imagebot::registry::{Anonymous, HostSettings, RegistryError};
use std::time::Duration;

pub(crate) const LIST: &str = "GET /v2/app/tags/list?n=1000";
pub(crate) const TOKEN: &str = "GET /token?service=fake&scope=repository%3Aapp%3Apull";

pub(crate) async fn with_app() -> FakeRegistry {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", serde_json::json!({}));
    fake
}

#[tokio::test]
async fn anonymous_first_then_basic_to_the_registry_itself() {
    let fake = with_app().await;
    fake.set_auth(Auth::Basic {
        pair: pair("bot"),
        challenges: vec!["Basic realm=\"x\"".to_owned()],
    });
    let bench = Bench::new(vec![listed(&fake)]);
    let login = login(&fake.host(), "bot");
    let app = image(&fake, "app");
    assert!(bench.tags(&app, Some(&login)).await.is_ok());
    let log = fake.expect(&[LIST, LIST]);
    assert_eq!(log[0].header("authorization"), None);
    assert!(bench.tags(&app, Some(&login)).await.is_ok());
    fake.expect(&[LIST]);
    assert_eq!(bench.tags_code(&app, None).await, "unauthorized");
    let log = fake.expect(&[LIST]);
    assert_eq!(log[0].header("authorization"), None);
}

#[tokio::test]
async fn a_bearer_look_up_of_three_pages_costs_five_requests() {
    let fake = FakeRegistry::start().await;
    fake.list("app", ["1", "2", "3", "4", "5"]);
    fake.set_paging(Paging::Links(2, Style::Relative));
    fake.want_token(&fake.url(), &[pair("bot")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let login = login(&fake.host(), "bot");
    let tags = bench
        .tags(&image(&fake, "app"), Some(&login))
        .await
        .expect("tags");
    assert_eq!(names(&tags), ["1", "2", "3", "4", "5"]);
    let log = fake.expect(&[
        LIST,
        TOKEN,
        LIST,
        "GET /v2/app/tags/list?n=2&last=2",
        "GET /v2/app/tags/list?n=2&last=4",
    ]);
    assert_eq!(
        log[1].header("authorization"),
        Some(format!("Basic {}", pair("bot")).as_str())
    );
    assert_eq!(
        log[2].header("authorization"),
        Some("Bearer CANARY-token-1")
    );
    assert!(log.iter().all(|request| request.header("user-agent")
        == Some(concat!("imagebot/", env!("CARGO_PKG_VERSION")))));
    // The next image needs no 401 any more.
    fake.list("other", ["1"]);
    assert!(
        bench
            .tags(&image(&fake, "other"), Some(&login))
            .await
            .is_ok()
    );
    fake.expect(&[
        "GET /token?service=fake&scope=repository%3Aother%3Apull",
        "GET /v2/other/tags/list?n=1000",
    ]);
}

#[tokio::test]
async fn t1_no_realm_elsewhere_is_ever_contacted() {
    let (fake, evil) = (with_app().await, FakeRegistry::start().await);
    evil.set_users(&[pair("bot"), "anonymous".to_owned()]);
    let port = evil.address().port();
    let own = fake.address().port();
    let realms = [
        format!("{}/token", evil.url()),
        format!("http://localhost:{port}/token"),
        format!("http://localhost:{own}/token"),
        format!("http://[::ffff:127.0.0.1]:{port}/token"),
        format!("http://127.0.0.1:{own}@127.0.0.1:{port}/token"),
        format!("http://user:pw@127.0.0.1:{own}/token"),
        format!("//127.0.0.1:{port}/token"),
        "/token".to_owned(),
        format!("https://127.0.0.1:{port}/token"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        String::new(),
    ];
    let mut challenges: Vec<Vec<String>> = realms
        .iter()
        .map(|realm| vec![format!("Bearer realm=\"{realm}\",service=\"fake\"")])
        .collect();
    challenges.push(vec!["Bearer service=\"fake\"".to_owned()]);
    challenges.push(vec![format!(
        "Bearer realm=\"{}/token\",realm=\"{}/token\"",
        fake.url(),
        evil.url()
    )]);
    for challenges in challenges {
        fake.set_auth(Auth::Bearer {
            challenges: challenges.clone(),
        });
        for login in [None, Some(login(&fake.host(), "bot"))] {
            let bench = Bench::new(vec![listed(&fake)]);
            let code = bench.tags_code(&image(&fake, "app"), login.as_ref()).await;
            assert_eq!(code, "realm-refused", "{challenges:?}");
            fake.expect(&[LIST]);
        }
    }
    assert_eq!((evil.connections(), evil.take_log().len()), (0, 0));
}

#[tokio::test]
async fn t1_the_allowed_one_of_two_challenges_is_answered() {
    let (fake, evil) = (with_app().await, FakeRegistry::start().await);
    fake.want_token(&fake.url(), &[pair("bot")]);
    let challenge = |origin: String| format!("Bearer realm=\"{origin}/token\",service=\"fake\"");
    fake.set_auth(Auth::Bearer {
        challenges: vec![challenge(evil.url()), challenge(fake.url())],
    });
    let bench = Bench::new(vec![listed(&fake)]);
    assert!(
        bench
            .tags(&image(&fake, "app"), Some(&login(&fake.host(), "bot")))
            .await
            .is_ok()
    );
    fake.expect(&[LIST, TOKEN, LIST]);
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn t1_a_realm_elsewhere_works_when_it_is_listed_and_the_cure_says_so() {
    let gitlab = FakeRegistry::start().await;
    gitlab.set_users(&[pair("bot")]);
    let fake = FakeRegistry::start_with(gitlab.tokens.clone()).await;
    fake.push("app", "1.0", serde_json::json!({}));
    fake.want_token(&gitlab.url(), &[]);
    let login = login(&fake.host(), "bot");
    let bench = Bench::new(vec![listed(&fake)]);
    let error = bench
        .tags(&image(&fake, "app"), Some(&login))
        .await
        .expect_err("not listed yet");
    let cure = error.help().expect("a cure");
    assert!(
        cure.contains(&format!("auth_realms = [\"{}\"]", gitlab.url())),
        "{cure}"
    );
    let auth_realms = vec![Origin::parse(&gitlab.url()).expect("an origin")];
    let bench = Bench::new(vec![HostSettings {
        auth_realms,
        ..listed(&fake)
    }]);
    assert!(bench.tags(&image(&fake, "app"), Some(&login)).await.is_ok());
    gitlab.expect(&[TOKEN]);
    fake.expect(&[LIST, LIST, LIST]);
}

#[tokio::test]
async fn t1_a_realm_that_changes_on_the_second_401_is_checked_again() {
    let (fake, evil) = (with_app().await, FakeRegistry::start().await);
    fake.want_token(&fake.url(), &[pair("bot")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let (app, login) = (image(&fake, "app"), login(&fake.host(), "bot"));
    assert!(bench.tags(&app, Some(&login)).await.is_ok());
    fake.revoke_tokens();
    fake.set_auth(Auth::Bearer {
        challenges: vec![format!("Bearer realm=\"{}/token\"", evil.url())],
    });
    assert_eq!(bench.tags_code(&app, Some(&login)).await, "realm-refused");
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn t1_a_token_service_that_redirects_is_not_followed() {
    let (fake, evil) = (with_app().await, FakeRegistry::start().await);
    fake.want_token(&fake.url(), &[pair("bot")]);
    fake.fail(
        "GET /token",
        2,
        Fault::redirect(format!("{}/token", evil.url())),
    );
    for login in [None, Some(login(&fake.host(), "bot"))] {
        let bench = Bench::new(vec![listed(&fake)]);
        assert_eq!(
            bench.tags_code(&image(&fake, "app"), login.as_ref()).await,
            "redirect-refused"
        );
    }
    fake.expect(&[LIST, TOKEN, LIST, TOKEN]);
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn t5_a_login_goes_to_its_exact_host_only() {
    let (fake, evil) = (with_app().await, FakeRegistry::start().await);
    evil.list("app", ["1"]);
    let bench = Bench::new(vec![listed(&fake), listed(&evil)]);
    let login = login(&fake.host(), "bot");
    assert_eq!(
        bench.tags_code(&image(&evil, "app"), Some(&login)).await,
        "login-elsewhere"
    );
    let own = fake.host();
    let port = fake.address().port();
    for name in [
        format!("{own}.evil.example/app"),
        "127.0.0.1/app".to_owned(),
        format!("127.0.0.2:{port}/app"),
        format!("localhost:{port}/app"),
        format!("LOCALHOST:{port}/app"),
    ] {
        // What is no host at all is no image name either.
        let Ok(image) = ImageName::parse(&name) else {
            continue;
        };
        let code = bench.tags_code(&image, Some(&login)).await;
        assert!(matches!(code, "login-elsewhere"), "{name}: {code}");
        assert_eq!(
            bench.tags_code(&image, None).await,
            "registry-not-listed",
            "{name}"
        );
    }
    assert!(RegistryHost::parse(&format!("{own}@evil.example")).is_err());
    assert_eq!((fake.connections(), evil.connections()), (0, 0));
}

#[tokio::test]
async fn f26_a_token_is_renewed_when_it_expires() {
    let fake = with_app().await;
    fake.want_token(&fake.url(), &["anonymous".to_owned()]);
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[LIST, TOKEN, LIST]);
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[LIST]);
    // Without expires_in a token lives for sixty seconds.
    bench.clock.advance(Duration::from_secs(61));
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[TOKEN, LIST]);
    fake.set_expires_in(3600);
    fake.revoke_tokens();
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[LIST, TOKEN, LIST]);
    bench.clock.advance(Duration::from_secs(3000));
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[LIST]);
}

#[tokio::test]
async fn f26_a_second_401_is_final() {
    // The service grants a token that is good for nothing, and says nothing.
    let tokens = FakeRegistry::start().await;
    tokens.set_users(&[pair("bot")]);
    let fake = FakeRegistry::start_with(TokenSet::default()).await;
    fake.push("app", "1.0", serde_json::json!({}));
    fake.want_token(&tokens.url(), &[]);
    let auth_realms = vec![Origin::parse(&tokens.url()).expect("an origin")];
    let bench = Bench::new(vec![HostSettings {
        auth_realms,
        ..listed(&fake)
    }]);
    let login = login(&fake.host(), "bot");
    assert_eq!(
        bench.tags_code(&image(&fake, "app"), Some(&login)).await,
        "unauthorized"
    );
    fake.expect(&[LIST, LIST]);
    tokens.expect(&[TOKEN]);
}

#[tokio::test]
async fn t8_a_refused_login_tells_nothing_of_itself() {
    let fake = with_app().await;
    fake.want_token(&fake.url(), &[pair("someone else")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let login = login(&fake.host(), "bot");
    let error = bench
        .tags(&image(&fake, "app"), Some(&login))
        .await
        .expect_err("a wrong password");
    assert_eq!(
        error,
        RegistryError::Unauthorized {
            host: fake.host(),
            anonymous: false
        }
    );
    fake.expect(&[LIST, TOKEN]);
    bench.note::<()>(Err(error)).expect_err("the same");
}

#[tokio::test]
async fn one_token_however_many_wait() {
    let fake = with_app().await;
    fake.want_token(&fake.url(), &[pair("bot")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let (app, login) = (image(&fake, "app"), login(&fake.host(), "bot"));
    let asked = (0..8).map(|_| bench.registries.tags(&app, Some(&login)));
    assert!(
        futures::future::join_all(asked)
            .await
            .iter()
            .all(Result::is_ok)
    );
    let tokens = fake
        .take_log()
        .iter()
        .filter(|request| request.target.starts_with("/token"))
        .count();
    assert_eq!(tokens, 1);
}

#[tokio::test]
async fn two_logins_share_no_token_and_no_answer() {
    let fake = with_app().await;
    fake.set_etags();
    fake.want_token(&fake.url(), &[pair("one"), pair("two")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    for user in ["one", "two"] {
        assert!(
            bench
                .tags(&app, Some(&login(&fake.host(), user)))
                .await
                .is_ok()
        );
    }
    let log = fake.expect(&[LIST, TOKEN, LIST, TOKEN, LIST]);
    assert_eq!(
        log[3].header("authorization"),
        Some(format!("Basic {}", pair("two")).as_str())
    );
    assert_eq!(log[4].header("if-none-match"), None);
}

#[tokio::test]
async fn a_scope_of_everything_is_narrowed() {
    let fake = with_app().await;
    fake.set_users(&["anonymous".to_owned()]);
    let challenge = format!(
        "Bearer realm=\"{}/token\",service=\"fake\",scope=\"*\"",
        fake.url()
    );
    fake.set_auth(Auth::Bearer {
        challenges: vec![challenge, "Basic realm=\"gitea\"".to_owned()],
    });
    let bench = Bench::new(vec![listed(&fake)]);
    assert!(bench.tags(&image(&fake, "app"), None).await.is_ok());
    fake.expect(&[LIST, TOKEN, LIST]);
}

/// GitHub's registry takes no App's and no fine-grained token: a login that nobody configured there, and that is
/// refused, costs no public image.
#[tokio::test]
async fn row_8_a_refused_login_that_nobody_configured_counts_as_none() {
    for optional in [true, false] {
        for denied in [false, true] {
            let fake = with_app().await;
            let mut users = vec!["anonymous".to_owned()];
            if denied {
                // The service gives a token, and the registry denies what it is for.
                users.push(pair("bot"));
                fake.fail("GET /v2/app/tags/list", 2, Fault::status(403));
            }
            fake.want_token(&fake.url(), &users);
            let bench = Bench::new(vec![listed(&fake)]);
            let login = imagebot::registry::Login {
                anonymous: match optional {
                    true => Anonymous::IfRefused,
                    false => Anonymous::Never,
                },
                ..login(&fake.host(), "bot")
            };
            let app = image(&fake, "app");
            if denied {
                // One refusal for the login, the other for nobody: a 403 for all is final.
                assert!(bench.tags(&app, Some(&login)).await.is_err());
                fake.heal();
                fake.fail("GET /v2/app/tags/list", 1, Fault::status(403));
            }
            let found = bench.tags(&app, Some(&login)).await;
            assert_eq!(found.is_ok(), optional, "{denied}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_its_own_error_and_sends_no_login() {
    let echo = format!("Echo {}", pair("bot"));
    for (challenges, shown) in [
        (vec!["Negotiate"], "WWW-Authenticate: Negotiate"),
        (vec![echo.as_str()], "WWW-Authenticate: Echo [redacted]"),
        (vec![], "401 without a WWW-Authenticate header"),
    ] {
        let fake = with_app().await;
        let challenges = challenges.into_iter().map(str::to_owned).collect();
        fake.set_auth(Auth::Bearer { challenges });
        let bench = Bench::new(vec![listed(&fake)]);
        let bot = login(&fake.host(), "bot");
        let error = bench.tags(&image(&fake, "app"), Some(&bot)).await;
        let error = error.expect_err("nothing can be answered");
        assert_eq!(error.code(), "bad-challenge");
        assert!(error.to_string().contains(shown), "{error}");
        assert!(!error.to_string().contains("refused"), "{error}");
        let log = fake.expect(&[LIST]);
        assert_eq!(log[0].header("authorization"), None);
    }
}

#[tokio::test]
async fn sloppy_challenges_are_answered() {
    let fake = with_app().await;
    fake.want_token(&fake.url(), &[pair("bot")]);
    for challenge in [
        format!("Bearer realm={}/token,service=fake", fake.url()),
        format!("Bearer realm = \"{}/token\" , service = fake", fake.url()),
        format!(
            "Negotiate abc==, Bearer realm=\"{}/token\",service=\"fake\"",
            fake.url()
        ),
    ] {
        fake.set_auth(Auth::Bearer {
            challenges: vec![challenge.clone()],
        });
        let bench = Bench::new(vec![listed(&fake)]);
        let bot = login(&fake.host(), "bot");
        let tags = bench.tags(&image(&fake, "app"), Some(&bot)).await;
        assert!(tags.is_ok(), "{challenge}");
        fake.expect(&[LIST, TOKEN, LIST]);
    }
}

#[tokio::test]
async fn a_token_that_does_not_serve_is_followed_by_the_login_itself_once() {
    // The registry names a token service, whose tokens it does not take, and Basic.
    let tokens = FakeRegistry::start().await;
    tokens.set_users(&[pair("bot")]);
    let fake = with_app().await;
    let bearer = format!("Bearer realm=\"{}/token\",service=\"fake\"", tokens.url());
    fake.set_auth(Auth::Basic {
        pair: pair("bot"),
        challenges: vec![bearer, "Basic realm=\"x\"".to_owned()],
    });
    let auth_realms = vec![Origin::parse(&tokens.url()).expect("an origin")];
    let bench = Bench::new(vec![HostSettings {
        auth_realms,
        ..listed(&fake)
    }]);
    let app = image(&fake, "app");
    let bot = login(&fake.host(), "bot");
    assert!(bench.tags(&app, Some(&bot)).await.is_ok());
    fake.expect(&[LIST, LIST, LIST]);
    tokens.expect(&[TOKEN]);
    // From then on it is asked so at once.
    assert!(bench.tags(&app, Some(&bot)).await.is_ok());
    fake.expect(&[LIST]);
    // A login that nobody configured for this registry is not sent to it in this way.
    let bench = Bench::new(vec![HostSettings {
        auth_realms: vec![Origin::parse(&tokens.url()).expect("an origin")],
        ..listed(&fake)
    }]);
    let optional = imagebot::registry::Login {
        anonymous: Anonymous::IfRefused,
        ..login(&fake.host(), "bot")
    };
    assert_eq!(bench.tags_code(&app, Some(&optional)).await, "unauthorized");
    let log = fake.take_log();
    let basic = |line: &crate::fake_registry::Logged| {
        line.header("authorization")
            .is_some_and(|header| header.starts_with("Basic"))
    };
    assert!(!log.iter().any(basic));
}

#[test]
fn every_fix_of_an_error_that_holds_toml_is_a_configuration() {
    let host = || RegistryHost::parse("registry.example.com:5000").expect("a host");
    let text = || "x".to_owned();
    let errors = [
        RegistryError::NotListed(host()),
        RegistryError::Tls {
            host: host(),
            cause: "the server does not use TLS on this port".to_owned(),
        },
        RegistryError::Tls {
            host: host(),
            cause: text(),
        },
        RegistryError::AddressRefused {
            host: host(),
            cause: text(),
        },
        RegistryError::Unauthorized {
            host: host(),
            anonymous: true,
        },
        RegistryError::Unauthorized {
            host: host(),
            anonymous: false,
        },
        RegistryError::Challenge {
            host: host(),
            header: text(),
        },
        RegistryError::QuotaExhausted {
            host: host(),
            left: Duration::from_secs(9),
            anonymous: true,
        },
        RegistryError::RealmRefused {
            host: host(),
            realm: "https://auth.example.com".to_owned(),
            why: "it is neither the registry nor listed in auth_realms",
        },
        RegistryError::RealmRefused {
            host: host(),
            realm: "http://auth.example.com".to_owned(),
            why: "the registry uses https, the realm does not",
        },
        RegistryError::RedirectRefused {
            host: host(),
            why: text(),
            to: Some(Origin::parse("https://mirror.example.com").expect("an origin")),
        },
        RegistryError::LinkRefused {
            host: host(),
            target: text(),
        },
    ];
    let mut checked = 0;
    for error in errors {
        let help = error.help().unwrap_or_default();
        let Some(at) = help.find("[[") else { continue };
        let parsed =
            imagebot::config::parse("config.toml", &help[at..], std::path::Path::new("/etc"));
        assert!(
            parsed.is_ok(),
            "{}: {}",
            error.code(),
            parsed.expect_err("a problem")
        );
        checked += 1;
    }
    assert!(checked >= 9, "{checked}");
}
