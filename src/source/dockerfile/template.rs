//! Dockerfile templates: Jinja's and Go's `{{ … }}`, ERB's `<% … %>`.

use super::lines::Instruction;
use super::words;

/// The ends of placeholders.
const PLACEHOLDERS: [(&str, &str); 2] = [("{{", "}}"), ("<%", "%>")];

/// The beginnings of lines that belong to the engine.
const MARKUP: [&str; 5] = ["{{", "{%", "{#", "<%", "%}"];

/// The length of the placeholder at the beginning of a text.
pub(super) fn placeholder(text: &str) -> Option<usize> {
    PLACEHOLDERS.iter().find_map(|(start, end)| {
        let inner = text.strip_prefix(start)?;
        Some(start.len() + inner.find(end)? + end.len())
    })
}

/// Whether a text has a placeholder.
pub(super) fn has_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("<%")
}

/// Whether a line belongs to the engine.
pub(super) fn is_markup(text: &str) -> bool {
    MARKUP.iter().any(|start| text.starts_with(start))
}

/// The line of the first placeholder that an image can depend on, or the engine's first line. `RUN` and the like pass
/// `{{ … }}` to other programs.
pub(super) fn first_line(instructions: &[Instruction]) -> Option<usize> {
    let found = instructions.iter().find(|instruction| {
        let text = instruction.text.text();
        let keyword = words::keyword(text).0.to_ascii_lowercase();
        let counts = matches!(&*keyword, "from" | "arg" | "copy" | "add");
        is_markup(text) || counts && has_placeholder(text)
    });
    found.map(|instruction| instruction.line)
}
