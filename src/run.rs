//! One pass: observe (edges), decide (core), act (edges).
//!
//! A repository's, an image's or a host's failure never stops another's. Nothing is closed or deleted because an
//! answer was missing.

mod act;
mod checkpoint;
mod decide;
mod folder;
mod lookup;
mod observe;
mod own;
mod pass;
mod report;
mod setup;
mod work;

pub use checkpoint::Checkpoint;
pub use decide::decide_all;
pub use folder::{Folder, read_folder};
pub use own::{OwnError, own_config};
pub use pass::{Options, Progress, pass};
pub use report::{
    DecisionReport, ProblemReport, ProposalReport, Report, RepositoryReport, WantedReport,
};
pub use setup::{Setup, SetupError};
pub use work::Work;
