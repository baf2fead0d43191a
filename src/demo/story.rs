//! The demo's story, told as it goes.

use super::line::{AssemblyLine, Bench, LineError, Member};
use super::registry::DemoRegistry;
use crate::forge::CiState;
use crate::http::Redactor;
use jiff::Timestamp;
use std::path::Path;

/// What the demo is to show.
pub struct Story<'a> {
    /// The folder to work in; it is empty.
    pub folder: &'a Path,
    /// A repository whose tests fail.
    pub fail: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// The line: three generations.
pub(super) const MEMBERS: [Member; 3] = [
    Member {
        name: "base",
        parent: None,
    },
    Member {
        name: "ruby",
        parent: Some("base"),
    },
    Member {
        name: "app",
        parent: Some("ruby"),
    },
];

/// More passes than this mean that something goes round in circles.
const MOST_PASSES: usize = 12;

/// Plays the demo; `say` gets each line as it happens. The registry stays as long as it is kept.
pub async fn tell(
    story: &Story<'_>,
    redactor: &Redactor,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<DemoRegistry, LineError> {
    if let Some(name) = story
        .fail
        .filter(|name| MEMBERS.iter().all(|member| member.name != *name))
    {
        return Err(LineError::NoRepository(name.to_owned()));
    }
    let registry = DemoRegistry::start()
        .await
        .map_err(|error| LineError::Io("the demo's registry".to_owned(), error))?;
    let bench = Bench {
        folder: story.folder.to_owned(),
        registry: registry.host(),
        login: None,
    };
    say("an assembly line of three repositories: base -> ruby -> app");
    let mut line = AssemblyLine::new(&bench, &MEMBERS, redactor).await?;
    say("  each has a Dockerfile on its parent's image, and CI that tests, builds and publishes");
    if let Some(name) = story.fail {
        line.ci.set_red(name, true);
        say(&format!("  the tests of {name} are going to fail"));
    }
    let mut builds = 0;
    let mut red = Vec::new();
    let built = line.build("base", 1).await?;
    say(&format!(
        "\na new base is published: {} ({})",
        short(&built.image),
        built.digest.short()
    ));
    for number in 1..=MOST_PASSES {
        say(&format!("\npass {number} of imagebot"));
        let turn = line.turn(story.now).await?;
        let mut acted = false;
        for repository in &turn.report.repositories {
            for proposal in repository
                .proposals
                .iter()
                .filter(|p| matches!(p.status, "open" | "update" | "close"))
            {
                acted = true;
                let number = proposal.number.unwrap_or_default();
                let done = match proposal.status {
                    "open" => "opened",
                    "update" => "updated",
                    _ => "closed",
                };
                let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
                say(&format!(
                    "  {} !{number} {done}: {}",
                    repository.repo,
                    short(title)
                ));
                for change in &proposal.changes {
                    say(&format!("      {}", short(change)));
                }
            }
            for problem in &repository.problems {
                say(&format!(
                    "  {}: {}: {}",
                    repository.repo, problem.code, problem.message
                ));
            }
        }
        for (repo, number, _, state) in &turn.tested {
            say(&format!(
                "  {repo} !{number} tested by the CI of {repo}: {}",
                state.code()
            ));
            if *state == CiState::Failed {
                red.push(repo.clone());
            }
        }
        for (repo, number, built) in &turn.built {
            builds += 1;
            let parent = built
                .parent
                .as_deref()
                .map(|parent| format!(" on {}", short(parent)))
                .unwrap_or_default();
            say(&format!(
                "  {repo} !{number} merged; its CI built and published {}{parent}",
                short(&built.image)
            ));
        }
        if !acted && turn.tested.is_empty() {
            say("  nothing is left to do");
            break;
        }
    }
    say(&format!("\nbuilds done: {builds}"));
    for repo in &red {
        say(&format!(
            "{repo} is red: its merge request is open, its image is as it was, and what stands on it waits"
        ));
    }
    Ok(registry)
}

/// The text without the registry's address and with digests cut short, which say nothing here.
fn short(text: &str) -> String {
    let mut out = String::new();
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let word = word
            .strip_prefix("127.0.0.1:")
            .and_then(|rest| rest.split_once('/'))
            .map_or(word, |(_, rest)| rest);
        match word.find("@sha256:") {
            Some(at) => out.push_str(&word[..(at + 16).min(word.len())]),
            None => out.push_str(word),
        }
    }
    out
}
