//! `imagebot repos`: which repositories are registered.

use super::ended::Ended;
use super::output::{Format, say};
use super::page::{Cell, Page, Role};
use super::session::{ConfigArgument, setup, setup_to_write, wait};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::RepoName;
use crate::run::{ProblemReport, forget, survey};
use clap::Subcommand;
use serde::Serialize;

/// List registered repositories, or forget one.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List registered and excluded repositories, with the reason.
    #[command(after_help = "Example:\n  imagebot repos list --config config.toml")]
    List(List),
    /// Accept a different repository at a path, after it was deleted and created again.
    #[command(after_help = "Example:\n  imagebot repos forget platform/base --config config.toml")]
    Forget(Forget),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Forget {
    /// The repository's path
    #[arg(value_name = "REPO")]
    repo: String,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Debug, Serialize)]
struct Listed {
    version: u32,
    registered: Vec<Row>,
    left_out: Vec<Row>,
    failed: Vec<Failed>,
    problems: Vec<ProblemReport>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    repo: String,
    /// The forge; empty for a repository that is not registered.
    forge: String,
    /// Its default branch, if it has one.
    branch: Option<String>,
    why: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    repo: String,
    problems: Vec<ProblemReport>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    match arguments.command {
        Command::List(arguments) => list(&arguments, redactor),
        Command::Forget(arguments) => {
            let config = arguments.config.needed()?;
            let name = RepoName::parse(&arguments.repo)?;
            let forgotten = wait(async {
                let setup = setup_to_write(config, Unlisted::Refuse, redactor).await?;
                Ok(forget(&setup, &name))
            })?;
            if !forgotten {
                say(&format!("nothing was stored for {name}\n"));
            }
            Ok(Ended::Clean)
        }
    }
}

fn list(arguments: &List, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = arguments.config.with_forges()?;
    let listed = wait(async {
        let setup = setup(config, Unlisted::Refuse, redactor).await?;
        let (registered, report) = survey(&setup).await;
        let mut registered: Vec<Row> = registered
            .into_iter()
            .map(|(forge, repo)| Row {
                repo: repo.name.to_string(),
                forge: forge.name().to_owned(),
                branch: repo.head.map(|(branch, _)| branch.to_string()),
                why: repo.why,
            })
            .collect();
        registered.sort_by(|a, b| (&a.repo, &a.forge).cmp(&(&b.repo, &b.forge)));
        let left_out = report.left_out.into_iter();
        let failed = report.repositories.into_iter();
        Ok(Listed {
            version: 1,
            registered,
            left_out: left_out
                .map(|left| Row {
                    repo: left.repo,
                    forge: String::new(),
                    branch: None,
                    why: left.why.to_owned(),
                })
                .collect(),
            failed: failed
                .map(|repo| Failed {
                    repo: repo.repo,
                    problems: repo.problems,
                })
                .collect(),
            problems: report.problems,
            warnings: report.warnings,
        })
    })?;
    arguments.format.print(&listed, render)?;
    let failed = !listed.failed.is_empty() || !listed.problems.is_empty();
    Ok(Ended::failed_if(failed))
}

fn render(listed: &Listed) -> Page {
    let mut page = Page::default();
    let row = |row: &Row| -> Vec<Cell> {
        let branch = row.branch.as_deref().unwrap_or("empty");
        vec![
            Cell::new(Role::Strong, row.repo.as_str()),
            row.forge.as_str().into(),
            branch.into(),
            Cell::new(Role::Faint, row.why.as_str()),
        ]
    };
    page.table(0, listed.registered.iter().map(row).collect());
    if !listed.left_out.is_empty() {
        page.line(0).put(Role::Caution, "excluded:");
        let row = |row: &Row| vec![row.repo.as_str().into(), row.why.as_str().into()];
        page.table(2, listed.left_out.iter().map(row).collect());
    }
    for warning in &listed.warnings {
        page.line(0).put(Role::Caution, "warning:").plain(warning);
    }
    for failed in &listed.failed {
        for problem in &failed.problems {
            let message = format!("{}: {}", failed.repo, problem.message);
            page.report(0, problem, &message);
        }
    }
    for problem in &listed.problems {
        page.report(0, problem, &problem.message);
    }
    page
}
