//! Reading a repository at its head: its source files and its `imagebot.toml`.

use super::setup::Setup;
use crate::config::{MAX_INCLUDED, included_names, version_paths};
use crate::family::is_info;
use crate::forge::Repository;
use crate::git::{BranchCommit, Cached, Change, Entry, EntryKind, Git, GitError};
use crate::plan::{ChangeSet, FileVersions, Ownership, overlaps, whose};
use crate::repo::{Branch, CommitId, Glob, RepoPath};
use crate::source::{Format, MAX_FILE};
use crate::store::Kind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// The name of a repository's own settings.
pub(super) const REPO_CONFIG: &str = "imagebot.toml";

/// A list of projects that a repository depends on, as gitlab-deps has it.
pub(super) const GITLAB_DEPS: &str = ".gitlab-deps";

/// Why a file is not read that has more bytes than [`MAX_FILE`].
const TOO_LARGE: &str = "too-large";

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReadFile {
    pub(super) path: RepoPath,
    pub(super) executable: bool,
    #[serde(with = "encoded")]
    pub(super) contents: Vec<u8>,
}

/// Bytes as base64: a JSON list of numbers would be four times as long.
mod encoded {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}

/// What was read of a repository at a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) files: Vec<ReadFile>,
    /// Files that were not read, and why.
    pub(super) skipped: Vec<(RepoPath, String)>,
    /// The first paths that cannot be read as such, as they are shown.
    #[serde(default)]
    pub(super) unreadable: Vec<String>,
    /// How many there are in all.
    #[serde(default)]
    pub(super) unreadable_in_all: usize,
    /// When the commit was made, as it says itself: seconds since 1970.
    pub(super) committed: Option<i64>,
}

/// What is on one of our branches.
#[derive(Debug, Clone)]
pub(super) struct OurBranch {
    pub(super) head: CommitId,
    pub(super) ownership: Ownership,
    /// Whether it can be merged without a conflict, as far as the changed files tell.
    pub(super) fits: bool,
    /// Whether it stands on the target's head.
    pub(super) on_top: bool,
}

/// Whether a file is one that is read.
fn is_wanted(path: &RepoPath) -> bool {
    matches!(path.as_str(), REPO_CONFIG | GITLAB_DEPS)
        || Format::of(path.as_str()).is_some()
        || is_info(path)
}

/// Reads a repository's files at a commit: from the store where it has them, else with two requests.
pub(super) async fn snapshot(
    setup: &Setup,
    git: &Git,
    repo: &Repository,
    head: &CommitId,
) -> Result<Snapshot, GitError> {
    let key = repo.remote.url();
    if let Some(kept) = setup
        .store
        .files(key, head.as_str())
        .and_then(|data| serde_json::from_slice(&data).ok())
    {
        return Ok(kept);
    }
    let snapshot = healed(|| async {
        let mut cached = git.open(&repo.remote, head).await?;
        read(&mut cached, head).await
    });
    let snapshot = snapshot.await?;
    if let Ok(data) = serde_json::to_vec(&snapshot) {
        setup.store.keep_files(key, head.as_str(), &data);
    }
    Ok(snapshot)
}

/// Does something with a cached copy, and once more with a new one if the copy was damaged: a damaged copy is removed
/// by whoever finds it so (B8).
pub(super) async fn healed<T, F>(action: impl Fn() -> F) -> Result<T, GitError>
where
    F: Future<Output = Result<T, GitError>>,
{
    match action().await {
        Err(GitError::Damaged { remote, detail }) => {
            tracing::warn!(%remote, %detail, "the cached copy was damaged; fetching it again");
            action().await
        }
        other => other,
    }
}

async fn read(cached: &mut Cached, head: &CommitId) -> Result<Snapshot, GitError> {
    cached
        .fetch_commits(&BTreeSet::from([head.clone()]))
        .await?;
    let mut snapshot = Snapshot::default();
    let tree = cached.tree(head).await?;
    snapshot.unreadable = tree.unreadable;
    snapshot.unreadable_in_all = tree.unreadable_in_all;
    let (wanted, others) = tree
        .entries
        .into_iter()
        .partition(|entry| is_wanted(&entry.path));
    let commit = Some(head);
    let contents = snapshot.add(cached, wanted, commit).await?;
    snapshot.committed = contents.get(head).and_then(|commit| committed(commit));
    if cached.filter_ignored() {
        tracing::warn!(
            remote = cached.remote_url(),
            "the server ignores the filter for partial clones; the whole repository was fetched"
        );
    }
    // Only what names version files elsewhere takes another request.
    let named = snapshot.version_paths();
    let included = snapshot.included();
    let mut added = 0;
    let mut wanted = Vec::new();
    for entry in others {
        let path = entry.path.as_str();
        let is_added = Format::may_include(path) && included.iter().any(|g| g.matches(path));
        added += usize::from(is_added);
        if named.contains(&entry.path) || is_added && added <= MAX_INCLUDED {
            wanted.push(entry);
        } else if is_added {
            // Not judged, so nothing is closed for it.
            let why = format!("`include` adds {MAX_INCLUDED} files at most");
            snapshot.skipped.push((entry.path, why));
        }
    }
    let named = wanted;
    if !named.is_empty() {
        snapshot.add(cached, named, None).await?;
    }
    Ok(snapshot)
}

impl Snapshot {
    /// The version files that its `imagebot.toml` names.
    fn version_paths(&self) -> BTreeSet<RepoPath> {
        self.config().map(version_paths).unwrap_or_default()
    }

    /// What its `include` names besides Dockerfiles.
    fn included(&self) -> Vec<Glob> {
        self.config().map(included_names).unwrap_or_default()
    }

    fn config(&self) -> Option<&str> {
        let config = self.files.iter().find(|f| f.path.as_str() == REPO_CONFIG)?;
        std::str::from_utf8(&config.contents).ok()
    }

    /// Reads files, and a commit that was fetched with them, whose contents are given back; links and submodules are
    /// not followed, and what is too large is not read.
    async fn add(
        &mut self,
        cached: &mut Cached,
        entries: Vec<Entry>,
        commit: Option<&CommitId>,
    ) -> Result<BTreeMap<CommitId, Vec<u8>>, GitError> {
        let mut wanted = Vec::new();
        for entry in entries {
            match entry.kind {
                EntryKind::File | EntryKind::Executable => wanted.push(entry),
                EntryKind::Symlink => self.skipped.push((entry.path, "symlink".to_owned())),
                EntryKind::Submodule => self.skipped.push((entry.path, "submodule".to_owned())),
            }
        }
        let mut ids: BTreeSet<CommitId> = wanted.iter().map(|entry| entry.id.clone()).collect();
        let too_large = |size: &u64| *size > MAX_FILE as u64;
        let sizes = cached.sizes_there(&ids).await?;
        ids.retain(|id| !sizes.get(id).is_some_and(too_large));
        cached.fetch_objects(&ids).await?;
        let all = ids.into_iter().chain(commit.cloned()).collect();
        let mut contents = cached.objects_up_to(&all, MAX_FILE as u64).await?;
        let mut fetched_too_much = false;
        for entry in wanted {
            match contents.get(&entry.id) {
                Some(Some(contents)) => {
                    let executable = entry.kind == EntryKind::Executable;
                    self.files.push(ReadFile {
                        path: entry.path,
                        executable,
                        contents: contents.clone(),
                    });
                }
                not_read => {
                    fetched_too_much |= not_read.is_some();
                    self.skipped.push((entry.path, TOO_LARGE.to_owned()));
                }
            }
        }
        if fetched_too_much {
            // Nobody reads what was too large, and the copy would hold it for ever.
            cached.discard();
        }
        contents.retain(|id, _| Some(id) == commit);
        Ok(contents
            .into_iter()
            .filter_map(|(id, contents)| Some((id, contents?)))
            .collect())
    }
}

/// When a commit was made: the last but one word of its `committer` line.
fn committed(commit: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(commit);
    let mut headers = text.lines().take_while(|line| !line.is_empty());
    let line = headers.find(|line| line.starts_with("committer "))?;
    line.rsplit(' ').nth(1)?.parse().ok()
}

/// What the store remembers of a head: whose it is depends on the commit, on the target's head and on nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Judged {
    /// `None`: a person's.
    changes: Option<ChangeSet>,
    why: String,
    fits: bool,
    on_top: bool,
}

/// Judges whose the heads of our branches are, each once.
pub(super) struct Judge<'a> {
    pub(super) setup: &'a Setup,
    pub(super) git: &'a Git,
    pub(super) repo: &'a Repository,
    /// The target branch's head.
    pub(super) head: &'a CommitId,
    pub(super) args: &'a BTreeMap<String, String>,
    /// The files at that head.
    pub(super) files: &'a [(&'a RepoPath, &'a [u8])],
}

impl Judge<'_> {
    /// Judges all heads. What the store knows needs no request.
    pub(super) async fn all(
        &self,
        heads: &BTreeMap<Branch, CommitId>,
    ) -> Result<BTreeMap<Branch, OurBranch>, GitError> {
        let mut found = BTreeMap::new();
        let mut unknown = Vec::new();
        for (branch, tip) in heads {
            match self.known(tip) {
                Some(judged) => drop(found.insert(branch.clone(), judged)),
                None => unknown.push((branch, tip)),
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        let (walked, contents) = healed(|| self.walk(&unknown)).await?;
        for (branch, walked) in walked {
            let judged = walked.judge(self.head, &contents, self.args, self.files);
            keep_judged(self.setup, self.head, &judged);
            found.insert(branch.clone(), judged);
        }
        Ok(found)
    }

    /// Reads what stands on branches, and the contents that it changed. What is too large is no contents that could be
    /// ours.
    async fn walk<'b>(
        &self,
        unknown: &[(&'b Branch, &CommitId)],
    ) -> Result<(Vec<(&'b Branch, Walked)>, BTreeMap<CommitId, Vec<u8>>), GitError> {
        let mut cached = self.git.open(&self.repo.remote, self.head).await?;
        let tips = unknown
            .iter()
            .map(|(_, tip)| (*tip).clone())
            .chain([self.head.clone()])
            .collect();
        cached.fetch_commits(&tips).await?;
        let mut walked = Vec::new();
        for (branch, tip) in unknown {
            walked.push((*branch, Walked::new(&mut cached, self.head, tip).await?));
        }
        // What all of them changed comes with one request.
        let ids: BTreeSet<CommitId> = walked.iter().flat_map(|(_, w)| w.contents()).collect();
        cached.fetch_objects(&ids).await?;
        let contents = cached.objects_up_to(&ids, MAX_FILE as u64).await?;
        let contents = contents
            .into_iter()
            .filter_map(|(id, contents)| Some((id, contents?)));
        Ok((walked, contents.collect()))
    }

    fn known(&self, tip: &CommitId) -> Option<OurBranch> {
        let text = self
            .setup
            .store
            .kept(Kind::Judged, &judged_key(tip, self.head))?;
        let judged: Judged = serde_json::from_str(&text).ok()?;
        Some(OurBranch {
            head: tip.clone(),
            ownership: match judged.changes {
                Some(changes) => Ownership::Ours(changes),
                None => Ownership::Foreign(judged.why),
            },
            fits: judged.fits,
            on_top: judged.on_top,
        })
    }
}

fn judged_key(tip: &CommitId, head: &CommitId) -> String {
    format!("{tip} {head}")
}

/// Remembers whose a branch is, seen from the target's head.
pub(super) fn keep_judged(setup: &Setup, head: &CommitId, branch: &OurBranch) {
    let (changes, why) = match &branch.ownership {
        Ownership::Ours(changes) => (Some(changes.clone()), String::new()),
        Ownership::Foreign(why) => (None, why.clone()),
    };
    let judged = Judged {
        changes,
        why,
        fits: branch.fits,
        on_top: branch.on_top,
    };
    if let Ok(text) = serde_json::to_string(&judged) {
        let key = judged_key(&branch.head, head);
        setup.store.keep(Kind::Judged, &key, &text);
    }
}

/// What stands on a branch of ours, before any contents are read.
struct Walked {
    tip: CommitId,
    commits: Vec<BranchCommit>,
    changes: Vec<Change>,
}

impl Walked {
    async fn new(cached: &mut Cached, head: &CommitId, tip: &CommitId) -> Result<Self, GitError> {
        let commits = cached.between(head, tip).await?;
        let changes = match &commits[..] {
            [commit] => cached.changes(&commit.parent, &commit.id).await?,
            _ => Vec::new(),
        };
        Ok(Self {
            tip: tip.clone(),
            commits,
            changes,
        })
    }

    /// The contents before and after. A link or a submodule is no contents that could be ours.
    fn contents(&self) -> impl Iterator<Item = CommitId> {
        let sides = self
            .changes
            .iter()
            .flat_map(|change| [&change.before, &change.after]);
        let files = sides.flatten().filter(|(kind, _)| is_file(*kind));
        files.map(|(_, id)| id.clone())
    }

    fn judge(
        &self,
        head: &CommitId,
        contents: &BTreeMap<CommitId, Vec<u8>>,
        args: &BTreeMap<String, String>,
        now: &[(&RepoPath, &[u8])],
    ) -> OurBranch {
        let messages: Vec<String> = self.commits.iter().map(|c| c.message.clone()).collect();
        let files: Vec<FileVersions> = self
            .changes
            .iter()
            .map(|change| versions(change, contents))
            .collect();
        let fits = files.iter().all(|file| {
            let now = now.iter().find(|(path, _)| **path == file.path);
            match (&file.before, &file.after, now) {
                (Some(before), Some(after), Some((_, now))) => !overlaps(before, after, now),
                _ => false,
            }
        });
        OurBranch {
            head: self.tip.clone(),
            ownership: whose(&messages, &files, args),
            fits,
            on_top: self
                .commits
                .first()
                .is_some_and(|commit| commit.parent == *head),
        }
    }
}

fn is_file(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::File | EntryKind::Executable)
}

fn versions(change: &Change, contents: &BTreeMap<CommitId, Vec<u8>>) -> FileVersions {
    let side = |side: &Option<(EntryKind, CommitId)>| {
        side.as_ref()
            .filter(|(kind, _)| is_file(*kind))
            .and_then(|(_, id)| contents.get(id).cloned())
    };
    let kind = |side: &Option<(EntryKind, CommitId)>| side.as_ref().map(|(kind, _)| *kind);
    FileVersions {
        path: change.path.clone(),
        before: side(&change.before),
        after: side(&change.after),
        same_mode: kind(&change.before) == kind(&change.after),
    }
}
