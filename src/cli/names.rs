//! Short names of images: without the registry's host, as long as that is clear.

use crate::image::ImageName;
use std::collections::{BTreeMap, BTreeSet};

/// The images that one output speaks of.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, BTreeSet<String>>);

impl Names {
    /// The names for an output about these images; what is not an image name stays as it is.
    pub(super) fn new<'a>(images: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in images
            .into_iter()
            .filter_map(|image| ImageName::parse(image).ok())
        {
            let hosts = known.entry(name.familiar().to_owned()).or_default();
            hosts.insert(name.host().to_string());
        }
        Self(known)
    }

    /// The name without its host, or with it if images of several hosts would then look the same.
    pub(super) fn short(&self, image: &ImageName) -> String {
        let path = image.familiar();
        match self.0.get(path).is_some_and(|hosts| hosts.len() > 1) {
            true => image.canonical(),
            false => path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_left_out_unless_two_images_would_look_the_same() {
        let names = Names::new([
            "node:20",
            "reg.io/team/base",
            "ghcr.io/team/base",
            "reg.io/node2",
        ]);
        let short = |text: &str| names.short(&ImageName::parse(text).expect("a name"));
        assert_eq!(short("docker.io/library/node"), "node");
        assert_eq!(short("reg.io/team/base"), "reg.io/team/base");
        assert_eq!(short("reg.io/node2"), "node2");
        assert_eq!(short("docker.io/grafana/loki"), "grafana/loki");
    }
}
