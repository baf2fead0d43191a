//! The report of a pass as Markdown, for the summary of a CI job: `$GITHUB_STEP_SUMMARY`, or a comment.
//!
//! Everything that a repository or a server said is a code span, so that it is neither markup nor a mention.

use super::super::changes::describe;
use super::super::counts;
use super::super::output::short_digests;
use super::status;
use crate::plan::code;
use crate::run::{DecisionReport, ProposalReport, Report, RepositoryReport};
use std::fmt::Write as _;

/// The most rows of a table. GitHub cuts a summary at 1 MiB.
const MOST_ROWS: usize = 500;

/// The summary.
pub(super) fn summary(report: &Report) -> String {
    let totals = report.totals();
    let mut out = format!("### imagebot\n\n{}", counts::repositories(&totals, 0));
    if let Some(line) = counts::merge_requests(&totals, report.dry_run) {
        let _ = write!(out, "  \n{line}");
    }
    out.push('\n');
    changes(&mut out, report);
    problems(&mut out, report);
    out
}

fn changes(out: &mut String, report: &Report) {
    let all = report.repositories.iter().flat_map(|repo| {
        let changed = repo
            .proposals
            .iter()
            .filter(|p| status::is_change(p.status));
        changed.map(move |proposal| (repo, proposal))
    });
    let rows: Vec<String> = all
        .map(|(repo, proposal)| row(report, repo, proposal))
        .collect();
    table(
        out,
        "| repository | merge request | changes |\n|---|---|---|",
        &rows,
    );
}

fn row(report: &Report, repo: &RepositoryReport, proposal: &ProposalReport) -> String {
    let (_, word) = status::words(proposal.status, report.dry_run);
    let number = match (proposal.number, &proposal.url) {
        (Some(number), Some(url)) => format!("[!{number}]({url}) "),
        (Some(number), None) => format!("!{number} "),
        (None, _) => String::new(),
    };
    let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
    let decisions: Vec<&DecisionReport> = repo.decisions.iter().collect();
    let changes = describe(&proposal.changes, &decisions);
    let shown: Vec<String> = changes
        .iter()
        .take(10)
        .map(|change| code(&change.to_string()))
        .collect();
    let more = match changes.len().saturating_sub(10) {
        0 => String::new(),
        more => format!("<br>and {more} more"),
    };
    format!(
        "| {} | {word} {number}{} | {}{more} |",
        code(&repo.repo),
        code(title),
        shown.join("<br>")
    )
}

fn problems(out: &mut String, report: &Report) {
    let own = report
        .problems
        .iter()
        .map(|problem| (String::new(), problem));
    let of_repositories = report.repositories.iter().flat_map(|repo| {
        let problems = repo.problems.iter();
        problems.map(|problem| (code(&repo.repo), problem))
    });
    let problems = own.chain(of_repositories).map(|(repo, problem)| {
        format!(
            "| {repo} | {} | {} |",
            code(&problem.message),
            code(&problem.code)
        )
    });
    let unknown = report.repositories.iter().flat_map(|repo| {
        let unknown = repo.decisions.iter().filter(|d| d.outcome == "unknown");
        unknown.map(move |decision| unknown_row(repo, decision))
    });
    let rows: Vec<String> = problems.chain(unknown).collect();
    table(out, "| repository | problem | code |\n|---|---|---|", &rows);
}

fn unknown_row(repo: &RepositoryReport, decision: &DecisionReport) -> String {
    let place = format!("{}:{}", decision.path, decision.line);
    let what = format!("{}: {}", decision.written, decision.detail);
    format!(
        "| {} | {} {} | {} |",
        code(&repo.repo),
        code(&place),
        code(&short_digests(&what)),
        code(decision.reason)
    )
}

fn table(out: &mut String, head: &str, rows: &[String]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{head}");
    for row in rows.iter().take(MOST_ROWS) {
        let _ = writeln!(out, "{row}");
    }
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more");
    }
}
