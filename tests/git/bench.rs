//! Imagebot's git beside real repositories, and a recorder of the commands that it starts.

use crate::git_repos::{Repos, write_program};
use imagebot::git::{
    Cached, FileChange, Git, GitError, Identity, NewCommit, Push, Pushed, Remote, TreeEntryKind,
};
use imagebot::repo::{Branch, CommitId, RepoPath};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A git under test and repositories to work on.
pub(crate) struct Bench {
    pub(crate) repos: Repos,
    pub(crate) git: Git,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Path::new("git")).await
    }

    pub(crate) async fn with(program: &Path) -> Self {
        let repos = Repos::new();
        let git = Git::with_program(program, &repos.beside("cache"), identity())
            .await
            .unwrap();
        Self { repos, git }
    }

    /// A bench whose git writes down how it is started.
    pub(crate) async fn recorded() -> (Self, Recorder) {
        let repos = Repos::new();
        let recorder = Recorder::new(&repos.beside("git-recorder"));
        let cache = repos.beside("cache");
        let git = Git::with_program(&recorder.program, &cache, identity())
            .await
            .unwrap();
        recorder.take();
        (Self { repos, git }, recorder)
    }

    pub(crate) fn remote(&self, name: &str) -> Remote {
        Remote::local(&self.repos.path(name), &[]).unwrap()
    }

    pub(crate) async fn open(&self, name: &str) -> Cached {
        self.try_open(name).await.unwrap()
    }

    pub(crate) async fn try_open(&self, name: &str) -> Result<Cached, GitError> {
        let sample = self.repos.head(name, "main").unwrap();
        self.git.open(&self.remote(name), &sample).await
    }

    /// Opens the copy and reads `main` as a pass does: commit, tree, and those files.
    pub(crate) async fn read(&self, name: &str, wanted: &[&str]) -> Vec<(String, String)> {
        let head = self.repos.head(name, "main").unwrap();
        let mut cached = self.open(name).await;
        read(&mut cached, &head, wanted).await.unwrap()
    }

    /// The folder of the one cached copy.
    pub(crate) fn copy(&self) -> PathBuf {
        let folder = self.repos.beside("cache").join("git");
        let mut copies = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "git"));
        copies.next().unwrap()
    }

    /// Copy, with `main` fetched.
    pub(crate) async fn at_main(&self, name: &str) -> (Cached, CommitId) {
        let head = self.repos.head(name, "main").unwrap();
        let mut cached = self.open(name).await;
        cached
            .fetch_commits(&BTreeSet::from([head.clone()]))
            .await
            .unwrap();
        (cached, head)
    }
}

pub(crate) async fn read(
    cached: &mut Cached,
    head: &CommitId,
    wanted: &[&str],
) -> Result<Vec<(String, String)>, GitError> {
    cached
        .fetch_commits(&BTreeSet::from([head.clone()]))
        .await?;
    let mut entries = cached.tree(head).await?.entries;
    entries.retain(|entry| wanted.contains(&entry.path.as_str()));
    let ids = entries.iter().map(|entry| entry.id.clone()).collect();
    cached.fetch_objects(&ids).await?;
    let objects = cached.objects(&ids).await?;
    Ok(entries
        .into_iter()
        .map(|entry| {
            let contents = String::from_utf8_lossy(&objects[&entry.id]).into_owned();
            (entry.path.to_string(), contents)
        })
        .collect())
}

pub(crate) fn identity() -> Identity {
    Identity {
        name: "imagebot".to_owned(),
        email: "imagebot@example.org".to_owned(),
    }
}

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

pub(crate) fn branch(name: &str) -> Branch {
    Branch::parse(name).unwrap()
}

pub(crate) fn change(file: &str, contents: &str) -> FileChange {
    FileChange {
        path: path(file),
        kind: TreeEntryKind::File,
        contents: contents.as_bytes().to_vec(),
    }
}

pub(crate) fn on(parent: &CommitId, files: Vec<FileChange>) -> NewCommit {
    NewCommit {
        parent: parent.clone(),
        files,
        message: "Update node to 2\n\nImagebot-Change: x\n".to_owned(),
    }
}

pub(crate) fn push(name: &str, from: Option<&CommitId>, to: Option<&CommitId>) -> Push {
    Push {
        branch: branch(name),
        from: from.cloned(),
        to: to.cloned(),
    }
}

pub(crate) fn refused(pushed: &Pushed) -> &str {
    match pushed {
        Pushed::Refused(why) => why,
        other => panic!("not refused: {other:?}"),
    }
}

/// Every git of another version that is on this machine.
pub(crate) fn programs() -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    ["git", "/usr/bin/git", "/usr/local/bin/git"]
        .into_iter()
        .filter(|program| {
            let output = std::process::Command::new(program)
                .arg("--version")
                .output();
            output.is_ok_and(|output| output.status.success() && seen.insert(output.stdout))
        })
        .map(PathBuf::from)
        .collect()
}

/// A program that writes down its arguments and environment and then is git.
pub(crate) struct Recorder {
    pub(crate) program: PathBuf,
    log: PathBuf,
}

/// One start of git.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started {
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
}

impl Started {
    /// The subcommand.
    pub(crate) fn action(&self) -> &str {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-c" => drop(args.next()),
                _ if arg.starts_with("--") => {}
                _ => return arg,
            }
        }
        ""
    }
}

impl Recorder {
    fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let (program, log) = (folder.join("git"), folder.join("log"));
        let script = format!(
            "{{ echo run; for a in \"$@\"; do printf 'arg\\t%s\\n' \"$a\"; done; env | sed 's/^/env\t/'; }} >> '{}'\n\
             exec git \"$@\"",
            log.display()
        );
        write_program(&program, &script);
        Self { program, log }
    }

    /// What was started since the last time.
    pub(crate) fn take(&self) -> Vec<Started> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let _ = std::fs::remove_file(&self.log);
        let mut all: Vec<Started> = Vec::new();
        for line in text.lines() {
            if line == "run" {
                all.push(Started::default());
            } else if let (Some(started), Some((kind, rest))) =
                (all.last_mut(), line.split_once('\t'))
            {
                match (kind, rest.split_once('=')) {
                    ("env", Some((name, value))) => {
                        started.env.push((name.to_owned(), value.to_owned()));
                    }
                    _ => started.args.push(rest.to_owned()),
                }
            }
        }
        all
    }

    /// The subcommands that were started since the last time.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.take()
            .iter()
            .map(|started| started.action().to_owned())
            .collect()
    }
}
