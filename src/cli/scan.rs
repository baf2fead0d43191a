//! `imagebot scan`.

mod marked;

use super::ended::Ended;
use super::output::{Format, short_digests, show};
use super::page::{Cell, Page, Role};
use crate::config::Config;
use crate::fleet::{Operator, ParsedRepo, RepoSettings, unread};
use crate::repo::RepoPath;
use crate::run::{Folder, OwnError, own_settings, read_unit};
use crate::source::{Format as SourceFormat, Located};
use anyhow::Context as _;
use marked::marked;
use serde::Serialize;
use std::path::PathBuf;

/// List the image references of a folder or file, offline.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imagebot scan . --format json\n  imagebot scan --source deploy/app.yaml"
)]
pub(super) struct Arguments {
    /// A folder, or a file, which is read with the files that it depends on; one of an unknown name is parsed as a Dockerfile
    #[arg(required_unless_present = "source", default_value = ".")]
    path: PathBuf,
    /// Show what `[[source]]` of imagebot.toml and `# imagebot: image=` comments find in this file of the folder
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    source: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    references: Vec<Reference>,
    /// Remarks besides the references.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<Remark>,
    skipped: Vec<Skipped>,
}

#[derive(Serialize)]
struct Remark {
    path: String,
    line: usize,
    code: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Reference {
    path: String,
    line: usize,
    kind: &'static str,
    stage: Option<String>,
    platform: Option<String>,
    written: String,
    image: String,
    tag: Option<String>,
    digest: Option<String>,
    editable: bool,
    why_not: Option<&'static str>,
}

#[derive(Serialize)]
struct Skipped {
    path: String,
    reason: String,
}

impl Reference {
    fn new(path: &RepoPath, located: &Located) -> Self {
        let reference = located.reference();
        Self {
            path: path.to_string(),
            line: located.line,
            kind: located.kind.code(),
            stage: located.stage.clone(),
            platform: located.platform.clone(),
            written: located.written.clone(),
            image: located.image().to_owned(),
            tag: reference
                .and_then(|r| r.tag.as_ref())
                .map(ToString::to_string),
            digest: reference
                .and_then(|r| r.digest.as_ref())
                .map(ToString::to_string),
            editable: located.why_not().is_none(),
            why_not: located.why_not().map(|why| why.code()),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Ended> {
    let (folder, only) = read_unit(&arguments.path)
        .with_context(|| format!("{} cannot be read", arguments.path.display()))?;
    let settings = settings_of(&folder, &Config::default())?;
    let excluded = folder.tree.files.iter().filter(|(path, file)| {
        let holds = SourceFormat::of(path.as_str()).is_some()
            && SourceFormat::read_as(path.as_str(), &file.contents).is_some();
        holds && !settings.reads(path) && !settings.reads_custom(path)
    });
    let excluded: Vec<_> = excluded
        .filter(|(path, _)| only.as_ref().is_none_or(|only| only == *path))
        .map(|(path, _)| (path.to_string(), "excluded".to_owned()))
        .collect();
    let operator = Operator {
        references: usize::MAX,
        ..Config::default().operator()
    };
    let mut parsed = ParsedRepo::new(&operator, None, settings, folder.tree);
    if let Some(only) = &only {
        parsed.keep_only(only);
    }
    if let Some(file) = &arguments.source {
        show(&marked(&parsed, file)?.into())?;
        return Ok(Ended::Clean);
    }
    let references = parsed.references.iter();
    let mut output = Output {
        version: 1,
        references: references
            .map(|(path, located)| Reference::new(path, located))
            .collect(),
        remarks: parsed
            .told
            .iter()
            .map(|(path, told)| Remark {
                path: path.to_string(),
                line: told.line,
                code: told.remark.code(),
                text: format!("{}: {}", told.remark.describe(), told.what),
            })
            .collect(),
        skipped: Vec::new(),
    };
    let skipped = [parsed.skipped, parsed.left_out, excluded].concat();
    let unread = unread(&skipped, &parsed.passed).into_iter();
    output.skipped = unread
        .map(|unread| Skipped {
            reason: match unread.line {
                Some(line) => format!("line {line}: {}", unread.what),
                None => unread.what,
            },
            path: unread.path,
        })
        .collect();
    arguments.format.print(&output, render)?;
    Ok(Ended::Clean)
}

/// The settings of a folder's own imagebot.toml.
pub(super) fn settings_of(folder: &Folder, operator: &Config) -> anyhow::Result<RepoSettings> {
    let place = folder.root.join("").display().to_string();
    own_settings(&place, &folder.tree, operator).map_err(|error| match error {
        OwnError::Wrong(problems) => problems.into(),
        unread @ OwnError::Unread { .. } => unread.into(),
    })
}

fn render(output: &Output) -> Page {
    let mut page = Page::default();
    let row = |r: &Reference| -> Vec<Cell> {
        let version = match (&r.tag, &r.digest) {
            (Some(tag), Some(digest)) => format!("{tag}@{digest}"),
            (Some(tag), None) => tag.clone(),
            (None, Some(digest)) => format!("@{digest}"),
            (None, None) => "-".to_owned(),
        };
        vec![
            format!("{}:{}", r.path, r.line).into(),
            Cell::new(Role::Faint, r.kind),
            Cell::new(Role::Strong, r.image.as_str()),
            short_digests(&version).into(),
            Cell::new(Role::Caution, r.why_not.unwrap_or("")),
        ]
    };
    page.table(0, output.references.iter().map(row).collect());
    if output.references.is_empty() {
        page.line(0).plain("no image reference was found");
    }
    for remark in &output.remarks {
        let text = format!("{}:{}: {}", remark.path, remark.line, remark.text);
        page.line(0).put(Role::Faint, "note:").plain(text);
    }
    for skipped in &output.skipped {
        let text = format!("{}: {}", skipped.path, skipped.reason);
        page.line(0).put(Role::Caution, "not read:").plain(text);
    }
    page
}
