//! Pushes a small image to a registry: what CI does, and imagebot never. The client is `oci-client`'s, so that the
//! demo's registry is also tested by code that was not written for it.

use crate::http::{Addresses, HttpError, HttpPolicy, Transport, TransportSettings};
use crate::image::Digest;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, ParseError, Reference};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::time::Duration;

/// Pushes to one registry over plain http.
#[derive(Clone)]
pub struct Publisher {
    host: String,
    client: Client,
    auth: RegistryAuth,
}

/// Why an image was not pushed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No HTTP client can be created.
    #[error(
        "{0}\nhelp: install the CA certificates (Debian: ca-certificates); the demo makes no outside connection, but its client needs them"
    )]
    Http(#[from] HttpError),
    /// The registry cannot be reached, or refused the image.
    #[error("{0}")]
    Registry(#[from] OciDistributionError),
    /// The image's name is invalid.
    #[error("{0}")]
    Reference(#[from] ParseError),
    /// The manifest cannot be written.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Publisher {
    /// A publisher for a registry that speaks plain http, with a login if it asks for one.
    pub fn new(host: &str, login: Option<(String, SecretString)>) -> Result<Self, PublishError> {
        // `oci-client` panics on a system without CA certificates, even for plain HTTP; here it becomes an error.
        Transport::new(&TransportSettings {
            ca_file: None,
            without_roots: false,
            addresses: Addresses::any(),
            proxy: false,
            policy: HttpPolicy::default(),
        })?;
        let config = ClientConfig {
            protocol: ClientProtocol::HttpsExcept(vec![host.to_owned()]),
            // This proxy is never used: without the setting, the environment's would be used even for loopback.
            http_proxy: Some("http://127.0.0.1:9".to_owned()),
            no_proxy: Some(
                host.rsplit_once(':')
                    .map_or(host, |(name, _)| name)
                    .to_owned(),
            ),
            connect_timeout: Some(Duration::from_secs(10)),
            read_timeout: Some(Duration::from_secs(60)),
            platform_resolver: None,
            ..ClientConfig::default()
        };
        let auth = login.map_or(RegistryAuth::Anonymous, |(user, password)| {
            RegistryAuth::Basic(user, password.expose_secret().to_owned())
        });
        Ok(Self {
            host: host.to_owned(),
            // `Client::new` would fall back to its defaults without an error.
            client: Client::try_from(config)?,
            auth,
        })
    }

    /// Pushes an image with these layers and returns the digest of its manifest. Equal input gives an equal image.
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
        let config = Config::oci_v1(config.to_string(), None);
        let layers: Vec<ImageLayer> = layers
            .iter()
            .map(|layer| ImageLayer::oci_v1(layer.clone(), None))
            .collect();
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            ..OciImageManifest::build(&layers, &config, None)
        };
        let image: Reference = format!("{}/{name}:{tag}", self.host).parse()?;
        let client = &self.client;
        client.store_auth_if_needed(&self.host, &self.auth).await;
        for (layer, descriptor) in layers.iter().zip(&manifest.layers) {
            client
                .push_blob(&image, layer.data.clone(), &descriptor.digest)
                .await?;
        }
        client
            .push_blob(&image, config.data, &manifest.config.digest)
            .await?;
        // The bytes are made here, so that the digest is known without another request.
        let manifest = serde_json::to_vec(&manifest)?;
        let digest = Digest::sha256(&manifest);
        let media_type = HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE);
        client
            .push_manifest_raw(&image, manifest, media_type)
            .await?;
        Ok(digest)
    }
}
