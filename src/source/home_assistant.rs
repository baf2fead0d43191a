//! `build.yaml` of a Home Assistant app: the base images of its Dockerfile, one for each architecture, and its build
//! arguments.
//!
//! Source: Home Assistant's developer documentation, *App configuration*. The builder passes `build_from` of the
//! architecture as `BUILD_FROM`, and `args` as they are. The references are at the `FROM` in the Dockerfile beside the
//! file.

use super::found::{Build, Found, Given};
use super::passed::Passed;
use super::paths::{file_at, folder_of};
use super::sources::FileText;
use super::text::Text;
use super::value::Expanded;
use super::yaml::{Node, Yaml};
use std::collections::BTreeMap;

/// The argument that passes the base image.
const BUILD_FROM: &str = "BUILD_FROM";
/// The most architectures that are read.
const MAX_ARCHITECTURES: usize = 32;

/// Whether a file's name, in lower case, is that of such a file. The content decides.
pub(super) fn is_name(file: &str) -> bool {
    matches!(file, "build.yaml" | "build.yml" | "build.json")
}

/// Whether the content is that of such a file.
pub(super) fn is_content(contents: &[u8]) -> bool {
    contents.windows(10).any(|part| part == b"build_from")
}

/// The builds of a file.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut found = Found::default();
    let folder = folder_of(file.path);
    for root in yaml.roots() {
        let args = arguments(&yaml, root.get("args"));
        let Some(bases) = root.get("build_from").filter(|node| node.is_map()) else {
            continue;
        };
        for (name, base) in bases.entries().into_iter().take(MAX_ARCHITECTURES) {
            let (Some(name), Some(_)) = (name.text(), base.text()) else {
                continue;
            };
            let mut given = args.clone();
            given.insert(BUILD_FROM.to_owned(), value(&yaml, base));
            found.builds.push(Build {
                dockerfile: file_at(folder, "Dockerfile"),
                context: Some(folder.to_owned()),
                line: name.line(),
                name: name.value().to_owned(),
                given: Given::new(given),
                ..Build::default()
            });
        }
    }
    for lost in yaml.trouble() {
        let what = format!("this is not YAML: {}", lost.what);
        found.passed.push(Passed {
            line: lost.line,
            what,
        });
    }
    found
}

/// The arguments of a map.
fn arguments(yaml: &Yaml<'_>, node: Option<Node<'_>>) -> BTreeMap<String, Expanded> {
    let entries = node.map(Node::entries).unwrap_or_default().into_iter();
    let named = entries.filter_map(|(name, given)| {
        given.text()?;
        Some((name.text()?.value().to_owned(), value(yaml, given)))
    });
    named.collect()
}

fn value(yaml: &Yaml<'_>, node: Node<'_>) -> Expanded {
    Text::of(yaml, node, &|text| Expanded::literal(text)).expanded
}
