//! Texts of a server as they may be shown.

/// The most characters of a server's text that are repeated.
const MOST: usize = 300;

/// A server's text on one line, without control characters, and short.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let clean = words.join(" ");
    clean
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_short_line() {
        for (text, expect) in [
            ("  two\r\n\twords ", "two words"),
            ("no\u{7} bell\u{1b}[31m", "no bell[31m"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), expect, "{text:?}");
        }
        assert_eq!(one_line(&"ä".repeat(999)).chars().count(), MOST);
    }
}
