//! Which parameters and templates the schemas take: a Logto user's values as they are, and nothing that could only fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

const PARAMETERS: &str = include_str!("../parameters.schema.json");
const TEMPLATE: &str = include_str!("../template.schema.json");

fn is_valid(schema: &str, value: &Value) -> bool {
    jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap().is_valid(value)
}

/// `null` stands for «not given».
fn accepts(change: &Value) -> bool {
    let mut parameters = json!({
        "accessKeyId": "LTAI5tExampleExample",
        "accessKeySecret": "secret/with+all=kinds",
        "signName": "阿里云短信测试",
        "strictPhoneRegionNumberCheck": true,
    });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(parameters.as_object_mut().unwrap().remove(key)),
            value => parameters[key] = value.clone(),
        }
    }
    is_valid(PARAMETERS, &parameters)
}

#[test]
fn the_schemas_are_schemas() {
    for schema in [PARAMETERS, TEMPLATE] {
        assert!(jsonschema::draft202012::meta::is_valid(&serde_json::from_str(schema).unwrap()));
    }
}

#[test]
fn what_logto_stores_is_accepted() {
    for change in [
        json!({}),
        json!({ "accessKeyId": "access-key-id", "signName": "sign-name" }),
        json!({ "strictPhoneRegionNumberCheck": null }),
        json!({ "endpoint": "dysmsapi.ap-southeast-1.aliyuncs.com" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "accessKeyId": null }),
        json!({ "accessKeyId": "" }),
        json!({ "accessKeyId": "LTAI 5t" }),
        json!({ "accessKeySecret": null }),
        json!({ "accessKeySecret": "" }),
        json!({ "signName": null }),
        json!({ "signName": "" }),
        json!({ "signName": "【阿里云】" }),
        json!({ "signName": "a\nb" }),
        json!({ "endpoint": "evil.example" }),
        json!({ "endpoint": "https://dysmsapi.aliyuncs.com" }),
        json!({ "strictPhoneRegionNumberCheck": "true" }),
        json!({ "accesskeyid": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}

#[test]
fn templates_are_a_code_or_one_for_each_destination() {
    for (template, good) in [
        (json!("SMS_154950909"), true),
        (json!("template-code"), true),
        (json!({ "china": "SMS_1", "overseas": "SMS_2" }), true),
        (json!(""), false),
        (json!("SMS 1"), false),
        (json!(154_950_909), false),
        (json!({ "china": "SMS_1" }), false),
        (json!({ "china": "SMS_1", "overseas": "" }), false),
        (json!({ "china": "SMS_1", "overseas": "SMS_2", "other": "SMS_3" }), false),
        (json!(["SMS_1"]), false),
    ] {
        assert_eq!(is_valid(TEMPLATE, &template), good, "{template}");
    }
}
