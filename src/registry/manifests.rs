//! Requests manifests, and verifies them.

use super::endpoint::Endpoint;
use super::manifest::{self, MEDIA_TYPES};
use super::{Kept, Login, Manifest, RegistryError, answer, quota};
use crate::http::{HttpRequest, HttpResponse};
use crate::image::{Digest, Tag};
use reqwest::header::{ACCEPT, IF_NONE_MATCH};
use std::fmt;

/// The largest manifest, in bytes: registries have the same limit.
const MOST_BYTES: usize = 4 << 20;

/// A tag or a digest, the `<reference>` of the distribution specification.
#[derive(Debug, Clone, Copy)]
pub enum ManifestReference<'a> {
    /// The manifest that a tag points to now.
    Tag(&'a Tag),
    /// The manifest with this digest.
    Digest(&'a Digest),
}

impl<'a> From<&'a Tag> for ManifestReference<'a> {
    fn from(tag: &'a Tag) -> Self {
        Self::Tag(tag)
    }
}

impl<'a> From<&'a Digest> for ManifestReference<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self::Digest(digest)
    }
}

impl fmt::Display for ManifestReference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A registry's answer to a `HEAD`. The digest is its claim: the manifest is read before a digest is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The digest, as the registry claims.
    pub digest: Digest,
    /// The media type.
    pub media_type: String,
}

pub(super) async fn head(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    wanted: ManifestReference<'_>,
) -> Result<Option<Head>, RegistryError> {
    let host = &endpoint.settings.host;
    let url = endpoint.url(&format!("{path}/manifests/{wanted}"));
    let request = with_types(HttpRequest::head(url));
    let response = endpoint.ask(path, login, &request).await?;
    note_quota(endpoint, login, &response);
    match response.status.as_u16() {
        200 | 405 => {}
        404 => return Ok(None),
        _ => return Err(answer::failure(host, login.is_none(), &response)),
    }
    let said = response.header("docker-content-digest").map(Digest::parse);
    let media_type = known_type(&response);
    match (said, wanted, media_type) {
        (Some(Ok(said)), ManifestReference::Digest(digest), _) if is_other(digest, &said) => {
            Err(RegistryError::DigestMismatch {
                host: host.clone(),
                expected: digest.to_string(),
                found: said,
            })
        }
        (_, ManifestReference::Digest(digest), Some(media_type)) => Ok(Some(Head {
            digest: digest.clone(),
            media_type,
        })),
        (Some(Ok(digest)), _, Some(media_type)) => Ok(Some(Head { digest, media_type })),
        // Old registries leave the digest out of a HEAD, or do not know it: then the content has to be hashed.
        _ => {
            let manifest = get(endpoint, path, login, wanted).await?;
            Ok(manifest.map(|manifest| Head {
                digest: manifest.digest,
                media_type: manifest.media_type,
            }))
        }
    }
}

pub(super) async fn get(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    wanted: ManifestReference<'_>,
) -> Result<Option<Manifest>, RegistryError> {
    let host = &endpoint.settings.host;
    let by_digest = |digest: &Digest| {
        let kept =
            endpoint
                .validators
                .get(&endpoint.key("manifest", login, path, digest.as_str()))?;
        let media_type = kept.media_type.filter(|_| digest.matches(&kept.body))?;
        let content = manifest::read(&media_type, &kept.body).ok()?;
        Some(Manifest {
            digest: digest.clone(),
            media_type,
            content,
        })
    };
    // What the tag pointed to last time: the entity tag, and the digest under which the content is kept.
    let tag_key = endpoint.key("tag", login, path, &wanted.to_string());
    let mut last = None;
    match wanted {
        ManifestReference::Digest(digest) => {
            if let Some(manifest) = by_digest(digest) {
                return Ok(Some(manifest));
            }
        }
        ManifestReference::Tag(_) => {
            last = endpoint.validators.get(&tag_key).and_then(|kept| {
                let digest = Digest::parse(std::str::from_utf8(&kept.body).ok()?).ok()?;
                Some((kept.etag?, by_digest(&digest)?))
            });
        }
    }

    let mut request = with_types(HttpRequest::get(
        endpoint.url(&format!("{path}/manifests/{wanted}")),
        MOST_BYTES,
    ));
    if host.is_docker_hub() {
        endpoint.quota.check(host, login, &endpoint.clock)?;
        request.is_final = Some(quota::is_quota_refusal);
    }
    if let Some((etag, _)) = &last {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let response = endpoint.ask(path, login, &request).await?;
    note_quota(endpoint, login, &response);
    match (response.status.as_u16(), last) {
        (200, _) => {}
        (304, Some((_, manifest))) => return Ok(Some(manifest)),
        (404, _) => return Ok(None),
        (429, _) if host.is_docker_hub() => {
            endpoint.quota.check(host, login, &endpoint.clock)?;
            return Err(answer::failure(host, login.is_none(), &response));
        }
        _ => return Err(answer::failure(host, login.is_none(), &response)),
    }
    let manifest = prove(endpoint, wanted, &response)?;
    keep(endpoint, path, login, &response, &manifest);
    if let (ManifestReference::Tag(_), Some(etag)) = (wanted, response.header("etag")) {
        let kept = Kept {
            etag: Some(etag.to_owned()).filter(|etag| etag.len() <= 256),
            media_type: None,
            next: None,
            body: manifest.digest.to_string().into(),
        };
        endpoint.validators.put(&tag_key, kept);
    }
    Ok(Some(manifest))
}

/// Hashes the content, and compares it with the requested digest and with the one that the registry sent.
fn prove(
    endpoint: &Endpoint,
    wanted: ManifestReference<'_>,
    response: &HttpResponse,
) -> Result<Manifest, RegistryError> {
    let host = &endpoint.settings.host;
    let body = &response.body;
    let found = Digest::sha256(body);
    let mismatch = |expected: &Digest| RegistryError::DigestMismatch {
        host: host.clone(),
        expected: expected.to_string(),
        found: found.clone(),
    };
    let malformed = |why: &str| RegistryError::Malformed {
        host: host.clone(),
        why: why.to_owned(),
    };
    let Some(media_type) = known_type(response) else {
        // A web page is not a manifest of an unknown kind.
        if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err() {
            return Err(answer::not_a_registry(host, response));
        }
        return Err(malformed(
            "its Content-Type is not that of an image or an index",
        ));
    };
    if let Some(said) = response.header("docker-content-digest") {
        let said =
            Digest::parse(said).map_err(|_| malformed("its digest header is not a digest"))?;
        if !said.matches(body) {
            return Err(mismatch(&said));
        }
    }
    let digest = match wanted {
        ManifestReference::Digest(digest) if !digest.matches(body) => return Err(mismatch(digest)),
        ManifestReference::Digest(digest) => digest.clone(),
        ManifestReference::Tag(_) => found.clone(),
    };
    let content = manifest::read(&media_type, body).map_err(|why| malformed(&why))?;
    Ok(Manifest {
        digest,
        media_type,
        content,
    })
}

fn keep(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    response: &HttpResponse,
    manifest: &Manifest,
) {
    let key = endpoint.key("manifest", login, path, manifest.digest.as_str());
    let kept = Kept {
        etag: None,
        media_type: Some(manifest.media_type.clone()),
        next: None,
        body: response.body.clone(),
    };
    endpoint.validators.put(&key, kept);
}

fn with_types(request: HttpRequest) -> HttpRequest {
    request.header(ACCEPT, &MEDIA_TYPES.join(", "))
}

fn known_type(response: &HttpResponse) -> Option<String> {
    response
        .media_type()
        .filter(|media_type| MEDIA_TYPES.contains(&media_type.as_str()))
}

/// Whether two digests of one algorithm differ; digests of different algorithms cannot be compared.
fn is_other(a: &Digest, b: &Digest) -> bool {
    a != b && a.is_sha256() == b.is_sha256()
}

fn note_quota(endpoint: &Endpoint, login: Option<&Login>, response: &HttpResponse) {
    if endpoint.settings.host.is_docker_hub() {
        endpoint.quota.note(login, &endpoint.clock, response);
    }
}
