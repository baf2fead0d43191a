//! Real bare repositories in a temporary folder, and the words to work in them as people do.
//!
//! Nothing of the machine's or the user's git settings plays a part.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use imagebot::repo::CommitId;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// The time of the first commit; each further one is a minute later.
const START: u64 = 1_700_000_000;

/// A folder of bare repositories.
pub(crate) struct Repos {
    folder: tempfile::TempDir,
    minutes: AtomicU64,
}

/// What a path of a new commit is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    File(&'a [u8]),
    Executable(&'a [u8]),
    /// A symbolic link and where it points.
    Link(&'a str),
    /// A submodule at a commit.
    Submodule(&'a str),
    /// Removed.
    Gone,
}

impl Repos {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("srv")).expect("a folder");
        Self {
            folder,
            minutes: AtomicU64::new(0),
        }
    }

    /// The folder that holds the repositories.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("srv")
    }

    /// A folder beside the repositories, for caches and markers.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a repository is: `platform/base` is `srv/platform/base.git`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(format!("{name}.git"))
    }

    /// Makes an empty repository.
    pub(crate) fn create(&self, name: &str) -> PathBuf {
        self.init(name, "sha1")
    }

    /// Makes an empty repository whose object ids are SHA-256.
    pub(crate) fn create_sha256(&self, name: &str) -> PathBuf {
        self.init(name, "sha256")
    }

    fn init(&self, name: &str, format: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        let format = format!("--object-format={format}");
        self.git(name, &["init", "--quiet", "--bare", "-b", "main", &format]);
        path
    }

    /// Commits files to `main`; makes the repository if there is none.
    pub(crate) fn commit(&self, name: &str, files: &[(&str, &str)]) -> CommitId {
        self.commit_on(name, "main", files)
    }

    /// Commits files to a branch.
    pub(crate) fn commit_on(&self, name: &str, branch: &str, files: &[(&str, &str)]) -> CommitId {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, Content::File(text.as_bytes())))
            .collect();
        self.commit_all(name, branch, &files, "change by a person")
    }

    /// Commits anything to a branch.
    pub(crate) fn commit_all(
        &self,
        name: &str,
        branch: &str,
        files: &[(&str, Content<'_>)],
        message: &str,
    ) -> CommitId {
        if !self.path(name).exists() {
            self.create(name);
        }
        let parents: Vec<CommitId> = self.head(name, branch).into_iter().collect();
        self.import(name, branch, &parents, files, message)
    }

    /// A history of so many commits on a branch, in one go.
    pub(crate) fn commit_many(&self, name: &str, branch: &str, count: usize) -> CommitId {
        let mut stream = String::new();
        let head = self.head(name, branch);
        for number in 0..count {
            let text = format!("{number}\n");
            stream.push_str(&self.commit_head(branch, &format!("commit {number}")));
            if let (0, Some(head)) = (number, &head) {
                stream.push_str(&format!("from {head}\n"));
            }
            stream.push_str(&format!(
                "M 100644 inline counter\ndata {}\n{text}\n",
                text.len()
            ));
        }
        self.feed(name, &["fast-import", "--quiet"], stream.as_bytes());
        self.head(name, branch).expect("commits")
    }

    /// Replaces the newest commit of a branch by one with these files and the same message.
    pub(crate) fn amend(&self, name: &str, branch: &str, files: &[(&str, &str)]) -> CommitId {
        let head = self.head(name, branch).expect("a branch");
        let message = self.git(name, &["show", "-s", "--format=%B", head.as_str()]);
        let parents = self.parents(name, head.as_str());
        let mut all: Vec<(String, String)> = self
            .files(name, head.as_str())
            .into_iter()
            .filter_map(|path| Some((path.clone(), self.file_at(name, head.as_str(), &path)?)))
            .collect();
        all.extend(
            files
                .iter()
                .map(|(p, t)| ((*p).to_owned(), (*t).to_owned())),
        );
        let all: Vec<_> = all
            .iter()
            .map(|(path, text)| (path.as_str(), Content::File(text.as_bytes())))
            .collect();
        self.import(name, branch, &parents, &all, &message)
    }

    /// Merges one branch into another, with the files of the other and then of the one.
    pub(crate) fn merge(&self, name: &str, into: &str, from: &str) -> CommitId {
        let (ours, theirs) = (
            self.head(name, into).expect("a branch"),
            self.head(name, from).expect("a branch"),
        );
        let tree = self.git(
            name,
            &["merge-tree", "--write-tree", ours.as_str(), theirs.as_str()],
        );
        let message = format!("Merge branch '{from}' into '{into}'");
        let commit = self.git(
            name,
            &[
                "commit-tree",
                tree.lines().next().unwrap_or_default(),
                "-p",
                ours.as_str(),
                "-p",
                theirs.as_str(),
                "-m",
                &message,
            ],
        );
        self.branch(name, into, &commit);
        self.head(name, into).expect("the merge")
    }

    /// Makes or moves a branch.
    pub(crate) fn branch(&self, name: &str, branch: &str, at: &str) {
        let full = format!("refs/heads/{branch}");
        self.git(name, &["update-ref", &full, at]);
    }

    /// Deletes a branch.
    pub(crate) fn delete_branch(&self, name: &str, branch: &str) {
        self.git(name, &["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    /// The head of a branch.
    pub(crate) fn head(&self, name: &str, branch: &str) -> Option<CommitId> {
        let full = format!("refs/heads/{branch}");
        let output = self.run(name, &["rev-parse", "--verify", "--quiet", &full], b"");
        CommitId::parse(String::from_utf8_lossy(&output.stdout).trim()).ok()
    }

    /// All refs with what they point at.
    pub(crate) fn refs(&self, name: &str) -> String {
        self.git(name, &["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// A file's text at a commit or branch.
    pub(crate) fn file_at(&self, name: &str, at: &str, path: &str) -> Option<String> {
        let output = self.run(name, &["cat-file", "blob", &format!("{at}:{path}")], b"");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    }

    /// The tree of a commit or branch: `<mode> <type> <id> TAB <path>`, a line each.
    pub(crate) fn tree(&self, name: &str, at: &str) -> Vec<String> {
        let output = self.run(name, &["ls-tree", "-r", "-z", "--full-tree", at], b"");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    /// The paths of a commit or branch.
    pub(crate) fn files(&self, name: &str, at: &str) -> Vec<String> {
        let path = |line: String| Some(line.split_once('\t')?.1.to_owned());
        self.tree(name, at).into_iter().filter_map(path).collect()
    }

    /// The parents of a commit.
    pub(crate) fn parents(&self, name: &str, at: &str) -> Vec<CommitId> {
        let parents = self.git(name, &["show", "-s", "--format=%P", at]);
        parents
            .split_whitespace()
            .filter_map(|id| CommitId::parse(id).ok())
            .collect()
    }

    /// Installs a hook, a shell script.
    pub(crate) fn hook(&self, name: &str, hook: &str, script: &str) {
        let path = self.path(name).join("hooks").join(hook);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        write_program(&path, script);
    }

    /// Runs git in a repository: what it printed, trimmed.
    pub(crate) fn git(&self, name: &str, args: &[&str]) -> String {
        self.feed(name, args, b"")
    }

    fn import(
        &self,
        name: &str,
        branch: &str,
        parents: &[CommitId],
        files: &[(&str, Content<'_>)],
        message: &str,
    ) -> CommitId {
        let mut stream = self.commit_head(branch, message).into_bytes();
        match parents {
            [] => {}
            [first, others @ ..] => {
                stream.extend(format!("from {first}\n").bytes());
                for other in others {
                    stream.extend(format!("merge {other}\n").bytes());
                }
            }
        }
        for (path, content) in files {
            let path = quoted(path);
            let (mode, bytes) = match content {
                Content::File(bytes) => ("100644", *bytes),
                Content::Executable(bytes) => ("100755", *bytes),
                Content::Link(target) => ("120000", target.as_bytes()),
                Content::Submodule(commit) => {
                    stream.extend(format!("M 160000 {commit} {path}\n").bytes());
                    continue;
                }
                Content::Gone => {
                    stream.extend(format!("D {path}\n").bytes());
                    continue;
                }
            };
            stream.extend(format!("M {mode} inline {path}\ndata {}\n", bytes.len()).bytes());
            stream.extend(bytes);
            stream.push(b'\n');
        }
        self.feed(name, &["fast-import", "--quiet", "--force"], &stream);
        self.head(name, branch).expect("the commit")
    }

    fn commit_head(&self, branch: &str, message: &str) -> String {
        let minutes = self.minutes.fetch_add(1, Ordering::Relaxed);
        let seconds = START + 60 * minutes;
        format!(
            "commit refs/heads/{branch}\ncommitter Ada <ada@example.org> {seconds} +0100\ndata {}\n{message}\n",
            message.len()
        )
    }

    fn feed(&self, name: &str, args: &[&str], input: &[u8]) -> String {
        let output = self.run(name, args, input);
        assert!(
            output.status.success(),
            "git {args:?} in {name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn run(&self, name: &str, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("git")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Ada")))
            .envs(
                ["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "ada@example.org")),
            )
            .envs(
                ["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "@1700000000 +0100")),
            )
            .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C"])
            .arg(self.path(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git starts");
        let mut stdin = child.stdin.take().expect("its input");
        // A git that fails early closes its input; its status tells.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().expect("git ends")
    }
}

/// Writes a shell script that can be started at once: another process holds it open for writing, never this one,
/// whose other threads may be forking.
pub(crate) fn write_program(path: &Path, script: &str) {
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("its input");
    write!(stdin, "#!/bin/sh\n{script}\n").expect("a script");
    drop(stdin);
    assert!(child.wait().expect("the shell ends").success());
}

/// A path as `git fast-import` reads it.
fn quoted(path: &str) -> String {
    let path = path
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{path}\"")
}
