//! imagebot keeps families of container images up to date.
//!
//! # Modules
//!
//! One package: a library and a thin binary. Each module depends only on modules further down in this list;
//! `tests/architecture.rs` fails when one does not.
//!
//! | layer | module | purpose |
//! |---|---|---|
//! | shell | [`cli`] | one file per command; human-readable and JSON output |
//! | | [`demo`] | a family of images with its CI in one process, to try imagebot and to test against |
//! | | [`run`] | asks the edges what the plan needs, and executes the plan |
//! | | [`config`] | TOML to validated values; reports every problem at once with its place |
//! | edges | [`registry`] | OCI distribution: tags, digests, manifests, configurations |
//! | | [`forge`] | GitLab, GitHub and folders: lists repositories, keeps merge requests |
//! | | [`git`] | the one place that builds a git command |
//! | | [`store`] | what is remembered between passes; deleting it costs time only |
//! | | [`http`] | one client policy: time-outs, retry, caps, same origin |
//! | | [`redact`] | keeps credentials out of everything that is written |
//! | core | [`fleet`] | all facts about repositories, registries and CI; what has to be done about them |
//! | | [`plan`] | one reference: its decision; one repository: its proposals, compared with what exists |
//! | | [`policy`] | what is allowed: rules matched to a reference |
//! | | [`family`] | which image is built on which; generations; hold and release; freshness |
//! | | [`source`] | file text to located references to byte edits |
//! | | [`scheme`] | a tag as a version, and a verdict for every tag |
//! | | [`repo`] | the vocabulary of git hosting: path, branch, commit, merge request |
//! | | [`image`] | the vocabulary of registries: reference, tag, digest, platform |
//! | | `coded` | enums whose members have stable names |
//!
//! # What never happens
//!
//! - The core does no I/O, reads no clock and no environment, and never panics. An edge knows the core's values, never
//!   the plan or the configuration.
//! - Nothing committed in a scanned repository is executed, checked out, followed as a link, or used as a path, an
//!   option or a host outside the operator's list.
//! - A credential is in no log, error, commit, merge request or cache. It is sent only to its exact origin, or to a
//!   token service that the operator listed.
//! - No second mutating request when nothing changed; no downgrade; no *up to date* for what is not known; nothing
//!   closed or deleted because an answer was missing.
//!
//! # One pass
//!
//! `cli::run` reads the configuration (`config`) and makes a `run::Setup` of it. [`run::pass`] keeps a [`fleet::Fleet`]
//! and calls [`fleet::plan()`] until that has everything it needs:
//!
//! 1. *Which repositories are there, and what is in them?* Each `forge` lists its repositories and their heads; `git`
//!    reads the files at each head (or `store` has them) into a `fleet::Tree`. `source` finds the references in it, and
//!    `family` which image is built on which.
//! 2. *What do the registries say?* `plan::decide` decides about every reference, or returns the question whose answer
//!    it lacks. A question that several references share is sent once.
//! 3. *What is about to change in the ancestors?* If an update is wanted, the pipelines of the image's ancestors are
//!    fetched from the forge; `fleet` holds back what has to wait for them, parents first.
//! 4. *What exists already?* `plan::propose` turns the wanted updates into branches, edits and texts, and
//!    `plan::reconcile` compares them with the existing merge requests. Before anything is written, the current state
//!    is fetched from the forge again. Limits hold back what would be too much at once.
//!
//! Then `run` pushes once per repository, with a lease per branch, and opens, edits, closes or merges the merge
//! requests. The graph, the freshness of published images and the build order are other views of the same fleet.

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
