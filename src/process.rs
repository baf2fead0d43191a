//! Runs one program: its input and output, with limits on time, output and processes that survive it.
//!
//! Which programs may run, and with which environment, is decided by the modules that start them.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// The largest error output of a command, in bytes: it includes what a server's hook prints.
const MAX_SAID: u64 = 4 << 20;
/// How much of the error output is kept, in bytes.
const MAX_ERROR: usize = 16 << 10;
/// How long the output is read after the process has ended: a hook may leave a process that still holds it.
const LINGER: Duration = Duration::from_secs(1);

/// The limits of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest that it may take.
    pub(crate) time: Duration,
    /// The most that it may print, in bytes.
    pub(crate) output: u64,
}

/// What a command printed.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Why a command was stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It took too long.
    Time,
    /// It printed more than its limit.
    Output,
    /// Its error output was longer than [`MAX_SAID`].
    Said,
    /// It could not be started, read or waited for.
    Io(std::io::Error),
}

impl Stopped {
    /// What happened, as the end of a sentence about the program.
    pub(crate) fn within(&self, limits: Limits) -> String {
        match self {
            Self::Time => format!("it took longer than {} s", limits.time.as_secs()),
            Self::Output => format!("it printed more than {} KiB", limits.output >> 10),
            Self::Said => format!("it printed more than {} MiB of errors", MAX_SAID >> 20),
            Self::Io(error) => error.to_string(),
        }
    }
}

/// Finds a program in the folders of a `PATH`. Given only a name, the system forks the whole process to search for it, which costs
/// milliseconds for each git of a large fleet.
pub(crate) fn in_path(program: &Path, path: &OsStr) -> PathBuf {
    if program.components().count() > 1 {
        return program.to_owned();
    }
    let found = std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program));
    let can_be_run = |file: &PathBuf| {
        file.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let mut found = found.filter(can_be_run);
    found.next().unwrap_or_else(|| program.to_owned())
}

/// Runs a command within its limits. It gets its own process group, and the whole group is killed if it is stopped or
/// the caller goes away: git's children and a local repository's hooks are in it.
pub(crate) async fn run(
    command: &mut Command,
    input: Vec<u8>,
    limits: Limits,
) -> Result<Output, Stopped> {
    let mut child = command.process_group(0).spawn().map_err(Stopped::Io)?;
    let mut group = Group::of(&child);
    let outcome =
        match tokio::time::timeout(limits.time, talk(&mut child, input, limits.output)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Stopped::Time),
        };
    if outcome.as_ref().is_ok_and(|(_, ended)| *ended) {
        // All processes have ended, and another group may get the same id.
        group.0 = None;
    }
    outcome.map(|(output, _)| output)
}

/// The output, and whether all processes that could write to it have ended.
async fn talk(child: &mut Child, input: Vec<u8>, most: u64) -> Result<(Output, bool), Stopped> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut printed = Vec::new();
    let mut said = Vec::new();
    let status = {
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command that ends early closes its input; its exit status shows why.
                let _ = stdin.write_all(&input).await;
            }
        };
        let read = read(stdout, &mut printed, most, Stopped::Output);
        let hear = hear(stderr, &mut said);
        let streams = async {
            let ((), read, hear) = tokio::join!(write, read, hear);
            read.and(hear)
        };
        tokio::pin!(streams);
        tokio::select! {
            done = &mut streams => {
                done?;
                (child.wait().await.map_err(Stopped::Io)?, true)
            }
            status = child.wait() => {
                let status = status.map_err(Stopped::Io)?;
                match tokio::time::timeout(LINGER, streams).await {
                    Ok(done) => {
                        done?;
                        (status, true)
                    }
                    Err(_) => (status, false),
                }
            }
        }
    };
    let (status, ended) = status;
    let output = Output {
        status,
        stdout: printed,
        stderr: String::from_utf8_lossy(&said).into_owned(),
    };
    Ok((output, ended))
}

async fn read(
    from: Option<impl AsyncRead + Unpin>,
    to: &mut Vec<u8>,
    most: u64,
    over: Stopped,
) -> Result<(), Stopped> {
    let Some(from) = from else {
        return Ok(());
    };
    let read = from.take(most + 1).read_to_end(to).await;
    read.map_err(Stopped::Io)?;
    if to.len() as u64 > most {
        Err(over)
    } else {
        Ok(())
    }
}

/// Reads the error output to its end and keeps the beginning.
async fn hear(from: Option<impl AsyncRead + Unpin>, to: &mut Vec<u8>) -> Result<(), Stopped> {
    let Some(mut from) = from else {
        return Ok(());
    };
    let mut chunk = [0; 4096];
    let mut said = 0;
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        said += read as u64;
        if said > MAX_SAID {
            return Err(Stopped::Said);
        }
        let room = MAX_ERROR - to.len();
        to.extend_from_slice(&chunk[..read.min(room)]);
    }
    Ok(())
}

/// A process group that is killed when the value is dropped.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // A group that has ended is not an error.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
