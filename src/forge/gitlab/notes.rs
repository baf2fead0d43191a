//! Notes on merge requests, and the one issue about broken settings.

use super::answers::{Issue, Note, WithId};
use super::api::Api;
use super::endpoints::{EditIssue, built};
use crate::forge::error::ForgeError;
use crate::forge::mark::{NOTICE, NOTICE_TITLE, is_marked, marked};
use gitlab::api::projects::{issues, merge_requests};

/// Adds a note, unless one with its mark is there.
pub(super) async fn comment(
    api: &Api,
    project: u64,
    number: u64,
    code: &str,
    text: &str,
) -> Result<(), ForgeError> {
    let notes = merge_requests::notes::MergeRequestNotes::builder()
        .project(project)
        .merge_request(number)
        .build();
    let notes: Vec<Note> = api.pages(&built(notes)?).await?;
    if notes.iter().any(|note| is_marked(code, &note.body)) {
        return Ok(());
    }
    let note = merge_requests::notes::CreateMergeRequestNote::builder()
        .project(project)
        .merge_request(number)
        .body(marked(code, text))
        .build();
    let _: WithId = api.change(&built(note)?).await?;
    Ok(())
}

/// Opens or updates the issue with this text, or closes it if there is none.
pub(super) async fn notice(api: &Api, project: u64, text: Option<&str>) -> Result<(), ForgeError> {
    let search = issues::Issues::builder()
        .project(project)
        .search(NOTICE_TITLE)
        .search_in(issues::IssueSearchScope::Title)
        .build();
    let found: Result<Vec<Issue>, _> = api.pages(&built(search)?).await;
    let found = match (found, text) {
        (Ok(found), _) => found,
        // Without issues there is nothing to close.
        (Err(ForgeError::Forbidden(_) | ForgeError::NotFound(_)), None) => return Ok(()),
        (Err(error), _) => return Err(error),
    };
    let mut ours: Vec<Issue> = found
        .into_iter()
        .filter(|issue| {
            let description = issue.description.as_deref().unwrap_or_default();
            issue.title == NOTICE_TITLE && is_marked(NOTICE, description)
        })
        .collect();
    // The open one first, then the newest.
    ours.sort_by_key(|issue| (issue.state != "opened", std::cmp::Reverse(issue.iid)));
    let change = |number, description, event| EditIssue {
        project,
        number,
        description,
        event,
    };
    let Some(text) = text else {
        for issue in ours.iter().filter(|issue| issue.state == "opened") {
            let _: WithId = api.change(&change(issue.iid, None, Some("close"))).await?;
        }
        return Ok(());
    };
    let text = marked(NOTICE, text);
    let Some(issue) = ours.first() else {
        let endpoint = issues::CreateIssue::builder()
            .project(project)
            .title(NOTICE_TITLE)
            .description(text)
            .build();
        let _: WithId = api.change(&built(endpoint)?).await?;
        return Ok(());
    };
    let open = issue.state == "opened";
    let same = issue
        .description
        .as_deref()
        .is_some_and(|now| bare(now) == bare(&text));
    if open && same {
        return Ok(());
    }
    let event = (!open).then_some("reopen");
    let _: WithId = api.change(&change(issue.iid, Some(&text), event)).await?;
    Ok(())
}

/// A text as GitLab keeps it.
fn bare(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}
