//! docker-builder: its list of folders and registries becomes `[[image]]` tables.
//!
//! Every folder is built and pushed to all registries under `<username>/<folder>`; for `registry: local`, `username` is
//! the registry's address. The order of the list is not needed, because it follows from the `FROM`s.

use super::converted::{Converted, Wrong};
use super::draft::{Block, Draft, Setting, quoted};
use super::origin::Origin;
use super::value::Value;
use crate::image::ImageName;

pub(super) fn convert(name: &str, text: &str) -> Result<Converted, Wrong> {
    let root = Value::yaml(text)?;
    if root.map().is_none() {
        let what = "expected a map with `registries` and `containers`";
        return Err((root.line, what.to_owned()));
    }
    let mut draft = Draft::default();
    let prefixes = registries(&root, &mut draft);
    let containers = Origin::new("containers", 1);
    let listed = root.get("containers").map(Value::items).unwrap_or_default();
    for (index, container) in listed.iter().enumerate() {
        let origin = containers.item(index, container.line);
        image(container, &prefixes, &origin, &mut draft);
    }
    for (key, value) in root.map().unwrap_or_default() {
        if !["registries", "containers"].contains(&key.as_str()) {
            draft.note(&Origin::new(key, value.line), "the key is unknown");
        }
    }
    Ok(draft.finish(name, ""))
}

/// The prefix of each registry.
fn registries(root: &Value, draft: &mut Draft) -> Vec<String> {
    let origin = Origin::new("registries", 1);
    let mut prefixes = Vec::new();
    let listed = root.get("registries").map(Value::items).unwrap_or_default();
    for (index, registry) in listed.iter().enumerate() {
        let origin = origin.item(index, registry.line);
        let Some(prefix) = registry.get("username").and_then(Value::scalar) else {
            draft.note(
                &origin,
                "it has no `username`, which is the prefix of the images",
            );
            continue;
        };
        let is_local = registry.text_at("registry") == Some("local");
        if registry.get("password").is_some() && !is_local {
            let why = "a password is never written into a file; see the lines for the operator";
            draft.note(&origin.inner("password", registry.line), why);
        }
        if !is_local && let Ok(name) = ImageName::parse(&format!("{prefix}/x")) {
            let canonical = name.canonical();
            let host = canonical.split('/').next().unwrap_or_default();
            draft.operator(&format!(
                "[[registry]]\nhost = {}\nlogin = {{ username = {}, password = {{ env = \"REGISTRY_PASSWORD\" }} }}",
                quoted(host),
                quoted(&prefix)
            ));
        }
        prefixes.push(prefix);
    }
    prefixes
}

fn image(container: &Value, prefixes: &[String], origin: &Origin, draft: &mut Draft) {
    let Some(folder) = container.scalar() else {
        return draft.note(origin, "it is not the name of a folder");
    };
    let folder = folder.trim_matches('/');
    let canonical = |prefix: &String| {
        ImageName::parse(&format!("{prefix}/{folder}")).map(|name| name.canonical())
    };
    let mut names: Vec<String> = match prefixes.iter().map(canonical).collect::<Result<_, _>>() {
        Ok(names) => names,
        Err(error) => return draft.note(origin, &format!("{folder}: {error}")),
    };
    if names.is_empty() {
        let why = "no registry is known, so the image has no name; write [[image]] with `name` and `context`";
        return draft.note(origin, why);
    }
    let mut block = Block::new("[[image]]", origin);
    block
        .needed
        .push(Setting::text("name", &names.remove(0), origin));
    if !names.is_empty() {
        let published = Setting::texts("published", &names, origin);
        block.needed.push(published);
    }
    block.needed.push(Setting::text("context", folder, origin));
    draft.block(block);
}
