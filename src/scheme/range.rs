//! Ranges of versions: `>=3.11 <4 || ^5.2`, compared with the version numbers only.
//!
//! `^`, `~` and `*` are the `semver` crate's. The signs are compared here, because the crate reads `>1` as `>=2`, wants
//! commas, has no `!=`, and knows neither four numbers nor leading zeros (`18.04`).

use std::cmp::Ordering;

use super::error::SchemeError;
use super::order::Number;

/// A range: alternatives of comparators that are all required.
#[derive(Debug, Clone)]
pub(super) struct Range {
    alternatives: Vec<Vec<Comparator>>,
}

#[derive(Debug, Clone)]
enum Comparator {
    /// A sign and a version of any length.
    Sign(Operator, Vec<String>),
    /// `^1.2`, `~1.2`, `1.*`.
    Semver(::semver::VersionReq),
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// Longer signs first.
const OPERATORS: [(&str, Operator); 6] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

impl Range {
    /// Reads a range.
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let bad = |reason: String| SchemeError::BadRange {
            text: text.to_owned(),
            reason,
        };
        let alternatives = text.split("||").map(|alternative| {
            let mut comparators = Vec::new();
            let mut rest = alternative.trim();
            while !rest.is_empty() {
                let sign = OPERATORS
                    .into_iter()
                    .find_map(|(sign, operator)| Some((operator, rest.strip_prefix(sign)?)));
                // A single number is that version: `>=3.11 <4 || 5`.
                let (operator, behind) = sign.unwrap_or((Operator::Equal, rest));
                let behind = behind.trim_start();
                let end = behind
                    .find(|c: char| c.is_whitespace() || "<>=!".contains(c))
                    .unwrap_or(behind.len());
                let (version, next) = behind.split_at(end);
                comparators.push(match sign {
                    None if version.starts_with(['^', '~']) || is_wildcard(version) => {
                        let read = ::semver::VersionReq::parse(version).ok().filter(|read| {
                            !version.contains(',')
                                && read.comparators.iter().all(|c| c.pre.is_empty())
                        });
                        Comparator::Semver(read.ok_or_else(|| {
                            bad(format!(
                                "{version:?} is not a version; write three numbers at most, `^1.2`"
                            ))
                        })?)
                    }
                    _ => Comparator::Sign(operator, numbers(version).map_err(bad)?),
                });
                rest = next.trim_start();
            }
            match comparators.is_empty() {
                true => Err(bad("a comparator is missing; write `>=3.11 <4`".to_owned())),
                false => Ok(comparators),
            }
        });
        Ok(Self {
            alternatives: alternatives.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a version is in the range; missing numbers count as zero.
    pub(super) fn contains<'t>(&self, version: impl Iterator<Item = Number<'t>> + Clone) -> bool {
        self.alternatives.iter().any(|comparators| {
            comparators
                .iter()
                .all(|comparator| comparator.holds(version.clone()))
        })
    }
}

impl Comparator {
    fn holds<'t>(&self, version: impl Iterator<Item = Number<'t>>) -> bool {
        let (operator, numbers) = match self {
            Self::Sign(operator, numbers) => (operator, numbers),
            Self::Semver(range) => {
                return first_three(version).is_some_and(|version| range.matches(&version));
            }
        };
        let mut version = version.fuse();
        let mut own = numbers.iter().map(|digits| Number::new(digits)).fuse();
        let order = loop {
            match (version.next(), own.next()) {
                (None, None) => break Ordering::Equal,
                (left, right) => {
                    let zero = Number::ZERO;
                    match left.unwrap_or(zero).cmp(&right.unwrap_or(zero)) {
                        Ordering::Equal => {}
                        order => break order,
                    }
                }
            }
        };
        match operator {
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
        }
    }
}

/// The part that the crate can compare: three numbers of at most 64 bits; missing ones are zero, further ones are
/// ignored.
fn first_three<'t>(mut version: impl Iterator<Item = Number<'t>>) -> Option<::semver::Version> {
    let mut next = || match version.next() {
        None => Some(0),
        Some(number) if number.as_str().is_empty() => Some(0),
        Some(number) => number.as_str().parse().ok(),
    };
    Some(::semver::Version::new(next()?, next()?, next()?))
}

/// `*`, `1.*`, `1.2.x`.
fn is_wildcard(version: &str) -> bool {
    let last = version.rsplit('.').next();
    matches!(last, Some("*" | "x" | "X"))
}

fn numbers(version: &str) -> Result<Vec<String>, String> {
    let digits = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits.split('.').all(fits) {
        Ok(digits.split('.').map(str::to_owned).collect())
    } else if version.is_empty() {
        Err("a version is missing after the sign".to_owned())
    } else {
        Err(format!(
            "{version:?} is not a version; write numbers and dots, `3.11`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, version: &str) -> bool {
        let numbers = version.split('.').map(Number::new);
        Range::parse(range).expect("a range").contains(numbers)
    }

    #[test]
    fn compares_numbers_from_left_to_right() {
        for (range, version, expect) in [
            ("<2", "1.99.3", true),
            ("<2", "2.0.0", false),
            ("<=2", "2.0.0", true),
            ("<=2", "2.0.1", false),
            (">=1.4 <1.6", "1.5.9", true),
            (">=1.4 <1.6", "1.6.0", false),
            (">= 1.4  <1.6", "1.4", true),
            (">=1.4<1.6", "1.4", true),
            ("=11 || =17", "17", true),
            ("=11||=17", "18", false),
            ("!=1.6", "1.6.0", false),
            ("!=1.6", "1.6.1", true),
            (">=3.11 <4 || 5", "5.0", true),
            (">=3.11 <4 || 5", "4", false),
            (">99999999999999999999", "100000000000000000000", true),
            ("=v1.02", "1.2", true),
            ("^1.2", "1.9", true),
            ("^1.2", "1.1.9", false),
            ("^1.2", "2.0", false),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("~1.2", "1.3", false),
            ("~1.2 !=1.2.4", "1.2.4", false),
            ("1.*", "1.4.2.7", true),
            ("1.x || ^3", "3.1", true),
            ("1.x || ^3", "2", false),
            ("*", "7", true),
            ("^1", "1.99999999999999999999", false),
            ("<1.99999999999999999999", "1.2", true),
            ("^18.4", "18.04", true),
        ] {
            assert_eq!(contains(range, version), expect, "{range} {version}");
        }
    }

    #[test]
    fn refuses_what_is_no_range() {
        for bad in [
            "",
            " ",
            "||",
            "<1 ||",
            "<",
            "<a",
            "<1.x",
            "^",
            "~",
            "^a",
            "^1,^2",
            "^1.2.3.4",
            "^1.2.3-rc1",
            "*.1",
            "<^1",
            "^99999999999999999999",
            "1.2-rc1",
            "<1 and >2",
            ">=1,<2",
            "<<1",
            "=>1",
            "1..2",
        ] {
            let error = Range::parse(bad).expect_err(bad);
            assert_eq!(error.code(), "bad-range", "{bad}");
        }
    }
}
