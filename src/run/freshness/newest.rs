//! Which tag of an image is looked at where nobody names one.

use crate::image::{ImageName, Tag};
use crate::scheme::{Rules, select};
use jiff::civil::Date;

/// The newest plain version, written as exactly as any; or else `latest`, or the only tag that there is.
pub(super) fn newest(image: &ImageName, tags: &[Tag], today: Date) -> Option<Tag> {
    let plain = tags.iter().filter(|tag| is_plain(tag.as_str()));
    let exactness = |tag: &&Tag| (tag.as_str().matches('.').count(), tag.as_str().to_owned());
    if let Some(exact) = plain.max_by_key(exactness) {
        let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let selection = select(
            image,
            Some(exact.as_str()),
            &texts,
            &Rules::default(),
            today,
        );
        let best = selection
            .ok()?
            .best()
            .and_then(|best| Tag::parse(best).ok());
        return Some(best.unwrap_or_else(|| exact.clone()));
    }
    let latest = tags.iter().find(|tag| tag.as_str() == "latest");
    match (latest, tags) {
        (Some(latest), _) => Some(latest.clone()),
        (None, [only]) => Some(only.clone()),
        _ => None,
    }
}

/// Whether a tag is numbers with dots between them, with or without a `v`.
fn is_plain(tag: &str) -> bool {
    let numbers = tag.strip_prefix('v').unwrap_or(tag);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    // A commit's id may be digits only.
    numbers.len() < 32 && numbers.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &[&str], expect: Option<&str>) {
        let parse = |text: &&str| Tag::parse(text).expect("a tag");
        let tags: Vec<Tag> = tags.iter().map(parse).collect();
        let image = ImageName::parse("r.example/app").expect("a name");
        let today = Date::new(2026, 11, 24).expect("a day");
        let found = newest(&image, &tags, today);
        assert_eq!(found.as_ref().map(Tag::as_str), expect);
    }

    #[test]
    fn the_newest_exact_version_or_latest() {
        check(&["1", "1.9", "1.10", "1.10-rc1", "latest"], Some("1.10"));
        check(
            &["1.2.3", "1.10.0", "2.0.0-rc1", "1.11", "2"],
            Some("1.10.0"),
        );
        check(&["v1.9.0", "v1.10.0", "main"], Some("v1.10.0"));
        check(&["main", "latest"], Some("latest"));
        check(&["main"], Some("main"));
        check(&["main", "sha-1"], None);
        check(&[], None);
    }
}
