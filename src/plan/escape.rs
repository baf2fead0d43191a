//! Escapes untrusted text for forges, so that it can contain neither commands nor mentions (T32, T33).

/// Untrusted text as an inline code span: the fence has more backticks than any run inside, line breaks become spaces,
/// control and bidirectional characters are removed, and `|` does not end a table cell.
pub fn code(text: &str) -> String {
    let mut flat: String = flat(text).chars().take(300).collect();
    flat = flat
        .replace('|', "\u{2758}")
        .replace("<!--", "")
        .replace("-->", "");
    let longest = flat.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if flat.starts_with('`') || flat.ends_with('`') {
        " "
    } else {
        ""
    };
    if flat.is_empty() {
        String::new()
    } else {
        format!("{fence}{pad}{flat}{pad}{fence}")
    }
}

/// Untrusted text on one line, without control and bidirectional characters.
pub(super) fn flat(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let flat: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !hidden(*c))
        .collect();
    flat.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_code_in_one_line() {
        for (text, expect) in [
            ("1.2", "`1.2`"),
            ("a\n/merge\n@all", "`a /merge @all`"),
            ("`x`", "`` `x` ``"),
            ("a|b --> <!-- c", "`a\u{2758}b   c`"),
            ("\u{202e}evil\u{7}", "`evil`"),
            ("", ""),
        ] {
            assert_eq!(code(text), expect, "{text:?}");
        }
    }
}
