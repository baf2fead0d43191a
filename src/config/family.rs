//! What the files say about the family: `publishes`, `[[image]]` and `[[depends]]`.

use super::keys;
use super::path_glob::path_glob;
use super::table::{At, Table};
use super::version;
use crate::family::{Depends, ImageSpec, On, Publishes, repo_of};
use crate::image::ImageName;
use crate::repo::{Glob, RepoPath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `publishes` of a `[[forge]]`.
pub(super) fn publishes(table: Table<'_>) -> Vec<Publishes> {
    let mut found = Vec::new();
    for table in table.tables("publishes") {
        table.only(&[keys::PUBLISHES]);
        if table.needed("repo", "publishes").is_none() {
            continue;
        }
        let repos = table.parsed("repo", Glob::parse);
        let Some(images) = table.texts("images") else {
            let help = "write images = [\"registry.example.com/acme/base\"]".to_owned();
            let why = "publishes needs `images`";
            table.problem(table.span.0..table.span.1, why, Some(help));
            continue;
        };
        let texts: Vec<String> = images.value.iter().map(|at| at.value.clone()).collect();
        let place = Arc::from(table.origin(table.span.0).to_string());
        let Some(At { value: repos, .. }) = repos else {
            continue;
        };
        match Publishes::new(repos, &texts, place) {
            Ok(publishes) => found.push(publishes),
            Err((index, error)) => {
                table.problem(images.value[index].span.clone(), error.to_string(), None);
            }
        }
    }
    found
}

/// The `[[image]]`s of a repository.
pub(super) fn images(root: Table<'_>) -> Vec<ImageSpec> {
    let mut images: Vec<ImageSpec> = Vec::new();
    let mut places: BTreeMap<ImageName, Arc<str>> = BTreeMap::new();
    for table in root.tables("image") {
        let Some((spec, spans)) = image(table) else {
            continue;
        };
        let mut whole = true;
        for (name, span) in spec.names().zip(spans) {
            if let Some(first) = places.get(name) {
                let why = format!("{} already has this name", at_line(first));
                table.problem(span, why, None);
                whole = false;
            } else {
                places.insert(name.clone(), Arc::clone(&spec.place));
            }
        }
        if whole {
            images.push(spec);
        }
    }
    images
}

fn at_line(place: &str) -> String {
    match place.rsplit_once(':') {
        Some((_, line)) => format!("the [[image]] in line {line}"),
        None => place.to_owned(),
    }
}

type Spans = Vec<std::ops::Range<usize>>;

fn image(table: Table<'_>) -> Option<(ImageSpec, Spans)> {
    table.only(&[keys::IMAGE]);
    let name = table
        .needed("name", "[[image]]")
        .and_then(|_| table.parsed("name", whole_name));
    let published = table.texts("published").map(|at| at.value);
    let mut spans: Spans = name.iter().map(|at| at.span.clone()).collect();
    let mut further = Vec::new();
    for At { value, span } in published.unwrap_or_default() {
        match whole_name(&value) {
            Ok(name) => {
                further.push(name);
                spans.push(span);
            }
            Err(why) => table.problem(span, why, None),
        }
    }
    let folder = |text: &str| match text.trim_end_matches('/') {
        "" | "." => Ok(None),
        text => RepoPath::parse(text.trim_start_matches("./")).map(Some),
    };
    let context = table.parsed("context", folder).and_then(|at| at.value);
    let in_context = |name: &str| {
        let name = name.trim_start_matches("./");
        match &context {
            Some(context) => RepoPath::parse(&format!("{context}/{name}")),
            None => RepoPath::parse(name),
        }
    };
    let default = in_context("Dockerfile").ok()?;
    let dockerfile = match table.names().any(|name| name == "dockerfile") {
        true => table.parsed("dockerfile", in_context).map(|at| at.value),
        false => Some(default),
    };
    let watch = table.parsed_list("watch", path_glob);
    let target = table.text("target").map(|at| at.value.to_ascii_lowercase());
    let spec = ImageSpec {
        name: name?.value,
        published: further,
        dockerfile: dockerfile?,
        context,
        target,
        tags: Vec::new(),
        also: Vec::new(),
        watch: watch.map(|at| at.value).unwrap_or_default(),
        version: version::versioned(table),
        is_declared: true,
        place: Arc::from(table.origin(table.span.0).to_string()),
    };
    Some((spec, spans))
}

/// An image's name with its host: a short one would be Docker Hub's.
fn whole_name(text: &str) -> Result<ImageName, String> {
    let name = ImageName::parse(text).map_err(|error| error.to_string())?;
    match name.canonical() == text || text.contains('/') {
        true => Ok(name),
        false => Err(format!(
            "write the name with its registry: \"registry.example.com/acme/{text}\""
        )),
    }
}

/// The `[[depends]]` of a repository.
pub(super) fn depends(root: Table<'_>) -> Vec<Depends> {
    let mut found = Vec::new();
    for table in root.tables("depends") {
        table.only(&[keys::DEPENDS]);
        let repo = table.parsed("repo", |text| repo_of(text).ok_or_else(|| no_repo(text)));
        let image = table.parsed("image", whole_name);
        let both = table
            .names()
            .filter(|name| matches!(*name, "repo" | "image"));
        if both.count() != 1 {
            let why = "[[depends]] takes either `repo` or `image`";
            table.problem(table.span.0..table.span.1, why, None);
            continue;
        }
        let on = repo
            .map(|at| at.value)
            .or(image.map(|at| On::Image(at.value)));
        let Ok(path) = RepoPath::parse("imagebot.toml") else {
            continue;
        };
        let line = table.origin(table.span.0).line;
        found.extend(on.map(|on| Depends { on, path, line }));
    }
    found
}

fn no_repo(text: &str) -> String {
    format!("{text:?} is not a repository; write it as \"group/name\" or with its address")
}
