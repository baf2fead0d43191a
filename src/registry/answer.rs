//! The meaning of a status, and what may be repeated of an error's body.

use super::RegistryError;
use crate::http::{HttpResponse, Origin, redirect_target};
use crate::image::RegistryHost;

/// The specification's code in an error answer, if it is one word of capitals. The message beside it is the server's
/// own text and is not repeated: some servers quote the request in it, credentials included.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<Error>,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        code: String,
    }
    let errors: Errors = serde_json::from_slice(body).ok()?;
    let code = errors.errors.into_iter().next()?.code;
    let fits =
        (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    fits.then_some(code)
}

/// The error for an answer that is not a success.
pub(super) fn failure(
    host: &RegistryHost,
    anonymous: bool,
    response: &HttpResponse,
) -> RegistryError {
    let host = host.clone();
    match response.status.as_u16() {
        401 => RegistryError::Unauthorized { host, anonymous },
        403 => RegistryError::Forbidden(host),
        404 => RegistryError::NotFound(host),
        429 => RegistryError::RateLimited {
            host,
            retry_after: None,
        },
        300..=399 => RegistryError::RedirectRefused {
            host,
            why: "this request has to be answered where it was sent".to_owned(),
            to: redirect_target(&response.url, response.header("location"))
                .ok()
                .and_then(|url| Origin::of(&url))
                .filter(|origin| Origin::of(&response.url).as_ref() != Some(origin)),
        },
        status => RegistryError::Server {
            host,
            status,
            code: error_code(&response.body),
        },
    }
}

/// The error for a success that is not a registry's.
pub(super) fn not_a_registry(host: &RegistryHost, response: &HttpResponse) -> RegistryError {
    let text = response.media_type().unwrap_or_default();
    let known = [
        "text/html",
        "application/json",
        "text/plain",
        "application/xml",
        "text/xml",
    ];
    let found = known
        .into_iter()
        .find(|media_type| *media_type == text)
        .unwrap_or("an unknown media type");
    RegistryError::NotARegistry {
        host: host.clone(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t8_only_the_code_of_an_error_is_repeated() {
        let code = |body: &str| error_code(body.as_bytes());
        assert_eq!(
            code(r#"{"errors":[{"code":"NAME_UNKNOWN","message":"CANARY"}]}"#),
            Some("NAME_UNKNOWN".to_owned())
        );
        assert_eq!(code(r#"{"errors":[{"code":"Bearer CANARY"}]}"#), None);
        assert_eq!(code(r#"{"errors":[]}"#), None);
        assert_eq!(code("<html>"), None);
    }
}
