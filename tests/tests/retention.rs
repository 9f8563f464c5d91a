//! Nothing grows without end: what has expired is deleted, however much it is, and so is a deleted tenant; and what a tenant stores is
//! limited.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_domain::model::{
    AuditEntry, AuditFilter, Environment, MessageFilter, MessageStatus, Mode, NewKey, NewMessage, NewTenant,
    PageRequest, Scope, Sensitive, SignIn, StatisticsFilter, TenantChange, Timestamp, VerificationStatus,
};
use sendbox_domain::rules::quota::Quota;
use sendbox_sandbox::Usage;
use sendbox_service::{Caller, Error};
use sendbox_store::rows::{AuditRow, IdempotencyRow, MessageRow, VerificationRow};
use sendbox_store::{Store, audit, buckets, connections, idempotency, messages, tenants, verifications};
use sendbox_tests::test_service::{START, TENANT, TestService, message, twilio};
use sendbox_tests::{Database, on_every_database};
use serde_json::json;
use sqlx::Executor;

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4512345678";
const DAY: i64 = 24 * 3600 * 1000;
/// More than several steps of a sweep.
const MANY: i64 = 350;

on_every_database!(
    a_sweep_deletes_everything_that_has_expired,
    connection_tests_are_forgotten,
    a_deleted_tenant_is_gone_at_once,
    a_deletion_continues_after_a_restart,
    counts_and_the_audit_log_expire_later,
    the_audit_log_begins_with_its_tenant,
    large_values_are_not_audited,
    changes_are_limited_and_deletions_are_not,
    an_asynchronous_flood_is_refused,
    versions_are_limited_by_their_bytes
);

fn days_ago(days: i64) -> Timestamp {
    Timestamp(START.0 - days * DAY)
}

fn row(id: String, created_at: Timestamp) -> MessageRow {
    MessageRow {
        status_callback: None,
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
        lease: None,
        platform_data: Default::default(),
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
        code_order: 1,
        previous: None,
        platform_data: Default::default(),
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
    for table in ["messages", "verifications", "buckets", "idempotency"] {
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

async fn connection_tests_are_forgotten(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let main = connections::get(&mut tx, TENANT, "main").await.unwrap().unwrap();
    for fingerprint in [main.fingerprint.clone(), vec![7; 32]] {
        connections::record_test(&mut tx, TENANT, &fingerprint, days_ago(31)).await.unwrap();
    }
    connections::record_test(&mut tx, TENANT, &[8; 32], days_ago(29)).await.unwrap();
    tx.commit().await.unwrap();
    fixture.service.sweep().await;
    let mut tx = fixture.store.begin_read().await.unwrap();
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

fn year() -> StatisticsFilter {
    StatisticsFilter { from: Some(days_ago(1)), to: Some(Timestamp(START.0 + DAY)), bucket: None }
}

async fn audit_of(fixture: &TestService, tenant: Option<&str>) -> Vec<AuditEntry> {
    fixture.service.audit(ADMIN, tenant, AuditFilter::default()).await.unwrap().items
}

async fn counts_and_the_audit_log_expire_later(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    let counted = async || fixture.service.statistics(ADMIN, TENANT, year()).await.unwrap().totals.accepted;
    assert!(!audit_of(&fixture, None).await.is_empty());
    for (days, messages, expected) in [(29, 1, (1, true)), (2, 0, (1, true)), (368, 0, (1, true)), (2, 0, (0, false))] {
        fixture.clock.advance_millis(days * DAY);
        fixture.service.sweep().await;
        let rows = fixture.service.messages(ADMIN, TENANT, MessageFilter::default()).await.unwrap().items;
        assert_eq!(rows.len(), messages, "after {days} more days");
        let found = (counted().await, !audit_of(&fixture, None).await.is_empty());
        assert_eq!(found, expected, "after {days} more days");
    }
}

async fn the_audit_log_begins_with_its_tenant(database: &Database) {
    let fixture = TestService::new(database).await;
    let before = audit_of(&fixture, Some(TENANT)).await;
    assert_eq!(before.last().unwrap().action, "tenant.create");
    fixture.service.delete_tenant(ADMIN, TENANT).await.unwrap();
    fixture.service.sweep().await;
    // A clock that was set back changes nothing.
    fixture.clock.advance_millis(-DAY);
    fixture.service.create_tenant(ADMIN, new_tenant()).await.unwrap();
    let after: Vec<String> = audit_of(&fixture, Some(TENANT)).await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(after, ["tenant.create"]);
    let all = audit_of(&fixture, None).await;
    assert!(all.len() > before.len(), "the platform sees both");
}

async fn large_values_are_not_audited(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut input = twilio();
    // As many templates as there is room for.
    let content = format!("{{{{code}}}} {}", "x".repeat(300));
    let locales = ["de", "da", "sv", "fr", "it", "es", "pt", "pl", "nl", "fi", "nb", "cs", "el", "hu", "ro", "tr"];
    let templates = locales.map(|locale| json!({ "usage": "sign-in", "locale": locale, "content": content }));
    input.templates.as_array_mut().unwrap().extend(templates);
    fixture.service.save_connection(ADMIN, TENANT, "main", input).await.unwrap();
    let entry = audit_of(&fixture, Some(TENANT)).await.remove(0);
    let (before, after) = (entry.before.unwrap(), entry.after.unwrap());
    assert!(after["templates"]["omittedBytes"].as_u64().unwrap() > 5000, "{after}");
    assert!(after.to_string().len() <= 4096 && before.to_string().len() <= 4096);
}

fn quota_of<T: std::fmt::Debug>(result: Result<T, Error>) -> (Quota, Option<u64>) {
    match result.unwrap_err() {
        Error::QuotaReached { quota, retry_after } => (quota, retry_after),
        other => panic!("{other:?}"),
    }
}

async fn changes_are_limited_and_deletions_are_not(database: &Database) {
    let fixture = TestService::new(database).await;
    let service = &fixture.service;
    let new_key = |name: &str| NewKey { name: name.to_owned(), scopes: [Scope::Manage].into(), expires_at: None };
    let key = service.create_key(ADMIN, TENANT, new_key("manager")).await.unwrap();
    let caller = service.authenticate(&key.secret).await.unwrap();
    let rename = async |to: String| service.change_tenant(&caller, TENANT, TenantChange { name: to }).await;
    fixture.clock.advance_millis(DAY);
    // As if each of them was a request.
    let mut tx = fixture.store.begin().await.unwrap();
    let entry = AuditRow {
        tenant: Some(TENANT.to_owned()),
        at: fixture.now(),
        actor: "key:k".to_owned(),
        actor_name: None,
        action: "flows.change".to_owned(),
        target: format!("tenant:{TENANT}"),
        before: None,
        after: None,
    };
    for _ in 1..Quota::ChangesPerDay.max() {
        audit::append(&mut tx, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    fixture.clock.advance_millis(3_600_000);
    rename("the last one".to_owned()).await.unwrap();
    assert_eq!(quota_of(rename("one more".to_owned()).await), (Quota::ChangesPerDay, Some(23 * 3600)));
    let sign_in = SignIn { key: Sensitive::from(key.secret.as_str()) };
    // Whoever has to see what happened can sign in; that has a limit of its own.
    service.open_session(sign_in).await.map(drop).unwrap();
    // Nothing was changed; a stolen key can still be deleted, and the platform is not limited by what a tenant does.
    assert_eq!(service.tenant(ADMIN, TENANT).await.unwrap().name, "the last one");
    let stolen = service.create_key(ADMIN, TENANT, new_key("stolen")).await.unwrap();
    service.delete_key(&caller, TENANT, &stolen.key.id).await.unwrap();
    fixture.clock.advance_millis(23 * 3_600_000);
    rename("a day later".to_owned()).await.unwrap();
}

async fn an_asynchronous_flood_is_refused(database: &Database) {
    let fixture = TestService::new(database).await;
    let waiting = MessageRow {
        status: MessageStatus::Queued,
        next_attempt_at: Some(Timestamp(START.0 + 90 * DAY)),
        ..row("w".to_owned(), START)
    };
    let mut tx = fixture.store.begin().await.unwrap();
    messages::insert(&mut tx, &waiting).await.unwrap();
    tx.commit().await.unwrap();
    // As many as there may be, but one.
    let columns = "created_at, expires_at, usage, recipient_hash, recipient_masked, status, mode, test, attempts, \
                   physical_messages, price_micros, next_attempt_at";
    let copies = format!(
        "WITH RECURSIVE copies (number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM copies WHERE number < {}) \
         INSERT INTO messages (tenant, id, {columns}) SELECT tenant, id || number, {columns} FROM messages, copies WHERE id = 'w'",
        Quota::MessagesInProgress.max() - 1
    );
    database.connect().await.execute(sqlx::AssertSqlSafe(copies)).await.unwrap();
    // Of many at once, one is the last.
    let flood = (0..8).map(|_| {
        let (service, asked) = (fixture.service.clone(), NewMessage { mode: Mode::Async, ..message(NUMBER, "314159") });
        tokio::spawn(async move { service.send_message(ADMIN, TENANT, asked, None).await })
    });
    fixture.simulator.inject_spec("twilio=delay:5s".parse().unwrap()).unwrap();
    let mut accepted = 0;
    for asked in flood.collect::<Vec<_>>() {
        match asked.await.unwrap() {
            Ok(_) => accepted += 1,
            refused => assert_eq!(quota_of(refused), (Quota::MessagesInProgress, Some(10))),
        }
    }
    assert_eq!(accepted, 1);
    fixture.simulator.clear_faults();
    // A synchronous message is sent, and other tenants are not concerned.
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    fixture.add_tenant("other", Environment::Development).await;
    let asked = NewMessage { mode: Mode::Async, ..message(NUMBER, "314159") };
    fixture.service.send_message(ADMIN, "other", asked, None).await.unwrap();
}

async fn versions_are_limited_by_their_bytes(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut beside = database.connect().await;
    let stored = async |beside: &mut sqlx::AnyConnection, bytes: u64| {
        let insert = "INSERT INTO connector_versions (tenant, digest, state, step, component, bytes, uploaded_at, uploaded_by, checks) \
                      VALUES ($1, 'sha256:00', 'refused', 1, $2, $3, 0, 'x', 0)";
        let insert = sqlx::query(insert).bind(TENANT).bind(Vec::<u8>::new()).bind(bytes as i64);
        insert.execute(beside).await.unwrap();
    };
    let component = sendbox_catalogue::all()[0].component;
    stored(&mut beside, Quota::VersionBytes.max() - component.len() as u64 + 1).await;
    assert_eq!(quota_of(fixture.service.upload(ADMIN, Some(TENANT), component).await), (Quota::VersionBytes, None));
    fixture.service.upload(ADMIN, None, component).await.unwrap();
}
