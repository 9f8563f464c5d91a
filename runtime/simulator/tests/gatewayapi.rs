//! The simulated GatewayAPI over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::{GatewayApiAccount, Simulator, SimulatorConfig};
use serde_json::{Value, json};

fn request(body: &Value) -> Sent {
    Sent {
        host: "gatewayapi.com".into(),
        method: "POST".into(),
        path: "/rest/mtsms".into(),
        headers: vec![
            ("Authorization".into(), basic(&GatewayApiAccount::default().api_token, "")),
            ("Content-Type".into(), "application/json".into()),
        ],
        body: body.to_string().into_bytes(),
    }
}

/// A good body with these changes; `null` takes a member out.
fn changed(change: &Value) -> Value {
    let mut body = json!({ "sender": "My Shop", "message": "Code 246810", "recipients": [{ "msisdn": "4512345678" }] });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(key)),
            value => body[key] = value.clone(),
        }
    }
    body
}

#[tokio::test]
async fn a_valid_request_gets_a_gatewayapi_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = request(&changed(&json!({}))).to(&simulator).await;

    assert_eq!(answer.status, 200, "{}", answer.head);
    let json = answer.json();
    assert!(json["ids"][0].is_u64() && json["ids"].as_array().unwrap().len() == 1);
    assert_eq!(json["usage"], json!({ "countries": { "DK": 1 }, "currency": "DKK", "total_cost": 0.12 }));

    let message = next_message(&mut events).await;
    assert_eq!((message.provider.as_str(), message.to.as_str()), ("gatewayapi", "4512345678"));
    assert_eq!((message.text.as_deref(), message.sender.as_deref()), (Some("Code 246810"), Some("My Shop")));
    assert_eq!(message.provider_id, Some(json["ids"][0].to_string()));
    let shown = serde_json::to_string(&*message).unwrap();
    assert!(!shown.contains(&GatewayApiAccount::default().api_token) && !shown.contains("Basic "), "{shown}");
}

#[tokio::test]
async fn text_outside_the_gsm_alphabet_arrives_only_as_ucs2() {
    let simulator = start().await;
    for (change, arrives) in [
        (json!({ "message": "Kode: æøå€ 1" }), "Kode: æøå€ 1"),
        (json!({ "message": "验证码 1" }), "??? 1"),
        (json!({ "message": "验证码 1", "encoding": "UTF8" }), "??? 1"),
        (json!({ "message": "验证码 1", "encoding": "UCS2" }), "验证码 1"),
    ] {
        assert_eq!(request(&changed(&change)).to(&simulator).await.status, 200, "{change}");
        assert_eq!(simulator.inbox().last().unwrap().text.as_deref(), Some(arrives), "{change}");
    }
}

#[tokio::test]
async fn documented_members_are_accepted() {
    let simulator = start().await;
    let mut eu = request(&changed(&json!({})));
    eu.host = "gatewayapi.eu".into();
    eu.set("Authorization", &format!("Token {}", GatewayApiAccount::default().api_token));
    assert_eq!(eu.to(&simulator).await.status, 200);
    for change in [
        json!({ "recipients": [{ "msisdn": 4_512_345_678_u64 }] }),
        json!({ "sender": null }),
        json!({ "sender": "4512345678" }),
        json!({ "class": "premium", "priority": "URGENT", "validity_period": 300, "userref": "7" }),
        json!({ "callback_url": "https://a.example/r" }),
        json!({ "message": "x".repeat(255 * 153) }),
    ] {
        assert_eq!(request(&changed(&change)).to(&simulator).await.status, 200, "{change}");
    }
}

#[tokio::test]
async fn wrong_members_are_refused_with_their_codes() {
    let simulator = start().await;
    for (change, status, code, variable) in [
        (json!({ "message": null }), 422, "0x0222", "message"),
        (json!({ "message": "" }), 400, "0x0308", "message"),
        (json!({ "message": "x".repeat(255 * 153 + 1) }), 400, "0x0308", "message"),
        (json!({ "recipients": null }), 422, "0x0222", "recipients"),
        (json!({ "recipients": [] }), 400, "0x0308", "recipients"),
        (json!({ "recipients": "4512345678" }), 400, "0x0308", "recipients"),
        (json!({ "recipients": [{}] }), 422, "0x0222", "msisdn"),
        (json!({ "recipients": [{ "msisdn": "+4512345678" }] }), 400, "0x0308", "msisdn"),
        (json!({ "recipients": [{ "msisdn": "12345" }] }), 400, "0x0308", "msisdn"),
        (json!({ "recipients": [{ "msisdn": true }] }), 400, "0x0308", "msisdn"),
        (json!({ "recipients": [{ "msisdn": "4512345678", "tagvalues": [] }] }), 422, "0x0220", "tagvalues"),
        (
            json!({ "recipients": [{ "msisdn": "4512345678" }, { "msisdn": "4512345678" }] }),
            422,
            "0x0310",
            "4512345678",
        ),
        (
            json!({ "recipients": [{ "msisdn": "4512345678" }, { "msisdn": "4512345679" }] }),
            400,
            "0x0308",
            "recipients",
        ),
        (json!({ "sender": "a name too long" }), 400, "0x0308", "sender"),
        (json!({ "sender": "1234567890123456" }), 400, "0x0308", "sender"),
        (json!({ "encoding": "UTF-16" }), 400, "0x0308", "encoding"),
        (json!({ "class": "gold" }), 422, "0x0218", "gold"),
        (json!({ "priority": "SOON" }), 422, "0x0311", "SOON"),
        (json!({ "validity_period": "300" }), 400, "0x0308", "validity_period"),
        (json!({ "callback_url": "http://a.example/" }), 400, "0x0308", "callback_url"),
        (json!({ "sendtime": 1 }), 422, "0x0220", "sendtime"),
    ] {
        let answer = request(&changed(&change)).to(&simulator).await;
        let json = answer.json();
        assert_eq!((answer.status, &json["code"]), (status, &json!(code)), "{change}");
        assert_eq!(json["variables"], json!([variable]), "{change}");
        assert!(json["incident_uuid"].as_str().unwrap().len() == 36 && json["message"].is_string());
    }
    assert!(simulator.inbox().is_empty());
}

#[tokio::test]
async fn the_envelope_around_the_members_is_checked() {
    let simulator = start().await;
    type Change = fn(&mut Sent);
    let token = || GatewayApiAccount::default().api_token;
    let cases: [(&str, Change, u16); 8] = [
        ("no authorization", |s| s.remove("Authorization"), 401),
        ("wrong token", |s| s.set("Authorization", &basic("nope", "")), 401),
        ("token as password", |s| s.set("Authorization", &basic("", &GatewayApiAccount::default().api_token)), 401),
        ("other path", |s| s.path = "/rest/me".into(), 404),
        ("token in the query", |s| s.path.push_str("?token=x"), 404),
        ("GET", |s| s.method = "GET".into(), 405),
        ("form", |s| s.set("Content-Type", "application/x-www-form-urlencoded"), 422),
        ("a list", |s| s.body = b"[]".to_vec(), 422),
    ];
    for (name, change, status) in cases {
        let mut request = request(&changed(&json!({})));
        change(&mut request);
        let answer = request.to(&simulator).await;
        assert_eq!(answer.status, status, "{name}");
        let code = answer.json().get("code").cloned();
        assert_eq!(code, (status == 401).then(|| json!("0x0229")), "{name}");
    }
    assert!(!format!("{:?}", GatewayApiAccount::default()).contains(&token()));
}

#[tokio::test]
async fn every_code_of_the_index_comes_on_request() {
    for (codes, status) in [
        (&["0x0210", "0x0211", "0x0212", "0x0221", "0x0223", "0x0224", "0x0225", "0x0226", "0x0229"] as &[&str], 401),
        (&["0x0213", "0x0214", "0x0215", "0x0216", "0x0217", "0x021D", "0x021F", "0x022A", "0x0303", "0x0307"], 403),
        (&["0x0218", "0x021E", "0x0220", "0x0222", "0x0310", "0x0311", "0x0312", "0x0313"], 422),
        (&["0x0308", "0x0309"], 400),
        (&["0x0301", "0x0306"], 500),
    ] {
        let simulator = start().await;
        for code in codes {
            simulator.inject_spec(format!("gatewayapi=code:{code},times=1").parse().unwrap()).unwrap();
            let answer = request(&changed(&json!({}))).to(&simulator).await;
            assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)));
        }
        assert!(simulator.inbox().is_empty());
    }
    for unknown in ["0x9999", "0213", "x"] {
        assert!(start().await.inject_spec(format!("gatewayapi=code:{unknown}").parse().unwrap()).is_err());
    }
}

#[tokio::test]
async fn an_unusable_account_is_refused() {
    let mut config = SimulatorConfig::default();
    config.gatewayapi.api_token.clear();
    assert!(Simulator::start(config).await.is_err());
}
