//! Which parameters the schema accepts: what a user of Logto has, unchanged, and nothing that SMS Aero would only refuse later.

use sendbox_connector_schema_check::check_parameters;
use sendbox_connector_smsaero::SmsAero;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<SmsAero>(
        &json!({
            "email": "me@example.com",
            "apiKey": "0123456789abcdefghijklmnopqrstuv",
            "senderName": "SMSAero",
        }),
        &[
            json!({}),
            json!({ "senderName": "SMS Aero" }),
            json!({ "apiKey": "short-key" }),
            json!({ "host": "gate.smsaero.net" }),
            json!({ "callbackUrl": "https://sendbox.example/reports/7" }),
        ],
        &[
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
        ],
    );
}
