//! The words of `# imagebot:` comments.

/// The words of an `# imagebot:` comment, each with the value after its `=`, which may be in double quotes.
pub fn comment_words(note: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let mut words = Vec::new();
    let mut rest = note.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            None => None,
            Some(behind) => Some(match behind.strip_prefix('"') {
                Some(quoted) => {
                    let close = quoted.find('"').ok_or("a quote is not closed")?;
                    rest = &quoted[close + 1..];
                    quoted[..close].to_owned()
                }
                None => {
                    let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
                    rest = &behind[end..];
                    behind[..end].to_owned()
                }
            }),
        };
        words.push((key, value));
        rest = rest.trim_start();
    }
    Ok(words)
}
