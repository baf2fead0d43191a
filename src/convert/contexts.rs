//! container-image-pipelines: its folder `contexts/` is read as it is; only the registry has to be written.

use super::converted::Converted;
use super::draft::Draft;
use super::origin::Origin;
use crate::family::{NO_REGISTRY, REGISTRY_ARG, contexts};
use crate::repo::RepoPath;

/// What has to be written for a repository with these files in `contexts/`.
pub fn convert_contexts(paths: &[RepoPath]) -> Converted {
    let mut draft = Draft::default();
    let (images, problems) = contexts(paths, NO_REGISTRY);
    for problem in &problems {
        let (folder, why) = problem.split_once(": ").unwrap_or((problem, ""));
        draft.note(&Origin::new(folder, 0), why);
    }
    draft.by_hand(&format!(
        "The registry that the build passes. With it, the images have their names outside this repository too:\n\
         [args]\n{REGISTRY_ARG} = \"registry.example.com/acme\""
    ));
    let noun = if images.len() == 1 { "image" } else { "images" };
    let as_is = format!(
        "imagebot reads contexts/ as it is: each folder with a Dockerfile and an info.edn is an image ({} {noun}), its version \
         is bumped when a parent changes, and the order follows from the FROMs.",
        images.len()
    );
    draft.finish("contexts/", &as_is)
}
