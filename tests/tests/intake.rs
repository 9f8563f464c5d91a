//! Limits on incoming requests are exact under concurrency, and nothing is accepted when the store fails: promise P12.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sendbox_domain::LimitName;
use sendbox_domain::model::{Environment, MessageStatus, Mode, NewMessage, Policy, Sensitive, SpendPolicy};
use sendbox_sandbox::policy::Limits;
use sendbox_service::{Caller, Error};
use sendbox_simulator::TlsMode;
use sendbox_tests::test_service::{TENANT, TWILIO_HOST, TestService, message, twilio_in_dublin, verification};
use sendbox_tests::{Database, on_every_database};

const ADMIN: &Caller = &Caller::Platform;

on_every_database!(
    numbers_by_the_hour,
    numbers_by_the_day,
    spellings_of_one_number,
    prefixes,
    addresses,
    connections,
    tenants_by_the_minute,
    tenants_by_the_day,
    cooldowns,
    the_spend_cap_is_exact,
    what_was_not_sent_costs_nothing,
    a_cooldown_grows,
    a_refusal_takes_nothing,
    a_tenant_with_too_many_waiting_sends_is_refused_early,
    without_its_store_nothing_is_accepted,
    a_tenant_with_too_many_requests_is_refused_and_delays_no_other
);

/// Sends 64 at once. Returns how many were accepted, and which limits refused the others.
async fn storm(fixture: &Arc<TestService>, make: impl Fn(usize) -> NewMessage) -> (usize, Vec<LimitName>) {
    let sends = (0..64).map(|index| {
        let (fixture, new) = (Arc::clone(fixture), make(index));
        tokio::spawn(async move { fixture.service.send_message(ADMIN, TENANT, new, None).await })
    });
    let (mut passed, mut refused) = (0, Vec::new());
    for result in join_all(sends).await {
        match result.unwrap() {
            Ok(_) => passed += 1,
            Err(Error::Limited { limit, retry_after }) => {
                assert!(retry_after.is_none_or(|seconds| seconds > 0));
                refused.push(limit);
            }
            Err(other) => panic!("{other}"),
        }
    }
    refused.sort_unstable();
    refused.dedup();
    (passed, refused)
}

async fn check(
    database: &Database,
    change: impl FnOnce(&mut Policy),
    make: impl Fn(usize) -> NewMessage,
    passed: usize,
    limit: LimitName,
) {
    let fixture = Arc::new(TestService::new(database).await);
    fixture.set_policy(TENANT, change).await;
    let result = storm(&fixture, make).await;
    assert_eq!(result, (passed, vec![limit]));
    assert_eq!(fixture.simulator.inbox().len(), passed);
}

fn to_one(_: usize) -> NewMessage {
    message("+4512345678", "123456")
}

/// A number with a prefix of its own for each index.
fn to_many(index: usize) -> NewMessage {
    message(&format!("+4512{index:03}678"), "123456")
}

async fn numbers_by_the_hour(database: &Database) {
    check(database, |policy| policy.limits.number_per_hour = 7, to_one, 7, LimitName::NumberPerHour).await;
}

async fn numbers_by_the_day(database: &Database) {
    check(database, |policy| policy.limits.number_per_day = 9, to_one, 9, LimitName::NumberPerDay).await;
}

async fn spellings_of_one_number(database: &Database) {
    const SPELLINGS: [&str; 4] = ["+393471234567", "+39 0347 1234567", "+39 00347 1234567", "+39 (0)347 1234567"];
    let to_one = |index: usize| message(SPELLINGS[index % SPELLINGS.len()], "123456");
    check(database, |policy| policy.limits.number_per_hour = 7, to_one, 7, LimitName::NumberPerHour).await;
}

async fn prefixes(database: &Database) {
    let same_prefix = |index| message(&format!("+4512345{index:03}"), "123456");
    check(database, |policy| policy.limits.prefix_per_hour = 11, same_prefix, 11, LimitName::PrefixPerHour).await;
}

async fn addresses(database: &Database) {
    let from_one = |index| NewMessage { client_ip: Some(Sensitive::from("192.0.2.7")), ..to_many(index) };
    check(database, |policy| policy.limits.ip_per_hour = 10, from_one, 10, LimitName::IpPerHour).await;
}

async fn connections(database: &Database) {
    let change = |policy: &mut Policy| policy.limits.connection_per_minute = 12;
    check(database, change, to_many, 12, LimitName::ConnectionPerMinute).await;
}

async fn tenants_by_the_minute(database: &Database) {
    check(database, |policy| policy.limits.tenant_per_minute = 13, to_many, 13, LimitName::TenantPerMinute).await;
}

async fn tenants_by_the_day(database: &Database) {
    check(database, |policy| policy.limits.tenant_per_day = 14, to_many, 14, LimitName::TenantPerDay).await;
}

async fn cooldowns(database: &Database) {
    check(database, |policy| policy.limits.cooldown_seconds = 30, to_one, 1, LimitName::Cooldown).await;
}

async fn the_spend_cap_is_exact(database: &Database) {
    let spend = |policy: &mut Policy| {
        policy.spend = Some(SpendPolicy {
            currency: "EUR".to_owned(),
            cap_per_month_micros: 1_000_000,
            price_per_segment_micros: 80_000,
            prices: [("DK".to_owned(), 60_000)].into(),
        });
    };
    // 16 × 0.06 = 0.96
    check(database, spend, to_many, 16, LimitName::SpendCap).await;
}

async fn what_was_not_sent_costs_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture
        .set_policy(TENANT, |policy| {
            policy.spend = Some(SpendPolicy {
                currency: "EUR".to_owned(),
                cap_per_month_micros: 100,
                price_per_segment_micros: 100,
                prices: Default::default(),
            });
        })
        .await;
    fixture.simulator.inject_spec("twilio=code:21211,times=1".parse().unwrap()).unwrap();
    let refused = fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap_err();
    assert!(matches!(refused, Error::NotSent { .. }), "{refused}");
    fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap();
    let capped = fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap_err();
    // Until the first of December, UTC.
    assert!(matches!(capped, Error::Limited { limit: LimitName::SpendCap, retry_after: Some(619_200) }), "{capped}");
}

async fn a_cooldown_grows(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.set_policy(TENANT, |policy| policy.limits.cooldown_seconds = 30).await;
    for wait in [30, 60, 120, 240, 480, 600, 600] {
        fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap();
        fixture.clock.advance_millis(wait * 1000 - 1);
        let early = fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap_err();
        let Error::Limited { limit: LimitName::Cooldown, retry_after: Some(1) } = early else { panic!("{early}") };
        fixture.clock.advance_millis(1);
    }
}

async fn a_refusal_takes_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture
        .set_policy(TENANT, |policy| {
            policy.limits.number_per_hour = 1;
            policy.limits.tenant_per_minute = 2;
        })
        .await;
    fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap();
    for _ in 0..5 {
        let refused = fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap_err();
        assert!(matches!(refused, Error::Limited { limit: LimitName::NumberPerHour, .. }));
    }
    // The tenant's second message is still allowed.
    fixture.service.send_message(ADMIN, TENANT, to_many(1), None).await.unwrap();
}

/// The rows that an accepted request adds.
async fn stored(database: &Database) -> Vec<i64> {
    let mut connection = database.connect().await;
    let mut counts = Vec::new();
    for table in ["messages", "attempts", "verifications", "buckets", "idempotency"] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        counts.push(sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
    }
    counts
}

async fn a_tenant_with_too_many_waiting_sends_is_refused_early(database: &Database) {
    // No send ends before the test does.
    let ms = 240_000;
    let limits = Limits { connect_ms: ms, tls_ms: ms, first_byte_ms: ms, send_ms: ms, ..Limits::default() };
    let fixture = Arc::new(TestService::with_limits(database.url(), limits).await);
    for tenant in [TENANT, "other"] {
        fixture.add_tenant(tenant, Environment::Development).await;
    }
    fixture.service.save_connection(ADMIN, "other", "main", twilio_in_dublin()).await.unwrap();
    fixture.simulator.set_tls_mode(TWILIO_HOST, TlsMode::Stall).unwrap();
    // Six hold the slots of the tenant, and 256 wait for one.
    for index in 0..6 + 256 {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move { fixture.service.send_message(ADMIN, TENANT, to_many(index), None).await });
        // No more at once than the store has connections.
        while index % 8 == 7 && stored(database).await[0] <= index as i64 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // The last of them is stored, and begins to wait a moment later.
    let send = || fixture.service.send_message(ADMIN, TENANT, to_many(900), Some("key"));
    while !matches!(tokio::time::timeout(Duration::from_millis(500), send()).await, Ok(Err(Error::Busy))) {}
    let before = stored(database).await;
    assert!(matches!(send().await, Err(Error::Busy)));
    let started = fixture.service.start_verification(ADMIN, TENANT, verification("+4520999999"), Some("key")).await;
    assert!(matches!(started, Err(Error::Busy)));
    assert_eq!(stored(database).await, before, "something was stored, or counted by a limit");
    // Nobody waits for an asynchronous message, and others have slots of their own.
    let later = NewMessage { mode: Mode::Async, ..to_many(901) };
    assert_eq!(fixture.service.send_message(ADMIN, TENANT, later, None).await.unwrap().status, MessageStatus::Queued);
    let sent = fixture.service.send_message(ADMIN, "other", to_many(902), None).await.unwrap();
    assert_eq!(sent.status, MessageStatus::Accepted);
}

async fn without_its_store_nothing_is_accepted(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.store.close().await;
    let refused = fixture.service.send_message(ADMIN, TENANT, to_one(0), None).await.unwrap_err();
    assert!(matches!(refused, Error::StoreUnavailable), "{refused}");
    assert!(matches!(fixture.start_verification("+4512345678").await, Err(Error::StoreUnavailable)));
    assert!(matches!(fixture.check("v1", "123456").await, Err(Error::StoreUnavailable)));
    assert!(fixture.service.ready().await.is_err());
    assert!(fixture.simulator.requests().is_empty());
}

/// More than may wait, of one tenant, while the writer is busy (SQLite), or the connections are (PostgreSQL).
async fn a_tenant_with_too_many_requests_is_refused_and_delays_no_other(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("calm", Environment::Development).await;
    let lent = fixture.store.begin().await.unwrap();
    let send = |tenant: &'static str, number: String| {
        let new = NewMessage { mode: Mode::Async, ..message(&number, "123456") };
        let service = &fixture.service;
        async move { service.send_message(ADMIN, tenant, new, None).await.map(drop) }
    };
    let busy = join_all((0..1_000).map(|index| send(TENANT, format!("+4520{index:06}"))));
    let calm = send("calm", "+4531000001".to_owned());
    let release = async { drop(lent) };
    // In this order: all are waiting before the writer is given back.
    let (busy, calm, ()) = tokio::join!(busy, calm, release);
    calm.unwrap();
    let refused = busy.iter().filter(|sent| matches!(sent, Err(Error::Busy))).count();
    assert!(refused > 0, "waiting is bounded");
    assert_eq!(busy.iter().filter(|sent| sent.is_ok()).count(), 1_000 - refused, "the others are accepted");
}
