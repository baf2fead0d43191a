//! `imagebot update`.

use super::changes::describe;
use super::check::{JudgedFolder, judge_folder};
use super::ended::Ended;
use super::output::{counted, remark, say, show};
use super::page::Page;
use super::personal::PersonalArgument;
use super::session::{setup, wait};
use crate::fleet::ParsedRepo;
use crate::plan::{Change, Decision, Outcome, Proposal};
use crate::policy::{Changes, Rule, Set, SettingOrigin};
use crate::redact::Redactor;
use crate::repo::RepoPath;
use crate::run::DecisionReport;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Update references directly in the files of a folder, without branches or merge requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, read-only:\n  imagebot update . --dry-run")]
pub(super) struct Arguments {
    /// The folder
    path: PathBuf,
    /// Show what would be written, without writing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: PersonalArgument,
}

pub(super) fn run(arguments: Arguments, redactor: &Redactor) -> anyhow::Result<Ended> {
    let (mut config, unlisted) = arguments.config.load()?;
    // A folder has no second merge request for major changes: the widest allowed change is written.
    let together = Set {
        value: false,
        from: SettingOrigin::built_in(),
    };
    let rule = Rule::everything(
        Changes {
            separate_major: Some(together),
            ..Changes::default()
        },
        SettingOrigin::built_in(),
    );
    config.rules.push(rule);
    wait(async {
        let setup = setup(config, unlisted, redactor).await?;
        let JudgedFolder {
            parsed,
            root,
            mut decisions,
            seen,
        } = judge_folder(&setup, &arguments.path).await?;
        let proposals = parsed.propose(&setup.operator, "", &mut decisions, &seen, true);
        let changes = proposals.first().map(|proposal| proposal.changes.clone());
        let mut changes = changes.unwrap_or_default();
        let planned = changes.len();
        let unwritten = match arguments.dry_run {
            true => Vec::new(),
            false => write(&parsed, &root, &proposals),
        };
        let is_written = |path: &RepoPath| !unwritten.iter().any(|(of, _)| of == path);
        let is_made = |change: &Change| change.files().all(is_written);
        changes.references.retain(is_made);
        changes.follows.retain(is_made);
        changes.versions.retain(|change| is_written(&change.path));
        let reports: Vec<DecisionReport> = decisions.iter().map(DecisionReport::from).collect();
        let reports: Vec<&DecisionReport> = reports.iter().collect();
        let mut page = Page::default();
        for change in describe(&changes.lines(), &reports) {
            change.add_to(page.line(0));
        }
        show(&page)?;
        for (_, error) in &unwritten {
            say(&format!("error: {error:#}"));
        }
        let failed = !unwritten.is_empty() || decisions.iter().any(Decision::failed);
        for decision in decisions
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
        let made = counted(changes.len(), "change", "changes");
        match decisions.is_empty() {
            true => remark("no image reference was found"),
            false => remark(&format!("{made} {done}")),
        }
        if !unwritten.is_empty() {
            let not = counted(planned - changes.len(), "change", "changes");
            say(&format!(
                "{not} not made\nhelp: make the files writable and run the command again"
            ));
        }
        Ok(match failed {
            // Only one file was named, and nothing was done to it.
            true if !unwritten.is_empty() && !arguments.path.is_dir() => Ended::Misused,
            true => Ended::Failed,
            false => Ended::Clean,
        })
    })
}

/// Writes the changed files. Returns those that cannot be written, and why.
pub(super) fn write(
    parsed: &ParsedRepo,
    root: &Path,
    proposals: &[Proposal],
) -> Vec<(RepoPath, anyhow::Error)> {
    let contents = parsed.contents();
    let one = |path: &RepoPath, after: &[u8]| {
        let before = contents.iter().find(|(known, _)| *known == path);
        let (_, before) = before.with_context(|| format!("{path} was not read"))?;
        replace(&root.join(path.as_str()), before, after)
    };
    let changed = proposals.iter().flat_map(|proposal| &proposal.files);
    changed
        .filter_map(|(path, after)| Some((path.clone(), one(path, after).err()?)))
        .collect()
}

/// Replaces a file atomically, provided it still has the contents that were read; its mode stays.
fn replace(path: &Path, before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    let metadata =
        std::fs::symlink_metadata(path).with_context(|| format!("{shown} cannot be read"))?;
    let now = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    anyhow::ensure!(
        metadata.is_file() && now == before,
        "{shown} changed while imagebot ran; it was not written"
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
