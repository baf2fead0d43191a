//! `imagebot demo`.

use super::ended::Ended;
use super::output::{say, show};
use super::page::Page;
use super::session::wait;
use crate::demo::{DemoRegistry, DemoRepository, Story, chain, diamond, monorepo, tell};
use crate::redact::Redactor;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Where the registry of a kept demo is.
const REGISTRY: &str = "registry.json";

/// Run a whole family of repositories on this machine; needs only git.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imagebot demo --fail ruby\n  imagebot demo --diamond")]
pub(super) struct Arguments {
    /// Keep repositories, registry, cache and configuration in this folder, which must be empty or missing; if it
    /// already holds a demo, serve its registry until the command is stopped
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Let the tests of a repository fail, until everything else is done; with --keep they stay so
    #[arg(long, value_name = "REPO")]
    fail: Option<String>,
    /// A diamond: two images with the same parent, and a child of both that is rebuilt once
    #[arg(long, conflicts_with_all = ["generations", "monorepo"])]
    diamond: bool,
    /// A chain of N images
    #[arg(long, value_name = "N", conflicts_with = "monorepo", value_parser = clap::value_parser!(u8).range(2..=50))]
    generations: Option<u8>,
    /// One repository with several images, whose whole cascade is one merge request
    #[arg(long)]
    monorepo: bool,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let temporary = tempfile::Builder::new()
        .prefix("imagebot-demo-")
        .tempdir()
        .context("a temporary folder")?;
    let folder = match &arguments.keep {
        None => temporary.path().to_owned(),
        Some(folder) => {
            if folder.join(REGISTRY).exists() {
                return wait(serve_again(folder));
            }
            empty(folder)?
        }
    };
    wait(async {
        let members = members(&arguments);
        let fail = arguments.fail.as_deref();
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        if let Some(name) = fail.filter(|name| !names.contains(name)) {
            anyhow::bail!(
                "unknown repository {name:?}: this demo has {}",
                names.join(", ")
            );
        }
        let story = Story {
            folder: &folder,
            members: &members,
            fail,
            // A demo that is kept can be inspected while it is red.
            recovers: arguments.keep.is_none(),
            // One merge per pass shows how the bottom of the diamond waits.
            merges: if arguments.diamond { 1 } else { usize::MAX },
            now: jiff::Timestamp::now(),
        };
        let registry = tell(&story, redactor, &print).await?;
        if arguments.keep.is_some() {
            let kept = folder.join(REGISTRY);
            registry
                .save(&kept)
                .with_context(|| format!("{} cannot be written", kept.display()))?;
            print(&hints(&folder));
        }
        Ok(Ended::Clean)
    })
}

fn members(arguments: &Arguments) -> Vec<DemoRepository> {
    match arguments.generations {
        _ if arguments.diamond => diamond(),
        _ if arguments.monorepo => monorepo(),
        Some(generations) => chain(generations.into()),
        None => chain(3),
    }
}

/// The folder to keep, which holds nothing yet.
fn empty(folder: &Path) -> anyhow::Result<PathBuf> {
    let shown = folder.display();
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {shown}"))?;
    let mut entries = folder
        .read_dir()
        .with_context(|| format!("{shown} cannot be read"))?;
    anyhow::ensure!(
        entries.next().is_none(),
        "{shown} is not empty and does not hold a demo; nothing is overwritten"
    );
    folder
        .canonicalize()
        .with_context(|| format!("{shown} cannot be read"))
}

/// The demo has run in this folder before: its registry is served again, so that `check` and `run` can reach it.
async fn serve_again(folder: &Path) -> anyhow::Result<Ended> {
    let folder = folder.canonicalize()?;
    let registry = DemoRegistry::load(&folder.join(REGISTRY))
        .await
        .with_context(|| format!("the registry of {} cannot be started", folder.display()))?;
    print(&format!(
        "the registry of this demo answers at {} until this command is stopped (Ctrl-C)",
        registry.host()
    ));
    print(&hints(&folder));
    tokio::signal::ctrl_c()
        .await
        .context("waiting for Ctrl-C")?;
    Ok(Ended::Clean)
}

fn hints(folder: &Path) -> String {
    let config = folder.join("config.toml");
    format!(
        "\nto explore:\n  git --git-dir {0}/repos/app.git log -p main\n  imagebot mr list --all --config {1}\n\
         to start its registry again, in another terminal:\n  imagebot demo --keep {0}\nand then:\n  \
         imagebot graph --config {1}\n  imagebot check app --config {1}\n  imagebot run --config {1}",
        folder.display(),
        config.display()
    )
}

/// One line of the story.
fn print(line: &str) {
    if let Err(error) = show(&Page::of_message(line)) {
        say(&error.to_string());
    }
}
