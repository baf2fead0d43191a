//! `imagebot run`.

use super::changes::describe;
use super::ended::Ended;
use super::output::{Format, counted, json, say, short_digests, with_code};
use super::progress::progress;
use super::session::{ConfigArgument, setup, setup_to_write, wait};
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::RepoGlobs;
use crate::run::{Checkpoint, DecisionReport, Options, Report, pass};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Process every registered repository once and open or update merge requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, read-only:\n  imagebot run --config config.toml --dry-run")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Only repositories whose path matches
    #[arg(long, value_name = "GLOB")]
    repo: Vec<String>,
    /// Show what would be done, without writing
    #[arg(long)]
    dry_run: bool,
    /// Ignore max_open and max_new_per_hour; the merge requests count against later passes
    #[arg(long)]
    force: bool,
    /// Which problems cause exit code 1: those new since the last pass, any, or none
    #[arg(long, value_enum, default_value = "new", value_name = "WHICH")]
    fail_on: FailOn,
    /// Output format: human-readable on stderr, or JSON on stdout
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// Which problems cause exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Problems that are new since the last pass.
    New,
    /// Any problem.
    Any,
    /// No problem.
    Never,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let config = arguments.config.with_forges()?;
    let only = match &arguments.repo[..] {
        [] => None,
        globs => Some(RepoGlobs::parse(globs).map_err(|(index, error)| {
            anyhow::anyhow!("--repo {:?} is not a glob: {error}", globs[index])
        })?),
    };
    if only
        .as_ref()
        .is_some_and(|only| only.positive().next().is_none())
    {
        anyhow::bail!(
            "every --repo excludes repositories, so none is selected\nhelp: add --repo '**' to select all others"
        );
    }
    let report = wait(async {
        let setup = match arguments.dry_run {
            true => setup(config, Unlisted::Refuse, redactor).await?,
            false => setup_to_write(config, Unlisted::Refuse, redactor).await?,
        };
        let setup = Arc::new(setup);
        let options = Options {
            dry_run: arguments.dry_run,
            force: arguments.force,
            only,
            now: Timestamp::now(),
            progress: progress(),
            checkpoint: Checkpoint::default(),
            traces: false,
        };
        Ok(pass(&setup, &options).await)
    })?;
    match arguments.format {
        Format::Json => json(&report)?,
        Format::Human => say(&render(&report)),
    }
    for unmatched in &report.unmatched {
        say(&format!(
            "error: --repo {unmatched} matches no registered repository\nhelp: `imagebot repos list` shows them"
        ));
    }
    if !report.unmatched.is_empty() {
        return Ok(Ended::Misused);
    }
    let failed = match arguments.fail_on {
        FailOn::New => report.failed_anew(),
        FailOn::Any => report.failed(),
        FailOn::Never => false,
    };
    Ok(Ended::failed_if(failed))
}

/// The most references of a repository that are shown for one reason. JSON has all of them.
const MOST_ALIKE: usize = 10;
/// The most merge requests of a repository that are shown. JSON has all of them.
const MOST_PROPOSALS: usize = 50;
/// The most changes of a merge request that are shown.
const MOST_CHANGES: usize = 30;

/// The human-readable report: what changed, what failed, and counts of everything else.
pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    let mut quiet = 0;
    for repo in &report.repositories {
        let told: Vec<_> = repo
            .decisions
            .iter()
            .filter(|d| !matches!(d.outcome, "keep" | "update") || d.missing.is_some())
            .collect();
        let nothing = repo.proposals.is_empty()
            && repo.problems.is_empty()
            && told.is_empty()
            && repo.warnings.is_empty()
            && repo.unread.is_empty();
        if nothing && repo.skipped.is_none() && repo.unused_rules.is_empty() {
            quiet += 1;
            continue;
        }
        let _ = writeln!(out, "{}", repo.repo);
        if let Some(why) = &repo.skipped {
            let _ = writeln!(out, "  skipped: {why}");
        }
        for problem in &repo.problems {
            let _ = writeln!(
                out,
                "  error: {} [{}]{}",
                indented(&problem.message),
                problem.code,
                age(problem.since)
            );
            if let Some(help) = &problem.help {
                let _ = writeln!(out, "    help: {}", indented(help));
            }
        }
        let decisions: Vec<&DecisionReport> = repo.decisions.iter().collect();
        for proposal in repo.proposals.iter().take(MOST_PROPOSALS) {
            let number = proposal
                .number
                .map(|number| format!("!{number} "))
                .unwrap_or_default();
            let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
            let status = match (report.dry_run, proposal.status) {
                (true, "open") => "would open",
                (true, "update") => "would update",
                (true, "close") => "would close",
                (_, status) => status,
            };
            let why = if proposal.detail.is_empty() {
                String::new()
            } else {
                format!(" ({})", proposal.detail)
            };
            let _ = writeln!(out, "  {status}: {number}{title}{why}");
            let shown = proposal.changes.len().min(MOST_CHANGES);
            for change in describe(&proposal.changes[..shown], &decisions) {
                let _ = writeln!(out, "    {change}");
            }
            let more = proposal.changes.len() - shown;
            if more > 0 {
                let _ = writeln!(out, "    and {more} more changes");
            }
        }
        let more = repo.proposals.len().saturating_sub(MOST_PROPOSALS);
        if more > 0 {
            let _ = writeln!(out, "  and {more} more merge requests");
        }
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for decision in told {
            let count = shown.entry(decision.reason).or_default();
            *count += 1;
            if *count > MOST_ALIKE {
                continue;
            }
            let _ = writeln!(
                out,
                "  {}: {}:{}: {}: {}{}",
                decision.outcome,
                decision.path,
                decision.line,
                short_digests(&decision.written),
                with_code(&indented(&short_digests(&decision.detail)), decision.reason),
                age(decision.since)
            );
            if let Some(help) = decision
                .help
                .as_ref()
                .filter(|_| decision.outcome == "unknown")
            {
                let _ = writeln!(out, "    help: {}", indented(help));
            }
        }
        for (reason, count) in shown.iter().filter(|(_, count)| **count > MOST_ALIKE) {
            let more = count - MOST_ALIKE;
            let _ = writeln!(out, "  and {more} more references: {reason}");
        }
        for warning in &repo.warnings {
            let _ = writeln!(out, "  warning: {}", indented(warning));
        }
        for unread in &repo.unread {
            let _ = writeln!(out, "  not read: {unread}");
        }
        for rule in &repo.unused_rules {
            let _ = writeln!(out, "  this rule does not match anything: {rule}");
        }
    }
    for problem in &report.problems {
        let _ = writeln!(
            out,
            "error: {} [{}]{}",
            indented(&problem.message),
            problem.code,
            age(problem.since)
        );
        if let Some(help) = &problem.help {
            let _ = writeln!(out, "  help: {}", indented(help));
        }
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    for rule in &report.unused_rules {
        let _ = writeln!(
            out,
            "this rule did not match anything in any repository: {rule}"
        );
    }
    let unchanged = match quiet {
        0 => String::new(),
        quiet => format!(" ({quiet} unchanged)"),
    };
    let decisions = || report.repositories.iter().flat_map(|repo| &repo.decisions);
    out.push_str(&endings(decisions()));
    let count = |outcome: &str| {
        decisions()
            .filter(|decision| decision.outcome == outcome)
            .count()
    };
    // A reference that cannot be compared, or whose update lacks a platform, is kept but must not count as current.
    let current = || {
        decisions()
            .filter(|decision| matches!(decision.reason, "up-to-date" | "same-content"))
            .count()
    };
    let ended = decisions()
        .filter(|decision| decision.reason == "variant-ended")
        .count();
    let outcomes = [
        (count("update"), " to update"),
        (current(), " up to date"),
        (count("keep") - current(), " kept for other reasons"),
        (count("hold"), " waiting"),
        (count("skip"), " skipped"),
        (count("unknown"), " could not be checked"),
    ];
    let _ = writeln!(
        out,
        "{}{unchanged}, {}: {}{}",
        counted(report.repositories.len(), "repository", "repositories"),
        counted(decisions().count(), "reference", "references"),
        list(&outcomes),
        match ended {
            0 => String::new(),
            ended => format!("; {ended} of a variant without newer tags"),
        }
    );
    out.push_str(&merge_requests(report));
    out
}

/// The counts that are not zero, as one list.
fn list(counts: &[(usize, &str)]) -> String {
    let shown = counts.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, what)| format!("{count}{what}"))
        .collect();
    match shown.is_empty() {
        true => "nothing to do".to_owned(),
        false => shown.join(", "),
    }
}

/// The line that counts merge requests by what happened to them; empty if there are none.
fn merge_requests(report: &Report) -> String {
    let proposals = || report.repositories.iter().flat_map(|repo| &repo.proposals);
    if proposals().next().is_none() {
        return String::new();
    }
    let count = |status: &str| {
        proposals()
            .filter(|proposal| proposal.status == status)
            .count()
    };
    let (opened, updated, closed) = match report.dry_run {
        true => (" to open", " to update", " to close"),
        false => (" opened", " updated", " closed"),
    };
    let counts = [
        (count("open"), opened),
        (count("update"), updated),
        (count("close"), closed),
        (count("merged"), " merged"),
        (count("unchanged"), " unchanged"),
        (count("kept"), " kept open"),
        (count("limited"), " held back by limits"),
        (count("declined"), " declined"),
        (count("reverted"), " reverted"),
        (count("foreign"), " taken over"),
        (count("retargeted"), " retargeted"),
        (count("stopped"), " stopped"),
        (
            count("moved") + count("refused") + count("failed"),
            " failed",
        ),
    ];
    format!("merge requests: {}\n", list(&counts))
}

/// The ended version lines, once for each image and tag, however many references have it.
fn endings<'r>(decisions: impl Iterator<Item = &'r DecisionReport>) -> String {
    let mut found: BTreeMap<(&str, &str), (&DecisionReport, usize)> = BTreeMap::new();
    for decision in decisions.filter(|d| matches!(d.reason, "line-ended" | "no-new-tags")) {
        let key = (
            &*decision.image,
            decision.tag.as_deref().unwrap_or_default(),
        );
        found.entry(key).or_insert((decision, 0)).1 += 1;
    }
    let mut out = String::new();
    for ((image, tag), (decision, count)) in found.iter().take(MOST_ENDINGS) {
        let references = match count {
            1 => "1 reference".to_owned(),
            count => format!("{count} references"),
        };
        let (reason, detail) = (decision.reason, indented(&decision.detail));
        let _ = writeln!(out, "{image}:{tag} ({references}): {detail} [{reason}]");
    }
    if found.len() > MOST_ENDINGS {
        let _ = writeln!(
            out,
            "and {} more images without newer tags",
            found.len() - MOST_ENDINGS
        );
    }
    out
}

/// How many of them are shown.
const MOST_ENDINGS: usize = 20;

/// How long a lasting problem has existed.
fn age(since: Option<Timestamp>) -> String {
    match since {
        None => String::new(),
        Some(since) => format!(" (since {})", since.strftime("%Y-%m-%d %H:%M UTC")),
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n      ")
}
