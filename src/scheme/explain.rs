//! Explains in one line how a tag was read and why it has its verdict.

use super::context::Context;
use super::judge::{Judge, VariantDifference, rises};
use super::offer::scheme_line;
use super::reading::{Reading, variant_text};
use super::rules::{Allow, Ignore, Rules};
use super::verdict::TagVerdict;

/// The line for one tag.
pub(super) fn why(context: &Context<'_>, rules: &Rules, tag: &str, verdict: TagVerdict) -> String {
    let mut reading = Reading::default();
    if !context.reader.read(tag, &mut reading) {
        return verdict.describe().to_owned();
    }
    let reason = context
        .judge
        .as_ref()
        .and_then(|judge| reason(context, judge, rules, tag, &reading, verdict))
        .unwrap_or_else(|| verdict.describe().to_owned());
    let read = reading.to_string();
    match read.is_empty() {
        true => reason,
        false => format!("{read}: {reason}"),
    }
}

fn reason(
    context: &Context<'_>,
    judge: &Judge<'_>,
    rules: &Rules,
    tag: &str,
    reading: &Reading<'_>,
    verdict: TagVerdict,
) -> Option<String> {
    let current = &judge.current;
    Some(match verdict {
        TagVerdict::OtherPrefix => format!(
            "the current tag has {}",
            named("prefix", &current.prefix.join("…"))
        ),
        TagVerdict::OtherVariant => match judge.variant_difference(reading)? {
            VariantDifference::Hash => {
                "it holds a commit hash and the current tag does not".to_owned()
            }
            VariantDifference::Kinds => {
                "its build number has another format than the current tag's".to_owned()
            }
            VariantDifference::Words => variant_reason(judge, context.current, tag, reading),
            VariantDifference::Second => second_reason(judge, reading),
        },
        TagVerdict::FarOff => format!(
            "a number is far from those of {:?}; it is probably a date, a year or a build number",
            current.core
        ),
        TagVerdict::OtherPrecision => format!(
            "the current tag's version is {}",
            match current.core {
                "" => "a codename",
                core => core,
            }
        ),
        TagVerdict::Ignored => {
            let ignore = rules.ignore.iter().find(|ignore| ignore.fits(tag, reading));
            match ignore.and_then(Ignore::range) {
                Some(range) => format!("`ignore` excludes {range:?}"),
                None => verdict.describe().to_owned(),
            }
        }
        TagVerdict::NotAllowed => match rules.allow.as_ref().and_then(Allow::range) {
            Some(range) => format!("`allow` accepts only {range:?}"),
            None => verdict.describe().to_owned(),
        },
        TagVerdict::AboveAllowedLevel => {
            let mut row = Vec::new();
            judge.row(reading, &mut row);
            let (_, level) = judge.order(&row);
            format!("a {level} change, and `max` is {:?}", rules.max.code())
        }
        _ => return None,
    })
}

fn variant_reason(
    judge: &Judge<'_>,
    current_tag: Option<&str>,
    tag: &str,
    reading: &Reading<'_>,
) -> String {
    let current = &judge.current;
    let mut reason = format!(
        "the current tag has {}",
        named("variant", &variant_text(&current.words))
    );
    if !judge.follow && rises(&current.words, &reading.words) {
        reason.push_str(
            "; its words are the same, with a higher number: `variant = \"follow\"` takes it",
        );
    }
    if let Some(word) = reading.words.iter().find(|word| word.unknown) {
        let word = word.text.trim_start_matches(['-', '_', '.', '+']);
        reason.push_str(&format!("; imagebot does not know the word {word:?}"));
        if let Some(line) = current_tag.and_then(|current| scheme_line(current, tag)) {
            reason.push_str(&format!(", {line} frees it"));
        }
    }
    reason
}

fn second_reason(judge: &Judge<'_>, reading: &Reading<'_>) -> String {
    let reason = "its second version is another than the current tag's";
    match !judge.follow && judge.second_rises(reading) {
        true => format!("{reason}, and higher: `variant = \"follow\"` takes it"),
        false => reason.to_owned(),
    }
}

fn named(what: &str, text: &str) -> String {
    match text {
        "" => format!("no {what}"),
        text => format!("{what} {text:?}"),
    }
}
