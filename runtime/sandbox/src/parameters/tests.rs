//! Parameters are bounded, whatever the schema says.

use sendbox_contract::metadata::RawMetadata;
use sendbox_contract::{ContentKind, Usage};
use sendbox_policy::Limits;
use serde_json::json;

use super::*;

fn checked(schema: &Value) -> (Metadata, Schema) {
    let raw = RawMetadata {
        id: "bounded".into(),
        version: "1.0.0".into(),
        name: "Bounded".into(),
        description: String::new(),
        readme: String::new(),
        logo: None,
        parameters_schema: schema.to_string(),
        content: ContentKind::Text,
        template_schema: None,
        hosts: Vec::new(),
        usages: vec![Usage::Generic],
        locales: Vec::new(),
        idempotent: false,
    };
    Metadata::check(raw, &Limits::default()).unwrap()
}

#[test]
fn parameters_are_bounded_whatever_the_schema_says() {
    let (metadata, schema) = checked(&json!({ "properties": { "token": { "writeOnly": true } } }));
    let long = |bytes: usize| "s3cret".repeat(bytes / 6 + 1)[..bytes].to_owned();
    let many = |count: usize| Value::Object((0..count).map(|number| (format!("p{number}"), json!(1))).collect());
    let table = [
        (json!({ "token": long(SECRET_BYTES), "a": long(PLAIN_BYTES), "b": { "c": [1, true, null] } }), None),
        (json!({ "token": long(SECRET_BYTES + 1) }), Some("/token: has 4097 bytes; 4096 are allowed")),
        // Bytes, not characters.
        (json!({ "token": "é".repeat(2049) }), Some("/token: has 4098 bytes; 4096 are allowed")),
        (json!({ "token": 123_456 }), Some("/token: must be a string: it is a secret")),
        (json!({ "token": ["s3cret"] }), Some("/token: must be a string: it is a secret")),
        (json!({ "token": { "s3cret": true } }), Some("/token: must be a string: it is a secret")),
        (json!({ "token": true }), Some("/token: must be a string: it is a secret")),
        (json!({ "a/b~c": long(PLAIN_BYTES + 1) }), Some("/a~1b~0c: has 4097 bytes; 4096 are allowed")),
        (
            json!({ "a": vec!["12345678"; 200], "b": vec!["12345678901234567890123456789012"; 120] }),
            Some("more than the 256 values"),
        ),
        (json!({ "a": vec!["123456789012345678901234567890"; 130] }), Some("/a: has 4291 bytes; 4096 are allowed")),
        (many(64), None),
        (many(65), Some("has 65 parameters; 64 are allowed")),
        (json!({ long(129): 1 }), Some("a name of 129 bytes; 128 are allowed")),
        (json!({ "a": [[[[[[[[1]]]]]]]] }), Some("nested deeper than the 8 levels")),
        (
            Value::Object((0..9).map(|n| (format!("p{n}"), json!(long(4000)))).collect()),
            Some("more than the 32768 bytes"),
        ),
    ];
    for (given, fault) in table {
        match (Parameters::check(&metadata, &schema, &given), fault) {
            (Ok(_), None) => {}
            (Err(error), Some(fault)) => {
                let said = error.to_string();
                assert!(said.contains(fault), "{said}, wanted {fault}");
                assert!(!said.contains("s3cret"), "{said}");
            }
            (result, fault) => panic!("{:?}, wanted {fault:?}", result.err()),
        }
    }
}

#[test]
fn a_secret_is_set_or_not() {
    let (metadata, schema) = checked(&json!({ "properties": { "token": { "writeOnly": true } } }));
    for (given, set) in [(json!("x"), true), (json!(""), false), (Value::Null, false)] {
        let parameters = Parameters::check(&metadata, &schema, &json!({ "token": given })).unwrap();
        assert_eq!(parameters.secret("token").is_some(), set, "{given}");
        assert!(parameters.plain("token").is_none());
    }
}

/// Defaults of the schema have the same bounds as values from a tenant.
#[test]
fn defaults_are_bounded_too() {
    let property = |default: Value| json!({ "default": default });
    let many: Map<String, Value> = (0..65).map(|number| (format!("p{number}"), property(json!(1)))).collect();
    for (properties, fault) in [
        (json!({ "a": property(json!("x".repeat(5000))) }), "/a: has 5000 bytes"),
        (json!({ "a": { "default": 7, "writeOnly": true } }), "/a: must be a string"),
        (json!({ "a": { "default": "x".repeat(5000), "writeOnly": true } }), "/a: has 5000 bytes"),
        (Value::Object(many), "has 65 parameters"),
    ] {
        let (metadata, schema) = checked(&json!({ "properties": properties }));
        let said = Parameters::check(&metadata, &schema, &json!({})).err().expect("a fault").to_string();
        assert!(said.contains(fault), "{said}, wanted {fault}");
    }
}

#[test]
fn faults_are_bounded() {
    let names: Vec<String> =
        (0..900).map(|number| format!("a rather long name of an option, number {number}")).collect();
    let (metadata, schema) = checked(&json!({ "additionalProperties": { "items": { "enum": names } } }));
    let all: Vec<u8> = vec![1; 200];
    let ParameterError(faults) = Parameters::check(&metadata, &schema, &json!({ "a": all })).err().expect("faults");
    assert_eq!(faults.len(), FAULTS);
    assert!(faults.iter().all(|fault| fault.message.len() < MESSAGE_BYTES + 10 && fault.bound.is_none()));
}

/// A request is too long because of what the tenant entered only if it would fit without that.
#[test]
fn the_parameter_that_makes_a_request_too_long_is_found() {
    let mut parameters = Parameters::default();
    let (account, sender, token) = ("a/".repeat(50), "Acme".repeat(5), "s3cret".repeat(10));
    parameters.plain = [("account".to_owned(), account), ("from".to_owned(), sender)].into();
    parameters.secrets.insert("token".to_owned(), Zeroizing::new(token.clone()));
    let encoded = format!("https://a.example/{}?from={}", "a%2F".repeat(50), "Acme".repeat(5));
    let body = format!("token={token}");
    for (parts, excess, found) in [
        (vec![encoded.as_bytes()], 100, Some("account")),
        (vec![encoded.as_bytes()], 220, Some("account")),
        (vec![encoded.as_bytes()], 221, None),
        (vec![&b"https://a.example/"[..], body.as_bytes()], 60, Some("token")),
        (vec![&b"https://a.example/of-the-connector"[..]], 1, None),
    ] {
        assert_eq!(parameters.longest_in(&parts, excess), found, "{excess}");
    }
}
