//! Dockerfiles that a template engine fills in: Jinja's and Go's `{{ … }}`, ERB's `<% … %>`.

use super::lines::Instruction;
use super::words;

/// What begins and ends a placeholder.
const PLACEHOLDERS: [(&str, &str); 2] = [("{{", "}}"), ("<%", "%>")];

/// What begins a line that belongs to the engine.
const MARKUP: [&str; 5] = ["{{", "{%", "{#", "<%", "%}"];

/// How long the placeholder is that a text begins with.
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

/// The line of the first placeholder that an image can depend on, or of the first line of the engine's. `RUN` and its like
/// hand `{{ … }}` to programs of their own.
pub(super) fn first_line(instructions: &[Instruction]) -> Option<usize> {
    let found = instructions.iter().find(|instruction| {
        let text = instruction.text.text();
        let keyword = words::keyword(text).0.to_ascii_lowercase();
        let counts = matches!(&*keyword, "from" | "arg" | "copy" | "add");
        is_markup(text) || counts && has_placeholder(text)
    });
    found.map(|instruction| instruction.line)
}
