//! REST: each request and each answer against GitHub's OpenAPI description.

use super::{given, recorded};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is used and is not in the description, with the reason.
const UNDESCRIBED: [(&str, &str); 1] = [(
    "/repositories/",
    "where the documented redirects of renamed repositories lead: the same resources by id",
)];

/// OpenAPI 3.0 as JSON Schema: `nullable` is a type, and `oneOf` is used where both may fit.
fn schema(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(schema).collect(),
        Value::Object(fields) => {
            let mut made = serde_json::Map::new();
            for (key, value) in fields {
                match key.as_str() {
                    // Not of the schema, or a wish only.
                    "nullable" | "example" | "examples" | "format" | "discriminator" => {}
                    "oneOf" => drop(made.insert("anyOf".to_owned(), schema(value))),
                    // A property may have any name.
                    "properties" => {
                        let inner = value.as_object().unwrap().iter();
                        let inner = inner.map(|(name, value)| (name.clone(), schema(value)));
                        made.insert(key.clone(), Value::Object(inner.collect()));
                    }
                    "enum" | "required" | "default" | "const" => {
                        made.insert(key.clone(), value.clone());
                    }
                    _ => drop(made.insert(key.clone(), schema(value))),
                }
            }
            let made = Value::Object(made);
            match fields.get("nullable") {
                Some(Value::Bool(true)) => json!({"anyOf": [made, {"type": "null"}]}),
                _ => made,
            }
        }
        other => other.clone(),
    }
}

struct Description {
    document: Value,
    components: Value,
    validators: BTreeMap<String, jsonschema::Validator>,
}

impl Description {
    /// The operation of a path: that with the fewest variables.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let fits = |template: &&String| {
            let known: Vec<&str> = template.trim_matches('/').split('/').collect();
            let open = known.last().is_some_and(|last| {
                // Branches, refs and paths hold slashes.
                ["{ref}", "{branch}", "{path}"].contains(last)
            });
            let long_enough = if open {
                parts.len() >= known.len()
            } else {
                parts.len() == known.len()
            };
            let same = |(known, part): (&&str, &&str)| known.starts_with('{') || known == part;
            long_enough && known.iter().zip(&parts).all(same)
        };
        let paths = self.document["paths"].as_object().unwrap();
        let mut found: Vec<&String> = paths.keys().filter(fits).collect();
        let key = |template: &&String| {
            let open = template.trim_matches('/').split('/').count() != parts.len();
            (open, template.matches('{').count())
        };
        found.sort_by_key(key);
        found.into_iter().find_map(|template| {
            let operation = paths[template].get(method.to_ascii_lowercase())?;
            Some((template.as_str(), operation))
        })
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(at) => self.document.pointer(at.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    fn check(&mut self, name: &str, wanted: &Value, found: &Value) -> Vec<String> {
        if !self.validators.contains_key(name) {
            let root =
                json!({"allOf": [schema(wanted)], "components": {"schemas": self.components}});
            let validator = jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .build(&root)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            self.validators.insert(name.to_owned(), validator);
        }
        let errors = self.validators[name].iter_errors(found);
        errors
            .take(5)
            .map(|error| {
                let text: String = error.to_string().chars().take(300).collect();
                format!("{name}{}: {text}", error.instance_path())
            })
            .collect()
    }
}

#[test]
#[ignore = "scripts/check-fake-github runs it on what it has recorded"]
fn rest_is_as_github_describes_it() {
    let text = std::fs::read_to_string(given("IMAGEBOT_GITHUB_OPENAPI")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let components = schema(&document["components"]["schemas"]);
    let mut description = Description {
        document,
        components,
        validators: BTreeMap::new(),
    };
    let (mut problems, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for exchange in recorded() {
        let (method, path) = (
            exchange["method"].as_str().unwrap(),
            exchange["path"].as_str().unwrap(),
        );
        if path == "/graphql"
            || UNDESCRIBED
                .iter()
                .any(|(prefix, _)| path.starts_with(prefix))
        {
            continue;
        }
        let Some((template, operation)) = description.operation(method, path) else {
            problems.insert(format!("{method} {path} is not described"));
            continue;
        };
        let (name, operation) = (format!("{method} {template}"), operation.clone());
        seen.insert(name.clone());
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let parameters: BTreeSet<String> = parameters
            .iter()
            .map(|parameter| description.resolved(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let query = exchange["query"].as_str().unwrap();
        for (key, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !parameters.contains(key.as_ref()) {
                problems.insert(format!("{name} has no parameter {key:?}"));
            }
        }
        let body = &exchange["body"];
        if !body.is_null() {
            let wanted = operation.pointer("/requestBody/content/application~1json/schema");
            match wanted.map(|wanted| description.resolved(wanted).clone()) {
                None => drop(problems.insert(format!("{name} takes no body"))),
                Some(wanted) => {
                    problems.extend(description.check(&format!("{name} request"), &wanted, body));
                    problems.extend(unknown_fields(&name, &wanted, body));
                }
            }
        }
        let status = exchange["status"].to_string();
        let answer = operation["responses"]
            .get(&status)
            .map(|answer| description.resolved(answer).clone());
        match answer {
            // A limit, a token or a right can be missing anywhere; a renamed repository redirects everywhere.
            None if ["301", "307", "401", "403", "404", "429"].contains(&status.as_str()) => {}
            None => drop(problems.insert(format!("{name} never answers {status}"))),
            Some(answer) => {
                if let Some(wanted) = answer.pointer("/content/application~1json/schema") {
                    let what = format!("{name} answer {status}");
                    problems.extend(description.check(&what, wanted, &exchange["answer"]));
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{}",
        problems.into_iter().collect::<Vec<_>>().join("\n")
    );
    // Everything that the client asks for is asked for in some test.
    assert!(seen.len() >= 25, "only {seen:#?}");
}

/// GitHub ignores fields that it does not know: what is written there would be lost.
fn unknown_fields(name: &str, wanted: &Value, body: &Value) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut waiting = vec![wanted];
    while let Some(schema) = waiting.pop() {
        known.extend(
            schema["properties"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key),
        );
        for key in ["oneOf", "anyOf", "allOf"] {
            waiting.extend(schema[key].as_array().into_iter().flatten());
        }
    }
    let fields = body.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| !known.contains(key))
        .map(|(key, _)| format!("{name} has no field {key:?}"))
        .collect()
}
