//! Decides which repository publishes an image: the strongest claim wins, and two equally strong claims cancel out.

use super::finding::{Finding, What};
use super::member::{Member, On};
use super::publishes::{Publishes, Said};
use super::spec::ImageSpec;
use crate::image::{ImageName, RegistryHost};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// How strong a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// A label in the image. Anyone who may push the image can write it, so it is the weakest.
    Label,
    /// The repository's own settings claim the image, and the operator allows that.
    Claimed,
    /// The image is in the repository's own registry on its forge.
    OwnPath,
    /// The operator's configuration assigns the image.
    Operator,
}

/// A repository's claim to publish an image.
#[derive(Debug, Clone)]
struct Claim {
    repo: usize,
    strength: Strength,
    place: Arc<str>,
}

/// All claims, by image, and the findings about those that have no effect.
#[derive(Debug, Default)]
pub(super) struct Claims {
    of: HashMap<ImageName, Vec<Claim>>,
    pub(super) findings: Vec<Finding>,
}

/// The registry paths of the repositories' own images, by host and path.
struct OwnPaths<'a>(HashMap<(&'a RegistryHost, &'a str), usize>);

impl OwnPaths<'_> {
    /// The repository whose registry contains an image: the longest registry path that is a prefix, in whole
    /// components.
    fn of(&self, image: &ImageName) -> Option<usize> {
        let mut path = image.path();
        loop {
            if let Some(repo) = self.0.get(&(image.host(), path)) {
                return Some(*repo);
            }
            path = path.rsplit_once('/')?.0;
        }
    }
}

impl Claims {
    /// Collects the claims of all members.
    pub(super) fn new(members: &[Member], publishes: &[Publishes]) -> Self {
        let own = members.iter().enumerate().filter_map(|(index, member)| {
            let (host, path) = member.own.as_ref()?;
            Some(((host, path.as_str()), index))
        });
        let own = OwnPaths(own.collect());
        let mut claims = Self::default();
        for (repo, member) in members.iter().enumerate() {
            let mut said = Said::default();
            for publishes in publishes {
                publishes.of(&member.name, &mut said);
                for image in said.publishes.drain(..) {
                    claims.add(image, repo, Strength::Operator, &publishes.place);
                }
            }
            for spec in &member.images {
                for name in spec.names() {
                    claims.claim(repo, spec, name, &said, &own);
                }
            }
            for image in &member.labelled {
                claims.add(
                    image.clone(),
                    repo,
                    Strength::Label,
                    &Arc::from("its label"),
                );
            }
        }
        let stands = members.iter().flat_map(|m| &m.stands_on).map(|s| &s.image);
        let depends = members.iter().flat_map(|member| &member.depends);
        let depends = depends.filter_map(|depends| match &depends.on {
            On::Image(image) => Some(image),
            On::Repo { .. } => None,
        });
        let place: Arc<str> = Arc::from("its own registry");
        let mut seen: HashSet<&ImageName> = HashSet::new();
        for image in stands.chain(depends).filter(|image| seen.insert(*image)) {
            if let Some(repo) = own.of(image) {
                claims.add(image.clone(), repo, Strength::OwnPath, &place);
            }
        }
        claims.judge(members);
        claims
    }

    /// Adds a claim from a repository's own settings, or reports why it has no effect.
    fn claim(
        &mut self,
        repo: usize,
        spec: &ImageSpec,
        name: &ImageName,
        said: &Said,
        own: &OwnPaths<'_>,
    ) {
        let canonical = name.canonical();
        let by_operator = self.of.get(name).is_some_and(|claims| {
            let by = |claim: &Claim| claim.repo == repo && claim.strength == Strength::Operator;
            claims.iter().any(by)
        });
        if own.of(name) == Some(repo) {
            self.add(name.clone(), repo, Strength::OwnPath, &spec.place);
        } else if said.may_claim.iter().any(|glob| glob.matches(&canonical)) {
            self.add(name.clone(), repo, Strength::Claimed, &spec.place);
        } else if !by_operator && spec.is_declared {
            let image = canonical;
            self.find(repo, &spec.place, What::NotAllowed { image });
        }
    }

    fn add(&mut self, image: ImageName, repo: usize, strength: Strength, place: &Arc<str>) {
        let claims = self.of.entry(image).or_default();
        let same = |claim: &Claim| claim.repo == repo && claim.strength == strength;
        if !claims.iter().any(same) {
            let place = Arc::clone(place);
            claims.push(Claim {
                repo,
                strength,
                place,
            });
        }
    }

    fn find(&mut self, repo: usize, place: &Arc<str>, what: What) {
        let place = Arc::clone(place);
        self.findings.push(Finding { repo, place, what });
    }

    /// The repository that publishes an image, and how strong its claim is; `None` if the strongest claims are a tie.
    pub(super) fn publisher(&self, image: &ImageName) -> Option<(usize, Strength)> {
        let claims = self.of.get(image)?;
        let strongest = claims.iter().map(|claim| claim.strength).max()?;
        let mut first = claims.iter().filter(|claim| claim.strength == strongest);
        let winner = first.next()?;
        // A repository has at most one claim of each strength, so a second one is from another repository.
        first.next().is_none().then_some((winner.repo, strongest))
    }

    /// All images with a publisher, ordered by name.
    pub(super) fn published(&self) -> BTreeMap<&ImageName, usize> {
        let published = self.of.keys().filter_map(|image| {
            let (repo, _) = self.publisher(image)?;
            Some((image, repo))
        });
        published.collect()
    }

    /// Reports the claims that have no effect.
    fn judge(&mut self, members: &[Member]) {
        let mut found = Vec::new();
        for (image, claims) in &self.of {
            let winner = self.publisher(image);
            let strongest = claims.iter().map(|claim| claim.strength).max();
            for claim in claims {
                let other = claims
                    .iter()
                    .find(|other| other.repo != claim.repo && Some(other.strength) == strongest);
                let what = match (winner, other) {
                    (Some((winner, _)), _) if winner == claim.repo => continue,
                    // Labels are not reported: the repository that a label names did not write it and cannot fix it.
                    _ if claim.strength == Strength::Label => continue,
                    (Some((winner, _)), _) => What::Taken {
                        image: image.canonical(),
                        by: members[winner].name.to_string(),
                    },
                    (None, Some(other)) => What::Equal {
                        image: image.canonical(),
                        with: members[other.repo].name.to_string(),
                    },
                    (None, None) => continue,
                };
                found.push((claim.repo, Arc::clone(&claim.place), what));
            }
        }
        for (repo, place, what) in found {
            self.find(repo, &place, what);
        }
        self.findings.sort();
        self.findings.dedup();
    }
}
