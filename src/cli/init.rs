//! `imagebot init`.

use super::ended::Ended;
use super::output::say;
use crate::config::{OPERATOR_STARTER, REPOSITORY_STARTER};
use anyhow::Context as _;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

/// Write a commented imagebot.toml, or the operator's config.toml, as a starting point.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot init .")]
pub(super) struct Arguments {
    /// The folder to write into
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Write the operator's config.toml
    #[arg(long)]
    operator: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let (name, text) = if arguments.operator {
        ("config.toml", OPERATOR_STARTER)
    } else {
        ("imagebot.toml", REPOSITORY_STARTER)
    };
    let path = arguments.path.join(name);
    let file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&path);
    let shown = path.display();
    if let Err(error) = &file
        && error.kind() == ErrorKind::AlreadyExists
    {
        anyhow::bail!("{shown} already exists\nhelp: move it away or choose another folder");
    }
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{shown} cannot be written"))?;
    say(&format!("wrote {}", path.display()));
    Ok(Ended::Clean)
}
