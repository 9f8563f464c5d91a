//! Stored rows are read back unchanged, and lists are ordered.

use sendbox_domain::model::{AttemptOutcome, Environment, MessageStatus, Mode, Timestamp, VerificationStatus};
use sendbox_sandbox::{DeliveryState, Usage};
use sendbox_store::rows::*;
use sendbox_store::{
    StoreError, attempts, audit, buckets, connections, events, holds, idempotency, ingresses, keys, messages, meta,
    releases, reports, shapes, tenants, verifications, versions, webhooks,
};
use sendbox_tests::{Database, on_every_database};
use serde_json::json;

use crate::sample::{self, NOW};

on_every_database!(
    tenants_round_trip,
    tenants_are_listed_by_the_bytes_of_their_ids,
    keys_round_trip,
    connections_round_trip,
    a_tenant_is_read_with_its_active_connection,
    messages_round_trip,
    a_number_that_is_too_large_is_refused_and_not_cut,
    a_text_with_nul_ends_no_transaction,
    attempts_are_stored_and_finished_once,
    verifications_round_trip,
    buckets_are_kept_until_they_expire,
    holds_are_kept_until_they_end,
    idempotency_keys_are_free_again_once_expired,
    the_audit_is_listed_newest_first,
    small_values_are_kept_once,
    of_a_deleted_tenant_only_the_audit_is_left
);

async fn tenants_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let acme = sample::tenant("acme");
    assert_eq!(tenants::get(&mut tx, "acme").await.unwrap(), Some(acme.clone()));
    assert_eq!(tenants::lock(&mut tx, "acme").await.unwrap(), Some(acme.clone()));
    assert_eq!(tenants::get(&mut tx, "ACME").await.unwrap(), None);
    assert!(!tenants::insert(&mut tx, &acme).await.unwrap(), "the id is taken");

    let changed = TenantRow {
        name: String::new(),
        environment: Environment::Development,
        active_connection: None,
        flows: Default::default(),
        policy: Default::default(),
        wrapped_key: vec![],
        master_key: "m2".to_owned(),
        test_numbers: None,
        subscriptions: Default::default(),
        ..acme
    };
    tenants::update(&mut tx, &changed).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin_read().await.unwrap();
    assert_eq!(tenants::get(&mut tx, "acme").await.unwrap(), Some(changed));
}

async fn tenants_are_listed_by_the_bytes_of_their_ids(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for id in ["a-c", "ab", "a1", "b"] {
        tenants::insert(&mut tx, &sample::tenant(id)).await.unwrap();
    }
    let ids = |rows: Vec<TenantRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(tenants::list(&mut tx, None, 3).await.unwrap()), ["a-c", "a1", "ab"]);
    assert_eq!(ids(tenants::list(&mut tx, Some("ab"), 9).await.unwrap()), ["acme", "b"]);

    let mut sealed_anew = sample::tenant("ab");
    sealed_anew.master_key = "m2".to_owned();
    tenants::update(&mut tx, &sealed_anew).await.unwrap();
    assert_eq!(ids(tenants::with_other_master_key(&mut tx, "m2", 2).await.unwrap()), ["a-c", "a1"]);
    assert_eq!(ids(tenants::with_other_master_key(&mut tx, "m1", 9).await.unwrap()), ["ab"]);
}

async fn keys_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    let (second, first) = (sample::key("acme", "k1"), KeyRow { created_at: Timestamp(1), ..sample::key("acme", "k2") });
    for key in [&second, &first, &sample::key("other", "k3")] {
        keys::insert(&mut tx, key).await.unwrap();
    }
    assert_eq!(keys::find(&mut tx, "k1").await.unwrap(), Some(second.clone()));
    assert_eq!(keys::find(&mut tx, "k").await.unwrap(), None);
    assert_eq!(keys::list(&mut tx, "acme").await.unwrap(), [first, second.clone()]);

    let bare = KeyRow { old_hash: None, old_until: None, rotated_at: None, expires_at: None, ..second };
    keys::update(&mut tx, &bare).await.unwrap();
    assert_eq!(keys::find(&mut tx, "k1").await.unwrap(), Some(bare));

    assert!(!keys::delete(&mut tx, "other", "k1").await.unwrap(), "of another tenant");
    assert!(keys::delete(&mut tx, "acme", "k1").await.unwrap());
    assert!(!keys::delete(&mut tx, "acme", "k1").await.unwrap());
}

async fn connections_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let main = sample::connection("acme", "main");
    connections::put(&mut tx, &main).await.unwrap();
    connections::put(&mut tx, &sample::connection("acme", "backup")).await.unwrap();
    assert_eq!(connections::get(&mut tx, "acme", "main").await.unwrap(), Some(main.clone()));

    let changed = ConnectionRow {
        secrets: None,
        secret_times: Default::default(),
        templates: json!({}),
        parameters: Default::default(),
        fingerprint: vec![4; 32],
        revision: 1,
        updated_at: NOW.plus_seconds(9),
        ..main.clone()
    };
    connections::put(&mut tx, &ConnectionRow { created_at: Timestamp(5), ..changed.clone() }).await.unwrap();
    assert_eq!(connections::get(&mut tx, "acme", "main").await.unwrap(), Some(changed), "made when it was made first");
    let names: Vec<_> = connections::list(&mut tx, "acme").await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["backup", "main"]);

    assert_eq!(connections::tested_at(&mut tx, "acme", &main.fingerprint).await.unwrap(), None);
    for at in [NOW, NOW.plus_seconds(2)] {
        connections::record_test(&mut tx, "acme", &main.fingerprint, at).await.unwrap();
        assert_eq!(connections::tested_at(&mut tx, "acme", &main.fingerprint).await.unwrap(), Some(at));
    }
    assert_eq!(connections::tested_at(&mut tx, "acme", &[4; 32]).await.unwrap(), None);

    assert!(connections::delete(&mut tx, "acme", "main").await.unwrap());
    assert!(!connections::delete(&mut tx, "acme", "main").await.unwrap());
}

async fn a_tenant_is_read_with_its_active_connection(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let (acme, main) = (sample::tenant("acme"), sample::connection("acme", "main"));
    let read = tenants::get_with_active_connection(&mut tx, "acme").await.unwrap();
    assert_eq!(read, Some((acme.clone(), None)), "it was deleted");
    for connection in [&main, &sample::connection("acme", "backup")] {
        connections::put(&mut tx, connection).await.unwrap();
    }
    let read = tenants::get_with_active_connection(&mut tx, "acme").await.unwrap();
    assert_eq!(read, Some((acme.clone(), Some(main))));
    let inactive = TenantRow { active_connection: None, ..acme };
    tenants::update(&mut tx, &inactive).await.unwrap();
    let read = tenants::get_with_active_connection(&mut tx, "acme").await.unwrap();
    assert_eq!(read, Some((inactive, None)));
    assert_eq!(tenants::get_with_active_connection(&mut tx, "other").await.unwrap(), None);
}

async fn messages_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let (full, bare) = (sample::message("acme", "m1"), sample::waiting("acme", "m2"));
    for row in [&full, &bare] {
        messages::insert(&mut tx, row).await.unwrap();
        assert_eq!(messages::get(&mut tx, "acme", &row.id).await.unwrap().as_ref(), Some(row));
        assert_eq!(messages::lock(&mut tx, "acme", &row.id).await.unwrap().as_ref(), Some(row));
        assert_eq!(messages::get(&mut tx, "other", &row.id).await.unwrap(), None);
    }

    use MessageStatus::{Accepted, Cancelled, Expired, Failed, InDoubt, Queued, Sending};
    for (count, status) in [Queued, Sending, Accepted, Failed, InDoubt, Expired, Cancelled].into_iter().enumerate() {
        let changed = MessageRow {
            status,
            payload: None,
            attempts: 3,
            physical_messages: u32::try_from(count).unwrap(),
            price_micros: i64::MAX.unsigned_abs(),
            lease: None,
            ..full.clone()
        };
        assert!(messages::update(&mut tx, &changed, None).await.unwrap());
        assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap(), Some(changed));
    }
    let other_birth = MessageRow {
        created_at: Timestamp(0),
        expires_at: Timestamp(0),
        usage: Usage::Generic,
        recipient_hash: vec![0],
        recipient_masked: String::new(),
        mode: Mode::Sync,
        test: false,
        ..full.clone()
    };
    assert!(messages::update(&mut tx, &other_birth, None).await.unwrap());
    assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap(), Some(full), "its contents stay");

    for (number, usage) in Usage::ALL.into_iter().enumerate() {
        let row = MessageRow { usage, ..sample::waiting("acme", &format!("u{number}")) };
        messages::insert(&mut tx, &row).await.unwrap();
        assert_eq!(messages::get(&mut tx, "acme", &row.id).await.unwrap(), Some(row));
    }
}

async fn a_number_that_is_too_large_is_refused_and_not_cut(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = MessageRow { price_micros: u64::MAX, ..sample::message("acme", "m1") };
    assert!(matches!(messages::insert(&mut tx, &row).await, Err(StoreError::Corrupt(_))));
    tx.commit().await.unwrap();
}

async fn a_text_with_nul_ends_no_transaction(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = MessageRow { provider_message_id: Some("a\0b".to_owned()), ..sample::message("acme", "m1") };
    messages::insert(&mut tx, &row).await.unwrap();
    let kept = messages::get(&mut tx, "acme", "m1").await.unwrap().unwrap();
    assert_eq!(kept.provider_message_id.as_deref(), Some("a\u{fffd}b"));
    assert_eq!(messages::get(&mut tx, "acme", "m1\0").await.unwrap(), None);
    tx.commit().await.unwrap();
}

async fn attempts_are_stored_and_finished_once(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for id in ["m1", "m2", "m3"] {
        messages::insert(&mut tx, &sample::message("acme", id)).await.unwrap();
    }
    let (first, second) = (sample::attempt("acme", "m1", 1), sample::attempt("acme", "m1", 2));
    for row in [&second, &first, &sample::attempt("acme", "m2", 1), &sample::attempt("acme", "m3", 1)] {
        attempts::insert(&mut tx, row).await.unwrap();
    }
    assert_eq!(attempts::list(&mut tx, "acme", "m1").await.unwrap(), [first.clone(), second.clone()]);

    let first = sample::finished(first);
    assert!(attempts::finish(&mut tx, &first).await.unwrap());
    let late = AttemptRow { outcome: Some(AttemptOutcome::Accepted), ..first.clone() };
    assert!(!attempts::finish(&mut tx, &late).await.unwrap(), "finished already");
    assert!(!attempts::finish(&mut tx, &sample::finished(sample::attempt("acme", "m1", 3))).await.unwrap());
    assert_eq!(attempts::list(&mut tx, "acme", "m1").await.unwrap(), [first.clone(), second.clone()]);

    let first = AttemptRow { record: None, ..first };
    let wanted = ["m2".to_owned(), "m1".to_owned(), "unknown".to_owned()];
    assert_eq!(
        attempts::list_for(&mut tx, "acme", &wanted).await.unwrap(),
        [first, second, sample::attempt("acme", "m2", 1)]
    );
    assert_eq!(attempts::list_for(&mut tx, "acme", &[]).await.unwrap(), []);
    for (number, outcome) in [(1, AttemptOutcome::Accepted), (2, AttemptOutcome::Rejected)] {
        let row = AttemptRow { outcome: Some(outcome), ..sample::attempt("acme", "m3", number + 1) };
        attempts::insert(&mut tx, &row).await.unwrap();
        assert_eq!(attempts::list(&mut tx, "acme", "m3").await.unwrap().last(), Some(&row));
    }
}

async fn verifications_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    use VerificationStatus::{Approved, Cancelled, Exhausted, Expired, Pending, Superseded};
    for (number, status) in [Pending, Approved, Expired, Exhausted, Cancelled, Superseded].into_iter().enumerate() {
        let full = VerificationRow {
            status,
            approved_at: Some(NOW),
            previous: Some(PreviousCode {
                code_mac: vec![7; 32],
                code_key: "c0".to_owned(),
                tries: 2,
                expires_at: NOW.plus_seconds(1),
                message: Some("m0".to_owned()),
                code_order: 3,
            }),
            code_order: 4,
            ..sample::verification("acme", &format!("full{number}"))
        };
        let bare = VerificationRow {
            id: format!("bare{number}"),
            locale: None,
            payload: None,
            test: false,
            approved_at: None,
            message: None,
            previous: None,
            ..full.clone()
        };
        for row in [full, bare] {
            verifications::insert(&mut tx, &row).await.unwrap();
            assert_eq!(verifications::get(&mut tx, "acme", &row.id).await.unwrap().as_ref(), Some(&row));
            assert_eq!(verifications::lock(&mut tx, "acme", &row.id).await.unwrap(), Some(row));
        }
    }
    assert_eq!(verifications::get(&mut tx, "other", "full0").await.unwrap(), None);
}

async fn buckets_are_kept_until_they_expire(database: &Database) {
    let store = sample::store(database).await;
    let keys = ["b".to_owned(), "a".to_owned(), "b".to_owned()];
    let mut tx = store.begin().await.unwrap();
    assert!(buckets::load(&mut tx, "acme", &keys).await.unwrap().is_empty());
    assert!(buckets::load(&mut tx, "acme", &[]).await.unwrap().is_empty());
    buckets::save(&mut tx, "acme", &[sample::bucket("b", "{\"n\":1}", NOW)]).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    let states = buckets::load(&mut tx, "acme", &keys).await.unwrap();
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "{\"n\":1}".to_owned())]);
    let both =
        [sample::bucket("b", "{\"n\":2}", NOW.plus_seconds(1)), sample::bucket("c", "{\"n\":3}", NOW.plus_seconds(2))];
    buckets::save(&mut tx, "acme", &both).await.unwrap();
    buckets::save(&mut tx, "acme", &[]).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    buckets::sweep(&mut tx, NOW, 100).await.unwrap();
    let both = ["b".to_owned(), "c".to_owned()];
    assert_eq!(buckets::load(&mut tx, "acme", &both).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(buckets::sweep(&mut tx, NOW.plus_seconds(9), 1).await.unwrap(), 1, "no more than asked for");
    assert_eq!(buckets::load(&mut tx, "acme", &both).await.unwrap().into_keys().collect::<Vec<_>>(), ["c"]);
}

async fn holds_are_kept_until_they_end(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let hold = sample::hold("acme", "h1");
    holds::put(&mut tx, &hold).await.unwrap();
    // The same numbers again extend the same hold.
    let later = HoldRow { id: "h2".to_owned(), expires_at: NOW.plus_seconds(90), ..hold.clone() };
    holds::put(&mut tx, &later).await.unwrap();
    let kept = HoldRow { id: "h1".to_owned(), ..later };
    assert_eq!(holds::list(&mut tx, "acme", NOW).await.unwrap(), std::slice::from_ref(&kept));
    let find = |at| (hold.prefix_hash.clone(), at);
    for ((prefix, at), there) in
        [(find(NOW.plus_millis(89_999)), true), (find(NOW.plus_seconds(90)), false), ((vec![1], NOW), false)]
    {
        assert_eq!(holds::find(&mut tx, "acme", &prefix, at).await.unwrap().is_some(), there);
    }
    assert_eq!(holds::delete(&mut tx, "other", "h1").await.unwrap(), None);
    assert_eq!(holds::sweep(&mut tx, NOW, 10).await.unwrap(), 0);
    assert_eq!(holds::delete(&mut tx, "acme", "h1").await.unwrap(), Some(kept.clone()));
    holds::put(&mut tx, &kept).await.unwrap();
    assert_eq!(holds::sweep(&mut tx, kept.expires_at, 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn idempotency_keys_are_free_again_once_expired(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let first = sample::first_use("acme", "m1");
    assert_eq!(idempotency::claim(&mut tx, &first, NOW).await.unwrap(), None);
    let again = IdempotencyRow { body_hash: vec![3], resource: "m2".to_owned(), ..first.clone() };
    assert_eq!(idempotency::claim(&mut tx, &again, NOW).await.unwrap(), Some(first.clone()));
    for free in [
        IdempotencyRow { operation: "verifications".to_owned(), ..first.clone() },
        IdempotencyRow { key_hash: vec![2; 32], ..first.clone() },
    ] {
        assert_eq!(idempotency::claim(&mut tx, &free, NOW).await.unwrap(), None);
    }

    let last = Timestamp(first.expires_at.0 - 1);
    assert_eq!(idempotency::claim(&mut tx, &again, last).await.unwrap(), Some(first.clone()));
    let later = IdempotencyRow { expires_at: NOW.plus_seconds(200_000), ..again };
    assert_eq!(idempotency::claim(&mut tx, &later, first.expires_at).await.unwrap(), None, "expired: free");
    assert_eq!(idempotency::claim(&mut tx, &first, first.expires_at).await.unwrap(), Some(later));

    assert_eq!(idempotency::sweep(&mut tx, last, 100).await.unwrap(), 0);
    assert_eq!(idempotency::sweep(&mut tx, first.expires_at, 1).await.unwrap(), 1);
    assert_eq!(idempotency::sweep(&mut tx, first.expires_at, 100).await.unwrap(), 1);
}

async fn the_audit_is_listed_newest_first(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let entries = [
        sample::entry(None, "tenant.create"),
        AuditRow { before: Some(json!(null)), after: None, ..sample::entry(Some("acme"), "flows.set") },
        sample::entry(Some("acme"), "connection.save"),
        sample::entry(Some("gone"), "connection.save"),
    ];
    for entry in &entries {
        audit::append(&mut tx, entry).await.unwrap();
    }
    let all = audit::list(&mut tx, audit::AuditScope::All, None, None, 10).await.unwrap();
    let rows: Vec<_> = all.iter().map(|(_, row)| row.clone()).rev().collect();
    assert_eq!(rows, entries, "JSON's null is not the same as nothing");
    assert!(all.is_sorted_by(|a, b| a.0 > b.0));

    let third = all[1].0;
    let cases = [
        (audit::AuditScope::Tenant("acme"), None, None, vec!["connection.save", "flows.set"]),
        (audit::AuditScope::Tenant("acme"), Some("flows.set"), None, vec!["flows.set"]),
        (audit::AuditScope::All, Some("connection.save"), Some(third), vec![]),
        (audit::AuditScope::All, None, Some(third), vec!["flows.set", "tenant.create"]),
        (audit::AuditScope::Tenant("nobody"), None, None, vec![]),
    ];
    for (whose, action, before, expected) in cases {
        let found = audit::list(&mut tx, whose, action, before, 10).await.unwrap();
        let found: Vec<_> = found.iter().map(|(_, row)| row.action.as_str()).collect();
        assert_eq!(found, expected, "{whose:?} {action:?} {before:?}");
    }
    assert_eq!(audit::list(&mut tx, audit::AuditScope::All, None, None, 2).await.unwrap(), all[..2]);
    let times = [(0, Some(NOW)), (1, Some(NOW)), (2, None)];
    for (newer, expected) in times {
        assert_eq!(audit::time_of_newest(&mut tx, "acme", newer).await.unwrap(), expected);
    }
    // Another tenant with the same id sees none of it.
    audit::append(&mut tx, &sample::entry(Some("acme"), audit::TENANT_CREATED)).await.unwrap();
    audit::append(&mut tx, &sample::entry(Some("acme"), "flows.set")).await.unwrap();
    for (action, expected) in [(None, vec!["flows.set", "tenant.create"]), (Some("flows.set"), vec!["flows.set"])] {
        let found = audit::list(&mut tx, audit::AuditScope::Tenant("acme"), action, None, 10).await.unwrap();
        assert_eq!(found.iter().map(|(_, row)| row.action.as_str()).collect::<Vec<_>>(), expected);
    }
}

async fn small_values_are_kept_once(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(meta::get(&mut tx, "salt").await.unwrap(), None);
    assert_eq!(meta::put_if_absent(&mut tx, "salt", &[1, 0]).await.unwrap(), [1, 0]);
    assert_eq!(meta::put_if_absent(&mut tx, "salt", &[2]).await.unwrap(), [1, 0]);
    assert_eq!(meta::get(&mut tx, "salt").await.unwrap(), Some(vec![1, 0]));
    assert!(meta::put_if_absent(&mut tx, "empty", &[]).await.unwrap().is_empty());
    assert_eq!(meta::get(&mut tx, "empty").await.unwrap(), Some(vec![]));
}

/// The remaining rows of a tenant, by table.
async fn left_of(database: &Database, tenant: &str) -> Vec<(String, i64)> {
    let mut connection = database.connect().await;
    // Every table with such a column, including future ones.
    let tables: Vec<String> = sqlx::query_scalar(if database.is_postgres() {
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'tenant' \
         ORDER BY 1"
    } else {
        "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant' WHERE m.type = 'table' \
         ORDER BY 1"
    })
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut left = Vec::new();
    for table in tables {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1"));
        let count: i64 = sqlx::query_scalar(count).bind(tenant).fetch_one(&mut connection).await.unwrap();
        left.push((table, count));
    }
    left
}

async fn of_a_deleted_tenant_only_the_audit_is_left(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    for tenant in ["acme", "other"] {
        keys::insert(&mut tx, &sample::key(tenant, &format!("k-{tenant}"))).await.unwrap();
        connections::put(&mut tx, &sample::connection(tenant, "main")).await.unwrap();
        connections::record_test(&mut tx, tenant, &[1], NOW).await.unwrap();
        holds::put(&mut tx, &sample::hold(tenant, "h1")).await.unwrap();
        let failed = MessageRow { status: MessageStatus::Failed, test: false, ..sample::message(tenant, "m1") };
        messages::insert(&mut tx, &failed).await.unwrap();
        let attempt = sample::attempt(tenant, "m1", 1);
        attempts::insert(&mut tx, &attempt).await.unwrap();
        let accepted = AttemptRow { finished_at: Some(NOW), outcome: Some(AttemptOutcome::Accepted), ..attempt };
        attempts::finish(&mut tx, &accepted).await.unwrap();
        reports::insert(&mut tx, &sample::report(tenant, 1, DeliveryState::Sent)).await.unwrap();
        let verification = VerificationRow { test: false, ..sample::verification(tenant, "v1") };
        verifications::insert(&mut tx, &verification).await.unwrap();
        buckets::save(&mut tx, tenant, &[sample::bucket("number", "{}", NOW)]).await.unwrap();
        idempotency::claim(&mut tx, &sample::first_use(tenant, "m1"), NOW).await.unwrap();
        audit::append(&mut tx, &sample::entry(Some(tenant), "connection.save")).await.unwrap();
        versions::insert(&mut tx, &sample::version(tenant, "sha256:01"), b"a file").await.unwrap();
        releases::put(&mut tx, &sample::release(tenant, "acme-sms")).await.unwrap();
        releases::approve(&mut tx, &sample::approval(tenant, "acme-sms")).await.unwrap();
        shapes::record(&mut tx, &sample::shape(tenant, "acme-sms"), 10).await.unwrap();
        ingresses::put(&mut tx, &sample::ingress(tenant, "main")).await.unwrap();
        ingresses::insert_call(&mut tx, &sample::ingress_call(tenant, "c1")).await.unwrap();
        let endpoint = WebhookEndpointRow { tenant: tenant.to_owned(), ..sample::endpoint("w1") };
        webhooks::insert(&mut tx, &endpoint).await.unwrap();
        let event = EventRow { tenant: tenant.to_owned(), ..sample::event("e1", "m1", 0) };
        events::insert(&mut tx, &event, ["w1"]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let full = left_of(database, "acme").await;
    assert!(full.iter().all(|(_, count)| *count == 1), "this test fills every table: {full:?}");

    let mut tx = store.begin().await.unwrap();
    assert!(tenants::delete(&mut tx, "acme", NOW).await.unwrap());
    assert!(!tenants::delete(&mut tx, "acme", NOW).await.unwrap());
    assert!(tenants::delete_rows(&mut tx, 100).await.unwrap() < 100);
    tx.commit().await.unwrap();
    for (table, count) in left_of(database, "acme").await {
        assert_eq!(count, i64::from(table == "audit"), "{table}");
    }
    assert_eq!(left_of(database, "other").await, full, "the other tenant still has everything");
}
