//! Logins from docker's `config.json`, podman's `auth.json` and Kubernetes' `dockerconfigjson` and `.dockercfg`.
//!
//! Only what the files contain is read here. RegistryCredential helpers are named by [`DockerEntry`], and run elsewhere, if the
//! operator allows it.

use super::{Helper, RegistryCredential};
use crate::image::{ImageName, RegistryHost};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

/// The key of Docker Hub, in docker's files and for helpers.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// The logins of a file.
#[derive(Debug, Clone, Default)]
pub struct DockerConfig {
    entries: Vec<DockerEntry>,
    /// `credsStore`: the helper for the hosts that the file does not name.
    store: Option<DockerLogin>,
}

/// What a file contains for a registry, or for a part of it.
#[derive(Debug, Clone)]
pub struct DockerEntry {
    /// The key as it is in the file; helpers know the registry by it.
    pub key: String,
    /// The registry.
    pub host: RegistryHost,
    /// The path on the registry; empty: all of it.
    pub path: String,
    /// The login.
    pub login: DockerLogin,
}

/// How an entry holds a login.
#[derive(Debug, Clone)]
pub enum DockerLogin {
    /// In the file itself.
    Here(RegistryCredential),
    /// In a credential helper, named by this key of the file: `credHelpers` or `credsStore`.
    Helper(Helper, &'static str),
    /// Not at all: the entry is invalid, for this reason.
    Invalid(&'static str),
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

#[derive(serde::Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: Option<BTreeMap<String, Auth>>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: SecretString,
    identitytoken: SecretString,
}

impl DockerConfig {
    /// Reads a file's content. Entries that do not name a registry host are left out.
    pub fn parse(content: &[u8]) -> Result<Self, DockerConfigError> {
        let error = |error: serde_json::Error| DockerConfigError {
            line: error.line(),
            column: error.column(),
        };
        let file: File = serde_json::from_slice(content).map_err(error)?;
        let auths = match file.auths {
            Some(auths) => auths,
            // The old `.dockercfg` is the inner map.
            None => serde_json::from_slice(content).unwrap_or_default(),
        };
        let has_store = !file.creds_store.is_empty();
        let store = || helper(&file.creds_store, "credsStore");
        let entry = |key: &str, login: DockerLogin| {
            let (host, path) = place(key)?;
            let key = key.to_owned();
            Some(DockerEntry {
                key,
                host,
                path,
                login,
            })
        };
        let of_auths = auths.iter().filter_map(|(key, auth)| {
            // An empty entry means that the store has the login.
            let login = login_in(auth).or_else(|| has_store.then(store))?;
            entry(key, login)
        });
        let mut entries: Vec<DockerEntry> = of_auths.collect();
        for (key, name) in &file.cred_helpers {
            // As in docker, a host's helper takes precedence over the other entries.
            if let Some(entry) = entry(key, helper(name, "credHelpers")) {
                entries.retain(|other| other.host != entry.host || other.path != entry.path);
                entries.push(entry);
            }
        }
        Ok(Self {
            entries,
            store: has_store.then(store),
        })
    }

    /// The entry for an image: of its host, the one with the longest path that is a prefix of the image's path, part by
    /// part.
    pub fn entry(&self, image: &ImageName) -> Option<DockerEntry> {
        let covers = |entry: &&DockerEntry| {
            entry.host == *image.host()
                && (entry.path.is_empty()
                    || image
                        .path()
                        .strip_prefix(entry.path.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        let covering = self.entries.iter().filter(covers);
        covering.max_by_key(|entry| entry.path.len()).cloned()
    }

    /// The entry for a host that the file does not name: its `credsStore`, if it has one.
    pub fn store_entry(&self, host: &RegistryHost) -> Option<DockerEntry> {
        let login = self.store.clone()?;
        Some(DockerEntry {
            key: server_key(host),
            host: host.clone(),
            path: String::new(),
            login,
        })
    }

    /// The hosts that the file has an entry for.
    pub fn hosts(&self) -> impl Iterator<Item = &RegistryHost> {
        self.entries.iter().map(|entry| &entry.host)
    }
}

/// What a helper calls a registry that no file has a key for.
pub fn server_key(host: &RegistryHost) -> String {
    match host.as_str() {
        RegistryHost::DOCKER_HUB => DOCKER_HUB_KEY.to_owned(),
        host => host.to_owned(),
    }
}

fn helper(name: &str, key: &'static str) -> DockerLogin {
    match Helper::parse(name) {
        Ok(helper) => DockerLogin::Helper(helper, key),
        Err(_) => DockerLogin::Invalid("the name of its credential helper is invalid"),
    }
}

/// The login in an entry; `None` if it is empty.
fn login_in(auth: &Auth) -> Option<DockerLogin> {
    let is_empty = |secret: &SecretString| secret.expose_secret().is_empty();
    let decoded = || decode(&auth.auth);
    if !is_empty(&auth.identitytoken) {
        let username = match auth.username.as_str() {
            "" => decoded().map(|found| found.username).unwrap_or_default(),
            username => username.to_owned(),
        };
        let token = auth.identitytoken.clone();
        return Some(DockerLogin::Here(RegistryCredential::identity_token(
            &username, token,
        )));
    }
    if !auth.username.is_empty() && !is_empty(&auth.password) {
        let password = auth.password.clone();
        return Some(DockerLogin::Here(RegistryCredential::password(
            &auth.username,
            password,
        )));
    }
    if auth.auth.is_empty() {
        return None;
    }
    let invalid = DockerLogin::Invalid("`auth` is not base64 of user:password");
    Some(decoded().map_or(invalid, DockerLogin::Here))
}

fn decode(auth: &str) -> Option<RegistryCredential> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, config)
        .decode(auth.trim())
        .ok()?;
    let pair = String::from_utf8(bytes).ok()?;
    let (username, password) = pair.split_once(':')?;
    let password = SecretString::from(password.trim_end_matches('\0'));
    Some(RegistryCredential::password(username, password))
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
    use super::super::CredentialKind;
    use super::*;

    fn check(file: &str, image: &str) -> String {
        let config = DockerConfig::parse(file.as_bytes()).expect("a configuration");
        let image = ImageName::parse(image).expect("a name");
        let store = || config.store_entry(image.host());
        let Some(entry) = config.entry(&image).or_else(store) else {
            return "none".to_owned();
        };
        match entry.login {
            DockerLogin::Here(found) => {
                let (secret, kind) = (found.secret.expose_secret(), found.kind);
                let kind = match kind {
                    CredentialKind::Password => "",
                    CredentialKind::IdentityToken => " (token)",
                };
                format!("{} {}:{secret}{kind}", entry.host, found.username)
            }
            DockerLogin::Helper(helper, key) => {
                format!("{key}: {} get {}", helper.program(), entry.key)
            }
            DockerLogin::Invalid(why) => why.to_owned(),
        }
    }

    #[test]
    fn the_longest_path_wins() {
        let file = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "aHViOnB3"},
            "reg.example:5000": {"username": "all", "password": "pw"},
            "reg.example:5000/team": {"auth": "dGVhbTpwOnc"},
            "https://other.example/v2/": {"auth": "MDA6", "identitytoken": "x"},
            "bad.example": {"auth": "!"},
            "user@evil/": {"auth": "aHViOnB3"}
        }, "credHelpers": {"gcr.io": "gcloud", "evil.example": "../../bin/sh"}, "HttpHeaders": {}}"#;
        for (image, expect) in [
            ("node", "docker.io hub:pw"),
            ("reg.example:5000/x", "reg.example:5000 all:pw"),
            ("reg.example:5000/team/x", "reg.example:5000 team:p:w"),
            ("reg.example:5000/teams/x", "reg.example:5000 all:pw"),
            ("reg.example/x", "none"),
            ("x.reg.example:5000/x", "none"),
            ("other.example/x", "other.example 00:x (token)"),
            ("bad.example/x", "`auth` is not base64 of user:password"),
            (
                "evil.example/x",
                "the name of its credential helper is invalid",
            ),
            (
                "gcr.io/p/x",
                "credHelpers: docker-credential-gcloud get gcr.io",
            ),
            ("eu.gcr.io/p/x", "none"),
        ] {
            assert_eq!(check(file, image), expect, "{image}");
        }
        let store = r#"{"auths": {"a.example": {}, "b.example": {"auth": "aHViOnB3"}}, "credsStore": "desktop"}"#;
        for (image, expect) in [
            (
                "a.example/x",
                "credsStore: docker-credential-desktop get a.example",
            ),
            ("b.example/x", "b.example hub:pw"),
            (
                "node",
                "credsStore: docker-credential-desktop get https://index.docker.io/v1/",
            ),
        ] {
            assert_eq!(check(store, image), expect, "{image}");
        }
        let old = r#"{"https://index.docker.io/v1/": {"auth": "aHViOnB3", "email": "a@b"}}"#;
        assert_eq!(check(old, "node"), "docker.io hub:pw");
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
