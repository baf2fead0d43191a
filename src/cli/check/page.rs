//! The human-readable output of `imagebot check`: each reference with its trace, then the merge requests, then a tally.

use super::super::changes::describe;
use super::super::counts;
use super::super::output::{short_digests, with_code};
use super::super::page::{Page, Role};
use super::super::tags::verdict_row;
use super::output::{Output, Trace};
use crate::run::{DecisionReport, ProposalReport, Totals};

pub(super) fn page(output: &Output) -> Page {
    let mut page = Page::default();
    for problem in &output.problems {
        page.report(0, problem, &problem.message);
    }
    if let Some(why) = &output.skipped {
        page.line(0).put(Role::Caution, "skipped:").plain(why);
    }
    for trace in &output.references {
        reference(&mut page, trace);
        page.line(0);
    }
    for unread in &output.unread {
        page.line(0).put(Role::Caution, "not read:").plain(unread);
    }
    let decisions: Vec<&DecisionReport> = output.references.iter().map(|t| &t.decision).collect();
    for proposal in &output.proposals {
        merge_request(&mut page, proposal, &decisions);
    }
    page.line(0).plain(tally(output, &decisions));
    page
}

/// The last line. It never says that nothing is proposed when something could not be checked.
fn tally(output: &Output, decisions: &[&DecisionReport]) -> String {
    let what = match (
        decisions.is_empty(),
        &output.skipped,
        output.proposals.is_empty(),
    ) {
        (true, None, _) => return format!("{}: no image reference was found", output.subject),
        (true, Some(_), _) => return format!("{}: not checked", output.subject),
        (false, _, true) => "no updates; ",
        (false, _, false) => "",
    };
    let totals = Totals::of_references(decisions.iter().copied());
    format!("{}: {what}{}", output.subject, counts::references(&totals))
}

fn reference(page: &mut Page, trace: &Trace) {
    let d = &trace.decision;
    page.line(0)
        .put(Role::Strong, format!("{}:{}", d.path, d.line))
        .put(Role::Faint, d.kind);
    if let Some(source) = &trace.source {
        page.line(2).put(Role::Faint, "|").plain(source.trim_end());
    }
    let sentence = match d.detail.is_empty() {
        true => trace.reason.trim_end_matches('.'),
        false => &d.detail,
    };
    let role = match d.outcome {
        "update" => Role::Good,
        "unknown" => Role::Bad,
        "hold" | "skip" => Role::Caution,
        _ => Role::Plain,
    };
    page.line(2)
        .put(role, format!("{}:", d.outcome))
        .plain(with_code(sentence, d.reason));
    for wanted in &d.wanted {
        let digest = wanted.digest.iter().map(|digest| format!("@{digest}"));
        let version: String = wanted.tag.iter().cloned().chain(digest).collect();
        let own = match wanted.class {
            "major" => ", in a merge request of its own",
            _ => "",
        };
        page.line(2)
            .put(Role::Good, format!("→ {}", short_digests(&version)))
            .put(Role::Faint, format!("({}{own})", wanted.level));
    }
    for (mark, lines) in [
        ("set:", &trace.settings),
        ("step:", &trace.steps),
        ("hint:", &trace.hints),
    ] {
        for line in lines {
            page.line(4).put(Role::Faint, mark).plain(line);
        }
    }
    if let Some(help) = &d.help {
        page.fix(2, help);
    }
    let verdicts = trace.verdicts.iter();
    let rows = verdicts.map(|judged| verdict_row(&judged.tag, judged.verdict, judged.why.clone()));
    page.table(4, rows.collect());
}

fn merge_request(page: &mut Page, proposal: &ProposalReport, decisions: &[&DecisionReport]) {
    let number = proposal.number.map(|number| format!("!{number},"));
    let detail = match proposal.detail.is_empty() {
        true => String::new(),
        false => format!(" ({})", proposal.detail),
    };
    page.line(0)
        .plain("merge request")
        .put(Role::Strong, number.unwrap_or_default())
        .plain(status(proposal.status))
        .join(Role::Faint, detail)
        .join(Role::Plain, ":")
        .put(
            Role::Strong,
            proposal.title.as_deref().unwrap_or("no update"),
        );
    if let Some(url) = &proposal.url {
        page.line(2).put(Role::Fix, url);
    }
    page.line(2)
        .plain("on")
        .put(Role::Faint, proposal.branch.as_str());
    for change in describe(&proposal.changes, decisions) {
        change.add_to(page.line(2));
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
