//! `oci-client`, which was not written for these tests, against the fake registry and the demo's: what both must
//! answer as the distribution specification says. It cannot follow a `Link`, so paging is by `n` and `last` only.

use crate::fake_registry::{Auth, FakeRegistry, INDEX, Paging};
use base64::Engine as _;
use imagebot::demo::{DemoRegistry, Publisher};
use imagebot::image::Digest;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageIndex, OciImageManifest, OciManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use std::collections::BTreeMap;

const USER: &str = "bot";
const PASSWORD: &str = "CANARY-password";

/// A registry that answers to oci-client.
enum Server {
    Fake(Box<FakeRegistry>),
    Demo(DemoRegistry),
}

impl Server {
    async fn both() -> [Self; 2] {
        let fake = FakeRegistry::start().await;
        fake.accept_pushes();
        fake.set_paging(Paging::NoLink);
        let demo = DemoRegistry::start().await.expect("a free port");
        [Self::Fake(Box::new(fake)), Self::Demo(demo)]
    }

    fn host(&self) -> String {
        match self {
            Self::Fake(fake) => fake.host().to_string(),
            Self::Demo(demo) => demo.host(),
        }
    }
}

fn client(host: &str) -> Client {
    imagebot::http::install_crypto();
    let config = ClientConfig {
        protocol: ClientProtocol::HttpsExcept(vec![host.to_owned()]),
        platform_resolver: None,
        ..ClientConfig::default()
    };
    Client::try_from(config).expect("a client")
}

fn reference(host: &str, rest: &str) -> Reference {
    format!("{host}/{rest}").parse().expect("a reference")
}

fn image(version: &str) -> (Vec<ImageLayer>, Config) {
    // No text: bytes that a registry must not change.
    let layer = [b"\x1f\x8b\xff\x00".as_slice(), version.as_bytes()].concat();
    let config = format!(r#"{{"os":"linux","architecture":"amd64","version":"{version}"}}"#);
    (
        vec![ImageLayer::oci_v1_gzip(layer, None)],
        Config::oci_v1(config, None),
    )
}

/// Pushes an image; the digest of its manifest.
async fn push(client: &Client, at: &Reference, version: &str, auth: &RegistryAuth) -> String {
    let (layers, config) = image(version);
    let manifest = OciImageManifest {
        media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        ..OciImageManifest::build(&layers, &config, None)
    };
    client
        .push(at, &layers, config, auth, Some(manifest))
        .await
        .expect("the image is pushed");
    client
        .fetch_manifest_digest(at, auth)
        .await
        .expect("a digest")
}

/// The specification's code of an error.
fn code<T: std::fmt::Debug>(result: Result<T, OciDistributionError>) -> String {
    match result {
        Err(OciDistributionError::RegistryError { envelope, .. }) => {
            format!("{:?}", envelope.errors[0].code)
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_pushed_is_pulled_by_tag_and_by_digest() {
    for server in Server::both().await {
        let (host, auth) = (server.host(), RegistryAuth::Anonymous);
        let client = client(&host);
        let tagged = reference(&host, "team/app:1.2");
        let digest = push(&client, &tagged, "1.2", &auth).await;
        let pinned = tagged.clone_with_digest(digest.clone());
        for at in [&tagged, &pinned] {
            let (manifest, found) = client.pull_manifest(at, &auth).await.expect("a manifest");
            assert_eq!(found, digest);
            let OciManifest::Image(manifest) = manifest else {
                panic!("an image was pushed")
            };
            let (layers, config) = image("1.2");
            let mut pulled = Vec::new();
            let layer = &manifest.layers[0];
            client
                .pull_blob(at, layer, &mut pulled)
                .await
                .expect("a layer");
            assert_eq!(pulled, layers[0].data);
            let mut pulled = Vec::new();
            let descriptor = &manifest.config;
            client
                .pull_blob(at, descriptor, &mut pulled)
                .await
                .expect("a configuration");
            assert_eq!(pulled, config.data);
            let exists = client.blob_exists(at, &layer.digest).await;
            assert!(exists.expect("an answer"));
            let other = Digest::sha256(b"other").to_string();
            assert!(!client.blob_exists(at, &other).await.expect("an answer"));
        }
    }
}

#[tokio::test]
async fn an_index_is_pushed_and_its_platforms_are_pulled() {
    for server in Server::both().await {
        let (host, auth) = (server.host(), RegistryAuth::Anonymous);
        let client = client(&host);
        let mut entries = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let at = reference(&host, &format!("team/app:1.2-{architecture}"));
            let digest = push(&client, &at, architecture, &auth).await;
            let (body, _) = client
                .pull_manifest_raw(&at, &auth, &[OCI_IMAGE_MEDIA_TYPE])
                .await
                .expect("a manifest");
            entries.push(
                serde_json::json!({"mediaType": OCI_IMAGE_MEDIA_TYPE, "digest": digest,
                "size": body.len(), "platform": {"os": "linux", "architecture": architecture}}),
            );
        }
        let index =
            serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        let index: OciImageIndex = serde_json::from_value(index).expect("an index");
        let at = reference(&host, "team/app:1.2");
        client
            .push_manifest_list(&at, &auth, index.clone())
            .await
            .expect("the index is pushed");
        let (found, digest) = client.pull_manifest(&at, &auth).await.expect("an index");
        let OciManifest::ImageIndex(found) = found else {
            panic!("an index was pushed")
        };
        assert_eq!(found.manifests.len(), 2);
        for entry in &found.manifests {
            let at = at.clone_with_digest(entry.digest.clone());
            let (body, _) = client
                .pull_manifest_raw(&at, &auth, &[OCI_IMAGE_MEDIA_TYPE])
                .await
                .expect("a platform's manifest");
            assert_eq!(i64::try_from(body.len()).expect("small"), entry.size);
        }
        let head = client.fetch_manifest_digest(&at, &auth).await;
        assert_eq!(head.expect("a digest"), digest);
    }
}

#[tokio::test]
async fn tags_are_listed_page_by_page() {
    for server in Server::both().await {
        let (host, auth) = (server.host(), RegistryAuth::Anonymous);
        let client = client(&host);
        for tag in ["1.0", "1.1", "1.2", "1.3", "1.4"] {
            push(
                &client,
                &reference(&host, &format!("app:{tag}")),
                tag,
                &auth,
            )
            .await;
        }
        let at = reference(&host, "app");
        let all = client
            .list_tags(&at, &auth, None, None)
            .await
            .expect("tags");
        assert_eq!(all.name, "app");
        assert_eq!(all.tags, ["1.0", "1.1", "1.2", "1.3", "1.4"]);
        let mut pages = Vec::new();
        let mut last: Option<String> = None;
        loop {
            let page = client
                .list_tags(&at, &auth, Some(2), last.as_deref())
                .await
                .expect("a page");
            if page.tags.is_empty() {
                break;
            }
            last = page.tags.last().cloned();
            pages.push(page.tags.join(" "));
        }
        assert_eq!(pages, ["1.0 1.1", "1.2 1.3", "1.4"]);
        // One that is gone by now is still a place in the order.
        let behind = client.list_tags(&at, &auth, Some(9), Some("1.25")).await;
        assert_eq!(behind.expect("a page").tags, ["1.3", "1.4"]);
        let none = client.list_tags(&at, &auth, Some(0), None).await;
        assert_eq!(none.expect("a page").tags, [""; 0]);
    }
}

#[tokio::test]
async fn what_is_not_there_has_the_codes_of_the_specification() {
    for server in Server::both().await {
        let (host, auth) = (server.host(), RegistryAuth::Anonymous);
        let client = client(&host);
        let nowhere = reference(&host, "nobody/nothing:1.0");
        // Asking does not create it.
        for _ in 0..2 {
            let manifest = client.pull_manifest(&nowhere, &auth).await;
            assert_eq!(code(manifest), "NameUnknown");
            let tags = client.list_tags(&nowhere, &auth, None, None).await;
            assert_eq!(code(tags), "NameUnknown");
        }
        let app = reference(&host, "app:1.0");
        push(&client, &app, "1.0", &auth).await;
        let other = reference(&host, "app:2.0");
        let manifest = client.pull_manifest(&other, &auth).await;
        assert_eq!(code(manifest), "ManifestUnknown");
        let wrong = Digest::sha256(b"wrong").to_string();
        let refused = client.push_blob(&app, "contents", &wrong).await;
        assert!(refused.is_err(), "a blob has its digest");
    }
}

#[tokio::test]
async fn a_chunk_that_does_not_follow_and_a_manifest_without_its_parts_are_refused() {
    let demo = DemoRegistry::start().await.expect("a free port");
    let base = format!("http://{}/v2/app", demo.host());
    imagebot::http::install_crypto();
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let begun = http.post(format!("{base}/blobs/uploads/")).send().await;
    let begun = begun.expect("an answer");
    let location = begun.headers()["location"]
        .to_str()
        .expect("a path")
        .to_owned();
    let location = format!("http://{}{location}", demo.host());
    for (range, status) in [("0-2", 202), ("0-2", 416), ("7-9", 416), ("3-5", 202)] {
        let chunk = http
            .patch(&location)
            .header("content-range", range)
            .body("abc");
        assert_eq!(
            chunk.send().await.expect("an answer").status(),
            status,
            "{range}"
        );
    }
    let digest = Digest::sha256(b"abcabc");
    let done = http.put(format!("{location}?digest={digest}")).send().await;
    assert_eq!(done.expect("an answer").status(), 201);
    let other = Digest::sha256(b"other");
    for (config, status) in [(&digest, 201), (&other, 404)] {
        let manifest = serde_json::json!({"config": {"digest": config}, "layers": []});
        let put = http
            .put(format!("{base}/manifests/1.0"))
            .body(manifest.to_string());
        assert_eq!(put.send().await.expect("an answer").status(), status);
    }
    let bad = [
        (format!("{base}/manifests/1.0"), "no JSON", 400),
        (format!("{base}/manifests/-bad"), "{}", 400),
        (format!("{base}/manifests/{other}"), "{}", 400),
    ];
    for (url, body, status) in bad {
        let put = http.put(&url).body(body).send().await.expect("an answer");
        assert_eq!(put.status(), status, "{url}");
    }
    let deleted = http.delete(format!("{base}/manifests/1.0")).send().await;
    assert_eq!(deleted.expect("an answer").status(), 405);
}

#[tokio::test]
async fn a_saved_registry_has_the_same_bytes_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("registry.json");
    let demo = DemoRegistry::start().await.expect("a free port");
    let (host, auth) = (demo.host(), RegistryAuth::Anonymous);
    let at = reference(&host, "app:1.0");
    push(&client(&host), &at, "1.0", &auth).await;
    demo.save(&file).expect("saved");
    drop(demo);
    let _again = loop {
        // The port is free once the old server has ended.
        if let Ok(demo) = DemoRegistry::load(&file).await {
            break demo;
        }
        tokio::task::yield_now().await;
    };
    let pulled = client(&host)
        .pull(
            &at,
            &auth,
            vec![oci_client::manifest::IMAGE_LAYER_GZIP_MEDIA_TYPE],
        )
        .await
        .expect("the image");
    let (layers, config) = image("1.0");
    assert_eq!(pulled.layers[0].data, layers[0].data);
    assert_eq!(pulled.config.data, config.data);
}

#[tokio::test]
async fn the_fake_is_pushed_to_and_read_with_a_basic_or_a_bearer_login() {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    for bearer in [false, true] {
        let fake = FakeRegistry::start().await;
        fake.accept_pushes();
        if bearer {
            fake.want_token(&fake.url(), std::slice::from_ref(&pair));
        } else {
            fake.set_auth(Auth::Basic {
                pair: pair.clone(),
                challenges: vec!["Basic realm=\"fake\"".to_owned()],
            });
        }
        let host = fake.host().to_string();
        let at = reference(&host, "team/app:1.2");
        let login = |password: &str| RegistryAuth::Basic(USER.to_owned(), password.to_owned());
        push(&client(&host), &at, "1.2", &login(PASSWORD)).await;
        let tags = client(&host)
            .list_tags(&at, &login(PASSWORD), None, None)
            .await;
        assert_eq!(tags.expect("tags").tags, ["1.2"]);
        // A wrong password and none at all are refused, with a challenge each time.
        for auth in [login("wrong"), RegistryAuth::Anonymous] {
            let refused = client(&host).list_tags(&at, &auth, None, None).await;
            assert!(
                matches!(refused, Err(OciDistributionError::UnauthorizedError { .. })),
                "{refused:?}"
            );
        }
        let token = client(&host)
            .auth(&at, &login("wrong"), RegistryOperation::Pull)
            .await;
        assert_eq!(
            token.is_err(),
            bearer,
            "the token service refuses by itself"
        );
        let asked: Vec<String> = fake
            .take_log()
            .iter()
            .map(|request| request.line())
            .collect();
        let scope = "GET /token?scope=repository%3Ateam%2Fapp%3Apull%2Cpush&service=fake";
        assert_eq!(asked.iter().any(|line| line == scope), bearer, "{asked:#?}");
    }
}

#[tokio::test]
async fn the_demo_publishes_with_a_login_and_equal_input_gives_an_equal_image() {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let fake = FakeRegistry::start().await;
    fake.accept_pushes();
    fake.set_auth(Auth::Basic {
        pair,
        challenges: vec!["Basic realm=\"fake\"".to_owned()],
    });
    let host = fake.host().to_string();
    let login = Some((USER.to_owned(), PASSWORD.to_owned().into()));
    let publisher = Publisher::new(&host, login).expect("a publisher");
    let labels = BTreeMap::from([(
        "org.opencontainers.image.version".to_owned(),
        "1".to_owned(),
    )]);
    let layers = ["base".to_owned(), "own".to_owned()];
    let first = publisher
        .push("app", "1", &layers, &labels)
        .await
        .expect("pushed");
    let again = publisher
        .push("app", "2", &layers, &labels)
        .await
        .expect("pushed");
    assert_eq!(first, again);
    let at = reference(&host, "app:2");
    let auth = RegistryAuth::Basic(USER.to_owned(), PASSWORD.to_owned());
    let digest = client(&host).fetch_manifest_digest(&at, &auth).await;
    assert_eq!(digest.expect("a digest"), first.as_str());
    let nobody = Publisher::new(&host, None).expect("a publisher");
    let refused = nobody.push("app", "3", &layers, &labels).await;
    assert!(refused.is_err());
    assert!(!format!("{publisher:?}").contains(PASSWORD));
}
