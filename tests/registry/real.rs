//! The client against a registry that was not written for it.

use crate::bench::{Bench, names, tag};
use crate::docker_registry::{DockerRegistry, PASSWORD, USER};
use imagebot::http::Limits;
use imagebot::image::{Digest, ImageName, RegistryHost};
use imagebot::registry::{
    Anonymous, Credentials, HostSettings, Login, ManifestContent, RegistryCredential,
};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

struct Pusher {
    client: Client,
    base: String,
    with_login: bool,
}

impl Pusher {
    fn new(registry: &DockerRegistry, with_login: bool) -> Self {
        imagebot::http::install_crypto();
        Self {
            client: Client::builder().no_proxy().build().expect("a client"),
            base: format!("http://{}/v2", registry.address()),
            with_login,
        }
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> reqwest::Response {
        let mut request = self
            .client
            .request(method, url)
            .header("content-type", media_type)
            .body(body);
        if self.with_login {
            request = request.basic_auth(USER, Some(PASSWORD));
        }
        request.send().await.expect("the registry answers")
    }

    async fn blob(&self, path: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let begun = self
            .send(
                Method::POST,
                &format!("{}/{path}/blobs/uploads/", self.base),
                "",
                Vec::new(),
            )
            .await;
        assert_eq!(begun.status(), StatusCode::ACCEPTED);
        let location = begun.headers()["location"]
            .to_str()
            .expect("a URL")
            .to_owned();
        let url = format!("{location}&digest={digest}");
        let done = self
            .send(
                Method::PUT,
                &url,
                "application/octet-stream",
                content.to_vec(),
            )
            .await;
        assert_eq!(done.status(), StatusCode::CREATED);
        digest
    }

    async fn image(&self, path: &str, tags: &[&str], version: &str) -> Digest {
        let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []},
            "config": {"Labels": {"org.opencontainers.image.version": version}}});
        let config = config.to_string().into_bytes();
        let layer = format!("layer {version}").into_bytes();
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": self.blob(path, &config).await.as_str()},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": layer.len(), "digest": self.blob(path, &layer).await.as_str()}]});
        let manifest = manifest.to_string().into_bytes();
        for tag in tags {
            let url = format!("{}/{path}/manifests/{tag}", self.base);
            let put = self
                .send(Method::PUT, &url, MANIFEST, manifest.clone())
                .await;
            assert_eq!(put.status(), StatusCode::CREATED);
        }
        Digest::sha256(&manifest)
    }
}

fn host(registry: &DockerRegistry) -> RegistryHost {
    RegistryHost::parse(&registry.address().to_string()).expect("a host")
}

fn bench(registry: &DockerRegistry) -> Bench {
    let limits = Limits {
        concurrency: 8,
        rate: None,
    };
    Bench::new(vec![HostSettings {
        plain_http: true,
        limits,
        ..HostSettings::new(host(registry))
    }])
}

fn image(registry: &DockerRegistry, path: &str) -> ImageName {
    ImageName::parse(&format!("{}/{path}", registry.address())).expect("a name")
}

#[tokio::test]
async fn docker_registry_open_to_everyone() {
    let Some(registry) = DockerRegistry::start(false) else {
        return;
    };
    let digest = Pusher::new(&registry, false)
        .image("team/app", &["1.9", "1.10", "latest"], "1.10")
        .await;
    let bench = bench(&registry);
    let app = image(&registry, "team/app");
    let tags = bench.tags(&app, None).await.expect("tags");
    let mut found = names(&tags);
    found.sort_unstable();
    assert_eq!(found, ["1.10", "1.9", "latest"]);
    let head = bench.head(&app, &tag("1.10")).await;
    assert_eq!(
        (&head.digest, head.media_type.as_str()),
        (&digest, MANIFEST)
    );
    let manifest = bench.manifest(&app, &tag("1.10")).await;
    assert_eq!(manifest.digest, digest);
    let ManifestContent::Image(content) = &manifest.content else {
        panic!("{manifest:?}")
    };
    let config = bench.config(&app, &content.config).await;
    assert_eq!(config.version(), Some("1.10"));
    // The second time the tag is asked with its validator, and the registry answers 304 without a body.
    let kept = |bench: &Bench| {
        bench
            .store
            .lock()
            .expect("the store")
            .values()
            .filter(|kept| kept.etag.is_some())
            .count()
    };
    assert_eq!(kept(&bench), 1);
    let again = bench.manifest(&app, &tag("1.10")).await;
    assert_eq!(again, manifest);
    assert_eq!(
        bench.registries.head(&app, None, &tag("none")).await,
        Ok(None)
    );
    assert_eq!(
        bench.tags_code(&image(&registry, "team/none"), None).await,
        "not-found"
    );
    let steps = bench
        .registries
        .doctor(goal(&host(&registry), Some(&app)), None)
        .await;
    assert_eq!(
        steps.last().map(|step| (step.name, step.help.is_none())),
        Some(("manifest", true))
    );
}

#[tokio::test]
async fn docker_registry_answers_304_to_the_validator_that_is_kept() {
    let Some(registry) = DockerRegistry::start(false) else {
        return;
    };
    Pusher::new(&registry, false)
        .image("app", &["1"], "1")
        .await;
    let bench = bench(&registry);
    let app = image(&registry, "app");
    assert!(
        bench
            .registries
            .manifest(&app, None, &tag("1"))
            .await
            .is_ok()
    );
    let etag = bench
        .store
        .lock()
        .expect("the store")
        .values()
        .find_map(|kept| kept.etag.clone())
        .expect("a validator");
    let url = format!("http://{}/v2/app/manifests/1", registry.address());
    let request = Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .get(url);
    let response = request
        .header("accept", MANIFEST)
        .header("if-none-match", etag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn docker_registry_with_a_login() {
    let Some(registry) = DockerRegistry::start(true) else {
        return;
    };
    let digest = Pusher::new(&registry, true).image("app", &["1"], "1").await;
    let bench = bench(&registry);
    let app = image(&registry, "app");
    let login = |password: &str| Login {
        id: format!("with {} characters", password.len()),
        host: host(&registry),
        origin: "a test".to_owned(),
        credentials: Credentials::known(RegistryCredential::password(USER, password.into())),
        anonymous: Anonymous::Never,
    };
    assert_eq!(bench.tags_code(&app, None).await, "unauthorized");
    let error = bench
        .tags(&app, Some(&login("CANARY-wrong")))
        .await
        .expect_err("a wrong password");
    assert_eq!(error.code(), "unauthorized");
    let right = login(PASSWORD);
    assert_eq!(
        bench
            .tags(&app, Some(&right))
            .await
            .expect("tags")
            .tags
            .len(),
        1
    );
    let head = bench
        .registries
        .head(&app, Some(&right), &tag("1"))
        .await
        .expect("an answer")
        .expect("a manifest");
    assert_eq!(head.digest, digest);
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
