//! What an earlier bot may have left: open notices, of many repositories at once.

use super::api::Api;
use super::named::ask;
use super::notes::LABEL;
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::repo::RepoName;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many repositories are asked about at once.
const REPOSITORIES: usize = 50;

/// Those of the repositories that have or may have an open notice: fifty in a request.
pub(super) async fn with_notices(
    api: &Api,
    repos: &[&Repository],
) -> Result<BTreeSet<String>, ForgeError> {
    let fields = format!(
        "databaseId issues(labels: [\"{LABEL}\"], states: [OPEN], first: 1) {{ totalCount }}"
    );
    let mut with: BTreeSet<String> = repos.iter().map(|repo| repo.id.clone()).collect();
    for page in repos.chunks(REPOSITORIES) {
        let names: Vec<&RepoName> = page.iter().map(|repo| &repo.name).collect();
        let answer = match ask(api, "Notices", &fields, &names).await {
            Ok(answer) => answer,
            Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
            // Each of these gets a request of its own later.
            Err(_) => continue,
        };
        for (index, repo) in page.iter().enumerate() {
            let number = |path: &str| {
                let value = answer.data.pointer(&format!("/r{index}/{path}"));
                value.and_then(Value::as_u64)
            };
            let is_it = number("databaseId").is_some_and(|id| id.to_string() == repo.id);
            if is_it && number("issues/totalCount") == Some(0) {
                with.remove(&repo.id);
            }
        }
    }
    Ok(with)
}
