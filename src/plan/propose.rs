//! From decisions to branches, edits and texts.

use super::change::{Change, ChangeSet, Version};
use super::decision::{Class, Decision, Wanted};
use super::escape::code;
use super::key::UpdateKey;
use super::message::CommitMessage;
use super::observe::Observations;
use super::reason::{Outcome, Reason};
use super::target::Target;
use super::text::{Texts, title};
use crate::policy::{Age, Settings};
use crate::repo::{Branch, RepoPath};
use crate::scheme::Level;
use crate::source::{Format, Refusal, Update, edit};
use std::collections::{BTreeMap, BTreeSet};

/// A file as it is on the target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: RepoPath,
    /// Its format.
    pub format: Format,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// A merge request that should be there.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The key.
    pub key: UpdateKey,
    /// Its branch.
    pub branch: Branch,
    /// What it changes.
    pub changes: ChangeSet,
    /// The edits of each file, bound to the lines that wish them.
    pub updates: BTreeMap<RepoPath, Vec<Update>>,
    /// The changed files, whole.
    pub files: BTreeMap<RepoPath, Vec<u8>>,
    /// The commit's message.
    pub message: CommitMessage,
    /// Title, text and dress of the merge request.
    pub texts: Texts,
    /// The widest of its changes.
    pub level: Level,
    /// Whether it is merged without a person.
    pub automerge: Automerge,
    /// The most open merge requests that its repository may have.
    pub max_open: u32,
}

/// Whether a merge request is merged without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automerge {
    /// A person merges it.
    Never,
    /// The policy would have it merged, but knows no `min_age`: nothing that is minutes old is merged unseen (T30).
    NeedsMinAge,
    /// It is merged when its pipeline succeeded.
    Wanted,
}

/// A wanted change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The decision, as an index.
    pub decision: usize,
    /// Why.
    pub refusal: Refusal,
}

/// Groups the wanted changes of a repository into proposals. A change that the files cannot take is refused alone,
/// and its decision becomes *unknown*; the others of its group go on.
pub fn propose(
    target: &Target<'_>,
    files: &[File],
    args: &BTreeMap<String, String>,
    decisions: &mut [Decision],
    seen: &Observations,
) -> (Vec<Proposal>, Vec<Refused>) {
    let files: BTreeMap<&RepoPath, &File> = files.iter().map(|file| (&file.path, file)).collect();
    let mut proposals = Vec::new();
    let mut refused = Vec::new();
    for (class, group, wishes) in groups(decisions) {
        let (edited, kept, lost) = edit_files(&files, args, &wishes);
        refused.extend(lost);
        if kept.is_empty() {
            continue;
        }
        let key = UpdateKey {
            repo: target.repo_id.to_owned(),
            target: target.branch.clone(),
            group,
            class,
        };
        let changes = ChangeSet::of(kept.iter().map(|wish| wish.change.clone()));
        let title = title(class, &changes);
        let wanted: Vec<(&Decision, &Wanted)> = kept
            .iter()
            .map(|wish| {
                (
                    &decisions[wish.decision],
                    &decisions[wish.decision].wanted[wish.index],
                )
            })
            .collect();
        let level = wanted.iter().map(|(_, wanted)| wanted.level).max();
        let message =
            CommitMessage::write(&format!("{}{title}", target.commit_prefix), &key, &changes);
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
                &waits(decisions, &key),
                seen,
            ),
            updates: kept_updates(&kept),
            files: edited,
            changes,
            key,
        });
    }
    for Refused { decision, refusal } in &refused {
        let decision = &mut decisions[*decision];
        decision.reason = Reason::EditRefused;
        decision.detail = format!("{}: {refusal}", refusal.code());
        decision
            .steps
            .push(format!("the edit is refused: {refusal}"));
    }
    (proposals, refused)
}

fn settings_of<'a>(wanted: &[(&'a Decision, &Wanted)]) -> impl Iterator<Item = &'a Settings> {
    let effective = wanted
        .iter()
        .filter_map(|(decision, _)| decision.effective.as_ref());
    effective.map(|effective| &effective.settings)
}

/// Merged without a person only if that holds for each of its changes.
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

/// The group of all references to images that registered repositories publish.
const FAMILY: &str = "family";

/// One wanted change of one decision.
#[derive(Debug, Clone)]
struct Wish {
    decision: usize,
    index: usize,
    change: Change,
    line: usize,
}

/// The wishes by class and group. Wishes that share a place in a file, an `ARG` that feeds two images, travel
/// together: apart, each would be refused for the other's sake.
fn groups(decisions: &[Decision]) -> Vec<(Class, String, Vec<Wish>)> {
    let mut groups: BTreeMap<(Class, String), Vec<Wish>> = BTreeMap::new();
    for (number, decision) in decisions.iter().enumerate() {
        let Some(reference) = decision.reference() else {
            continue;
        };
        for (index, wanted) in decision.wanted.iter().enumerate() {
            let change = Change {
                path: decision.path.clone(),
                image: reference.name.clone(),
                from: Version {
                    tag: reference.tag.clone(),
                    digest: reference.digest.clone(),
                },
                to: Version {
                    tag: wanted.to_tag.clone(),
                    digest: wanted.to_digest.clone(),
                },
            };
            let wish = Wish {
                decision: number,
                index,
                change,
                line: decision.located.line,
            };
            groups
                .entry((wanted.class, group_of(decision, wanted)))
                .or_default()
                .push(wish);
        }
    }
    let mut joined: Vec<(Class, BTreeSet<String>, Vec<Wish>)> = Vec::new();
    for ((class, group), mut wishes) in groups {
        let mut names = BTreeSet::from([group]);
        while let Some(index) = joined
            .iter()
            .position(|(other, _, known)| *other == class && share(decisions, known, &wishes))
        {
            let (_, other_names, other) = joined.remove(index);
            names.extend(other_names);
            wishes.extend(other);
        }
        joined.push((class, names, wishes));
    }
    let name = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join("+");
    let mut joined: Vec<_> = joined
        .into_iter()
        .map(|(class, names, wishes)| (class, name(names), wishes))
        .collect();
    joined.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    joined
}

fn group_of(decision: &Decision, wanted: &Wanted) -> String {
    let rule = decision
        .effective
        .as_ref()
        .map(|effective| effective.settings.group.value.clone());
    match (wanted.class, rule.filter(|group| !group.is_empty())) {
        (Class::Pin, _) => String::new(),
        (_, Some(group)) => group,
        // So the bottom of a diamond is one merge request.
        (_, None) if decision.kin.parent.is_some() => FAMILY.to_owned(),
        (_, None) => decision
            .reference()
            .map(|reference| reference.name.canonical())
            .unwrap_or_default(),
    }
}

/// What belongs into a merge request and waits, a line each.
fn waits(decisions: &[Decision], key: &UpdateKey) -> BTreeSet<String> {
    let here = |decision: &&Decision| {
        let mut waiting = decision.kin.waiting.iter();
        waiting.any(|wanted| wanted.class == key.class && group_of(decision, wanted) == key.group)
    };
    let waiting = decisions.iter().filter(here);
    let line = |decision: &Decision| {
        let image = code(decision.located.image());
        let by = decision.kin.waits_for.as_deref().map(code)?;
        Some(format!("{image} waits for {by}"))
    };
    waiting.filter_map(line).collect()
}

fn share(decisions: &[Decision], a: &[Wish], b: &[Wish]) -> bool {
    a.iter().any(|a| {
        b.iter().any(|b| {
            a.change.path == b.change.path
                && decisions[a.decision]
                    .located
                    .shares_place(&decisions[b.decision].located)
        })
    })
}

type Edited = (BTreeMap<RepoPath, Vec<u8>>, Vec<Wish>, Vec<Refused>);

fn edit_files(
    files: &BTreeMap<&RepoPath, &File>,
    args: &BTreeMap<String, String>,
    wishes: &[Wish],
) -> Edited {
    let mut edited = BTreeMap::new();
    let mut kept = Vec::new();
    let mut refused = Vec::new();
    let paths: BTreeSet<&RepoPath> = wishes.iter().map(|wish| &wish.change.path).collect();
    for path in paths {
        let Some(file) = files.get(path) else {
            continue;
        };
        let of_file: Vec<&Wish> = wishes
            .iter()
            .filter(|wish| wish.change.path == *path)
            .collect();
        let attempt = |wishes: &[&Wish]| edit(file.format, &file.contents, args, &updates(wishes));
        let (fitting, lost) = largest_fitting(&of_file, &attempt);
        refused.extend(lost.into_iter().map(|(wish, refusal)| Refused {
            decision: wish.decision,
            refusal,
        }));
        if let (false, Ok(contents)) = (fitting.is_empty(), attempt(&fitting)) {
            edited.insert(path.clone(), contents);
            kept.extend(fitting.into_iter().cloned());
        }
    }
    (edited, kept, refused)
}

/// One update per change, for the lines that wish it: a reference that wishes something else stays.
fn updates(wishes: &[&Wish]) -> Vec<Update> {
    let mut updates: Vec<Update> = Vec::new();
    for wish in wishes {
        let update = Update {
            lines: Some(BTreeSet::from([wish.line])),
            ..wish.change.update()
        };
        let same = updates.iter_mut().find(|known| {
            Update {
                lines: None,
                ..(**known).clone()
            } == wish.change.update()
        });
        match same {
            Some(known) => known.lines.get_or_insert_default().extend([wish.line]),
            None => updates.push(update),
        }
    }
    updates
}

fn kept_updates(kept: &[Wish]) -> BTreeMap<RepoPath, Vec<Update>> {
    let paths: BTreeSet<&RepoPath> = kept.iter().map(|wish| &wish.change.path).collect();
    let of_path = |path: &RepoPath| {
        kept.iter()
            .filter(|wish| wish.change.path == *path)
            .collect::<Vec<_>>()
    };
    paths
        .into_iter()
        .map(|path| (path.clone(), updates(&of_path(path))))
        .collect()
}

/// More different changes than this in one file are had together or not at all: finding the one that does not fit
/// reads the file anew for each.
const MAX_TRIES: usize = 32;

/// The wishes of one file that can be had together: all, or all but one change, or as many changes as fit one after
/// the other.
fn largest_fitting<'a, T>(
    wishes: &[&'a Wish],
    attempt: &dyn Fn(&[&Wish]) -> Result<T, Refusal>,
) -> (Vec<&'a Wish>, Vec<(&'a Wish, Refusal)>) {
    let Err(first) = attempt(wishes) else {
        return (wishes.to_vec(), Vec::new());
    };
    let mut same: BTreeMap<&Change, Vec<&'a Wish>> = BTreeMap::new();
    for wish in wishes {
        same.entry(&wish.change).or_default().push(wish);
    }
    let same: Vec<Vec<&'a Wish>> = same.into_values().collect();
    let refused = |wishes: &[&'a Wish]| {
        wishes
            .iter()
            .map(|wish| (*wish, first.clone()))
            .collect::<Vec<_>>()
    };
    if same.len() > MAX_TRIES {
        return (Vec::new(), refused(wishes));
    }
    for index in 0..same.len() {
        let rest: Vec<&'a Wish> = [&same[..index], &same[index + 1..]].concat().concat();
        if !rest.is_empty() && attempt(&rest).is_ok() {
            return (rest, refused(&same[index]));
        }
    }
    let mut fitting: Vec<&'a Wish> = Vec::new();
    let mut lost = Vec::new();
    for wishes in same {
        let more = [fitting.as_slice(), &wishes].concat();
        match attempt(&more) {
            Ok(_) => fitting = more,
            Err(refusal) => lost.extend(wishes.into_iter().map(|wish| (wish, refusal.clone()))),
        }
    }
    (fitting, lost)
}
