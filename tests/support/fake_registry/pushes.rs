//! Uploads of blobs and manifests, as the distribution specification has them ("Push").

use super::State;
use super::wire::{Logged, Reply};
use imagebot::image::Digest;

impl State {
    /// Answers a request that writes; nothing if it is none, or if nobody may push.
    pub(super) fn push(&mut self, below: &str, query: &str, request: &Logged) -> Option<Reply> {
        let uploads = self.uploads.as_mut()?;
        let digest = url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "digest")
            .map(|(_, value)| value.into_owned());
        if let Some((name, id)) = below.split_once("/blobs/uploads/") {
            if request.method == "POST" && id.is_empty() {
                uploads.push(Vec::new());
                return Some(going_on(name, uploads.len() - 1, 0));
            }
            let Some((id, upload)) = id
                .parse::<usize>()
                .ok()
                .and_then(|id| Some((id, uploads.get_mut(id)?)))
            else {
                return Some(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"));
            };
            let start = request
                .header("content-range")
                .and_then(|range| range.split_once('-')?.0.parse::<usize>().ok());
            if start.is_some_and(|start| start != upload.len()) {
                return Some(Reply::error(416, "BLOB_UPLOAD_INVALID"));
            }
            match request.method.as_str() {
                "PATCH" => {
                    upload.extend_from_slice(&request.body);
                    let length = upload.len();
                    return Some(going_on(name, id, length));
                }
                "PUT" => {
                    let mut blob = std::mem::take(upload);
                    blob.extend_from_slice(&request.body);
                    let found = Digest::sha256(&blob).to_string();
                    if digest.as_deref() != Some(found.as_str()) {
                        return Some(Reply::error(400, "DIGEST_INVALID"));
                    }
                    let location = format!("/v2/{name}/blobs/{found}");
                    let repository = self.repositories.entry(name.to_owned()).or_default();
                    repository.blobs.insert(found.clone(), blob);
                    return Some(created(location, found));
                }
                _ => return None,
            }
        }
        let (name, reference) = below.split_once("/manifests/")?;
        if request.method != "PUT" {
            return None;
        }
        let found = Digest::sha256(&request.body).to_string();
        if reference.contains(':') && reference != found {
            return Some(Reply::error(400, "DIGEST_INVALID"));
        }
        let media_type = request.header("content-type").unwrap_or_default();
        let tag = Some(reference).filter(|reference| !reference.contains(':'));
        self.keep_manifest(name, tag, media_type, request.body.clone());
        Some(created(format!("/v2/{name}/manifests/{reference}"), found))
    }
}

fn going_on(name: &str, id: usize, length: usize) -> Reply {
    let mut reply = Reply::new(202, "text/plain", Vec::new());
    let location = format!("/v2/{name}/blobs/uploads/{id}");
    reply.set("location", Some(location));
    reply.set("range", Some(format!("0-{}", length.saturating_sub(1))));
    reply
}

fn created(location: String, digest: String) -> Reply {
    let mut reply = Reply::new(201, "text/plain", Vec::new());
    reply.set("location", Some(location));
    reply.set("docker-content-digest", Some(digest));
    reply
}
