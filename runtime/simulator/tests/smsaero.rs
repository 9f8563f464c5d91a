//! The simulated SMS Aero over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::{Simulator, SimulatorConfig, SmsAeroAccount};
use serde_json::{Value, json};

const GATE: &str = "gate.smsaero.ru";

fn request(body: &Value) -> Sent {
    let account = SmsAeroAccount::default();
    Sent {
        host: GATE.into(),
        method: "POST".into(),
        path: "/v2/sms/send".into(),
        headers: vec![
            ("Authorization".into(), basic(&account.email, &account.api_key)),
            ("Content-Type".into(), "application/json".into()),
        ],
        body: body.to_string().into_bytes(),
    }
}

/// A good body with these changes; `null` takes a member out.
fn changed(change: &Value) -> Value {
    let mut body = json!({ "number": "79031234567", "sign": "SMS Aero", "text": "Код 246810" });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(key)),
            value => body[key] = value.clone(),
        }
    }
    body
}

#[tokio::test]
async fn a_valid_request_gets_an_sms_aero_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = request(&changed(&json!({}))).to(&simulator).await;

    assert_eq!(answer.status, 200, "{}", answer.head);
    let json = answer.json();
    assert_eq!((&json["success"], &json["message"]), (&json!(true), &Value::Null));
    let data = &json["data"];
    assert!(data["id"].is_u64());
    assert_eq!((&data["status"], &data["extendStatus"], &data["cost"]), (&json!(0), &json!("queue"), &json!("5.49")));
    assert_eq!((&data["number"], &data["text"]), (&json!("79031234567"), &json!("Код 246810")));

    let message = next_message(&mut events).await;
    assert_eq!((message.provider.as_str(), message.to.as_str()), ("smsaero", "79031234567"));
    assert_eq!((message.text.as_deref(), message.sender.as_deref()), (Some("Код 246810"), Some("SMS Aero")));
    assert_eq!(message.provider_id, Some(data["id"].to_string()));
    let shown = serde_json::to_string(&*message).unwrap();
    assert!(!shown.contains(&SmsAeroAccount::default().api_key) && !shown.contains("Basic "), "{shown}");
}

#[tokio::test]
async fn every_gate_and_every_optional_member_is_accepted() {
    let simulator = start().await;
    for host in ["gate.smsaero.org", "gate.smsaero.net"] {
        let mut request = request(&changed(&json!({})));
        request.host = host.into();
        assert_eq!(request.to(&simulator).await.status, 200, "{host}");
    }
    for change in [
        json!({ "number": 79_031_234_567_u64 }),
        json!({ "sign": "SMSAero" }),
        json!({ "text": "ж".repeat(640) }),
        json!({ "callbackUrl": "https://a.example/r", "callbackFormat": "JSON" }),
    ] {
        assert_eq!(request(&changed(&change)).to(&simulator).await.status, 200, "{change}");
    }
    assert_eq!(simulator.inbox().len(), 6);
}

#[tokio::test]
async fn wrong_members_are_named() {
    let simulator = start().await;
    for (change, member, what) in [
        (json!({ "number": null }), "number", "required"),
        (json!({ "number": "+79031234567" }), "number", "incorrect"),
        (json!({ "number": "123456" }), "number", "incorrect"),
        (json!({ "number": ["79031234567"] }), "number", "incorrect"),
        (json!({ "sign": null }), "sign", "required"),
        (json!({ "sign": "Unapproved" }), "sign", "incorrect"),
        (json!({ "text": null }), "text", "required"),
        (json!({ "text": "x" }), "text", "incorrect"),
        (json!({ "text": "x".repeat(641) }), "text", "incorrect"),
        (json!({ "callbackUrl": "http://a.example/" }), "callbackUrl", "incorrect"),
        (json!({ "callbackFormat": "XML" }), "callbackFormat", "incorrect"),
        (json!({ "channel": "DIRECT" }), "channel", "incorrect"),
    ] {
        let answer = request(&changed(&change)).to(&simulator).await;
        let want = json!({ "success": false, "data": { member: [what] }, "message": "Validation error." });
        assert_eq!((answer.status, answer.json()), (400, want), "{change}");
    }
    assert!(simulator.inbox().is_empty());
}

#[tokio::test]
async fn the_envelope_around_the_members_is_checked() {
    let simulator = start().await;
    type Change = fn(&mut Sent);
    let cases: [(&str, Change, u16); 8] = [
        ("no authorization", |s| s.remove("Authorization"), 401),
        ("wrong key", |s| s.set("Authorization", &basic(&SmsAeroAccount::default().email, "nope")), 401),
        ("wrong user", |s| s.set("Authorization", &basic("a@b.example", &SmsAeroAccount::default().api_key)), 401),
        ("other path", |s| s.path = "/v2/sms/status".into(), 404),
        ("query", |s| s.path.push_str("?number=1"), 404),
        ("GET", |s| s.method = "GET".into(), 405),
        ("form", |s| s.set("Content-Type", "application/x-www-form-urlencoded"), 400),
        ("not JSON", |s| s.body = b"number=1".to_vec(), 400),
    ];
    for (name, change, status) in cases {
        let mut request = request(&changed(&json!({})));
        change(&mut request);
        let answer = request.to(&simulator).await;
        assert_eq!((answer.status, &answer.json()["success"]), (status, &json!(false)), "{name}");
    }
}

#[tokio::test]
async fn every_documented_refusal_comes_on_request() {
    for (code, status, member, value) in [
        ("no credits", 200, "result", json!("no credits")),
        ("reject", 200, "result", json!("reject")),
        ("success-false", 200, "success", json!(false)),
        ("number", 400, "data", json!({ "number": ["incorrect"] })),
        ("sign", 400, "data", json!({ "sign": ["incorrect"] })),
        ("text", 400, "data", json!({ "text": ["incorrect"] })),
        ("401", 401, "message", json!("Your request was made with invalid credentials.")),
        ("402", 402, "success", json!(false)),
        ("429", 429, "success", json!(false)),
    ] {
        let simulator = start().await;
        simulator.inject_spec(format!("smsaero=code:{code}").parse().unwrap()).unwrap();
        let answer = request(&changed(&json!({}))).to(&simulator).await;
        assert_eq!((answer.status, &answer.json()[member]), (status, &value), "{code}");
        assert!(simulator.inbox().is_empty());
    }
    assert!(start().await.inject_spec("smsaero=code:99".parse().unwrap()).is_err());
}

#[tokio::test]
async fn an_unusable_account_is_refused() {
    type Spoil = fn(&mut SmsAeroAccount);
    let spoils: [Spoil; 4] = [|a| a.email.clear(), |a| a.email.push(':'), |a| a.api_key.clear(), |a| a.signs.clear()];
    for spoil in spoils {
        let mut config = SimulatorConfig::default();
        spoil(&mut config.smsaero);
        assert!(Simulator::start(config).await.is_err());
    }
    let shown = format!("{:?}", SmsAeroAccount::default());
    assert!(!shown.contains(&SmsAeroAccount::default().api_key), "{shown}");
}
