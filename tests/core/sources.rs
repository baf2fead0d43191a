//! The cases in `fixtures/sources`: files, the references in them, and what updates do to the files.

use imagebot::config::parse_repository;
use imagebot::fleet::RepoSettings;
use imagebot::image::{Digest, ImageName, Tag};
use imagebot::repo::RepoPath;
use imagebot::source::{
    Format, FromDigest, ReadSources, ReferenceKind, SourceFile, Sources, Update, edit_sources,
    read_sources,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A case. `fixtures/sources/README.md` describes its text.
#[derive(Debug, Default)]
struct Case {
    files: Files,
    sections: Vec<Section>,
}

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Default)]
struct Section {
    /// `references`, `told`, `passed`, or `update IMAGE FROM TO`.
    title: String,
    lines: Vec<String>,
    files: Files,
}

impl Case {
    fn parse(text: &str) -> Self {
        let mut case = Self::default();
        let mut file: Option<(String, String, bool)> = None;
        let end = |case: &mut Self, file: &mut Option<(String, String, bool)>| {
            let Some((title, text, _)) = file.take() else {
                return;
            };
            let mut words = title.split(' ');
            let path = words.next().expect("a file has a path").to_owned();
            let mut text = text;
            for word in words {
                text = match word {
                    "crlf" => text.replace('\n', "\r\n"),
                    "bom" => format!("\u{feff}{text}"),
                    other => panic!("{other:?} is no attribute of a file"),
                };
            }
            let files = match case.sections.last_mut() {
                Some(section) => &mut section.files,
                None => &mut case.files,
            };
            files.insert(path, text.into_bytes());
        };
        for line in text.split_inclusive('\n') {
            if let Some(title) = line.strip_prefix("=== ") {
                end(&mut case, &mut file);
                file = Some((title.trim_end().to_owned(), String::new(), true));
            } else if let Some(title) = line.strip_prefix("--- ") {
                end(&mut case, &mut file);
                case.sections.push(Section {
                    title: title.trim_end().to_owned(),
                    ..Section::default()
                });
            } else if let Some((_, text, _)) = &mut file {
                text.push_str(line);
            } else if let Some(section) = case.sections.last_mut() {
                section.lines.push(line.trim_end().to_owned());
            }
        }
        end(&mut case, &mut file);
        case
    }

    fn lines(&self, title: &str) -> Vec<String> {
        let section = self.sections.iter().find(|section| section.title == title);
        section
            .map(|section| section.lines.clone())
            .unwrap_or_default()
    }
}

fn sources(all: &Files) -> Sources {
    let settings = settings(all);
    let files = all.iter().map(|(path, contents)| SourceFile {
        path: RepoPath::parse(path).expect("a path"),
        format: format(&settings, path, contents),
        contents: contents.clone(),
    });
    let feature = ReferenceKind::DevcontainerFeature;
    let named = settings.rules.iter().any(|rule| rule.names(feature));
    let included = settings.include.iter().flatten().cloned();
    let sources = Sources::new(files)
        .with_included(included)
        .with_custom(settings.sources);
    if named {
        sources.with_kind(feature)
    } else {
        sources
    }
}

/// The format of a file. The name of one that `include` names has to be known here, unlike in a repository.
fn format(settings: &RepoSettings, path: &str, contents: &[u8]) -> Option<Format> {
    Format::of(path)?;
    match settings.names(&RepoPath::parse(path).expect("a path")) {
        true => Format::included_as(path, contents),
        false => Format::read_as(path, contents),
    }
}

/// What the case's `imagebot.toml` says.
fn settings(files: &Files) -> RepoSettings {
    let Some(text) = files.get("imagebot.toml") else {
        return RepoSettings::default();
    };
    let text = String::from_utf8_lossy(text);
    parse_repository("imagebot.toml", &text, &[].into()).expect("valid settings")
}

fn references(reading: &ReadSources) -> Vec<String> {
    let references = reading.references.iter().map(|(path, located)| {
        let place = format!("{path}:{} {}", located.line, located.kind.code());
        let text = match located.reference() {
            Some(reference) => reference.to_string(),
            None => located.written.clone(),
        };
        match located.why_not() {
            Some(why) => format!("{place} {text} {}", why.code()),
            None => format!("{place} {text}"),
        }
    });
    references.collect()
}

fn told(reading: &ReadSources) -> Vec<String> {
    let mut told: Vec<_> = reading
        .told
        .iter()
        .map(|(path, told)| (path.clone(), told.line, told.remark.code()))
        .collect();
    told.sort();
    told.dedup();
    let told = told.into_iter();
    told.map(|(path, line, code)| format!("{path}:{line} {code}"))
        .collect()
}

fn passed(reading: &ReadSources) -> Vec<String> {
    let lines = reading.passed.iter().flat_map(|(path, passed)| {
        passed
            .iter()
            .map(move |passed| format!("{path}:{}", passed.line))
    });
    lines.collect()
}

/// `TAG`, `TAG@DIGEST`, `@DIGEST` or `-`.
fn version(text: &str) -> (Option<Tag>, Option<Digest>) {
    let (tag, digest) = text.split_once('@').unwrap_or((text, ""));
    let tag = Some(tag).filter(|tag| !matches!(*tag, "" | "-"));
    let digest = Some(digest).filter(|digest| !digest.is_empty());
    (
        tag.map(|tag| Tag::parse(tag).expect("a tag")),
        digest.map(|digest| Digest::parse(digest).expect("a digest")),
    )
}

fn update(title: &str) -> Update {
    let words: Vec<&str> = title.split(' ').collect();
    let [_, image, from, to] = words[..] else {
        panic!("{title:?} is not `update IMAGE FROM TO`");
    };
    let ((from_tag, from_digest), (to_tag, to_digest)) = (version(from), version(to));
    Update {
        image: ImageName::parse(image).expect("a name"),
        from_tag,
        from_digest: FromDigest::Exactly(from_digest),
        to_tag,
        to_digest,
        drop_digest: false,
        only: None,
    }
}

/// What differs from the case, in words; empty if nothing does.
fn differences(case: &Case) -> String {
    let sources = sources(&case.files);
    let reading = read_sources(&sources, &BTreeMap::new());
    let mut told_all = String::new();
    let mut compare = |what: &str, expect: Vec<String>, found: Vec<String>| {
        if expect != found {
            told_all.push_str(&format!(
                "{what}\n  expected:\n    {}\n  found:\n    {}\n",
                expect.join("\n    "),
                found.join("\n    ")
            ));
        }
    };
    compare("references", case.lines("references"), references(&reading));
    compare("told", case.lines("told"), told(&reading));
    compare("passed", case.lines("passed"), passed(&reading));
    for section in case
        .sections
        .iter()
        .filter(|it| it.title.starts_with("update "))
    {
        let edited = edit_sources(&sources, &BTreeMap::new(), &[update(&section.title)]);
        let found = match edited {
            Ok(edited) => shown(
                edited
                    .files
                    .iter()
                    .map(|(path, text)| (path.as_str(), text)),
            ),
            Err(refusal) => vec![format!("refused {}", refusal.code())],
        };
        let expect = match section.lines.is_empty() {
            true => shown(
                section
                    .files
                    .iter()
                    .map(|(path, text)| (path.as_str(), text)),
            ),
            false => section.lines.clone(),
        };
        compare(&section.title, expect, found);
    }
    told_all
}

fn shown<'a>(files: impl Iterator<Item = (&'a str, &'a Vec<u8>)>) -> Vec<String> {
    let files = files.flat_map(|(path, text)| {
        let text = String::from_utf8_lossy(text).into_owned();
        let lines: Vec<String> = text.split('\n').map(|line| format!("{line:?}")).collect();
        std::iter::once(format!("=== {path}")).chain(lines)
    });
    files.collect()
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(root.join("fixtures/sources")).expect("the folder exists");
    let folders = folders.map(|folder| folder.expect("it is listed").path());
    // Those that `scripts/check-sources` does not know, because its readers are simpler than the formats.
    let beyond = root.join("tests/core/cases");
    let mut cases: Vec<PathBuf> = folders
        .chain([beyond])
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).expect("it is listed"))
        .map(|file| file.expect("it is listed").path())
        .filter(|file| file.extension().is_some_and(|it| it == "case"))
        .collect();
    cases.sort();
    cases
}

/// What GitLab sets for every job is weaker than the file, and is not edited.
#[test]
fn predefined_variables_are_known_in_gitlab_ci() {
    let text = "variables: {CI_SERVER_HOST: own.example.com}\n\
        a: {image: \"$CI_REGISTRY_IMAGE/base:1.4\"}\nb: {image: \"$CI_SERVER_HOST/x:1\"}\n";
    let files = Files::from([(".gitlab-ci.yml".to_owned(), text.as_bytes().to_vec())]);
    let variables = [
        ("CI_REGISTRY_IMAGE", "registry.example.com/acme/app"),
        ("CI_SERVER_HOST", "git.example.com"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sources = sources(&files).with_predefined(variables.into());
    let found = references(&read_sources(&sources, &BTreeMap::new()));
    assert_eq!(
        found,
        [
            ".gitlab-ci.yml:2 gitlab-image registry.example.com/acme/app/base:1.4",
            ".gitlab-ci.yml:3 gitlab-image own.example.com/x:1",
        ]
    );
    let update = update("update registry.example.com/acme/app/base 1.4 1.5");
    let edited = edit_sources(&sources, &BTreeMap::new(), &[update]).expect("it is edited");
    let expect = text.replace("1.4", "1.5").into_bytes();
    assert_eq!(edited.files.into_values().collect::<Vec<_>>(), [expect]);
}

/// The operator's `[[source]]` may name definitions of CI; what it finds there is one.
#[test]
fn sources_of_the_operator_read_definitions_of_ci() {
    let config =
        "[[source]]\nfiles = [\".github/workflows/*.yml\"]\nformat = \"yaml\"\nat = \"env.TOOL\"\n";
    let problems = parse_repository("imagebot.toml", config, &[].into());
    assert!(problems.is_err(), "a repository cannot name them (T18)");
    let config = imagebot::config::parse("config.toml", config, Path::new("/"));
    let tables = config.expect("valid settings").sources;
    let text = b"env: {TOOL: 'ghcr.io/acme/tool:1.0.0'}\n".to_vec();
    let files = Files::from([(".github/workflows/a.yml".to_owned(), text)]);
    let reading = read_sources(&sources(&files).with_custom(tables), &BTreeMap::new());
    assert_eq!(
        references(&reading),
        [".github/workflows/a.yml:1 source ghcr.io/acme/tool:1.0.0"]
    );
    assert!(reading.references.iter().all(|(_, located)| located.in_ci));
}

#[test]
fn every_case_is_read_and_edited_as_it_says() {
    let only = std::env::var("IMAGEBOT_CASE").unwrap_or_default();
    let mut failed = Vec::new();
    let cases = cases();
    for path in &cases {
        let name = path.display().to_string();
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a case is text");
        let told = differences(&Case::parse(&text));
        if !told.is_empty() {
            failed.push(format!("{name}\n{told}"));
        }
    }
    assert!(cases.len() > 40, "the cases are found");
    assert!(
        failed.is_empty(),
        "{} cases differ:\n\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn files_of_child_pipelines_are_ci() {
    let files = [
        (
            ".gitlab-ci.yml",
            "start:\n  trigger:\n    include: ci/child.yml\n",
        ),
        (
            "ci/child.yml",
            "# imagebot: image=node\nversion: \"20\"\na:\n  image: ruby:3.2\n",
        ),
        ("compose.yaml", "services: {a: {image: alpine:3.19}}\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let reading = read_sources(&sources(&files.into()), &BTreeMap::new());
    let found = reading.references.iter();
    let found: Vec<(&str, bool)> = found
        .map(|(_, located)| (located.image(), located.in_ci))
        .collect();
    assert_eq!(found, [("node", true), ("ruby", true), ("alpine", false)]);
}
