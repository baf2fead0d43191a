//! Following a tag with its digest, and adding the first one.

use super::case::Case;
use super::change::Version;
use super::decision::{Class, Wanted};
use super::digest::{Needs, Pin, Tip, look_at};
use super::observe::{Gap, View};
use super::reason::Reason;
use crate::image::{Digest, Reference, Tag};
use crate::policy::{Effective, Settings};
use crate::scheme::Level;

impl Case {
    /// Follows the tag with its digest.
    pub(super) fn refresh(
        &mut self,
        view: &View<'_>,
        reference: &Reference,
        digest: &Digest,
        vanished: bool,
        settings: &Settings,
    ) -> Result<(), Gap> {
        let Some(tag) = &reference.tag else {
            return Ok(());
        };
        let pin = self.pin_kind(view, tag, digest)?;
        let platforms = self.asked_platforms(settings);
        let needs = Needs {
            pinned: Some(digest),
            pin: &pin,
            write: true,
            platforms: &platforms,
        };
        match look_at(view, tag, &needs)? {
            Tip::Fits { write, target } => {
                self.step(format!("{tag} now points to {}", target.short()));
                let to = Version {
                    tag: Some(tag.clone()),
                    digest: write.clone(),
                };
                let image = &reference.name;
                if let Some(why) = self.too_young(view, image, settings, tag, &target, to)? {
                    self.settle(Reason::TooYoung, why);
                    return Ok(());
                }
                let wanted = Wanted {
                    class: Class::Update,
                    level: Level::Digest,
                    to_tag: Some(tag.clone()),
                    to_digest: write,
                    target: Some(target),
                };
                self.decision.wanted.push(wanted);
            }
            Tip::Same => {
                self.step(format!("{tag} still has the pinned content"));
                let tip = view.head(tag)?;
                if tip != Some(digest)
                    && self.decision.reason == Reason::UpToDate
                    && pin == Pin::Whole
                {
                    self.settle(
                        Reason::SameContent,
                        format!("{tag} points to another index with the same manifests"),
                    );
                }
            }
            Tip::Missing(missing) => {
                let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
                self.settle(
                    Reason::MissingPlatform,
                    format!(
                        "the image that {tag} now points to lacks {}",
                        names.join(", ")
                    ),
                );
            }
            Tip::NotThere if vanished => {}
            Tip::NotThere => self.settle(
                Reason::TagVanished,
                format!("the registry no longer has {tag}"),
            ),
        }
        Ok(())
    }

    /// Adds the first digest.
    pub(super) fn pin(
        &mut self,
        view: &View<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
    ) -> Result<(), Gap> {
        let platforms = self.asked_platforms(&effective.settings);
        let needs = Needs {
            pinned: None,
            pin: &Pin::None,
            write: true,
            platforms: &platforms,
        };
        match look_at(view, tag, &needs)? {
            Tip::Fits { write, target } => {
                self.step(format!("{tag} points to {}", target.short()));
                let to = Version {
                    tag: reference.tag.clone(),
                    digest: write.clone(),
                };
                let (image, settings) = (&reference.name, &effective.settings);
                if let Some(why) = self.too_young(view, image, settings, tag, &target, to)? {
                    self.settle(Reason::TooYoung, why);
                    return Ok(());
                }
                let wanted = Wanted {
                    class: Class::Pin,
                    level: Level::Digest,
                    to_tag: reference.tag.clone(),
                    to_digest: write,
                    target: Some(target),
                };
                self.decision.wanted.push(wanted);
            }
            Tip::Missing(missing) => {
                let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
                self.settle(
                    Reason::MissingPlatform,
                    format!("{tag} lacks {}", names.join(", ")),
                );
            }
            Tip::NotThere | Tip::Same => {
                self.settle(
                    Reason::TagVanished,
                    format!("the registry no longer has {tag}"),
                );
            }
        }
        Ok(())
    }
}
