//! Checks a connector's JSON Schemas against values that they must accept and refuse, with the validator that the host
//! uses.
//!
//! A crate of its own and no part of the SDK, so that a project made by `sendbox new` does not compile a validator.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, reason = "for tests, where a panic is how a test fails")]

use sendbox_connector_sdk::Connector;
use sendbox_connector_sdk::testing::merge_patch;
use serde_json::{Map, Value};

/// Checks the schema of `C`'s parameters.
///
/// `valid` are parameters that the schema accepts. Each case of `accepted` and `refused` is a change of these, where
/// `null` removes a parameter. In addition, every parameter must have a title and a description, and its examples and its
/// default must be accepted.
///
/// # Panics
///
/// When a case is not as it should be.
pub fn check_parameters<C: Connector>(valid: &Value, accepted: &[Value], refused: &[Value]) {
    let schema = Schema::new(C::metadata().parameters_schema);
    let accepts = |change: &Value| schema.accepts(&merge_patch(valid.clone(), change.clone()));
    schema.accepts(valid).unwrap_or_else(|error| panic!("{valid} must be accepted: {error}"));
    for (key, property) in schema.properties() {
        for text in ["title", "description"] {
            assert!(property.get(text).is_some_and(Value::is_string), "the parameter `{key}` has no {text}");
        }
        let examples = property.get("examples").and_then(Value::as_array).into_iter().flatten();
        for value in examples.chain(property.get("default")) {
            let change = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
            accepts(&change).unwrap_or_else(|error| panic!("the example or default {change} is refused: {error}"));
        }
    }
    for change in accepted {
        accepts(change).unwrap_or_else(|error| panic!("{change} must be accepted: {error}"));
    }
    for change in refused {
        assert!(accepts(change).is_err(), "{change} must be refused");
    }
}

/// Checks the schema of what a tenant gives `C` as a template.
///
/// # Panics
///
/// When a case is not as it should be, or `C` has no such schema.
pub fn check_templates<C: Connector>(accepted: &[Value], refused: &[Value]) {
    let schema = C::metadata().template_schema.unwrap_or_else(|| panic!("the connector has no schema of templates"));
    let schema = Schema::new(schema);
    for template in accepted {
        schema.accepts(template).unwrap_or_else(|error| panic!("{template} must be accepted: {error}"));
    }
    for template in refused {
        assert!(schema.accepts(template).is_err(), "{template} must be refused");
    }
}

struct Schema {
    source: Value,
    validator: jsonschema::Validator,
}

impl Schema {
    fn new(text: &str) -> Self {
        let source: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("the schema is not JSON: {error}"));
        jsonschema::draft202012::meta::validate(&source).unwrap_or_else(|error| panic!("not a JSON Schema: {error}"));
        let validator = jsonschema::draft202012::new(&source);
        let validator = validator.unwrap_or_else(|error| panic!("the schema does not compile: {error}"));
        Self { source, validator }
    }

    fn accepts(&self, value: &Value) -> Result<(), String> {
        self.validator.validate(value).map_err(|error| error.to_string())
    }

    fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.source.get("properties").and_then(Value::as_object).into_iter().flatten()
    }
}
