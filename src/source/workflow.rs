//! Workflows and actions of GitHub, Gitea and Forgejo: containers, services, and steps that use an image.
//!
//! Source: GitHub's *Workflow syntax* and *Metadata syntax for actions*. A reference is where the syntax says, never at
//! another key named `image`: most of those are inputs, artifacts or snippets of other files.

mod expression;

use super::found::{Found, Remark, Told};
use super::located::ReferenceKind;
use super::passed::Passed;
use super::sources::FileText;
use super::text::{Text, Wrong};
use super::yaml::{Node, Yaml};
use expression::{MAX_COMBINATIONS, Scope, combinations};
use std::collections::BTreeSet;

/// The folders of workflows. Files in folders below them are not read by the servers.
const FOLDERS: [&str; 3] = [
    ".github/workflows/",
    ".gitea/workflows/",
    ".forgejo/workflows/",
];

/// What leads an image in `uses`, and in `image` of an action.
const IMAGE: &str = "docker://";

/// Whether a path is that of a workflow.
pub(super) fn is_name(path: &str) -> bool {
    let mut inside = FOLDERS
        .iter()
        .filter_map(|folder| path.strip_prefix(folder));
    let is_yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    is_yaml && inside.any(|file| !file.contains('/'))
}

/// Whether a path is that of an action.
pub(super) fn is_action(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    matches!(file, "action.yml" | "action.yaml")
}

/// The references of a workflow.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut reader = Reader::new(&yaml);
    for root in yaml.roots() {
        for (_, job) in root.get("jobs").map(Node::entries).unwrap_or_default() {
            reader.job(root, job);
        }
    }
    reader.finish()
}

/// The references of an action.
pub(crate) fn read_action(file: &FileText<'_>) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut reader = Reader::new(&yaml);
    for root in yaml.roots() {
        let Some(runs) = root.get("runs") else {
            continue;
        };
        let scope = Scope::default();
        let using = runs.get("using").and_then(Node::text);
        if let Some(image) = runs.get("image")
            && using.is_some_and(|using| using.value().eq_ignore_ascii_case("docker"))
        {
            reader.docker(image, ReferenceKind::ActionImage, &scope);
        }
        reader.steps(runs, &scope);
    }
    reader.finish()
}

struct Reader<'a> {
    yaml: &'a Yaml<'a>,
    found: Found,
    outside: BTreeSet<(usize, usize, String)>,
}

impl<'a> Reader<'a> {
    fn new(yaml: &'a Yaml<'a>) -> Self {
        Self {
            yaml,
            found: Found::default(),
            outside: BTreeSet::new(),
        }
    }

    fn finish(mut self) -> Found {
        let told = self.outside.into_iter().map(|(line, place, what)| {
            let remark = Remark::OutsideValue;
            (place, Told { line, remark, what })
        });
        self.found.told.extend(told);
        for lost in self.yaml.trouble() {
            let what = format!("this is not YAML: {}", lost.what);
            self.found.passed.push(Passed {
                line: lost.line,
                what,
            });
        }
        self.found
    }

    /// A job, once for each combination of its matrix.
    fn job(&mut self, root: Node<'a>, job: Node<'a>) {
        let matrix = combinations(job);
        if let Some(line) = matrix.cut {
            let what = format!("the matrix is too large; {MAX_COMBINATIONS} combinations are read");
            self.found.passed.push(Passed { line, what });
        }
        let scopes = matrix.combinations.iter();
        for scope in scopes.flat_map(|one| Scope::all(root, one)) {
            if let Some(container) = job.get("container") {
                let image = match container.is_map() {
                    true => container.get("image"),
                    false => Some(container),
                };
                if let Some(image) = image {
                    self.image(image, ReferenceKind::WorkflowContainer, &scope);
                }
            }
            for (_, service) in job.get("services").map(Node::entries).unwrap_or_default() {
                if let Some(image) = service.get("image") {
                    self.image(image, ReferenceKind::WorkflowService, &scope);
                }
            }
            self.steps(job, &scope);
            self.outside.extend(scope.outside.take());
        }
    }

    fn steps(&mut self, of: Node<'a>, scope: &Scope<'a>) {
        for step in of.get("steps").into_iter().flat_map(Node::items) {
            if let Some(uses) = step.get("uses") {
                self.docker(uses, ReferenceKind::WorkflowUses, scope);
            }
        }
    }

    /// The image after `docker://`; anything else is another action, or a Dockerfile.
    fn docker(&mut self, node: Node<'a>, kind: ReferenceKind, scope: &Scope<'a>) {
        if node
            .text()
            .is_none_or(|text| !text.value().starts_with(IMAGE))
        {
            return;
        }
        let text = Text::of(self.yaml, node, &|text| scope.expand(text));
        let image = text.behind(IMAGE);
        let located = image.map(|text| text.located(kind, None));
        self.found.references.extend(located);
    }

    fn image(&mut self, node: Node<'a>, kind: ReferenceKind, scope: &Scope<'a>) {
        match Text::read(self.yaml, node, &|text| scope.expand(text)) {
            Ok(Some(text)) => self.found.references.push(text.located(kind, None)),
            Ok(None) => {}
            Err(Wrong { line }) => {
                let what = "the image is not a string".to_owned();
                self.found.passed.push(Passed { line, what });
            }
        }
    }
}
