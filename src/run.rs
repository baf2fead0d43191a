//! Fetches what the plan needs, and executes the plan.
//!
//! - [`pass()`] is the loop: plan, fetch what is missing, plan again, execute. `edges` fetches what the plan needs:
//!   `questions` holds the requests to registries in progress, `read` reads the repositories, `pipelines` the CI
//!   status, and `existing` the merge requests.
//! - `act`, `automerge` and `finish` execute the plan of one repository and report it.
//! - [`family_graph()`], [`freshness()`] and [`build_order_of_all()`] are other views of the same fleet. They are
//!   read-only.
//! - [`Setup`] makes the edges from a configuration. `remembered` is what the store keeps between passes.
//!
//! A failure of one repository, image or host never stops the others. Nothing is closed or deleted because an answer is
//! missing.

mod act;
mod ages;
mod automerge;
mod build_order;
mod cache;
mod checkpoint;
mod cold;
mod deadline;
mod decide;
mod edges;
mod error;
mod existing;
mod facts;
mod family_graph;
mod finish;
mod folder;
mod forges;
mod freshness;
mod image_diff;
mod load;
mod logins;
mod lookup;
mod lookups;
mod observe;
mod options;
mod own;
mod pass;
mod pipelines;
mod predefined;
mod push_rules;
mod questions;
mod read;
mod register;
mod remembered;
mod report;
mod setup;
mod shared;
mod totals;
mod unit;
mod unmatched;

pub use build_order::{BuildOrder, BuildStep, build_order_of_all, build_order_of_folder};
pub use cache::Cache;
pub use checkpoint::Checkpoint;
pub use decide::{Ticked, decide_folder, decide_inner};
pub use error::SetupError;
pub use family_graph::{EdgeReport, FamilyGraph, ImageState, NodeReport, family_graph, related};
pub use folder::{Folder, in_repository, read_folder};
pub use freshness::{
    Built, FreshnessReport, InUse, PlatformReport, Publishers, Subject, freshness, publishers,
};
pub use image_diff::image_diff;
pub use logins::FoundLogin;
pub use options::{Options, Progress};
pub use own::{OwnError, own_settings};
pub use pass::pass;
pub use register::{Registered, forget, survey};
pub use report::{
    DecisionReport, LeftOutReport, ProblemReport, ProposalReport, Report, RepositoryReport,
    WantedReport,
};
pub use setup::Setup;
pub use totals::Totals;
pub use unit::read_unit;
