//! Answering questions at the registries, each once.

use super::deadline::Deadlines;
use super::setup::Setup;
use crate::image::{Digest, Platform, Tag};
use crate::plan::{
    Contents, Decision, Failure, FailureKind, Labels, Lookup, Observations, Question,
};
use crate::registry::{ManifestContent, RegistryError};
use futures::StreamExt as _;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many questions are under way at once; each host has its own, lower limit.
const AT_ONCE: usize = 64;

/// Asks all questions and adds the answers.
pub(super) async fn answer(
    setup: &Setup,
    questions: BTreeSet<Question>,
    seen: &mut Observations,
    now: Timestamp,
) {
    let deadlines = Deadlines::new(setup);
    let asked = questions
        .into_iter()
        .map(|question| ask_in_time(setup, question, now, &deadlines));
    let mut answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
    while let Some((_, answer)) = answers.next().await {
        answer.keep(seen);
    }
}

/// What came of a question.
pub(super) enum Answer {
    Tags(Lookup, Result<Arc<Vec<Tag>>, Failure>),
    Head((Lookup, Tag), Result<Option<Digest>, Failure>),
    Manifest((Lookup, Digest), Result<Option<Contents>, Failure>),
    Platform((Lookup, Digest), Result<Option<Platform>, Failure>),
    FirstSeen((Lookup, Tag, Digest), Timestamp),
    Created((Lookup, Digest), Option<Timestamp>),
}

impl Answer {
    /// Adds it to what is known.
    pub(super) fn keep(self, seen: &mut Observations) {
        match self {
            Self::Tags(lookup, answer) => drop(seen.tags.insert(lookup, answer)),
            Self::Head(key, answer) => drop(seen.heads.insert(key, answer)),
            Self::Manifest(key, answer) => drop(seen.manifests.insert(key, answer)),
            Self::Platform(key, answer) => drop(seen.platforms.insert(key, answer)),
            Self::FirstSeen(key, at) => drop(seen.first_seen.insert(key, at)),
            Self::Created(key, at) => drop(seen.created.insert(key, at)),
        }
    }

    /// That there is none.
    fn failed(question: Question, failure: Failure, now: Timestamp) -> Self {
        match question {
            Question::Tags(lookup) => Self::Tags(lookup, Err(failure)),
            Question::Head(lookup, tag) => Self::Head((lookup, tag), Err(failure)),
            Question::Manifest(lookup, digest) => Self::Manifest((lookup, digest), Err(failure)),
            Question::Platform(lookup, digest) => Self::Platform((lookup, digest), Err(failure)),
            Question::FirstSeen(key) => Self::FirstSeen(*key, now),
            // It is only one more piece of evidence.
            Question::Created(lookup, digest) => Self::Created((lookup, digest), None),
        }
    }
}

/// Asks a question within the time that its host has.
pub(super) async fn ask_in_time(
    setup: &Setup,
    question: Question,
    now: Timestamp,
    deadlines: &Deadlines,
) -> (Question, Answer) {
    let host = question.lookup().map(|lookup| lookup.image.host().clone());
    let answer = ask(setup, question.clone(), now);
    let answer = match host {
        Some(host) => deadlines.within(&host, answer).await,
        None => Ok(answer.await),
    };
    let answer = answer.unwrap_or_else(|failure| Answer::failed(question.clone(), failure, now));
    (question, answer)
}

async fn ask(setup: &Setup, question: Question, now: Timestamp) -> Answer {
    let registries = &setup.registries;
    match question {
        Question::Tags(lookup) => {
            let login = setup.login(&lookup);
            let tags = registries.tags(&lookup.image, login.as_ref()).await;
            if let Ok(tags) = &tags
                && tags.dropped > 0
            {
                tracing::warn!(image = %lookup.image, dropped = tags.dropped, "the registry lists names that are not valid tags");
            }
            let tags = tags
                .map(|mut tags| {
                    // A tag that holds a login would go into a commit.
                    tags.tags
                        .retain(|tag| !setup.redactor.finds(tag.as_str().as_bytes()));
                    Arc::new(tags.tags)
                })
                .map_err(|error| failure(&lookup, &error));
            Answer::Tags(lookup, tags)
        }
        Question::Head(lookup, tag) => {
            let login = setup.login(&lookup);
            let head = registries.head(&lookup.image, login.as_ref(), &tag).await;
            let head = head
                .map(|head| head.map(|head| head.digest))
                .map_err(|error| failure(&lookup, &error));
            Answer::Head((lookup, tag), head)
        }
        Question::Manifest(lookup, digest) => {
            let login = setup.login(&lookup);
            let manifest = registries
                .manifest(&lookup.image, login.as_ref(), &digest)
                .await;
            let contents =
                manifest.map(|manifest| manifest.map(|manifest| contents(&manifest.content)));
            Answer::Manifest(
                (lookup.clone(), digest),
                contents.map_err(|error| failure(&lookup, &error)),
            )
        }
        Question::FirstSeen(key) => {
            let (lookup, tag, digest) = *key;
            let image = lookup.image.canonical();
            let (text, now_seconds) = (digest.to_string(), now.as_second());
            let at = setup
                .store
                .first_seen(&image, tag.as_str(), &text, now_seconds);
            let at = Timestamp::from_second(at).unwrap_or(now);
            Answer::FirstSeen((lookup, tag, digest), at)
        }
        Question::Created(lookup, digest) => {
            let created = created(setup, &lookup, &digest).await;
            Answer::Created((lookup, digest), created)
        }
        Question::Platform(lookup, digest) => {
            let platform = config_of(setup, &lookup, &digest)
                .await
                .map(|config| config.and_then(|c| c.platform));
            Answer::Platform(
                (lookup.clone(), digest),
                platform.map_err(|error| failure(&lookup, &error)),
            )
        }
    }
}

fn contents(content: &ManifestContent) -> Contents {
    match content {
        ManifestContent::Index(index) => {
            let entry = |entry: &crate::registry::IndexEntry| {
                Some((entry.platform.clone()?, entry.digest.clone()))
            };
            Contents::Index(index.images().filter_map(entry).collect())
        }
        ManifestContent::Image(_) => Contents::Image,
    }
}

fn failure(lookup: &Lookup, error: &RegistryError) -> Failure {
    tracing::debug!(image = %lookup.image, code = error.code(), %error, "look-up failed");
    Failure {
        code: error.code(),
        message: error.to_string(),
        help: error.help(),
        kind: match error {
            RegistryError::QuotaExhausted { .. } => FailureKind::Quota,
            _ => FailureKind::Wrong,
        },
    }
}

/// The configuration of an image manifest.
async fn config_of(
    setup: &Setup,
    lookup: &Lookup,
    digest: &Digest,
) -> Result<Option<crate::registry::ImageConfig>, RegistryError> {
    let login = setup.login(lookup);
    let manifest = setup
        .registries
        .manifest(&lookup.image, login.as_ref(), digest)
        .await?;
    match manifest.map(|manifest| manifest.content) {
        Some(ManifestContent::Image(image)) => {
            setup
                .registries
                .config(&lookup.image, login.as_ref(), &image.config)
                .await
        }
        _ => Ok(None),
    }
}

/// When an image, or the first of an index, says that it was made; nothing where it cannot be had.
async fn created(setup: &Setup, lookup: &Lookup, digest: &Digest) -> Option<Timestamp> {
    let login = setup.login(lookup);
    let manifest = setup
        .registries
        .manifest(&lookup.image, login.as_ref(), digest)
        .await;
    let image = match manifest.ok()??.content {
        ManifestContent::Image(_) => digest.clone(),
        ManifestContent::Index(index) => index.images().next()?.digest.clone(),
    };
    config_of(setup, lookup, &image).await.ok()??.created
}

/// Reads what the images that will be proposed say of themselves. It is shown to people only: what cannot be had is
/// left out.
pub(super) async fn labels<'d>(
    setup: &Setup,
    decisions: impl Iterator<Item = &'d Decision>,
    seen: &mut Observations,
    deadlines: &Deadlines,
) {
    let wanted: BTreeSet<(Lookup, Digest)> = decisions
        .flat_map(|decision| decision.wanted.iter().map(move |wanted| (decision, wanted)))
        .filter_map(|(decision, wanted)| Some((decision.lookup.clone()?, wanted.target.clone()?)))
        .filter(|key| !seen.labels.contains_key(key))
        .collect();
    let read = wanted.into_iter().map(|(lookup, digest)| async move {
        let labels = labels_of(setup, &lookup, &digest);
        let labels = deadlines.within(lookup.image.host(), labels).await;
        let labels = labels.ok().and_then(Result::ok).unwrap_or_default();
        ((lookup, digest), Labels(labels))
    });
    let mut read = futures::stream::iter(read).buffer_unordered(AT_ONCE);
    while let Some((key, labels)) = read.next().await {
        seen.labels.insert(key, labels);
    }
}

/// The annotations of an index or image, and the labels of the image or of the index's first one.
pub(super) async fn labels_of(
    setup: &Setup,
    lookup: &Lookup,
    digest: &Digest,
) -> Result<BTreeMap<String, String>, RegistryError> {
    let login = setup.login(lookup);
    let Some(manifest) = setup
        .registries
        .manifest(&lookup.image, login.as_ref(), digest)
        .await?
    else {
        return Ok(BTreeMap::new());
    };
    let (annotations, image) = match manifest.content {
        ManifestContent::Image(image) => (image.annotations, Some(digest.clone())),
        ManifestContent::Index(index) => {
            let first = index.images().next().map(|entry| entry.digest.clone());
            (index.annotations, first)
        }
    };
    let config = match image {
        Some(image) => config_of(setup, lookup, &image).await?,
        None => None,
    };
    let mut labels = config.map(|config| config.labels).unwrap_or_default();
    labels.extend(annotations);
    // Whoever made the image, or its registry, may have put a login there (B6).
    let redact = |text: &str| setup.redactor.redact(text).into_owned();
    let labels = labels
        .iter()
        .map(|(key, value)| (redact(key), redact(value)));
    Ok(labels.collect())
}
