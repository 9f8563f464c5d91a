//! Guarded changes of verifications: what they permit and what they refuse.

use sendbox_domain::model::{Timestamp, VerificationStatus};
use sendbox_sandbox::Usage;
use sendbox_store::rows::{PreviousCode, VerificationRow};
use sendbox_store::verifications::{self, SentCode};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    tries_are_counted_up_to_the_last,
    nothing_is_counted_or_approved_where_nothing_is_pending,
    an_end_clears_what_a_resend_would_need,
    the_code_before_is_tried_with_the_current_one,
    a_later_verification_supersedes_earlier_ones,
    codes_end_when_a_later_one_may_have_left,
    old_verifications_expire_and_are_deleted
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
        assert!(!verifications::update_codes(&mut tx, &VerificationRow { sends: 9, ..row.clone() }).await.unwrap());
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

/// A verification with two codes: the first one may be on the phone, and the message with the second one has not left.
fn with_two_codes(id: &str) -> VerificationRow {
    let first = sample::verification("acme", id);
    VerificationRow {
        code_mac: vec![1; 32],
        code_key: "c2".to_owned(),
        expires_at: NOW.plus_seconds(900),
        tries: 0,
        sends: 2,
        resend_at: NOW.plus_seconds(60),
        message: Some(format!("{id}-second")),
        code_order: 2,
        previous: Some(PreviousCode {
            code_mac: first.code_mac.clone(),
            code_key: first.code_key.clone(),
            tries: 3,
            expires_at: first.expires_at,
            message: Some(format!("{id}-first")),
            code_order: 1,
        }),
        ..first
    }
}

async fn the_code_before_is_tried_with_the_current_one(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let first = sample::verification("acme", "v");
    verifications::insert(&mut tx, &first).await.unwrap();
    let renewed = with_two_codes("v");
    let passed_on = VerificationRow { usage: Usage::Generic, max_tries: 99, payload: None, ..renewed.clone() };
    assert!(verifications::update_codes(&mut tx, &passed_on).await.unwrap());
    assert_eq!(verifications::get(&mut tx, "acme", "v").await.unwrap(), Some(renewed.clone()), "nothing else changes");
    for tries in 1..=5 {
        let counted = verifications::count_try(&mut tx, "acme", "v", NOW).await.unwrap().unwrap();
        assert_eq!((counted.tries, counted.previous.unwrap().tries), (tries, 3 + tries));
    }
    assert_eq!(verifications::count_try(&mut tx, "acme", "v", NOW).await.unwrap(), None, "no try of either is left");

    // Either code approves while it is valid, and the verification once.
    for (id, mac, now, approves) in [
        ("previous", &first.code_mac, NOW, true),
        ("previous-late", &first.code_mac, first.expires_at, false),
        ("current", &renewed.code_mac, first.expires_at, true),
        ("current-late", &renewed.code_mac, renewed.expires_at, false),
        ("neither", &vec![0; 32], NOW, false),
    ] {
        verifications::insert(&mut tx, &with_two_codes(id)).await.unwrap();
        assert_eq!(verifications::approve(&mut tx, "acme", id, mac, now).await.unwrap(), approves, "{id}");
        if approves {
            for mac in [&first.code_mac, &renewed.code_mac] {
                assert!(!verifications::approve(&mut tx, "acme", id, mac, NOW).await.unwrap(), "{id} again");
            }
        }
    }
}

async fn codes_end_when_a_later_one_may_have_left(database: &Database) {
    let store = sample::store(database).await;
    let usage = Usage::MfaVerification.as_str();
    let with_order = |id: &str, code_order| VerificationRow {
        message: Some(format!("{id}-first")),
        code_order,
        ..sample::verification("acme", id)
    };
    // The message that may have left, and who is superseded or loses the code before then.
    for (message, superseded, without_previous) in [
        ("v-second", &["early", "unsent"][..], &["v", "resent"][..]),
        // The first message of the verification left, and the second one is on its way.
        ("v-first", &["unsent"][..], &[][..]),
        ("v-third", &[][..], &[][..]),
    ] {
        let mut tx = store.begin().await.unwrap();
        let mut resent = with_two_codes("resent");
        resent.code_order = 3;
        for row in [
            with_two_codes("v"),
            with_order("early", 1),
            with_order("unsent", 0),
            with_order("later", 4),
            resent,
            VerificationRow { usage: Usage::Generic, ..with_order("other-usage", 1) },
            VerificationRow { recipient_hash: vec![0; 32], ..with_order("other-number", 1) },
            VerificationRow { status: VerificationStatus::Approved, ..with_order("approved", 1) },
        ] {
            verifications::insert(&mut tx, &row).await.unwrap();
        }
        let sent = SentCode { tenant: "acme", recipient_hash: &[9; 32], usage, verification: "v", message };
        verifications::end_earlier_codes(&mut tx, sent).await.unwrap();
        for id in ["v", "early", "unsent", "later", "resent", "other-usage", "other-number", "approved"] {
            let row = verifications::get(&mut tx, "acme", id).await.unwrap().unwrap();
            let expected = match id {
                "approved" => VerificationStatus::Approved,
                _ if superseded.contains(&id) => VerificationStatus::Superseded,
                _ => VerificationStatus::Pending,
            };
            assert_eq!(row.status, expected, "{message}: {id}");
            assert_eq!(row.payload.is_none(), expected == VerificationStatus::Superseded, "{message}: {id}");
            let has_previous = matches!(id, "v" | "resent") && !without_previous.contains(&id);
            assert_eq!(row.previous.is_some(), has_previous, "{message}: {id}");
        }
        let v = verifications::get(&mut tx, "acme", "v").await.unwrap().unwrap();
        assert!(verifications::has_later_code(&mut tx, &v).await.unwrap());
        assert_eq!(verifications::next_code_order(&mut tx, "acme", &[9; 32], usage, Timestamp(3)).await.unwrap(), 5);
        assert_eq!(verifications::next_code_order(&mut tx, "acme", &[8; 32], usage, NOW).await.unwrap(), NOW.0);
        // Rolled back.
        drop(tx);
    }
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
    let usage = Usage::MfaVerification.as_str();
    assert_eq!(verifications::supersede(&mut tx, "acme", &[9; 32], usage, "new").await.unwrap(), 2);
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
    assert_eq!(verifications::expire(&mut tx, now, 1).await.unwrap().len(), 1, "no more than asked for");
    assert_eq!(verifications::expire(&mut tx, now, 9).await.unwrap().len(), 1);
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
