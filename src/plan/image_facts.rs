//! What registries say about the contents of an image, and how two images differ.
//!
//! Anyone who may push an image decides what is in it. These facts are displayed, and only a parent's revision is compared
//! with a commit; nothing else depends on them (T31).

use crate::image::{Digest, Platform};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The facts about one image. For an index, those of one of its images: `linux/amd64` if it has that, else the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageFacts {
    /// The annotations and labels.
    pub labels: BTreeMap<String, String>,
    /// When it was built, by its own account.
    pub created: Option<Timestamp>,
    /// The platforms of the index, or of the image.
    pub platforms: BTreeSet<Platform>,
    /// The platform that the other facts are about.
    pub platform: Option<Platform>,
    /// The names of the variables of its environment. Values may be secrets and are not kept.
    pub environment: BTreeSet<String>,
    /// The other settings for running it, by the keys of the image specification, each value as JSON.
    pub settings: BTreeMap<String, String>,
    /// Its layers, the lowest first.
    pub layers: Vec<Digest>,
    /// The size of the layers in bytes, compressed.
    pub size: u64,
}

impl ImageFacts {
    /// The text of a label of the image specification, such as `source`; `None` if it is missing or empty.
    pub fn label(&self, name: &str) -> Option<&str> {
        let text = self
            .labels
            .get(&format!("org.opencontainers.image.{name}"))?;
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    /// The commit that it was built from, if it is a full commit id.
    fn revision(&self) -> Option<&str> {
        let is_commit = |text: &&str| {
            matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
        };
        self.label("revision").filter(is_commit)
    }
}

/// How two images differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ImageDiff {
    /// The comparison of their source commits on a known forge.
    pub commits: Option<String>,
    /// The settings that differ, by the keys of the image specification: the values as JSON.
    pub settings: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Variables of the environment that only the new image sets.
    pub environment_added: BTreeSet<String>,
    /// Variables of the environment that only the old image sets.
    pub environment_removed: BTreeSet<String>,
    /// Platforms that only the new image has.
    pub platforms_added: BTreeSet<String>,
    /// Platforms that only the old image has.
    pub platforms_removed: BTreeSet<String>,
    /// The compressed sizes in bytes, if they are known and differ.
    pub sizes: Option<(u64, u64)>,
    /// How many layers of the new image the old one has too, and how many the new one has.
    pub layers_shared: Option<(usize, usize)>,
}

impl ImageDiff {
    /// Compares two images. Settings and layers are compared only if both facts are about the same platform.
    pub fn new(old: &ImageFacts, new: &ImageFacts) -> Self {
        let only = |a: &BTreeSet<Platform>, b: &BTreeSet<Platform>| {
            a.difference(b).map(ToString::to_string).collect()
        };
        let are_known = !old.platforms.is_empty() && !new.platforms.is_empty();
        let mut diff = Self {
            commits: compared(old, new),
            ..Self::default()
        };
        if are_known {
            diff.platforms_added = only(&new.platforms, &old.platforms);
            diff.platforms_removed = only(&old.platforms, &new.platforms);
        }
        if old.platform.is_some() && old.platform == new.platform {
            diff.compare_contents(old, new);
        }
        diff
    }

    fn compare_contents(&mut self, old: &ImageFacts, new: &ImageFacts) {
        let keys: BTreeSet<&String> = old.settings.keys().chain(new.settings.keys()).collect();
        for key in keys {
            let (before, after) = (old.settings.get(key), new.settings.get(key));
            if before != after {
                let values = (before.cloned(), after.cloned());
                self.settings.insert(key.clone(), values);
            }
        }
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
        self.environment_added = only(&new.environment, &old.environment);
        self.environment_removed = only(&old.environment, &new.environment);
        if old.size > 0 && new.size > 0 && old.size != new.size {
            self.sizes = Some((old.size, new.size));
        }
        if !new.layers.is_empty() {
            let known: BTreeSet<&Digest> = old.layers.iter().collect();
            let shared = new.layers.iter().filter(|layer| known.contains(layer));
            self.layers_shared = Some((shared.count(), new.layers.len()));
        }
    }
}

/// The page that compares the source commits of two images; `None` unless both name full commits of one repository on
/// a forge whose pages are known.
fn compared(old: &ImageFacts, new: &ImageFacts) -> Option<String> {
    let (from, to) = (old.revision()?, new.revision()?);
    let source = new.label("source")?;
    if old.label("source") != Some(source) || from == to {
        return None;
    }
    let url = url::Url::parse(source).ok()?;
    let host = url.host_str()?;
    let path = url.path().trim_matches('/').trim_end_matches(".git");
    let is_plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        !part.is_empty() && part != "." && part != ".." && part.chars().all(fits)
    };
    let is_safe = url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && path.len() <= 200
        && path.split('/').count() >= 2
        && path.split('/').all(is_plain);
    let is_gitlab = host == "gitlab.com" || host.starts_with("gitlab.");
    let page = match host {
        "github.com" | "codeberg.org" => format!("compare/{from}...{to}"),
        _ if is_gitlab => format!("-/compare/{from}...{to}"),
        _ => return None,
    };
    is_safe.then(|| format!("https://{host}/{path}/{page}"))
}

/// A size for readers: `12.3 MB`.
pub fn readable_size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        ..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        1_000_000..1_000_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
        }
        _ => format!(
            "{}.{} GB",
            bytes / 1_000_000_000,
            bytes % 1_000_000_000 / 100_000_000
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(source: &str, revision: &str) -> ImageFacts {
        let label = |name: &str, value: &str| {
            (format!("org.opencontainers.image.{name}"), value.to_owned())
        };
        ImageFacts {
            labels: [label("source", source), label("revision", revision)].into(),
            ..ImageFacts::default()
        }
    }

    #[test]
    fn commits_are_compared_on_known_forges_only() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let page = |source: &str, from: &str, to: &str| {
            ImageDiff::new(&facts(source, from), &facts(source, to)).commits
        };
        assert_eq!(
            page("https://github.com/acme/base.git", &a, &b),
            Some(format!("https://github.com/acme/base/compare/{a}...{b}"))
        );
        assert_eq!(
            page("https://gitlab.acme.com/x/y/base/", &a, &b),
            Some(format!(
                "https://gitlab.acme.com/x/y/base/-/compare/{a}...{b}"
            ))
        );
        for source in [
            "https://example.com/acme/base",
            "http://github.com/acme/base",
            "https://bot:secret@github.com/acme/base",
            "https://github.com:8443/acme/base",
            "https://github.com/acme",
            "https://github.com/acme/../base",
            "https://github.com/acme/@all",
            "git@github.com:acme/base.git",
        ] {
            assert_eq!(page(source, &a, &b), None, "{source}");
        }
        assert_eq!(page("https://github.com/acme/base", &a, &a), None);
        assert_eq!(page("https://github.com/acme/base", "v1", &b), None);
        let (old, new) = (
            facts("https://github.com/acme/base", &a),
            facts("https://github.com/mallory/base", &b),
        );
        assert_eq!(ImageDiff::new(&old, &new).commits, None);
    }

    #[test]
    fn contents_are_compared_for_one_platform() {
        let platform = |text: &str| Platform::parse(text).expect("a platform");
        let layer = |byte: u8| Digest::sha256(&[byte]);
        let old = ImageFacts {
            platforms: [platform("linux/amd64"), platform("linux/arm64")].into(),
            platform: Some(platform("linux/amd64")),
            environment: ["PATH".to_owned(), "OLD".to_owned()].into(),
            settings: [
                ("User".to_owned(), "\"root\"".to_owned()),
                ("Cmd".to_owned(), "[\"sh\"]".to_owned()),
            ]
            .into(),
            layers: vec![layer(1), layer(2)],
            size: 100,
            ..ImageFacts::default()
        };
        let new = ImageFacts {
            platforms: [platform("linux/amd64"), platform("linux/s390x")].into(),
            environment: ["PATH".to_owned(), "NEW".to_owned()].into(),
            settings: [("Cmd".to_owned(), "[\"sh\"]".to_owned())].into(),
            layers: vec![layer(1), layer(3), layer(4)],
            size: 2_345_678,
            ..old.clone()
        };
        let diff = ImageDiff::new(&old, &new);
        assert_eq!(diff.platforms_added, ["linux/s390x".to_owned()].into());
        assert_eq!(diff.platforms_removed, ["linux/arm64".to_owned()].into());
        assert_eq!(diff.environment_added, ["NEW".to_owned()].into());
        assert_eq!(diff.environment_removed, ["OLD".to_owned()].into());
        let user = (Some("\"root\"".to_owned()), None);
        assert_eq!(diff.settings, [("User".to_owned(), user)].into());
        assert_eq!(diff.layers_shared, Some((1, 3)));
        assert_eq!(diff.sizes, Some((100, 2_345_678)));
        let other = ImageFacts {
            platform: Some(platform("linux/s390x")),
            ..new
        };
        let diff = ImageDiff::new(&old, &other);
        assert!(diff.settings.is_empty() && diff.sizes.is_none());
        assert_eq!(ImageDiff::new(&old, &old.clone()).settings, BTreeMap::new());
        assert_eq!(readable_size(2_345_678), "2.3 MB");
    }
}
