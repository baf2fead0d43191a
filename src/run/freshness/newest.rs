//! Chooses the tag of an image to check if none is given.

use crate::fleet::ParsedRepo;
use crate::image::{ImageName, Tag};
use crate::policy::RuleSubject;
use crate::run::setup::Setup;
use crate::scheme::{self, Rules, Scheme, select};
use jiff::civil::Date;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The tags that the family uses for an image, each with the rules for parsing it.
pub type InUse = BTreeMap<Tag, Rules>;

/// How many tags of one image are considered.
const MOST: usize = 20;

/// The tags in use, for all images that some repositories refer to.
pub(in crate::run) fn in_use<'w>(
    setup: &Setup,
    repos: impl IntoIterator<Item = &'w ParsedRepo>,
) -> HashMap<ImageName, InUse> {
    let mut found: HashMap<ImageName, InUse> = HashMap::new();
    for parsed in repos {
        for (path, located) in &parsed.references {
            let Some((reference, tag)) = located
                .reference()
                .and_then(|reference| Some((reference, reference.tag.as_ref()?)))
            else {
                continue;
            };
            let of_image = found.entry(setup.resolve(&reference.name)).or_default();
            if of_image.len() >= MOST || of_image.contains_key(tag) {
                continue;
            }
            let subject = RuleSubject {
                repo: parsed.name.as_ref(),
                path,
                image: &reference.name,
                tag: Some(tag.as_str()),
                kind: located.kind,
            };
            let Ok(effective) = parsed.policy.effective(&subject, &located.notes) else {
                continue;
            };
            let rules = effective.settings.rules();
            // The limits on updates don't matter for what exists.
            let rules = Rules {
                scheme: rules.scheme,
                prerelease: rules.prerelease,
                variant: rules.variant,
                codename: rules.codename,
                ..Rules::default()
            };
            of_image.insert(tag.clone(), rules);
        }
    }
    found
}

/// The newest tag in the scheme of the references in use. For an image without references: the newest plain version, in
/// the most exact form; else the newest version of another form, or `latest`, or the only tag.
pub(in crate::run) fn newest(
    image: &ImageName,
    tags: &[Tag],
    in_use: Option<&InUse>,
    today: Date,
) -> Option<Tag> {
    let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let best_after = |current: &Tag, rules: &Rules| {
        let selection = select(image, Some(current.as_str()), &texts, rules, today).ok()?;
        let best = selection.best().and_then(|best| Tag::parse(best).ok());
        best.or_else(|| tags.contains(current).then(|| current.clone()))
    };
    let mut newest: Option<Tag> = None;
    for (tag, rules) in in_use.into_iter().flatten() {
        let traits = rules.scheme.traits();
        let is_read = || scheme::read(tag.as_str(), &rules.scheme).is_some();
        let is_version = traits.compares && (traits.must_match || is_read());
        let Some(found) = is_version.then(|| best_after(tag, rules)).flatten() else {
            continue;
        };
        let is_newer = |known: &Tag| {
            let order = scheme::compare(image, known.as_str(), found.as_str(), rules);
            order == Some(Ordering::Greater)
        };
        if newest.as_ref().is_none_or(is_newer) {
            newest = Some(found);
        }
    }
    if newest.is_some() {
        return newest;
    }
    let exactness = |tag: &&Tag| (tag.as_str().matches('.').count(), tag.as_str().to_owned());
    let plain = tags.iter().filter(|tag| is_plain(tag.as_str()));
    let other = || {
        tags.iter()
            .filter(|tag| is_version(tag.as_str()))
            .max_by_key(|tag| numbers(tag.as_str()))
    };
    if let Some(exact) = plain.max_by_key(exactness).or_else(other) {
        return best_after(exact, &Rules::default());
    }
    let latest = tags.iter().find(|tag| tag.as_str() == "latest");
    match (latest, tags) {
        (Some(latest), _) => Some(latest.clone()),
        (None, [only]) => Some(only.clone()),
        _ => None,
    }
}

/// The leading numbers of a tag, after any words before them: their count, their values, and the rest.
fn numbers(tag: &str) -> (usize, Vec<u64>, String) {
    let core = tag.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = core.find(|c: char| !c.is_ascii_digit() && c != '.');
    let core = core.get(..end.unwrap_or(core.len())).unwrap_or_default();
    let numbers = core.split('.').map(|part| part.parse().unwrap_or(0));
    let numbers: Vec<u64> = numbers.collect();
    (numbers.len(), numbers, tag.to_owned())
}

/// Whether a tag that is not plain is still a version: it starts with a number, or has numbers with a dot.
fn is_version(tag: &str) -> bool {
    let numbers = tag.strip_prefix('v').unwrap_or(tag);
    let looks_so = numbers.starts_with(|c: char| c.is_ascii_digit()) || tag.contains('.');
    looks_so && scheme::read(tag, &Scheme::Auto).is_some()
}

/// Whether a tag consists of numbers separated by dots, with or without a `v`.
fn is_plain(tag: &str) -> bool {
    let numbers = tag.strip_prefix('v').unwrap_or(tag);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    // A commit hash may consist of digits only.
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
        let found = newest(&image, &tags, None, today);
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
        check(
            &["latest", "1.2-alpine", "1.10-alpine", "1.9-slim"],
            Some("1.10-alpine"),
        );
        check(
            &["latest", "release-1.2", "release-1.3"],
            Some("release-1.3"),
        );
        check(&["latest", "sha-1", "main"], Some("latest"));
        check(&["main"], Some("main"));
        check(&["main", "sha-1"], None);
        check(&[], None);
    }

    #[test]
    fn the_newest_of_the_scheme_that_is_in_use() {
        let parse = |text: &&str| Tag::parse(text).expect("a tag");
        let tags = [
            "2026.11",
            "2026.9",
            "1.4.0",
            "1.3.0",
            "1.3.0-slim",
            "1.5.0-slim",
            "latest",
        ];
        let tags: Vec<Tag> = tags.iter().map(parse).collect();
        let image = ImageName::parse("r.example/app").expect("a name");
        let today = Date::new(2026, 11, 24).expect("a day");
        let semver = || Rules {
            scheme: Scheme::Semver,
            ..Rules::default()
        };
        let floating = || Rules {
            scheme: Scheme::Floating,
            ..Rules::default()
        };
        for (used, rules, expect) in [
            ("1.3.0", semver(), "1.4.0"),
            ("1.3.0-slim", Rules::default(), "1.5.0-slim"),
            ("2026.9", Rules::default(), "2026.11"),
            // The tag in use no longer exists, and a newer one does.
            ("1.2.0-slim", Rules::default(), "1.5.0-slim"),
        ] {
            let in_use = InUse::from([(parse(&used), rules)]);
            let found = newest(&image, &tags, Some(&in_use), today);
            assert_eq!(found.as_ref().map(Tag::as_str), Some(expect), "{used}");
        }
        let in_use = InUse::from([(parse(&"latest"), floating())]);
        let found = newest(&image, &tags, Some(&in_use), today).expect("a version");
        assert_ne!(found.as_str(), "latest");
        let both = InUse::from([(parse(&"1.3.0"), semver()), (parse(&"1.4.0"), semver())]);
        let found = newest(&image, &tags, Some(&both), today);
        assert_eq!(found.as_ref().map(Tag::as_str), Some("1.4.0"));
    }
}
