//! How the text of several variables is changed to give a new tag.
//!
//! A tag may be written in one place (`FROM node:21`) or composed of many (`${MAJOR}.${MINOR}-${OS}`). The new text is
//! matched against the places in their order: as few as possible change, none becomes empty, and a place that is used
//! twice changes to a single text. If there are two solutions, the edit is refused instead of guessed.

use std::collections::HashMap;
use std::ops::Range;

/// A place that takes part in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) place: Range<usize>,
    /// Whether it is an `ARG`'s default, rather than written in the reference itself.
    pub(super) in_arg: bool,
}

/// The most places that are tried; no known tag has more than four.
const MAX_PARTS: usize = 12;
/// The most steps that one search takes.
const MAX_STEPS: usize = 200_000;

/// Why there is no new text for the places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsolved {
    /// There is none, or finding it takes too long.
    Impossible,
    /// There are several, and nothing shows which is meant.
    Ambiguous,
}

/// The new texts of the places that change.
pub(super) fn solve(parts: &[Part], new: &str) -> Result<Vec<(Range<usize>, String)>, Unsolved> {
    let mut places: Vec<&Part> = Vec::new();
    let index: Vec<usize> = parts
        .iter()
        .map(
            |part| match places.iter().position(|known| known.place == part.place) {
                Some(index) => index,
                None => {
                    places.push(part);
                    places.len() - 1
                }
            },
        )
        .collect();
    if places.len() > MAX_PARTS {
        return Err(Unsolved::Impossible);
    }
    for size in 0..=places.len() {
        let mut search = Search {
            parts,
            index: &index,
            changed: 0,
            texts: HashMap::new(),
            found: Vec::new(),
            steps: 0,
        };
        for changed in (0..1_u32 << places.len()).filter(|set| set.count_ones() as usize == size) {
            search.changed = changed;
            search.texts.clear();
            search.from(0, new);
        }
        if search.steps > MAX_STEPS {
            return Err(Unsolved::Impossible);
        }
        if !search.found.is_empty() {
            return choose(&places, &index, search.found).ok_or(Unsolved::Ambiguous);
        }
    }
    Err(Unsolved::Impossible)
}

type Solution = HashMap<usize, String>;

struct Search<'a> {
    parts: &'a [Part],
    index: &'a [usize],
    changed: u32,
    texts: Solution,
    found: Vec<Solution>,
    steps: usize,
}

impl Search<'_> {
    fn from(&mut self, part: usize, rest: &str) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        let Some(&place) = self.index.get(part) else {
            // A place that was to change and did not belongs to a smaller set.
            let changed = self.texts.iter().all(|(place, text)| {
                self.index
                    .iter()
                    .position(|i| i == place)
                    .is_some_and(|at| self.parts[at].text != *text)
            });
            if rest.is_empty() && changed {
                self.found.push(self.texts.clone());
            }
            return;
        };
        let fixed = if self.changed & (1 << place) == 0 {
            Some(self.parts[part].text.clone())
        } else {
            self.texts.get(&place).cloned()
        };
        if let Some(fixed) = fixed {
            if let Some(rest) = rest.strip_prefix(fixed.as_str()) {
                self.from(part + 1, rest);
            }
            return;
        }
        for end in 1..=rest.len() {
            let Some(text) = rest.get(..end) else {
                continue;
            };
            self.texts.insert(place, text.to_owned());
            self.from(part + 1, &rest[end..]);
        }
        self.texts.remove(&place);
    }
}

/// Chooses among several solutions: first the one in which every place keeps its shape (`20` becomes `22`, not `22.4`),
/// then the one in which places begin and end as before where they meet another, then the one that changes `ARG`s. The
/// first and the last character of the whole text do not count: they are the same in all solutions.
fn choose(
    places: &[&Part],
    index: &[usize],
    found: Vec<Solution>,
) -> Option<Vec<(Range<usize>, String)>> {
    let meets = |place: &usize, edge: &[usize]| edge.contains(place);
    let keeps_boundaries = |solution: &&Solution| {
        solution.iter().all(|(place, text)| {
            let old = &places[*place].text;
            let begins = || class(old.chars().next()) == class(text.chars().next());
            let ends = || class(old.chars().last()) == class(text.chars().last());
            (!meets(place, &index[1..]) || begins())
                && (!meets(place, &index[..index.len() - 1]) || ends())
        })
    };
    let in_args = |solution: &&Solution| solution.keys().all(|place| places[*place].in_arg);
    let keeps_shapes = |solution: &&Solution| {
        let mut changed = solution.iter();
        changed.all(|(place, text)| shape(&places[*place].text) == shape(text))
    };
    let mut left: Vec<&Solution> = found.iter().collect();
    for preference in [
        &keeps_shapes as &dyn Fn(&&Solution) -> bool,
        &keeps_boundaries,
        &in_args,
    ] {
        if left.len() > 1 && left.iter().any(preference) {
            left.retain(preference);
        }
    }
    match left[..] {
        [solution] => Some(
            solution
                .iter()
                .map(|(place, text)| (places[*place].place.clone(), text.clone()))
                .collect(),
        ),
        _ => None,
    }
}

/// The shape of a text, with runs of digits and of letters shortened to one each: `.11.0-alpine` and `.4.1-alpine` have
/// the same.
fn shape(text: &str) -> Vec<Option<char>> {
    let mut shape: Vec<Option<char>> = text.chars().map(|c| class(Some(c))).collect();
    shape.dedup_by(|next, before| next == before && matches!(next, Some('0' | 'a')));
    shape
}

/// Letters are alike, digits are alike, and any other character is only like itself.
fn class(c: Option<char>) -> Option<char> {
    c.map(|c| match c {
        c if c.is_ascii_digit() => '0',
        c if c.is_ascii_alphabetic() => 'a',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts are written as words; a word in `<>` is in an `ARG`. The same word is the same place.
    fn check(parts: &[&str], new: &str, expect: Option<&[(&str, &str)]>) {
        let parts: Vec<Part> = parts
            .iter()
            .map(|word| {
                let text = word.trim_matches(['<', '>']).to_owned();
                let at = parts.iter().position(|w| w == word).unwrap_or_default() * 100;
                Part {
                    place: at..at + text.len(),
                    in_arg: word.starts_with('<'),
                    text,
                }
            })
            .collect();
        let solved = solve(&parts, new).ok().map(|mut solution| {
            solution.sort_by_key(|(place, _)| place.start);
            let old = |place: &Range<usize>| {
                parts
                    .iter()
                    .find(|p| p.place == *place)
                    .map(|p| p.text.clone())
                    .unwrap_or_default()
            };
            solution
                .into_iter()
                .map(|(place, text)| (old(&place), text))
                .collect::<Vec<_>>()
        });
        let expect = expect.map(|e| {
            e.iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect::<Vec<_>>()
        });
        assert_eq!(solved, expect, "{parts:?} → {new}");
    }

    #[test]
    fn as_few_places_as_possible_change() {
        check(&["21"], "22", Some(&[("21", "22")]));
        check(&["<21>", "-alpine"], "22-alpine", Some(&[("21", "22")]));
        check(&["<3>", ".", "<19>"], "3.20", Some(&[("19", "20")]));
        check(
            &["<3>", ".", "<19>"],
            "4.0",
            Some(&[("3", "4"), ("19", "0")]),
        );
        check(&["<1>", ".", "<1>"], "2.2", Some(&[("1", "2")]));
        check(&["<1>", ".", "<1>"], "1.2", None);
        check(&["<1>", ".", "<01>"], "1.11", Some(&[("01", "11")]));
        check(
            &["<1.2>", "-r1"],
            "1.3-r2",
            Some(&[("1.2", "1.3"), ("-r1", "-r2")]),
        );
        check(&["21"], "21", Some(&[]));
        check(
            &["<20>", "<-alpine>"],
            "22-alpine3.19",
            Some(&[("20", "22"), ("-alpine", "-alpine3.19")]),
        );
    }

    #[test]
    fn a_variable_and_the_text_behind_it_move_together() {
        let parts = ["<20>", ".11.0-alpine", "<3.18>"];
        check(
            &parts,
            "22.4.1-alpine3.18",
            Some(&[("20", "22"), (".11.0-alpine", ".4.1-alpine")]),
        );
        check(
            &parts,
            "22.4.1-alpine3.20",
            Some(&[
                ("20", "22"),
                (".11.0-alpine", ".4.1-alpine"),
                ("3.18", "3.20"),
            ]),
        );
        check(
            &parts,
            "20.12.0-alpine3.18",
            Some(&[(".11.0-alpine", ".12.0-alpine")]),
        );
        check(
            &["v", "<1>", ".2"],
            "v3.4",
            Some(&[("1", "3"), (".2", ".4")]),
        );
    }

    #[test]
    fn what_cannot_be_expressed_is_refused() {
        check(&["<1>", ".", "<2>"], "2", None);
        check(&["<a1>", "<1>"], "a111", None);
        let part = |text: &str, at: usize| Part {
            text: text.to_owned(),
            place: at..at + text.len(),
            in_arg: true,
        };
        let ambiguous = [part("a1", 0), part("1", 10)];
        assert_eq!(solve(&ambiguous, "a111"), Err(Unsolved::Ambiguous));
        let impossible = [part("1", 0), part(".", 10), part("2", 20)];
        assert_eq!(solve(&impossible, "2"), Err(Unsolved::Impossible));
        check(&[], "1", None);
    }
}
