//! `imagebot init --from`: the configuration of another system as an `imagebot.toml`.
//!
//! A key without a counterpart is a comment with its place and the reason, so that nothing is lost silently.
//! What imagebot reads from the old file as it is, is not written again. The result is always valid: each table is
//! checked by `config` before it is written, and one that is not accepted becomes a comment.
//!
//! Nothing is read or written here, and no secret of the old file is repeated.

mod contexts;
mod converted;
mod docker_builder;
mod draft;
mod gipgee;
mod gitlab_deps;
mod origin;
mod renovate;
mod value;

pub use contexts::convert_contexts;
pub use converted::{ConvertError, Converted};

/// The longest file that is converted, in bytes.
pub const MAX_OLD_FILE: usize = 1 << 20;

/// A system whose configuration can be converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Renovate: `renovate.json` and its other names, and presets.
    Renovate,
    /// gitlab-deps: `.gitlab-deps`.
    GitlabDeps,
    /// gipgee: `gipgee.yml`.
    Gipgee,
    /// docker-builder: `builder.yaml`.
    DockerBuilder,
}

/// The names that are understood, for messages.
pub const OLD_FILES: &str = "renovate.json, renovate.json5, .renovaterc, .renovaterc.json, .gitlab-deps, gipgee.yml, \
                             docker-builder.yml or builder.yaml, and the folder contexts";

impl System {
    /// The system that a file with this name belongs to. A `.json` or `.json5` file with another name is a preset of
    /// Renovate.
    pub fn of_file(name: &str) -> Option<Self> {
        match name {
            ".renovaterc" => Some(Self::Renovate),
            ".gitlab-deps" => Some(Self::GitlabDeps),
            "gipgee.yml" | "gipgee.yaml" => Some(Self::Gipgee),
            "builder.yaml" | "builder.yml" | "docker-builder.yml" | "docker-builder.yaml" => {
                Some(Self::DockerBuilder)
            }
            name if name.ends_with(".json") || name.ends_with(".json5") => Some(Self::Renovate),
            _ => None,
        }
    }
}

/// Converts a file; `name` is for messages.
pub fn convert(system: System, name: &str, text: &str) -> Result<Converted, ConvertError> {
    let file = name;
    let error = |(line, what)| ConvertError {
        file: file.to_owned(),
        line,
        what,
    };
    if text.len() > MAX_OLD_FILE {
        let (length, most) = (text.len(), MAX_OLD_FILE);
        let what = format!("the file has {length} bytes; at most {most} are converted");
        return Err(error((1, what)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Messages have the whole path; the result is a file of the repository, whatever folder it was made in.
    let name = name.rsplit('/').next().unwrap_or(name);
    match system {
        System::Renovate => renovate::convert(name, text).map_err(error),
        System::GitlabDeps => Ok(gitlab_deps::convert(name, text)),
        System::Gipgee => gipgee::convert(name, text).map_err(error),
        System::DockerBuilder => docker_builder::convert(name, text).map_err(error),
    }
}
