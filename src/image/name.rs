//! The name of an image: registry host and path.

use std::fmt;

/// The exact `host` or `host:port` of a registry, in lower case: `docker.io`, `[fd00::1]:5000`.
///
/// Scheme, user name, path and trailing dot are not allowed. Two hosts are the same registry only if they are equal:
/// `corp.example` does not cover `x.corp.example`, nor `corp.example:443`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryHost(String);

impl RegistryHost {
    /// Docker Hub's name in references.
    pub const DOCKER_HUB: &str = "docker.io";

    /// Reads a host with an optional port.
    pub fn parse(text: &str) -> Result<Self, ParseNameError> {
        let error = || ParseNameError::Host(text.to_owned());
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, tail) = rest.split_once(']').ok_or_else(error)?;
                address.parse::<std::net::Ipv6Addr>().map_err(|_| error())?;
                (None, tail)
            }
            None => match text.find(':') {
                Some(colon) => (Some(&text[..colon]), &text[colon..]),
                None => (Some(text), ""),
            },
        };
        let host_fits = host.is_none_or(|host| {
            host.len() <= 253
                && host.split('.').all(|label| {
                    !label.is_empty()
                        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                })
        });
        let port_fits = port.is_empty()
            || port.strip_prefix(':').is_some_and(|digits| {
                digits.bytes().all(|b| b.is_ascii_digit())
                    && digits.parse::<u16>().is_ok_and(|p| p > 0)
            });
        if !host_fits || !port_fits {
            return Err(error());
        }
        let lower = text.to_ascii_lowercase();
        Ok(Self(match lower.as_str() {
            "index.docker.io" => Self::DOCKER_HUB.to_owned(),
            _ => lower,
        }))
    }

    /// Docker Hub.
    pub fn docker_hub() -> Self {
        Self(Self::DOCKER_HUB.to_owned())
    }

    /// Whether this is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.0 == Self::DOCKER_HUB
    }

    /// The text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An image name: the registry's host and the path on it, beside the written form.
///
/// Equality, order and hash are those of the canonical form: `node`, `library/node` and
/// `docker.io/library/node` are one image. [`ImageName::written`] is the text in the file.
#[derive(Clone)]
pub struct ImageName {
    written: String,
    host: RegistryHost,
    path: String,
}

/// Why a text is not an image name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNameError {
    /// The text is empty, or nothing follows the host.
    #[error("an image name is missing")]
    Empty,
    /// The host is invalid.
    #[error("{0:?} is not a registry host; write host or host:port, without scheme, user or path")]
    Host(String),
    /// The path is invalid.
    #[error(
        "invalid image path {0:?}: use lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`"
    )]
    Path(String),
    /// The name is longer than 255 characters.
    #[error("an image name has at most 255 characters")]
    TooLong,
    /// Sixty-four hexadecimal digits are an image id and not a name.
    #[error("64 hexadecimal digits are the id of an image, not a name")]
    ImageId,
}

impl ImageName {
    /// Reads a name as Docker does: the text before the first `/` is a host if it contains a `.`, a `:` or an
    /// upper-case letter, or is `localhost`; otherwise the image is on Docker Hub.
    pub fn parse(text: &str) -> Result<Self, ParseNameError> {
        if text.is_empty() {
            return Err(ParseNameError::Empty);
        }
        if text.len() > 255 {
            return Err(ParseNameError::TooLong);
        }
        let first = text.split_once('/').filter(|(first, _)| {
            first.contains(['.', ':'])
                || *first == "localhost"
                || first.chars().any(|c| c.is_ascii_uppercase())
        });
        let (host, path) = match first {
            Some((host, path)) => (RegistryHost::parse(host)?, path),
            None => (RegistryHost::docker_hub(), text),
        };
        if !path_fits(path) {
            return Err(ParseNameError::Path(path.to_owned()));
        }
        if first.is_none() && path.len() == 64 && path.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ParseNameError::ImageId);
        }
        let path = if host.is_docker_hub() && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        Ok(Self {
            written: text.to_owned(),
            host,
            path,
        })
    }

    /// The written form; only this one is written into a file.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether its registry is written, rather than meant as Docker means it.
    pub fn has_host(&self) -> bool {
        let rest = self.written().strip_prefix(self.host().as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// The registry's host.
    pub fn host(&self) -> &RegistryHost {
        &self.host
    }

    /// The path on the registry, with `library/` for Docker Hub's official images.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The canonical form: `docker.io/library/node`.
    pub fn canonical(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// The path without the registry, for readers: `node`, `grafana/loki`.
    pub fn familiar(&self) -> &str {
        let official = self.path.strip_prefix("library/");
        let official = official.filter(|_| self.host.is_docker_hub());
        official.unwrap_or(&self.path)
    }

    /// The last part of the path: `node`.
    pub fn short(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// OCI distribution: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`.
fn path_fits(path: &str) -> bool {
    let component_fits = |component: &str| {
        let bytes = component.as_bytes();
        let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        bytes.first().is_some_and(word)
            && bytes.last().is_some_and(word)
            && component
                .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                .all(|joint| {
                    matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-')
                })
    };
    path.split('/').all(component_fits)
}

impl PartialEq for ImageName {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.path == other.path
    }
}

impl Eq for ImageName {}

impl PartialOrd for ImageName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ImageName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.host, &self.path).cmp(&(&other.host, &other.path))
    }
}

impl std::hash::Hash for ImageName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.host.hash(state);
        self.path.hash(state);
    }
}

impl fmt::Debug for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageName({})", self.written)
    }
}

/// The written form.
impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl std::str::FromStr for ImageName {
    type Err = ParseNameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryHost({})", self.0)
    }
}

impl std::str::FromStr for RegistryHost {
    type Err = ParseNameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RegistryHost {
    type Error = ParseNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RegistryHost> for String {
    fn from(host: RegistryHost) -> Self {
        host.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, ParseNameError> {
        ImageName::parse(text).map(|name| name.canonical())
    }

    #[test]
    fn resolves_names_as_docker_does() {
        for (written, expect) in [
            ("node", "docker.io/library/node"),
            ("library/node", "docker.io/library/node"),
            ("docker.io/node", "docker.io/library/node"),
            ("index.docker.io/team/app", "docker.io/team/app"),
            ("team/app", "docker.io/team/app"),
            ("localhost/app", "localhost/app"),
            ("localhost:5000/app", "localhost:5000/app"),
            ("GHCR.io/team/app", "ghcr.io/team/app"),
            ("CORP/app", "corp/app"),
            ("[fd00::1]:5000/a", "[fd00::1]:5000/a"),
            ("my_team/my__app.web", "docker.io/my_team/my__app.web"),
            ("a---b/c", "docker.io/a---b/c"),
        ] {
            assert_eq!(canonical(written), Ok(expect.to_owned()), "{written}");
            assert_eq!(
                ImageName::parse(written).map(|n| n.written().to_owned()),
                Ok(written.to_owned())
            );
        }
        assert_eq!(
            ImageName::parse("node"),
            ImageName::parse("docker.io/library/node")
        );
    }

    #[test]
    fn refuses_what_is_no_name() {
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "Alpine",
            "a:b/c",
            "reg.io:/a",
            "reg.io:99999/a",
            "reg.io./a",
            "user@reg.io/a",
            "-a.io/b",
            "[::g]/a",
            "[::1/a",
            "a___b",
            "a..b",
            "-a",
            "a-",
            "a b",
            "${V}/a",
            "réseau/a",
            "bücher.example/a",
            &"a".repeat(256),
            &"a1".repeat(32),
        ] {
            assert!(
                canonical(bad).is_err(),
                "{bad:?} gives {:?}",
                canonical(bad)
            );
        }
    }

    #[test]
    fn a_host_is_exact() {
        let host = |text| RegistryHost::parse(text);
        assert_eq!(host("REGISTRY.corp"), host("registry.corp"));
        assert_ne!(host("registry.corp:443"), host("registry.corp"));
        for bad in [
            "registry.corp.",
            "https://registry.corp",
            "a@b",
            "a/b",
            "",
            ":5000",
            "a:0",
        ] {
            assert!(host(bad).is_err(), "{bad:?}");
        }
    }
}
