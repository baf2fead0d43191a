//! Commit hashes in tags: what is a hash, and at which positions a list has them.

use std::collections::{HashMap, HashSet};

use super::calendar::is_dated_letter;
use super::words::is_separator;

/// The least number of hexadecimal digits of a commit hash.
const SHORTEST: usize = 7;

/// Whether a segment is a hash of 7 to `longest` digits with a letter and a digit, or one after `g`.
pub(super) fn is_hash(segment: &str, longest: usize) -> bool {
    let fits = |text: &str| {
        (SHORTEST..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    if let Some(rest) = segment.strip_prefix('g') {
        return fits(rest);
    }
    fits(segment) && is_mixed(segment) && !is_letter_and_date(segment)
}

/// Whether a whole tag is a bare hash (`docs/tag-schemes.md`, `auto` 1).
pub(super) fn is_bare_hash(tag: &str) -> bool {
    let cosign = tag.strip_prefix("sha256-").map(|rest| {
        [".sig", ".att", ".sbom"]
            .iter()
            .find_map(|end| rest.strip_suffix(end))
            .unwrap_or(rest)
    });
    if cosign.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())) {
        return true;
    }
    let marked = ["sha-", "sha256-", "git-", "commit-"]
        .iter()
        .find_map(|mark| tag.strip_prefix(mark));
    is_hash(marked.unwrap_or(tag), 64)
}

/// Whether a text holds a letter and a digit.
fn is_mixed(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// `b20240220`, `20240101a`: a valid date with one letter before or after it is not a hash.
fn is_letter_and_date(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    (letter(bytes.first()) && segment.get(1..).is_some_and(is_dated_letter))
        || (letter(bytes.last())
            && segment
                .get(..segment.len().saturating_sub(1))
                .is_some_and(is_dated_letter))
}

/// The positions of a tag list that contain commit hashes, so that a hash which happens to have no letter is not read
/// as a number there (`docs/tag-schemes.md`, `auto` 3).
///
/// Two segments have the same position if the text before them is the same except for its numbers and hashes, and they
/// have the same length.
#[derive(Debug, Clone, Default)]
pub(super) struct HashPlaces(HashSet<(u64, usize)>);

impl HashPlaces {
    /// Reads a list; a position needs two different tags to count as one of hashes.
    pub(super) fn of<'t>(tags: impl Iterator<Item = &'t str>) -> Self {
        let mut first: HashMap<(u64, usize), &str> = HashMap::new();
        let mut places = HashSet::new();
        for tag in tags {
            for (start, end, shape) in shapes(tag) {
                let segment = &tag[start..end];
                let digits = segment.strip_prefix('g').unwrap_or(segment);
                if (SHORTEST..=12).contains(&digits.len())
                    && is_hash(segment, 12)
                    && digits.bytes().any(|b| b.is_ascii_alphabetic())
                {
                    let place = (shape, digits.len());
                    if *first.entry(place).or_insert(tag) != tag {
                        places.insert(place);
                    }
                }
            }
        }
        Self(places)
    }

    /// The segments of a tag that are hashes by their position, found in one pass over it.
    pub(super) fn marks(&self, tag: &str) -> HashMarks {
        let mut marks = HashMarks::default();
        if self.0.is_empty() {
            return marks;
        }
        for (start, end, shape) in shapes(tag) {
            let is_number = || tag[start..end].bytes().all(|byte| byte.is_ascii_digit());
            if start < 128 && self.0.contains(&(shape, end - start)) && is_number() {
                marks.0 |= 1 << start;
            }
        }
        marks
    }
}

/// Where the hashes of one tag begin that only their position makes hashes, one bit for each byte.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HashMarks(u128);

impl HashMarks {
    /// Whether the digits that begin at `start` are a hash by their position.
    pub(super) fn is_hash(self, start: usize) -> bool {
        start < 128 && self.0 >> start & 1 == 1
    }
}

/// The segments of a tag as byte ranges.
fn segments(tag: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = tag.as_bytes();
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = bytes.get(start..)?;
        let end = rest.iter().position(|byte| is_separator(*byte));
        next = end.map(|end| start + end + 1);
        Some((start, end.map_or(bytes.len(), |end| start + end)))
    })
}

/// The segments of a tag, each with the shape of the text before it: a hash value (FNV-1a) in which all number runs and
/// all hashes are equal.
fn shapes(tag: &str) -> impl Iterator<Item = (usize, usize, u64)> {
    let bytes = tag.as_bytes();
    let mut shape = Shape::default();
    segments(tag).map(move |(start, end)| {
        let mut before = shape;
        if let Some(separator) = start.checked_sub(1).and_then(|at| bytes.get(at)) {
            before.add(*separator);
            // `1.2.3` is one number run, whatever its precision.
            let digit = |at: Option<usize>| {
                at.and_then(|at| bytes.get(at))
                    .is_some_and(u8::is_ascii_digit)
            };
            let joins = *separator == b'.' && digit(start.checked_sub(2)) && digit(Some(start));
            if !joins {
                shape.add(*separator);
            }
        }
        shape.add_segment(&tag[start..end]);
        (start, end, before.sum)
    })
}

#[derive(Debug, Clone, Copy)]
struct Shape {
    sum: u64,
    last: u8,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            sum: 0xcbf2_9ce4_8422_2325,
            last: 0,
        }
    }
}

impl Shape {
    const NUMBER: u8 = b'0';
    const HASH: u8 = b'#';

    fn add(&mut self, byte: u8) {
        if !(byte == Self::NUMBER && self.last == Self::NUMBER) {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        self.last = byte;
    }

    fn add_segment(&mut self, segment: &str) {
        if is_hash(segment, 64) {
            return self.add(Self::HASH);
        }
        // The `v` of `v1.2` is style.
        let styled = matches!(segment.as_bytes(), [b'v' | b'V', b'0'..=b'9', ..]);
        for byte in &segment.as_bytes()[usize::from(styled)..] {
            self.add(if byte.is_ascii_digit() {
                Self::NUMBER
            } else {
                *byte
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_hashes_from_words_numbers_and_dates() {
        for (segment, expect) in [
            ("0a1b2c3", true),
            ("0A1b2C3", true),
            ("g1234567", true),
            ("gabcdefa", true),
            ("abc123", false),
            ("deadbeef", false),
            ("1234567", false),
            ("b20240220", false),
            ("b240220", false),
            ("20240101a", false),
            ("b20241340", true),
            ("0a1b2cg", false),
            ("", false),
        ] {
            assert_eq!(is_hash(segment, 40), expect, "{segment}");
        }
        assert!(!is_hash(&"a1".repeat(21), 40));
    }

    #[test]
    fn tells_bare_hashes() {
        let digest = "12".repeat(32);
        for (tag, expect) in [
            ("0a1b2c3", true),
            ("sha-0a1b2c3", true),
            ("commit-0a0a0a0", true),
            ("ga1b2c3d", true),
            (&format!("sha256-{digest}"), true),
            (&format!("sha256-{digest}.sig"), true),
            (&format!("sha256-{digest}.txt"), false),
            (&digest, false),
            ("main-0a1b2c3", false),
        ] {
            assert_eq!(is_bare_hash(tag), expect, "{tag}");
        }
    }

    #[test]
    fn an_all_digit_hash_needs_two_lettered_ones_in_its_place() {
        let is_hash = |tags: &[&str], tag: &str| {
            let start = tag.rfind('-').map_or(0, |at| at + 1);
            HashPlaces::of(tags.iter().copied())
                .marks(tag)
                .is_hash(start)
        };
        let two = ["7.1-524a1d5", "v7.2-2f653d4"];
        assert!(is_hash(&two, "7.1.3-9658143"));
        assert!(!is_hash(&two, "7.1-96581430"), "another length");
        assert!(!is_hash(&two, "7.1-slim-9658143"), "another place");
        assert!(!is_hash(&two[..1], "7.1-9658143"), "one is not enough");
        assert!(
            !is_hash(&[two[0], two[0]], "7.1-9658143"),
            "a repeated tag is one"
        );
        assert!(is_hash(&["0a1b2c3", "1b2c3d4"], "9658143"));
    }
}
