//! Images that compose and bake files say a repository builds.
//!
//! A name without a registry (`app:dev`) is one of the developer's machine. One with a registry is published there, so
//! the repository claims it as if it had declared it. Nothing is claimed if some Dockerfile of the repository belongs to
//! no such build: then the files do not show what the repository publishes.

use super::spec::ImageSpec;
use crate::image::ImageName;
use crate::repo::RepoPath;
use crate::source::DescribedBuild;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The images of the builds. `dockerfiles` are all Dockerfiles that name an image.
pub fn built(builds: &[DescribedBuild], dockerfiles: &BTreeSet<&RepoPath>) -> Vec<ImageSpec> {
    let mut specs: Vec<ImageSpec> = Vec::new();
    for build in builds {
        let Some(dockerfile) = &build.dockerfile else {
            continue;
        };
        let mut names: Vec<ImageName> = Vec::new();
        for image in &build.images {
            let name = &image.name;
            let is_known = specs
                .iter()
                .any(|spec| spec.names().any(|other| other == name));
            if name.has_host() && !is_known && !names.contains(name) {
                names.push(name.clone());
            }
        }
        let mut names = names.into_iter();
        let Some(name) = names.next() else {
            continue;
        };
        specs.push(ImageSpec {
            name,
            published: names.collect(),
            tags: Vec::new(),
            context: build.context.clone(),
            dockerfile: dockerfile.clone(),
            target: build.target.clone(),
            also: Vec::new(),
            watch: Vec::new(),
            version: None,
            is_declared: false,
            place: Arc::from(format!("{}:{}", build.path, build.line)),
        });
    }
    let covered: BTreeSet<&RepoPath> = specs.iter().map(|spec| &spec.dockerfile).collect();
    match dockerfiles.is_subset(&covered) {
        true => specs,
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Format, SourceFile, Sources, read_sources};
    use std::collections::BTreeMap;

    fn check(files: &[(&str, &str)], expect: &[&str]) {
        let sources = Sources::new(files.iter().map(|(path, text)| SourceFile {
            path: RepoPath::parse(path).expect("a path"),
            format: Format::of(path),
            contents: text.as_bytes().to_vec(),
        }));
        let reading = read_sources(&sources, &BTreeMap::new());
        let dockerfiles = reading.stages.keys().collect();
        let specs = built(&reading.builds, &dockerfiles);
        let shown = specs.iter().map(|spec| {
            let names: Vec<String> = spec.names().map(ToString::to_string).collect();
            let target = spec.target.as_deref().unwrap_or("-");
            format!(
                "{} {target} {} {}",
                spec.dockerfile,
                names.join(" "),
                spec.place
            )
        });
        assert_eq!(shown.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn an_image_with_a_registry_is_published() {
        let compose = "services:\n  app: {build: {context: app, target: run}, image: \"reg.io/acme/app:${V:-1}\"}\n  dev: {build: ., image: \"acme/dev:1\"}\n";
        let dockerfile = ("app/Dockerfile", "FROM a:1 AS run\n");
        check(
            &[("compose.yaml", compose), dockerfile],
            &["app/Dockerfile run reg.io/acme/app compose.yaml:2"],
        );
        // What the other Dockerfile is built for is not known.
        check(
            &[
                ("compose.yaml", compose),
                dockerfile,
                ("Dockerfile", "FROM b:1\n"),
            ],
            &[],
        );
    }

    #[test]
    fn a_target_of_a_bake_file_has_several_names() {
        let bake = "variable \"V\" { default = \"1\" }\ntarget \"app\" {\n  tags = [\"reg.io/a:${V}\", \"ghcr.io/b\", \"c\"]\n}\n";
        check(
            &[("docker-bake.hcl", bake), ("Dockerfile", "FROM a:1\n")],
            &["Dockerfile - reg.io/a ghcr.io/b docker-bake.hcl:2"],
        );
    }
}
