//! Where the operator's configuration is found if no option names it.
//!
//! A file in the working directory may be part of a repository that was just cloned from elsewhere, and a configuration
//! can name programs to run and secrets to send. It is therefore used without being named only by commands that need
//! one, or outside of git work trees.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The variable that names the file.
pub(super) const VARIABLE: &str = "IMAGEBOT_CONFIG";
/// The names that are looked for in the working directory.
const HERE: [&str; 2] = ["imagebot-config.toml", "config.toml"];

/// How much of a file is read to find out whose it is, in bytes.
const MOST_READ: u64 = 1 << 20;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The file that is used.
    pub(super) used: Option<PathBuf>,
    /// Why a file of the working directory is not used, if there is one.
    pub(super) passed_over: Option<String>,
    /// Every place that was checked, in order.
    pub(super) places: Vec<PathBuf>,
}

/// Looks for the file. `is_needed`: the command does nothing without one.
pub(super) fn find(is_needed: bool) -> Found {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(named) = variable(VARIABLE) {
        // A file that is named is used even if it is missing: the error then says so.
        return Found {
            used: Some(named.into()),
            ..Found::default()
        };
    }
    let mut found = Found::default();
    for name in HERE {
        let path = PathBuf::from(name);
        if path.is_file() {
            match unfit(&path, is_needed) {
                None => {
                    found.used = Some(path);
                    return found;
                }
                Some(why) => found.passed_over = Some(format!("{name} here is not used: {why}")),
            }
        }
        found.places.push(Path::new(".").join(name));
    }
    let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    let user = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let user = user.filter(|path| path.is_absolute()).or_else(home);
    let user = user.map(|folder| folder.join("imagebot/config.toml"));
    let system = PathBuf::from("/etc/imagebot/config.toml");
    let elsewhere: Vec<PathBuf> = user.into_iter().chain([system]).collect();
    found.used = elsewhere.iter().find(|path| path.exists()).cloned();
    found.places.extend(elsewhere);
    found
}

/// Why a file in the working directory is not used.
fn unfit(path: &Path, is_needed: bool) -> Option<String> {
    let fix = format!("--config {} uses it", path.display());
    let owner = std::fs::metadata(path).ok()?.uid();
    if owner != rustix::process::getuid().as_raw() && owner != 0 {
        return Some(format!("it belongs to another user; {fix}"));
    }
    if !is_ours(path) {
        return Some(format!("it has neither [[forge]] nor [[registry]]; {fix}"));
    }
    let in_work_tree = || std::env::current_dir().is_ok_and(|folder| in_work_tree(&folder));
    (!is_needed && in_work_tree())
        .then(|| format!("it may be part of the repository that is checked; {fix}"))
}

/// Whether a file is a configuration of imagebot, as far as that is visible: other programs have a `config.toml` too. A
/// file with the name that only imagebot uses is one even if it cannot be read, so that its error is shown.
fn is_ours(path: &Path) -> bool {
    if path.ends_with(HERE[0]) {
        return true;
    }
    let mut text = String::new();
    // A file of another program may be of any size.
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MOST_READ).read_to_string(&mut text));
    if read.is_err() {
        return false;
    }
    let is_head = |line: &str| {
        ["[[forge]]", "[[registry]]"]
            .iter()
            .any(|head| line.starts_with(head))
    };
    text.lines().map(str::trim).any(is_head)
}

fn in_work_tree(folder: &Path) -> bool {
    folder
        .ancestors()
        .any(|folder| folder.join(".git").exists())
}
