//! Blobs: only small ones, never a layer. Registries often redirect them to another host.

use super::endpoint::{Endpoint, MOST_REDIRECTS, is_redirect};
use super::{Login, RegistryError, answer};
use crate::http::{HttpRequest, HttpResponse, Origin, redirect_target};
use crate::image::Digest;
use bytes::Bytes;
use reqwest::StatusCode;

/// A blob whose bytes have the digest; `None` if there is none.
pub(super) async fn get(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    digest: &Digest,
    most_bytes: usize,
) -> Result<Option<Bytes>, RegistryError> {
    let host = &endpoint.settings.host;
    let response = fetch(endpoint, path, login, digest, most_bytes).await?;
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
    Ok(Some(response.body))
}

/// Follows the registry's redirects to the blob. Outside the registry's origin the request is anonymous, even if a
/// further redirect leads back.
async fn fetch(
    endpoint: &Endpoint,
    path: &str,
    login: Option<&Login>,
    digest: &Digest,
    most_bytes: usize,
) -> Result<HttpResponse, RegistryError> {
    let refused = |why: String| RegistryError::RedirectRefused {
        host: endpoint.settings.host.clone(),
        to: None,
        why,
    };
    let mut url = endpoint.url(&format!("{path}/blobs/{digest}"));
    let mut at_home = true;
    for _ in 0..=MOST_REDIRECTS {
        let request = HttpRequest::get(url.clone(), most_bytes);
        let response = if at_home {
            endpoint.ask(path, login, &request).await?
        } else {
            endpoint.send(request).await?
        };
        if !is_redirect(&response) {
            return match Origin::of(&url).filter(|_| !at_home) {
                Some(to) if response.status == StatusCode::UNAUTHORIZED => {
                    let host = endpoint.settings.host.clone();
                    Err(RegistryError::RedirectUnauthorized { host, to })
                }
                _ => Ok(response),
            };
        }
        url = redirect_target(&response.url, response.header("location"))
            .map_err(|error| refused(error.to_string()))?;
        at_home &= Origin::of(&url).as_ref() == Some(&endpoint.origin);
    }
    Err(refused(format!("more than {MOST_REDIRECTS} in a row")))
}
