//! Endpoints that fail, ask for a pause or are gone, and what is told when little goes well.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::model::{EventFilter, EventType};
use sendbox_service::clock::ManualClock;
use sendbox_service::{Caller, Service};
use sendbox_tests::api::{NUMBER, text};
use sendbox_tests::platform_server::{HOOKS, report, respond, until_seen};
use sendbox_tests::server::{Seen, answer};
use sendbox_tests::test_service::{START, TENANT, notice_the_dead};
use sendbox_tests::{Database, Script, on_every_database};
use serde_json::{Value, json};

use super::{CODE, EVENTS, HOUR, MINUTE, at, body, endpoint, send, setup, until, until_all};

on_every_database!(
    after_an_hour_of_failures_and_a_restart_everything_arrives_in_order,
    an_endpoint_can_ask_for_a_longer_pause,
    an_endpoint_that_is_gone_is_disabled,
    a_message_that_expired_is_told
);

/// Waits until each of the messages has so many attempts of its first event, as this service shows them.
async fn until_attempts(service: &Service, count: usize) {
    loop {
        let filter = EventFilter { kind: Some(EventType::MessageAccepted), ..EventFilter::default() };
        let events = service.events(&Caller::Platform, TENANT, filter).await.unwrap().items;
        if events.iter().all(|event| event.deliveries[0].attempts.len() == count) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn after_an_hour_of_failures_and_a_restart_everything_arrives_in_order(database: &Database) {
    let (server, api) = setup(database).await;
    endpoint(&api, HOOKS, &EVENTS).await;
    server.play(respond(503));
    let mut messages = Vec::new();
    for number in ["+4520918374", "+4520918375", "+4520918376"] {
        let (message, sid) = send(&api, number).await;
        report(&api, &sid, "delivered").await;
        messages.push(message);
    }
    until_seen(&server, 3).await;
    until_attempts(&api.backend.service, 1).await;
    api.backend.clock.advance_millis(7 * 1000);
    until_seen(&server, 6).await;
    until_attempts(&api.backend.service, 2).await;

    // The service ends, and another process begins a while later.
    api.backend.service.stop(Duration::from_secs(20)).await;
    let clock = Arc::new(ManualClock::at(START.plus_millis(7 * 1000)));
    let restarted = api.backend.second_instance_with(&clock).await;
    notice_the_dead(&restarted, &clock).await;
    for (count, pause) in [(9, 6 * MINUTE), (12, 54 * MINUTE)] {
        clock.advance_millis(pause);
        until_seen(&server, count).await;
        until_attempts(&restarted, count / 3).await;
    }

    // After an hour, the endpoint is back.
    server.forget();
    server.play(respond(204));
    clock.advance_millis(3 * HOUR);
    let seen = until_seen(&server, 6).await;
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for told in seen.iter().map(body) {
        kinds.entry(text(&told["data"]["id"])).or_default().push(text(&told["type"]));
    }
    let expected = messages.into_iter().map(|id| (id, vec!["message.accepted".into(), "message.delivered".into()]));
    assert_eq!(kinds, expected.collect());
    restarted.stop(Duration::from_secs(20)).await;
    assert_eq!(server.seen().len(), 6);
}

async fn an_endpoint_can_ask_for_a_longer_pause(database: &Database) {
    let (server, api) = setup(database).await;
    let (id, _) = endpoint(&api, HOOKS, &["hold.created"]).await;
    let test = at(&format!("webhook-endpoints/{id}/test"));
    let pause = |header: &str| Script::raw(answer(503, &format!("connection: close\r\n{header}"), b""));
    for (count, (header, next)) in [
        ("retry-after: 7200\r\n", Some(START.plus_millis(7_200_000))),
        ("Retry-After: Mon, 23 Nov 2026 21:00:00 GMT\r\n", Some(START.plus_millis(3_600_000))),
        ("retry-after: 9999999999\r\n", Some(START.plus_millis(24 * 3_600_000))),
        // Not shorter than without it, and what cannot be read is ignored.
        ("retry-after: 0\r\n", None),
        ("retry-after: soon\r\n", None),
        ("retry-after: 7200\r\nretry-after: 7200\r\n", None),
    ]
    .into_iter()
    .enumerate()
    {
        server.play(pause(header));
        let event = text(&api.platform().post(&test, &json!({})).await.expect(202)["id"]);
        until_seen(&server, count + 1).await;
        let shown =
            until(&api, &format!("events/{event}"), |shown| shown["deliveries"][0]["attempts"] != json!([])).await;
        let shown = text(&shown["deliveries"][0]["nextAttemptAt"]);
        match next {
            Some(next) => assert_eq!(shown, next.to_string(), "{header}"),
            // Five seconds, and up to a tenth more.
            None => assert!(shown.starts_with("2026-11-23T20:00:05"), "{header}: {shown}"),
        }
    }
    server.play(respond(200));
    api.backend.clock.advance_millis(2 * HOUR - 1);
    until_seen(&server, 10).await;
    api.backend.clock.advance_millis(1);
    until_seen(&server, 11).await;
}

async fn an_endpoint_that_is_gone_is_disabled(database: &Database) {
    let (server, api) = setup(database).await;
    let (id, _) = endpoint(&api, HOOKS, &EVENTS).await;
    let (other, _) = endpoint(&api, HOOKS, &["hold.created"]).await;
    let of = |id: &str| format!("webhook-endpoints/{id}");
    server.play(respond(410));
    let (message, sid) = send(&api, NUMBER).await;
    report(&api, &sid, "delivered").await;
    let shown = until(&api, &of(&id), |shown| shown["enabled"] == false).await;
    assert_eq!(shown["disabledReason"], "gone");
    let ended = |shown: &Value| {
        let events = shown["items"].as_array().unwrap();
        events.len() == 2 && events.iter().all(|event| event["deliveries"][0]["status"] != "pending")
    };
    let shown = until(&api, &format!("events?subject={message}"), ended).await;
    for event in shown["items"].as_array().unwrap() {
        let expected = if event["type"] == "message.accepted" { "failed" } else { "cancelled" };
        assert_eq!(event["deliveries"][0]["status"], expected, "{event}");
    }
    let audit = api.platform().get(&at("audit")).await.expect(200);
    let entry = &audit["items"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("webhook-endpoint.auto-disable"), &json!("sendbox")));
    assert_eq!(entry["after"]["disabledReason"], "gone");
    // It gets nothing more, until it is enabled again. The other one stays as it is.
    send(&api, "+4520918375").await;
    assert_eq!(server.seen().len(), 1);
    assert_eq!(api.platform().get(&at(&of(&other))).await.expect(200)["enabled"], true);
    server.play(respond(200));
    api.platform().call("PATCH", &at(&of(&id)), Some(&json!({ "enabled": true })), &[]).await.expect(200);
    send(&api, "+4520918376").await;
    until_seen(&server, 2).await;
}

async fn a_message_that_expired_is_told(database: &Database) {
    let (server, api) = setup(database).await;
    endpoint(&api, HOOKS, &["message.accepted", "message.failed", "message.expired"]).await;
    api.backend.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let new = json!({ "to": NUMBER, "usage": "sign-in", "code": CODE, "lifetimeSeconds": 60 });
    let message = text(&api.platform().post(&at("messages"), &new).await.expect(202)["id"]);
    api.backend.clock.advance_millis(61_000);
    api.backend.until_final(&message).await;
    let told: Vec<Value> = until_seen(&server, 1).await.iter().map(|seen: &Seen| body(seen)).collect();
    assert_eq!(
        (&told[0]["type"], &told[0]["data"]["id"], &told[0]["data"]["status"]),
        (&json!("message.expired"), &json!(message), &json!("expired"))
    );
    until_all(&api, "delivered").await;
}
