//! What the reader of an output can show: colours, a width, and signs that are not ASCII.

use std::io::IsTerminal as _;

/// What the reader of an output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terminal {
    /// The number of columns; `None` if the output is not a terminal, and lines are as long as they are.
    pub(super) width: Option<usize>,
    /// Whether it shows colours.
    pub(super) is_coloured: bool,
    /// Whether it shows more than ASCII.
    pub(super) is_unicode: bool,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb; elsewhere if CLICOLOR_FORCE is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Decides about colours for the whole process.
pub(super) fn colour(when: Color) {
    let choice = match when {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::AlwaysAnsi,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// The narrowest terminal whose width is respected: below it, wrapped text cannot be read anyway.
const NARROWEST: usize = 40;

impl Terminal {
    /// What standard output shows.
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        let choice = anstream::AutoStream::choice(&stdout);
        Self::of(&stdout, choice)
    }

    /// What standard error shows.
    pub(super) fn stderr() -> Self {
        let stderr = std::io::stderr();
        let choice = anstream::AutoStream::choice(&stderr);
        Self::of(&stderr, choice)
    }

    fn of<T>(stream: &T, choice: anstream::ColorChoice) -> Self
    where
        T: std::io::IsTerminal + std::os::fd::AsFd,
    {
        let is_terminal = stream.is_terminal();
        let width = terminal_size::terminal_size_of(stream);
        let width = width.filter(|_| is_terminal);
        Self {
            width: width.map(|(width, _)| usize::from(width.0).max(NARROWEST)),
            is_coloured: choice != anstream::ColorChoice::Never,
            // A file is read later and elsewhere, so the locale of this process says nothing about it.
            is_unicode: !is_terminal || has_unicode(|name| std::env::var(name).ok()),
        }
    }
}

/// Whether stderr is a terminal.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Whether the locale's encoding is UTF-8. The first variable that is set and not empty decides, as POSIX says.
fn has_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_about_unicode() {
        let with = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            has_unicode(|name| {
                let found = set.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone())
            })
        };
        assert!(with(&[("LANG", "de_DE.UTF-8")]));
        assert!(with(&[("LANG", "C"), ("LC_ALL", "C.utf8")]));
        assert!(with(&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8")]));
        assert!(!with(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]));
        assert!(!with(&[("LANG", "de_DE.ISO-8859-1")]));
        assert!(!with(&[]));
    }
}
