//! What goes wrong with a server, in words that fit both kinds.

use super::cable::Cut;
use super::fake_github::Effect;
use super::fake_gitlab::Fault;
use super::forge::{TestForge, path};
use std::path::PathBuf;
/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trouble {
    Status(u16, &'static str),
    /// A sign-in page.
    Html,
    /// The connection breaks off, and nothing was done.
    HangUp,
}

/// Which requests a fault meets: on GitLab a method and a part of the target, on GitHub how the line begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) gitlab: (&'static str, &'static str),
    pub(crate) github: &'static str,
}

/// Everything that is asked.
pub(crate) const EVERYTHING: At = At {
    gitlab: ("", ""),
    github: "",
};

impl TestForge {
    /// Requests go wrong; how often they did is what is given back.
    pub(crate) fn fail(
        &self,
        at: At,
        times: usize,
        trouble: Trouble,
    ) -> Box<dyn Fn() -> usize + '_> {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => {
                let fault = match trouble {
                    Trouble::Status(status, text) => Fault::message(status, text),
                    Trouble::Html => Fault::html(),
                    Trouble::HangUp => Fault::DropBefore,
                };
                let id = fake.fail(at.gitlab.0, at.gitlab.1, times, fault);
                Box::new(move || fake.happened(id))
            }
            Self::GitHub(fake) => {
                let effect = match trouble {
                    Trouble::Status(status, text) => Effect::status(status, text),
                    Trouble::Html => Effect::Html(200),
                    Trouble::HangUp => Effect::DropBefore,
                };
                let hits = fake.fail(at.github, times, effect);
                Box::new(move || hits.count())
            }
        }
    }

    /// Ends the bot's token, from wherever it is called.
    pub(crate) fn revoker(&self) -> Box<dyn Fn() + Send + Sync> {
        match self {
            Self::Local(..) => unreachable!("a folder has no token"),
            Self::GitLab(fake, token) => {
                let (fake, token) = (fake.handle(), token.clone());
                Box::new(move || fake.revoke(&token))
            }
            Self::GitHub(fake) => {
                let shared = std::sync::Arc::clone(&fake.shared);
                Box::new(move || shared.lock().tokens.clear())
            }
        }
    }

    /// The requests that changed something on a server since the last call, git's pushes among them.
    pub(crate) fn writes(&self) -> Vec<String> {
        match self {
            Self::Local(..) => Vec::new(),
            Self::GitLab(fake, _) => {
                let writes = fake.writes();
                fake.clear_log();
                writes
            }
            Self::GitHub(fake) => fake.writes(),
        }
    }

    /// What a text set off on a server: nothing may.
    pub(crate) fn fired(&self) -> Vec<String> {
        match self {
            Self::Local(..) => Vec::new(),
            Self::GitLab(fake, _) => fake.fired().iter().map(|f| format!("{f:?}")).collect(),
            Self::GitHub(fake) => fake.fired(),
        }
    }

    /// How many requests there were since the last call of [`TestForge::writes`].
    pub(crate) fn asked(&self) -> usize {
        match self {
            Self::Local(..) => 0,
            Self::GitLab(fake, _) => fake.requests().len(),
            Self::GitHub(fake) => fake.lock().log.len(),
        }
    }

    /// Somebody renames a repository.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => fake.move_project(&path(from), &path(to)),
            Self::GitHub(fake) => fake.rename(&path(from), &path(to)),
        }
    }

    pub(crate) fn delete(&self, repo: &str) {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => fake.delete_project(&path(repo)),
            Self::GitHub(fake) => fake.delete_repo(&path(repo)),
        }
    }

    /// Makes a repository a fork or archived, or neither.
    pub(crate) fn mark(&self, repo: &str, fork: bool, archived: bool) {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => fake.change(&path(repo), |options| {
                (options.fork_of, options.archived) = (fork.then_some(1), archived);
            }),
            Self::GitHub(fake) => fake.set(&path(repo), |repo| {
                (repo.fork, repo.archived) = (fork, archived);
            }),
        }
    }

    /// Nobody may push to the bot's branches.
    pub(crate) fn protect(&self, repo: &str) {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => fake.change(&path(repo), |options| {
                options.protected = vec!["imagebot/*".to_owned()];
            }),
            Self::GitHub(fake) => {
                let rule = "Cannot create ref due to creations being restricted.";
                fake.refuse_pushes(&path(repo), "imagebot/", rule);
            }
        }
    }

    /// The n-th change from now on is cut off.
    pub(crate) fn cut_at(&self, n: usize, how: Cut) {
        match self {
            Self::Local(..) => unreachable!("a folder is not a server"),
            Self::GitLab(fake, _) => fake.cut_at(n, how),
            Self::GitHub(fake) => fake.cut_at(n, how),
        }
    }

    /// How many requests got no answer since then.
    pub(crate) fn lost(&self) -> usize {
        match self {
            Self::Local(..) => 0,
            Self::GitLab(fake, _) => fake.lost(),
            Self::GitHub(fake) => fake.lost(),
        }
    }

    /// From here on nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        match self {
            Self::Local(..) => {}
            Self::GitLab(fake, _) => fake.heal(),
            Self::GitHub(fake) => fake.heal(),
        }
    }

    /// Everything that was written to a server: the folder of its repositories, its texts, and what it was asked.
    pub(crate) fn written(&self) -> (Option<PathBuf>, Vec<String>) {
        match self {
            Self::Local(..) => (None, Vec::new()),
            Self::GitLab(fake, _) => {
                let mut texts = Vec::new();
                for path in fake.paths() {
                    let requests = fake.merge_requests(&path).into_iter();
                    texts.extend(requests.map(|mr| format!("{mr:?}")));
                    let issues = fake.issues(&path).into_iter();
                    texts.extend(issues.map(|issue| format!("{issue:?}")));
                }
                let log = fake.requests().into_iter();
                texts.extend(log.map(|r| format!("{} {}", r.line(), r.body)));
                (Some(fake.folder()), texts)
            }
            Self::GitHub(fake) => {
                let state = fake.lock();
                let issues = state.repos.values().flat_map(|repo| repo.issues.values());
                let mut texts: Vec<String> = issues.map(|issue| format!("{issue:?}")).collect();
                let log = state.log.iter();
                texts.extend(log.map(|r| format!("{} {} {}", r.line(), r.query, r.body)));
                (Some(fake.shared.repos.root().to_owned()), texts)
            }
        }
    }

    /// Whom and what a merge request has beside its text and labels.
    pub(crate) fn worn(&self, repo: &str, number: u64) -> String {
        match self {
            Self::Local(..) => String::new(),
            Self::GitLab(fake, _) => {
                let all = fake.merge_requests(&path(repo));
                let mr = all.iter().find(|mr| mr.iid == number).expect("it is there");
                format!(
                    "{:?} {:?} {:?} {} {}",
                    mr.assignees, mr.reviewers, mr.milestone, mr.squash, mr.remove_source
                )
            }
            Self::GitHub(fake) => {
                let (issue, pull) = fake.pull(&path(repo), number);
                format!(
                    "{:?} {:?} {:?} {:?}",
                    issue.assignees, pull.reviewers, issue.milestone, pull.auto_merge
                )
            }
        }
    }
}
