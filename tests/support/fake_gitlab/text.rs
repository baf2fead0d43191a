//! What GitLab does with a text: it trims it, runs its quick actions and notifies who is mentioned.

use super::state::State;

/// Something that a text set off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fired {
    /// `quick-action`, `mention`, `reference`, `closing` or `image`.
    pub(crate) kind: &'static str,
    /// What did it.
    pub(crate) text: String,
}

const ACTIONS: [&str; 24] = [
    "merge",
    "close",
    "reopen",
    "label",
    "labels",
    "unlabel",
    "relabel",
    "assign",
    "unassign",
    "reassign",
    "approve",
    "unapprove",
    "draft",
    "ready",
    "milestone",
    "rebase",
    "target_branch",
    "title",
    "todo",
    "lock",
    "assign_reviewer",
    "request_review",
    "estimate",
    "shrug",
];

/// The text as GitLab keeps it: line breaks are LF, white space at the end is gone.
pub(super) fn kept(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// The text without code: fenced blocks and code spans set nothing off.
fn without_code(text: &str) -> String {
    let mut fence: Option<String> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let start = line.trim_start();
        let ticks: String = start
            .chars()
            .take_while(|c| *c == '`' || *c == '~')
            .collect();
        match &fence {
            Some(open)
                if ticks.starts_with(open.as_str()) && ticks.len() == start.trim_end().len() =>
            {
                fence = None;
            }
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => lines.push(without_spans(line)),
        }
    }
    lines.join("\n")
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let after = &rest[at + ticks..];
        let fence = "`".repeat(ticks);
        // A span ends with exactly as many ticks.
        let mut end = None;
        let mut from = 0;
        while let Some(found) = after[from..].find(&fence) {
            let run = after[from + found..]
                .chars()
                .take_while(|c| *c == '`')
                .count();
            if run == ticks {
                end = Some(from + found + ticks);
                break;
            }
            from += found + run;
        }
        match end {
            Some(end) => {
                out.push('\u{fffc}');
                rest = &after[end..];
            }
            None => {
                out.push_str(&fence);
                rest = after;
            }
        }
    }
    out + rest
}

/// What a text of a description, a title or a note sets off.
pub(super) fn fires(text: &str) -> Vec<Fired> {
    let text = without_code(text);
    let mut fired = Vec::new();
    let mut add = |kind, text: &str| {
        fired.push(Fired {
            kind,
            text: text.to_owned(),
        });
    };
    for line in text.lines() {
        let word = line.strip_prefix('/').unwrap_or_default();
        let word = word.split_whitespace().next().unwrap_or_default();
        if ACTIONS.contains(&word) {
            add("quick-action", line);
        }
    }
    let find = |pattern: &str| -> Vec<String> {
        let regex = regex::Regex::new(pattern).unwrap();
        let all = regex.find_iter(&text);
        all.map(|found| found.as_str().to_owned()).collect()
    };
    for found in find(r"(?:^|[^\w/@`])@[A-Za-z0-9_][\w.-]*") {
        add("mention", found.trim());
    }
    for found in find(r"(?:^|[\s(\[,|>])(?:[\w./-]+)?(?:[#!&$]\d+|~[A-Za-z]\w*|%[A-Za-z]\w*)\b") {
        add("reference", found.trim());
    }
    let closing = r"(?i)\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?):? +(?:issues? +)?(?:[\w./-]*#\d+|https?://\S+/issues/\d+)";
    for found in find(closing) {
        add("closing", &found);
    }
    for found in find(r"!\[[^\]]*\]\(|(?i)<img\b") {
        add("image", &found);
    }
    fired
}

impl State {
    /// Takes a text as GitLab does, and notes what it sets off. The quick actions' lines are gone from it.
    pub(super) fn take_text(&mut self, text: &str) -> String {
        let kept = kept(text);
        let fired = fires(&kept);
        let actions: Vec<&str> = fired
            .iter()
            .filter(|f| f.kind == "quick-action")
            .map(|f| f.text.as_str())
            .collect();
        let rest: Vec<&str> = kept
            .lines()
            .filter(|line| !actions.contains(line))
            .collect();
        let rest = rest.join("\n");
        self.fired.extend(fired);
        rest
    }
}
