//! gipgee: `gipgee.yml` is read as it is; only build arguments have to be written.

use super::converted::{Converted, Wrong};
use super::draft::{Block, Draft, Setting, key, quoted};
use super::origin::Origin;
use super::value::Value;
use crate::source::gipgee_images;
use std::collections::BTreeMap;

const AS_IS: &str = "imagebot reads gipgee.yml as it is, so keep it: baseImage and its defaults (the tag is edited there), \
                     releaseLocations (the images that this repository publishes), containerFile and assetsToWatch.";

const NO_COMMANDS: &str = "imagebot runs no command in an image; `imagebot freshness` compares layers, parents and provenance";

/// What imagebot does instead of each key that it does not read.
const UNREAD: [(&str, &str); 6] = [
    ("updateCheckCommand", NO_COMMANDS),
    ("testCommand", "tests belong to your CI"),
    (
        "stagingLocation",
        "the place for tests before a release belongs to your CI",
    ),
    ("quirks", "the build belongs to your CI"),
    ("defaultUpdateCheckCommand", NO_COMMANDS),
    ("defaultStagingRegistry", "staging belongs to your CI"),
];

pub(super) fn convert(name: &str, text: &str) -> Result<Converted, Wrong> {
    let root = Value::yaml(text)?;
    let images = root.get("images").and_then(Value::map);
    let Some(images) = images else {
        return Err((root.line, "there is no map `images`".to_owned()));
    };
    let mut draft = Draft::default();
    for image in gipgee_images(text.as_bytes()) {
        let origin = Origin::new(&format!("images.{}", image.id), image.line);
        for (line, what) in &image.odd {
            draft.note(&origin, &format!("{what} (line {line})"));
        }
    }
    let defaults = root.get("defaults");
    let of_images = images.iter().map(|(_, image)| image);
    let tables: Vec<&Value> = defaults.into_iter().chain(of_images).collect();
    arguments(&tables, &mut draft);
    unread(&tables, &mut draft);
    if let Some(credentials) = root.get("registryCredentials").and_then(Value::map) {
        for (name, login) in credentials {
            credential(name, login, &tables, &mut draft);
        }
    }
    Ok(draft.finish(name, AS_IS))
}

/// `[args]`. An argument that has several values cannot be written: imagebot's apply to the whole repository.
fn arguments(tables: &[&Value], draft: &mut Draft) {
    let mut values: BTreeMap<String, (String, usize)> = BTreeMap::new();
    let mut different = Vec::new();
    let lists = tables
        .iter()
        .flat_map(|table| ["buildArgs", "defaultBuildArgs"].map(|key| table.get(key)));
    for argument in lists.flatten().flat_map(Value::items) {
        let value = argument.get("value").and_then(Value::scalar);
        let (Some(name), Some(value)) = (argument.text_at("key"), value) else {
            let origin = Origin::new("buildArgs", argument.line);
            draft.note(&origin, "it has no `key` or no `value`");
            continue;
        };
        let known = values.entry(name.to_owned());
        if known
            .or_insert_with(|| (value.clone(), argument.line))
            .0
            .ne(&value)
        {
            different.push((name.to_owned(), argument.line));
        }
    }
    for (name, line) in different {
        values.remove(&name);
        let origin = Origin::new(&format!("buildArgs.{name}"), line);
        draft.note(
            &origin,
            "it has other values elsewhere in the file; [args] has one value for the whole repository",
        );
    }
    let Some((_, first)) = values.values().next() else {
        return;
    };
    let mut block = Block::new("[args]", &Origin::new("buildArgs", *first));
    block.settings = values
        .iter()
        .map(|(name, (value, line))| {
            Setting::text(&key(name), value, &Origin::new("buildArgs", *line))
        })
        .collect();
    draft.block(block);
}

/// A comment for each key that has no counterpart, with its lines.
fn unread(tables: &[&Value], draft: &mut Draft) {
    for (key, why) in UNREAD {
        let places = tables.iter().filter_map(|table| table.get(key));
        let lines: Vec<usize> = places.map(|value| value.line).collect();
        let Some(first) = lines.first() else {
            continue;
        };
        let times = match lines.len() {
            1 => String::new(),
            count => format!(" ({count} times)"),
        };
        draft.note(&Origin::new(key, *first), &format!("{why}{times}"));
    }
}

/// A login, for the operator.
fn credential(name: &str, login: &Value, tables: &[&Value], draft: &mut Draft) {
    let places = tables.iter().flat_map(|table| {
        let keys = ["baseImage", "defaultBaseImage", "releaseLocations"];
        keys.into_iter().filter_map(|key| table.get(key))
    });
    let mut places = places.flat_map(Value::items);
    let user = places.find(|place| place.text_at("credentials") == Some(name));
    let host = user.and_then(|place| place.text_at("registry"));
    let host = quoted(host.unwrap_or("registry.example.com"));
    let variable = |key| {
        let variable = login.text_at(key).unwrap_or("REGISTRY_PASSWORD");
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match variable.chars().all(is_name) {
            true => variable.to_owned(),
            false => "REGISTRY_PASSWORD".to_owned(),
        }
    };
    let (username, password) = (variable("usernameVarName"), variable("passwordVarName"));
    draft.operator(&format!(
        "[[registry]]\nhost = {host}\nlogin = {{ username = \"bot\", password = {{ env = \"{password}\" }} }}   # the user's name was in \
         {username}"
    ));
}
