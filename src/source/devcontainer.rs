//! `devcontainer.json`: the image of a development container, and what it builds.
//!
//! Source: the Dev Container metadata reference of containers.dev. The file is JSON with comments. Variables such as
//! `${localEnv:NAME}` are replaced on the user's machine and are not known here. With `dockerComposeFile`, the image is
//! in the compose file.

use super::compose;
use super::data::json::{self, Syntax};
use super::data::{Data, Kind};
use super::found::{Build, Found};
use super::lines::Lines;
use super::located::{ReferenceKind, WhyNot};
use super::mapped::Mapped;
use super::passed::Passed;
use super::paths::{file_at, folder_of, join};
use super::sources::{FileText, Reach};
use super::value::Expanded;

/// The most compose files that one dev container names.
const MAX_COMPOSE_FILES: usize = 16;

/// Whether a path, in lower case, is one of the three places where such a file can be.
pub(super) fn is_path(path: &str) -> bool {
    let is_inner = |rest: &str| {
        let folder = rest.strip_suffix("devcontainer.json");
        folder.is_some_and(|folder| match folder.strip_suffix('/') {
            Some(folder) => !folder.is_empty() && !folder.contains('/'),
            None => folder.is_empty(),
        })
    };
    path == ".devcontainer.json" || path.strip_prefix(".devcontainer/").is_some_and(is_inner)
}

/// What a file says.
pub(crate) fn read(file: &FileText<'_>, reach: &mut Reach<'_>) -> Found {
    let mut found = Found::default();
    let root = match json::parse(file, Syntax::Comments) {
        Ok(Some(root)) => root,
        Ok(None) => return found,
        Err(passed) => {
            found.passed.push(passed);
            return found;
        }
    };
    if let Some(image) = root.get("image") {
        match (image.string(), &image.kind) {
            (Some(text), _) => {
                let located = image.located(text, ReferenceKind::DevcontainerImage);
                found.references.push(located);
            }
            (None, Kind::Null) => {}
            (None, _) => found.passed.push(Passed {
                line: image.line,
                what: "`image` is not a string".to_owned(),
            }),
        }
    }
    if reach.wants(ReferenceKind::DevcontainerFeature) {
        features(file, &root, &mut found);
    }
    found.builds.extend(build(file, &root));
    compose_files(file, &root, reach, &mut found);
    found
}

/// Reads the compose files that are named, unless they are read because of their own names.
fn compose_files(file: &FileText<'_>, root: &Data, reach: &mut Reach<'_>, found: &mut Found) {
    let named = root.get("dockerComposeFile");
    let several = match named.map(|named| &named.kind) {
        Some(Kind::List(items)) => items.as_slice(),
        _ => &[],
    };
    let names = named.into_iter().chain(several).filter_map(Data::string);
    for name in names.take(MAX_COMPOSE_FILES) {
        let Some(path) = file_at(folder_of(file.path), name.value.text()) else {
            continue;
        };
        let last = path.as_str().rsplit('/').next().unwrap_or_default();
        if !compose::is_name(&last.to_ascii_lowercase())
            && let Some(compose) = reach.read(&path)
        {
            found.extend(compose::read(&compose, reach));
        }
    }
}

/// The features that are in a registry. Those in a folder or at an address, and short names, are not.
fn features(file: &FileText<'_>, root: &Data, found: &mut Found) {
    let features = root.get("features").map(Data::entries).unwrap_or_default();
    let lines = Lines::new(&file.text);
    for (key, _) in features {
        let (name, start) = (key.name.as_str(), key.place + 1);
        let in_registry = name.contains('/') && !name.starts_with('.') && !name.contains("://");
        if !in_registry {
            continue;
        }
        let raw = start.checked_sub(file.base);
        let raw = raw.and_then(|start| file.text.get(start..start + name.len()));
        let text = match raw == Some(name) {
            true => Expanded::literal(&Mapped::of_file(name, start)),
            false => Expanded {
                value: Mapped::computed(name),
                fixed: Some(WhyNot::NotPlain),
                ..Expanded::default()
            },
        };
        let feature = Data {
            line: key.line,
            at: start..start + name.len(),
            written: name.to_owned(),
            notes: lines.notes_above(key.line),
            kind: Kind::Null,
        };
        let located = feature.located(text, ReferenceKind::DevcontainerFeature);
        found.references.push(located);
    }
}

/// What the container builds; `None` if it uses an image. The keys `dockerFile` and `context` are an older form.
fn build(file: &FileText<'_>, root: &Data) -> Option<Build> {
    let known = |data: Option<&Data>| {
        let text = data?.string()?;
        (!text.is_opaque()).then(|| text.value.text().to_owned())
    };
    // `dockerFile` and `context` at the top are the old form, which wins.
    let build = root.get("build").unwrap_or(root);
    let dockerfile = root.get("dockerFile").or(build.get("dockerfile"))?;
    let folder = folder_of(file.path);
    let context = match root.get("context").or(build.get("context")) {
        Some(context) => known(Some(context)),
        None => Some(".".to_owned()),
    };
    let mut described = Build {
        // The path of the Dockerfile is relative to this file, not to the context.
        dockerfile: known(Some(dockerfile)).and_then(|path| file_at(folder, &path)),
        context: context.and_then(|path| join(folder, &path)),
        line: dockerfile.line,
        name: "devcontainer".to_owned(),
        target: known(build.get("target")),
        ..Build::default()
    };
    let args = build.get("args").map(Data::entries).unwrap_or_default();
    for (name, value) in args {
        if let Some(text) = value.string() {
            described.given.args.insert(name.name.clone(), text);
        }
    }
    Some(described)
}
