//! `imagebot repos`: which repositories are registered.

use super::ended::Ended;
use super::output::{Format, say, table};
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

fn render(listed: &Listed) -> String {
    let row = |row: &Row| {
        let branch = row.branch.clone().unwrap_or_else(|| "empty".to_owned());
        vec![row.repo.clone(), row.forge.clone(), branch, row.why.clone()]
    };
    let mut out = table(&listed.registered.iter().map(row).collect::<Vec<_>>());
    if !listed.left_out.is_empty() {
        out.push_str("excluded:\n");
        let row = |row: &Row| vec![format!("  {}", row.repo), row.why.clone()];
        out.push_str(&table(&listed.left_out.iter().map(row).collect::<Vec<_>>()));
    }
    for warning in &listed.warnings {
        out.push_str(&format!("warning: {warning}\n"));
    }
    let failed = listed.failed.iter().flat_map(|failed| {
        let named = failed.problems.iter();
        named.map(|problem| (format!("{}: ", failed.repo), problem))
    });
    let problems = listed
        .problems
        .iter()
        .map(|problem| (String::new(), problem));
    for (name, problem) in failed.chain(problems) {
        out.push_str(&format!(
            "error: {name}{} [{}]\n",
            problem.message, problem.code
        ));
        if let Some(help) = &problem.help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
    out
}
