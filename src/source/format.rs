//! Which files hold references, by their names.

use serde::{Deserialize, Serialize};

/// A file format that holds image references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Dockerfile and Containerfile.
    Dockerfile,
    /// gipgee.yml.
    Gipgee,
}

impl Format {
    /// The format of a file by the last part of its path, whatever its case: `Dockerfile`, `Containerfile`,
    /// `*.Dockerfile`, `Dockerfile.*`, `Dockerfile-*`, and the same with `Containerfile`.
    ///
    /// `Dockerfile.dockerignore` is an ignore file, not a Dockerfile. A definition of CI is none either, whatever it is
    /// called: a change of it would run with rights that its author does not have (T18). `gipgee.yml` at the top is the one
    /// YAML that is read: it is data for a tool. What it says is built is built by a pipeline that stands elsewhere.
    pub fn of(path: &str) -> Option<Self> {
        if matches!(path, "gipgee.yml" | "gipgee.yaml") {
            return Some(Self::Gipgee);
        }
        let path = path.to_ascii_lowercase();
        let name = path.rsplit('/').next().unwrap_or(&path);
        if name.ends_with(".dockerignore") || name.ends_with(".containerignore") || is_ci(&path) {
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

/// Whether a path, in lower case, is one that CI may be defined at. Both servers take YAML only; a `.gitlab-ci.yml`
/// can include it from anywhere.
pub(super) fn is_ci(path: &str) -> bool {
    let folders = [
        ".github/workflows/",
        ".forgejo/workflows/",
        ".gitea/workflows/",
    ];
    path.ends_with(".yml")
        || path.ends_with(".yaml")
        || folders.iter().any(|folder| path.starts_with(folder))
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

    #[test]
    fn t18_a_definition_of_ci_is_no_dockerfile() {
        for path in [
            ".github/workflows/Dockerfile",
            ".github/workflows/build.Dockerfile",
            ".GitHub/Workflows/Dockerfile.yml",
            ".github/workflows/deeper/Containerfile",
            ".gitea/workflows/Dockerfile",
            ".gitlab-ci.yml",
            "ci/Dockerfile.yml",
            "Containerfile-build.YAML",
            ".gipgee-gitlab-ci.yml",
            "a/gipgee.yml",
            "./gipgee.yml",
            "Gipgee.yml",
            "gipgee.yml/Dockerfile.yml",
        ] {
            assert_eq!(Format::of(path), None, "{path}");
        }
        for path in ["gipgee.yml", "gipgee.yaml"] {
            assert_eq!(Format::of(path), Some(Format::Gipgee), "{path}");
        }
        for path in [".github/actions/lint/Dockerfile", "workflows/Dockerfile"] {
            assert_eq!(Format::of(path), Some(Format::Dockerfile), "{path}");
        }
    }
}
