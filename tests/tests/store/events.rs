//! Events and webhook endpoints: read back unchanged, claimed once, sent in order, deleted when there are too many.

use sendbox_domain::model::{DisabledReason, EventAttempt, EventDeliveryStatus, EventType, Timestamp};
use sendbox_store::events::EventQuery;
use sendbox_store::rows::*;
use sendbox_store::{Store, Tx, events, processes, tenants, webhooks};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    endpoints_round_trip,
    events_are_listed_by_every_filter,
    a_delivery_is_claimed_and_finished_once,
    endpoints_are_found_in_turn,
    a_later_event_of_a_subject_waits,
    the_oldest_events_go_first_and_are_counted,
    subscribed_tenants_are_found
);

async fn store_with(database: &Database, rows: &[EventRow]) -> Store {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    webhooks::insert(&mut tx, &sample::endpoint("w1")).await.unwrap();
    processes::insert(&mut tx, "p1").await.unwrap();
    for row in rows {
        events::insert(&mut tx, row, ["w1"]).await.unwrap();
    }
    tx.commit().await.unwrap();
    store
}

fn lease(claim: u64) -> Lease {
    Lease { process: "p1".to_owned(), claim }
}

async fn claim(tx: &mut Tx, now: Timestamp, number: u64) -> Vec<EventDeliveryRow> {
    events::claim(tx, ("acme", "w1"), now, &lease(number), 9).await.unwrap()
}

fn ids(rows: &[EventDeliveryRow]) -> Vec<&str> {
    rows.iter().map(|row| row.event.as_str()).collect()
}

async fn endpoints_round_trip(database: &Database) {
    let store = store_with(database, &[]).await;
    let mut tx = store.begin().await.unwrap();
    let row = sample::endpoint("w1");
    assert_eq!(webhooks::get(&mut tx, "acme", "w1").await.unwrap(), Some(row.clone()));
    assert_eq!(webhooks::get(&mut tx, "other", "w1").await.unwrap(), None);
    let changed = WebhookEndpointRow {
        name: String::new(),
        url: None,
        events: [EventType::MessageFailed].into(),
        disabled_reason: Some(DisabledReason::Failing),
        secret: vec![],
        old_secret: None,
        old_until: None,
        failing_since: Some(NOW),
        updated_at: NOW.plus_seconds(9),
        ..row
    };
    webhooks::update(&mut tx, &changed).await.unwrap();
    assert_eq!(webhooks::list(&mut tx, "acme").await.unwrap(), [changed]);
    // The first failure counts, and a success ends it.
    for (since, expected) in [
        (None, None),
        (Some(NOW.plus_seconds(1)), Some(NOW.plus_seconds(1))),
        (Some(NOW.plus_seconds(2)), Some(NOW.plus_seconds(1))),
        (None, None),
    ] {
        webhooks::set_failing(&mut tx, "acme", "w1", since).await.unwrap();
        let row = webhooks::get(&mut tx, "acme", "w1").await.unwrap().unwrap();
        assert_eq!(row.failing_since, expected);
    }
    webhooks::count_dropped(&mut tx, "acme", "w1", 3).await.unwrap();
    assert_eq!(webhooks::get(&mut tx, "acme", "w1").await.unwrap().unwrap().dropped, 3);
    assert!(webhooks::delete(&mut tx, "acme", "w1").await.unwrap());
    assert!(!webhooks::delete(&mut tx, "acme", "w1").await.unwrap());
}

async fn events_are_listed_by_every_filter(database: &Database) {
    let failed = EventRow { kind: EventType::MessageFailed, ..sample::event("e2", "m2", 2) };
    let rows = [sample::event("e1", "m1", 1), failed, sample::event("e3", "m1", 3), sample::event("e4", "m3", 3)];
    let store = store_with(database, &rows).await;
    let mut tx = store.begin_read().await.unwrap();
    assert_eq!(events::get(&mut tx, "acme", "e3").await.unwrap().as_ref(), Some(&rows[2]));
    let all = || EventQuery { limit: 9, ..EventQuery::default() };
    for (filter, expected) in [
        (all(), &["e4", "e3", "e2", "e1"][..]),
        (EventQuery { limit: 2, ..all() }, &["e4", "e3"]),
        (EventQuery { before: Some((NOW.plus_seconds(3), "e4".to_owned())), ..all() }, &["e3", "e2", "e1"]),
        (EventQuery { kind: Some(EventType::MessageFailed), ..all() }, &["e2"]),
        (EventQuery { subject: Some("m1".to_owned()), ..all() }, &["e3", "e1"]),
        (EventQuery { since: Some(NOW.plus_seconds(2)), ..all() }, &["e4", "e3", "e2"]),
        (EventQuery { until: Some(NOW.plus_seconds(2)), ..all() }, &["e1"]),
    ] {
        let found = events::list(&mut tx, "acme", &filter).await.unwrap();
        assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), expected, "{filter:?}");
    }
    assert!(events::list(&mut tx, "other", &all()).await.unwrap().is_empty());
    let deliveries = events::deliveries_of(&mut tx, "acme", &["e1".to_owned(), "e9".to_owned()]).await.unwrap();
    assert_eq!(deliveries.len(), 1);
    let [delivery] = &deliveries["e1"][..] else { panic!("one delivery") };
    assert_eq!((delivery.endpoint.as_str(), delivery.subject.as_str()), ("w1", "m1"));
    assert_eq!((delivery.status, delivery.failures), (EventDeliveryStatus::Pending, 0));
    assert_eq!((delivery.next_attempt_at, delivery.attempts.len()), (NOW.plus_seconds(1), 0));
}

async fn a_delivery_is_claimed_and_finished_once(database: &Database) {
    let store = store_with(database, &[sample::event("e1", "m1", 1)]).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(events::next_due(&mut tx).await.unwrap(), Some(NOW.plus_seconds(1)));
    assert!(claim(&mut tx, NOW, 1).await.is_empty(), "not due yet");
    let due = NOW.plus_seconds(1);
    let [row] = &claim(&mut tx, due, 1).await[..] else { panic!("one delivery") };
    assert!(claim(&mut tx, due, 2).await.is_empty(), "leased");
    assert_eq!(events::next_due(&mut tx).await.unwrap(), None);
    assert!(!events::release(&mut tx, row.sequence, &lease(2)).await.unwrap());
    assert!(events::release(&mut tx, row.sequence, &lease(1)).await.unwrap());
    let [row] = &claim(&mut tx, due, 3).await[..] else { panic!("released") };

    let attempt = EventAttempt { started_at: due, took_ms: 7, status: None, error: Some("å".to_owned()) };
    let next = due.plus_seconds(5);
    let failed = EventDeliveryRow { failures: 1, attempts: vec![attempt], next_attempt_at: next, ..row.clone() };
    assert!(!events::finish(&mut tx, &failed, &lease(1)).await.unwrap(), "an earlier claim");
    assert!(events::finish(&mut tx, &failed, &lease(3)).await.unwrap());
    assert!(!events::finish(&mut tx, &failed, &lease(3)).await.unwrap(), "once");
    // A process that is dead.
    let [again] = &claim(&mut tx, next, 4).await[..] else { panic!("due again") };
    assert_eq!((again.failures, &again.attempts), (1, &failed.attempts));
    processes::delete(&mut tx, "p1").await.unwrap();
    let other = Lease { process: "p2".to_owned(), claim: 1 };
    let [taken] = &events::claim(&mut tx, ("acme", "w1"), next, &other, 9).await.unwrap()[..] else { panic!("free") };
    let delivered = EventDeliveryRow { status: EventDeliveryStatus::Delivered, ..taken.clone() };
    assert!(!events::finish(&mut tx, &delivered, &lease(4)).await.unwrap());
    assert!(events::finish(&mut tx, &delivered, &other).await.unwrap());
    assert_eq!(events::next_due(&mut tx).await.unwrap(), None);
    events::restart(&mut tx, taken.sequence, next).await.unwrap();
    let [restarted] = &claim(&mut tx, next, 5).await[..] else { panic!("sent again") };
    assert_eq!((restarted.failures, restarted.attempts.len()), (0, 1));
}

async fn endpoints_are_found_in_turn(database: &Database) {
    let store = store_with(database, &[sample::event("e1", "m1", 1)]).await;
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap());
    let elsewhere = EventRow { tenant: "other".to_owned(), ..sample::event("e1", "m1", 1) };
    events::insert(&mut tx, &elsewhere, ["w0", "w9"]).await.unwrap();
    let mut found = Vec::new();
    let mut after = (String::new(), String::new());
    while let Some(next) = events::next_endpoint(&mut tx, (&after.0, &after.1)).await.unwrap() {
        found.push(format!("{} {}", next.0, next.1));
        after = next;
    }
    assert_eq!(found, ["acme w1", "other w0", "other w9"]);
}

async fn a_later_event_of_a_subject_waits(database: &Database) {
    let rows = [sample::event("e1", "m1", 1), sample::event("e2", "m1", 2), sample::event("e3", "m2", 3)];
    let store = store_with(database, &rows).await;
    let mut tx = store.begin().await.unwrap();
    let now = NOW.plus_seconds(9);
    let claimed = claim(&mut tx, now, 1).await;
    assert_eq!(ids(&claimed), ["e1", "e2", "e3"]);
    let mut earlier = Vec::new();
    for row in &claimed {
        earlier.push(events::earlier(&mut tx, row).await.unwrap());
    }
    assert_eq!(earlier, [None, Some(NOW.plus_seconds(1)), None]);
    events::set_due_after(&mut tx, &claimed[0], NOW.plus_seconds(77)).await.unwrap();
    for row in &claimed {
        events::release(&mut tx, row.sequence, &lease(1)).await.unwrap();
    }
    assert_eq!(ids(&claim(&mut tx, now, 2).await), ["e1", "e3"]);
    let delivered = EventDeliveryRow { status: EventDeliveryStatus::Delivered, ..claimed[0].clone() };
    assert!(events::finish(&mut tx, &delivered, &lease(2)).await.unwrap());
    assert_eq!(events::earlier(&mut tx, &claimed[1]).await.unwrap(), None);
}

async fn the_oldest_events_go_first_and_are_counted(database: &Database) {
    let rows: Vec<EventRow> = (1..=6).map(|number| sample::event(&format!("e{number}"), "m1", number)).collect();
    let store = store_with(database, &rows).await;
    let mut tx = store.begin().await.unwrap();
    // One of them was delivered.
    let first = claim(&mut tx, NOW.plus_seconds(1), 1).await.remove(0);
    let delivered = EventDeliveryRow { status: EventDeliveryStatus::Delivered, ..first };
    assert!(events::finish(&mut tx, &delivered, &lease(1)).await.unwrap());
    assert!(!events::are_more_than(&mut tx, "acme", 6).await.unwrap());
    assert!(events::are_more_than(&mut tx, "acme", 5).await.unwrap());
    assert_eq!(events::keep_newest(&mut tx, "acme", 6, 9).await.unwrap(), 0);
    assert_eq!(events::keep_newest(&mut tx, "acme", 2, 3).await.unwrap(), 3, "no more than asked for");
    assert_eq!(events::keep_newest(&mut tx, "acme", 2, 3).await.unwrap(), 1);
    assert_eq!(events::keep_newest(&mut tx, "acme", 2, 3).await.unwrap(), 0);
    assert_eq!(webhooks::get(&mut tx, "acme", "w1").await.unwrap().unwrap().dropped, 3);
    assert_eq!(ids(&claim(&mut tx, NOW.plus_seconds(9), 2).await), ["e5", "e6"]);
    assert_eq!(events::delete_before(&mut tx, NOW.plus_seconds(6), 9).await.unwrap(), 1);
    assert_eq!(events::delete_before(&mut tx, NOW.plus_seconds(6), 9).await.unwrap(), 0);
    assert_eq!(webhooks::get(&mut tx, "acme", "w1").await.unwrap().unwrap().dropped, 4);
}

async fn subscribed_tenants_are_found(database: &Database) {
    let store = store_with(database, &[]).await;
    let mut tx = store.begin().await.unwrap();
    let silent = TenantRow { subscriptions: Default::default(), ..sample::tenant("silent") };
    assert!(tenants::insert(&mut tx, &silent).await.unwrap());
    let found = tenants::subscribed(&mut tx).await.unwrap();
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["acme"]);
}
