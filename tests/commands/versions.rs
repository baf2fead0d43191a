//! `cascade` and `plan`: a folder with several images that stand on each other.

use super::place::Place;
use insta::assert_snapshot;

/// Three numbered contexts; a person has just raised the version of the first.
fn contexts() -> Place {
    Place::with(&[
        ("contexts/01-base/Dockerfile", "FROM scratch\n"),
        ("contexts/01-base/info.edn", "{:version \"1.1.0\"}\n"),
        (
            "contexts/02-ruby/Dockerfile",
            "ARG REGISTRY\nFROM ${REGISTRY}/base:1.0.0@sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437\nRUN x",
        ),
        (
            "contexts/02-ruby/info.edn",
            "; mine\n{:platforms [\"linux/amd64\"], :version \"2.0.0\"}",
        ),
        (
            "contexts/10-app/Dockerfile",
            "ARG REGISTRY\nFROM ${REGISTRY}/ruby:2.0.0 AS x\nFROM --platform=linux/amd64 ${REGISTRY}/base:1.0.0\nCOPY --from=x / /\n",
        ),
        ("contexts/10-app/info.edn", "{:version \"0.9.9\"}"),
    ])
}

#[test]
fn c14_cascade_writes_what_follows_once_and_leaves_no_litter() {
    let place = contexts();
    let before = place.everything();
    let ran = place.run(&["cascade", ".", "--dry-run"]);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    contexts/02-ruby/Dockerfile:2  base  1.0.0@sha256:[SHORT] -> 1.1.0  inner-new
    contexts/10-app/Dockerfile:3   base  1.0.0 -> 1.1.0                      inner-new
    contexts/10-app/Dockerfile:2   ruby  2.0.0 -> 2.0.1                      inner-follows
    contexts/02-ruby/info.edn      ruby  2.0.0 -> 2.0.1                      version
    contexts/10-app/info.edn       app   0.9.9 -> 0.9.10                     version
    --- stderr
    5 changes would be made
    ");
    assert_eq!(place.everything(), before, "a dry run writes nothing");
    place.run(&["cascade"]).expect(0);
    let after = place.everything();
    let paths = |files: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(paths(&after), paths(&before), "no .bk, nothing new");
    assert_eq!(
        place.read("contexts/02-ruby/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:1.1.0\nRUN x"
    );
    assert_eq!(
        place.read("contexts/02-ruby/info.edn"),
        "; mine\n{:platforms [\"linux/amd64\"], :version \"2.0.1\"}"
    );
    assert_eq!(
        place.read("contexts/10-app/info.edn"),
        "{:version \"0.9.10\"}"
    );
    let ran = place.run(&["cascade"]).expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stderr
    0 changes made
    ");
    assert_eq!(
        place.everything(),
        after,
        "a second time there is nothing to do"
    );
}

#[test]
fn c1_c12_cascade_reports_what_is_broken_and_goes_on() {
    let place = contexts();
    place.write("contexts/02-ruby/info.edn", "{:version \"soon\"}");
    place.write("contexts/11-torn/Dockerfile", "FROM scratch\n");
    place.write(
        "contexts/12-leaf/Dockerfile",
        "ARG REGISTRY\nFROM ${REGISTRY}/base:2.0.0\n",
    );
    place.write("contexts/12-leaf/info.edn", "{:version \"1.0.0\"}");
    let ran = place.run(&["cascade", "--format", "json"]).expect(1);
    assert_snapshot!(ran.stdout, @r#"
    {
      "version": 1,
      "references": [
        {
          "path": "contexts/10-app/Dockerfile",
          "lines": [
            3
          ],
          "image": "registry.invalid/base",
          "from": "1.0.0",
          "to": "1.1.0",
          "reason": "inner-new"
        }
      ],
      "versions": [
        {
          "path": "contexts/10-app/info.edn",
          "place": "edn:version",
          "images": [
            "registry.invalid/app"
          ],
          "from": "0.9.9",
          "to": "0.9.10"
        }
      ],
      "left": [
        {
          "path": "contexts/02-ruby/Dockerfile",
          "line": 2,
          "image": "registry.invalid/base",
          "reason": "version-file",
          "detail": "ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is no version: numbers with dots between, such as 1.2.3"
        },
        {
          "path": "contexts/10-app/Dockerfile",
          "line": 2,
          "image": "registry.invalid/ruby",
          "reason": "inner-unknown",
          "detail": "ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is no version: numbers with dots between, such as 1.2.3"
        },
        {
          "path": "contexts/12-leaf/Dockerfile",
          "line": 2,
          "image": "registry.invalid/base",
          "reason": "inner-ahead",
          "detail": "2.0.0 is ahead of 1.1.0, which is built here"
        }
      ],
      "findings": [
        "contexts/11-torn: there is no info.edn, so it is no image",
        "contexts/02-ruby: ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is no version: numbers with dots between, such as 1.2.3; write the version there, such as 1.2.3, plainly and in one piece"
      ]
    }
    "#);
    assert_eq!(
        place.read("contexts/10-app/info.edn"),
        "{:version \"0.9.10\"}",
        "for its other parent"
    );
}

#[test]
fn cascade_goes_by_imagebot_toml_and_says_what_is_missing() {
    let place = Place::with(&[
        ("Dockerfile", "FROM reg.io/a:1.0.0\n"),
        ("a/Dockerfile", "FROM scratch\n"),
        ("a/VERSION", "1.0.1"),
        ("package.json", "{\"version\": \"3.0.0\"}"),
        (
            "imagebot.toml",
            "[[image]]\nname = \"reg.io/a\"\ncontext = \"a\"\nversion_file = \"a/VERSION\"\nbump = \"patch\"\n\
             [[image]]\nname = \"reg.io/b\"\nversion_file = { path = \"package.json\" }\nbump = \"minor\"\n",
        ),
    ]);
    let ran = place.run(&["cascade"]).expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    Dockerfile:1  reg.io/a  1.0.0 -> 1.0.1  inner-new
    package.json  reg.io/b  3.0.0 -> 3.1.0  version
    --- stderr
    2 changes made
    ");
    assert_eq!(place.read("package.json"), "{\"version\": \"3.1.0\"}");
    std::fs::remove_file(place.path("package.json")).expect("removed");
    std::os::unix::fs::symlink("a/VERSION", place.path("package.json")).expect("a link");
    place.write("a/VERSION", "1.0.2");
    let ran = place.run(&["cascade"]).expect(1);
    assert_snapshot!(ran.all(), @r"
    exit 1
    --- stdout
    Dockerfile:1  reg.io/a  stays  version-file: reg.io/b: package.json: it is not read: symlink
    --- stderr
    ./imagebot.toml:6: reg.io/b: package.json: it is not read: symlink; make it a regular file
    0 changes made
    ");
    let empty = Place::with(&[("Dockerfile", "FROM scratch\n")]);
    assert_snapshot!(empty.run(&["cascade"]).expect(2).all(), @r#"
    exit 2
    --- stderr
    error: .: no image there has a version of its own
    help: say under [[image]] in imagebot.toml which file holds it: version_file = "VERSION" and bump = "patch"
    "#);
}
