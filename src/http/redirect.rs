//! Where a redirect may lead.

use super::Origin;
use url::Url;

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// There is no `Location`, or it is not a URL.
    #[error("the redirect does not name a URL")]
    NoTarget,
    /// From `https` to anything else.
    #[error("the redirect leaves https")]
    Downgrade,
    /// The URL holds a user name or a password.
    #[error("the redirect contains a user name")]
    User,
}

/// The target of a redirect, for a caller that may follow it. The caller drops the authorization if the origin changes,
/// and counts how many redirects follow each other.
pub fn redirect_target(from: &Url, location: Option<&str>) -> Result<Url, RedirectError> {
    let mut target = from
        .join(location.ok_or(RedirectError::NoTarget)?)
        .map_err(|_| RedirectError::NoTarget)?;
    let origin = Origin::of(&target).ok_or(RedirectError::NoTarget)?;
    if from.scheme() == "https" && !origin.is_https() {
        return Err(RedirectError::Downgrade);
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(RedirectError::User);
    }
    target.set_fragment(None);
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t3_a_redirect_never_leaves_https() {
        let from = Url::parse("https://a.example/v2/x/blobs/y").expect("a URL");
        let target = |location| redirect_target(&from, location).map(|url| url.to_string());
        assert_eq!(target(Some("/z")), Ok("https://a.example/z".to_owned()));
        assert_eq!(
            target(Some("https://cdn.example/z?sig=1#x")),
            Ok("https://cdn.example/z?sig=1".to_owned())
        );
        assert_eq!(
            target(Some("http://a.example/z")),
            Err(RedirectError::Downgrade)
        );
        assert_eq!(
            target(Some("file:///etc/passwd")),
            Err(RedirectError::NoTarget)
        );
        assert_eq!(
            target(Some("https://u:p@cdn.example/")),
            Err(RedirectError::User)
        );
        assert_eq!(target(None), Err(RedirectError::NoTarget));
    }
}
