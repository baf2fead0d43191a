//! `imagebot run`.

mod junit;
mod markdown;
mod report;
mod status;

use super::ended::Ended;
use super::output::{amount, json, say, show, text};
use super::progress::progress;
use super::session::{ConfigArgument, setup, setup_to_write, wait};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::RepoGlobs;
use crate::run::{Checkpoint, Options, Report, Totals, pass};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Process every registered repository once and open or update merge requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, read-only:\n  imagebot run --config config.toml --dry-run")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Only repositories whose path matches
    #[arg(long, value_name = "GLOB")]
    repo: Vec<String>,
    /// Show what would be done, without writing
    #[arg(long)]
    dry_run: bool,
    /// Ignore max_open and max_new_per_hour; the merge requests count against later passes
    #[arg(long)]
    force: bool,
    /// Which problems cause exit code 1: those new since the last pass, any, or none
    #[arg(long, value_enum, default_value = "new", value_name = "WHICH")]
    fail_on: FailOn,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// Human-readable text: what changed, what failed, and counts.
    Human,
    /// JSON: everything.
    Json,
    /// Markdown for the summary of a CI job.
    Markdown,
    /// JUnit XML: a test case for each repository, for the test report of a CI job.
    Junit,
}

/// The report with its counts.
#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    report: &'a Report,
    totals: Totals,
}

/// Which problems cause exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Problems that are new since the last pass.
    New,
    /// Any problem.
    Any,
    /// No problem.
    Never,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = arguments.config.with_forges()?;
    let only = match &arguments.repo[..] {
        [] => None,
        globs => Some(RepoGlobs::parse(globs).map_err(|(index, error)| {
            anyhow::anyhow!("--repo {:?} is not a glob: {error}", globs[index])
        })?),
    };
    if only
        .as_ref()
        .is_some_and(|only| only.positive().next().is_none())
    {
        anyhow::bail!(
            "every --repo excludes repositories, so none is selected\nhelp: add --repo '**' to select all others"
        );
    }
    let report = wait(async {
        let setup = match arguments.dry_run {
            true => setup(config, Unlisted::Refuse, redactor).await?,
            false => setup_to_write(config, Unlisted::Refuse, redactor).await?,
        };
        let setup = Arc::new(setup);
        let options = Options {
            dry_run: arguments.dry_run,
            force: arguments.force,
            only,
            now: Timestamp::now(),
            progress: progress(),
            checkpoint: Checkpoint::default(),
            traces: false,
        };
        Ok(pass(&setup, &options).await)
    })?;
    print(&report, arguments.format)?;
    for unmatched in &report.unmatched {
        say(&format!(
            "error: --repo {unmatched} matches no registered repository\nhelp: `imagebot repos list` shows them"
        ));
    }
    if !report.unmatched.is_empty() {
        return Ok(Ended::Misused);
    }
    let failed = match arguments.fail_on {
        FailOn::New => report.failed_anew(),
        FailOn::Any => report.failed(),
        FailOn::Never => false,
    };
    Ok(Ended::failed_if(failed))
}

fn print(report: &Report, format: ReportFormat) -> anyhow::Result<()> {
    match format {
        ReportFormat::Human => show(&report::page(report, amount(), Timestamp::now())),
        ReportFormat::Json => json(&Output {
            report,
            totals: report.totals(),
        }),
        ReportFormat::Markdown => text(&markdown::summary(report)),
        ReportFormat::Junit => text(&junit::suite(report)?),
    }
}
