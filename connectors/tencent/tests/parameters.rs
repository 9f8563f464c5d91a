//! Which parameters and templates the schemas accept: what a user of Logto has, unchanged, and nothing that Tencent Cloud would only refuse later.

use sendbox_connector_schema_check::{check_parameters, check_templates};
use sendbox_connector_tencent::Tencent;
use serde_json::json;

#[test]
fn parameters() {
    check_parameters::<Tencent>(
        &json!({
            "accessKeyId": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
            "accessKeySecret": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            "signName": "腾讯云",
            "sdkAppId": "1400006666",
            "region": "ap-guangzhou",
        }),
        &[
            json!({}),
            json!({ "region": "ap-singapore" }),
            json!({ "sdkAppId": "2400000001" }),
            json!({ "endpoint": "sms.intl.tencentcloudapi.com" }),
        ],
        &[
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
        ],
    );
}

#[test]
fn templates() {
    check_templates::<Tencent>(
        &[
            json!("449739"),
            json!({ "china": "449739", "overseas": "449740" }),
            json!({ "china": "449739", "overseas": "449740", "variables": ["code", "minutes"] }),
            json!({ "template": "449739", "variables": ["user.name", "code"] }),
        ],
        &[
            json!(""),
            json!("44 9739"),
            json!(449_739),
            json!({ "china": "449739" }),
            json!({ "china": "449739", "overseas": 449_740 }),
            json!({ "china": "449739", "overseas": "449740", "other": "1" }),
            json!(["449739"]),
            json!({ "template": "449739" }),
            json!({ "template": "449739", "china": "1", "variables": ["code"] }),
            json!({ "template": "449739", "variables": [] }),
            json!({ "template": "449739", "variables": ["minutes"] }),
            json!({ "template": "449739", "variables": ["code", "code"] }),
            json!({ "template": "449739", "variables": ["code", "a b"] }),
            json!({ "template": "449739", "variables": { "1": "code" } }),
        ],
    );
}
