//! The report of a pass as JUnit XML: each repository is a test case, which fails if something in it failed.

use super::super::changes::describe;
use super::super::output::safe;
use super::status;
use crate::run::{DecisionReport, ProblemReport, Report, RepositoryReport};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

/// The document.
pub(super) fn suite(report: &Report) -> anyhow::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let failed = report
        .repositories
        .iter()
        .filter(|repo| repo.failed())
        .count();
    let skipped = report
        .repositories
        .iter()
        .filter(|repo| repo.skipped.is_some());
    let fleet = usize::from(!report.problems.is_empty());
    let count = |count: usize| count.to_string();
    let suite = writer.create_element("testsuite").with_attributes([
        ("name", "imagebot"),
        ("tests", &count(report.repositories.len() + fleet)),
        ("failures", &count(failed + fleet)),
        ("skipped", &count(skipped.count())),
    ]);
    suite.write_inner_content(|writer| {
        if fleet > 0 {
            let problems = report.problems.iter().map(problem).collect::<Vec<_>>();
            case(writer, "forges and configuration", &problems, None, "")?;
        }
        for repo in &report.repositories {
            let failures = failures(repo);
            case(
                writer,
                &repo.repo,
                &failures,
                repo.skipped.as_deref(),
                &output(repo),
            )?;
        }
        Ok::<_, io::Error>(())
    })?;
    let text = String::from_utf8(writer.into_inner())?;
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n"
    ))
}

fn case(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    failures: &[String],
    skipped: Option<&str>,
    output: &str,
) -> io::Result<()> {
    let name = safe(name);
    let case = writer
        .create_element("testcase")
        .with_attributes([("classname", "imagebot"), ("name", &name)]);
    case.write_inner_content(|writer| {
        for failure in failures {
            let failure = safe(failure);
            let first = failure.lines().next().unwrap_or_default();
            writer
                .create_element("failure")
                .with_attribute(("message", first))
                .write_text_content(BytesText::new(&failure))?;
        }
        if let Some(why) = skipped.filter(|_| failures.is_empty()) {
            let why = safe(why);
            writer
                .create_element("skipped")
                .with_attribute(("message", why.as_str()))
                .write_empty()?;
        }
        if !output.is_empty() {
            let output = safe(output);
            writer
                .create_element("system-out")
                .write_text_content(BytesText::new(&output))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn failures(repo: &RepositoryReport) -> Vec<String> {
    let problems = repo.problems.iter().map(problem);
    let decisions = repo.decisions.iter().filter(|decision| decision.failed);
    problems.chain(decisions.map(decision)).collect()
}

fn problem(problem: &ProblemReport) -> String {
    let help = problem.help.iter().map(|help| format!("\nhelp: {help}"));
    format!(
        "{} [{}]{}",
        problem.message,
        problem.code,
        help.collect::<String>()
    )
}

fn decision(decision: &DecisionReport) -> String {
    format!(
        "{}:{}: {}: {} [{}]",
        decision.path, decision.line, decision.written, decision.detail, decision.reason
    )
}

/// What was done in a repository.
fn output(repo: &RepositoryReport) -> String {
    let decisions: Vec<&DecisionReport> = repo.decisions.iter().collect();
    let mut out = String::new();
    for proposal in repo
        .proposals
        .iter()
        .filter(|p| status::is_change(p.status))
    {
        let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
        out.push_str(&format!("{}: {title}\n", proposal.status));
        out.extend(proposal.url.iter().map(|url| format!("  {url}\n")));
        let changes = describe(&proposal.changes, &decisions);
        out.extend(changes.iter().map(|line| format!("  {line}\n")));
    }
    out
}
