//! Runs the demo and reports each step.

use super::fleet::{AssemblyLine, Bench, LineError, Turn};
use super::layout::{DemoRepository, below};
use super::registry::DemoRegistry;
use crate::plan::ChangeSet;
use crate::redact::Redactor;
use crate::repo::CiStatus;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;

/// What the demo shows.
pub struct Story<'a> {
    /// The folder to work in; it must be empty.
    pub folder: &'a Path,
    /// The repositories, parents before children; the first is the one that gets a new version.
    pub members: &'a [DemoRepository],
    /// A repository whose tests fail.
    pub fail: Option<&'a str>,
    /// Whether the failing tests succeed again once everything else is done.
    pub recovers: bool,
    /// How many merge requests the reviewer merges in a pass.
    pub merges: usize,
    /// Now.
    pub now: Timestamp,
}

/// The time between two passes.
const BETWEEN: SignedDuration = SignedDuration::from_mins(15);

/// Runs the demo; `say` gets each line as it happens. The registry is returned and serves as long as it is kept.
pub async fn tell(
    story: &Story<'_>,
    redactor: &Redactor,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<DemoRegistry, LineError> {
    let is_member = |name: &&str| story.members.iter().any(|member| member.name == **name);
    if let Some(name) = story.fail.filter(|name| !is_member(name)) {
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
    say(&format!(
        "a family of {} repositories:",
        story.members.len()
    ));
    for member in story.members {
        for image in &member.images {
            let on = match &image.parents[..] {
                [] => "from scratch".to_owned(),
                parents => format!("on {}", parents.join(" and ")),
            };
            let of = match member.is_many() {
                true => format!(", in the repository {}", member.name),
                false => String::new(),
            };
            say(&format!("  {} {on}{of}", image.name));
        }
    }
    let mut line = AssemblyLine::new(&bench, story.members, redactor).await?;
    say(
        "each has a Dockerfile built on its parents' images, and CI that tests, builds and publishes",
    );
    if let Some(name) = story.fail {
        line.ci.set_red(name, true);
        say(&format!("the tests of {name} will fail"));
    }
    let root = &story.members[0].name;
    for built in line.build(root, 1).await? {
        say(&format!(
            "\na new {root} is published: {} ({})",
            short(&built.image),
            built.digest.short()
        ));
    }
    let mut teller = Teller {
        story,
        say,
        passes: 0,
        builds: 0,
    };
    teller.until_rest(&mut line).await?;
    let root = [root.as_str()];
    let mut needed = below(story.members, &root, story.fail).len();
    if let Some(name) = story.fail {
        let images = story.members.iter().filter(|member| member.name == name);
        let images = images.flat_map(|member| &member.images);
        let failed: Vec<&str> = images.map(|image| image.name.as_str()).collect();
        let mut stopped = below(story.members, &failed, None);
        let touched = below(story.members, &root, None);
        stopped.extend(failed.iter().map(|name| (*name).to_owned()));
        stopped.retain(|image| touched.contains(image));
        if !stopped.is_empty() {
            say(&format!(
                "\n{name} is red: its merge request stays open, its image is unchanged, and the images built on it wait"
            ));
        }
        if !stopped.is_empty() && story.recovers {
            say(&format!(
                "the tests of {name} are fixed, and its pipeline runs again"
            ));
            line.ci.set_red(name, false);
            line.test_again(name).await?;
            needed += stopped.len();
            teller.until_rest(&mut line).await?;
        }
    }
    say(&format!(
        "\nbuilds done: {}, builds needed: {needed}",
        teller.builds
    ));
    Ok(registry)
}

struct Teller<'a> {
    story: &'a Story<'a>,
    say: &'a (dyn Fn(&str) + Send + Sync),
    passes: usize,
    builds: usize,
}

impl Teller<'_> {
    /// Repeats passes until one has nothing to do. More passes than a family can need are an error: something never
    /// settles.
    async fn until_rest(&mut self, line: &mut AssemblyLine) -> Result<(), LineError> {
        for _ in 0..10 + 4 * self.story.members.len() {
            self.passes += 1;
            (self.say)(&format!("\npass {} of imagebot", self.passes));
            let now = self.story.now + BETWEEN * i32::try_from(self.passes).unwrap_or(i32::MAX);
            let turn = line.turn(now, self.story.merges).await?;
            let acted = self.proposals(&turn);
            self.rest(&turn);
            self.builds += turn.built.len();
            if !acted && turn.tested.is_empty() && turn.merged.is_empty() {
                let red = turn.red.iter();
                let red: Vec<String> = red
                    .map(|(repo, number)| format!("{repo} !{number} is open and red"))
                    .collect();
                match red.is_empty() {
                    true => (self.say)("  nothing to propose"),
                    false => (self.say)(&format!("  nothing to propose; {}", red.join("; "))),
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Prints what imagebot did and what waits; returns whether it did anything.
    fn proposals(&self, turn: &Turn) -> bool {
        let mut acted = false;
        for repository in &turn.report.repositories {
            for proposal in &repository.proposals {
                let done = match proposal.status {
                    "open" => "opened",
                    "update" => "updated",
                    "close" => "closed",
                    _ => continue,
                };
                acted = true;
                let number = proposal.number.unwrap_or_default();
                let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
                let repo = &repository.repo;
                (self.say)(&format!("  {repo} !{number} {done}: {}", short(title)));
                for change in changes(&proposal.changes) {
                    (self.say)(&format!("      {}", short(&change)));
                }
            }
            for decision in &repository.decisions {
                if decision.waits_for.is_some() {
                    let (repo, detail) = (&repository.repo, &decision.detail);
                    let image = short(&decision.image);
                    (self.say)(&format!("  {repo}: {image} {detail} [{}]", decision.reason));
                }
            }
            for problem in &repository.problems {
                let (repo, code) = (&repository.repo, &problem.code);
                (self.say)(&format!("  {repo}: {} [{code}]", problem.message));
            }
        }
        acted
    }

    /// Prints the results of CI and what the reviewer merged.
    fn rest(&self, turn: &Turn) {
        for (repo, number, _, state) in &turn.tested {
            let state = match state {
                CiStatus::Passed => "green",
                CiStatus::Failed => "red",
                _ => "running",
            };
            (self.say)(&format!(
                "  {repo} !{number} tested by the CI of {repo}: {state}"
            ));
        }
        for (repo, number) in &turn.merged {
            (self.say)(&format!("  {repo} !{number} merged"));
        }
        for (repo, _, built) in &turn.built {
            let parents: Vec<String> = built.parents.iter().map(|parent| short(parent)).collect();
            let on = parents.join(" and ");
            let image = short(&built.image);
            (self.say)(&format!(
                "  the CI of {repo} built and published {image} on {on}"
            ));
        }
    }
}

/// The changes of a merge request in readable form, from the encoded form in the report.
fn changes(lines: &[String]) -> Vec<String> {
    let Some(set) = ChangeSet::parse(lines.iter().map(String::as_str)) else {
        return lines.to_vec();
    };
    let references = set.all_references().map(|change| {
        let (path, image) = (&change.path, &change.image);
        format!("{path} {image}: {} → {}", change.from, change.to)
    });
    let versions = set.versions.iter().map(|rise| {
        let (path, place) = (&rise.path, &rise.place);
        format!("{path} {place}: {} → {}", rise.from, rise.to)
    });
    references.chain(versions).collect()
}

/// The text without the registry's address and with digests cut to a readable length.
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
