//! Checks one image: what is published, and whether it is built on its parents' current content.

use super::commit;
use super::contents::{Read, read};
use super::heads::Heads;
use super::newest::newest;
use super::parents::{self, Found, Wanted};
use super::report::FreshnessReport;
use super::subject::Subject;
use crate::family::freshness::{
    Answer, Case, Code, Content, FreshnessQuestion, Parents, Row, Then, believed_revision, judge,
    parents_of,
};
use crate::image::{Digest, Platform, Reference, Tag};
use crate::plan::Lookup;
use crate::repo::CommitId;
use crate::run::setup::Setup;
use crate::source::Role;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Checks one image.
pub(super) async fn look(
    setup: &Setup,
    heads: &Heads,
    subject: &Subject,
    now: Timestamp,
) -> FreshnessReport {
    let mut report = FreshnessReport::new(subject.image.to_string());
    report.tag = subject.tag.as_ref().map(Tag::to_string);
    match published(setup, heads, subject, now, &mut report).await {
        Ok((lookup, read)) => {
            let mut look = Look {
                setup,
                heads,
                subject,
                lookup,
                read,
                provenance: BTreeMap::new(),
                commits: BTreeMap::new(),
            };
            let rows = look.rows().await;
            report.say(rows);
        }
        Err((code, why)) => report.say(vec![unknown(None, code, why)]),
    }
    report
}

fn unknown(platform: Option<&Platform>, code: Code, why: String) -> Row {
    Row {
        platform: platform.cloned(),
        parent: None,
        answer: Answer::bare(code, why),
    }
}

/// The published content of the image.
async fn published(
    setup: &Setup,
    heads: &Heads,
    subject: &Subject,
    now: Timestamp,
    report: &mut FreshnessReport,
) -> Result<(Lookup, Read), (Code, String)> {
    let image = &subject.image;
    let repo = subject.built.as_ref().map(|built| &built.repo);
    let lookup = setup
        .lookup(
            image,
            repo.map(|repo| &repo.name),
            repo.and_then(|repo| repo.registry.as_ref()),
        )
        .map_err(|error| (Code::LookupFailed, error.to_string()))?;
    let not_listed = || {
        let why = format!("{} is not listed", image.host());
        (Code::RegistryNotConfigured, why)
    };
    let lookup = lookup.ok_or_else(not_listed)?;
    let digest = match (&subject.digest, &subject.tag) {
        (Some(digest), _) => digest.clone(),
        (None, tag) => {
            let tag = match tag {
                Some(tag) => tag.clone(),
                None => newest_tag(setup, &lookup, subject, now).await?,
            };
            report.tag = Some(tag.to_string());
            let gone = || (Code::NotPublished, format!("{image}:{tag} does not exist"));
            let head = heads.get(setup, &lookup, &tag).await?;
            head.ok_or_else(gone)?
        }
    };
    report.digest = Some(digest.to_string());
    let gone = || {
        (
            Code::NotPublished,
            format!("{image}@{digest} does not exist"),
        )
    };
    match read(setup, &lookup, &digest, None).await {
        Ok(read) => Ok((lookup, read.ok_or_else(gone)?)),
        Err(error) => Err((Code::LookupFailed, format!("{}: {error}", error.code()))),
    }
}

/// The tag to check if none is given.
async fn newest_tag(
    setup: &Setup,
    lookup: &Lookup,
    subject: &Subject,
    now: Timestamp,
) -> Result<Tag, (Code, String)> {
    let login = setup.login(lookup);
    let tags = setup.registries.tags(&lookup.image, login.as_ref()).await;
    let tags = tags.map_err(|error| (Code::LookupFailed, format!("{}: {error}", error.code())))?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let newest = newest(&lookup.image, &tags.tags, Some(&subject.in_use), today);
    newest.ok_or_else(|| {
        let why = "none of its tags is a version and it has no `latest`; give the tag";
        (Code::NotPublished, why.to_owned())
    })
}

/// A check in progress.
struct Look<'a> {
    setup: &'a Setup,
    heads: &'a Heads,
    subject: &'a Subject,
    lookup: Lookup,
    read: Read,
    /// The images listed in provenance, by the manifest that it describes.
    provenance: BTreeMap<Digest, Vec<Reference>>,
    /// The parents that the repository named, by commit.
    commits: BTreeMap<CommitId, Option<Then>>,
}

impl Look<'_> {
    async fn rows(&mut self) -> Vec<Row> {
        let built = self.subject.built.clone();
        let contents = self.read.published.contents.clone();
        let platforms: BTreeSet<Platform> = contents.keys().cloned().collect();
        let (of_file, mut rows) = match &built {
            Some(built) => parents::of_file(built),
            None => (Vec::new(), Vec::new()),
        };
        let mut found = self.find(of_file, &platforms).await;
        for (platform, content) in &contents {
            let content = match content {
                Ok(content) => content,
                Err(why) => {
                    rows.push(unknown(Some(platform), Code::LookupFailed, why.clone()));
                    continue;
                }
            };
            if built.is_none() {
                let wanted = match self.guess(content).await {
                    Parents::Known(wanted) => wanted,
                    Parents::Unknown(why) => {
                        rows.push(unknown(Some(platform), Code::ParentUnknown, why));
                        continue;
                    }
                };
                let wanted = wanted
                    .into_iter()
                    .map(|(role, parent)| (role, parent, None));
                found = self.find(wanted.collect(), &platforms).await;
            }
            let then = self.then(content, platform, &found).await;
            for found in &mut found {
                let answer = self.judge(platform, content, found, then.as_ref()).await;
                rows.push(Row {
                    platform: Some(platform.clone()),
                    parent: Some((found.parent.role, found.parent.reference.clone())),
                    answer,
                });
            }
            if built.is_some() && found.is_empty() && rows.is_empty() {
                let answer = Answer::bare(
                    Code::NoParent,
                    "it is not built on another image".to_owned(),
                );
                let platform = Some(platform.clone());
                let parent = None;
                rows.push(Row {
                    platform,
                    parent,
                    answer,
                });
            }
        }
        if contents.is_empty() {
            let why = "it has no image for any platform".to_owned();
            rows.push(unknown(None, Code::NotPublished, why));
        }
        rows
    }

    async fn find(&self, wanted: Vec<Wanted>, platforms: &BTreeSet<Platform>) -> Vec<Found> {
        let built = self.subject.built.as_deref();
        let found = wanted
            .into_iter()
            .map(|wanted| parents::find(self.setup, self.heads, built, wanted, platforms));
        futures::future::join_all(found).await
    }

    /// The parents of an image that no registered repository builds.
    async fn guess(&mut self, content: &Content) -> Parents {
        let materials = self.materials(content).await;
        parents_of(content, &materials)
    }

    /// The parents that the repository named at the commit that the image is built from.
    async fn then(
        &mut self,
        child: &Content,
        platform: &Platform,
        found: &[Found],
    ) -> Option<Then> {
        let built = self.subject.built.clone()?;
        // Labels are inherited only from the base, not from other stages.
        let bases = found.iter().filter(|found| found.parent.role == Role::Base);
        let parents = bases.filter_map(|found| {
            let current = found.parent.current.as_ref().ok()?;
            current.content(platform)
        });
        let parents: Vec<&Content> = parents.collect();
        let commit = match believed_revision(child, &parents, built.repo.name.as_str()) {
            Ok(commit) => commit,
            Err(why) => {
                tracing::debug!(image = %self.subject.image, why, "its commit is not known");
                return None;
            }
        };
        if let Some(then) = self.commits.get(&commit) {
            return then.clone();
        }
        let then = commit::then(self.setup, &built, &commit).await;
        self.commits.insert(commit, then.clone());
        then
    }

    /// The images listed in provenance; empty without provenance.
    async fn materials(&mut self, child: &Content) -> Vec<Reference> {
        if let Some(materials) = self.provenance.get(&child.manifest) {
            return materials.clone();
        }
        let mut materials = Vec::new();
        if let Some(index) = &self.read.index {
            let login = self.setup.login(&self.lookup);
            let image = &self.lookup.image;
            let registries = &self.setup.registries;
            let said = registries
                .provenance(image, login.as_ref(), index, &child.manifest)
                .await;
            match said {
                Ok(said) => materials = said.unwrap_or_default().images,
                // What provenance would have proved stays unknown; the other evidence is still checked.
                Err(error) => {
                    tracing::warn!(%image, code = error.code(), %error, "its provenance cannot be read");
                }
            }
        }
        self.provenance
            .insert(child.manifest.clone(), materials.clone());
        materials
    }

    async fn judge(
        &mut self,
        platform: &Platform,
        child: &Content,
        found: &mut Found,
        then: Option<&Then>,
    ) -> Answer {
        let mut materials: Option<Vec<Reference>> = None;
        loop {
            let case = Case {
                platform,
                child,
                parent: &found.parent,
                then,
                materials: materials.as_deref(),
            };
            match judge(&case) {
                Ok(answer) => return answer,
                Err(FreshnessQuestion::Provenance) => materials = Some(self.materials(child).await),
                Err(FreshnessQuestion::Content(digest)) => {
                    let platforms = self.read.published.contents.keys().cloned().collect();
                    let asked = parents::ask(self.setup, found, digest, &platforms).await;
                    if let Err((code, why)) = asked {
                        return Answer::bare(code, why);
                    }
                }
            }
        }
    }
}
