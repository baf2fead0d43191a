//! A small world: a registry, a folder of bare repositories, people who commit, and the bot.

use super::bare::{git, refs};
use super::canary;
use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use super::fake_registry::FakeRegistry;
use super::forge::{On, TestForge};
use super::images::Server;
use imagebot::config;
use imagebot::http::Clock;
use imagebot::image::Digest;
use imagebot::redact::Redactor;
use imagebot::registry::Unlisted;
use imagebot::repo::{MergeRequest, MergeRequestState, RepoGlobs};
use imagebot::run::{
    Cache, Checkpoint, Options, Report, RepositoryReport, Setup, SetupError, pass,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// A registry, repositories and the bot's configuration. On drop, nothing that was written may hold a canary.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) server: Arc<Server>,
    pub(crate) forge: TestForge,
    clock: AtomicU32,
    /// Hours that have passed.
    hours: AtomicU32,
    texts: Mutex<Vec<String>>,
}

/// A file of a commit: path, mode, contents.
pub(crate) type Written<'a> = (&'a str, &'a str, &'a [u8]);

impl World {
    /// With a registry that can be made to go wrong, and repositories in a folder.
    pub(crate) async fn new() -> Self {
        Self::on(On::Local).await
    }

    /// With a registry that can be made to go wrong, and repositories on a forge.
    pub(crate) async fn on(on: On) -> Self {
        Self::with(Server::Fake(FakeRegistry::start().await), on).await
    }

    /// With Debian's registry, open to everyone; `None` if it is not installed.
    pub(crate) async fn debian() -> Option<Self> {
        Self::debian_on(On::Local).await
    }

    /// With Debian's registry, open to everyone, and repositories on a forge; `None` if it is not installed.
    pub(crate) async fn debian_on(on: On) -> Option<Self> {
        let registry = DockerRegistry::start(false)?;
        Some(Self::with(Server::Open(registry), on).await)
    }

    /// With Debian's registry and a login; `None` if it is not installed.
    pub(crate) async fn login() -> Option<Self> {
        let registry = DockerRegistry::start(true)?;
        Some(Self::with(Server::Login(registry), On::Local).await)
    }

    async fn with(server: Server, on: On) -> Self {
        let server = Arc::new(server);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let forge = TestForge::new(on, folder.path()).await;
        let world = Self::at(folder, server, forge);
        world.configure("");
        world
    }

    fn at(folder: tempfile::TempDir, server: Arc<Server>, forge: TestForge) -> Self {
        imagebot::http::install_crypto();
        let _ = log();
        Self {
            folder,
            server,
            forge,
            clock: AtomicU32::new(0),
            hours: AtomicU32::new(0),
            texts: Mutex::default(),
        }
    }

    /// Another world with the same registry, repositories and configuration, and without any cache.
    pub(crate) async fn fork(&self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let forge = self.forge.fork(folder.path()).await;
        let other = Self::at(folder, Arc::clone(&self.server), forge);
        other
            .hours
            .store(self.hours.load(Ordering::Relaxed), Ordering::Relaxed);
        let config = std::fs::read_to_string(self.config()).expect("the configuration");
        let config = config.replace(&self.forge.config(), &other.forge.config());
        std::fs::write(other.config(), config).expect("written");
        other.secret();
        other
    }

    /// Writes the configuration, with more of it behind.
    pub(crate) fn configure(&self, more: &str) {
        let login = match &*self.server {
            Server::Login(_) => {
                format!("login = {{ username = \"{USER}\", password = {{ file = \"secret\" }} }}\n")
            }
            _ => String::new(),
        };
        self.configure_all(&format!(
            "[[registry]]\nhost = \"{}\"\nplain_http = true\nrate = \"10000/s\"\n{login}\n{more}",
            self.server.host()
        ));
    }

    /// Writes the configuration of a family: every repository publishes `acme/<its name>`.
    pub(crate) fn configure_family(&self, more: &str) {
        self.configure_family_of("", more);
    }

    /// The same with more about the forge.
    pub(crate) fn configure_family_of(&self, of_forge: &str, more: &str) {
        let host = self.server.host();
        let forge = self.forge.config();
        let publishes =
            format!("publishes = [{{ repo = \"**\", images = [\"{host}/acme/{{name}}\"] }}]");
        let registry = format!(
            "[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n\n{more}"
        );
        self.configure_forge(&format!("{forge}\n{publishes}\n{of_forge}"), &registry);
    }

    /// Writes the configuration with these registries and rules.
    pub(crate) fn configure_all(&self, rest: &str) {
        self.configure_forge(&self.forge.config(), rest);
    }

    /// Writes the configuration with this `[[forge]]`, and registries and rules.
    pub(crate) fn configure_forge(&self, forge: &str, rest: &str) {
        self.secret();
        let text = format!("cache = \"cache\"\npublic_registries = false\n\n{forge}\n{rest}");
        std::fs::write(self.config(), text).expect("written");
    }

    /// Writes a secret to a file that holds nothing else.
    pub(crate) fn write_secret(&self, name: &str, secret: &str) {
        let path = self.path(name);
        std::fs::write(&path, secret).expect("written");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).expect("set");
    }

    fn secret(&self) {
        self.write_secret("secret", PASSWORD);
        if let Some(token) = self.forge.token() {
            self.write_secret("token", &token);
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    pub(crate) fn dir(&self, repo: &str) -> PathBuf {
        self.forge.dir(repo)
    }

    /// An image of the registry as a Dockerfile names it.
    pub(crate) fn image(&self, path: &str) -> String {
        format!("{}/{path}", self.server.host())
    }

    /// Pushes an image whose contents are its tag.
    pub(crate) async fn push(&self, path: &str, tag: &str) -> Digest {
        self.server
            .image(path, Some(tag), &format!("{path} {tag}"), "linux/amd64")
            .await
    }

    /// Pushes other contents under a tag.
    pub(crate) async fn move_tag(&self, path: &str, tag: &str, contents: &str) -> Digest {
        self.server
            .image(path, Some(tag), contents, "linux/amd64")
            .await
    }

    /// Makes a repository with a Dockerfile.
    pub(crate) fn repo(&self, name: &str, dockerfile: &str) {
        self.forge.create(name);
        self.commit(name, "Dockerfile", dockerfile);
    }

    /// Commits a file to `main`.
    pub(crate) fn commit(&self, repo: &str, path: &str, contents: &str) -> String {
        let files = [(path, "100644", contents.as_bytes())];
        self.commit_files(repo, "main", &files, "A person's commit\n")
    }

    /// Commits files to a branch; the new head.
    pub(crate) fn commit_files(
        &self,
        repo: &str,
        branch: &str,
        files: &[Written<'_>],
        message: &str,
    ) -> String {
        let time = 1_700_000_000 + self.clock.fetch_add(1, Ordering::Relaxed);
        let mut input = format!(
            "commit refs/heads/{branch}\ncommitter a developer <dev@example.com> {time} +0000\ndata {}\n{message}\n",
            message.len()
        )
        .into_bytes();
        if self.head(repo, branch).is_some() {
            input.extend(format!("from refs/heads/{branch}^0\n").bytes());
        }
        for (path, mode, contents) in files {
            input.extend(format!("M {mode} inline {path:?}\ndata {}\n", contents.len()).bytes());
            input.extend_from_slice(contents);
            input.push(b'\n');
        }
        self.forge.with_git(repo, |dir| {
            git(Some(dir), &["fast-import", "--quiet", "--force"], &input)
        });
        self.head(repo, branch).expect("the branch is there")
    }

    /// The head of a branch.
    pub(crate) fn head(&self, repo: &str, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        refs(&self.dir(repo)).remove(&name)
    }

    /// A file at a branch.
    pub(crate) fn file(&self, repo: &str, branch: &str, path: &str) -> String {
        let name = format!("refs/heads/{branch}:{path}");
        String::from_utf8(git(
            Some(&self.dir(repo)),
            &["cat-file", "blob", &name],
            b"",
        ))
        .expect("text")
    }

    /// The commits of a branch that are not on `main`.
    pub(crate) fn commits(&self, repo: &str, branch: &str) -> Vec<String> {
        let range = format!("main..refs/heads/{branch}");
        let output = git(Some(&self.dir(repo)), &["rev-list", &range], b"");
        String::from_utf8(output)
            .expect("text")
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Moves or deletes a branch by hand.
    pub(crate) fn reset(&self, repo: &str, branch: &str, to: Option<&str>) {
        let name = format!("refs/heads/{branch}");
        self.forge.with_git(repo, |dir| match to {
            Some(to) => git(Some(dir), &["update-ref", &name, to], b""),
            None => git(Some(dir), &["update-ref", "-d", &name], b""),
        });
    }

    /// All refs of all repositories.
    pub(crate) async fn refs(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for repo in self.forge.repos().await {
            let found = refs(&self.dir(&repo)).into_iter();
            all.extend(found.map(|(name, id)| (format!("{repo} {name}"), id)));
        }
        all
    }

    /// The full names of a repository's refs.
    pub(crate) fn refs_of(&self, repo: &str) -> Vec<String> {
        refs(&self.dir(repo)).into_keys().collect()
    }

    /// All merge requests of a repository.
    pub(crate) async fn mrs(&self, repo: &str) -> Vec<MergeRequest> {
        self.forge.mrs(repo).await
    }

    /// The open merge requests of a repository.
    pub(crate) async fn open_mrs(&self, repo: &str) -> Vec<MergeRequest> {
        let mut all = self.mrs(repo).await;
        all.retain(|mr| mr.state == MergeRequestState::Open);
        all
    }

    /// The one open merge request of a repository.
    pub(crate) async fn mr(&self, repo: &str) -> MergeRequest {
        let mut open = self.open_mrs(repo).await;
        assert_eq!(open.len(), 1, "{open:?}");
        open.remove(0)
    }

    pub(crate) async fn merge(&self, repo: &str, number: u64) {
        self.forge.merge(repo, number).await;
    }

    pub(crate) async fn close(&self, repo: &str, number: u64) {
        self.forge.close(repo, number).await;
    }

    pub(crate) async fn comments(&self, repo: &str, number: u64) -> String {
        self.forge.comments(repo, number).await
    }

    /// What people see of the forge: branches with their commits, merge requests with everything in them.
    pub(crate) async fn state(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .refs()
            .await
            .iter()
            .filter(|(name, _)| name.contains(" refs/heads/"))
            .map(|(name, id)| format!("{name} {id}"))
            .collect();
        for repo in self.forge.repos().await {
            for mr in self.mrs(&repo).await {
                let comments = self.comments(&repo, mr.number).await;
                let worn = self.forge.worn(&repo, mr.number);
                lines.push(format!("{repo} {mr:?} {worn} {comments}"));
            }
            lines.extend(self.forge.notices(&repo).await);
        }
        lines
    }

    /// A pass that must find nothing wrong.
    pub(crate) async fn pass(&self) -> Report {
        let report = self.any_pass().await;
        assert!(!report.failed(), "{report:#?}");
        report
    }

    /// A pass, whatever comes of it.
    pub(crate) async fn any_pass(&self) -> Report {
        self.pass_with(Checkpoint::default()).await
    }

    pub(crate) async fn pass_with(&self, checkpoint: Checkpoint) -> Report {
        self.pass_of(checkpoint, None).await
    }

    /// A pass of another bot, which has its cache elsewhere.
    pub(crate) async fn pass_in(&self, cache: &Path) -> Report {
        self.pass_of(Checkpoint::default(), Some(cache)).await
    }

    async fn pass_of(&self, checkpoint: Checkpoint, cache: Option<&Path>) -> Report {
        let setup = self.set_up(cache).await.expect("a set-up");
        self.pass_by(setup, checkpoint).await
    }

    /// What a pass works with, or why there is none; with the cache elsewhere, where that is told.
    pub(crate) async fn set_up(&self, cache: Option<&Path>) -> Result<Setup, SetupError> {
        let text = std::fs::read_to_string(self.config()).expect("the configuration");
        let mut config = config::parse("config.toml", &text, self.folder.path())
            .unwrap_or_else(|problems| panic!("{problems}"));
        if let Some(cache) = cache {
            config.cache = Some(cache.to_owned());
        }
        let clock = Clock::manual(self.now());
        let mut setup = Setup::with_clock(
            config,
            Unlisted::Refuse,
            Redactor::new(),
            clock,
            Cache::Needed,
        )
        .await?;
        // Nobody waits here, neither for servers nor before git is tried again.
        setup.git = setup.git.map(|git| git.with_pause(Duration::ZERO));
        Ok(setup)
    }

    /// How passes are made here.
    pub(crate) fn options(&self, only: Option<RepoGlobs>) -> Options {
        Options {
            dry_run: false,
            force: false,
            only,
            now: self.now(),
            progress: Arc::new(()),
            checkpoint: Checkpoint::default(),
            traces: true,
        }
    }

    /// A pass with what was set up.
    pub(crate) async fn pass_by(&self, setup: Setup, checkpoint: Checkpoint) -> Report {
        let options = Options {
            checkpoint,
            ..self.options(None)
        };
        let report = pass(&Arc::new(setup), &options).await;
        self.note(format!("{report:?}"));
        self.note(serde_json::to_string(&report).expect("a report is JSON"));
        report
    }

    /// Removes everything that the bot remembers on this machine.
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(self.path("cache")).expect("the cache was there");
    }

    /// Now; it stands still unless it is told to go on.
    pub(crate) fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let hours = self.hours.load(Ordering::Relaxed);
        start + jiff::SignedDuration::from_hours(hours.into())
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, hours: u32) {
        self.hours.fetch_add(hours, Ordering::Relaxed);
    }

    /// Keeps a text for the search at the end.
    pub(crate) fn note(&self, text: String) {
        lock(&self.texts).push(text);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let fired = self.forge.fired();
        assert!(fired.is_empty(), "a text did something: {fired:?}");
        let mut places = self.leaks();
        let lines = std::mem::take(&mut *lock(log()));
        for text in lock(&self.texts)
            .iter()
            .map(String::as_bytes)
            .chain([lines.as_slice()])
        {
            places.extend(
                canary::found(text)
                    .iter()
                    .map(|form| format!("{form} in {}", String::from_utf8_lossy(text))),
            );
        }
        assert!(places.is_empty(), "a credential stands in: {places:#?}");
    }
}

/// The report of one repository.
#[track_caller]
pub(crate) fn of<'a>(report: &'a Report, repo: &str) -> &'a RepositoryReport {
    let is = |name: &str| name == repo || name.strip_prefix("team/") == Some(repo);
    let found = report.repositories.iter().find(|r| is(&r.repo));
    found.unwrap_or_else(|| panic!("{repo} is not in {report:#?}"))
}

/// How the proposals of a repository stand.
#[track_caller]
pub(crate) fn statuses(report: &Report, repo: &str) -> Vec<&'static str> {
    of(report, repo)
        .proposals
        .iter()
        .map(|proposal| proposal.status)
        .collect()
}

/// Why its references were decided as they were.
#[track_caller]
pub(crate) fn reasons(report: &Report, repo: &str) -> Vec<&'static str> {
    of(report, repo)
        .decisions
        .iter()
        .map(|decision| decision.reason)
        .collect()
}

/// The codes of what went wrong with it.
#[track_caller]
pub(crate) fn problems<'a>(report: &'a Report, repo: &str) -> Vec<&'a str> {
    of(report, repo)
        .problems
        .iter()
        .map(|problem| problem.code.as_str())
        .collect()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that any test of this binary logs, at the finest level; searched by whichever test ends next.
fn log() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Tap)
            .init();
        Mutex::default()
    })
}

struct Tap;

impl std::io::Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(log()).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
