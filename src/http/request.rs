//! Requests and answers.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use url::Url;

/// A request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method. Only an idempotent one is repeated after the server may have acted on it.
    pub method: Method,
    /// The URL.
    pub url: Url,
    /// The headers; credentials are marked as sensitive.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The largest body of the answer, in bytes after decoding.
    pub limit: usize,
    /// Whether a 429 means that waiting will not help. It is then returned as an answer, and does not close the gate.
    pub is_final: Option<fn(&HeaderMap, &[u8]) -> bool>,
}

impl HttpRequest {
    /// A `GET` with a cap on the answer's body.
    pub fn get(url: Url, limit: usize) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            limit,
            is_final: None,
        }
    }

    /// A `HEAD`.
    pub fn head(url: Url) -> Self {
        Self {
            method: Method::HEAD,
            ..Self::get(url, 0)
        }
    }

    /// The same request with one more header. An invalid value is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// The same request with an `Authorization` header, kept out of debug output.
    #[must_use]
    pub fn authorization(mut self, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.headers.insert(reqwest::header::AUTHORIZATION, value);
        self
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decoded.
    pub body: Bytes,
    /// The URL that answered.
    pub url: Url,
}

impl HttpResponse {
    /// A header's text; `None` if it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type, in lower case and without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next().unwrap_or(value).trim();
        (!media_type.is_empty()).then(|| media_type.to_ascii_lowercase())
    }
}
