//! Makes the edges from the configuration: the registries, logins, forges and folders of a pass.

use super::cache::{self, Cache, Opened};
use super::error::SetupError;
use super::forges::servers;
use crate::config::{Config, ForgeConfig, LoginConfig, SecretError};
use crate::family::NO_REGISTRY;
use crate::fleet::Operator;
use crate::forge::{Forge, ForgeRegistry, Local, RegistryLogin};
use crate::git::Git;
use crate::http::{Clock, Gates, Origin};
use crate::image::{ImageName, RegistryHost};
use crate::plan::Lookup;
use crate::redact::Redactor;
use crate::registry::{
    DockerConfig, DockerLogin, HostSettings, Kept, Login, Registries, RegistryOptions, Unlisted,
    Validators,
};
use crate::repo::RepoName;
use crate::store::{Store, StoredAnswer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The fetched logins, by id.
type Logins = HashMap<String, Result<Login, Arc<SecretError>>>;

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
    docker: DockerConfig,
    /// The fetched logins, including failures, so that a secret command runs only once.
    logins: Arc<Mutex<Logins>>,
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
                    forges.extend(servers(server, &redactor, &clock, &gates)?);
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
            redactor,
            unlisted,
            docker: docker_config(),
            logins: Arc::default(),
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
        let listed = self
            .config
            .registries
            .iter()
            .find(|registry| registry.host == *image.host());
        if listed.is_none() && own.is_none() && self.unlisted == Unlisted::Refuse {
            return Ok(None);
        }
        let login = match listed
            .and_then(|registry| registry.login.as_ref())
            .filter(|login| serves(login, repo))
        {
            Some(login) => Some(self.fetch_login(image.host(), login)?),
            None => match own {
                Some(ForgeRegistry {
                    login: Some(login), ..
                }) => Some(forge_login(image.host(), login)),
                _ => login_of(&self.docker, &image),
            },
        };
        let login = login.map(|login| {
            let id: Arc<str> = Arc::from(login.id.as_str());
            self.logins
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(login.id.clone(), Ok(login));
            id
        });
        Ok(Some(Lookup { image, login }))
    }

    /// The login of a look-up.
    pub fn login(&self, lookup: &Lookup) -> Option<Login> {
        let id = lookup.login.as_deref()?;
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.get(id)?.as_ref().ok().cloned()
    }

    /// The login for a registry, regardless of the repositories that it is for.
    pub fn host_login(&self, host: &RegistryHost) -> Result<Option<Login>, Arc<SecretError>> {
        let mut registries = self.config.registries.iter();
        let listed = registries.find(|registry| registry.host == *host);
        match listed.and_then(|registry| registry.login.as_ref()) {
            Some(login) => self.fetch_login(host, login).map(Some),
            None => {
                let any = ImageName::parse(&format!("{host}/any")).ok();
                Ok(any.and_then(|image| login_of(&self.docker, &image)))
            }
        }
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

    fn fetch_login(
        &self,
        host: &RegistryHost,
        login: &LoginConfig,
    ) -> Result<Login, Arc<SecretError>> {
        let id = format!("{}@{host}", login.username);
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let fetch = || {
            let password = login.password.fetch().map_err(Arc::new)?;
            Ok(Login {
                id: id.clone(),
                host: host.clone(),
                username: login.username.clone(),
                password,
                optional: false,
            })
        };
        logins.entry(id.clone()).or_insert_with(fetch).clone()
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

/// The usable login for an image from docker's configuration, if any.
fn login_of(docker: &DockerConfig, image: &ImageName) -> Option<Login> {
    match docker.login(image) {
        DockerLogin::Login(login) => Some(login),
        DockerLogin::None => None,
        DockerLogin::Unsupported(why) => {
            tracing::warn!(host = %image.host(), %why, "docker's login for this registry is unusable; continuing anonymously");
            None
        }
    }
}

fn docker_config() -> DockerConfig {
    let folder = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker")));
    let Some(path) = folder.map(|folder| folder.join("config.json")) else {
        return DockerConfig::default();
    };
    let Ok(contents) = std::fs::read(&path) else {
        return DockerConfig::default();
    };
    DockerConfig::parse(&contents).unwrap_or_else(|error| {
        tracing::warn!(file = %path.display(), %error, "docker's configuration cannot be read; continuing without it");
        DockerConfig::default()
    })
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

/// The login for the forge's own registry: the token of the repository that needs it (T51). It was not configured for
/// the registry, so a rejected login is treated as none.
fn forge_login(host: &RegistryHost, login: &RegistryLogin) -> Login {
    Login {
        id: format!("{}@{host}", login.id),
        host: host.clone(),
        username: login.username.clone(),
        password: login.password.clone(),
        optional: true,
    }
}
