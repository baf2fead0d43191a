//! GitLab CI: the images of jobs and their services, in `.gitlab-ci.yml`, the local files that it includes, and the
//! components in `templates/`.
//!
//! Source: GitLab's CI/CD YAML reference. `extends`, anchors and `!reference` need no evaluation to find an image: it
//! is a reference where it is written. Only the variables in it need the job that it belongs to.

mod include;
mod jobs;
mod variables;

use super::found::Found;
use super::passed::Passed;
use super::sources::{FileText, Reach};
use super::yaml::Yaml;

/// Whether a path is that of a definition. A component is recognized by its content as well.
pub(super) fn is_name(path: &str) -> bool {
    path == ".gitlab-ci.yml" || is_component(path)
}

/// `templates/NAME.yml` or `templates/NAME/template.yml`.
fn is_component(path: &str) -> bool {
    let Some(inner) = path.strip_prefix("templates/") else {
        return false;
    };
    match inner.split_once('/') {
        None => inner.ends_with(".yml"),
        Some((_, file)) => file == "template.yml",
    }
}

/// Whether a file at such a path defines CI: a component declares its inputs.
pub(super) fn is_content(path: &str, contents: &[u8]) -> bool {
    !is_component(path) || contents.starts_with(b"spec:") || contents.starts_with(b"---\nspec:")
}

/// The references of a definition and of the files that it includes.
pub(crate) fn read<'a>(file: &FileText<'a>, reach: &mut Reach<'a>) -> Found {
    let files = include::with_included(file, reach);
    let yamls: Vec<Yaml<'_>> = files
        .iter()
        .map(|file| Yaml::read(&file.text, file.base))
        .collect();
    let mut found = Found::default();
    jobs::read(&yamls, reach.args, &mut found);
    for (file, yaml) in files.iter().zip(&yamls) {
        let trouble = yaml.trouble().into_iter();
        found.passed_elsewhere.extend(trouble.map(|lost| {
            let what = format!("this is not YAML: {}", lost.what);
            (
                file.base,
                Passed {
                    line: lost.line,
                    what,
                },
            )
        }));
    }
    found
}
