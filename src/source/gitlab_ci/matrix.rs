//! The combinations of `parallel: matrix`.

use super::super::yaml::{Node, Yaml};
use super::elsewhere::follow;
use super::variables::{Variable, Variables};

/// The most variables of a matrix that are read.
const MAX_VARIABLES: usize = 16;
/// The most combinations of a matrix that are read.
pub(super) const MAX_COMBINATIONS: usize = 64;

/// The combinations of a matrix.
#[derive(Default)]
pub(super) struct Matrix {
    pub(super) combinations: Vec<Variables>,
    /// Whether there are more.
    pub(super) is_cut: bool,
}

impl Matrix {
    /// The matrix at `parallel`.
    pub(super) fn read(files: &[Yaml<'_>], parallel: Node<'_>) -> Self {
        let mut all = Self::default();
        for entry in parallel.list("matrix") {
            let mut combinations = vec![Variables::default()];
            let entries = entry.entries();
            all.is_cut |= entries.len() > MAX_VARIABLES;
            for (name, values) in entries.into_iter().take(MAX_VARIABLES) {
                let Some(name) = name.text().map(|text| text.value()) else {
                    continue;
                };
                let read = |value| Variable::read(files, value, false);
                // A list has no value itself.
                let values: Vec<Variable> = match follow(files, values) {
                    Some(list) if list.is_list() => list.items().filter_map(read).collect(),
                    _ => read(values).into_iter().collect(),
                };
                all.is_cut |= combinations.len() * values.len() > MAX_COMBINATIONS;
                let next = combinations.iter().flat_map(|known| {
                    values.iter().map(|value| {
                        let mut with = known.clone();
                        with.insert(name, value.clone());
                        with
                    })
                });
                combinations = next.take(MAX_COMBINATIONS).collect();
            }
            let room = MAX_COMBINATIONS - all.combinations.len();
            all.is_cut |= combinations.len() > room;
            all.combinations.extend(combinations.into_iter().take(room));
        }
        all
    }
}
