//! `imagebot mr`: imagebot's merge requests, and the reviewer's side of local repositories.

use super::ended::Ended;
use super::output::{Format, json, remark, say, show, text};
use super::page::{Cell, Page, Role};
use super::session::{ConfigArgument, setup, setup_to_write, wait};
use crate::config::Config;
use crate::forge::{Forge, Local, Repository};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::{Branch, CiStatus, MergeRequest, MergeRequestState, RepoGlobs, RepoName};
use crate::run::{Registered, Setup, survey};
use clap::Subcommand;
use serde::Serialize;
use std::collections::BTreeSet;

/// List and show imagebot's merge requests, close them and open them again; merge those of local repositories.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    /// Show a merge request: its text, and the comments on one of a local repository.
    #[command(after_help = "Example:\n  imagebot mr show app 1 --config config.toml")]
    Show(One),
    /// Merge a merge request of a local repository, and delete its branch.
    #[command(after_help = "Example:\n  imagebot mr merge app 1 --config config.toml")]
    Merge(One),
    /// Close a merge request; imagebot does not propose its versions again.
    #[command(after_help = "Example:\n  imagebot mr close app 1 --config config.toml")]
    Close(One),
    /// Open a closed merge request again, so that imagebot proposes its versions again.
    #[command(after_help = "Example:\n  imagebot mr reopen app 1 --config config.toml")]
    Reopen(One),
}

/// List merge requests: the open ones, or all whose branch still exists.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot mr list --config config.toml")]
struct List {
    /// Only repositories whose path matches
    #[arg(long, value_name = "GLOB")]
    repo: Option<String>,
    /// Include merged and closed ones
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    config: ConfigArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

// What names one merge request.
#[derive(Debug, clap::Args)]
struct One {
    /// The repository's path
    #[arg(value_name = "REPO")]
    repo: String,
    /// The merge request's number
    number: u64,
    #[command(flatten)]
    config: ConfigArgument,
}

#[derive(Serialize)]
struct Output {
    version: u32,
    merge_requests: Vec<Row>,
    /// The repositories whose merge requests could not be read, and why.
    failed: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    repo: String,
    number: u64,
    state: &'static str,
    title: String,
    url: Option<String>,
    source: String,
    target: String,
    labels: Vec<String>,
    ci: Option<&'static str>,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = match &arguments.command {
        Command::List(list) => &list.config,
        Command::Show(one) | Command::Merge(one) | Command::Close(one) | Command::Reopen(one) => {
            &one.config
        }
    };
    let config = config.with_forges()?;
    wait(execute(arguments.command, config, redactor))
}

async fn execute(command: Command, config: Config, redactor: &Redactor) -> anyhow::Result<Ended> {
    let is_reading = matches!(command, Command::List(_) | Command::Show(_));
    let setup = match is_reading {
        true => setup(config, Unlisted::Refuse, redactor).await?,
        false => setup_to_write(config, Unlisted::Refuse, redactor).await?,
    };
    let done = match command {
        Command::List(arguments) => return list(&setup, &arguments).await,
        Command::Show(one) => return show_one(&setup, &one).await,
        Command::Merge(one) => {
            let (forge, repo) = find_local(&setup, &one.repo).await?;
            let merged = forge.merge_now(&repo, one.number).await?;
            format!(
                "merged !{} of {} as {}",
                one.number,
                repo.name,
                merged.short()
            )
        }
        Command::Close(one) => {
            let (forge, repo) = find(&setup, &one.repo).await?;
            forge.close(&repo, one.number).await?;
            format!(
                "closed !{} of {}; imagebot does not propose these versions again unless it is reopened",
                one.number, repo.name
            )
        }
        Command::Reopen(one) => {
            let (forge, repo) = find(&setup, &one.repo).await?;
            forge.reopen(&repo, one.number).await?;
            format!(
                "reopened !{} of {}; the next run brings it up to date",
                one.number, repo.name
            )
        }
    };
    remark(&done);
    Ok(Ended::Clean)
}

async fn list(setup: &Setup, arguments: &List) -> anyhow::Result<Ended> {
    let globs = arguments
        .repo
        .as_ref()
        .map(|glob| RepoGlobs::parse(&[glob]))
        .transpose();
    let globs = globs.map_err(|(_, error)| anyhow::anyhow!("--repo is not a glob: {error}"))?;
    let (registered, report) = survey(setup).await;
    let mut output = Output {
        version: 1,
        merge_requests: Vec::new(),
        failed: Vec::new(),
    };
    let problems = report.problems.iter();
    output
        .failed
        .extend(problems.map(|problem| problem.message.clone()));
    for repo in &report.repositories {
        let problems = repo.problems.iter();
        let problems = problems.map(|problem| format!("{}: {}", repo.repo, problem.message));
        output.failed.extend(problems);
    }
    let selected = |repo: &Repository| globs.as_ref().is_none_or(|g| g.select(&repo.name));
    for (forge, repo) in registered.iter().filter(|(_, repo)| selected(repo)) {
        match of_repository(setup, forge.as_ref(), repo, arguments.all).await {
            Ok(rows) => output.merge_requests.extend(rows),
            Err(error) => output.failed.push(format!("{}: {error:#}", repo.name)),
        }
    }
    match arguments.format {
        Format::Json => json(&output)?,
        Format::Human if output.merge_requests.is_empty() => remark("no merge requests"),
        Format::Human => show(&page(&output))?,
    }
    for failed in &output.failed {
        say(&format!("error: {failed}"));
    }
    Ok(Ended::failed_if(!output.failed.is_empty()))
}

async fn of_repository(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    all: bool,
) -> anyhow::Result<Vec<Row>> {
    let local = setup
        .local
        .iter()
        .find(|local| local.name() == forge.name());
    let found = match local {
        // A folder keeps them even if their branches are gone.
        Some(local) => local.all(repo).await?,
        None => {
            // Most listings have the branches already.
            let branches = match &repo.branches {
                Some(listed) => listed.clone(),
                None => forge.branches(repo).await?,
            };
            let names: BTreeSet<Branch> = branches.into_keys().collect();
            match names.is_empty() {
                true => Vec::new(),
                false => forge.merge_requests(repo, &names).await?,
            }
        }
    };
    let mut rows = Vec::new();
    let shown = |mr: &MergeRequest| all || mr.state == MergeRequestState::Open;
    for mr in found.into_iter().filter(shown) {
        let branches = repo.branches.as_ref();
        let head = branches
            .and_then(|all| all.get(&mr.source))
            .or(mr.head.as_ref());
        let ci = match head {
            Some(head) => forge.commit_ci(repo, head).await?,
            None => CiStatus::None,
        };
        rows.push(Row {
            repo: repo.name.to_string(),
            number: mr.number,
            state: mr.state.code(),
            url: forge.web_url(&repo.name, mr.number).map(String::from),
            title: mr.title,
            source: mr.source.to_string(),
            target: mr.target.to_string(),
            labels: mr.labels,
            ci: ci_word(ci),
        });
    }
    Ok(rows)
}

fn page(output: &Output) -> Page {
    let mut page = Page::default();
    let cells = |row: &Row| -> Vec<Cell> {
        let role = match row.ci {
            Some("success") => Role::Good,
            Some("failed") => Role::Bad,
            _ => Role::Faint,
        };
        vec![
            Cell::new(Role::Strong, row.repo.as_str()),
            format!("!{}", row.number).into(),
            row.state.into(),
            Cell::new(role, row.ci.unwrap_or("-")),
            row.title.as_str().into(),
            Cell::new(Role::Fix, row.url.as_deref().unwrap_or_default()),
        ]
    };
    page.table(0, output.merge_requests.iter().map(cells).collect());
    page
}

/// The word that stands for it in the repository, see `docs/forges.md`.
fn ci_word(status: CiStatus) -> Option<&'static str> {
    match status {
        CiStatus::Running => Some("running"),
        CiStatus::Passed => Some("success"),
        CiStatus::Failed => Some("failed"),
        CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Unknown => None,
    }
}

async fn find(setup: &Setup, name: &str) -> anyhow::Result<Registered> {
    let name = RepoName::parse(name)?;
    let (registered, report) = survey(setup).await;
    if let Some(found) = registered.into_iter().find(|(_, repo)| repo.name == name) {
        return Ok(found);
    }
    let mut failed = report.repositories.into_iter();
    let failed = failed.find(|repo| repo.repo == name.as_str());
    let problems = failed.map(|repo| repo.problems).unwrap_or(report.problems);
    if let Some(problem) = problems.first() {
        let help = problem.help.as_ref().map(|help| format!("\nhelp: {help}"));
        anyhow::bail!(
            "{name} cannot be read: {}{}",
            problem.message,
            help.unwrap_or_default()
        );
    }
    anyhow::bail!(
        "{name} is not registered: no [[forge]] of the configuration lists it\n\
         help: `imagebot repos list` shows the registered repositories"
    )
}

/// The repository, which must be local: merging on a forge is its users' business.
async fn find_local<'a>(setup: &'a Setup, name: &str) -> anyhow::Result<(&'a Local, Repository)> {
    let (found, repo) = find(setup, name).await?;
    let local = setup
        .local
        .iter()
        .find(|local| local.name() == found.name());
    match local {
        Some(local) => Ok((local, repo)),
        None => anyhow::bail!(
            "{} is not a local repository\nhelp: merge its merge requests on {}",
            repo.name,
            found.name()
        ),
    }
}

async fn show_one(setup: &Setup, one: &One) -> anyhow::Result<Ended> {
    let (forge, repo) = find(setup, &one.repo).await?;
    let mr = forge.merge_request(&repo, one.number).await?;
    let mut page = Page::default();
    page.line(0)
        .put(Role::Strong, repo.name.to_string())
        .put(Role::Strong, format!("!{}", mr.number))
        .plain(format!("({})", mr.state.code()));
    page.line(0).put(Role::Strong, mr.title.as_str());
    if let Some(url) = forge.web_url(&repo.name, mr.number) {
        page.line(0).put(Role::Fix, url.as_str());
    }
    page.line(0).plain(format!("{} → {}", mr.source, mr.target));
    page.line(0).plain("labels:").plain(mr.labels.join(", "));
    show(&page)?;
    // Markdown keeps its own lines.
    text(&format!("\n{}\n", mr.description))?;
    let local = setup
        .local
        .iter()
        .find(|local| local.name() == forge.name());
    if let Some(local) = local {
        let comments = local.comments(&repo, one.number).await?;
        if !comments.is_empty() {
            text(&format!("\ncomments:\n\n{comments}\n"))?;
        }
    }
    Ok(Ended::Clean)
}
