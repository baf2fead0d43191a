//! What a 401 asks for: `WWW-Authenticate` (RFC 9110, section 11.6.1), read leniently.
//!
//! Registries and the proxies before them leave out quotes, put spaces around `=` and send unknown schemes. The header
//! is read as words, each a scheme unless an `=` follows it; then it is a parameter of the scheme before it. Text after
//! `Negotiate` and the like is skipped.

use crate::redact::Redactor;
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

/// The most of a header that is read, in bytes.
const LONGEST: usize = 8 << 10;

/// All challenges of an answer, in order: there may be several headers with several challenges each (Gitea
/// sends Bearer and Basic).
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    values
        .flat_map(|value| read(&String::from_utf8_lossy(value.as_bytes())))
        .filter_map(|(scheme, parameters)| challenge(&scheme, &parameters))
        .collect()
}

/// The headers as they were sent, without credentials, for the error that they cannot be read.
pub(super) fn written(headers: &HeaderMap, redactor: &Redactor) -> String {
    let values = headers.get_all(WWW_AUTHENTICATE).iter();
    let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let values: Vec<String> = values
        .map(|value| redactor.redact(&value).into_owned())
        .collect();
    let shown = values.join(", ");
    shown
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

type Parameters = Vec<(String, String)>;

fn challenge(scheme: &str, parameters: &Parameters) -> Option<Challenge> {
    let parameter = |name: &str| {
        let mut found = parameters
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let value = found.next()?.1.clone();
        // The same parameter twice: it is unclear which one counts, so neither does.
        (found.next().is_none() && !value.is_empty()).then_some(value)
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(Challenge::Bearer {
            realm: parameter("realm"),
            service: parameter("service"),
            scope: parameter("scope"),
        })
    } else if scheme.eq_ignore_ascii_case("basic") {
        Some(Challenge::Basic)
    } else {
        None
    }
}

/// The schemes of a header, each with its parameters.
fn read(header: &str) -> Vec<(String, Parameters)> {
    let mut end = header.len().min(LONGEST);
    while !header.is_char_boundary(end) {
        end -= 1;
    }
    let mut rest = &header[..end];
    let mut all: Vec<(String, Parameters)> = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let length = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if rest.is_empty() {
            return all;
        }
        if length == 0 {
            // Not a word: it ends at the next comma.
            rest = rest.find(',').map_or("", |at| &rest[at..]);
            continue;
        }
        let (word, behind) = rest.split_at(length);
        match behind.trim_start_matches([' ', '\t']).strip_prefix('=') {
            Some(behind) => {
                let (value, behind) = value(behind.trim_start_matches([' ', '\t']));
                if let Some((_, parameters)) = all.last_mut() {
                    parameters.push((word.to_owned(), value));
                }
                rest = behind;
            }
            None => {
                all.push((word.to_owned(), Vec::new()));
                rest = behind;
            }
        }
    }
}

/// A value in quotes, or up to the next comma; and the text after it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    // The quote is not closed.
    (value, "")
}

/// `tchar` of RFC 9110.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes());
            headers.append(WWW_AUTHENTICATE, value.expect("a header"));
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
            [Challenge::Basic, read.clone()]
        );
        assert_eq!(
            parse(&[r#"BEARER REALM="https://a/t""#]),
            [bearer("https://a/t", None, None)]
        );
        let nothing = Challenge::Bearer {
            realm: None,
            service: Some("s".to_owned()),
            scope: None,
        };
        assert_eq!(
            parse(&[r#"Bearer realm="https://a",realm="https://b",service="s""#]),
            [nothing]
        );
        let bare = Challenge::Bearer {
            realm: None,
            service: None,
            scope: None,
        };
        assert_eq!(parse(&["", "Bearer"]), [bare]);
        assert_eq!(parse(&["\"garbage", ",,,", "=", "é"]), []);
    }

    #[test]
    fn is_lenient_with_quotes_spaces_and_unknown_schemes() {
        let simple = bearer("https://a/t?x=1", Some("s"), None);
        for header in [
            "Bearer realm=https://a/t?x=1,service=s",
            "Bearer realm=https://a/t?x=1, service=s",
            r#"Bearer realm = "https://a/t?x=1" , service = "s""#,
            "Bearer realm= \"https://a/t?x=1\",\tservice =s",
            r#"Bearer   service="s"  realm="https://a/t?x=1""#,
            r#"Negotiate, Bearer realm="https://a/t?x=1",service="s""#,
            r#"Negotiate YWJjZA==, Bearer realm="https://a/t?x=1",service="s""#,
            r#"NTLM TlRMTVNTUAAC, Bearer realm="https://a/t?x=1",service="s""#,
            r#"Digest realm="x", nonce="y", qop=auth, Bearer realm="https://a/t?x=1",service="s""#,
            r#"Bearer realm="https://a/t?x=1",service="s",error=invalid_token,x="#,
            r#"Bearer realm="https://a/t?x=1",service="s"#,
            r#"Bearer realm="https:\/\/a/t?x=1",service="s",error="\"""#,
            r#", ,Bearer realm="https://a/t?x=1",,service="s","#,
        ] {
            assert_eq!(parse(&[header]), std::slice::from_ref(&simple), "{header}");
        }
        let both = [simple, Challenge::Basic];
        for headers in [
            vec![r#"Bearer realm="https://a/t?x=1",service="s", Basic realm="x""#],
            vec![r#"Bearer realm="https://a/t?x=1",service="s""#, "Basic"],
            vec!["Bearer realm=https://a/t?x=1,service=s,Basic realm=x y"],
        ] {
            assert_eq!(parse(&headers), both, "{headers:?}");
        }
    }

    #[test]
    fn a_header_of_any_length_is_read_in_time() {
        for header in [
            "Bearer ".repeat(100_000),
            "a=".repeat(200_000),
            "\"".repeat(300_000),
        ] {
            assert!(parse(&[&header]).len() <= LONGEST / 7 + 1);
        }
        assert!(written(&HeaderMap::new(), &Redactor::new()).is_empty());
    }
}
