//! What is known of the registered repositories and of the family of images that they make.
//!
//! Pure, like all of the core: whoever reads repositories, on a server or on a disk, makes a [`Tree`] of each, and
//! everything else follows from it. [`ParsedRepo`] is a tree with its references found and its own settings applied;
//! [`Family`] is who publishes what and who is built on whom.

mod family;
mod operator;
mod parsed;
mod settings;
mod tree;
mod unread;

pub use family::{Family, member};
pub use operator::Operator;
pub use parsed::ParsedRepo;
pub use settings::RepoSettings;
pub use tree::{GITLAB_DEPS, REPO_CONFIG, Tree, TreeFile};
pub use unread::{Unread, and_more, unread};
