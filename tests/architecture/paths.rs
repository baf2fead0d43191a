//! The paths that a source file names: in `use`, in types, in expressions and in macros, in groups and over lines.
//!
//! `crate`, `self` and `super` are resolved, so that it makes no difference how a module is reached. Comments, strings
//! and what stands under `#[cfg(test)]` do not count.

use std::collections::BTreeSet;
use std::path::Path;

/// A path from the crate's root: `["run", "Report"]`.
pub(crate) type FromRoot = Vec<String>;

/// The module that a file below `src` is: `run/act.rs` is `["run", "act"]`.
pub(crate) fn module_of(file: &Path) -> FromRoot {
    let parts = file.with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
    let is_root = |part: &String| part == "lib" || part == "main";
    parts.filter(|part| !is_root(part)).collect()
}

/// The paths within the crate that the text of a module names.
pub(crate) fn named_in(module: &[String], text: &str) -> BTreeSet<FromRoot> {
    let tokens = tokens(text);
    let mut found = BTreeSet::new();
    let mut inner = Vec::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inner.retain(|(_, of): &(String, usize)| *of < depth + 1);
            }
            "mod" if tokens.get(at + 2).is_some_and(|next| next == "{") => {
                inner.push((tokens[at + 1].clone(), depth + 1));
            }
            "crate" | "self" | "super" if at == 0 || tokens[at - 1] != "::" => {
                let names = inner.iter().map(|(name, _)| name.clone());
                let here: FromRoot = module.iter().cloned().chain(names).collect();
                let mut written = Vec::new();
                read(&tokens, at, &[], &mut written);
                found.extend(written.iter().filter_map(|path| resolved(&here, path)));
            }
            _ => {}
        }
    }
    found
}

/// What a module's own file defines rather than declares or re-exports.
pub(crate) fn defined_in(text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let mut depth = 0_usize;
    let mut defined = BTreeSet::new();
    for pair in tokens.windows(2) {
        match pair[0].as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            "struct" | "enum" | "fn" | "trait" | "type" | "const" | "static" | "union"
                if depth == 0 =>
            {
                defined.insert(pair[1].clone());
            }
            _ => {}
        }
    }
    defined
}

/// Reads the path or the group that begins at a token; where it ends.
fn read(tokens: &[String], at: usize, before: &[String], paths: &mut Vec<FromRoot>) -> usize {
    let is = |at: usize, what: &str| tokens.get(at).is_some_and(|token| token == what);
    if is(at, "{") {
        let mut at = at + 1;
        while at < tokens.len() && !is(at, "}") {
            at = match is(at, ",") {
                true => at + 1,
                false => read(tokens, at, before, paths),
            };
        }
        return at + 1;
    }
    let Some(name) = tokens.get(at) else {
        return at;
    };
    let path = [before, std::slice::from_ref(name)].concat();
    if is(at + 1, "::") && !is(at + 2, "<") {
        return read(tokens, at + 2, &path, paths);
    }
    paths.push(path);
    // `as other` changes nothing.
    at + if is(at + 1, "as") { 3 } else { 1 }
}

/// A path as it is written in a module, from the root; `None` for a bare `self`, as methods have it.
fn resolved(module: &[String], written: &[String]) -> Option<FromRoot> {
    let (first, rest) = written.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let parent = module.len().saturating_sub(1);
    let mut path = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        _ => module[..parent].to_vec(),
    };
    for part in rest {
        match part.as_str() {
            "super" => drop(path.pop()),
            // The module itself, in a group.
            "self" => {}
            _ => path.push(part.clone()),
        }
    }
    Some(path)
}

/// Names and marks, without comments, strings, characters and tests.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        match c {
            '/' if next == '/' => at = find(&chars, at, |rest| rest[0] == '\n'),
            '"' => at = end_of_string(&chars, at + 1),
            '\'' if next == '\\' => at = find(&chars, at + 3, |rest| rest[0] == '\'') + 1,
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            'r' if next == '"' || (next == '#' && raw_string(&chars, at).is_some()) => {
                at = raw_string(&chars, at).unwrap_or(chars.len());
            }
            ':' if next == ':' => {
                tokens.push("::".to_owned());
                at += 2;
            }
            _ if is_name(c) => {
                let end = find(&chars, at, |rest| !is_name(rest[0]));
                tokens.push(chars[at..end].iter().collect());
                at = end;
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push(c.to_string());
                }
                at += 1;
            }
        }
    }
    without_tests(&tokens)
}

/// Where something begins, from a place on; the end if nowhere.
fn find(chars: &[char], from: usize, begins: impl Fn(&[char]) -> bool) -> usize {
    let places = from..chars.len();
    let mut places = places.filter(|at| begins(&chars[*at..]));
    places.next().unwrap_or(chars.len())
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where the raw string that begins here ends; `None` if there is none.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let opened = at + 1 + hashes;
    if chars.get(opened) != Some(&'"') {
        return None;
    }
    let closes = |rest: &[char]| {
        let marks = rest.iter().skip(1).take_while(|c| **c == '#');
        rest[0] == '"' && marks.count() >= hashes
    };
    Some(find(chars, opened + 1, closes) + 1 + hashes)
}

/// Leaves out each item under `#[cfg(test)]`, up to its `;` or the end of its block.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        if rest.len() < CFG_TEST.len() || rest[..CFG_TEST.len()] != CFG_TEST {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += CFG_TEST.len();
        let mut depth = 0_usize;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            let ends = depth == 0 && ["}", ";"].contains(&tokens[at].as_str());
            at += 1;
            if ends {
                break;
            }
        }
    }
    kept
}
