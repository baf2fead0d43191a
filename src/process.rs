//! Runs one git process: its input and output, with limits on time, output and processes that survive it.

use std::process::ExitStatus;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// The most that one command may print, in bytes.
pub(super) const MAX_OUTPUT: u64 = 128 << 20;
/// The largest error output of a command, in bytes: it includes what a server's hook prints.
const MAX_SAID: u64 = 4 << 20;
/// How much of the error output is kept, in bytes.
const MAX_ERROR: usize = 16 << 10;
/// How long the output is read after the process has ended: a hook may leave a process that still holds it.
const LINGER: Duration = Duration::from_secs(1);

/// What a command printed.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// Why a command was stopped.
pub(super) enum Stopped {
    /// It took too long.
    Time,
    /// It printed more than [`MAX_OUTPUT`].
    Output,
    /// Its error output was longer than [`MAX_SAID`].
    Said,
    /// It could not be started, read or waited for.
    Io(std::io::Error),
}

/// Runs a command with a time limit. It gets its own process group, and the whole group is killed if it is stopped or
/// the caller goes away: git's children and a local repository's hooks are in it.
pub(super) async fn run(
    command: &mut Command,
    input: Vec<u8>,
    time: Duration,
) -> Result<Output, Stopped> {
    let mut child = command.process_group(0).spawn().map_err(Stopped::Io)?;
    let mut group = Group::of(&child);
    let outcome = match tokio::time::timeout(time, talk(&mut child, input)).await {
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
async fn talk(child: &mut Child, input: Vec<u8>) -> Result<(Output, bool), Stopped> {
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
        let read = read(stdout, &mut printed, MAX_OUTPUT, Stopped::Output);
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
