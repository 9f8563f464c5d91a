//! Status callbacks of messages that come in Twilio's format.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_tests::api::{Api, text};
use sendbox_tests::platform_server::{HOOKS, header, report, respond, until_seen};
use sendbox_tests::sandbox_fixture::authority;
use sendbox_tests::server::Seen;
use sendbox_tests::test_service::TestService;
use sendbox_tests::{Database, Server, on_every_database};
use serde_json::{Value, json};

use super::twilio::{ACCOUNT_PATH, twilio};
use super::{CODE, DIGITS, Ingress, assert_hidden, at};

on_every_database!(
    the_statuses_of_a_message_are_reported_as_twilio_reports_them,
    a_message_that_was_not_sent_is_reported_with_the_code_of_twilio,
    a_callback_that_fails_is_sent_five_times_and_again_on_request,
    callbacks_to_where_nothing_may_be_sent_are_refused,
    an_api_key_is_accepted_beside_the_account
);

const CALLBACK: &str = "https://hooks.platform.test/status?a=b";

async fn setup(database: &Database) -> (Server, Api, Ingress) {
    let server = Server::start(authority(), respond(204)).await;
    let api = Api::over(TestService::with_servers(database, vec![server.connect_to(HOOKS)]).await).await;
    let ingress = Ingress::create(&api, "twilio", &json!({ "kind": "twilio" })).await;
    (server, api, ingress)
}

/// Sends a message whose statuses are reported. Returns its SID, its id, and the id at the provider.
async fn send(api: &Api, ingress: &Ingress) -> (String, String, String) {
    let path = format!("{ACCOUNT_PATH}/{}/Messages.json", ingress.username);
    let form =
        format!("To=%2B{DIGITS}&Body=Your+code+is+{CODE}&StatusCallback=https://hooks.platform.test/status?a%3Db");
    let sent = twilio(api, ingress, "POST", &path, &form).await.expect(201);
    let message = text(&ingress.calls(&api.platform()).await[0]["message"]);
    api.backend.until_final(&message).await;
    let shown = api.platform().get(&at(&format!("messages/{message}"))).await.expect(200);
    (text(&sent["sid"]), message, shown["providerMessageId"].as_str().unwrap_or_default().to_owned())
}

/// The fields of a callback, whose signature is checked as Twilio describes it, without any code of the service.
fn fields(seen: &Seen, ingress: &Ingress) -> BTreeMap<String, String> {
    assert!(seen.head.starts_with("POST /status?a=b HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(header(seen, "content-type"), "application/x-www-form-urlencoded");
    let fields: BTreeMap<String, String> = url::form_urlencoded::parse(&seen.body).into_owned().collect();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(ingress.secret.as_bytes()).unwrap();
    mac.update(CALLBACK.as_bytes());
    fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    assert_eq!(header(seen, "x-twilio-signature"), STANDARD.encode(mac.finalize().into_bytes()));
    assert_hidden(&seen.text(), ingress);
    fields
}

/// The deliveries of the callbacks of a message, oldest first.
async fn until_deliveries(api: &Api, message: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let shown = api.platform().get(&at(&format!("events?subject={message}"))).await.expect(200);
        let mut events = shown["items"].as_array().unwrap().clone();
        events.reverse();
        if is(&events) {
            return events;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn the_statuses_of_a_message_are_reported_as_twilio_reports_them(database: &Database) {
    let (server, api, ingress) = setup(database).await;
    let (sid, message, provider_id) = send(&api, &ingress).await;
    report(&api, &provider_id, "sent").await;
    report(&api, &provider_id, "delivered").await;
    report(&api, &provider_id, "delivered").await;
    let seen = until_seen(&server, 2).await;
    for (seen, status) in seen.iter().zip(["sent", "delivered"]) {
        let fields = fields(seen, &ingress);
        for (name, value) in [
            ("MessageSid", sid.as_str()),
            ("SmsSid", &sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("AccountSid", &ingress.username),
            ("ApiVersion", "2010-04-01"),
            ("To", "+45…26"),
        ] {
            assert_eq!(fields.get(name).map(String::as_str), Some(value), "{name} {status}");
        }
        assert_eq!(fields.get("ErrorCode"), None);
    }
    let events = until_deliveries(&api, &message, |events| {
        events.iter().all(|event| event["deliveries"][0]["status"] == "delivered")
    })
    .await;
    assert_eq!(
        events.iter().map(|event| text(&event["type"])).collect::<Vec<_>>(),
        ["message.accepted", "message.delivered"]
    );
    // A message without a callback is reported to nobody.
    let path = format!("{ACCOUNT_PATH}/{}/Messages.json", ingress.username);
    twilio(&api, &ingress, "POST", &path, &format!("To=%2B{DIGITS}&Body=Your+code+is+{CODE}")).await.expect(201);
    let other = text(&ingress.calls(&api.platform()).await[0]["message"]);
    api.backend.until_final(&other).await;
    assert!(until_deliveries(&api, &other, |_| true).await.is_empty());
}

async fn a_message_that_was_not_sent_is_reported_with_the_code_of_twilio(database: &Database) {
    let (server, api, ingress) = setup(database).await;
    api.backend.simulator.inject_spec("twilio=code:21610,times=1".parse().unwrap()).unwrap();
    send(&api, &ingress).await;
    let seen = until_seen(&server, 1).await;
    let failed = fields(&seen[0], &ingress);
    assert_eq!((failed["MessageStatus"].as_str(), failed["ErrorCode"].as_str()), ("failed", "21610"));
    let (_, _, provider_id) = send(&api, &ingress).await;
    report(&api, &provider_id, "undelivered").await;
    let seen = until_seen(&server, 3).await;
    let undelivered = fields(&seen[2], &ingress);
    assert_eq!((undelivered["MessageStatus"].as_str(), undelivered["ErrorCode"].as_str()), ("undelivered", "30008"));
}

async fn a_callback_that_fails_is_sent_five_times_and_again_on_request(database: &Database) {
    let (server, api, ingress) = setup(database).await;
    server.play(respond(503));
    let (_, message, _) = send(&api, &ingress).await;
    for count in 1..=5 {
        until_seen(&server, count).await;
        let attempts = |events: &[Value]| events[0]["deliveries"][0]["attempts"].as_array().unwrap().len();
        until_deliveries(&api, &message, |events| attempts(events) == count).await;
        api.backend.clock.advance_millis(3 * 3_600_000);
    }
    let events = until_deliveries(&api, &message, |_| true).await;
    assert_eq!(events[0]["deliveries"][0]["status"], "failed");
    assert_hidden(&events[0].to_string(), &ingress);
    server.play(respond(200));
    let resend = at(&format!("events/{}/resend", text(&events[0]["id"])));
    api.platform().post(&resend, &json!({})).await.expect(202);
    let seen = until_seen(&server, 6).await;
    assert_eq!(fields(&seen[5], &ingress)["MessageStatus"], "sent");
}

async fn callbacks_to_where_nothing_may_be_sent_are_refused(database: &Database) {
    let (server, api, ingress) = setup(database).await;
    let path = format!("{ACCOUNT_PATH}/{}/Messages.json", ingress.username);
    for url in [
        "http://hooks.platform.test/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://hooks.platform.test:22/",
        "https://user:a-canary@hooks.platform.test/",
        "hooks.platform.test",
        "x",
    ] {
        let url: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
        let form = format!("To=%2B{DIGITS}&Body=Your+code+is+{CODE}&StatusCallback={url}");
        api.backend.clock.advance_monotonic(std::time::Duration::from_secs(1));
        let refused = twilio(&api, &ingress, "POST", &path, &form).await;
        assert_eq!((refused.status, &refused.json["code"]), (400, &json!(21609)), "{url}: {}", refused.text);
    }
    assert_eq!(api.backend.received_count(DIGITS), 0);
    assert_eq!(server.connections(), 0);
    let calls = ingress.calls(&api.platform()).await;
    assert!(calls.iter().all(|call| text(&call["detail"]).contains("`StatusCallback`")), "{calls:?}");
    assert!(!json!(calls).to_string().contains("a-canary"), "{calls:?}");
}

async fn an_api_key_is_accepted_beside_the_account(database: &Database) {
    let (_server, api, ingress) = setup(database).await;
    let path = at("ingresses/twilio");
    let shown = api.platform().get(&path).await.expect(200);
    let key = &shown["authentication"]["apiKey"];
    assert!(text(&key["sid"]).starts_with("SK") && text(&key["sid"]).len() == 34, "{key}");
    let as_key = Ingress { username: text(&key["sid"]), secret: text(&key["secret"]), ..Ingress::of(&shown) };
    let messages = format!("{ACCOUNT_PATH}/{}/Messages.json", ingress.username);
    let form = format!("To=%2B{DIGITS}&Body=Your+code+is+{CODE}");
    twilio(&api, &as_key, "POST", &messages, &form).await.expect(201);
    let mixed = Ingress { secret: ingress.secret.clone(), username: text(&key["sid"]), ..Ingress::of(&shown) };
    twilio(&api, &mixed, "POST", &messages, &form).await.expect(401);
    // Whoever may not manage does not see it, and a new one replaces it.
    let rotated = json!({ "kind": "twilio", "authentication": { "type": "basic", "rotateApiKey": true } });
    let rotated = api.platform().put(&path, &rotated).await.expect(200);
    assert_ne!(rotated["authentication"]["apiKey"], *key);
    assert_eq!(rotated["authentication"]["secrets"], shown["authentication"]["secrets"]);
    twilio(&api, &as_key, "POST", &messages, &form).await.expect(401);
    twilio(&api, &ingress, "POST", &messages, &form).await.expect(201);
    let audit = api.platform().get(&at("audit")).await.text;
    assert!(!audit.contains(&text(&key["secret"])), "{audit}");
    let other = Ingress::create(&api, "logto", &json!({ "kind": "logto" })).await;
    let shown = api.platform().get(&at(&format!("ingresses/{}", other.name))).await.expect(200);
    assert_eq!(shown["authentication"]["apiKey"], Value::Null);
}
