//! A repository with versions of its own, as values: what rises, what follows, what is refused.

use imagebot::config::{Config, parse, parse_repository};
use imagebot::family::{NO_REGISTRY, contexts};
use imagebot::image::{ImageName, Tag};
use imagebot::plan::{
    Ask, Class, Decision, Images, Observations, Proposal, Proposed, Target, Wanted, decide, propose,
};
use imagebot::policy::Policy;
use imagebot::repo::{Branch, RepoPath};
use imagebot::scheme::{Aligned, Level, Rules, aligned, bumped, compare};
use imagebot::source::{
    Format, Place, SourceFile, Sources, VersionFile, VersionFileError, read_sources,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A repository: its files, its `imagebot.toml`, and what registries have for images from outside.
struct Repo {
    files: BTreeMap<RepoPath, String>,
    config: String,
    news: Vec<(String, String, Level)>,
}

struct Told {
    proposals: Vec<Proposal>,
    decisions: Vec<Decision>,
    images: Images,
    files: BTreeMap<RepoPath, String>,
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

impl Repo {
    fn new(config: &str, files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(name, text)| (path(name), (*text).to_owned()));
        Self {
            files: files.collect(),
            config: config.to_owned(),
            news: Vec::new(),
        }
    }

    /// The registry has a newer tag of an image from outside.
    fn news(mut self, image: &str, tag: &str, level: Level) -> Self {
        self.news.push((image.to_owned(), tag.to_owned(), level));
        self
    }

    fn told(&self) -> Told {
        let config = parse_repository("imagebot.toml", &self.config, &Config::default().schemes)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let mut args = config.args.clone();
        let (mut specs, mut problems) = (config.images, Vec::new());
        if specs.is_empty() {
            let registry = args
                .entry("REGISTRY".to_owned())
                .or_insert(NO_REGISTRY.to_owned());
            (specs, problems) = contexts(self.files.keys(), registry);
        }
        let sources = self.files.iter().map(|(path, text)| SourceFile {
            path: path.clone(),
            format: Format::of(path.as_str()),
            contents: text.as_bytes().to_vec(),
        });
        let sources = Sources::new(sources.filter(|file| file.format.is_some()));
        let reading = read_sources(&sources, &args);
        let (stages, references) = (&reading.stages, &reading.references);
        let contents = |path: &RepoPath| {
            let file = self.files.get(path).map(String::as_bytes);
            file.ok_or(VersionFileError::Missing)
        };
        let resolve = |name: &ImageName| name.clone();
        let images = Images::new(&specs, &contents, &args, stages, references, &resolve);
        let operator = parse("config.toml", "", std::path::Path::new("/")).unwrap();
        let policy = Policy {
            rules: operator
                .rules
                .iter()
                .chain(&config.rules)
                .cloned()
                .collect(),
            ..Policy::default()
        };
        let (seen, proposed) = (Observations::default(), Proposed::new());
        let decided = references.iter().map(|(path, located)| {
            let ask = Ask {
                repo: None,
                path,
                located,
                policy: &policy,
                lookup: Ok(None),
                proposed: &proposed,
                inner: images.truth(path, located),
                seen: &seen,
                now: "2026-11-21T12:00:00Z".parse().unwrap(),
                traces: false,
                candidates: 20,
            };
            let mut decision = decide(&ask).unwrap_or_else(|q| panic!("asked: {q:?}"));
            let name = located.image().to_owned();
            let news = self.news.iter().filter(|(image, ..)| *image == name);
            decision.wanted.extend(news.map(|(_, tag, level)| Wanted {
                class: Class::Update,
                level: *level,
                to_tag: Tag::parse(tag).ok(),
                to_digest: None,
                target: None,
            }));
            decision
        });
        let mut decisions: Vec<Decision> = decided.collect();
        let branch = Branch::parse("main").unwrap();
        let target = Target {
            repo_id: "repo",
            repo: "team/repo",
            branch: &branch,
            noun: "merge request",
            templates: &operator.merge_requests.templates,
            commit_prefix: "",
            rebase_label: "imagebot:rebase",
            stop_label: "imagebot:stop",
            together: false,
        };
        let (proposals, _) = propose(
            &target,
            &sources,
            &reading,
            &args,
            &images,
            &mut decisions,
            &seen,
        );
        let mut after = self.files.clone();
        if let [proposal] = &proposals[..] {
            let edited = proposal.files.iter();
            after.extend(edited.map(|(path, contents)| {
                (path.clone(), String::from_utf8(contents.clone()).unwrap())
            }));
        }
        let _ = problems;
        Told {
            proposals,
            decisions,
            images,
            files: after,
        }
    }

    /// The repository after its only proposal is merged, which leaves nothing to be done.
    fn merged(self) -> Self {
        let files = self.told().files;
        let merged = Self {
            files,
            config: self.config,
            news: Vec::new(),
        };
        let again = merged.told();
        assert!(again.proposals.is_empty(), "{:?}", again.changes());
        merged
    }

    fn file(&self, name: &str) -> &str {
        &self.files[&path(name)]
    }
}

impl Told {
    fn changes(&self) -> Vec<String> {
        self.proposals
            .iter()
            .flat_map(|p| p.changes.lines())
            .collect()
    }

    fn reasons(&self) -> Vec<&'static str> {
        self.decisions.iter().map(|d| d.reason.code()).collect()
    }
}

const REGISTRY: &str = "ARG REGISTRY\n";

/// A repository laid out for container-image-pipelines.
fn pipelines(contexts: &[(&str, &str, &str)]) -> Repo {
    let mut repo = Repo::new("", &[]);
    for (folder, version, dockerfile) in contexts {
        let info = format!("; {folder}\n{{:version \"{version}\" :platforms [\"linux/arm64\"]}}");
        repo.files
            .insert(path(&format!("contexts/{folder}/info.edn")), info);
        let dockerfile = format!("{REGISTRY}{dockerfile}");
        repo.files
            .insert(path(&format!("contexts/{folder}/Dockerfile")), dockerfile);
    }
    repo
}

fn info(folder: &str, version: &str) -> String {
    format!("; {folder}\n{{:version \"{version}\" :platforms [\"linux/arm64\"]}}")
}

#[test]
fn a_version_rises_with_the_reference_and_once() {
    let config = "[[image]]\nname = \"reg.io/app\"\nversion_file = \"VERSION\"\nbump = \"patch\"\n";
    let repo = Repo::new(
        config,
        &[
            (
                "Dockerfile",
                "FROM debian:11 AS x\nFROM node:20\nCOPY --from=golang:1 / /\n",
            ),
            ("VERSION", "v1.2.9"),
        ],
    );
    let told = repo.news("node", "22", Level::Major).told();
    assert_eq!(
        told.changes(),
        [
            "Dockerfile docker.io/library/node 20 22",
            "=VERSION text v1.2.9 v1.2.10"
        ]
    );
    assert_eq!(told.files[&path("VERSION")], "v1.2.10");
    assert!(
        told.proposals[0]
            .texts
            .body
            .contains("`VERSION`: `v1.2.9` -> `v1.2.10`")
    );
}

#[test]
fn same_goes_by_the_widest_change_and_a_target_by_its_own_stages() {
    let config = "[[image]]\nname = \"reg.io/a\"\ntarget = \"one\"\nversion_file = \"A\"\nbump = \"same\"\n\
                  [[image]]\nname = \"reg.io/b\"\nversion_file = \"B\"\nbump = \"major\"\n";
    let files = [
        ("Dockerfile", "FROM node:20 AS one\nFROM debian:11\n"),
        ("A", "1.1.1\n"),
        ("B", "2.2.2\n"),
    ];
    let repo = || Repo::new(config, &files);
    for (level, version) in [
        (Level::Digest, "1.1.2\n"),
        (Level::Build, "1.1.2\n"),
        (Level::Minor, "1.2.0\n"),
        (Level::Major, "2.0.0\n"),
    ] {
        let told = repo().news("node", "22", level).told();
        assert_eq!(told.files[&path("A")], version, "{level}");
        assert_eq!(told.files[&path("B")], "2.2.2\n", "another stage");
    }
    let told = repo().news("debian", "12", Level::Minor).told();
    assert_eq!(told.files[&path("A")], "1.1.1\n");
    assert_eq!(told.files[&path("B")], "3.0.0\n");
}

#[test]
fn a_version_in_a_dockerfile_and_one_that_two_images_share() {
    let config = "[[image]]\nname = \"reg.io/a\"\nversion_file = \"a/Dockerfile\"\ncontext = \"a\"\nbump = \"patch\"\n\
                  [[image]]\nname = \"reg.io/b\"\ncontext = \"b\"\nversion_file = \"a/Dockerfile\"\nbump = \"patch\"\n";
    let repo = Repo::new(
        config,
        &[
            (
                "a/Dockerfile",
                "ARG VERSION=\"1.0.0\" # no comment\r\nFROM node:20\r\nLABEL v=$VERSION\r\n",
            ),
            ("b/Dockerfile", "FROM node:20\nFROM reg.io/a:1.0.0-slim"),
        ],
    );
    let told = repo.news("node", "22", Level::Major).told();
    assert_eq!(
        told.files[&path("a/Dockerfile")],
        "ARG VERSION=\"1.0.1\" # no comment\r\nFROM node:22\r\nLABEL v=$VERSION\r\n"
    );
    assert_eq!(
        told.files[&path("b/Dockerfile")],
        "FROM node:22\nFROM reg.io/a:1.0.1-slim"
    );
    let versions: Vec<String> = told
        .changes()
        .into_iter()
        .filter(|l| l.starts_with('='))
        .collect();
    assert_eq!(
        versions,
        ["=a/Dockerfile arg%3AVERSION 1.0.0 1.0.1"],
        "once"
    );
}

#[test]
fn c5_c14_a_hand_bumped_root_reaches_the_grandchildren_in_one_go() {
    let repo = pipelines(&[
        ("01-base", "1.1.0", "FROM debian:12\n"),
        ("02-ruby", "2.0.0", "FROM ${REGISTRY}/base:1.0.0\nRUN x"),
        (
            "10-app",
            "3.0.0",
            "FROM --platform=linux/amd64 ${REGISTRY}/ruby:2.0.0 AS x\nFROM ${REGISTRY}/base:1.0.0\n",
        ),
        ("3-other", "4.0.0", "FROM debian:12"),
    ]);
    let merged = repo.merged();
    // Exactly what is meant: no .bk, no double bump, other keys and a missing newline kept.
    assert_eq!(merged.files.len(), 8);
    assert_eq!(
        merged.file("contexts/01-base/info.edn"),
        info("01-base", "1.1.0")
    );
    assert_eq!(
        merged.file("contexts/02-ruby/info.edn"),
        info("02-ruby", "2.0.1")
    );
    assert_eq!(
        merged.file("contexts/10-app/info.edn"),
        info("10-app", "3.0.1"),
        "once, with two parents"
    );
    assert_eq!(
        merged.file("contexts/3-other/info.edn"),
        info("3-other", "4.0.0")
    );
    assert_eq!(
        merged.file("contexts/3-other/Dockerfile"),
        "ARG REGISTRY\nFROM debian:12",
        "untouched"
    );
    assert_eq!(
        merged.file("contexts/02-ruby/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:1.1.0\nRUN x"
    );
    assert_eq!(
        merged.file("contexts/10-app/Dockerfile"),
        "ARG REGISTRY\nFROM --platform=linux/amd64 ${REGISTRY}/ruby:2.0.1 AS x\nFROM ${REGISTRY}/base:1.1.0\n"
    );
}

#[test]
fn c11_c14_a_change_from_outside_is_one_merge_request_with_its_whole_cascade() {
    let repo = pipelines(&[
        ("01-base", "1.0.0", "FROM debian:11\n"),
        ("02-ruby", "2.0.0", "FROM ${REGISTRY}/base:1.0.0\n"),
        ("03-app", "3.0.0", "FROM ${REGISTRY}/ruby:2.0.0\n"),
    ]);
    let repo = repo.news("debian", "12", Level::Major);
    let told = repo.told();
    assert_eq!(
        told.changes(),
        [
            "contexts/01-base/Dockerfile docker.io/library/debian 11 12",
            "+contexts/02-ruby/Dockerfile registry.invalid/base 1.0.0 1.0.1",
            "+contexts/03-app/Dockerfile registry.invalid/ruby 2.0.0 2.0.1",
            "=contexts/01-base/info.edn edn%3Aversion 1.0.0 1.0.1",
            "=contexts/02-ruby/info.edn edn%3Aversion 2.0.0 2.0.1",
            "=contexts/03-app/info.edn edn%3Aversion 3.0.0 3.0.1",
        ]
    );
    assert_eq!(told.reasons()[1..], ["inner-follows", "inner-follows"]);
    assert_eq!(told.proposals.len(), 1);
    repo.merged();
}

#[test]
fn c14_nothing_is_moved_back_and_no_stale_digest_stays() {
    let digest = "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
    let repo = pipelines(&[
        ("01-base", "1.1.0", "FROM scratch\n"),
        ("02-ahead", "1.0.0", "FROM ${REGISTRY}/base:2.0.0\n"),
        (
            "03-stale",
            "1.0.0",
            &format!("FROM ${{REGISTRY}}/base:1.0.0@{digest}\n"),
        ),
        (
            "04-pinned",
            "1.0.0",
            &format!("FROM ${{REGISTRY}}/base:1.1.0@{digest}\n"),
        ),
    ]);
    let told = repo.told();
    assert_eq!(
        told.reasons(),
        ["inner-ahead", "inner-new", "inner-current"]
    );
    let merged = repo.merged();
    assert_eq!(
        merged.file("contexts/02-ahead/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:2.0.0\n"
    );
    assert_eq!(
        merged.file("contexts/03-stale/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:1.1.0\n"
    );
    assert!(
        merged
            .file("contexts/04-pinned/Dockerfile")
            .contains(digest)
    );
}

#[test]
fn c17_latest_is_an_alias_and_never_written() {
    let repo = pipelines(&[
        ("01-base", "1.1.0", "FROM debian:latest\n"),
        ("02-a", "1.0.0", "FROM ${REGISTRY}/base:latest\n"),
        ("03-b", "1.0.0", "FROM ${REGISTRY}/base:1.0.0\n"),
    ]);
    let told = repo.told();
    assert_eq!(told.reasons()[1..], ["inner-floating", "inner-new"]);
    assert!(
        !told.changes().iter().any(|line| line.contains("latest")),
        "{:?}",
        told.changes()
    );
}

#[test]
fn c12_what_is_broken_stops_its_descendants_and_nobody_else() {
    let mut repo = pipelines(&[
        ("01-base", "latest", "FROM debian:11\n"),
        (
            "02-child",
            "1.0.0",
            "FROM ${REGISTRY}/base:1.0.0\nCOPY --from=golang:1.20 / /\n",
        ),
        ("03-other", "1.1.0", "FROM debian:11\n"),
        ("04-fine", "1.0.0", "FROM ${REGISTRY}/other:1.0.0\n"),
    ]);
    repo.files.insert(
        path("contexts/05-torn/Dockerfile"),
        "FROM debian:11\n".to_owned(),
    );
    let told = repo
        .news("debian", "12", Level::Major)
        .news("golang", "1.21", Level::Minor)
        .told();
    let found = told.images.findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("contexts/01-base/info.edn: line 2: \"latest\" is not a version"),
        "{found:?}"
    );
    let by_path: BTreeMap<&str, Vec<&str>> =
        told.decisions.iter().fold(BTreeMap::new(), |mut all, d| {
            all.entry(d.path.as_str())
                .or_insert(Vec::new())
                .push(d.reason.code());
            all
        });
    assert_eq!(by_path["contexts/01-base/Dockerfile"], ["version-file"]);
    assert_eq!(by_path["contexts/02-child/Dockerfile"][0], "inner-unknown");
    assert_eq!(by_path["contexts/04-fine/Dockerfile"], ["inner-new"]);
    let lines = told.changes();
    for (line, there) in [
        ("contexts/01-base/", false),
        (
            "contexts/02-child/Dockerfile docker.io/library/golang",
            true,
        ),
        (
            "contexts/03-other/Dockerfile docker.io/library/debian 11 12",
            true,
        ),
        (
            "contexts/04-fine/Dockerfile registry.invalid/other 1.0.0 1.1",
            true,
        ),
        ("contexts/05-torn/Dockerfile docker.io/library/debian", true),
    ] {
        assert_eq!(
            lines.iter().any(|l| l.contains(line)),
            there,
            "{line} in {lines:#?}"
        );
    }
}

#[test]
fn a_circle_is_told_and_not_followed() {
    let repo = pipelines(&[
        ("01-root", "1.1.0", "FROM scratch\n"),
        (
            "02-a",
            "1.1.0",
            "FROM ${REGISTRY}/root:1.0.0 AS r\nFROM ${REGISTRY}/b:1.0.0\nCOPY --from=r / /\n",
        ),
        ("03-b", "1.1.0", "FROM ${REGISTRY}/a:1.0.0\n"),
        ("04-c", "1.0.0", "FROM ${REGISTRY}/a:1.1.0\n"),
        ("05-self", "1.1.0", "FROM ${REGISTRY}/self:1.0.0\n"),
    ]);
    let told = repo.told();
    assert_eq!(
        told.reasons(),
        [
            "inner-new",
            "inner-cycle",
            "inner-cycle",
            "inner-follows",
            "inner-cycle"
        ]
    );
    assert_eq!(
        told.images.findings().len(),
        2,
        "{:?}",
        told.images.findings()
    );
    repo.merged();
}

#[test]
fn a_reference_that_cannot_be_edited_stops_what_would_follow_from_it() {
    let repo = pipelines(&[
        ("01-base", "1.1.0", "FROM scratch\n"),
        // The tag is another image's version too.
        (
            "02-a",
            "1.0.0",
            "ARG V=1.0.0\nFROM ${REGISTRY}/base:${V}\nFROM debian:${V}\n",
        ),
        ("03-b", "1.0.0", "FROM ${REGISTRY}/a:1.0.0\n"),
        ("04-c", "1.0.0", "FROM ${REGISTRY}/base:1.0.0\n"),
    ]);
    let told = repo.told();
    assert_eq!(told.reasons()[0], "edit-refused");
    assert_eq!(
        told.files[&path("contexts/02-a/info.edn")],
        info("02-a", "1.0.0")
    );
    assert_eq!(
        told.files[&path("contexts/03-b/info.edn")],
        info("03-b", "1.0.0")
    );
    assert_eq!(
        told.files[&path("contexts/04-c/info.edn")],
        info("04-c", "1.0.1")
    );
}

#[test]
fn a_version_that_moves_a_reference_is_refused() {
    let config =
        "[[image]]\nname = \"reg.io/a\"\nversion_file = \"Dockerfile\"\nbump = \"patch\"\n";
    let repo = Repo::new(
        config,
        &[(
            "Dockerfile",
            "ARG VERSION=1.0.0\nFROM x:$VERSION\nFROM node:20\n",
        )],
    );
    let told = repo.news("node", "22", Level::Major).told();
    assert!(told.changes().is_empty());
    assert_eq!(told.reasons()[1], "version-file");
    assert!(
        told.decisions[1]
            .detail
            .contains("an image reference that uses it"),
        "{}",
        told.decisions[1].detail
    );
}

/// The tag of a reference whose name is not known would move unseen.
#[test]
fn a_version_that_takes_part_in_what_is_not_known_is_refused() {
    for dockerfile in [
        "ARG OTHER\nARG VERSION=1.0.0\nFROM ${OTHER}/x:$VERSION AS x\nFROM node:20\n",
        "ARG VERSION=1.0.0\nFROM node:20 AS v1.0.0\nFROM v$VERSION\n",
        "ARG VERSION=1.0.0\nFROM --platform=linux/$VERSION node:20\n",
    ] {
        let config =
            "[[image]]\nname = \"reg.io/a\"\nversion_file = \"Dockerfile\"\nbump = \"patch\"\n";
        let told = Repo::new(config, &[("Dockerfile", dockerfile)])
            .news("node", "22", Level::Major)
            .told();
        assert!(
            told.reasons().contains(&"version-file"),
            "{dockerfile}: {:?}",
            told.reasons()
        );
        assert!(told.changes().is_empty(), "{:?}", told.changes());
    }
}

#[test]
fn the_operators_and_peoples_words_hold_inside_too() {
    let mut repo = pipelines(&[
        ("01-base", "1.1.0", "FROM scratch\n"),
        (
            "02-a",
            "1.0.0",
            "# imagebot: ignore\nFROM ${REGISTRY}/base:1.0.0\n",
        ),
        ("03-b", "1.0.0", "FROM ${REGISTRY}/base:1.0.0\n"),
    ]);
    repo.config = "[args]\nREGISTRY = \"reg.io/acme\"\n[[rule]]\nimages = [\"reg.io/acme/base\"]\npaths = [\"contexts/03-b/**\"]\nenabled = false\n".to_owned();
    let told = repo.told();
    assert_eq!(told.reasons(), ["disabled", "disabled"]);
    assert!(told.changes().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Random monorepos: one pass makes everything consistent, raises every version at most once and moves nothing back.
    #[test]
    fn c14_a_cascade_ends_and_is_idempotent(
        parents in prop::collection::vec(prop::collection::vec((0usize..8, 0u8..3), 0..3), 2..8),
        behind in 0u8..3,
    ) {
        let count = parents.len();
        let name = |index: usize| format!("i{index}");
        let dockerfiles: Vec<String> = parents.iter().enumerate().map(|(child, parents)| {
            let froms = parents.iter().filter(|(parent, _)| *parent < child);
            let froms = froms.map(|(parent, minor)| {
                format!("FROM ${{REGISTRY}}/{}:1.{minor}.0\n", name(*parent))
            });
            format!("FROM debian:12\n{}", froms.collect::<String>())
        }).collect();
        let folders: Vec<String> = (0..count).map(|i| format!("{i:02}-{}", name(i))).collect();
        let version = format!("1.{behind}.0");
        let all: Vec<(&str, &str, &str)> = (0..count)
            .map(|i| (folders[i].as_str(), version.as_str(), dockerfiles[i].as_str()))
            .collect();
        let repo = pipelines(&all);
        let told = repo.told();
        prop_assert!(told.proposals.len() <= 1);
        let merged = repo.merged();
        for folder in &folders {
            let text = merged.file(&format!("contexts/{folder}/info.edn"));
            let once = text == info(folder, &version) || text == info(folder, &format!("1.{behind}.1"));
            prop_assert!(once, "{}", text);
        }
    }

    /// An edit touches only its span, and what is written is read.
    #[test]
    fn c4_an_edit_of_a_version_touches_only_its_span(
        noise in "[ -~\u{e9}\u{4e2d}]{0,40}",
        from in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(-[a-z]{1,5}\\.?[0-9]{0,2})?",
        to in "[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}",
        kind in 0usize..7,
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let quoted = serde_json::to_string(&noise).unwrap();
        let (name, before, behind) = match kind {
            0 => ("VERSION", format!("#{noise}\n"), "\n".to_owned()),
            1 => ("a.edn", format!(";{noise}\n{{:a {quoted} :version \""), format!("\" ;{noise}\n}}")),
            2 => ("a.toml", format!("#{noise}\nversion = \""), format!("\" #{noise}\n")),
            3 => ("a.yaml", format!("#{noise}\na: {quoted}\nversion: \""), format!("\" #{noise}\n")),
            4 => ("a.json", format!("{{\"a\": {quoted},\n\"version\": \""), "\"\n}".to_owned()),
            5 => ("Dockerfile", format!("#x{noise}\nFROM scratch\nARG VERSION="), format!("\n#{noise}")),
            _ => ("x.txt", "V=".to_owned(), format!("\n#{noise}")),
        };
        let pattern = (kind == 6).then_some("^V=(.*)$");
        let place = Place::parse(name, None, None, pattern).unwrap();
        let file = VersionFile { path: path(name), place };
        let lines = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
        let mark = if bom { "\u{feff}" } else { "" };
        let (before, behind) = (lines(format!("{mark}{before}")), lines(behind));
        let text = format!("{before}{from}{behind}");
        let found = file.read(text.as_bytes());
        prop_assert_eq!(found.as_ref().map(|found| found.text.as_str()), Ok(&*from), "{:?}", text);
        let edited = file.edit(text.as_bytes(), &from, &to).unwrap();
        prop_assert_eq!(String::from_utf8(edited.clone()).unwrap(), format!("{before}{to}{behind}"));
        prop_assert_eq!(file.read(&edited).unwrap().text, to);
    }

    /// Nothing panics, whatever a file holds.
    #[test]
    fn a_version_file_may_hold_anything(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "[\\[\\](){}\"'#_;:=,.\\\\ \nversion0-9&*!|>-]{0,80}",
    ) {
        for name in ["VERSION", "a.edn", "a.toml", "a.yaml", "a.json", "Dockerfile"] {
            let place = Place::parse(name, None, None, None).unwrap();
            let file = VersionFile { path: path(name), place };
            for contents in [&bytes[..], text.as_bytes()] {
                if let Ok(found) = file.read(contents) {
                    prop_assert_eq!(&contents[found.range], found.text.as_bytes());
                }
            }
        }
    }

    /// The next version is newer by every scheme that reads it.
    #[test]
    fn a_version_rises(
        version in "v?[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(-(rc|alpha|slim)\\.[0-9]{1,2})?",
        level in prop::sample::select(Level::ALL.to_vec()),
    ) {
        let next = bumped(&version, level).unwrap();
        let image = ImageName::parse("reg.io/x").unwrap();
        let order = compare(&image, &version, &next, &Rules::default());
        prop_assert!(matches!(order, Some(std::cmp::Ordering::Greater) | None), "{version} {next} {order:?}");
        let numbers = version.split('-').next().unwrap().split('.').count();
        let behind = matches!(aligned(&version, &next), Aligned::Behind(tag, _) if tag == next);
        prop_assert!(behind || numbers < 3, "{version} {next}");
    }
}
