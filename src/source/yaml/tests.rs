//! The tree: places, aliases and merges, repeated keys, lost documents, and input that is meant to take long.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use super::scalar::Scalar;
use super::tree::{MAX_ALIASED, MAX_DEPTH};
use super::{Node, Yaml};
use proptest::prelude::*;

/// The text at a path of keys and indices in the first document.
fn at<'a>(yaml: &'a Yaml<'_>, path: &str) -> Node<'a> {
    let mut node = yaml.roots().next().unwrap();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let next = match name.parse::<usize>() {
            Ok(index) => node.items().nth(index),
            Err(_) => node.get(name),
        };
        node = next.unwrap_or_else(|| panic!("{name} of {path}"));
    }
    node
}

fn value(yaml: &Yaml<'_>, path: &str) -> String {
    at(yaml, path).text().unwrap().value().to_owned()
}

/// Calls `visit` with every node below one, as a recursive reader does.
fn walk<'a>(node: Node<'a>, visit: &mut impl FnMut(Node<'a>)) {
    visit(node);
    for (key, value) in node.entries() {
        walk(key, visit);
        walk(value, visit);
    }
    for item in node.items() {
        walk(item, visit);
    }
}

fn scalars<'a>(yaml: &'a Yaml<'_>) -> Vec<Scalar<'a>> {
    let mut found = Vec::new();
    for root in yaml.roots() {
        walk(root, &mut |node| found.extend(node.text()));
    }
    found
}

#[test]
fn a_place_is_where_the_value_is() {
    for (path, marked) in [
        ("a", "a: «1.2»"),
        ("a", "a: «1.2» # x\n"),
        ("a", "\"a\": '«x:1»' # 'y'\r\nb: 1\r\n"),
        ("a", "# größe\na: &x «ß»\n"),
        ("a", "a: !!str &x \"«1.10»\"  # c\n"),
        ("a", "a: !t\n  «b»\n"),
        ("a/1/b", "a: [x, {b: «c d», e: f}]\n"),
        ("b", "a: &x «v»\nb: *x\n"),
        ("b/c", "a: &x\n  c: '«v»'\nb: *x\n"),
        ("b/c", "a: &x {c: «v»}\nb: {<<: *x, d: 1}\n"),
        ("a", "? a\n: «b»\n"),
        ("a", "--- {a: «b»}\n"),
        ("0", "- «http://x/y#z»\n- b\n"),
        ("a", "a: \"«»\"\n"),
        ("a", "{\"a\":\"«b»\"}"),
        ("a", "a: «x'y\"z»\n"),
    ] {
        let start = marked.find('«').unwrap();
        let end = marked.find('»').unwrap() - '«'.len_utf8();
        let text = marked.replace(['«', '»'], "");
        for base in [0, 3] {
            let yaml = Yaml::read(&text, base);
            assert_eq!(yaml.trouble(), [], "{marked}");
            let scalar = at(&yaml, path).text().unwrap();
            assert_eq!(
                scalar.plain_place(),
                Some(base + start..base + end),
                "{marked}"
            );
            assert_eq!(scalar.value(), &text[start..end], "{marked}");
        }
    }
}

#[test]
fn what_is_not_written_as_it_reads_has_no_place() {
    for (text, expect) in [
        ("a: \"x\\x41\"\n", "xA"),
        ("a: 'it''s'\n", "it's"),
        ("a: x\n  y\n", "x y"),
        ("a: \"x\n  y\"\n", "x y"),
        ("a: |\n  x\n", "x\n"),
        ("a: >-\n  x\n  y\n", "x y"),
        ("a:\n", ""),
        ("a: # c\n", ""),
        ("a: &x\nb: 1\n", ""),
        ("{a: , b: c}", ""),
    ] {
        let yaml = Yaml::read(text, 0);
        let scalar = at(&yaml, "a").text().unwrap();
        assert_eq!(
            (scalar.value(), scalar.plain_place()),
            (expect, None),
            "{text:?}"
        );
        assert_eq!(at(&yaml, "a").is_null(), expect.is_empty(), "{text:?}");
    }
}

#[test]
fn a_document_that_does_not_parse_hides_only_itself() {
    let yaml = Yaml::read(
        "a: 1\n---\nb: [\n---\nc: 3\n...\n--- *x\n---\nd: {{ x }}\n---\ne: 5\n",
        0,
    );
    let shown: Vec<String> = yaml
        .documents()
        .map(|document| match document {
            Ok(root) => {
                let (key, value) = root.entries()[0];
                format!("{} {}", key.text().unwrap().value(), value.line())
            }
            Err(lost) => format!("{}!", lost.line),
        })
        .collect();
    assert_eq!(shown, ["a 1", "3!", "c 5", "7!", "d 9", "e 11"]);
    assert_eq!(yaml.trouble().len(), 2);
    assert!(yaml.trouble().iter().all(|lost| !lost.what.is_empty()));
    assert_eq!(Yaml::read("", 0).documents().count(), 0);
    assert_eq!(Yaml::read("# c\n", 0).documents().count(), 0);
}

/// Bytes that are not UTF-8 are read as a control character.
#[test]
fn another_encoding_hides_nothing() {
    let yaml = Yaml::read(
        "# Gr\u{1a}\u{1a}e\na: x\u{1a}\nb: 'y\u{1a}' # \u{1a}\nc: 1\n",
        0,
    );
    assert_eq!(yaml.trouble(), []);
    let place = |path: &str| at(&yaml, path).text().unwrap().plain_place();
    assert_eq!(
        (place("a"), place("b"), place("c")),
        (None, None, Some(29..30))
    );
}

#[test]
fn an_alias_is_what_it_refers_to() {
    let yaml = Yaml::read("a: &x {b: 1}\nc: *x\nd: &x 2\ne: [*x]\n", 0);
    let alias = at(&yaml, "c");
    assert!(alias.is_alias() && alias.is_map() && !alias.is_anchored());
    assert!(at(&yaml, "a").is_anchored() && !at(&yaml, "a").is_alias());
    assert_eq!((alias.line(), value(&yaml, "c/b")), (2, "1".to_owned()));
    assert!(at(&yaml, "e").is_list() && !alias.is_list());
    let item = at(&yaml, "e/0");
    assert_eq!((item.line(), item.text().unwrap().line()), (4, 3));
    assert_eq!(value(&yaml, "e/0"), "2");
    // Only what precedes it can be meant.
    assert_eq!(Yaml::read("a: *x\nb: &x 1\n", 0).roots().count(), 0);
}

#[test]
fn merge_keys() {
    let yaml = Yaml::read(
        "a: &a {x: a, y: a}\nb: &b {y: b, z: b, <<: *a}\n\
         one: {<<: *a, y: own}\nlist: {<<: [*a, *b]}\nother: {<<: [*b, *a]}\n\
         twice:\n  <<: *b\n  q: own\n  <<: *a\nquoted: {'<<': *a}\n\
         inline: {<<: {x: in}}\nodd: {<<: 1, x: own}\n",
        0,
    );
    let shown = |path: &str| -> String {
        let entries = at(&yaml, path).entries();
        let text = |node: Node<'_>| {
            node.text()
                .map_or("?".to_owned(), |text| text.value().to_owned())
        };
        let entries = entries.iter().map(|(key, value)| {
            let key = text(*key);
            // Both ways to a value agree.
            let same = at(&yaml, path).get(&key).unwrap();
            assert_eq!(text(same), text(*value), "{path} {key}");
            format!("{key}={}", text(*value))
        });
        entries.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("one"), "y=own x=a");
    assert_eq!(shown("list"), "x=a y=a z=b");
    assert_eq!(shown("other"), "y=b z=b x=a");
    assert_eq!(shown("twice"), "q=own y=b z=b x=a");
    assert_eq!(shown("quoted"), "<<=?");
    assert_eq!(shown("inline"), "x=in");
    assert_eq!(shown("odd"), "x=own");
    assert!(
        at(&yaml, "one")
            .get("<<")
            .is_some_and(|merged| merged.is_alias())
    );
    assert!(yaml.duplicates().is_empty());
}

#[test]
fn repeated_keys() {
    let few = "a: 1\nb: {x: 1, x: 2}\na: 3\n? [a]\n: 1\n";
    let many: String = (0..20).map(|index| format!("k{index}: 0\n")).collect();
    for text in [few.to_owned(), format!("{few}{many}")] {
        let yaml = Yaml::read(&text, 0);
        let root = at(&yaml, "");
        let own: Vec<&str> = root
            .own("a")
            .map(|node| node.text().unwrap().value())
            .collect();
        assert_eq!((own, value(&yaml, "a")), (vec!["1", "3"], "3".to_owned()));
        let repeated: Vec<(usize, &str)> = yaml
            .duplicates()
            .iter()
            .map(|found| (found.line, found.key.as_str()))
            .collect();
        assert_eq!(repeated, [(2, "x"), (3, "a")]);
        let entries = root.entries();
        let lines: Vec<usize> = entries.iter().map(|(key, _)| key.line()).take(3).collect();
        assert_eq!(lines, [2, 3, 4]);
        assert!(
            root.get("b").is_some() && root.get("c").is_none() && root.own("k").next().is_none()
        );
    }
    for index in [0, 7, 19] {
        let yaml = Yaml::read(&many, 0);
        assert_eq!(at(&yaml, &format!("k{index}")).line(), index + 1);
    }
}

#[test]
fn a_block_knows_where_its_bytes_are() {
    for (text, expect) in [
        ("a: |\n  FROM x:1\n\n  RUN y\n", Some("FROM x:1\n\nRUN y\n")),
        (
            "a: |-\r\n  FROM x:1\r\n    z\r\nb: 1\r\n",
            Some("FROM x:1\n  z"),
        ),
        ("a: |+\n  x\n\nb: 1\n", Some("x\n\n")),
        ("a: |  # c\n\n \n  x\n  y\n\nb: 1\n", Some("\n\nx\ny\n")),
        ("a: |2\n    x\n  y\n", Some("  x\ny\n")),
        ("a: |\n    \u{e9}: x\n", Some("\u{e9}: x\n")),
        ("a: |\n  x", Some("x")),
        ("a: >\n  x\n  y\n", None),
        ("a: x\\y\n", Some("x\\y")),
        ("a: \"x\\ty\"\n", None),
    ] {
        let yaml = Yaml::read(text, 2);
        let scalar = at(&yaml, "a").text();
        let is_block = scalar.is_some_and(Scalar::is_block);
        assert_eq!(is_block, text.contains(['|', '>']), "{text:?}");
        let mapped = scalar.and_then(Scalar::mapped);
        let read = mapped.as_ref().map(|mapped| mapped.text());
        assert_eq!(read, expect, "{text:?}");
        for (mapped, index) in mapped
            .iter()
            .flat_map(|mapped| (0..mapped.len()).map(move |at| (mapped, at)))
        {
            let place = mapped.place_of(index).unwrap();
            assert_eq!(
                text.as_bytes()[place - 2],
                mapped.bytes()[index],
                "{text:?} {index}"
            );
        }
    }
}

#[test]
fn a_block_begins_where_its_indicator_is() {
    for text in [
        "x: 1\na: |\n  b\n",
        "x: 1\na: >-  # c\n\n \n  b\n",
        "x: 1\na: |",
    ] {
        let yaml = Yaml::read(text, 0);
        assert_eq!(at(&yaml, "a").line(), 2, "{text:?}");
    }
    let yaml = Yaml::read("a:\n  - |\n    |\n  - >\n    > x\n", 0);
    assert_eq!((at(&yaml, "a/0").line(), at(&yaml, "a/1").line()), (2, 4));
}

#[test]
fn a_number_is_printed_as_it_is_written_or_not() {
    for (text, is_text, is_printed) in [
        ("1.10", false, false),
        ("1.5", false, true),
        ("'1.10'", true, true),
        ("!!str 1.10", true, true),
        ("!!int '7'", false, true),
        ("v1.10", true, true),
        ("yes", false, false),
        ("2024-01-31", false, false),
        ("1e3", false, false),
    ] {
        let text = format!("a: {text}\n");
        let yaml = Yaml::read(&text, 0);
        let scalar = at(&yaml, "a").text().unwrap();
        let read = (scalar.is_text(), scalar.prints_as_written());
        assert_eq!(read, (is_text, is_printed), "{text}");
    }
}

#[test]
fn notes_right_above_a_line() {
    let text = "# imagebot: a\n\n  # imagebot: b\n# x\n# imagebot:c\nk: v # imagebot: d\nl: w\n";
    let yaml = Yaml::read(text, 0);
    let notes = |line| -> Vec<(usize, String)> {
        yaml.notes_above(line)
            .into_iter()
            .map(|note| (note.line, note.text))
            .collect()
    };
    assert_eq!(notes(6), [(3, "b".to_owned()), (5, "c".to_owned())]);
    assert_eq!(
        (notes(7), notes(1), notes(0), notes(99)),
        (vec![], vec![], vec![], vec![])
    );
}

/// The number of nodes that a recursive reader visits, and what the tree says then.
fn visits(text: &str) -> (usize, Vec<String>) {
    let yaml = Yaml::read(text, 0);
    let mut count = 0;
    for root in yaml.roots() {
        walk(root, &mut |_| count += 1);
    }
    assert!(yaml.aliased() <= MAX_ALIASED);
    let trouble = yaml.trouble().into_iter().map(|lost| lost.what).collect();
    (count, trouble)
}

#[test]
fn a_bomb_is_no_larger_than_the_limit() {
    let most = 2 * MAX_ALIASED as usize;
    let alias_bomb: String = (1..60)
        .map(|level| format!("l{level}: &l{level} [*l{0}, *l{0}]\n", level - 1))
        .collect();
    let merge_bomb: String = (1..60)
        .map(|level| {
            format!(
                "l{level}: &l{level} {{k{level}: 1, <<: [*l{0}, *l{0}]}}\n",
                level - 1
            )
        })
        .collect();
    let many_aliases = format!(
        "l0: &l0 [{}]\nx: [{}]\n",
        "1,".repeat(10_000),
        "*l0,".repeat(10_000)
    );
    let many_merges = format!(
        "l0: &l0 {{{}}}\nx: [{}]\n",
        (0..3_000)
            .map(|index| format!("k{index}: 1,"))
            .collect::<String>(),
        "{<<: *l0},".repeat(3_000)
    );
    for text in [
        format!("l0: &l0 [1]\n{alias_bomb}"),
        many_aliases,
        many_merges,
        "a: &a [*a, *a]\n".to_owned(),
        "a: &a {b: *a, c: *a}\n".to_owned(),
    ] {
        let (count, trouble) = visits(&text);
        assert!(count <= most, "{count}");
        assert!(!trouble.is_empty(), "{}", &text[..40]);
    }
    // What is merged twice is read once, and a map that merges itself has nothing new.
    let (count, trouble) = visits(&format!("l0: &l0 {{x: 1}}\n{merge_bomb}"));
    assert!(
        count < 60 * 60 * 2 + 200 && trouble.is_empty(),
        "{count} {trouble:?}"
    );
    assert_eq!(visits("a: &a {<<: *a, b: 1}\n"), (5, vec![]));
}

#[test]
fn depth_is_limited() {
    for text in [
        "[".repeat(500_000),
        "- ".repeat(500_000),
        "{a: ".repeat(200_000),
        "? ".repeat(500_000),
    ] {
        let yaml = Yaml::read(&text, 0);
        assert_eq!((yaml.roots().count(), yaml.trouble().len()), (0, 1));
    }
    let nested = |levels: usize| format!("a: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(visits(&nested(100)), (102, vec![]));
    // Aliases cannot make it deeper than a reader's stack allows.
    let chain: String = (1..1_000)
        .map(|level| format!("l{level}: &l{level} [*l{}]\n", level - 1))
        .collect();
    let yaml_text = format!("l0: &l0 [1]\n{chain}");
    let yaml = Yaml::read(&yaml_text, 0);
    let mut node = at(&yaml, "l999");
    let mut depth = 1;
    while let Some(next) = node.items().next() {
        node = next;
        depth += 1;
    }
    assert_eq!(depth, usize::from(MAX_DEPTH));
    assert_eq!(yaml.trouble().len(), 1);
}

#[test]
fn a_long_line_is_read_once() {
    let entries: String = (0..50_000)
        .map(|index| format!("k{index}: v{index}, "))
        .collect();
    let text = format!("a: {{{entries}}}\n");
    let yaml = Yaml::read(&text, 0);
    let map = at(&yaml, "a");
    assert_eq!(map.entries().len(), 50_000);
    assert_eq!(map.get("k49999").unwrap().text().unwrap().value(), "v49999");
    let long = format!("a: {}\n", "x".repeat(1 << 20));
    assert_eq!(visits(&long).0, 3);
    // Nothing is compared with a long key that many aliases share.
    let long = format!(
        "a: &a {}\nb: {{{}}}\n",
        "x".repeat(100_000),
        "? *a : 1, ".repeat(20_000)
    );
    let yaml = Yaml::read(&long, 0);
    assert!(at(&yaml, "b").get("x").is_none() && yaml.duplicates().is_empty());
}

fn is_quoted(written: &str) -> bool {
    written.starts_with(['\'', '"'])
}

fn written() -> impl Strategy<Value = (String, String, bool)> {
    let plain =
        "[a-zA-Zß][a-zA-Z0-9ß./:@-]{0,12}[a-z0-9]".prop_map(|text| (text.clone(), text, true));
    let single = "[ -&(-~ß]{0,12}".prop_map(|text| (format!("'{text}'"), text, true));
    let double = "[ !#-\\[\\]-~ß]{0,12}".prop_map(|text| (format!("\"{text}\""), text, true));
    let escaped =
        "[a-z]{0,5}".prop_map(|text| (format!("\"\\x41{text}\""), format!("A{text}"), false));
    let doubled =
        "[a-z]{0,5}".prop_map(|text| (format!("'{text}''s'"), format!("{text}'s"), false));
    let folded =
        "[a-z]{1,5}".prop_map(|text| (format!("x\n      {text}"), format!("x {text}"), false));
    prop_oneof![plain, single, double, escaped, doubled, folded]
}

proptest! {
    /// Whatever precedes or follows a value, it is read, and its place is known if it is written as it reads.
    #[test]
    fn values_are_read_as_written(
        values in prop::collection::vec((written(), 0..4_usize, any::<bool>()), 1..12),
        crlf in any::<bool>(),
    ) {
        let mut text = "# ü\nroot:\n".to_owned();
        for (index, ((written, _, _), before, commented)) in values.iter().enumerate() {
            let before = ["", "&n ", "!!str ", "!x &n "][*before];
            let after = if *commented { " # 'c\" &d" } else { "" };
            text.push_str(&format!("  k{index}: {before}{written}{after}\n"));
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let yaml = Yaml::read(&text, 0);
        prop_assert_eq!(yaml.trouble(), vec![]);
        for (index, ((_, value, is_plain), before, _)) in values.iter().enumerate() {
            let node = at(&yaml, &format!("root/k{index}"));
            let scalar = node.text().unwrap();
            prop_assert_eq!(scalar.value(), value);
            let place = scalar.plain_place();
            prop_assert_eq!(place.is_some(), *is_plain, "{}", text);
            prop_assert_eq!(node.is_anchored(), before % 2 == 1);
            prop_assert_eq!(node.tag(), [None, None, Some("!!str"), Some("!x")][*before]);
            prop_assert_eq!(scalar.is_quoted(), is_quoted(&values[index].0.0));
            if let Some(place) = place {
                prop_assert_eq!(&text[place], value);
            }
        }
    }

    /// No text makes it panic, a place always has the value's bytes, and both ways to a value agree.
    #[test]
    fn any_text_is_read(text in "[a-c:{}\\[\\]&*!|>'\"\\\\ \n\r\t#,?~<%ß\u{85}-]{0,100}") {
        for text in [text.clone(), format!("a: &a\n  b: 1\n---\n{text}"), text.replace(' ', "\n  ")] {
            let yaml = Yaml::read(&text, 0);
            for scalar in scalars(&yaml) {
                if let Some(place) = scalar.plain_place() {
                    prop_assert_eq!(&text[place], scalar.value());
                }
                if let Some(mapped) = scalar.mapped() {
                    prop_assert_eq!(mapped.text(), scalar.value());
                }
            }
            for root in yaml.roots() {
                walk(root, &mut |node| {
                    for (key, value) in node.entries() {
                        if let Some(key) = key.text() {
                            let got = node.get(key.value()).map(|node| node.line());
                            assert!(key.value() == "<<" || got == Some(value.line()), "{text:?}");
                        }
                    }
                });
            }
            prop_assert!(yaml.trouble().len() <= text.lines().count() + 1);
        }
    }
}
