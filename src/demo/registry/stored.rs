//! What the demo's registry holds, and what each request reads or changes.

use super::reply::{Failure, Reply};
use crate::image::{Digest, Tag};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most uploads that are open at once, and the largest blob.
const MOST_UPLOADS: usize = 64;
const LARGEST_BLOB: usize = 64 << 20;

type Answer = Result<Reply, Failure>;

/// All repositories, the uploads that are open, and the requests so far.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) shelves: BTreeMap<String, Shelf>,
    pub(super) log: Vec<String>,
    uploads: BTreeMap<u64, Upload>,
    last_upload: u64,
}

/// One repository.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Shelf {
    tags: BTreeMap<String, String>,
    manifests: BTreeMap<String, (String, Content)>,
    blobs: BTreeMap<String, Content>,
}

/// Bytes; base64 in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Content(Bytes);

#[derive(Debug)]
struct Upload {
    name: String,
    content: Vec<u8>,
}

impl From<Content> for String {
    fn from(content: Content) -> Self {
        STANDARD.encode(content.0)
    }
}

impl TryFrom<String> for Content {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(STANDARD.decode(text)?.into()))
    }
}

impl Stored {
    /// A registry with these repositories.
    pub(super) fn new(shelves: BTreeMap<String, Shelf>) -> Self {
        Self {
            shelves,
            ..Self::default()
        }
    }

    /// The tags in order; with `n` a page of them, after `last`.
    pub(super) fn tags(&self, name: &str, query: &str) -> Answer {
        let shelf = self.shelf(name)?;
        let last = parameter(query, "last").unwrap_or_default();
        let after = || shelf.tags.keys().filter(|tag| **tag > last);
        let size = match parameter(query, "n") {
            None => usize::MAX,
            Some(n) => n
                .parse()
                .map_err(|_| Failure::invalid("PAGINATION_NUMBER_INVALID"))?,
        };
        let page: Vec<&String> = after().take(size).collect();
        let body = serde_json::json!({ "name": name, "tags": page }).to_string();
        let reply = Reply::json(body);
        Ok(match page.last().filter(|_| page.len() < after().count()) {
            None => reply,
            Some(last) => {
                let next = format!("</v2/{name}/tags/list?n={size}&last={last}>; rel=\"next\"");
                reply.header("link", &next)
            }
        })
    }

    /// A manifest by tag or digest.
    pub(super) fn manifest(&self, name: &str, reference: &str) -> Answer {
        let shelf = self.shelf(name)?;
        let digest = shelf.tags.get(reference).map_or(reference, String::as_str);
        let found = shelf.manifests.get(digest);
        let (media_type, content) = found.ok_or(Failure::unknown("MANIFEST_UNKNOWN"))?;
        let reply = Reply::content(media_type, content.0.clone());
        Ok(reply.header("docker-content-digest", digest))
    }

    /// Stores a manifest; all its parts must exist.
    pub(super) fn put_manifest(
        &mut self,
        name: &str,
        reference: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Answer {
        let digest = Digest::sha256(body).to_string();
        let is_tag = !reference.contains(':');
        if !is_tag && reference != digest {
            return Err(Failure::invalid("DIGEST_INVALID"));
        }
        if is_tag && Tag::parse(reference).is_err() {
            return Err(Failure::invalid("TAG_INVALID"));
        }
        let media_type = header(headers, "content-type").unwrap_or_default();
        let shelf = self.shelves.get(name);
        check_parts(shelf, body)?;
        let shelf = self.shelves.entry(name.to_owned()).or_default();
        let content = Content(body.clone());
        shelf
            .manifests
            .insert(digest.clone(), (media_type.to_owned(), content));
        if is_tag {
            shelf.tags.insert(reference.to_owned(), digest.clone());
        }
        Ok(Reply::new(StatusCode::CREATED)
            .header("location", &format!("/v2/{name}/manifests/{digest}"))
            .header("docker-content-digest", &digest))
    }

    /// A blob.
    pub(super) fn blob(&self, name: &str, digest: &str) -> Answer {
        let blob = self.shelf(name)?.blobs.get(digest);
        let blob = blob.ok_or(Failure::unknown("BLOB_UNKNOWN"))?;
        let reply = Reply::content("application/octet-stream", blob.0.clone());
        Ok(reply.header("docker-content-digest", digest))
    }

    /// Opens an upload, or mounts a blob of another repository.
    pub(super) fn start_upload(&mut self, name: &str, query: &str) -> Answer {
        if let (Some(digest), Some(from)) = (parameter(query, "mount"), parameter(query, "from"))
            && let Some(blob) = self.shelves.get(&from).and_then(|s| s.blobs.get(&digest))
        {
            let blob = blob.clone();
            return Ok(self.keep_blob(name, digest, blob));
        }
        if self.uploads.len() >= MOST_UPLOADS {
            return Err(Failure::new(
                StatusCode::TOO_MANY_REQUESTS,
                "TOOMANYREQUESTS",
            ));
        }
        self.last_upload += 1;
        let upload = Upload {
            name: name.to_owned(),
            content: Vec::new(),
        };
        self.uploads.insert(self.last_upload, upload);
        Ok(going_on(name, &self.last_upload.to_string(), 0))
    }

    /// Adds a chunk to an upload; it begins where the last one ended.
    pub(super) fn append(
        &mut self,
        name: &str,
        id: &str,
        headers: &HeaderMap,
        chunk: &Bytes,
    ) -> Answer {
        let upload = self.upload(name, id)?;
        let start = header(headers, "content-range")
            .and_then(|range| range.split_once('-')?.0.parse::<usize>().ok());
        let fits = start.is_none_or(|start| start == upload.content.len());
        if !fits || upload.content.len() + chunk.len() > LARGEST_BLOB {
            return Err(Failure::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "BLOB_UPLOAD_INVALID",
            ));
        }
        upload.content.extend_from_slice(chunk);
        let length = upload.content.len();
        Ok(going_on(name, id, length))
    }

    /// Ends an upload, with the last chunk if the request has one.
    pub(super) fn finish_upload(
        &mut self,
        name: &str,
        id: &str,
        query: &str,
        chunk: &Bytes,
    ) -> Answer {
        self.append(name, id, &HeaderMap::new(), chunk)?;
        let content = std::mem::take(&mut self.upload(name, id)?.content);
        self.uploads.retain(|known, _| known.to_string() != id);
        let digest = Digest::sha256(&content).to_string();
        if parameter(query, "digest") != Some(digest.clone()) {
            return Err(Failure::invalid("DIGEST_INVALID"));
        }
        Ok(self.keep_blob(name, digest, Content(content.into())))
    }

    fn keep_blob(&mut self, name: &str, digest: String, content: Content) -> Reply {
        let reply = Reply::new(StatusCode::CREATED)
            .header("location", &format!("/v2/{name}/blobs/{digest}"))
            .header("docker-content-digest", &digest);
        let shelf = self.shelves.entry(name.to_owned()).or_default();
        shelf.blobs.insert(digest, content);
        reply
    }

    fn shelf(&self, name: &str) -> Result<&Shelf, Failure> {
        let shelf = self.shelves.get(name);
        shelf.ok_or(Failure::unknown("NAME_UNKNOWN"))
    }

    fn upload(&mut self, name: &str, id: &str) -> Result<&mut Upload, Failure> {
        let upload = id.parse().ok().and_then(|id| self.uploads.get_mut(&id));
        upload
            .filter(|upload| upload.name == name)
            .ok_or(Failure::unknown("BLOB_UPLOAD_UNKNOWN"))
    }
}

/// Checks that a manifest is JSON and that its parts were pushed before it.
fn check_parts(shelf: Option<&Shelf>, body: &[u8]) -> Result<(), Failure> {
    let invalid = || Failure::invalid("MANIFEST_INVALID");
    let manifest: serde_json::Value = serde_json::from_slice(body).map_err(|_| invalid())?;
    let list = |key: &str| {
        manifest[key]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let digest = |part: &serde_json::Value| part["digest"].as_str().map(str::to_owned);
    let config = manifest.get("config");
    for part in list("layers").iter().chain(config) {
        let digest = digest(part).ok_or_else(invalid)?;
        if shelf.is_none_or(|shelf| !shelf.blobs.contains_key(&digest)) {
            return Err(Failure::unknown("MANIFEST_BLOB_UNKNOWN"));
        }
    }
    for part in list("manifests") {
        let digest = digest(part).ok_or_else(invalid)?;
        if shelf.is_none_or(|shelf| !shelf.manifests.contains_key(&digest)) {
            return Err(Failure::unknown("MANIFEST_UNKNOWN"));
        }
    }
    Ok(())
}

/// The answer to an upload that is not finished.
fn going_on(name: &str, id: &str, length: usize) -> Reply {
    Reply::new(StatusCode::ACCEPTED)
        .header("location", &format!("/v2/{name}/blobs/uploads/{id}"))
        .header("range", &format!("0-{}", length.saturating_sub(1)))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
