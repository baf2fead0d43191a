//! The title and description of a merge request.
//!
//! imagebot's part of the description is enclosed by two markers; text that users write around it is kept. Untrusted
//! text is shown as code, on one line and without control characters, so that it can contain neither commands nor
//! mentions (T32, T33).

use super::change::{Change, ChangeSet};
use super::decision::{Class, Decision, Wanted};
use super::escape::code;
use super::fit::{Parts, fit, has_room};
use super::hash;
use super::image_about::about;
use super::key::UpdateKey;
use super::memory;
use super::observe::Observations;
use super::reason::Reason;
use super::target::Target;
use super::template::{MOST_TITLE, Template, Values};
use crate::family::shown;
use crate::policy::Settings;
use crate::repo::{Branch, MergeRequestMetadata};
use crate::scheme::Level;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- imagebot:begin ";
const STATE: &str = "<!-- imagebot:state ";
const END: &str = "<!-- imagebot:end -->";
const CLOSE: &str = " -->";

/// The texts and metadata of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The title.
    pub title: String,
    /// The description between the markers.
    pub body: String,
    /// Identifies title and description without what is known about the images, which may be unavailable in one pass and not in the
    /// next.
    pub hash: String,
    /// The metadata, set when the merge request is opened; after that it belongs to its users.
    pub metadata: MergeRequestMetadata,
    /// The state to encode in the description.
    pub state: RequestState,
    /// Why one of the operator's templates failed; imagebot's default text is used instead.
    pub failed: Option<String>,
}

/// The state in a merge request's text: a cache for reading, never the basis of a write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestState {
    /// The update key's hash.
    pub key: String,
    /// The changes that it proposes.
    pub changes: ChangeSet,
    /// The target branch that it was opened for. If the current one differs, a user changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Branch>,
    /// Whether it is a major update; whether those hold the children is a setting.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub major: bool,
    /// The labels that imagebot added. If one is missing, a user removed it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<String>,
    /// Whether imagebot scheduled its merge on the forge.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scheduled: bool,
    /// The codes of the comments that were posted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<String>,
    /// Why imagebot closed it. Without a reason, a user closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
}

/// imagebot's part of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The hash of the rendered text.
    pub hash: String,
    /// The encoded state.
    pub state: RequestState,
}

/// The default title of a set of changes: images without their registry, and the largest level.
pub(super) fn title(class: Class, level: Option<Level>, changes: &ChangeSet) -> String {
    let images: BTreeSet<&str> = changes
        .references
        .iter()
        .map(|change| change.image.familiar())
        .collect();
    let level = level.filter(|level| *level != Level::Digest);
    let level = level.map_or_else(String::new, |level| format!(" ({})", level.code()));
    let versions: BTreeSet<String> = changes
        .references
        .iter()
        .map(|change| {
            change
                .to
                .tag
                .as_ref()
                .map_or_else(String::new, |tag| format!(" to {tag}"))
        })
        .collect();
    let only_digests = changes
        .references
        .iter()
        .all(|change| change.from.tag == change.to.tag);
    let title = match (class, images.len(), images.first(), versions.first()) {
        (Class::Pin, 1, Some(image), _) => format!("Pin the digest of {image}"),
        (Class::Pin, count, ..) => format!("Pin the digests of {count} images"),
        (_, 1, Some(image), _) if only_digests => format!("Update the digest of {image}"),
        (_, 1, Some(image), Some(version)) if versions.len() == 1 => {
            format!("Update {image}{version}{level}")
        }
        (_, 1, Some(image), _) => format!("Update {image}{level}"),
        (_, count, ..) => format!("Update {count} images{level}"),
    };
    // GitLab accepts 255 characters, GitHub 256.
    match title.char_indices().nth(MOST_TITLE - 1) {
        Some((end, _)) if title.chars().count() > MOST_TITLE => format!("{}…", &title[..end]),
        _ => title,
    }
}

/// Information for the reviewer besides the changes.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// The changes on hold that are not included yet.
    pub(super) waits: BTreeSet<String>,
    /// Lines that still have the old value.
    pub(super) left: BTreeSet<String>,
}

impl Texts {
    pub(super) fn render(
        title: String,
        target: &Target<'_>,
        key: &UpdateKey,
        changes: &ChangeSet,
        wanted: &[(&Decision, &Wanted)],
        beside: &Beside,
        seen: &Observations,
    ) -> Self {
        let level = wanted.iter().map(|(_, wanted)| wanted.level).max();
        let mut values = Values::new(target.repo, &key.group, key.class, level, changes);
        let mut failed = None;
        let mut own = |template: &Option<Template>, values: &Values<'_>| {
            let rendered = template.as_ref().map(|template| template.render(values))?;
            rendered.map_err(|error| failed = Some(error)).ok()
        };
        let title = {
            values.default = &title;
            own(&target.templates.title, &values).unwrap_or_else(|| title.clone())
        };
        let mut rows = Vec::new();
        for change in &changes.references {
            let behind: Vec<&(&Decision, &Wanted)> = wanted
                .iter()
                .filter(|(decision, wanted)| is_behind(change, decision, wanted))
                .collect();
            let level = behind.first().map_or("", |(_, wanted)| wanted.level.code());
            let places: Vec<String> = behind
                .iter()
                .map(|(decision, _)| code(&format!("{}:{}", decision.path, decision.located.line)))
                .collect();
            rows.push(format!(
                "| {} | {} | {} | {level} | {}{} |",
                code(shown(change.image.written())),
                code(&change.from.to_string()),
                code(&change.to.to_string()),
                places.join(", "),
                changed_in(change)
            ));
        }
        for change in &changes.follows {
            let (image, path) = (
                code(shown(change.image.written())),
                code(change.path.as_str()),
            );
            let (from, to) = (code(&change.from.to_string()), code(&change.to.to_string()));
            let changed = changed_in(change);
            rows.push(format!(
                "| {image} | {from} | {to} | follows | {path}{changed} |"
            ));
        }
        let mut versions = Vec::new();
        for change in &changes.versions {
            let (from, to) = (code(&change.from), code(&change.to));
            versions.push(format!("- {}: {from} -> {to}", code(change.path.as_str())));
        }
        let remarks = wanted.iter().flat_map(|(decision, _)| &decision.remarks);
        let whys: BTreeSet<String> = wanted
            .iter()
            .map(|(decision, wanted)| why(decision, wanted))
            .chain(remarks.cloned())
            .map(|line| format!("- {line}"))
            .collect();
        let listed = |lines: &BTreeSet<String>, shown: fn(&str) -> String| {
            lines
                .iter()
                .map(|line| format!("- {}", shown(line)))
                .collect()
        };
        let waits = listed(&beside.waits, str::to_owned);
        let left = listed(&beside.left, code);
        let abouts: BTreeSet<String> = wanted
            .iter()
            .filter_map(|(decision, wanted)| about(decision, wanted, seen))
            .collect();
        let metadata = metadata(wanted);
        let state = RequestState {
            key: key.hash(),
            changes: changes.clone(),
            target: Some(key.target.clone()),
            major: key.class == Class::Major,
            labels: metadata.labels.iter().cloned().collect(),
            ..RequestState::default()
        };
        // The state has to be complete; the other parts share the remaining room.
        let (body, abouts) = fit(
            Parts {
                rows,
                versions,
                whys: whys.into_iter().collect(),
                left,
                waits,
            },
            abouts.into_iter().collect(),
            state_line(&state).len(),
        );
        values.default = &body;
        let body_of_operator = own(&target.templates.body, &values);
        let memory = state_line(&state).len() + abouts.len();
        let mut body = match body_of_operator {
            Some(text) if has_room(&text, memory) => text,
            Some(_) => {
                failed = Some("its text is too long for this many changes".to_owned());
                body.clone()
            }
            None => body.clone(),
        };
        let hash = short_hash(&[title.as_str(), &body]);
        body.push_str(&abouts);
        let _ = writeln!(
            body,
            "\nClose this {} to skip these versions; reopen it to get them back. \
             Push to its branch to take it over: imagebot then stops updating it. \
             The label {} keeps the branch rebased on its target, {} stops all changes by imagebot.",
            target.noun,
            code(target.rebase_label),
            code(target.stop_label)
        );
        Self {
            title,
            body,
            hash,
            metadata,
            state,
            failed,
        }
    }

    /// The description with its markers, with `state` instead of the rendered state.
    pub fn block(&self, state: &RequestState) -> String {
        format!(
            "{BEGIN}{}{CLOSE}\n{}\n{}\n{END}",
            self.hash,
            self.body.trim_end(),
            state_line(state)
        )
    }
}

/// The metadata of a merge request: combined from the settings of all its references.
fn metadata(wanted: &[(&Decision, &Wanted)]) -> MergeRequestMetadata {
    let settings = || {
        let effective = wanted
            .iter()
            .filter_map(|(decision, _)| decision.effective.as_ref());
        effective.map(|effective| &effective.settings)
    };
    let all = |of: fn(&Settings) -> &Vec<String>| {
        let names: BTreeSet<&String> = settings().flat_map(of).collect();
        names.into_iter().cloned().collect()
    };
    let milestone = settings()
        .map(|s| &s.milestone.value)
        .find(|title| !title.is_empty());
    MergeRequestMetadata {
        labels: all(|s| &s.labels.value),
        assignees: all(|s| &s.assignees.value),
        reviewers: all(|s| &s.reviewers.value),
        milestone: milestone.cloned(),
        draft: settings().any(|s| s.draft.value),
        squash: settings().find_map(|s| s.squash.value),
        remove_source_branch: settings().all(|s| s.remove_source_branch.value),
    }
}

/// The files that change for a reference whose version they give; empty if only its own changes.
fn changed_in(change: &Change) -> String {
    let files: Vec<String> = change
        .changed
        .iter()
        .map(|path| code(path.as_str()))
        .collect();
    match files.is_empty() {
        true => String::new(),
        false => format!(" (changed in {})", files.join(", ")),
    }
}

fn is_behind(change: &Change, decision: &Decision, wanted: &Wanted) -> bool {
    decision.path == change.path
        && wanted.to_tag == change.to.tag
        && wanted.to_digest == change.to.digest
        && decision.reference().is_some_and(|reference| {
            reference.name == change.image
                && reference.tag == change.from.tag
                && reference.digest == change.from.digest
        })
}

/// The reasons for this version: why it was chosen, and what the policy excluded.
fn why(decision: &Decision, wanted: &Wanted) -> String {
    let image = decision
        .reference()
        .map(|reference| code(shown(reference.name.written())))
        .unwrap_or_default();
    let tag = wanted
        .to_tag
        .as_ref()
        .map(|tag| code(tag.as_str()))
        .unwrap_or_default();
    let mut text = match (
        wanted.class,
        wanted.to_tag == decision.reference().and_then(|r| r.tag.clone()),
    ) {
        (Class::Pin, _) => format!("{image}: the policy requires a digest on every reference"),
        (Class::Update, false) if decision.inner.is_some() => {
            format!("{image}: {tag} is its version in this repository")
        }
        (_, true) => format!("{image}: {tag} now points to another digest"),
        (Class::Major, false) => {
            format!("{image}: {tag} is the newest; major changes get their own merge request")
        }
        (Class::Update, false) => {
            format!("{image}: {tag} is the newest that the policy allows here")
        }
    };
    if decision.reason == Reason::HoldExpired {
        let _ = write!(text, "; {}", code(&decision.detail));
    }
    let settings = decision
        .effective
        .as_ref()
        .map(|effective| &effective.settings);
    // The settings that affected the choice, the most relevant first.
    let keys = [
        "max",
        "allow",
        "ignore",
        "scheme",
        "prerelease",
        "variant",
        "codename",
        "digest",
    ];
    let reason = |settings: &Settings| {
        keys.iter()
            .find_map(|key| settings.reasons.get(key).cloned())
    };
    if let Some(reason) = settings.and_then(reason) {
        let _ = write!(text, " ({})", code(&reason));
    }
    text
}

/// The first 16 hexadecimal digits of a hash.
pub(super) fn short_hash(parts: &[&str]) -> String {
    hash::of_texts(parts).chars().take(16).collect()
}

fn state_line(state: &RequestState) -> String {
    format!("{STATE}{}{CLOSE}", memory::encode(state))
}

/// imagebot's part of a description; `None` if it was removed.
pub fn block_of(description: &str) -> Option<Block> {
    let (_, rest) = description.split_once(BEGIN)?;
    let (hash, rest) = rest.split_once(CLOSE)?;
    let (_, rest) = rest.split_once(STATE)?;
    let (state, _) = rest.split_once(CLOSE)?;
    Some(Block {
        hash: hash.trim().to_owned(),
        state: memory::decode(state)?,
    })
}

/// The description with imagebot's part replaced, or appended if it was removed.
pub(super) fn replace_block(description: &str, block: &str) -> String {
    let found = description.find(BEGIN).and_then(|start| {
        let end = description[start..].find(END)? + start + END.len();
        Some((start, end))
    });
    match found {
        Some((start, end)) => format!("{}{block}{}", &description[..start], &description[end..]),
        None if description.trim().is_empty() => block.to_owned(),
        None => format!("{}\n\n{block}", description.trim_end()),
    }
}

/// The description with another state; `None` if someone removed imagebot's part.
pub(super) fn with_state(description: &str, state: &RequestState) -> Option<String> {
    let start = description.find(STATE)?;
    let end = description[start..].find(CLOSE)? + start + CLOSE.len();
    Some(format!(
        "{}{}{}",
        &description[..start],
        state_line(state),
        &description[end..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peoples_words_around_the_block_stay() {
        let texts = Texts {
            title: String::new(),
            body: "body\n".to_owned(),
            hash: "0123".to_owned(),
            failed: None,
            metadata: MergeRequestMetadata::default(),
            state: RequestState {
                key: "k".to_owned(),
                ..RequestState::default()
            },
        };
        let block = texts.block(&texts.state);
        let written = replace_block("before\n", &block);
        assert_eq!(
            block_of(&written),
            Some(Block {
                hash: "0123".to_owned(),
                state: texts.state.clone()
            })
        );
        let again = replace_block(&format!("{written}\nafter"), &block);
        assert_eq!(again, format!("before\n\n{block}\nafter"));
        let superseded = RequestState {
            closed: Some("superseded".to_owned()),
            ..texts.state.clone()
        };
        let closed = with_state(&again, &superseded).unwrap_or_default();
        assert_eq!(
            block_of(&closed).and_then(|b| b.state.closed).as_deref(),
            Some("superseded")
        );
        assert!(closed.starts_with("before") && closed.ends_with("after"));
        assert_eq!(block_of("nothing"), None);
    }

    /// GitLab accepts titles of 255 characters, GitHub of 256.
    #[test]
    fn row_39_a_title_about_a_long_name_is_cut() {
        let change = |to: &str| Change {
            changed: BTreeSet::new(),
            path: crate::repo::RepoPath::parse("Dockerfile").expect("a path"),
            image: crate::image::ImageName::parse(&format!("r.example/{}", "x".repeat(230)))
                .expect("a name"),
            from: super::super::change::Version::default(),
            to: super::super::change::Version {
                tag: crate::image::Tag::parse(to).ok(),
                digest: None,
            },
        };
        let references = [change(&"1".repeat(100))].into();
        let changes = ChangeSet {
            references,
            ..ChangeSet::default()
        };
        for class in [Class::Update, Class::Pin] {
            let title = title(class, Some(Level::Major), &changes);
            assert!(title.chars().count() <= MOST_TITLE, "{title}");
            assert!(title.ends_with('…'), "{title}");
        }
    }
}
