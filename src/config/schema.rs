//! The files' JSON Schema, for editors that complete and check TOML.

use super::keys::{Key, Kind, MATCHERS, OPERATOR, REPOSITORY, SETTINGS, VERSION_FILE};
use serde_json::{Map, Value, json};

/// The schema of `config.toml` (JSON Schema, draft 2020-12).
pub fn operator_schema() -> Value {
    document("imagebot: the operator's config.toml", OPERATOR)
}

/// The schema of `imagebot.toml` (JSON Schema, draft 2020-12).
pub fn repository_schema() -> Value {
    document("imagebot: a repository's imagebot.toml", REPOSITORY)
}

fn document(title: &str, keys: &[Key]) -> Value {
    let mut schema = object(keys.iter());
    if let Value::Object(map) = &mut schema {
        map.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        map.insert("title".to_owned(), json!(title));
    }
    schema
}

fn object<'a>(keys: impl Iterator<Item = &'a Key>) -> Value {
    let properties: Map<String, Value> = keys
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn property(key: &Key) -> Value {
    let mut value = match &key.kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0 }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Numbers => json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Secret => json!({
            "type": "object",
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "env": { "type": "string" },
                "file": { "type": "string" },
                "command": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            },
        }),
        Kind::VersionFile => {
            json!({ "oneOf": [{ "type": "string" }, object(VERSION_FILE.iter())] })
        }
        Kind::Table(keys) => object(keys.iter()),
        Kind::Tables(_) if key.name == "rule" => {
            json!({ "type": "array", "items": object(MATCHERS.iter().chain(SETTINGS)) })
        }
        Kind::Tables(keys) => json!({ "type": "array", "items": object(keys.iter()) }),
    };
    if let Value::Object(map) = &mut value {
        map.insert("description".to_owned(), json!(key.description()));
    }
    value
}
