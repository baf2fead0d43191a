//! The hidden marks in texts on forges: of our comments and issues, and of incomplete pull requests.

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

/// A text without the mark.
pub(super) fn unmarked(code: &str, text: &str) -> String {
    match is_marked(code, text) {
        true => text.replace(&mark(code), "").trim_end().to_owned(),
        false => text.to_owned(),
    }
}

/// Whether a text bears the mark.
pub(super) fn is_marked(code: &str, text: &str) -> bool {
    text.contains(&mark(code))
}
