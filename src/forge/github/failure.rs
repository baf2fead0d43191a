//! Why a request failed: what callers of the trait need, and what only this client needs.

use crate::forge::error::ForgeError;
use crate::forge::wire::one_line;
use crate::http::HttpError;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct Failure {
    /// The error for callers of [`Forge`](crate::forge::Forge).
    pub(super) error: ForgeError,
    /// The status, where there was an answer.
    pub(super) status: Option<u16>,
    /// All that the server said about it.
    pub(super) message: String,
    /// Whether the server may have done what it was asked for all the same.
    pub(super) lost: bool,
}

impl Failure {
    pub(super) fn new(error: ForgeError) -> Self {
        Self {
            message: error.to_string(),
            error,
            status: None,
            lost: false,
        }
    }

    /// No answer came.
    pub(super) fn http(error: HttpError) -> Self {
        let lost = matches!(error, HttpError::ShortRead(_) | HttpError::Timeout { .. });
        let text = error.to_string();
        let error = match error {
            HttpError::RateLimited { .. } => ForgeError::RateLimited(text),
            _ => ForgeError::Unreachable(text),
        };
        Self {
            lost,
            ..Self::new(error)
        }
    }

    /// An answer with an error status.
    pub(super) fn status(status: u16, message: &str) -> Self {
        let said = plain(message);
        let text = format!("GitHub answered {status}: {said}");
        let error = match status {
            401 => ForgeError::Unauthorized(text),
            403 | 451 => ForgeError::Forbidden(text),
            404 | 410 => ForgeError::NotFound(text),
            301 | 302 | 307 | 308 => ForgeError::Conflict(
                "the repository was renamed; the next pass finds it".to_owned(),
            ),
            405 | 409 => ForgeError::Conflict(text),
            500.. => ForgeError::Server(text),
            _ => ForgeError::Refused(text),
        };
        Self {
            error,
            status: Some(status),
            message: said,
            lost: status >= 500,
        }
    }

    /// What an organisation with SAML single sign-on has GitHub say: a list without its repositories, or a refusal. Its
    /// address leads to where the token can be authorised, and is shown, not followed.
    pub(super) fn sso(header: &str) -> Option<Self> {
        let what = if header.starts_with("partial-results") {
            "the list lacks the repositories of organisations with single sign-on (SAML)"
        } else if header.starts_with("required") {
            "the organisation has single sign-on (SAML)"
        } else {
            return None;
        };
        let text = format!(
            "{what}; authorise the token for it under Settings > Developer settings > Personal access tokens > Configure \
             SSO ({})",
            plain(header)
        );
        Some(Self {
            status: Some(403),
            ..Self::new(ForgeError::Forbidden(text))
        })
    }

    /// An answer that couldn't be read.
    pub(super) fn unreadable(cause: &str) -> Self {
        let text = format!("GitHub's answer cannot be read: {}", plain(cause));
        Self {
            // The status said that it was done.
            lost: true,
            ..Self::new(ForgeError::Unreachable(text))
        }
    }

    /// Whether the server said this, in any case.
    pub(super) fn says(&self, text: &str) -> bool {
        self.message
            .to_ascii_lowercase()
            .contains(&text.to_ascii_lowercase())
    }
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        Self::new(error)
    }
}

impl From<Failure> for ForgeError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<octocrab::Error> for Failure {
    fn from(error: octocrab::Error) -> Self {
        match error {
            octocrab::Error::GitHub { source, .. } => {
                let mut message = source.message;
                for detail in source.errors.unwrap_or_default() {
                    message.push_str("; ");
                    match detail.get("message").and_then(|text| text.as_str()) {
                        Some(text) => message.push_str(text),
                        None => message.push_str(&detail.to_string()),
                    }
                }
                Self::status(source.status_code.as_u16(), &message)
            }
            octocrab::Error::Service { source, .. } => match source.downcast::<Self>() {
                Ok(failure) => *failure,
                Err(other) => Self::new(ForgeError::Unreachable(plain(&other.to_string()))),
            },
            octocrab::Error::Json { source, .. } => Self::unreadable(&source.to_string()),
            other => {
                let text = other.to_string();
                let first = text.lines().next().unwrap_or("no reason was given");
                Self::new(ForgeError::Unreachable(plain(first)))
            }
        }
    }
}

/// A server's text on one line, never empty.
pub(super) fn plain(text: &str) -> String {
    match one_line(text) {
        line if line.is_empty() => "no reason was given".to_owned(),
        line => line,
    }
}
