//! The hidden marks by which imagebot finds its own comments and issues again, whoever wrote them.

/// The title of the issue that says that a repository's settings cannot be read.
pub(super) const NOTICE_TITLE: &str = "imagebot cannot read imagebot.toml";
/// The code of that mark.
pub(super) const NOTICE: &str = "notice bad-config";

fn mark(code: &str) -> String {
    format!("<!-- imagebot:{code} -->")
}

/// A text followed by its mark.
pub(super) fn marked(code: &str, text: &str) -> String {
    format!("{}\n\n{}", text.trim_end(), mark(code))
}

/// A text without the mark, and whether it had it.
pub(super) fn unmarked(code: &str, text: &str) -> (String, bool) {
    match is_marked(code, text) {
        true => (text.replace(&mark(code), "").trim_end().to_owned(), true),
        false => (text.to_owned(), false),
    }
}

/// Whether a text bears the mark.
pub(super) fn is_marked(code: &str, text: &str) -> bool {
    text.contains(&mark(code))
}
