//! What `imagebot check` finds out, as JSON has it.

use crate::plan::Decision;
use crate::run::{DecisionReport, ProblemReport, ProposalReport};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Output {
    pub(super) version: u32,
    pub(super) subject: String,
    pub(super) references: Vec<Trace>,
    pub(super) proposals: Vec<ProposalReport>,
    pub(super) skipped: Option<String>,
    pub(super) unread: Vec<String>,
    pub(super) problems: Vec<ProblemReport>,
}

#[derive(Serialize)]
pub(super) struct Trace {
    #[serde(flatten)]
    pub(super) decision: DecisionReport,
    #[serde(skip)]
    pub(super) reason: &'static str,
    pub(super) source: Option<String>,
    pub(super) settings: Vec<String>,
    pub(super) steps: Vec<String>,
    pub(super) verdicts: Vec<JudgedTag>,
    pub(super) hints: Vec<String>,
    /// The answer to `--why`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Why>,
}

#[derive(Serialize)]
pub(super) struct JudgedTag {
    pub(super) tag: String,
    pub(super) verdict: &'static str,
    pub(super) why: String,
}

/// The answer for one reference.
#[derive(Debug, Serialize)]
pub(super) struct Why {
    /// The tag's verdict, as a stable code; `not-listed` if the registry does not list the tag, `not-compared` if the
    /// reference's tags were not compared at all.
    pub(super) verdict: &'static str,
    /// The verdict in words.
    pub(super) text: String,
}

impl Why {
    /// Why a decision does not propose a tag.
    pub(super) fn new(decision: &Decision, tag: &str) -> Self {
        let Some(selection) = &decision.selection else {
            return Self {
                verdict: "not-compared",
                text: "the tags of this image were not compared".to_owned(),
            };
        };
        match selection.verdicts().find(|judged| judged.tag == tag) {
            Some(judged) => Self {
                verdict: judged.verdict.code(),
                text: judged.why(),
            },
            None => Self {
                verdict: "not-listed",
                text: format!("the registry does not list the tag {tag}"),
            },
        }
    }
}

impl Trace {
    /// The trace of a decision. `all_tags`: with the verdict on every tag; `why`: with the answer about this tag.
    pub(super) fn new(
        decision: &Decision,
        source: Option<String>,
        all_tags: bool,
        why: Option<&str>,
    ) -> Self {
        let settings = decision.effective.as_ref().map(|effective| {
            let settings = &effective.settings;
            // A setting that no file sets has no line.
            let set = settings
                .rows()
                .into_iter()
                .filter(|(_, _, from)| from.line > 0);
            let set = set.map(|(name, value, from)| match settings.reasons.get(name) {
                Some(reason) if name != "reason" => format!("{name} = {value} ({from}: {reason})"),
                _ => format!("{name} = {value} ({from})"),
            });
            set.collect::<Vec<_>>()
        });
        let selection = decision.selection.as_ref();
        let verdicts = selection.filter(|_| all_tags).map(|selection| {
            selection
                .verdicts()
                .map(|judged| JudgedTag {
                    tag: judged.tag.to_owned(),
                    verdict: judged.verdict.code(),
                    why: judged.why(),
                })
                .collect()
        });
        Self {
            decision: DecisionReport::from(decision),
            reason: decision.reason.describe(),
            source,
            settings: settings.unwrap_or_default(),
            steps: decision.steps.clone(),
            verdicts: verdicts.unwrap_or_default(),
            hints: selection
                .map(|s| {
                    s.hints()
                        .iter()
                        .map(|h| format!("{} [{}]", h.text, h.code))
                        .collect()
                })
                .unwrap_or_default(),
            why: why.map(|tag| Why::new(decision, tag)),
        }
    }
}
