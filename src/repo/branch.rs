//! A branch's name.

use std::fmt;

/// The name of a branch, without `refs/heads/`, by the rules of `git check-ref-format`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Branch(String);

/// Why a text is not a branch name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid git branch name")]
pub struct ParseBranchError(String);

impl Branch {
    /// The prefix of all of imagebot's branches.
    pub const OURS: &str = "imagebot/";

    /// Reads a branch name.
    pub fn parse(text: &str) -> Result<Self, ParseBranchError> {
        let component_fits =
            |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let character_fits = |c: char| {
            !c.is_control()
                && !matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '\u{7f}')
        };
        let fits = text.len() <= 200
            && text != "@"
            && text != "HEAD"
            && !text.starts_with('-')
            && !text.ends_with('.')
            && !text.contains("..")
            && !text.contains("@{")
            && text.chars().all(character_fits)
            && text.split('/').all(component_fits);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseBranchError(text.to_owned()))
        }
    }

    /// The branch of an update key: a readable part, and eight hexadecimal digits that make it unique.
    pub fn ours(readable: &str, key: &str) -> Self {
        let mut slug = String::new();
        for c in readable.chars().flat_map(char::to_lowercase) {
            match c {
                'a'..='z' | '0'..='9' => slug.push(c),
                _ if slug.is_empty() || slug.ends_with('-') => {}
                _ => slug.push('-'),
            }
            if slug.len() >= 60 {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() { "update" } else { slug };
        let key: String = key
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        Self(format!("{}{slug}-{key}", Self::OURS))
    }

    /// Whether the name has imagebot's prefix.
    pub fn is_ours(&self) -> bool {
        self.0.starts_with(Self::OURS)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full ref name, which cannot be mistaken for a tag or an option.
    pub fn full(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Branch({:?})", self.0)
    }
}

impl TryFrom<String> for Branch {
    type Error = ParseBranchError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Branch> for String {
    fn from(branch: Branch) -> Self {
        branch.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_git_allows() {
        for good in [
            "main",
            "feature/x",
            "imagebot/node-1a2b3c4d",
            "größe",
            "a.b",
            "v1",
        ] {
            assert!(Branch::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=touch pwned",
            "a..b",
            "a b",
            "a~b",
            "a:b",
            "a.",
            "a.lock",
            "a/.b",
            "a//b",
            "/a",
            "a/",
            "@",
            "a@{b",
            "a\nb",
            "HEAD",
            "a\\b",
        ] {
            assert!(Branch::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ours_are_always_legal() {
        for (readable, expect) in [
            (
                "docker.io/library/node",
                "imagebot/docker-io-library-node-1a2b3c4d",
            ),
            ("--x..lock/.", "imagebot/x-lock-1a2b3c4d"),
            ("größe", "imagebot/gr-e-1a2b3c4d"),
            ("", "imagebot/update-1a2b3c4d"),
        ] {
            let branch = Branch::ours(readable, "1a2b3c4dffff");
            assert_eq!(branch.as_str(), expect);
            assert_eq!(Branch::parse(branch.as_str()), Ok(branch));
        }
        let long = Branch::ours(&"a/".repeat(300), "1a2b3c4d");
        assert_eq!(Branch::parse(long.as_str()), Ok(long));
    }
}
