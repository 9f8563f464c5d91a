//! Which parameters and templates the schemas accept: what a user of Logto has, unchanged, and nothing that Alibaba Cloud would only refuse later.

use sendbox_connector_aliyun::Aliyun;
use sendbox_connector_schema_check::{check_parameters, check_templates};
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<Aliyun>(
        &json!({
            "accessKeyId": "LTAI5tExampleExample",
            "accessKeySecret": "secret/with+all=kinds",
            "signName": "阿里云短信测试",
            "strictPhoneRegionNumberCheck": true,
        }),
        &[
            json!({}),
            json!({ "accessKeyId": "access-key-id", "signName": "sign-name" }),
            json!({ "strictPhoneRegionNumberCheck": null }),
            json!({ "endpoint": "dysmsapi.ap-southeast-1.aliyuncs.com" }),
        ],
        &[
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
        ],
    );
}

#[test]
fn templates() {
    check_templates::<Aliyun>(
        &[
            json!("SMS_154950909"),
            json!("template-code"),
            json!({ "china": "SMS_1", "overseas": "SMS_2" }),
            json!({ "china": "SMS_1", "overseas": "SMS_2", "variables": { "code": "code", "min": "minutes" } }),
            json!({ "template": "SMS_1", "variables": { "yzm": "code", "app": "user.name" } }),
        ],
        &[
            json!(""),
            json!("SMS 1"),
            json!(154_950_909),
            json!({ "china": "SMS_1" }),
            json!({ "china": "SMS_1", "overseas": "" }),
            json!({ "china": "SMS_1", "overseas": "SMS_2", "other": "SMS_3" }),
            json!(["SMS_1"]),
            json!({ "template": "SMS_1" }),
            json!({ "template": "SMS_1", "china": "SMS_1", "variables": { "code": "code" } }),
            json!({ "template": "SMS_1", "variables": {} }),
            json!({ "template": "SMS_1", "variables": { "min": "minutes" } }),
            json!({ "template": "SMS_1", "variables": { "code": "code", "a b": "minutes" } }),
            json!({ "template": "SMS_1", "variables": { "code": "code", "min": 10 } }),
            json!({ "template": "SMS_1", "variables": ["code"] }),
        ],
    );
}
