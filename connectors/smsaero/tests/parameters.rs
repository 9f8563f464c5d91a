//! Which parameters the schema takes: a Logto user's values as they are, and nothing that would only fail at SMS Aero.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../parameters.schema.json")).unwrap()
}

/// `null` stands for «not given».
fn accepts(change: &Value) -> bool {
    let mut parameters = json!({
        "email": "me@example.com",
        "apiKey": "0123456789abcdefghijklmnopqrstuv",
        "senderName": "SMSAero",
    });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(parameters.as_object_mut().unwrap().remove(key)),
            value => parameters[key] = value.clone(),
        }
    }
    jsonschema::draft202012::new(&schema()).unwrap().is_valid(&parameters)
}

#[test]
fn the_schema_is_a_schema_and_its_examples_and_defaults_fit() {
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
    for (key, property) in schema()["properties"].as_object().unwrap() {
        let examples = property["examples"].as_array().cloned().unwrap_or_default();
        for value in examples.iter().chain(property.get("default")) {
            assert!(accepts(&json!({ key: value })), "{key}: {value}");
        }
        assert!(property["title"].is_string() && property["description"].is_string(), "{key}");
    }
}

#[test]
fn what_sms_aero_takes_is_accepted() {
    for change in [
        json!({}),
        json!({ "senderName": "SMS Aero" }),
        json!({ "apiKey": "short-key" }),
        json!({ "host": "gate.smsaero.net" }),
        json!({ "callbackUrl": "https://sendbox.example/reports/7" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "email": null }),
        json!({ "email": "me" }),
        json!({ "email": "me@example" }),
        json!({ "email": "a:b@example.com" }),
        json!({ "apiKey": null }),
        json!({ "apiKey": "" }),
        json!({ "apiKey": "two words" }),
        json!({ "senderName": null }),
        json!({ "senderName": "x" }),
        json!({ "host": "gate.evil.example" }),
        json!({ "callbackUrl": "http://sendbox.example/" }),
        json!({ "sender": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}
