//! `imagebot mr`: the reviewer's side of local repositories.

use super::ended::Ended;
use super::output::{Format, json, say, table, text};
use super::session::{ConfigArgument, setup, wait};
use crate::forge::{Forge as _, KnownIds, Local, Repository};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::{CiStatus, RepoGlobs, RepoName};
use clap::Subcommand;
use serde::Serialize;

/// List, show, merge and close merge requests of local repositories.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    /// Show a merge request: its text and its comments.
    #[command(after_help = "Example:\n  imagebot mr show app 1 --config config.toml")]
    Show(One),
    /// Merge a merge request, and delete its branch.
    #[command(after_help = "Example:\n  imagebot mr merge app 1 --config config.toml")]
    Merge(One),
    /// Close a merge request; imagebot does not propose its versions again.
    #[command(after_help = "Example:\n  imagebot mr close app 1 --config config.toml")]
    Close(One),
}

/// List merge requests: the open ones, or all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot mr list --config config.toml")]
struct List {
    /// Only repositories whose path matches
    #[arg(long, value_name = "GLOB")]
    repo: Option<String>,
    /// Include merged and closed ones
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

// What names one merge request.
#[derive(Debug, clap::Args)]
struct One {
    /// The repository's path
    #[arg(value_name = "REPO")]
    repo: String,
    /// The merge request's number
    number: u64,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Serialize)]
struct Row {
    repo: String,
    number: u64,
    state: &'static str,
    title: String,
    source: String,
    target: String,
    labels: Vec<String>,
    ci: Option<&'static str>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = match &arguments.command {
        Command::List(list) => &list.config,
        Command::Show(one) | Command::Merge(one) | Command::Close(one) => &one.config,
    };
    let config = config.with_forges()?;
    wait(async {
        let setup = setup(config, Unlisted::Refuse, redactor).await?;
        match arguments.command {
            Command::List(arguments) => list(&setup.local, &arguments).await,
            Command::Show(one) => {
                let (forge, repo) = find(&setup.local, &one.repo).await?;
                show(forge, &repo, one.number).await
            }
            Command::Merge(one) => {
                let (forge, repo) = find(&setup.local, &one.repo).await?;
                let merged = forge.merge_now(&repo, one.number).await?;
                say(&format!(
                    "merged !{} of {} as {}",
                    one.number,
                    repo.name,
                    merged.short()
                ));
                Ok(Ended::Clean)
            }
            Command::Close(one) => {
                let (forge, repo) = find(&setup.local, &one.repo).await?;
                forge.close(&repo, one.number).await?;
                say(&format!(
                    "closed !{} of {}; imagebot does not propose these versions again unless it is reopened",
                    one.number, repo.name
                ));
                Ok(Ended::Clean)
            }
        }
    })
}

async fn list(forges: &[Local], arguments: &List) -> anyhow::Result<Ended> {
    let globs = arguments
        .repo
        .as_ref()
        .map(|glob| RepoGlobs::parse(&[glob]))
        .transpose();
    let globs = globs.map_err(|(_, error)| anyhow::anyhow!("--repo is not a glob: {error}"))?;
    let mut rows = Vec::new();
    let mut failed = false;
    for forge in forges {
        let listing = forge.discover(&KnownIds::new()).await?;
        for (name, error) in listing.failed {
            failed = true;
            say(&format!("{name}: {error}"));
        }
        for repo in listing
            .repositories
            .into_iter()
            .filter(|repo| globs.as_ref().is_none_or(|g| g.select(&repo.name)))
        {
            for mr in forge.all(&repo).await? {
                let head = repo
                    .branches
                    .as_ref()
                    .and_then(|all| all.get(&mr.source))
                    .or(mr.head.as_ref());
                let ci = match head {
                    Some(head) => forge.commit_ci(&repo, head).await?,
                    None => CiStatus::None,
                };
                if arguments.all || mr.state == crate::repo::MergeRequestState::Open {
                    rows.push(Row {
                        repo: repo.name.to_string(),
                        number: mr.number,
                        state: mr.state.code(),
                        title: mr.title,
                        source: mr.source.to_string(),
                        target: mr.target.to_string(),
                        labels: mr.labels,
                        ci: ci_word(ci),
                    });
                }
            }
        }
    }
    match arguments.format {
        Format::Json => json(&rows)?,
        Format::Human => {
            let cells = |row: Row| {
                vec![
                    row.repo,
                    format!("!{}", row.number),
                    row.state.to_owned(),
                    row.ci.unwrap_or("-").to_owned(),
                    row.title,
                ]
            };
            text(&table(&rows.into_iter().map(cells).collect::<Vec<_>>()))?;
        }
    }
    Ok(Ended::failed_if(failed))
}

/// The word that stands for it in the repository, see `docs/forges.md`.
fn ci_word(status: CiStatus) -> Option<&'static str> {
    match status {
        CiStatus::Running => Some("running"),
        CiStatus::Passed => Some("success"),
        CiStatus::Failed => Some("failed"),
        CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Unknown => None,
    }
}

async fn find<'a>(forges: &'a [Local], name: &str) -> anyhow::Result<(&'a Local, Repository)> {
    let name = RepoName::parse(name)?;
    for forge in forges {
        let listing = forge.discover(&KnownIds::new()).await?;
        let mut repositories = listing.repositories.into_iter();
        if let Some(repo) = repositories.find(|repo| repo.name == name) {
            return Ok((forge, repo));
        }
        let mut failed = listing.failed.into_iter();
        if let Some((_, error)) = failed.find(|(failed, _)| *failed == name.as_str()) {
            let help = error.help().map(|help| format!("\nhelp: {help}"));
            anyhow::bail!("{name} cannot be read: {error}{}", help.unwrap_or_default());
        }
    }
    anyhow::bail!(
        "{name} is not registered: no local [[forge]] of the configuration lists it\n\
         help: `imagebot repos list` shows the registered repositories"
    )
}

async fn show(forge: &Local, repo: &Repository, number: u64) -> anyhow::Result<Ended> {
    let Some(mr) = forge
        .all(repo)
        .await?
        .into_iter()
        .find(|mr| mr.number == number)
    else {
        anyhow::bail!("{} has no merge request !{number}", repo.name);
    };
    let comments = forge.comments(repo, number).await?;
    let mut out = format!(
        "{} !{number} ({})\n{}\n{} → {}\nlabels: {}\n\n{}\n",
        repo.name,
        mr.state.code(),
        mr.title,
        mr.source,
        mr.target,
        mr.labels.join(", "),
        mr.description
    );
    if !comments.is_empty() {
        out.push_str(&format!("\ncomments:\n\n{comments}\n"));
    }
    text(&out)?;
    Ok(Ended::Clean)
}
