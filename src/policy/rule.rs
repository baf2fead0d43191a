//! Rules, what they match, and what comes out for one reference.

use super::note::{Note, ParseNoteError};
use super::settings::{Changes, Origin, Settings};
use crate::image::ImageName;
use crate::repo::{Glob, RepoName, RepoPath};
use crate::source::Kind;

/// What a rule can look at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The repository; none for a plain folder.
    pub repo: Option<&'a RepoName>,
    /// The file.
    pub path: &'a RepoPath,
    /// The image.
    pub image: &'a ImageName,
    /// The tag as it stands.
    pub tag: Option<&'a str>,
    /// The kind of place.
    pub kind: Kind,
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
    /// Kinds of places.
    pub kinds: Vec<Kind>,
    /// Tags as they stand.
    pub tags: Vec<Glob>,
    /// What it changes.
    pub changes: Changes,
    /// Where it stands.
    pub from: Origin,
}

impl Rule {
    /// A rule that matches everything: `[defaults]`.
    pub fn everything(changes: Changes, from: Origin) -> Self {
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

    /// Whether it looks at anything: one that matches everything is never unused.
    pub fn is_selective(&self) -> bool {
        !(self.images.is_empty()
            && self.repos.is_empty()
            && self.paths.is_empty()
            && self.kinds.is_empty()
            && self.tags.is_empty())
    }

    fn matches(&self, subject: &Subject<'_>) -> bool {
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

/// The rules that hold for one repository, in the order in which they apply.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The rules.
    pub rules: Vec<Rule>,
}

/// The settings of one reference, and where they come from.
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
        subject: &Subject<'_>,
        notes: &[String],
        line: usize,
    ) -> Result<Effective, ParseNoteError> {
        let mut settings = Settings::default();
        let mut matched = Vec::new();
        for (index, rule) in self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.matches(subject))
        {
            settings.apply(&rule.changes);
            matched.push(index);
        }
        if !notes.is_empty() {
            let from = Origin {
                file: subject.path.as_str().into(),
                line,
            };
            settings.apply(&Note::parse(notes, &from)?.changes);
        }
        Ok(Effective { settings, matched })
    }
}
