//! Which parameters the schema takes: a Logto user's values as they are, and nothing that would only fail at GatewayAPI.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../parameters.schema.json")).unwrap()
}

/// `null` stands for «not given».
fn accepts(change: &Value) -> bool {
    let mut parameters = json!({
        "endpoint": "https://gatewayapi.com/rest/mtsms",
        "apiToken": "0123456789abcdef",
        "sender": "My Shop",
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
fn what_gatewayapi_takes_is_accepted() {
    for change in [
        json!({}),
        json!({ "endpoint": "https://gatewayapi.eu/rest/mtsms" }),
        json!({ "endpoint": "https://proxy.example:8443/gw?tenant=7" }),
        json!({ "sender": "12345678901" }),
        json!({ "sender": "+451234567890123" }),
        json!({ "sender": "Smørrebrød!" }),
        json!({ "validityPeriod": "lifetime" }),
        json!({ "validityPeriod": 60 }),
        json!({ "webhookSecret": "x" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "endpoint": "http://gatewayapi.com/rest/mtsms" }),
        json!({ "endpoint": "gatewayapi.com" }),
        json!({ "endpoint": "https://user:password@gatewayapi.com/" }),
        json!({ "endpoint": "https://gatewayapi.com/#x" }),
        json!({ "apiToken": null }),
        json!({ "apiToken": "" }),
        json!({ "apiToken": "two words" }),
        json!({ "sender": null }),
        json!({ "sender": "" }),
        json!({ "sender": "a name too long" }),
        json!({ "sender": "1234567890123456" }),
        json!({ "sender": "two\nlines" }),
        json!({ "messageClass": "gold" }),
        json!({ "priority": "urgent" }),
        json!({ "validityPeriod": 59 }),
        json!({ "validityPeriod": "300" }),
        json!({ "callbackUrl": "http://sendbox.example/" }),
        json!({ "token": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}
