//! imagebot keeps families of container images up to date.
//!
//! # Layers
//!
//! One package: a library and a thin binary. Dependencies point only down this list; `tests/architecture.rs` fails if
//! one does not.
//!
//! | layer | module | what it is for |
//! |---|---|---|
//! | shell | [`cli`] | one file per command; human and JSON output |
//! | | [`demo`] | a whole family of repositories with CI in one process, to try imagebot and to test against |
//! | | [`run`] | one pass: observe (edges), decide (core), act (edges) |
//! | | [`config`] | TOML to validated values; all problems at once, each with its line |
//! | edges | [`registry`] | OCI distribution: tags, digests, manifests, configurations |
//! | | [`forge`] | lists repositories, keeps merge requests and reports CI |
//! | | [`git`] | the one place that builds a git command |
//! | | [`store`] | what is remembered between passes; deleting it costs time only |
//! | | [`http`] | one client policy: time-outs, retry, caps, same origin |
//! | | [`redact`] | keeps credentials out of everything that is written |
//! | core | [`fleet`] | what is known about the repositories and the family of images |
//! | | [`plan`] | references, observations and policy in; decisions and proposals out |
//! | | [`policy`] | what is allowed: rules matched to a reference |
//! | | [`family`] | which repository builds what, what each is built on; generations; hold and release |
//! | | [`source`] | file text to located references to byte edits |
//! | | [`scheme`] | a tag as a version, and a verdict for every tag |
//! | | [`repo`] | the vocabulary of git hosting: path, branch, commit, merge request |
//! | | [`image`] | the vocabulary of images: reference, tag, digest, platform |
//! | | `coded` | enums whose members have stable names |
//!
//! # What never happens
//!
//! - The core does no I/O, reads no clock and no environment, and never panics. An edge knows the core's values, but
//!   neither the plan nor the configuration.
//! - Nothing committed in a scanned repository is executed, checked out, followed as a link, or used as a path, an
//!   option or a host outside the operator's list.
//! - A credential appears in no log, error, commit, merge request or cache. It goes to its exact origin, or to a token
//!   service that the operator listed.
//! - A second pass makes no mutating request if nothing changed. Nothing is downgraded. What is unknown is never shown
//!   as *up to date*. Nothing is closed or deleted because an answer was missing.
//!
//! # One pass, through all modules
//!
//! `cli::run` reads the configuration (`config`) and makes a `run::Setup` of it. `run::gather` asks each `forge` for
//! its repositories and their heads, or only for those in scope, and reads each head's source files into a
//! `fleet::Tree`: from `git`, or from `store` if the head is unchanged. `fleet::ParsedRepo` is computed from a tree:
//! `source` finds its references, and `fleet::Family` knows which repository builds what and what each is built on.
//!
//! Decisions are made in rounds: `plan::decide` judges every reference, or names the one question whose answer it
//! needs. The questions of the whole fleet go to the registries at once, each question once; then `decide` is called
//! again. `plan::hold` lets children wait for parents that are about to change, parents first; only here are forges
//! asked for pipelines. `plan::propose` turns decisions into branches, edits and texts, and `plan::reconcile` compares
//! them with the existing merge requests. Before anything is written, the forge is queried again.
//! Limits hold back what is too much. Then `run` pushes once per repository with a lease per branch, and opens, edits,
//! closes or merges.

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
