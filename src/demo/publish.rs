//! Pushing a small image to a registry: what CI does, and imagebot never.

use crate::http::{
    Addresses, Client, Clock, Gates, HttpError, Policy, Request, Transport, TransportSettings,
};
use crate::image::Digest;
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use url::Url;

/// Pushes to one registry over plain http.
#[derive(Debug, Clone)]
pub struct Publisher {
    base: Url,
    client: Client,
    login: Option<(String, SecretString)>,
}

/// Why nothing was pushed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The registry cannot be reached.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The registry said no.
    #[error("the registry answered {0} to {1}")]
    Refused(u16, &'static str),
    /// A URL could not be put together.
    #[error("{0}")]
    Url(#[from] url::ParseError),
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

impl Publisher {
    /// A publisher for a registry that speaks plain http, with a login if it asks for one.
    pub fn new(host: &str, login: Option<(String, SecretString)>) -> Result<Self, PublishError> {
        let settings = TransportSettings {
            ca_file: None,
            without_roots: true,
            addresses: Addresses::any(),
            proxy: false,
            policy: Policy::default(),
        };
        let client =
            Client::new(Transport::new(&settings)?, Gates::new(), Clock::system()).plain_http(true);
        Ok(Self {
            base: Url::parse(&format!("http://{host}/"))?,
            client,
            login,
        })
    }

    /// Pushes an image of these layers; the digest of its manifest. Equal input gives an equal image.
    pub async fn push(
        &self,
        name: &str,
        tag: &str,
        layers: &[String],
        labels: &BTreeMap<String, String>,
    ) -> Result<Digest, PublishError> {
        let diff_ids: Vec<String> = layers
            .iter()
            .map(|layer| Digest::sha256(layer.as_bytes()).to_string())
            .collect();
        let config = serde_json::json!({
            "architecture": "amd64",
            "os": "linux",
            "config": { "Labels": labels },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string();
        let mut descriptors = Vec::new();
        for layer in layers {
            descriptors.push(self.blob(name, LAYER, layer).await?);
        }
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(name, CONFIG, &config).await?,
            "layers": descriptors,
        });
        let manifest = manifest.to_string();
        let url = self.base.join(&format!("v2/{name}/manifests/{tag}"))?;
        self.send(Method::PUT, url, MANIFEST, manifest.clone(), "a manifest")
            .await?;
        Ok(Digest::sha256(manifest.as_bytes()))
    }

    async fn blob(
        &self,
        name: &str,
        media_type: &str,
        contents: &str,
    ) -> Result<serde_json::Value, PublishError> {
        let digest = Digest::sha256(contents.as_bytes());
        let url = self.base.join(&format!("v2/{name}/blobs/uploads/"))?;
        let location = self
            .send(
                Method::POST,
                url,
                "application/octet-stream",
                String::new(),
                "an upload",
            )
            .await?;
        let mut url = self.base.join(&location)?;
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        self.send(
            Method::PUT,
            url,
            "application/octet-stream",
            contents.to_owned(),
            "a blob",
        )
        .await?;
        Ok(serde_json::json!({ "mediaType": media_type, "digest": digest, "size": contents.len() }))
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        media_type: &str,
        body: String,
        what: &'static str,
    ) -> Result<String, PublishError> {
        let mut request = Request {
            method,
            body: Some(Bytes::from(body)),
            ..Request::get(url, 1 << 20)
        }
        .header(CONTENT_TYPE, media_type);
        if let Some((user, password)) = &self.login {
            use base64::Engine as _;
            let pair = format!("{user}:{}", password.expose_secret());
            let basic = format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            );
            if let Ok(value) = HeaderValue::from_str(&basic) {
                request = request.authorization(value);
            }
        }
        let response = self.client.send(request).await?;
        if !response.status.is_success() {
            return Err(PublishError::Refused(response.status.as_u16(), what));
        }
        Ok(response.header("location").unwrap_or_default().to_owned())
    }
}
