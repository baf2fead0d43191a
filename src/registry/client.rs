//! The entry of the module: every look-up begins here.

use super::doctor::Goal;
use super::endpoint::Endpoint;
use super::hosts::Hosts;
use super::{
    Credentials, DoctorStep, Head, HostSettings, ImageConfig, Index, Login, Manifest,
    ManifestReference, Provenance, RegistryError, RegistryOptions, Tags, config, doctor, manifests,
    metadata, provenance, tags,
};
use crate::image::{Digest, ImageName, RegistryHost};
use std::sync::Arc;

/// The registries that may be contacted; cheap to clone, and all clones share connections, tokens and limits.
#[derive(Clone)]
pub struct Registries(Arc<Hosts>);

impl Registries {
    /// Prepares the listed registries; nothing is sent yet. Fails only if a CA file or the system's CA certificates
    /// cannot be used.
    pub fn new(listed: Vec<HostSettings>, options: RegistryOptions) -> Result<Self, RegistryError> {
        Ok(Self(Arc::new(Hosts::new(listed, options)?)))
    }

    /// The complete list of an image's tags, in the registry's order, which has no meaning.
    pub async fn tags(
        &self,
        image: &ImageName,
        login: Option<&Login>,
    ) -> Result<Tags, RegistryError> {
        let endpoint = self.endpoint(image.host(), login)?;
        tags::list(&endpoint, image.path(), login).await
    }

    /// The digest that a tag points to now, or whether a digest is still served; `None` if not. Uses no pull quota on
    /// Docker Hub unless the registry leaves the digest out.
    pub async fn head(
        &self,
        image: &ImageName,
        login: Option<&Login>,
        wanted: impl Into<ManifestReference<'_>>,
    ) -> Result<Option<Head>, RegistryError> {
        let endpoint = self.endpoint(image.host(), login)?;
        manifests::head(&endpoint, image.path(), login, wanted.into()).await
    }

    /// A manifest whose bytes were hashed here; `None` if there is none. By digest it is requested once and kept.
    pub async fn manifest(
        &self,
        image: &ImageName,
        login: Option<&Login>,
        wanted: impl Into<ManifestReference<'_>>,
    ) -> Result<Option<Manifest>, RegistryError> {
        let endpoint = self.endpoint(image.host(), login)?;
        manifests::get(&endpoint, image.path(), login, wanted.into()).await
    }

    /// The configuration of an image, by the digest that its manifest names; `None` if there is none.
    pub async fn config(
        &self,
        image: &ImageName,
        login: Option<&Login>,
        digest: &Digest,
    ) -> Result<Option<ImageConfig>, RegistryError> {
        let endpoint = self.endpoint(image.host(), login)?;
        config::get(&endpoint, image.path(), login, digest).await
    }

    /// BuildKit's provenance of one image of an index; `None` if there is none. It is requested once and kept.
    pub async fn provenance(
        &self,
        image: &ImageName,
        login: Option<&Login>,
        index: &Index,
        about: &Digest,
    ) -> Result<Option<Provenance>, RegistryError> {
        let endpoint = self.endpoint(image.host(), login)?;
        provenance::get(&endpoint, image.path(), login, index, about).await
    }

    /// Checks the way to a registry, or to an image on it, step by step; stops at the first step that fails.
    pub async fn doctor(&self, goal: Goal<'_>, login: Option<&Login>) -> Vec<DoctorStep> {
        doctor::walk(&self.0, goal, login).await
    }

    /// The access tokens of the Google Cloud machine that imagebot runs on. `server` replaces the host of the metadata
    /// server.
    pub fn google_credentials(&self, server: Option<String>) -> Credentials {
        let hosts = Arc::clone(&self.0);
        Credentials::from_source(move || {
            let (hosts, server) = (Arc::clone(&hosts), server.clone());
            async move { metadata::token(hosts.options(), server.as_deref()).await }
        })
    }

    /// What the operator can do about an error; a line to add names the place of the host's settings.
    pub fn help(&self, error: &RegistryError) -> Option<String> {
        error.help_at(|host| self.0.line(host))
    }

    /// Adds a registry that a forge names as its own. If it is listed already, only the origins that may receive its
    /// login are added.
    pub fn list(&self, host: HostSettings) -> Result<(), RegistryError> {
        self.0.list(host)
    }

    /// The same registries for another pass: it tries again the hosts that were down or given up, and does not affect
    /// other passes.
    #[must_use]
    pub fn for_pass(&self) -> Self {
        Self(Arc::new(self.0.for_pass()))
    }

    fn endpoint(
        &self,
        host: &RegistryHost,
        login: Option<&Login>,
    ) -> Result<Arc<Endpoint>, RegistryError> {
        if let Some(login) = login {
            if let Some(known) = login.credentials.at_hand() {
                let redactor = &self.0.options().redactor;
                redactor.add_login(&known.username, &known.secret);
            }
            if login.host != *host {
                return Err(RegistryError::LoginElsewhere {
                    host: host.clone(),
                    login: login.host.clone(),
                });
            }
        }
        self.0.get(host, login.is_some())
    }
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registries")
    }
}
