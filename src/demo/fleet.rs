//! The demo's fleet: repositories that depend on each other, a registry, CI, and imagebot.

use super::ci::{BuiltImage, CiError, DemoCi};
use super::layout::DemoRepository;
use super::publish::{PublishError, Publisher};
use crate::config;
use crate::forge::{Forge as _, ForgeError, KnownIds, Local, Repository};
use crate::git::{Git, GitError, Identity, Remote};
use crate::image::Digest;
use crate::redact::Redactor;
use crate::registry::Unlisted;
use crate::repo::{CiStatus, MergeRequestState, RepoGlobs};
use crate::run::{Checkpoint, Options, Report, Setup, SetupError, pass};
use jiff::Timestamp;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a fleet lives: its folder and its registry.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The folder for repositories, cache and configuration.
    pub folder: PathBuf,
    /// The registry's host; it speaks plain HTTP.
    pub registry: String,
    /// The registry's login: user, password, and the password as the configuration writes it.
    pub login: Option<(String, SecretString, String)>,
}

/// The repositories with their CI, and imagebot configured for them.
pub struct AssemblyLine {
    members: Vec<DemoRepository>,
    /// CI.
    pub ci: DemoCi,
    /// The forge.
    pub forge: Local,
    config: PathBuf,
    redactor: Redactor,
}

/// The events of one turn: a pass of imagebot, then CI and the reviewer.
#[derive(Debug)]
pub struct Turn {
    /// imagebot's report.
    pub report: Report,
    /// The merge requests that were tested: repository, number, title, state of CI.
    pub tested: Vec<(String, u64, String, CiStatus)>,
    /// The merge requests that were merged.
    pub merged: Vec<(String, u64)>,
    /// The merge requests that stay open because their tests failed in an earlier turn.
    pub red: Vec<(String, u64)>,
    /// What CI built after the merges: repository, number of the merge request, image.
    pub built: Vec<(String, u64, BuiltImage)>,
}

/// Why a turn cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The forge failed.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// CI failed.
    #[error(transparent)]
    Ci(#[from] CiError),
    /// The registry cannot be published to.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// imagebot cannot be prepared.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Problems),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// The repository does not exist.
    #[error("there is no repository {0}")]
    NoRepository(String),
}

impl AssemblyLine {
    /// Creates one repository for each member, its Dockerfile on its parent's first image, and builds every image once.
    pub async fn new(
        bench: &Bench,
        members: &[DemoRepository],
        redactor: &Redactor,
    ) -> Result<Self, LineError> {
        let io = |path: &Path| {
            let path = path.display().to_string();
            move |error| LineError::Io(path, error)
        };
        let repos = bench.folder.join("repos");
        std::fs::create_dir_all(&repos).map_err(io(&repos))?;
        let cache = bench.folder.join("cache");
        let identity = Identity {
            name: "a developer".to_owned(),
            email: "developer@example.com".to_owned(),
        };
        let git = Git::new(&cache, identity).await?;
        let login = bench
            .login
            .as_ref()
            .map(|(user, password, _)| (user.clone(), password.clone()));
        let publisher = Publisher::new(&bench.registry, login)?;
        let everything = RepoGlobs::parse(&["**"]).unwrap_or_default();
        let config = bench.folder.join("config.toml");
        std::fs::write(&config, configuration(bench, members)).map_err(io(&config))?;
        let mut line = Self {
            members: members.to_vec(),
            ci: DemoCi::new(git.clone(), publisher, &bench.registry),
            forge: Local::new(git.clone(), &repos, Vec::new(), everything),
            config,
            redactor: redactor.clone(),
        };
        let mut digests: BTreeMap<String, Digest> = BTreeMap::new();
        for member in members {
            let path = repos.join(format!("{}.git", member.name));
            git.init_bare(&path).await?;
            line.commit(&git, &path, &first_files(bench, member, &digests))
                .await?;
            for built in line.build(&member.name, 1).await? {
                let name = built.image.rsplit('/').next().unwrap_or_default();
                let name = name.split(':').next().unwrap_or_default();
                digests.insert(name.to_owned(), built.digest);
            }
        }
        Ok(line)
    }

    async fn commit(
        &self,
        git: &Git,
        path: &Path,
        files: &[(String, String)],
    ) -> Result<(), LineError> {
        let remote = Remote::local(path, &[])?;
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()))
            .collect();
        let commit = git
            .write_files(&remote, &files, None, "Add the first files\n")
            .await?;
        git.move_ref(&remote, "refs/heads/main", None, Some(&commit))
            .await?;
        Ok(())
    }

    /// The configuration's file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// A repository in its present state.
    pub async fn repository(&self, name: &str) -> Result<Repository, LineError> {
        let listing = self.forge.discover(&KnownIds::new()).await?;
        let found = listing
            .repositories
            .into_iter()
            .find(|repo| repo.name.as_str() == name);
        found.ok_or_else(|| LineError::NoRepository(name.to_owned()))
    }

    /// Makes CI build a repository's default branch and publish its next version.
    pub async fn build(&mut self, name: &str, bump: usize) -> Result<Vec<BuiltImage>, LineError> {
        self.pipeline(name, bump, true).await
    }

    /// CI builds a repository's default branch: all images, or those that changed since the last build.
    async fn pipeline(
        &mut self,
        name: &str,
        bump: usize,
        all: bool,
    ) -> Result<Vec<BuiltImage>, LineError> {
        let repo = self.repository(name).await?;
        let member = self.members.iter().find(|member| member.name == name);
        let (Some((_, head)), Some(member)) = (&repo.head, member) else {
            return Err(LineError::NoRepository(name.to_owned()));
        };
        let built = self.ci.build(&repo, member, head, bump, all).await?;
        self.forge.set_ci(&repo, head, CiStatus::Passed).await?;
        Ok(built)
    }

    /// Makes CI test failed merge requests again.
    pub async fn test_again(&mut self, name: &str) -> Result<(), LineError> {
        let repo = self.repository(name).await?;
        for head in repo.branches.iter().flat_map(BTreeMap::values) {
            self.forge.set_ci(&repo, head, CiStatus::Running).await?;
        }
        Ok(())
    }

    /// Makes one pass of imagebot, as `imagebot run` does.
    pub async fn pass(&self, now: Timestamp, checkpoint: Checkpoint) -> Result<Report, LineError> {
        let text = std::fs::read_to_string(&self.config)
            .map_err(|error| LineError::Io(self.config.display().to_string(), error))?;
        let folder = self.config.parent().unwrap_or(Path::new("."));
        let config = config::parse(&self.config.display().to_string(), &text, folder)?;
        let setup = Arc::new(Setup::new(config, Unlisted::Refuse, self.redactor.clone()).await?);
        let options = Options {
            dry_run: false,
            force: false,
            only: None,
            now,
            progress: Arc::new(()),
            checkpoint,
            traces: false,
        };
        Ok(pass(&setup, &options).await)
    }

    /// One pass; then CI tests the open merge requests, the reviewer merges green ones, at most `most`, and CI builds
    /// what was merged.
    pub async fn turn(&mut self, now: Timestamp, most: usize) -> Result<Turn, LineError> {
        let report = self.pass(now, Checkpoint::default()).await?;
        let mut turn = Turn {
            report,
            tested: Vec::new(),
            merged: Vec::new(),
            red: Vec::new(),
            built: Vec::new(),
        };
        for member in self.members.clone() {
            let repo = self.repository(&member.name).await?;
            for mr in self.forge.all(&repo).await? {
                let Some(head) = repo
                    .branches
                    .as_ref()
                    .and_then(|branches| branches.get(&mr.source))
                    .filter(|_| mr.state == MergeRequestState::Open)
                else {
                    continue;
                };
                let state = match self.forge.commit_ci(&repo, head).await? {
                    CiStatus::Failed => {
                        turn.red.push((member.name.clone(), mr.number));
                        continue;
                    }
                    CiStatus::Passed => CiStatus::Passed,
                    _ => {
                        let state = self.ci.test(&self.forge, &repo, &member, head).await?;
                        let tested = (member.name.clone(), mr.number, mr.title.clone(), state);
                        turn.tested.push(tested);
                        state
                    }
                };
                if state == CiStatus::Passed && turn.merged.len() < most {
                    self.forge.merge_now(&repo, mr.number).await?;
                    turn.merged.push((member.name.clone(), mr.number));
                    let built = self.pipeline(&member.name, 2, false).await?.into_iter();
                    turn.built
                        .extend(built.map(|built| (member.name.clone(), mr.number, built)));
                }
            }
        }
        Ok(turn)
    }
}

/// The first files of a repository, on the first versions of its parents.
fn first_files(
    bench: &Bench,
    member: &DemoRepository,
    digests: &BTreeMap<String, Digest>,
) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut own = String::new();
    for image in &member.images {
        let mut dockerfile = String::new();
        for (index, parent) in image.parents.iter().enumerate() {
            // An image that is built in the same commit has no digest yet.
            let digest = digests.get(parent).map(|digest| format!("@{digest}"));
            let parent = format!(
                "{}/acme/{parent}:1.0.0{}",
                bench.registry,
                digest.unwrap_or_default()
            );
            dockerfile.push_str(&match index {
                0 => format!("FROM {parent}\n"),
                _ => format!("COPY --from={parent} /opt /opt\n"),
            });
        }
        match image.parents.is_empty() {
            true => dockerfile.push_str("FROM scratch\nCOPY rootfs /\n"),
            false => dockerfile.push_str(&format!("RUN make {}\n", image.name)),
        }
        files.push((member.path(image, "Dockerfile"), dockerfile));
        if member.is_many() {
            let (registry, name) = (&bench.registry, &image.name);
            files.push((member.path(image, "VERSION"), "1.0.0\n".to_owned()));
            own.push_str(&format!(
                "[[image]]\nname = \"{registry}/acme/{name}\"\ncontext = \"{name}\"\nversion_file = \"{name}/VERSION\"\n\
                 bump = \"patch\"\n\n"
            ));
        }
    }
    if !own.is_empty() {
        files.push(("imagebot.toml".to_owned(), own));
    }
    files
}

fn configuration(bench: &Bench, members: &[DemoRepository]) -> String {
    let registry = &bench.registry;
    let publishes = members.iter().flat_map(|member| {
        let images = member.images.iter();
        images.map(move |image| {
            format!(
                "  {{ repo = {:?}, images = [\"{registry}/acme/{}\"] }},\n",
                member.name, image.name
            )
        })
    });
    let publishes: String = publishes.collect();
    let login = match &bench.login {
        Some((user, _, password)) => {
            format!("login = {{ username = {user:?}, password = {password} }}\n")
        }
        None => String::new(),
    };
    format!(
        "# The demo's configuration: a folder of bare repositories and a registry on this machine.\n\
         cache = \"cache\"\n\
         public_registries = false\n\n\
         [[forge]]\nkind = \"local\"\npath = \"repos\"\n\
         publishes = [\n{publishes}]\n\n\
         [[registry]]\nhost = {:?}\nplain_http = true\n{login}\n\
         [defaults]\ndigest = \"refresh\"\n",
        bench.registry
    )
}
