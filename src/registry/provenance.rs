//! BuildKit's provenance: which images took part in a build.
//!
//! BuildKit puts it into the index beside the image that it is about, as a manifest whose layers are statements in the
//! in-toto format, also in the newer form of an OCI artifact with a subject. A statement names every image of the
//! build, including the frontend and those of other stages. It is not signed: it is a claim of the builder, as a label
//! is.
//!
//! Not here: referrers and cosign's tags, which hold signed copies of the same, and envelopes around statements.

use super::endpoint::Endpoint;
use super::manifest::{Index, IndexEntryKind, ManifestContent};
use super::manifests::{self, ManifestReference};
use super::{Kept, Login, RegistryError, blob};
use crate::image::{Digest, Reference};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// The largest statement, in bytes: BuildKit has the same limit for its own.
const MOST_BYTES: usize = 40 << 20;
/// The most attestations of an index that are read, and the most images of a statement that are kept.
const MOST: usize = 1000;

/// The contents of a provenance statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance {
    /// The images that took part, in the statement's order, each with the digest that was used, and with a tag if it
    /// was named with one.
    pub images: Vec<Reference>,
}

pub(super) async fn get(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    index: &Index,
    about: &Digest,
) -> Result<Option<Provenance>, RegistryError> {
    let attestations = index.entries.iter().filter(|entry| {
        let speaks = entry.about.as_ref().is_none_or(|found| found == about);
        entry.kind == IndexEntryKind::Attestation && speaks
    });
    let mut found = None;
    for entry in attestations.take(MOST) {
        let wanted = ManifestReference::Digest(&entry.digest);
        let Some(manifest) = manifests::get(endpoint, path, login, wanted).await? else {
            continue;
        };
        let ManifestContent::Image(manifest) = manifest.content else {
            continue;
        };
        // If the index does not name the image, the attestation itself has to.
        if entry.about.as_ref().or(manifest.subject.as_ref()) != Some(about) {
            continue;
        }
        for statement in manifest.statements.iter().filter(|statement| {
            let predicate = statement.predicate.as_deref().unwrap_or_default();
            predicate.starts_with("https://slsa.dev/provenance/")
        }) {
            let images = statement_of(endpoint, path, login, &statement.digest).await?;
            let all: &mut Provenance = found.get_or_insert_default();
            all.images.extend(images.unwrap_or_default());
        }
    }
    Ok(found)
}

/// The images that a statement names; `None` if there is no such statement.
async fn statement_of(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    digest: &Digest,
) -> Result<Option<Vec<Reference>>, RegistryError> {
    let key = endpoint.key("provenance", login, path, digest.as_str());
    let kept = endpoint.validators.get(&key);
    if let Some(kept) = kept.and_then(|kept| unpack(&kept.body)) {
        return Ok(Some(kept));
    }
    let Some(body) = blob::get(endpoint, path, login, digest, MOST_BYTES).await? else {
        return Ok(None);
    };
    let images = read(&body).ok_or_else(|| RegistryError::Malformed {
        host: endpoint.settings.host.clone(),
        why: "its provenance cannot be read".to_owned(),
    })?;
    // A statement may have megabytes; only the needed part is kept.
    let packed: Vec<String> = images.iter().map(Reference::to_string).collect();
    if let Ok(packed) = serde_json::to_vec(&packed) {
        endpoint.validators.put(&key, Kept::content(packed.into()));
    }
    Ok(Some(images))
}

fn unpack(body: &[u8]) -> Option<Vec<Reference>> {
    let packed: Vec<String> = serde_json::from_slice(body).ok()?;
    let images = packed.iter().map(|text| Reference::parse(text).ok());
    images.collect()
}

/// The images that a statement names, of SLSA's provenance 0.2 or 1; `None` if it is not JSON. Entries that are not
/// images, or are not understood, are left out.
fn read(body: &[u8]) -> Option<Vec<Reference>> {
    #[derive(Deserialize)]
    struct Statement {
        predicate: Option<Predicate>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Predicate {
        materials: Option<Vec<Raw>>,
        build_definition: Option<Definition>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Definition {
        resolved_dependencies: Option<Vec<Raw>>,
    }
    #[derive(Deserialize)]
    struct Raw {
        uri: Option<String>,
        digest: Option<Digests>,
    }
    #[derive(Deserialize)]
    struct Digests {
        sha256: Option<String>,
    }
    let statement: Statement = serde_json::from_slice(body).ok()?;
    let Some(predicate) = statement.predicate else {
        return Some(Vec::new());
    };
    let later = predicate
        .build_definition
        .and_then(|definition| definition.resolved_dependencies);
    let raw = predicate.materials.into_iter().chain(later).flatten();
    let image = |raw: Raw| {
        let digest = format!("sha256:{}", raw.digest?.sha256?);
        let digest = Digest::parse(&digest).ok();
        Some(Reference {
            digest: Some(digest?),
            ..image_of(&raw.uri?)?
        })
    };
    Some(raw.filter_map(image).take(MOST).collect())
}

/// The image that a package URL names, without its digest: `pkg:docker/alpine@3.17?platform=linux%2Famd64`.
fn image_of(uri: &str) -> Option<Reference> {
    let rest = uri.strip_prefix("pkg:docker/")?;
    let rest = rest.split(['?', '#']).next()?;
    let (name, tag) = match rest.rsplit_once('@') {
        Some((name, tag)) => (name, Some(tag)),
        None => (rest, None),
    };
    let plain = |text: &str| {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        Some(text.into_owned())
    };
    let (name, tag) = (plain(name)?, tag.map(plain));
    // A digest may take the place of a tag.
    let tag = tag.flatten().filter(|tag| !tag.contains(':'));
    let text = tag.map_or_else(|| name.clone(), |tag| format!("{name}:{tag}"));
    Reference::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(uri: &str, expect: Option<&str>) {
        let found = image_of(uri).map(|reference| reference.to_string());
        assert_eq!(found.as_deref(), expect, "{uri}");
    }

    #[test]
    fn package_urls_of_images() {
        check(
            "pkg:docker/alpine@3.17?platform=linux%2Famd64",
            Some("alpine:3.17"),
        );
        check(
            "pkg:docker/docker/dockerfile@1",
            Some("docker/dockerfile:1"),
        );
        check(
            "pkg:docker/ghcr.io/a/b@v1%2E2?platform=linux%2Farm64",
            Some("ghcr.io/a/b:v1.2"),
        );
        check(
            "pkg:docker/localhost:5000/a@1#x",
            Some("localhost:5000/a:1"),
        );
        check("pkg:docker/localhost%3A5000/a", Some("localhost:5000/a"));
        check(&format!("pkg:docker/a@{}", Digest::sha256(b"x")), Some("a"));
        check("pkg:docker/a?digest=sha256:00", Some("a"));
        check("pkg:docker/A@1", None);
        check("pkg:docker/", None);
        check("pkg:github/a/b@1", None);
        check("https://git.example/a.git#main", None);
    }

    #[test]
    fn t26_statements_of_both_versions_and_of_none() {
        let digest = Digest::sha256(b"x");
        let hex = &digest.as_str()[7..];
        let list = json!([{"uri": "pkg:docker/a@1", "digest": {"sha256": hex}},
            {"uri": "https://git.example/x.git", "digest": {"sha1": "00"}}, {"uri": 7.to_string()}, {},
            {"uri": "pkg:docker/b@1", "digest": {"sha256": "../../x"}}]);
        for statement in [
            json!({"predicate": {"materials": list}}),
            json!({"predicate": {"buildDefinition": {"resolvedDependencies": list}}}),
        ] {
            let found = read(statement.to_string().as_bytes()).unwrap_or_default();
            let found: Vec<String> = found.iter().map(Reference::to_string).collect();
            assert_eq!(found, [format!("a:1@{digest}")]);
        }
        assert_eq!(read(b"{}"), Some(Vec::new()));
        assert_eq!(read(b"{\"predicate\": {}}"), Some(Vec::new()));
        assert_eq!(read(b"<html>"), None);
        assert_eq!(read("[".repeat(100_000).as_bytes()), None);
    }
}
