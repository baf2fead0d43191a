//! The origin that an image claims in its metadata, and how far that is trusted.

use super::content::Content;
use super::parent::shown;
use crate::image::Reference;
use crate::repo::CommitId;
use crate::source::Role;

/// The commit that an image is built from, or why its claim is not trusted.
pub type Believed = Result<CommitId, &'static str>;

const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";

/// The commit that an image claims to be built from, if it names the repository that publishes it. A label that equals
/// its parent's may be inherited and is ignored.
pub fn believed_revision(child: &Content, parents: &[&Content], repo: &str) -> Believed {
    let said = |content: &Content, name: &str| -> Option<String> {
        let own = content.annotations.get(name);
        let value = own.or_else(|| content.labels.get(name))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let revision = said(child, REVISION).ok_or("it names no commit")?;
    let commit = CommitId::parse(&revision).map_err(|_| "its revision is not a full commit id")?;
    if said(child, SOURCE).is_some_and(|source| !is_source(&source, repo)) {
        return Err("its source is another repository");
    }
    let is_parents = |parent: &&&Content| said(parent, REVISION).as_ref() == Some(&revision);
    if parents.iter().any(|parent| is_parents(&parent)) {
        return Err("its revision is its parent's too, and may be inherited");
    }
    Ok(commit)
}

/// Whether a URL is that of the repository: its path ends with the repository's path.
fn is_source(source: &str, repo: &str) -> bool {
    let source = source.split(['#', '?']).next().unwrap_or_default();
    let source = source.trim_end_matches('/').trim_end_matches(".git");
    let (source, repo) = (source.to_ascii_lowercase(), repo.to_ascii_lowercase());
    source
        .strip_suffix(repo.trim_end_matches(".git"))
        .is_some_and(|before| before.is_empty() || before.ends_with(['/', ':']))
}

/// The parents of an image that no registered repository builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parents {
    /// The parents, each with its role in the build.
    Known(Vec<(Role, Reference)>),
    /// No trusted source names any; the reason.
    Unknown(String),
}

/// The parents named by the annotations of the manifest and by provenance. Labels alone are not trusted: they may be
/// inherited and name a grandparent.
pub fn parents_of(child: &Content, materials: &[Reference]) -> Parents {
    const NAME: &str = "org.opencontainers.image.base.name";
    let parse = |text: &String| Reference::parse(text).ok();
    let base = child.annotations.get(NAME).and_then(parse);
    let base = base.map(|base| Reference {
        digest: base.digest.filter(|_| base.tag.is_none()),
        ..base
    });
    let is_base =
        |material: &Reference| base.as_ref().is_some_and(|base| base.name == material.name);
    let mut others: Vec<Reference> = Vec::new();
    for material in materials.iter().filter(|material| !is_base(material)) {
        // The Dockerfile frontend only parses the file and leaves nothing in the image.
        let is_frontend = material.name.canonical() == "docker.io/docker/dockerfile";
        let other = Reference {
            digest: None,
            ..material.clone()
        };
        if !is_frontend && !others.contains(&other) {
            others.push(other);
        }
    }
    // If provenance lists only one image, it is the base.
    let only = if base.is_none() && others.len() == 1 {
        others.pop()
    } else {
        None
    };
    let base = base.or(only).map(|base| (Role::Base, base));
    let others = others.into_iter().map(|other| (Role::Stage, other));
    let parents: Vec<_> = base.into_iter().chain(others).collect();
    if !parents.is_empty() {
        return Parents::Known(parents);
    }
    let label = child.labels.get(NAME).and_then(parse);
    Parents::Unknown(match label {
        Some(label) => format!(
            "a label names {}, but it may be inherited; no annotation, provenance or repository confirms it",
            shown(&label)
        ),
        None => {
            "neither an annotation nor provenance names one, and no repository is known to build it"
                .to_owned()
        }
    })
}
