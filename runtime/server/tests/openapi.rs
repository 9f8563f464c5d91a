//! The OpenAPI document is valid and complete, and its examples are correct.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

fn document() -> Value {
    serde_json::to_value(sendbox_server::openapi()).unwrap()
}

struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    value: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, value)| Operation { path, method, value })
        })
        .collect()
}

impl Operation<'_> {
    fn statuses(&self) -> BTreeSet<&str> {
        self.value["responses"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    fn needs(&self, statuses: &[&str]) {
        let missing: Vec<_> = statuses.iter().filter(|status| !self.statuses().contains(**status)).collect();
        assert!(missing.is_empty(), "{} {} does not describe {missing:?}", self.method, self.path);
    }
}

/// The console's types are generated from the file, so it must be equal to the served document.
#[test]
fn the_checked_in_document_is_the_served_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let served = format!("{}\n", sendbox_server::openapi().to_pretty_json().unwrap());
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, &served).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    let differs = checked_in.lines().zip(served.lines()).position(|(old, new)| old != new);
    assert!(
        checked_in == served,
        "runtime/server/openapi.json is not the document that the server serves (first difference: line {}). \
         Regenerate it with `INSTA_UPDATE=always cargo test --test openapi`, and then the console's types.",
        differs.unwrap_or_else(|| checked_in.lines().count().min(served.lines().count())) + 1
    );
}

#[test]
fn the_operations_are_these() {
    let document = document();
    let mut lines: Vec<_> = operations(&document)
        .iter()
        .map(|operation| {
            let statuses = operation.statuses().into_iter().collect::<Vec<_>>().join(" ");
            let id = operation.value["operationId"].as_str().unwrap();
            format!("{} {} {id}: {statuses}", operation.path, operation.method.to_uppercase())
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_operation_is_described_completely() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: BTreeSet<_> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).map(Value::to_string).collect();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let (path, value) = (operation.path, operation.value);
        assert!(ids.insert(value["operationId"].as_str().unwrap().to_owned()), "{path}: the id is repeated");
        assert!(value["summary"].as_str().is_some_and(|summary| !summary.ends_with('.')), "{path}: summary");
        assert!(value["description"].as_str().is_some_and(|text| text.ends_with('.')), "{path}: description");
        assert!(tags.contains(&value["tags"][0].to_string()), "{path}: tag");
        operation.needs(&["500", "503"]);
        if value["operationId"] == "create_session" {
            assert_eq!(value["security"], json!([]), "{path}: signing in needs no key");
        } else if path.starts_with("/v1/") {
            assert_eq!(value["security"], json!([{"bearer": []}, {"session": []}]), "{path}");
            operation.needs(&["401", "403"]);
        } else {
            assert_eq!(value["security"], json!([]), "{path}");
        }
        if path.contains('{') {
            operation.needs(&["404"]);
        }
        if value.get("requestBody").is_some() {
            operation.needs(&["400", "408", "413", "415", "422"]);
        }
        for parameter in value["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{path}: {parameter}");
            match parameter["in"].as_str().unwrap() {
                "path" => assert!(parameter["schema"]["pattern"].is_string(), "{path}: {parameter}"),
                "query" => {
                    operation.needs(&["422"]);
                    assert_eq!(parameter["required"], false, "{path}: {parameter}");
                }
                _ => {}
            }
        }
        for (status, response) in value["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                assert!(
                    status == "204" || response["content"]["application/json"]["schema"].is_object(),
                    "{path} {status}"
                );
            } else {
                assert_eq!(response["$ref"], format!("#/components/responses/Problem{status}"), "{path}");
            }
        }
    }
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let content = &response["content"]["application/problem+json"];
        assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{name}");
    }
}

#[test]
fn every_reference_resolves() {
    fn walk(document: &Value, value: &Value) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(reference.strip_prefix('#').unwrap());
            assert!(target.is_some(), "{reference} does not resolve");
        }
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| walk(document, element)),
            Value::Object(members) => members.values().for_each(|member| walk(document, member)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

/// A validator for a schema of the document.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut whole: Map<String, Value> = schema.as_object().unwrap().clone();
    whole.insert("components".to_owned(), document["components"].clone());
    jsonschema::validator_for(&Value::Object(whole)).unwrap()
}

#[test]
fn every_body_has_an_example_that_fits_its_schema() {
    let document = document();
    let mut bodies = 0;
    for operation in operations(&document) {
        let Some(body) = operation.value.get("requestBody") else { continue };
        let content = &body["content"]["application/json"];
        if content.is_null() {
            assert!(body["content"]["application/wasm"].is_object(), "{}: which body does it accept?", operation.path);
            continue;
        }
        let validator = validator(&document, &content["schema"]);
        let example = content.get("example").unwrap_or_else(|| panic!("{} has no example", operation.path));
        if let Err(error) = validator.validate(example) {
            panic!("the example of {} is wrong: {error}", operation.path);
        }
        let unknown = json!({"somethingElse": 1});
        assert!(!validator.is_valid(&unknown), "{}: unknown members fit the schema", operation.path);
        bodies += 1;
    }
    assert_eq!(bodies, 33);
}

/// Every property, with the name of its schema: those of objects, and of the variants and parts of composed ones.
fn properties<'a>(name: &str, schema: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    for (property, value) in schema["properties"].as_object().into_iter().flatten() {
        // The tag of a variant is described by the variant.
        if !value["enum"].is_array() || value["description"].is_string() {
            found.push((format!("{name}.{property}"), value));
        }
        properties(&format!("{name}.{property}"), value, found);
    }
    for parts in ["oneOf", "allOf"] {
        schema[parts].as_array().into_iter().flatten().for_each(|part| properties(name, part, found));
    }
}

#[test]
fn every_property_is_described_with_an_example() {
    let document = document();
    let mut all = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let described = schema["description"].as_str().is_some_and(|text| text.contains(' '));
        assert!(described || name.starts_with("Page_"), "{name} has no description");
        properties(name, schema, &mut all);
    }
    assert!(all.len() > 300, "properties were not found");
    let (mut undescribed, mut unexampled) = (Vec::new(), Vec::new());
    for (name, schema) in &all {
        assert!(!name.split('.').skip(1).any(|part| part.contains('_')), "{name} is not in camel case");
        // What may be `null` is described beside its reference.
        let nullable = schema["oneOf"].as_array().into_iter().flatten();
        let mut texts = nullable.chain([*schema]).filter_map(|part| part["description"].as_str());
        // The values of `HintCode` and the like are objects of described properties.
        if !texts.any(|text| text.ends_with('.') && text.contains(' ')) && !name.ends_with(".values") {
            undescribed.push(name);
        }
        let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        let is_plain = types.iter().any(|it| ["string", "integer", "number"].iter().any(|plain| it == plain));
        let shows_a_value = ["example", "enum", "default"].iter().any(|keyword| schema.get(keyword).is_some());
        if is_plain && !shows_a_value {
            unexampled.push(name);
        }
    }
    assert!(
        undescribed.is_empty() && unexampled.is_empty(),
        "no description: {undescribed:?}; no example: {unexampled:?}"
    );
}

#[test]
fn every_example_of_a_schema_fits_it() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            assert_fits(&document, schema, example, name);
        }
        for (property, value) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(example) = value.get("example") {
                assert_fits(&document, value, example, &format!("{name}.{property}"));
            }
        }
    }
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let content = &response["content"]["application/problem+json"];
        let examples = content["examples"].as_object().unwrap();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples.values() {
            assert_fits(&document, &content["schema"], &example["value"], name);
        }
    }
}

fn assert_fits(document: &Value, schema: &Value, example: &Value, what: &str) {
    if let Err(error) = validator(document, schema).validate(example) {
        panic!("the example of {what} is wrong: {error}");
    }
}

/// Two types with the same name would be one schema in the document, which would be wrong about one of them.
#[test]
fn every_schema_has_a_unique_name() {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                for part in source.split("ToSchema").skip(1) {
                    // Between the derive and the type's name are attributes and documentation.
                    let shape = ["pub struct ", "pub enum ", "struct ", "enum "]
                        .iter()
                        .filter_map(|word| Some((part.find(word)?, part.split_once(word)?.1)))
                        .min_by_key(|(at, _)| *at);
                    let Some((at, rest)) = shape.filter(|_| part.trim_start().starts_with([')', ','])) else {
                        continue;
                    };
                    let renamed = part[..at].split_once("schema(as = ").map(|(_, name)| name);
                    let name = renamed.unwrap_or(rest).split(|c: char| !c.is_alphanumeric()).next().unwrap();
                    found.push((name.to_owned(), path.display().to_string()));
                }
            }
        }
    }
    let mut found = Vec::new();
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for part in ["server/src", "domain/src"] {
        walk(&runtime.join(part), &mut found);
    }
    assert!(found.len() > 60, "types were not found: {found:?}");
    found.sort();
    for pair in found.windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "{} and {}", pair[0].1, pair[1].1);
    }
}
