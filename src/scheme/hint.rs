//! Remarks for the user about a list or a policy, besides the verdicts.

use super::judge::{Judge, VariantDifference, rises};
use super::offer::scheme_line;
use super::order::Mark;
use super::reading::{Reading, numbers_in};
use super::rules::{Rules, VariantMode};
use super::words::{Meaning, cpu_end, meaning};

/// A remark that changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The stable code: kebab-case.
    pub code: &'static str,
    /// The remark and what can be done, in one line.
    pub text: String,
}

/// What is collected while a list is read.
#[derive(Debug, Default)]
pub(super) struct Hints<'t> {
    /// A range can be compared with some tag of the list.
    numbered: bool,
    /// The highest tag with the same words and higher numbers in the variant.
    higher: Option<&'t str>,
}

impl<'t> Hints<'t> {
    /// Notes a tag that is a version.
    pub(super) fn saw(&mut self, reading: &Reading<'_>) {
        self.numbered = self.numbered || reading.range_numbers().next().is_some();
    }

    /// Notes a tag of another variant.
    pub(super) fn saw_other_variant(
        &mut self,
        judge: &Judge<'_>,
        tag: &'t str,
        reading: &Reading<'_>,
    ) {
        let current = &judge.current;
        let words = || {
            current.words.len() == reading.words.len()
                && rises(&current.words, &reading.words)
                && judge.variant_difference(reading) == Some(VariantDifference::Words)
        };
        let higher =
            reading.precision == current.precision && (words() || judge.second_rises(reading));
        if higher && self.higher.is_none_or(|own| is_above(tag, own)) {
            self.higher = Some(tag);
        }
    }

    pub(super) fn finish(
        self,
        tag: &str,
        judge: Option<&Judge<'_>>,
        rules: &Rules,
        ended: bool,
    ) -> Vec<Hint> {
        let mut hints = Vec::new();
        if !self.numbered {
            let ignored = rules.ignore.iter().filter_map(|ignore| ignore.range());
            let allowed = rules.allow.iter().filter_map(|allow| allow.range());
            hints.extend(allowed.chain(ignored).map(|range| Hint {
                code: "range-fits-nothing",
                text: format!(
                    "the range {range:?} cannot be compared with any tag in the list; write an exact tag or `/…/`"
                ),
            }));
        }
        let Some(current) = judge.map(|judge| &judge.current) else {
            return hints;
        };
        if rules.scheme.traits().words_are_prereleases
            && let Some(word) = current.stages.iter().find_map(variant_word)
        {
            hints.push(Hint {
                code: "semver-drops-variant",
                text: format!(
                    "to `semver` {word:?} in {tag:?} is a prerelease, so the next stable version drops it; `scheme = \"auto\"` keeps it"
                ),
            });
        }
        let Some(higher) = self.higher.filter(|_| ended) else {
            return hints;
        };
        match current.words.iter().find(|word| word.unknown) {
            Some(word) => {
                let line = scheme_line(tag, higher)
                    .unwrap_or_else(|| "a `[[scheme]]` with a pattern".to_owned());
                hints.push(Hint {
                    code: "unknown-word",
                    text: format!(
                        "imagebot does not know the word {:?}, so its number stays as it is, though {higher:?} exists; {line} frees it",
                        word.text.trim_start_matches(['-', '_', '.', '+']),
                    ),
                });
            }
            None if rules.variant == VariantMode::Keep => hints.push(Hint {
                code: "variant-ended",
                text: format!(
                    "nothing newer has this variant, but {higher:?} has the same words with higher numbers; `variant = \"follow\"` takes it"
                ),
            }),
            None => {}
        }
        hints
    }
}

/// Whether a tag's numbers are above another's; if they are equal, whether its text is.
fn is_above(tag: &str, other: &str) -> bool {
    let order = numbers_in(tag).cmp(numbers_in(other));
    order.then_with(|| tag.cmp(other)).is_gt()
}

/// A part of a prerelease that is a word of the variant table.
fn variant_word<'t>(mark: &Mark<'t>) -> Option<&'t str> {
    let Mark::Word(text) = mark else { return None };
    text.split('-').find(|word| {
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
        meaning(stem) == Some(Meaning::Name) || cpu_end(word, 0).is_some()
    })
}
