//! `imagebot check REPO --why TAG`: why a tag is not proposed.

use super::super::page::{Page, Role};
use super::output::{Output, Trace, Why};

/// The answers: first about references that know the tag, then, in one line each, about the others.
pub(super) fn page(output: &Output, tag: &str) -> Page {
    let mut page = Page::default();
    for problem in &output.problems {
        page.report(0, problem, &problem.message);
    }
    if let Some(why) = &output.skipped {
        page.line(0).put(Role::Caution, "skipped:").plain(why);
    }
    let answers = output.references.iter();
    let answers = answers.filter_map(|trace| Some((trace, trace.why.as_ref()?)));
    let (known, others): (Vec<_>, Vec<_>) =
        answers.partition(|(_, why)| !matches!(why.verdict, "not-listed" | "not-compared"));
    for (trace, why) in known
        .iter()
        .chain(others.iter().filter(|_| known.is_empty()))
    {
        answer(&mut page, trace, why, tag);
    }
    if output.references.is_empty() {
        page.line(0)
            .plain(format!("{}: no image reference was found", output.subject));
    }
    page
}

fn answer(page: &mut Page, trace: &Trace, why: &Why, tag: &str) {
    let d = &trace.decision;
    page.line(0)
        .put(Role::Strong, format!("{}:{}", d.path, d.line))
        .plain(d.image.as_str())
        .put(Role::Faint, d.tag.as_deref().unwrap_or("without a tag"));
    let role = if why.verdict == "chosen" {
        Role::Good
    } else {
        Role::Caution
    };
    page.line(2)
        .put(role, format!("{tag}:"))
        .plain(why.text.as_str())
        .code(why.verdict);
    // Even the tag that is chosen may have to wait, or cannot be written.
    let decided = (d.outcome != "update").then_some(d);
    if let Some(d) = decided.filter(|_| matches!(why.verdict, "chosen" | "not-compared")) {
        page.line(2)
            .put(Role::Caution, format!("{}:", d.outcome))
            .plain(match d.detail.is_empty() {
                true => trace.reason.trim_end_matches('.'),
                false => &d.detail,
            })
            .code(d.reason);
        if let Some(help) = &d.help {
            page.fix(2, help);
        }
    }
    // No setting decides about a tag that does not exist.
    let is_listed = why.verdict != "not-listed";
    for line in trace.settings.iter().filter(|_| is_listed) {
        page.line(4).put(Role::Faint, "set:").plain(line);
    }
}
