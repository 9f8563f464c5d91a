//! Which parameters the schema accepts.

use sendbox_connector_http::HttpSms;
use sendbox_connector_schema_check::check_parameters;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<HttpSms>(
        &json!({ "endpoint": "https://sms.example.com" }),
        &[
            json!({ "endpoint": "https://sms.example.com/send?tenant=7&x=%20" }),
            json!({ "endpoint": "https://sms.example.com:8443/" }),
            json!({ "endpoint": "https://sms.example.com/@me" }),
            json!({ "endpoint": "http://sms.example.com/send" }),
            json!({ "authorization": "Bearer abc" }),
            json!({ "authorization": "x" }),
            json!({ "authorization": "Basic YTpi" }),
            json!({ "webhookSecret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
            json!({ "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" }),
            json!({ "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYxMg==" }),
        ],
        &[
            json!({ "endpoint": null }),
            json!({ "endpoint": "ftp://sms.example.com/send" }),
            json!({ "endpoint": "https://user:password@sms.example.com/" }),
            json!({ "endpoint": "https://sms.example.com/#fragment" }),
            json!({ "endpoint": "https://sms.example.com/a b" }),
            json!({ "endpoint": r"https://sms.example.com/a\b" }),
            json!({ "endpoint": "https://" }),
            json!({ "endpoint": "sms.example.com" }),
            json!({ "endpoint": "" }),
            json!({ "method": "PUT" }),
            // The value of one header.
            json!({ "authorization": "" }),
            json!({ "authorization": " padded" }),
            json!({ "authorization": "padded " }),
            json!({ "authorization": "two\r\nX-Lines: 1" }),
            json!({ "authorization": "ünicode" }),
            // Base64 of enough bytes, without a prefix.
            json!({ "webhookSecret": "" }),
            json!({ "webhookSecret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
            json!({ "webhookSecret": "c2hvcnQ=" }),
            // Long enough but not base64: an incomplete group, and bits after the last byte.
            json!({ "webhookSecret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA" }),
            json!({ "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" }),
            json!({ "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ=" }),
            json!({ "webhookSecret": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYxMh==" }),
        ],
    );
}
