//! Which parameters the schema takes: a Logto user's values as they are, and nothing that would only fail at Vonage.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../parameters.schema.json")).unwrap()
}

/// `null` stands for «not given».
fn accepts(change: &Value) -> bool {
    let mut parameters = json!({
        "apiKey": "abcd1234",
        "apiSecret": "Abcdef0123456789",
        "brandName": "MyShop",
        "signatureSecret": "x",
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
fn what_vonage_takes_is_accepted() {
    for change in [
        json!({}),
        json!({ "signatureSecret": null }),
        json!({ "brandName": "447700900000" }),
        json!({ "brandName": "+447700900000" }),
        json!({ "brandName": "My Tiny Shop" }),
        json!({ "apiSecret": "with:colon" }),
        json!({ "apiSecret": "two words" }),
        json!({ "ttl": "lifetime" }),
        json!({ "ttl": 20000 }),
        json!({ "ttl": 604_800_000 }),
        json!({ "signatureMethod": "sha512" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "apiKey": null }),
        json!({ "apiKey": "" }),
        json!({ "apiKey": "with:colon" }),
        json!({ "apiSecret": null }),
        json!({ "apiSecret": "two\nlines" }),
        json!({ "brandName": null }),
        json!({ "brandName": "" }),
        json!({ "brandName": "aNameTooLong" }),
        json!({ "brandName": "two\nlines" }),
        json!({ "brandName": "1234567890123456" }),
        json!({ "ttl": 19999 }),
        json!({ "ttl": "600000" }),
        json!({ "callbackUrl": "http://sendbox.example/" }),
        json!({ "callbackUrl": format!("https://sendbox.example/{}", "x".repeat(100)) }),
        json!({ "signatureMethod": "md4" }),
        json!({ "signatureMethod": "md5", "signatureSecret": null }),
        json!({ "brand": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}
