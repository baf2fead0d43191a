//! Endpoints that the `gitlab` crate lacks, and its builders' errors as ours.

use crate::forge::error::ForgeError;
use gitlab::api::endpoint_prelude::{BodyError, Endpoint, FormParams, Method, QueryParams};
use std::borrow::Cow;

/// The finished endpoint of a builder, which fails only where a field is missing.
pub(super) fn built<T, E: std::fmt::Display>(built: Result<T, E>) -> Result<T, ForgeError> {
    built.map_err(|error| ForgeError::Refused(format!("a request cannot be made: {error}")))
}

/// A `GET` of a path with parameters: metadata, milestones, and projects by an id or a path.
pub(super) struct Get {
    pub(super) path: String,
    pub(super) parameters: Vec<(&'static str, String)>,
}

impl Get {
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            parameters: Vec::new(),
        }
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((key, value.into()));
        self
    }
}

impl Endpoint for Get {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        for (key, value) in &self.parameters {
            parameters.push(*key, value);
        }
        parameters
    }
}

/// Merges when the pipeline succeeds. The crate's own endpoint knows only the old parameter.
pub(super) struct AutoMerge<'a> {
    pub(super) project: u64,
    pub(super) number: u64,
    pub(super) head: &'a str,
}

impl Endpoint for AutoMerge<'_> {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!(
            "projects/{}/merge_requests/{}/merge",
            self.project, self.number
        )
        .into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let mut form = FormParams::default();
        form.push("sha", self.head)
            .push("auto_merge", true)
            // The same before GitLab 17.11.
            .push("merge_when_pipeline_succeeds", true);
        form.into_body()
    }
}

/// Changes the state of an issue together with its text.
pub(super) struct EditIssue<'a> {
    pub(super) project: u64,
    pub(super) number: u64,
    pub(super) description: Option<&'a str>,
    /// `close` or `reopen`.
    pub(super) event: Option<&'static str>,
}

impl Endpoint for EditIssue<'_> {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/issues/{}", self.project, self.number).into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let mut form = FormParams::default();
        form.push_opt("description", self.description)
            .push_opt("state_event", self.event);
        form.into_body()
    }
}
