//! The next page of a list.

use crate::http::Origin;
use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// Why a next page is not requested: its origin, or what is wrong with the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// The query of the next page (RFC 8288): that of the first `rel="next"` among all links of all headers, relative or
/// absolute. A link to another origin is refused unless it is `rebased` on the origin of the request.
pub(super) fn next(
    headers: &HeaderMap,
    asked: &Url,
    rebased: bool,
) -> Result<Option<String>, Refused> {
    let garbage = || Refused("an invalid URL".to_owned());
    for value in headers.get_all(LINK) {
        let text = value
            .to_str()
            .map_err(|_| garbage())?
            .trim()
            .trim_end_matches(',');
        if text.is_empty() {
            continue;
        }
        let links = http_link::parse_link_header(text, asked).map_err(|_| garbage())?;
        let Some(link) = links.into_iter().find(|link| link.rel == "next") else {
            continue;
        };
        let target = Origin::of(&link.target).ok_or_else(garbage)?;
        if !rebased && Some(&target) != Origin::of(asked).as_ref() {
            return Err(Refused(target.to_string()));
        }
        let query = link.target.query().unwrap_or_default();
        if query.is_empty() {
            return Err(Refused("the same page".to_owned()));
        }
        return Ok(Some(query.to_owned()));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], rebased: bool) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, value.parse().expect("a header"));
        }
        let asked = Url::parse("https://r.example/v2/a/b/tags/list?n=2").expect("a URL");
        next(&headers, &asked, rebased).map_err(|refused| refused.0)
    }

    #[test]
    fn follows_every_form_of_the_next_page() {
        let same = |values: &[&str], expect: Option<&str>| {
            assert_eq!(
                check(values, false),
                Ok(expect.map(str::to_owned)),
                "{values:?}"
            );
        };
        same(&[], None);
        same(
            &[r#"</v2/a/b/tags/list?n=2&last=x>; rel="next""#],
            Some("n=2&last=x"),
        );
        same(&["<?last=x>; rel=next"], Some("last=x"));
        same(
            &[r#"<https://r.example:443/v2/a/b/tags/list?next_page=o%2Fp%3D>; rel="NEXT""#],
            Some("next_page=o%2Fp%3D"),
        );
        same(
            &[r#"<?a>; rel="prev", <?b>; title="x, y"; rel="next last""#],
            Some("b"),
        );
        same(&[r#"<?a>; rel="first""#, r#"<?b>; rel="next""#], Some("b"));
        same(&[r#"<?a>; rel="first""#], None);
        // Artifactory leaves its prefix out.
        same(&[r#"</v2/b/tags/list?last=x>; rel="next""#], Some("last=x"));
    }

    #[test]
    fn t2_refuses_other_origins_and_garbage() {
        let other = r#"<https://evil.example/v2/a/b/tags/list?last=x>; rel="next""#;
        assert_eq!(
            check(&[other], false),
            Err("https://evil.example".to_owned())
        );
        assert_eq!(check(&[other], true), Ok(Some("last=x".to_owned())));
        for bad in [
            r#"<http://r.example/?last=x>; rel="next""#,
            r#"<https://r.example:8443/?last=x>; rel="next""#,
            r#"<//evil.example/?last=x>; rel="next""#,
            r#"<file:///x?y>; rel="next""#,
            r#"<?x; rel="next""#,
            "next",
            r#"</v2/a/b/tags/list>; rel="next""#,
        ] {
            assert!(check(&[bad], false).is_err(), "{bad}");
        }
    }
}
