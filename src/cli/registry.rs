//! `imagebot registry`.

use super::ended::Ended;
use super::output::{Format, json, text};
use super::session::{ConfigArgument, setup, wait};
use crate::image::{ImageName, Reference, RegistryHost};
use crate::redact::Redactor;
use crate::registry::{Outcome, Step};
use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

/// Look at registries.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Doctor(Doctor),
}

/// Walk the way to a registry or an image step by step; name the first step that fails, and its cure.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot registry doctor docker.io/library/node")]
struct Doctor {
    /// A host or an image; without it, every configured registry
    #[arg(value_name = "HOST|IMAGE")]
    subject: Option<String>,
    #[command(flatten)]
    config: ConfigArgument,
    /// How the steps are printed
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Walk {
    subject: String,
    steps: Vec<StepOutput>,
}

#[derive(Serialize)]
struct StepOutput {
    name: &'static str,
    outcome: &'static str,
    detail: String,
    cure: Option<String>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let Command::Doctor(arguments) = arguments.command;
    let (config, unlisted) = arguments.config.load()?;
    let walks = wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let subjects = match &arguments.subject {
            Some(subject) => vec![parse(subject)?],
            None => setup
                .config
                .registries
                .iter()
                .map(|registry| (registry.host.clone(), None))
                .collect(),
        };
        let mut walks = Vec::new();
        for (host, image) in subjects {
            let login = match &image {
                Some(image) => setup
                    .lookup(image, None, None)?
                    .and_then(|lookup| setup.login(&lookup)),
                None => None,
            };
            let steps = setup
                .registries
                .doctor(&host, image.as_ref(), login.as_ref())
                .await;
            let subject = image.map_or_else(|| host.to_string(), |image| image.canonical());
            walks.push(Walk {
                subject,
                steps: steps.into_iter().map(output).collect(),
            });
        }
        Ok(walks)
    })?;
    let failed = walks
        .iter()
        .flat_map(|walk| &walk.steps)
        .any(|step| step.outcome == "failed");
    match arguments.format {
        Format::Json => json(&walks)?,
        Format::Human => text(&render(&walks))?,
    }
    Ok(if failed { Ended::Failed } else { Ended::Clean })
}

/// With a path it is an image, without one a host.
fn parse(subject: &str) -> anyhow::Result<(RegistryHost, Option<ImageName>)> {
    let is_host = !subject.contains('/')
        && (subject.contains('.') || subject.contains(':') || subject == "localhost");
    if let (true, Ok(host)) = (is_host, RegistryHost::parse(subject)) {
        return Ok((host, None));
    }
    let reference = Reference::parse(subject)
        .with_context(|| format!("{subject:?} is neither a host nor an image"))?;
    Ok((reference.name.host().clone(), Some(reference.name)))
}

fn output(step: Step) -> StepOutput {
    let outcome = match step.outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
    };
    StepOutput {
        name: step.name,
        outcome,
        detail: step.detail,
        cure: step.cure,
    }
}

fn render(walks: &[Walk]) -> String {
    walks.iter().fold(String::new(), |mut out, walk| {
        out.push_str(&format!("{}\n", walk.subject));
        for step in &walk.steps {
            out.push_str(&format!(
                "  {:8} {}: {}\n",
                step.outcome, step.name, step.detail
            ));
            if let Some(cure) = &step.cure {
                out.push_str(&format!(
                    "           cure: {}\n",
                    cure.replace('\n', "\n                 ")
                ));
            }
        }
        out
    })
}
