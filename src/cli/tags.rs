//! `imagebot tags`.

use super::edit::read_text;
use super::ended::Ended;
use super::output::{Format, json, say, show};
use super::page::{Cell, Page, Role};
use super::personal::PersonalArgument;
use super::session::{setup, today, wait};
use crate::image::{Reference, Tag};
use crate::redact::Redactor;
use crate::scheme::{
    Allow, CodenameMode, Ignore, Level, RegexScheme, Rules, Scheme, Selection, TagVerdict,
    VariantMode, select,
};
use anyhow::Context as _;
use jiff::civil::Date;
use serde::Serialize;
use std::path::PathBuf;

/// Show how an image's tags parse as versions and which one would be chosen.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, offline:\n  printf '20\\n22\\n22-rc1\\n' | imagebot tags node:20 --tags-from -"
)]
pub(super) struct Arguments {
    /// The image with its current tag
    #[arg(value_name = "IMAGE:TAG")]
    image: String,
    /// Read the tags from a file, one a line, instead of the registry; - for stdin
    #[arg(long, value_name = "FILE")]
    tags_from: Option<PathBuf>,
    /// How tags are parsed
    #[arg(long, value_enum)]
    scheme: Option<SchemeName>,
    /// The pattern of the regex scheme
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// The order in which the pattern's groups are compared
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    order: Vec<String>,
    /// The largest change to allow
    #[arg(long, value_name = "LEVEL")]
    max: Option<Level>,
    /// Allow prereleases
    #[arg(long)]
    prerelease: bool,
    /// Tags that may be chosen: "/regex/", "!/regex/" or a range
    #[arg(long, value_name = "X")]
    allow: Option<String>,
    /// Tags that are never chosen: exact, "/regex/" or a range
    #[arg(long, value_name = "X")]
    ignore: Vec<String>,
    /// Whether a distribution's codename may change
    #[arg(long, value_parser = ["follow", "hold"], default_value = "hold")]
    codename: String,
    /// Whether a number in the variant may rise
    #[arg(long, value_parser = ["keep", "follow"], default_value = "keep")]
    variant: String,
    /// Decide as if today were this date, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,
    #[command(flatten)]
    config: PersonalArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SchemeName {
    Auto,
    Semver,
    Regex,
    Floating,
}

#[derive(Serialize)]
struct Output<'a> {
    version: u32,
    image: &'a str,
    current: Option<&'a str>,
    best: Option<&'a str>,
    by_level: ByLevel<'a>,
    verdicts: Vec<JudgedTag<'a>>,
}

#[derive(Serialize)]
struct ByLevel<'a> {
    major: Option<&'a str>,
    minor: Option<&'a str>,
    patch: Option<&'a str>,
    build: Option<&'a str>,
}

#[derive(Serialize)]
struct JudgedTag<'a> {
    tag: &'a str,
    verdict: &'static str,
    why: String,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let rules = rules(&arguments)?;
    let reference = Reference::parse(&arguments.image).with_context(|| {
        format!(
            "{:?} is not an image reference, such as node:20",
            arguments.image
        )
    })?;
    let tags = match &arguments.tags_from {
        Some(path) => {
            let text = read_text(path)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let tags: Vec<String> = lines.map(str::to_owned).collect();
            anyhow::ensure!(
                !tags.is_empty(),
                "{} holds no tags\nhelp: write one tag on each line",
                match path.to_str() {
                    Some("-") => "the standard input".to_owned(),
                    _ => path.display().to_string(),
                }
            );
            tags
        }
        None => match listed(&arguments, &reference, redactor)? {
            Ok(tags) => tags,
            Err(failed) => {
                say(&failed);
                return Ok(Ended::Failed);
            }
        },
    };
    let current = reference.tag.as_ref().map(Tag::as_str);
    let today = arguments.today.unwrap_or_else(today);
    // As in `run`, the operator's aliases apply to the name first.
    let (config, _) = arguments.config.load()?;
    let image = config.operator().resolve(&reference.name);
    let selection = select(&image, current, &tags, &rules, today)
        .map_err(|error| anyhow::anyhow!("{error} [{}]", error.code()))?;
    match arguments.format {
        Format::Json => json(&output(&reference, current, &selection))?,
        Format::Human => show(&render(&reference, current, &selection))?,
    }
    Ok(Ended::Clean)
}

fn rules(arguments: &Arguments) -> anyhow::Result<Rules> {
    let scheme = match (arguments.scheme, &arguments.pattern) {
        (Some(SchemeName::Regex) | None, Some(pattern)) => {
            let scheme = RegexScheme::parse(pattern, &arguments.order);
            Scheme::Regex(
                scheme.map_err(|error| anyhow::anyhow!("--pattern: {error} [{}]", error.code()))?,
            )
        }
        (Some(SchemeName::Regex), None) => anyhow::bail!("--scheme regex needs --pattern"),
        (Some(_), Some(_)) => anyhow::bail!("--pattern belongs to --scheme regex"),
        (Some(SchemeName::Auto) | None, None) => Scheme::Auto,
        (Some(SchemeName::Semver), None) => Scheme::Semver,
        (Some(SchemeName::Floating), None) => Scheme::Floating,
    };
    if !arguments.order.is_empty() && !matches!(scheme, Scheme::Regex(_)) {
        anyhow::bail!("--order belongs to --scheme regex");
    }
    let bad = |key: &str, error: crate::scheme::SchemeError| {
        anyhow::anyhow!("--{key}: {error} [{}]", error.code())
    };
    let allow = arguments.allow.as_deref().filter(|text| !text.is_empty());
    Ok(Rules {
        scheme,
        max: arguments.max.unwrap_or(Level::Major),
        prerelease: arguments.prerelease,
        variant: if arguments.variant == "follow" {
            VariantMode::Follow
        } else {
            VariantMode::Keep
        },
        codename: if arguments.codename == "follow" {
            CodenameMode::Follow
        } else {
            CodenameMode::Hold
        },
        allow: allow
            .map(Allow::parse)
            .transpose()
            .map_err(|error| bad("allow", error))?,
        ignore: arguments
            .ignore
            .iter()
            .map(|text| Ignore::parse(text))
            .collect::<Result<_, _>>()
            .map_err(|error| bad("ignore", error))?,
    })
}

/// The registry's list of tags, or why it is unavailable.
fn listed(
    arguments: &Arguments,
    reference: &Reference,
    redactor: &Redactor,
) -> anyhow::Result<Result<Vec<String>, String>> {
    let (config, unlisted) = arguments.config.load()?;
    wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let Some(lookup) = setup.lookup(&reference.name, None, None)? else {
            return Ok(Err(format!(
                "{} is not a listed registry, so it is not contacted\nhelp: [[registry]]\nhost = \"{0}\"",
                reference.name.host()
            )));
        };
        Ok(
            match setup
                .registries
                .tags(&lookup.image, setup.login(&lookup).as_ref())
                .await
            {
                Ok(tags) => Ok(tags.tags.into_iter().map(String::from).collect()),
                Err(error) => {
                    let help = setup
                        .help(&error)
                        .map(|help| format!("\nhelp: {help}"))
                        .unwrap_or_default();
                    Err(format!("{error} [{}]{help}", error.code()))
                }
            },
        )
    })
}

fn output<'a>(
    reference: &'a Reference,
    current: Option<&'a str>,
    selection: &'a Selection,
) -> Output<'a> {
    let within = |level| selection.best_within(level).map(|candidate| candidate.tag);
    Output {
        version: 1,
        image: reference.name.written(),
        current,
        best: selection.best(),
        by_level: ByLevel {
            major: within(Level::Major),
            minor: within(Level::Minor),
            patch: within(Level::Patch),
            build: within(Level::Build),
        },
        verdicts: selection
            .verdicts()
            .map(|judged| JudgedTag {
                tag: judged.tag,
                verdict: judged.verdict.code(),
                why: judged.why(),
            })
            .collect(),
    }
}

fn render(reference: &Reference, current: Option<&str>, selection: &Selection) -> Page {
    let mut page = Page::default();
    let rows = selection.verdicts().map(|judged| {
        let code = judged.verdict.code();
        verdict_row(judged.tag, code, judged.why())
    });
    page.table(0, rows.collect());
    page.line(0);
    let subject = page.line(0);
    subject.put(Role::Strong, reference.name.to_string());
    if let Some(tag) = current {
        subject.put(Role::Strong, tag);
    }
    subject.join(Role::Plain, ":");
    match (selection.best(), current) {
        (Some(best), _) => subject.plain("next is").put(Role::Good, best),
        (None, Some(tag)) => subject.plain(nothing_next(tag, selection)),
        (None, None) => subject.plain(format!(
            "no tag to compare with; add one, such as {}:1.2",
            reference.name
        )),
    };
    for hint in selection.hints() {
        page.line(0).plain(&*hint.text).code(hint.code);
    }
    page
}

/// Why no tag is next.
fn nothing_next(current: &str, selection: &Selection) -> String {
    let any = |verdicts: &[TagVerdict]| {
        let mut judged = selection.verdicts();
        judged.any(|judged| verdicts.contains(&judged.verdict))
    };
    let is_listed = selection.verdicts().any(|judged| judged.tag == current);
    let alike = [
        TagVerdict::Current,
        TagVerdict::OlderOrEqual,
        TagVerdict::NotAVersion,
        TagVerdict::Unmatched,
    ];
    let is_newest = selection
        .verdicts()
        .all(|judged| alike.contains(&judged.verdict));
    match () {
        () if any(&[TagVerdict::NotCompared]) => {
            format!("{current} is not a version; pin its digest to follow it (digest = \"pin\")")
        }
        () if !is_listed => format!("no newer tag is allowed; {current} itself is not listed"),
        () if is_newest => "already the newest".to_owned(),
        () => "no newer tag is allowed".to_owned(),
    }
}

/// A row about one tag: chosen, in use, or why it is neither.
pub(super) fn verdict_row(tag: &str, code: &str, why: String) -> Vec<Cell> {
    let role = match code {
        "chosen" => Role::Good,
        "current" => Role::Strong,
        _ => Role::Faint,
    };
    let tag_role = match role {
        Role::Faint => Role::Plain,
        role => role,
    };
    vec![Cell::new(tag_role, tag), Cell::new(role, code), why.into()]
}
