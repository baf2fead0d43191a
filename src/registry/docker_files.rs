//! Which files hold docker's and podman's logins, and in which order they are read.

use super::{DockerConfig, DockerEntry};
use crate::image::{ImageName, RegistryHost};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The files that could be read, in order, and the problems of the others.
#[derive(Debug, Clone, Default)]
pub struct DockerFiles {
    files: Vec<(PathBuf, DockerConfig)>,
    problems: Vec<String>,
}

impl DockerFiles {
    /// Docker's and podman's own files, as far as they exist.
    pub fn of_user() -> Self {
        let existing = of_user(|name| std::env::var_os(name).map(PathBuf::from));
        Self::read(existing.into_iter().filter(|path| path.exists()))
    }

    /// Reads files that the operator names.
    pub fn read(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut read = Self::default();
        for path in paths {
            match file(&path) {
                Ok(config) => read.files.push((path, config)),
                Err(why) => read.problems.push(format!("{}: {why}", path.display())),
            }
        }
        read
    }

    /// The entry for an image, and its file. An entry for the host comes before the `credsStore` of any file.
    pub fn entry(&self, image: &ImageName) -> Option<(&Path, DockerEntry)> {
        let find = |entry: &dyn Fn(&DockerConfig) -> Option<DockerEntry>| {
            let mut files = self.files.iter();
            files.find_map(|(path, config)| Some((path.as_path(), entry(config)?)))
        };
        find(&|config| config.entry(image))
            .or_else(|| find(&|config| config.store_entry(image.host())))
    }

    /// The hosts that a file has an entry for.
    pub fn hosts(&self) -> BTreeSet<RegistryHost> {
        let hosts = self.files.iter().flat_map(|(_, config)| config.hosts());
        hosts.cloned().collect()
    }

    /// The files that were read.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// The files that could not be read, each with the reason.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Where the files are, by the variables of the environment (containers/image, `docs/containers-auth.json.5.md`).
fn of_user(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let home = variable("HOME");
    let at = |folder: Option<PathBuf>, below: &str| folder.map(|folder| folder.join(below));
    let config = variable("XDG_CONFIG_HOME").or_else(|| at(home.clone(), ".config"));
    let docker = variable("DOCKER_CONFIG");
    let of_docker = match docker.is_some() {
        true => None,
        // As in docker, the variable replaces the folder in the home.
        false => at(home, ".docker/config.json"),
    };
    [
        variable("REGISTRY_AUTH_FILE"),
        at(docker, "config.json"),
        at(variable("XDG_RUNTIME_DIR"), "containers/auth.json"),
        at(config, "containers/auth.json"),
        of_docker,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn file(path: &Path) -> Result<DockerConfig, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let opened = std::fs::File::open(path).map_err(cannot)?;
    let mut content = Vec::new();
    let mut limited = opened.take(LARGEST + 1);
    limited.read_to_end(&mut content).map_err(cannot)?;
    if content.len() as u64 > LARGEST {
        return Err(format!("larger than {} KiB", LARGEST >> 10));
    }
    DockerConfig::parse(&content).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_have_an_order() {
        let order = |variables: &[(&str, &str)]| {
            let found = of_user(|name| {
                let mut all = variables.iter();
                all.find(|(known, _)| *known == name)
                    .map(|(_, value)| PathBuf::from(value))
            });
            let found = found.iter().map(|path| path.display().to_string());
            found.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            order(&[
                ("HOME", "/h"),
                ("DOCKER_CONFIG", "/d"),
                ("XDG_CONFIG_HOME", "/c"),
                ("XDG_RUNTIME_DIR", "/r"),
                ("REGISTRY_AUTH_FILE", "/a.json"),
            ]),
            "/a.json /d/config.json /r/containers/auth.json /c/containers/auth.json"
        );
        assert_eq!(
            order(&[("HOME", "/h")]),
            "/h/.config/containers/auth.json /h/.docker/config.json"
        );
        assert_eq!(order(&[]), "");
    }
}
