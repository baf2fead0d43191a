//! How git is started: scrubbed environment, generated configuration, limits.

use super::error::GitError;
use super::remote::Remote;
use super::scratch::Scratch;
use crate::process::{self, Limits, Output, Stopped};
use crate::redact::Redactor;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// The oldest git that works: Debian 12's. Older ones lack `merge-tree --write-tree`.
pub const MIN_VERSION: (u32, u32) = (2, 38);

/// The most that one command may print, in bytes.
const MAX_OUTPUT: u64 = 128 << 20;
/// The largest cached copy, in bytes: a server that ignores the filter sends everything.
const CAP: u64 = 1 << 30;
/// The longest that one command may take by default.
const TIME: Duration = Duration::from_secs(120);

/// How often a command is tried whose connection the server closed.
const TRIES: u32 = 4;
/// The wait before the next try by default; it grows with each one.
const PAUSE: Duration = Duration::from_millis(250);

/// The author of imagebot's commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// The `git` program, with a home folder of its own.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    scratch: Arc<Scratch>,
    cache: PathBuf,
    identity: Identity,
    cap: u64,
    pause: Duration,
    time: Duration,
    redactor: Redactor,
}

impl Git {
    /// Finds git, checks its version and prepares a home for it. `cache` is the folder for cached repositories.
    pub async fn new(cache: &Path, identity: Identity) -> Result<Self, GitError> {
        Self::with_program(Path::new("git"), cache, identity).await
    }

    /// As [`Git::new`], with the program given.
    pub async fn with_program(
        program: &Path,
        cache: &Path,
        identity: Identity,
    ) -> Result<Self, GitError> {
        let git = Self {
            program: process::in_path(program, &std::env::var_os("PATH").unwrap_or_default()),
            scratch: Arc::new(Scratch::new(cache)?),
            cache: cache.to_owned(),
            identity,
            cap: CAP,
            pause: PAUSE,
            time: TIME,
            redactor: Redactor::new(),
        };
        git.check_version().await?;
        Ok(git)
    }

    /// Sets the largest size of a cached copy, in bytes; 1 GiB by default.
    #[must_use]
    pub fn with_cap(mut self, bytes: u64) -> Self {
        self.cap = bytes;
        self
    }

    /// Sets the wait before a command is tried again whose connection the server closed.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets the longest that one command may take.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// Makes the messages of servers go through a redactor: a server may repeat the login that it was sent.
    #[must_use]
    pub fn with_redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    pub(super) fn time(&self) -> Duration {
        self.time
    }

    pub(super) fn cap(&self) -> u64 {
        self.cap
    }

    pub(super) fn cache_folder(&self) -> &Path {
        &self.cache
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn home(&self) -> &Path {
        self.scratch.path()
    }

    async fn check_version(&self) -> Result<(), GitError> {
        let needed = format!("{}.{}", MIN_VERSION.0, MIN_VERSION.1);
        let mut command = tokio::process::Command::new(&self.program);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .arg("--version");
        let output = match command.output().await {
            Ok(output) => output,
            Err(error) => return Err(GitError::Missing { error, needed }),
        };
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let mut numbers = found
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or_default()
            .split('.')
            .map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < MIN_VERSION {
            Err(GitError::Version { found, needed })
        } else {
            Ok(())
        }
    }

    /// The global configuration for one remote, in a file: `safe.directory` in the environment does not reach the
    /// upload-pack that git starts for a local repository.
    fn global_config(&self, remote: Option<&Remote>) -> Result<PathBuf, GitError> {
        // No `fsckObjects`: a partial fetch refuses old histories because of unusual time zones, whatever
        // `fetch.fsck.*` tolerates. Ids are checked in any case, nothing is checked out, and paths are checked when
        // they are parsed.
        let mut text = String::from(
            "[protocol]\n\tversion = 2\n\
             [http]\n\tfollowRedirects = false\n\tuserAgent = imagebot\n\
             [credential]\n\thelper =\n\
             [transfer]\n\tbundleURI = false\n\
             [uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n\
             [core]\n\tbigFileThreshold = 1m\n\
             [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
             [advice]\n\tdetachedHead = false\n",
        );
        let directory = remote
            .and_then(Remote::directory)
            .map(|path| path.display().to_string());
        if let Some(directory) = &directory {
            text.push_str(&format!("[safe]\n\tdirectory = {}\n", quoted(directory)));
        }
        let path = self.home().join(format!(
            "config-{:016x}",
            fingerprint(directory.as_deref().unwrap_or_default())
        ));
        if !path.exists() {
            // Written under another name and renamed, since several tasks may need the same file at once.
            let written = tempfile::NamedTempFile::new_in(self.home())
                .and_then(|file| std::fs::write(file.path(), &text).map(|()| file))
                .and_then(|file| file.persist(&path).map_err(|error| error.error));
            written.map_err(|error| GitError::io("git's configuration", error))?;
        }
        Ok(path)
    }

    fn command(
        &self,
        git_dir: Option<&Path>,
        remote: Option<&Remote>,
    ) -> Result<tokio::process::Command, GitError> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.home())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_GLOBAL", self.global_config(remote)?)
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env(
                "GIT_ALLOW_PROTOCOL",
                remote.map_or("none", Remote::protocol),
            )
            // A second guard against fetching while reading; old versions of git ignore it.
            .env("GIT_NO_LAZY_FETCH", "1")
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsmonitor=false",
                "-c",
                "submodule.recurse=false",
            ])
            .args([
                "-c",
                "core.symlinks=false",
                "-c",
                "core.attributesFile=/dev/null",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .current_dir(self.home());
        if let Some(git_dir) = git_dir {
            command.arg(format!("--git-dir={}", git_dir.display()));
        }
        Ok(command)
    }

    /// Runs a command to its end; the caller judges the exit status. It is tried again if the server closed the
    /// connection (F60): every command can be repeated, a push because of its leases.
    pub(super) async fn run(&self, call: Call<'_>) -> Result<Output, GitError> {
        let far = call.remote.is_some_and(Remote::is_far);
        let mut pause = self.pause;
        for _ in 1..TRIES {
            let output = self.once(call.clone()).await?;
            if output.status.success() || !far || !is_hang_up(&output.stderr) {
                return Ok(output);
            }
            tracing::debug!(action = call.action, "the server hung up; once more");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.once(call).await
    }

    async fn once(&self, call: Call<'_>) -> Result<Output, GitError> {
        let action = call.action;
        let mut command = self.command(call.git_dir, call.remote)?;
        let mut settings = call.settings;
        settings.extend(call.remote.map(Remote::settings).unwrap_or_default());
        let proxies = call.remote.map(Remote::proxy_variables).unwrap_or_default();
        command
            .arg(action)
            .args(&call.args)
            .envs(call.env.iter().map(|(k, v)| (k, v)))
            .envs(settings_env(&settings))
            .envs(
                proxies
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            );
        tracing::trace!(action, args = ?call.args, "git");
        let limits = Limits {
            time: self.time,
            output: MAX_OUTPUT,
        };
        match process::run(&mut command, call.input, limits).await {
            Ok(mut output) => {
                output.stderr = self.redactor.redact(&output.stderr).into_owned();
                Ok(output)
            }
            Err(Stopped::Time) => Err(GitError::Timeout {
                remote: name(call.remote),
                action,
                seconds: self.time.as_secs(),
            }),
            Err(Stopped::Output) => Err(GitError::TooLarge {
                remote: name(call.remote),
                limit: MAX_OUTPUT >> 20,
            }),
            Err(Stopped::Said) => Err(GitError::TooTalkative {
                remote: name(call.remote),
                action,
            }),
            Err(Stopped::Io(error)) => Err(GitError::io("git", error)),
        }
    }

    /// Runs a command that must succeed, and returns its output.
    pub(super) async fn ask(&self, call: Call<'_>) -> Result<Vec<u8>, GitError> {
        let action = call.action;
        let output = self.run(call).await?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(GitError::failed(action, &output.stderr))
        }
    }
}

/// The messages of git about a connection that was closed too early, or about a server that is overloaded.
fn is_hang_up(stderr: &str) -> bool {
    let words = [
        "early EOF",
        "the remote end hung up unexpectedly",
        "unexpected disconnect",
        "RPC failed; curl",
        "Empty reply from server",
        "Recv failure",
        "returned error: 500",
        "returned error: 502",
        "returned error: 503",
        "returned error: 504",
    ];
    words.iter().any(|word| stderr.contains(word))
}

/// One command.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) git_dir: Option<&'a Path>,
    pub(super) remote: Option<&'a Remote>,
    pub(super) action: &'static str,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    /// Settings of git for this command alone.
    pub(super) settings: Vec<(String, String)>,
    pub(super) input: Vec<u8>,
}

impl Call<'_> {
    pub(super) fn new(action: &'static str) -> Self {
        Self {
            git_dir: None,
            remote: None,
            action,
            args: Vec::new(),
            env: Vec::new(),
            settings: Vec::new(),
            input: Vec::new(),
        }
    }
}

fn name(remote: Option<&Remote>) -> String {
    remote.map_or_else(|| "git".to_owned(), |remote| remote.url().to_owned())
}

/// Settings in the form that a command takes.
pub(super) fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    settings.iter().map(owned).collect()
}

/// The environment that gives one command its own settings: they appear in no argument and on no disk.
fn settings_env(settings: &[(String, String)]) -> Vec<(String, String)> {
    let mut env = vec![("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string())];
    for (index, (key, value)) in settings.iter().enumerate() {
        env.push((format!("GIT_CONFIG_KEY_{index}"), key.clone()));
        env.push((format!("GIT_CONFIG_VALUE_{index}"), value.clone()));
    }
    env
}

/// A value in git's configuration syntax.
pub(super) fn quoted(value: &str) -> String {
    format!(
        "\"{}\"",
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

/// A stable number for a name, for file names.
pub(super) fn fingerprint(text: &str) -> u64 {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
