//! Renovate's names, globs and regular expressions as globs on canonical names and on paths.
//!
//! Only what a glob can say exactly is converted. A list with an exception is not: a rule without it would match more.

use crate::image::ImageName;

/// What a pattern is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Names of images as files write them.
    Images,
    /// Paths of files, and names of repositories.
    Others,
    /// Tags, which have no parts.
    Tags,
}

/// Why a pattern is not converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unlike {
    /// It cannot match a container image.
    NotAnImage,
    /// There is no glob for it.
    NoGlob(String),
}

/// The globs for a list of names or patterns, of which one has to match; an empty list matches everything.
pub(super) fn globs(patterns: &[&str], of: Of) -> Result<Vec<String>, Unlike> {
    let mut all = Vec::new();
    let mut others = 0;
    for pattern in patterns {
        match glob(pattern, of) {
            Ok(globs) if globs.is_empty() => return Ok(Vec::new()),
            Ok(globs) => all.extend(globs),
            // A name that is not an image's matches none, so that the others say the same without it.
            Err(Unlike::NotAnImage) => others += 1,
            Err(error) => return Err(error),
        }
    }
    if all.is_empty() && others > 0 {
        return Err(Unlike::NotAnImage);
    }
    all.dedup();
    Ok(all)
}

/// The globs for one pattern; none if it matches everything.
fn glob(pattern: &str, of: Of) -> Result<Vec<String>, Unlike> {
    if let Some(rest) = pattern.strip_prefix('!') {
        let what = format!("`!{rest}` is an exception; write a second [[rule]] for it below");
        return Err(Unlike::NoGlob(what));
    }
    if let Some(regex) = between_slashes(pattern) {
        return regex_globs(regex, of);
    }
    if matches!(pattern, "*" | "**" | "**/*") {
        return Ok(Vec::new());
    }
    let has_list = ["+(", "@(", "?(", "*(", "!("]
        .iter()
        .any(|list| pattern.contains(list));
    if has_list || pattern.is_empty() {
        return Err(no_glob(pattern));
    }
    match of {
        Of::Images => image_globs(&pattern.to_lowercase()),
        Of::Others | Of::Tags => Ok(vec![pattern.trim_start_matches("./").to_owned()]),
    }
}

fn no_glob(pattern: &str) -> Unlike {
    Unlike::NoGlob(format!("there is no glob for {pattern:?}"))
}

/// The inside of `/regex/` or `/regex/i`.
pub(super) fn between_slashes(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('/')?;
    let inner = inner.strip_suffix('i').unwrap_or(inner);
    inner.strip_suffix('/').filter(|inner| !inner.is_empty())
}

/// Globs on canonical names for a glob on names as they are written, where Docker Hub's names have no host.
fn image_globs(written: &str) -> Result<Vec<String>, Unlike> {
    let is_other = written.starts_with('@') || written.contains([' ', '@', '(', ')', '#', '$']);
    if is_other {
        return Err(Unlike::NotAnImage);
    }
    let has_wildcards = written.contains(['*', '?', '[', '{']);
    if !has_wildcards {
        let name = ImageName::parse(written).map_err(|_| Unlike::NotAnImage)?;
        return Ok(vec![name.canonical()]);
    }
    Ok(match written.split_once('/') {
        None => vec![format!("docker.io/library/{written}")],
        Some((first, _)) if first == "**" || is_host(first) => vec![written.to_owned()],
        // A wildcard may be a host, too.
        Some((first, _)) if first.contains(['*', '?', '[']) => {
            vec![format!("docker.io/{written}"), written.to_owned()]
        }
        Some(_) => vec![format!("docker.io/{written}")],
    })
}

/// Whether the first part of a name is a registry.
fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

/// The globs for names that begin with a text.
pub(super) fn prefix_globs(prefix: &str) -> Result<Vec<String>, Unlike> {
    regex_globs(&format!("^{}", regex::escape(prefix)), Of::Images)
}

/// The globs for a regular expression, if it is simple: literals, `.*`, `[^/]+`, one list of alternatives, `^` and `$`.
pub(super) fn regex_globs(regex: &str, of: Of) -> Result<Vec<String>, Unlike> {
    let mut all = Vec::new();
    for alternative in alternatives(regex).ok_or_else(|| no_glob(regex))? {
        let simple = Simple::parse(&alternative).ok_or_else(|| no_glob(regex))?;
        let globs = simple.globs(of)?;
        if globs.is_empty() {
            return Ok(Vec::new());
        }
        all.extend(globs);
    }
    Ok(all)
}

/// The most alternatives of a regular expression.
const MOST_ALTERNATIVES: usize = 50;

/// `^(a|b)$` as `^a$` and `^b$`, and `a|b` as its parts. `None` if the groups are more than that.
fn alternatives(regex: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = match (regex.find('('), regex.rfind(')')) {
        (Some(open), Some(close)) if open < close => {
            let (before, after) = (&regex[..open], &regex[close + 1..]);
            let inner = &regex[open + 1..close];
            let inner = inner.strip_prefix("?:").unwrap_or(inner);
            let is_nested =
                inner.contains(['(', ')', '\\', '?']) && inner.contains(['(', ')', '?']);
            if is_nested || before.contains('|') || after.contains('|') {
                return None;
            }
            if after.starts_with(['?', '*', '+', '{']) || before.ends_with('\\') {
                return None;
            }
            let parts = inner.split('|');
            parts.map(|part| format!("{before}{part}{after}")).collect()
        }
        (None, None) => regex.split('|').map(str::to_owned).collect(),
        _ => return None,
    };
    (parts.len() <= MOST_ALTERNATIVES).then_some(parts)
}

/// A regular expression of literals and wildcards.
struct Simple {
    begins: bool,
    ends: bool,
    /// The text between; `*` and `**` are wildcards.
    body: String,
}

impl Simple {
    fn parse(regex: &str) -> Option<Self> {
        let (begins, rest) = match regex.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, regex),
        };
        let (ends, rest) = match rest.strip_suffix('$') {
            Some(rest) if !rest.ends_with('\\') => (true, rest),
            _ => (false, rest),
        };
        let mut simple = Self {
            begins,
            ends,
            body: body(rest)?,
        };
        simple.trim();
        Some(simple)
    }

    /// A wildcard at an end is the same as no anchor there.
    fn trim(&mut self) {
        while let Some(rest) = self.body.strip_suffix("**") {
            (self.ends, self.body) = (false, rest.to_owned());
        }
        while let Some(rest) = self.body.strip_prefix("**") {
            (self.begins, self.body) = (false, rest.to_owned());
        }
    }

    fn globs(&self, of: Of) -> Result<Vec<String>, Unlike> {
        let body = &self.body;
        if body.is_empty() {
            return match self.begins && self.ends {
                true => Err(Unlike::NotAnImage),
                false => Ok(Vec::new()),
            };
        }
        // `**` crosses parts only where it is a part itself.
        let is_part = |part: &str| part == "**" || !part.contains("**");
        if of != Of::Tags && !body.split('/').all(is_part) {
            return Err(no_glob(body));
        }
        if of == Of::Tags {
            let (start, end) = (
                if self.begins { "" } else { "*" },
                if self.ends { "" } else { "*" },
            );
            return Ok(vec![format!("{start}{body}{end}").replace("**", "*")]);
        }
        let starts: Vec<String> = match (self.begins, of) {
            (true, Of::Others | Of::Tags) => vec![body.clone()],
            (true, Of::Images) => return self.image_globs(),
            (false, _) if body.starts_with('/') => vec![format!("**{body}")],
            (false, _) => vec![format!("**/*{body}")],
        };
        Ok(starts.iter().flat_map(|start| self.ended(start)).collect())
    }

    /// What follows a beginning, unless the expression ends there.
    fn ended(&self, start: &str) -> Vec<String> {
        match self.ends {
            true => vec![start.to_owned()],
            false if start.ends_with('/') => vec![format!("{start}**")],
            false => vec![format!("{start}*"), format!("{start}*/**")],
        }
    }

    /// The canonical names for written names that begin with the body.
    fn image_globs(&self) -> Result<Vec<String>, Unlike> {
        let body = self.body.to_lowercase();
        let mut globs = Vec::new();
        for written in self.ended(&body) {
            match written.split_once('/') {
                // `node*` and below: of the library, of a user whose name begins so, or of such a host.
                Some((first, "**")) if first.ends_with('*') && !is_host(first) => {
                    globs.push(format!("docker.io/{written}"));
                    globs.push(written);
                }
                _ => globs.extend(image_globs(&written)?),
            }
        }
        Ok(globs)
    }
}

/// Literals and wildcards; `None` if there is anything else.
fn body(regex: &str) -> Option<String> {
    let mut body = String::new();
    let mut rest = regex;
    while let Some(c) = rest.chars().next() {
        let wildcards = [
            (".*?", "**"),
            (".+?", "**"),
            (".*", "**"),
            (".+", "**"),
            ("[^/]*", "*"),
            ("[^/]+", "*"),
            (r"[^\/]*", "*"),
            (r"[^\/]+", "*"),
            (r"\/", "/"),
            (r"\.", "."),
            (r"\-", "-"),
            (r"\_", "_"),
            (r"\:", ":"),
        ];
        let known = wildcards
            .iter()
            .find_map(|(from, to)| Some((*to, rest.strip_prefix(from)?)));
        let is_literal = |c: char| c.is_ascii_alphanumeric() || "-_/:.@".contains(c);
        match known {
            Some((glob, after)) => {
                body += glob;
                rest = after;
            }
            // `.` between letters is meant as a dot.
            None if is_literal(c) => {
                body.push(c);
                rest = &rest[1..];
            }
            None => return None,
        }
        if rest.starts_with(['?', '*', '+', '{']) {
            return None;
        }
    }
    Some(body)
}

/// The globs for an entry of `ignorePaths`, which matches every path that contains it.
pub(super) fn ignored_path(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("./");
    if path.contains(['*', '?', '[', '{']) {
        return vec![path.to_owned()];
    }
    let inner = path.trim_matches('/');
    match path.ends_with('/') {
        true => vec![format!("**/{inner}/**")],
        false => vec![format!("**/{inner}"), format!("**/{inner}/**")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], expect: &[&str]) {
        assert_eq!(
            globs(patterns, Of::Images),
            Ok(expect.iter().map(|glob| (*glob).to_owned()).collect()),
            "{patterns:?}"
        );
    }

    #[test]
    fn names_have_their_host() {
        check(&["node"], &["docker.io/library/node"]);
        check(&["bitnami/redis"], &["docker.io/bitnami/redis"]);
        check(&["ghcr.io/acme/app"], &["ghcr.io/acme/app"]);
        check(&["bitnami/**"], &["docker.io/bitnami/**"]);
        check(&["ghcr.io/acme/**"], &["ghcr.io/acme/**"]);
        check(&["**/postgres"], &["**/postgres"]);
        check(&["*/node"], &["docker.io/*/node", "*/node"]);
        check(&["*"], &[]);
        check(&["@types/node", "node"], &["docker.io/library/node"]);
        assert_eq!(
            globs(&["@types/node", "org.x:y z"], Of::Images),
            Err(Unlike::NotAnImage)
        );
    }

    #[test]
    fn simple_regular_expressions_are_globs() {
        check(&["/^node$/"], &["docker.io/library/node"]);
        check(
            &["/^node/"],
            &["docker.io/library/node*", "docker.io/node*/**", "node*/**"],
        );
        check(&[r"/^ghcr\.io\/acme\//"], &["ghcr.io/acme/**"]);
        check(
            &["/^(node|ruby)$/"],
            &["docker.io/library/node", "docker.io/library/ruby"],
        );
        check(&["/postgres$/"], &["**/*postgres"]);
        check(&["/redis/"], &["**/*redis*", "**/*redis*/**"]);
        check(&["/.*/"], &[]);
        check(&[r"/^reg\.io\/.*\/base$/"], &["reg.io/**/base"]);
    }

    #[test]
    fn what_no_glob_says_is_refused() {
        for pattern in [
            "!node",
            "/^n.?de/",
            "/(?i)x/",
            "/a{2}/",
            "+(a|b)/c",
            "/^a(b(c|d))$/",
        ] {
            let found = globs(&[pattern], Of::Images);
            assert!(
                matches!(found, Err(Unlike::NoGlob(_))),
                "{pattern}: {found:?}"
            );
        }
    }
}
