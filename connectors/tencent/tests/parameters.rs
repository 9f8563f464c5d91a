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
        "accessKeyId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        "accessKeySecret": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        "signName": "腾讯云",
        "sdkAppId": "1400006666",
        "region": "ap-guangzhou",
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
        json!({ "region": "ap-singapore" }),
        json!({ "sdkAppId": "2400000001" }),
        json!({ "endpoint": "sms.intl.tencentcloudapi.com" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "accessKeyId": null }),
        json!({ "accessKeyId": "AKID/x, SignedHeaders=" }),
        json!({ "accessKeySecret": null }),
        json!({ "accessKeySecret": "" }),
        json!({ "signName": null }),
        json!({ "signName": "【腾讯云】" }),
        json!({ "sdkAppId": null }),
        json!({ "sdkAppId": 1_400_006_666 }),
        json!({ "sdkAppId": "1400 006666" }),
        json!({ "region": null }),
        json!({ "region": "" }),
        json!({ "region": "ap guangzhou" }),
        json!({ "region": "ap-guangzhou\r\nX-Evil: 1" }),
        json!({ "endpoint": "evil.example" }),
        json!({ "endpoint": "https://sms.tencentcloudapi.com" }),
        json!({ "sdkappid": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}

#[test]
fn templates_are_an_id_or_one_for_each_destination() {
    for (template, good) in [
        (json!("449739"), true),
        (json!({ "china": "449739", "overseas": "449740" }), true),
        (json!(""), false),
        (json!("44 9739"), false),
        (json!(449_739), false),
        (json!({ "china": "449739" }), false),
        (json!({ "china": "449739", "overseas": 449_740 }), false),
        (json!({ "china": "449739", "overseas": "449740", "other": "1" }), false),
        (json!(["449739"]), false),
    ] {
        assert_eq!(is_valid(TEMPLATE, &template), good, "{template}");
    }
}
