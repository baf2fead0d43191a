//! OCI distribution: tags, digests, manifests and image configurations, read and never written.
//!
//! A thin client of our own on [`crate::http`]: `oci-client`'s hides the headers of answers (`Link`, `ETag`,
//! `Retry-After`), tries again without a login after one was refused, and has no single flight. What a registry says
//! about other places (the next page, a token service, a redirect) is a hint: same origin, or listed by the operator,
//! or an error; never an answer cut short. Hosts are exact; a host that is not listed is not contacted at all, or only
//! at public addresses ([`Unlisted`]).
//!
//! Built from the distribution specification and from what the products really do:
//! - Pages follow `Link: rel="next"`. Only the query of the link is used, appended to the URL of the request:
//!   Artifactory leaves its repository's prefix out of the link (RTFACT-18971), and a path that the server chooses is
//!   of no use otherwise.
//! - A full page without a `Link` is followed by a request with `last=`, once per new page. docker-registry 2.8 ignores
//!   `n` and `last` and lists unsorted, so a page without new names ends the list.
//! - A digest is computed from the received bytes. A header is compared with it, not trusted.
//! - Docker Hub counts every `GET` of a manifest and no `HEAD`; when the quota is used up, only the former are refused.
//! - Anonymous first: credentials are sent only on request, to the registry itself or to an allowed realm.
//!
//! Not here: which login covers which repository, whether credential helpers may be run, and what a failure means for a
//! decision (`plan`).

mod answer;
mod auth;
mod blob;
mod challenge;
mod client;
mod config;
mod credentials;
mod docker_config;
mod docker_files;
mod doctor;
mod endpoint;
mod error;
mod helper;
mod hosts;
mod link;
mod manifest;
mod manifests;
mod metadata;
mod provenance;
mod quota;
mod realm;
mod settings;
mod tags;
mod token;
mod validators;

pub use client::Registries;
pub use config::{History, ImageConfig};
pub use credentials::{
    CredentialError, CredentialKind, CredentialResult, Credentials, RegistryCredential,
};
pub use docker_config::{DockerConfig, DockerConfigError, DockerEntry, DockerLogin, server_key};
pub use docker_files::DockerFiles;
pub use doctor::{DoctorOutcome, DoctorStep, Goal};
pub use error::RegistryError;
pub use helper::{Helper, Helpers, ParseHelperError};
pub use manifest::{
    Image, Index, IndexEntry, IndexEntryKind, Manifest, ManifestContent, Statement,
};
pub use manifests::{Head, ManifestReference};
pub use provenance::Provenance;
pub use settings::{Anonymous, HostSettings, Login, RegistryOptions, Unlisted};
pub use tags::Tags;
pub use validators::{Kept, Validators};
