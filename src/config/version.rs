//! `version_file` and `bump` of an `[[image]]`.

use super::keys;
use super::path_glob::path_glob;
use super::sources::named_files;
use super::table::{At, Table};
use crate::repo::{Glob, RepoPath};
use crate::scheme::Bump;
use crate::source::{Place, VersionFile, Versioned};
use std::collections::BTreeSet;
use toml::de::DeTable;

/// Both keys or neither: a version that never rises, and a rise without a version, have no effect.
pub(super) fn versioned(table: Table<'_>) -> Option<Versioned> {
    let words = Bump::ALL.map(|bump| (bump.code(), bump));
    let bump = table.one_of("bump", &words);
    let named = |name: &str| table.names().any(|known| known == name);
    let help = match (named("version_file"), named("bump")) {
        (false, false) => return None,
        (true, true) => None,
        (true, false) => Some(("version_file", "bump", "bump = \"patch\"")),
        (false, true) => Some(("bump", "version_file", "version_file = \"VERSION\"")),
    };
    if let Some((there, missing, add)) = help {
        let why = format!("`{there}` needs `{missing}` too");
        table.problem(table.span_of(there), why, Some(format!("add {add}")));
        return None;
    }
    let file = match table.is_table("version_file") {
        false => {
            let path = table.parsed("version_file", RepoPath::parse)?;
            let place = Place::parse(path.value.as_str(), None, None, None);
            place.map(|place| (path, place))
        }
        true => {
            let table = table.table("version_file")?;
            table.only(&[keys::VERSION_FILE]);
            let path = table.needed("path", "version_file");
            let path = path.and_then(|_| table.parsed("path", RepoPath::parse))?;
            let text = |name| table.text(name).map(|at| at.value);
            let (kind, key, pattern) = (text("kind"), text("key"), text("pattern"));
            let place = Place::parse(
                path.value.as_str(),
                kind.as_deref(),
                key.as_deref(),
                pattern.as_deref(),
            );
            place.map(|place| (path, place))
        }
    };
    match file {
        Ok((At { value: path, .. }, place)) => Some(Versioned {
            file: VersionFile { path, place },
            bump: bump?.value,
        }),
        Err(error) => {
            let span = table.span_of("version_file");
            table.problem(span, error.to_string(), None);
            None
        }
    }
}

/// The files that an `imagebot.toml` names as version files, whatever else is wrong with it: they are fetched before
/// the file is validated.
pub fn version_paths(text: &str) -> BTreeSet<RepoPath> {
    let (root, _) = DeTable::parse_recoverable(text);
    let images = root
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == "image");
    let images = images.and_then(|(_, images)| images.get_ref().as_array());
    let tables = images.into_iter().flat_map(|images| images.iter());
    let files = tables.filter_map(|image| {
        let image = image.get_ref().as_table()?;
        let file = image
            .iter()
            .find(|(key, _)| key.get_ref() == "version_file");
        let file = file?.1.get_ref();
        let path = match file.as_table() {
            Some(table) => table
                .iter()
                .find(|(key, _)| key.get_ref() == "path")?
                .1
                .get_ref(),
            None => file,
        };
        RepoPath::parse(path.as_str()?).ok()
    });
    files.collect()
}

/// Whether an `imagebot.toml` wants copies of other projects to be read, whatever else is wrong with it.
pub fn wants_vendored(text: &str) -> bool {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut keys = root.get_ref().iter();
    let value = keys.find(|(key, _)| key.get_ref() == "vendored");
    value.is_some_and(|(_, value)| value.get_ref().as_bool() == Some(true))
}

/// The most files that `include` and `[[source]]` add to the files with recognised names.
pub const MAX_INCLUDED: usize = 100;

/// The globs of an `imagebot.toml` that add files with other names, whatever else is wrong with it: those of `include`
/// that contain a literal file name, and those of `[[source]]`.
pub fn included_names(text: &str) -> Vec<Glob> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut keys = root.get_ref().iter();
    let list = keys.find(|(key, _)| key.get_ref() == "include");
    let list = list.and_then(|(_, list)| list.get_ref().as_array());
    let texts = list.into_iter().flat_map(|list| list.iter());
    let named = texts.filter_map(|text| {
        let glob = path_glob(text.get_ref().as_str()?).ok()?;
        glob.names_files().then_some(glob)
    });
    let sources = named_files(root.get_ref());
    named.take(MAX_INCLUDED).chain(sources).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_known_whatever_else_is_wrong() {
        let text = "nonsense = 1\n[[image]]\nname = \"a/b\"\nversion_file = \"a/VERSION\"\n\
                    [[image]]\nversion_file = { path = \"b/info.edn\", kind = \"edn\" }\n\
                    [[image]]\nversion_file = \"../x\"\n[[image]]\nversion_file = 7\n[[image]]\n";
        let paths: Vec<String> = version_paths(text)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["a/VERSION", "b/info.edn"]);
        assert!(version_paths("image = 1\n[[").is_empty());
    }

    #[test]
    fn include_names_files_by_more_than_wildcards() {
        let text = "include = [\"**\", \"images/*\", \"images/*.build\", \"../x.build\", 7, \"base.image\"]\n[[";
        let globs = included_names(text);
        let globs: Vec<&str> = globs.iter().map(Glob::as_str).collect();
        assert_eq!(globs, ["images/*.build", "base.image"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_cure() {
        for (keys, why) in [
            ("bump = \"patch\"", "`bump` needs `version_file`"),
            ("version_file = \"VERSION\"", "`version_file` needs `bump`"),
            (
                "bump = \"build\"\nversion_file = \"V\"",
                "one of patch, minor",
            ),
            ("bump = \"same\"\nversion_file = \"../V\"", "not a path in"),
            (
                "bump = \"same\"\nversion_file = { kind = \"edn\" }",
                "needs `path`",
            ),
            (
                "bump = \"same\"\nversion_file = { path = \"V\", kind = \"ini\" }",
                "invalid kind",
            ),
            (
                "bump = \"same\"\nversion_file = { path = \"V\", kei = \"a\" }",
                "unknown key",
            ),
            (
                "bump = \"same\"\nversion_file = \".gitlab-ci.yml\"",
                "CI definitions",
            ),
        ] {
            let text = format!("[[image]]\nname = \"reg.io/a\"\n{keys}\n");
            let read = crate::config::parse_repository("imagebot.toml", &text, &[].into());
            let told = read.map_err(|problems| problems.lines().join("\n"));
            assert!(
                told.as_ref().is_err_and(|told| told.contains(why)),
                "{keys}: {told:?}"
            );
        }
    }
}
