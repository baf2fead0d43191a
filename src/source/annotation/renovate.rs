//! Renovate's comments: `# renovate: datasource=docker depName=X`.

use super::comment_words;

/// The same comment in imagebot's words; `None` if it is not about an image. `versioning` has no counterpart: imagebot
/// compares tags in its own way.
pub(super) fn comment(text: &str) -> Option<String> {
    let words = comment_words(text).ok()?;
    let get = |name: &str| {
        let found = words.iter().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.as_deref())
    };
    if get("datasource") != Some("docker") {
        return None;
    }
    let names = ["packageName", "lookupName", "depName"];
    let image = names.into_iter().find_map(get)?;
    let prefix = get("extractVersion").and_then(prefix).unwrap_or_default();
    Some(match prefix {
        "" => format!("image={image}"),
        prefix => format!("image={image} prefix={prefix}"),
    })
}

/// What a version is extracted after: `^v(?<version>.+)$`.
fn prefix(pattern: &str) -> Option<&str> {
    let (prefix, rest) = pattern.strip_prefix('^')?.split_once("(?<version>")?;
    let is_plain = prefix
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_rest = matches!(rest.trim_end_matches('$'), ".*)" | ".+)" | ".*?)" | ".+?)");
    (is_plain && is_rest).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_are_understood() {
        for (text, expect) in [
            (" datasource=docker depName=a/b", Some("image=a/b")),
            (
                " datasource=docker depName=b packageName=q.io/a/b versioning=semver",
                Some("image=q.io/a/b"),
            ),
            (
                " datasource=docker depName=b extractVersion=^v(?<version>.+)$",
                Some("image=b prefix=v"),
            ),
            (" datasource=github-releases depName=a/b", None),
            (" datasource=docker", None),
            (" depName=a/b", None),
        ] {
            assert_eq!(comment(text).as_deref(), expect, "{text}");
        }
    }
}
