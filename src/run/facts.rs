//! Reads what registries say about the contents of an image.

use super::setup::Setup;
use crate::image::{Digest, Platform};
use crate::plan::{ImageFacts, Lookup, Pointer};
use crate::registry::{Image, ImageConfig, Index, IndexEntry, ManifestContent, RegistryError};
use std::collections::{BTreeMap, BTreeSet};

/// The platform whose image stands for an index.
const USUAL: &str = "linux/amd64";

/// The facts about the image that a tag or digest names; empty if it does not exist.
pub(super) async fn facts_behind(
    setup: &Setup,
    lookup: &Lookup,
    pointer: &Pointer,
) -> Result<ImageFacts, RegistryError> {
    let digest = match pointer {
        Pointer::Digest(digest) => Some(digest.clone()),
        Pointer::Tag(tag) => {
            let login = setup.login(lookup);
            let head = setup.registries.head(&lookup.image, login.as_ref(), tag);
            head.await?.map(|head| head.digest)
        }
    };
    match digest {
        Some(digest) => facts_of(setup, lookup, &digest).await,
        None => Ok(ImageFacts::default()),
    }
}

/// The facts about an image; empty if it does not exist.
pub(super) async fn facts_of(
    setup: &Setup,
    lookup: &Lookup,
    digest: &Digest,
) -> Result<ImageFacts, RegistryError> {
    let login = setup.login(lookup);
    let manifest = async |digest: &Digest| {
        let manifest = setup
            .registries
            .manifest(&lookup.image, login.as_ref(), digest);
        Ok::<_, RegistryError>(manifest.await?.map(|manifest| manifest.content))
    };
    let (annotations, platforms, image) = match manifest(digest).await? {
        None => return Ok(ImageFacts::default()),
        Some(ManifestContent::Image(image)) => {
            (image.annotations.clone(), BTreeSet::new(), Some(image))
        }
        Some(ManifestContent::Index(index)) => {
            let platforms = index.images().filter_map(|entry| entry.platform.clone());
            let platforms = platforms.collect();
            let image = match usual(&index) {
                Some(entry) => manifest(&entry.digest).await?,
                None => None,
            };
            let image = image.and_then(|content| match content {
                ManifestContent::Image(image) => Some(image),
                ManifestContent::Index(_) => None,
            });
            (index.annotations, platforms, image)
        }
    };
    let config = match &image {
        Some(image) => {
            let config = setup
                .registries
                .config(&lookup.image, login.as_ref(), &image.config);
            config.await?.unwrap_or_default()
        }
        None => ImageConfig::default(),
    };
    Ok(facts(setup, image, config, annotations, platforms))
}

/// The entry that stands for an index.
fn usual(index: &Index) -> Option<&IndexEntry> {
    let is_usual = |entry: &&IndexEntry| {
        let platform = entry.platform.as_ref();
        platform.is_some_and(|platform| platform.as_str() == USUAL)
    };
    let usual = index.images().find(is_usual);
    usual.or_else(|| index.images().next())
}

fn facts(
    setup: &Setup,
    image: Option<Image>,
    config: ImageConfig,
    annotations: BTreeMap<String, String>,
    mut platforms: BTreeSet<Platform>,
) -> ImageFacts {
    // The author of the image or its registry may have put a secret there (B6).
    let redact = |text: &str| setup.redactor.redact(text).into_owned();
    let texts = |texts: BTreeMap<String, String>| {
        let texts = texts.iter();
        texts
            .map(|(key, value)| (redact(key), redact(value)))
            .collect()
    };
    if platforms.is_empty() {
        platforms.extend(config.platform.clone());
    }
    let names = config.env.iter().filter_map(|text| text.split('=').next());
    let mut labels = config.labels;
    labels.extend(annotations);
    ImageFacts {
        labels: texts(labels),
        created: config.created,
        platforms,
        platform: config.platform,
        environment: names.map(redact).collect(),
        settings: texts(config.settings),
        size: image.as_ref().map_or(0, |image| image.size),
        layers: image.map(|image| image.layers).unwrap_or_default(),
    }
}
