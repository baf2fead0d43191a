//! The variables of a compose file.

use super::super::interpolate::interpolate;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use std::collections::BTreeMap;

/// The values of variables: `[args]`, then `.env`.
pub(super) struct Environment<'a> {
    /// Which project they belong to.
    pub(super) project: usize,
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) variables: BTreeMap<String, Expanded>,
}

impl Environment<'_> {
    pub(super) fn get(&self, name: &str) -> Option<Expanded> {
        let given = self.args.get(name).map(|value| Expanded::given(value));
        given.or_else(|| self.variables.get(name).cloned())
    }

    /// A text with its variables expanded.
    pub(super) fn expand(&self, text: &Mapped) -> Expanded {
        interpolate(text, &|name: &str| self.get(name))
    }
}
