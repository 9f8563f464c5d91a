//! Delivery reports: stored once for each state, matched with their attempt, and removed in time.

use sendbox_domain::model::AttemptOutcome;
use sendbox_sandbox::DeliveryState::{self, Delivered, Queued, Sent, Undelivered};
use sendbox_store::messages::MessageQuery;
use sendbox_store::rows::{AttemptRow, ReportRow};
use sendbox_store::{Store, Tx, attempts, messages, reports};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    reports_are_stored_once_for_each_state,
    waiting_reports_are_matched_with_their_attempt,
    waiting_reports_are_bounded_in_number_and_time,
    the_newest_attempt_of_an_id_is_found_within_its_connection,
    messages_are_listed_by_what_was_reported,
    reports_are_deleted_with_their_message,
);

async fn with_attempt(database: &Database) -> Store {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    messages::insert(&mut tx, &sample::message("acme", "m1")).await.unwrap();
    attempts::insert(&mut tx, &sample::attempt("acme", "m1", 1)).await.unwrap();
    tx.commit().await.unwrap();
    store
}

async fn of_m1(tx: &mut Tx) -> Vec<ReportRow> {
    reports::list_for(tx, "acme", &["m1".to_owned(), "m2".to_owned()]).await.unwrap().remove("m1").unwrap_or_default()
}

fn of_attempt(state: DeliveryState, seconds: u64) -> ReportRow {
    let received_at = NOW.plus_seconds(seconds);
    ReportRow { received_at, attempt: Some(("m1".to_owned(), 1)), ..sample::report("acme", 1, state) }
}

async fn reports_are_stored_once_for_each_state(database: &Database) {
    let store = with_attempt(database).await;
    let mut tx = store.begin().await.unwrap();
    let bare = ReportRow { class: None, provider_code: None, text: None, provider_at: None, ..of_attempt(Sent, 0) };
    for row in [&of_attempt(Delivered, 2), &bare] {
        assert!(reports::insert(&mut tx, row).await.unwrap());
        assert!(!reports::insert(&mut tx, &ReportRow { class: None, received_at: NOW, ..row.clone() }).await.unwrap());
    }
    assert_eq!(of_m1(&mut tx).await, [bare, of_attempt(Delivered, 2)], "in the order in which they came");
    for state in DeliveryState::ALL {
        reports::insert(&mut tx, &of_attempt(state, 9)).await.unwrap();
    }
    assert_eq!(of_m1(&mut tx).await.len(), DeliveryState::ALL.len());
    assert!(reports::list_for(&mut tx, "other", &["m1".to_owned()]).await.unwrap().is_empty());
}

async fn waiting_reports_are_matched_with_their_attempt(database: &Database) {
    let store = with_attempt(database).await;
    let mut tx = store.begin().await.unwrap();
    let old = ReportRow { received_at: NOW.minus_millis(1), ..sample::report("acme", 1, Queued) };
    let elsewhere = ReportRow { connection: "backup".to_owned(), ..sample::report("acme", 1, Sent) };
    let another = sample::report("acme", 2, Sent);
    let waiting = sample::report("acme", 1, Delivered);
    for row in [&old, &elsewhere, &another, &waiting] {
        assert!(reports::insert(&mut tx, row).await.unwrap());
    }
    assert!(of_m1(&mut tx).await.is_empty());
    let claim = async |tx: &mut Tx| reports::claim(tx, ("acme", "main"), &[1; 32], ("m1", 1), NOW).await.unwrap();
    assert_eq!(claim(&mut tx).await, 1);
    assert_eq!(claim(&mut tx).await, 0);
    assert_eq!(of_m1(&mut tx).await, [of_attempt(Delivered, 0)]);
    assert_eq!(reports::waiting(&mut tx, "acme", "main").await.unwrap(), 2);
}

async fn waiting_reports_are_bounded_in_number_and_time(database: &Database) {
    let store = with_attempt(database).await;
    let mut tx = store.begin().await.unwrap();
    reports::insert(&mut tx, &of_attempt(Delivered, 0)).await.unwrap();
    for number in 0..10 {
        let row = ReportRow {
            received_at: NOW.plus_seconds(u64::from(number / 2)),
            ..sample::report("acme", 10 + number, Sent)
        };
        reports::insert(&mut tx, &row).await.unwrap();
    }
    let backup = ReportRow { connection: "backup".to_owned(), ..sample::report("acme", 1, Sent) };
    reports::insert(&mut tx, &backup).await.unwrap();
    assert_eq!(reports::keep_newest(&mut tx, "acme", "main", 7).await.unwrap(), 3);
    assert_eq!(reports::keep_newest(&mut tx, "acme", "main", 7).await.unwrap(), 0);
    // Two for each second, except for the one that exceeded the limit.
    assert_eq!(reports::sweep(&mut tx, NOW.plus_seconds(3), 2).await.unwrap(), 2);
    assert_eq!(reports::sweep(&mut tx, NOW.plus_seconds(3), 9).await.unwrap(), 2, "of the other connection too");
    assert_eq!(reports::waiting(&mut tx, "acme", "main").await.unwrap(), 4);
    assert_eq!(reports::waiting(&mut tx, "acme", "backup").await.unwrap(), 0);
    assert_eq!(of_m1(&mut tx).await.len(), 1, "the data of a message stays with it");
}

async fn the_newest_attempt_of_an_id_is_found_within_its_connection(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for id in ["m1", "m2"] {
        messages::insert(&mut tx, &sample::message("acme", id)).await.unwrap();
    }
    let rows = [("m1", 1, "main", 0), ("m1", 2, "main", 5), ("m2", 1, "main", 3), ("m2", 2, "backup", 9)];
    for (message, number, connection, seconds) in rows {
        let begun = AttemptRow {
            connection: connection.to_owned(),
            started_at: NOW.plus_seconds(seconds),
            ..sample::attempt("acme", message, number)
        };
        attempts::insert(&mut tx, &begun).await.unwrap();
        let ended = AttemptRow {
            finished_at: Some(NOW.plus_seconds(seconds)),
            outcome: Some(AttemptOutcome::Accepted),
            provider_id: Some(vec![1; 32]),
            ..begun
        };
        assert!(attempts::finish(&mut tx, &ended).await.unwrap());
    }
    for (tenant, connection, id, found) in [
        ("acme", "main", 1, Some(("m1", 2))),
        ("acme", "backup", 1, Some(("m2", 2))),
        ("acme", "main", 2, None),
        ("acme", "third", 1, None),
        ("other", "main", 1, None),
    ] {
        let of = attempts::of_provider(&mut tx, tenant, connection, &[id; 32]).await.unwrap();
        assert_eq!(of, found.map(|(message, number)| (message.to_owned(), number)), "{tenant} {connection} {id}");
    }
}

async fn messages_are_listed_by_what_was_reported(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for id in ["m1", "m2", "m3"] {
        messages::insert(&mut tx, &sample::message("acme", id)).await.unwrap();
    }
    messages::set_delivery(&mut tx, "acme", "m1", Undelivered).await.unwrap();
    messages::set_delivery(&mut tx, "acme", "m2", Delivered).await.unwrap();
    // Updates of the message do not change it.
    assert!(messages::update(&mut tx, &sample::message("acme", "m2"), None).await.unwrap());
    for (delivery, expected) in [(Delivered, vec!["m2"]), (Undelivered, vec!["m1"]), (Sent, vec![])] {
        let query = MessageQuery { delivery: Some(delivery), limit: 10, ..MessageQuery::default() };
        let found = messages::list(&mut tx, "acme", &query).await.unwrap();
        assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), expected, "{delivery:?}");
    }
}

async fn reports_are_deleted_with_their_message(database: &Database) {
    let store = with_attempt(database).await;
    let mut tx = store.begin().await.unwrap();
    reports::insert(&mut tx, &of_attempt(Delivered, 0)).await.unwrap();
    let ended = sample::message("acme", "m1");
    let ended = sendbox_store::rows::MessageRow { status: sendbox_domain::model::MessageStatus::Accepted, ..ended };
    messages::update(&mut tx, &ended, None).await.unwrap();
    assert_eq!(messages::delete_before(&mut tx, NOW.plus_seconds(1), 10).await.unwrap(), 1);
    assert!(of_m1(&mut tx).await.is_empty());
    let again = sample::report("acme", 1, Delivered);
    assert!(reports::insert(&mut tx, &again).await.unwrap(), "nothing of it is left");
}
