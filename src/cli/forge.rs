//! `imagebot forge`: whether the forges give imagebot the access that it needs.

use super::ended::Ended;
use super::output::Format;
use super::page::{Page, Role};
use super::session::{ConfigArgument, setup, wait};
use crate::forge::{DoctorFinding, DoctorLevel, Repository};
use crate::policy::CiMode;
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::run::survey;
use clap::Subcommand;
use serde::Serialize;

/// Check access to the configured forges.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check tokens, rights, versions and repositories of every forge, and show how to fix problems.
    #[command(after_help = "Example:\n  imagebot forge doctor --config config.toml")]
    Doctor(Doctor),
}

#[derive(Debug, clap::Args)]
struct Doctor {
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// The result for one forge.
#[derive(Debug, Serialize)]
struct Examined {
    forge: String,
    findings: Vec<FindingOutput>,
}

#[derive(Debug, Serialize)]
struct FindingOutput {
    level: &'static str,
    what: String,
    help: Option<String>,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    forges: Vec<Examined>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let Command::Doctor(arguments) = arguments.command;
    let config = arguments.config.with_forges()?;
    let examined = wait(async {
        let setup = setup(config, Unlisted::Refuse, redactor).await?;
        let (registered, report) = survey(&setup).await;
        let rules = setup.operator.rules.iter();
        let mut set = rules.filter_map(|rule| rule.changes.ci.as_ref());
        let changes_ci = set.any(|set| set.value == CiMode::Propose);
        let mut examined = Vec::new();
        for forge in &setup.forges {
            let own = registered
                .iter()
                .filter(|(of, _)| of.name() == forge.name());
            let repos: Vec<Repository> = own.map(|(_, repo)| repo.clone()).collect();
            let findings = forge.doctor(&repos, changes_ci).await;
            examined.push(Examined {
                forge: forge.name().to_owned(),
                findings: findings.into_iter().map(output).collect(),
            });
        }
        let problems = report.problems.into_iter();
        let failed = report.repositories.into_iter().flat_map(|repo| {
            let name = repo.repo;
            repo.problems.into_iter().map(move |mut problem| {
                problem.message = format!("{name}: {}", problem.message);
                problem
            })
        });
        // What a forge's own findings report is not repeated.
        let known = |message: &str| {
            let what = message.split_once(": ").map_or(message, |(_, what)| what);
            let mut findings = examined.iter().flat_map(|forge: &Examined| &forge.findings);
            findings.any(|finding| finding.what.ends_with(what))
        };
        let listing: Vec<FindingOutput> = problems
            .chain(failed)
            .filter(|problem| !known(&problem.message))
            .map(|problem| FindingOutput {
                level: "problem",
                what: format!("{}: {}", problem.code, problem.message),
                help: problem.help,
            })
            .collect();
        if !listing.is_empty() {
            examined.push(Examined {
                forge: "repositories that could not be listed".to_owned(),
                findings: listing,
            });
        }
        Ok(examined)
    })?;
    let failed = examined
        .iter()
        .flat_map(|examined| &examined.findings)
        .any(|finding| finding.level == "problem");
    let output = Output {
        version: 1,
        forges: examined,
    };
    arguments
        .format
        .print(&output, |output| render(&output.forges))?;
    Ok(Ended::failed_if(failed))
}

fn output(finding: DoctorFinding) -> FindingOutput {
    let level = match finding.level {
        DoctorLevel::Ok => "ok",
        DoctorLevel::Warning => "warning",
        DoctorLevel::Problem => "problem",
    };
    FindingOutput {
        level,
        what: finding.what,
        help: finding.help,
    }
}

fn render(examined: &[Examined]) -> Page {
    let mut page = Page::default();
    for examined in examined {
        page.line(0).put(Role::Strong, examined.forge.as_str());
        for finding in &examined.findings {
            let role = match finding.level {
                "ok" => Role::Good,
                "warning" => Role::Caution,
                _ => Role::Bad,
            };
            page.line(2)
                .put(role, format!("{:7}", finding.level))
                .hanging(8)
                .plain(finding.what.trim_end());
            if let Some(help) = &finding.help {
                page.fix(10, help);
            }
        }
    }
    page
}
