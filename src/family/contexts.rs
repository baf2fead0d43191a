//! A repository laid out for container-image-pipelines: its published images follow from its folders.
//!
//! Every folder `contexts/<digits->name` has a `Dockerfile` and an `info.edn` with the image's version. Children are
//! built `FROM ${REGISTRY}/name:version`, and only the build knows the registry.

use super::spec::ImageSpec;
use crate::image::ImageName;
use crate::repo::RepoPath;
use crate::scheme::Bump;
use crate::source::{Place, VersionFile, Versioned};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The build argument that passes the registry.
pub const REGISTRY_ARG: &str = "REGISTRY";
/// What replaces an unknown registry. The name is reserved (RFC 2606) and is never contacted.
pub const NO_REGISTRY: &str = "registry.invalid";

/// An image's display name, without `registry.invalid` for an unknown registry.
pub fn shown(name: &str) -> &str {
    let known = name
        .strip_prefix(NO_REGISTRY)
        .and_then(|rest| rest.strip_prefix('/'));
    known.unwrap_or(name)
}

const FOLDER: &str = "contexts/";
const DOCKERFILE: &str = "Dockerfile";
const INFO: &str = "info.edn";

/// Whether a path is a context's version file, `info.edn`.
pub fn is_info(path: &RepoPath) -> bool {
    part_of(path).is_some_and(|(_, file)| file == INFO)
}

/// Splits the path of a file directly in a context into the context's folder and the file name.
fn part_of(path: &RepoPath) -> Option<(&str, &str)> {
    let (folder, file) = path.as_str().strip_prefix(FOLDER)?.split_once('/')?;
    (!file.contains('/')).then_some((folder, file))
}

/// The images of a repository with such contexts, and what is missing in incomplete ones. Empty if no context is
/// complete.
pub fn contexts<'a>(
    paths: impl IntoIterator<Item = &'a RepoPath>,
    registry: &str,
) -> (Vec<ImageSpec>, Vec<String>) {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in paths {
        if let Some((folder, file)) = part_of(path).filter(|(_, f)| [DOCKERFILE, INFO].contains(f))
        {
            folders.entry(folder).or_default().insert(file);
        }
    }
    let mut images: Vec<ImageSpec> = Vec::new();
    let mut problems = Vec::new();
    let is_whole = |files: &BTreeSet<&str>| files.len() == 2;
    if !folders.values().any(is_whole) {
        return (images, problems);
    }
    for (folder, files) in folders {
        let missing = [DOCKERFILE, INFO]
            .into_iter()
            .find(|file| !files.contains(file));
        if let Some(missing) = missing {
            problems.push(format!(
                "{FOLDER}{folder}: {missing} is missing, so this folder is not an image"
            ));
            continue;
        }
        match context(folder, registry) {
            Ok(spec) => match images.iter().position(|known| known.name == spec.name) {
                None => images.push(spec),
                Some(known) => {
                    let other = images.remove(known);
                    problems.push(format!(
                        "{} and {} both claim {}; the name is ignored",
                        other.place, spec.place, spec.name
                    ));
                }
            },
            Err(why) => problems.push(format!("{FOLDER}{folder}: {why}")),
        }
    }
    (images, problems)
}

fn context(folder: &str, registry: &str) -> Result<ImageSpec, String> {
    let digits = folder.trim_start_matches(|c: char| c.is_ascii_digit());
    let name = match digits.strip_prefix('-') {
        Some(name) if digits.len() < folder.len() => name,
        _ => folder,
    };
    let name =
        ImageName::parse(&format!("{registry}/{name}")).map_err(|error| error.to_string())?;
    let path = |file: &str| {
        RepoPath::parse(&format!("{FOLDER}{folder}{file}")).map_err(|error| error.to_string())
    };
    let info = path("/info.edn")?;
    let place = Place::parse(info.as_str(), None, None, None).map_err(|error| error.to_string())?;
    Ok(ImageSpec {
        name,
        published: Vec::new(),
        context: Some(path("")?),
        dockerfile: path("/Dockerfile")?,
        target: None,
        tags: Vec::new(),
        also: Vec::new(),
        watch: Vec::new(),
        version: Some(Versioned {
            file: VersionFile { path: info, place },
            bump: Bump::Patch,
        }),
        is_declared: true,
        place: Arc::from(format!("{FOLDER}{folder}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(paths: &[&str]) -> (Vec<String>, Vec<String>) {
        let paths: Vec<RepoPath> = paths
            .iter()
            .filter_map(|p| RepoPath::parse(p).ok())
            .collect();
        let (images, problems) = contexts(&paths, "reg.io/acme");
        (
            images.iter().map(|image| image.name.to_string()).collect(),
            problems,
        )
    }

    #[test]
    fn c1_c2_a_folder_without_its_number_is_an_image_and_a_broken_one_stops_no_other() {
        let (images, problems) = read(&[
            "contexts/01-base/Dockerfile",
            "contexts/01-base/info.edn",
            "contexts/04-go-dev/Dockerfile",
            "contexts/04-go-dev/info.edn",
            "contexts/7z/Dockerfile",
            "contexts/7z/info.edn",
            "contexts/05-torn/Dockerfile",
            "contexts/06-empty/info.edn",
            "contexts/Upper/Dockerfile",
            "contexts/Upper/info.edn",
            "contexts/x/deeper/info.edn",
            "Dockerfile",
        ]);
        assert_eq!(
            images,
            ["reg.io/acme/base", "reg.io/acme/go-dev", "reg.io/acme/7z"]
        );
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(
            problems[0].contains("05-torn: info.edn is missing"),
            "{problems:?}"
        );
        assert!(
            problems[1].contains("06-empty: Dockerfile is missing"),
            "{problems:?}"
        );
        assert!(problems[2].contains("contexts/Upper: "), "{problems:?}");
    }

    #[test]
    fn two_contexts_with_one_name_are_told() {
        let (images, problems) = read(&[
            "contexts/01-a/Dockerfile",
            "contexts/01-a/info.edn",
            "contexts/02-a/Dockerfile",
            "contexts/02-a/info.edn",
            "contexts/03-b/Dockerfile",
            "contexts/03-b/info.edn",
        ]);
        assert_eq!(images, ["reg.io/acme/b"]);
        assert!(
            problems[0].contains("contexts/01-a and contexts/02-a"),
            "{problems:?}"
        );
        assert_eq!(read(&["contexts/a/Dockerfile"]), (vec![], vec![]));
    }
}
