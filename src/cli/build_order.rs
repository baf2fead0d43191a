//! `imagebot build-order`, and `plan --order`, its name until 0.1.

use super::check::parse_folder;
use super::ended::Ended;
use super::output::{Format, json, say, show};
use super::page::{Cell, Page, Role};
use super::progress::progress;
use super::session::{ConfigArgument, setup, wait};
use crate::family::shown;
use crate::plan::{BuildNeed, BuildReason};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::run::{
    BuildOrder, BuildStep, Checkpoint, Options, ProblemReport, build_order_of_all,
    build_order_of_folder,
};
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// List images in build order and show which need a build (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot build-order . --format json")]
pub(super) struct Arguments {
    /// A folder
    #[arg(default_value = ".", conflicts_with = "all")]
    path: PathBuf,
    /// All registered repositories
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// The old name of build-order.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot plan --order . --format json")]
pub(super) struct OldArguments {
    /// Sort by build order
    #[arg(long, required = true)]
    order: bool,
    #[command(flatten)]
    pub(super) now: Arguments,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    images: Vec<Image>,
    cycles: Vec<Vec<String>>,
    findings: Vec<String>,
    problems: Vec<ProblemReport>,
}

#[derive(Serialize)]
struct Image {
    image: String,
    repo: Option<String>,
    generation: u32,
    context: Option<String>,
    dockerfile: Option<String>,
    tag: Option<String>,
    parents: Vec<String>,
    needs_build: BuildNeed,
    why: Vec<BuildReason>,
}

impl Image {
    fn new(step: BuildStep) -> Self {
        let spec = step.spec.as_ref();
        let context = spec.and_then(|spec| spec.context.as_ref());
        Self {
            image: step.image.canonical(),
            repo: step.repo.map(|repo| repo.to_string()),
            generation: step.generation,
            context: context.map(ToString::to_string),
            dockerfile: spec.map(|spec| spec.dockerfile.to_string()),
            tag: step.version,
            parents: step.parents,
            needs_build: BuildNeed::of(&step.whys),
            why: step.whys,
        }
    }
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let options = Options {
        dry_run: true,
        force: false,
        only: None,
        now: Timestamp::now(),
        progress: progress(),
        checkpoint: Checkpoint::default(),
        traces: false,
    };
    let order = wait(async {
        if arguments.all {
            let config = arguments.config.with_forges()?;
            let setup = Arc::new(setup(config, Unlisted::Refuse, redactor).await?);
            return Ok(build_order_of_all(&setup, &options).await);
        }
        let (config, unlisted) = arguments.config.load()?;
        let setup = setup(config, unlisted, redactor).await?;
        let (parsed, _) = parse_folder(&setup, &arguments.path)?;
        Ok(build_order_of_folder(&setup, parsed, &options).await)
    })?;
    let BuildOrder {
        steps,
        cycles,
        findings,
        problems,
    } = order;
    let output = Output {
        version: 1,
        images: steps.into_iter().map(Image::new).collect(),
        cycles,
        findings,
        problems,
    };
    match arguments.format {
        Format::Json => json(&output)?,
        Format::Human => {
            show(&render(&output))?;
            for problem in &output.problems {
                say(&format!("error: {} [{}]", problem.message, problem.code));
            }
            for finding in &output.findings {
                say(finding);
            }
        }
    }
    let failed = !output.problems.is_empty();
    Ok(Ended::failed_if(failed))
}

fn render(output: &Output) -> Page {
    let mut page = Page::default();
    let head = ["generation", "image", "repo", "build", "why"];
    let head = head.map(|name| Cell::new(Role::Faint, name)).to_vec();
    let rows = output.images.iter().map(row);
    match output.images.is_empty() {
        true => {
            page.line(0).plain("no image that is built here is known");
            page.fix(0, "name it in imagebot.toml: [[image]] with name = \"…\"");
        }
        false => page.table(0, std::iter::once(head).chain(rows).collect()),
    }
    for cycle in &output.cycles {
        let round: Vec<&str> = cycle
            .iter()
            .chain(cycle.first())
            .map(|name| shown(name))
            .collect();
        page.line(0).plain(format!(
            "images depend on each other in a cycle: {}",
            round.join(" -> ")
        ));
    }
    page
}

fn row(image: &Image) -> Vec<Cell> {
    let tag = image.tag.iter().map(|tag| format!(":{tag}"));
    let decides = image.why.iter().filter(|why| why.need == image.needs_build);
    let whys: Vec<String> = decides
        .map(|why| {
            let detail = why.detail.replace("registry.invalid/", "");
            format!("{detail} [{}]", why.code)
        })
        .collect();
    let role = match image.needs_build.code() {
        "yes" => Role::Good,
        "no" => Role::Faint,
        _ => Role::Caution,
    };
    vec![
        image.generation.to_string().into(),
        Cell::new(
            Role::Strong,
            shown(&image.image).to_owned() + &tag.collect::<String>(),
        ),
        image.repo.clone().unwrap_or_default().into(),
        Cell::new(role, image.needs_build.code()),
        whys.join("; ").into(),
    ]
}
