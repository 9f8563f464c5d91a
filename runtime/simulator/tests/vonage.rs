//! The simulated Vonage over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::{Simulator, SimulatorConfig, VonageAccount};
use serde_json::{Value, json};

fn request(body: &Value) -> Sent {
    let account = VonageAccount::default();
    Sent {
        host: "rest.nexmo.com".into(),
        method: "POST".into(),
        path: "/sms/json".into(),
        headers: vec![
            ("Authorization".into(), basic(&account.api_key, &account.api_secret)),
            ("Content-Type".into(), "application/json".into()),
        ],
        body: body.to_string().into_bytes(),
    }
}

/// A good body with these changes; `null` takes a member out.
fn changed(change: &Value) -> Value {
    let mut body = json!({ "from": "My Shop", "to": "4512345678", "text": "Code 246810" });
    for (key, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(key)),
            value => body[key] = value.clone(),
        }
    }
    body
}

/// The one status of a refusal, which comes with HTTP 200.
fn status(answer: &Answer) -> String {
    let json = answer.json();
    assert_eq!((answer.status, &json["message-count"]), (200, &json!("1")), "{json}");
    json["messages"][0]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_valid_request_gets_a_vonage_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = request(&changed(&json!({}))).to(&simulator).await;

    assert_eq!(status(&answer), "0");
    let part = &answer.json()["messages"][0];
    let id = part["message-id"].as_str().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    assert_eq!((&part["to"], &part["message-price"]), (&json!("4512345678"), &json!("0.03330000")));

    let message = next_message(&mut events).await;
    assert_eq!((message.provider.as_str(), message.to.as_str()), ("vonage", "4512345678"));
    assert_eq!((message.text.as_deref(), message.sender.as_deref()), (Some("Code 246810"), Some("My Shop")));
    assert_eq!(message.provider_id.as_deref(), Some(id));
    let shown = serde_json::to_string(&*message).unwrap();
    assert!(!shown.contains(&VonageAccount::default().api_secret) && !shown.contains("Basic "), "{shown}");
}

#[tokio::test]
async fn every_part_has_an_entry_and_an_id() {
    let simulator = start().await;
    let json = request(&changed(&json!({ "text": "x".repeat(307), "client-ref": "7" }))).to(&simulator).await.json();
    assert_eq!(json["message-count"], "3");
    let ids: std::collections::BTreeSet<&str> =
        json["messages"].as_array().unwrap().iter().map(|part| part["message-id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(json["messages"][2]["client-ref"], "7");
}

#[tokio::test]
async fn text_outside_the_gsm_alphabet_arrives_only_as_unicode() {
    let simulator = start().await;
    for (change, arrives) in [
        (json!({ "text": "Kode: æøå€ 1" }), "Kode: æøå€ 1"),
        (json!({ "text": "Код 1" }), "??? 1"),
        (json!({ "text": "Код 1", "type": "text" }), "??? 1"),
        (json!({ "text": "Код 1", "type": "unicode" }), "Код 1"),
    ] {
        assert_eq!(status(&request(&changed(&change)).to(&simulator).await), "0", "{change}");
        assert_eq!(simulator.inbox().last().unwrap().text.as_deref(), Some(arrives), "{change}");
    }
}

#[tokio::test]
async fn a_form_is_accepted_too() {
    let simulator = start().await;
    let mut sent = request(&json!({}));
    sent.set("Content-Type", "application/x-www-form-urlencoded");
    sent.body =
        form(&[("from", "My Shop"), ("to", "4512345678"), ("text", "Код 1"), ("type", "unicode"), ("ttl", "20000")]);
    assert_eq!(status(&sent.to(&simulator).await), "0");
    assert_eq!(simulator.inbox()[0].text.as_deref(), Some("Код 1"));
}

#[tokio::test]
async fn wrong_members_are_refused_with_their_statuses() {
    let simulator = start().await;
    for (change, want) in [
        (json!({ "from": null }), "2"),
        (json!({ "to": null }), "2"),
        (json!({ "text": null }), "2"),
        (json!({ "text": "" }), "2"),
        (json!({ "text": 7 }), "3"),
        (json!({ "to": "+4512345678" }), "3"),
        (json!({ "to": "12345" }), "3"),
        (json!({ "to": "004512345678" }), "6"),
        (json!({ "from": "aNameTooLong" }), "15"),
        (json!({ "from": "Смс" }), "15"),
        (json!({ "from": "1234567890123456" }), "15"),
        (json!({ "text": "x".repeat(3201) }), "12"),
        (json!({ "type": "binary" }), "3"),
        (json!({ "ttl": 19_999 }), "3"),
        (json!({ "ttl": 604_800_001 }), "3"),
        (json!({ "status-report-req": "perhaps" }), "3"),
        (json!({ "client-ref": "x".repeat(101) }), "3"),
        (json!({ "callback": "http://a.example/" }), "23"),
        (json!({ "callback": format!("https://a.example/{}", "x".repeat(100)) }), "23"),
        (json!({ "api_key": "x" }), "3"),
    ] {
        assert_eq!(status(&request(&changed(&change)).to(&simulator).await), want, "{change}");
    }
    assert!(simulator.inbox().is_empty());
    for good in [
        json!({ "from": "447700900000" }),
        json!({ "from": "M y S h o p" }),
        json!({ "ttl": 600_000, "callback": "https://a.example/r", "status-report-req": true }),
        json!({ "text": "x".repeat(3200) }),
    ] {
        let json = request(&changed(&good)).to(&simulator).await.json();
        assert_eq!(json["messages"][0]["status"], "0", "{good}");
    }
}

#[tokio::test]
async fn the_envelope_around_the_members_is_checked() {
    let simulator = start().await;
    type Change = fn(&mut Sent);
    let refused: [(&str, Change, &str); 5] = [
        ("no authorization", |s| s.remove("Authorization"), "4"),
        ("wrong secret", |s| s.set("Authorization", &basic(&VonageAccount::default().api_key, "nope")), "4"),
        ("wrong key", |s| s.set("Authorization", &basic("nope", &VonageAccount::default().api_secret)), "4"),
        ("no type", |s| s.remove("Content-Type"), "3"),
        ("not JSON", |s| s.body = b"to=1".to_vec(), "3"),
    ];
    for (name, change, want) in refused {
        let mut request = request(&changed(&json!({})));
        change(&mut request);
        assert_eq!(status(&request.to(&simulator).await), want, "{name}");
    }
    let lost: [(&str, Change, u16); 3] = [
        ("other path", |s| s.path = "/sms/xml".into(), 404),
        ("query", |s| s.path.push_str("?to=1"), 404),
        ("GET", |s| s.method = "GET".into(), 405),
    ];
    for (name, change, want) in lost {
        let mut request = request(&changed(&json!({})));
        change(&mut request);
        assert_eq!(request.to(&simulator).await.status, want, "{name}");
    }
}

#[tokio::test]
async fn every_status_of_the_table_comes_on_request() {
    let simulator = start().await;
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 22, 23, 29, 32, 33] {
        simulator.inject_spec(format!("vonage=code:{code},times=1").parse().unwrap()).unwrap();
        let answer = request(&changed(&json!({}))).to(&simulator).await;
        assert_eq!(status(&answer), code.to_string());
        assert!(!answer.json()["messages"][0]["error-text"].as_str().unwrap().is_empty());
    }
    assert!(simulator.inbox().is_empty());
    for unknown in ["0", "13", "x"] {
        assert!(simulator.inject_spec(format!("vonage=code:{unknown}").parse().unwrap()).is_err());
    }
}

#[tokio::test]
async fn an_unusable_account_is_refused() {
    type Spoil = fn(&mut VonageAccount);
    let spoils: [Spoil; 3] = [|a| a.api_key.clear(), |a| a.api_key.push(':'), |a| a.api_secret.clear()];
    for spoil in spoils {
        let mut config = SimulatorConfig::default();
        spoil(&mut config.vonage);
        assert!(Simulator::start(config).await.is_err());
    }
    let (account, shown) = (VonageAccount::default(), format!("{:?}", VonageAccount::default()));
    assert!(!shown.contains(&account.api_key) && !shown.contains(&account.api_secret), "{shown}");
}
