//! The content of a digest: manifests and configurations, converted for the checks.

use crate::family::freshness::{Content, HistoryStep, Published};
use crate::image::{Digest, Platform};
use crate::plan::Lookup;
use crate::registry::{self, Image, ImageConfig, Index, RegistryError};
use crate::run::setup::Setup;
use std::collections::{BTreeMap, BTreeSet};

/// How many platforms of an index are read: more than any real image has, but so few that a malicious index costs
/// little.
const MOST_PLATFORMS: usize = 64;

/// The content of a digest, with the index itself if it is one.
pub(super) struct Read {
    pub(super) published: Published,
    pub(super) index: Option<Index>,
}

/// Reads a digest; for an index, the images for `platforms`, or all. `None` if the digest does not exist.
pub(super) async fn read(
    setup: &Setup,
    lookup: &Lookup,
    digest: &Digest,
    platforms: Option<&BTreeSet<Platform>>,
) -> Result<Option<Read>, RegistryError> {
    let login = setup.login(lookup);
    let registries = &setup.registries;
    let manifest = registries
        .manifest(&lookup.image, login.as_ref(), digest)
        .await?;
    let Some(manifest) = manifest else {
        return Ok(None);
    };
    match manifest.content {
        registry::ManifestContent::Image(image) => {
            let config = config_of(setup, lookup, &image).await?;
            let platform = config.platform.clone();
            let platform = platform.or_else(|| Platform::parse("unknown/unknown").ok());
            let content = content(digest, image, config);
            Ok(Some(Read {
                published: Published {
                    digest: digest.clone(),
                    is_index: false,
                    entries: platform
                        .iter()
                        .map(|p| (p.clone(), digest.clone()))
                        .collect(),
                    contents: platform
                        .into_iter()
                        .map(|p| (p, Ok(content.clone())))
                        .collect(),
                },
                index: None,
            }))
        }
        registry::ManifestContent::Index(index) => {
            let mut entries = BTreeMap::new();
            for entry in index.images() {
                if let Some(platform) = &entry.platform {
                    // Of several entries for one platform, the first one is the one that is pulled.
                    entries
                        .entry(platform.clone())
                        .or_insert_with(|| entry.digest.clone());
                }
            }
            let wanted = entries
                .iter()
                .filter(|(platform, _)| platforms.is_none_or(|wanted| wanted.contains(platform)));
            let contents = wanted
                .enumerate()
                .map(|(place, (platform, digest))| async move {
                    let read = match place < MOST_PLATFORMS {
                        true => image_of(setup, lookup, digest).await,
                        false => Err(format!(
                            "it has more than {MOST_PLATFORMS} platforms, the limit"
                        )),
                    };
                    (platform.clone(), read)
                });
            let contents = futures::future::join_all(contents).await;
            Ok(Some(Read {
                published: Published {
                    digest: digest.clone(),
                    is_index: true,
                    contents: contents.into_iter().collect(),
                    entries,
                },
                index: Some(index),
            }))
        }
    }
}

/// The content of one image of an index.
async fn image_of(setup: &Setup, lookup: &Lookup, digest: &Digest) -> Result<Content, String> {
    let told = |error: RegistryError| format!("{}: {error}", error.code());
    let login = setup.login(lookup);
    let registries = &setup.registries;
    let manifest = registries
        .manifest(&lookup.image, login.as_ref(), digest)
        .await
        .map_err(told)?;
    let Some(registry::ManifestContent::Image(image)) = manifest.map(|manifest| manifest.content)
    else {
        return Err(format!(
            "{} is not an image or no longer exists",
            digest.short()
        ));
    };
    let config = config_of(setup, lookup, &image).await.map_err(told)?;
    Ok(content(digest, image, config))
}

/// The configuration of an image; an empty one if it no longer exists, so that only the stored layers are compared.
async fn config_of(
    setup: &Setup,
    lookup: &Lookup,
    image: &Image,
) -> Result<ImageConfig, RegistryError> {
    let login = setup.login(lookup);
    let registries = &setup.registries;
    let config = registries
        .config(&lookup.image, login.as_ref(), &image.config)
        .await?;
    Ok(config.unwrap_or_default())
}

fn content(manifest: &Digest, image: Image, config: ImageConfig) -> Content {
    let steps = config.history.into_iter().map(|step| HistoryStep {
        made_by: step.created_by.unwrap_or_default(),
        created: step.created,
        no_layer: step.empty_layer.unwrap_or_default(),
    });
    Content {
        manifest: manifest.clone(),
        config: image.config,
        layers: image.layers,
        diff_ids: config.diff_ids,
        steps: steps.collect(),
        env: config.env,
        settings: config.settings,
        labels: config.labels,
        annotations: image.annotations,
    }
}
