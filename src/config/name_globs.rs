//! Globs on names of images, tags and repositories. A glob that can never match is an error, with the intended
//! spelling.

use super::table::{At, Table};
use crate::image::ImageName;
use crate::repo::Glob;

/// What is wrong with a glob, and what to write instead.
type Wrong = (String, Option<String>);

/// A list of globs, each checked by `read`.
fn list(table: Table<'_>, name: &str, read: fn(&str) -> Result<Glob, Wrong>) -> Vec<Glob> {
    let texts = table.texts(name).map(|at| at.value).unwrap_or_default();
    let mut globs = Vec::new();
    for At { value, span } in texts {
        match read(&value) {
            Ok(glob) => globs.push(glob),
            Err((why, help)) => table.problem(span, why, help),
        }
    }
    globs
}

/// Globs on canonical image names.
pub(super) fn images(table: Table<'_>) -> Vec<Glob> {
    list(table, "images", image)
}

/// Globs on tags.
pub(super) fn tags(table: Table<'_>) -> Vec<Glob> {
    list(table, "tags", tag)
}

/// Globs on the paths of repositories.
pub(super) fn repos(table: Table<'_>) -> Vec<Glob> {
    list(table, "repos", |text| {
        repository(text)?;
        parse(text)
    })
}

fn parse(text: &str) -> Result<Glob, Wrong> {
    Glob::parse(text).map_err(|error| (error.to_string(), None))
}

fn is_regex(text: &str) -> bool {
    text.strip_prefix('!').unwrap_or(text).starts_with('/') && text.len() > 1 && text.ends_with('/')
}

/// A glob without a host can never match, unless it begins with a wildcard.
fn image(text: &str) -> Result<Glob, Wrong> {
    let never = |why: &str, help: String| {
        Err((
            format!("this glob never matches an image: {why}"),
            Some(help),
        ))
    };
    if is_regex(text) {
        let help = "write a glob: * matches one part of the name, ** any number".to_owned();
        return never("it is a regular expression", help);
    }
    if let Some((_, rest)) = text.split_once("://") {
        return never("image names have no scheme", suggestion(rest));
    }
    if text.contains('@') {
        return never("a digest is not part of an image's name", suggestion(text));
    }
    if text
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'))
    {
        return never("a tag is not part of an image's name", suggestion(text));
    }
    // The host may be written in any case, the rest may not.
    let (host, rest) = text.split_once('/').unwrap_or(("", text));
    let is_upper = |text: &str| text.chars().any(char::is_uppercase);
    if is_upper(rest) || is_upper(host) {
        return never("image names are written in lower case", suggestion(text));
    }
    // A short name is read as Docker reads it.
    let canonical =
        ImageName::parse(text).map_or_else(|_| text.to_owned(), |name| name.canonical());
    let host = canonical.split('/').next().unwrap_or_default();
    let can_match = canonical.contains('/') && host.contains(['.', ':', '*', '{', '[', '?'])
        || host == "localhost"
        || canonical.contains("**");
    let glob = parse(&canonical)?;
    if !can_match {
        let help = format!("images = [\"docker.io/library/{text}\"] or [\"**/{text}\"]");
        return never("names are matched with their host", help);
    }
    Ok(glob)
}

/// The corrected lines, which are accepted.
fn suggestion(text: &str) -> String {
    let text = text.rsplit("://").next().unwrap_or_default();
    let (text, _) = text.split_once('@').unwrap_or((text, ""));
    let at = text.rfind('/').map_or(0, |slash| slash + 1);
    let (name, wanted) = match text[at..].rfind(':') {
        Some(colon) => (&text[..at + colon], Some(&text[at + colon + 1..])),
        None => (text, None),
    };
    let name = name.trim_matches('/').to_lowercase();
    // Some capital letters have no lower-case form.
    let is_lower = !name.is_empty() && !name.chars().any(char::is_uppercase);
    let name = match image(if is_lower { &name } else { "**" }) {
        Ok(_) if is_lower => name,
        Err(_) if is_lower && image(&format!("**/{name}")).is_ok() => format!("**/{name}"),
        _ => "**".to_owned(),
    };
    match wanted.filter(|wanted| !wanted.is_empty() && tag(wanted).is_ok()) {
        Some(tag) => {
            format!("images = [\"{name}\"], tags = [\"{tag}\"], each on a line of its own")
        }
        None => format!("images = [\"{name}\"]"),
    }
}

fn tag(text: &str) -> Result<Glob, Wrong> {
    if is_regex(text) {
        let help = format!(
            "allow = '{text}' chooses among new tags; `tags` takes globs on the tag in the file"
        );
        return Err((
            "`tags` takes globs, not regular expressions".to_owned(),
            Some(help),
        ));
    }
    if text.contains(['/', ':', '@']) {
        let help = "write the tag alone, such as \"16*\"; the image goes into `images`".to_owned();
        return Err(("this glob never matches a tag".to_owned(), Some(help)));
    }
    parse(text)
}

/// Checks a glob on repositories; a leading `!` is not part of it.
pub(super) fn repository(text: &str) -> Result<(), Wrong> {
    let glob = text.strip_prefix('!').unwrap_or(text);
    let never = |why: &str, help: String| {
        Err((
            format!("this glob never matches a repository: {why}"),
            Some(help),
        ))
    };
    if is_regex(text) {
        return never(
            "it is a regular expression",
            "write a glob: \"team/**\"".to_owned(),
        );
    }
    if let Some((_, rest)) = glob.split_once("://") {
        let path = rest.split_once('/').map_or("**", |(_, path)| path);
        let path = path.trim_end_matches(".git");
        return never(
            "repositories are named by their path, without the server",
            format!("repos = [\"{path}\"]"),
        );
    }
    if let Some((_, path)) = glob
        .strip_prefix("git@")
        .and_then(|rest| rest.split_once(':'))
    {
        return never(
            "it is an address",
            format!("repos = [\"{}\"]", path.trim_end_matches(".git")),
        );
    }
    if glob.starts_with('/') || glob.ends_with('/') || glob.ends_with(".git") {
        let path = glob.trim_matches('/').trim_end_matches(".git");
        return never(
            "paths do not begin or end with a slash or end with .git",
            format!("repos = [\"{path}\"]"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_match_says_what_was_meant() {
        for (text, help) in [
            ("postgres:16", "images = [\"postgres\"], tags = [\"16\"]"),
            ("**/node:20*", "images = [\"**/node\"], tags = [\"20*\"]"),
            ("**:latest", "images = [\"**\"], tags = [\"latest\"]"),
            (
                "postgres:16@sha256:12",
                "images = [\"postgres\"], tags = [\"16\"]",
            ),
            (
                "https://ghcr.io/Acme/App:1",
                "images = [\"ghcr.io/acme/app\"], tags = [\"1\"]",
            ),
            ("node*:20", "images = [\"**/node*\"], tags = [\"20\"]"),
            (":16", "images = [\"**\"], tags = [\"16\"]"),
            (
                "registry.example.com:5000/a/b:1",
                "images = [\"registry.example.com:5000/a/b\"], tags = [\"1\"]",
            ),
            ("https://ghcr.io/a/b", "images = [\"ghcr.io/a/b\"]"),
            ("ghcr.io/Acme/App", "images = [\"ghcr.io/acme/app\"]"),
            ("a/b@sha256:12", "images = [\"a/b\"]"),
            ("/node.*/", "write a glob"),
            ("node*", "docker.io/library/node*"),
        ] {
            let (_, found) = image(text).expect_err(text);
            assert!(
                found.as_deref().is_some_and(|found| found.contains(help)),
                "{text}: {found:?}"
            );
            // Following the help leads to no other error.
            let help = found.expect("a help");
            if let Some(lines) = help
                .starts_with("images = ")
                .then(|| help.split(" or ").next())
            {
                let lines = lines
                    .expect("a part")
                    .replace(", each on a line of its own", "");
                let lines = lines.replace(", tags", "\ntags");
                let read: toml::Table = lines.parse().expect(text);
                let glob = |key: &str| read.get(key)?[0].as_str().map(str::to_owned);
                assert!(image(&glob("images").expect("a glob")).is_ok(), "{help}");
                assert!(glob("tags").is_none_or(|glob| tag(&glob).is_ok()), "{help}");
            }
        }
        for text in [
            "node",
            "**/node",
            "ghcr.io/a/*",
            "registry.example.com:5000/**",
            "localhost/x",
            "*/x",
            "**",
            "**node",
            "docker.io/library/{node,ruby}",
        ] {
            assert!(image(text).is_ok(), "{text}");
        }
        for text in ["/16/", "postgres:16", "a/b"] {
            assert!(tag(text).is_err(), "{text}");
        }
        assert!(tag("16*").is_ok() && tag("[0-9]*").is_ok());
        for (text, help) in [
            ("https://gitlab.example.com/team/**", "team/**"),
            ("git@github.com:acme/app.git", "acme/app"),
            ("/team/app", "team/app"),
            ("team/", "team"),
            ("!https://x.example/a", "a"),
        ] {
            let (_, found) = repository(text).expect_err(text);
            assert_eq!(found, Some(format!("repos = [\"{help}\"]")), "{text}");
        }
        assert!(repository("team/**").is_ok() && repository("!team/old-*").is_ok());
    }
}
