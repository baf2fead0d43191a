//! A decision under construction.

use super::decision::{Class, Decision, Wanted};
use super::digest::{Pin, kind_of};
use super::observe::{Answers, Failure, FailureKind, Missing};
use super::reason::Reason;
use crate::image::{Digest, Tag};
use crate::scheme::Level;

/// A decision under construction: the facts found so far and the reason they lead to.
pub(super) struct DecisionBuilder {
    pub(super) decision: Decision,
}

impl DecisionBuilder {
    pub(super) fn settle(&mut self, reason: Reason, detail: impl Into<String>) {
        self.decision.reason = reason;
        self.decision.detail = detail.into();
    }

    pub(super) fn step(&mut self, step: impl Into<String>) {
        self.decision.steps.push(step.into());
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        let reason = match failure.kind {
            FailureKind::Wrong => Reason::LookupFailed,
            FailureKind::Quota => Reason::RegistryQuota,
            FailureKind::Budget => Reason::OverBudget,
        };
        self.step(format!("{}: {}", failure.code, failure.message));
        self.decision.missing = Some((reason, failure.message.clone()));
        self.settle(reason, failure.message);
        self.decision.help = failure.help;
    }

    pub(super) fn reason_of_wanted(&self) -> Reason {
        let has_tag = |wanted: &Wanted| wanted.level > Level::Digest;
        match self.decision.wanted.first() {
            Some(wanted) if has_tag(wanted) && self.decision.inner.is_some() => Reason::InnerNew,
            Some(_) if self.decision.wanted.iter().any(has_tag) => Reason::NewTag,
            Some(wanted) if wanted.class == Class::Pin => Reason::FirstPin,
            _ => Reason::NewDigest,
        }
    }

    pub(super) fn pin_kind(
        &mut self,
        view: &Answers<'_>,
        tag: &Tag,
        digest: &Digest,
    ) -> Result<Pin, Missing> {
        let kind = kind_of(view, tag, digest)?;
        match &kind {
            Pin::Platform(platform) => {
                self.step(format!("{} is the manifest for {platform}", digest.short()))
            }
            Pin::Vanished => self.step(format!(
                "pin-vanished: the registry no longer has {}",
                digest.short()
            )),
            Pin::Whole | Pin::None => {}
        }
        Ok(kind)
    }
}
