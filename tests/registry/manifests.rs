//! Digests, manifests and configurations.

use crate::bench::{Bench, image, listed, login, pair, tag};
use crate::fake_registry::{Auth, FakeRegistry, Fault, IMAGE, INDEX, Paging, Style};
use imagebot::http::Origin;
use imagebot::image::Digest;
use imagebot::registry::HostSettings;
use imagebot::registry::{Manifest, ManifestContent, RegistryError};
use serde_json::json;

const BY_TAG: &str = "GET /v2/app/manifests/1.0";
const HEAD: &str = "HEAD /v2/app/manifests/1.0";

async fn with_app() -> (FakeRegistry, Bench, Digest) {
    let fake = FakeRegistry::start().await;
    let digest = fake.push(
        "app",
        "1.0",
        json!({"org.opencontainers.image.source": "https://git.example/app"}),
    );
    let bench = Bench::new(vec![listed(&fake)]);
    (fake, bench, digest)
}

fn config_of(manifest: &Manifest) -> Digest {
    match &manifest.content {
        ManifestContent::Image(image) => image.config.clone(),
        ManifestContent::Index(_) => panic!("no image: {manifest:?}"),
    }
}

#[tokio::test]
async fn a_digest_costs_one_head_and_content_is_read_once() {
    let (fake, bench, digest) = with_app().await;
    let app = image(&fake, "app");
    let head = bench.head(&app, &tag("1.0")).await;
    assert_eq!(
        (head.digest, head.media_type.as_str()),
        (digest.clone(), IMAGE)
    );
    fake.expect(&[HEAD]);
    let manifest = bench.manifest(&app, &digest).await;
    let config = bench.config(&app, &config_of(&manifest)).await;
    assert_eq!(config.source(), Some("https://git.example/app"));
    assert_eq!(
        config.platform.map(|p| p.to_string()),
        Some("linux/amd64".to_owned())
    );
    assert_eq!(config.diff_ids, [Digest::sha256(b"1.0")]);
    assert_eq!(fake.take_log().len(), 2);
    for _ in 0..2 {
        bench.manifest(&app, &digest).await;
        bench.config(&app, &config_of(&manifest)).await;
    }
    fake.expect(&[]);
    // Whether it is still served is another question.
    bench.head(&app, &digest).await;
    let line = format!("HEAD /v2/app/manifests/{digest}");
    let log = fake.expect(&[&line]);
    let accept = log[0].header("accept").expect("an Accept header");
    assert_eq!(accept.matches("vnd.").count(), 4, "{accept}");
}

#[tokio::test]
async fn a_kept_answer_that_was_tampered_with_is_not_used() {
    let (fake, bench, digest) = with_app().await;
    let app = image(&fake, "app");
    assert!(bench.registries.manifest(&app, None, &digest).await.is_ok());
    let other = json!({"config": {"digest": Digest::sha256(b"evil").as_str()}, "layers": []});
    for kept in bench.store.lock().expect("the store").values_mut() {
        kept.body = other.to_string().into();
    }
    let manifest = bench.manifest(&app, &digest).await;
    assert_ne!(config_of(&manifest), Digest::sha256(b"evil"));
    assert_eq!(fake.take_log().len(), 2);
}

#[tokio::test]
async fn t25_a_configuration_that_is_not_its_digests_is_refused() {
    let (fake, bench, _) = with_app().await;
    let digest = fake.push_blob("app", b"{}".to_vec());
    fake.fail(
        "GET",
        1,
        Fault::Answer(200, Vec::new(), br#"{"config": {}}"#.to_vec()),
    );
    let app = image(&fake, "app");
    let config = bench.note(bench.registries.config(&app, None, &digest).await);
    assert!(config.is_err_and(|error| error.code() == "digest-mismatch"));
    bench.config(&app, &digest).await;
}

#[tokio::test]
async fn t25_a_digest_that_is_not_the_contents_is_refused() {
    let (fake, bench, digest) = with_app().await;
    let app = image(&fake, "app");
    let other = Digest::sha256(b"other");
    fake.fail(
        "GET",
        1,
        Fault::Header("docker-content-digest", Some(other.to_string())),
    );
    let error = bench
        .note(bench.registries.manifest(&app, None, &tag("1.0")).await)
        .expect_err("a lie");
    assert_eq!(
        error,
        RegistryError::DigestMismatch {
            host: fake.host(),
            expected: other.to_string(),
            found: digest.clone()
        }
    );
    // Asked for by digest, and given something else.
    let fake_body =
        json!({"schemaVersion": 2, "config": {"digest": other.as_str()}, "layers": []}).to_string();
    fake.fail(
        "GET",
        1,
        Fault::Answer(
            200,
            vec![("content-type", IMAGE.to_owned())],
            fake_body.into_bytes(),
        ),
    );
    let error = bench
        .note(bench.registries.manifest(&app, None, &digest).await)
        .expect_err("a lie");
    assert_eq!(error.code(), "digest-mismatch");
    // A HEAD can lie; before a digest is written the manifest is read.
    fake.fail(
        "HEAD",
        1,
        Fault::Header("docker-content-digest", Some(other.to_string())),
    );
    let head = bench.head(&app, &tag("1.0")).await;
    assert_eq!(head.digest, other);
    let manifest = bench.manifest(&app, &tag("1.0")).await;
    assert_eq!(manifest.digest, digest);
    fake.fail(
        "HEAD",
        1,
        Fault::Header("docker-content-digest", Some(other.to_string())),
    );
    let error = bench
        .note(bench.registries.head(&app, None, &digest).await)
        .expect_err("a lie");
    assert_eq!(error.code(), "digest-mismatch");
    for bad in ["sha256:../../etc/passwd", "md5:0"] {
        fake.fail(
            "GET",
            1,
            Fault::Header("docker-content-digest", Some(bad.to_owned())),
        );
        let error = bench
            .note(bench.registries.manifest(&app, None, &tag("1.0")).await)
            .expect_err("no digest");
        assert_eq!(error.code(), "malformed-manifest");
    }
    // Another algorithm is checked as well, and what is written is sha256.
    let sha512 = {
        use sha2::Digest as _;
        let body = fake_manifest(&digest, &bench);
        sha2::Sha512::digest(&body)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    fake.fail(
        "GET",
        1,
        Fault::Header("docker-content-digest", Some(format!("sha512:{sha512}"))),
    );
    let manifest = bench.manifest(&app, &tag("1.0")).await;
    assert_eq!(manifest.digest, digest);
}

/// The bytes of a manifest that was read before.
fn fake_manifest(digest: &Digest, bench: &Bench) -> Vec<u8> {
    let store = bench.store.lock().expect("the store");
    let kept = store
        .values()
        .find(|kept| digest.matches(&kept.body))
        .expect("a kept manifest");
    kept.body.to_vec()
}

#[tokio::test]
async fn a_head_without_a_digest_is_made_good_by_hashing() {
    let (fake, bench, digest) = with_app().await;
    let app = image(&fake, "app");
    for fault in [
        Fault::Header("docker-content-digest", None),
        Fault::Header("docker-content-digest", Some("garbage".to_owned())),
        Fault::Header("content-type", Some("text/html".to_owned())),
        Fault::status(405),
    ] {
        fake.fail("HEAD", 1, fault);
        let head = bench.head(&app, &tag("1.0")).await;
        assert_eq!(head.digest, digest);
        fake.expect(&[HEAD, BY_TAG]);
    }
    // Refusals are not: they would double the load.
    for status in [403, 404] {
        fake.fail("HEAD", 1, Fault::status(status));
        let _ = bench.registries.head(&app, None, &tag("1.0")).await;
        fake.expect(&[HEAD]);
    }
}

#[tokio::test]
async fn f30_a_sign_in_page_is_no_manifest() {
    let (fake, bench, _) = with_app().await;
    let app = image(&fake, "app");
    fake.fail("HEAD", 1, Fault::html());
    fake.fail("GET", 2, Fault::html());
    let head = bench.note(bench.registries.head(&app, None, &tag("1.0")).await);
    assert!(head.is_err_and(|error| error.code() == "not-a-registry"));
    let manifest = bench.note(bench.registries.manifest(&app, None, &tag("1.0")).await);
    assert!(manifest.is_err_and(|error| error.code() == "not-a-registry"));
}

#[tokio::test]
async fn a_manifest_is_what_its_media_type_says() {
    let fake = FakeRegistry::start().await;
    let image_body = json!({"mediaType": IMAGE, "config": {"digest": Digest::sha256(b"c").as_str()}, "layers": []});
    for (media_type, body) in [
        (INDEX, image_body.clone()),
        (IMAGE, json!({"mediaType": INDEX, "manifests": []})),
        (INDEX, json!({"manifests": [{"digest": "sha256:../x"}]})),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            json!({"schemaVersion": 1}),
        ),
        ("application/json", image_body),
    ] {
        fake.push_manifest(
            "app",
            Some("1.0"),
            media_type,
            body.to_string().into_bytes(),
        );
        let bench = Bench::new(vec![listed(&fake)]);
        let result = bench.note(
            bench
                .registries
                .manifest(&image(&fake, "app"), None, &tag("1.0"))
                .await,
        );
        assert!(
            result.is_err_and(|error| error.code() == "malformed-manifest"),
            "{media_type} {body}"
        );
    }
    // Parameters are no part of a media type.
    let body = json!({"manifests": []}).to_string().into_bytes();
    fake.push_manifest("app", Some("1.0"), &format!("{INDEX}; charset=utf-8"), body);
    let bench = Bench::new(vec![listed(&fake)]);
    assert!(
        bench
            .registries
            .manifest(&image(&fake, "app"), None, &tag("1.0"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn f32_f34_a_tag_without_a_manifest_is_none() {
    let (fake, bench, _) = with_app().await;
    fake.list("app", ["ghost"]);
    let app = image(&fake, "app");
    assert_eq!(bench.tags(&app, None).await.expect("tags").tags.len(), 2);
    assert_eq!(
        bench.registries.head(&app, None, &tag("ghost")).await,
        Ok(None)
    );
    assert_eq!(
        bench.registries.manifest(&app, None, &tag("ghost")).await,
        Ok(None)
    );
    assert_eq!(
        bench
            .registries
            .manifest(&app, None, &Digest::sha256(b"gone"))
            .await,
        Ok(None)
    );
    assert_eq!(
        bench
            .registries
            .config(&app, None, &Digest::sha256(b"gone"))
            .await,
        Ok(None)
    );
}

#[tokio::test]
async fn f35_a_tag_that_moves_gives_the_digest_of_what_was_read() {
    let (fake, bench, first) = with_app().await;
    fake.set_etags();
    let app = image(&fake, "app");
    let head = bench.head(&app, &tag("1.0")).await;
    assert_eq!(head.digest, first);
    let second = fake.push("app", "1.0", json!({"moved": "yes"}));
    let manifest = bench.manifest(&app, &tag("1.0")).await;
    assert_eq!(manifest.digest, second);
    // Asked again with its validator, the content is not sent again; moved again, it is.
    fake.take_log();
    let again = bench.manifest(&app, &tag("1.0")).await;
    assert_eq!(again, manifest);
    let log = fake.expect(&[BY_TAG]);
    assert_eq!(
        log[0].header("if-none-match"),
        Some(format!("\"{second}\"").as_str())
    );
    let third = fake.push("app", "1.0", json!({"moved": "again"}));
    let manifest = bench.manifest(&app, &tag("1.0")).await;
    assert_eq!(manifest.digest, third);
}

#[tokio::test]
async fn t3_a_blob_is_followed_to_another_host_without_the_login() {
    let (fake, cdn) = (FakeRegistry::start().await, FakeRegistry::start().await);
    fake.push(
        "app",
        "1.0",
        json!({"org.opencontainers.image.version": "1.0"}),
    );
    fake.want_token(&fake.url(), &[pair("bot")]);
    let bench = Bench::new(vec![listed(&fake)]);
    let (app, login) = (image(&fake, "app"), login(&fake.host(), "bot"));
    let manifest = bench
        .registries
        .manifest(&app, Some(&login), &tag("1.0"))
        .await
        .expect("an answer")
        .expect("a manifest");
    let digest = config_of(&manifest);
    // The blob itself, served elsewhere, behind a detour over the registry's own origin.
    let path = format!("/v2/app/blobs/{digest}");
    fake.fail(
        &format!("GET {path}"),
        1,
        Fault::redirect(format!("{}{path}?sig=1", cdn.url())),
    );
    cdn.fail(
        &format!("GET {path}"),
        1,
        Fault::redirect(format!("{}{path}?back=1", cdn.url())),
    );
    assert_eq!(cdn.push_blob("app", fake.blob("app", &digest)), digest);
    let config = bench
        .registries
        .config(&app, Some(&login), &digest)
        .await
        .expect("an answer")
        .expect("a configuration");
    assert_eq!(config.version(), Some("1.0"));
    let log = cdn.take_log();
    assert_eq!(log.len(), 2);
    assert!(
        log.iter()
            .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn t3_tags_and_manifests_follow_a_listed_redirect_without_the_login() {
    let (fake, behind) = (FakeRegistry::start().await, FakeRegistry::start().await);
    behind.list("app", ["0.9"]);
    let digest = behind.push("app", "1.0", json!({}));
    behind.set_paging(Paging::Links(1, Style::Absolute));
    for path in [
        "/v2/app/tags/list?n=1000",
        "/v2/app/tags/list?n=1&last=0.9",
        "/v2/app/manifests/1.0",
    ] {
        fake.fail(
            &format!("GET {path}"),
            2,
            Fault::redirect(format!("{}{path}", behind.url())),
        );
        fake.fail(
            &format!("HEAD {path}"),
            1,
            Fault::redirect(format!("{}{path}", behind.url())),
        );
    }
    let app = image(&fake, "app");
    let bench = Bench::new(vec![listed(&fake)]);
    let error = bench.tags(&app, None).await.expect_err("not listed");
    assert!(
        error
            .help()
            .is_some_and(|help| help.contains(&format!("redirects = [\"{}\"]", behind.url())))
    );
    assert_eq!(behind.connections(), 0);

    fake.set_auth(Auth::Basic {
        pair: pair("bot"),
        challenges: vec!["Basic realm=\"x\"".to_owned()],
    });
    let redirects = vec![Origin::parse(&behind.url()).expect("an origin")];
    let bench = Bench::new(vec![HostSettings {
        redirects,
        ..listed(&fake)
    }]);
    let bot = login(&fake.host(), "bot");
    // So that the login is known and sent from now on.
    let ghost = image(&fake, "ghost");
    assert_eq!(bench.tags_code(&ghost, Some(&bot)).await, "not-found");
    let tags = bench.tags(&app, Some(&bot)).await.expect("tags");
    assert_eq!(tags.tags.len(), 2);
    let head = bench
        .registries
        .head(&app, Some(&bot), &tag("1.0"))
        .await
        .expect("an answer")
        .expect("a manifest");
    assert_eq!(head.digest, digest);
    assert!(
        bench
            .registries
            .manifest(&app, Some(&bot), &tag("1.0"))
            .await
            .is_ok_and(|m| m.is_some())
    );
    let log = behind.take_log();
    assert_eq!(log.len(), 4);
    assert!(
        log.iter()
            .all(|request| request.header("authorization").is_none())
    );
    assert!(
        fake.take_log()
            .iter()
            .filter(|request| request.header("authorization").is_some())
            .count()
            >= 4
    );
}

#[tokio::test]
async fn a_login_that_a_redirects_target_wants_is_not_the_registrys_fault() {
    let (fake, behind) = (FakeRegistry::start().await, FakeRegistry::start().await);
    behind.push("app", "1.0", json!({}));
    behind.set_auth(Auth::Basic {
        pair: pair("other"),
        challenges: vec!["Basic realm=\"behind\"".to_owned()],
    });
    for path in ["/v2/app/tags/list", "/v2/app/manifests/1.0"] {
        for method in ["GET", "HEAD"] {
            let to = Fault::redirect(format!("{}{path}", behind.url()));
            fake.fail(&format!("{method} {path}"), usize::MAX, to);
        }
    }
    let redirects = vec![Origin::parse(&behind.url()).expect("an origin")];
    let bench = Bench::new(vec![HostSettings {
        redirects,
        ..listed(&fake)
    }]);
    let app = image(&fake, "app");
    let bot = login(&fake.host(), "bot");
    for login in [None, Some(&bot)] {
        let tags = bench
            .tags(&app, login)
            .await
            .expect_err("a login is wanted");
        let head = bench.registries.head(&app, login, &tag("1.0")).await;
        for error in [tags, head.expect_err("a login is wanted")] {
            assert_eq!(error.code(), "redirect-unauthorized");
            let said = format!("{error} {}", error.help().unwrap_or_default());
            assert!(said.contains(&behind.url()), "{said}");
            assert!(!said.contains("rejected the login"), "{said}");
        }
    }
    let sent = behind.take_log();
    assert!(
        !sent.is_empty()
            && sent
                .iter()
                .all(|request| request.header("authorization").is_none())
    );
}

#[tokio::test]
async fn t3_other_redirects_are_refused() {
    let (fake, evil) = (FakeRegistry::start().await, FakeRegistry::start().await);
    fake.push("app", "1.0", json!({}));
    let bench = Bench::new(vec![listed(&fake)]);
    let app = image(&fake, "app");
    fake.fail(
        "",
        3,
        Fault::redirect(format!("{}/v2/app/tags/list", evil.url())),
    );
    assert_eq!(bench.tags_code(&app, None).await, "redirect-refused");
    let head = bench.note(bench.registries.head(&app, None, &tag("1.0")).await);
    assert!(head.is_err_and(|error| error.code() == "redirect-refused"));
    let manifest = bench.note(bench.registries.manifest(&app, None, &tag("1.0")).await);
    assert!(manifest.is_err_and(|error| error.code() == "redirect-refused"));
    assert_eq!(evil.connections(), 0);
    // A blob: not in a circle, not to the machine's own neighbours, not with a login in the URL.
    let digest = Digest::sha256(b"blob");
    let path = format!("/v2/app/blobs/{digest}");
    fake.fail("GET", 6, Fault::redirect(format!("{}{path}", fake.url())));
    for (target, code) in [
        (None, "redirect-refused"),
        (
            Some("http://169.254.169.254/latest/meta-data"),
            "address-refused",
        ),
        (
            Some("http://[::ffff:169.254.169.254]/latest"),
            "address-refused",
        ),
        (Some("http://u:p@127.0.0.1/"), "redirect-refused"),
        (Some("ftp://127.0.0.1/"), "redirect-refused"),
    ] {
        if let Some(target) = target {
            fake.fail("GET", 1, Fault::redirect(target.to_owned()));
        }
        let config = bench.note(bench.registries.config(&app, None, &digest).await);
        assert!(
            config.is_err_and(|error| error.code() == code),
            "{target:?}"
        );
    }
}

/// What a configuration says of how it was made and is run; what is not inherited by a child, or empty, is left out.
#[tokio::test]
async fn a_configuration_tells_its_steps_and_settings() {
    let fake = FakeRegistry::start().await;
    let bench = Bench::new(vec![listed(&fake)]);
    let config = json!({"os": "linux", "architecture": "arm", "variant": "v7",
        "config": {"Env": ["A=1"], "User": "", "Cmd": null, "Entrypoint": ["/x"], "Hostname": "h",
            "Volumes": {"/b": {}, "/a": {}}},
        "history": [{"created_by": "ADD a", "created": "2026-01-01T00:00:00Z"}, {"empty_layer": true, "comment": "x"}]});
    let digest = fake.push_blob("app", config.to_string().into_bytes());
    let app = image(&fake, "app");
    let found = bench.registries.config(&app, None, &digest).await;
    let found = bench.note(found).expect("an answer").expect("there");
    assert_eq!(found.env, ["A=1"]);
    let settings: Vec<String> = found
        .settings
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        settings,
        ["Entrypoint=[\"/x\"]", "Volumes={\"/a\":{},\"/b\":{}}"]
    );
    let steps: Vec<_> = found
        .history
        .iter()
        .map(|step| (step.created_by.as_deref(), step.empty_layer))
        .collect();
    assert_eq!(steps, [(Some("ADD a"), None), (None, Some(true))]);
    assert_eq!(found.diff_ids, []);
}
