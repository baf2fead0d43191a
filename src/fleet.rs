//! What is known of the registered repositories and of the family of images that they make, and what follows from it.
//!
//! Pure, like all of the core. Whoever reads repositories, on a server or on a disk, makes a [`Tree`] of each;
//! [`ParsedRepo`] is a tree with its references found and its own settings applied; [`Family`] is who publishes what
//! and who is built on what. A [`Fleet`] is all of that with its merge requests, its pipelines and what registries said.
//! [`plan()`] is the only way in which anything is decided: it says what to do, or names what it has to know first
//! ([`Need`]).

mod decisions;
mod existing;
mod family;
mod hold;
mod known;
mod limits;
mod need;
mod operator;
mod parsed;
mod plan;
mod record;
mod repo_plan;
mod scope;
mod settings;
mod tree;
mod unread;

pub use existing::{ExistingRequests, OurBranch};
pub use family::{Family, member};
pub use known::{Coverage, Fleet, ReadRepo, Remembered};
pub use limits::OpenLimits;
pub use need::Need;
pub use operator::Operator;
pub use parsed::ParsedRepo;
pub use plan::{FleetSurvey, Plan, decisions, listed, plan, ready, survey};
pub use record::{Access, Acted, FleetRepo, Pipelines, RepoId};
pub use repo_plan::RepoPlan;
pub use scope::Scope;
pub use settings::RepoSettings;
pub use tree::{GITLAB_DEPS, REPO_CONFIG, Tree, TreeFile};
pub use unread::{Unread, and_more, unread};
