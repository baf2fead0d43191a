//! What goes wrong with a server, in words that fit both kinds.

use super::cable::Cut;
use super::hub::{Hub, path};
impl Hub {
    /// The n-th change from now on is cut off.
    pub(crate) fn cut_at(&self, n: usize, how: Cut) {
        match self {
            Self::Local(..) => unreachable!("a folder is no server"),
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
