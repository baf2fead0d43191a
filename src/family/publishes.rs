//! The operator's rules about which repository publishes which images.

use crate::image::ImageName;
use crate::repo::{Glob, RepoName};
use std::sync::Arc;

/// `publishes = [{ repo = "…", images = ["…"] }]`: the images that matching repositories publish.
///
/// An image without a wildcard is published by the repository. One with a wildcard is a pattern of images that the
/// repository may claim in its own settings. `{repo}` is replaced by the repository's path, `{name}` by its last part.
#[derive(Debug, Clone)]
pub struct Publishes {
    repos: Glob,
    images: Vec<String>,
    /// File and line of the rule.
    pub place: Arc<str>,
}

/// Why a text is not a valid image name or glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an image name nor a glob on image names with their host: {1}")]
pub struct ParsePublishesError(String, String);

/// The rules that apply to one repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The images that it publishes.
    pub(super) publishes: Vec<ImageName>,
    /// The images that it may claim.
    pub(super) may_claim: Vec<Glob>,
}

impl Publishes {
    /// A rule for the repositories that a glob matches.
    pub fn new(
        repos: Glob,
        images: &[String],
        place: Arc<str>,
    ) -> Result<Self, (usize, ParsePublishesError)> {
        for (index, image) in images.iter().enumerate() {
            let example = filled(image, "group/name");
            let error = |why: String| (index, ParsePublishesError(image.clone(), why));
            if is_glob(image) {
                Glob::parse(&example).map_err(|why| error(why.to_string()))?;
                if !example.contains('/') {
                    return Err(error("write it with its host".to_owned()));
                }
            } else {
                ImageName::parse(&example).map_err(|why| error(why.to_string()))?;
            }
        }
        Ok(Self {
            repos,
            images: images.to_vec(),
            place,
        })
    }

    /// Adds what this rule says about a repository.
    pub(super) fn of(&self, repo: &RepoName, said: &mut Said) {
        if !self.repos.matches(repo.as_str()) {
            return;
        }
        for image in &self.images {
            let text = filled(image, repo.as_str());
            if is_glob(image) {
                said.may_claim.extend(Glob::parse(&text));
            } else {
                // A path with capitals is not a valid image path; registries use the lower-case form.
                said.publishes
                    .extend(ImageName::parse(&text.to_ascii_lowercase()));
            }
        }
    }
}

fn is_glob(text: &str) -> bool {
    let text = text.replace("{repo}", "").replace("{name}", "");
    text.contains(['*', '?', '[', '{'])
}

fn filled(text: &str, repo: &str) -> String {
    let name = repo.rsplit('/').next().unwrap_or(repo);
    text.replace("{repo}", repo).replace("{name}", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_and_a_glob_allows() {
        let publishes = |repos: &str, images: &[&str]| {
            let images: Vec<String> = images.iter().map(|text| (*text).to_owned()).collect();
            let repos = Glob::parse(repos).expect("a glob");
            Publishes::new(repos, &images, Arc::from("config.toml:3"))
        };
        let said = |publishes: &Publishes, repo: &str| {
            let mut said = Said::default();
            publishes.of(&RepoName::parse(repo).expect("a name"), &mut said);
            let names: Vec<String> = said.publishes.iter().map(ImageName::canonical).collect();
            let globs: Vec<String> = said
                .may_claim
                .iter()
                .map(|g| g.as_str().to_owned())
                .collect();
            (names.join(" "), globs.join(" "))
        };
        let all = publishes("**", &["reg.io/{repo}", "reg.io/x/{name}-*"]).expect("well-formed");
        assert_eq!(
            said(&all, "Acme/Base"),
            ("reg.io/acme/base".to_owned(), "reg.io/x/Base-*".to_owned())
        );
        let one = publishes("acme/base", &["reg.io/b"]).expect("well-formed");
        assert_eq!(said(&one, "acme/other"), (String::new(), String::new()));
        assert!(publishes("**", &["reg.io/a", "Not A Name"]).is_err_and(|(index, _)| index == 1));
        assert!(publishes("**", &["base*"]).is_err());
    }
}
