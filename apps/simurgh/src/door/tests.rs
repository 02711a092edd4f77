//! What the document says of every operation.

use std::collections::BTreeSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(super::document()).unwrap()
}

/// Each operation with its path and method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().unwrap().clone().into_iter();
        let path = path.clone();
        methods.map(move |(method, operation)| (path.clone(), method, operation))
    };
    paths.iter().flat_map(of).collect()
}

/// An example beside a schema, in it, or in what it refers to.
fn has_example(document: &Value, content: &Value) -> bool {
    let beside = !content["example"].is_null() || !content["examples"].is_null();
    let mut schema = &content["schema"];
    if let Some(name) = schema["$ref"].as_str() {
        schema = document.pointer(name.trim_start_matches('#')).unwrap();
    }
    let within = !schema["example"].is_null() || !schema["examples"].is_null();
    let parts = ["oneOf", "anyOf", "allOf"];
    let part = |part: &str| schema[part].as_array().cloned().unwrap_or_default();
    let mut alternatives = parts.into_iter().flat_map(part);
    let items = schema.pointer("/properties/items/items");
    let items = items.map(|items| serde_json::json!({"schema": items}));
    beside
        || within
        || alternatives.any(|schema| has_example(document, &serde_json::json!({"schema": schema})))
        || items.is_some_and(|items| has_example(document, &items))
}

#[test]
fn every_operation_is_documented() {
    let document = document();
    let mut ids = BTreeSet::new();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().collect();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap().to_string();
        assert!(ids.insert(id), "{place}");
        assert!(operation["summary"].is_string(), "{place}");
        let tag = &operation["tags"][0];
        assert!(tags.iter().any(|known| known["name"] == *tag), "{place}");
        let content = operation.pointer("/requestBody/content");
        let bodies = content.and_then(Value::as_object);
        for content in bodies.iter().flat_map(|bodies| bodies.values()) {
            assert!(has_example(&document, content), "{place}: its body");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{place}"
        );
        for (status, response) in responses {
            let response = match response["$ref"].as_str() {
                Some(name) => document.pointer(name.trim_start_matches('#')).unwrap(),
                None => response,
            };
            assert!(response["description"].is_string(), "{place}: {status}");
            let contents = response["content"].as_object();
            for content in contents.iter().flat_map(|contents| contents.values()) {
                assert!(has_example(&document, content), "{place}: {status}");
            }
        }
    }
    assert!(ids.len() >= 19);
}

#[test]
fn every_operation_names_its_permission() {
    for (path, method, operation) in operations(&document()) {
        let place = format!("{method} {path}");
        let security = &operation["security"][0];
        match operation["x-permission"].as_str() {
            Some(permission) => {
                permission.parse::<fleet::access::Permission>().unwrap();
                assert_eq!(security["token"][0], permission, "{place}");
                assert!(!operation["responses"]["401"].is_null(), "{place}");
                assert!(!operation["responses"]["403"].is_null(), "{place}");
            }
            None => {
                let known = security["token"].as_array().is_some_and(Vec::is_empty);
                let public = *security == serde_json::json!({});
                assert!(known || public, "{place}: {security}");
            }
        }
    }
}

/// What is committed is what is served: `cargo xtask codegen` renews it.
#[test]
fn the_snapshot_is_fresh() {
    let snapshot = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/api/openapi.json");
    let snapshot = std::fs::read_to_string(snapshot).unwrap();
    let document = super::document().to_pretty_json().unwrap();
    assert!(snapshot.trim_end() == document, "run `cargo xtask codegen`");
}
