//! Who the token's user is, and what the instance can do: one request at the start of a pass.

use super::answers::WithId;
use super::api::Api;
use super::endpoints::Get;
use crate::forge::error::ForgeError;
use serde::Deserialize;
use serde_json::json;

/// The document of the first request.
const START: &str = include_str!("start.graphql");

/// The oldest GitLab that is supported.
const OLDEST: (u64, u64) = (15, 6);

/// What the first request showed.
pub(super) struct Session {
    /// The instance's version.
    pub(super) version: String,
    /// Whether GraphQL can be used.
    pub(super) graphql: bool,
    /// How complex a document may be.
    pub(super) limit: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    current_user: Option<serde::de::IgnoredAny>,
    metadata: Option<Metadata>,
    query_complexity: Option<Complexity>,
}

#[derive(Deserialize)]
struct Metadata {
    version: String,
}

/// What a document costs, and what it may cost.
#[derive(Debug, Deserialize)]
pub(super) struct Complexity {
    /// What this one costs.
    pub(super) score: Option<u64>,
    /// What it may cost.
    pub(super) limit: Option<u64>,
}

/// Finds out who we are, and whether the instance is new enough.
pub(super) async fn start(api: &Api) -> Result<Session, ForgeError> {
    let mut nothing_there = false;
    let why = match api.graph::<Start>(START, json!({})).await {
        Ok(answer) => {
            let said = answer.errors.first().map(|error| error.message.clone());
            match answer.data {
                Some(Start {
                    current_user: Some(_),
                    metadata: Some(metadata),
                    query_complexity,
                }) => {
                    check(&metadata.version)?;
                    return Ok(Session {
                        version: metadata.version,
                        graphql: true,
                        limit: query_complexity.and_then(|complexity| complexity.limit),
                    });
                }
                _ => said.unwrap_or_else(|| "no user and no version in the answer".to_owned()),
            }
        }
        Err(
            error @ (ForgeError::Unauthorized(_)
            | ForgeError::RateLimited(_)
            | ForgeError::Server(_)
            | ForgeError::Unreachable(_)),
        ) => return Err(error),
        Err(error) => {
            nothing_there = matches!(error, ForgeError::NotFound(_));
            error.to_string()
        }
    };
    // Without GraphQL each default branch costs a request of its own.
    let user = api.get::<WithId>(&Get::new("user")).await;
    if nothing_there && matches!(user, Err(ForgeError::NotFound(_))) {
        // Neither API is there: a GitLab below another path, or another service.
        return Err(ForgeError::NotAForge(format!(
            "{} answers, but not as a GitLab (404 for /api/graphql)",
            api.address()
        )));
    }
    user?;
    let metadata: Metadata = api.get(&Get::new("metadata")).await?;
    check(&metadata.version)?;
    let why = api.redact(&why);
    tracing::warn!(%why, "GraphQL is unavailable; repositories are fetched one by one");
    Ok(Session {
        version: metadata.version,
        graphql: false,
        limit: None,
    })
}

fn check(version: &str) -> Result<(), ForgeError> {
    let mut parts = version.split(['.', '-']).map(str::parse::<u64>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(ForgeError::NotAForge(format!(
            "{version:?} is not a GitLab version"
        )));
    };
    if (major, minor) < OLDEST {
        return Err(ForgeError::Refused(format!(
            "GitLab {version} is too old: imagebot needs {}.{} or newer (detailed_merge_status)",
            OLDEST.0, OLDEST.1
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for good in ["15.6.0", "15.11.13-ee", "16.0.0-pre", "19.5.0-ee", "100.0"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (old, code) in [
            ("15.5.9-ee", "forge-refused"),
            ("9.12.0", "forge-refused"),
            ("", "not-a-forge"),
            ("gitlab", "not-a-forge"),
        ] {
            let error = check(old).map_err(|error| error.code());
            assert_eq!(error, Err(code), "{old}");
        }
    }
}
