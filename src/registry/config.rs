//! The configuration of an image: a blob, which registries like to hand to another host.

use super::endpoint::{Endpoint, MOST_REDIRECTS, is_redirect};
use super::{Kept, Login, RegistryError, answer};
use crate::http::{Origin, Request, Response, redirect_target};
use crate::image::{Digest, Platform};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The most bytes of a configuration.
const MOST_BYTES: usize = 4 << 20;

/// What an image's configuration says of where it comes from and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// The labels. They are their author's word, and one that is not set anew is its parent's.
    pub labels: BTreeMap<String, String>,
    /// When the image says it was made; reproducible builds say 1970.
    pub created: Option<Timestamp>,
    /// The platform it runs on.
    pub platform: Option<Platform>,
    /// The digests of the layers' uncompressed content, the lowest first.
    pub diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// Where the source is: `org.opencontainers.image.source`.
    pub fn source(&self) -> Option<&str> {
        self.label("source")
    }

    /// Where to read more: `org.opencontainers.image.url`.
    pub fn url(&self) -> Option<&str> {
        self.label("url")
    }

    /// What it is: `org.opencontainers.image.description`.
    pub fn description(&self) -> Option<&str> {
        self.label("description")
    }

    /// The version of what is packed: `org.opencontainers.image.version`.
    pub fn version(&self) -> Option<&str> {
        self.label("version")
    }

    /// The commit that it was built from: `org.opencontainers.image.revision`.
    pub fn revision(&self) -> Option<&str> {
        self.label("revision")
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .get(&format!("org.opencontainers.image.{name}"))
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

pub(super) async fn get(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    digest: &Digest,
) -> Result<Option<ImageConfig>, RegistryError> {
    let host = &endpoint.settings.host;
    let key = endpoint.key("blob", login, path, digest.as_str());
    let kept = endpoint.validators.get(&key).map(|kept| kept.body);
    if let Some(body) = kept.filter(|body| digest.matches(body)) {
        return read(endpoint, &body).map(Some);
    }
    let response = fetch(endpoint, path, login, digest).await?;
    match response.status.as_u16() {
        200 => {}
        404 => return Ok(None),
        _ => return Err(answer::failure(host, login.is_none(), &response)),
    }
    if !digest.matches(&response.body) {
        return Err(RegistryError::DigestMismatch {
            host: host.clone(),
            expected: digest.to_string(),
            found: Digest::sha256(&response.body),
        });
    }
    let config = read(endpoint, &response.body)?;
    let kept = Kept {
        etag: None,
        media_type: None,
        next: None,
        body: response.body,
    };
    endpoint.validators.put(&key, kept);
    Ok(Some(config))
}

/// Follows the registry's redirects to where the blob is. Off the registry's origin nobody is told who asks, not
/// even when a further redirect leads back.
async fn fetch(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    digest: &Digest,
) -> Result<Response, RegistryError> {
    let refused = |why: String| RegistryError::RedirectRefused {
        host: endpoint.settings.host.clone(),
        to: None,
        why,
    };
    let mut url = endpoint.url(&format!("{path}/blobs/{digest}"));
    let mut at_home = true;
    for _ in 0..=MOST_REDIRECTS {
        let request = Request::get(url.clone(), MOST_BYTES);
        let response = if at_home {
            endpoint.ask(path, login, &request).await?
        } else {
            endpoint.send(request).await?
        };
        if !is_redirect(&response) {
            return Ok(response);
        }
        url = redirect_target(&response.url, response.header("location"))
            .map_err(|error| refused(error.to_string()))?;
        at_home &= Origin::of(&url).as_ref() == Some(&endpoint.origin);
    }
    Err(refused(format!("more than {MOST_REDIRECTS} in a row")))
}

fn read(endpoint: &Endpoint, body: &Bytes) -> Result<ImageConfig, RegistryError> {
    #[derive(serde::Deserialize)]
    struct Raw {
        created: Option<String>,
        os: Option<String>,
        architecture: Option<String>,
        variant: Option<String>,
        config: Option<Inner>,
        rootfs: Option<Rootfs>,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        #[serde(rename = "Labels")]
        labels: Option<BTreeMap<String, String>>,
    }
    #[derive(serde::Deserialize)]
    struct Rootfs {
        diff_ids: Option<Vec<Digest>>,
    }
    let raw: Raw = serde_json::from_slice(body).map_err(|_| RegistryError::Malformed {
        host: endpoint.settings.host.clone(),
        why: "its configuration cannot be read".to_owned(),
    })?;
    Ok(ImageConfig {
        labels: raw.config.and_then(|c| c.labels).unwrap_or_default(),
        created: raw.created.and_then(|created| created.parse().ok()),
        platform: raw.os.zip(raw.architecture).and_then(|(os, architecture)| {
            Platform::new(&os, &architecture, raw.variant.as_deref())
        }),
        diff_ids: raw.rootfs.and_then(|r| r.diff_ids).unwrap_or_default(),
    })
}
