//! Answers questions by requests to the registries, each once.

use super::deadline::Deadlines;
use super::facts::{facts_behind, facts_of};
use super::questions::Questions;
use super::setup::Setup;
use crate::image::Digest;
use crate::plan::{Contents, Failure, FailureKind, Lookup, Observation, Observations, Question};
use crate::registry::{ManifestContent, RegistryError};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Answers all questions and adds the answers.
pub(super) async fn answer(
    setup: &Arc<Setup>,
    questions: BTreeSet<Question>,
    seen: &mut Observations,
    now: Timestamp,
) {
    let mut asked = Questions::new(setup, now);
    questions
        .into_iter()
        .for_each(|question| asked.ask(question));
    while let Some((_, observation)) = asked.next().await {
        seen.learn(observation, now);
    }
}

/// Answers a question within the time limit of its host.
pub(super) async fn ask_in_time(
    setup: &Setup,
    question: Question,
    now: Timestamp,
    deadlines: &Deadlines,
) -> (Question, Observation) {
    let host = question.lookup().map(|lookup| lookup.image.host().clone());
    let answer = ask(setup, question.clone(), now);
    let answer = match host {
        Some(host) => deadlines.within(&host, answer).await,
        None => Ok(answer.await),
    };
    let answer =
        answer.unwrap_or_else(|failure| Observation::failed(question.clone(), failure, now));
    (question, answer)
}

async fn ask(setup: &Setup, question: Question, now: Timestamp) -> Observation {
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
                    // A tag that contains a secret would end up in a commit.
                    tags.tags
                        .retain(|tag| !setup.redactor.finds(tag.as_str().as_bytes()));
                    Arc::new(tags.tags)
                })
                .map_err(|error| failure(setup, &lookup, &error));
            Observation::Tags(lookup, tags)
        }
        Question::Head(lookup, tag) => {
            let login = setup.login(&lookup);
            let head = registries.head(&lookup.image, login.as_ref(), &tag).await;
            let head = head
                .map(|head| head.map(|head| head.digest))
                .map_err(|error| failure(setup, &lookup, &error));
            Observation::Head((lookup, tag), head)
        }
        Question::Manifest(lookup, digest) => {
            let login = setup.login(&lookup);
            let manifest = registries
                .manifest(&lookup.image, login.as_ref(), &digest)
                .await;
            let contents =
                manifest.map(|manifest| manifest.map(|manifest| contents(&manifest.content)));
            Observation::Manifest(
                (lookup.clone(), digest),
                contents.map_err(|error| failure(setup, &lookup, &error)),
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
            Observation::FirstSeen((lookup, tag, digest), at)
        }
        Question::Created(lookup, digest) => {
            let created = created(setup, &lookup, &digest).await;
            Observation::Created((lookup, digest), created)
        }
        // The facts are only displayed, so they are left out if they are unavailable.
        Question::Facts(lookup, digest) => {
            let facts = facts_of(setup, &lookup, &digest).await;
            Observation::Facts((lookup, digest), Arc::new(facts.unwrap_or_default()))
        }
        Question::Replaced(lookup, pointer) => {
            let facts = facts_behind(setup, &lookup, &pointer).await;
            Observation::Replaced((lookup, pointer), Arc::new(facts.unwrap_or_default()))
        }
        Question::Platform(lookup, digest) => {
            let platform = config_of(setup, &lookup, &digest)
                .await
                .map(|config| config.and_then(|c| c.platform));
            Observation::Platform(
                (lookup.clone(), digest),
                platform.map_err(|error| failure(setup, &lookup, &error)),
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

fn failure(setup: &Setup, lookup: &Lookup, error: &RegistryError) -> Failure {
    tracing::debug!(image = %lookup.image, code = error.code(), %error, "look-up failed");
    Failure {
        code: error.code(),
        message: error.to_string(),
        help: setup.help(error),
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

/// The creation time of an image, or of the first image of an index; `None` if it is unavailable.
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
