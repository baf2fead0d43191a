//! What every forge can do.

use super::error::ForgeError;
use crate::git::Remote;
use crate::http::{Gates, Origin};
use crate::image::RegistryHost;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestAttributes, RepoName};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A registered repository, as a forge lists it.
#[derive(Debug, Clone)]
pub struct Repository {
    /// What stays the same when the repository is renamed; part of every update key.
    pub id: String,
    /// Its full path.
    pub name: RepoName,
    /// Where git finds it.
    pub remote: Remote,
    /// The default branch and its head; `None` for an empty repository.
    pub head: Option<(Branch, CommitId)>,
    /// The branches under `imagebot/` and their heads; `None` where the listing does not tell: [`Forge::branches`] does.
    pub branches: Option<BTreeMap<Branch, CommitId>>,
    /// The open merge requests from our branches, as far as the listing tells; `None` where it tells nothing.
    pub open: Option<Vec<MergeRequest>>,
    /// What registered it, for people: `repos = "platform/**"`.
    pub why: String,
    /// The forge's own registry, with the login of this repository's token.
    pub registry: Option<ForgeRegistry>,
}

/// A registry that is the forge's own.
#[derive(Debug, Clone)]
pub struct ForgeRegistry {
    /// The host, as it stands in image names.
    pub host: RegistryHost,
    /// The origin besides the registry's own that may ask for the login.
    pub realm: Option<Origin>,
    /// The login of the forge's token; `None` where the registry takes no such token.
    pub login: Option<RegistryLogin>,
}

/// A forge's token, as a login of its registry.
#[derive(Debug, Clone)]
pub struct RegistryLogin {
    /// A name that is equal for equal tokens and holds no secret.
    pub id: String,
    /// The user name.
    pub username: String,
    /// The token.
    pub password: SecretString,
}

/// All registered repositories of a forge.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be worked on.
    pub repositories: Vec<Repository>,
    /// Those that are there and are not worked on.
    pub left_out: Vec<LeftOut>,
    /// Those that could not be read: unknown, never gone.
    pub failed: Vec<(String, ForgeError)>,
}

/// A repository that is not worked on, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its full path.
    pub name: String,
    /// The stable code of why: `archived`, `fork`, `empty`, `mirror`, `excluded`, `topic`, `other-token`,
    /// `pending-deletion`, `no-merge-requests`.
    pub why: &'static str,
}

/// The ids that repositories had which the configuration names one by one: they are found again when they are renamed.
pub type Known = BTreeMap<RepoName, String>;

/// A merge request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMergeRequest {
    /// The branch that is to be merged.
    pub source: Branch,
    /// The branch that it is to be merged into.
    pub target: Branch,
    /// The title.
    pub title: String,
    /// The text, Markdown, as long as it is not dressed.
    pub description: String,
    /// The text once it is dressed. A forge that needs several requests writes it with the last, so that whoever was
    /// killed between them sees what is missing.
    pub dressed: String,
    /// What it wears.
    pub attributes: MergeRequestAttributes,
}

/// What is to be changed of a merge request; what is `None` or empty stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestEdit {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub description: Option<String>,
    /// The branch that it is to be merged into.
    pub target: Option<Branch>,
    /// Labels to be added.
    pub add_labels: Vec<String>,
    /// What it was to wear from the start, where opening it was cut short.
    pub attributes: Option<MergeRequestAttributes>,
}

/// What CI says of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipeline {
    /// Nothing yet, or there is no CI.
    None,
    /// It runs, or waits.
    Running,
    /// Everything succeeded.
    Success,
    /// Something failed or was cancelled.
    Failed,
}

/// What came of asking a forge to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merging {
    /// It is merged.
    Merged,
    /// The forge merges it as soon as its conditions are met.
    Scheduled,
    /// Not yet, and why: the next pass asks again.
    NotYet(String),
}

impl Merging {
    /// CI has not begun, or there is none: nothing is merged without it.
    pub(super) fn no_pipeline() -> Self {
        Self::NotYet("no-pipeline: the forge shows no pipeline for its commit".to_owned())
    }

    /// CI refused it.
    pub(super) fn failed() -> Self {
        Self::NotYet("its pipeline failed".to_owned())
    }
}

/// Something that [`Forge::doctor`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Warning,
    /// imagebot cannot do its work.
    Problem,
}

/// A server, or a folder, that lists repositories and keeps merge requests.
#[async_trait::async_trait]
pub trait Forge: Send + Sync {
    /// What the forge is called in reports; it tells apart the forges of a configuration, and the tokens of a forge.
    fn name(&self) -> &str;

    /// The same forge for one pass. What a pass learns (a refused token, an endpoint that is overloaded, a host that is
    /// down) ends with it and stops no other pass; the pace of requests belongs to the token and is shared by all.
    fn for_pass(&self, gates: &Gates) -> Arc<dyn Forge>;

    /// What people there call a merge request.
    fn noun(&self) -> &'static str;

    /// The registered repositories with their heads. In a pass in which nothing has changed, nothing else is asked.
    async fn discover(&self, known: &Known) -> Result<Listing, ForgeError>;

    /// Some of the registered repositories, by the names and ids that they had when all were listed last, with their
    /// heads. Nothing else is asked for: what these requests cost does not depend on how many there are in all. One
    /// that is no longer worked on is left out.
    async fn look(&self, wanted: &Known) -> Result<Listing, ForgeError>;

    /// The branches under `imagebot/` with their heads, as they are now.
    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError>;

    /// The merge requests from exactly these source branches, whoever opened them, in all states, the oldest first.
    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError>;

    /// What became of merge requests that the listing no longer tells as open, by the repository's id and the number,
    /// as far as it can be had for many repositories at once. What is not told is asked for by repository.
    async fn ended(
        &self,
        _wanted: &BTreeSet<(String, u64)>,
    ) -> Result<Vec<(String, MergeRequest)>, ForgeError> {
        Ok(Vec::new())
    }

    /// Those of these repositories, by id, that may have branches of ours; `None` where only each by itself can tell.
    /// Asked when nothing is remembered of them.
    async fn with_branches(
        &self,
        _repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        Ok(None)
    }

    /// Those of these repositories, by id, that may have an open notice; `None` where only each by itself can tell.
    async fn with_notices(
        &self,
        _repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        Ok(None)
    }

    /// Opens a merge request. If an open one for the same source branch is there already, that one is the answer.
    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError>;

    /// Changes a merge request.
    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError>;

    /// Closes an open merge request without merging it; one that is closed already stays so.
    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Adds a comment to a merge request, unless one with this code is there already: whoever was killed behind it
    /// asks again.
    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError>;

    /// What CI says of a branch's head.
    async fn pipeline(&self, repo: &Repository, head: &CommitId) -> Result<Pipeline, ForgeError>;

    /// Whether the repository has, or ever had, a pipeline; also where that cannot be told.
    async fn has_pipelines(&self, repo: &Repository) -> Result<bool, ForgeError>;

    /// Has a merge request merged when its pipeline has succeeded, as the forge itself judges that, and only with this
    /// head. Without a pipeline nothing is merged.
    async fn merge(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError>;

    /// Whether the listed head is that of the default branch. Asked before the first change of a repository and before
    /// each merge: on a forge that looks up branches by their bare names, a tag can stand in the branch's place.
    async fn verify_head(&self, _: &Repository) -> Result<(), ForgeError> {
        Ok(())
    }

    /// How many branches one push may move so that CI and hooks run for each; `None`: any number.
    fn refs_per_push(&self) -> Option<usize> {
        None
    }

    /// Takes back that the forge is to merge by itself: somebody else's work is on the branch (T35). Where a push does
    /// that already, nothing is done.
    async fn call_off(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Says on the repository itself that its settings cannot be read: one issue, opened or updated with this text, or
    /// closed where there is none.
    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError>;

    /// Looks whether imagebot can do its work, and with no more rights than it needs.
    async fn doctor(&self, repos: &[Repository]) -> Vec<Finding>;
}
