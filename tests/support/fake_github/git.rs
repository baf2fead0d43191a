//! Bare repositories behind `git http-backend`, and what can be read of them without starting git.

use super::Shared;
use super::server::{Kind, Logged};
use crate::forge_server::{broken, http_backend};
use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The branches of a repository and their heads, read off its files: a page of a thousand repositories is no matter
/// of a thousand processes.
pub(crate) fn heads(path: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let packed = std::fs::read_to_string(path.join("packed-refs")).unwrap_or_default();
    for line in packed.lines() {
        if let Some((id, name)) = line.split_once(" refs/heads/") {
            all.insert(name.to_owned(), id.to_owned());
        }
    }
    let root = path.join("refs/heads");
    let mut waiting = vec![root.clone()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Ok(id) = std::fs::read_to_string(&path) {
                let name = path.strip_prefix(&root).expect("below the root");
                let name = name.to_str().expect("a name").to_owned();
                if !name.ends_with(".lock") && id.trim().len() >= 40 {
                    all.insert(name, id.trim().to_owned());
                }
            }
        }
    }
    all
}

/// Makes a repository with the branches of another and its objects by reference: four small files.
pub(crate) fn copy(from: &Path, to: &Path) {
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("a file");
    std::fs::create_dir_all(to.join("objects/info")).expect("a folder");
    std::fs::create_dir_all(to.join("refs/heads")).expect("a folder");
    write(to.join("HEAD"), "ref: refs/heads/main\n");
    std::fs::copy(from.join("config"), to.join("config")).expect("a file");
    let objects = from.join("objects");
    write(
        to.join("objects/info/alternates"),
        &format!("{}\n", objects.display()),
    );
    let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for (name, id) in heads(from) {
        packed.push_str(&format!("{id} refs/heads/{name}\n"));
    }
    write(to.join("packed-refs"), &packed);
}

/// What GitHub's servers allow a client to ask for.
pub(crate) fn prepare(repos: &crate::git_repos::Repos, folder: &str) {
    for (key, value) in [
        ("uploadpack.allowFilter", "true"),
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("http.receivepack", "true"),
    ] {
        repos.git(folder, &["config", key, value]);
    }
}

fn backend() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let output = std::process::Command::new("git")
            .arg("--exec-path")
            .output()
            .expect("git starts");
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Path::new(&folder).join("git-http-backend")
    })
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.to_owned()));
    *response.status_mut() = status;
    response
}

/// Whether a path is one of a repository, and of which: `o/r.git/info/refs` gives `o/r` and the rest.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let (name, rest) = path.split_once(".git/")?;
    matches!(rest, "info/refs" | "git-upload-pack" | "git-receive-pack").then_some((name, rest))
}

/// Answers a request of git.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let Some((name, rest)) = split(path) else {
        return plain(StatusCode::NOT_FOUND, "no repository");
    };
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let write = rest == "git-receive-pack" || query.contains("git-receive-pack");
    let now = shared.options.clock.now();
    let (fault, allowed, id) = {
        let mut state = shared.lock();
        state.log.push(Logged {
            kind: Kind::Git,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            write: rest == "git-receive-pack",
            body: serde_json::Value::Null,
        });
        let fault = state.strike(
            &format!("GIT {path}?{query}"),
            &[],
            rest == "git-receive-pack",
        );
        let token = basic(text("authorization"));
        let token = token.and_then(|token| state.tokens.get(&token).cloned());
        let token = token.filter(|token| token.expires.is_none_or(|end| end > now));
        let lower = name.to_ascii_lowercase();
        let moved = state.moved.get(&lower).and_then(|id| state.repos.get(id));
        let repo = state.repo_named(name).or(moved);
        let reach = |token: &super::state::Token| {
            repo.filter(|repo| super::rest::reaches(token, repo))
                .map(|repo| (repo.id, repo.archived))
        };
        let allowed = match &token {
            None => Err(plain(
                StatusCode::UNAUTHORIZED,
                "Invalid username or token.",
            )),
            Some(token) => match reach(token) {
                None => Err(plain(StatusCode::NOT_FOUND, "Repository not found.")),
                Some((_, archived)) if write && (archived || token.read_only) => Err(plain(
                    StatusCode::FORBIDDEN,
                    "Write access to repository not granted.",
                )),
                Some(_) => Ok(token.login.clone()),
            },
        };
        (fault, allowed, repo.map(|repo| repo.id))
    };
    if let Some(reply) = fault.as_ref().and_then(super::Effect::reply) {
        return reply.response();
    }
    if matches!(fault, Some(super::Effect::DropBefore)) {
        return broken();
    }
    let login = match allowed {
        Ok(login) => login,
        Err(mut refusal) => {
            if refusal.status() == StatusCode::UNAUTHORIZED {
                let realm = axum::http::HeaderValue::from_static("Basic realm=\"GitHub\"");
                refusal.headers_mut().insert("www-authenticate", realm);
            }
            return refusal;
        }
    };
    let id = id.expect("a repository that was reached");
    let before = heads(&shared.repos.path(&id.to_string()));
    let response = cgi(shared, method, id, rest, query, headers, body, &login).await;
    if rest == "git-receive-pack" {
        let mut state = shared.lock();
        let after = heads(&shared.repos.path(&id.to_string()));
        state.pushed(&before, &after, id, now);
        state.settle(&shared.repos, id, now);
    }
    if matches!(fault, Some(super::Effect::DropAfter)) {
        return broken();
    }
    response
}

#[expect(clippy::too_many_arguments, reason = "the variables of CGI")]
async fn cgi(
    shared: &Shared,
    method: &str,
    id: u64,
    rest: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
    login: &str,
) -> Response<Body> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
    };
    let mut command = tokio::process::Command::new(backend());
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("GIT_PROJECT_ROOT", shared.repos.root())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", format!("/{id}.git/{rest}"))
        .env("REQUEST_METHOD", method)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", text("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", text("content-encoding"))
        .env("GIT_PROTOCOL", text("git-protocol"))
        .env("REMOTE_USER", login)
        .env("REMOTE_ADDR", "127.0.0.1");
    let answer = match http_backend(command, body).await {
        Ok(answer) => answer,
        Err(said) => return plain(StatusCode::INTERNAL_SERVER_ERROR, &said),
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(answer.body))
        .expect("a response of git")
}

fn basic(header: &str) -> Option<String> {
    let encoded = header.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split_once(':')?.1.to_owned())
}
