//! The life of a pull request: found again, opened, dressed, edited, closed.

use super::api::{Api, halves, quoted, route};
use super::failure::Failure;
use super::pull::{FRAGMENT, Node, Pull};
use crate::forge::error::ForgeError;
use crate::forge::traits::{MergeRequestEdit, NewMergeRequest, Repository};

use crate::repo::{Branch, MergeRequest, MergeRequestAttributes, MergeRequestState};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many branches are asked for in one request.
const BRANCHES_AT_ONCE: usize = 20;
/// How many pull requests of a branch come with one request.
const PULLS: usize = 50;
/// The most pull requests of a branch that are read.
const MAX_PULLS: usize = 2000;
/// How often opening is tried when the answer is lost.
const TRIES: u32 = 3;
/// How often it is tried while the pushed branch is not seen yet: the waits between add up to half a minute.
const UNSEEN_TRIES: u32 = 6;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    page_info: PageInfo,
    #[serde(default)]
    nodes: Vec<Option<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

impl Api {
    /// The pull requests from exactly these branches, all states, the oldest first.
    pub(super) async fn requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError> {
        let mut found = Vec::new();
        let branches: Vec<&Branch> = branches.iter().collect();
        for branches in branches.chunks(BRANCHES_AT_ONCE) {
            let mut waiting: Vec<(&Branch, Option<String>)> =
                branches.iter().map(|branch| (*branch, None)).collect();
            while !waiting.is_empty() {
                let pages = match self.requests_page(repo, &waiting).await {
                    Ok(pages) => pages,
                    Err(failure) if is_final(&failure) => return Err(failure.error),
                    Err(failure) => {
                        tracing::warn!(
                            forge = %self.settings.server.name, repo = %repo.name, error = %failure,
                            "the GraphQL API does not show pull requests; using REST"
                        );
                        for (branch, _) in &waiting {
                            let all = self.requests_by_rest(repo, branch, "all").await?;
                            found.extend(all);
                        }
                        break;
                    }
                };
                let mut next = Vec::new();
                for ((branch, _), page) in waiting.into_iter().zip(pages) {
                    let info = page.page_info;
                    let nodes = page.nodes.into_iter().flatten();
                    let all = nodes.filter_map(Node::merge_request);
                    found.extend(all.filter(|mr| mr.source == *branch));
                    if info.has_next_page && found.len() < MAX_PULLS {
                        next.push((branch, info.end_cursor));
                    }
                }
                waiting = next;
            }
        }
        found.sort_by_key(|mr| mr.number);
        found.dedup_by_key(|mr| mr.number);
        Ok(found)
    }

    /// One page for each branch, past its cursor.
    async fn requests_page(
        &self,
        repo: &Repository,
        branches: &[(&Branch, Option<String>)],
    ) -> Result<Vec<Connection>, Failure> {
        let (owner, name) = halves(&repo.name);
        let (mut head, mut fields) = (String::new(), String::new());
        let mut variables = Map::from_iter([
            ("owner".to_owned(), owner.into()),
            ("name".to_owned(), name.into()),
        ]);
        for (index, (branch, after)) in branches.iter().enumerate() {
            head.push_str(&format!(", $b{index}: String!, $a{index}: String"));
            fields.push_str(&format!(
                "\n  p{index}: pullRequests(headRefName: $b{index}, first: {PULLS}, after: $a{index}, \
                 orderBy: {{field: CREATED_AT, direction: DESC}}) \
                 {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...pull }} }}"
            ));
            variables.insert(format!("b{index}"), branch.as_str().into());
            variables.insert(format!("a{index}"), after.clone().into());
        }
        let document = format!(
            "query Requests($owner: String!, $name: String!{head}) {{ \
             repository(owner: $owner, name: $name) {{ databaseId{fields} }} }}{FRAGMENT}"
        );
        let answer = self.graphql(&document, &Value::Object(variables)).await?;
        let id = answer.data.pointer("/repository/databaseId");
        self.same(repo, id.and_then(Value::as_u64))?;
        let page = |index: usize| {
            let path = format!("repository/p{index}");
            if let Some(why) = answer.trouble(&path) {
                let text = format!("pull requests of {}: {why}", repo.name);
                return Err(Failure::new(ForgeError::Unreachable(text)));
            }
            let page = answer.data.pointer(&format!("/{path}")).cloned();
            serde_json::from_value(page.unwrap_or_default())
                .map_err(|error| Failure::unreadable(&error.to_string()))
        };
        (0..branches.len()).map(page).collect()
    }

    /// T19: what stands at the name by now is the repository that was listed.
    pub(super) fn same(&self, repo: &Repository, id: Option<u64>) -> Result<(), Failure> {
        match id {
            Some(id) if id.to_string() != repo.id => {
                let text = format!(
                    "{} is a different repository now; the next pass will check it again",
                    repo.name
                );
                Err(Failure::new(ForgeError::Conflict(text)))
            }
            _ => Ok(()),
        }
    }

    async fn requests_by_rest(
        &self,
        repo: &Repository,
        branch: &Branch,
        state: &str,
    ) -> Result<Vec<MergeRequest>, Failure> {
        let (owner, _) = halves(&repo.name);
        let head = quoted(&format!("{owner}:{branch}"));
        let route = route(&repo.name, &format!("/pulls?state={state}&head={head}"));
        let all = self.pages(&route, |found: Vec<Pull>| found).await?;
        for pull in &all {
            self.same(repo, pull.repository())?;
        }
        let ours = all.into_iter().filter_map(Pull::merge_request);
        Ok(ours.filter(|mr| mr.source == *branch).collect())
    }

    /// Opens a pull request, or takes the open one; a lost answer is looked for before anything is tried again.
    pub(super) async fn open(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        let mut draft = new.attributes.draft;
        let (mut tries, mut unseen) = (0, 0);
        let (mut mr, ours) = loop {
            tries += 1;
            let body = json!({
                "title": new.title,
                "head": new.source.as_str(),
                "base": new.target.as_str(),
                "body": new.description,
                "draft": draft,
            });
            let sent: Result<Pull, Failure> = self
                .send(Method::POST, &route(&repo.name, "/pulls"), &body)
                .await;
            let failure = match sent {
                Ok(pull) => break (self.opened(pull)?, true),
                Err(failure) => failure,
            };
            if failure.lost || failure.says("already exists") {
                if let Some(mr) = self.open_one(repo, &new.source).await? {
                    // Our own, whose answer was lost, is not dressed yet.
                    let ours = failure.lost && same_text(&mr.description, &new.description);
                    break (mr, ours);
                }
                if failure.lost && tries < TRIES {
                    continue;
                }
            }
            if failure.status == Some(422) && draft && failure.says("draft") {
                tracing::warn!(repo = %repo.name, "drafts are not supported there; the pull request is not a draft");
                draft = false;
                continue;
            }
            let no_branch = failure.says("\"field\":\"head\"") || failure.says("head invalid");
            if failure.status == Some(422) && no_branch {
                unseen += 1;
                // A branch is seen a little later than its push was answered.
                if unseen < UNSEEN_TRIES {
                    let wait = Duration::from_secs(1 << (unseen - 1));
                    self.settings.server.clock.sleep(wait).await;
                    continue;
                }
                return Err(self.without_branch(repo, &new.source).await?);
            }
            return Err(failure.error);
        };
        if ours {
            self.set_attributes(repo, &mut mr, &new.attributes, Some(&new.dressed))
                .await?;
        }
        Ok(mr)
    }

    /// What it means that GitHub finds no branch to open a pull request from.
    async fn without_branch(
        &self,
        repo: &Repository,
        branch: &Branch,
    ) -> Result<ForgeError, Failure> {
        let there = self.branches_by_rest(&repo.name).await?;
        Ok(match there.contains_key(branch) {
            true => ForgeError::Conflict(format!(
                "GitHub does not see the pushed branch {branch} yet; the next pass opens the pull request"
            )),
            false => ForgeError::NotFound(format!("{} has no branch {branch}", repo.name)),
        })
    }

    fn opened(&self, pull: Pull) -> Result<MergeRequest, ForgeError> {
        let number = pull.number;
        pull.merge_request().ok_or_else(|| {
            let text =
                format!("GitHub gave an invalid answer about the new pull request #{number}");
            ForgeError::Unreachable(text)
        })
    }

    async fn open_one(
        &self,
        repo: &Repository,
        branch: &Branch,
    ) -> Result<Option<MergeRequest>, Failure> {
        let open = self.requests_by_rest(repo, branch, "open").await?;
        Ok(open.into_iter().min_by_key(|mr| mr.number))
    }

    /// Asks for reviews, then sets labels, assignees, milestone and text at once: whoever is killed before that sees
    /// from the text that it is not done.
    async fn set_attributes(
        &self,
        repo: &Repository,
        mr: &mut MergeRequest,
        attributes: &MergeRequestAttributes,
        text: Option<&str>,
    ) -> Result<(), ForgeError> {
        self.ask_reviewers(repo, mr.number, &attributes.reviewers)
            .await?;
        let labels: BTreeSet<&String> = mr.labels.iter().chain(&attributes.labels).collect();
        let mut body = Map::new();
        body.insert("labels".to_owned(), json!(labels));
        if !attributes.assignees.is_empty() {
            body.insert("assignees".to_owned(), json!(attributes.assignees));
        }
        if let Some(title) = &attributes.milestone {
            match self.milestone(repo, title).await? {
                Some(number) => drop(body.insert("milestone".to_owned(), number.into())),
                None => {
                    tracing::warn!(repo = %repo.name, milestone = %title, "no open milestone has this title");
                }
            }
        }
        if let Some(text) = text {
            body.insert("body".to_owned(), text.into());
        }
        let route = route(&repo.name, &format!("/issues/{}", mr.number));
        let mut sent: Result<Issue, Failure> = self.send(Method::PATCH, &route, &body).await;
        if sent
            .as_ref()
            .is_err_and(|failure| failure.status == Some(422))
        {
            // Somebody cannot be assigned: the rest is worth having.
            if let Err(failure) = &sent {
                tracing::warn!(repo = %repo.name, number = mr.number, error = %failure, "the forge refused the assignees or the milestone");
            }
            body.remove("assignees");
            body.remove("milestone");
            sent = self.send(Method::PATCH, &route, &body).await;
        }
        let issue = match sent {
            // Issues are switched off, or the App may not write them: then the text, without which it would be tried in
            // each pass, is the pull request's own.
            Err(failure) if matches!(failure.status, Some(403 | 404 | 410)) => {
                tracing::warn!(repo = %repo.name, number = mr.number, error = %failure, "labels and assignees cannot be set");
                return self.write_text(repo, mr, text).await;
            }
            sent => sent?,
        };
        mr.labels = issue.labels.into_iter().map(|label| label.name).collect();
        if let Some(text) = issue.body {
            mr.description = text;
        }
        Ok(())
    }

    async fn write_text(
        &self,
        repo: &Repository,
        mr: &mut MergeRequest,
        text: Option<&str>,
    ) -> Result<(), ForgeError> {
        let Some(text) = text else { return Ok(()) };
        let route = route(&repo.name, &format!("/pulls/{}", mr.number));
        let _: Pull = self
            .send(Method::PATCH, &route, &json!({"body": text}))
            .await?;
        mr.description = text.to_owned();
        Ok(())
    }

    async fn ask_reviewers(
        &self,
        repo: &Repository,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), ForgeError> {
        if reviewers.is_empty() {
            return Ok(());
        }
        let failure = match self.ask_at_once(repo, number, reviewers).await {
            Ok(()) => return Ok(()),
            Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
            Err(failure) => failure,
        };
        if reviewers.len() == 1 {
            tracing::warn!(repo = %repo.name, number, reviewer = %reviewers[0], error = %failure, "the forge refused the reviewer");
            return Ok(());
        }
        // One who is refused takes all others along.
        for reviewer in reviewers {
            match self
                .ask_at_once(repo, number, std::slice::from_ref(reviewer))
                .await
            {
                Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
                Err(failure) => {
                    tracing::warn!(repo = %repo.name, number, reviewer = %reviewer, error = %failure, "the forge refused the reviewer");
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    async fn ask_at_once(
        &self,
        repo: &Repository,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), Failure> {
        // A team is written with its organisation.
        let (teams, people): (Vec<&String>, Vec<&String>) =
            reviewers.iter().partition(|name| name.contains('/'));
        let team = |name: &&String| name.rsplit('/').next().unwrap_or_default().to_owned();
        let teams: Vec<String> = teams.iter().map(team).collect();
        let body = json!({"reviewers": people, "team_reviewers": teams});
        let route = route(&repo.name, &format!("/pulls/{number}/requested_reviewers"));
        let _: Value = self.send(Method::POST, &route, &body).await?;
        Ok(())
    }

    async fn milestone(&self, repo: &Repository, title: &str) -> Result<Option<u64>, ForgeError> {
        #[derive(Deserialize)]
        struct Milestone {
            number: u64,
            title: String,
        }
        let route = route(&repo.name, "/milestones?state=open");
        let all = self.pages(&route, |found: Vec<Milestone>| found).await?;
        let same = all.into_iter().find(|found| found.title == title);
        Ok(same.map(|found| found.number))
    }

    /// Changes what is given.
    pub(super) async fn change(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError> {
        let mut body = Map::new();
        if let Some(title) = &edit.title {
            body.insert("title".to_owned(), title.as_str().into());
        }
        if let Some(target) = &edit.target {
            body.insert("base".to_owned(), target.as_str().into());
        }
        // With a dress the text goes along with it, so that both are there or neither.
        if let (Some(text), None) = (&edit.description, &edit.attributes) {
            body.insert("body".to_owned(), text.as_str().into());
        }
        let pull = route(&repo.name, &format!("/pulls/{number}"));
        if !body.is_empty() {
            let _: Pull = self.send(Method::PATCH, &pull, &body).await?;
        }
        if let Some(attributes) = &edit.attributes {
            let found: Pull = self.get(&pull).await?;
            let mut mr = self.opened(found)?;
            let mut attributes = attributes.clone();
            attributes.labels.extend(edit.add_labels.iter().cloned());
            return self
                .set_attributes(repo, &mut mr, &attributes, edit.description.as_deref())
                .await;
        }
        if !edit.add_labels.is_empty() {
            let route = route(&repo.name, &format!("/issues/{number}/labels"));
            let body = json!({"labels": edit.add_labels});
            let sent: Result<Value, Failure> = self.send(Method::POST, &route, &body).await;
            match sent {
                Err(failure) if matches!(failure.status, Some(403 | 410)) => {
                    tracing::warn!(repo = %repo.name, number, error = %failure, "labels cannot be set");
                }
                sent => drop(sent?),
            }
        } else if body.is_empty() {
            // Nothing is to be changed; that it is there is still to be told.
            let _: Pull = self.get(&pull).await?;
        }
        Ok(())
    }

    /// Closes an open one; what is merged meanwhile is a conflict.
    pub(super) async fn shut(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        let pull = route(&repo.name, &format!("/pulls/{number}"));
        let found: Pull = self.get(&pull).await?;
        match self.opened(found)?.state {
            MergeRequestState::Closed => Ok(()),
            MergeRequestState::Merged => Err(ForgeError::Conflict(format!(
                "#{number} of {} is already merged",
                repo.name
            ))),
            MergeRequestState::Open => {
                let body = json!({"state": "closed"});
                let _: Pull = self.send(Method::PATCH, &pull, &body).await?;
                Ok(())
            }
        }
    }
}

/// Whether the REST API would say no other.
fn is_final(failure: &Failure) -> bool {
    failure.error.is_of_forge() || matches!(failure.error, ForgeError::Conflict(_))
}

/// An issue, as far as its answer tells what a pull request wears.
#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Whether a text came back as it was sent, but for line ends and the space around it.
fn same_text(found: &str, sent: &str) -> bool {
    found.replace("\r\n", "\n").trim() == sent.replace("\r\n", "\n").trim()
}
