//! Git: real bare repositories, served by `git http-backend`, and the plumbing to change them.

use super::Shared;
use super::state::{DEVELOPER, Token};
use super::wire::Reply;
use crate::forge_server::http_backend;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What GitLab refuses in its own pre-receive hook, with its texts.
const HOOK: &str = r#"#!/bin/sh
while read -r old new ref; do
    for name in $GL_PROTECTED; do
        case "$ref" in refs/heads/$name)
            echo "GitLab: You are not allowed to push code to protected branches on this project." >&2
            exit 1 ;;
        esac
    done
    case "$new" in *[!0]*) ;; *) continue ;; esac
    if [ -n "$GL_COMMIT_REGEX" ] && ! git log -1 --format=%B "$new" | grep -qE "$GL_COMMIT_REGEX"; then
        echo "GitLab: Commit message does not follow the pattern '$GL_COMMIT_REGEX'" >&2
        exit 1
    fi
done
"#;

/// A git command without any settings of the machine or the user.
fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_DIR", repository).current_dir(repository);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "GitLab");
        command.env(format!("GIT_{role}_EMAIL"), "gitlab@example.org");
        command.env(format!("GIT_{role}_DATE"), "1763726400 +0000");
    }
    command
}

/// Runs git; `None` if it fails.
pub(super) fn git(repository: &Path, args: &[&str], input: &[u8]) -> Option<String> {
    let mut child = command(repository)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// Makes an empty bare repository without starting a process; `borrow`: whose objects it uses.
pub(super) fn init(repository: &Path, borrow: Option<&Path>) {
    std::fs::create_dir_all(repository.join("objects/info")).unwrap();
    std::fs::create_dir_all(repository.join("refs/heads")).unwrap();
    std::fs::write(repository.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
    std::fs::write(repository.join("config"), config).unwrap();
    if let Some(borrow) = borrow {
        let line = format!("{}\n", borrow.join("objects").display());
        std::fs::write(repository.join("objects/info/alternates"), line).unwrap();
    }
}

/// A branch's head, read from the files: cheap enough for thousands of projects.
pub(super) fn read_ref(repository: &Path, branch: &str) -> Option<String> {
    let name = format!("refs/heads/{branch}");
    if let Ok(text) = std::fs::read_to_string(repository.join(&name)) {
        return Some(text.trim().to_owned());
    }
    let packed = std::fs::read_to_string(repository.join("packed-refs")).ok()?;
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(_, found)| *found == name)
        .map(|(id, _)| id.to_owned())
}

/// The commit of a tag; git is only asked where there is one.
pub(super) fn read_tag(repository: &Path, tag: &str) -> Option<String> {
    let name = format!("refs/tags/{tag}");
    let packed = || std::fs::read_to_string(repository.join("packed-refs")).unwrap_or_default();
    if !repository.join(&name).exists() && !packed().lines().any(|line| line.ends_with(&name)) {
        return None;
    }
    git(
        repository,
        &["rev-parse", &format!("{name}^{{commit}}")],
        b"",
    )
}

/// Makes, moves or (with `None`) deletes a tag.
pub(super) fn set_tag(repository: &Path, tag: &str, to: Option<&str>) {
    let name = format!("refs/tags/{tag}");
    let done = match to {
        Some(to) => git(repository, &["update-ref", &name, to], b""),
        None => git(repository, &["update-ref", "-d", &name], b""),
    };
    done.unwrap();
}

/// The branches that a push moves, in its order: `old new ref` in lines of git's protocol.
fn moved_by(body: &[u8]) -> Vec<String> {
    let mut moved = Vec::new();
    let mut rest = body;
    while let Some((head, after)) = rest.split_at_checked(4) {
        let length = std::str::from_utf8(head).ok();
        let length = length.and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let Some(line) = length
            .and_then(|length| length.checked_sub(4))
            .filter(|length| *length > 0)
            .and_then(|length| after.get(..length))
        else {
            break;
        };
        rest = &after[line.len()..];
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        if let Some(name) = line.trim_end().splitn(3, ' ').nth(2) {
            moved.extend(name.strip_prefix("refs/heads/").map(str::to_owned));
        }
    }
    moved
}

/// Makes a branch without starting a process.
pub(super) fn write_ref(repository: &Path, branch: &str, head: &str) {
    let path = repository.join("refs/heads").join(branch);
    std::fs::write(path, format!("{head}\n")).unwrap();
}

/// All branches with their heads.
pub(super) fn branches(repository: &Path) -> Vec<(String, String)> {
    let format = "--format=%(objectname) %(refname:lstrip=2)";
    let text = git(repository, &["for-each-ref", format, "refs/heads/"], b"").unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(id, name)| (name.to_owned(), id.to_owned()))
        .collect()
}

/// Commits files on a branch, made at `base` where it is missing; gives the commit.
pub(super) fn commit(
    repository: &Path,
    branch: &str,
    base: Option<&str>,
    files: &[(&str, &str)],
    message: &str,
    seconds: i64,
) -> String {
    let mut stream = format!(
        "commit refs/heads/{branch}\ncommitter Person <person@example.org> {seconds} +0000\ndata {}\n{message}\n",
        message.len()
    );
    if let Some(base) = base {
        stream += &format!("from {base}\n");
    }
    for (path, text) in files {
        stream += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
    }
    git(
        repository,
        &["fast-import", "--quiet", "--force"],
        stream.as_bytes(),
    )
    .unwrap();
    read_ref(repository, branch).unwrap()
}

/// Moves, makes or (with `None`) deletes a branch.
pub(super) fn set_branch(repository: &Path, branch: &str, to: Option<&str>) {
    let name = format!("refs/heads/{branch}");
    let done = match to {
        Some(to) => git(repository, &["update-ref", &name, to], b""),
        None => git(repository, &["update-ref", "-d", &name], b""),
    };
    assert!(
        done.is_some(),
        "{name} of {} to {to:?}",
        repository.display()
    );
}

/// Merges `source` into `target` without moving a branch; `None` if they are in conflict.
pub(super) fn merge(
    repository: &Path,
    target: &str,
    source: &str,
    squash: bool,
    message: &str,
) -> Option<String> {
    let tree = git(
        repository,
        &["merge-tree", "--write-tree", target, source],
        b"",
    )?;
    let tree = tree.lines().next()?;
    let mut args = vec!["commit-tree", tree, "-p", target];
    if !squash {
        args.extend(["-p", source]);
    }
    args.extend(["-m", message]);
    git(repository, &args, b"")
}

/// A commit with the same message, author and change on another parent; `None` if that is in conflict.
pub(super) fn rebase(repository: &Path, commit: &str, onto: &str) -> Option<String> {
    let base = format!("--merge-base={commit}^");
    let tree = git(
        repository,
        &["merge-tree", "--write-tree", &base, onto, commit],
        b"",
    )?;
    let tree = tree.lines().next()?.to_owned();
    again(repository, commit, &tree, onto)
}

/// A commit with the same message, author and parent, and one more file.
pub(super) fn amend(repository: &Path, commit: &str, file: &str, text: &str) -> String {
    let blob = git(
        repository,
        &["hash-object", "-w", "--stdin"],
        text.as_bytes(),
    );
    let index = tempfile::tempdir().unwrap();
    let index = index.path().join("index");
    let run = |args: &[&str]| {
        let mut command = command(repository);
        let output = command.args(args).env("GIT_INDEX_FILE", &index).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    run(&["read-tree", commit]);
    let entry = format!("100644,{},{file}", blob.unwrap());
    run(&["update-index", "--add", "--cacheinfo", &entry]);
    let tree = run(&["write-tree"]);
    let parent = git(repository, &["rev-parse", &format!("{commit}^")], b"").unwrap();
    again(repository, commit, tree.trim(), &parent).unwrap()
}

/// A commit with another tree and parent, written by GitLab for the same author.
fn again(repository: &Path, commit: &str, tree: &str, parent: &str) -> Option<String> {
    let raw = git(repository, &["cat-file", "commit", commit], b"")?;
    let (head, message) = raw.split_once("\n\n")?;
    let author = head.lines().find(|line| line.starts_with("author "))?;
    let text = format!(
        "tree {tree}\nparent {parent}\n{author}\ncommitter GitLab <gitlab@example.org> 1763726400 +0000\n\n{message}\n"
    );
    git(
        repository,
        &["hash-object", "-t", "commit", "-w", "--stdin"],
        text.as_bytes(),
    )
}

/// A request of git: the token is its password, and it sees and changes what its user may.
pub(super) async fn serve(
    shared: &Shared,
    method: &str,
    path: &str,
    query: &str,
    header: &(dyn Fn(&str) -> String + Sync),
    body: axum::body::Bytes,
    token: Option<Token>,
) -> Reply {
    let challenge = || {
        let reply = Reply {
            status: 401,
            headers: Vec::new(),
            body: b"HTTP Basic: Access denied.".to_vec(),
        };
        reply.header("www-authenticate", "Basic realm=\"GitLab\"")
    };
    let Some((name, rest)) = path.trim_start_matches('/').split_once(".git/") else {
        return Reply::not_found("Page");
    };
    let Some(token) = token.filter(|token| !token.revoked && !token.expired) else {
        return challenge();
    };
    let pushes = rest == "git-receive-pack" || query.contains("service=git-receive-pack");
    let (id, repository, protected, regex) = {
        let mut state = shared.lock();
        let id = state.moved.get(name).copied();
        let project = state
            .named(name)
            .or_else(|| id.and_then(|id| state.projects.get(&id)));
        let project = project.filter(|project| state.level(&token, project) > 0);
        let Some(project) = project else {
            return Reply::not_found("Page");
        };
        let scopes: &[&str] = match pushes {
            true => &["api", "write_repository"],
            false => &["api", "write_repository", "read_repository"],
        };
        let scope = token
            .scopes
            .iter()
            .any(|scope| scopes.contains(&scope.as_str()));
        let level = state.level(&token, project);
        if !scope || (pushes && (level < DEVELOPER || project.archived)) {
            let text = "You are not allowed to push code to this project.";
            return Reply {
                status: 403,
                headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
                body: text.as_bytes().to_vec(),
            };
        }
        let protected = match level {
            40.. => String::new(),
            _ => project.protected.join(" "),
        };
        let regex = project.commit_regex.clone().unwrap_or_default();
        let id = project.id;
        if pushes {
            state.projects.get_mut(&id).unwrap().own();
        }
        (id, state.projects[&id].repository.clone(), protected, regex)
    };
    let environment = [
        ("GL_PROTECTED", protected),
        ("GL_COMMIT_REGEX", regex),
        ("REQUEST_METHOD", method.to_owned()),
        ("QUERY_STRING", query.to_owned()),
        ("PATH_INFO", format!("/{rest}")),
        ("GIT_PROJECT_ROOT", repository.display().to_string()),
        ("CONTENT_TYPE", header("content-type")),
        ("CONTENT_LENGTH", body.len().to_string()),
        ("HTTP_CONTENT_ENCODING", header("content-encoding")),
        ("GIT_PROTOCOL", header("git-protocol")),
        ("HTTP_GIT_PROTOCOL", header("git-protocol")),
        ("REMOTE_USER", token.user.to_string()),
        ("REMOTE_ADDR", "127.0.0.1".to_owned()),
        ("GIT_HTTP_EXPORT_ALL", "1".to_owned()),
    ];
    let moved = match pushes && method == "POST" {
        true => moved_by(&body),
        false => Vec::new(),
    };
    let reply = cgi(&repository, &environment, &body).await;
    if pushes && method == "POST" {
        shared.lock().notice_push_of(id, Some(&moved));
    }
    reply
}

async fn cgi(repository: &Path, environment: &[(&str, String)], body: &[u8]) -> Reply {
    let hooks = hooks(repository);
    let settings = [
        ("core.hooksPath", hooks.to_str().unwrap()),
        ("http.receivepack", "true"),
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("receive.advertisePushOptions", "true"),
    ];
    let mut command = tokio::process::Command::from(command(repository));
    command.env_remove("GIT_DIR").arg("http-backend");
    for (name, value) in environment {
        command.env(name, value);
    }
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (number, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    match http_backend(command, body).await {
        Ok(answer) => Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        },
        Err(said) => Reply::message(500, said),
    }
}

/// The folder with the hook, made once beside the repositories.
fn hooks(repository: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = repository.parent().unwrap().with_file_name("hooks");
    let hook = folder.join("pre-receive");
    if !hook.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        // Written elsewhere and renamed: nobody starts half a hook.
        let draft = tempfile::NamedTempFile::new_in(&folder).unwrap();
        std::fs::write(draft.path(), HOOK).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(draft.path(), mode).unwrap();
        let (file, path) = draft.keep().unwrap();
        drop(file);
        std::fs::rename(path, &hook).unwrap();
    }
    folder
}
