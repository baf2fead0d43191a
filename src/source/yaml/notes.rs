//! The `# imagebot:` comments above a line.

use super::tree::Yaml;
use crate::source::located::Comment;

/// The most comment lines above a value that are read: many values can be on the line below.
const MOST: usize = 1_000;
/// The most comments that are kept of these, the nearest ones.
const KEPT: usize = 16;

impl Yaml<'_> {
    /// The `# imagebot:` comments right above a line, in their order.
    pub(crate) fn notes_above(&self, line: usize) -> Vec<Comment> {
        let above = (1..line).rev().take(MOST);
        let comments = above.map_while(|line| {
            let text = self.lines.text(self.text, line)?;
            Some((line, text.trim().strip_prefix('#')?))
        });
        let notes = comments.filter_map(|(line, comment)| {
            let text = comment.trim().strip_prefix("imagebot:")?.trim().to_owned();
            Some(Comment::new(line, text))
        });
        let mut notes: Vec<Comment> = notes.take(KEPT).collect();
        notes.reverse();
        notes
    }
}
