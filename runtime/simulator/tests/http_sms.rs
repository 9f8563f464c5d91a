//! The simulated HTTP SMS endpoint over real TLS: contract, authorization and signature.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_simulator::{HttpSmsAccount, HttpSmsFormat, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use sha2::Sha256;

async fn with(http: HttpSmsAccount) -> Simulator {
    Simulator::start(SimulatorConfig { http, ..SimulatorConfig::default() }).await.unwrap()
}

#[tokio::test]
async fn a_valid_request_appears_in_the_inbox() {
    let simulator = start().await;
    let answer = good_hook().to(&simulator).await;
    assert_eq!(answer.status, 200);
    let inbox = simulator.inbox();
    assert_eq!(inbox.len(), 1);
    assert_eq!(answer.json()["id"].as_str(), inbox[0].provider_id.as_deref());
    assert_eq!((inbox[0].to.as_str(), inbox[0].usage.as_deref()), ("4512345678", Some("SignIn")));
    assert_eq!(inbox[0].variables["code"], "246810");
    assert_eq!(inbox[0].request.path, "/sms?tenant=1");

    let simulator = with(HttpSmsAccount { no_content: true, ..HttpSmsAccount::default() }).await;
    let answer = good_hook().to(&simulator).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("content-length")), (204, 0, None));
    assert_eq!(simulator.inbox().len(), 1);
}

#[tokio::test]
async fn every_member_of_the_body_is_checked() {
    let simulator = start().await;
    let cases = [
        (r#"{"to":"+4512345678","type":"BindMfa","payload":{}}"#, 200),
        (r#"{"to":"4512345678","type":"Generic","payload":{"code":"1","uiLocales":"da en","n":{"a":1}}}"#, 200),
        (r#"{"to":"4512345678","type":"Generic","payload":{},"ip":"2001:db8::1"}"#, 200),
        (r#"{"to":"0045123456","type":"Generic","payload":{}}"#, 400),
        (r#"{"to":4512345678,"type":"Generic","payload":{}}"#, 400),
        (r#"{"to":"++4512345678","type":"Generic","payload":{}}"#, 400),
        (r#"{"type":"Generic","payload":{}}"#, 400),
        (r#"{"to":"4512345678","type":"sign-in","payload":{}}"#, 400),
        (r#"{"to":"4512345678","payload":{}}"#, 400),
        (r#"{"to":"4512345678","type":"Generic"}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":"246810"}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":{"code":246810}}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":{"code":""}}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":{},"ip":""}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":{},"ip":null}"#, 400),
        (r#"{"to":"4512345678","type":"Generic","payload":{},"cc":"4587654321"}"#, 400),
        (r#"["4512345678"]"#, 400),
        (r#"{"to":"#, 400),
        ("", 400),
    ];
    for (body, status) in cases {
        let answer = hook(body).to(&simulator).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(answer.json()["error"].is_string(), status != 200, "{body}");
    }
    assert_eq!(simulator.inbox().len(), cases.iter().filter(|(_, status)| *status == 200).count());

    let mut request = good_hook();
    request.set("Content-Type", "text/plain");
    assert_eq!(request.to(&simulator).await.status, 415);
    let mut request = good_hook();
    request.method = "PUT".into();
    assert_eq!(request.to(&simulator).await.status, 405);
}

#[tokio::test]
async fn authorization_is_compared_verbatim() {
    let simulator = with(HttpSmsAccount { authorization: Some("Token t0p".into()), ..HttpSmsAccount::default() }).await;
    for (value, status) in [(None, 401), (Some("Token t0"), 401), (Some("token t0p"), 401), (Some("Token t0p"), 200)] {
        let mut request = good_hook();
        if let Some(value) = value {
            request.set("Authorization", value);
        }
        assert_eq!(request.to(&simulator).await.status, status, "{value:?}");
    }
    let shown = serde_json::to_string(&simulator.inbox()).unwrap();
    assert!(shown.contains("[credential]") && !shown.contains("t0p"), "{shown}");
}

#[tokio::test]
async fn standard_webhooks_signatures_are_verified() {
    let secret = format!("whsec_{}", STANDARD.encode("a key of twenty-four b.."));
    let simulator = with(HttpSmsAccount { webhook_secret: Some(secret), ..HttpSmsAccount::default() }).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let sign = |id: &str, time: u64, body: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"a key of twenty-four b..").unwrap();
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    };
    let body = good_hook().body;
    let good = sign("msg_1", now, &body);
    let cases = [
        ("right", "msg_1", now, good.clone(), 200),
        ("among others", "msg_1", now, format!("v1a,xyz v1,AAAA {good}"), 200),
        ("four minutes old", "msg_1", now - 240, sign("msg_1", now - 240, &body), 200),
        ("too old", "msg_1", now - 330, sign("msg_1", now - 330, &body), 401),
        ("too new", "msg_1", now + 330, sign("msg_1", now + 330, &body), 401),
        ("other id", "msg_2", now, good.clone(), 401),
        ("other time", "msg_1", now - 1, good.clone(), 401),
        ("other body", "msg_1", now, sign("msg_1", now, b"{}"), 401),
        ("no version", "msg_1", now, good.replace("v1,", ""), 401),
        ("cut short", "msg_1", now, good[..20].to_owned(), 401),
        ("empty", "msg_1", now, String::new(), 401),
    ];
    for (name, id, time, signature, status) in cases {
        let mut request = good_hook();
        request.set("webhook-id", id);
        request.set("webhook-timestamp", &time.to_string());
        request.set("webhook-signature", &signature);
        assert_eq!(request.to(&simulator).await.status, status, "{name}");
    }
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut request = good_hook();
        request.set("webhook-id", "msg_1");
        request.set("webhook-timestamp", &now.to_string());
        request.set("webhook-signature", &good);
        request.remove(missing);
        assert_eq!(request.to(&simulator).await.status, 401, "{missing}");
    }
    assert_eq!(simulator.inbox().len(), 3);
}

#[tokio::test]
async fn forms_and_queries_are_checked_like_json() {
    let fields = "to=4512345678&type=SignIn&code=246810&locale=da&ip=192.0.2.7&from=My+Shop";
    let cases = [
        (fields.to_owned(), 200),
        ("type=SignIn&from=My+Shop&to=%2B4512345678&code=1".to_owned(), 200),
        (fields.replace("4512345678", "0045"), 400),
        (fields.replace("SignIn", "sign-in"), 400),
        (fields.replace("246810", ""), 400),
        (fields.replace("My+Shop", "Shop"), 400),
        (fields.replace("&from=My+Shop", ""), 400),
        (format!("{fields}&cc=4587654321"), 400),
        (format!("{fields}&to=4512345678"), 400),
        (format!("{fields}&x=%2"), 400),
    ];
    let from = [("from".to_owned(), json!("My Shop"))];
    for format in [HttpSmsFormat::Form, HttpSmsFormat::Query] {
        let method = if format == HttpSmsFormat::Form { "PUT" } else { "GET" };
        let account =
            HttpSmsAccount { format, method: method.into(), fields: from.clone().into(), ..HttpSmsAccount::default() };
        let simulator = with(account).await;
        for (fields, status) in &cases {
            let mut request = hook(fields);
            request.method = method.into();
            if format == HttpSmsFormat::Form {
                request.set("Content-Type", "application/x-www-form-urlencoded");
            } else {
                request.remove("Content-Type");
                request.path = format!("/sms?{}", std::mem::take(&mut request.body).escape_ascii());
            }
            assert_eq!(request.to(&simulator).await.status, *status, "{format:?} {fields}");
        }
        let inbox = simulator.inbox();
        assert_eq!((inbox.len(), inbox[0].variables["code"].as_str()), (2, "246810"));
        assert_eq!(good_hook().to(&simulator).await.status, 405);
    }
}

#[tokio::test]
async fn headers_an_api_key_and_further_members_are_checked() {
    let simulator = with(HttpSmsAccount {
        api_key: Some(("x-api-key".into(), "k0y".into())),
        headers: [("x-tenant".to_owned(), "shop".to_owned())].into(),
        fields: [("options".to_owned(), json!({ "ttl": 600 }))].into(),
        ..HttpSmsAccount::default()
    })
    .await;
    let mut body: Value = serde_json::from_slice(&good_hook().body).unwrap();
    body["options"] = json!({ "ttl": 600 });
    let mut good = hook(&body.to_string());
    good.set("X-Api-Key", "k0y");
    good.set("X-Tenant", "shop");
    assert_eq!(good.clone().to(&simulator).await.status, 200);
    let shown = serde_json::to_string(&simulator.inbox()).unwrap();
    assert!(shown.contains("[credential]") && !shown.contains("k0y"), "{shown}");
    for (name, value, status) in [("X-Api-Key", "key", 401), ("X-Tenant", "other", 400)] {
        let mut request = good.clone();
        request.set(name, value);
        assert_eq!(request.to(&simulator).await.status, status, "{name}");
        request.remove(name);
        assert_eq!(request.to(&simulator).await.status, status, "{name}");
    }
    for options in [json!({ "ttl": 601 }), Value::Null] {
        body["options"] = options;
        let request = Sent { body: body.to_string().into_bytes(), ..good.clone() };
        assert_eq!(request.to(&simulator).await.status, 400);
    }
}
