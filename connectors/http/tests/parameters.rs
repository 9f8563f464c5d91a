//! Which parameters the schema takes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

fn accepts(parameters: &Value) -> bool {
    let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
    jsonschema::draft202012::new(&schema).unwrap().is_valid(parameters)
}

#[test]
fn the_schema_is_a_schema() {
    let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

#[test]
fn endpoints() {
    for (endpoint, want) in [
        ("https://sms.example.com", true),
        ("https://sms.example.com/send?tenant=7&x=%20", true),
        ("https://sms.example.com:8443/", true),
        ("https://sms.example.com/@me", true),
        ("http://sms.example.com/send", true),
        ("ftp://sms.example.com/send", false),
        ("https://user:password@sms.example.com/", false),
        ("https://sms.example.com/#fragment", false),
        ("https://sms.example.com/a b", false),
        (r"https://sms.example.com/a\b", false),
        ("https://", false),
        ("sms.example.com", false),
        ("", false),
    ] {
        assert_eq!(accepts(&json!({ "endpoint": endpoint })), want, "{endpoint}");
    }
    assert!(!accepts(&json!({})));
    assert!(!accepts(&json!({ "endpoint": "https://a.example", "method": "PUT" })));
}

#[test]
fn authorization_is_one_header_value() {
    for (authorization, want) in [
        ("Bearer abc", true),
        ("x", true),
        ("Basic YTpi", true),
        ("", false),
        (" padded", false),
        ("padded ", false),
        ("two\r\nX-Lines: 1", false),
        ("ünicode", false),
    ] {
        let parameters = json!({ "endpoint": "https://a.example", "authorization": authorization });
        assert_eq!(accepts(&parameters), want, "{authorization:?}");
    }
}

#[test]
fn webhook_secrets_are_bare_base64() {
    for (secret, want) in [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true),
        ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", true),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        ("c2hvcnQ=", false),
        // As long as one should be, and no base64: a group that is not whole, and bits after the last byte.
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA", false),
        ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", false),
        ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ=", false),
        ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYxMg==", true),
        ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYxMh==", false),
        ("", false),
    ] {
        let parameters = json!({ "endpoint": "https://a.example", "webhookSecret": secret });
        assert_eq!(accepts(&parameters), want, "{secret}");
    }
}
