//! Which login belongs to a registry or an image, and where it comes from.
//!
//! Each login is made once, so that its source is read once for all repositories. Nothing is read here but environment
//! variables and files; commands and helpers run when a registry wants a login.

use crate::config::{Config, LoginConfig, LoginSource, RegistryConfig, Secret, SecretError};
use crate::forge::RegistryLogin;
use crate::image::{ImageName, RegistryHost};
use crate::redact::Redactor;
use crate::registry::{
    Anonymous, CredentialError, CredentialResult, Credentials, DockerEntry, DockerFiles,
    DockerLogin, Helper, Helpers, Login, Registries, RegistryCredential, server_key,
};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The logins of a process. Clones share what was made.
#[derive(Clone)]
pub(super) struct Logins {
    files: Arc<DockerFiles>,
    helpers: Helpers,
    /// Whether helpers that docker's files name are run.
    with_docker_helpers: bool,
    made: Arc<Mutex<Made>>,
}

#[derive(Default)]
struct Made {
    /// By id, failures included: a problem is found once.
    logins: HashMap<String, Result<Login, Arc<SecretError>>>,
    /// What was reported already.
    reported: BTreeSet<String>,
}

/// What there is for an image.
#[derive(Debug, Clone)]
pub enum FoundLogin {
    /// No login.
    None,
    /// A login.
    Login(Login),
    /// Docker's files have one that is not used.
    Unusable(CredentialError),
}

impl Logins {
    pub(super) fn new(config: &Config, redactor: &Redactor) -> Self {
        let files = match &config.docker_config {
            Some(paths) => DockerFiles::read(paths.iter().cloned()),
            None => DockerFiles::of_user(),
        };
        for problem in files.problems() {
            tracing::warn!(%problem, "a file with docker's logins cannot be used; continuing without it");
        }
        Self {
            files: Arc::new(files),
            helpers: Helpers::new(redactor.clone()),
            with_docker_helpers: config.docker_helpers,
            made: Arc::default(),
        }
    }

    /// The files with docker's logins.
    pub(super) fn files(&self) -> &DockerFiles {
        &self.files
    }

    /// A login that was made before.
    pub(super) fn get(&self, id: &str) -> Option<Login> {
        self.made().logins.get(id)?.as_ref().ok().cloned()
    }

    /// The login of a `[[registry]]`.
    pub(super) fn configured(
        &self,
        registry: &RegistryConfig,
        login: &LoginConfig,
        registries: &Registries,
    ) -> Result<Login, Arc<SecretError>> {
        let host = &registry.host;
        let user = match &login.source {
            LoginSource::Password { username, .. } => username.as_str(),
            LoginSource::Helper(helper) => helper.as_str(),
            LoginSource::GoogleMetadata => "google",
        };
        let origin = origin_of(registry, login);
        self.make(format!("{user}@{host}"), |id| {
            let credentials = match &login.source {
                LoginSource::Password { username, password } => of_secret(username, password)?,
                LoginSource::Helper(helper) => self.of_helper(helper, server_key(host), true),
                LoginSource::GoogleMetadata => {
                    registries.google_credentials(std::env::var("GCE_METADATA_HOST").ok())
                }
            };
            Ok(Login {
                id,
                host: host.clone(),
                origin,
                credentials,
                anonymous: Anonymous::Never,
            })
        })
    }

    /// A login that reports, when it is read, why it could not be made.
    pub(super) fn failing(
        registry: &RegistryConfig,
        login: &LoginConfig,
        error: &SecretError,
    ) -> Login {
        let error = CredentialError::new(error.to_string());
        Login {
            id: String::new(),
            host: registry.host.clone(),
            origin: origin_of(registry, login),
            credentials: Credentials::from_source(move || std::future::ready(Err(error.clone()))),
            anonymous: Anonymous::Never,
        }
    }

    /// The login for an image in docker's and podman's files.
    pub(super) fn of_docker(&self, image: &ImageName) -> FoundLogin {
        let Some((file, entry)) = self.files.entry(image) else {
            return FoundLogin::None;
        };
        match self.usable(file, entry) {
            Ok(login) => FoundLogin::Login(login),
            Err(error) => {
                if self.made().reported.insert(error.what.clone()) {
                    let help = error.help.as_deref().unwrap_or_default();
                    tracing::warn!(host = %image.host(), %error, help, "docker's login for this registry is not used; continuing anonymously");
                }
                FoundLogin::Unusable(error)
            }
        }
    }

    fn usable(&self, file: &Path, entry: DockerEntry) -> Result<Login, CredentialError> {
        let file = file.display();
        let DockerEntry {
            key, host, path, ..
        } = entry;
        let (origin, anonymous, credentials) = match entry.login {
            DockerLogin::Here(credential) => (
                format!("{file}: auths {key:?}"),
                Anonymous::Never,
                Credentials::known(credential),
            ),
            DockerLogin::Helper(helper, of) if self.with_docker_helpers => (
                format!("{file}: {of}: {} get {key}", helper.program()),
                Anonymous::IfUnavailable,
                self.of_helper(&helper, key, false),
            ),
            DockerLogin::Helper(helper, of) => {
                let program = helper.program();
                let what =
                    format!("{file}: {of} names {program} for {key}, which is not allowed to run");
                let help = format!(
                    "add to config.toml: docker_helpers = true, or to the [[registry]] of {host}: login = {{ helper = \"{}\" }}",
                    helper.as_str()
                );
                return Err(CredentialError::new(what).with_help(help));
            }
            DockerLogin::Invalid(why) => {
                return Err(CredentialError::new(format!("{file}: {key:?}: {why}")));
            }
        };
        let made = self.make(format!("docker {host}/{path}"), |id| {
            Ok(Login {
                id,
                host,
                origin,
                credentials,
                anonymous,
            })
        });
        made.map_err(|error| CredentialError::new(error.to_string()))
    }

    /// The login for the forge's own registry: the token of the repository that needs it (T51). It was not configured
    /// for the registry, so a rejected login is treated as none.
    pub(super) fn of_forge(&self, host: &RegistryHost, login: &RegistryLogin) -> Login {
        let credential = RegistryCredential::password(&login.username, login.password.clone());
        let id = format!("{}@{host}", login.id);
        let made = Login {
            id: id.clone(),
            host: host.clone(),
            origin: "the forge's token".to_owned(),
            credentials: Credentials::known(credential),
            anonymous: Anonymous::IfRefused,
        };
        self.made().logins.insert(id, Ok(made.clone()));
        made
    }

    /// The credentials of a helper; having none is an error if the operator configured it for this registry.
    fn of_helper(&self, helper: &Helper, server: String, is_needed: bool) -> Credentials {
        let (helpers, helper) = (self.helpers.clone(), helper.clone());
        Credentials::from_source(move || {
            let (helpers, helper, server) = (helpers.clone(), helper.clone(), server.clone());
            async move {
                match helpers.get(&helper, &server).await {
                    Ok(None) if is_needed => {
                        let what = format!("{} has no login for {server}", helper.program());
                        Err(CredentialError::new(what))
                    }
                    given => given,
                }
            }
        })
    }

    fn make(
        &self,
        id: String,
        login: impl FnOnce(String) -> Result<Login, Arc<SecretError>>,
    ) -> Result<Login, Arc<SecretError>> {
        let mut made = self.made();
        let slot = made.logins.entry(id.clone());
        slot.or_insert_with(|| login(id)).clone()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the login of a `[[registry]]` is configured, and where it is kept.
fn origin_of(registry: &RegistryConfig, login: &LoginConfig) -> String {
    let kept = match &login.source {
        LoginSource::Password { username, password } => {
            format!("user {username}, password from {password}")
        }
        LoginSource::Helper(helper) => helper.program(),
        LoginSource::GoogleMetadata => "Google's metadata server".to_owned(),
    };
    match &registry.line {
        Some(line) => format!("{line}: {kept}"),
        None => kept,
    }
}

/// A password, which is read again if it is in a file or printed by a command.
fn of_secret(username: &str, password: &Secret) -> Result<Credentials, Arc<SecretError>> {
    let again = (username.to_owned(), password.clone());
    let source = move || of_command(again.clone());
    let Some(read) = password.at_hand() else {
        return Ok(Credentials::from_source(source));
    };
    password.warn();
    let first = RegistryCredential::password(username, read?);
    Ok(match password {
        Secret::File(_) => Credentials::starting_with(first, source),
        Secret::Env(_) | Secret::Command(_) => Credentials::known(first),
    })
}

async fn of_command((username, password): (String, Secret)) -> CredentialResult {
    let read = password.fetch().await;
    let read = read.map_err(|error| CredentialError::new(error.to_string()))?;
    Ok(Some(RegistryCredential::password(&username, read)))
}
