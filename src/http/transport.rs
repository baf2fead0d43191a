//! TLS, proxies, name resolution and one exchange of request and answer.

use super::address::{ResolveError, Resolver};
use super::{Addresses, HttpError, HttpPolicy, HttpRequest, HttpResponse, Origin, body};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Makes aws-lc-rs the process's one TLS provider. `main` calls it first, and each [`Transport`] again, for tests and
/// libraries; repeated calls do nothing.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have installed the same provider first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

/// The settings of a transport.
#[derive(Debug, Clone)]
pub struct TransportSettings {
    /// A PEM file with certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether to continue if the system has no CA certificates: for plain http only, since no https connection can be
    /// trusted then.
    pub without_roots: bool,
    /// The addresses that hosts may have.
    pub addresses: Addresses,
    /// Whether the environment's proxy settings (`HTTPS_PROXY`, `NO_PROXY`, …) are used.
    pub proxy: bool,
    /// The time-outs.
    pub policy: HttpPolicy,
}

/// A connection pool with one set of trusted certificates and one address filter; cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport {
    inner: reqwest::Client,
    addresses: Addresses,
    policy: HttpPolicy,
}

impl Transport {
    /// Makes a transport. The errors are [`HttpError::NoRoots`] and [`HttpError::CaFile`].
    pub fn new(settings: &TransportSettings) -> Result<Self, HttpError> {
        install_crypto();
        let extra = match &settings.ca_file {
            Some(path) => read_ca(path)?,
            None => Vec::new(),
        };
        let bare = extra.is_empty();
        let inner = match builder(settings).tls_certs_merge(extra).build() {
            Ok(client) => client,
            Err(_) if bare && settings.without_roots => builder(settings)
                .tls_certs_only([])
                .build()
                .map_err(no_roots)?,
            Err(error) => return Err(no_roots(error)),
        };
        Ok(Self {
            inner,
            addresses: settings.addresses.clone(),
            policy: settings.policy.clone(),
        })
    }

    pub(super) fn policy(&self) -> &HttpPolicy {
        &self.policy
    }

    /// Sends a request once and reads its answer.
    pub(super) async fn exchange(
        &self,
        request: &HttpRequest,
        origin: &Origin,
    ) -> Result<HttpResponse, HttpError> {
        if let Some(address) = self.addresses.refused_literal(&request.url) {
            return Err(HttpError::AddressRefused {
                origin: origin.clone(),
                address,
            });
        }
        let failed = |error| self.classify(error, origin);
        let mut outgoing = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            outgoing = outgoing.body(body.clone());
        }
        let response = outgoing.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if request.method == reqwest::Method::HEAD {
            bytes::Bytes::new()
        } else {
            match body::read(response, request.limit).await.map_err(failed)? {
                body::Body::Whole(body) => body,
                body::Body::TooLarge => {
                    return Err(HttpError::TooLarge {
                        origin: origin.clone(),
                        limit: request.limit,
                    });
                }
            }
        };
        Ok(HttpResponse {
            status,
            headers,
            body,
            url: request.url.clone(),
        })
    }

    fn classify(&self, error: reqwest::Error, origin: &Origin) -> HttpError {
        let origin = origin.clone();
        match find::<ResolveError>(&error) {
            Some(ResolveError::NotFound) => return HttpError::Dns(origin),
            Some(ResolveError::Refused(address)) => {
                return HttpError::AddressRefused {
                    origin,
                    address: *address,
                };
            }
            None => {}
        }
        if let Some(tls) = find::<rustls::Error>(&error) {
            let cause = match tls {
                rustls::Error::InvalidMessage(_) => super::NO_TLS.to_owned(),
                tls => tls.to_string(),
            };
            return HttpError::Tls { origin, cause };
        }
        if error.is_connect() {
            let cause = match find::<std::io::Error>(&error) {
                _ if error.is_timeout() => "connection timed out".to_owned(),
                Some(io) => io.to_string(),
                None => root(&error),
            };
            return HttpError::Connect { origin, cause };
        }
        if error.is_timeout() {
            let limit = self.policy.total_timeout;
            return HttpError::Timeout { origin, limit };
        }
        let cause = root(&error);
        let broken = error.is_body()
            || error.is_decode()
            || find::<std::io::Error>(&error).is_some()
            || cause.contains("closed before")
            || cause.contains("before message completed");
        if broken {
            return HttpError::ShortRead(origin);
        }
        HttpError::Protocol { origin, cause }
    }
}

fn builder(settings: &TransportSettings) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("imagebot/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(settings.policy.connect_timeout)
        .timeout(settings.policy.total_timeout)
        .dns_resolver(Resolver(settings.addresses.clone()));
    if settings.proxy {
        builder
    } else {
        builder.no_proxy()
    }
}

fn read_ca(path: &Path) -> Result<Vec<reqwest::Certificate>, HttpError> {
    let error = |cause: String| HttpError::CaFile {
        path: path.to_owned(),
        cause,
    };
    let pem = std::fs::read(path).map_err(|e| error(e.to_string()))?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| error(root(&e)))?;
    if certificates.is_empty() {
        return Err(error("it contains no PEM certificate".to_owned()));
    }
    Ok(certificates)
}

fn no_roots(error: reqwest::Error) -> HttpError {
    HttpError::NoRoots(root(&error))
}

/// The innermost cause, without any URL.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        // reqwest's own text ends in the URL.
        Some(_) => "the request could not be built".to_owned(),
        None => cause.to_string(),
    }
}

/// The first cause of a type. An I/O error hides its inner error from `source`, so that one is searched here.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
