//! `imagebot completions`.

use super::ended::Ended;
use super::output::data;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot completions bash > /etc/bash_completion.d/imagebot")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> anyhow::Result<Ended> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "imagebot", &mut script);
    data(&script)?;
    Ok(Ended::Clean)
}
