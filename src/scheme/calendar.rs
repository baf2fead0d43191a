//! Dates and times, as tags write them (`docs/tag-schemes.md`, `auto` 2 to 4). No clock.

/// What a run of digits means as a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// `YYYYMM`.
    Month,
    /// `YYYYMMDD`, `YYYYMMDDhhmm` or `YYYYMMDDhhmmss`.
    Day,
    /// Seconds or milliseconds since 1970, from 2001 to 2036.
    Unix,
}

/// The decimal value of at most nine ASCII digits.
fn small(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u32::from(digit - b'0'))
    })
}

/// Whether a number is a year that tags are dated with.
pub(super) fn is_year(year: u64) -> bool {
    (1990..=2099).contains(&year)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    is_year(u64::from(year)) && (1..=days).contains(&day)
}

/// Whether `YYYY`, `MM` and, if given, `DD` are written in full and name a month or a day.
pub(super) fn is_written_date(year: &str, month: &str, day: Option<&str>) -> bool {
    if (year.len(), month.len()) != (4, 2) || day.is_some_and(|day| day.len() != 2) {
        return false;
    }
    let day = day.map_or(Some(1), |day| small(day.as_bytes()));
    match (small(year.as_bytes()), small(month.as_bytes()), day) {
        (Some(year), Some(month), Some(day)) => is_day(year, month, day),
        _ => false,
    }
}

/// Reads a run of digits as a date or a Unix time.
pub(super) fn stamp(digits: &str) -> Option<Stamp> {
    let digits = digits.as_bytes();
    match digits.len() {
        6 => is_day(small(&digits[..4])?, small(&digits[4..])?, 1).then_some(Stamp::Month),
        8 | 12 | 14 => {
            let day = is_day(
                small(&digits[..4])?,
                small(&digits[4..6])?,
                small(&digits[6..8])?,
            );
            let mut limits = [24, 60, 61].into_iter();
            let clock = digits[8..].chunks(2).all(
                |pair| matches!((small(pair), limits.next()), (Some(n), Some(limit)) if n < limit),
            );
            (day && clock).then_some(Stamp::Day)
        }
        10 if digits.starts_with(b"1") || digits.starts_with(b"20") => Some(Stamp::Unix),
        13 if digits.starts_with(b"1") => Some(Stamp::Unix),
        _ => None,
    }
}

/// Whether a run of digits is a date in one number, not a Unix time.
pub(super) fn is_date(digits: &str) -> bool {
    matches!(stamp(digits), Some(Stamp::Month | Stamp::Day))
}

/// Whether a run of digits is a date, including `YYMMDD`: one letter beside it does not make it a hash.
pub(super) fn is_dated_letter(digits: &str) -> bool {
    let short = || {
        let digits = digits.as_bytes();
        digits.len() == 6
            && matches!(
                (small(&digits[..2]), small(&digits[2..4]), small(&digits[4..])),
                (Some(year), Some(month), Some(day)) if is_day(2000 + year, month, day)
            )
    };
    is_date(digits) || short()
}

/// The end of `T` and two to six digits, also split by `-` or `:`, with an optional `Z`, or of `Z` alone, if it is at
/// `at` and ends a segment; with the hours, minutes and seconds.
pub(super) fn time(text: &str, at: usize) -> Option<(usize, [Option<&str>; 3])> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut parts = [None; 3];
    let mut end = at;
    if matches!(bytes.get(at), Some(b'T' | b't')) {
        end = at + 1;
        match digits(end) {
            2 => {
                parts[0] = text.get(end..end + 2);
                end += 2;
                for part in &mut parts[1..] {
                    if !matches!(bytes.get(end), Some(b'-' | b':')) || digits(end + 1) != 2 {
                        break;
                    }
                    *part = text.get(end + 1..end + 3);
                    end += 3;
                }
            }
            run @ 3..=6 => {
                for (place, part) in parts.iter_mut().enumerate() {
                    *part = text.get(
                        (end + 2 * place).min(end + run)..(end + 2 * place + 2).min(end + run),
                    );
                }
                end += run;
            }
            _ => return None,
        }
    }
    if matches!(bytes.get(end), Some(b'Z' | b'z')) {
        end += 1;
    }
    let ends = bytes
        .get(end)
        .is_none_or(|byte| matches!(byte, b'-' | b'_' | b'+' | b'.'));
    (end > at && ends).then_some((end, parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_and_nothing_else() {
        for (digits, expect) in [
            ("202401", Some(Stamp::Month)),
            ("202413", None),
            ("202400", None),
            ("20240229", Some(Stamp::Day)),
            ("20230229", None),
            ("20240230", None),
            ("19891231", None),
            ("21000101", None),
            ("99991231", None),
            ("2024010110", Some(Stamp::Unix)),
            ("202401011030", Some(Stamp::Day)),
            ("202401012430", None),
            ("20240101103000", Some(Stamp::Day)),
            ("1635498622", Some(Stamp::Unix)),
            ("1635498622000", Some(Stamp::Unix)),
            ("9635498622", None),
            ("", None),
            ("1475", None),
        ] {
            assert_eq!(stamp(digits), expect, "{digits}");
        }
        assert!(is_dated_letter("240220") && !is_dated_letter("241320"));
    }

    #[test]
    fn reads_times_to_their_end() {
        let end = |text: &str| time(text, 0).map(|(end, _)| end);
        for (text, expect) in [
            ("T1030Z", Some(6)),
            ("T09", Some(3)),
            ("T16-07-38Z", Some(10)),
            ("T16:07:38-x", Some(9)),
            ("T10-30-5", Some(6)),
            ("T103000", Some(7)),
            ("Z", Some(1)),
            ("T", None),
            ("T1", None),
            ("T1030x", None),
            ("T1234567", None),
            ("Tue", None),
            ("", None),
        ] {
            assert_eq!(end(text), expect, "{text}");
        }
    }
}
