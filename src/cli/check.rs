//! `imagebot check`.

use super::changes::describe;
use super::ended::Ended;
use super::output::{Format, counted, short_digests, table, with_code};
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
    Checkpoint, DecisionReport, Options, ProblemReport, ProposalReport, RepositoryReport, Setup,
    decide_folder, pass, read_folder,
};
use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write as _;
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
    #[command(flatten)]
    config: PersonalArgument,
    /// Output format
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
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

#[derive(Serialize)]
struct Output {
    version: u32,
    subject: String,
    references: Vec<Trace>,
    proposals: Vec<ProposalReport>,
    skipped: Option<String>,
    unread: Vec<String>,
    problems: Vec<ProblemReport>,
}

#[derive(Serialize)]
struct Trace {
    #[serde(flatten)]
    decision: DecisionReport,
    #[serde(skip)]
    reason: &'static str,
    source: Option<String>,
    settings: Vec<String>,
    steps: Vec<String>,
    verdicts: Vec<JudgedTag>,
    hints: Vec<String>,
}

#[derive(Serialize)]
struct JudgedTag {
    tag: String,
    verdict: &'static str,
    why: String,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let output = match Subject::parse(&arguments.subject)? {
        Subject::Path(path) => {
            let (config, unlisted) = arguments.config.load()?;
            wait(of_path(
                &path,
                config,
                unlisted,
                redactor,
                arguments.all_tags,
            ))?
        }
        Subject::Repo(name) => {
            if arguments.config.path().is_none() {
                anyhow::bail!(
                    "{name} is not a file or folder, and no configuration was found that registers repositories\n\
                     help: correct the path, or name the configuration that registers {name} with --config FILE"
                );
            }
            let config = arguments.config.with_forges()?;
            wait(of_repo(name, config, redactor, arguments.all_tags))?
        }
    };
    let failed = output.problems.len()
        + output
            .references
            .iter()
            .filter(|t| t.decision.failed)
            .count();
    arguments.format.print(&output, render)?;
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
    all_tags: bool,
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
            changes: proposal.changes.lines(),
        })
        .collect();
    let references = decisions.iter().map(|decision| {
        trace(
            decision,
            parsed.line(&decision.path, decision.located.line),
            all_tags,
        )
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
    all_tags: bool,
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
            .map(|(decision, line)| trace(decision, line.clone(), all_tags))
            .collect(),
        proposals,
        skipped,
        unread,
        problems,
    })
}

fn trace(decision: &Decision, source: Option<String>, all_tags: bool) -> Trace {
    let settings = decision.effective.as_ref().map(|effective| {
        let settings = &effective.settings;
        // A setting that no file sets has no line.
        let set = settings
            .rows()
            .into_iter()
            .filter(|(_, _, from)| from.line > 0);
        let set = set.map(|(name, value, from)| match settings.reasons.get(name) {
            Some(reason) if name != "reason" => format!("{name} = {value} ({from}: {reason})"),
            _ => format!("{name} = {value} ({from})"),
        });
        set.collect::<Vec<_>>()
    });
    let selection = decision.selection.as_ref();
    let verdicts = selection.filter(|_| all_tags).map(|selection| {
        selection
            .verdicts()
            .map(|judged| JudgedTag {
                tag: judged.tag.to_owned(),
                verdict: judged.verdict.code(),
                why: judged.why(),
            })
            .collect()
    });
    Trace {
        decision: DecisionReport::from(decision),
        reason: decision.reason.describe(),
        source,
        settings: settings.unwrap_or_default(),
        steps: decision.steps.clone(),
        verdicts: verdicts.unwrap_or_default(),
        hints: selection
            .map(|s| {
                s.hints()
                    .iter()
                    .map(|h| format!("{} [{}]", h.text, h.code))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

/// A status in readable words.
fn status(code: &str) -> &str {
    match code {
        "open" => "would open",
        "update" => "would update",
        "close" => "would close",
        "kept" => "stays open",
        "limited" => "held back by a limit",
        "foreign" => "taken over",
        other => other,
    }
}

fn render(output: &Output) -> String {
    let mut out = String::new();
    for problem in &output.problems {
        let _ = writeln!(out, "error: {} [{}]", problem.message, problem.code);
        if let Some(help) = &problem.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    if let Some(why) = &output.skipped {
        let _ = writeln!(out, "skipped: {why}");
    }
    for trace in &output.references {
        let d = &trace.decision;
        let _ = writeln!(out, "{}:{} {}", d.path, d.line, d.kind);
        if let Some(source) = &trace.source {
            let _ = writeln!(out, "  | {}", source.trim_end());
        }
        let _ = writeln!(
            out,
            "  {}: {}",
            d.outcome,
            match d.detail.is_empty() {
                true => with_code(trace.reason.trim_end_matches('.'), d.reason),
                false => with_code(&d.detail, d.reason),
            }
        );
        for wanted in &d.wanted {
            let version = [
                wanted.tag.clone(),
                wanted.digest.as_ref().map(|digest| format!("@{digest}")),
            ];
            let version: String = version.into_iter().flatten().collect();
            let version = short_digests(&version);
            let own = match wanted.class {
                "major" => ", in a merge request of its own",
                _ => "",
            };
            let _ = writeln!(out, "  → {version} ({}{own})", wanted.level);
        }
        for (mark, lines) in [
            ("set", &trace.settings),
            ("step", &trace.steps),
            ("hint", &trace.hints),
        ] {
            for line in lines {
                let _ = writeln!(out, "    {mark}: {line}");
            }
        }
        if let Some(help) = &d.help {
            let _ = writeln!(out, "  help: {}", help.replace('\n', "\n        "));
        }
        if !trace.verdicts.is_empty() {
            let rows: Vec<Vec<String>> = trace
                .verdicts
                .iter()
                .map(|judged| {
                    vec![
                        format!("    {}", judged.tag),
                        judged.verdict.to_owned(),
                        judged.why.clone(),
                    ]
                })
                .collect();
            out.push_str(&table(&rows));
        }
        out.push('\n');
    }
    for unread in &output.unread {
        let _ = writeln!(out, "not read: {unread}");
    }
    if output.proposals.is_empty() {
        let unknown = output.references.iter();
        let unknown = unknown
            .filter(|trace| trace.decision.outcome == "unknown")
            .count();
        let why = match unknown {
            0 => String::new(),
            unknown => format!(
                " ({unknown} of {} could not be checked)",
                counted(output.references.len(), "reference", "references")
            ),
        };
        let what = match output.references.is_empty() && output.skipped.is_none() {
            true => "no image reference was found",
            false => "no updates",
        };
        let _ = writeln!(out, "{}: {what}{why}", output.subject);
    }
    let decisions: Vec<&DecisionReport> = output.references.iter().map(|t| &t.decision).collect();
    for proposal in &output.proposals {
        let title = proposal.title.as_deref().unwrap_or("no update");
        let number = proposal
            .number
            .map_or_else(String::new, |number| format!("!{number}, "));
        let detail = if proposal.detail.is_empty() {
            String::new()
        } else {
            format!(" ({})", proposal.detail)
        };
        let _ = writeln!(
            out,
            "merge request {number}{}{detail}: {title}\n  on {}",
            status(proposal.status),
            proposal.branch
        );
        for change in describe(&proposal.changes, &decisions) {
            let _ = writeln!(out, "  {change}");
        }
    }
    out
}
