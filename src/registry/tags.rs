//! All pages of a tag list, or an error; never a part of it.

use super::endpoint::Endpoint;
use super::{Kept, Login, RegistryError, answer, link};
use crate::http::{HttpRequest, HttpResponse};
use crate::image::Tag;
use bytes::Bytes;
use reqwest::header::{ACCEPT, ETAG, HeaderMap, IF_NONE_MATCH};
use std::collections::HashSet;
use url::Url;

/// The page size to request: ECR and ACR refuse more, and no known registry refuses this.
const PAGE: usize = 1000;
/// The largest list, in bytes: Google's registries put every manifest into it.
const MOST_BYTES: usize = 32 << 20;
/// The most pages of a list.
const MOST_PAGES: usize = 1000;
/// The most names in a list.
const MOST_TAGS: usize = 200_000;

/// The tags of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// The tags, each once, in the registry's order.
    pub tags: Vec<Tag>,
    /// How many names were left out because they are not valid tags.
    pub dropped: usize,
}

/// One page: its names as the registry wrote them, and the query of the next page.
struct Page {
    names: Vec<serde_json::Value>,
    next: Option<String>,
    bytes: usize,
}

pub(super) async fn list(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
) -> Result<Tags, RegistryError> {
    let host = &endpoint.settings.host;
    let endless = |why| RegistryError::Paging {
        host: host.clone(),
        why,
    };
    let base = endpoint.url(&format!("{path}/tags/list"));
    let page_of = |query: &str| {
        let mut url = base.clone();
        url.set_query(Some(query));
        url
    };
    let mut list = List::default();
    let mut asked: HashSet<Url> = HashSet::new();
    let mut url = page_of(&format!("n={PAGE}"));
    let mut probing = false;
    let mut budget = MOST_BYTES;
    for number in 0..MOST_PAGES {
        if !asked.insert(url.clone()) {
            return Err(endless("a page links to itself"));
        }
        let page = match page(endpoint, path, login, &url, budget).await? {
            Ok(page) => page,
            // Some registries refuse a page size, or at least this one (ECR: 405; distribution 3: 400).
            Err(refusal) if number == 0 && refuses_page_size(&refusal) => {
                match self::page(endpoint, path, login, &base, budget).await? {
                    Ok(page) => page,
                    Err(refusal) => return Err(answer::failure(host, login.is_none(), &refusal)),
                }
            }
            // The request with `last=` was our own idea; a registry that does not know it has no more pages.
            Err(refusal) if probing && refusal.status.is_client_error() => break,
            Err(refusal) => return Err(answer::failure(host, login.is_none(), &refusal)),
        };
        budget = budget.saturating_sub(page.bytes);
        let full = page.names.len() == PAGE;
        let news = list.add(page.names);
        if list.seen.len() > MOST_TAGS {
            return Err(endless("it has too many tags"));
        }
        match page.next {
            Some(_) if news == 0 => return Err(endless("a page has no new tags")),
            Some(query) => {
                url = page_of(&query);
                probing = false;
            }
            None if full && news > 0 => {
                let Some(last) = list.tags.last() else { break };
                url = page_of(&format!("n={PAGE}&last={last}"));
                probing = true;
            }
            None => return Ok(list.done()),
        }
    }
    if probing {
        return Ok(list.done());
    }
    Err(endless("it has too many pages"))
}

#[derive(Default)]
struct List {
    tags: Vec<Tag>,
    dropped: usize,
    seen: HashSet<String>,
}

impl List {
    /// Adds a page's names; returns how many of them are new.
    fn add(&mut self, names: Vec<serde_json::Value>) -> usize {
        let mut news = 0;
        for name in names {
            // Only texts are names: `null` must not become the tag `null`.
            let (name, tag) = match name {
                serde_json::Value::String(name) => {
                    let tag = Tag::parse(&name).ok();
                    (name, tag)
                }
                other => (format!(" {other}"), None),
            };
            if self.seen.insert(name) {
                news += 1;
                match tag {
                    Some(tag) => self.tags.push(tag),
                    None => self.dropped += 1,
                }
            }
        }
        news
    }

    fn done(self) -> Tags {
        Tags {
            tags: self.tags,
            dropped: self.dropped,
        }
    }
}

/// Requests one page, with the validator of the last time; the inner error is an answer that is not a success.
async fn page(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    url: &Url,
    budget: usize,
) -> Result<Result<Page, HttpResponse>, RegistryError> {
    let host = &endpoint.settings.host;
    let key = endpoint.key("tags", login, path, url.query().unwrap_or("-"));
    let kept = endpoint.validators.get(&key);
    let etag = kept.as_ref().and_then(|kept| kept.etag.clone());
    let mut request = HttpRequest::get(url.clone(), budget).header(ACCEPT, "application/json");
    if let Some(etag) = &etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let response = endpoint.ask(path, login, &request).await?;
    let next = link::next(
        &response.headers,
        &response.url,
        endpoint.settings.rebase_links,
    )
    .map_err(|link::Refused(target)| RegistryError::LinkRefused {
        host: host.clone(),
        target,
    });
    let (body, next) = match (response.status.as_u16(), kept) {
        (304, Some(kept)) if etag.is_some() => (kept.body, next?.or(kept.next)),
        (200, _) => (response.body.clone(), next?),
        _ => return Ok(Err(response)),
    };
    let names = read(&body).ok_or_else(|| answer::not_a_registry(host, &response))?;
    if response.status.as_u16() == 200 {
        keep(endpoint, &key, &response.headers, &body, next.clone());
    }
    let bytes = body.len();
    Ok(Ok(Page { names, next, bytes }))
}

fn keep(endpoint: &Endpoint, key: &str, headers: &HeaderMap, body: &Bytes, next: Option<String>) {
    let etag = headers.get(ETAG).and_then(|etag| etag.to_str().ok());
    if let Some(etag) = etag.filter(|etag| etag.len() <= 256) {
        let kept = Kept {
            etag: Some(etag.to_owned()),
            media_type: None,
            next,
            body: body.clone(),
        };
        endpoint.validators.put(key, kept);
    }
}

/// The names on a page: `null` is an empty list; an answer without a list is an error.
fn read(body: &[u8]) -> Option<Vec<serde_json::Value>> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "present")]
        tags: Option<Vec<serde_json::Value>>,
    }
    fn present<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<serde_json::Value>>, D::Error> {
        let tags: Option<Vec<serde_json::Value>> = serde::Deserialize::deserialize(deserializer)?;
        Ok(Some(tags.unwrap_or_default()))
    }
    serde_json::from_slice::<Body>(body).ok()?.tags
}

fn refuses_page_size(response: &HttpResponse) -> bool {
    let code = answer::error_code(&response.body);
    match response.status.as_u16() {
        405 => true,
        400 => matches!(
            code.as_deref(),
            Some("UNSUPPORTED" | "PAGINATION_NUMBER_INVALID")
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f30_f31_an_empty_list_is_not_a_missing_one() {
        let count = |body: &str| read(body.as_bytes()).map(|names| names.len());
        assert_eq!(
            count(r#"{"name":"a","tags":["1","2"],"manifest":{}}"#),
            Some(2)
        );
        assert_eq!(count(r#"{"name":"a","tags":[]}"#), Some(0));
        assert_eq!(count(r#"{"name":"a","tags":null}"#), Some(0));
        for bad in [
            "",
            "<html>",
            "{}",
            r#"{"errors":[]}"#,
            "[]",
            r#"{"tags":{}}"#,
        ] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }
}
