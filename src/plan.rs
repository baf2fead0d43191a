//! The pure core: references, observations and policy in; decisions and proposals out. No I/O, clock or environment.
//!
//! 1. [`decide()`] judges one reference. If an answer is missing, it returns a [`Question`] and is called again with
//!    the answer, so each question is sent once for the whole fleet.
//! 2. [`propose()`] groups a repository's decisions by update key into branches, edits and texts.
//! 3. [`reconcile()`] compares the proposals with the branches and merge requests on the forge and returns the steps.
//!
//! Every decision carries a stable [`Reason`] and the steps that led to it.

mod age;
mod build;
mod builder;
mod cascade;
mod change;
mod decide;
mod decision;
mod digest;
mod escape;
mod fit;
mod follow;
mod hash;
mod image_about;
mod image_facts;
mod images;
mod inner;
mod key;
mod memory;
mod message;
mod newer;
mod observe;
mod ownership;
mod propose;
mod reason;
mod reconcile;
mod release;
mod request;
mod selections;
mod step;
mod target;
mod template;
mod text;
mod wish;

pub use build::{BuildNeed, BuildReason};
pub use change::{Change, ChangeSet, Proposed, Version, VersionChange};
pub use decide::{Ask, decide};
pub use decision::{Class, Decision, FamilyPosition, Wanted};
pub use escape::code;
pub use image_facts::{ImageDiff, ImageFacts, readable_size};
pub use images::{Images, Truth};
pub use key::UpdateKey;
pub use message::{CommitMessage, sealed_changes};
pub use observe::{
    Contents, Failure, FailureKind, Lookup, Observation, Observations, Pointer, Question,
};
pub use ownership::{FileVersions, Ownership, overlaps, whose};
pub use propose::{Automerge, Proposal, propose};
pub use reason::{Outcome, Reason};
pub use reconcile::{Certainty, Existing, ReconcileTerms, reconcile};
pub use request::OwnRequest;
pub use selections::Selections;
pub use step::{Done, Planned, Reconciled, Step};
pub use target::Target;
pub use template::{ParseTemplateError, Template, Templates};
pub use text::{Block, RequestState, Texts, block_of};
pub use wish::Refused;
