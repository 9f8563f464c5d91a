//! Guarded changes of verifications: what they permit and what they refuse.

use sendbox_domain::model::{Timestamp, VerificationStatus};
use sendbox_sandbox::Usage;
use sendbox_store::rows::VerificationRow;
use sendbox_store::verifications;
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    tries_are_counted_up_to_the_last,
    nothing_is_counted_or_approved_where_nothing_is_pending,
    an_end_clears_what_a_resend_would_need,
    a_resend_invalidates_the_previous_code,
    a_later_verification_supersedes_earlier_ones,
    old_verifications_expire_and_are_deleted,
    failures_of_a_number_are_counted_to_a_bound
);

const ENDED: [VerificationStatus; 5] = [
    VerificationStatus::Approved,
    VerificationStatus::Expired,
    VerificationStatus::Exhausted,
    VerificationStatus::Cancelled,
    VerificationStatus::Superseded,
];

async fn tries_are_counted_up_to_the_last(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = sample::verification("acme", "v1");
    verifications::insert(&mut tx, &row).await.unwrap();
    for tries in 1..=5 {
        let counted = verifications::count_try(&mut tx, "acme", "v1", NOW).await.unwrap();
        assert_eq!(counted, Some(VerificationRow { tries, ..row.clone() }));
    }
    assert_eq!(verifications::count_try(&mut tx, "acme", "v1", NOW).await.unwrap(), None);
    assert_eq!(verifications::get(&mut tx, "acme", "v1").await.unwrap().unwrap().tries, 5);
}

async fn nothing_is_counted_or_approved_where_nothing_is_pending(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = sample::verification("acme", "v");
    for status in ENDED {
        let row = VerificationRow { id: status.as_str().to_owned(), status, ..row.clone() };
        verifications::insert(&mut tx, &row).await.unwrap();
        assert_eq!(verifications::count_try(&mut tx, "acme", &row.id, NOW).await.unwrap(), None);
        assert!(!verifications::approve(&mut tx, "acme", &row.id, &row.code_mac, NOW).await.unwrap());
        assert!(!verifications::end(&mut tx, "acme", &row.id, VerificationStatus::Cancelled).await.unwrap());
        assert!(!verifications::renew(&mut tx, &VerificationRow { sends: 9, ..row.clone() }).await.unwrap());
        assert_eq!(verifications::get(&mut tx, "acme", &row.id).await.unwrap(), Some(row));
    }

    verifications::insert(&mut tx, &row).await.unwrap();
    let end = row.expires_at;
    for (tenant, id, now) in [("other", "v", NOW), ("acme", "x", NOW), ("acme", "v", end)] {
        assert_eq!(verifications::count_try(&mut tx, tenant, id, now).await.unwrap(), None, "{tenant} {id} {now}");
        assert!(!verifications::approve(&mut tx, tenant, id, &row.code_mac, now).await.unwrap(), "{tenant} {id} {now}");
    }
    assert!(!verifications::approve(&mut tx, "acme", "v", &[0; 32], NOW).await.unwrap(), "another code");
    assert_eq!(verifications::get(&mut tx, "acme", "v").await.unwrap(), Some(row.clone()));
    let last = Timestamp(end.0 - 1);
    assert!(verifications::count_try(&mut tx, "acme", "v", last).await.unwrap().is_some());
    assert!(verifications::approve(&mut tx, "acme", "v", &row.code_mac, last).await.unwrap());
}

async fn an_end_clears_what_a_resend_would_need(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = sample::verification("acme", "v");
    verifications::insert(&mut tx, &row).await.unwrap();
    assert!(verifications::approve(&mut tx, "acme", "v", &row.code_mac, NOW).await.unwrap());
    let approved =
        VerificationRow { status: VerificationStatus::Approved, approved_at: Some(NOW), payload: None, ..row.clone() };
    assert_eq!(verifications::get(&mut tx, "acme", "v").await.unwrap(), Some(approved));

    for status in [VerificationStatus::Exhausted, VerificationStatus::Cancelled] {
        let row = VerificationRow { id: status.as_str().to_owned(), ..row.clone() };
        verifications::insert(&mut tx, &row).await.unwrap();
        assert!(verifications::end(&mut tx, "acme", &row.id, status).await.unwrap());
        let ended = VerificationRow { status, payload: None, ..row };
        assert_eq!(verifications::get(&mut tx, "acme", &ended.id).await.unwrap(), Some(ended));
    }
}

async fn a_resend_invalidates_the_previous_code(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = sample::verification("acme", "v");
    verifications::insert(&mut tx, &row).await.unwrap();
    verifications::count_try(&mut tx, "acme", "v", NOW).await.unwrap();
    let renewed = VerificationRow {
        code_mac: vec![1; 32],
        code_key: "c2".to_owned(),
        expires_at: NOW.plus_seconds(900),
        tries: 0,
        sends: 2,
        resend_at: NOW.plus_seconds(60),
        message: None,
        ..row.clone()
    };
    let passed_on = VerificationRow { usage: Usage::Generic, max_tries: 99, payload: None, ..renewed.clone() };
    assert!(verifications::renew(&mut tx, &passed_on).await.unwrap());
    assert!(!verifications::renew(&mut tx, &passed_on).await.unwrap(), "another code was sent since it was read");
    assert_eq!(verifications::get(&mut tx, "acme", "v").await.unwrap(), Some(renewed.clone()), "nothing else changes");
    assert!(!verifications::approve(&mut tx, "acme", "v", &row.code_mac, NOW).await.unwrap());
    assert!(verifications::approve(&mut tx, "acme", "v", &renewed.code_mac, NOW).await.unwrap());
}

async fn a_later_verification_supersedes_earlier_ones(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let usual = |id: &str| sample::verification("acme", id);
    for row in [
        usual("new"),
        usual("old1"),
        usual("old2"),
        VerificationRow { usage: Usage::Generic, ..usual("other-usage") },
        VerificationRow { recipient_hash: vec![0; 32], ..usual("other-number") },
        VerificationRow { status: VerificationStatus::Approved, ..usual("approved") },
    ] {
        verifications::insert(&mut tx, &row).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let usage = Usage::MfaVerification.as_str();
    verifications::supersede(&mut tx, "acme", &[9; 32], usage, "new").await.unwrap();
    for (id, status, payload) in [
        ("new", VerificationStatus::Pending, true),
        ("old1", VerificationStatus::Superseded, false),
        ("old2", VerificationStatus::Superseded, false),
        ("other-usage", VerificationStatus::Pending, true),
        ("other-number", VerificationStatus::Pending, true),
        ("approved", VerificationStatus::Approved, true),
    ] {
        let row = verifications::get(&mut tx, "acme", id).await.unwrap().unwrap();
        assert_eq!((row.status, row.payload.is_some()), (status, payload), "{id}");
    }
}

async fn old_verifications_expire_and_are_deleted(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = |id: &str, seconds: u64, status| VerificationRow {
        created_at: NOW.plus_seconds(seconds),
        expires_at: NOW.plus_seconds(seconds + 600),
        status,
        ..sample::verification("acme", id)
    };
    for row in [
        row("v1", 1, VerificationStatus::Pending),
        row("v2", 2, VerificationStatus::Pending),
        row("v3", 3, VerificationStatus::Pending),
        row("v4", 1, VerificationStatus::Cancelled),
    ] {
        verifications::insert(&mut tx, &row).await.unwrap();
    }
    assert_eq!(
        verifications::delete_before(&mut tx, NOW.plus_seconds(9), 9).await.unwrap(),
        1,
        "only ended attempts count"
    );
    let now = NOW.plus_seconds(602);
    assert_eq!(verifications::expire(&mut tx, now, 1).await.unwrap(), 1, "no more than asked for");
    assert_eq!(verifications::expire(&mut tx, now, 9).await.unwrap(), 1);
    for (id, status, payload) in [
        ("v1", VerificationStatus::Expired, false),
        ("v2", VerificationStatus::Expired, false),
        ("v3", VerificationStatus::Pending, true),
    ] {
        let row = verifications::get(&mut tx, "acme", id).await.unwrap().unwrap();
        assert_eq!((row.status, row.payload.is_some()), (status, payload), "{id}");
    }
    assert_eq!(verifications::delete_before(&mut tx, NOW.plus_seconds(2), 9).await.unwrap(), 1);
    assert!(verifications::get(&mut tx, "acme", "v2").await.unwrap().is_some());
    assert!(verifications::get(&mut tx, "acme", "v1").await.unwrap().is_none());
}

async fn failures_of_a_number_are_counted_to_a_bound(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(verifications::failures(&mut tx, "acme", &[1]).await.unwrap(), 0);
    assert!(!verifications::add_failure(&mut tx, "acme", &[1], 0, NOW).await.unwrap());
    for count in 1..=3 {
        assert!(verifications::add_failure(&mut tx, "acme", &[1], 3, NOW).await.unwrap());
        assert_eq!(verifications::failures(&mut tx, "acme", &[1]).await.unwrap(), count);
    }
    assert!(!verifications::add_failure(&mut tx, "acme", &[1], 3, NOW).await.unwrap());
    assert_eq!(verifications::failures(&mut tx, "acme", &[1]).await.unwrap(), 3);
    assert_eq!(verifications::failures(&mut tx, "acme", &[2]).await.unwrap(), 0);
    assert!(verifications::clear_failures(&mut tx, "acme", &[1]).await.unwrap());
    assert!(!verifications::clear_failures(&mut tx, "acme", &[1]).await.unwrap());
    assert!(verifications::add_failure(&mut tx, "acme", &[1], 3, NOW).await.unwrap());
}
