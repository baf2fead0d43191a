//! Docker credential helpers: programs that hold logins.
//!
//! The protocol (docker-credential-helpers, `client/command.go`, `credentials/error.go`): `docker-credential-NAME get`
//! reads the server's name on stdin without a newline. It prints JSON with `Username` and `Secret` and exits with 0, or
//! prints a message *on stdout* and exits with another status. A user name `<token>` marks an identity token.

use super::credentials::{CredentialError, CredentialResult, RegistryCredential};
use crate::process::{self, Limits};
use crate::redact::Redactor;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::process::Command;

/// The user name of an identity token.
const TOKEN_USER: &str = "<token>";
/// The longest name of a helper, in bytes.
const LONGEST_NAME: usize = 64;
/// The most of a helper's message that is shown, in characters.
const LONGEST_MESSAGE: usize = 200;
/// The variables that a helper gets, by name and by prefix; imagebot's own secrets are not among them.
const VARIABLES: [&str; 3] = ["PATH", "HOME", "DOCKER_CONFIG"];
const PREFIXES: [&str; 5] = ["AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "XDG_"];

/// The name of a helper, without `docker-credential-`. It is never a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper(String);

/// A text that does not name a helper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a credential helper is the end of docker-credential-NAME: lower-case letters, digits, `.`, `_` and `-`, \
     such as ecr-login"
)]
pub struct ParseHelperError;

impl Helper {
    /// Checks a name: `[a-z0-9][a-z0-9._-]*`.
    pub fn parse(name: &str) -> Result<Self, ParseHelperError> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = |c: u8| plain(c) || matches!(c, b'.' | b'_' | b'-');
        let valid = name.len() <= LONGEST_NAME
            && name.bytes().next().is_some_and(plain)
            && name.bytes().all(inner);
        match valid {
            true => Ok(Self(name.to_owned())),
            false => Err(ParseHelperError),
        }
    }

    /// The name, without `docker-credential-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the program.
    pub fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

/// Runs helpers, each one at a time. Clones share the turns.
#[derive(Debug, Clone)]
pub struct Helpers {
    redactor: Redactor,
    limits: Limits,
    /// Where the programs are.
    path: OsString,
    turns: Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Helpers {
    /// Helpers whose secrets and messages go through a redactor.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            redactor,
            limits: Limits {
                time: Duration::from_secs(30),
                output: 64 << 10,
            },
            path: std::env::var_os("PATH").unwrap_or_default(),
            turns: Arc::default(),
        }
    }

    /// The same helpers with another time limit.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }

    /// The same helpers from other folders than those of `PATH`.
    #[must_use]
    pub fn with_path(mut self, path: OsString) -> Self {
        self.path = path;
        self
    }

    /// The credential that a helper holds for a server; `None` if it holds none.
    pub async fn get(&self, helper: &Helper, server: &str) -> CredentialResult {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(helper.0.clone()).or_default())
        };
        let _turn = turn.lock().await;
        let program = helper.program();
        tracing::debug!(program, server, "asking the credential helper");
        let run = process::run(&mut self.command(&program), server.into(), self.limits).await;
        let failed = |what: String| Err(CredentialError::new(format!("{program}: {what}")));
        match run {
            Ok(output) if output.status.success() => match read(&output.stdout) {
                Ok(credential) => {
                    self.redactor
                        .add_login(&credential.username, &credential.secret);
                    Ok(Some(credential))
                }
                Err(why) => failed(why.to_owned()),
            },
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                match text.trim() {
                    "credentials not found in native keychain" => Ok(None),
                    text => failed(format!("{}: {}", output.status, self.message(text))),
                }
            }
            Err(process::Stopped::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                let what = format!("{program} was not found in PATH");
                Err(CredentialError::new(what).with_help(format!("install {program}")))
            }
            Err(stopped) => failed(stopped.within(self.limits)),
        }
    }

    /// A helper's message as it is shown. A text that may be the answer itself is not.
    fn message(&self, text: &str) -> String {
        if text.contains('{') {
            return "its output is not shown, because it may contain a secret".to_owned();
        }
        let line = text.lines().next().unwrap_or("it printed no message");
        let line = line.chars().filter(|c| !c.is_control());
        let line: String = line.take(LONGEST_MESSAGE).collect();
        self.redactor.redact(&line).into_owned()
    }

    /// The program with the environment that it gets. It starts in `/`: nothing in the current folder is its business.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(process::in_path(Path::new(program), &self.path));
        let passed = std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            VARIABLES.contains(&name.as_ref())
                || PREFIXES.iter().any(|start| name.starts_with(start))
        });
        command
            .arg("get")
            .current_dir("/")
            .env_clear()
            .envs(passed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It is for users at a terminal, and may contain the secret.
            .stderr(Stdio::null());
        command
    }
}

/// A helper's answer.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: SecretString,
}

fn read(output: &[u8]) -> Result<RegistryCredential, &'static str> {
    let answer: Answer = serde_json::from_slice(output)
        .map_err(|_| "it did not print JSON with Username and Secret")?;
    if answer.secret.expose_secret().is_empty() {
        return Err("it gave an empty secret");
    }
    match answer.username.as_str() {
        "" => Err("it gave no user name"),
        TOKEN_USER => Ok(RegistryCredential::identity_token(
            TOKEN_USER,
            answer.secret,
        )),
        name if name.contains([':', '\r', '\n', '\0']) => Err("it gave an invalid user name"),
        name => Ok(RegistryCredential::password(name, answer.secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helpers_name_is_never_a_path() {
        for good in [
            "ecr-login",
            "gcloud",
            "osxkeychain",
            "acr-env",
            "a.b_c",
            "1",
        ] {
            assert!(Helper::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "", "-x", ".x", "../x", "a/b", "/bin/sh", "A", "a b", "a;b", "a\n", "é", &long,
        ] {
            assert!(Helper::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn answers_are_read_or_refused_without_being_quoted() {
        let read = |text: &str| read(text.as_bytes()).map(|found| (found.username, found.kind));
        use super::super::credentials::CredentialKind::{IdentityToken, Password};
        assert_eq!(
            read(r#"{"ServerURL":"x","Username":"AWS","Secret":"s"}"#),
            Ok(("AWS".to_owned(), Password))
        );
        assert_eq!(
            read(r#"{"Username":"<token>","Secret":"s","More":1}"#),
            Ok(("<token>".to_owned(), IdentityToken))
        );
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"Username":"a"}"#,
            r#"{"Secret":"CANARY"}"#,
            r#"{"Username":"a","Secret":""}"#,
            r#"{"Username":"a:b","Secret":"CANARY"}"#,
        ] {
            let error = read(bad).expect_err("refused");
            assert!(!error.contains("CANARY"), "{bad}");
        }
    }
}
