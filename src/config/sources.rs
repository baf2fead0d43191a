//! `[[source]]`: where in other files images are.

use super::keys;
use super::path_glob::path_glob;
use super::table::Table;
use crate::image::ImageName;
use crate::repo::Glob;
use crate::source::{
    DataFields, DataFormat, DataName, DataPath, Format, SourcePattern, SourceReads, SourceTable,
};
use toml::de::DeTable;

/// The most `[[source]]` of a file.
const MOST: usize = 100;
/// The keys that say where in a data file a reference or a part of it is.
const PLACES: [&str; 5] = ["at", "repository", "registry", "tag", "digest"];

/// The `[[source]]` of a repository, or of the operator.
pub(super) fn sources(root: Table<'_>, is_operators: bool) -> Vec<SourceTable> {
    let tables = root.tables("source");
    if let Some(over) = tables.get(MOST) {
        let what = format!("a file can have at most {MOST} [[source]]");
        over.problem(over.span.0..over.span.1, what, None);
    }
    let tables = tables.into_iter().take(MOST);
    tables
        .filter_map(|table| source(table, is_operators))
        .collect()
}

fn source(table: Table<'_>, is_operators: bool) -> Option<SourceTable> {
    table.only(&[keys::SOURCE]);
    if !has(table, "files") {
        let what = "[[source]] needs `files`";
        let help = "write the files that it reads: files = [\"deploy/*.yaml\"]";
        table.problem(table.span.0..table.span.1, what, Some(help.to_owned()));
    }
    let files = match is_operators {
        true => table.parsed_list("files", path_glob)?,
        false => table.parsed_list("files", data_glob)?,
    };
    if files.value.is_empty() {
        table.problem(files.span.clone(), "`files` names no file", None);
    }
    Some(SourceTable {
        files: files.value,
        reads: reads(table)?,
        line: table.origin(table.span.0).line,
        is_operators,
    })
}

/// A glob on files; one that can only be a definition of CI is an error, because a repository cannot add those (T18).
fn data_glob(text: &str) -> Result<Glob, String> {
    let glob = path_glob(text)?;
    match Format::may_include(text) {
        true => Ok(glob),
        false => Err(format!(
            "\"{text}\" is a definition of CI, which [[source]] cannot read"
        )),
    }
}

fn has(table: Table<'_>, name: &str) -> bool {
    table.names().any(|known| known == name)
}

/// What a table reads; `None` after a problem.
fn reads(table: Table<'_>) -> Option<SourceReads> {
    let image = table.parsed("image", ImageName::parse);
    let image_span = table.span_of("image");
    let image = match (has(table, "image"), image) {
        (true, None) => return None,
        (_, image) => image.map(|at| at.value),
    };
    let place = PLACES.into_iter().find(|name| has(table, name));
    match (has(table, "format"), has(table, "pattern"), place) {
        (true, true, _) | (_, true, Some(_)) => {
            let what =
                "`pattern` is for text, and `format` with its paths is for data: use one of them";
            table.problem(table.span_of("pattern"), what, None);
            None
        }
        (false, true, None) => lines(table, image),
        (true, false, _) => {
            let format = table.one_of("format", &DataFormat::ALL)?.value;
            let fields = fields(table, image)?;
            Some(SourceReads::Data(format, fields))
        }
        (false, false, Some(place)) => {
            let what = format!("`{place}` needs `format`");
            let help = "add the format of the files, for example format = \"yaml\"";
            table.problem(table.span_of(place), what, Some(help.to_owned()));
            None
        }
        (false, false, None) if image.is_some() => {
            let what = "`image` needs `tag` or `digest` with `format`, or a `pattern`";
            table.problem(image_span, what, None);
            None
        }
        (false, false, None) => Some(SourceReads::Annotations),
    }
}

/// The fields of a data file.
fn fields(table: Table<'_>, image: Option<ImageName>) -> Option<DataFields> {
    let whole = || table.span.0..table.span.1;
    let path = |name: &str| match has(table, name) {
        true => match table.parsed(name, DataPath::parse) {
            Some(path) => Ok(Some(path.value)),
            None => Err(()),
        },
        false => Ok(None),
    };
    let [at, repository, registry, tag, digest] = PLACES.map(path);
    let (at, repository, registry) = (at.ok()?, repository.ok()?, registry.ok()?);
    let (tag, digest) = (tag.ok()?, digest.ok()?);
    let is_in_parts =
        repository.is_some() || registry.is_some() || tag.is_some() || digest.is_some();
    let name = match (at, repository, image) {
        (Some(at), None, None) if !is_in_parts => return Some(DataFields::Whole(at)),
        (Some(_), ..) => {
            let what =
                "`at` is the path of a whole reference and excludes the keys for parts of one";
            table.problem(table.span_of("at"), what, None);
            return None;
        }
        (None, Some(_), Some(_)) => {
            let what = "`image` and `repository` both give the name: use one of them";
            table.problem(table.span_of("image"), what, None);
            return None;
        }
        (None, Some(path), None) => DataName::At(path),
        (None, None, Some(image)) => DataName::Given(image),
        (None, None, None) => {
            let what = "[[source]] with `format` needs `at`, or `repository` or `image` with `tag` or `digest`";
            let help = "write the path of the reference: at = \"spec.image\"";
            table.problem(whole(), what, Some(help.to_owned()));
            return None;
        }
    };
    if registry.is_some() && matches!(name, DataName::Given(_)) {
        let what = "`registry` needs `repository`: `image` is a whole name";
        table.problem(table.span_of("registry"), what, None);
        return None;
    }
    if tag.is_none() && digest.is_none() {
        let what = "a name needs `tag` or `digest`, the path of what is updated";
        table.problem(whole(), what, None);
        return None;
    }
    Some(DataFields::Parts {
        name,
        registry,
        tag,
        digest,
    })
}

/// A pattern, which has to name an image and what is updated.
fn lines(table: Table<'_>, image: Option<ImageName>) -> Option<SourceReads> {
    let pattern = table.parsed("pattern", SourcePattern::parse)?;
    let has = |group: &str| pattern.value.has(group);
    let names = [has("image"), has("repository"), image.is_some()];
    let what = match names.into_iter().filter(|named| *named).count() {
        0 => "`pattern` needs a group `image` or `repository`, or the key `image` beside it",
        1 if has("registry") && !has("repository") => "the group `registry` needs `repository`",
        1 if !has("image") && !has("tag") && !has("digest") => {
            "`pattern` needs a group `tag` or `digest`"
        }
        1 => return Some(SourceReads::Lines(pattern.value, image)),
        _ => "the name is given twice: by `image` and by `repository`, or by a group and a key",
    };
    let help = "for example pattern = 'docker\\.image\\(.(?<image>[^:]+):(?<tag>[\\w.-]+)'";
    table.problem(pattern.span, what, Some(help.to_owned()));
    None
}

/// The files that the `[[source]]` of an `imagebot.toml` name, whatever else is wrong with it.
pub(super) fn named_files(root: &DeTable<'_>) -> Vec<Glob> {
    let mut keys = root.iter();
    let tables = keys.find(|(key, _)| key.get_ref() == "source");
    let tables = tables.and_then(|(_, tables)| tables.get_ref().as_array());
    let tables = tables
        .into_iter()
        .flat_map(|tables| tables.iter())
        .take(MOST);
    let lists = tables.filter_map(|table| {
        let mut keys = table.get_ref().as_table()?.iter();
        keys.find(|(key, _)| key.get_ref() == "files")?
            .1
            .get_ref()
            .as_array()
    });
    let texts = lists.flat_map(|list| list.iter());
    let globs = texts.filter_map(|text| data_glob(text.get_ref().as_str()?).ok());
    globs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_repository;

    fn read(keys: &str) -> Result<Vec<SourceTable>, String> {
        let text = format!("\n[[source]]\n{keys}\n");
        let read = parse_repository("imagebot.toml", &text, &[].into());
        let read = read.map_err(|problems| problems.lines().join("\n"));
        read.map(|settings| settings.sources)
    }

    #[test]
    fn tables_that_are_read() {
        for keys in [
            "files = [\"Makefile\"]",
            "files = [\"a.yaml\"]\nformat = \"yaml\"\nat = \"spec.image\"",
            "files = [\"a.yaml\"]\nformat = \"yaml\"\nimage = \"acme/a\"\ntag = \"v\"",
            "files = [\"a.yaml\"]\nformat = \"yaml\"\nregistry = \"r\"\nrepository = \"n\"\ndigest = \"d\"",
            "files = [\"J\"]\npattern = 'x(?<image>.+):(?<tag>.+)'",
            "files = [\"J\"]\npattern = 'x(?<image>.+)'",
            "files = [\"J\"]\nimage = \"acme/a\"\npattern = 'x(?<tag>.+)'",
        ] {
            let read = read(keys).map(|tables| tables.iter().map(|it| it.line).collect::<Vec<_>>());
            assert_eq!(read, Ok(vec![2]), "{keys}");
        }
    }

    #[test]
    fn a_wrong_table_is_refused_with_the_reason() {
        let yaml = "files = [\"a.yaml\"]\nformat = \"yaml\"\n";
        for (keys, why) in [
            ("format = \"yaml\"\nat = \"a\"", "needs `files`"),
            ("files = []", "names no file"),
            ("files = [\"../a\"]", "it can never match"),
            ("files = [\".gitlab-ci.yml\"]", "definition of CI"),
            ("files = [\".github/workflows/*.yml\"]", "definition of CI"),
            ("files = [\"a\"]\nat = \"a\"", "`at` needs `format`"),
            ("files = [\"a\"]\nimage = \"a/b\"", "`image` needs `tag`"),
            (
                "files = [\"a\"]\nformat = \"xml\"\nat = \"a\"",
                "one of yaml, json",
            ),
            ("files = [\"a\"]\nformat = \"yaml\"", "needs `at`"),
            (&format!("{yaml}at = \"a..b\""), "is not a path"),
            (
                &format!("{yaml}at = \"a\"\ntag = \"b\""),
                "excludes the keys",
            ),
            (
                &format!("{yaml}image = \"a/b\"\nrepository = \"n\"\ntag = \"b\""),
                "both give the name",
            ),
            (
                &format!("{yaml}image = \"a/b\"\nregistry = \"n\"\ntag = \"b\""),
                "`registry` needs",
            ),
            (
                &format!("{yaml}repository = \"n\""),
                "needs `tag` or `digest`",
            ),
            (
                &format!("{yaml}at = \"a\"\npattern = 'x'"),
                "use one of them",
            ),
            (
                "files = [\"a\"]\npattern = '(?<image>'",
                "invalid regular expression",
            ),
            (
                "files = [\"a\"]\npattern = '(?<name>x)'",
                "unknown group `name`",
            ),
            (
                "files = [\"a\"]\npattern = '(?<tag>x)'",
                "needs a group `image`",
            ),
            (
                "files = [\"a\"]\npattern = '(?<repository>x)'",
                "needs a group `tag`",
            ),
            (
                "files = [\"a\"]\nimage = \"a/b\"\npattern = '(?<image>x)'",
                "given twice",
            ),
            ("files = [\"a\"]\npatern = 'x'", "unknown key `patern`"),
        ] {
            let read = read(keys);
            let told = read.as_ref().err().cloned().unwrap_or_default();
            assert!(told.contains(why), "{keys}: {told}");
        }
    }

    #[test]
    fn the_files_are_known_whatever_else_is_wrong() {
        let text = "x = \n[[source]]\nfiles = [\"a/**\", \"../b\", 7, \".drone.yml\"]\n[[source]]\nformat = 1\n[[source]]\nfiles = [\"c\"]\n";
        let (root, _) = DeTable::parse_recoverable(text);
        let globs = named_files(root.get_ref());
        let globs: Vec<&str> = globs.iter().map(Glob::as_str).collect();
        assert_eq!(globs, ["a/**", "c"]);
    }
}
