//! One pass: observe (edges), decide (core), act (edges).
//!
//! A repository's, an image's or a host's failure never stops another's. Nothing is closed or deleted because an
//! answer was missing.

mod act;
mod ages;
mod automerge;
mod cache;
mod checkpoint;
mod cold;
mod deadline;
mod decide;
mod error;
mod existing;
mod family;
mod finish;
mod folder;
mod forges;
mod freshness;
mod gather;
mod limits;
mod load;
mod lookup;
mod observe;
mod options;
mod order;
mod own;
mod pass;
mod planned;
mod portrait;
mod push_rules;
mod read;
mod register;
mod repo;
mod report;
mod rounds;
mod setup;
mod shared;
mod unmatched;
mod waves;

pub use cache::Cache;
pub use checkpoint::Checkpoint;
pub use decide::{decide_all, decide_inner};
pub use error::SetupError;
pub use folder::{Folder, read_folder};
pub use freshness::{
    Built, FreshnessReport, InUse, PlatformReport, Publishers, Subject, freshness, publishers,
};
pub use options::{Options, Progress};
pub use order::{Order, Step, order_of_all, order_of_folder};
pub use own::{OwnError, own_settings};
pub use pass::pass;
pub use portrait::{EdgeReport, NodeReport, Portrait, State, portrait, related};
pub use register::{Registered, forget, survey};
pub use repo::Asker;
pub use report::{
    DecisionReport, LeftOutReport, ProblemReport, ProposalReport, Report, RepositoryReport,
    WantedReport,
};
pub use rounds::Ticked;
pub use setup::Setup;
