//! Reads a repository at its head: its source files and its `imagebot.toml`.

use super::setup::Setup;
use crate::config::{MAX_INCLUDED, included_names, version_paths, wants_vendored};
use crate::family::is_info;
use crate::fleet::{GITLAB_DEPS, OurBranch, REPO_CONFIG, TOO_LARGE, Tree, TreeFile};
use crate::forge::Repository;
use crate::git::{BranchCommit, Cached, Git, GitError, TreeChange, TreeEntry, TreeEntryKind};
use crate::plan::{ChangeSet, FileVersions, Ownership, overlaps, whose};
use crate::repo::{Branch, CommitId, ObjectId, RepoPath};
use crate::source::{Format, MAX_FILE, vendored_folder};
use crate::store::StoredKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Whether a file is read because of its name.
fn is_wanted(path: &RepoPath) -> bool {
    matches!(path.as_str(), REPO_CONFIG | GITLAB_DEPS)
        || Format::of(path.as_str()).is_some()
        || is_info(path)
}

/// Reads a repository's files at a commit: from the store if it has them, else with two requests.
pub(super) async fn tree_at(
    setup: &Setup,
    git: &Git,
    repo: &Repository,
    head: &CommitId,
) -> Result<Tree, GitError> {
    let key = repo.remote.url();
    if let Some(kept) = setup
        .store
        .files(key, head.as_str())
        .and_then(|data| serde_json::from_slice(&data).ok())
    {
        return Ok(kept);
    }
    let tree = healed(|| async {
        let mut cached = git.open(&repo.remote, head).await?;
        read(&mut cached, head).await
    });
    let tree = tree.await?;
    if let Ok(data) = serde_json::to_vec(&tree) {
        setup.store.keep_files(key, head.as_str(), &data);
    }
    Ok(tree)
}

/// Runs an action on a cached clone. If the action finds the clone damaged, the clone has been removed, and the action
/// runs once more on a new one (B8).
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

async fn read(cached: &mut Cached, head: &CommitId) -> Result<Tree, GitError> {
    cached
        .fetch_commits(&BTreeSet::from([head.clone()]))
        .await?;
    let mut tree = Tree::default();
    let listed = cached.tree(head).await?;
    let not_named = unreadable(&listed.unreadable, listed.unreadable_in_all);
    let is_copy = |entry: &TreeEntry| vendored_folder(entry.path.as_str()).is_some();
    let (wanted, others) = listed
        .entries
        .into_iter()
        .partition(|entry| is_wanted(&entry.path) && !is_copy(entry));
    let contents = add(&mut tree, cached, wanted, Some(head)).await?;
    tree.committed = contents.get(&**head).and_then(|commit| committed(commit));
    if cached.filter_ignored() {
        tracing::warn!(
            remote = cached.remote_url(),
            "the server ignores the filter for partial clones; the whole repository was fetched"
        );
    }
    // Another request is needed only if the settings or builds name other files.
    let settings = tree.settings_text();
    let named = settings.map(version_paths).unwrap_or_default();
    let included = settings.map(included_names).unwrap_or_default();
    let vendored = settings.is_some_and(wants_vendored);
    let built = tree.unread_dockerfiles();
    let mut added = 0;
    let mut wanted = Vec::new();
    for entry in others {
        let path = entry.path.as_str();
        if is_wanted(&entry.path) {
            match vendored_folder(path) {
                // Any YAML or JSON could hold references.
                Some(_) if !vendored && Format::is_by_content(path) => {}
                Some(folder) if !vendored => {
                    *tree.vendored.entry(folder.to_owned()).or_default() += 1;
                }
                _ => wanted.push(entry),
            }
            continue;
        }
        let is_added = Format::may_include(path) && included.iter().any(|g| g.matches(path));
        added += usize::from(is_added);
        let is_named = named.contains(&entry.path) || built.contains(&entry.path);
        if is_named || is_added && added <= MAX_INCLUDED {
            wanted.push(entry);
        } else if is_added {
            // It counts as not judged, so nothing is closed because of it.
            let why = format!("`include` and `[[source]]` add {MAX_INCLUDED} files at most");
            tree.skipped.push((entry.path.to_string(), why));
        }
    }
    if !wanted.is_empty() {
        add(&mut tree, cached, wanted, None).await?;
    }
    tree.forget_other_files(&named, &included);
    tree.skipped.extend(not_named);
    Ok(tree)
}

/// Entries for files with unreadable names: those that are listed, and the number of the others.
fn unreadable(named: &[String], in_all: usize) -> Vec<(String, String)> {
    let why = || "unreadable-name".to_owned();
    let mut unreadable: Vec<_> = named.iter().map(|path| (path.clone(), why())).collect();
    let more = in_all - named.len();
    if more > 0 {
        unreadable.push((format!("{more} more files"), why()));
    }
    unreadable
}

/// Reads files into a tree, and returns the contents of a commit that is fetched with them. Links and submodules are
/// not followed, and files that are too large are not read.
async fn add(
    tree: &mut Tree,
    cached: &mut Cached,
    entries: Vec<TreeEntry>,
    commit: Option<&ObjectId>,
) -> Result<BTreeMap<ObjectId, Vec<u8>>, GitError> {
    let mut wanted = Vec::new();
    let mut skip = |path: &RepoPath, why: &str| {
        tree.skipped.push((path.to_string(), why.to_owned()));
    };
    for entry in entries {
        match entry.kind {
            TreeEntryKind::File | TreeEntryKind::Executable => wanted.push(entry),
            TreeEntryKind::Symlink => skip(&entry.path, "symlink"),
            TreeEntryKind::Submodule => skip(&entry.path, "submodule"),
        }
    }
    let mut ids: BTreeSet<ObjectId> = wanted.iter().map(|entry| entry.id.clone()).collect();
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
                let file = TreeFile {
                    executable: entry.kind == TreeEntryKind::Executable,
                    contents: contents.clone(),
                };
                tree.files.insert(entry.path, file);
            }
            not_read => {
                fetched_too_much |= not_read.is_some();
                skip(&entry.path, TOO_LARGE);
            }
        }
    }
    if fetched_too_much {
        // Files that are too large are never needed, but would stay in the clone.
        cached.discard();
    }
    contents.retain(|id, _| Some(id) == commit);
    Ok(contents
        .into_iter()
        .filter_map(|(id, contents)| Some((id, contents?)))
        .collect())
}

/// The committer date: the second-to-last word of the `committer` line, in Unix seconds.
fn committed(commit: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(commit);
    let mut headers = text.lines().take_while(|line| !line.is_empty());
    let line = headers.find(|line| line.starts_with("committer "))?;
    line.rsplit(' ').nth(1)?.parse().ok()
}

/// The remembered owner of a head. It depends only on the commit and on the target's head.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Judged {
    /// The changes; `None` if the head is not imagebot's.
    changes: Option<ChangeSet>,
    why: String,
    fits: bool,
    on_top: bool,
}

/// Determines the owners of branch heads, each once.
pub(super) struct Judge<'a> {
    pub(super) setup: &'a Setup,
    pub(super) git: &'a Git,
    pub(super) repo: &'a Repository,
    /// The head of the target branch.
    pub(super) head: &'a CommitId,
    pub(super) args: &'a BTreeMap<String, String>,
    /// The files at that head.
    pub(super) files: &'a [(&'a RepoPath, &'a [u8])],
}

impl Judge<'_> {
    /// Determines the owners of all heads. Those in the store need no request.
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

    /// Reads the commits on branches and the contents that they changed. Files that are too large cannot be imagebot's.
    async fn walk<'b>(
        &self,
        unknown: &[(&'b Branch, &CommitId)],
    ) -> Result<(Vec<(&'b Branch, Walked)>, BTreeMap<ObjectId, Vec<u8>>), GitError> {
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
        // The contents of all changes are fetched with one request.
        let ids: BTreeSet<ObjectId> = walked.iter().flat_map(|(_, w)| w.contents()).collect();
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
            .kept(StoredKind::Judged, &judged_key(tip, self.head))?;
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

/// Remembers the owner of a branch, relative to the target's head.
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
        setup.store.keep(StoredKind::Judged, &key, &text);
    }
}

/// The commits on a branch of imagebot, before contents are read.
struct Walked {
    tip: CommitId,
    commits: Vec<BranchCommit>,
    changes: Vec<TreeChange>,
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

    /// The contents before and after. A link or a submodule cannot be imagebot's change.
    fn contents(&self) -> impl Iterator<Item = ObjectId> {
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
        contents: &BTreeMap<ObjectId, Vec<u8>>,
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

fn is_file(kind: TreeEntryKind) -> bool {
    matches!(kind, TreeEntryKind::File | TreeEntryKind::Executable)
}

fn versions(change: &TreeChange, contents: &BTreeMap<ObjectId, Vec<u8>>) -> FileVersions {
    let side = |side: &Option<(TreeEntryKind, ObjectId)>| {
        side.as_ref()
            .filter(|(kind, _)| is_file(*kind))
            .and_then(|(_, id)| contents.get(id).cloned())
    };
    let kind = |side: &Option<(TreeEntryKind, ObjectId)>| side.as_ref().map(|(kind, _)| *kind);
    FileVersions {
        path: change.path.clone(),
        before: side(&change.before),
        after: side(&change.after),
        same_mode: kind(&change.before) == kind(&change.after),
    }
}
