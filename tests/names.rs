//! A `pub` type's name says by itself what it is: it is unique in the crate, so that a reader can search for it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::path::Path;

/// The names of the `pub` types of a file, tests left out; `pub(crate)` and narrower ones are of their module only.
fn types(stream: TokenStream, out: &mut Vec<String>) {
    let mut tokens = stream.into_iter().peekable();
    let mut of_tests = false;
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Group(attribute)) = tokens.peek() {
                    let text = attribute.stream().to_string().replace(' ', "");
                    of_tests |= text == "cfg(test)";
                    tokens.next();
                }
            }
            TokenTree::Ident(word) if word == "pub" => {
                let Some(TokenTree::Ident(kind)) = tokens.peek() else {
                    continue;
                };
                let kind = kind.to_string();
                if ["struct", "enum", "trait", "type", "union"].contains(&kind.as_str()) {
                    tokens.next();
                    if let Some(TokenTree::Ident(name)) = tokens.next() {
                        out.push(name.to_string());
                    }
                }
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if !of_tests {
                    types(group.stream(), out);
                }
                of_tests = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => of_tests = false,
            _ => {}
        }
    }
}

#[test]
fn names_of_public_types_are_unique() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join("src")];
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut names = Vec::new();
                types(text.parse().unwrap(), &mut names);
                let place = path.strip_prefix(root).unwrap().display().to_string();
                for name in names {
                    found.entry(name).or_default().push(place.clone());
                }
            }
        }
    }
    assert!(found.len() > 200, "the types are found: {}", found.len());
    let twice: BTreeMap<&str, &Vec<String>> = found
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| (name.as_str(), places))
        .collect();
    assert!(
        twice.is_empty(),
        "choose a name that says what it is: {twice:?}"
    );
}

#[test]
fn only_public_types_outside_tests_count() {
    let source = "pub struct A; pub(crate) struct B; enum C {} mod m { pub enum D {} }\n\
                  #[cfg(test)] mod tests { pub struct E; } pub type F = u8; pub fn g() {}";
    let mut names = Vec::new();
    types(source.parse().unwrap(), &mut names);
    assert_eq!(names, ["A", "D", "F"]);
}
