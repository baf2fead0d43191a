//! What a 401 asks for.

use http_auth::parser::ChallengeParser;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// A challenge of a kind that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer {
        realm: Option<String>,
        service: Option<String>,
        scope: Option<String>,
    },
}

/// All challenges of an answer, in order: there may be several headers with several challenges each (Gitea
/// sends Bearer and Basic). What cannot be parsed ends its header.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| ChallengeParser::new(value).map_while(Result::ok))
        .filter_map(|challenge| {
            let parameter = |name: &str| {
                let mut found = challenge
                    .params
                    .iter()
                    .filter(|(key, _)| key.eq_ignore_ascii_case(name));
                let value = found.next()?.1.to_unescaped();
                // Twice the same parameter: which one counts is a matter of opinion, so neither does.
                (found.next().is_none() && !value.is_empty()).then_some(value)
            };
            if challenge.scheme.eq_ignore_ascii_case("bearer") {
                Some(Challenge::Bearer {
                    realm: parameter("realm"),
                    service: parameter("service"),
                    scope: parameter("scope"),
                })
            } else if challenge.scheme.eq_ignore_ascii_case("basic") {
                Some(Challenge::Basic)
            } else {
                None
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().expect("a header"));
        }
        challenges(&headers)
    }

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: Some(realm.to_owned()),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        }
    }

    #[test]
    fn reads_all_challenges() {
        let full = r#"Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push""#;
        let read = bearer("https://a/t", Some("s"), Some("repository:a/b:pull,push"));
        assert_eq!(parse(&[full]), std::slice::from_ref(&read));
        assert_eq!(
            parse(&[&format!(r#"{full}, Basic realm="x""#)]),
            [read.clone(), Challenge::Basic]
        );
        assert_eq!(
            parse(&[r#"basic realm="x""#, "Negotiate", full]),
            [Challenge::Basic, read]
        );
        assert_eq!(
            parse(&[r#"BEARER REALM="https://a/t""#]),
            [bearer("https://a/t", None, None)]
        );
        assert_eq!(
            parse(&[r#"Bearer realm="https://a",realm="https://b",service="s""#]),
            [Challenge::Bearer {
                realm: None,
                service: Some("s".to_owned()),
                scope: None
            }]
        );
        assert_eq!(
            parse(&["", "Bearer"]),
            [Challenge::Bearer {
                realm: None,
                service: None,
                scope: None
            }]
        );
        assert_eq!(parse(&["\"garbage", ",,,"]), []);
    }
}
