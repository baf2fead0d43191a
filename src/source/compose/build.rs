//! What a service builds.

use super::super::found::{Build, Given};
use super::super::interpolate::interpolate_text;
use super::super::located::{ReferenceKind, WhyNot};
use super::super::mapped::Mapped;
use super::super::paths::{file_at, join};
use super::super::text::Text;
use super::super::value::Expanded;
use super::super::yaml::Node;
use super::service::{Change, Context};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// A `build`, as one file defines it.
#[derive(Clone, Default)]
pub(super) struct BuildPart {
    pub(super) line: usize,
    /// The folder of the context; `None` if it is not in the repository.
    pub(super) context: Option<String>,
    has_context: bool,
    dockerfile: Option<String>,
    pub(super) inline: Option<Inline>,
    target: Option<String>,
    /// The arguments; one without a value comes from the environment.
    args: BTreeMap<String, Arg>,
    pub(super) contexts: Vec<NamedContext>,
}

/// The most arguments and the most named contexts of a build that are read.
const MAX_ENTRIES: usize = 1_000;

/// A build argument.
#[derive(Clone)]
struct Arg {
    value: Option<Expanded>,
    line: usize,
    place: usize,
}

/// An inline Dockerfile.
#[derive(Clone)]
pub(super) struct Inline {
    pub(super) body: Mapped,
    pub(super) line: usize,
    pub(super) at: Range<usize>,
    /// Whether its bytes are in the file as they are.
    pub(super) is_plain: bool,
}

/// A named context.
#[derive(Clone)]
pub(super) struct NamedContext {
    pub(super) name: String,
    /// Its image, if it is one of a registry.
    pub(super) image: Option<Text>,
    /// Whether it is an image of any kind: another service's too.
    is_image: bool,
}

/// What leads an image in a named context.
const IMAGE: &str = "docker-image://";
/// What leads the image of another service.
const SERVICE: &str = "service:";

impl Context<'_> {
    pub(super) fn build(&mut self, node: Node<'_>) -> BuildPart {
        let mut part = BuildPart {
            line: node.line(),
            ..BuildPart::default()
        };
        if node.text().is_some() {
            let text = self.text_of(node);
            part.has_context = true;
            part.context = self.folder(&text);
            return part;
        }
        if let Some(context) = self.text(node, "context") {
            part.has_context = true;
            part.context = self.folder(&context);
        }
        part.dockerfile = self.known(node, "dockerfile");
        part.target = self.known(node, "target");
        part.inline = node
            .get("dockerfile_inline")
            .and_then(|node| self.inline(node));
        part.args = node
            .get("args")
            .map(|args| self.args(args))
            .unwrap_or_default();
        if let Some(contexts) = node.get("additional_contexts") {
            let pairs = self.pairs(contexts);
            self.pass_over(contexts, pairs.len());
            for (name, value) in pairs.into_iter().take(MAX_ENTRIES) {
                let image = value.as_ref().and_then(|value| value.behind(IMAGE));
                let text = value.map(|value| value.expanded.value.text().to_owned());
                let is_service = text.is_some_and(|text| text.starts_with(SERVICE));
                part.contexts.push(NamedContext {
                    is_image: image.is_some() || is_service,
                    name,
                    image,
                });
            }
        }
        part
    }

    /// Reports entries that are left out.
    fn pass_over(&mut self, of: Node<'_>, count: usize) {
        if count > MAX_ENTRIES {
            let what = format!("{count} entries; {MAX_ENTRIES} are read");
            self.pass(of.line(), what);
        }
    }

    /// The folder that a context is; `None` if it is not in the repository.
    fn folder(&self, context: &Text) -> Option<String> {
        let path = context.expanded.value.text();
        let is_remote = path.contains("://") || path.contains('@') || path.ends_with(".git");
        if is_remote || context.expanded.is_opaque() {
            return None;
        }
        join(self.folder, path)
    }

    fn args(&mut self, node: Node<'_>) -> BTreeMap<String, Arg> {
        let mut args = BTreeMap::new();
        if node.is_map() {
            let entries = node.entries();
            self.pass_over(node, entries.len());
            for (name, value) in entries.into_iter().take(MAX_ENTRIES) {
                let Some(name) = name.text() else {
                    continue;
                };
                let text = self.text_of(value);
                let given = match value.is_null() {
                    true => self.environment.get(name.value()),
                    false => Some(text.expanded),
                };
                let arg = Arg {
                    value: given,
                    line: name.line(),
                    place: name.span().start,
                };
                args.insert(name.value().to_owned(), arg);
            }
            return args;
        }
        self.pass_over(node, node.items().count());
        for item in node.items().take(MAX_ENTRIES) {
            let Some(scalar) = item.text() else {
                continue;
            };
            let text = self.text_of(item);
            let (name, value) = split(&text);
            let value = value.or_else(|| self.environment.get(&name));
            let arg = Arg {
                value,
                line: scalar.line(),
                place: scalar.span().start,
            };
            args.insert(name, arg);
        }
        args
    }

    /// The names and texts of a map or of a list of `name=value`.
    fn pairs(&mut self, node: Node<'_>) -> Vec<(String, Option<Text>)> {
        let mut pairs = Vec::new();
        for (name, value) in node.entries() {
            if let (Some(name), Some(_)) = (name.text(), value.text()) {
                let text = self.text_of(value);
                pairs.push((name.value().to_owned(), Some(text)));
            }
        }
        for item in node.items().filter(|item| item.text().is_some()) {
            let text = self.text_of(item);
            let name = text
                .written
                .split('=')
                .next()
                .unwrap_or_default()
                .to_owned();
            let value = text.behind(&format!("{name}="));
            pairs.push((name, value));
        }
        pairs
    }

    fn inline(&mut self, node: Node<'_>) -> Option<Inline> {
        let scalar = node.text().filter(|scalar| !scalar.is_null())?;
        let variables = |name: &str| self.environment.get(name);
        let mapped = scalar.mapped();
        let is_plain = mapped.is_some();
        let text = mapped.unwrap_or_else(|| Mapped::computed(scalar.value()));
        let body = interpolate_text(&text, &variables);
        if body.malformed {
            self.pass(
                scalar.line(),
                "the variables of this Dockerfile cannot be read".to_owned(),
            );
            return None;
        }
        Some(Inline {
            body: body.value,
            line: scalar.line() + usize::from(scalar.is_block()),
            at: scalar.span(),
            is_plain,
        })
    }
}

/// The name and the value of `NAME=value`.
fn split(text: &Text) -> (String, Option<Expanded>) {
    let whole = text.expanded.value.text();
    match whole.find('=') {
        None => (whole.to_owned(), None),
        Some(at) => {
            let value = text.expanded.value.slice(at + 1..whole.len());
            let value = Expanded {
                value,
                ..text.expanded.clone()
            };
            (whole[..at].to_owned(), Some(value))
        }
    }
}

/// The builds of several definitions as one.
pub(super) fn merged(parts: impl Iterator<Item = Change<BuildPart>>) -> Option<BuildPart> {
    let mut merged: Option<BuildPart> = None;
    for part in parts {
        merged = match part {
            Change::Keep => merged,
            Change::Remove => None,
            Change::Replace(part) => Some(part),
            Change::Merge(part) => match merged {
                None => Some(part),
                Some(mut whole) => {
                    if part.has_context {
                        whole.context = part.context;
                        whole.has_context = true;
                    }
                    whole.dockerfile = part.dockerfile.or(whole.dockerfile);
                    whole.inline = part.inline.or(whole.inline);
                    whole.target = part.target.or(whole.target);
                    whole.args.extend(part.args);
                    let new = part.contexts.iter().map(|new| new.name.as_str());
                    let new: HashSet<&str> = new.collect();
                    let is_kept = |known: &NamedContext| !new.contains(known.name.as_str());
                    whole.contexts.retain(is_kept);
                    whole.contexts.extend(part.contexts);
                    Some(whole)
                }
            },
        };
    }
    merged
}

impl BuildPart {
    /// The number of its arguments and named contexts.
    pub(super) fn size(&self) -> usize {
        1 + self.args.len() + self.contexts.len()
    }

    /// The build that it describes; `folder` is the default context.
    pub(super) fn build(&self, name: &str, folder: &str) -> Build {
        let context = match self.has_context {
            true => self.context.clone(),
            false => Some(folder.to_owned()),
        };
        let file = self.dockerfile.as_deref().unwrap_or("Dockerfile");
        let dockerfile = match (&self.inline, &context) {
            (None, Some(context)) => file_at(context, file),
            _ => None,
        };
        let args = self.args.iter();
        let given = args
            .clone()
            .filter_map(|(name, arg)| Some((name.clone(), arg.value.clone()?)));
        let outside = args.filter(|(_, arg)| arg.value.is_none());
        let mut given = Given::new(given.collect());
        for context in &self.contexts {
            given.replace(&context.name, context.is_image);
        }
        Build {
            dockerfile,
            context,
            file: self.dockerfile.clone(),
            line: self.line,
            name: name.to_owned(),
            target: self.target.clone(),
            given,
            outside: outside
                .map(|(name, arg)| (name.clone(), arg.line, arg.place))
                .collect(),
            tags: Vec::new(),
        }
    }

    /// The images of its named contexts.
    pub(super) fn images(&self) -> impl Iterator<Item = super::super::located::Located> {
        let images = self
            .contexts
            .iter()
            .filter_map(|context| context.image.clone());
        images.map(|image| image.located(ReferenceKind::ComposeContext, None))
    }
}

impl Inline {
    /// What the inline Dockerfile says.
    pub(super) fn read(&self, given: &Given) -> super::super::found::Found {
        let mut found = super::super::inline::read(&self.body, self.line, &self.at, given);
        if !self.is_plain {
            for located in &mut found.references {
                located.line = self.line;
                located.fix(WhyNot::NotPlain);
            }
        }
        found
    }
}
