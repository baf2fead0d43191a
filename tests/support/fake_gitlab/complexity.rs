//! What a GraphQL document costs by GitLab's rule (see the directives of `fixtures/gitlab/schema.graphql`).

use apollo_compiler::executable::{Field, Selection, SelectionSet, Value};
use apollo_compiler::{ExecutableDocument, Node};
use serde_json::Value as Json;

/// The cost of a document's operation with its variables.
pub(crate) fn complexity(document: &ExecutableDocument, variables: &Json) -> u64 {
    let operations = document.operations.iter();
    operations
        .map(|operation| selections(document, &operation.selection_set, variables))
        .sum()
}

fn selections(document: &ExecutableDocument, set: &SelectionSet, variables: &Json) -> u64 {
    let cost = |selection: &Selection| match selection {
        Selection::Field(field) => self::field(document, field, variables),
        Selection::InlineFragment(inline) => selections(document, &inline.selection_set, variables),
        Selection::FragmentSpread(spread) => spread
            .fragment_def(document)
            .map_or(0, |def| selections(document, &def.selection_set, variables)),
    };
    set.selections.iter().map(cost).sum()
}

fn field(document: &ExecutableDocument, field: &Node<Field>, variables: &Json) -> u64 {
    if field.name.starts_with("__") {
        return 0;
    }
    let children = selections(document, &field.selection_set, variables);
    let directives = &field.definition.directives;
    if let Some(fixed) = directives.get("complexity") {
        let value = fixed.specified_argument_by_name("value");
        let value = value.and_then(|value| value.to_i32()).unwrap_or(1);
        return children + value as u64;
    }
    let gitaly = u64::from(directives.has("gitaly"));
    if !directives.has("resolver") {
        return children + 1 + gitaly;
    }
    let given = |name: &str| {
        let value = argument(field, name, variables)?;
        (!value.is_null()).then_some(value)
    };
    let mut cost = children + 1 + gitaly;
    cost += u64::from(given("sort").is_some());
    cost += 5 * u64::from(given("search").is_some());
    if field.ty().inner_named_type().ends_with("Connection") {
        let limit = ["first", "last"]
            .iter()
            .filter_map(|name| given(name)?.as_u64());
        let limit = limit.chain([100]).min().unwrap_or(100);
        if given("iid").is_none() && given("iids").is_none() {
            cost += cost * limit / 100;
        }
    }
    cost
}

fn argument(field: &Field, name: &str, variables: &Json) -> Option<Json> {
    let value = field.specified_argument_by_name(name)?;
    Some(match &**value {
        Value::Variable(variable) => variables.get(variable.as_str())?.clone(),
        Value::Int(int) => int.try_to_i32().ok()?.into(),
        Value::Null => Json::Null,
        other => Json::String(other.to_string()),
    })
}
