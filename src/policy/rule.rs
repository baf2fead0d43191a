//! Rules, what they match, and the resulting settings of one reference.

use super::note::{BadNote, Notes};
use super::settings::{Changes, SettingOrigin, Settings};
use super::values::Age;
use crate::image::ImageName;
use crate::repo::{Glob, RepoName, RepoPath};
use crate::scheme::Level;
use crate::source::{Comment, ReferenceKind};

/// What a rule is matched against.
#[derive(Debug, Clone, Copy)]
pub struct RuleSubject<'a> {
    /// The repository; `None` for a plain folder.
    pub repo: Option<&'a RepoName>,
    /// The file.
    pub path: &'a RepoPath,
    /// The image.
    pub image: &'a ImageName,
    /// The current tag.
    pub tag: Option<&'a str>,
    /// The kind of reference.
    pub kind: ReferenceKind,
}

/// A `[[rule]]`: what it matches and what it changes. An empty list matches everything.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Canonical image names, `docker.io/library/node`.
    pub images: Vec<Glob>,
    /// Repositories.
    pub repos: Vec<Glob>,
    /// Files.
    pub paths: Vec<Glob>,
    /// Kinds of references.
    pub kinds: Vec<ReferenceKind>,
    /// Current tags.
    pub tags: Vec<Glob>,
    /// What it changes.
    pub changes: Changes,
    /// The line that it begins on.
    pub from: SettingOrigin,
}

impl Rule {
    /// A rule that matches everything: `[defaults]`.
    pub fn everything(changes: Changes, from: SettingOrigin) -> Self {
        Self {
            images: vec![],
            repos: vec![],
            paths: vec![],
            kinds: vec![],
            tags: vec![],
            changes,
            from,
        }
    }

    /// Whether it has any condition: a rule that matches everything is never unused.
    pub fn is_selective(&self) -> bool {
        !(self.images.is_empty()
            && self.repos.is_empty()
            && self.paths.is_empty()
            && self.kinds.is_empty()
            && self.tags.is_empty())
    }

    /// Whether it is about a kind that is left out unless a rule names it. A rule for all kinds does not name any.
    pub fn names(&self, kind: ReferenceKind) -> bool {
        self.kinds.contains(&kind) && self.kinds.len() < ReferenceKind::ALL.len()
    }

    fn matches(&self, subject: &RuleSubject<'_>) -> bool {
        let any = |globs: &[Glob], text: Option<&str>| {
            globs.is_empty() || text.is_some_and(|text| globs.iter().any(|glob| glob.matches(text)))
        };
        any(&self.images, Some(&subject.image.canonical()))
            && any(&self.repos, subject.repo.map(RepoName::as_str))
            && any(&self.paths, Some(subject.path.as_str()))
            && any(&self.tags, subject.tag)
            && (self.kinds.is_empty() || self.kinds.contains(&subject.kind))
    }
}

/// How far a repository may go beyond the operator's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ceiling {
    /// The widest change that a repository may have merged automatically; `None`: none.
    pub automerge: Option<Level>,
    /// The shortest `min_age` that it may set; `None`: the operator's.
    pub min_age: Option<Age>,
}

/// The rules of one repository, in the order in which they apply.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The operator's rules and then the repository's.
    pub rules: Vec<Rule>,
    /// How many of the rules are the operator's.
    pub operators: usize,
    /// How far the repository's rules and the comments in its files may go.
    pub ceiling: Ceiling,
    /// The comments in the repository's files.
    pub notes: Notes,
}

/// The settings of one reference, and the rules that they come from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The settings.
    pub settings: Settings,
    /// The indices of the rules that matched.
    pub matched: Vec<usize>,
}

impl Policy {
    /// The settings of a reference, with the comments right above it.
    pub fn effective(
        &self,
        subject: &RuleSubject<'_>,
        notes: &[Comment],
    ) -> Result<Effective, BadNote> {
        let mut settings = Settings::default();
        let mut matched = Vec::new();
        for (index, rule) in self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.matches(subject))
        {
            if index < self.operators {
                settings.apply(&rule.changes);
            } else {
                self.apply_own(&mut settings, &rule.changes);
            }
            matched.push(index);
        }
        if !notes.is_empty() {
            let note = self.notes.at(notes, subject.path)?;
            self.apply_own(&mut settings, &note.changes);
        }
        Ok(Effective { settings, matched })
    }

    /// Applies a repository's own settings, limited by the ceiling (T21). A value that was limited keeps the operator's
    /// line.
    fn apply_own(&self, settings: &mut Settings, changes: &Changes) {
        let before = settings.clone();
        settings.apply(changes);
        let automerge = before.automerge.value.max(self.ceiling.automerge);
        if settings.automerge.value > automerge {
            settings.automerge = before.automerge;
            settings.automerge.value = automerge;
        }
        let min_age = self.ceiling.min_age.unwrap_or(before.min_age.value);
        if settings.min_age.value < min_age.min(before.min_age.value) {
            settings.min_age = before.min_age;
            settings.min_age.value = min_age.min(settings.min_age.value);
        }
        if settings.min_age_trust.value != before.min_age_trust.value {
            settings.min_age_trust = before.min_age_trust;
        }
        if settings.max_open.value > before.max_open.value {
            settings.max_open = before.max_open;
        }
        settings.ci = before.ci;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Set, Trust};

    #[test]
    fn t21_a_repository_does_not_go_beyond_the_ceiling() {
        let at = |line| SettingOrigin {
            file: "x".into(),
            line,
        };
        fn set<T>(value: T, from: &SettingOrigin) -> Option<Set<T>> {
            let from = from.clone();
            Some(Set { value, from })
        }
        let days = |days: i64| Age {
            seconds: days * 86_400,
        };
        let rule = |automerge, min_age, line| {
            let from = at(line);
            let changes = Changes {
                automerge: set(automerge, &from),
                min_age: set(min_age, &from),
                min_age_trust: set(Trust::Seen, &from),
                max_open: set(line as u32, &from),
                ..Changes::default()
            };
            Rule::everything(changes, from)
        };
        let path = RepoPath::parse("Dockerfile").expect("a path");
        let image = ImageName::parse("node").expect("a name");
        let subject = RuleSubject {
            repo: None,
            path: &path,
            image: &image,
            tag: None,
            kind: ReferenceKind::From,
        };
        let check = |ceiling, own: (Option<Level>, Age), expect: (Option<Level>, Age)| {
            let policy = Policy {
                rules: vec![rule(Some(Level::Digest), days(3), 2), rule(own.0, own.1, 9)],
                operators: 1,
                ceiling,
                notes: Notes::default(),
            };
            let settings = policy.effective(&subject, &[]).expect("no note").settings;
            assert_eq!((settings.automerge.value, settings.min_age.value), expect);
            assert_eq!(settings.max_open.value, 2);
        };
        let (none, patch, major) = (None, Some(Level::Patch), Some(Level::Major));
        let shut = Ceiling::default();
        check(shut, (major, days(0)), (Some(Level::Digest), days(3)));
        check(shut, (none, days(7)), (none, days(7)));
        let open = Ceiling {
            automerge: patch,
            min_age: Some(days(1)),
        };
        check(open, (major, days(0)), (patch, days(1)));
        check(open, (patch, days(2)), (patch, days(2)));
    }
}
