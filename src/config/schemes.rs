//! `[[scheme]]`, and the schemes that are always there.

use super::keys;
use super::table::{At, Table};
use crate::policy::NamedScheme;
use crate::scheme::{RegexScheme, Scheme};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The schemes that rules can name.
pub(super) type Schemes = BTreeMap<String, NamedScheme>;

/// The built-in schemes.
pub(super) fn built_in() -> Schemes {
    let named = |name: &str, scheme| {
        (
            name.to_owned(),
            NamedScheme {
                name: Arc::from(name),
                scheme,
            },
        )
    };
    BTreeMap::from([
        named("auto", Scheme::Auto),
        named("semver", Scheme::Semver),
        named("floating", Scheme::Floating),
    ])
}

/// A `[[scheme]]` with its name.
pub(super) fn scheme(table: Table<'_>, known: &Schemes) -> Option<(String, NamedScheme)> {
    table.only(&[keys::SCHEME]);
    let name = table.needed("name", "[[scheme]]");
    let pattern = table.needed("pattern", "[[scheme]]");
    let order = table
        .texts("order")
        .map(|at| at.value.into_iter().map(|at| at.value).collect::<Vec<_>>());
    let (name, pattern) = (name?, pattern?);
    if known.contains_key(&name.value) {
        table.problem(
            name.span,
            format!("a scheme named {:?} already exists", name.value),
            None,
        );
        return None;
    }
    match RegexScheme::parse(&pattern.value, &order.unwrap_or_default()) {
        Ok(scheme) => {
            let scheme = NamedScheme {
                name: Arc::from(name.value.as_str()),
                scheme: Scheme::Regex(scheme),
            };
            Some((name.value, scheme))
        }
        Err(error) => {
            let At { span, .. } = pattern;
            table.problem(span, format!("{}: {error}", error.code()), None);
            None
        }
    }
}
