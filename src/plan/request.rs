//! A merge request of imagebot, with the state encoded in its text.

use super::change::ChangeSet;
use super::text::{Block, RequestState, block_of, with_state};
use crate::repo::MergeRequest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A merge request of imagebot. Its text is parsed once; copies share the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MergeRequest", into = "MergeRequest")]
pub struct OwnRequest(Arc<Parsed>);

#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    mr: MergeRequest,
    block: Option<Block>,
}

impl From<MergeRequest> for OwnRequest {
    fn from(mr: MergeRequest) -> Self {
        let block = block_of(&mr.description);
        Self(Arc::new(Parsed { mr, block }))
    }
}

impl From<OwnRequest> for MergeRequest {
    fn from(request: OwnRequest) -> Self {
        request.0.mr.clone()
    }
}

impl std::ops::Deref for OwnRequest {
    type Target = MergeRequest;

    fn deref(&self) -> &MergeRequest {
        &self.0.mr
    }
}

impl OwnRequest {
    /// The merge request as returned by the forge.
    pub fn merge_request(&self) -> &MergeRequest {
        &self.0.mr
    }

    /// imagebot's part of its text; `None` if someone removed it.
    pub fn block(&self) -> Option<&Block> {
        self.0.block.as_ref()
    }

    /// The state in its text; `None` if someone removed it.
    pub fn state(&self) -> Option<&RequestState> {
        self.0.block.as_ref().map(|block| &block.state)
    }

    /// The changes that it proposes according to its text.
    pub fn changes(&self) -> Option<&ChangeSet> {
        self.state().map(|state| &state.changes)
    }

    /// Its description with only the state changed; `None` if nothing changes or if someone removed imagebot's part.
    pub fn remembering(&self, change: impl FnOnce(&mut RequestState)) -> Option<String> {
        let mut state = self.state()?.clone();
        change(&mut state);
        match self.state() == Some(&state) {
            true => None,
            false => with_state(&self.0.mr.description, &state),
        }
    }

    /// The same merge request with another description.
    pub fn described(self, description: String) -> Self {
        let mr = MergeRequest {
            description,
            ..self.0.mr.clone()
        };
        mr.into()
    }
}
