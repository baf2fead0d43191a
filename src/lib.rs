//! imagebot keeps families of container images up to date.
//!
//! # Modules
//!
//! One package: a library and a thin binary. A module depends only on modules below it in this table, which
//! `tests/architecture.rs` checks.
//!
//! | layer | module | purpose |
//! |---|---|---|
//! | shell | [`cli`] | one file per command; human-readable and JSON output |
//! | | [`demo`] | a family of images with its CI in one process, for demonstrations and tests |
//! | | [`run`] | fetches what the plan needs, and executes the plan |
//! | | [`convert`] | makes an `imagebot.toml` from the configuration of another system |
//! | | [`config`] | parses TOML into validated values; reports all problems at once, each with its place |
//! | edges | [`registry`] | OCI distribution: tags, digests, manifests, configurations |
//! | | [`forge`] | GitLab, GitHub and folders: lists repositories, manages merge requests |
//! | | [`git`] | the only module that runs git |
//! | | [`store`] | what is remembered between passes; deleting it only costs time |
//! | | [`http`] | the HTTP client policy: timeouts, retries, size limits, same origin |
//! | | [`redact`] | keeps credentials out of all output |
//! | | `process` | runs one program with limits on time and output |
//! | core | [`fleet`] | all facts about repositories, registries and CI, and the plan that follows from them |
//! | | [`plan`] | decisions about references; proposals for a repository, compared with what exists |
//! | | [`policy`] | the rules that apply to a reference |
//! | | [`family`] | which image is built on which; generations; hold and release; freshness |
//! | | [`source`] | finds references in files and edits them byte for byte |
//! | | [`scheme`] | parses tags as versions, with a verdict for every tag |
//! | | [`repo`] | the vocabulary of git hosting: path, branch, commit, merge request |
//! | | [`image`] | the vocabulary of registries: reference, tag, digest, platform |
//! | | `coded` | enums with stable names |
//!
//! # What never happens
//!
//! - The core does no I/O, reads neither the clock nor the environment, and never panics. The edges know the core's
//!   values, but neither the plan nor the configuration.
//! - Files of a scanned repository are never executed or checked out, their links are not followed, and their contents
//!   are never used as a path, an option or a host that the operator did not list.
//! - A credential never appears in a log, error, commit, merge request or cache. It is sent only to its exact origin,
//!   or to a token service that the operator listed.
//! - No mutating request is repeated if nothing has changed, no version is downgraded, an unknown state is never shown
//!   as *up to date*, and nothing is closed or deleted because an answer is missing.
//!
//! # One pass
//!
//! `cli::run` reads the configuration (`config`) and makes a `run::Setup` from it. [`run::pass`] keeps a
//! [`fleet::Fleet`] and calls [`fleet::plan()`] until the plan needs nothing more:
//!
//! 1. *Which repositories exist, and what do they contain?* Each `forge` lists its repositories and their heads. `git`
//!    reads the files at each head into a `fleet::Tree`, unless `store` has them. `source` finds the references in it,
//!    and `family` determines which image is built on which.
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
//!
//! # Where to add things
//!
//! | what | where |
//! |---|---|
//! | a file format | `source/<format>.rs`; a variant in `source/format.rs`; cases in `fixtures/sources`; the compiler and the tests ask for the rest |
//! | a forge | `forge/<name>.rs` with what differs; `forge/discover` and `forge/wire` are shared; a kind in `config/forge.rs` |
//! | a tag scheme | `scheme/<name>.rs`; a variant in `scheme/rules.rs`, whose `traits` say how it behaves |
//! | a way to run, such as a server | a command in `cli`; it keeps a [`fleet::Fleet`], lets it learn, and calls [`fleet::plan()`] |
//! | something that is done | a `Step` in `plan/step.rs`; an arm in `run/act.rs`; a method of `forge::Forge` |

pub mod cli;
mod coded;
pub mod config;
pub mod convert;
pub mod demo;
pub mod family;
pub mod fleet;
pub mod forge;
pub mod git;
pub mod http;
pub mod image;
pub mod plan;
pub mod policy;
mod process;
pub mod redact;
pub mod registry;
pub mod repo;
pub mod run;
pub mod scheme;
pub mod source;
pub mod store;
