//! `imagebot init --from`: the configuration of another system as an `imagebot.toml`.
//!
//! What could not be carried over is a comment with the original key and the reason, so that nothing is lost silently.
//! What imagebot reads from the old file as it is, is not written again. The result is always valid: each table is
//! checked by `config` before it is written, and one that is not accepted becomes a comment.
//!
//! Nothing is read or written here, and no secret of the old file is repeated.

mod contexts;
mod docker_builder;
mod draft;
mod gipgee;
mod gitlab_deps;
mod origin;
mod renovate;
mod value;

pub use contexts::convert_contexts;

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

/// An `imagebot.toml`, and how much of the old configuration is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The file.
    pub text: String,
    /// The number of settings in it.
    pub carried: usize,
    /// The number of comments about what could not be carried over.
    pub left: usize,
    /// What imagebot reads from the old file as it is; empty if it does not read it.
    pub read_as_is: String,
}

impl Converted {
    /// What was done, in one or two sentences.
    pub fn summary(&self) -> String {
        let carried = match self.carried {
            0 => "no setting had to be written".to_owned(),
            1 => "1 setting was carried over".to_owned(),
            count => format!("{count} settings were carried over"),
        };
        let left = match self.left {
            0 => String::new(),
            1 => "; 1 comment says what was not, and why".to_owned(),
            count => format!("; {count} comments say what was not, and why"),
        };
        match self.read_as_is.is_empty() {
            true => format!("{carried}{left}"),
            false => format!("{carried}{left}\n{}", self.read_as_is),
        }
    }
}

/// Why a file cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ConvertError {
    /// The file's name as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
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

/// A line and what is wrong there.
type Wrong = (usize, String);
