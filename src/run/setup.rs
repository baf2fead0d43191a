//! Makes the edges from the configuration: the registries, logins, forges and folders of a pass.

use super::cache::{self, Cache, Opened};
use super::error::SetupError;
use super::forges::servers;
use super::logins::{FoundLogin, Logins};
use crate::config::{Config, ForgeConfig, LoginConfig, RegistryConfig, SecretError};
use crate::family::NO_REGISTRY;
use crate::fleet::Operator;
use crate::forge::{Forge, ForgeRegistry, Local};
use crate::git::Git;
use crate::http::{Clock, Gates, Origin};
use crate::image::{ImageName, RegistryHost};
use crate::plan::Lookup;
use crate::redact::Redactor;
use crate::registry::{
    DockerFiles, HostSettings, Kept, Login, Registries, RegistryError, RegistryOptions, Unlisted,
    Validators,
};
use crate::repo::RepoName;
use crate::store::{Store, StoredAnswer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that a pass works with.
#[derive(Clone)]
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The part of the configuration that the core needs.
    pub operator: Arc<Operator>,
    /// The registry clients.
    pub registries: Registries,
    /// The facts remembered between passes.
    pub store: Store,
    /// The folder for caches.
    pub cache: PathBuf,
    /// The temporary folder, if the cache is in one.
    _own_cache: Option<Arc<tempfile::TempDir>>,
    /// The forge clients.
    pub forges: Vec<Arc<dyn Forge>>,
    /// The rate limits of the forges' servers.
    gates: Gates,
    /// The local forges, for `imagebot mr`.
    pub local: Vec<Local>,
    /// The git client; `None` without a forge.
    pub git: Option<Git>,
    /// Removes secrets from all outside text before it is written anywhere.
    pub redactor: Redactor,
    /// Whether registries that are not configured may be contacted, as without any configuration.
    pub unlisted: Unlisted,
    logins: Logins,
}

impl Setup {
    /// Prepares everything without contacting a server.
    pub async fn new(
        config: Config,
        unlisted: Unlisted,
        redactor: Redactor,
    ) -> Result<Self, SetupError> {
        let clock = Clock::system();
        Self::with_clock(config, unlisted, redactor, clock, Cache::Needed).await
    }

    /// Like [`Self::new`], for a command that only reads and works without a cache.
    pub async fn to_read(
        config: Config,
        unlisted: Unlisted,
        redactor: Redactor,
    ) -> Result<Self, SetupError> {
        let clock = Clock::system();
        Self::with_clock(config, unlisted, redactor, clock, Cache::Helpful).await
    }

    /// Like [`Self::new`], with another clock for all waiting, so that tests don't take real time.
    pub async fn with_clock(
        config: Config,
        unlisted: Unlisted,
        redactor: Redactor,
        clock: Clock,
        cache: Cache,
    ) -> Result<Self, SetupError> {
        let folder = config.cache.clone().unwrap_or_else(default_cache);
        // git runs in another directory, where a relative path would mean a different folder.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let Opened {
            folder: cache,
            store,
            own,
        } = cache::open(folder, cache)?;
        let store = store.with_redactor(redactor.clone());
        let (mut forges, mut local) = (Vec::new(), Vec::new());
        let gates = Gates::new();
        let mut git = None;
        for forge in &config.forges {
            let git = match &git {
                Some(git) => git,
                None => {
                    let made = Git::new(&cache, config.git.clone()).await?;
                    let time = config.budget.git_time;
                    git.insert(made.with_redactor(redactor.clone()).with_time(time))
                }
            };
            match forge {
                ForgeConfig::Local {
                    path,
                    owners,
                    repos,
                } => {
                    let made = Local::new(git.clone(), path, owners.clone(), repos.clone());
                    forges.push(Arc::new(made.clone()) as Arc<dyn Forge>);
                    local.push(made);
                }
                ForgeConfig::Server(server) => {
                    forges.extend(servers(server, &redactor, &clock, &gates).await?);
                }
            }
        }
        let options = RegistryOptions {
            unlisted,
            validators: validators(&store),
            redactor: redactor.clone(),
            clock,
            ..RegistryOptions::default()
        };
        let registries = Registries::new(hosts(&config), options)?;
        Ok(Self {
            registries,
            store,
            cache,
            _own_cache: own.map(Arc::new),
            forges,
            gates,
            local,
            git,
            logins: Logins::new(&config, &redactor),
            redactor,
            unlisted,
            operator: Arc::new(config.operator()),
            config,
        })
    }

    /// A copy for one pass, with its own state of registries and forges.
    pub(super) fn for_pass(&self) -> Arc<Self> {
        let gates = self.gates.for_pass();
        let forges = self.forges.iter().map(|forge| forge.for_pass(&gates));
        Arc::new(Self {
            forges: forges.collect(),
            registries: self.registries.for_pass(),
            ..self.clone()
        })
    }

    /// The look-up for an image on behalf of a repository: aliases resolved, with the login for it. `None` if its
    /// registry may not be contacted.
    pub fn lookup(
        &self,
        image: &ImageName,
        repo: Option<&RepoName>,
        own: Option<&ForgeRegistry>,
    ) -> Result<Option<Lookup>, Arc<SecretError>> {
        let image = self.resolve(image);
        if image.host().as_str() == NO_REGISTRY {
            return Ok(None);
        }
        let own = own.filter(|own| own.host == *image.host());
        let listed = self.listed(image.host());
        if listed.is_none() && own.is_none() && self.unlisted == Unlisted::Refuse {
            return Ok(None);
        }
        let login = match (self.configured(&image, repo)?, own) {
            (Some(login), _) => Some(login),
            (
                None,
                Some(ForgeRegistry {
                    login: Some(login), ..
                }),
            ) => Some(self.logins.of_forge(image.host(), login)),
            // Hosts that are not listed are contacted anonymously.
            (None, None) if listed.is_none() => None,
            _ => match self.logins.of_docker(&image) {
                FoundLogin::Login(login) => Some(login),
                FoundLogin::None | FoundLogin::Unusable(_) => None,
            },
        };
        let login = login.map(|login| Arc::from(login.id));
        Ok(Some(Lookup { image, login }))
    }

    /// The login of a look-up.
    pub fn login(&self, lookup: &Lookup) -> Option<Login> {
        self.logins.get(lookup.login.as_deref()?)
    }

    /// The login for an image, regardless of the repositories that it is for. One that could not be made fails when it
    /// is read.
    pub fn login_for(&self, image: &ImageName) -> FoundLogin {
        let registry = self.listed(image.host());
        let login = registry.and_then(|registry| Some((registry, registry.login.as_ref()?)));
        match login {
            Some((registry, login)) => {
                let made = self.logins.configured(registry, login, &self.registries);
                let failing = |error: Arc<SecretError>| Logins::failing(registry, login, &error);
                FoundLogin::Login(made.unwrap_or_else(failing))
            }
            None => self.logins.of_docker(image),
        }
    }

    /// The files with docker's logins.
    pub fn docker_files(&self) -> &DockerFiles {
        self.logins.files()
    }

    /// What the operator can do about a failed look-up; a line to add names the `[[registry]]` that it belongs to.
    pub fn help(&self, error: &RegistryError) -> Option<String> {
        self.registries.help(error)
    }

    /// The `[[registry]]` of a host.
    fn listed(&self, host: &RegistryHost) -> Option<&RegistryConfig> {
        let mut registries = self.config.registries.iter();
        registries.find(|registry| registry.host == *host)
    }

    /// The login of the image's `[[registry]]`, if it serves the repository.
    fn configured(
        &self,
        image: &ImageName,
        repo: Option<&RepoName>,
    ) -> Result<Option<Login>, Arc<SecretError>> {
        let Some(registry) = self.listed(image.host()) else {
            return Ok(None);
        };
        let login = registry.login.as_ref();
        login
            .filter(|login| serves(login, repo))
            .map(|login| self.logins.configured(registry, login, &self.registries))
            .transpose()
    }

    /// Adds a forge's own registry, with the forge as the token service that may receive its login.
    pub(super) fn list_registry(&self, registry: &ForgeRegistry) {
        let mut settings = HostSettings::new(registry.host.clone());
        settings.auth_realms.extend(registry.realm.clone());
        // If the forge is used without TLS, so is its registry.
        let plain = |realm: &Origin| !realm.is_https();
        settings.plain_http = registry.realm.as_ref().is_some_and(plain);
        if let Err(error) = self.registries.list(settings) {
            tracing::warn!(host = %registry.host, %error, "the forge's own registry is unavailable");
        }
    }

    /// An image's name in its registry: aliases resolved.
    pub fn resolve(&self, image: &ImageName) -> ImageName {
        self.operator.resolve(image)
    }
}

/// Whether a login is for a repository. One with globs is for the repositories that match, but for no plain folder.
fn serves(login: &LoginConfig, repo: Option<&RepoName>) -> bool {
    match &login.repos {
        None => true,
        Some(globs) => repo.is_some_and(|repo| globs.select(repo)),
    }
}

fn hosts(config: &Config) -> Vec<HostSettings> {
    config
        .registries
        .iter()
        .map(|registry| HostSettings {
            plain_http: registry.plain_http,
            ca_file: registry.ca_file.clone(),
            auth_realms: registry.auth_realms.clone(),
            limits: registry.limits,
            rebase_links: registry.rebase_links,
            redirects: registry.redirects.clone(),
            line: registry.line.as_ref().map(ToString::to_string),
            ..HostSettings::new(registry.host.clone())
        })
        .collect()
}

fn validators(store: &Store) -> Validators {
    let (reader, writer) = (store.clone(), store.clone());
    Validators::new(
        move |key| {
            let StoredAnswer {
                etag,
                media_type,
                next,
                body,
            } = reader.answer(key)?;
            Some(Kept {
                etag,
                media_type,
                next,
                body: body.into(),
            })
        },
        move |key,
              Kept {
                  etag,
                  media_type,
                  next,
                  body,
              }| {
            writer.keep_answer(
                key,
                &StoredAnswer {
                    etag,
                    media_type,
                    next,
                    body: body.to_vec(),
                },
            );
        },
    )
}

/// `$XDG_CACHE_HOME/imagebot`, or `~/.cache/imagebot`, or a folder in the temporary directory.
fn default_cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    base.or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("imagebot")
}
