//! The commands of `imagebot --help` in groups: what most users need first, plumbing last.

use std::fmt::Write as _;

/// Each command is in exactly one group; a test compares the list with clap's.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Commands", &["run", "check", "init", "graph"]),
    (
        "Access and settings",
        &["repos", "forge", "registry", "config"],
    ),
    ("Images", &["tags", "diff", "freshness", "build-order"]),
    ("Local folders", &["update", "cascade", "mr", "demo"]),
    ("Plumbing", &["scan", "edit", "completions", "help"]),
];

/// The template of the help page of a command with these subcommands: clap itself knows headings for options only.
pub(super) fn template(mut command: clap::Command) -> String {
    command.build();
    let mut out = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (heading, names) in GROUPS {
        let _ = writeln!(out, "\n{heading}:");
        for name in names {
            let about = command
                .find_subcommand(name)
                .and_then(clap::Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            // The first sentence: the command's own help has the rest.
            let about = about.split(". ").next().unwrap_or_default();
            let _ = writeln!(out, "  {name:<12} {}", about.trim_end_matches('.'));
        }
    }
    out + "\nOptions:\n{options}{after-help}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_command_is_in_one_group_and_every_name_is_a_command() {
        let mut command = crate::cli::Cli::command();
        command.build();
        let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let mut known: Vec<&str> = visible.map(clap::Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        known.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, known);
    }

    #[test]
    fn the_page_has_the_groups_with_one_line_for_each_command() {
        let page = crate::cli::Cli::command().render_help().to_string();
        let commands = page.split("\nOptions:").next().unwrap_or_default();
        let headings: Vec<&str> = commands
            .lines()
            .filter(|line| line.ends_with(':') && !line.starts_with(' '))
            .collect();
        let expected = GROUPS.map(|(heading, _)| format!("{heading}:"));
        assert_eq!(headings, expected);
        let described = |line: &&str| line.starts_with("  ") && line.len() > 30;
        let count = GROUPS.iter().map(|(_, names)| names.len()).sum::<usize>();
        assert_eq!(commands.lines().filter(described).count(), count, "{page}");
        assert!(page.contains("--verbose"), "{page}");
    }
}
