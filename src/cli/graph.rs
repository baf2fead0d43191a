//! `imagebot graph`.

mod diagram;
mod picture;
mod svg;
mod tree;

use super::ended::Ended;
use super::output::{json, say, show, text};
use super::progress::progress;
use super::session::{ConfigArgument, setup, wait};
use crate::image::ImageName;
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::run::{Checkpoint, FamilyGraph, Options, family_graph, related};
use anyhow::bail;
use jiff::Timestamp;
use picture::Picture;
use std::sync::Arc;

/// Show which repositories build and depend on which images, with the state of every image.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imagebot graph --config config.toml\n  imagebot graph platform/base --down --format mermaid"
)]
pub(super) struct Arguments {
    /// Only this repository or image, its ancestors and its descendants; prefix with `repo:` or `image:` to disambiguate
    #[arg(value_name = "REPO|IMAGE")]
    what: Option<String>,
    #[command(flatten)]
    config: ConfigArgument,
    /// Only its ancestors
    #[arg(long)]
    up: bool,
    /// Only its descendants
    #[arg(long)]
    down: bool,
    /// Also check whether published images are built on their parents' current content
    #[arg(long)]
    stale: bool,
    /// Output format
    #[arg(long, value_enum, default_value = "tree")]
    format: Drawing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Drawing {
    /// A tree for the terminal.
    Tree,
    /// JSON.
    Json,
    /// Graphviz.
    Dot,
    /// Mermaid, which GitLab and GitHub draw in Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = arguments.config.with_forges()?;
    let now = Timestamp::now();
    let mut family_graph = wait(async {
        let setup = Arc::new(setup(config, Unlisted::Refuse, redactor).await?);
        let options = Options {
            dry_run: true,
            force: false,
            only: arguments
                .what
                .as_deref()
                .and_then(|what| related(&setup, what)),
            now,
            progress: progress(),
            checkpoint: Checkpoint::default(),
            traces: false,
        };
        Ok(family_graph(&setup, &options, arguments.stale).await)
    })?;
    if let Some(what) = &arguments.what {
        let both = arguments.up == arguments.down;
        let named = named(&family_graph, what)?;
        Picture::new(&family_graph)
            .keep(&named, arguments.up || both, arguments.down || both)
            .apply(&mut family_graph);
    }
    for warning in &family_graph.warnings {
        say(&format!("warning: {warning}"));
    }
    for problem in &family_graph.problems {
        say(&format!("error: {} [{}]", problem.message, problem.code));
    }
    match arguments.format {
        Drawing::Json => json(&family_graph)?,
        Drawing::Tree => show(&tree::draw(&family_graph, now))?,
        Drawing::Dot => text(&diagram::dot(&family_graph))?,
        Drawing::Mermaid => text(&diagram::mermaid(&family_graph))?,
        Drawing::Svg => text(&svg::draw(&family_graph))?,
    }
    Ok(match family_graph.problems.is_empty() {
        true => Ended::Clean,
        false => Ended::Failed,
    })
}

/// The nodes that a name stands for: those of a repository, or an image.
fn named(family_graph: &FamilyGraph, what: &str) -> anyhow::Result<Vec<usize>> {
    let (repos, images, name) = match what.split_once(':') {
        Some(("repo", name)) => (true, false, name),
        Some(("image", name)) => (false, true, name),
        _ => (true, true, what),
    };
    let nodes = || family_graph.nodes.iter().enumerate();
    let of_repo: Vec<usize> = nodes()
        .filter(|(_, node)| repos && node.repo.as_deref() == Some(name))
        .map(|(index, _)| index)
        .collect();
    if !of_repo.is_empty() {
        return Ok(of_repo);
    }
    let canonical = ImageName::parse(name).map(|name| name.canonical()).ok();
    let of_image: Vec<usize> = nodes()
        .filter(|(_, node)| images && node.image.is_some() && node.image == canonical)
        .map(|(index, _)| index)
        .collect();
    if of_image.is_empty() {
        bail!(
            "no image or repository named {name:?} in the family\nhelp: `imagebot graph` without a name shows the whole family"
        );
    }
    Ok(of_image)
}
