//! Pushing images and indexes to Debian's `docker-registry` or to the fake: what CI does.

use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use super::fake_registry::{FakeRegistry, IMAGE, INDEX};
use imagebot::image::Digest;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::io::Read as _;
use std::sync::OnceLock;

/// A registry that tests push to.
pub(crate) enum Server {
    /// Debian's, open to everyone.
    Open(DockerRegistry),
    /// Debian's, with a login.
    Login(DockerRegistry),
    /// One that can be made to go wrong.
    Fake(FakeRegistry),
}

impl Server {
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Open(registry) | Self::Login(registry) => registry.address().to_string(),
            Self::Fake(fake) => fake.address().to_string(),
        }
    }

    pub(crate) fn fake(&self) -> &FakeRegistry {
        match self {
            Self::Fake(fake) => fake,
            _ => panic!("this registry cannot be made to go wrong"),
        }
    }

    /// Pushes an image for a platform; equal contents give an equal digest.
    pub(crate) async fn image(
        &self,
        path: &str,
        tag: Option<&str>,
        contents: &str,
        platform: &str,
    ) -> Digest {
        let (os, architecture) = platform.split_once('/').expect("os/architecture");
        let config = json!({"os": os, "architecture": architecture,
            "config": {"Labels": {"org.opencontainers.image.description": format!("holds {contents}")}},
            "rootfs": {"type": "layers", "diff_ids": [Digest::sha256(contents.as_bytes())]}});
        let config = self.blob(path, config.to_string().into_bytes()).await;
        let layer = self
            .blob(path, format!("layer {contents}").into_bytes())
            .await;
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.0, "size": config.1},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer.0, "size": layer.1}]});
        self.manifest(path, tag, IMAGE, &manifest).await
    }

    /// Pushes an index of images that are there; `note` changes nothing but the index itself.
    pub(crate) async fn index(
        &self,
        path: &str,
        tag: &str,
        images: &[(&str, &Digest)],
        note: &str,
    ) -> Digest {
        let entries: Vec<Value> = images
            .iter()
            .map(|(platform, digest)| {
                let (os, architecture) = platform.split_once('/').expect("os/architecture");
                json!({"mediaType": IMAGE, "digest": digest, "size": 2,
                    "platform": {"os": os, "architecture": architecture}})
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries,
            "annotations": {"note": note}});
        self.manifest(path, Some(tag), INDEX, &index).await
    }

    /// Pushes an image again under its tag with its layers in another compression: the same content.
    pub(crate) async fn compress_anew(&self, path: &str, tag: &str) {
        let url = |below: &str| format!("http://{}/v2/{path}/{below}", self.host());
        let get = async |below: String| {
            let got = reqwest::Client::builder().no_proxy().build();
            let got = got.expect("a client").get(url(&below));
            let got = got.header("accept", IMAGE).send().await;
            got.expect("an answer").bytes().await.expect("a body")
        };
        let manifest = get(format!("manifests/{tag}")).await;
        let mut manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
        for layer in manifest["layers"].as_array_mut().expect("layers") {
            let digest = layer["digest"].as_str().expect("a digest");
            let stored = get(format!("blobs/{digest}")).await;
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&stored[..])
                .read_to_end(&mut plain)
                .expect("gzip");
            let level = flate2::Compression::none();
            let mut anew = Vec::new();
            flate2::read::GzEncoder::new(&plain[..], level)
                .read_to_end(&mut anew)
                .expect("gzip");
            let (digest, size) = self.blob(path, anew).await;
            layer["digest"] = digest.as_str().into();
            layer["size"] = size.into();
        }
        self.manifest(path, Some(tag), IMAGE, &manifest).await;
    }

    async fn blob(&self, path: &str, contents: Vec<u8>) -> (Digest, usize) {
        let (digest, size) = (Digest::sha256(&contents), contents.len());
        if let Self::Fake(fake) = self {
            fake.push_blob(path, contents);
            return (digest, size);
        }
        let url = format!("http://{}/v2/{path}/blobs/uploads/", self.host());
        let begun = self.send(Method::POST, &url, "", Vec::new()).await;
        assert_eq!(begun.status(), StatusCode::ACCEPTED);
        let location = begun.headers()["location"].to_str().expect("a URL");
        let url = format!("{location}&digest={digest}");
        let done = self
            .send(Method::PUT, &url, "application/octet-stream", contents)
            .await;
        assert_eq!(done.status(), StatusCode::CREATED);
        (digest, size)
    }

    async fn manifest(
        &self,
        path: &str,
        tag: Option<&str>,
        media_type: &str,
        manifest: &Value,
    ) -> Digest {
        let body = manifest.to_string().into_bytes();
        let digest = Digest::sha256(&body);
        if let Self::Fake(fake) = self {
            return fake.push_manifest(path, tag, media_type, body);
        }
        let reference = tag.unwrap_or(digest.as_str());
        let url = format!("http://{}/v2/{path}/manifests/{reference}", self.host());
        let put = self.send(Method::PUT, &url, media_type, body).await;
        let status = put.status();
        assert_eq!(
            status,
            StatusCode::CREATED,
            "{:?}",
            put.text().await.unwrap_or_default()
        );
        digest
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> reqwest::Response {
        let mut request = client()
            .request(method, url)
            .header("content-type", media_type)
            .body(body);
        if let Self::Login(_) = self {
            request = request.basic_auth(USER, Some(PASSWORD));
        }
        // Everything that is pushed may be pushed again; a registry that has just begun may hang up once.
        let again = request.try_clone().expect("a body in memory");
        match request.send().await {
            Ok(answer) => answer,
            Err(_) => again.send().await.expect("the registry answers"),
        }
    }
}

/// Making one takes longer than what it is used for. It keeps no connection, since each test has a runtime of its own.
fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        imagebot::http::install_crypto();
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
        client.build().expect("a client")
    })
}
