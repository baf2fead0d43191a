//! The values for reading and comparing the tags of one list, computed once.

use std::cmp::Ordering;

use jiff::civil::Date;

use super::distribution::Distribution;
use super::hash::HashPlaces;
use super::judge::Judge;
use super::reader::Reader;
use super::reading::Reading;
use super::rules::{CodenameMode, Rules};
use super::second::Second;
use crate::image::ImageName;

/// The reader of a list, and the judge if the current tag is a version that can be compared.
pub(super) struct Context<'s> {
    pub(super) reader: &'s Reader,
    pub(super) current: Option<&'s str>,
    pub(super) judge: Option<Judge<'s>>,
}

impl<'s> Context<'s> {
    pub(super) fn new(
        reader: &'s Reader,
        current: Option<&'s str>,
        seconds: &'s [Second],
        rules: &Rules,
        distribution: Option<Distribution>,
        today: Date,
    ) -> Self {
        let mut reading = Reading::default();
        let readable = rules.scheme.traits().compares
            && current.is_some_and(|tag| reader.read(tag, &mut reading));
        Self {
            reader,
            current,
            judge: readable.then(|| Judge::new(reading, seconds, rules, distribution, today)),
        }
    }
}

/// How a tag compares to the current one; `None` if the two cannot be compared.
pub(super) fn compare(
    image: &ImageName,
    current: &str,
    candidate: &str,
    rules: &Rules,
) -> Option<Ordering> {
    let distribution = Distribution::of(image);
    let follow = rules.codename == CodenameMode::Follow;
    let reader = Reader::new(
        rules.scheme.clone(),
        HashPlaces::default(),
        distribution,
        Some(current),
        follow,
    );
    // Whether a release is out does not affect the order, so any day will do.
    let context = Context::new(&reader, Some(current), &[], rules, distribution, Date::MIN);
    let judge = context.judge?;
    let mut reading = Reading::default();
    if !reader.read(candidate, &mut reading) {
        return None;
    }
    judge.comparable(&reading).ok()?;
    let mut row = Vec::new();
    judge.row(&reading, &mut row);
    Some(judge.order(&row).0)
}
