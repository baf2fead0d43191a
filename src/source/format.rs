//! Which files hold references, by their names.

use serde::{Deserialize, Serialize};

/// A file format that holds image references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Dockerfile and Containerfile.
    Dockerfile,
}

impl Format {
    /// The format of a file by the last part of its path, whatever its case: `Dockerfile`, `Containerfile`,
    /// `*.Dockerfile`, `Dockerfile.*`, `Dockerfile-*`, and the same with `Containerfile`.
    ///
    /// `Dockerfile.dockerignore` is an ignore file, not a Dockerfile.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if name.ends_with(".dockerignore") || name.ends_with(".containerignore") {
            return None;
        }
        let matches = ["dockerfile", "containerfile"].iter().any(|word| {
            name == *word
                || name
                    .strip_suffix(word)
                    .is_some_and(|before| before.len() > 1 && before.ends_with('.'))
                || name
                    .strip_prefix(word)
                    .is_some_and(|behind| behind.len() > 1 && behind.starts_with(['.', '-']))
        });
        matches.then_some(Self::Dockerfile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        for name in [
            "Dockerfile",
            "a/b/Dockerfile",
            "dockerfile",
            "Containerfile",
            "web.Dockerfile",
            "web.containerfile",
            "Dockerfile.dev",
            "Dockerfile-dev",
            "dockerfile.j2",
        ] {
            assert_eq!(Format::of(name), Some(Format::Dockerfile), "{name}");
        }
        for name in [
            "",
            "Makefile",
            "myDockerfile",
            "Dockerfile/x",
            "Dockerfile.dockerignore",
            "Dockerfiles",
            ".Dockerfile",
        ] {
            assert_eq!(Format::of(name), None, "{name}");
        }
    }
}
