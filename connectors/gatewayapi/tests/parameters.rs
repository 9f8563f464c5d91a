//! Which parameters the schema accepts: what a user of Logto has, unchanged, and nothing that GatewayAPI would only refuse later.

use sendbox_connector_gatewayapi::GatewayApi;
use sendbox_connector_schema_check::check_parameters;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<GatewayApi>(
        &json!({
            "endpoint": "https://gatewayapi.com/rest/mtsms",
            "apiToken": "0123456789abcdef",
            "sender": "My Shop",
        }),
        &[
            json!({}),
            json!({ "endpoint": "https://gatewayapi.eu/rest/mtsms" }),
            json!({ "endpoint": "https://proxy.example:8443/gw?tenant=7" }),
            json!({ "sender": "12345678901" }),
            json!({ "sender": "+451234567890123" }),
            json!({ "sender": "Smørrebrød!" }),
            json!({ "validityPeriod": "lifetime" }),
            json!({ "validityPeriod": 60 }),
            json!({ "webhookSecret": "x" }),
        ],
        &[
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
        ],
    );
}
