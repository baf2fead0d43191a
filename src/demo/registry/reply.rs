//! Answers of the demo's registry.

use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};

/// An answer to a request that went well.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// An answer to a request that failed, with the distribution specification's code.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
}

impl Reply {
    /// A status without a body.
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A JSON document.
    pub(super) fn json(text: String) -> Self {
        Self::content("application/json", text.into())
    }

    /// A document of some media type.
    pub(super) fn content(media_type: &str, body: Bytes) -> Self {
        let reply = Self {
            body,
            ..Self::new(StatusCode::OK)
        };
        reply.header("content-type", media_type)
    }

    /// The same with another header.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer to a request of this method: `HEAD` has the length, but no body.
    pub(super) fn into_response(self, method: &Method) -> Response<Body> {
        let mut response = Response::builder()
            .status(self.status)
            .header("docker-distribution-api-version", "registry/2.0")
            .header("content-length", self.body.len());
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = match *method == Method::HEAD {
            true => Bytes::new(),
            false => self.body,
        };
        response.body(Body::from(body)).unwrap_or_default()
    }
}

impl Failure {
    /// A status with its code.
    pub(super) fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
    }

    /// Something that does not exist.
    pub(super) fn unknown(code: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code)
    }

    /// Something that is invalid.
    pub(super) fn invalid(code: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code)
    }

    /// A request that the registry does not support.
    pub(super) fn unsupported() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED")
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<Body> {
        let error = serde_json::json!({ "code": self.code, "message": self.code });
        let body = serde_json::json!({ "errors": [error] }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let json = axum::http::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        response
    }
}
