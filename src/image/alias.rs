//! Names in files that stand for a registry of another name: mirrors, proxies, GitLab's dependency proxy.

use super::name::{ImageName, ParseNameError, RegistryHost};

/// A prefix of image names, `gitlab.example.com/*/dependency_proxy/containers`; a `*` is one or more parts of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    host: RegistryHost,
    parts: Vec<String>,
}

impl Alias {
    /// Reads a prefix: a host and parts of a path.
    pub fn parse(text: &str) -> Result<Self, ParseNameError> {
        let mut parts = text.trim_end_matches('/').split('/');
        let host = RegistryHost::parse(parts.next().unwrap_or_default())?;
        let parts: Vec<String> = parts.map(str::to_owned).collect();
        let fits = |part: &String| part == "*" || ImageName::parse(&format!("x.io/{part}")).is_ok();
        match parts.iter().find(|part| !fits(part)) {
            Some(bad) => Err(ParseNameError::Path(bad.clone())),
            None => Ok(Self { host, parts }),
        }
    }

    /// The image at its registry; `None` if the prefix does not match, or nothing follows it.
    pub fn resolve(&self, image: &ImageName, registry: &RegistryHost) -> Option<ImageName> {
        if *image.host() != self.host {
            return None;
        }
        let path: Vec<&str> = image.path().split('/').collect();
        let rest = rest(&self.parts, &path)?;
        ImageName::parse(&format!("{registry}/{}", rest.join("/"))).ok()
    }
}

/// The text after a prefix; a `*` matches as few parts as possible.
fn rest<'a>(parts: &[String], path: &'a [&'a str]) -> Option<&'a [&'a str]> {
    match parts.split_first() {
        None => (!path.is_empty()).then_some(path),
        Some((part, parts)) if part == "*" => {
            (1..=path.len()).find_map(|taken| rest(parts, &path[taken..]))
        }
        Some((part, parts)) => match path.split_first() {
            Some((first, path)) if first == part => rest(parts, path),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_or_more_parts() {
        for (alias, image, expect) in [
            (
                "gitlab.example.com/*/dependency_proxy/containers",
                "gitlab.example.com/a/b/dependency_proxy/containers/node",
                Some("docker.io/library/node"),
            ),
            (
                "gitlab.example.com/*/dependency_proxy/containers",
                "gitlab.example.com/a/dependency_proxy/containers/team/x",
                Some("docker.io/team/x"),
            ),
            (
                "mirror.corp",
                "mirror.corp/library/node",
                Some("docker.io/library/node"),
            ),
            (
                "mirror.corp/hub",
                "mirror.corp/hub/node",
                Some("docker.io/library/node"),
            ),
            ("mirror.corp/hub", "mirror.corp/hub", None),
            ("mirror.corp/hub", "mirror.corp.evil/hub/node", None),
            (
                "gitlab.example.com/*/dependency_proxy/containers",
                "gitlab.example.com/dependency_proxy/containers/node",
                None,
            ),
        ] {
            let resolved = Alias::parse(alias).ok().zip(ImageName::parse(image).ok());
            let resolved = resolved
                .and_then(|(alias, image)| alias.resolve(&image, &RegistryHost::docker_hub()));
            assert_eq!(
                resolved.map(|image| image.canonical()),
                expect.map(str::to_owned),
                "{alias} {image}"
            );
        }
    }
}
