//! `imagebot cascade`.

use super::check::parse_folder;
use super::ended::Ended;
use super::output::{Format, counted, remark, say, short_digests};
use super::page::{Cell, Page, Role};
use super::session::{ConfigArgument, setup, wait};
use super::update::write;
use crate::family::shown;
use crate::fleet::ParsedRepo;
use crate::plan::{Change, ChangeSet, Decision, Observations, Outcome};
use crate::redact::Redactor;
use crate::run::decide_inner;
use jiff::Timestamp;
use serde::Serialize;
use std::path::PathBuf;

/// Update references between a folder's own images and bump their versions, transitively. Offline and idempotent.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, after a version was raised by hand:\n  imagebot cascade . --dry-run"
)]
pub(super) struct Arguments {
    /// A folder with an imagebot.toml that lists its images, or one laid out for container-image-pipelines
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Show what would be written, without writing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    references: Vec<Reference>,
    versions: Vec<Raised>,
    /// What was left as it is although a change might be expected.
    left: Vec<Left>,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct Reference {
    path: String,
    lines: Vec<usize>,
    image: String,
    from: String,
    to: String,
    reason: &'static str,
}

#[derive(Serialize)]
struct Raised {
    path: String,
    place: String,
    images: Vec<String>,
    from: String,
    to: String,
}

#[derive(Serialize)]
struct Left {
    path: String,
    line: usize,
    image: String,
    reason: &'static str,
    detail: String,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let (config, unlisted) = arguments.config.load()?;
    wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let (parsed, root) = parse_folder(&setup, &arguments.path)?;
        anyhow::ensure!(
            !parsed.images.is_empty() || !parsed.findings.is_empty(),
            "{}: no image there has a version of its own\nhelp: name the file that holds it under [[image]] in imagebot.toml: version_file = \"VERSION\" and bump = \"patch\"",
            arguments.path.display()
        );
        let mut decisions = decide_inner(&parsed, Timestamp::now());
        let seen = Observations::default();
        let proposals = parsed.propose(&setup.operator, "", &mut decisions, &seen, true);
        let changes = proposals.first().map(|proposal| proposal.changes.clone());
        let changes = changes.unwrap_or_default();
        let unwritten = match arguments.dry_run {
            true => Vec::new(),
            false => write(&parsed, &root, &proposals),
        };
        for (_, error) in &unwritten {
            say(&format!("error: {error:#}"));
        }
        if !unwritten.is_empty() {
            let files = unwritten.len();
            say(&format!(
                "{files} of the changed files could not be written; the others were"
            ));
            return Ok(Ended::Failed);
        }
        let output = output(&parsed, &decisions, &changes);
        arguments.format.print(&output, render)?;
        let done = if arguments.dry_run {
            "would be made"
        } else {
            "made"
        };
        if arguments.format == Format::Human {
            for finding in &output.findings {
                say(finding);
            }
            let made = counted(changes.len(), "change", "changes");
            remark(&format!("{made} {done}"));
        }
        let failed = decisions.iter().any(Decision::failed) || !output.findings.is_empty();
        Ok(Ended::failed_if(failed))
    })
}

fn output(parsed: &ParsedRepo, decisions: &[Decision], changes: &ChangeSet) -> Output {
    let references = changes.all_references();
    let versions = changes.versions.iter().map(|change| Raised {
        path: change.path.to_string(),
        place: change.place.clone(),
        images: {
            let images = parsed.images.at(&change.path, &change.place);
            images.map(ToString::to_string).collect()
        },
        from: change.from.clone(),
        to: change.to.clone(),
    });
    let is_left = |decision: &&Decision| {
        let as_it_should_be = decision.reason.code() == "inner-current";
        decision.outcome() != Outcome::Update && !as_it_should_be
    };
    let left = decisions.iter().filter(is_left).map(|decision| Left {
        path: decision.path.to_string(),
        line: decision.located.line,
        image: decision.located.image().to_owned(),
        reason: decision.reason.code(),
        detail: decision.detail.clone(),
    });
    Output {
        version: 1,
        references: references
            .map(|change| reference(decisions, change))
            .collect(),
        versions: versions.collect(),
        left: left.collect(),
        findings: parsed.findings.clone(),
    }
}

fn reference(decisions: &[Decision], change: &Change) -> Reference {
    let is_behind = |decision: &&Decision| {
        let reference = decision.reference();
        decision.path == change.path
            && decision.outcome() == Outcome::Update
            && reference.is_some_and(|r| r.name == change.image && r.tag == change.from.tag)
    };
    let behind: Vec<&Decision> = decisions.iter().filter(is_behind).collect();
    Reference {
        path: change.path.to_string(),
        lines: behind
            .iter()
            .map(|decision| decision.located.line)
            .collect(),
        image: change.image.written().to_owned(),
        from: change.from.to_string(),
        to: change.to.to_string(),
        reason: behind.first().map_or("", |decision| decision.reason.code()),
    }
}

fn render(output: &Output) -> Page {
    let references = output.references.iter().map(|r| -> Vec<Cell> {
        let lines: Vec<String> = r.lines.iter().map(ToString::to_string).collect();
        let step = format!("{} → {}", short_digests(&r.from), r.to);
        vec![
            format!("{}:{}", r.path, lines.join(",")).into(),
            Cell::new(Role::Strong, shown(&r.image)),
            Cell::new(Role::Good, step),
            Cell::new(Role::Faint, r.reason),
        ]
    });
    let versions = output.versions.iter().map(|v| -> Vec<Cell> {
        let images: Vec<&str> = v.images.iter().map(|image| shown(image)).collect();
        vec![
            v.path.as_str().into(),
            Cell::new(Role::Strong, images.join(" ")),
            Cell::new(Role::Good, format!("{} → {}", v.from, v.to)),
            Cell::new(Role::Faint, "version"),
        ]
    });
    let left = output.left.iter().map(|left| -> Vec<Cell> {
        vec![
            format!("{}:{}", left.path, left.line).into(),
            Cell::new(Role::Strong, shown(&left.image)),
            Cell::new(Role::Caution, "stays"),
            format!("{}: {}", left.reason, left.detail).into(),
        ]
    });
    let mut page = Page::default();
    page.table(0, references.chain(versions).chain(left).collect());
    page
}
