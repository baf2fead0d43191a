//! `imagebot config`.

use super::ended::Ended;
use super::output::{self, Format, complain, counted, json, say};
use super::page::{Cell, Page, Role};
use super::session::ConfigArgument;
use crate::coded::Coded as _;
use crate::config::{Config, operator_schema, parse_repository, repository_schema, review};
use crate::image::Reference;
use crate::policy::{Policy, RuleSubject, SettingOrigin};
use crate::repo::{RepoName, RepoPath};
use crate::source::ReferenceKind;
use anyhow::Context as _;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use std::path::PathBuf;

/// Check, show or describe the configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
    Show(Show),
    Schema(Schema),
}

/// Validate the operator's configuration and an imagebot.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot config check imagebot.toml")]
struct Check {
    /// An imagebot.toml to validate as well
    #[arg(value_name = "FILE")]
    repository: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgument,
}

/// Print every setting that applies to a reference and the line it comes from.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot config show --image node:20")]
struct Show {
    /// The repository's path on its forge
    #[arg(long, value_name = "R")]
    repo: Option<String>,
    /// The image [default: one that no rule names]
    #[arg(long, value_name = "I")]
    image: Option<String>,
    /// The file in the repository
    #[arg(long, value_name = "PATH", default_value = "Dockerfile")]
    path: String,
    /// The kind of reference, for rules with `kinds`
    #[arg(
        long,
        value_name = "K",
        default_value = ReferenceKind::From.code(),
        value_parser = PossibleValuesParser::new(ReferenceKind::CODES),
        hide_possible_values = true
    )]
    kind: String,
    /// The repository's imagebot.toml
    #[arg(long, value_name = "FILE")]
    repository: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// Print a JSON Schema for completion and validation in editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot config schema > imagebot.schema.json")]
struct Schema {
    /// Print the schema of the operator's config.toml instead
    #[arg(long)]
    operator: bool,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<Ended> {
    match arguments.command {
        Command::Check(arguments) => check(&arguments),
        Command::Show(arguments) => show(&arguments),
        Command::Schema(arguments) => {
            json(&if arguments.operator {
                operator_schema()
            } else {
                repository_schema()
            })?;
            Ok(Ended::Clean)
        }
    }
}

fn check(arguments: &Check) -> anyhow::Result<Ended> {
    let mut ended = Ended::Clean;
    let config = match arguments.config.path() {
        Some(path) => match arguments.config.needed() {
            Ok(config) => {
                let found = review(&config);
                let valid = match found.iter().any(|found| found.is_error) {
                    true => "has errors",
                    false => "is valid",
                };
                say(&format!(
                    "{} {valid}: {}, {}, {}",
                    path.display(),
                    counted(config.forges.len(), "forge", "forges"),
                    registries(&config),
                    counted(config.rules.len(), "rule", "rules")
                ));
                for found in found {
                    let level = if found.is_error { "error" } else { "warning" };
                    let (problem, help) = (&found.problem, &found.help);
                    say(&format!("{level}: {problem}\n  help: {help}"));
                    if found.is_error {
                        ended = Ended::Misused;
                    }
                }
                config
            }
            // The problems of the other file are shown as well; only what depends on a [[scheme]] of this one may be
            // missing.
            Err(error) => match &arguments.repository {
                Some(path) => {
                    complain(&error);
                    read_repository(path, &Config::default())?;
                    return Ok(Ended::Misused);
                }
                None => return Err(error),
            },
        },
        None if arguments.repository.is_some() => Config::default(),
        None => arguments.config.needed()?,
    };
    if let Some(path) = &arguments.repository {
        let repository = read_repository(path, &config)?;
        say(&format!(
            "{} is valid: {}, {}",
            path.display(),
            counted(repository.rules.len(), "rule", "rules"),
            counted(repository.args.len(), "argument", "arguments")
        ));
    }
    Ok(ended)
}

/// The number of registries, and how many of them are the built-in public ones.
fn registries(config: &Config) -> String {
    let all = counted(config.registries.len(), "registry", "registries");
    let built_in = Config::default().registries;
    let is_public = |host| built_in.iter().any(|known| known.host == host);
    let hosts = config
        .registries
        .iter()
        .map(|registry| registry.host.clone());
    match hosts.filter(|host| is_public(host.clone())).count() {
        0 => all,
        public => format!("{all} ({public} public)"),
    }
}

fn read_repository(path: &PathBuf, config: &Config) -> anyhow::Result<crate::fleet::RepoSettings> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(parse_repository(
        &path.display().to_string(),
        &text,
        &config.schemes,
    )?)
}

fn show(arguments: &Show) -> anyhow::Result<Ended> {
    let (config, _) = arguments.config.load()?;
    let mut rules = config.rules.clone();
    let operators = rules.len();
    if let Some(path) = &arguments.repository {
        rules.extend(read_repository(path, &config)?.rules);
    }
    let image = arguments.image.as_deref().unwrap_or("imagebot.invalid/any");
    let reference = Reference::parse(image)
        .with_context(|| format!("--image {image:?} is not an image reference"))?;
    let repo = arguments.repo.as_deref().map(RepoName::parse).transpose()?;
    let path = RepoPath::parse(&arguments.path)?;
    let subject = RuleSubject {
        repo: repo.as_ref(),
        path: &path,
        image: &reference.name,
        tag: reference.tag.as_ref().map(|tag| tag.as_str()),
        kind: ReferenceKind::of_code(&arguments.kind).unwrap_or(ReferenceKind::From),
    };
    let effective = Policy {
        rules,
        operators,
        ceiling: config.ceiling,
        notes: crate::policy::Notes::default(),
    }
    .effective(&subject, &[])?;
    let rows = effective.settings.rows();
    let fleet = config.fleet_settings();
    match arguments.format {
        Format::Human => {
            let row = |key: &str, value: &str, from: &dyn std::fmt::Display| -> Vec<Cell> {
                vec![
                    format!("{key} = {value}").into(),
                    Cell::new(Role::Faint, format!("# {from}")),
                ]
            };
            let rows = rows.into_iter();
            let rows = rows.map(|(key, value, from)| row(key, &value, from));
            let fleet = fleet.iter();
            let fleet = fleet.map(|(key, value, from)| row(key, value, from));
            let mut page = Page::default();
            page.table(0, rows.chain(fleet).collect());
            output::show(&page)?;
        }
        Format::Json => {
            let entry = |(key, value, from): (&str, String, &SettingOrigin)| {
                (
                    key.to_owned(),
                    serde_json::json!({ "value": as_json(&value), "from": from.to_string() }),
                )
            };
            let of_fleet = |(key, value, from): &(String, String, SettingOrigin)| {
                (
                    key.clone(),
                    serde_json::json!({ "value": as_json(value), "from": from.to_string() }),
                )
            };
            let all = rows
                .into_iter()
                .map(entry)
                .chain(fleet.iter().map(of_fleet));
            json(&all.collect::<serde_json::Map<_, _>>())?;
        }
    }
    Ok(Ended::Clean)
}

/// A TOML value as JSON. What is not TOML stays text.
fn as_json(value: &str) -> serde_json::Value {
    let table = toml::from_str::<toml::Table>(&format!("value = {value}"));
    let value_of = |mut table: toml::Table| table.remove("value");
    let parsed = table.ok().and_then(value_of);
    let parsed = parsed.and_then(|value| serde_json::to_value(value).ok());
    parsed.unwrap_or_else(|| value.into())
}
