//! The images of a gipgee.yml with the defaults applied, and the positions of the values.

use super::tree::{Node, Odd, Text};

/// The images and their defaults.
pub(super) struct Config<'a> {
    pub(super) images: &'a [(Text, Node)],
    defaults: Option<&'a Node>,
}

/// A part of a location.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// Neither the image nor the defaults set it.
    Missing,
    /// It is set here.
    Said(&'a Text),
    /// It is set in a form that is not supported.
    Odd,
}

/// A location: a registry, a repository and a tag, each set by the image or by the defaults.
pub(super) struct Location<'a> {
    pub(super) registry: Part<'a>,
    pub(super) repository: Part<'a>,
    pub(super) tag: Part<'a>,
}

impl<'a> Config<'a> {
    /// The images of a document, or why there are none.
    pub(super) fn new(document: &'a Node) -> Result<Self, Odd> {
        let odd = |line, what: &str| Odd {
            line,
            what: what.to_owned(),
        };
        match document {
            Node::Odd(found) => return Err(found.clone()),
            Node::Map(_) => {}
            _ => return Err(odd(1, "there is no map of keys")),
        }
        let images = match document.get("images") {
            Some(Node::Map(images)) => images,
            Some(Node::Odd(found)) => return Err(found.clone()),
            _ => return Err(odd(1, "there is no map `images`")),
        };
        let defaults = document.get("defaults");
        Ok(Self { images, defaults })
    }

    /// The value of a default.
    pub(super) fn default_of(&self, key: &str) -> Part<'a> {
        Part::of(self.defaults, key)
    }

    /// As [`Self::default_of`], for any kind of value.
    pub(super) fn default_node(&self, key: &str) -> Option<&'a Node> {
        self.defaults?.get(key)
    }

    /// The location in an image's `baseImage`, with missing parts from the defaults.
    pub(super) fn base(&self, image: &'a Node) -> Location<'a> {
        let own = Inner::of(Some(image), "baseImage");
        let default = Inner::of(self.defaults, "defaultBaseImage");
        let part = |key| own.part(key).or(default.part(key));
        Location {
            registry: part("registry"),
            repository: part("repository"),
            tag: part("tag"),
        }
    }

    /// The default's tag.
    pub(super) fn default_tag(&self) -> Part<'a> {
        Inner::of(self.defaults, "defaultBaseImage").part("tag")
    }

    /// The line to report for an image's base: where the image itself sets a part of it, first of all the tag.
    pub(super) fn base_line(&self, id: &Text, image: &'a Node) -> usize {
        let own = Inner::of(Some(image), "baseImage");
        let mut said = ["tag", "repository", "registry"].into_iter();
        let line = said.find_map(|key| own.part(key).said().map(|text| text.line));
        line.unwrap_or(id.line)
    }
}

/// A map that may be missing, or not be read.
enum Inner<'a> {
    Missing,
    Map(&'a Node),
    Odd,
}

impl<'a> Inner<'a> {
    fn of(node: Option<&'a Node>, key: &str) -> Self {
        match node {
            None | Some(Node::Nothing) => Self::Missing,
            Some(map @ Node::Map(_)) => match map.get(key) {
                None | Some(Node::Nothing) => Self::Missing,
                Some(inner @ Node::Map(_)) => Self::Map(inner),
                Some(_) => Self::Odd,
            },
            Some(_) => Self::Odd,
        }
    }

    fn part(&self, key: &str) -> Part<'a> {
        match self {
            Self::Missing => Part::Missing,
            Self::Map(map) => Part::of(Some(map), key),
            Self::Odd => Part::Odd,
        }
    }
}

impl<'a> Part<'a> {
    /// A text in a map.
    pub(super) fn of(map: Option<&'a Node>, key: &str) -> Self {
        match map {
            None | Some(Node::Nothing) => Self::Missing,
            Some(map @ Node::Map(_)) => match map.get(key) {
                None | Some(Node::Nothing) => Self::Missing,
                Some(Node::Text(text)) => Self::Said(text),
                Some(_) => Self::Odd,
            },
            Some(_) => Self::Odd,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        match self {
            Self::Missing => other,
            said => said,
        }
    }

    pub(super) fn said(self) -> Option<&'a Text> {
        match self {
            Self::Said(text) => Some(text),
            Self::Missing | Self::Odd => None,
        }
    }
}
