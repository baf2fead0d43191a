//! Comments with a hidden mark, and the one issue about settings that can't be read.

use super::api::{Api, PAGE, route};
use super::failure::Failure;
use crate::forge::error::ForgeError;
use crate::forge::mark::{NOTICE, NOTICE_TITLE, is_marked, marked};
use crate::forge::traits::Repository;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// The label by which the notice is found among many issues.
pub(super) const LABEL: &str = "imagebot-notice";
/// The most bytes of a text; GitHub takes 65,536 characters.
const MOST_TEXT: usize = 60_000;
/// The mark of a notice that imagebot itself has closed.
const DONE: &str = "notice done";

#[derive(Deserialize)]
struct Comment {
    #[serde(default)]
    body: Option<String>,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    state: String,
    #[serde(default)]
    body: Option<String>,
}

impl Issue {
    fn body(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }
}

/// Adds a comment, unless one with this code is there.
pub(super) async fn comment(
    api: &Api,
    repo: &Repository,
    number: u64,
    code: &str,
    text: &str,
) -> Result<(), ForgeError> {
    let route = route(&repo.name, &format!("/issues/{number}/comments"));
    let all = api.pages(&route, |found: Vec<Comment>| found).await?;
    let said = |comment: &Comment| is_marked(code, comment.body.as_deref().unwrap_or_default());
    if all.iter().any(said) {
        return Ok(());
    }
    let body = json!({"body": marked(code, &fitting(text))});
    let _: Value = api.send(Method::POST, &route, &body).await?;
    Ok(())
}

/// Opens, updates or closes the notice. One that a user closed stays closed until there is another text.
pub(super) async fn notice(
    api: &Api,
    repo: &Repository,
    text: Option<&str>,
) -> Result<(), ForgeError> {
    let issues = route(&repo.name, "/issues");
    let list = format!("{issues}?state=all&sort=created&direction=desc&labels={LABEL}");
    let listed = api.page(&format!("{list}&per_page={PAGE}&page=1")).await;
    let (found, _): (Vec<Issue>, bool) = match (listed, text) {
        // Without issues there is nothing to close, and only the report can say it.
        (Err(failure), _) if failure.status == Some(410) => return without_issues(repo, text),
        (Err(failure), None) if matches!(failure.status, Some(403 | 404)) => return Ok(()),
        (listed, _) => listed?,
    };
    let ours = |issue: &&Issue| is_marked(NOTICE, issue.body());
    let open = found.iter().filter(ours).find(|i| i.state == "open");
    let last = open.or_else(|| found.iter().find(ours));
    let Some(text) = text else {
        let Some(open) = open else { return Ok(()) };
        let body = marked(DONE, open.body());
        let closed = json!({"state": "closed", "state_reason": "completed", "body": body});
        return change_issue(api, repo, open.number, &closed).await;
    };
    let body = marked(NOTICE, &fitting(text));
    match last {
        Some(last) => {
            let by_us = is_marked(DONE, last.body());
            let same = last.body().replace("\r\n", "\n").trim() == body.trim();
            if same && !by_us {
                return Ok(());
            }
            let edit = json!({"state": "open", "title": NOTICE_TITLE, "body": body});
            change_issue(api, repo, last.number, &edit).await
        }
        None => {
            let new = json!({"title": NOTICE_TITLE, "body": body, "labels": [LABEL]});
            let sent: Result<Value, Failure> = api.send(Method::POST, &issues, &new).await;
            match sent {
                Err(failure) if failure.status == Some(410) => without_issues(repo, Some(text)),
                sent => {
                    sent?;
                    Ok(())
                }
            }
        }
    }
}

async fn change_issue(
    api: &Api,
    repo: &Repository,
    number: u64,
    edit: &Value,
) -> Result<(), ForgeError> {
    let route = route(&repo.name, &format!("/issues/{number}"));
    let _: Value = api.send(Method::PATCH, &route, edit).await?;
    Ok(())
}

/// As many lines of a text as GitHub accepts.
fn fitting(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    let mut kept = String::new();
    for line in text.lines() {
        if kept.len() + line.len() >= MOST_TEXT {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    format!("{kept}\n(and more)")
}

/// A repository without issues gets no notice, which isn't a failure.
fn without_issues(repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
    if text.is_some() {
        tracing::warn!(repo = %repo.name, "issues are disabled there; the notice about its settings is in the report only");
    }
    Ok(())
}
