//! `imagebot.toml`: the settings of a repository.

use super::bounds::Bounds;
use super::family;
use super::keys;
use super::path_glob::path_glob;
use super::problem::Problems;
use super::reader::Reader;
use super::rules;
use super::schemes::Schemes;
use super::sources::sources;
use super::table::Table;
use crate::fleet::RepoSettings;
use std::collections::BTreeMap;

/// Reads `imagebot.toml`. It can use the operator's schemes, but not define any.
pub fn parse_repository(
    file: &str,
    text: &str,
    schemes: &Schemes,
) -> Result<RepoSettings, Problems> {
    Reader::read(file, text, keys::REPOSITORY, Bounds::REPOSITORY, |root| {
        Some(repository(root, schemes))
    })
}

fn repository(root: Table<'_>, schemes: &Schemes) -> RepoSettings {
    root.only(&[keys::REPOSITORY]);
    let globs = |name: &str| root.parsed_list(name, path_glob).map(|at| at.value);
    let args = root
        .table("args")
        .map(|table| table.entries())
        .unwrap_or_default();
    RepoSettings {
        enabled: root.bool("enabled").is_none_or(|at| at.value),
        include: globs("include"),
        exclude: globs("exclude").unwrap_or_default(),
        discover: root.bool("discover").is_none_or(|at| at.value),
        vendored: root.bool("vendored").is_some_and(|at| at.value),
        images: family::images(root),
        depends: family::depends(root),
        sources: sources(root, false),
        args: args
            .into_iter()
            .map(|(name, at)| (name, at.value))
            .collect(),
        predefined: BTreeMap::new(),
        rules: root
            .tables("rule")
            .into_iter()
            .map(|table| {
                rules::operators_own(table);
                rules::rule(table, schemes)
            })
            .collect(),
    }
}
