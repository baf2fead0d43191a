//! Writes what packages hold besides the program: man pages, completions and the first `config.toml`; for
//! `scripts/package`. An example, so that the program does not carry the generator of man pages.

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use imagebot::cli::Cli;
use imagebot::config::Starter;
use std::path::{Path, PathBuf};

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).context("a folder is missing")?;
    let folder = PathBuf::from(folder);
    man_pages(&folder.join("man"))?;
    completions(&folder.join("completions"))?;
    std::fs::write(folder.join("config.toml"), Starter::default().text())?;
    Ok(())
}

/// A page for each command: `imagebot-registry-doctor.1`.
fn man_pages(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    Ok(())
}

fn completions(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), "imagebot", folder)?;
    }
    Ok(())
}
