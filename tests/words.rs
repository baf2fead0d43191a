//! Texts are in plain English: string literals of `src`, its comments, the help, the documentation and the samples have
//! none of the habits that made them hard to read.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use clap::CommandFactory as _;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use regex::Regex;
use std::path::{Path, PathBuf};

/// What is not written, and what is written instead.
const HABITS: [(&str, &str); 25] = [
    (
        r"(?i)\b(is|are|was|were|am) no\b(?! longer| more| wider)",
        "is not a",
    ),
    (r"\bare\.?\z", "expected one of …"),
    (r"(?i)\b(tells?|told|telling)\b", "reports, shows"),
    (
        r"(?i)\b(stands?|stood|standing)\b(?! for)",
        "is, depends on, is built on",
    ),
    (r"(?i)\bbehind\b", "after, below"),
    (
        r"(?i)\b(what cannot|can be had|cannot be had|could be had|to be had)\b",
        "unavailable",
    ),
    (r"(?i)\b(go|goes|went|going|gone) on\b", "continues"),
    (
        r"(?i)\b(nobody|somebody|whoever|whomever|anybody)\b",
        "say who: a user, the operator; or use the passive",
    ),
    (r"(?i)\bwhere there (is|are)\b", "if any"),
    (r"(?i)\bfor (people|machines)\b", "human-readable, JSON"),
    (r"(?i)\bat rest\b", "settled"),
    (r"(?i)\b(mend|mends|mended|mending)\b", "fix"),
    (r"(?i)\b(cure|cures|cured)\b", "fix, help:"),
    (r"(?i)\bin clear\b", "in plain text"),
    (r"(?i)without anything to say", "unchanged"),
    (r"(?i)\bpersons?\b", "user, reviewer"),
    (r"(?i)\blook(s|ed|ing)? at\b", "check, read"),
    (r"(?i)\banew\b", "again"),
    (
        r"(?i)\b(is|are|was|were|be) asked\b",
        "is contacted, is requested",
    ),
    (r"(?i)\b(kinship|household|portrait)s?\b", "family, graph"),
    (r"(?i)\bis had\b", "has"),
    (r"(?i)\bof one's own\b", "custom"),
    (r"(?i)\b(one|who) lets? \w+ (be|have)\b", "allows"),
    (r"(?i)\bmeanwhile\b", "during this run"),
    (
        r"(?i)\bsays? of (it|them)sel(f|ves)\b",
        "metadata, settings",
    ),
];

/// Where such a word is right: a file, and a part of the line.
const ALLOWED: [(&str, &str); 2] = [
    // A clock is behind another one.
    ("src/forge/github/doctor.rs", "s behind the server's"),
    // The old key is named.
    ("CHANGELOG.md", "instead of `cure`"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The regular expressions, compiled; `(?! …)` at the end of one is what may follow, which `regex` cannot express.
fn habits() -> Vec<(Regex, Option<Regex>, &'static str)> {
    let split = |(pattern, instead): (&str, &'static str)| {
        let (word, unless) = match pattern.split_once("(?!") {
            Some((word, rest)) => (word, Some(rest.trim_end_matches(')'))),
            None => (pattern, None),
        };
        let unless = unless.map(|rest| Regex::new(&format!("^(?:{rest})")).unwrap());
        (Regex::new(word).unwrap(), unless, instead)
    };
    HABITS.into_iter().map(split).collect()
}

/// What is wrong with a text, if something is.
fn found(text: &str, habits: &[(Regex, Option<Regex>, &'static str)]) -> Option<String> {
    for (word, unless, instead) in habits {
        for hit in word.find_iter(text) {
            let rest = &text[hit.end()..];
            let before = text[..hit.start()].to_lowercase();
            let allowed = unless.as_ref().is_some_and(|unless| unless.is_match(rest))
                // "there is no file" is how it is said.
                || (hit.as_str().ends_with("no") && before.ends_with("there "));
            if !allowed {
                return Some(format!("{:?} (write: {instead})", hit.as_str()));
            }
        }
    }
    None
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut waiting = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The string literals of a file with their lines, those of its tests and its doc comments left out.
fn literals(stream: TokenStream, out: &mut Vec<(usize, String)>) {
    let mut tokens = stream.into_iter().peekable();
    let mut of_tests = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Punct(bang)) = tokens.peek()
                    && bang.as_char() == '!'
                {
                    tokens.next();
                }
                if let Some(TokenTree::Group(attribute)) = tokens.peek()
                    && attribute.delimiter() == Delimiter::Bracket
                {
                    let text = attribute.stream().to_string();
                    of_tests |= text.replace(' ', "") == "cfg(test)";
                    if text.starts_with("doc") || text.starts_with("expect") {
                        tokens.next();
                    }
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => of_tests = false,
            TokenTree::Group(group) => {
                let body = group.delimiter() == Delimiter::Brace;
                if !(of_tests && body) {
                    literals(group.stream(), out);
                }
                of_tests &= !body;
            }
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                let text = literal.to_string();
                if text.contains('"') {
                    out.push((line, text.replace("\\n", "\n").replace("\\\"", "\"")));
                }
            }
            _ => {}
        }
    }
}

fn is_allowed(file: &str, text: &str) -> bool {
    let mut allowed = ALLOWED.iter();
    allowed.any(|(place, part)| *place == file && text.contains(part))
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn string_literals_have_no_bad_habits() {
    let habits = habits();
    let placeholder = Regex::new(r"\{[a-z_0-9]*(:[^{}]*)?\}").unwrap();
    let mut problems = Vec::new();
    let mut count = 0;
    for path in files("src", "rs") {
        let file = relative(&path);
        if file.ends_with("tests.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let mut all = Vec::new();
        literals(source.parse().unwrap(), &mut all);
        for (line, text) in all {
            // A single word is a key or a code.
            if !text.contains(' ') || is_allowed(&file, &text) {
                continue;
            }
            count += 1;
            // A placeholder is not read by users.
            let inner = placeholder.replace_all(text.trim_matches('"'), "…");
            if let Some(what) = found(&inner, &habits) {
                problems.push(format!("{file}:{line}: {what}: {text}"));
            }
        }
    }
    assert!(count > 1000, "the literals are found: {count}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn comments_have_no_bad_habits() {
    let habits = habits();
    let mut problems = Vec::new();
    let mut count = 0;
    for path in files("src", "rs") {
        let file = relative(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        for (index, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else {
                continue;
            };
            count += 1;
            // A line may end anywhere in its sentence.
            if let Some(what) = found(&format!("{comment} "), &habits)
                && !is_allowed(&file, line)
            {
                problems.push(format!("{file}:{}: {what}", index + 1));
            }
        }
    }
    assert!(count > 2000, "the comments are found: {count}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn help_has_no_bad_habits() {
    fn walk(command: &mut clap::Command, path: &str, out: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        out.push((path.clone(), command.render_long_help().to_string()));
        for sub in command.get_subcommands_mut() {
            walk(sub, &path, out);
        }
    }
    let habits = habits();
    let mut pages = Vec::new();
    let mut command = imagebot::cli::Cli::command();
    command.build();
    walk(&mut command, "", &mut pages);
    assert!(pages.len() > 20);
    let mut problems = Vec::new();
    for (command, page) in &pages {
        // Lines are broken by the width of the terminal.
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(what) = found(&page, &habits) {
            problems.push(format!("{command} --help: {what}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The pages, the samples and the change log, as their files and texts.
fn pages() -> Vec<(String, String)> {
    let mut paths = files("docs", "md");
    paths.extend(files("config", "toml"));
    paths.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    let read = |path: PathBuf| (relative(&path), std::fs::read_to_string(&path).unwrap());
    paths.into_iter().map(read).collect()
}

#[test]
fn pages_and_samples_have_no_bad_habits_and_no_long_lines() {
    let habits = habits();
    let mut problems = Vec::new();
    for (file, text) in pages() {
        for (index, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", index + 1);
            // A line may end anywhere in its sentence.
            if !is_allowed(&file, line)
                && let Some(what) = found(&format!("{line} "), &habits)
            {
                problems.push(format!("{place}: {what}"));
            }
            // A row of a table is one line.
            if line.chars().count() > 160 && !line.starts_with('|') {
                problems.push(format!("{place}: longer than 160 characters"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_page_links_to_the_glossary() {
    for (file, text) in pages() {
        if file.ends_with(".md") && !file.ends_with("glossary.md") && file != "CHANGELOG.md" {
            assert!(text.contains("glossary.md)"), "{file} has no link");
        }
    }
}

/// `t33_…` and `row_26_…` can be looked up.
#[test]
fn every_row_that_a_test_is_named_after_is_documented() {
    let page = std::fs::read_to_string(root().join("docs/acceptance.md")).unwrap();
    let name = Regex::new(r"\bfn ([a-z0-9_]+)").unwrap();
    let row = Regex::new(r"^(?:row_[0-9]+|[tfgcpdb][0-9]+)$").unwrap();
    let comment = Regex::new(r"\((?:(?:[TFGCPDB][0-9]+)(?:, | to | and )?)+\)").unwrap();
    let code = Regex::new(r"[TFGCPDB][0-9]+").unwrap();
    let mut missing = std::collections::BTreeSet::new();
    let mut count = 0;
    let sources = ["src", "tests"].map(|folder| files(folder, "rs")).concat();
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut need = |row: String| {
            count += 1;
            if !page.contains(&format!("| {row} | ")) {
                missing.insert(format!("{row} ({})", relative(&path)));
            }
        };
        for hit in name.captures_iter(&text) {
            let words = hit[1].replace("row_", "row-");
            for word in words.split('_').map(|word| word.replace('-', "_")) {
                if row.is_match(&word) {
                    need(word.trim_start_matches("row_").to_uppercase());
                }
            }
        }
        for hit in comment.find_iter(&text) {
            let rows = code.find_iter(hit.as_str());
            rows.for_each(|row| need(row.as_str().to_owned()));
        }
    }
    assert!(count > 200, "the names are found: {count}");
    assert!(missing.is_empty(), "docs/acceptance.md lacks {missing:?}");
}

/// The habits are found where they are, and only there.
#[test]
fn habits_are_recognised() {
    let habits = habits();
    for bad in [
        "\"x\" is no level",
        "`digest` and `major` are",
        "it is told on the repository",
        "stands on base",
        "the text behind the tag",
        "everything else goes on",
        "Nobody waits",
        "fix it, where there is one",
        "Everything above is at rest",
    ] {
        assert!(found(bad, &habits).is_some(), "{bad}");
    }
    for good in [
        "there is no file",
        "it is no longer there",
        "`*` stands for one part",
        "is not a level",
        "the images are built",
    ] {
        assert_eq!(found(good, &habits), None, "{good}");
    }
    let mut all = Vec::new();
    let source = "#![doc = \"a b\"]\n/// c d\nfn f() { g(\"e f\"); format!(r#\"h \"i\"#); }\n\
                  #[cfg(test)]\nmod tests { const X: &str = \"j k\"; }\nconst Y: &str = \"l m\";";
    literals(source.parse().unwrap(), &mut all);
    let found: Vec<usize> = all.iter().map(|(line, _)| *line).collect();
    assert_eq!(found, [3, 3, 6], "{all:?}");
}
