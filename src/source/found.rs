//! What one file says: the result of every format's reader.

use super::located::{Around, Located};
use super::mapped::Mapped;
use super::passed::{Passed, PassedOver};
use super::stages::Stages;
use super::value::Expanded;
use crate::coded::coded;
use crate::image::Reference;
use crate::repo::RepoPath;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The references, in the order of the file.
    pub(crate) references: Vec<Located>,
    /// Texts that an edit must not change although they are not references, in the order of the file.
    pub(crate) around: Vec<Around>,
    /// The stages, if it is a Dockerfile.
    pub(crate) stages: Stages,
    /// What was skipped.
    pub(crate) passed: PassedOver,
    /// What was skipped in other files, each with a place in that file.
    pub(crate) passed_elsewhere: Vec<(usize, Passed)>,
    /// Remarks, each with a place in its file.
    pub(crate) told: Vec<(usize, Told)>,
    /// The values that win over a default of the same file, by their places.
    pub(crate) overriding: Vec<Range<usize>>,
    /// The builds that it describes.
    pub(crate) builds: Vec<Build>,
}

impl Found {
    /// Adds what another file says.
    pub(crate) fn extend(&mut self, other: Self) {
        self.references.extend(other.references);
        self.around.extend(other.around);
        self.passed_elsewhere.extend(other.passed_elsewhere);
        self.told.extend(other.told);
        self.overriding.extend(other.overriding);
        self.builds.extend(other.builds);
    }
}

coded! {
    /// A remark about a line.
    pub enum Remark {
        /// The image is built by the repository itself.
        BuiltHere = "built-here", "the repository builds this image itself";
        /// Another file sets the variable.
        SetBySetter = "set-by-setter", "another file gives its version, and is edited instead";
        /// Several builds give different values.
        SettersDiffer = "setters-differ", "several builds give it different versions; each is updated on its own";
        /// The environment can give another value.
        OutsideValue = "outside-value", "the environment can give another value, which is not known";
        /// A file whose format is not known.
        NotRead = "not-read", "it looks as if it named an image, and its format is not known";
        /// A comment that belongs to no reference.
        CommentIdle = "comment-idle", "this comment belongs to no reference and has no effect; write it directly above the line with the image or its tag";
        /// A `[[source]]` that finds nothing.
        SourceIdle = "source-idle", "this [[source]] finds no image";
    }
}

/// A remark about a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// The line, counted from 1.
    pub line: usize,
    /// The remark.
    pub remark: Remark,
    /// What it concerns: a variable, a target.
    pub what: String,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {}: {}",
            self.line,
            self.remark.describe(),
            self.what
        )
    }
}

/// A build of an image that a file describes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Build {
    /// Its Dockerfile; `None` if it is inline or not in the repository.
    pub(crate) dockerfile: Option<RepoPath>,
    /// The folder of its context; `None` if it is not in the repository.
    pub(crate) context: Option<String>,
    /// The path of the Dockerfile in the context as it is written; `None` for the default.
    pub(crate) file: Option<String>,
    /// The line of its description, counted from 1.
    pub(crate) line: usize,
    /// The name of the service or target.
    pub(crate) name: String,
    /// The stage to build; `None` for the last one.
    pub(crate) target: Option<String>,
    /// What it gives its Dockerfile.
    pub(crate) given: Given,
    /// The arguments that come from the environment: name, line, place.
    pub(crate) outside: Vec<(String, usize, usize)>,
    /// The names that the image gets.
    pub(crate) tags: Vec<Mapped>,
}

impl Build {
    /// Adds another description of the build, which is stronger.
    pub(crate) fn merge(&mut self, stronger: &Self) {
        self.context = stronger.context.clone().or(self.context.take());
        self.file = stronger.file.clone().or(self.file.take());
        self.target = stronger.target.clone().or(self.target.take());
        let given = &stronger.given;
        self.outside
            .retain(|(name, ..)| !given.args.contains_key(name));
        self.given.args.extend(given.args.clone());
        self.given.contexts.extend(given.contexts.clone());
        let outside = stronger.outside.iter();
        let outside = outside.filter(|(name, ..)| !self.given.args.contains_key(name));
        self.outside.extend(outside.cloned());
        if !stronger.tags.is_empty() {
            self.tags.clone_from(&stronger.tags);
        }
    }
}

/// A build, as far as it is known: what it builds from, and how the image is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedBuild {
    /// The file that describes it.
    pub path: RepoPath,
    /// The line of the description, counted from 1.
    pub line: usize,
    /// Its Dockerfile; `None` if it is inline or not in the repository.
    pub dockerfile: Option<RepoPath>,
    /// The folder of its context; `None` for the repository's root.
    pub context: Option<RepoPath>,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
    /// The names of the image.
    pub images: Vec<Reference>,
    /// The known arguments that it gives.
    pub args: BTreeMap<String, String>,
}

impl DescribedBuild {
    pub(crate) fn new(path: RepoPath, build: Build) -> Self {
        let args = build.given.args.into_iter();
        let args = args.filter(|(_, value)| !value.is_opaque());
        Self {
            path,
            line: build.line,
            dockerfile: build.dockerfile,
            context: build
                .context
                .and_then(|folder| RepoPath::parse(&folder).ok()),
            target: build.target,
            images: build
                .tags
                .iter()
                .filter_map(|tag| Reference::parse(tag.text()).ok())
                .collect(),
            args: args
                .map(|(name, value)| (name, value.value.text().to_owned()))
                .collect(),
        }
    }
}

/// What a build gives its Dockerfile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// The values of build arguments.
    pub(crate) args: BTreeMap<String, Expanded>,
    /// The named contexts by what they replace, and whether each is an image.
    contexts: BTreeMap<String, bool>,
}

impl Given {
    /// These arguments, and no named contexts.
    pub(crate) fn new(args: BTreeMap<String, Expanded>) -> Self {
        Self {
            args,
            contexts: BTreeMap::new(),
        }
    }

    /// The arguments of a configuration's `[args]`.
    pub(crate) fn of_args(args: &BTreeMap<String, String>) -> Self {
        let given = args.iter();
        let given = given.map(|(name, value)| (name.clone(), Expanded::given(value)));
        Self::new(given.collect())
    }

    /// Adds a named context, which replaces the image or stage of its name.
    pub(crate) fn replace(&mut self, name: &str, is_image: bool) {
        self.contexts.insert(context_key(name), is_image);
    }

    /// Whether a named context replaces an image or a stage, and whether it is an image itself; `None` if there is
    /// none. A digest does not count, and neither does the tag `latest`.
    pub(crate) fn replaces(&self, name: &str) -> Option<bool> {
        match self.contexts.is_empty() {
            true => None,
            false => self.contexts.get(&context_key(name)).copied(),
        }
    }
}

/// A context's name as it is compared: of an image without digest, in its full form.
fn context_key(name: &str) -> String {
    match Reference::parse(name) {
        Ok(reference) => {
            let tag = reference.tag.as_ref().map_or("latest", |tag| tag.as_str());
            format!("{}:{tag}", reference.name.canonical())
        }
        Err(_) => name.to_ascii_lowercase(),
    }
}
