//! Makes wanted changes in the files.

use super::change::{Change, ValueChange, Version};
use super::decision::{Class, Decision, Wanted};
use super::release::Place;
use crate::repo::RepoPath;
use crate::source::{
    Edited, RefId, Refusal, Sources, Unreadable, Update, differs_only_by, edit_sources,
};
use std::collections::{BTreeMap, BTreeSet};

/// One wanted change of one decision.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// The index of the decision.
    pub(super) decision: usize,
    /// The index among the decision's wanted changes; `None` for a follow-up change.
    pub(super) index: Option<usize>,
    pub(super) change: Change,
    /// The index of the reference in its file.
    pub(super) ordinal: usize,
}

impl Wish {
    /// The change of a decision's reference to `to`.
    pub(super) fn new(
        number: usize,
        index: Option<usize>,
        decision: &Decision,
        to: Version,
    ) -> Option<Self> {
        let reference = decision.reference()?;
        Some(Self {
            decision: number,
            index,
            change: Change {
                path: decision.path.clone(),
                image: reference.name.clone(),
                from: Version {
                    tag: reference.tag.clone(),
                    digest: reference.digest.clone(),
                },
                to,
                changed: BTreeSet::new(),
            },
            ordinal: decision.located.ordinal,
        })
    }

    /// The reference.
    fn id(&self) -> RefId {
        RefId {
            path: self.change.path.clone(),
            ordinal: self.ordinal,
        }
    }
}

/// A wanted change that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The index of the decision.
    pub decision: usize,
    /// Why the edit was refused.
    pub refusal: Refusal,
}

/// The changes by class and group. Changes that edit the same text, such as an `ARG` used by two images, are put
/// together: in separate merge requests each would be refused because of the other.
pub(super) fn groups(decisions: &[Decision], together: bool) -> Vec<(Class, String, Vec<Wish>)> {
    let mut groups: BTreeMap<(Class, String), Vec<Wish>> = BTreeMap::new();
    for (number, decision) in decisions.iter().enumerate() {
        for (index, wanted) in decision.wanted.iter().enumerate() {
            let to = Version {
                tag: wanted.to_tag.clone(),
                digest: wanted.to_digest.clone(),
            };
            let Some(wish) = Wish::new(number, Some(index), decision, to) else {
                continue;
            };
            let key = match together {
                true => (Class::Update, String::new()),
                false => (wanted.class, group_of(decision, wanted)),
            };
            groups.entry(key).or_default().push(wish);
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

/// The group of all references to images that registered repositories publish, including this one.
const FAMILY: &str = "family";

pub(super) fn group_of(decision: &Decision, wanted: &Wanted) -> String {
    let rule = decision
        .effective
        .as_ref()
        .map(|effective| effective.settings.group.value.clone());
    match (wanted.class, rule.filter(|group| !group.is_empty())) {
        (Class::Pin, _) => String::new(),
        (_, Some(group)) => group,
        // So the bottom of a diamond gets one merge request, not one per parent.
        (_, None) if decision.family.parent.is_some() || decision.inner.is_some() => {
            FAMILY.to_owned()
        }
        (_, None) => decision
            .reference()
            .map(|reference| reference.name.canonical())
            .unwrap_or_default(),
    }
}

fn share(decisions: &[Decision], a: &[Wish], b: &[Wish]) -> bool {
    a.iter().any(|a| {
        let located = |wish: &Wish| &decisions[wish.decision].located;
        b.iter().any(|b| located(a).shares_place(located(b)))
    })
}

/// The result of making changes in the files.
#[derive(Default)]
pub(super) struct EditedFiles {
    /// The complete contents of the changed files.
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
    /// The texts that changed in files that do not name the reference themselves.
    pub(super) values: BTreeSet<ValueChange>,
    /// The changes that were made.
    pub(super) kept: Vec<Wish>,
    pub(super) refused: Vec<(Wish, Refusal)>,
}

/// The most files that depend on each other in which an edit is made: all of them are read again for each.
const MAX_TOGETHER: usize = 1_000;

/// Makes the changes; those in files that depend on each other are made together.
pub(super) fn edit_files(place: &Place<'_>, wishes: &[Wish]) -> EditedFiles {
    let mut all = EditedFiles::default();
    let mut units: BTreeMap<usize, Vec<&Wish>> = BTreeMap::new();
    for wish in wishes {
        if let Some(unit) = place.reading.unit_of(place.sources, &wish.change.path) {
            units.entry(unit).or_default().push(wish);
        }
    }
    for (unit, wishes) in units {
        let sources = place.reading.files_of(place.sources, unit);
        if sources.iter().len() > MAX_TOGETHER {
            let why = Refusal::from(Unreadable::UnitTooLarge);
            let lost = wishes.into_iter().map(|wish| (wish.clone(), why.clone()));
            all.refused.extend(lost);
            continue;
        }
        let attempt = |wishes: &[&Wish]| edit_sources(&sources, place.args, &updates(wishes));
        let Fitting { wishes, made, lost } = largest_fitting(&wishes, &attempt);
        let lost = lost.into_iter().map(|(wish, why)| (wish.clone(), why));
        all.refused.extend(lost);
        let Some(made) = made else {
            continue;
        };
        let kept = wishes.into_iter().map(|wish| {
            let mut wish = wish.clone();
            let elsewhere = made.elsewhere.get(&wish.id());
            wish.change.changed = elsewhere.cloned().unwrap_or_default();
            wish
        });
        let kept: Vec<Wish> = kept.collect();
        all.values
            .extend(values(&sources, place.args, &made, &kept));
        all.kept.extend(kept);
        all.files.extend(made.files);
    }
    all
}

/// The texts that were replaced in files whose change cannot be recognized from their own references.
fn values(
    sources: &Sources,
    args: &BTreeMap<String, String>,
    edited: &Edited,
    kept: &[Wish],
) -> Vec<ValueChange> {
    let mut values = Vec::new();
    for (path, after) in &edited.files {
        let Some(file) = sources.get(path) else {
            continue;
        };
        let here = kept.iter().filter(|wish| wish.change.path == *path);
        let edits: Vec<Update> = here.map(|wish| wish.change.update()).collect();
        let is_plain = file.format.is_some_and(|format| {
            differs_only_by(format, &file.contents, after, args, &edits, &[])
        });
        if is_plain {
            continue;
        }
        let mut counted: BTreeMap<&(String, String), usize> = BTreeMap::new();
        for replaced in edited.replaced.get(path).into_iter().flatten() {
            *counted.entry(replaced).or_default() += 1;
        }
        values.extend(counted.into_iter().map(|((from, to), times)| ValueChange {
            path: path.clone(),
            from: from.clone(),
            to: to.clone(),
            times,
        }));
    }
    values
}

/// One update per change, bound to the references that it is wanted for: other references stay unchanged.
fn updates(wishes: &[&Wish]) -> Vec<Update> {
    let mut updates: Vec<Update> = Vec::new();
    for wish in wishes {
        let update = Update {
            only: Some(BTreeSet::from([wish.id()])),
            ..wish.change.update()
        };
        let same = updates.iter_mut().find(|known| {
            Update {
                only: None,
                ..(**known).clone()
            } == wish.change.update()
        });
        match same {
            Some(known) => known.only.get_or_insert_default().extend([wish.id()]),
            None => updates.push(update),
        }
    }
    updates
}

pub(super) fn kept_updates(kept: &[Wish]) -> BTreeMap<RepoPath, Vec<Update>> {
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

/// With more different changes than this in one file, they are all made or all refused: finding the conflicting one
/// parses the file again for each.
const MAX_TRIES: usize = 32;

/// Which changes of one file can be made together.
struct Fitting<'a, T> {
    wishes: Vec<&'a Wish>,
    /// The result of making them; `None` if none can be made.
    made: Option<T>,
    lost: Vec<(&'a Wish, Refusal)>,
}

/// Finds changes of one file that can be made together: all, or all but one, or as many as fit one after the other.
/// Each attempt parses the file again, so the result of the last successful one is kept.
fn largest_fitting<'a, T>(
    wishes: &[&'a Wish],
    attempt: &dyn Fn(&[&Wish]) -> Result<T, Refusal>,
) -> Fitting<'a, T> {
    let first = match attempt(wishes) {
        Ok(made) => {
            return Fitting {
                wishes: wishes.to_vec(),
                made: Some(made),
                lost: Vec::new(),
            };
        }
        Err(refusal) => refusal,
    };
    let mut same: BTreeMap<&Change, Vec<&'a Wish>> = BTreeMap::new();
    for wish in wishes {
        same.entry(&wish.change).or_default().push(wish);
    }
    let same: Vec<Vec<&'a Wish>> = same.into_values().collect();
    let refused = |wishes: &[&'a Wish]| {
        let refused = wishes.iter().map(|wish| (*wish, first.clone()));
        refused.collect::<Vec<_>>()
    };
    if same.len() > MAX_TRIES {
        return Fitting {
            wishes: Vec::new(),
            made: None,
            lost: refused(wishes),
        };
    }
    for index in 0..same.len() {
        let rest: Vec<&'a Wish> = [&same[..index], &same[index + 1..]].concat().concat();
        if rest.is_empty() {
            continue;
        }
        if let Ok(made) = attempt(&rest) {
            return Fitting {
                wishes: rest,
                made: Some(made),
                lost: refused(&same[index]),
            };
        }
    }
    let mut fitting = Fitting {
        wishes: Vec::new(),
        made: None,
        lost: Vec::new(),
    };
    for wishes in same {
        let more = [fitting.wishes.as_slice(), &wishes].concat();
        match attempt(&more) {
            Ok(made) => (fitting.wishes, fitting.made) = (more, Some(made)),
            Err(why) => {
                let lost = wishes.into_iter().map(|wish| (wish, why.clone()));
                fitting.lost.extend(lost);
            }
        }
    }
    fitting
}
