//! Globs and topics without a matching repository.

use super::register::Registered;
use super::report::Report;
use super::setup::Setup;
use crate::config::ForgeConfig;
use crate::repo::{Glob, RepoGlobs, RepoName};

/// The patterns of a list that no repository matches; `!` patterns exclude and are left out.
pub(super) fn of_list<'n>(
    globs: &RepoGlobs,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Vec<String> {
    let matches = |pattern: &&str| {
        let glob = Glob::parse(pattern).ok();
        glob.is_some_and(|glob| names.clone().any(|name| glob.matches(name)))
    };
    let unmatched = globs.positive().filter(|pattern| !matches(pattern));
    unmatched.map(str::to_owned).collect()
}

/// Warns about configured globs and topics without a matching repository. If a forge could not be listed, no warning is
/// given, because it may have one.
pub(super) fn of_configuration(
    setup: &Setup,
    registered: &[Registered],
    report: &Report,
) -> Vec<String> {
    if !report.problems.is_empty() {
        return Vec::new();
    }
    let there = registered.iter().map(|(_, repo)| repo.name.as_str());
    let out = report.left_out.iter().map(|left| left.repo.as_str());
    let failed = report.repositories.iter().map(|repo| repo.repo.as_str());
    let names: Vec<&str> = there.chain(out).chain(failed).collect();
    let mut warnings = Vec::new();
    for forge in &setup.config.forges {
        let (what, repos, topics) = match forge {
            ForgeConfig::Local { path, repos, .. } => (path.display().to_string(), repos, &[][..]),
            ForgeConfig::Server(server) => {
                (server.url.to_string(), &server.repos, &server.topics[..])
            }
        };
        for glob in of_list(repos, names.iter().copied()) {
            let found = match RepoName::parse(&glob) {
                Ok(_) => "is not a visible repository",
                Err(_) => "matches no repository",
            };
            warnings.push(format!("repos = [\"{glob}\"] of [[forge]] {what} {found}"));
        }
        if !topics.is_empty() && !names.is_empty() && registered.is_empty() {
            let topics = topics.join("\", \"");
            warnings.push(format!(
                "topics = [\"{topics}\"] of [[forge]] {what}: no repository has one of them"
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_patterns_that_match_nothing() {
        let globs = RepoGlobs::parse(&["team/*", "team/app", "gone/**", "!team/old", "typo"]);
        let names = ["team/app", "team/old"];
        let unmatched = of_list(&globs.expect("globs"), names.iter().copied());
        assert_eq!(unmatched, ["gone/**", "typo"]);
    }
}
