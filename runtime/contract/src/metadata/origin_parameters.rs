//! Only the manifest or a person decides where a connector's requests go, so a parameter in an origin is never filled in
//! automatically.
//!
//! A parameter that occurs in an origin (`{endpoint}`, `https://{region}.example.com`) must not have a default, not even in an
//! alternative that a form would fill in, and Sendbox must not fill it in. `$ref` is refused for such parameters, because it could
//! hide a default. Which values are allowed (`enum`, `const`, `pattern`) is up to the author.

use sendbox_policy::Manifest;
use serde_json::Value;

/// Keywords that set a value, or that refer to a place that could.
const CHOOSING: [&str; 4] = ["default", "fill", "$ref", "$dynamicRef"];

/// The parameters of origins that would be filled in automatically.
pub(super) fn faults(manifest: &Manifest, schema: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for need in manifest.hosts() {
        for key in need.origin().parameters() {
            if is_chosen(schema, key) {
                faults.push(format!(
                    "host `{}`: a default never fills an origin: the parameter `{key}` must have no `default`, `$ref` \
                     or `x-form.fill`; name the host that is meant without it as a host of its own",
                    need.origin()
                ));
            }
        }
    }
    faults
}

/// Whether a schema or a part of it sets a value for this parameter.
fn is_chosen(schema: &Value, key: &str) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, member)| match (name.as_str(), member) {
            // The default of a whole object.
            ("default", Value::Object(values)) => values.contains_key(key),
            ("properties", Value::Object(properties)) => {
                properties.get(key).is_some_and(chooses) || properties.values().any(|other| is_chosen(other, key))
            }
            _ => is_chosen(member, key),
        }),
        Value::Array(items) => items.iter().any(|item| is_chosen(item, key)),
        _ => false,
    }
}

/// Whether a parameter's own schema sets a value for it.
fn chooses(property: &Value) -> bool {
    match property {
        Value::Object(members) => {
            members.iter().any(|(name, member)| CHOOSING.contains(&name.as_str()) || chooses(member))
        }
        Value::Array(items) => items.iter().any(chooses),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manifest(origin: &str) -> Manifest {
        let host = json!({ "origin": origin, "methods": ["POST"], "purpose": "Sends." });
        serde_json::from_value(json!({ "hosts": [host] })).unwrap()
    }

    #[test]
    fn a_default_never_fills_an_origin() {
        let evil = "https://ep.evil.test/collect";
        for (schema, is_refused) in [
            (json!({ "properties": { "at": { "type": "string" }, "other": { "default": "x" } } }), false),
            (json!({ "properties": { "at": { "examples": ["eu"], "enum": ["eu", "us"], "x-form": {} } } }), false),
            (json!({ "default": { "other": "x" }, "properties": { "at": {} } }), false),
            (json!({ "properties": { "at": { "default": evil } } }), true),
            (json!({ "properties": { "at": { "default": null } } }), true),
            (json!({ "properties": { "at": { "const": "eu" } } }), false),
            (
                json!({ "if": { "properties": { "at": { "not": { "const": "eu" } } } }, "properties": { "at": {} } }),
                false,
            ),
            (json!({ "properties": { "at": { "x-form": { "fill": "report-address" } } } }), true),
            (json!({ "properties": { "at": { "allOf": [{ "default": evil }] } } }), true),
            (json!({ "properties": { "at": { "$ref": "#/$defs/at" } }, "$defs": { "at": { "default": evil } } }), true),
            (json!({ "allOf": [{ "if": {}, "then": { "properties": { "at": { "default": evil } } } }] }), true),
            (json!({ "default": { "at": evil } }), true),
            (json!({ "anyOf": [{ "default": { "at": evil } }] }), true),
            (json!({ "properties": { "other": { "properties": { "at": { "default": evil } } } } }), true),
            (json!({}), false),
            (json!(true), false),
        ] {
            for origin in ["{at}", "https://api.{at}.example.com"] {
                let found = faults(&manifest(origin), &schema);
                assert_eq!(found.len(), usize::from(is_refused), "{origin} {schema}: {found:?}");
                assert!(found.iter().all(|fault| fault.contains("`at`")), "{found:?}");
            }
            assert!(faults(&manifest("https://api.example.com"), &schema).is_empty(), "{schema}");
        }
    }
}
