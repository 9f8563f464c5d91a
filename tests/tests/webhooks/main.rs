//! Webhooks, from what happens to a message to what arrives at the platform's endpoint, and over REST.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod trouble;

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::Environment;
use sendbox_service::clock::ManualClock;
use sendbox_tests::api::{Api, NUMBER, text};
use sendbox_tests::platform_server::{HOOKS, PATIENCE, header, report, respond, until_seen};
use sendbox_tests::sandbox_fixture::authority;
use sendbox_tests::server::{Seen, answer};
use sendbox_tests::test_service::{START, TENANT, TestService, notice_the_dead};
use sendbox_tests::{Database, Script, Server, Step, on_every_database};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const SLOW: &str = "slow.platform.test";
const CODE: &str = "271828";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Every event but those of an expired message, which `trouble` has, and of a version.
const EVENTS: [&str; 7] = [
    "message.accepted",
    "message.delivered",
    "message.undelivered",
    "message.failed",
    "verification.approved",
    "verification.expired",
    "hold.created",
];

on_every_database!(
    what_happens_is_told_once_and_signed,
    an_endpoint_that_fails_for_an_hour_gets_everything_in_order,
    after_a_crash_the_same_event_is_sent_again,
    a_rotated_secret_signs_for_a_day,
    an_endpoint_that_fails_for_five_days_is_disabled,
    a_slow_endpoint_delays_no_other,
    an_event_is_sent_again_on_request,
    events_without_a_url_are_stored_only,
    nothing_sealed_is_in_an_event,
    a_tenant_without_endpoints_has_no_events,
    endpoints_are_validated
);

fn at(rest: &str) -> String {
    format!("/v1/tenants/{TENANT}/{rest}")
}

/// A server of a platform, and the API.
async fn setup(database: &Database) -> (Server, Api) {
    let server = Server::start(authority(), respond(200)).await;
    let fixture = TestService::with_servers(database, vec![server.connect_to(HOOKS)]).await;
    (server, Api::over(fixture).await)
}

/// Creates an endpoint. Returns its id and its secret.
async fn endpoint(api: &Api, host: &str, events: &[&str]) -> (String, String) {
    let new = json!({ "name": "back-end", "url": format!("https://{host}/hooks?a=b"), "events": events });
    let issued = api.platform().post(&at("webhook-endpoints"), &new).await.expect(201);
    (text(&issued["id"]), text(&issued["secret"]))
}

async fn send(api: &Api, number: &str) -> (String, String) {
    let new = json!({ "to": number, "usage": "sign-in", "code": CODE });
    let sent = api.platform().post(&at("messages"), &new).await.expect(200);
    (text(&sent["id"]), text(&sent["providerMessageId"]))
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap()
}

/// Verifies a request as the specification of Standard Webhooks says, without any code of the service. Returns which secrets signed it.
fn signed_by<'s>(seen: &Seen, secrets: &[&'s str]) -> Vec<&'s str> {
    let signatures = header(seen, "webhook-signature");
    let mut content = format!("{}.{}.", header(seen, "webhook-id"), header(seen, "webhook-timestamp")).into_bytes();
    content.extend_from_slice(&seen.body);
    let signs = |secret: &&&str| {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(&content);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        signatures.split(' ').any(|signature| signature == expected)
    };
    let found: Vec<&str> = secrets.iter().filter(signs).copied().collect();
    assert_eq!(signatures.split(' ').count(), found.len(), "an unknown signature: {signatures}");
    found
}

/// Waits until what is shown is so.
async fn until(api: &Api, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = api.platform().get(&at(path)).await.expect(200);
        assert!(Instant::now() < deadline, "{shown}");
        if is(&shown) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until every delivery of every event has this status.
async fn until_all(api: &Api, status: &str) -> Vec<Value> {
    let is = |shown: &Value| {
        let events = shown["items"].as_array().unwrap();
        events.iter().all(|event| event["deliveries"].as_array().unwrap().iter().all(|it| it["status"] == status))
    };
    until(api, "events?limit=200", is).await["items"].as_array().unwrap().clone()
}

async fn what_happens_is_told_once_and_signed(database: &Database) {
    let (server, api) = setup(database).await;
    let (_, secret) = endpoint(&api, HOOKS, &EVENTS).await;
    let (message, sid) = send(&api, NUMBER).await;
    report(&api, &sid, "sent").await;
    report(&api, &sid, "delivered").await;
    report(&api, &sid, "delivered").await;
    // A provider suspects fraud.
    api.backend.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    let suspected = json!({ "to": "+4533334001", "usage": "sign-in", "code": CODE });
    let refused = api.platform().post(&at("messages"), &suspected).await.problem(424, "message-not-sent");
    let started = json!({ "to": "+4520918374", "usage": "sign-in" });
    let approved = text(&api.platform().post(&at("verifications"), &started).await.expect(201)["id"]);
    let code = api.backend.received_code("+4520918374");
    let check = at(&format!("verifications/{approved}/check"));
    api.platform().post(&check, &json!({ "code": code })).await.expect(200);
    let started = json!({ "to": "+4520918375", "usage": "sign-in" });
    let expired = text(&api.platform().post(&at("verifications"), &started).await.expect(201)["id"]);
    api.backend.clock.advance_millis(HOUR);
    api.backend.service.sweep().await;

    let seen = until_seen(&server, 8).await;
    let mut told: Vec<(String, String)> = seen
        .iter()
        .map(|seen| {
            let told = body(seen);
            let about = if told["type"] == "hold.created" { &told["data"]["message"] } else { &told["data"]["id"] };
            (text(&told["type"]), text(about))
        })
        .collect();
    told.retain(|(_, about)| {
        [&message, &approved, &expired].contains(&about) || *about == text(&refused["message"]["id"])
    });
    told.sort();
    let expected = [
        ("hold.created", text(&refused["message"]["id"])),
        ("message.accepted", message.clone()),
        ("message.delivered", message.clone()),
        ("message.failed", text(&refused["message"]["id"])),
        ("verification.approved", approved),
        ("verification.expired", expired),
    ];
    assert_eq!(told, expected.map(|(kind, id)| (kind.to_owned(), id)));
    for seen in &seen {
        assert!(seen.head.starts_with("POST /hooks?a=b HTTP/1.1\r\n"), "{}", seen.head);
        assert_eq!(header(seen, "content-type"), "application/json");
        assert_eq!(header(seen, "host"), HOOKS);
        assert_eq!(signed_by(seen, &[&secret]), [&secret]);
        let told = body(seen);
        assert_eq!(told.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().len(), 3);
        let shown = api.platform().get(&at(&format!("events/{}", header(seen, "webhook-id")))).await.expect(200);
        assert_eq!(
            (&told["type"], &told["timestamp"], &told["data"]),
            (&shown["type"], &shown["timestamp"], &shown["data"])
        );
    }
    let accepted =
        seen.iter().map(body).find(|told| told["type"] == "message.accepted" && told["data"]["id"] == *message);
    assert_eq!(
        accepted.unwrap()["data"],
        json!({ "tenant": TENANT, "id": message, "status": "accepted", "to": "+45…26", "country": "DK", "usage": "sign-in",
            "test": false, "createdAt": START.to_string() })
    );
    let events = until_all(&api, "delivered").await;
    assert_eq!(events.len(), 8);
    assert!(events.iter().all(|event| event["deliveries"][0]["attempts"][0]["status"] == 200), "{events:?}");
}

async fn an_endpoint_that_fails_for_an_hour_gets_everything_in_order(database: &Database) {
    let (server, api) = setup(database).await;
    let (endpoint, secret) = endpoint(&api, HOOKS, &EVENTS).await;
    server.play(respond(503));
    let mut messages = Vec::new();
    for number in ["+4520918374", "+4520918375", "+4520918376"] {
        let (message, sid) = send(&api, number).await;
        report(&api, &sid, "delivered").await;
        messages.push(message);
    }
    // Only the first event of each is tried, and then again after a while.
    let mut count = 3;
    until_seen(&server, count).await;
    for pause in [7 * 1000, 6 * MINUTE, 34 * MINUTE] {
        // Until the result of each attempt is stored.
        let stored = count / 3;
        until(&api, "events?type=message.accepted", |shown| {
            let events = shown["items"].as_array().unwrap();
            events.iter().all(|event| event["deliveries"][0]["attempts"].as_array().unwrap().len() == stored)
        })
        .await;
        api.backend.clock.advance_millis(pause);
        count += 3;
        until_seen(&server, count).await;
    }
    assert!(server.seen().iter().all(|seen| body(seen)["type"] == "message.accepted"));
    let shown = until(&api, &format!("webhook-endpoints/{endpoint}"), |shown| !shown["failingSince"].is_null()).await;
    assert_eq!((&shown["failingSince"], &shown["enabled"]), (&json!(START.to_string()), &json!(true)));
    until(&api, "events?type=message.accepted", |shown| {
        shown["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["deliveries"][0]["attempts"].as_array().unwrap().len() == 4)
    })
    .await;

    let failed = server.seen();
    server.forget();
    server.play(respond(204));
    api.backend.clock.advance_millis(3 * HOUR);
    let seen = until_seen(&server, 6).await;
    for message in &messages {
        let of_message: Vec<&Seen> = seen.iter().filter(|seen| body(seen)["data"]["id"] == **message).collect();
        let kinds: Vec<Value> = of_message.iter().map(|seen| body(seen)["type"].clone()).collect();
        assert_eq!(kinds, ["message.accepted", "message.delivered"]);
        // The id and the body stay the same, and the signature is of this attempt.
        let before: Vec<&Seen> = failed.iter().filter(|seen| body(seen)["data"]["id"] == **message).collect();
        assert_eq!(before.len(), 4);
        for earlier in before {
            assert_eq!(header(earlier, "webhook-id"), header(of_message[0], "webhook-id"));
            assert_eq!(earlier.body, of_message[0].body);
            assert_eq!(signed_by(earlier, &[&secret]), [&secret]);
            assert_ne!(header(earlier, "webhook-timestamp"), header(of_message[0], "webhook-timestamp"));
        }
    }
    until_all(&api, "delivered").await;
    let shown = until(&api, &format!("webhook-endpoints/{endpoint}"), |shown| shown["failingSince"].is_null()).await;
    assert_eq!(shown["droppedEvents"], 0);
}

async fn after_a_crash_the_same_event_is_sent_again(database: &Database) {
    let (server, api) = setup(database).await;
    endpoint(&api, HOOKS, &EVENTS).await;
    let answered = CancellationToken::new();
    let late = answer(200, "connection: close\r\n", b"");
    server.play(Script::steps([Step::Read, Step::WaitFor(answered.clone()), Step::Write(late)]));
    send(&api, NUMBER).await;
    until_seen(&server, 1).await;

    // The process sleeps now, as far as another one can tell, between sending and storing the result.
    server.play(respond(200));
    let clock = Arc::new(ManualClock::at(START));
    let other = api.backend.second_instance_with(&clock).await;
    notice_the_dead(&other, &clock).await;
    let seen = until_seen(&server, 2).await;
    assert_eq!(header(&seen[0], "webhook-id"), header(&seen[1], "webhook-id"));
    assert_eq!(seen[0].body, seen[1].body);
    let events = until_all(&api, "delivered").await;
    assert_eq!(events[0]["deliveries"][0]["attempts"].as_array().unwrap().len(), 1);
    // What the first one learns is too late to change anything.
    answered.cancel();
    server.until_closed(2).await;
    other.stop(Duration::from_secs(20)).await;
    let fixture = api.backend;
    fixture.service.stop(Duration::from_secs(20)).await;
    assert_eq!(server.seen().len(), 2);
}

async fn a_rotated_secret_signs_for_a_day(database: &Database) {
    let (server, api) = setup(database).await;
    let (id, first) = endpoint(&api, HOOKS, &["hold.created"]).await;
    let client = api.platform();
    let (of, nothing) = (|rest: &str| at(&format!("webhook-endpoints/{id}{rest}")), json!({}));
    let rotated = client.post(&of("/rotate"), &nothing).await.expect(200);
    let second = text(&rotated["secret"]);
    assert_ne!(first, second);
    assert_eq!(rotated["previousSecretExpiresAt"], "2026-11-24T20:00:00Z");
    assert_eq!(client.get(&of("/secret")).await.expect(200)["secret"], *second);
    client.post(&of("/test"), &nothing).await.expect(202);
    let seen = until_seen(&server, 1).await;
    assert_eq!(body(&seen[0])["type"], "webhook-endpoint.tested");
    assert_eq!(signed_by(&seen[0], &[&first, &second]), [&first, &second]);
    api.backend.clock.advance_millis(DAY);
    client.post(&of("/test"), &nothing).await.expect(202);
    let seen = until_seen(&server, 2).await;
    assert_eq!(signed_by(&seen[1], &[&first, &second]), [&second]);
    assert!(client.get(&of("")).await.expect(200)["previousSecretExpiresAt"].is_null());
}

async fn an_endpoint_that_fails_for_five_days_is_disabled(database: &Database) {
    let (server, api) = setup(database).await;
    let (id, _) = endpoint(&api, HOOKS, &EVENTS).await;
    let client = api.platform();
    let of = |rest: &str| format!("webhook-endpoints/{id}{rest}");
    server.play(respond(500));
    client.post(&at(&of("/test")), &json!({})).await.expect(202);
    until(&api, &of(""), |shown| !shown["failingSince"].is_null()).await;
    api.backend.clock.advance_millis(5 * DAY - 1);
    until(&api, "events", |shown| shown["items"][0]["deliveries"][0]["attempts"].as_array().unwrap().len() == 2).await;
    assert_eq!(client.get(&at(&of(""))).await.expect(200)["enabled"], true);
    let (waiting, _) = send(&api, NUMBER).await;
    api.backend.clock.advance_millis(HOUR);
    let shown = until(&api, &of(""), |shown| shown["enabled"] == false).await;
    assert_eq!(shown["disabledReason"], "failing");
    let audit = client.get(&at("audit")).await.expect(200);
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("webhook-endpoint.auto-disable"), &json!("sendbox")));
    // Nothing is recorded for it any more, and what was waiting is cancelled.
    send(&api, "+4520918375").await;
    api.backend.clock.advance_millis(DAY);
    until_all(&api, "cancelled").await;
    let events = client.get(&at("events?type=message.accepted")).await.expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 1);

    // Enabled again, it can be sent again.
    let event = text(&events["items"][0]["id"]);
    assert_eq!(events["items"][0]["data"]["id"], *waiting);
    let resend = at(&format!("events/{event}/resend"));
    client.post(&resend, &json!({})).await.problem(409, "conflict");
    server.play(respond(200));
    server.forget();
    let enabled = client.call("PATCH", &at(&of("")), Some(&json!({ "enabled": true })), &[]).await.expect(200);
    assert_eq!((&enabled["failingSince"], &enabled["disabledReason"]), (&Value::Null, &Value::Null));
    client.post(&resend, &json!({})).await.expect(202);
    let seen = until_seen(&server, 1).await;
    assert_eq!(header(&seen[0], "webhook-id"), event);
    send(&api, "+4520918376").await;
    until_seen(&server, 2).await;
}

async fn a_slow_endpoint_delays_no_other(database: &Database) {
    let server = Server::start(authority(), respond(200)).await;
    let slow = Server::start(authority(), Script::good()).await;
    let fixture = TestService::with_servers(database, vec![server.connect_to(HOOKS), slow.connect_to(SLOW)]).await;
    fixture.add_tenant("other", Environment::Development).await;
    let api = Api::over(fixture).await;
    let answered = CancellationToken::new();
    slow.play(Script::steps([
        Step::Read,
        Step::WaitFor(answered.clone()),
        Step::Write(answer(200, "connection: close\r\n", b"")),
    ]));
    let (of_slow, _) = endpoint(&api, SLOW, &["hold.created"]).await;
    let (of_same_tenant, _) = endpoint(&api, HOOKS, &["hold.created"]).await;
    let new = json!({ "name": "other", "url": format!("https://{HOOKS}/other"), "events": ["hold.created"] });
    let of_other = text(&api.platform().post("/v1/tenants/other/webhook-endpoints", &new).await.expect(201)["id"]);
    let test = async |tenant: &str, id: &str| {
        let path = format!("/v1/tenants/{tenant}/webhook-endpoints/{id}/test");
        api.platform().post(&path, &json!({})).await.expect(202);
    };
    for _ in 0..40 {
        test(TENANT, &of_slow).await;
    }
    // No more than its share is in progress, and none of it ends.
    until_seen(&slow, 8).await;
    test(TENANT, &of_same_tenant).await;
    test("other", &of_other).await;
    until_seen(&server, 2).await;
    assert_eq!(slow.seen().len(), 8);
    answered.cancel();
    until_seen(&slow, 40).await;
    until_all(&api, "delivered").await;
}

async fn an_event_is_sent_again_on_request(database: &Database) {
    let (server, api) = setup(database).await;
    let (first, _) = endpoint(&api, HOOKS, &["message.accepted"]).await;
    send(&api, NUMBER).await;
    until_seen(&server, 1).await;
    let events = until_all(&api, "delivered").await;
    let event = text(&events[0]["id"]);
    let client = api.platform();
    let resend = at(&format!("events/{event}/resend"));
    let again = client.post(&resend, &json!({})).await.expect(202);
    assert_eq!(again["deliveries"][0]["status"], "pending");
    let seen = until_seen(&server, 2).await;
    assert_eq!((header(&seen[1], "webhook-id"), &seen[1].body), (event.clone(), &seen[0].body));
    let shown = until(&api, &format!("events/{event}"), |shown| shown["deliveries"][0]["status"] == "delivered").await;
    assert_eq!(shown["deliveries"][0]["attempts"].as_array().unwrap().len(), 2);
    // To an endpoint that did not exist then.
    let (second, secret) = endpoint(&api, HOOKS, &["hold.created"]).await;
    client.post(&resend, &json!({ "endpoint": second })).await.expect(202);
    let seen = until_seen(&server, 3).await;
    assert_eq!(signed_by(&seen[2], &[&secret]), [&secret]);
    client.post(&resend, &json!({ "endpoint": "wnobody" })).await.problem(404, "not-found");
    client.post(&at("events/enothing/resend"), &json!({})).await.problem(404, "not-found");
    client.delete(&at(&format!("webhook-endpoints/{second}"))).await.expect(204);
    client.delete(&at(&format!("webhook-endpoints/{first}"))).await.expect(204);
    client.post(&resend, &json!({})).await.problem(409, "conflict");
    let actions = client.get(&at("audit?limit=200")).await.expect(200);
    assert!(actions["items"].as_array().unwrap().iter().any(|entry| entry["action"] == "event.resend"));
}

async fn events_without_a_url_are_stored_only(database: &Database) {
    let (server, api) = setup(database).await;
    let new = json!({ "name": "pulled", "events": ["message.accepted", "message.delivered"] });
    let issued = api.platform().post(&at("webhook-endpoints"), &new).await.expect(201);
    assert_eq!((&issued["url"], &issued["enabled"]), (&Value::Null, &json!(true)));
    let mut expected = Vec::new();
    for number in ["+4520918374", "+4520918375", "+4520918376"] {
        api.backend.clock.advance_millis(1000);
        let (message, sid) = send(&api, number).await;
        expected.insert(0, message);
        report(&api, &sid, "undelivered").await;
    }
    let client = api.platform();
    let mut found = Vec::new();
    let mut path = at("events?limit=2");
    loop {
        let page = client.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().all(|event| event["deliveries"] == json!([])));
        found.extend(items.iter().map(|event| text(&event["data"]["id"])));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = at(&format!("events?limit=2&cursor={cursor}"));
    }
    assert_eq!(found, expected);
    let one = client.get(&at(&format!("events?subject={}", expected[1]))).await.expect(200);
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(client.get(&at("events?type=message.failed")).await.expect(200)["items"], json!([]));
    client.get(&at("events?type=message.sent")).await.problem(422, "invalid-input");
    client.get(&at("events?cursor=x")).await.problem(422, "invalid-input");
    assert_eq!(server.seen().len(), 0);
    // After a week they are deleted.
    api.backend.clock.advance_millis(7 * DAY + HOUR);
    api.backend.service.sweep().await;
    assert_eq!(client.get(&at("events")).await.expect(200)["items"], json!([]));
}

async fn nothing_sealed_is_in_an_event(database: &Database) {
    let (server, api) = setup(database).await;
    let (id, secret) = endpoint(&api, HOOKS, &EVENTS).await;
    send(&api, NUMBER).await;
    let started = json!({ "to": "+4520918374", "usage": "sign-in" });
    let verification = text(&api.platform().post(&at("verifications"), &started).await.expect(201)["id"]);
    let code = api.backend.received_code("+4520918374");
    let check = at(&format!("verifications/{verification}/check"));
    api.platform().post(&check, &json!({ "code": code })).await.expect(200);
    let mut all: String = until_seen(&server, 3).await.iter().map(Seen::text).collect();
    until_all(&api, "delivered").await;
    for path in ["events", "webhook-endpoints", "audit", &format!("webhook-endpoints/{id}")] {
        all.push_str(&api.platform().get(&at(path)).await.text);
    }
    let mut connection = database.connect().await;
    for column in ["data FROM events", "attempts FROM event_deliveries", "subscriptions FROM tenants"] {
        let select = sqlx::AssertSqlSafe(format!("SELECT {column}"));
        let rows: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut connection).await.unwrap();
        all.push_str(&rows.concat());
    }
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT secret FROM webhook_endpoints").fetch_one(&mut connection).await.unwrap();
    all.push_str(&String::from_utf8_lossy(&sealed));
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert!(!sealed.windows(key.len()).any(|window| window == key), "the key is stored in clear");
    for canary in [
        CODE,
        &code,
        &NUMBER[1..],
        "4520918374",
        &format!("{code} is your code"),
        secret.strip_prefix("whsec_").unwrap(),
    ] {
        assert!(!all.contains(canary), "{canary} is in {all}");
    }
    // The path and the query of a URL may hold a token.
    let audit = api.platform().get(&at("audit")).await.text;
    assert!(audit.contains(&format!("https://{HOOKS}\"")) && !audit.contains("/hooks?"), "{audit}");
}

async fn a_tenant_without_endpoints_has_no_events(database: &Database) {
    let (server, api) = setup(database).await;
    send(&api, NUMBER).await;
    let (id, _) = endpoint(&api, HOOKS, &["hold.created"]).await;
    send(&api, NUMBER).await;
    api.platform().delete(&at(&format!("webhook-endpoints/{id}"))).await.expect(204);
    api.backend.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    let suspected = json!({ "to": "+4533334001", "usage": "sign-in", "code": CODE });
    api.platform().post(&at("messages"), &suspected).await.problem(424, "message-not-sent");
    assert_eq!(api.platform().get(&at("events")).await.expect(200)["items"], json!([]));
    assert_eq!(server.seen().len(), 0);
}

async fn endpoints_are_validated(database: &Database) {
    let (server, api) = setup(database).await;
    let client = api.platform();
    for url in [
        "http://hooks.platform.test/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1:443/",
        "https://2130706433/",
        "https://hooks.platform.test:8443/",
        "https://user:secret@hooks.platform.test/",
        "https://hooks.platform.test/#fragment",
        "ftp://hooks.platform.test/",
        "hooks.platform.test",
        "",
        &format!("https://hooks.platform.test/{}", "a".repeat(2000)),
    ] {
        let new = json!({ "name": "back-end", "url": url, "events": ["hold.created"] });
        let problem = client.post(&at("webhook-endpoints"), &new).await.problem(422, "invalid-input");
        assert_eq!(problem["errors"][0]["field"], "/url", "{url}: {problem}");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
    for (new, field) in [
        (json!({ "name": "", "events": ["hold.created"] }), "name"),
        (json!({ "name": "a", "events": [] }), "/events"),
        (json!({ "name": "a", "events": ["message.sent"] }), "/events/0"),
        (json!({ "name": "a", "events": ["hold.created"], "secret": "x" }), ""),
    ] {
        let problem = client.post(&at("webhook-endpoints"), &new).await.problem(422, "invalid-input");
        assert!(text(&problem["errors"][0]["field"]).contains(field), "{problem}");
    }
    for _ in 0..10 {
        endpoint(&api, HOOKS, &["hold.created"]).await;
    }
    let new = json!({ "name": "one too many", "events": ["hold.created"] });
    let full = client.post(&at("webhook-endpoints"), &new).await.problem(429, "quota-reached");
    assert_eq!(full["limit"], "webhook-endpoints");
    assert_eq!(client.get(&at("webhook-endpoints")).await.expect(200).as_array().unwrap().len(), 10);
    // A name that does not resolve, or only to addresses that may not be dialled, is a failed attempt.
    let (id, _) = {
        let first = text(&client.get(&at("webhook-endpoints")).await.expect(200)[0]["id"]);
        client.delete(&at(&format!("webhook-endpoints/{first}"))).await.expect(204);
        endpoint(&api, "nowhere.platform.test", &["hold.created"]).await
    };
    client.post(&at(&format!("webhook-endpoints/{id}/test")), &json!({})).await.expect(202);
    let failed = until(&api, "events", |shown| shown["items"][0]["deliveries"][0]["attempts"] != json!([])).await;
    let attempt = &failed["items"][0]["deliveries"][0]["attempts"][0];
    assert!(attempt["status"].is_null() && text(&attempt["error"]).contains("nowhere.platform.test"), "{attempt}");
    assert_eq!(server.connections(), 0);
}
