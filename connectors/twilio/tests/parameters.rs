//! Which parameters the schema accepts: what a user of Logto has, unchanged, and nothing that Twilio would only refuse later.

use sendbox_connector_schema_check::check_parameters;
use sendbox_connector_twilio::Twilio;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<Twilio>(
        &json!({
            "accountSID": "AC0123456789abcdef0123456789ABCDEF",
            "authToken": "0123456789abcdef0123456789abcdef",
            "fromMessagingServiceSID": "MG0123456789abcdef0123456789abcdef",
            "disableRiskCheck": false,
        }),
        &[
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
            json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef", "apiKeySecret": "x" }),
            json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef", "apiKeySecret": "x", "authToken": null }),
        ],
        &[
            json!({ "accountSID": null }),
            json!({ "accountSID": "../../x?y=" }),
            json!({ "accountSID": "AC0123456789abcdef0123456789abcdef/x" }),
            json!({ "accountSID": "SK0123456789abcdef0123456789abcdef" }),
            json!({ "authToken": null }),
            json!({ "authToken": "" }),
            json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef" }),
            json!({ "apiKeySecret": "x" }),
            json!({ "apiKeySecret": "x", "authToken": null }),
            json!({ "apiKeySid": "AC0123456789abcdef0123456789abcdef", "apiKeySecret": "x" }),
            json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef", "apiKeySecret": "" }),
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
        ],
    );
}
