//! What became of merge requests that are no longer open, of all projects together.
//!
//! They changed last, so the list of our own merge requests, sorted by the latest change, has them on its first page.
//! Those further back, or opened by another user, are left to the requests for each project.

use super::answers::Request;
use super::api::Api;
use super::endpoints::built;
use crate::forge::error::ForgeError;
use crate::repo::{MergeRequest, MergeRequestState};
use gitlab::api::common::SortOrder;
use gitlab::api::merge_requests;
use std::collections::BTreeSet;

/// How many are on a page.
const PAGE: usize = 100;

/// Those of the wanted ones that are found, by project and number.
pub(super) async fn ended(
    api: &Api,
    wanted: &BTreeSet<(String, u64)>,
) -> Result<Vec<(String, MergeRequest)>, ForgeError> {
    let endpoint = merge_requests::MergeRequests::builder()
        .scope(merge_requests::MergeRequestScope::CreatedByMe)
        .order_by(merge_requests::MergeRequestOrderBy::UpdatedAt)
        .sort(SortOrder::Descending)
        .build();
    let endpoint = built(endpoint)?;
    let mut wanted = wanted.clone();
    let mut found = Vec::new();
    for page in 1..=u32::try_from(wanted.len().div_ceil(PAGE)).unwrap_or(u32::MAX) {
        let (requests, more, _) = api.page::<Request>(&endpoint, page).await?;
        for request in requests.into_iter().filter(Request::is_own) {
            let project = request.project_id.to_string();
            let Ok(request) = request.read() else {
                continue;
            };
            let is_open = request.state == MergeRequestState::Open;
            if !is_open && wanted.remove(&(project.clone(), request.number)) {
                found.push((project, request));
            }
        }
        if !more || wanted.is_empty() {
            break;
        }
    }
    Ok(found)
}
