//! The ages of problems: one that the last pass also had is not new, and is reported with its age.

use super::options::Options;
use super::report::{ProblemReport, Report};
use super::setup::Setup;
use crate::store::StoredKind;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Adds to the report since when each problem has existed, and remembers that for the next pass.
///
/// A problem is the same if it has the same code in the same repository, and a failed reference if its file, image and
/// reason are the same. Messages are not compared, because they may differ at every attempt.
pub(super) fn date(setup: &Setup, options: &Options, report: &mut Report) {
    let now = options.now;
    let mut keys = BTreeSet::new();
    let mut since = |key: String| {
        let known = setup.store.time(StoredKind::Problem, &key, now.as_second());
        if known.is_none() && !options.dry_run {
            setup
                .store
                .keep(StoredKind::Problem, &key, &now.as_second().to_string());
        }
        keys.insert(key);
        known.and_then(|at| Timestamp::from_second(at).ok())
    };
    let mut date = |place: &str, problem: &mut ProblemReport| {
        problem.since = since(format!("{place} {}", problem.code));
    };
    report
        .problems
        .iter_mut()
        .for_each(|problem| date("", problem));
    for repo in &mut report.repositories {
        let name = repo.repo.clone();
        repo.problems
            .iter_mut()
            .for_each(|problem| date(&name, problem));
    }
    for repo in &mut report.repositories {
        let name = repo.repo.clone();
        for decision in repo.decisions.iter_mut().filter(|decision| decision.failed) {
            let (path, image, reason) = (&decision.path, &decision.image, decision.reason);
            decision.since = since(format!("{name} {path} {image} {reason}"));
        }
    }
    if !options.dry_run {
        let gone = |key: &String| {
            let repo = key.split(' ').next().unwrap_or_default();
            let remaining = options.only.is_none()
                || report.repositories.iter().any(|report| report.repo == repo);
            remaining && !keys.contains(key)
        };
        let all = setup.store.all_kept(StoredKind::Problem).into_keys();
        all.filter(gone)
            .for_each(|key| setup.store.forget(StoredKind::Problem, &key));
    }
}
