//! Which repositories are asked for, and which of those that exist are worked on, as the configuration says. Nothing
//! here sends a request.

use super::server::ServerSettings;
use crate::repo::{RepoGlobs, RepoName};
use std::collections::BTreeSet;

/// The repositories that one client works for.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    repos: RepoGlobs,
    topics: Vec<String>,
    prefix: String,
    deeper: Vec<String>,
    include_archived: bool,
    include_forks: bool,
    include_mirrors: bool,
}

/// What a server says about a repository, as far as it decides whether it is worked on.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) archived: bool,
    pub(super) fork: bool,
    pub(super) mirror: bool,
    pub(super) pending_deletion: bool,
    /// Merge requests are switched off.
    pub(super) without_requests: bool,
    pub(super) topics: Vec<String>,
}

impl Facts {
    /// These facts beside those of a list, which shows more of them.
    pub(super) fn with(self, listed: Option<&Self>) -> Self {
        match listed {
            None => self,
            Some(listed) => Self {
                archived: self.archived || listed.archived,
                without_requests: self.without_requests || listed.without_requests,
                ..listed.clone()
            },
        }
    }
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The repositories that the token is a member of.
    Membership,
    /// A group with its subgroups.
    Group(String),
}

/// What to do with a repository.
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
    pub(super) fn new(settings: &ServerSettings) -> Self {
        Self {
            repos: settings.repos.clone(),
            topics: settings.topics.clone(),
            prefix: settings.prefix.clone(),
            deeper: settings.deeper.clone(),
            include_archived: settings.include_archived,
            include_forks: settings.include_forks,
            include_mirrors: settings.include_mirrors,
        }
    }

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
            // The narrower of the glob's group and our prefix; if neither contains the other, it is another token's
            // glob.
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
            .filter(|group| group.is_empty() || !inside(group))
            .filter(|group| self.is_ours(&format!("{group}/")));
        (groups.map(source).collect(), named)
    }

    /// What to do with a repository that exists.
    pub(super) fn verdict(&self, name: &RepoName, facts: &Facts) -> Verdict {
        let verdict = self.by_name(name, &facts.topics);
        let Verdict::In(why) = verdict else {
            return verdict;
        };
        let named = self.repos.positive().any(|glob| glob == name.as_str());
        if facts.pending_deletion {
            Verdict::Out("pending-deletion")
        } else if facts.archived && !self.include_archived {
            Verdict::Out("archived")
        } else if facts.without_requests {
            Verdict::Out("no-merge-requests")
        } else if facts.fork && !self.include_forks && !named {
            // T20: a fork carries its parent's settings along, so it is taken only when it is named or asked for.
            Verdict::Out("fork")
        } else if facts.mirror && !self.include_mirrors && !named {
            Verdict::Out("mirror")
        } else {
            Verdict::In(why)
        }
    }

    /// What to do with a repository that the configuration names, before it is asked for.
    pub(super) fn named(&self, name: &RepoName) -> Verdict {
        self.by_name(name, &self.topics)
    }

    /// What to do with a repository, by its name and topics alone.
    fn by_name(&self, name: &RepoName, topics: &[String]) -> Verdict {
        let text = name.as_str();
        let why = self.repos.included_by(name);
        let Some(why) = why.filter(|_| self.is_below(text)) else {
            return Verdict::Unasked;
        };
        if !self.repos.select(name) {
            Verdict::Out("excluded")
        } else if !self.is_ours(text) {
            Verdict::Out("other-token")
        } else if self.topics.is_empty() {
            Verdict::In(format!("repos = {why:?}"))
        } else {
            match topics.iter().find(|topic| self.topics.contains(topic)) {
                Some(topic) => Verdict::In(format!("repos = {why:?}, topics = {topic:?}")),
                None => Verdict::Out("topic"),
            }
        }
    }

    fn is_below(&self, name: &str) -> bool {
        name.starts_with(self.prefix.as_str())
    }

    /// Whether no other token has a longer prefix for it.
    fn is_ours(&self, name: &str) -> bool {
        let narrower =
            |prefix: &String| prefix.len() > self.prefix.len() && name.starts_with(prefix.as_str());
        self.is_below(name) && !self.deeper.iter().any(narrower)
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
        check(&["apps/secret/**", "b/*"], "", &["b"], &[]);
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
