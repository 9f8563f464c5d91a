//! What has expired is deleted, however much it is, and so is a deleted tenant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_domain::model::{
    Environment, MessageFilter, MessageStatus, Mode, NewKey, NewTenant, PageRequest, Scope, StatisticsFilter,
    Timestamp, VerificationStatus,
};
use sendbox_sandbox::Usage;
use sendbox_service::{Caller, Error};
use sendbox_store::rows::{IdempotencyRow, MessageRow, VerificationRow};
use sendbox_store::{Store, buckets, connections, idempotency, messages, tenants, verifications};
use sendbox_tests::test_service::{START, TENANT, TestService, message};
use sendbox_tests::{Database, on_every_database};

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4512345678";
const DAY: i64 = 24 * 3600 * 1000;
/// More than several steps of a sweep.
const MANY: i64 = 350;

on_every_database!(
    a_sweep_deletes_everything_that_has_expired,
    failed_checks_and_connection_tests_are_forgotten,
    a_deleted_tenant_is_gone_at_once,
    a_deletion_continues_after_a_restart
);

fn days_ago(days: i64) -> Timestamp {
    Timestamp(START.0 - days * DAY)
}

fn row(id: String, created_at: Timestamp) -> MessageRow {
    MessageRow {
        id,
        tenant: TENANT.to_owned(),
        created_at,
        expires_at: created_at.plus_seconds(600),
        usage: Usage::SignIn,
        locale: None,
        recipient_hash: vec![1; 32],
        recipient_masked: "+45…78".to_owned(),
        country: Some("DK".to_owned()),
        payload: None,
        verification: None,
        status: MessageStatus::Accepted,
        mode: Mode::Sync,
        test: false,
        connection: Some("main".to_owned()),
        segments: Some(1),
        provider_message_id: None,
        failure: None,
        attempts: 1,
        physical_messages: 1,
        price_micros: 5,
        next_attempt_at: None,
        lease_owner: None,
        lease_until: None,
    }
}

fn verification(id: String, created_at: Timestamp) -> VerificationRow {
    VerificationRow {
        id,
        tenant: TENANT.to_owned(),
        usage: Usage::SignIn,
        locale: None,
        recipient_hash: vec![1; 32],
        recipient_masked: "+45…78".to_owned(),
        payload: None,
        test: false,
        code_mac: vec![1; 32],
        code_key: "c1".to_owned(),
        status: VerificationStatus::Approved,
        tries: 1,
        max_tries: 5,
        sends: 1,
        max_sends: 4,
        created_at,
        expires_at: created_at.plus_seconds(600),
        resend_at: created_at,
        approved_at: None,
        message: None,
    }
}

fn used_key(number: i64, expires_at: Timestamp) -> IdempotencyRow {
    IdempotencyRow {
        tenant: TENANT.to_owned(),
        operation: "messages".to_owned(),
        key_hash: number.to_be_bytes().to_vec(),
        body_hash: vec![2; 32],
        resource: "m".to_owned(),
        expires_at,
    }
}

/// Adds this many rows of this age to each large table.
async fn add_rows(store: &Store, prefix: &str, count: i64, created_at: Timestamp) {
    let mut tx = store.begin().await.unwrap();
    for number in 0..count {
        messages::insert(&mut tx, &row(format!("{prefix}{number}"), created_at)).await.unwrap();
        verifications::insert(&mut tx, &verification(format!("{prefix}{number}"), created_at)).await.unwrap();
        let hash = [prefix.as_bytes(), &number.to_be_bytes()].concat();
        verifications::add_failure(&mut tx, TENANT, &hash, 100, created_at).await.unwrap();
        let expires_at = created_at.plus_seconds(3600);
        let bucket = buckets::BucketState { key: &format!("{prefix}{number}"), state: "{}", expires_at };
        buckets::save(&mut tx, TENANT, &[bucket]).await.unwrap();
        let mut key = used_key(number, expires_at);
        key.key_hash.extend(prefix.as_bytes());
        idempotency::claim(&mut tx, &key, created_at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// The number of rows of a tenant in each table that [`add_rows`] fills.
async fn rows_of(database: &Database, tenant: &str) -> Vec<(&'static str, i64)> {
    let mut connection = database.connect().await;
    let mut counts = Vec::new();
    for table in ["messages", "verifications", "recipient_failures", "buckets", "idempotency"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1"));
        counts.push((table, sqlx::query_scalar(count).bind(tenant).fetch_one(&mut connection).await.unwrap()));
    }
    counts
}

async fn a_sweep_deletes_everything_that_has_expired(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.service.sweep().await;
    let before = rows_of(database, TENANT).await;
    add_rows(&fixture.store, "old", MANY, days_ago(31)).await;
    add_rows(&fixture.store, "new", 3, days_ago(0)).await;
    fixture.service.sweep().await;
    let left: Vec<_> = before.into_iter().map(|(table, count)| (table, count + 3)).collect();
    assert_eq!(rows_of(database, TENANT).await, left);
    // A message that has not ended is kept, whatever its age.
    let waiting = MessageRow {
        status: MessageStatus::Queued,
        next_attempt_at: Some(Timestamp(START.0 + 90 * DAY)),
        ..row("waiting".to_owned(), days_ago(90))
    };
    let mut tx = fixture.store.begin().await.unwrap();
    messages::insert(&mut tx, &waiting).await.unwrap();
    tx.commit().await.unwrap();
    fixture.service.sweep().await;
    let mut tx = fixture.store.begin_read().await.unwrap();
    assert!(messages::get(&mut tx, TENANT, "waiting").await.unwrap().is_some());
}

async fn failed_checks_and_connection_tests_are_forgotten(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let main = connections::get(&mut tx, TENANT, "main").await.unwrap().unwrap();
    for fingerprint in [main.fingerprint.clone(), vec![7; 32]] {
        connections::record_test(&mut tx, TENANT, &fingerprint, days_ago(31)).await.unwrap();
    }
    connections::record_test(&mut tx, TENANT, &[8; 32], days_ago(29)).await.unwrap();
    // The last failure counts, not the first.
    for (hash, at) in [([1; 32], 31), ([2; 32], 31), ([2; 32], 29)] {
        assert!(verifications::add_failure(&mut tx, TENANT, &hash, 100, days_ago(at)).await.unwrap());
    }
    tx.commit().await.unwrap();
    fixture.service.sweep().await;
    let mut tx = fixture.store.begin_read().await.unwrap();
    for (failures, hash) in [(0, [1; 32]), (2, [2; 32])] {
        assert_eq!(verifications::failures(&mut tx, TENANT, &hash).await.unwrap(), failures);
    }
    // The test of a connection as it is now is kept.
    for (kept, fingerprint) in [(true, main.fingerprint), (false, vec![7; 32]), (true, vec![8; 32])] {
        let tested_at = connections::tested_at(&mut tx, TENANT, &fingerprint).await.unwrap();
        assert_eq!(tested_at.is_some(), kept, "{fingerprint:?}");
    }
}

fn new_tenant() -> NewTenant {
    NewTenant { id: Some(TENANT.to_owned()), name: "Acme".to_owned(), environment: Environment::Development }
}

async fn a_deleted_tenant_is_gone_at_once(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("other", Environment::Development).await;
    let service = &fixture.service;
    let new_key = NewKey { name: "k".to_owned(), scopes: [Scope::Read].into(), expires_at: None };
    let key = service.create_key(ADMIN, TENANT, new_key).await.unwrap();
    let secret = key.secret;
    service.authenticate(&secret).await.unwrap();
    let sent = service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    add_rows(&fixture.store, "m", MANY, days_ago(0)).await;
    // As `Service::delete_tenant` does it, before any row of the tenant is deleted.
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(tenants::delete(&mut tx, TENANT, fixture.now()).await.unwrap());
    tx.commit().await.unwrap();

    assert!(matches!(service.authenticate(&secret).await, Err(Error::Unauthenticated)));
    let missing = |result: Result<(), Error>| assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    missing(service.tenant(ADMIN, TENANT).await.map(drop));
    missing(service.delete_tenant(ADMIN, TENANT).await);
    missing(service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.map(drop));
    missing(service.message(ADMIN, TENANT, &sent.id).await.map(drop));
    missing(service.messages(ADMIN, TENANT, MessageFilter::default()).await.map(drop));
    missing(service.statistics(ADMIN, TENANT, StatisticsFilter::default()).await.map(drop));
    let listed = service.tenants(ADMIN, PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["other"]);
    let refused = service.create_tenant(ADMIN, new_tenant()).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict(why) if why.contains("are being deleted")), "{refused:?}");

    service.sweep().await;
    assert!(rows_of(database, TENANT).await.iter().all(|(_, count)| *count == 0));
    service.create_tenant(ADMIN, new_tenant()).await.unwrap();
    service.send_message(ADMIN, "other", message(NUMBER, "314159"), None).await.unwrap();
}

async fn a_deletion_continues_after_a_restart(database: &Database) {
    let fixture = TestService::new(database).await;
    add_rows(&fixture.store, "m", MANY, days_ago(0)).await;
    // The process ends after the first of many steps.
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(tenants::delete(&mut tx, TENANT, fixture.now()).await.unwrap());
    assert_eq!(tenants::delete_rows(&mut tx, 10).await.unwrap(), 10, "no more than asked for");
    tx.commit().await.unwrap();
    let fixture = fixture.restart().await;
    fixture.service.sweep().await;
    assert!(rows_of(database, TENANT).await.iter().all(|(_, count)| *count == 0));
    fixture.add_tenant(TENANT, Environment::Development).await;
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
}
