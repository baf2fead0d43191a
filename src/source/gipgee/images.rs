//! The images that a gipgee.yml builds.

use super::config::{Config, Part};
use super::tree::{Node, Text};
use crate::source::yaml::Yaml;

/// An image that gipgee builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GipgeeImage {
    /// Its name in the file.
    pub id: String,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// The line to report for its base.
    pub base_line: usize,
    /// Its Containerfile, if it is readable.
    pub container_file: Option<String>,
    /// The places that it is published at.
    pub releases: Vec<GipgeeRelease>,
    /// The globs of the files whose change requires another build.
    pub watch: Vec<String>,
    /// Unreadable parts, each with its line.
    pub odd: Vec<(usize, String)>,
}

/// A place that an image is published at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GipgeeRelease {
    /// The line, counted from 1.
    pub line: usize,
    /// The registry and the repository in it.
    pub name: String,
    /// The tag, if one is set.
    pub tag: Option<String>,
}

/// The images of a gipgee.yml; none if it is unreadable, which the scan of the file reports.
pub fn gipgee_images(file: &[u8]) -> Vec<GipgeeImage> {
    let text = String::from_utf8_lossy(file);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let Ok(document) = Node::first(&Yaml::read(text, 0)) else {
        return Vec::new();
    };
    let Ok(config) = Config::new(&document) else {
        return Vec::new();
    };
    let images = config.images.iter();
    images
        .map(|(id, image)| read_image(&config, id, image))
        .collect()
}

fn read_image(config: &Config<'_>, id: &Text, image: &Node) -> GipgeeImage {
    let mut odd = Vec::new();
    let file = Part::of(Some(image), "containerFile");
    let file = file.or(config.default_of("defaultContainerFile"));
    if file.said().is_none() {
        odd.push((id.line, "containerFile is missing or invalid".to_owned()));
    }
    let watch = match texts(image.get("assetsToWatch")) {
        None => texts(config.default_node("defaultAssetsToWatch")),
        own => own,
    };
    let watch = match watch {
        Some(Ok(watch)) => watch,
        Some(Err(())) => {
            odd.push((id.line, "its assetsToWatch cannot be read".to_owned()));
            Vec::new()
        }
        None => Vec::new(),
    };
    let mut releases = Vec::new();
    let registry = config.default_of("defaultReleaseRegistry");
    let locations = match image.get("releaseLocations") {
        Some(Node::List(locations)) => locations.as_slice(),
        _ => {
            let what = "no releaseLocations can be read";
            odd.push((id.line, what.to_owned()));
            &[]
        }
    };
    for location in locations {
        let of = |key| Part::of(Some(location), key);
        let parts = (of("registry").or(registry).said(), of("repository").said());
        match parts {
            (Some(registry), Some(repository)) => releases.push(GipgeeRelease {
                line: repository.line,
                name: format!("{}/{}", registry.value, repository.value),
                tag: of("tag").said().map(|tag| tag.value.clone()),
            }),
            _ => {
                let what =
                    "one of its releaseLocations has no registry or repository that can be read";
                odd.push((id.line, what.to_owned()));
            }
        }
    }
    GipgeeImage {
        id: id.value.clone(),
        line: id.line,
        base_line: config.base_line(id, image),
        container_file: file.said().map(|file| file.value.clone()),
        releases,
        watch,
        odd,
    }
}

/// A list of texts; `None` if it is missing.
fn texts(node: Option<&Node>) -> Option<Result<Vec<String>, ()>> {
    match node {
        None | Some(Node::Nothing) => None,
        Some(Node::List(items)) => {
            let texts = items.iter().map(|item| match item {
                Node::Text(text) => Ok(text.value.clone()),
                _ => Err(()),
            });
            Some(texts.collect())
        }
        Some(_) => Some(Err(())),
    }
}
