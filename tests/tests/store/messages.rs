//! Lists of messages, leases, and retention.

use std::collections::BTreeSet;

use sendbox_domain::model::{MessageStatus, PlatformData, Timestamp};
use sendbox_sandbox::Usage;
use sendbox_store::messages::MessageQuery;
use sendbox_store::rows::MessageRow;
use sendbox_store::{attempts, messages, processes, tenants};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    messages_are_filtered,
    pages_show_each_message_once,
    what_is_due_is_claimed_oldest_first,
    the_worker_wakes_when_something_is_due,
    only_the_holder_of_the_lease_writes,
    an_attempt_ends_together_with_its_message,
    old_messages_are_deleted_with_their_attempts
);

fn ids(rows: &[MessageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

fn at(seconds: u64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

async fn messages_are_filtered(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    let usual = |id: &str, seconds| MessageRow { created_at: at(seconds), ..sample::message("acme", id) };
    for row in [
        usual("m1", 1),
        MessageRow {
            status: MessageStatus::Failed,
            platform_data: PlatformData { reference: Some("session-2".to_owned()), ..PlatformData::default() },
            ..usual("m2", 2)
        },
        MessageRow { usage: Usage::Generic, ..usual("m3", 3) },
        MessageRow { country: Some("DE".to_owned()), ..usual("m4", 4) },
        MessageRow { country: None, recipient_hash: vec![1], ..usual("m5", 5) },
        MessageRow { connection: Some("backup".to_owned()), ..usual("m6", 6) },
        MessageRow { tenant: "other".to_owned(), ..usual("m7", 7) },
    ] {
        messages::insert(&mut tx, &row).await.unwrap();
    }
    let any = MessageQuery { limit: 100, ..MessageQuery::default() };
    let cases: [(MessageQuery, &[&str]); 12] = [
        (any.clone(), &["m6", "m5", "m4", "m3", "m2", "m1"]),
        (MessageQuery { status: Some(MessageStatus::Failed), ..any.clone() }, &["m2"]),
        (MessageQuery { usage: Some(Usage::Generic), ..any.clone() }, &["m3"]),
        (MessageQuery { country: Some("DE".to_owned()), ..any.clone() }, &["m4"]),
        (MessageQuery { recipient_hash: Some(vec![1]), ..any.clone() }, &["m5"]),
        (MessageQuery { connection: Some("backup".to_owned()), ..any.clone() }, &["m6"]),
        (MessageQuery { reference: Some("session-2".to_owned()), ..any.clone() }, &["m2"]),
        (MessageQuery { since: Some(at(4)), ..any.clone() }, &["m6", "m5", "m4"]),
        (MessageQuery { until: Some(at(2)), ..any.clone() }, &["m1"]),
        (MessageQuery { since: Some(at(2)), until: Some(at(4)), limit: 1, ..any.clone() }, &["m3"]),
        (MessageQuery { status: Some(MessageStatus::Failed), usage: Some(Usage::Generic), ..any.clone() }, &[]),
        (
            MessageQuery {
                status: Some(MessageStatus::Queued),
                usage: Some(Usage::SignIn),
                country: Some("DK".to_owned()),
                recipient_hash: Some(vec![9; 32]),
                reference: None,
                connection: Some("main".to_owned()),
                delivery: None,
                since: Some(at(0)),
                until: Some(at(9)),
                before: Some((at(8), String::new())),
                limit: 5,
            },
            &["m1"],
        ),
    ];
    for (wanted, expected) in cases {
        assert_eq!(ids(&messages::list(&mut tx, "acme", &wanted).await.unwrap()), expected, "{wanted:?}");
    }
}

async fn pages_show_each_message_once(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    // Many within the same millisecond: the id decides.
    for number in 0..25_u64 {
        let row = MessageRow { created_at: at(number / 10), ..sample::message("acme", &format!("m{number:02}")) };
        messages::insert(&mut tx, &row).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut page = MessageQuery { limit: 4, ..MessageQuery::default() };
    loop {
        let rows = messages::list(&mut tx, "acme", &page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.before = Some((last.created_at, last.id.clone()));
        seen.extend(rows.into_iter().map(|row| row.id));
    }
    let expected: Vec<_> = (0..25).rev().map(|number| format!("m{number:02}")).collect();
    assert_eq!(seen, expected);
}

async fn what_is_due_is_claimed_oldest_first(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let now = at(100);
    let due = |id: &str| MessageRow { created_at: at(50), ..sample::waiting("acme", id) };
    for row in [
        MessageRow { next_attempt_at: Some(now), ..due("due-now") },
        MessageRow { status: MessageStatus::Sending, next_attempt_at: Some(at(10)), ..due("due-long") },
        due("at-once"),
        MessageRow { lease: Some(sample::lease("gone", 1)), created_at: at(60), ..due("lease-over") },
        MessageRow { next_attempt_at: Some(Timestamp(now.0 + 1)), ..due("later") },
        MessageRow { lease: Some(sample::lease("busy", 1)), ..due("leased") },
        MessageRow { status: MessageStatus::Accepted, ..due("accepted") },
        MessageRow { status: MessageStatus::InDoubt, ..due("in-doubt") },
    ] {
        messages::insert(&mut tx, &row).await.unwrap();
    }
    for process in ["busy", "w1"] {
        processes::insert(&mut tx, process).await.unwrap();
    }
    let lease = sample::lease("w1", 1);
    let claimed = messages::claim(&mut tx, "acme", now, &lease, 3).await.unwrap();
    assert_eq!(ids(&claimed), ["due-long", "at-once", "lease-over"]);
    for row in &claimed {
        assert_eq!(row.lease.as_ref(), Some(&lease));
        assert_eq!(messages::get(&mut tx, "acme", &row.id).await.unwrap().as_ref(), Some(row));
    }
    let next = sample::lease("w1", 2);
    assert_eq!(ids(&messages::claim(&mut tx, "acme", now, &next, 9).await.unwrap()), ["due-now"]);
    let third = sample::lease("w1", 3);
    // However late it is, and whatever the clock says.
    for at in [now, at(10_000_000)] {
        let left = messages::claim(&mut tx, "acme", at, &third, 9).await.unwrap();
        assert!(left.iter().all(|row| row.id == "later"), "{left:?}");
    }
    processes::delete(&mut tx, "busy").await.unwrap();
    assert_eq!(ids(&messages::claim(&mut tx, "acme", now, &third, 9).await.unwrap()), ["leased"]);
    // A message that is released can be claimed, but only by the holder of the lease.
    assert!(!messages::release(&mut tx, "acme", "due-now", &lease).await.unwrap());
    assert!(messages::release(&mut tx, "acme", "due-now", &next).await.unwrap());
    assert_eq!(ids(&messages::claim(&mut tx, "acme", now, &third, 9).await.unwrap()), ["due-now"]);
    processes::delete_all(&mut tx).await.unwrap();
    assert_eq!(messages::claim(&mut tx, "acme", now, &third, 9).await.unwrap().len(), 5, "all leases are over");
}

async fn the_worker_wakes_when_something_is_due(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);
    messages::insert(&mut tx, &MessageRow { status: MessageStatus::Accepted, ..sample::waiting("acme", "done") })
        .await
        .unwrap();
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);

    // One that is worked on is due at no time.
    processes::insert(&mut tx, "busy").await.unwrap();
    let leased = MessageRow { lease: Some(sample::lease("busy", 1)), ..sample::waiting("acme", "leased") };
    messages::insert(&mut tx, &leased).await.unwrap();
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);

    // Each is due earlier than the previous one.
    let gone = Some(sample::lease("gone", 1));
    let cases =
        [(Some(at(50)), gone.clone(), at(50).0), (Some(at(30)), None, at(30).0), (None, gone, 0), (None, None, 0)];
    let count = cases.len();
    for (number, (next_attempt_at, lease, due)) in cases.into_iter().enumerate() {
        let row = MessageRow { next_attempt_at, lease, ..sample::waiting("acme", &format!("m{number}")) };
        messages::insert(&mut tx, &row).await.unwrap();
        assert_eq!(messages::next_due(&mut tx).await.unwrap(), Some(Timestamp(due)), "{row:?}");
        // 0: it is due at any time.
        if due > 0 {
            let before = Timestamp(due - 1);
            assert!(
                messages::claim(&mut tx, "acme", before, &sample::lease("busy", 2), 9).await.unwrap().is_empty(),
                "{row:?}"
            );
        }
    }
    // A message can be claimed at the time when it is due.
    let lease = sample::lease("busy", 3);
    for _ in 0..count {
        let due = messages::next_due(&mut tx).await.unwrap().unwrap();
        let claimed = messages::claim(&mut tx, "acme", due, &lease, 1).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let done = MessageRow { status: MessageStatus::Accepted, ..claimed[0].clone() };
        assert!(messages::update(&mut tx, &done, Some(&lease)).await.unwrap());
    }
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);
}

async fn only_the_holder_of_the_lease_writes(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    messages::insert(&mut tx, &sample::waiting("acme", "m1")).await.unwrap();
    processes::insert(&mut tx, "p1").await.unwrap();
    // Two claims of one process.
    let (first, second) = (sample::lease("p1", 1), sample::lease("p1", 2));
    let slow = messages::claim(&mut tx, "acme", NOW, &first, 1).await.unwrap().remove(0);
    assert!(messages::release(&mut tx, "acme", "m1", &first).await.unwrap());
    let taken_over = messages::claim(&mut tx, "acme", NOW, &second, 1).await.unwrap().remove(0);
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    let wrong = MessageRow { status: MessageStatus::Accepted, ..slow };
    assert!(!messages::update(&mut tx, &wrong, Some(&first)).await.unwrap());
    assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap().as_ref(), Some(&taken_over));

    // The claim of another process that has the same number.
    let other = sample::lease("p2", 2);
    assert!(!messages::update(&mut tx, &wrong, Some(&other)).await.unwrap());
    assert!(!messages::release(&mut tx, "acme", "m1", &other).await.unwrap());
    assert!(!messages::release(&mut tx, "acme", "m1", &first).await.unwrap());
    assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap().as_ref(), Some(&taken_over));

    // The process is taken for dead, and nobody has claimed the message: its holder may still store what happened.
    processes::delete(&mut tx, "p1").await.unwrap();
    let done = MessageRow { status: MessageStatus::Failed, lease: None, ..taken_over };
    assert!(messages::update(&mut tx, &done, Some(&second)).await.unwrap());
    assert!(!messages::update(&mut tx, &done, Some(&second)).await.unwrap(), "the lease was given back");
    assert!(messages::update(&mut tx, &done, None).await.unwrap());
    let unknown = MessageRow { id: "m9".to_owned(), ..done };
    assert!(!messages::update(&mut tx, &unknown, None).await.unwrap());
}

async fn an_attempt_ends_together_with_its_message(database: &Database) {
    let store = sample::store(database).await;
    let lease = sample::lease("p1", 1);
    let message = MessageRow { lease: Some(lease.clone()), ..sample::waiting("acme", "m1") };
    let started = sample::attempt("acme", "m1", 1);
    let mut tx = store.begin().await.unwrap();
    messages::insert(&mut tx, &message).await.unwrap();
    attempts::insert(&mut tx, &started).await.unwrap();
    tx.commit().await.unwrap();

    let (ended, finished) =
        (MessageRow { status: MessageStatus::Failed, ..message.clone() }, sample::finished(started.clone()));
    for (held_by, locks_limits, stores) in
        [(sample::lease("p1", 2), false, false), (lease.clone(), true, true), (lease, false, false)]
    {
        let mut tx = store.begin().await.unwrap();
        let stored = attempts::finish_with_message(&mut tx, &finished, &ended, &held_by, locks_limits).await.unwrap();
        assert_eq!(stored, stores, "{held_by:?}");
        if !stored {
            // Rolled back: one of them may have been changed.
            continue;
        }
        assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap().as_ref(), Some(&ended));
        assert_eq!(attempts::list(&mut tx, "acme", "m1").await.unwrap(), std::slice::from_ref(&finished));
        tx.commit().await.unwrap();
    }
}

async fn old_messages_are_deleted_with_their_attempts(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let old = |id: &str, seconds, status| MessageRow { created_at: at(seconds), status, ..sample::message("acme", id) };
    use MessageStatus::{Accepted, Cancelled, Expired, Failed, InDoubt, Queued, Sending};
    for row in [
        old("accepted", 3, Accepted),
        old("failed", 1, Failed),
        old("in-doubt", 2, InDoubt),
        old("expired", 4, Expired),
        old("cancelled", 5, Cancelled),
        old("queued", 0, Queued),
        old("sending", 0, Sending),
        old("young", 10, Accepted),
    ] {
        messages::insert(&mut tx, &row).await.unwrap();
        attempts::insert(&mut tx, &sample::attempt("acme", &row.id, 1)).await.unwrap();
    }
    assert_eq!(messages::delete_before(&mut tx, at(10), 2).await.unwrap(), 2, "no more than asked for");
    assert_eq!(messages::get(&mut tx, "acme", "failed").await.unwrap(), None, "the oldest first");
    assert!(attempts::list(&mut tx, "acme", "failed").await.unwrap().is_empty());
    assert_eq!(messages::delete_before(&mut tx, at(10), 100).await.unwrap(), 3);
    assert_eq!(messages::delete_before(&mut tx, at(10), 100).await.unwrap(), 0);
    let all = MessageQuery { limit: 100, ..MessageQuery::default() };
    let left = messages::list(&mut tx, "acme", &all).await.unwrap();
    assert_eq!(ids(&left).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["queued", "sending", "young"]));
    for id in ["queued", "sending", "young"] {
        assert_eq!(attempts::list(&mut tx, "acme", id).await.unwrap().len(), 1, "{id}");
    }
}
