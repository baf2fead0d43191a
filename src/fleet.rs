//! All facts about the registered repositories and the family of their images, and the plan that follows from them.
//!
//! Pure, like the rest of the core. A reader of repositories, on a server or a disk, makes a [`Tree`] of each.
//! [`ParsedRepo`] is a tree with its references found and its own settings applied. [`Family`] holds which repository
//! publishes each image and which images it is built on. A [`Fleet`] is all of that, with merge requests, pipelines and
//! the answers of registries. [`plan()`] is the only place where anything is decided: it returns what to do, or the
//! facts that it still needs ([`Need`]).

mod decisions;
mod existing;
mod family;
mod hold;
mod known;
mod limits;
mod need;
mod operator;
mod parsed;
mod place;
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
pub use record::{Access, Acted, Fact, FleetRepo, Pipelines, RepoId};
pub use repo_plan::RepoPlan;
pub use scope::Scope;
pub use settings::RepoSettings;
pub use tree::{GITLAB_DEPS, REPO_CONFIG, TOO_LARGE, Tree, TreeFile};
pub use unread::{Unread, and_more, unread};
