//! From TOML to validated values, before anything runs.
//!
//! Two files: the operator's `config.toml`, and the smaller schema of a repository's `imagebot.toml`, which has no keys
//! for hosts, credentials, environment variables or commands (T4). Both are read by the same tables of keys (`keys`),
//! which also print `config schema`. All problems of a file are found at once. Each names file and line, shows the
//! place with a caret, and says what was expected and which known name is nearest.

mod bounds;
mod budget;
mod family;
mod forge;
mod keys;
mod mask;
mod merge_request;
mod name_globs;
mod nearest;
mod operator;
mod path_glob;
mod place;
mod problem;
mod reader;
mod registry;
mod renovate;
mod repository;
mod review;
mod rules;
mod schema;
mod schemes;
mod secret;
mod setting_types;
mod sources;
mod starter;
mod table;
mod version;

pub use budget::Budget;
pub use forge::{ForgeConfig, ServerConfig, ServerKind, TokenConfig};
pub use merge_request::MergeRequestConfig;
pub use operator::{Config, parse};
pub use problem::{Problem, Problems};
pub use registry::{LoginConfig, LoginSource, RegistryConfig};
pub use renovate::{renovate_key, renovate_keys};
pub use repository::parse_repository;
pub use review::{ReviewFinding, review};
pub use schema::{operator_schema, repository_schema};
pub use secret::{Secret, SecretError};
pub use starter::{REPOSITORY_STARTER, Starter, StarterForge};
pub use version::{MAX_INCLUDED, included_names, version_paths, wants_vendored};
