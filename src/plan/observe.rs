//! Answers from registries, as values.

use super::change::Proposed;
use super::image_facts::ImageFacts;
use super::selections::Selections;
use crate::image::{Digest, ImageName, Platform, Tag};
use crate::repo::RepoPath;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// An image and the login to look it up with. Answers are shared across the fleet by this key.
///
/// Two repositories with different logins never share an answer (T51).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lookup {
    /// The image's name in the registry, aliases resolved.
    pub image: ImageName,
    /// The login's name; `None` for anonymous access.
    pub login: Option<Arc<str>>,
}

/// A question to a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// All tags of an image.
    Tags(Lookup),
    /// The digest that a tag points at now.
    Head(Lookup, Tag),
    /// The manifest of a digest, its body verified.
    Manifest(Lookup, Digest),
    /// The platform of an image manifest, from its configuration.
    Platform(Lookup, Digest),
    /// When a digest was first seen under a tag.
    FirstSeen(Box<(Lookup, Tag, Digest)>),
    /// The creation time in the configuration of an image, or of the first image of an index.
    Created(Lookup, Digest),
    /// The facts about an image that will be proposed.
    Facts(Lookup, Digest),
    /// The facts about an image that will be replaced.
    Replaced(Lookup, Pointer),
}

/// What names an image in a repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pointer {
    /// Whatever the tag points at.
    Tag(Tag),
    /// Exactly this content.
    Digest(Digest),
}

/// The answer to a [`Question`], with what it is about.
#[derive(Debug, Clone)]
pub enum Observation {
    /// All tags of an image.
    Tags(Lookup, Result<Arc<Vec<Tag>>, Failure>),
    /// The digest that a tag points at; `None` if the tag does not exist.
    Head((Lookup, Tag), Result<Option<Digest>, Failure>),
    /// The manifest of a digest; `None` if the digest does not exist.
    Manifest((Lookup, Digest), Result<Option<Contents>, Failure>),
    /// The platform of an image manifest.
    Platform((Lookup, Digest), Result<Option<Platform>, Failure>),
    /// When a digest was first seen under a tag.
    FirstSeen((Lookup, Tag, Digest), Timestamp),
    /// The creation time of an image; `None` if it has none or could not be read.
    Created((Lookup, Digest), Option<Timestamp>),
    /// The facts about an image that will be proposed; empty if they could not be read.
    Facts((Lookup, Digest), Arc<ImageFacts>),
    /// The facts about an image that will be replaced; empty if they could not be read.
    Replaced((Lookup, Pointer), Arc<ImageFacts>),
}

impl Observation {
    /// The image that it is about, and the login that it was looked up with.
    pub fn lookup(&self) -> &Lookup {
        match self {
            Self::Tags(lookup, _)
            | Self::Head((lookup, _), _)
            | Self::Manifest((lookup, _), _)
            | Self::Platform((lookup, _), _)
            | Self::FirstSeen((lookup, ..), _)
            | Self::Created((lookup, _), _)
            | Self::Facts((lookup, _), _)
            | Self::Replaced((lookup, _), _) => lookup,
        }
    }

    /// The answer to a question whose request failed.
    pub fn failed(question: Question, failure: Failure, now: Timestamp) -> Self {
        match question {
            Question::Tags(lookup) => Self::Tags(lookup, Err(failure)),
            Question::Head(lookup, tag) => Self::Head((lookup, tag), Err(failure)),
            Question::Manifest(lookup, digest) => Self::Manifest((lookup, digest), Err(failure)),
            Question::Platform(lookup, digest) => Self::Platform((lookup, digest), Err(failure)),
            Question::FirstSeen(key) => Self::FirstSeen(*key, now),
            // Only additional evidence of the image's age.
            Question::Created(lookup, digest) => Self::Created((lookup, digest), None),
            // Only displayed.
            Question::Facts(lookup, digest) => Self::Facts((lookup, digest), Arc::default()),
            Question::Replaced(lookup, pointer) => {
                Self::Replaced((lookup, pointer), Arc::default())
            }
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: &'static str,
    /// The error message.
    pub message: String,
    /// The configuration that would fix it, if known.
    pub help: Option<String>,
    /// Whether it is an error or a postponed request.
    pub kind: FailureKind,
}

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// An error.
    Wrong,
    /// The registry's rate limit is used up.
    Quota,
    /// The repository's request budget is used up: a later pass asks again.
    Budget,
}

/// The type of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// An index: the manifests by platform, without attestations.
    Index(BTreeSet<(Platform, Digest)>),
    /// A single image manifest.
    Image,
}

impl Contents {
    /// The platforms of an index; empty for a single image.
    pub fn platforms(&self) -> BTreeSet<Platform> {
        match self {
            Self::Index(entries) => entries
                .iter()
                .map(|(platform, _)| platform.clone())
                .collect(),
            Self::Image => BTreeSet::new(),
        }
    }

    /// The digest of a platform's manifest in an index.
    pub fn entry(&self, wanted: &Platform) -> Option<&Digest> {
        match self {
            Self::Index(entries) => entries
                .iter()
                .find(|(platform, _)| platform == wanted)
                .map(|(_, digest)| digest),
            Self::Image => None,
        }
    }

    /// The platform of a manifest in an index.
    pub fn platform_of(&self, wanted: &Digest) -> Option<&Platform> {
        match self {
            Self::Index(entries) => entries
                .iter()
                .find(|(_, digest)| digest == wanted)
                .map(|(platform, _)| platform),
            Self::Image => None,
        }
    }
}

/// The answers so far.
#[derive(Debug, Default)]
pub struct Observations {
    /// The tags of images.
    pub tags: HashMap<Lookup, Result<Arc<Vec<Tag>>, Failure>>,
    /// The digests of tags; `None` for a tag that does not exist.
    pub heads: HashMap<(Lookup, Tag), Result<Option<Digest>, Failure>>,
    /// The manifests of digests; `None` for a digest that does not exist.
    pub manifests: HashMap<(Lookup, Digest), Result<Option<Contents>, Failure>>,
    /// The platforms of image manifests.
    pub platforms: HashMap<(Lookup, Digest), Result<Option<Platform>, Failure>>,
    /// When digests were first seen under tags.
    pub first_seen: HashMap<(Lookup, Tag, Digest), Timestamp>,
    /// The creation times of images; `None` for one that has none or could not be read.
    pub created: HashMap<(Lookup, Digest), Option<Timestamp>>,
    /// Where the search for a newer tag stopped in an earlier pass, by search key: the first and the last tag that were
    /// tried.
    pub resume: HashMap<String, String>,
    /// The facts about images to propose.
    pub facts: HashMap<(Lookup, Digest), Arc<ImageFacts>>,
    /// The facts about images to replace.
    pub replaced: HashMap<(Lookup, Pointer), Arc<ImageFacts>>,
    /// When a registry last answered about an image.
    pub learned: HashMap<Lookup, Timestamp>,
    /// The selections made from the tags, cached.
    pub selections: Selections,
}

impl Question {
    /// The image and login that it concerns; `None` for a question that no registry answers.
    pub fn lookup(&self) -> Option<&Lookup> {
        match self {
            Self::Tags(lookup)
            | Self::Head(lookup, _)
            | Self::Manifest(lookup, _)
            | Self::Platform(lookup, _)
            | Self::Created(lookup, _)
            | Self::Facts(lookup, _)
            | Self::Replaced(lookup, _) => Some(lookup),
            Self::FirstSeen(_) => None,
        }
    }
}

impl Observations {
    /// Adds an answer.
    pub fn learn(&mut self, observation: Observation, at: Timestamp) {
        self.learned.insert(observation.lookup().clone(), at);
        match observation {
            Observation::Tags(lookup, answer) => {
                self.selections.forget(&lookup.image);
                self.tags.insert(lookup, answer);
            }
            Observation::Head(key, answer) => drop(self.heads.insert(key, answer)),
            Observation::Manifest(key, answer) => drop(self.manifests.insert(key, answer)),
            Observation::Platform(key, answer) => drop(self.platforms.insert(key, answer)),
            Observation::FirstSeen(key, at) => drop(self.first_seen.insert(key, at)),
            Observation::Created(key, at) => drop(self.created.insert(key, at)),
            Observation::Facts(key, facts) => drop(self.facts.insert(key, facts)),
            Observation::Replaced(key, facts) => drop(self.replaced.insert(key, facts)),
        }
    }

    /// Removes the answers about an image, but keeps when its digests were first seen.
    pub fn forget(&mut self, image: &ImageName) {
        let other = |lookup: &Lookup| lookup.image != *image;
        self.selections.forget(image);
        self.tags.retain(|lookup, _| other(lookup));
        self.heads.retain(|(lookup, _), _| other(lookup));
        self.manifests.retain(|(lookup, _), _| other(lookup));
        self.platforms.retain(|(lookup, _), _| other(lookup));
        self.created.retain(|(lookup, _), _| other(lookup));
        self.facts.retain(|(lookup, _), _| other(lookup));
        self.replaced.retain(|(lookup, _), _| other(lookup));
    }

    /// Whether a question has been answered.
    pub fn answers(&self, question: &Question) -> bool {
        match question {
            Question::Tags(lookup) => self.tags.contains_key(lookup),
            Question::Head(lookup, tag) => self.heads.contains_key(&(lookup.clone(), tag.clone())),
            Question::Manifest(lookup, digest) => self
                .manifests
                .contains_key(&(lookup.clone(), digest.clone())),
            Question::Platform(lookup, digest) => self
                .platforms
                .contains_key(&(lookup.clone(), digest.clone())),
            Question::FirstSeen(key) => self.first_seen.contains_key(key),
            Question::Created(lookup, digest) => {
                self.created.contains_key(&(lookup.clone(), digest.clone()))
            }
            Question::Facts(lookup, digest) => {
                self.facts.contains_key(&(lookup.clone(), digest.clone()))
            }
            Question::Replaced(lookup, pointer) => self
                .replaced
                .contains_key(&(lookup.clone(), pointer.clone())),
        }
    }
}

/// Why an answer is missing.
#[derive(Debug, Clone)]
pub(super) enum Missing {
    /// The question has not been asked yet.
    Ask(Question),
    /// Its request failed.
    Failed(Failure),
}

/// The answers for one image, on behalf of one file.
pub(super) struct Answers<'a> {
    pub(super) lookup: &'a Lookup,
    pub(super) seen: &'a Observations,
    pub(super) path: &'a RepoPath,
    pub(super) proposed: &'a Proposed,
    pub(super) now: Timestamp,
}

impl Answers<'_> {
    pub(super) fn tags(&self) -> Result<&[Tag], Missing> {
        answer(self.seen.tags.get(self.lookup), || {
            Question::Tags(self.lookup.clone())
        })
        .map(|tags| tags.as_slice())
    }

    pub(super) fn head(&self, tag: &Tag) -> Result<Option<&Digest>, Missing> {
        let key = (self.lookup.clone(), tag.clone());
        answer(self.seen.heads.get(&key), || {
            Question::Head(key.0.clone(), key.1.clone())
        })
        .map(Option::as_ref)
    }

    pub(super) fn manifest(&self, digest: &Digest) -> Result<Option<&Contents>, Missing> {
        let key = (self.lookup.clone(), digest.clone());
        answer(self.seen.manifests.get(&key), || {
            Question::Manifest(key.0.clone(), key.1.clone())
        })
        .map(Option::as_ref)
    }

    pub(super) fn first_seen(&self, tag: &Tag, digest: &Digest) -> Result<Timestamp, Missing> {
        let (lookup, tag, digest) = (self.lookup.clone(), tag.clone(), digest.clone());
        let key = (lookup, tag, digest);
        let known = self.seen.first_seen.get(&key).copied();
        known.ok_or_else(|| Missing::Ask(Question::FirstSeen(Box::new(key))))
    }

    pub(super) fn created(&self, digest: &Digest) -> Result<Option<Timestamp>, Missing> {
        let key = (self.lookup.clone(), digest.clone());
        let known = self.seen.created.get(&key).copied();
        known.ok_or(Missing::Ask(Question::Created(key.0, key.1)))
    }

    pub(super) fn platform(&self, digest: &Digest) -> Result<Option<&Platform>, Missing> {
        let key = (self.lookup.clone(), digest.clone());
        answer(self.seen.platforms.get(&key), || {
            Question::Platform(key.0.clone(), key.1.clone())
        })
        .map(Option::as_ref)
    }
}

fn answer<T>(
    known: Option<&Result<T, Failure>>,
    question: impl FnOnce() -> Question,
) -> Result<&T, Missing> {
    match known {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(failure)) => Err(Missing::Failed(failure.clone())),
        None => Err(Missing::Ask(question())),
    }
}
