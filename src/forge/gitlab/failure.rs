//! What GitLab's refusals mean, and what they say.

use crate::forge::error::ForgeError;
use crate::forge::wire::one_line;
use crate::http::HttpResponse;
use crate::redact::Redactor;
use reqwest::StatusCode;
use serde_json::Value;

/// What an answer means that isn't a success.
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
        // GitLab's own failures are JSON; a web page is a proxy's, and concerns the whole instance.
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
    one_line(&redactor.redact(&texts.join("; ")))
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
