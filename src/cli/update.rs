//! `imagebot update`.

use super::check::judge_folder;
use super::ended::Ended;
use super::output::{say, text};
use super::session::{ConfigArgument, setup, wait};
use crate::http::Redactor;
use crate::plan::{ChangeSet, Decision, File, Outcome, Proposal};
use crate::policy::{Changes, Origin, Rule, Set};
use crate::run::Work;
use crate::source::{Update, edit};
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Write what is due straight into the files of a folder: no branch, no merge request.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, which only looks:\n  imagebot update . --dry-run")]
pub(super) struct Arguments {
    /// The folder
    path: PathBuf,
    /// Write nothing, and say what would be written
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigArgument,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let (mut config, unlisted) = arguments.config.load()?;
    // A folder has no second merge request for a major change: the widest allowed change is written.
    let together = Set {
        value: false,
        from: Origin::built_in(),
    };
    let rule = Rule::everything(
        Changes {
            separate_major: Some(together),
            ..Changes::default()
        },
        Origin::built_in(),
    );
    config.rules.push(rule);
    wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let (mut work, root, seen) = judge_folder(&setup, &arguments.path).await?;
        let proposals = work.propose("", &setup.config, &seen);
        let (files, changes) = apply(&work, &proposals);
        if !arguments.dry_run {
            for (before, after) in work
                .files
                .iter()
                .zip(&files)
                .filter(|(before, after)| before.contents != after.contents)
            {
                let path = root.join(before.path.as_str());
                replace(&path, &before.contents, &after.contents)?;
            }
        }
        text(
            &changes
                .lines()
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
        )?;
        let failed = work.decisions.iter().any(Decision::failed);
        for decision in work
            .decisions
            .iter()
            .filter(|d| matches!(d.outcome(), Outcome::Unknown | Outcome::Hold))
        {
            say(&format!(
                "{}:{}: {}: {}",
                decision.path, decision.located.line, decision.reason, decision.detail
            ));
        }
        let done = if arguments.dry_run {
            "would be made"
        } else {
            "made"
        };
        say(&format!("{} changes {done}", changes.len()));
        Ok(if failed { Ended::Failed } else { Ended::Clean })
    })
}

/// Makes the edits of all proposals at once, file by file: the files afterwards, and what was changed.
fn apply(work: &Work, proposals: &[Proposal]) -> (Vec<File>, ChangeSet) {
    let mut files = work.files.clone();
    let mut changes = ChangeSet::default();
    for file in &mut files {
        let of_file = |proposal: &&Proposal| proposal.updates.contains_key(&file.path);
        let proposals: Vec<&Proposal> = proposals.iter().filter(of_file).collect();
        let updates: Vec<Update> = proposals
            .iter()
            .flat_map(|proposal| proposal.updates[&file.path].clone())
            .collect();
        if updates.is_empty() {
            continue;
        }
        match edit(file.format, &file.contents, &work.config.args, &updates) {
            Ok(contents) => {
                let made = proposals
                    .iter()
                    .flat_map(|proposal| proposal.changes.of_path(&file.path));
                changes.references.extend(made.cloned());
                file.contents = contents;
            }
            Err(refusal) => say(&format!("{}: {}: {refusal}", file.path, refusal.code())),
        }
    }
    (files, changes)
}

/// Replaces a file at once and as a whole, if it still is what was read; its mode stays.
fn replace(path: &Path, before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata =
        std::fs::symlink_metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    let now = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    anyhow::ensure!(
        metadata.is_file() && now == before,
        "{shown} changed meanwhile; nothing is written to it"
    );
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)
        .with_context(|| format!("{shown} cannot be written"))?;
    file.write_all(after)
        .with_context(|| format!("{shown} cannot be written"))?;
    file.as_file()
        .set_permissions(metadata.permissions())
        .with_context(|| format!("{shown} cannot be written"))?;
    file.persist(path)
        .with_context(|| format!("{shown} cannot be replaced"))?;
    Ok(())
}
