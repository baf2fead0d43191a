//! What GitLab's refusals mean, and what of their texts is told.

use crate::forge::error::ForgeError;
use crate::http::HttpResponse;
use crate::redact::Redactor;
use reqwest::StatusCode;
use serde_json::Value;

/// The most characters of a server's text that are told.
const TOLD: usize = 300;

/// What an answer that is no success means.
pub(super) fn of(response: &HttpResponse, redactor: &Redactor) -> ForgeError {
    let host = response.url.host_str().unwrap_or_default();
    let said = message(response, redactor);
    let told = |what: &str| match said.is_empty() {
        true => format!("{host}: {what}"),
        false => format!("{host}: {what}: {said}"),
    };
    match response.status {
        StatusCode::UNAUTHORIZED => ForgeError::Unauthorized(told("the token is refused")),
        StatusCode::FORBIDDEN if said.contains("insufficient_scope") => {
            ForgeError::Forbidden(told("the token lacks a scope; it needs `api`"))
        }
        StatusCode::FORBIDDEN => ForgeError::Forbidden(told("not allowed")),
        StatusCode::NOT_FOUND => {
            ForgeError::NotFound(told("not found, or not visible with this token"))
        }
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            ForgeError::Conflict(told("in conflict"))
        }
        status if status.is_redirection() => ForgeError::NotFound(told("it has moved")),
        // GitLab's own failures are JSON; a page for people is a proxy's, and stands for the whole instance.
        status if status.is_server_error() && is_json(response) => {
            ForgeError::Server(told(&format!("status {}", status.as_u16())))
        }
        status if status.is_server_error() => {
            ForgeError::Unreachable(told(&format!("status {}", status.as_u16())))
        }
        status => ForgeError::Refused(told(&format!("refused with {}", status.as_u16()))),
    }
}

fn is_json(response: &HttpResponse) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).is_ok()
}

/// What the body says: GitLab has `message` or `error`, each a text, a list or an object.
pub(super) fn message(response: &HttpResponse, redactor: &Redactor) -> String {
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else {
        return String::new();
    };
    let mut texts = Vec::new();
    for key in ["message", "error", "error_description", "errors"] {
        if let Some(value) = body.get(key) {
            collect(value, &mut texts);
        }
    }
    short(&redactor.redact(&texts.join("; ")))
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(list) => list.iter().take(10).for_each(|item| collect(item, texts)),
        Value::Object(map) => {
            for (key, value) in map.iter().take(10) {
                let mut below = Vec::new();
                collect(value, &mut below);
                let said = below.join(", ");
                texts.push(match key.as_str() {
                    "message" => said,
                    key => format!("{key} {said}"),
                });
            }
        }
        _ => {}
    }
}

/// A server's text as it may be told: short and in one line.
pub(super) fn short(text: &str) -> String {
    let clean = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TOLD)
        .collect::<String>();
    clean.trim().to_owned()
}

/// Whether nothing else of this forge can be had in this pass. A server error is none of these: the next answer may be
/// well, and a host that is down is given up by the client.
pub(super) fn ends_the_pass(error: &ForgeError) -> bool {
    matches!(
        error,
        ForgeError::Unauthorized(_) | ForgeError::RateLimited(_) | ForgeError::NotAForge(_)
    )
}

/// The same error once more, for each of those that it befell.
pub(super) fn again(error: &ForgeError) -> ForgeError {
    let text = error.to_string();
    match error {
        ForgeError::Unauthorized(_) => ForgeError::Unauthorized(text),
        ForgeError::Server(_) => ForgeError::Server(text),
        ForgeError::Forbidden(_) => ForgeError::Forbidden(text),
        ForgeError::RateLimited(_) => ForgeError::RateLimited(text),
        ForgeError::Busy(_) => ForgeError::Busy(text),
        ForgeError::NotAForge(_) => ForgeError::NotAForge(text),
        ForgeError::Conflict(_) => ForgeError::Conflict(text),
        ForgeError::Ambiguous(_) => ForgeError::Ambiguous(text),
        ForgeError::NotFound(_) => ForgeError::NotFound(text),
        ForgeError::Refused(_) => ForgeError::Refused(text),
        ForgeError::Unreachable(_) | ForgeError::Git(_) => ForgeError::Unreachable(text),
    }
}
