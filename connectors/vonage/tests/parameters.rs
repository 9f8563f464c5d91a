//! Which parameters the schema accepts: what a user of Logto has, unchanged, and nothing that Vonage would only refuse later.

use sendbox_connector_schema_check::check_parameters;
use sendbox_connector_vonage::Vonage;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<Vonage>(
        &json!({
            "apiKey": "abcd1234",
            "apiSecret": "Abcdef0123456789",
            "brandName": "MyShop",
            "signatureSecret": "x",
        }),
        &[
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
        ],
        &[
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
        ],
    );
}
