//! GraphQL: each document against GitHub's schema, and the excerpt that the fake uses as a part of it.

use super::{given, recorded};
use apollo_compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use std::collections::BTreeSet;
use std::path::Path;

fn vendor() -> Valid<Schema> {
    let text = std::fs::read_to_string(given("IMAGEBOT_GITHUB_SCHEMA")).unwrap();
    match Schema::parse_and_validate(text, "schema.graphql") {
        Ok(schema) => schema,
        Err(errors) => {
            // The vendor's file defines two fields of one type twice.
            for error in errors.errors.iter() {
                let text = error.to_string();
                assert!(text.contains("duplicate definitions"), "{text}");
            }
            Valid::assume_valid(errors.partial)
        }
    }
}

/// The names of the operations in the source.
fn in_source() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/forge/github");
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for kind in ["query ", "mutation "] {
            for rest in text.split(kind).skip(1) {
                let name: String = rest
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                let next = rest[name.len()..].chars().next();
                let operation = name.starts_with(|c: char| c.is_ascii_uppercase());
                if operation && matches!(next, Some('(' | '{')) {
                    names.insert(name);
                }
            }
        }
    }
    names
}

#[test]
#[ignore = "scripts/check-fake-github runs it on what it has recorded"]
fn every_document_fits_githubs_schema() {
    let schema = vendor();
    let (mut documents, mut names) = (BTreeSet::new(), BTreeSet::new());
    for exchange in recorded()
        .iter()
        .filter(|exchange| exchange["path"] == "/graphql")
    {
        documents.insert(exchange["body"]["query"].as_str().unwrap().to_owned());
    }
    for text in &documents {
        match ExecutableDocument::parse_and_validate(&schema, text, "document.graphql") {
            Ok(document) => {
                let operations = document.operations.iter();
                names.extend(
                    operations
                        .filter_map(|found| found.name.as_ref())
                        .map(ToString::to_string),
                );
            }
            Err(errors) => panic!("{text}\n{}", errors.errors),
        }
    }
    let missing: Vec<_> = in_source().difference(&names).cloned().collect();
    assert!(missing.is_empty(), "no test sends {missing:?}");
    assert!(names.len() >= 6, "{names:?}");
}

#[test]
#[ignore = "scripts/check-fake-github runs it with the vendor's file"]
fn the_excerpt_is_a_part_of_githubs_schema() {
    let vendor = vendor();
    let text = std::fs::read_to_string("fixtures/github/schema.graphql").unwrap();
    let Ok(excerpt) = Schema::parse_and_validate(text, "excerpt.graphql") else {
        panic!("the excerpt is no schema");
    };
    let mut problems = Vec::new();
    for (name, ours) in excerpt
        .types
        .iter()
        .filter(|(_, found)| !found.is_built_in())
    {
        let Some(theirs) = vendor.types.get(name) else {
            problems.push(format!("there is no {name}"));
            continue;
        };
        match (ours, theirs) {
            (ExtendedType::Object(ours), ExtendedType::Object(theirs)) => {
                for (field, definition) in &ours.fields {
                    compare(
                        &format!("{name}.{field}"),
                        definition,
                        theirs.fields.get(field).map(|f| &f.node),
                        &mut problems,
                    );
                }
            }
            (ExtendedType::Interface(ours), ExtendedType::Interface(theirs)) => {
                for (field, definition) in &ours.fields {
                    compare(
                        &format!("{name}.{field}"),
                        definition,
                        theirs.fields.get(field).map(|f| &f.node),
                        &mut problems,
                    );
                }
            }
            (ExtendedType::Enum(ours), ExtendedType::Enum(theirs)) => {
                let ours: Vec<_> = ours.values.keys().collect();
                let mut theirs: Vec<_> = theirs.values.keys().collect();
                theirs.retain(|value| ours.contains(value));
                if ours.len() != theirs.len() {
                    problems.push(format!("{name} has other values"));
                }
            }
            (ExtendedType::InputObject(ours), ExtendedType::InputObject(theirs)) => {
                for (field, definition) in &ours.fields {
                    let same = theirs
                        .fields
                        .get(field)
                        .is_some_and(|found| found.ty == definition.ty);
                    if !same {
                        problems.push(format!("{name}.{field} is another"));
                    }
                }
            }
            (ExtendedType::Union(ours), ExtendedType::Union(theirs)) => {
                if !ours
                    .members
                    .iter()
                    .all(|member| theirs.members.contains(member))
                {
                    problems.push(format!("{name} has other members"));
                }
            }
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            _ => problems.push(format!("{name} is of another kind")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn compare(
    name: &str,
    ours: &FieldDefinition,
    theirs: Option<&Node<FieldDefinition>>,
    problems: &mut Vec<String>,
) {
    let Some(theirs) = theirs else {
        problems.push(format!("there is no {name}"));
        return;
    };
    if ours.ty != theirs.ty {
        problems.push(format!("{name} is {}, not {}", theirs.ty, ours.ty));
    }
    let find = |list: &[Node<InputValueDefinition>], argument: &InputValueDefinition| {
        list.iter()
            .any(|found| found.name == argument.name && found.ty == argument.ty)
    };
    for argument in &ours.arguments {
        if !find(&theirs.arguments, argument) {
            problems.push(format!(
                "{name} has no argument {}: {}",
                argument.name, argument.ty
            ));
        }
    }
    for argument in theirs
        .arguments
        .iter()
        .filter(|argument| argument.is_required())
    {
        if !find(&ours.arguments, argument) {
            problems.push(format!("{name} needs the argument {}", argument.name));
        }
    }
}
