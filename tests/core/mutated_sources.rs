//! Properties of reading and editing files of all formats, on the files of all cases, changed at random.

use imagebot::config::parse_repository;
use imagebot::image::{Digest, Tag};
use imagebot::repo::RepoPath;
use imagebot::source::{
    Format, FromDigest, ReadSources, SourceFile, Sources, Update, edit_sources, read_sources,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

const DIGEST: &str = "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";

/// A bound that only a time that is not linear reaches, on a slow machine too.
const LIMIT: Duration = Duration::from_secs(60);

type Files = Vec<(String, String)>;

/// The files of all cases.
static CASES: LazyLock<Vec<Files>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sources");
    let folders = std::fs::read_dir(root).expect("the folder exists");
    let folders = folders.map(|folder| folder.expect("it is listed").path());
    let files = folders
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).expect("it is listed"));
    let mut paths: Vec<_> = files
        .map(|file| file.expect("it is listed").path())
        .collect();
    paths.sort();
    let texts = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a case is text"));
    texts.map(|text| files_of(&text)).collect()
});

fn files_of(case: &str) -> Files {
    let mut files = Files::new();
    for line in case
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with("--- "))
    {
        if let Some(title) = line.strip_prefix("=== ") {
            let path = title.split_whitespace().next().expect("a file has a path");
            files.push((path.to_owned(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files
}

/// The files, read also by the `[[source]]` of an `imagebot.toml` among them, if it is valid.
fn sources(files: &[(String, String)]) -> Sources {
    let config = files.iter().find(|(path, _)| path == "imagebot.toml");
    let settings =
        config.and_then(|(_, text)| parse_repository("imagebot.toml", text, &[].into()).ok());
    let tables = settings.map(|settings| settings.sources);
    Sources::new(files.iter().map(|(path, text)| SourceFile {
        path: RepoPath::parse(path).expect("a path"),
        format: Format::of(path).and_then(|_| Format::read_as(path, text.as_bytes())),
        contents: text.clone().into_bytes(),
    }))
    .with_custom(tables.unwrap_or_default())
}

/// A change of a text: where, in thousandths of its length, and what is inserted or how much is removed.
#[derive(Debug, Clone)]
enum Change {
    Insert(usize, &'static str),
    Remove(usize, usize),
    RepeatLine(usize),
    Crlf,
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = vec![
        "&a ",
        "*a",
        "<<: *a\n",
        "\n---\n",
        "{",
        "[",
        "]",
        "}",
        "'",
        "\"",
        "# ",
        "# imagebot: image=a/b\n",
        ": ",
        "- ",
        "|\n",
        ">-\n",
        "\\x41",
        "\t",
        "!x ",
        "é",
        "\u{1a}",
        "$",
        "${",
        "$(",
        "{{",
        "}}",
        "<<",
        "1.0",
        "image: a/b:1.0\n",
        "  ",
        "\n",
        "null",
        "@",
    ];
    prop_oneof![
        4 => (0..1000_usize, prop::sample::select(pieces)).prop_map(|(at, piece)| Change::Insert(at, piece)),
        2 => (0..1000_usize, 1..12_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (0..1000_usize).prop_map(Change::RepeatLine),
        1 => Just(Change::Crlf),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    let place = |thousandth: usize| {
        let at = text.len() * thousandth / 1000;
        (0..=at)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0)
    };
    match change {
        Change::Insert(at, piece) => {
            let (before, after) = text.split_at(place(*at));
            format!("{before}{piece}{after}")
        }
        Change::Remove(at, length) => {
            let (before, after) = text.split_at(place(*at));
            format!(
                "{before}{}",
                after.chars().skip(*length).collect::<String>()
            )
        }
        Change::RepeatLine(at) => {
            let at = place(*at);
            let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let end = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
            format!("{}{}{}", &text[..end], &text[start..end], &text[end..])
        }
        Change::Crlf => text.replace("\r\n", "\n").replace('\n', "\r\n"),
    }
}

/// The references, with the new version for those that an update changes.
fn texts(reading: &ReadSources, update: Option<&Update>) -> Vec<String> {
    let texts = reading.references.iter().map(|(path, located)| {
        let Some(reference) = located.reference() else {
            return format!("{path} {} ?", located.kind.code());
        };
        let mut reference = reference.clone();
        if let Some(update) = update
            && update.image == reference.name
            && update.from_tag == reference.tag
            && update.from_digest == FromDigest::Exactly(reference.digest.clone())
        {
            reference.tag.clone_from(&update.to_tag);
            reference.digest.clone_from(&update.to_digest);
        }
        format!("{path} {} {reference}", located.kind.code())
    });
    texts.collect()
}

/// What is left of a text without the characters of versions.
fn skeleton(text: &str) -> String {
    let is_other = |c: &char| !(c.is_ascii_alphanumeric() || "_.:@-".contains(*c));
    text.chars().filter(is_other).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever the files: nothing panics, and an edit gives exactly the planned references and changes nothing else.
    #[test]
    fn an_edit_of_any_files_gives_what_was_planned(
        case in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..4),
        pick in any::<prop::sample::Index>(),
        to in prop::sample::select(vec!["9.9.9", "9", "1.10", "v9-x", "null"]),
        pin in any::<bool>(),
    ) {
        let mut files = CASES[case.index(CASES.len())].clone();
        if files.is_empty() {
            return Ok(());
        }
        for (file, change) in &changes {
            let file = file.index(files.len());
            files[file].1 = changed(&files[file].1, change);
        }
        let sources = sources(&files);
        let none = BTreeMap::new();
        let before = read_sources(&sources, &none);
        let known: Vec<_> = before.references.iter().filter_map(|(_, it)| it.reference()).collect();
        if known.is_empty() {
            return Ok(());
        }
        let reference = known[pick.index(known.len())];
        let update = Update {
            image: reference.name.clone(),
            from_tag: reference.tag.clone(),
            from_digest: FromDigest::Exactly(reference.digest.clone()),
            to_tag: Some(Tag::parse(to).expect("a tag")),
            to_digest: (pin || reference.digest.is_some()).then(|| Digest::parse(DIGEST).expect("a digest")),
            drop_digest: false,
            only: None,
        };
        let Ok(edited) = edit_sources(&sources, &none, std::slice::from_ref(&update)) else {
            return Ok(());
        };
        let mut after = files.clone();
        for (path, text) in &mut after {
            if let Some(contents) = edited.files.get(&RepoPath::parse(path).expect("a path")) {
                let contents = String::from_utf8(contents.clone()).expect("it stays text");
                prop_assert_eq!(skeleton(text), skeleton(&contents));
                let replaced = &edited.replaced[&RepoPath::parse(path).expect("a path")];
                let (from, to) = replaced.iter().fold((0, 0), |(from, to), (old, new)| {
                    (from + old.len(), to + new.len())
                });
                prop_assert_eq!(contents.len() + from, text.len() + to);
                *text = contents;
            }
        }
        let again = read_sources(&self::sources(&after), &none);
        prop_assert_eq!(texts(&before, Some(&update)), texts(&again, None), "{:?}", after);
    }
}

/// Files that are meant to take long: they are small, and what they refer to is large.
fn hostile() -> Vec<(&'static str, String)> {
    let long = "x".repeat(100_000);
    let many = |text: &str, count: usize| text.repeat(count / 4);
    let levels = |open: &str| {
        let levels = (1..40).map(|level| {
            let below = level - 1;
            let twice = format!("*l{below}, *l{below}");
            format!("l{level}: &l{level} {}\n", open.replace("TWICE", &twice))
        });
        levels.collect::<String>()
    };
    let head = "apiVersion: v1\nkind: Pod\n";
    let bomb = levels(
        "{containers: [TWICE], steps: [TWICE], image: [TWICE], jobs: [TWICE], services: [TWICE]}",
    );
    let merges = levels("{<<: [TWICE], image: a/b:1}");
    let list = |item: &str, count: usize| format!("[{}]", many(item, count));
    let container = format!("&c {{image: &i \"{long}\", docker: [{{image: *i}}]}}");
    let aliases = list("*c, ", 30_000);
    let keys = [
        "containers",
        "steps",
        "images",
        "services",
        "stages",
        "jobs",
        "pipelines",
        "image",
        "aliases",
    ];
    let long_texts = format!(
        "one: {container}\n{}",
        keys.map(|key| format!("{key}: {aliases}\n")).concat()
    );
    let params = many("{name: a, default: $(params.a)}, ", 5_000);
    let tekton = format!(
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  params: [{params}]\n  steps: {}\n",
        list("{image: $(params.a)$(params.a)}, ", 10_000)
    );
    // Each of these is made of the next one, three times.
    let chain = |lead: &str, rest: &str| -> String {
        let entries = (0..3_000).map(|n| {
            let next = (n + 1).to_string();
            format!("{lead}{n}{}", rest.replace("NEXT", &next))
        });
        entries.collect()
    };
    let nested_values = format!(
        "apiVersion: argoproj.io/v1\nkind: Application\nv: &v \"{}\"\nspec: {{sources: {}}}\n",
        many("a: {image: 'b:1'}, ", 10_000),
        list("{helm: {values: *v}}, ", 20_000)
    );
    vec![
        ("deep", format!("{head}a: {}", many("[", 200_000))),
        ("bomb", format!("{head}l0: &l0 {{image: a/b:1}}\n{bomb}")),
        (
            "merges",
            format!(
                "{head}l0: &l0 {{image: a/b:1}}\n{merges}jobs: {{a: *l39}}\nservices: {{a: *l39}}\n"
            ),
        ),
        ("long texts", format!("{head}{long_texts}")),
        (
            "notes",
            format!(
                "{}{head}containers: {}\n",
                many("# imagebot: max=minor\n", 5_000),
                list("{image: a/b:1}, ", 10_000)
            ),
        ),
        (
            "one line",
            format!("{head}containers: {}\n", list("{image: a/b:1}, ", 10_000)),
        ),
        (
            "documents",
            many(
                &format!("{head}containers: [{{image: 'a:1'}}]\n---\n"),
                3_000,
            ),
        ),
        ("lost documents", many("a: [\n---\n", 10_000)),
        (
            "extends",
            chain("j", ":\n  extends: [jNEXT, jNEXT, jNEXT]\n  image: a:$V\n"),
        ),
        (
            "variables",
            format!(
                "variables:\n{}a:\n  image: $v0\n",
                chain("  v", ": $vNEXT$vNEXT$vNEXT\n")
            ),
        ),
        ("parameters", tekton),
        ("values in texts", nested_values),
    ]
}

/// Targets that inherit, variables of variables, a large matrix, and files that extend each other.
#[test]
fn what_builds_are_made_of_costs_no_more_than_its_size() {
    let entries =
        |count: usize, of: &dyn Fn(usize) -> String| -> String { (0..count).map(of).collect() };
    let extended = (0..12).map(|level| {
        let of = |name: usize| {
            let next = level + 1;
            format!("  s{name}:\n    extends: {{file: f{next}.yml, service: s{name}}}\n    image: a:{level}\n")
        };
        let name = if level == 0 { "compose.yaml".to_owned() } else { format!("f{level}.yml") };
        (name, format!("services:\n{}", entries(8, &of)))
    });
    let inherits = entries(6_000, &|n| {
        format!(
            "target \"t{n}\" {{ inherits = [\"t{0}\", \"t{0}\"] }}\n",
            n + 1
        )
    });
    let variables = entries(3_000, &|n| {
        format!(
            "variable \"V{n}\" {{ default = \"${{V{0}}}${{V{0}}}${{V{0}}}\" }}\n",
            n + 1
        )
    });
    let context = "target \"a\" { contexts = { x = \"docker-image://a:${V0}\" } }\n";
    let matrix = entries(2_000, &|n| format!("m{n} = [\"1\", \"2\", \"3\"], "));
    let bake = |text: String| vec![("docker-bake.hcl".to_owned(), text)];
    for files in [
        extended.collect(),
        bake(inherits),
        bake(variables + context),
        bake(format!(
            "target \"a\" {{\n matrix = {{ {matrix} }}\n{}\n}}\n",
            "contexts = { x = \"docker-image://a:1\" }"
        )),
    ] {
        let reading = read_sources(&sources(&files), &BTreeMap::new());
        assert!(reading.references.len() <= 100);
    }
}

/// What many builds, services or includes name is limited for all of them together, and what is left out is reported.
#[test]
fn what_builds_name_is_limited_together() {
    let many =
        |count: usize, of: &dyn Fn(usize) -> String| -> String { (0..count).map(of).collect() };
    let file = |path: &str, text: String| (path.to_owned(), text);
    let build = |key: &str, entries: String| {
        format!("services:\n  b:\n    build:\n      context: .\n      {key}:\n{entries}")
    };

    let args = many(900, &|n| format!("        A{n}: '1'\n"));
    let extended = many(15_000, &|n| format!("  s{n}: {{extends: b}}\n"));
    let compose = file("compose.yaml", build("args", args) + &extended);
    let dockerfile = |text: String| file("Dockerfile", text);
    let from = || dockerfile("FROM a:1\n".to_owned());
    reports(&[compose, from()], "more than 50000 services and arguments");

    let contexts = many(20_000, &|n| format!("        c{n}: ./x\n"));
    let compose = file("compose.yaml", build("additional_contexts", contexts));
    let froms = dockerfile("FROM a:1\n".repeat(20_000));
    reports(&[compose, froms], "20000 entries; 1000 are read");

    let builds = many(15_000, &|n| {
        format!("  s{n}: {{build: {{context: ., args: [V{n}]}}}}\n")
    });
    let compose = file("compose.yaml", format!("services:\n{builds}"));
    let uses = dockerfile("ARG A=$B\n".repeat(90_000) + "FROM a:$A\n");
    let reading = read_sources(&sources(&[compose, uses]), &BTreeMap::new());
    assert_eq!(reading.references.len(), 1);

    let args = many(5_000, &|n| format!(" A{n} = \"1\"\n"));
    let inherit = many(900, &|n| {
        format!("target \"t{n}\" {{ inherits = [\"b\"] }}\n")
    });
    let bake = format!("target \"b\" {{ args = {{\n{args}}} }}\n{inherit}");
    reports(
        &[file("docker-bake.hcl", bake), from()],
        "inherits itself, or too much",
    );
    let args = many(20_001, &|n| format!(" A{n} = \"1\"\n"));
    let bake = format!("target \"b\" {{ args = {{\n{args}}} }}\n");
    reports(
        &[file("docker-bake.hcl", bake)],
        "more than 20000 assignments",
    );

    let variables = many(5_000, &|n| format!("A{n}=1\n"));
    let include = format!(
        "include:\n  - path: [{}]\n    env_file: [{}]\n",
        "a.yml, ".repeat(20_000),
        "e.env, ".repeat(20_000)
    );
    let service = "services: {a: {image: 'a:1'}}\n".to_owned();
    let files = [
        file("compose.yaml", include),
        file("a.yml", service),
        file("e.env", variables),
    ];
    let reading = read_sources(&sources(&files), &BTreeMap::new());
    assert_eq!(reading.references.len(), 1);

    let documents = "---\nservices: {b: {}}\n".repeat(5_000);
    let extended = many(5_000, &|n| format!("  s{n}: {{extends: b}}\n"));
    let text = format!("{documents}---\nservices:\n{extended}");
    let compose = file("compose.yaml", text);
    reports(&[compose], "more than 50000 services and arguments");

    let include = many(28, &|n| format!("  - path: [x{n}.yml, b.yml]\n"));
    let services = many(15_000, &|n| format!("  s{n}: {{image: 'a:1'}}\n"));
    let mut files: Files = (0..28)
        .map(|n| file(&format!("x{n}.yml"), "a: 1\n".to_owned()))
        .collect();
    files.push(file("b.yml", format!("services:\n{services}")));
    files.push(file("compose.yaml", format!("include:\n{include}")));
    reports(&files, "8388608 bytes");

    let mut files: Files = (0..20)
        .map(|n| file(&format!("ci/x{n}.yml"), "a: 1\n".to_owned()))
        .collect();
    let includes = "  - local: 'ci/*.yml'\n".repeat(20_000);
    files.push(file(".gitlab-ci.yml", format!("include:\n{includes}")));
    reports(&files, "more than 150 includes");

    let keys = file("x.yaml", "mage:".repeat(200_000));
    let reading = read_sources(&sources(&[keys]), &BTreeMap::new());
    assert!(reading.references.is_empty());
}

fn reports(files: &[(String, String)], text: &str) {
    let reading = read_sources(&sources(files), &BTreeMap::new());
    let passed = reading
        .passed
        .iter()
        .flat_map(|(_, passed)| passed.iter())
        .map(|passed| passed.what.as_str());
    let whats: Vec<&str> = passed.collect();
    assert!(
        whats.iter().any(|what| what.contains(text)),
        "{text}: {whats:?}"
    );
    assert!(reading.references.len() <= 20_000);
}

/// No file takes long, whatever its format.
#[test]
fn hostile_files_of_every_format_take_no_time() {
    let paths = [
        "pod.yaml",
        "kustomization.yaml",
        "values.yaml",
        ".woodpecker.yml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "compose.yaml",
        ".gitlab-ci.yml",
        ".github/workflows/x.yml",
        "action.yml",
        "gipgee.yml",
    ];
    for (name, text) in hostile() {
        for path in paths {
            let files = [
                (path.to_owned(), text.clone()),
                ("Chart.yaml".to_owned(), "name: x\n".to_owned()),
            ];
            let began = Instant::now();
            let reading = read_sources(&sources(&files), &BTreeMap::new());
            let took = began.elapsed();
            assert!(took < LIMIT, "{name} as {path} took {took:?}");
            assert!(reading.references.len() <= 200_000, "{name} as {path}");
        }
    }
}

/// `[[source]]` and comments take no longer than their files are long.
#[test]
fn hostile_files_take_no_time_for_source_tables_and_comments() {
    let config = "[[source]]\nfiles = [\"f.yaml\"]\nformat = \"yaml\"\nat = \"**.image\"\n\
        [[source]]\nfiles = [\"f.yaml\"]\nformat = \"yaml\"\nrepository = \"**.*.**.a\"\ntag = \"**.image\"\n\
        [[source]]\nfiles = [\"f.json\"]\nformat = \"json\"\nat = \"**.a.**\"\n\
        [[source]]\nfiles = [\"f.toml\"]\nformat = \"toml\"\nat = \"**.a.**\"\n\
        [[source]]\nfiles = [\"f.tf\"]\nformat = \"hcl\"\nat = \"**.a.**\"\n\
        [[source]]\nfiles = [\"f.env\"]\nformat = \"env\"\nat = \"*\"\n\
        [[source]]\nfiles = [\"f.txt\"]\npattern = '(a*)*b(?<image>.*)'\n";
    let many = |text: &str, count: usize| text.repeat(count / 4);
    let mut texts = hostile();
    texts.extend([
        ("braces", many("{\"a\":", 150_000)),
        ("brackets", many("[", 500_000)),
        ("blocks", many("a {\n", 200_000)),
        ("parentheses", format!("a = {}", many("(", 500_000))),
        ("interpolations", format!("a = \"{}", many("${\"", 200_000))),
        ("keys", format!("{} = 1\n", vec!["a"; 200_000].join("."))),
        ("tables", many("[[a]]\nimage = \"a/b:1\"\n", 40_000)),
        (
            "entries",
            format!("{{{}}}", many("\"a\": \"b:1\", ", 60_000)),
        ),
        (
            "assignments",
            many("# imagebot: image=a/b\nA=1.0\n", 30_000),
        ),
        ("comments", many("# imagebot: image=a/b\n", 40_000)),
        (
            "one value",
            format!("# imagebot: image=a/b\nA={}", many("1", 900_000)),
        ),
        (
            "quotes",
            format!("# imagebot: image=\"{}\nA=1", many("a ", 400_000)),
        ),
        ("variables", many("A=$A$A\n", 100_000)),
        ("letters", format!("{}c", many("a", 900_000))),
        ("matches", many("b x:1\n", 100_000)),
    ]);
    for (name, text) in texts {
        for path in ["f.yaml", "f.json", "f.toml", "f.tf", "f.env", "f.txt"] {
            let files = [
                (path.to_owned(), text.clone()),
                ("imagebot.toml".to_owned(), config.to_owned()),
            ];
            let began = Instant::now();
            let reading = read_sources(&sources(&files), &BTreeMap::new());
            let took = began.elapsed();
            assert!(took < LIMIT, "{name} as {path} took {took:?}");
            let references = reading.references.iter();
            let custom = references.filter(|(_, located)| located.kind.is_custom());
            assert!(custom.count() <= 3_000, "{name} as {path}");
        }
    }
}
