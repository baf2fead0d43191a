//! Where a secret is kept, and how it is read.

use super::mask::is_variable;
use super::place::place;
use super::table::Table;
use crate::process::{self, Limits};
use secrecy::SecretString;
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// The limits of a secret's command.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(30),
    output: 64 << 10,
};

/// Where a secret is kept. The configuration never contains the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In an environment variable.
    Env(String),
    /// In a file, its path relative to the configuration's.
    File(PathBuf),
    /// The output of a command.
    Command(Vec<String>),
}

/// Why a secret is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or is empty.
    #[error("{}", unset(.0))]
    Env(String),
    /// The file cannot be read.
    #[error("the secret file {path} cannot be read: {error}")]
    File {
        /// The file.
        path: String,
        /// The system's error.
        error: std::io::Error,
    },
    /// Every user of the machine may write to the file.
    #[error("the secret file {0} is world-writable; run `chmod o-w {0}`")]
    WorldWritable(String),
    /// The command failed.
    #[error("the secret command {command} failed: {detail}")]
    Command {
        /// Its first word.
        command: String,
        /// The reason.
        detail: String,
    },
    /// The source is empty.
    #[error("the secret is empty: {0}")]
    Empty(String),
}

/// A variable's name is shown only if it looks like one: the text may be the secret itself.
fn unset(name: &str) -> String {
    if is_variable(name) {
        return format!("the environment variable {name} is not set");
    }
    "`env` names an environment variable that is not set; it takes the name of a variable, such as REGISTRY_TOKEN, \
     never the secret itself"
        .to_owned()
}

impl Secret {
    /// Reads `{ env }`, `{ file }` or `{ command }`.
    pub(super) fn read(table: Table<'_>, folder: &Path) -> Option<Self> {
        let env = table.text("env").map(|at| Self::Env(at.value));
        let file = table
            .text("file")
            .map(|at| Self::File(place(folder, &at.value)));
        let command = table
            .texts("command")
            .map(|at| Self::Command(at.value.into_iter().map(|at| at.value).collect()));
        let mut given: Vec<Self> = [env, file, command].into_iter().flatten().collect();
        match (given.len(), given.pop()) {
            (1, Some(Self::Command(words))) if words.is_empty() => {
                table.problem(table.span.0..table.span.1, "the command is empty", None);
                None
            }
            (1, secret) => secret,
            _ => {
                let help = "write { env = \"NAME\" }, { file = \"path\" } or { command = [\"program\", \"argument\"] }";
                table.problem(
                    table.span.0..table.span.1,
                    "a secret must be one of env, file, command",
                    Some(help.to_owned()),
                );
                None
            }
        }
    }

    /// Checks whether the secret is available, without running a command and without keeping what is read.
    pub fn examine(&self) -> Result<(), SecretError> {
        self.at_hand().map_or(Ok(()), |read| read.map(drop))
    }

    /// The file, if every user of the machine may read it.
    pub fn open_to_all(&self) -> Option<&Path> {
        let Self::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o004 != 0).then_some(path)
    }

    /// Reads the secret; surrounding white space is removed.
    pub async fn fetch(&self) -> Result<SecretString, SecretError> {
        self.warn();
        match self {
            Self::Command(words) => run(words).await,
            Self::Env(_) | Self::File(_) => self.at_hand().expect("only a command is not at hand"),
        }
    }

    /// Logs that every user of the machine may read the secret's file.
    pub fn warn(&self) {
        if let Some(file) = self.open_to_all() {
            tracing::warn!(file = %file.display(), "the secret file is world-readable");
        }
    }

    /// Reads the secret if that needs no command.
    pub fn at_hand(&self) -> Option<Result<SecretString, SecretError>> {
        match self {
            Self::Env(name) => Some(of_variable(name)),
            Self::File(path) => Some(of_file(path)),
            Self::Command(_) => None,
        }
    }
}

impl fmt::Display for Secret {
    /// Where it is kept, without its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) if is_variable(name) => write!(f, "the environment variable {name}"),
            Self::Env(_) => f.write_str("an environment variable"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Command(words) => write!(f, "the command {}", program(words)),
        }
    }
}

fn of_variable(name: &str) -> Result<SecretString, SecretError> {
    let text = std::env::var(name).map_err(|_| SecretError::Env(name.to_owned()))?;
    trimmed(&text, || format!("environment variable {name}"))
}

fn of_file(path: &Path) -> Result<SecretString, SecretError> {
    let shown = path.display().to_string();
    let error = |error| SecretError::File {
        path: shown.clone(),
        error,
    };
    let metadata = std::fs::metadata(path).map_err(error)?;
    if metadata.permissions().mode() & 0o002 != 0 {
        return Err(SecretError::WorldWritable(shown));
    }
    let text = std::fs::read_to_string(path).map_err(error)?;
    trimmed(&text, || shown.clone())
}

/// Runs a secret's command and returns what it prints.
async fn run(words: &[String]) -> Result<SecretString, SecretError> {
    let error = |detail: String| SecretError::Command {
        command: program(words).to_owned(),
        detail,
    };
    let mut command = Command::new(program(words));
    command
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Its error output may contain the secret.
        .stderr(Stdio::null());
    let output = process::run(&mut command, Vec::new(), LIMITS).await;
    let output = output.map_err(|stopped| error(stopped.within(LIMITS)))?;
    if !output.status.success() {
        return Err(error(output.status.to_string()));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| error("it did not print UTF-8 text".to_owned()))?;
    trimmed(&text, || format!("command {}", program(words)))
}

fn program(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}

fn trimmed(text: &str, source: impl Fn() -> String) -> Result<SecretString, SecretError> {
    match text.trim() {
        "" => Err(SecretError::Empty(source())),
        text => Ok(SecretString::from(text)),
    }
}
