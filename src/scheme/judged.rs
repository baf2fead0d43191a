//! The verdicts of a selection, one for each tag. Explanations are computed only when they are requested.

use std::cmp::Reverse;

use super::explain;
use super::newest::{Entry, Span};
use super::reading::Reading;
use super::selection::Selection;
use super::verdict::TagVerdict;

/// One tag of the list with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'s> {
    /// The tag.
    pub tag: &'s str,
    /// The verdict.
    pub verdict: TagVerdict,
    selection: &'s Selection,
}

impl Judged<'_> {
    /// How the tag was read and why it has its verdict, in one line.
    pub fn why(&self) -> String {
        let selection = self.selection;
        explain::why(
            &selection.context(),
            &selection.rules,
            self.tag,
            self.verdict,
        )
    }
}

impl Selection {
    /// The verdict for every tag once: candidates best first, then older versions newest first, then the rest,
    /// independent of the order of the list.
    pub fn verdicts(&self) -> impl Iterator<Item = Judged<'_>> {
        let chosen = self.pick(self.rules.max).map(|entry| entry.span.0);
        let shut = self.open.shuts_prereleases(self.rules.max);
        let mut judged: Vec<_> = self
            .newer
            .iter()
            .map(|entry| (entry.span, self.verdict(entry, chosen, shut)))
            .collect();
        judged.extend(self.sorted_others());
        judged.into_iter().map(|(span, verdict)| Judged {
            tag: self.tag(span),
            verdict,
            selection: self,
        })
    }

    fn sorted_others(&self) -> Vec<(Span, TagVerdict)> {
        let context = self.context();
        let mut reading = Reading::default();
        let mut sorted: Vec<_> = self
            .others
            .iter()
            .map(|(span, verdict)| {
                let tag = self.tag(*span);
                let mut row = Vec::new();
                let compared = matches!(
                    verdict,
                    TagVerdict::Current | TagVerdict::OlderOrEqual | TagVerdict::Prerelease
                );
                if let Some(judge) = context.judge.as_ref().filter(|_| compared)
                    && context.reader.read(tag, &mut reading)
                {
                    judge.row(&reading, &mut row);
                }
                let marks: Vec<_> = row.iter().map(|token| token.mark).collect();
                (!compared, Reverse(marks), *verdict, tag, *span)
            })
            .collect();
        sorted.sort_unstable_by(|left, right| {
            (left.0, &left.1, left.2, left.3).cmp(&(right.0, &right.1, right.2, right.3))
        });
        sorted.dedup_by(|left, right| left.3 == right.3);
        sorted
            .into_iter()
            .map(|(.., verdict, _, span)| (span, verdict))
            .collect()
    }

    fn verdict(&self, entry: &Entry, chosen: Option<usize>, shut: bool) -> TagVerdict {
        if shut && !entry.newer.stable {
            return TagVerdict::Prerelease;
        }
        let above = (entry.newer.level > self.rules.max).then_some(TagVerdict::AboveAllowedLevel);
        entry
            .policy
            .or(above)
            .or(entry.rejected)
            .unwrap_or(match chosen == Some(entry.span.0) {
                true => TagVerdict::Chosen,
                false => TagVerdict::NewerButLower,
            })
    }
}
