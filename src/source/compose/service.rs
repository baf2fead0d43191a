//! One definition of a service.

use super::super::mapped::Mapped;
use super::super::passed::Passed;
use super::super::text::{Text, Wrong};
use super::super::yaml::{Node, Yaml};
use super::build::BuildPart;
use super::environment::Environment;
use std::collections::BTreeMap;

/// A service as one file defines it. Those of several files are merged, the last one strongest.
#[derive(Clone, Default)]
pub(super) struct Service {
    pub(super) image: Option<Text>,
    pub(super) build: Change<BuildPart>,
    pub(super) volumes: Vec<Text>,
    pub(super) platform: Option<String>,
    pub(super) extends: Option<Extends>,
}

/// What a definition does with a key.
#[derive(Clone, Default)]
pub(super) enum Change<T> {
    /// It does not have it.
    #[default]
    Keep,
    /// `!reset`: it removes the key.
    Remove,
    /// It sets it, in addition to earlier definitions.
    Merge(T),
    /// `!override`: it sets it instead of earlier definitions.
    Replace(T),
}

impl Change<BuildPart> {
    /// The number of arguments and named contexts that it sets.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Keep | Self::Remove => 0,
            Self::Merge(part) | Self::Replace(part) => part.size(),
        }
    }
}

/// The service that another one extends.
#[derive(Clone)]
pub(super) struct Extends {
    /// The file, relative to the present one; `None`: the present one.
    pub(super) file: Option<String>,
    pub(super) service: String,
}

/// What a service is read with.
pub(super) struct Context<'a> {
    pub(super) yaml: &'a Yaml<'a>,
    pub(super) environment: &'a Environment<'a>,
    /// The folder that paths are relative to.
    pub(super) folder: &'a str,
    pub(super) passed: Vec<Passed>,
}

/// The services of the documents, by name.
pub(super) fn services(context: &mut Context<'_>) -> BTreeMap<String, Vec<Service>> {
    let mut services: BTreeMap<String, Vec<Service>> = BTreeMap::new();
    let yaml = context.yaml;
    for document in yaml.documents() {
        let root = match document {
            Ok(root) => root,
            Err(lost) => {
                context.pass(lost.line, format!("the file is not YAML: {}", lost.what));
                continue;
            }
        };
        let defined = match root.get("services") {
            Some(services) => services,
            // Version 1 has no `services`.
            None if is_old(root) => root,
            None => continue,
        };
        for (name, node) in defined.entries() {
            let Some(name) = name.text() else {
                continue;
            };
            let service = context.service(node);
            services
                .entry(name.value().to_owned())
                .or_default()
                .push(service);
        }
    }
    services
}

/// Whether every top-level map has `image` or `build`, and there is nothing else.
fn is_old(root: Node<'_>) -> bool {
    let entries = root.entries();
    let is_service = |node: &Node<'_>| node.get("image").or(node.get("build")).is_some();
    !entries.is_empty()
        && entries
            .iter()
            .all(|(_, node)| node.is_map() && is_service(node))
}

impl Context<'_> {
    pub(super) fn pass(&mut self, line: usize, what: String) {
        self.passed.push(Passed { line, what });
    }

    /// The text at a key.
    pub(super) fn text(&mut self, of: Node<'_>, key: &str) -> Option<Text> {
        let node = of.get(key)?;
        if node.tag() == Some("!reset") {
            return None;
        }
        match Text::read(self.yaml, node, &|text: &Mapped| {
            self.environment.expand(text)
        }) {
            Ok(text) => text,
            Err(Wrong { line }) => {
                self.pass(line, format!("`{key}` is not a string"));
                None
            }
        }
    }

    /// The text of a value of any type.
    pub(super) fn text_of(&self, node: Node<'_>) -> Text {
        Text::of(self.yaml, node, &|text: &Mapped| {
            self.environment.expand(text)
        })
    }

    /// The text at a key with its variables expanded; `None` if it is not known.
    pub(super) fn known(&mut self, of: Node<'_>, key: &str) -> Option<String> {
        let text = self.text(of, key)?;
        let is_known = !text.expanded.is_opaque();
        is_known.then(|| text.expanded.value.text().to_owned())
    }

    fn service(&mut self, node: Node<'_>) -> Service {
        let mut service = Service {
            image: self.text(node, "image"),
            platform: self.known(node, "platform"),
            ..Service::default()
        };
        if let Some(build) = node.get("build") {
            service.build = match build.tag() {
                Some("!reset") => Change::Remove,
                _ if build.is_null() => Change::Keep,
                Some("!override") => Change::Replace(self.build(build)),
                _ => Change::Merge(self.build(build)),
            };
        }
        for volume in node.get("volumes").into_iter().flat_map(Node::items) {
            let kind = volume.get("type").and_then(Node::text);
            if kind.is_some_and(|kind| kind.value() == "image") {
                service.volumes.extend(self.text(volume, "source"));
            }
        }
        if let Some(extends) = node.get("extends") {
            service.extends = match extends.text() {
                Some(service) => Some(Extends {
                    file: None,
                    service: service.value().to_owned(),
                }),
                None => self.known(extends, "service").map(|service| Extends {
                    file: self.known(extends, "file"),
                    service,
                }),
            };
        }
        service
    }
}
