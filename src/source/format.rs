//! Which files contain references, by their names and contents.

use super::azure;
use super::bake;
use super::bitbucket;
use super::circleci;
use super::compose;
use super::devcontainer;
use super::dockerfile;
use super::dotenv;
use super::found::{Found, Given};
use super::gipgee;
use super::gitlab_ci;
use super::helm;
use super::home_assistant;
use super::kustomize;
use super::manifest;
use super::quadlet;
use super::sources::{FileText, Reach};
use super::woodpecker;
use super::workflow;
use serde::{Deserialize, Serialize};

/// A file format with image references, or with values that references use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Dockerfile and Containerfile.
    Dockerfile,
    /// gipgee.yml.
    Gipgee,
    /// compose.yaml and docker-compose.yml.
    Compose,
    /// docker-bake.hcl and docker-bake.json.
    Bake,
    /// .gitlab-ci.yml, what it includes, and components.
    GitlabCi,
    /// Workflows of GitHub, Gitea and Forgejo.
    Workflow,
    /// action.yml.
    Action,
    /// .env, whose values compose files use.
    DotEnv,
    /// A Makefile, which can pass build arguments.
    Makefile,
    /// A kustomization.
    Kustomize,
    /// The values of a Helm chart.
    HelmValues,
    /// A chart's description.
    HelmChart,
    /// A manifest of Kubernetes resources.
    Manifest,
    /// A definition of Woodpecker, Crow, Drone or Vela.
    Woodpecker,
    /// A configuration of CircleCI.
    Circleci,
    /// A definition of Azure Pipelines.
    Azure,
    /// A definition of Bitbucket Pipelines.
    Bitbucket,
    /// build.yaml of a Home Assistant app.
    HomeAssistant,
    /// devcontainer.json.
    Devcontainer,
    /// The unit files of Podman's Quadlet.
    Quadlet,
}

/// The meaning of a file's name.
enum Name {
    /// It is a Dockerfile's.
    Certain,
    /// It may be a Dockerfile's: the content decides.
    Possible,
    /// It is another file's.
    Other,
}

/// Extensions of prose and of source code: `Dockerfile.md` describes a Dockerfile, `dockerfile.go` reads one.
const OTHER_EXTENSIONS: [&str; 50] = [
    "adoc", "asciidoc", "bash", "bat", "c", "cc", "cjs", "clj", "cpp", "cs", "css", "dart", "doc",
    "docx", "erl", "ex", "exs", "go", "h", "hpp", "hs", "htm", "html", "java", "js", "json", "jsx",
    "kt", "kts", "lock", "log", "lua", "markdown", "md", "mjs", "org", "pdf", "php", "pl", "ps1",
    "py", "rb", "rs", "rst", "scala", "sh", "swift", "ts", "tsx", "txt",
];

/// The names of Dockerfiles.
const WORDS: [&str; 2] = ["dockerfile", "containerfile"];

impl Format {
    /// The format of a file by its path alone, whatever its case. `None`: it is not read unless `include` names it.
    ///
    /// Dockerfiles are `Dockerfile`, `Containerfile`, `*.Dockerfile`, `Dockerfile.*`, `Dockerfile-*`, and the same with
    /// `Containerfile`. For `Dockerfile_x`, `Dockerfile2`, `Dockerfilex` and `x_dockerfile` the content decides
    /// ([`Format::read_as`]). `Dockerfile.dockerignore` is an ignore file and not a Dockerfile; the same holds for prose
    /// and source code. A definition of CI is never a Dockerfile, whatever its name.
    pub fn of(path: &str) -> Option<Self> {
        if matches!(path, "gipgee.yml" | "gipgee.yaml") {
            return Some(Self::Gipgee);
        }
        let of_path = [
            (gitlab_ci::is_name as fn(&str) -> bool, Self::GitlabCi),
            (workflow::is_name, Self::Workflow),
            (workflow::is_action, Self::Action),
        ];
        if let Some((_, format)) = of_path.into_iter().find(|(is_name, _)| is_name(path)) {
            return Some(format);
        }
        let lower = path.to_ascii_lowercase();
        let of_path = [
            (
                devcontainer::is_path as fn(&str) -> bool,
                Self::Devcontainer,
            ),
            (quadlet::is_path, Self::Quadlet),
        ];
        if !is_ci(&lower)
            && let Some((_, format)) = of_path.into_iter().find(|(is_path, _)| is_path(&lower))
        {
            return Some(format);
        }
        let file = lower.rsplit('/').next().unwrap_or(&lower);
        let of_lower_path = [
            (woodpecker::is_path as fn(&str) -> bool, Self::Woodpecker),
            (circleci::is_path, Self::Circleci),
            (azure::is_path, Self::Azure),
            (bitbucket::is_path, Self::Bitbucket),
        ];
        let mut of_lower_path = of_lower_path.into_iter();
        if let Some((_, format)) = of_lower_path.find(|(is_path, _)| is_path(&lower)) {
            return Some(format);
        }
        let of_name = [
            (compose::is_name as fn(&str) -> bool, Self::Compose),
            (bake::is_name, Self::Bake),
            (dotenv::is_name, Self::DotEnv),
            (is_makefile, Self::Makefile),
            (kustomize::is_name, Self::Kustomize),
            (helm::is_values, Self::HelmValues),
            (helm::is_chart, Self::HelmChart),
            (home_assistant::is_name, Self::HomeAssistant),
            (manifest::is_name, Self::Manifest),
        ];
        if !is_ci(&lower)
            && let Some((_, format)) = of_name.into_iter().find(|(is_name, _)| is_name(file))
        {
            return Some(format);
        }
        match name(&lower) {
            Name::Certain | Name::Possible => Some(Self::Dockerfile),
            Name::Other => None,
        }
    }

    /// The format of a file, its content considered; `None` if it holds no references. A name of no known format was
    /// given by the user, and is read as a Dockerfile.
    pub fn read_as(path: &str, contents: &[u8]) -> Option<Self> {
        match (name(&path.to_ascii_lowercase()), Self::of(path)) {
            (Name::Possible, Some(Self::Dockerfile)) => {
                has_from(contents).then_some(Self::Dockerfile)
            }
            (_, Some(Self::GitlabCi)) => {
                // A template of a component has the name of a chart's template.
                let is_component = gitlab_ci::is_content(path, contents);
                let is_manifest = !is_component && manifest::is_likely(contents);
                is_component
                    .then_some(Self::GitlabCi)
                    .or(is_manifest.then_some(Self::Manifest))
            }
            (_, Some(Self::HomeAssistant)) if home_assistant::is_content(contents) => {
                Some(Self::HomeAssistant)
            }
            (_, Some(Self::Manifest | Self::HomeAssistant)) => {
                manifest::is_likely(contents).then_some(Self::Manifest)
            }
            (_, Some(format)) => Some(format),
            // YAML is never a Dockerfile: whatever includes it may be a definition of CI (T18).
            (_, None) => {
                let lower = path.to_ascii_lowercase();
                let is_yaml = lower.ends_with(".yml") || lower.ends_with(".yaml");
                (!is_yaml && !is_ci(&lower)).then_some(Self::Dockerfile)
            }
        }
    }

    /// The format of a file that `include` names: YAML and JSON that no other format reads are manifests.
    pub fn included_as(path: &str, contents: &[u8]) -> Option<Self> {
        let is_manifest = Self::is_by_content(path).then_some(Self::Manifest);
        Self::read_as(path, contents).or(is_manifest)
    }

    /// Whether only the content of a file of this name decides if it holds references: any YAML or JSON.
    pub fn is_by_content(path: &str) -> bool {
        matches!(Self::of(path), Some(Self::Manifest | Self::HomeAssistant))
    }

    /// Whether the `include` of a repository may add a file: any name, except definitions of CI (T18).
    pub fn may_include(path: &str) -> bool {
        !is_ci(&path.to_ascii_lowercase())
    }

    /// Whether it defines CI: a change runs with rights that its author may not have (T18).
    pub(super) fn is_ci(self) -> bool {
        match self {
            Self::GitlabCi
            | Self::Workflow
            | Self::Action
            | Self::Woodpecker
            | Self::Circleci
            | Self::Azure
            | Self::Bitbucket => true,
            Self::Dockerfile
            | Self::Gipgee
            | Self::Compose
            | Self::Bake
            | Self::DotEnv
            | Self::Makefile
            | Self::Kustomize
            | Self::HelmValues
            | Self::HelmChart
            | Self::Manifest
            | Self::Devcontainer
            | Self::HomeAssistant
            | Self::Quadlet => false,
        }
    }

    /// Whether files of this format describe builds of Dockerfiles.
    pub fn describes_builds(self) -> bool {
        matches!(
            self,
            Self::Compose | Self::Bake | Self::Devcontainer | Self::HomeAssistant
        )
    }

    /// Reads a file of this format.
    pub(super) fn read<'a>(self, file: &FileText<'a>, reach: &mut Reach<'a>) -> Found {
        match self {
            Self::Dockerfile => {
                dockerfile::read(&file.text, file.base, &Given::of_args(reach.args))
            }
            Self::Gipgee => gipgee::read(&file.text, file.base),
            Self::Compose => compose::read(file, reach),
            Self::Bake => bake::read(file, reach),
            Self::GitlabCi => gitlab_ci::read(file, reach),
            Self::Workflow => workflow::read(file),
            Self::Action => workflow::read_action(file),
            Self::Kustomize => kustomize::read(file),
            Self::HelmValues => helm::read(file, reach),
            Self::Manifest => manifest::read(file, reach),
            Self::Woodpecker => woodpecker::read(file),
            Self::Circleci => circleci::read(file),
            Self::Azure => azure::read(file),
            Self::Bitbucket => bitbucket::read(file),
            Self::DotEnv | Self::Makefile | Self::HelmChart => Found::default(),
            Self::Devcontainer => devcontainer::read(file, reach),
            Self::HomeAssistant => home_assistant::read(file),
            Self::Quadlet => quadlet::read(file),
        }
    }
}

fn name(path: &str) -> Name {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if matches!(
        extension,
        "dockerignore" | "containerignore" | "yml" | "yaml"
    ) || OTHER_EXTENSIONS.contains(&extension)
        || is_ci(path)
    {
        return Name::Other;
    }
    for word in WORDS {
        if let Some(behind) = name.strip_prefix(word) {
            return match behind.as_bytes() {
                [] => Name::Certain,
                [b'.' | b'-', _, ..] => Name::Certain,
                [b'_' | b'0'..=b'9' | b'a'..=b'z', ..] => Name::Possible,
                _ => Name::Other,
            };
        }
        if let Some(before) = name.strip_suffix(word) {
            return match before.as_bytes() {
                [_, .., b'.'] => Name::Certain,
                [_, .., b'_' | b'-'] => Name::Possible,
                _ => Name::Other,
            };
        }
    }
    Name::Other
}

/// Whether a file's name, in lower case, is that of a Makefile.
fn is_makefile(file: &str) -> bool {
    matches!(file, "makefile" | "gnumakefile") || file.ends_with(".mk")
}

/// Whether a file has a `FROM` that parses.
fn has_from(contents: &[u8]) -> bool {
    super::scan::readable(contents).lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_from = words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("from"));
        let mut words = words.skip_while(|word| word.starts_with("--"));
        let (image, keyword, name, more) = (words.next(), words.next(), words.next(), words.next());
        let named = match (keyword, name, more) {
            (None, ..) | (Some("\\"), None, _) => true,
            (Some(keyword), Some(_), None) => keyword.eq_ignore_ascii_case("as"),
            _ => false,
        };
        is_from && image.is_some() && named
    })
}

/// Whether a path, in lower case, defines CI. What such a file includes is found when it is read.
pub(super) fn is_ci(path: &str) -> bool {
    let folders = [
        ".github/workflows/",
        ".forgejo/workflows/",
        ".gitea/workflows/",
        ".circleci/",
        ".woodpecker/",
        ".crow/",
        ".azuredevops/",
    ];
    let files = [
        ".gitlab-ci",
        ".woodpecker.y",
        ".drone.y",
        ".vela.y",
        "bitbucket-pipelines.y",
        "azure-pipelines",
        "action.y",
    ];
    let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    let file = path.rsplit('/').next().unwrap_or(path);
    folders.iter().any(|folder| path.starts_with(folder))
        || is_yaml
            && (file.contains("gitlab-ci") || files.iter().any(|name| file.starts_with(name)))
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
            "makefile.txt",
            "myDockerfile",
            "Dockerfile/x",
            "Dockerfile.dockerignore",
            ".Dockerfile",
            "dockerfile.go",
            "Dockerfile.5.md",
            "Dockerfile_notes.txt",
            "x_dockerfile.py",
            "_dockerfile",
            "Dockerfile.",
            "Dockerfile+x",
        ] {
            assert_eq!(Format::of(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_may_be_a_dockerfiles_need_a_from() {
        for name in [
            "Dockerfile_x",
            "Dockerfile2",
            "Dockerfilex",
            "a/x_dockerfile",
            "x-Containerfile",
            "Dockerfiles",
        ] {
            assert_eq!(Format::of(name), Some(Format::Dockerfile), "{name}");
            for (content, expect) in [
                ("ARG A\n from --platform=x a:1 as b\n", true),
                ("FROM a:1", true),
                ("FROM a:1 \\\n AS b\n", true),
                ("Images come\nfrom the registry\n", false),
                ("from x import y\n", false),
                ("ARG A=1\n", false),
                ("", false),
            ] {
                let read = Format::read_as(name, content.as_bytes()).is_some();
                assert_eq!(read, expect, "{name} {content:?}");
            }
        }
        assert!(Format::read_as("Dockerfile", b"").is_some());
        assert!(Format::read_as("named.by.hand", b"").is_some());
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
            let read = Format::read_as(path, b"FROM a:1\n");
            assert!(read.is_none_or(Format::is_ci), "{path} is read as {read:?}");
        }
        for path in ["gipgee.yml", "gipgee.yaml"] {
            assert_eq!(Format::of(path), Some(Format::Gipgee), "{path}");
        }
        for path in [".github/actions/lint/Dockerfile", "workflows/Dockerfile"] {
            assert_eq!(Format::of(path), Some(Format::Dockerfile), "{path}");
        }
    }
}
