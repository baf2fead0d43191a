//! Registries that are slow, overloaded, broken or not there.

use crate::bench::{Bench, as_docker_hub, image, listed, tag};
use crate::fake_registry::{FakeRegistry, Fault, INDEX};
use imagebot::http::{Limits, Rate};
use imagebot::image::{Digest, ImageName, RegistryHost};
use imagebot::registry::{HostSettings, RegistryError};
use serde_json::json;
use std::io::Write as _;
use std::time::Duration;

const LIST: &str = "GET /v2/app/tags/list?n=1000";

async fn with_app() -> (FakeRegistry, Bench) {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let bench = Bench::new(vec![listed(&fake)]);
    (fake, bench)
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[tokio::test]
async fn f22_a_server_error_is_tried_again_with_growing_waits() {
    let (fake, bench) = with_app().await;
    let app = image(&fake, "app");
    fake.fail("GET", 2, Fault::status(503));
    assert!(bench.tags(&app, None).await.is_ok());
    fake.expect(&[LIST, LIST, LIST]);
    let slept = bench.clock.slept();
    assert!((250..=500).contains(&slept[0].as_millis()), "{slept:?}");
    assert!((500..=1000).contains(&slept[1].as_millis()), "{slept:?}");
    for status in [500, 502, 503, 504] {
        fake.fail("GET", 3, Fault::status(status));
        let error = bench.tags(&app, None).await.expect_err("three failures");
        assert_eq!(
            error,
            RegistryError::Server {
                host: fake.host(),
                status,
                code: None
            }
        );
        fake.expect(&[LIST, LIST, LIST]);
    }
    // What will not get better is not tried again.
    for status in [400, 410, 451, 501] {
        fake.fail("GET", 1, Fault::status(status));
        assert_eq!(bench.tags_code(&app, None).await, "registry-error");
        fake.expect(&[LIST]);
    }
}

#[tokio::test]
async fn f23_a_wait_that_was_asked_for_is_shared_by_the_host() {
    let fake = FakeRegistry::start().await;
    for path in ["a", "b", "c"] {
        fake.push(path, "1.0", json!({}));
    }
    let limits = Limits {
        concurrency: 1,
        rate: None,
    };
    let bench = Bench::new(vec![HostSettings {
        limits,
        ..listed(&fake)
    }]);
    fake.fail("GET", 1, Fault::retry_after(429, "7"));
    let images = ["a", "b", "c"].map(|path| image(&fake, path));
    let asked = images
        .iter()
        .map(|image| bench.registries.tags(image, None));
    assert!(
        futures::future::join_all(asked)
            .await
            .iter()
            .all(Result::is_ok)
    );
    assert_eq!(fake.take_log().len(), 4);
    assert_eq!(bench.clock.slept(), [seconds(7)]);
}

#[tokio::test]
async fn f23_the_third_429_is_the_last() {
    let (fake, bench) = with_app().await;
    fake.fail("GET", 3, Fault::retry_after(429, "5"));
    let error = bench
        .tags(&image(&fake, "app"), None)
        .await
        .expect_err("too many requests");
    assert_eq!(
        error,
        RegistryError::RateLimited {
            host: fake.host(),
            retry_after: Some(seconds(5))
        }
    );
    fake.expect(&[LIST, LIST, LIST]);
    assert_eq!(bench.clock.slept(), [seconds(5), seconds(5)]);
}

#[tokio::test]
async fn f23_those_who_come_later_wait_too() {
    let fake = FakeRegistry::start().await;
    for path in ["a", "b"] {
        fake.push(path, "1.0", json!({}));
    }
    let bench = Bench::with(vec![listed(&fake)], |options| options.policy.attempts = 1);
    fake.fail("GET", 1, Fault::retry_after(429, "7"));
    assert_eq!(
        bench.tags_code(&image(&fake, "a"), None).await,
        "rate-limited"
    );
    assert!(bench.clock.slept().is_empty());
    assert!(bench.tags(&image(&fake, "b"), None).await.is_ok());
    assert_eq!(bench.clock.slept(), [seconds(7)]);
}

#[tokio::test]
async fn f24_past_garbage_and_huge_waits() {
    for (value, slept) in [
        ("0", vec![]),
        ("Sat, 21 Nov 2026 11:00:00 GMT", vec![]),
        ("Sat, 21 Nov 2026 12:00:30 GMT", vec![seconds(30)]),
    ] {
        let (fake, bench) = with_app().await;
        fake.fail("GET", 1, Fault::retry_after(429, value));
        assert!(
            bench.tags(&image(&fake, "app"), None).await.is_ok(),
            "{value}"
        );
        assert_eq!(bench.clock.slept(), slept, "{value}");
    }
    // Garbage is as good as nothing: the own backoff.
    let (fake, bench) = with_app().await;
    fake.fail("GET", 1, Fault::retry_after(429, "-5 or so"));
    assert!(bench.tags(&image(&fake, "app"), None).await.is_ok());
    assert!(bench.clock.elapsed() <= seconds(1));
    for huge in [
        "86400",
        "99999999999999999999999",
        "Sun, 21 Nov 2027 12:00:00 GMT",
    ] {
        let (fake, bench) = with_app().await;
        let app = image(&fake, "app");
        fake.fail("GET", 1, Fault::retry_after(429, huge));
        assert_eq!(bench.tags_code(&app, None).await, "rate-limited");
        fake.expect(&[LIST]);
        // The host is given up: for this run nothing more is sent.
        assert_eq!(bench.tags_code(&app, None).await, "rate-limited");
        fake.expect(&[]);
        assert!(bench.clock.slept().is_empty());
        // Another pass asks it, and the one that goes on does not.
        let other = bench.registries.for_pass();
        assert!(other.tags(&app, None).await.is_ok());
        fake.expect(&[LIST]);
        assert_eq!(bench.tags_code(&app, None).await, "rate-limited");
    }
}

#[tokio::test]
async fn f25_with_the_pull_quota_used_up_manifests_wait_and_digests_do_not() {
    let fake = FakeRegistry::start().await;
    fake.push("library/node", "20", json!({}));
    fake.set_header("ratelimit-remaining", "1;w=21600");
    let bench = Bench::new(vec![as_docker_hub(&fake)]);
    let node = ImageName::parse("node").expect("a name");
    let digest = bench.head(&node, &tag("20")).await.digest;
    fake.set_header("ratelimit-remaining", "0;w=21600");
    assert!(
        bench
            .registries
            .manifest(&node, None, &digest)
            .await
            .is_ok()
    );
    assert_eq!(fake.take_log().len(), 2);
    let error = bench
        .note(bench.registries.manifest(&node, None, &tag("20")).await)
        .expect_err("nothing left");
    assert_eq!(
        error,
        RegistryError::QuotaExhausted {
            host: RegistryHost::docker_hub(),
            left: seconds(21_600),
            anonymous: true
        }
    );
    assert_eq!(error.code(), "registry-quota");
    fake.expect(&[]);
    // Content that was read before is still there, and heads and lists cost nothing.
    assert!(
        bench
            .registries
            .manifest(&node, None, &digest)
            .await
            .is_ok()
    );
    assert!(bench.registries.head(&node, None, &tag("20")).await.is_ok());
    assert!(bench.tags(&node, None).await.is_ok());
    assert_eq!(fake.take_log().len(), 2);
    bench.clock.advance(seconds(21_601));
    fake.set_header("ratelimit-remaining", "100;w=21600");
    assert!(
        bench
            .registries
            .manifest(&node, None, &tag("20"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn f25_the_two_limits_of_docker_hub_are_told_apart() {
    let fake = FakeRegistry::start().await;
    fake.push("library/node", "20", json!({}));
    let bench = Bench::new(vec![as_docker_hub(&fake)]);
    let node = ImageName::parse("node").expect("a name");
    let quota = json!({"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit. https://www.docker.com/increase-rate-limit"}]});
    fake.fail(
        "GET",
        1,
        Fault::Answer(429, Vec::new(), quota.to_string().into_bytes()),
    );
    let error = bench
        .note(bench.registries.manifest(&node, None, &tag("20")).await)
        .expect_err("nothing left");
    assert_eq!(error.code(), "registry-quota");
    assert!(error.to_string().contains("pull quota"));
    // Once, and without a wait: a minute gives nothing back.
    assert_eq!((fake.take_log().len(), bench.clock.slept().len()), (1, 0));
    assert!(bench.registries.head(&node, None, &tag("20")).await.is_ok());
    fake.fail(
        "GET",
        3,
        Fault::Answer(429, Vec::new(), b"Too Many Requests".to_vec()),
    );
    assert_eq!(bench.tags_code(&node, None).await, "rate-limited");
}

#[tokio::test]
async fn f37_an_answer_that_breaks_off_is_asked_for_again() {
    for fault in [Fault::Short, Fault::Close] {
        let (fake, bench) = with_app().await;
        let app = image(&fake, "app");
        fake.fail("GET", 2, fault.clone());
        assert!(bench.tags(&app, None).await.is_ok(), "{fault:?}");
        fake.expect(&[LIST, LIST, LIST]);
        fake.fail("GET", 3, fault);
        assert_eq!(bench.tags_code(&app, None).await, "broken-answer");
        fake.expect(&[LIST, LIST, LIST]);
    }
    let (fake, bench) = with_app().await;
    fake.fail("GET", 1, Fault::Garbage);
    assert_eq!(
        bench.tags_code(&image(&fake, "app"), None).await,
        "broken-answer"
    );
}

#[tokio::test]
async fn t26_too_much_is_not_read() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    let zeros = vec![b' '; 5 << 20];
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..13 {
        encoder.write_all(&zeros).expect("memory takes everything");
    }
    let bomb = encoder.finish().expect("memory takes everything");
    assert!(bomb.len() < 1 << 17);
    let gzip = |media_type: &str| {
        vec![
            ("content-type", media_type.to_owned()),
            ("content-encoding", "gzip".to_owned()),
        ]
    };
    for answer in [
        Fault::Answer(200, vec![("content-type", INDEX.to_owned())], zeros.clone()),
        Fault::Answer(200, gzip(INDEX), bomb.clone()),
    ] {
        fake.fail("GET", 1, answer);
        let error = bench
            .note(bench.registries.manifest(&app, None, &tag("1.0")).await)
            .expect_err("a bomb");
        assert_eq!(
            error,
            RegistryError::TooLarge {
                host: fake.host(),
                limit: 4 << 20
            }
        );
    }
    fake.fail("GET", 1, Fault::Answer(200, gzip("application/json"), bomb));
    assert_eq!(bench.tags_code(&app, None).await, "too-large");
    let entry = json!({"mediaType": INDEX, "digest": Digest::sha256(b"x").as_str()});
    let many = json!({"manifests": vec![entry; 5000]})
        .to_string()
        .into_bytes();
    fake.fail(
        "GET",
        1,
        Fault::Answer(200, vec![("content-type", INDEX.to_owned())], many),
    );
    let error = bench
        .note(bench.registries.manifest(&app, None, &tag("1.0")).await)
        .expect_err("many entries");
    assert_eq!(error.code(), "malformed-manifest");
}

#[tokio::test]
async fn t26_a_body_that_trickles_is_cut_off() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let bench = Bench::with(vec![listed(&fake)], |options| {
        options.policy.total_timeout = Duration::from_millis(100);
    });
    fake.fail("GET", 1, Fault::Stall);
    assert_eq!(bench.tags_code(&image(&fake, "app"), None).await, "timeout");
    fake.expect(&[LIST]);
}

#[tokio::test]
async fn f65_a_host_that_is_down_fails_fast() {
    let down = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port");
    let host = RegistryHost::parse(&down.to_string()).expect("a host");
    let (fake, _) = with_app().await;
    let bench = Bench::new(vec![
        HostSettings {
            plain_http: true,
            ..HostSettings::new(host)
        },
        listed(&fake),
    ]);
    let gone = ImageName::parse(&format!("{down}/app")).expect("a name");
    assert_eq!(bench.tags_code(&gone, None).await, "connect");
    let waits = bench.clock.slept().len();
    for _ in 0..5 {
        let error = bench.tags(&gone, None).await.expect_err("down");
        assert_eq!(error.code(), "host-down");
        assert!(error.to_string().contains("refused"), "{error}");
    }
    assert_eq!(bench.clock.slept().len(), waits);
    // The others go on.
    assert!(bench.tags(&image(&fake, "app"), None).await.is_ok());
    let error = bench.registries.for_pass().tags(&gone, None).await;
    assert_eq!(error.expect_err("down").code(), "connect");
    assert_eq!(bench.tags_code(&gone, None).await, "host-down");
}

#[tokio::test]
async fn f65_a_name_without_an_address_is_its_own_failure() {
    let host = RegistryHost::parse("no-such-host.invalid").expect("a host");
    let bench = Bench::new(vec![HostSettings::new(host)]);
    let gone = ImageName::parse("no-such-host.invalid/app").expect("a name");
    assert_eq!(bench.tags_code(&gone, None).await, "dns");
    assert_eq!(bench.tags_code(&gone, None).await, "host-down");
}

#[tokio::test]
async fn the_rate_of_a_host_is_kept() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let limits = Limits {
        concurrency: 8,
        rate: Rate::parse("2/s").ok(),
    };
    let bench = Bench::new(vec![HostSettings {
        limits,
        ..listed(&fake)
    }]);
    for _ in 0..4 {
        assert!(bench.tags(&image(&fake, "app"), None).await.is_ok());
    }
    assert_eq!(bench.clock.elapsed(), Duration::from_millis(1500));
}
