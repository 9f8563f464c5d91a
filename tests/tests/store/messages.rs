//! Lists of messages, leases, and retention.

use std::collections::BTreeSet;

use sendbox_domain::model::{MessageStatus, Timestamp};
use sendbox_sandbox::Usage;
use sendbox_store::messages::MessageQuery;
use sendbox_store::rows::MessageRow;
use sendbox_store::{attempts, messages, tenants};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    messages_are_filtered,
    pages_show_each_message_once,
    what_is_due_is_claimed_oldest_first,
    the_worker_wakes_when_something_is_due,
    only_the_holder_of_the_lease_writes,
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
        MessageRow { status: MessageStatus::Failed, ..usual("m2", 2) },
        MessageRow { usage: Usage::Generic, ..usual("m3", 3) },
        MessageRow { country: Some("DE".to_owned()), ..usual("m4", 4) },
        MessageRow { country: None, recipient_hash: vec![1], ..usual("m5", 5) },
        MessageRow { connection: Some("backup".to_owned()), ..usual("m6", 6) },
        MessageRow { tenant: "other".to_owned(), ..usual("m7", 7) },
    ] {
        messages::insert(&mut tx, &row).await.unwrap();
    }
    let any = MessageQuery { limit: 100, ..MessageQuery::default() };
    let cases: [(MessageQuery, &[&str]); 11] = [
        (any.clone(), &["m6", "m5", "m4", "m3", "m2", "m1"]),
        (MessageQuery { status: Some(MessageStatus::Failed), ..any.clone() }, &["m2"]),
        (MessageQuery { usage: Some(Usage::Generic), ..any.clone() }, &["m3"]),
        (MessageQuery { country: Some("DE".to_owned()), ..any.clone() }, &["m4"]),
        (MessageQuery { recipient_hash: Some(vec![1]), ..any.clone() }, &["m5"]),
        (MessageQuery { connection: Some("backup".to_owned()), ..any.clone() }, &["m6"]),
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
        MessageRow {
            lease_owner: Some("gone".to_owned()),
            lease_until: Some(at(99)),
            created_at: at(60),
            ..due("lease-over")
        },
        MessageRow { next_attempt_at: Some(Timestamp(now.0 + 1)), ..due("later") },
        MessageRow { lease_owner: Some("busy".to_owned()), lease_until: Some(now), ..due("leased") },
        MessageRow { status: MessageStatus::Accepted, ..due("accepted") },
        MessageRow { status: MessageStatus::InDoubt, ..due("in-doubt") },
    ] {
        messages::insert(&mut tx, &row).await.unwrap();
    }
    let claimed = messages::claim(&mut tx, "acme", now, ("w1", at(130)), 3).await.unwrap();
    assert_eq!(ids(&claimed), ["due-long", "at-once", "lease-over"]);
    for row in &claimed {
        assert_eq!((row.lease_owner.as_deref(), row.lease_until), (Some("w1"), Some(at(130))));
        assert_eq!(messages::get(&mut tx, "acme", &row.id).await.unwrap().as_ref(), Some(row));
    }
    assert_eq!(ids(&messages::claim(&mut tx, "acme", now, ("w2", at(130)), 9).await.unwrap()), ["due-now"]);
    assert!(messages::claim(&mut tx, "acme", now, ("w3", at(130)), 9).await.unwrap().is_empty());
    assert_eq!(
        ids(&messages::claim(&mut tx, "acme", at(131), ("w3", at(160)), 9).await.unwrap()).len(),
        6,
        "all leases are over"
    );
}

async fn the_worker_wakes_when_something_is_due(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);
    messages::insert(&mut tx, &MessageRow { status: MessageStatus::Accepted, ..sample::waiting("acme", "done") })
        .await
        .unwrap();
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);

    // Each is due earlier than the previous one.
    let cases = [
        (Some(at(50)), Some(at(60)), at(60).0 + 1),
        (Some(at(55)), Some(at(40)), at(55).0),
        (Some(at(30)), None, at(30).0),
        (None, Some(at(20)), at(20).0 + 1),
        (None, None, 0),
    ];
    for (number, (next_attempt_at, lease_until, due)) in cases.into_iter().enumerate() {
        let row = MessageRow { next_attempt_at, lease_until, ..sample::waiting("acme", &format!("m{number}")) };
        messages::insert(&mut tx, &row).await.unwrap();
        assert_eq!(messages::next_due(&mut tx).await.unwrap(), Some(Timestamp(due)), "{row:?}");
        // 0: it is due at any time.
        if due > 0 {
            let before = Timestamp(due - 1);
            assert!(
                messages::claim(&mut tx, "acme", before, ("early", before), 9).await.unwrap().is_empty(),
                "{row:?}"
            );
        }
    }
    // A message can be claimed at the time when it is due.
    for _ in 0..cases.len() {
        let due = messages::next_due(&mut tx).await.unwrap().unwrap();
        let claimed = messages::claim(&mut tx, "acme", due, ("w", due), 9).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let done = MessageRow { status: MessageStatus::Accepted, ..claimed[0].clone() };
        assert!(messages::update(&mut tx, &done, Some("w")).await.unwrap());
    }
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), None);
}

async fn only_the_holder_of_the_lease_writes(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    messages::insert(&mut tx, &sample::waiting("acme", "m1")).await.unwrap();
    let slow = messages::claim(&mut tx, "acme", NOW, ("slow", at(10)), 1).await.unwrap().remove(0);
    let taken_over = messages::claim(&mut tx, "acme", at(11), ("next", at(20)), 1).await.unwrap().remove(0);
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    let wrong = MessageRow { status: MessageStatus::Accepted, ..slow };
    assert!(!messages::update(&mut tx, &wrong, Some("slow")).await.unwrap());
    assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap().as_ref(), Some(&taken_over));

    let done = MessageRow { status: MessageStatus::Failed, lease_owner: None, lease_until: None, ..taken_over };
    assert!(messages::update(&mut tx, &done, Some("next")).await.unwrap());
    assert!(!messages::update(&mut tx, &done, Some("next")).await.unwrap(), "the lease was given back");
    assert!(messages::update(&mut tx, &done, None).await.unwrap());
    let unknown = MessageRow { id: "m9".to_owned(), ..done };
    assert!(!messages::update(&mut tx, &unknown, None).await.unwrap());
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
