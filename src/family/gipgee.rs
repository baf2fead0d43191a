//! A repository that gipgee builds: its published images follow from its `gipgee.yml`.

use super::spec::ImageSpec;
use crate::image::{ImageName, Tag};
use crate::repo::{Glob, RepoPath};
use crate::source::{Format, GipgeeImage, Located, Resolution, WhyNot, gipgee_images};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The build argument that passes an image's base.
pub const GIPGEE_BASE_ARG: &str = "GIPGEE_BASE_IMAGE";

/// Whether a text is the gipgee base argument and nothing else.
fn is_base(written: &str) -> bool {
    let name = written.strip_prefix('$').unwrap_or_default();
    let inner = name.strip_prefix('{').and_then(|n| n.strip_suffix('}'));
    inner.unwrap_or(name) == GIPGEE_BASE_ARG
}

/// The Containerfiles named in a repository's `gipgee.yml`; empty without one.
pub fn gipgee_files<'a>(
    files: impl IntoIterator<Item = (&'a RepoPath, &'a [u8])>,
) -> BTreeSet<RepoPath> {
    let told = files.into_iter().filter(|(path, _)| is_gipgee(path));
    let images = told.flat_map(|(_, contents)| gipgee_images(contents));
    images.filter_map(|image| container_file(&image)).collect()
}

/// Whether a path is a `gipgee.yml`.
pub fn is_gipgee(path: &RepoPath) -> bool {
    Format::of(path.as_str()) == Some(Format::Gipgee)
}

/// Marks a reference to the base argument as passed by gipgee, if its file is one of gipgee's Containerfiles.
pub fn knows_gipgee(path: &RepoPath, located: &mut Located, containerfiles: &BTreeSet<RepoPath>) {
    if let Resolution::Unknown { why, .. } = &mut located.found
        && *why == WhyNot::UnresolvedArg
        && containerfiles.contains(path)
        && is_base(&located.written)
    {
        *why = WhyNot::PassedByGipgee;
    }
}

/// The images of a repository with a `gipgee.yml`, and the parts of the file that have no effect.
///
/// Images that are published under one name with different tags are one image of the family: a reference to the name
/// may mean any of them.
pub fn gipgee(path: &RepoPath, contents: &[u8]) -> (Vec<ImageSpec>, Vec<String>) {
    let mut specs: Vec<ImageSpec> = Vec::new();
    let mut findings = Vec::new();
    for image in gipgee_images(contents) {
        let mut odd = image.odd.clone();
        if let Some(spec) = spec_of(path, &image, &mut odd) {
            let is_same = |other: &ImageSpec| spec.names().any(|n| other.names().any(|o| o == n));
            match specs.iter_mut().find(|other| is_same(other)) {
                Some(same) => absorb(same, spec),
                None => specs.push(spec),
            }
        }
        let told = odd
            .iter()
            .map(|(line, what)| format!("{path}:{line}: images.{}: {what}", image.id));
        findings.extend(told);
    }
    (specs, findings)
}

fn container_file(image: &GipgeeImage) -> Option<RepoPath> {
    let file = image.container_file.as_deref()?;
    RepoPath::parse(file.trim_start_matches("./")).ok()
}

fn spec_of(
    path: &RepoPath,
    image: &GipgeeImage,
    odd: &mut Vec<(usize, String)>,
) -> Option<ImageSpec> {
    let dockerfile = container_file(image);
    if let (None, Some(file)) = (&dockerfile, &image.container_file) {
        odd.push((
            image.line,
            format!("containerFile: {file:?} is not a path in the repository"),
        ));
    }
    let mut names: Vec<ImageName> = Vec::new();
    let mut tags = Vec::new();
    for release in &image.releases {
        let name = match ImageName::parse(&release.name) {
            Ok(name) => name,
            Err(error) => {
                odd.push((release.line, error.to_string()));
                continue;
            }
        };
        let tag = release.tag.as_deref().map(Tag::parse);
        tags.extend(tag.and_then(Result::ok).map(|tag| (name.clone(), tag)));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut watch = Vec::new();
    for glob in &image.watch {
        match Glob::parse(glob.trim_start_matches("./")) {
            Ok(glob) => watch.push(glob),
            Err(error) => odd.push((image.line, format!("assetsToWatch: {glob:?}: {error}"))),
        }
    }
    let mut names = names.into_iter();
    Some(ImageSpec {
        name: names.next()?,
        published: names.collect(),
        tags,
        context: None,
        dockerfile: dockerfile?,
        target: None,
        also: vec![(path.clone(), image.base_line..image.base_line + 1)],
        watch,
        version: None,
        is_declared: true,
        place: Arc::from(format!("{path}:{}", image.line)),
    })
}

/// Merges two images that are published under one name.
fn absorb(image: &mut ImageSpec, other: ImageSpec) {
    let more = other
        .names()
        .filter(|name| !image.names().any(|n| n == *name));
    let more: Vec<ImageName> = more.cloned().collect();
    image.published.extend(more);
    image.tags.extend(other.tags);
    image.also.extend(other.also);
    if other.dockerfile != image.dockerfile {
        image.also.push((other.dockerfile, 0..usize::MAX));
    }
    // An image without globs watches every file, and so does the merged one.
    match image.watch.is_empty() || other.watch.is_empty() {
        true => image.watch.clear(),
        false => image.watch.extend(other.watch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<ImageSpec>, Vec<String>) {
        let path = RepoPath::parse("gipgee.yml");
        path.map(|path| gipgee(&path, text.as_bytes()))
            .unwrap_or_default()
    }

    fn shown(spec: &ImageSpec) -> String {
        let names: Vec<String> = spec.names().map(ToString::to_string).collect();
        let also = spec
            .also
            .iter()
            .map(|(path, lines)| format!("{path}:{}", lines.start));
        let also: Vec<String> = also.collect();
        let (file, place) = (&spec.dockerfile, &spec.place);
        format!("{place} {} {file} {}", names.join("+"), also.join("+"))
    }

    const TWO: &str = "defaults:
  defaultReleaseRegistry: reg.io
  defaultContainerFile: Containerfile
  defaultAssetsToWatch: [\"assets/**\"]
  defaultBaseImage: {registry: docker.io, repository: alpine, tag: 3.19}
images:
  one:
    releaseLocations:
      - {repository: acme/one, tag: '1'}
      - {registry: other.io, repository: one, tag: stable}
  two:
    containerFile: ./two/Containerfile
    assetsToWatch: [\"two/*\"]
    baseImage:
      tag: 3.18
    releaseLocations:
      - repository: acme/two
";

    #[test]
    fn p5_release_locations_tell_what_a_repository_publishes() {
        let (specs, findings) = read(TWO);
        let found: Vec<String> = specs.iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "gipgee.yml:7 reg.io/acme/one+other.io/one Containerfile gipgee.yml:7",
                "gipgee.yml:11 reg.io/acme/two two/Containerfile gipgee.yml:15",
            ]
        );
        let tags = specs[0]
            .tags
            .iter()
            .map(|(name, tag)| format!("{name}:{tag}"));
        assert_eq!(
            tags.collect::<Vec<_>>(),
            ["reg.io/acme/one:1", "other.io/one:stable"]
        );
        assert_eq!(findings, [""; 0]);
    }

    #[test]
    fn p8_assets_to_watch_are_what_an_image_watches() {
        let (specs, _) = read(TWO);
        for (path, one, two) in [
            ("assets/a/b", true, false),
            ("two/x", false, true),
            ("two/x/y", false, false),
            ("README", false, false),
            ("Containerfile", true, false),
            ("two/Containerfile", false, true),
            ("gipgee.yml", true, true),
        ] {
            let path = RepoPath::parse(path);
            let watch = path.map(|path| [specs[0].watches(&path), specs[1].watches(&path)]);
            assert_eq!(watch, Ok([one, two]));
        }
    }

    const ODD: &str = "images:
  a:
    containerFile: A
    releaseLocations: [{registry: reg.io, repository: x, tag: a}]
  b:
    containerFile: B
    releaseLocations: [{registry: reg.io, repository: x, tag: b}]
  c:
    releaseLocations: [{repository: x}, {registry: reg.io, repository: Y}]
  d:
    containerFile: ../D
    assetsToWatch: '*'
";

    #[test]
    fn images_under_one_name_are_one_and_what_has_no_effect_is_told() {
        let (specs, findings) = read(ODD);
        let found: Vec<String> = specs.iter().map(shown).collect();
        let both = "gipgee.yml:2 reg.io/x A gipgee.yml:2+gipgee.yml:5+B:0";
        assert_eq!(found, [both]);
        assert_eq!(findings.len(), 6, "{findings:#?}");
        // An alias without an anchor is not valid YAML.
        let (specs, findings) = read(&format!("{ODD}  e: *none\n"));
        assert!(specs.is_empty() && findings.is_empty());
    }

    #[test]
    fn the_base_is_what_gipgee_passes() {
        for (written, expect) in [
            ("$GIPGEE_BASE_IMAGE", true),
            ("${GIPGEE_BASE_IMAGE}", true),
            ("GIPGEE_BASE_IMAGE", false),
            ("$GIPGEE_BASE_IMAGE:1", false),
            ("${GIPGEE_BASE_IMAGE:-alpine}", false),
            ("$OTHER", false),
        ] {
            assert_eq!(is_base(written), expect, "{written}");
        }
    }
}
