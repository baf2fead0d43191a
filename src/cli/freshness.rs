//! `imagebot freshness`: whether published images are built on the current content of their parents.

use super::ended::Ended;
use super::output::Format;
use super::page::{Cell, Page, Role};
use super::progress::progress;
use super::session::{ConfigArgument, setup, wait};
use crate::image::Reference;
use crate::redact::Redactor;
use crate::repo::RepoName;
use crate::run::{
    FreshnessReport, PlatformReport, ProblemReport, Publishers, Setup, Subject, freshness,
    publishers,
};
use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Check whether published images are built on the current content of their parents, with the evidence.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  imagebot freshness registry.example.com/team/app:1.4 --config config.toml"
)]
pub(super) struct Arguments {
    /// An image, or a registered repository for all its images; prefix with image: or repo: to disambiguate
    #[arg(value_name = "IMAGE|REPO")]
    subject: String,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Output {
    version: u32,
    images: Vec<FreshnessReport>,
    problems: Vec<ProblemReport>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let (config, unlisted) = arguments.config.load()?;
    let output = wait(async {
        let setup = Arc::new(setup(config, unlisted, redactor).await?);
        let publishers = publishers(&setup, Some(&arguments.subject)).await;
        let subjects = subjects(&setup, &publishers, &arguments.subject)?;
        let progress = progress();
        let ticked = |done, total| progress.tick("images", done, total);
        Ok(Output {
            version: 1,
            images: freshness(&setup, subjects, Timestamp::now(), &ticked).await,
            problems: publishers.problems,
        })
    })?;
    arguments.format.print(&output, render)?;
    let failed = output.images.iter().any(|image| image.failed) || !output.problems.is_empty();
    Ok(Ended::failed_if(failed))
}

/// What the argument means: the name of a registered repository stands for all images of that repository.
fn subjects(setup: &Setup, publishers: &Publishers, subject: &str) -> anyhow::Result<Vec<Subject>> {
    let of_repo = |text: &str| publishers.of_repo(&RepoName::parse(text).ok()?);
    let of_image = |text: &str| -> anyhow::Result<Vec<Subject>> {
        let reference = Reference::parse(text)
            .with_context(|| format!("{text:?} is neither an image nor a registered repository"))?;
        Ok(vec![publishers.of_image(setup, &reference)])
    };
    let found = match (subject.strip_prefix("repo:"), subject.strip_prefix("image:")) {
        (Some(repo), _) => of_repo(repo).with_context(|| {
            format!("{repo} is not registered: no [[forge]] of the configuration lists it, or it cannot be read")
        })?,
        (None, Some(image)) => return of_image(image),
        (None, None) => match of_repo(subject) {
            Some(found) => found,
            None => return of_image(subject),
        },
    };
    anyhow::ensure!(
        !found.is_empty(),
        "{subject} publishes no known image\nhelp: declare it in its imagebot.toml: [[image]] name = \"…\""
    );
    Ok(found)
}

fn render(output: &Output) -> Page {
    let mut page = Page::default();
    for problem in &output.problems {
        page.report(0, problem, &problem.message);
    }
    for image in &output.images {
        let tag = image.tag.iter().map(|tag| format!(":{tag}"));
        let digest = image.digest.iter().map(|digest| format!("@{digest}"));
        let version: String = tag.chain(digest).collect();
        page.line(0)
            .put(Role::Strong, format!("{}{version}:", image.image))
            .put(role(image.answer), image.answer);
        page.table(2, image.platforms.iter().map(row).collect());
    }
    page
}

fn row(row: &PlatformReport) -> Vec<Cell> {
    let plain = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    let rung = row.rung.map(|rung| format!(" ({rung})"));
    let parent = match row.role {
        Some(role) => format!("{role} {}", plain(&row.parent)),
        None => "-".to_owned(),
    };
    let evidence = format!(
        "{}{} [{}]",
        row.evidence,
        rung.unwrap_or_default(),
        row.code
    );
    vec![
        plain(&row.platform).into(),
        parent.into(),
        Cell::new(role(row.answer), row.answer),
        evidence.into(),
    ]
}

fn role(answer: &str) -> Role {
    match answer {
        "fresh" => Role::Good,
        "stale" => Role::Bad,
        _ => Role::Caution,
    }
}
