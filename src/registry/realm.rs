//! The token services that a login may be sent to.
//!
//! The registry chooses the realm, and the login goes where it points: CVE-2020-15157 and its successors. So the realm
//! must be at the registry's own origin, or at one that the operator or the built-in table names.

use crate::http::Origin;
use url::Url;

/// A realm that is not allowed: its origin, or a description of it, and the reason.
pub(super) type Refused = (String, &'static str);

/// The one reason that a line of configuration can remove.
pub(super) const UNLISTED: &str = "it is neither the registry nor listed in auth_realms";

/// A realm that is contacted over TLS once the operator lists its https origin.
pub(super) const PLAIN: &str = "the registry uses https, the realm does not";

/// Checks a realm. One that says `http` although the registry is encrypted is contacted over `https` if that origin is
/// the registry itself or listed: many registries after a proxy that ends TLS name their realm so. `registry` is the
/// origin that sent it, `listed` the others that are allowed.
pub(super) fn check(
    realm: Option<&str>,
    registry: &Origin,
    listed: &[Origin],
) -> Result<Url, Refused> {
    let nowhere = "nowhere".to_owned();
    let realm = realm.ok_or_else(|| (nowhere.clone(), "the challenge does not name a realm"))?;
    let mut url =
        Url::parse(realm).map_err(|_| (nowhere.clone(), "the realm is not an absolute URL"))?;
    let origin = Origin::of(&url).ok_or((nowhere, "the realm is neither https nor http"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err((origin.to_string(), "the realm contains a user name"));
    }
    let mut origin = origin;
    if !origin.is_https() && registry.is_https() {
        let plain = (origin.to_string(), PLAIN);
        let encrypted = encrypted(&url, registry)
            .filter(|(_, encrypted)| encrypted == registry || listed.contains(encrypted));
        (url, origin) = encrypted.ok_or(plain)?;
    }
    if origin != *registry && !listed.contains(&origin) {
        return Err((origin.to_string(), UNLISTED));
    }
    url.set_fragment(None);
    Ok(url)
}

/// The same URL over `https`: at the registry's own port if it is the registry's name.
fn encrypted(url: &Url, registry: &Origin) -> Option<(Url, Origin)> {
    let mut encrypted = url.clone();
    encrypted.set_scheme("https").ok()?;
    let own = url.host_str() == Some(registry.host());
    if own && url.port().is_none_or(|port| port == registry.port()) {
        encrypted.set_port(Some(registry.port())).ok()?;
    }
    let origin = Origin::of(&encrypted)?;
    Some((encrypted, origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_realm_of_an_encrypted_registry_is_asked_over_https() {
        let origin = |text| Origin::parse(text).expect("an origin");
        let listed = [origin("https://auth.example.com")];
        for (registry, realm, expect) in [
            (
                "https://r.example.com",
                "http://r.example.com/token?x=1",
                Some("https://r.example.com/token?x=1"),
            ),
            (
                "https://r.example.com:5000",
                "http://r.example.com:5000/t",
                Some("https://r.example.com:5000/t"),
            ),
            (
                "https://r.example.com:5000",
                "http://r.example.com/t",
                Some("https://r.example.com:5000/t"),
            ),
            (
                "https://r.example.com",
                "http://auth.example.com/t",
                Some("https://auth.example.com/t"),
            ),
            ("https://r.example.com", "http://other.example.com/t", None),
            ("https://r.example.com", "http://r.example.com:8080/t", None),
        ] {
            let checked = check(Some(realm), &origin(registry), &listed);
            let url = checked.as_ref().map(Url::as_str).ok();
            assert_eq!(url, expect, "{registry} {realm}");
            if let Err((_, why)) = checked {
                assert_eq!(why, PLAIN, "{realm}");
            }
        }
    }

    #[test]
    fn t1_a_realm_is_the_registry_or_listed() {
        let origin = |text| Origin::parse(text).expect("an origin");
        let registry = origin("https://registry.example.com");
        let listed = [
            origin("https://gitlab.example.com"),
            origin("http://plain.example.com"),
        ];
        let allowed = |realm| check(realm, &registry, &listed).is_ok();
        for good in [
            "https://registry.example.com/token",
            "https://REGISTRY.example.com:443/token",
            "https://gitlab.example.com/jwt/auth?x=1",
        ] {
            assert!(allowed(Some(good)), "{good}");
        }
        for bad in [
            "http://plain.example.com/token",
            "https://registry.example.com:8443/token",
            "https://example.com/token",
            "https://x.registry.example.com/token",
            "https://registry.example.com.evil.example/token",
            "https://registry.example.com@evil.example/token",
            "https://user:pass@registry.example.com/token",
            "https://169.254.169.254/latest",
            "https://[::ffff:127.0.0.1]/token",
            "https://2130706433/token",
            "//registry.example.com/token",
            "/token",
            "ftp://registry.example.com/token",
            "registry.example.com",
            "Artifactory Realm",
            "",
        ] {
            assert!(!allowed(Some(bad)), "{bad}");
        }
        assert!(!allowed(None));
        let plain = origin("http://127.0.0.1:5000");
        assert!(check(Some("http://127.0.0.1:5000/token"), &plain, &[]).is_ok());
        assert!(check(Some("http://127.0.0.1:5001/token"), &plain, &[]).is_err());
        assert!(check(Some("http://localhost:5000/token"), &plain, &[]).is_err());
    }
}
