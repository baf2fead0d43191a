//! `imagebot completions`.

use super::output::data;
use super::{Cli, Ended};
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print a script that completes commands and options in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot completions bash > /etc/bash_completion.d/imagebot")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "imagebot",
        &mut script,
    );
    data(&script)?;
    Ok(Ended::Clean)
}
