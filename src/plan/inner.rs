//! References to images of the same repository: the version there is the truth, not what a registry has.

use super::case::Case;
use super::decision::{Class, Wanted};
use super::images::Truth;
use super::observe::{Gap, View};
use super::reason::Reason;
use crate::image::{Reference, Tag};
use crate::policy::{DigestMode, Effective};
use crate::scheme::{Aligned, aligned};

impl Case {
    /// Judges a tag by the version that its image has in the repository; whether it names that version already.
    pub(super) fn by_truth(&mut self, parent: usize, truth: &Truth, tag: &Tag) -> bool {
        let version = match truth {
            Truth::Version(version) => version,
            Truth::Unknown(why) => {
                self.settle(Reason::InnerUnknown, why.clone());
                return false;
            }
            Truth::Circle(circle) => {
                self.settle(Reason::InnerCycle, circle.clone());
                return false;
            }
        };
        self.step(format!(
            "its image is built in this repository as {version}"
        ));
        match aligned(tag.as_str(), version) {
            Aligned::Same => {
                self.decision.inner = Some(parent);
                self.settle(
                    Reason::InnerCurrent,
                    format!("{version} is built in this repository"),
                );
                true
            }
            Aligned::Behind(to, level) => {
                if let Ok(to) = Tag::parse(&to) {
                    self.decision.inner = Some(parent);
                    // A version that is not built yet has no digest yet.
                    self.decision.wanted.push(Wanted {
                        class: Class::Update,
                        level,
                        to_tag: Some(to),
                        to_digest: None,
                        target: None,
                    });
                }
                false
            }
            Aligned::Ahead => {
                let why = format!("{tag} is newer than {version}, the version in this repository");
                self.settle(Reason::InnerAhead, why);
                false
            }
            Aligned::Unrelated => {
                let why = format!(
                    "{tag} does not show which version it is (this repository has {version} and others)"
                );
                self.settle(Reason::InnerFloating, why);
                false
            }
        }
    }

    /// Follows the digest of the version that is built here, or adds the first one, once it is published.
    pub(super) fn inner_digest(
        &mut self,
        view: &View<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
        pins: bool,
    ) -> Result<(), Gap> {
        let mode = effective.settings.digest.value;
        let before = (self.decision.reason, self.decision.detail.clone());
        if view.head(tag)?.is_none() {
            self.step(format!("{tag} is not published yet"));
        } else if let Some(digest) = &reference.digest {
            if matches!(mode, DigestMode::Refresh | DigestMode::Pin) {
                self.refresh(view, reference, digest, false, &effective.settings)?;
            }
        } else if pins {
            self.pin(view, reference, tag, effective)?;
        }
        if self.decision.reason == Reason::TagVanished {
            self.settle(before.0, before.1);
        }
        Ok(())
    }
}
