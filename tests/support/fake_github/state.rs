//! What the fake holds, and the rules that hold whoever asks.

use super::faults::Fault;
use super::server::Logged;
use super::texts::effects;
use crate::cable::Cable;
use crate::git_repos::Repos;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Organization,
    User,
}

/// One check of a commit: its conclusion once it is done.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) conclusion: Option<String>,
    /// Whether it is an old commit status and no check run.
    pub(crate) is_status: bool,
    /// When it began, or ended.
    pub(crate) at: Timestamp,
    /// The App that it belongs to.
    pub(crate) app: String,
}

/// A check suite that an App has for a commit, whose runs are still to come.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    pub(crate) app: String,
    /// `queued`, `requested`, `in_progress`, …
    pub(crate) status: String,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) login: String,
    /// A classic token's scopes; `None`: a fine-grained or an installation's one.
    pub(crate) scopes: Option<String>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) installation: Option<u64>,
    /// The owners or repositories that it reaches; empty: all.
    pub(crate) reach: Vec<String>,
    pub(crate) read_only: bool,
    /// Whether it may read checks.
    pub(crate) checks: bool,
    /// Whether it may not write issues, labels among them.
    pub(crate) no_issues: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) public_key: String,
    /// Installations and the owner of each.
    pub(crate) installations: BTreeMap<u64, String>,
    pub(crate) permissions: BTreeMap<String, String>,
    pub(crate) minted: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) body: String,
    pub(crate) created: Timestamp,
}

/// An issue, or the half of a pull request that is one.
#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) open: bool,
    pub(crate) user: String,
    pub(crate) created: Timestamp,
    pub(crate) labels: Vec<String>,
    pub(crate) assignees: Vec<String>,
    pub(crate) milestone: Option<u64>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) pull: Option<Pull>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) draft: bool,
    pub(crate) from_fork: bool,
    pub(crate) reviewers: Vec<String>,
    pub(crate) merged: Option<(String, Timestamp)>,
    /// The way to merge, once auto-merge is on.
    pub(crate) auto_merge: Option<String>,
    /// Whether it is in the merge queue.
    pub(crate) queued: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Repo {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) fork: bool,
    pub(crate) archived: bool,
    pub(crate) mirror: bool,
    pub(crate) topics: Vec<String>,
    pub(crate) default_branch: String,
    pub(crate) allow_auto_merge: bool,
    pub(crate) allow_merge: bool,
    pub(crate) allow_squash: bool,
    pub(crate) allow_rebase: bool,
    pub(crate) drafts: bool,
    pub(crate) delete_branch_on_merge: bool,
    /// The checks that a branch requires.
    pub(crate) required: BTreeMap<String, BTreeSet<String>>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    pub(crate) checks: BTreeMap<String, Vec<Check>>,
    /// Check suites without runs, by commit.
    pub(crate) suites: BTreeMap<String, Vec<Suite>>,
    /// Pull requests are switched off; issues are.
    pub(crate) without_pulls: bool,
    pub(crate) without_issues: bool,
    /// From when a pushed branch is seen by those who open pull requests.
    pub(crate) seen_from: BTreeMap<String, Timestamp>,
    /// Whether the default branch has a merge queue, and whether the token may go past it.
    pub(crate) queue: bool,
    pub(crate) bypass: bool,
    /// The ways to merge that a ruleset allows; `None`: no ruleset says.
    pub(crate) allowed_methods: Option<Vec<String>>,
    /// Whether classic protection requires a linear history; no ruleset shows it.
    pub(crate) linear: bool,
    /// The ways in which pull requests were merged.
    pub(crate) methods: Vec<String>,
    pub(crate) milestones: Vec<String>,
    pub(crate) collaborators: BTreeSet<String>,
    /// The check that starts with every push to a branch, if any.
    pub(crate) ci: Option<String>,
}

impl Repo {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    pub(crate) fn node_id(&self) -> String {
        format!("R_{}", self.id)
    }

    /// What the folder of its bare repository is called.
    pub(crate) fn folder(&self) -> String {
        self.id.to_string()
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.issues.keys().next_back().map_or(1, |last| last + 1)
    }

    /// The checks that are required for a pull request and have not succeeded.
    pub(crate) fn missing(&self, pull: &Pull) -> Vec<String> {
        let required = self.required.get(&pull.target).cloned().unwrap_or_default();
        let checks = self.checks.get(&pull.head).cloned().unwrap_or_default();
        let passed = |name: &String| {
            checks
                .iter()
                .any(|c| c.name == *name && c.conclusion.as_deref() == Some("success"))
        };
        required.into_iter().filter(|name| !passed(name)).collect()
    }

    /// Whether a check of the head is not done, or has not succeeded.
    pub(crate) fn is_unstable(&self, pull: &Pull) -> bool {
        let good = |check: &Check| {
            matches!(
                check.conclusion.as_deref(),
                Some("success" | "neutral" | "skipped")
            )
        };
        self.checks
            .get(&pull.head)
            .is_some_and(|checks| !checks.iter().all(good))
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) owners: BTreeMap<String, Owner>,
    pub(crate) repos: BTreeMap<u64, Repo>,
    /// The ids by name, in lower case.
    pub(crate) names: BTreeMap<String, u64>,
    /// Names that were given up, in lower case, and whose they were.
    pub(crate) moved: BTreeMap<String, u64>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) app: Option<App>,
    pub(super) faults: Vec<Fault>,
    pub(super) cable: Cable,
    pub(crate) log: Vec<Logged>,
    pub(crate) unexpected: Vec<String>,
    pub(crate) fired: Vec<String>,
    /// What is left of a budget, and in how many seconds from the epoch it starts anew.
    pub(crate) budgets: BTreeMap<String, (u64, i64)>,
    pub(crate) last_id: u64,
    /// How many seconds after its push a branch is seen.
    pub(crate) late: i64,
    /// The organisations whose repositories a list lacks, as single sign-on has it.
    pub(crate) sso: Vec<String>,
    /// Whether the server has no rate limits.
    pub(crate) without_limits: bool,
    /// What the prefix of a listed branch is said to be, where it is not the one that was asked for.
    pub(crate) plain_prefix: bool,
    /// How many repositories a page of heads may have before the query takes too much; 0: any number.
    pub(crate) heavy: usize,
    /// Whether `mergeStateStatus` is behind its preview, as on older Enterprise Servers.
    pub(crate) preview: bool,
    /// Whether the server knows no merge queues.
    pub(crate) without_queues: bool,
    /// Whether GraphQL answers at all.
    pub(crate) graphql_off: bool,
    /// How many points the last GraphQL request cost.
    pub(crate) last_cost: u64,
}

impl State {
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        1000 + self.last_id
    }

    pub(crate) fn repo_named(&self, name: &str) -> Option<&Repo> {
        let id = self.names.get(&name.to_ascii_lowercase())?;
        self.repos.get(id)
    }

    pub(crate) fn repo_of_node(&self, id: &str) -> Option<&Repo> {
        self.repos.get(&id.strip_prefix("R_")?.parse().ok()?)
    }

    /// Notes what a text does.
    pub(crate) fn read_text(&mut self, place: &str, text: &str) {
        self.fired.extend(effects(place, text));
    }

    /// Brings the pull requests up to what the branches are by now: heads follow, and where the branch is gone the
    /// pull request is closed.
    pub(crate) fn sync(&mut self, repos: &Repos, id: u64) {
        let Some(repo) = self.repos.get_mut(&id) else {
            return;
        };
        if !repo.issues.values().any(|i| i.open && i.pull.is_some()) {
            return;
        }
        let heads = super::git::heads(&repos.path(&repo.folder()));
        for issue in repo.issues.values_mut().filter(|issue| issue.open) {
            let Some(pull) = issue.pull.as_mut().filter(|pull| !pull.from_fork) else {
                continue;
            };
            match heads.get(&pull.source) {
                Some(head) => {
                    // Whoever pushes takes it out of the queue; auto-merge stays on for those who may write.
                    pull.queued &= pull.head == *head;
                    pull.head.clone_from(head);
                }
                None => {
                    issue.open = false;
                    pull.auto_merge = None;
                    pull.queued = false;
                }
            }
        }
    }

    /// GitHub merges what is ready and was told to be merged.
    pub(crate) fn settle(&mut self, repos: &Repos, id: u64, now: Timestamp) {
        self.sync(repos, id);
        let Some(repo) = self.repos.get(&id) else {
            return;
        };
        let ready = |issue: &&Issue| {
            let pull = issue.pull.as_ref();
            issue.open && pull.is_some_and(|p| p.auto_merge.is_some() && repo.missing(p).is_empty())
        };
        let numbers: Vec<u64> = repo
            .issues
            .values()
            .filter(ready)
            .map(|i| i.number)
            .collect();
        for number in numbers {
            let _ = super::pulls::merge(self, repos, id, number, "auto", now);
        }
    }
}
