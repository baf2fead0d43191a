//! The configuration of an image.

use super::endpoint::Endpoint;
use super::{Kept, Login, RegistryError, blob};
use crate::image::{Digest, Platform};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most bytes of a configuration.
const MOST_BYTES: usize = 4 << 20;

/// What an image's configuration says about its origin and its contents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// The labels. They are claims of the author, and a label that is not set again is inherited from the parent.
    pub labels: BTreeMap<String, String>,
    /// The creation time in the image; reproducible builds write 1970.
    pub created: Option<Timestamp>,
    /// The platform it runs on.
    pub platform: Option<Platform>,
    /// The digests of the layers' uncompressed content, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// The variables of the environment, `NAME=value`.
    pub env: Vec<String>,
    /// The other settings for running it, by the keys of the image specification: each value as JSON, empty ones
    /// left out.
    pub settings: BTreeMap<String, String>,
    /// The steps that made it, first one first.
    pub history: Vec<History>,
}

/// A step that made an image, as its builder recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub struct History {
    /// The command.
    pub created_by: Option<String>,
    /// The time, as it is written.
    pub created: Option<String>,
    /// Whether it made no layer.
    pub empty_layer: Option<bool>,
}

impl ImageConfig {
    /// The source repository: `org.opencontainers.image.source`.
    pub fn source(&self) -> Option<&str> {
        self.label("source")
    }

    /// A page about it: `org.opencontainers.image.url`.
    pub fn url(&self) -> Option<&str> {
        self.label("url")
    }

    /// A description: `org.opencontainers.image.description`.
    pub fn description(&self) -> Option<&str> {
        self.label("description")
    }

    /// The version of the packaged software: `org.opencontainers.image.version`.
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
    let key = endpoint.key("blob", login, path, digest.as_str());
    let kept = endpoint.validators.get(&key).map(|kept| kept.body);
    if let Some(body) = kept.filter(|body| digest.matches(body)) {
        return read(endpoint, &body).map(Some);
    }
    let Some(body) = blob::get(endpoint, path, login, digest, MOST_BYTES).await? else {
        return Ok(None);
    };
    let config = read(endpoint, &body)?;
    endpoint.validators.put(&key, Kept::content(body));
    Ok(Some(config))
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
        history: Option<Vec<History>>,
    }
    #[derive(Default, serde::Deserialize)]
    struct Inner {
        #[serde(rename = "Labels")]
        labels: Option<BTreeMap<String, String>>,
        #[serde(rename = "Env")]
        env: Option<Vec<String>>,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(serde::Deserialize)]
    struct Rootfs {
        diff_ids: Option<Vec<Digest>>,
    }
    let raw: Raw = serde_json::from_slice(body).map_err(|_| RegistryError::Malformed {
        host: endpoint.settings.host.clone(),
        why: "its configuration cannot be read".to_owned(),
    })?;
    let inner = raw.config.unwrap_or_default();
    Ok(ImageConfig {
        labels: inner.labels.unwrap_or_default(),
        env: inner.env.unwrap_or_default(),
        settings: settings(inner.rest),
        history: raw.history.unwrap_or_default(),
        created: raw.created.and_then(|created| created.parse().ok()),
        platform: raw.os.zip(raw.architecture).and_then(|(os, architecture)| {
            Platform::new(&os, &architecture, raw.variant.as_deref())
        }),
        diff_ids: raw.rootfs.and_then(|r| r.diff_ids).unwrap_or_default(),
    })
}

/// The settings that a child inherits. Docker writes many more, about the container of the build.
fn settings(all: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    const KEYS: [&str; 10] = [
        "User",
        "ExposedPorts",
        "Entrypoint",
        "Cmd",
        "Volumes",
        "WorkingDir",
        "StopSignal",
        "Shell",
        "OnBuild",
        "Healthcheck",
    ];
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    };
    let known = all.into_iter().filter(|(key, value)| {
        let is_known = KEYS.contains(&key.as_str());
        is_known && !is_empty(value)
    });
    known.map(|(key, value)| (key, value.to_string())).collect()
}
