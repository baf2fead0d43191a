//! Checks the way to a registry step by step, to find where it fails.

use super::auth::User;
use super::endpoint::Endpoint;
use super::hosts::Hosts;
use super::{CredentialKind, Login, RegistryError, answer, manifests, tags};
use crate::http::{HttpRequest, HttpResponse, ResolveError};
use crate::image::{ImageName, RegistryHost, Tag};
use std::time::Duration;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoctorStep {
    /// The name: `login`, `listed`, `dns`, `tcp`, `tls`, `registry`, `auth`, `token`, `tags`, `manifest`.
    pub name: &'static str,
    /// The result.
    pub outcome: DoctorOutcome,
    /// The details.
    pub detail: String,
    /// What to do about a failure, if that is known.
    pub help: Option<String>,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoctorOutcome {
    /// It succeeded.
    Ok,
    /// It failed; no further step is tried.
    Failed,
    /// It is not needed.
    Skipped,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is checked: a registry, an image on it, or one tag.
#[derive(Debug, Clone, Copy)]
pub struct Goal<'a> {
    /// The registry.
    pub host: &'a RegistryHost,
    /// The image; `None`: the check ends at the login.
    pub image: Option<&'a ImageName>,
    /// The tag to check; `None`: `latest`, or any.
    pub tag: Option<&'a Tag>,
}

/// Runs the steps until one fails.
pub(super) async fn walk(hosts: &Hosts, goal: Goal<'_>, login: Option<&Login>) -> Vec<DoctorStep> {
    let mut way = Way {
        steps: Vec::new(),
        hosts,
    };
    // The failed step is recorded, so that nothing is left to do.
    let _ = steps(&mut way, hosts, goal, login).await;
    way.steps
}

struct Way<'a> {
    steps: Vec<DoctorStep>,
    hosts: &'a Hosts,
}

/// A step failed.
struct End;

impl Way<'_> {
    fn ok(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, DoctorOutcome::Ok, detail.into(), None);
    }

    fn skip(&mut self, name: &'static str, detail: impl Into<String>) {
        self.push(name, DoctorOutcome::Skipped, detail.into(), None);
    }

    fn end(&mut self, name: &'static str, error: &RegistryError) -> End {
        self.push(
            name,
            DoctorOutcome::Failed,
            error.to_string(),
            self.help(error),
        );
        End
    }

    fn help(&self, error: &RegistryError) -> Option<String> {
        error.help_at(|host| self.hosts.line(host))
    }

    fn push(
        &mut self,
        name: &'static str,
        outcome: DoctorOutcome,
        detail: String,
        help: Option<String>,
    ) {
        self.steps.push(DoctorStep {
            name,
            outcome,
            detail,
            help,
        });
    }
}

async fn steps(
    way: &mut Way<'_>,
    hosts: &Hosts,
    Goal { host, image, tag }: Goal<'_>,
    login: Option<&Login>,
) -> Result<(), End> {
    let endpoint = hosts
        .get(host, login.is_some())
        .map_err(|error| way.end("listed", &error))?;
    way.ok("listed", format!("API at {}", endpoint.origin));
    let (login, is_unavailable) = match login {
        Some(login) => match unlock(way, &endpoint, login).await {
            Ok(login) => (login, false),
            Err(End) => (None, true),
        },
        None => (None, false),
    };
    reach(way, hosts, &endpoint).await?;
    let ping = ping(way, &endpoint).await?;
    if is_unavailable && ping.status.as_u16() == 401 {
        way.skip("auth", "the login is unavailable");
        return Err(End);
    }
    greet(way, &endpoint, &ping, login.is_some())?;
    match image {
        None => knock(way, &endpoint, &ping, login.as_ref()).await,
        Some(image) => read(way, &endpoint, &ping, (image.path(), tag), login.as_ref()).await,
    }
}

/// Reads the login's credential; `None` if its source has none for this registry.
async fn unlock<'a>(
    way: &mut Way<'_>,
    endpoint: &Endpoint,
    login: &'a Login,
) -> Result<Option<Checked<'a>>, End> {
    match endpoint.auth.user(Some(login)).await {
        Ok(Some(user)) => {
            let kind = match user.credential.kind {
                CredentialKind::Password => "",
                CredentialKind::IdentityToken => ", an identity token",
            };
            let time = user.credential.lifetime.map(valid).unwrap_or_default();
            let name = match user.credential.username.as_str() {
                "" => "no user name",
                name => name,
            };
            way.ok("login", format!("{} ({name}{kind}{time})", login.origin));
            Ok(Some(Checked { login, user }))
        }
        Ok(None) => {
            let host = &endpoint.settings.host;
            way.skip("login", format!("{}: no login for {host}", login.origin));
            Ok(None)
        }
        Err(error) => {
            let why = match &error {
                RegistryError::Login { error, .. } => error.to_string(),
                error => error.to_string(),
            };
            let detail = format!("{}: {why}", login.origin);
            let help = way.help(&error);
            way.push("login", DoctorOutcome::Failed, detail, help);
            Err(End)
        }
    }
}

/// A login whose credential could be read.
struct Checked<'a> {
    login: &'a Login,
    user: User,
}

impl Checked<'_> {
    fn name(&self) -> &str {
        &self.user.credential.username
    }
}

/// How long a token is valid, as the end of a sentence.
fn valid(time: Duration) -> String {
    let text = match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    };
    format!(", valid for {text}")
}

/// Name resolution and connection. With a proxy, both are the proxy's.
async fn reach(way: &mut Way<'_>, hosts: &Hosts, endpoint: &Endpoint) -> Result<(), End> {
    let host = &endpoint.settings.host;
    let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if hosts.options().proxy && proxied {
        way.skip(
            "dns",
            "the environment names a proxy, which resolves names itself",
        );
        way.skip("tcp", "the environment names a proxy");
        return Ok(());
    }
    let (name, port) = (endpoint.origin.host(), endpoint.origin.port());
    let found = hosts
        .addresses(host)
        .resolve(name, port)
        .await
        .map_err(|error| {
            let host = host.clone();
            let cause = format!("{name}: {error}");
            let error = match error {
                ResolveError::NotFound => RegistryError::Dns { host, cause },
                ResolveError::Refused(_) => RegistryError::AddressRefused {
                    host,
                    cause: format!(
                        "{cause}, which is a private address; it is allowed only for listed hosts"
                    ),
                },
            };
            way.end("dns", &error)
        })?;
    let list: Vec<String> = found
        .iter()
        .map(|address| address.ip().to_string())
        .collect();
    way.ok("dns", list.join(", "));
    let connect = tokio::net::TcpStream::connect(found.as_slice());
    let cause = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
        Ok(Ok(_)) => {
            way.ok("tcp", format!("port {port} is open"));
            return Ok(());
        }
        Ok(Err(error)) => format!("port {port}: {error}"),
        Err(_) => format!(
            "port {port}: no connection in {} s",
            CONNECT_TIMEOUT.as_secs()
        ),
    };
    Err(way.end(
        "tcp",
        &RegistryError::Connect {
            host: host.clone(),
            cause,
        },
    ))
}

/// TLS, and whether a registry answers.
async fn ping(way: &mut Way<'_>, endpoint: &Endpoint) -> Result<HttpResponse, End> {
    let host = &endpoint.settings.host;
    let answered = endpoint
        .send_on(HttpRequest::get(endpoint.url(""), 64 * 1024))
        .await;
    let response = match answered {
        Err(error @ RegistryError::Tls { .. }) => return Err(way.end("tls", &error)),
        other => other,
    };
    match endpoint.origin.is_https() {
        true => way.ok("tls", "the certificate is trusted"),
        false => way.skip("tls", "plain_http is set; the connection is not encrypted"),
    }
    let response = response.map_err(|error| way.end("registry", &error))?;
    let says_so = response.header("docker-distribution-api-version").is_some();
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).is_ok();
    match response.status.as_u16() {
        200 if says_so || json || response.body.is_empty() => {
            way.ok("registry", "no login required")
        }
        401 => way.ok("registry", "asks for a login"),
        200 => return Err(way.end("registry", &answer::not_a_registry(host, &response))),
        _ => return Err(way.end("registry", &answer::failure(host, true, &response))),
    }
    Ok(response)
}

/// How the registry wants to be authenticated, and whether that is allowed.
fn greet(
    way: &mut Way<'_>,
    endpoint: &Endpoint,
    ping: &HttpResponse,
    with_login: bool,
) -> Result<(), End> {
    if ping.status.as_u16() != 401 {
        way.skip("auth", "no login needed");
        return Ok(());
    }
    let (scheme, _) = endpoint
        .auth
        .choose(&ping.headers, with_login)
        .map_err(|error| way.end("auth", &error))?;
    way.ok(
        "auth",
        match scheme {
            super::auth::Scheme::Basic => "basic auth".to_owned(),
            super::auth::Scheme::Bearer { realm, .. } => {
                format!("a token from {}", realm.host_str().unwrap_or_default())
            }
        },
    );
    Ok(())
}

/// Whether the login works, if no image is checked: it is used, not only exchanged for a token.
async fn knock(
    way: &mut Way<'_>,
    endpoint: &Endpoint,
    ping: &HttpResponse,
    login: Option<&Checked<'_>>,
) -> Result<(), End> {
    if ping.status.as_u16() != 401 {
        way.skip("token", "not needed");
        return Ok(());
    }
    let Some(login) = login else {
        way.skip(
            "token",
            "no login to check; name an image to check anonymous access",
        );
        return Ok(());
    };
    let header = endpoint.auth.for_host(&ping.headers, &login.user).await;
    let header = header.map_err(|error| way.end("token", &error))?;
    let request = HttpRequest::get(endpoint.url(""), 64 * 1024).authorization(header);
    let response = endpoint.send_on(request).await;
    let response = response.map_err(|error| way.end("token", &error))?;
    match response.status.as_u16() {
        200 => {
            let time = lifetime(endpoint);
            way.ok(
                "token",
                format!("the login from {} works{time}", login.name()),
            );
            Ok(())
        }
        401 | 403 => Err(way.end("token", &endpoint.auth.unauthorized(false))),
        _ => {
            let host = &endpoint.settings.host;
            Err(way.end("token", &answer::failure(host, false, &response)))
        }
    }
}

/// How long the token lives that the registry's service gave.
fn lifetime(endpoint: &Endpoint) -> String {
    let time = endpoint.auth.token_lifetime();
    time.map(|time| format!("; its token is{}", valid(time).trim_start_matches(',')))
        .unwrap_or_default()
}

/// The tags and a manifest of an image. A token proves nothing before it has been used.
async fn read(
    way: &mut Way<'_>,
    endpoint: &Endpoint,
    ping: &HttpResponse,
    (path, wanted): (&str, Option<&Tag>),
    checked: Option<&Checked<'_>>,
) -> Result<(), End> {
    let login = checked.map(|checked| checked.login);
    let tags = tags::list(endpoint, path, login).await;
    let asked = ping.status.as_u16() == 401;
    match &tags {
        Err(error @ (RegistryError::Unauthorized { .. } | RegistryError::Challenge { .. })) => {
            return Err(way.end("token", error));
        }
        _ if !asked => way.skip("token", "not needed"),
        Err(_) => {}
        Ok(_) => way.ok(
            "token",
            match checked {
                Some(login) => format!(
                    "the login from {} can read this image{}",
                    login.name(),
                    lifetime(endpoint)
                ),
                None => "this image is readable without a login".to_owned(),
            },
        ),
    }
    let tags = tags.map_err(|error| way.end("tags", &error))?;
    way.ok("tags", format!("{} tags", tags.tags.len()));
    let latest = tags.tags.iter().find(|tag| tag.as_str() == "latest");
    let Some(tag) = wanted.or(latest).or(tags.tags.last()) else {
        way.skip("manifest", "no tag to check");
        return Ok(());
    };
    let head = manifests::head(endpoint, path, login, tag.into())
        .await
        .map_err(|error| way.end("manifest", &error))?;
    match head {
        Some(head) => {
            way.ok("manifest", format!("{tag} is {}", head.digest.short()));
            Ok(())
        }
        None => {
            let listed = match tags.tags.contains(tag) {
                true => "it is listed, though",
                false => "it is not listed either",
            };
            let detail = format!("{tag} does not exist; {listed}");
            way.push("manifest", DoctorOutcome::Failed, detail, None);
            Err(End)
        }
    }
}
