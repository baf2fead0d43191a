//! `imagebot init`.

mod from;
mod questions;

use super::ended::Ended;
use super::output::{remark, text};
use crate::config::{REPOSITORY_STARTER, Starter, StarterForge, parse};
use crate::convert::Converted;
use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use url::Url;

/// Write a commented imagebot.toml, or the operator's config.toml, as a starting point.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imagebot init .\n  imagebot init --from renovate.json\n  imagebot init --operator --gitlab https://gitlab.example.com --group platform --registry registry.example.com"
)]
pub(super) struct Arguments {
    /// The folder to write into; - prints the file
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Convert the configuration of another system: renovate.json, .renovaterc, .gitlab-deps, gipgee.yml, contexts/ or
    /// docker-builder's builder.yaml; keys without a counterpart become comments
    #[arg(long, value_name = "FILE", conflicts_with = "operator")]
    from: Option<PathBuf>,
    /// Write the operator's config.toml; on a terminal and without other options, it asks for what belongs there
    #[arg(long)]
    operator: bool,
    /// The address of the GitLab with the repositories
    #[arg(long, value_name = "URL", requires = "operator", conflicts_with_all = ["github", "local"])]
    gitlab: Option<Url>,
    /// The GitHub user or organisation with the repositories
    #[arg(
        long,
        value_name = "OWNER",
        requires = "operator",
        conflicts_with = "local"
    )]
    github: Vec<String>,
    /// The folder with bare repositories
    #[arg(long, value_name = "DIR", requires = "operator")]
    local: Option<String>,
    /// A group of the GitLab whose repositories are registered (repeatable) [default: those that the token's user is a
    /// member of]
    #[arg(long, value_name = "GROUP", requires = "gitlab")]
    group: Vec<String>,
    /// A private registry that may be contacted (repeatable)
    #[arg(long, value_name = "HOST", requires = "operator")]
    registry: Vec<String>,
}

impl Arguments {
    fn starter(&self) -> anyhow::Result<Starter> {
        let forge = match (&self.gitlab, &self.github[..], &self.local) {
            (Some(url), ..) => Some(StarterForge::GitLab {
                url: url.to_string().trim_end_matches('/').to_owned(),
                groups: self.group.clone(),
            }),
            (None, [_, ..], _) => Some(StarterForge::GitHub {
                owners: self.github.clone(),
            }),
            (None, [], Some(path)) => Some(StarterForge::Local { path: path.clone() }),
            (None, [], None) => None,
        };
        let is_bare = forge.is_none() && self.registry.is_empty();
        let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        match is_bare && can_ask {
            true => questions::ask(),
            false => Ok(Starter {
                forge,
                registries: self.registry.clone(),
            }),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let converted = arguments.from.as_deref().map(from::read).transpose()?;
    let (name, contents) = match (&converted, arguments.operator) {
        (Some(converted), _) => ("imagebot.toml", converted.text.clone()),
        (None, true) => ("config.toml", arguments.starter()?.text()),
        (None, false) => ("imagebot.toml", REPOSITORY_STARTER.to_owned()),
    };
    if arguments.operator {
        // What was typed may be no host or no path, and the error shows where.
        parse(name, &contents, Path::new("."))?;
    }
    let summary = converted.as_ref().map(Converted::summary);
    if arguments.path == Path::new("-") {
        text(&contents)?;
        summary.iter().for_each(|summary| remark(summary));
        return Ok(Ended::Clean);
    }
    let path = arguments.path.join(name);
    write(&path, &contents)?;
    remark(&format!("wrote {}", path.display()));
    if let Some(summary) = summary {
        let shown = path.display();
        remark(&summary);
        remark(&format!(
            "next:\n  imagebot config check {shown}\n  imagebot check {}",
            arguments.path.display()
        ));
    }
    if arguments.operator {
        remark(&next(&path));
    }
    Ok(Ended::Clean)
}

/// What to run next.
fn next(path: &Path) -> String {
    let shown = path.display();
    format!(
        "next:\n  imagebot config check --config {shown}\n  imagebot forge doctor --config {shown}\n  imagebot run --dry-run \
         --config {shown}"
    )
}

/// Writes a new file. An empty one counts as new: a shell makes it for `imagebot init > config.toml`.
fn write(path: &Path, contents: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        anyhow::bail!(
            "{} is not a folder\nhelp: create it first",
            folder.display()
        );
    }
    let is_new = match std::fs::symlink_metadata(path) {
        Ok(there) => there.is_file() && there.len() == 0,
        Err(_) => true,
    };
    anyhow::ensure!(
        is_new,
        "{shown} already exists\nhelp: move it away or choose another folder"
    );
    let file = std::fs::File::options()
        .append(true)
        .create(true)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(contents.as_bytes()));
    written.with_context(|| format!("{shown} cannot be written"))
}
