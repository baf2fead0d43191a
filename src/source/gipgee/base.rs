//! The base images of a gipgee.yml, as references.

use super::config::{Config, Part};
use super::tree::{Node, Odd, Text};
use crate::image::Reference;
use crate::source::found::Found;
use crate::source::located::{KnownReference, Located, ReferenceKind, Resolution, WhyNot};
use crate::source::mapped::Mapped;
use crate::source::passed::Passed;
use crate::source::yaml::Yaml;

/// Reads the references of a gipgee.yml whose text begins at byte `base` of the file.
pub(crate) fn read(text: &str, base: usize) -> Found {
    let mut read = Found::default();
    let yaml = Yaml::read(text, base);
    let document = Node::first(&yaml);
    let config = match &document {
        Ok(document) => Config::new(document),
        Err(odd) => Err(odd.clone()),
    };
    let config = match config {
        Ok(config) => config,
        Err(Odd { line, what }) => {
            read.passed.push(Passed { line, what });
            return read;
        }
    };
    for (id, image) in config.images {
        match located(&config, id, image, &yaml) {
            Ok(located) => read.references.push(Located {
                ordinal: read.references.len(),
                ..located
            }),
            Err(passed) => read.passed.push(passed),
        }
    }
    read
}

/// The base of an image: `registry/repository:tag`, each part from where it is set.
fn located(
    config: &Config<'_>,
    id: &Text,
    image: &Node,
    yaml: &Yaml<'_>,
) -> Result<Located, Passed> {
    let line = config.base_line(id, image);
    let location = config.base(image);
    let parts = [
        ("registry", location.registry),
        ("repository", location.repository),
        ("tag", location.tag),
    ];
    let place = |text: &Text| text.at..text.at + text.value.len();
    // The tag is changed for all images that inherit it.
    let tags = [location.tag, config.default_tag()];
    let touches = tags.iter().filter_map(|tag| tag.said()).map(place);
    let touches = touches.collect();
    let mut located = Located {
        ordinal: 0,
        line,
        kind: ReferenceKind::GipgeeBase,
        stage: None,
        platform: None,
        written: format!("images.{}.baseImage", id.value),
        written_at: 0..0,
        notes: Vec::new(),
        told: Vec::new(),
        in_ci: false,
        found: Resolution::Unknown {
            why: WhyNot::NotPlain,
            touches,
        },
    };
    if parts.iter().any(|(_, part)| matches!(part, Part::Odd)) {
        located.notes = yaml.notes_above(line);
        return Ok(located);
    }
    let missing = parts.iter().find(|(_, part)| part.said().is_none());
    let (Some(registry), Some(repository), Some(tag), None) = (
        location.registry.said(),
        location.repository.said(),
        location.tag.said(),
        missing,
    ) else {
        let what = missing.map_or("", |(name, _)| name);
        return Err(Passed {
            line,
            what: format!(
                "the base of images.{} has no {what}, and the default has none",
                id.value
            ),
        });
    };
    let mut value = Mapped::of_file(&registry.value, registry.at);
    value.append(&Mapped::computed("/"));
    value.push_file(&repository.value, repository.at);
    let name = value.len();
    value.append(&Mapped::computed(":"));
    value.push_file(&tag.value, tag.at);
    located.written = value.text().to_owned();
    located.written_at = place(tag);
    located.notes = match tag.line == line {
        true => yaml.notes_above(line),
        false => [yaml.notes_above(tag.line), yaml.notes_above(line)].concat(),
    };
    located.found = match Reference::parse(value.text()) {
        // The whole tag must come from the `tag` key: only that one is edited.
        Ok(reference) if reference.name.written().len() == name => {
            Resolution::Known(KnownReference {
                reference,
                why_not: None,
                tag_from_arg: false,
                value,
                // gipgee refuses a digest beside a tag, so no digest is added.
                slot: None,
                digest_slot: None,
                is_number: false,
                also: Vec::new(),
            })
        }
        _ => Resolution::Unknown {
            why: WhyNot::InvalidReference,
            touches: value.places(0..value.len()),
        },
    };
    Ok(located)
}
