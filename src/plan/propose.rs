//! Turns decisions into proposals: branches, edits and texts.

use super::change::ChangeSet;
use super::decision::{Decision, Wanted};
use super::escape::code;
use super::images::Images;
use super::key::UpdateKey;
use super::message::CommitMessage;
use super::observe::Observations;
use super::reason::{Outcome, Reason};
use super::release::{Place, release};
use super::target::Target;
use super::text::{Beside, Texts, title};
use super::wish::{Refused, Wish, group_of, groups, kept_updates};
use crate::policy::{Age, Settings};
use crate::repo::{Branch, RepoPath};
use crate::scheme::Level;
use crate::source::Refusal;
use crate::source::{Format, ReadSources, Sources, Update, left_behind};
use std::collections::{BTreeMap, BTreeSet};

/// A merge request that should exist.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Its identity across passes.
    pub key: UpdateKey,
    /// The source branch.
    pub branch: Branch,
    /// The changes in it.
    pub changes: ChangeSet,
    /// The edits of each file, bound to the lines that they are for.
    pub updates: BTreeMap<RepoPath, Vec<Update>>,
    /// The complete contents of the changed files.
    pub files: BTreeMap<RepoPath, Vec<u8>>,
    /// The message of its commit.
    pub message: CommitMessage,
    /// The title, description and metadata.
    pub texts: Texts,
    /// The largest level of its changes.
    pub level: Level,
    /// Whether it is merged automatically.
    pub automerge: Automerge,
    /// How many merge requests may be open in its repository at the same time.
    pub max_open: u32,
}

/// Whether a merge request is merged automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automerge {
    /// No: a reviewer merges it.
    Never,
    /// The policy allows it but has no `min_age`: nothing that is minutes old is merged without review (T30).
    NeedsMinAge,
    /// Yes, as soon as its pipeline has succeeded.
    Wanted,
}

/// Groups the wanted changes of a repository into proposals, each with its follow-up changes: the versions of the
/// images that it changes are bumped, and references to those within the repository follow. A change that cannot be
/// made in the file is refused individually, and its decision becomes *unknown*; the rest of its group is proposed.
pub fn propose(
    target: &Target<'_>,
    sources: &Sources,
    reading: &ReadSources,
    args: &BTreeMap<String, String>,
    images: &Images,
    decisions: &mut [Decision],
    seen: &Observations,
) -> (Vec<Proposal>, Vec<Refused>) {
    let place = Place {
        sources,
        reading,
        args,
        images,
    };
    // Before grouping, because the obstacle concerns a line, whichever merge request would change it.
    refuse_without_version(images, decisions);
    let mut proposals = Vec::new();
    let mut refused = Vec::new();
    let mut follows: BTreeMap<usize, String> = BTreeMap::new();
    let mut remarks = Vec::new();
    for (class, group, wishes) in groups(decisions, target.together) {
        // Each group starts from the files of the target branch, not from the result of the group before: merge
        // requests are independent and may be merged in any order.
        let mut release = release(&place, decisions, wishes);
        refused.append(&mut release.refused);
        // If all decided changes were refused, nothing is left for the others to follow.
        let kept: Vec<&Wish> = release.kept.iter().filter(|w| w.index.is_some()).collect();
        if kept.is_empty() {
            continue;
        }
        let key = UpdateKey {
            repo: target.repo_id.to_owned(),
            target: target.branch.clone(),
            group,
            class,
        };
        let changes = release.changes();
        let wanted = |wish: &&Wish| {
            let decision = &decisions[wish.decision];
            Some((decision, &decision.wanted[wish.index?]))
        };
        let wanted: Vec<(&Decision, &Wanted)> = kept.iter().filter_map(wanted).collect();
        let left = left_behind_in(sources, &release.files, &changes);
        let level = wanted.iter().map(|(_, wanted)| wanted.level).max();
        let title = title(class, level, &changes);
        let message =
            CommitMessage::write(&format!("{}{title}", target.commit_prefix), &key, &changes);
        for wish in &release.kept {
            let said = left.get(&wish.change.path).into_iter().flatten();
            let said = said.map(|line| (wish.decision, format!("still has the old value: {line}")));
            remarks.extend(said);
        }
        for wish in release.kept.iter().filter(|wish| wish.index.is_none()) {
            let to = wish.change.to.to_string();
            follows.insert(wish.decision, format!("{to}, on {}", key.branch()));
        }
        proposals.push(Proposal {
            branch: key.branch(),
            message,
            level: level.unwrap_or(Level::Major),
            automerge: automerge(&wanted),
            max_open: settings_of(&wanted)
                .map(|settings| settings.max_open.value)
                .max()
                .unwrap_or(0),
            texts: Texts::render(
                title,
                target,
                &key,
                &changes,
                &wanted,
                &Beside {
                    waits: waits(decisions, &key),
                    left: left.values().flatten().cloned().collect(),
                },
                seen,
            ),
            updates: kept_updates(&release.kept),
            files: release.files,
            changes,
            key,
        });
    }
    for (index, step) in remarks {
        decisions[index].steps.push(step);
    }
    // A reference with a change of its own keeps that reason; one that only follows gets this one. Refusals come last
    // and replace every other reason, because a refused change is reported as unknown.
    for (index, to) in follows {
        let decision = &mut decisions[index];
        if decision.wanted.is_empty() {
            decision.reason = Reason::InnerFollows;
            decision.detail = to;
        }
    }
    for Refused { decision, refusal } in &refused {
        let decision = &mut decisions[*decision];
        if let Refusal::Ambiguous { .. } = refusal {
            decision.reason = Reason::Ambiguous;
            decision.detail = refusal.to_string();
            let help = "write the whole tag in a single ARG or in the instruction itself";
            decision.help = Some(help.to_owned());
        } else {
            decision.reason = Reason::EditRefused;
            decision.detail = format!("{refusal} [{}]", refusal.code());
        }
        decision
            .steps
            .push(format!("the edit is refused: {refusal}"));
    }
    (proposals, refused)
}

/// Drops the changes of an image whose version would have to be bumped but cannot be: its next build would be published
/// under a version that already exists with other content.
fn refuse_without_version(images: &Images, decisions: &mut [Decision]) {
    for decision in decisions.iter_mut().filter(|d| !d.wanted.is_empty()) {
        if let Some((why, help)) = images.obstacle(&decision.path, decision.located.line) {
            decision.wanted.clear();
            decision.reason = Reason::VersionFile;
            decision.steps.push(why.clone());
            decision.detail = why;
            decision.help = Some(help.to_owned());
        }
    }
}

fn settings_of<'a>(wanted: &[(&'a Decision, &Wanted)]) -> impl Iterator<Item = &'a Settings> {
    let effective = wanted
        .iter()
        .filter_map(|(decision, _)| decision.effective.as_ref());
    effective.map(|effective| &effective.settings)
}

/// A merge request is merged automatically only if the policy allows that for each of its changes. One that is on hold
/// stays open until its ancestors are settled, so it must not be merged either.
fn automerge(wanted: &[(&Decision, &Wanted)]) -> Automerge {
    let allowed = |(decision, wanted): &(&Decision, &Wanted)| {
        let settings = decision.effective.as_ref().map(|e| &e.settings);
        settings.is_some_and(|s| s.automerge.value.is_some_and(|most| wanted.level <= most))
    };
    let waits = |(decision, _): &(&Decision, &Wanted)| decision.outcome() == Outcome::Hold;
    if wanted.is_empty() || !wanted.iter().all(allowed) || wanted.iter().any(waits) {
        return Automerge::Never;
    }
    match settings_of(wanted).all(|settings| settings.min_age.value > Age::NONE) {
        true => Automerge::Wanted,
        false => Automerge::NeedsMinAge,
    }
}

/// The changes that belong to a merge request but are on hold, one line each.
fn waits(decisions: &[Decision], key: &UpdateKey) -> BTreeSet<String> {
    let here = |decision: &&Decision| {
        let mut waiting = decision.family.waiting.iter();
        waiting.any(|wanted| wanted.class == key.class && group_of(decision, wanted) == key.group)
    };
    let waiting = decisions.iter().filter(here);
    let line = |decision: &Decision| {
        let image = code(decision.located.image());
        let by = decision.family.waits_for.as_deref().map(code)?;
        Some(format!("{image} waits for {by}"))
    };
    waiting.filter_map(line).collect()
}

/// Other lines of the edited Dockerfiles that still have an old value, each as `file:line: text`, by file.
fn left_behind_in(
    sources: &Sources,
    edited: &BTreeMap<RepoPath, Vec<u8>>,
    changes: &ChangeSet,
) -> BTreeMap<RepoPath, Vec<String>> {
    let mut left = BTreeMap::new();
    for (path, after) in edited {
        let Some(file) = sources
            .get(path)
            .filter(|f| f.format == Some(Format::Dockerfile))
        else {
            continue;
        };
        let here = changes
            .references
            .iter()
            .filter(|change| change.path == *path);
        let names: Vec<(String, String)> = here
            .filter_map(|change| Some((change, change.from.tag.as_ref()?.to_string())))
            .flat_map(|(change, tag)| {
                let image = &change.image;
                [image.written().to_owned(), image.canonical()].map(|name| (name, tag.clone()))
            })
            .collect();
        let names: Vec<(&str, &str)> = names
            .iter()
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        let found = left_behind(&file.contents, after, &names).into_iter();
        let lines: Vec<String> = found
            .map(|(line, what)| format!("{path}:{line}: {what}"))
            .collect();
        left.insert(path.clone(), lines);
    }
    left
}
