//! Lists of GraphQL, which come in pages.

use serde::Deserialize;

/// Where the next page of a GraphQL list begins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

impl PageInfo {
    /// The cursor at which the next page begins; `None` after the last. A server that promises more without a cursor
    /// gets an empty one, and answers with an error: a list is never cut short silently.
    pub(crate) fn next(self) -> Option<String> {
        let cursor = self.end_cursor.unwrap_or_default();
        self.has_next_page.then_some(cursor)
    }
}
