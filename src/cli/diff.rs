//! `imagebot diff`.

use super::ended::Ended;
use super::output::{Format, say};
use super::page::{Page, Role};
use super::personal::PersonalArgument;
use super::session::{setup, wait};
use crate::image::Reference;
use crate::plan::{ImageDiff, readable_size};
use crate::redact::Redactor;
use crate::run::image_diff;
use anyhow::Context as _;
use serde::Serialize;
use std::collections::BTreeSet;

/// Show how two images differ: settings, environment, platforms, size and source commits.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot diff node:20 node:22")]
pub(super) struct Arguments {
    /// The old image, with a tag or digest
    #[arg(value_name = "IMAGE:TAG")]
    old: String,
    /// The new image, with a tag or digest
    #[arg(value_name = "IMAGE:TAG")]
    new: String,
    #[command(flatten)]
    config: PersonalArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    old: String,
    new: String,
    #[serde(flatten)]
    diff: ImageDiff,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let parse = |text: &str| {
        Reference::parse(text)
            .with_context(|| format!("{text:?} is not an image reference, such as node:20"))
    };
    let (old, new) = (parse(&arguments.old)?, parse(&arguments.new)?);
    let (config, unlisted) = arguments.config.load()?;
    let compared = wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        Ok(image_diff(&setup, &old, &new).await)
    })?;
    let diff = match compared {
        Ok(diff) => diff,
        Err(problem) => {
            let help = problem.help.map(|help| format!("\nhelp: {help}"));
            say(&format!(
                "error: {} [{}]{}",
                problem.message,
                problem.code,
                help.unwrap_or_default()
            ));
            return Ok(Ended::Failed);
        }
    };
    let output = Output {
        version: 1,
        old: old.to_string(),
        new: new.to_string(),
        diff,
    };
    arguments.format.print(&output, page)?;
    Ok(Ended::Clean)
}

fn page(output: &Output) -> Page {
    let mut page = Page::default();
    let diff = &output.diff;
    page.line(0)
        .put(Role::Strong, output.old.as_str())
        .plain("→")
        .put(Role::Strong, output.new.as_str());
    let mut names = |what: &str, added: &BTreeSet<String>, removed: &BTreeSet<String>| {
        for (sign, role, names) in [("+", Role::Good, added), ("-", Role::Bad, removed)] {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                page.line(2)
                    .plain(format!("{what}:"))
                    .put(role, sign)
                    .plain(names.join(", "));
            }
        }
    };
    names("platforms", &diff.platforms_added, &diff.platforms_removed);
    names(
        "environment",
        &diff.environment_added,
        &diff.environment_removed,
    );
    for (key, (before, after)) in &diff.settings {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        page.line(2)
            .plain(format!("{key}:"))
            .put(Role::Bad, value(before))
            .plain("→")
            .put(Role::Good, value(after));
    }
    if let Some((before, after)) = diff.sizes {
        let sizes = format!("{} → {}", readable_size(before), readable_size(after));
        page.line(2).plain("size:").plain(sizes);
    }
    if let Some((shared, all)) = diff.layers_shared {
        let text = format!("layers: {shared} of {all} are in both");
        page.line(2).plain(text);
    }
    if let Some(url) = &diff.commits {
        page.line(2).plain("commits:").put(Role::Fix, url);
    }
    page
}
