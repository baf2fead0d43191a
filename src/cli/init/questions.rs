//! The questions of `imagebot init --operator` on a terminal.

use crate::config::{Starter, StarterForge};
use dialoguer::{Input, Select};

/// Asks where the repositories are and which private registries may be contacted.
pub(super) fn ask() -> anyhow::Result<Starter> {
    let kinds = ["GitLab", "GitHub", "a folder of bare git repositories"];
    let kind = Select::new()
        .with_prompt("Where are the repositories?")
        .items(kinds)
        .default(0)
        .interact()?;
    let forge = match kind {
        0 => StarterForge::GitLab {
            url: line("Address of the GitLab", Some("https://gitlab.com"))?,
            groups: words(
                "Groups, separated by spaces (empty: every repository that the token's user is a member of)",
            )?,
        },
        1 => StarterForge::GitHub {
            owners: words(
                "Users or organisations, separated by spaces (empty: every repository that the token sees)",
            )?,
        },
        _ => StarterForge::Local {
            path: line("Path of the folder", Some("/srv/git"))?,
        },
    };
    Ok(Starter {
        forge: Some(forge),
        registries: words("Private registries, separated by spaces (public ones are known)")?,
    })
}

fn line(prompt: &str, default: Option<&str>) -> anyhow::Result<String> {
    let input = Input::<String>::new().with_prompt(prompt);
    let input = match default {
        Some(default) => input.default(default.to_owned()),
        None => input.allow_empty(true),
    };
    Ok(input.interact_text()?.trim().to_owned())
}

fn words(prompt: &str) -> anyhow::Result<Vec<String>> {
    let line = line(prompt, None)?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}
