//! Renovate's managers, and the kinds of references that they are here.

/// A manager of container images and its kinds.
const MANAGERS: [(&[&str], &[&str]); 15] = [
    (
        &["dockerfile"],
        &["from", "copy-from", "mount-from", "syntax", "onbuild-from"],
    ),
    (&["docker-compose"], &["compose-*"]),
    (&["kubernetes", "flux"], &["k8s-*", "helm-image"]),
    (&["kustomize"], &["kustomize-image"]),
    (&["helm-values"], &["helm-image"]),
    (&["gitlabci", "gitlabci-include"], &["gitlab-*"]),
    (&["github-actions"], &["workflow-*", "action-image"]),
    (&["devcontainer"], &["devcontainer-*"]),
    (&["quadlet"], &["quadlet-image"]),
    (&["woodpecker", "droneci"], &["woodpecker-image"]),
    (&["circleci"], &["circleci-image"]),
    (&["azure-pipelines"], &["azure-image"]),
    (&["bitbucket-pipelines"], &["bitbucket-*"]),
    (&["tekton"], &["tekton-*"]),
    (
        &[
            "regex",
            "custom.regex",
            "jsonata",
            "custom.jsonata",
            "custom",
        ],
        &["annotated", "source"],
    ),
];

/// Managers that have images among other things, in formats that imagebot has no kind for.
const OTHERS: [&str; 14] = [
    "ansible",
    "argocd",
    "batect",
    "buildkite",
    "cloudbuild",
    "crossplane",
    "crow",
    "fleet",
    "helmfile",
    "helmv3",
    "jenkins",
    "terraform",
    "velaci",
    "buildpacks",
];

/// What a manager is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// It reads these kinds of references.
    Kinds(&'static [&'static str]),
    /// It may read images, but not as a kind of their own.
    Unknown,
    /// It reads no images.
    NoImages,
}

/// The manager with a name.
pub(super) fn manager(name: &str) -> Manager {
    let mut rows = MANAGERS.iter();
    match rows.find(|(names, _)| names.contains(&name)) {
        Some((_, kinds)) => Manager::Kinds(kinds),
        None if OTHERS.contains(&name) => Manager::Unknown,
        None => Manager::NoImages,
    }
}

/// The managers without images that have a key of their own at the top of the file.
const WITHOUT_IMAGES: [&str; 40] = [
    "ansible-galaxy",
    "bazel",
    "bazel-module",
    "bundler",
    "bun",
    "cargo",
    "cdnurl",
    "cocoapods",
    "composer",
    "conan",
    "deno",
    "git-submodules",
    "gomod",
    "gradle",
    "gradle-wrapper",
    "helm-requirements",
    "html",
    "jsonnet-bundler",
    "leiningen",
    "maven",
    "maven-wrapper",
    "meteor",
    "mint",
    "mise",
    "mix",
    "nix",
    "nodenv",
    "npm",
    "nuget",
    "nvm",
    "pep621",
    "pip-compile",
    "pip_requirements",
    "pipenv",
    "poetry",
    "pre-commit",
    "pub",
    "pyenv",
    "sbt",
    "swift",
];

/// Whether a key at the top of the file is the name of a manager.
pub(super) fn is_manager(key: &str) -> bool {
    WITHOUT_IMAGES.contains(&key) || manager(key) != Manager::NoImages
}

/// The kinds of several managers, and the managers without one.
pub(super) fn kinds<'a>(names: &[&'a str]) -> (Vec<&'static str>, Vec<&'a str>) {
    let mut kinds = Vec::new();
    let mut others = Vec::new();
    for name in names {
        match manager(name) {
            Manager::Kinds(known) => kinds.extend(known),
            Manager::Unknown | Manager::NoImages => others.push(*name),
        }
    }
    kinds.dedup();
    (kinds, others)
}
