//! The routes of the REST API that are known; any other is noted as unexpected.

use super::server::{Call, Reply};
use super::state::{Check, Owner, Repo, State, Token};
use super::{Shared, git, issues, pulls, render};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Value, json};

/// Whether a token reaches a repository.
pub(super) fn reaches(token: &Token, repo: &Repo) -> bool {
    let fits = |reach: &String| *reach == repo.owner || *reach == repo.full_name();
    token.reach.is_empty() || token.reach.iter().any(fits)
}

pub(super) fn answer(shared: &Shared, call: &Call) -> Reply {
    let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let mut state = shared.lock();
    // Only the page that is asked for is rendered.
    let list = |fits: &dyn Fn(&Repo) -> bool, key: Option<&str>| {
        let lacks = |repo: &&Repo| state.sso.contains(&repo.owner);
        let mut found: Vec<&Repo> = state
            .repos
            .values()
            .filter(|repo| reaches(&call.token, repo) && fits(repo))
            .collect();
        let whole = found.len();
        found.retain(|repo| !lacks(repo));
        let partial = found.len() < whole;
        found.sort_by_cached_key(|repo| repo.full_name());
        let render = |repo: &Repo| render::repository(shared, &state, repo, false);
        let reply = paged_as(shared, call, found, render, key);
        match partial {
            true => reply.header("x-github-sso", "partial-results; organizations=21955855"),
            false => reply,
        }
    };
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["user"]) => Reply::ok(render::user(&call.token.login)),
        ("GET", ["rate_limit"]) if state.without_limits => {
            Reply::error(404, "Rate limiting is not enabled.")
        }
        ("GET", ["rate_limit"]) => Reply::ok(render::rate_limit()),
        ("GET", ["meta"]) => {
            let version = shared.options.version.clone().unwrap_or_default();
            Reply::ok(render::overview(&version))
        }
        ("GET", ["orgs", owner, "repos"]) => match state.owners.get(*owner) {
            Some(Owner::Organization) => list(&|repo| repo.owner == *owner, None),
            _ => Reply::missing(),
        },
        ("GET", ["users", owner, "repos"]) => {
            // Only what is public, whoever asks.
            match state.owners.get(*owner) {
                Some(_) => list(&|repo| repo.owner == *owner && !repo.private, None),
                _ => Reply::missing(),
            }
        }
        ("GET", ["user", "repos"]) => {
            let mine = call
                .query
                .get("affiliation")
                .is_some_and(|kind| kind == "owner");
            let login = call.token.login.clone();
            list(&|repo| !mine || repo.owner == login, None)
        }
        ("GET", ["installation", "repositories"]) => match call.token.installation {
            Some(_) => list(&|_| true, Some("repositories")),
            None => Reply::error(
                403,
                "You must authenticate with an installation access token",
            ),
        },
        (_, ["repositories", id, rest @ ..]) => {
            let id = id.parse().unwrap_or_default();
            match state
                .repos
                .get(&id)
                .filter(|repo| reaches(&call.token, repo))
            {
                Some(_) => of_repo(shared, &mut state, id, rest, call),
                None => Reply::missing(),
            }
        }
        (_, ["repos", owner, name, rest @ ..]) => {
            let full = format!("{owner}/{name}");
            if let Some(repo) = state.repo_named(&full) {
                let id = repo.id;
                return match reaches(&call.token, repo) {
                    true => of_repo(shared, &mut state, id, rest, call),
                    false => Reply::missing(),
                };
            }
            let moved = state.moved.get(&full.to_ascii_lowercase());
            match moved.filter(|id| state.repos.contains_key(id)) {
                Some(id) => {
                    let mut url = format!(
                        "http://{}{}/repositories/{id}",
                        shared.address,
                        shared.base()
                    );
                    for part in rest {
                        url.push_str(&format!("/{part}"));
                    }
                    let status = if call.method == "GET" { 301 } else { 307 };
                    let body = json!({"message": "Moved Permanently", "url": url});
                    Reply::new(status, body).header("location", url)
                }
                None => Reply::missing(),
            }
        }
        _ => unexpected(&mut state, call),
    }
}

fn unexpected(state: &mut State, call: &Call) -> Reply {
    state
        .unexpected
        .push(format!("{} {}", call.method, call.path));
    Reply::missing()
}

fn of_repo(shared: &Shared, state: &mut State, id: u64, rest: &[&str], call: &Call) -> Reply {
    state.settle(&shared.repos, id, call.now);
    if call.method != "GET" {
        let repo = &state.repos[&id];
        if repo.archived {
            return Reply::error(403, "Repository was archived so is read-only.");
        }
        if call.token.read_only {
            return Reply::error(403, "Resource not accessible by personal access token")
                .header("x-accepted-github-permissions", "pull_requests=write");
        }
    }
    let repo = &state.repos[&id];
    if rest.first() == Some(&"issues") && repo.without_issues {
        return Reply::error(410, "Issues are disabled for this repo");
    }
    if rest.first() == Some(&"issues") && call.method != "GET" && call.token.no_issues {
        return Reply::error(403, "Resource not accessible by integration");
    }
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    match (call.method.as_str(), rest) {
        ("GET", []) => Reply::ok(render::repository(shared, state, repo, true)),
        ("GET", ["pulls"]) => paged(shared, call, pulls::list(shared, state, repo, call), None),
        ("POST", ["pulls"]) => pulls::create(shared, state, id, call),
        ("GET", ["pulls", n]) => match repo.issues.get(&number(n)).filter(|i| i.pull.is_some()) {
            Some(issue) => Reply::ok(render::pull(shared, state, repo, issue, true)),
            None => Reply::missing(),
        },
        ("PATCH", ["pulls", n]) => pulls::update(shared, state, id, number(n), call),
        ("PUT", ["pulls", n, "merge"]) => pulls::put_merge(shared, state, id, number(n), call),
        ("POST", ["pulls", n, "requested_reviewers"]) => {
            pulls::ask_reviewers(shared, state, id, number(n), call)
        }
        ("GET", ["issues"]) => paged(shared, call, issues::list(shared, state, id, call), None),
        ("POST", ["issues"]) => issues::create(shared, state, id, call),
        ("PATCH", ["issues", n]) => issues::update(shared, state, id, number(n), call),
        ("POST", ["issues", n, "labels"]) => issues::add_labels(shared, state, id, number(n), call),
        ("GET", ["issues", n, "comments"]) => {
            match issues::comments(shared, state, id, number(n)) {
                Some(all) => paged(shared, call, all, None),
                None => Reply::missing(),
            }
        }
        ("POST", ["issues", n, "comments"]) => issues::comment(shared, state, id, number(n), call),
        ("GET", ["milestones"]) => {
            let all = repo.milestones.iter().enumerate();
            let all = all
                .map(|(index, title)| render::milestone(index, title))
                .collect();
            paged(shared, call, all, None)
        }
        ("GET", ["branches", name @ ..]) => {
            let name = name.join("/");
            match git::heads(&shared.repos.path(&repo.folder())).get(&name) {
                Some(sha) => Reply::ok(render::branch(repo, &name, sha)),
                None => Reply::error(404, "Branch not found"),
            }
        }
        ("GET", ["git", "matching-refs", "heads", prefix @ ..]) => {
            let prefix = prefix.join("/");
            let heads = git::heads(&shared.repos.path(&repo.folder()));
            let found = heads.iter().filter(|(name, _)| name.starts_with(&prefix));
            let found = found
                .map(|(name, sha)| render::git_ref(name, sha))
                .collect();
            // All at once, whatever page is asked for.
            Reply::ok(Value::Array(found))
        }
        ("GET", ["commits", sha, "check-runs"]) if call.token.checks => {
            let checks = repo.checks.get(*sha).cloned().unwrap_or_default();
            let runs = checks.iter().filter(|check| !check.is_status).enumerate();
            let runs = runs
                .map(|(index, check)| render::check(repo, sha, check, index))
                .collect();
            paged(shared, call, runs, Some("check_runs"))
        }
        ("GET", ["commits", _, "check-runs"]) => {
            Reply::error(403, "Resource not accessible by personal access token")
                .header("x-accepted-github-permissions", "checks=read")
        }
        ("GET", ["actions", "runs"]) => {
            let sha = call.query.get("head_sha").cloned().unwrap_or_default();
            let checks = repo.checks.get(&sha).cloned().unwrap_or_default();
            let of_actions = |check: &&Check| !check.is_status && check.app == "github-actions";
            let runs = checks.iter().filter(of_actions).enumerate();
            let runs = runs
                .map(|(index, check)| render::workflow_run(&sha, check, index))
                .collect();
            paged(shared, call, runs, Some("workflow_runs"))
        }
        ("GET", ["commits", sha, "status"]) => {
            let checks = repo.checks.get(*sha).cloned().unwrap_or_default();
            let statuses: Vec<_> = checks.iter().filter(|check| check.is_status).collect();
            Reply::ok(render::combined(sha, &statuses))
        }
        ("GET", ["rules", "branches", ..]) => paged(shared, call, render::rules(repo), None),
        ("GET", ["commits", sha, "check-suites"]) if call.token.checks => paged(
            shared,
            call,
            render::suites(repo, sha),
            Some("check_suites"),
        ),
        ("GET", ["contents", path @ ..]) => {
            let (path, branch) = (path.join("/"), repo.default_branch.clone());
            if let Some(text) = shared.repos.file_at(&repo.folder(), &branch, &path) {
                return Reply::ok(render::file(&path, &text));
            }
            let files = match git::heads(&shared.repos.path(&repo.folder())).contains_key(&branch) {
                true => shared.repos.files(&repo.folder(), &branch),
                false => Vec::new(),
            };
            let below = format!("{path}/");
            let found: Vec<Value> = files
                .iter()
                .filter(|file| file.starts_with(&below))
                .map(|file| render::entry(file))
                .collect();
            match found.is_empty() {
                true => Reply::missing(),
                false => Reply::ok(found.into()),
            }
        }
        _ => unexpected(state, call),
    }
}

/// A page of a list, with the links to its neighbours; below a key where the list stands in an object.
fn paged(shared: &Shared, call: &Call, all: Vec<Value>, key: Option<&str>) -> Reply {
    paged_as(shared, call, all, |item| item, key)
}

fn paged_as<T>(
    shared: &Shared,
    call: &Call,
    all: Vec<T>,
    render: impl Fn(T) -> Value,
    key: Option<&str>,
) -> Reply {
    let wish = |name: &str, other: usize| {
        let wish = call.query.get(name).and_then(|text| text.parse().ok());
        wish.unwrap_or(other).max(1)
    };
    let (size, page) = (wish("per_page", 30).min(100), wish("page", 1));
    let total = all.len();
    let items: Vec<Value> = all
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .map(render)
        .collect();
    let body = match key {
        Some(key) => json!({"total_count": total, key: items}),
        None => items.into(),
    };
    let reply = Reply::ok(body);
    if page * size >= total {
        return reply;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in call.query.iter().filter(|(name, _)| *name != "page") {
        query.append_pair(name, value);
    }
    let next = format!(
        "<http://{}{}{}?{}&page={}>; rel=\"next\"",
        shared.address,
        shared.base(),
        call.path,
        query.finish(),
        page + 1
    );
    reply.header("link", next)
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    iss: String,
}

/// What is asked as the App itself.
pub(super) fn as_app(
    shared: &Shared,
    method: &str,
    path: &str,
    token: &str,
    now: Timestamp,
) -> Reply {
    let mut state = shared.lock();
    let Some(app) = state.app.as_mut() else {
        return Reply::error(401, "A JSON web token could not be decoded");
    };
    let key = DecodingKey::from_rsa_pem(app.public_key.as_bytes()).expect("a key");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    rules.required_spec_claims.clear();
    let Ok(claims) = jsonwebtoken::decode::<Claims>(token, &key, &rules) else {
        return Reply::error(401, "A JSON web token could not be decoded");
    };
    let (claims, seconds) = (claims.claims, now.as_second());
    if claims.iss != app.id.to_string() {
        return Reply::error(401, "Integration not found");
    }
    if claims.exp < seconds || claims.exp > seconds + 600 {
        return Reply::error(
            401,
            "'Expiration time' claim ('exp') is too far in the future or past",
        );
    }
    if claims.iat > seconds {
        return Reply::error(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time",
        );
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["app", "installations"]) => {
            let all = app.installations.iter();
            let all: Vec<Value> = all
                .map(|(id, owner)| render::installation(*id, owner))
                .collect();
            Reply::ok(all.into())
        }
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            let id: u64 = id.parse().unwrap_or_default();
            let Some(owner) = app.installations.get(&id).cloned() else {
                return Reply::missing();
            };
            app.minted += 1;
            let secret = format!("ghs_CANARYinstallation{}x{}", id, app.minted);
            let expires = now + SignedDuration::from_hours(1);
            let body =
                render::installation_token(&secret, &expires.to_string(), json!(app.permissions));
            let token = Token {
                login: "imagebot[bot]".to_owned(),
                scopes: None,
                expires: Some(expires),
                installation: Some(id),
                reach: vec![owner],
                read_only: false,
                checks: true,
                no_issues: false,
            };
            state.tokens.insert(secret, token);
            Reply::new(201, body)
        }
        _ => {
            state.unexpected.push(format!("{method} {path}"));
            Reply::missing()
        }
    }
}
