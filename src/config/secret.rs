//! Where a secret is kept, and how it is read.

use super::mask::is_variable;
use super::place::place;
use super::table::Table;
use secrecy::SecretString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The longest that a secret's command may take.
const PATIENCE: Duration = Duration::from_secs(30);

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
        match self {
            Self::Command(_) => Ok(()),
            _ => self.read_out().map(drop),
        }
    }

    /// The file, if every user of the machine may read it.
    pub fn open_to_all(&self) -> Option<&Path> {
        let Self::File(path) = self else { return None };
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o004 != 0).then_some(path)
    }

    /// Reads the secret; surrounding white space is removed.
    pub fn fetch(&self) -> Result<SecretString, SecretError> {
        if let Some(file) = self.open_to_all() {
            tracing::warn!(file = %file.display(), "the secret file is world-readable");
        }
        self.read_out()
    }

    fn read_out(&self) -> Result<SecretString, SecretError> {
        let (text, what) = match self {
            Self::Env(name) => {
                let text = std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?;
                (text, format!("environment variable {name}"))
            }
            Self::File(path) => {
                let shown = path.display().to_string();
                let error = |error| SecretError::File {
                    path: shown.clone(),
                    error,
                };
                let metadata = std::fs::metadata(path).map_err(error)?;
                if metadata.permissions().mode() & 0o002 != 0 {
                    return Err(SecretError::WorldWritable(shown));
                }
                (std::fs::read_to_string(path).map_err(error)?, shown.clone())
            }
            Self::Command(words) => {
                let name = words.first().cloned().unwrap_or_default();
                let error = |detail: String| SecretError::Command {
                    command: name.clone(),
                    detail,
                };
                let output = run(words).map_err(|e| error(e.to_string()))?;
                if !output.status.success() {
                    return Err(error(output.status.to_string()));
                }
                let text = String::from_utf8(output.stdout)
                    .map_err(|_| error("it did not print UTF-8 text".to_owned()))?;
                (text, format!("command {name}"))
            }
        };
        let text = text.trim();
        if text.is_empty() {
            Err(SecretError::Empty(what))
        } else {
            Ok(SecretString::from(text.to_owned()))
        }
    }
}

/// Runs a secret's command and returns its output, unless it takes too long.
fn run(words: &[String]) -> std::io::Result<Output> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| std::io::Error::other("it is empty"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Its error output may contain the secret.
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    while child.try_wait()?.is_none() {
        if started.elapsed() > PATIENCE {
            child.kill()?;
            let seconds = PATIENCE.as_secs();
            return Err(std::io::Error::other(format!(
                "it took longer than {seconds} s"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output()
}
