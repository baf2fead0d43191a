//! `[defaults]` and `[[rule]]`.

use super::keys::{MATCHERS, SETTINGS};
use super::name_globs;
use super::schemes::Schemes;
use super::setting_types::SettingType;
use super::table::Table;
use crate::coded::Coded as _;
use crate::image::Platform;
use crate::policy::{
    Age, Changes, CiMode, DigestMode, Hold, LabelNames, NamedScheme, Rule, Trust, UserNames,
    settings_table,
};
use crate::repo::Glob;
use crate::scheme::{Allow, CodenameMode, Ignore, Level, VariantMode};
use crate::source::ReferenceKind;

/// `[defaults]`.
pub(super) fn defaults(table: Table<'_>, schemes: &Schemes) -> Rule {
    table.only(&[SETTINGS]);
    Rule::everything(changes(table, schemes), table.origin(table.span.0))
}

fn is_matcher(name: &str) -> bool {
    MATCHERS.iter().any(|key| key.name == name)
}

/// A `[[rule]]`.
pub(super) fn rule(table: Table<'_>, schemes: &Schemes) -> Rule {
    table.only(&[MATCHERS, SETTINGS]);
    let globs = |name: &str| {
        table
            .parsed_list(name, Glob::parse)
            .map(|at| at.value)
            .unwrap_or_default()
    };
    let changes = changes(table, schemes);
    // A key with a wrong value, or an unknown one, has its own message.
    if changes.is_empty() && !table.names().any(|name| !is_matcher(name)) {
        table.problem(table.span.0..table.span.1, "this rule sets nothing", None);
    }
    Rule {
        images: name_globs::images(table),
        repos: name_globs::repos(table),
        paths: globs("paths"),
        tags: name_globs::tags(table),
        kinds: kinds(table),
        changes,
        from: table.origin(table.span.0),
    }
}

fn kinds(table: Table<'_>) -> Vec<ReferenceKind> {
    let parse = |text: &str| {
        let glob = Glob::parse(text).ok();
        let fits = |kind: &&ReferenceKind| glob.as_ref().is_some_and(|it| it.matches(kind.code()));
        let fitting: Vec<ReferenceKind> = ReferenceKind::ALL.iter().filter(fits).copied().collect();
        match fitting.is_empty() {
            true => Err(format!(
                "no kind fits it; the kinds are {}",
                ReferenceKind::CODES.join(", ")
            )),
            false => Ok(fitting),
        }
    };
    let kinds = table.parsed_list("kinds", parse);
    kinds.map(|at| at.value.concat()).unwrap_or_default()
}

macro_rules! read_changes {
    ($($name:ident: $type:ty = $default:expr, $about:literal;)*) => {
        fn changes(table: Table<'_>, schemes: &Schemes) -> Changes {
            Changes {
                $($name: <$type as SettingType>::read(table, stringify!($name), schemes)
                    .map(|at| table.set(at)),)*
            }
        }
    };
}

settings_table!(read_changes);

/// Reports settings of a repository's rule that only the operator can set.
pub(super) fn operators_own(table: Table<'_>) {
    if table.names().any(|name| name == "ci") {
        let message = "only the operator can allow changes of CI definitions".to_owned();
        let help = "remove it, and ask for `ci = \"propose\"` in a [[rule]] of the operator's configuration";
        table.problem(table.span_of("ci"), message, Some(help.to_owned()));
    }
}

/// Reports labels of a rule that are commands to imagebot: it would obey itself.
pub(super) fn reserved(table: Table<'_>, rule: &Rule, orders: [&str; 2]) {
    let labels = rule.changes.labels.iter().flat_map(|set| set.value.iter());
    for label in labels.filter(|label| orders.contains(&label.as_str())) {
        let message = format!(
            "{label:?} is a command label for imagebot and cannot be set on every merge request"
        );
        let help = "remove it from `labels`, or rename it with rebase_label and stop_label of [merge_request]";
        table.problem(table.span_of("labels"), message, Some(help.to_owned()));
    }
}
