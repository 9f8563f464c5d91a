//! Which parameters the schema takes: a Logto user's values as they are, and nothing that would only fail at Twilio.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use serde_json::{Value, json};

fn accepts(change: &Value) -> bool {
    let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
    let mut parameters = json!({
        "accountSID": "AC0123456789abcdef0123456789ABCDEF",
        "authToken": "0123456789abcdef0123456789abcdef",
        "fromMessagingServiceSID": "MG0123456789abcdef0123456789abcdef",
        "disableRiskCheck": false,
    });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(parameters.as_object_mut().unwrap().remove(key)),
            value => parameters[key] = value.clone(),
        }
    }
    jsonschema::draft202012::new(&schema).unwrap().is_valid(&parameters)
}

#[test]
fn the_schema_is_a_schema() {
    let schema: Value = serde_json::from_str(include_str!("../parameters.schema.json")).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

/// `null` stands for «not given».
#[test]
fn what_twilio_takes_is_accepted() {
    for change in [
        json!({}),
        json!({ "disableRiskCheck": null }),
        json!({ "fromMessagingServiceSID": null, "from": "+14155550100" }),
        json!({ "fromMessagingServiceSID": null, "from": "12345" }),
        json!({ "from": "My Shop" }),
        json!({ "from": "4ever" }),
        json!({ "edge": "dublin", "region": "ie1" }),
        json!({ "edge": "sydney" }),
        json!({ "region": "us1" }),
        json!({ "statusCallback": "https://sendbox.example/reports/7" }),
        json!({ "validityPeriod": 1 }),
        json!({ "validityPeriod": 36000 }),
        json!({ "validityPeriod": "lifetime" }),
    ] {
        assert!(accepts(&change), "{change}");
    }
}

#[test]
fn what_would_fail_later_is_refused() {
    for change in [
        json!({ "accountSID": null }),
        json!({ "accountSID": "../../x?y=" }),
        json!({ "accountSID": "AC0123456789abcdef0123456789abcdef/x" }),
        json!({ "accountSID": "SK0123456789abcdef0123456789abcdef" }),
        json!({ "authToken": null }),
        json!({ "authToken": "" }),
        json!({ "fromMessagingServiceSID": null }),
        json!({ "fromMessagingServiceSID": "AC0123456789abcdef0123456789abcdef" }),
        json!({ "from": "a name too long" }),
        json!({ "from": "+0123456789" }),
        json!({ "from": "My\nShop" }),
        json!({ "disableRiskCheck": "false" }),
        json!({ "region": "ie1" }),
        json!({ "edge": "evil.example" }),
        json!({ "edge": "dublin", "region": "xx1" }),
        json!({ "statusCallback": "http://sendbox.example/" }),
        json!({ "validityPeriod": 0 }),
        json!({ "validityPeriod": 36001 }),
        json!({ "validityPeriod": "300" }),
        json!({ "fromMessagingServiceSid": "a misspelt key" }),
    ] {
        assert!(!accepts(&change), "{change}");
    }
}
