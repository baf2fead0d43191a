//! Every kind of place: what is found, what is not, and that an edit changes the version's bytes and no others.

use super::*;

/// The place of a version, as a configuration writes it: a path, and unless they are the usual ones the kind with its
/// key or pattern.
trait At {
    fn file(self) -> VersionFile;
}

impl At for &str {
    fn file(self) -> VersionFile {
        (self, "", "").file()
    }
}

impl At for (&str, &str, &str) {
    fn file(self) -> VersionFile {
        let (path, kind, key) = self;
        let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let (key, pattern) = match kind {
            "regex" => (None, given(key)),
            _ => (given(key), None),
        };
        match (
            RepoPath::parse(path),
            Place::parse(path, given(kind), key, pattern),
        ) {
            (Ok(path), Ok(place)) => VersionFile { path, place },
            (_, place) => panic!("{path} {kind:?} {key:?}: {:?}", place.err()),
        }
    }
}

/// The place of the version is written `«1.2.3»`.
#[track_caller]
fn check(at: impl At, marked: &str) {
    let contents = marked.replace(['«', '»'], "");
    let file = at.file();
    let found = file.read(contents.as_bytes());
    let found = found.unwrap_or_else(|error| panic!("{marked:?}: {error}"));
    let shown = format!(
        "{}«{}»{}",
        &contents[..found.range.start],
        &contents[found.range.clone()],
        &contents[found.range.end..]
    );
    assert_eq!(shown, marked);
    let edited = file.edit(contents.as_bytes(), &found.text, "10.0.0-rc.1");
    let (before, rest) = marked.split_once('«').unwrap_or_default();
    let (_, behind) = rest.split_once('»').unwrap_or_default();
    let expect = format!("{before}10.0.0-rc.1{behind}");
    assert_eq!(edited.map(String::from_utf8), Ok(Ok(expect)));
}

#[track_caller]
fn refused(at: impl At, contents: &str, why: &str) {
    let error = at.file().read(contents.as_bytes());
    let error = error.map_err(|error| {
        assert!(!error.help().is_empty());
        error.to_string()
    });
    assert!(
        error.as_ref().is_err_and(|error| error.contains(why)),
        "{contents:?}: {error:?}"
    );
}

#[test]
fn c4_plain_text() {
    for text in [
        "«1.2.3»",
        "«1.2.3»\n",
        "«v1.2.3»\r\n",
        "\u{feff}«1.2.3»\n",
        "\n  «1.2»  \n\n",
        "# the image's\n«1.2.3»\n# end",
    ] {
        check("VERSION", text);
    }
    refused("VERSION", "", "no line");
    refused("VERSION", "1.2.3\n1.2.4\n", "lines 1, 2");
    refused(
        "VERSION",
        "\nlatest\n",
        "line 2: \"latest\" is not a version",
    );
    refused("VERSION", "1.2.3 4", "not a version");
    refused("VERSION", "1\0", "NUL");
}

#[test]
fn c4_edn_keeps_everything_else() {
    for text in [
        "{:version \"«1.2.3»\"}",
        "; :version \"0\"\n{:name \"x\" #_ :old #_(:version \"9\") ,:version\n \"«1.2.3»\" :platforms [\"linux/arm64\"]}\r\n",
        "#_{:version \"9\"} {:a {:version \"9\"} :b \"\\\" :version \\\"9\\\"\" :c \\\" :version \"«1.2.3»\"}",
        "\u{feff}{#inst \"2024\" 1 #{1 2} ^ :version #_\"0.0.1\" \"«1.2.3»\" :x #my/tag {:version \"9\"}}",
        "{:größe \"ß\" :version \"«1.2.3»\"} {:version \"9\"}",
    ] {
        check("contexts/01-base/info.edn", text);
    }
    check(
        ("info.edn", "", ":image.version"),
        "{:image {:version \"«1.2.3»\"} :version \"9\"}",
    );
    for (text, why) in [
        ("", "no key :version"),
        ("[:version \"1.2.3\"]", "no key :version"),
        ("{:versions \"1.2.3\"}", "no key :version"),
        ("{:version \"1.2.3\"\n :version \"1.2.4\"}", "lines 1, 2"),
        ("{:version 1.2}", "not a string in quotes"),
        ("{:version}", "without a value"),
        (
            "{:version \"1.2.3\"",
            "line 1: it cannot be read as EDN: a bracket is not closed",
        ),
        ("{:version \"1.2.3}", "a quote is not closed"),
        ("{:version \"1.2.3\"]", "does not match"),
        ("{:version \"\\u0031.2\"}", "not a version"),
        ("{:version \"latest\"}", "\"latest\" is not a version"),
    ] {
        refused("info.edn", text, why);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refused("info.edn", &deep, "nested too deeply");
    refused("info.edn", &"#_".repeat(100_000), "nested too deeply");
}

#[test]
fn c4_toml_yaml_and_json_keys() {
    for text in [
        "# x\n[package]\nname = \"a\" # b\nversion = \"«1.2.3»\"   # mine\n[dependencies]\nversion = \"9\"",
        "package = { version = '«1.2.3»' }\r\n",
        "package.version = \"\"\"«1.2.3»\"\"\"\n",
    ] {
        check("a/Cargo.toml", text);
    }
    check(
        ("image.toml", "", "image.\"a.b\""),
        "[image]\n\"a.b\" = \"«1.2.3»\"\n",
    );
    refused("image.toml", "version = 12\n", "not a string in quotes");
    refused("image.toml", "version = \"1\\u002e2\"\n", "escapes");
    refused(
        "image.toml",
        "a = 1\nversion = \"1\"\nversion = \"2\"\n",
        "line 3: it cannot be read as TOML",
    );
    refused(("image.toml", "", "a.b"), "a = 1\n", "no key a.b");
    for text in [
        "version: «1.2.3»\n",
        "# c\nname: x # y\nversion:   \"«1.2.3»\" # z\r\nlist: [version, {version: 9}]\n",
        "größe: ß\n? [a, b]\n: c\nversion: '«1.2»'",
        "--- {a: {version: 9}, version: «v1.2.3»}\n",
        "\u{feff}x: &a {version: 9}\ny: *a\nversion: &v «1.2.3»\n",
    ] {
        check("chart/Chart.yaml", text);
    }
    check(
        ("x.yml", "", "image.version"),
        "image:\n  other: 1\n  version: «1.2.3»\nversion: 9\n",
    );
    refused("x.yml", "version: *a\n", "YAML");
    refused(
        "x.yml",
        "a: &a 1\nversion: *a\n",
        "line 2: the value is not a plain string",
    );
    refused(
        "x.yml",
        "version: |\n  1.2.3\n",
        "escapes or over several lines",
    );
    refused("x.yml", "version: 1\n---\nversion: 2\n", "lines 1, 3");
    refused("x.yml", "version: [1]\n", "not a plain string");
    refused("x.yml", "version: {{ x }}\n", "");
    for text in [
        "{\n  \"name\": \"x\",\n  \"version\": \"«1.2.3»\",\n  \"d\": {\"version\": \"9\"}\n}",
        "\u{feff}{\"größe\":\"ß\",\"version\" :\t\"«1.2.3»\"}\r\n",
    ] {
        check("package.json", text);
    }
    check(
        ("x.json", "", "a.b"),
        "{\"b\":\"9\",\"a\":{\"b\":\"«1.2.3»\"}}",
    );
    refused(
        "x.json",
        "{\"version\":\"1\",\n\"version\":\"2\"}",
        "lines 1, 2",
    );
    refused("x.json", "{\"version\":\"1\\u002e2\"}", "escapes");
    refused("x.json", "{\"version\":1.2}", "not a string in quotes");
    refused("x.json", "{\"version\":\"1\"", "cannot be read as JSON");
    refused(
        ("x.json", "", "a.b"),
        "{\"a\":[{\"b\":\"1\"}]}",
        "no key a.b",
    );
    let deep = format!(
        "{{\"version\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    refused("x.json", &deep, "not a string in quotes");
}

#[test]
fn c4_args_and_labels_of_a_dockerfile() {
    for text in [
        "ARG VERSION=«1.2.3»\nFROM x:1\nARG VERSION\n",
        "FROM x\nARG A=1 VERSION=\"«1.2.3»\" \\\n  B=2\nRUN echo VERSION=9\n",
        "# ARG VERSION=9\r\nFROM x\r\narg VERSION='«1.2.3»'\r\n",
        "FROM x\nRUN <<EOF\nARG VERSION=9\nEOF\nARG VERSION=«1.2.3»",
    ] {
        check("Dockerfile", text);
    }
    for text in [
        "FROM x\nLABEL a=b org.opencontainers.image.version=\"«1.2.3»\" c=d\n",
        "FROM x\nLABEL \"org.opencontainers.image.version\"=«1.2.3»\n",
        "FROM x\nLABEL org.opencontainers.image.version «1.2.3»\n",
        "FROM x\nLABEL a=b \\\n  # c\n  org.opencontainers.image.version='«1.2.3»'\n",
    ] {
        check(("Dockerfile", "label", ""), text);
    }
    refused(
        "Dockerfile",
        "FROM x\nARG VERSION\n",
        "no ARG VERSION with a default",
    );
    refused(
        "Dockerfile",
        "ARG VERSION=1\nFROM x\nARG VERSION=2\n",
        "lines 1, 3",
    );
    refused(
        "Dockerfile",
        "ARG VERSION=${X:-1}\n",
        "line 1: the value is computed",
    );
    refused(
        "Dockerfile",
        "ARG VERSION=1.\\\n2\n",
        "not written in one piece",
    );
    refused(
        ("Dockerfile", "label", "v"),
        "LABEL v=$VERSION\n",
        "computed",
    );
}

#[test]
fn c4_a_pattern_with_one_group() {
    check(
        ("Makefile", "regex", "^VERSION := (.+)$"),
        "A = 1\nVERSION := «1.2.3»\r\nB = 2\n",
    );
    check(
        ("x.gradle", "regex", "version = '([^']+)'"),
        "version = '«1.2.3»'",
    );
    refused(
        ("Makefile", "regex", "^V=(.+)$"),
        "V=1\nV=2\n",
        "lines 1, 2",
    );
    refused(("Makefile", "regex", "^V=(.+)$"), "x\n", "no match of");
    refused(
        ("Makefile", "regex", "^(.*)"),
        "x y\n1",
        "more than one match",
    );
    refused(("Makefile", "regex", "^(.+)"), "x y\n", "not a version");
    for (pattern, why) in [
        ("a", "has 0 groups"),
        ("(a)(b)", "has 2 groups"),
        ("(", "unclosed group"),
        ("(a{1000}{1000})", "size limit"),
    ] {
        let error = Place::parse("x", None, None, Some(pattern));
        let error = error
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(why), "{pattern}: {error}");
    }
}

#[test]
fn an_edit_of_something_else_is_refused() {
    let version = "VERSION".file();
    let error = version.edit(b"1.2.3\n", "1.2.2", "1.2.4").err();
    assert_eq!(
        error,
        Some(VersionFileError::Changed {
            expected: "1.2.2".to_owned()
        })
    );
    let pattern = ("x", "regex", "v(1[.0-9]*)").file();
    assert!(pattern.edit(b"v1.2.3", "1.2.3", "2.0.0").is_err());
}

#[test]
fn a_configuration_that_says_too_little_or_too_much_says_what() {
    for (path, kind, key, pattern, why) in [
        ("x", Some("ini"), None, None, "text, edn, toml"),
        ("x", Some("text"), Some("a"), None, "does not take key"),
        ("x.toml", None, Some("a..b"), None, "is not a key"),
        ("x", Some("regex"), None, None, "needs a `pattern`"),
        (
            "x",
            Some("toml"),
            None,
            Some("(a)"),
            "does not take pattern",
        ),
        ("Dockerfile", Some("arg"), Some("a b"), None, "is not a key"),
        (".gitlab-ci.yml", None, None, None, "CI definitions"),
        (
            ".github/workflows/build.yaml",
            None,
            None,
            None,
            "CI definitions",
        ),
    ] {
        let error = Place::parse(path, kind, key, pattern).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(why), "{path}: {error}");
    }
    for (path, shown) in [
        ("VERSION", "text"),
        ("a/info.edn", "edn:version"),
        ("pyproject.toml", "toml:project.version"),
        ("Containerfile", "arg:VERSION"),
    ] {
        assert_eq!(path.file().place.to_string(), shown);
    }
}
