//! imagebot keeps families of container images up to date.
//!
//! # The house
//!
//! One package: a library and a thin binary. Every arrow runs down this list; `tests/architecture.rs` fails when one
//! does not.
//!
//! | floor | room | what it is for |
//! |---|---|---|
//! | shell | [`cli`] | one file per command; human and JSON output |
//! | | [`demo`] | a whole assembly line in one process, to look at and to test against |
//! | | [`run`] | one pass: observe (edges), decide (core), act (edges) |
//! | | [`config`] | TOML to validated values, every problem at once with its place |
//! | edges | [`registry`] | OCI distribution: tags, digests, manifests, configurations |
//! | | [`forge`] | who lists repositories and keeps merge requests |
//! | | [`git`] | the one place that builds a git command |
//! | | [`store`] | what is remembered between passes; deleting it costs time only |
//! | | [`http`] | one client policy: time-outs, retry, caps, same origin |
//! | | [`redact`] | what keeps credentials out of everything that is written |
//! | core | [`fleet`] | what is known of the repositories and of the family of images |
//! | | [`plan`] | references, observations and policy in; decisions and proposals out |
//! | | [`policy`] | what is allowed: rules matched to a reference |
//! | | [`family`] | who builds what, who stands on what; generations; hold and release |
//! | | [`source`] | file text to located references to byte edits |
//! | | [`scheme`] | a tag as a version, and a verdict for every tag |
//! | | [`repo`] | the words of git hosting: path, branch, commit, merge request |
//! | | [`image`] | the words everything else speaks: reference, tag, digest, platform |
//! | | `coded` | enums whose members have stable names |
//!
//! # What is never there
//!
//! - The core does no I/O, reads no clock and no environment, and never panics. An edge knows the core's values, never
//!   the plan or the configuration.
//! - Nothing committed in a scanned repository is executed, checked out, followed as a link, or used as a path, an
//!   option or a host outside the operator's list.
//! - A credential is in no log, error, commit, merge request or cache. It goes to its exact origin, or to a token
//!   service that the operator listed.
//! - No second mutating request when nothing changed; no downgrade; no *up to date* for what is not known; nothing
//!   closed or deleted because an answer was missing.
//!
//! # One pass, through all rooms
//!
//! `cli::run` reads the configuration (`config`) and makes a `run::Setup` of it. `run::gather` asks each `forge` for its
//! repositories and their heads, or only for those in scope, and reads each head's source files (`git`, or `store` if the
//! head is the same) into a `fleet::Tree`. `fleet::ParsedRepo` is what follows from a tree: `source` finds its references,
//! and `fleet::Family` is who builds what and who is built on what. Then it decides in rounds: `plan::decide` judges every reference, or names the one question
//! whose answer it needs; the questions of the whole fleet are asked at the registries at once, each once, and it is
//! called again. `plan::hold` lets those wait above whom something is coming: parents first, and only here are forges asked
//! for pipelines. `plan::propose` makes branches, edits and texts of what is wanted; `plan::reconcile` compares them with
//! what is there; where something is to be written, the forge is asked afresh first. Limits hold back what is too much;
//! then `run` pushes once per repository with a lease per branch, and opens, edits, closes, or has merged.

pub mod cli;
mod coded;
pub mod config;
pub mod demo;
pub mod family;
pub mod fleet;
pub mod forge;
pub mod git;
pub mod http;
pub mod image;
pub mod plan;
pub mod policy;
pub mod redact;
pub mod registry;
pub mod repo;
pub mod run;
pub mod scheme;
pub mod source;
pub mod store;
