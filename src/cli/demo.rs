//! `imagebot demo`.

use super::ended::Ended;
use super::output::{say, text};
use super::session::{today, wait};
use crate::demo::{Story, tell};
use crate::http::Redactor;
use anyhow::Context as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

/// Show a whole assembly line at work, on this machine, with nothing but git.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot demo --fail ruby")]
pub(super) struct Arguments {
    /// Leave repositories, cache and configuration in this folder, which must be empty or missing
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Let the tests of a repository fail: base, ruby or app
    #[arg(long, value_name = "REPO")]
    fail: Option<String>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let temporary = tempfile::Builder::new()
        .prefix("imagebot-demo-")
        .tempdir()
        .context("a temporary folder")?;
    let folder = match &arguments.keep {
        None => temporary.path().to_owned(),
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
            let mut entries = folder
                .read_dir()
                .with_context(|| format!("{} cannot be read", folder.display()))?;
            anyhow::ensure!(
                entries.next().is_none(),
                "{} is not empty; the demo overwrites nothing",
                folder.display()
            );
            folder
                .canonicalize()
                .with_context(|| format!("{} cannot be read", folder.display()))?
        }
    };
    wait(async {
        let story = Story {
            folder: &folder,
            fail: arguments.fail.as_deref(),
            today: today(),
        };
        let print = |line: &str| {
            if let Err(error) = text(&format!("{line}\n")) {
                say(&format!("{error}"));
            }
        };
        let registry = tell(&story, redactor, &print).await?;
        if arguments.keep.is_some() {
            let config = folder.join("config.toml");
            print(&format!(
                "\nto look around:\n  git --git-dir {0}/repos/app.git log -p main\n  imagebot mr list --all --config {1}\n  imagebot check app --config {1}",
                folder.display(),
                config.display()
            ));
            if std::io::stdin().is_terminal() {
                say(&format!(
                    "\nthe registry at {} answers until you press Enter",
                    registry.host()
                ));
                tokio::task::spawn_blocking(|| {
                    std::io::stdin().lock().read_line(&mut String::new())
                })
                .await??;
            }
        }
        Ok(Ended::Clean)
    })
}
