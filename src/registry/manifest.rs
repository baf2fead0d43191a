//! Parses manifests.
//!
//! The media types are `oci-client`'s constants. Its manifest types are not suitable: they want a `schemaVersion`, a
//! size and a media type for every descriptor, which some registries leave out, and they read a document that is both
//! an index and an image as an image (CVE-2021-41190).

use crate::image::{Digest, Platform};
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use std::collections::BTreeMap;

/// The media types of the manifests that can be read: the request must name all four, or some registries convert the
/// manifest, which changes its digest.
pub(super) const MEDIA_TYPES: [&str; 4] = [
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
];

/// The most entries of an index.
const MOST_ENTRIES: usize = 4096;

/// A manifest whose bytes have the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The digest of the bytes, computed here.
    pub digest: Digest,
    /// The media type, one of the four of images and indexes.
    pub media_type: String,
    /// The parsed content.
    pub content: ManifestContent,
}

/// The two kinds of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestContent {
    /// A list of manifests, one for each platform.
    Index(Index),
    /// One image.
    Image(Image),
}

/// An index: an image for several platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The entries, in order.
    pub entries: Vec<IndexEntry>,
    /// The index's own annotations.
    pub annotations: BTreeMap<String, String>,
}

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The digest of the manifest.
    pub digest: Digest,
    /// Its size in bytes, according to the index.
    pub size: u64,
    /// The platform, if one is named.
    pub platform: Option<Platform>,
    /// The version of the operating system, which distinguishes entries for Windows.
    pub os_version: Option<String>,
    /// Its kind.
    pub kind: IndexEntryKind,
    /// For an attestation: the digest of the image that it is about, if the index names it.
    pub about: Option<Digest>,
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexEntryKind {
    /// An image that runs on a platform.
    Image,
    /// A statement about an image (BuildKit's provenance, bills of material); it does not run.
    Attestation,
    /// An index in the index; it is not followed.
    Index,
    /// Anything else.
    Other,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The digest of the configuration.
    pub config: Digest,
    /// The digests of the layers, the lowest first.
    pub layers: Vec<Digest>,
    /// The size of the layers in bytes, compressed, according to the manifest.
    pub size: u64,
    /// The annotations.
    pub annotations: BTreeMap<String, String>,
    /// The manifest that this one is about (image specification, "subject").
    pub subject: Option<Digest>,
    /// The layers that are statements.
    pub statements: Vec<Statement>,
}

/// A statement in the in-toto format, kept as a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The digest of the blob.
    pub digest: Digest,
    /// The kind of statement: the URI of its predicate's type.
    pub predicate: Option<String>,
}

impl Index {
    /// The entries that run on a platform.
    pub fn images(&self) -> impl Iterator<Item = &IndexEntry> {
        self.entries
            .iter()
            .filter(|entry| entry.kind == IndexEntryKind::Image)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: Option<String>,
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<RawPlatform>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(serde::Deserialize)]
struct RawPlatform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    #[serde(rename = "os.version")]
    os_version: Option<String>,
}

/// Reads a manifest that was announced as `media_type`; the error describes what is wrong with it.
pub(super) fn read(media_type: &str, body: &[u8]) -> Result<ManifestContent, String> {
    // The parser's message would quote the body.
    let raw: Raw = serde_json::from_slice(body).map_err(|_| "it is not a manifest".to_owned())?;
    if raw
        .media_type
        .as_deref()
        .is_some_and(|own| own != media_type)
    {
        return Err("its mediaType differs from its Content-Type".to_owned());
    }
    let annotations = raw.annotations.unwrap_or_default();
    let is_index = MEDIA_TYPES[..2].contains(&media_type);
    // A document that is both could be read in two ways (CVE-2021-41190).
    match (is_index, raw.manifests, raw.config, raw.layers) {
        (true, Some(entries), None, None) => {
            if entries.len() > MOST_ENTRIES {
                return Err(format!("its index has more than {MOST_ENTRIES} entries"));
            }
            let entries: Result<_, _> = entries.into_iter().map(entry).collect();
            Ok(ManifestContent::Index(Index {
                entries: entries?,
                annotations,
            }))
        }
        (false, None, Some(config), Some(layers)) => {
            let digests: Result<_, _> = layers.iter().map(digest).collect();
            let sizes = layers.iter().map(|layer| layer.size);
            let size = sizes.fold(0, u64::saturating_add);
            Ok(ManifestContent::Image(Image {
                config: digest(&config)?,
                layers: digests?,
                size,
                annotations,
                subject: raw
                    .subject
                    .as_ref()
                    .and_then(|subject| digest(subject).ok()),
                statements: layers.into_iter().filter_map(statement).collect(),
            }))
        }
        _ => Err("it does not match its media type".to_owned()),
    }
}

fn digest(descriptor: &Descriptor) -> Result<Digest, String> {
    Digest::parse(&descriptor.digest).map_err(|error| error.to_string())
}

fn statement(layer: Descriptor) -> Option<Statement> {
    let is_statement = layer.media_type.as_deref() == Some("application/vnd.in-toto+json");
    let mut annotations = layer.annotations.unwrap_or_default();
    Some(Statement {
        digest: Digest::parse(&layer.digest).ok().filter(|_| is_statement)?,
        predicate: annotations.remove("in-toto.io/predicate-type"),
    })
}

fn entry(descriptor: Descriptor) -> Result<IndexEntry, String> {
    let digest = digest(&descriptor)?;
    let platform = descriptor.platform.as_ref().and_then(|raw| {
        Platform::new(
            raw.os.as_deref()?,
            raw.architecture.as_deref()?,
            raw.variant.as_deref(),
        )
    });
    let unknown = platform
        .as_ref()
        .is_some_and(|platform| platform.as_str().starts_with("unknown/"));
    let annotation = |name: &str| descriptor.annotations.as_ref()?.get(name);
    let attests = annotation("vnd.docker.reference.type").is_some();
    let about = annotation("vnd.docker.reference.digest");
    let about = about.and_then(|text| Digest::parse(text).ok());
    let kind = match descriptor.media_type.as_deref() {
        _ if attests || unknown => IndexEntryKind::Attestation,
        Some(media_type) if MEDIA_TYPES[..2].contains(&media_type) => IndexEntryKind::Index,
        Some(media_type) if MEDIA_TYPES[2..].contains(&media_type) => IndexEntryKind::Image,
        _ => IndexEntryKind::Other,
    };
    Ok(IndexEntry {
        digest,
        size: descriptor.size,
        platform: platform.filter(|_| !unknown),
        os_version: descriptor.platform.and_then(|raw| raw.os_version),
        kind,
        about: about.filter(|_| kind == IndexEntryKind::Attestation),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(media_type: &str, body: serde_json::Value) -> Result<ManifestContent, String> {
        read(media_type, body.to_string().as_bytes())
    }

    #[test]
    fn reads_an_index_and_its_attestations() {
        let digest = Digest::sha256(b"x");
        let image = json!({"mediaType": MEDIA_TYPES[2], "digest": digest.as_str(), "size": 7,
            "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}});
        let attestation = json!({"mediaType": MEDIA_TYPES[2], "digest": digest.as_str(), "size": 7,
            "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            "platform": {"os": "unknown", "architecture": "unknown"}});
        let nested = json!({"mediaType": MEDIA_TYPES[0], "digest": digest.as_str(), "size": 7});
        let content = check(
            MEDIA_TYPES[0],
            json!({"schemaVersion": 2, "manifests": [image, attestation, nested]}),
        );
        let Ok(ManifestContent::Index(index)) = content else {
            panic!("{content:?}")
        };
        let kinds: Vec<IndexEntryKind> = index.entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(
            kinds,
            [
                IndexEntryKind::Image,
                IndexEntryKind::Attestation,
                IndexEntryKind::Index
            ]
        );
        assert_eq!(index.images().count(), 1);
        assert_eq!(
            index.entries[0].platform,
            Platform::parse("linux/arm64").ok()
        );
        assert_eq!(index.entries[1].platform, None);
    }

    #[test]
    fn t26_refuses_what_is_no_manifest() {
        let digest = Digest::sha256(b"x");
        let descriptor = json!({"digest": digest.as_str()});
        let image = json!({"config": descriptor, "layers": [descriptor]});
        assert!(check(MEDIA_TYPES[2], image.clone()).is_ok());
        for (media_type, body) in [
            (MEDIA_TYPES[0], image.clone()),
            (
                MEDIA_TYPES[2],
                json!({"mediaType": MEDIA_TYPES[3], "config": descriptor, "layers": []}),
            ),
            (
                MEDIA_TYPES[2],
                json!({"config": descriptor, "layers": [], "manifests": []}),
            ),
            (
                MEDIA_TYPES[2],
                json!({"config": {"digest": "sha256:../../etc/passwd"}, "layers": []}),
            ),
            (
                MEDIA_TYPES[0],
                json!({"manifests": vec![descriptor; MOST_ENTRIES + 1]}),
            ),
            (MEDIA_TYPES[0], json!({"manifests": 1})),
            (MEDIA_TYPES[0], json!([])),
        ] {
            assert!(check(media_type, body.clone()).is_err());
        }
        assert!(read(MEDIA_TYPES[0], "[".repeat(100_000).as_bytes()).is_err());
    }
}
