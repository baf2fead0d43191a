//! Paths that files of a repository name, relative to themselves.

use crate::repo::RepoPath;

/// The folder of a path; empty for the root.
pub(crate) fn folder_of(path: &RepoPath) -> &str {
    path.as_str()
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
}

/// A path relative to a folder, without `.` and `..`; `None` if it leaves the repository. The result is empty for the
/// repository's root.
pub(crate) fn join(folder: &str, relative: &str) -> Option<String> {
    let is_absolute = relative.starts_with('/') || relative.starts_with('~');
    if is_absolute || relative.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The file that a path relative to a folder names; `None` if it is not in the repository.
pub(crate) fn file_at(folder: &str, relative: &str) -> Option<RepoPath> {
    RepoPath::parse(&join(folder, relative)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_repository() {
        for (folder, relative, expect) in [
            ("", "Dockerfile", Some("Dockerfile")),
            ("a/b", "../c/./d", Some("a/c/d")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("a", "/etc/passwd", None),
            ("a", "~/x", None),
            ("a", "b\\c", None),
            ("", "./", Some("")),
        ] {
            assert_eq!(
                join(folder, relative).as_deref(),
                expect,
                "{folder} {relative}"
            );
        }
    }
}
