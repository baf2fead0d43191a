//! Whether images are published only for tags, so that a merge alone publishes nothing.

use crate::forge::doctor::DoctorFinding;
use crate::forge::gitlab::api::Api;
use crate::forge::gitlab::endpoints::built;
use crate::forge::traits::Repository;
use gitlab::api::projects::repository;

/// Whether images are published only for tags, as far as `.gitlab-ci.yml` shows: then a merge alone publishes nothing.
pub(super) async fn doctor(api: &Api, repo: &Repository, id: u64) -> Option<DoctorFinding> {
    let endpoint = repository::files::FileRaw::builder()
        .project(id)
        .file_path(".gitlab-ci.yml")
        .build();
    let response = api.ask(&built(endpoint).ok()?, None).await.ok()?;
    let text = String::from_utf8_lossy(&api.good(response).ok()?.body).into_owned();
    publishes_only_tags(&text).then(|| {
        DoctorFinding::warning(format!(
            "{}: a guess from .gitlab-ci.yml: images are published only for tags",
            repo.name
        ))
        .with_help("create a tag after each merge; child images wait until then")
    })
}

/// A guess by words: something is pushed or released, and the only condition that is named is a tag.
fn publishes_only_tags(text: &str) -> bool {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    let has = |words: &[&str]| {
        lines
            .iter()
            .any(|line| words.iter().any(|word| line.contains(word)))
    };
    let publishes = has(&[
        "docker push",
        "buildah push",
        "crane push",
        "podman push",
        "--push",
        "--destination",
        "skopeo copy",
    ]);
    let list = |at: usize| lines.get(at + 1).is_some_and(|next| *next == "- tags");
    let tags = lines.iter().enumerate().any(|(at, line)| {
        matches!(*line, "only: tags" | "only: [tags]") || (*line == "only:" && list(at))
    }) || has(&[
        "if: $CI_COMMIT_TAG",
        "if: \"$CI_COMMIT_TAG",
        "if: '$CI_COMMIT_TAG",
    ]);
    let branches = has(&[
        "$CI_COMMIT_BRANCH",
        "$CI_DEFAULT_BRANCH",
        "- main",
        "- master",
        "- branches",
    ]);
    publishes && tags && !branches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_guessed_from_words() {
        let build = "build:\n  script:\n    - docker push $IMAGE\n";
        for (rules, expect) in [
            ("  only: tags\n", true),
            ("  only:\n    - tags\n", true),
            ("  rules:\n    - if: $CI_COMMIT_TAG\n", true),
            (
                "  rules:\n    - if: $CI_COMMIT_TAG\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n",
                false,
            ),
            ("  only:\n    - main\n    - tags\n", false),
            ("", false),
        ] {
            assert_eq!(
                publishes_only_tags(&format!("{build}{rules}")),
                expect,
                "{rules}"
            );
        }
        assert!(!publishes_only_tags(
            "test:\n  script: make test\n  only: tags\n"
        ));
    }
}
