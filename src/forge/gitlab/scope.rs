//! Which repositories are asked for: what the configuration's globs name, without any request.

use super::answers::Project;
use crate::repo::{Glob, RepoGlobs, RepoName};
use std::collections::BTreeSet;

/// What one client works for.
pub(super) struct Scope {
    /// What is worked on.
    pub(super) repos: RepoGlobs,
    /// Where not empty, one of these must be a repository's topic too.
    pub(super) topics: Vec<String>,
    /// Only repositories below this.
    pub(super) prefix: String,
    /// What other tokens of the same forge are for.
    pub(super) deeper: Vec<String>,
    pub(super) include_archived: bool,
    pub(super) include_forks: bool,
    pub(super) include_mirrors: bool,
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// What the token is a member of.
    Membership,
    /// A group with its subgroups.
    Group(String),
}

/// What is to be done with a repository.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Worked on, and why.
    In(String),
    /// There, and left out.
    Out(&'static str),
    /// Nobody asked for it.
    Unasked,
}

impl Scope {
    /// The listings, and the repositories that are named one by one.
    pub(super) fn sources(&self) -> (BTreeSet<Source>, BTreeSet<RepoName>) {
        let mut groups = BTreeSet::new();
        let mut named = BTreeSet::new();
        for glob in self.repos.positive() {
            if !is_wild(glob) {
                let name = RepoName::parse(glob).ok();
                named.extend(name.filter(|name| self.is_below(name.as_str())));
                continue;
            }
            let parts: Vec<&str> = glob.split('/').take_while(|part| !is_wild(part)).collect();
            let group = parts.join("/");
            let own = self.prefix.trim_end_matches('/');
            // The narrower of the glob's group and our prefix; where they part, it is another token's glob.
            if own.is_empty() || group == own || group.starts_with(&format!("{own}/")) {
                groups.insert(group);
            } else if group.is_empty() || own.starts_with(&format!("{group}/")) {
                groups.insert(own.to_owned());
            }
        }
        let all: Vec<String> = groups.iter().cloned().collect();
        let inside = |group: &String| {
            all.iter()
                .any(|outer| outer.is_empty() || group.starts_with(&format!("{outer}/")))
        };
        let source = |group: String| match group.as_str() {
            "" => Source::Membership,
            _ => Source::Group(group),
        };
        let groups = groups
            .into_iter()
            .filter(|group| group.is_empty() || !inside(group));
        (groups.map(source).collect(), named)
    }

    /// What is to be done with a project that REST has listed.
    pub(super) fn verdict(&self, name: &RepoName, project: &Project) -> Verdict {
        let verdict = self.by_name(name, &project.topics);
        let Verdict::In(why) = verdict else {
            return verdict;
        };
        let named = self.repos.positive().any(|glob| glob == name.as_str());
        let deleted = project
            .marked_for_deletion_on
            .as_ref()
            .or(project.marked_for_deletion_at.as_ref());
        if deleted.is_some() {
            Verdict::Out("pending-deletion")
        } else if project.archived && !self.include_archived {
            Verdict::Out("archived")
        } else if project.forked_from_project.is_some() && !self.include_forks && !named {
            Verdict::Out("fork")
        } else if project.mirror && !self.include_mirrors && !named {
            Verdict::Out("mirror")
        } else {
            Verdict::In(why)
        }
    }

    /// What is to be done with a repository that the configuration names, before it is asked for.
    pub(super) fn named(&self, name: &RepoName) -> Verdict {
        self.by_name(name, &self.topics)
    }

    /// What is to be done with a repository, by its name and topics alone.
    fn by_name(&self, name: &RepoName, topics: &[String]) -> Verdict {
        let text = name.as_str();
        let fits = |glob: &&str| Glob::parse(glob).is_ok_and(|glob| glob.matches(text));
        let why = self.repos.positive().filter(fits).last();
        let Some(why) = why.filter(|_| self.is_below(text)) else {
            return Verdict::Unasked;
        };
        let other =
            |prefix: &String| prefix.len() > self.prefix.len() && text.starts_with(prefix.as_str());
        if !self.repos.select(name) {
            Verdict::Out("excluded")
        } else if self.deeper.iter().any(other) {
            Verdict::Out("other-token")
        } else if !self.topics.is_empty() && !topics.iter().any(|t| self.topics.contains(t)) {
            Verdict::Out("topic")
        } else {
            Verdict::In(format!("repos = {why:?}"))
        }
    }

    fn is_below(&self, name: &str) -> bool {
        name.starts_with(self.prefix.as_str())
    }
}

fn is_wild(glob: &str) -> bool {
    glob.contains(['*', '?', '[', '{', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(globs: &[&str], prefix: &str) -> Scope {
        Scope {
            repos: RepoGlobs::parse(globs).unwrap_or_default(),
            topics: Vec::new(),
            prefix: prefix.to_owned(),
            deeper: vec!["apps/secret/".to_owned()],
            include_archived: false,
            include_forks: false,
            include_mirrors: false,
        }
    }

    fn check(globs: &[&str], prefix: &str, sources: &[&str], named: &[&str]) {
        let (found, names) = scope(globs, prefix).sources();
        let found: Vec<String> = found
            .into_iter()
            .map(|source| match source {
                Source::Membership => "*".to_owned(),
                Source::Group(group) => group,
            })
            .collect();
        let names: Vec<&str> = names.iter().map(RepoName::as_str).collect();
        assert_eq!(found, sources);
        assert_eq!(names, named);
    }

    #[test]
    fn what_stands_before_the_first_star_is_listed() {
        check(&["platform/**"], "", &["platform"], &[]);
        check(
            &["platform/base-*", "platform/x/**"],
            "",
            &["platform"],
            &[],
        );
        check(&["platform/x/*/y", "a/b"], "", &["platform/x"], &["a/b"]);
        check(&["plat*/x"], "", &["*"], &[]);
        check(&["**", "apps/**", "!apps/legacy"], "", &["*"], &[]);
        check(&["**"], "apps/", &["apps"], &[]);
        check(&["apps/web/**", "other/**"], "apps/", &["apps/web"], &[]);
        check(&["a/b", "apps/c"], "apps/", &[], &["apps/c"]);
    }

    #[test]
    fn the_longest_prefix_has_the_repository() {
        let scope = scope(&["**", "!apps/old"], "apps/");
        let verdict = |name: &str| RepoName::parse(name).map(|name| scope.by_name(&name, &[]));
        assert_eq!(
            verdict("apps/web"),
            Ok(Verdict::In("repos = \"**\"".to_owned()))
        );
        assert_eq!(verdict("apps/old"), Ok(Verdict::Out("excluded")));
        assert_eq!(verdict("apps/secret/x"), Ok(Verdict::Out("other-token")));
        assert_eq!(verdict("platform/x"), Ok(Verdict::Unasked));
    }
}
