//! The token service of the instance's container registry (`/jwt/auth`).

use super::FakeGitLab;
use super::state::{State, Token};
use super::wire::Reply;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

/// The registry's tokens that let somebody read something.
pub(super) type Granted = Arc<Mutex<Vec<String>>>;

impl FakeGitLab {
    /// The instance's registry is there, and takes the tokens that are granted.
    pub(crate) fn serve_registry(&self, host: &str, granted: Arc<Mutex<Vec<String>>>) {
        let mut state = self.lock();
        state.registry = Some(host.to_owned());
        state.granted = granted;
    }
}

/// Who is known gets a token in any case; with a project that they may not see it opens nothing, as GitLab's does.
pub(super) fn auth(state: &mut State, query: &str, token: Option<Token>) -> Reply {
    let Some(token) = token.filter(|token| !token.revoked && !token.expired) else {
        return Reply::json(401, &json!({"errors": [{"code": "UNAUTHORIZED"}]}));
    };
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let scope = pairs
        .find(|(key, _)| key == "scope")
        .map(|(_, value)| value);
    let path = scope.as_deref().and_then(|scope| {
        let image = scope.strip_prefix("repository:")?.rsplit_once(':')?.0;
        // The project is the longest path that is one.
        let mut path = image;
        while state.named(path).is_none() {
            path = path.rsplit_once('/')?.0;
        }
        Some(path.to_owned())
    });
    let project = path.as_deref().and_then(|path| state.named(path));
    let may = project.is_some_and(|project| state.level(&token, project) >= 20);
    let value = format!("jwt-CANARY{}", state.new_id());
    if may {
        let mut granted = state.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.push(value.clone());
    }
    Reply::ok(&json!({ "token": value }))
}
