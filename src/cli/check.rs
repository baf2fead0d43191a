//! `imagebot check`.

mod output;
mod page;
mod why;

use super::ended::Ended;
use super::output::Format;
use super::personal::PersonalArgument;
use super::progress::progress;
use super::scan::settings_of;
use super::session::{setup, wait};
use crate::config::Config;
use crate::fleet::ParsedRepo;
use crate::plan::{Decision, Observations};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::{RepoGlobs, RepoName};
use crate::run::{
    Checkpoint, Options, ProblemReport, ProposalReport, RepositoryReport, Setup, decide_folder,
    pass, read_folder,
};
use anyhow::Context as _;
use jiff::Timestamp;
use output::{Output, Trace};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Explain each decision for a repository or folder (read-only).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  imagebot check .")]
pub(super) struct Arguments {
    /// A repository, folder or file; prefix with `repo:` or `path:` to disambiguate
    #[arg(value_name = "REPO|PATH")]
    subject: String,
    /// Show the verdict on every tag
    #[arg(long)]
    all_tags: bool,
    /// Say only why this tag is not proposed
    #[arg(long, value_name = "TAG", conflicts_with = "all_tags")]
    why: Option<String>,
    #[command(flatten)]
    config: PersonalArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

impl Arguments {
    fn trace(&self, decision: &Decision, source: Option<String>) -> Trace {
        Trace::new(decision, source, self.all_tags, self.why.as_deref())
    }
}

/// What a command's argument means.
pub(super) enum Subject {
    /// A folder or file.
    Path(PathBuf),
    /// A registered repository.
    Repo(RepoName),
}

impl Subject {
    /// An existing path, or a text that begins with `./` or `/`, is a path; the prefixes `repo:` and `path:` decide.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let repo = |text: &str| {
            let name = RepoName::parse(text);
            name.map(Self::Repo)
                .with_context(|| format!("{text:?} is neither an existing path nor a repository"))
        };
        match (text.strip_prefix("repo:"), text.strip_prefix("path:")) {
            (Some(name), _) => repo(name),
            (_, Some(path)) => Ok(Self::Path(path.into())),
            _ if text.starts_with("./") || text.starts_with('/') || Path::new(text).exists() => {
                Ok(Self::Path(text.into()))
            }
            _ => repo(text),
        }
    }
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let output = match Subject::parse(&arguments.subject)? {
        Subject::Path(path) => {
            let (config, unlisted) = arguments.config.load()?;
            wait(of_path(&path, config, unlisted, redactor, &arguments))?
        }
        Subject::Repo(name) => {
            if arguments.config.path().is_none() {
                anyhow::bail!(
                    "{name} is not a file or folder, and no configuration was found that registers repositories\n\
                     help: correct the path, or name the configuration that registers {name} with --config FILE"
                );
            }
            let config = arguments.config.with_forges()?;
            wait(of_repo(name, config, redactor, &arguments))?
        }
    };
    let failed = output.problems.len()
        + output
            .references
            .iter()
            .filter(|t| t.decision.failed)
            .count();
    arguments
        .format
        .print(&output, |output| match &arguments.why {
            Some(tag) => why::page(output, tag),
            None => page::page(output),
        })?;
    Ok(if failed > 0 {
        Ended::Failed
    } else {
        Ended::Clean
    })
}

/// A folder with the decisions about its references.
pub(super) struct JudgedFolder {
    pub(super) parsed: Arc<ParsedRepo>,
    pub(super) root: PathBuf,
    pub(super) decisions: Vec<Decision>,
    pub(super) seen: Observations,
}

/// Reads a folder and decides about its references; no git is started.
pub(super) async fn judge_folder(setup: &Setup, path: &Path) -> anyhow::Result<JudgedFolder> {
    let (parsed, root) = parse_folder(setup, path)?;
    let progress = progress();
    let ticked = |done, total| progress.tick("registries", done, total);
    let times = (Timestamp::now(), true);
    let (parsed, decisions, seen) = decide_folder(setup, parsed, times, &ticked).await;
    Ok(JudgedFolder {
        parsed,
        root,
        decisions,
        seen,
    })
}

/// Reads a folder or file, and returns the folder besides.
pub(super) fn parse_folder(setup: &Setup, path: &Path) -> anyhow::Result<(ParsedRepo, PathBuf)> {
    let folder = read_folder(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let settings = settings_of(&folder, &setup.config)?;
    let parsed = ParsedRepo::new(&setup.operator, None, settings, folder.tree);
    Ok((parsed, folder.root))
}

async fn of_path(
    path: &Path,
    config: Config,
    unlisted: Unlisted,
    redactor: &Redactor,
    arguments: &Arguments,
) -> anyhow::Result<Output> {
    let setup = setup(config, unlisted, redactor).await?;
    let JudgedFolder {
        parsed,
        mut decisions,
        seen,
        ..
    } = judge_folder(&setup, path).await?;
    let name = path.display().to_string();
    let proposals = parsed.propose(&setup.operator, &name, &mut decisions, &seen, false);
    let proposals = proposals
        .iter()
        .map(|proposal| ProposalReport {
            branch: proposal.branch.to_string(),
            title: Some(proposal.texts.title.clone()),
            status: "would open",
            detail: String::new(),
            number: None,
            url: None,
            changes: proposal.changes.lines(),
        })
        .collect();
    let references = decisions.iter().map(|decision| {
        let line = parsed.line(&decision.path, decision.located.line);
        arguments.trace(decision, line)
    });
    Ok(Output {
        version: 1,
        subject: path.display().to_string(),
        references: references.collect(),
        proposals,
        skipped: None,
        unread: parsed.unread_lines(),
        problems: {
            let findings = parsed.findings.iter();
            findings
                .map(|finding| ProblemReport::new("image", finding))
                .collect()
        },
    })
}

async fn of_repo(
    name: RepoName,
    config: Config,
    redactor: &Redactor,
    arguments: &Arguments,
) -> anyhow::Result<Output> {
    let setup = Arc::new(setup(config, Unlisted::Refuse, redactor).await?);
    let options = Options {
        dry_run: true,
        force: false,
        only: RepoGlobs::parse(&[globset::escape(name.as_str())]).ok(),
        now: Timestamp::now(),
        progress: progress(),
        checkpoint: Checkpoint::default(),
        traces: true,
    };
    let report = pass(&setup, &options).await;
    let mut problems = report.problems;
    let Some(repository) = report.repositories.into_iter().next() else {
        if let Some(left) = report.left_out.first() {
            anyhow::bail!(
                "{name} is excluded: {}\nhelp: `imagebot repos list` shows every excluded repository and why",
                left.why
            );
        }
        if problems.is_empty() {
            anyhow::bail!(
                "{name} is not registered: no [[forge]] of the configuration lists it\nhelp: `imagebot repos list` \
                 shows the registered repositories; for a folder, write ./{name}"
            );
        }
        // The list of repositories is incomplete, so the name may still exist.
        return Ok(Output {
            version: 1,
            subject: name.to_string(),
            references: Vec::new(),
            proposals: Vec::new(),
            skipped: Some("the repositories of a forge could not be listed".to_owned()),
            unread: Default::default(),
            problems,
        });
    };
    let RepositoryReport {
        traces,
        proposals,
        unread,
        problems: own,
        skipped,
        ..
    } = repository;
    problems.extend(own);
    Ok(Output {
        version: 1,
        subject: name.to_string(),
        references: traces
            .iter()
            .map(|(decision, line)| arguments.trace(decision, line.clone()))
            .collect(),
        proposals,
        skipped,
        unread,
        problems,
    })
}
