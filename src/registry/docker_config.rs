//! Logins from docker's `config.json`, or podman's `auth.json`.
//!
//! Credential helpers are programs that hold the real logins. They are recognised, so that the missing login can be
//! explained, and never run.

use super::Login;
use crate::image::{ImageName, RegistryHost};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use std::collections::BTreeMap;

/// The logins of a file.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    entries: Vec<FileEntry>,
}

#[derive(Debug, Clone)]
struct FileEntry {
    host: RegistryHost,
    /// The path on the host; empty: all of it.
    path: String,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Login {
        username: String,
        password: SecretString,
    },
    Unsupported(Unsupported),
}

/// A file that is not a docker configuration. The message does not quote the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: not valid in docker's config.json")]
pub struct DockerConfigError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// What a file contains for an image.
#[derive(Debug, Clone)]
pub enum DockerLogin {
    /// Nothing.
    None,
    /// A login.
    Login(Login),
    /// Something that is not supported yet; the look-up continues without a login.
    Unsupported(Unsupported),
}

/// A kind of login that is not supported yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// The program `docker-credential-<name>` holds it.
    #[error(
        "the login is held by docker-credential-{0}, and credential helpers are not supported yet"
    )]
    Helper(String),
    /// An identity token takes the place of a password.
    #[error("the login is an identity token, and those are not supported yet")]
    IdentityToken,
    /// The value of `auth` is not base64 of user and password.
    #[error("the login cannot be read: `auth` is not base64 of user:password")]
    Unreadable,
}

#[derive(serde::Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl DockerConfig {
    /// Reads a file's content. Entries that do not name a registry host are left out.
    pub fn parse(content: &[u8]) -> Result<Self, DockerConfigError> {
        let file: File = serde_json::from_slice(content).map_err(|error| DockerConfigError {
            line: error.line(),
            column: error.column(),
        })?;
        let mut entries = Vec::new();
        for (key, auth) in &file.auths {
            let Some((host, path)) = place(key) else {
                continue;
            };
            if let Some(what) = what(auth, &file.creds_store) {
                entries.push(FileEntry { host, path, what });
            }
        }
        for (key, helper) in file.cred_helpers {
            let Some((host, path)) = place(&key) else {
                continue;
            };
            // As in docker, a host's helper takes precedence over the other entries.
            entries.retain(|entry| entry.host != host || entry.path != path);
            let what = What::Unsupported(Unsupported::Helper(helper));
            entries.push(FileEntry { host, path, what });
        }
        Ok(Self { entries })
    }

    /// The entry for an image: of its host, the one with the longest path that is a prefix of the image's path, part by
    /// part.
    pub fn login(&self, image: &ImageName) -> DockerLogin {
        let covers = |entry: &&FileEntry| {
            entry.host == *image.host()
                && (entry.path.is_empty()
                    || image
                        .path()
                        .strip_prefix(entry.path.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        let best = self
            .entries
            .iter()
            .filter(covers)
            .max_by_key(|entry| entry.path.len());
        match best {
            None => DockerLogin::None,
            Some(FileEntry {
                what: What::Unsupported(why),
                ..
            }) => DockerLogin::Unsupported(why.clone()),
            Some(FileEntry {
                host,
                path,
                what: What::Login { username, password },
            }) => DockerLogin::Login(Login {
                id: format!("docker {host}/{path}"),
                host: host.clone(),
                username: username.clone(),
                password: password.clone(),
                optional: false,
            }),
        }
    }
}

fn what(auth: &Auth, creds_store: &str) -> Option<What> {
    if !auth.identitytoken.is_empty() {
        return Some(What::Unsupported(Unsupported::IdentityToken));
    }
    if !auth.username.is_empty() && !auth.password.is_empty() {
        return Some(What::Login {
            username: auth.username.clone(),
            password: SecretString::from(auth.password.as_str()),
        });
    }
    if !auth.auth.is_empty() {
        return Some(decode(&auth.auth).unwrap_or(What::Unsupported(Unsupported::Unreadable)));
    }
    // An empty entry means that the store has the login.
    (!creds_store.is_empty())
        .then(|| What::Unsupported(Unsupported::Helper(creds_store.to_owned())))
}

fn decode(auth: &str) -> Option<What> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, config)
        .decode(auth.trim())
        .ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(What::Login {
        username: username.to_owned(),
        password: SecretString::from(password.trim_end_matches('\0')),
    })
}

/// The host and the path of a key: `https://index.docker.io/v1/`, `registry.example.com/team`.
fn place(key: &str) -> Option<(RegistryHost, String)> {
    let key = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key)
        .trim_end_matches('/');
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = if matches!(path, "v1" | "v2") {
        ""
    } else {
        path
    };
    let host = match host {
        "registry-1.docker.io" => RegistryHost::docker_hub(),
        host => RegistryHost::parse(host).ok()?,
    };
    Some((host, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn check(file: &str, image: &str) -> String {
        let config = DockerConfig::parse(file.as_bytes()).expect("a configuration");
        match config.login(&ImageName::parse(image).expect("a name")) {
            DockerLogin::None => "none".to_owned(),
            DockerLogin::Login(login) => {
                format!(
                    "{} {}:{}",
                    login.host,
                    login.username,
                    login.password.expose_secret()
                )
            }
            DockerLogin::Unsupported(why) => format!("{why:?}"),
        }
    }

    #[test]
    fn the_longest_path_wins() {
        let file = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
            "reg.example:5000": {"username": "all", "password": "pw"},
            "reg.example:5000/team": {"auth": "dGVhbTpwOnc"},
            "https://other.example/v2/": {"identitytoken": "x"},
            "bad.example": {"auth": "!"},
            "user@evil/": {"auth": "aHViOnB3"}
        }, "credHelpers": {"gcr.io": "gcloud"}, "HttpHeaders": {}}"#;
        for (image, expect) in [
            ("node", "docker.io hub:pw"),
            ("reg.example:5000/x", "reg.example:5000 all:pw"),
            ("reg.example:5000/team/x", "reg.example:5000 team:p:w"),
            ("reg.example:5000/teams/x", "reg.example:5000 all:pw"),
            ("reg.example/x", "none"),
            ("x.reg.example:5000/x", "none"),
            ("other.example/x", "IdentityToken"),
            ("bad.example/x", "Unreadable"),
            ("gcr.io/p/x", "Helper(\"gcloud\")"),
            ("eu.gcr.io/p/x", "none"),
        ] {
            assert_eq!(check(file, image), expect, "{image}");
        }
        let store = r#"{"auths": {"a.example": {}, "b.example": {"auth": "aHViOnB3"}}, "credsStore": "desktop"}"#;
        assert_eq!(check(store, "a.example/x"), "Helper(\"desktop\")");
        assert_eq!(check(store, "b.example/x"), "b.example hub:pw");
        assert_eq!(check("{}", "a.example/x"), "none");
    }

    #[test]
    fn t8_an_error_does_not_quote_the_file() {
        let error = DockerConfig::parse(br#"{"auths": {"a": "CANARY"}}"#).map(|_| ());
        assert!(error.is_err_and(|error| !format!("{error} {error:?}").contains("CANARY")));
        let file = br#"{"auths": {"a.example": {"username": "u", "password": "CANARY"}}}"#;
        let config = DockerConfig::parse(file).expect("a configuration");
        assert!(!format!("{config:?}").contains("CANARY"));
    }
}
