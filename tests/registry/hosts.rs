//! Which hosts are contacted at all, how they are trusted, and what the doctor says.

use crate::bench::{Bench, image, listed, login, pair};
use crate::fake_registry::{Auth, FakeRegistry, Fault};
use imagebot::http::Origin;
use imagebot::image::{ImageName, RegistryHost};
use imagebot::registry::{
    DoctorOutcome, DoctorStep, HostSettings, Registries, RegistryError, RegistryOptions, Unlisted,
};
use serde_json::json;

#[tokio::test]
async fn t6_a_host_that_is_not_listed_is_not_contacted() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let bench = Bench::new(vec![HostSettings::new(RegistryHost::docker_hub())]);
    let port = fake.address().port();
    for name in [
        image(&fake, "app").canonical(),
        format!("localhost:{port}/app"),
        format!("[::1]:{port}/app"),
        "169.254.169.254/latest/meta-data".to_owned(),
    ] {
        let name = ImageName::parse(&name).expect("a name");
        assert_eq!(bench.tags_code(&name, None).await, "registry-not-listed");
    }
    let error = bench
        .tags(&image(&fake, "app"), None)
        .await
        .expect_err("not listed");
    assert!(
        error
            .help()
            .is_some_and(|help| help.contains(&format!("host = \"{}\"", fake.host())))
    );
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn t6_without_configuration_only_public_addresses_are_contacted() {
    let fake = FakeRegistry::start_tls().await;
    let bench = Bench::with(Vec::new(), |options| {
        options.unlisted = Unlisted::PublicOnly
    });
    let port = fake.address().port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "[64:ff9b::7f00:1]",
    ] {
        let name = ImageName::parse(&format!("{host}:{port}/app")).expect("a name");
        assert_eq!(
            bench.tags_code(&name, None).await,
            "address-refused",
            "{host}"
        );
    }
    // Nobody's login is for a host that nobody listed.
    let name = image(&fake, "app");
    assert_eq!(
        bench
            .tags_code(&name, Some(&login(&fake.host(), "bot")))
            .await,
        "registry-not-listed"
    );
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn t7_a_certificate_is_trusted_through_the_hosts_own_ca_file_only() {
    let fake = FakeRegistry::start_tls().await;
    fake.push("app", "1.0", json!({}));
    let app = image(&fake, "app");
    let strict = HostSettings::new(fake.host());
    let bench = Bench::new(vec![strict.clone()]);
    let error = bench
        .tags(&app, None)
        .await
        .expect_err("a stranger's certificate");
    assert_eq!(error.code(), "tls");
    assert!(
        error.help().is_some_and(|help| help.contains("ca_file")),
        "{error:?}"
    );
    fake.expect(&[]);
    let ca_file = Some("fixtures/tls/ca.pem".into());
    let bench = Bench::new(vec![HostSettings {
        ca_file,
        ..strict.clone()
    }]);
    assert!(bench.tags(&app, None).await.is_ok());
    for bad in ["fixtures/tls/none.pem", "fixtures/tls/README.md"] {
        let settings = HostSettings {
            ca_file: Some(bad.into()),
            ..strict.clone()
        };
        let error = Registries::new(vec![settings], RegistryOptions::default())
            .expect_err("no certificate");
        assert!(
            matches!(&error, RegistryError::Trust(text) if text.contains(bad)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn t7_a_host_without_tls_is_told_from_one_with_a_bad_certificate() {
    let fake = FakeRegistry::start().await;
    let bench = Bench::new(vec![HostSettings::new(fake.host())]);
    let error = bench
        .tags(&image(&fake, "app"), None)
        .await
        .expect_err("no TLS");
    assert_eq!(error.code(), "tls");
    assert!(
        error.help().is_some_and(|help| help.contains("plain_http")),
        "{error} {:?}",
        error.help()
    );
    fake.expect(&[]);
}

#[test]
#[ignore = "needs a system without CA certificates: the next test runs it as a process of its own"]
fn without_roots_plain_http_works_and_https_says_why_not() {
    let host = RegistryHost::parse("127.0.0.1:1").expect("a host");
    let plain = HostSettings {
        plain_http: true,
        ..HostSettings::new(host.clone())
    };
    assert!(Registries::new(vec![plain], RegistryOptions::default()).is_ok());
    let error = Registries::new(vec![HostSettings::new(host)], RegistryOptions::default())
        .expect_err("no roots");
    assert!(error.to_string().contains("CA certificates"), "{error}");
    assert!(
        error
            .help()
            .is_some_and(|help| help.contains("ca-certificates"))
    );
}

#[test]
fn t7_without_ca_certificates_https_cannot_be_set_up() {
    let program = std::env::current_exe().expect("this test's own program");
    let status = std::process::Command::new(program)
        .args([
            "--ignored",
            "--exact",
            "hosts::without_roots_plain_http_works_and_https_says_why_not",
        ])
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&status.stdout);
    assert!(
        status.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
async fn f64_a_mirror_is_asked_only_where_it_is_configured() {
    let (fake, mirror) = (FakeRegistry::start().await, FakeRegistry::start().await);
    fake.push("app", "2.0", json!({}));
    mirror.push("app", "1.0", json!({}));
    let app = image(&fake, "app");
    let both = Bench::new(vec![listed(&fake), listed(&mirror)]);
    assert_eq!(
        both.tags(&app, None).await.expect("tags").tags[0].as_str(),
        "2.0"
    );
    assert_eq!((fake.connections(), mirror.connections()), (1, 0));
    let endpoint = Origin::parse(&mirror.url()).ok();
    let mirrored = Bench::new(vec![HostSettings {
        endpoint,
        ..listed(&fake)
    }]);
    assert_eq!(
        mirrored.tags(&app, None).await.expect("tags").tags[0].as_str(),
        "1.0"
    );
    assert_eq!((fake.connections(), mirror.connections()), (1, 1));
}

#[tokio::test]
async fn t52_what_is_kept_holds_no_token_and_no_cookie() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    fake.set_etags();
    fake.set_header("set-cookie", "session=CANARY-cookie");
    fake.want_token(&fake.url(), &[pair("bot")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let (app, login) = (image(&fake, "app"), login(&fake.host(), "bot"));
    assert!(bench.tags(&app, Some(&login)).await.is_ok());
    assert!(
        bench
            .registries
            .manifest(&app, Some(&login), &crate::bench::tag("1.0"))
            .await
            .is_ok()
    );
    let store = bench.store.lock().expect("the store");
    assert_eq!(store.len(), 3, "a page, a tag and a manifest: {store:?}");
    assert!(store.keys().all(|key| !key.contains("token?")));
}

#[tokio::test]
async fn t8_the_redactor_knows_a_login_before_it_is_sent() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let redactor = imagebot::redact::Redactor::new();
    let bench = Bench::with(vec![listed(&fake)], |options| {
        options.redactor = redactor.clone()
    });
    let bot = login(&fake.host(), "bot");
    assert!(bench.tags(&image(&fake, "app"), Some(&bot)).await.is_ok());
    for text in [
        crate::bench::PASSWORD.to_owned(),
        format!("Basic {}", pair("bot")),
    ] {
        assert!(redactor.redact(&text).ends_with("[redacted]"), "{text}");
    }
    // The log that is searched for canaries is not empty.
    drop(bench);
    assert!(crate::bench::SEARCHED.load(std::sync::atomic::Ordering::Relaxed) > 1000);
}

fn outcome(steps: &[DoctorStep]) -> String {
    let step = |step: &DoctorStep| {
        let mark = match step.outcome {
            DoctorOutcome::Ok => "+",
            DoctorOutcome::Failed => "-",
            DoctorOutcome::Skipped => "~",
        };
        format!("{mark}{}", step.name)
    };
    steps.iter().map(step).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_doctor_walks_until_the_first_failure() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let bench = Bench::new(vec![listed(&fake)]);
    let (host, app) = (fake.host(), image(&fake, "app"));
    let bot = login(&host, "bot");
    let walk = async |image: Option<&ImageName>, login| {
        let steps = bench.registries.doctor(goal(&host, image), login).await;
        assert_eq!(
            bench.note(Ok::<_, RegistryError>(steps.clone())),
            Ok(steps.clone())
        );
        steps
    };
    let open = walk(Some(&app), None).await;
    assert_eq!(
        outcome(&open),
        "+listed +dns +tcp ~tls +registry ~auth ~token +tags +manifest"
    );
    assert_eq!(
        outcome(&walk(None, None).await),
        "+listed +dns +tcp ~tls +registry ~auth ~token"
    );
    let tag = imagebot::image::Tag::parse("9.9").expect("a tag");
    let gone = imagebot::registry::Goal {
        host: &host,
        image: Some(&app),
        tag: Some(&tag),
    };
    let steps = bench.registries.doctor(gone, None).await;
    assert_eq!(
        outcome(&steps),
        "+listed +dns +tcp ~tls +registry ~auth ~token +tags -manifest"
    );
    let last = &steps.last().expect("a step").detail;
    assert_eq!(last, "9.9 does not exist; it is not listed either");

    fake.want_token(&fake.url(), &[pair("bot")]);
    assert_eq!(
        outcome(&walk(Some(&app), Some(&bot)).await),
        "+listed +login +dns +tcp ~tls +registry +auth +token +tags +manifest"
    );
    // Without an image the login is used all the same; a wrong one is not called right for having a token service.
    assert_eq!(
        outcome(&walk(None, Some(&bot)).await),
        "+listed +login +dns +tcp ~tls +registry +auth +token"
    );
    let wrong = login(&host, "other");
    assert_eq!(
        outcome(&walk(None, Some(&wrong)).await),
        "+listed +login +dns +tcp ~tls +registry +auth -token"
    );
    assert_eq!(
        outcome(&walk(None, None).await),
        "+listed +dns +tcp ~tls +registry +auth ~token"
    );
    let refused = walk(Some(&app), None).await;
    assert_eq!(
        outcome(&refused),
        "+listed +dns +tcp ~tls +registry +auth -token"
    );
    assert!(
        refused
            .last()
            .and_then(|step| step.help.as_ref())
            .is_some_and(|cure| cure.contains("login"))
    );

    let evil =
        "Bearer realm=\"https://gitlab.example.com/jwt/auth\",service=\"container_registry\"";
    fake.set_auth(Auth::Bearer {
        challenges: vec![evil.to_owned()],
    });
    let realm = walk(Some(&app), Some(&bot)).await;
    assert_eq!(
        outcome(&realm),
        "+listed +login +dns +tcp ~tls +registry -auth"
    );
    let cure = realm
        .last()
        .and_then(|step| step.help.clone())
        .unwrap_or_default();
    assert!(
        cure.contains("auth_realms = [\"https://gitlab.example.com\"]"),
        "{cure}"
    );

    fake.fail("GET /v2/", 1, Fault::html());
    assert_eq!(
        outcome(&walk(None, None).await),
        "+listed +dns +tcp ~tls -registry"
    );
    let other = RegistryHost::parse("other.example").expect("a host");
    assert_eq!(
        outcome(&bench.registries.doctor(goal(&other, None), None).await),
        "-listed"
    );
}

#[tokio::test]
async fn the_doctor_tells_tcp_from_tls() {
    let fake = FakeRegistry::start_tls().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port");
    let closed = RegistryHost::parse(&closed.to_string()).expect("a host");
    let bench = Bench::new(vec![
        HostSettings::new(fake.host()),
        HostSettings::new(closed.clone()),
    ]);
    assert_eq!(
        outcome(
            &bench
                .registries
                .doctor(goal(&fake.host(), None), None)
                .await
        ),
        "+listed +dns +tcp -tls"
    );
    assert_eq!(
        outcome(&bench.registries.doctor(goal(&closed, None), None).await),
        "+listed +dns -tcp"
    );
}

fn goal<'a>(
    host: &'a imagebot::image::RegistryHost,
    image: Option<&'a imagebot::image::ImageName>,
) -> imagebot::registry::Goal<'a> {
    imagebot::registry::Goal {
        host,
        image,
        tag: None,
    }
}
