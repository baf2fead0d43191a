//! Scheme, host and port: a credential never leaves its origin.

use std::fmt;
use url::Url;

/// An origin, `https://registry.example.com` or `http://127.0.0.1:5000`, with the port always known.
///
/// Two URLs have the same origin only if scheme, host and port are equal; suffixes, families of domains and defaults do
/// not count (RFC 6454).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin; write only scheme, host and port, for example `https://gitlab.example.com`"
)]
pub struct ParseOriginError(String);

impl Origin {
    /// Reads an origin: `http` or `https`, a host, an optional port, nothing else.
    pub fn parse(text: &str) -> Result<Self, ParseOriginError> {
        let error = || ParseOriginError(text.to_owned());
        let url = Url::parse(text).map_err(|_| error())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        if !bare {
            return Err(ParseOriginError(
                "something with a path, a query or a user".to_owned(),
            ));
        }
        Self::of(&url).ok_or_else(error)
    }

    /// The origin of a URL; `None` unless it is `http` or `https` with a host.
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.trim_end_matches('.').to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            ("https", 443) | ("http", 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

impl std::str::FromStr for Origin {
    type Err = ParseOriginError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, expect) in [
            ("https://GitLab.example.com/", "https://gitlab.example.com"),
            (
                "https://gitlab.example.com:443",
                "https://gitlab.example.com",
            ),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("https://[fd00::1]:5000", "https://[fd00::1]:5000"),
            ("https://2130706433", "https://127.0.0.1"),
        ] {
            assert_eq!(
                Origin::parse(text).map(|o| o.to_string()),
                Ok(expect.to_owned())
            );
        }
        for bad in [
            "gitlab.example.com",
            "https://a/path",
            "https://u:p@a",
            "ftp://a",
            "https://a?x",
            "",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad:?}");
        }
        assert_ne!(Origin::parse("http://a"), Origin::parse("https://a"));
        assert_ne!(Origin::parse("https://a:8443"), Origin::parse("https://a"));
        assert_ne!(Origin::parse("https://a.b"), Origin::parse("https://b"));
    }

    #[test]
    fn t8_an_origin_with_a_user_is_not_repeated_in_the_error() {
        let error = Origin::parse("https://bot:CANARY@a").map_err(|e| e.to_string());
        assert!(error.is_err_and(|text| !text.contains("CANARY")));
    }
}
