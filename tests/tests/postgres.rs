//! What only PostgreSQL has: requests that wait for a response, transactions that wait for each other, and a server that can go away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::{Check, MessageStatus, Resend, Sensitive, VerificationStatus};
use sendbox_service::{Caller, Error, ReportCall};
use sendbox_store::{Store, StoreError, buckets, messages, meta};
use sendbox_tests::Database;
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::{PUBLIC_URL, TENANT, TestService, message, verification};
use serde_json::Value;
use sqlx::{Connection, Executor, Row};

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4512345678";

/// The requests that one call sends in transactions that write. The fewest of several calls, because background tasks write, too.
async fn round_trips<T>(fixture: &TestService, call: impl AsyncFn(usize) -> T) -> u64 {
    let mut fewest = u64::MAX;
    for index in 0..5 {
        let before = fixture.store.write_round_trips();
        call(index).await;
        fewest = fewest.min(fixture.store.write_round_trips() - before);
    }
    fewest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_takes_few_requests() {
    let Some(database) = Database::postgres().await else { return };
    let fixture = TestService::new(&database).await;
    let number = |index: usize| format!("+4520{index:06}");
    // BEGIN; the tenant with its connection; a hold; the limits; the limits, the message and its attempt; COMMIT. And after it was sent:
    // BEGIN; the message and its attempt; waiting reports; COMMIT.
    let send = async |index| {
        let new = message(&number(index), "123456");
        fixture.service.send_message(ADMIN, TENANT, new, None).await.unwrap();
    };
    assert_eq!(round_trips(&fixture, send).await, 10, "a message");
    // One more to claim the idempotency key.
    let send = async |index| {
        let new = message(&number(100 + index), "123456");
        fixture.service.send_message(ADMIN, TENANT, new, Some(&format!("key-{index}"))).await.unwrap();
    };
    assert_eq!(round_trips(&fixture, send).await, 11, "a message with an idempotency key");
    // BEGIN; the tenant with its connection; failed checks of the number; a hold; the limits; the limits, the message and its attempt;
    // the order of its code; the verification; COMMIT. And after it was sent: BEGIN; the message and its attempt; earlier codes and
    // waiting reports; COMMIT.
    let start = async |_| fixture.start_verification(NUMBER).await.unwrap();
    assert_eq!(round_trips(&fixture, start).await, 13, "a verification");
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
    database.remove().await;
}

/// The deadlocks that the server has ended, counted after all connections of the service are closed.
async fn deadlocks(database: &Database) -> i64 {
    let mut connection = database.connect().await;
    loop {
        let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                      AND backend_type = 'client backend'";
        // A connection reports its numbers at the latest when it ends.
        if connection.fetch_one(others).await.unwrap().get::<i64, _>(0) == 0 {
            break;
        }
    }
    let count = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let count = connection.fetch_one(count).await.unwrap().get(0);
    connection.close().await.unwrap();
    count
}

/// Reports a message as delivered, as Twilio does.
async fn report(fixture: &TestService, path: &str, sid: &str) -> Result<(), Error> {
    let (parameters, _) = connection("twilio");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut fields = [
        ("AccountSid", text(&parameters["accountSID"])),
        ("MessageSid", sid.to_owned()),
        ("MessageStatus", "delivered".to_owned()),
        ("To", NUMBER.to_owned()),
    ];
    fields.sort();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(text(&parameters["authToken"]).as_bytes()).unwrap();
    mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
    fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect();
    let call = ReportCall {
        method: "POST".to_owned(),
        target: path.to_owned(),
        host: None,
        headers: vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("X-Twilio-Signature".to_owned(), STANDARD.encode(mac.finalize().into_bytes())),
        ],
        body: body.join("&").into_bytes().into(),
    };
    let token = path.rsplit('/').next().unwrap();
    let receiver = fixture.service.report_receiver(TENANT, "main", token).await?;
    fixture.service.receive_report(receiver, call).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn operations_on_one_number_never_deadlock() {
    let Some(database) = Database::postgres().await else { return };
    let fixture = TestService::new(&database).await;
    let shown = fixture.service.connection(ADMIN, TENANT, "main").await.unwrap();
    let path = shown.delivery_reports.callback_url.unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let other = fixture.second_instance().await;
    let judge = |what: &str, result: Result<(), Error>| match result {
        Ok(()) => true,
        Err(error @ (Error::StoreUnavailable | Error::StoreUncertain | Error::StoreConflict | Error::Internal(_))) => {
            panic!("{what}: {error}")
        }
        // Somebody else was first: it has ended, its code was replaced, it is being sent.
        Err(_) => false,
    };
    let mut succeeded = 0;
    for round in 0..60 {
        // The limits of the number are as wide as they can be, and a round takes a few of a hundred per hour.
        fixture.clock.advance_millis(600_000);
        fixture.service.unlock_number(ADMIN, TENANT, Sensitive::from(NUMBER)).await.unwrap();
        let started = fixture.start_verification(NUMBER).await.unwrap();
        let id = started.id.as_str();
        let sent = fixture.service.message(ADMIN, TENANT, &started.message.unwrap().id).await.unwrap();
        let sid = sent.provider_message_id.unwrap();
        let code = fixture.received_code(NUMBER);
        let resend = async |service: &sendbox_service::Service, key: &str| {
            let resend = Resend { client_ip: None, mode: Default::default() };
            service.resend_verification(ADMIN, TENANT, id, resend, Some(key)).await.map(drop)
        };
        let check = async |service: &sendbox_service::Service, code: &str, key: Option<&str>| {
            let check = Check { code: Sensitive::from(code) };
            service.check_verification(ADMIN, TENANT, id, check, key).await.map(drop)
        };
        let key = format!("round-{round}");
        let start = async |service: &sendbox_service::Service| {
            service.start_verification(ADMIN, TENANT, verification(NUMBER), None).await.map(drop)
        };
        let (here, there) = (&fixture.service, &other);
        let results = tokio::join!(
            start(here),
            start(there),
            resend(here, &key),
            resend(there, &key),
            check(here, "000000x", None),
            check(here, &code, Some(&key)),
            check(there, &code, Some(&key)),
            async { here.cancel_verification(ADMIN, TENANT, id).await.map(drop) },
            report(&fixture, &path, &sid),
            report(&fixture, &path, &sid),
            async { here.send_message(ADMIN, TENANT, message(NUMBER, "123456"), Some(&key)).await.map(drop) },
            async { there.send_message(ADMIN, TENANT, message(NUMBER, "123456"), Some(&key)).await.map(drop) },
        );
        let results: [(&str, Result<(), Error>); 12] = [
            ("start", results.0),
            ("start", results.1),
            ("resend", results.2),
            ("resend", results.3),
            ("wrong check", results.4),
            ("check", results.5),
            ("check", results.6),
            ("cancel", results.7),
            ("report", results.8),
            ("report", results.9),
            ("message", results.10),
            ("message", results.11),
        ];
        succeeded += results.into_iter().map(|(what, result)| judge(what, result)).filter(|ok| *ok).count();
    }
    assert!(succeeded > 60 * 3, "several operations of a round succeed: {succeeded}");
    other.stop(std::time::Duration::from_secs(20)).await;
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
    assert_eq!(deadlocks(&database).await, 0);
    database.remove().await;
}

/// Messages that fail give back what they took, while others end as soon as they are accepted, because the breaker is open: both change
/// limits and counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_that_fail_never_deadlock() {
    const CLIENTS: usize = 8;
    let Some(database) = Database::postgres().await else { return };
    let fixture = TestService::new(&database).await;
    let other = fixture.second_instance().await;
    // Wrong credentials open the breaker at once.
    fixture.simulator.inject_spec("twilio=code:20003".parse().unwrap()).unwrap();
    for _ in 0..40 {
        // The breakers let a message through again.
        fixture.clock.advance_millis(3_600_000);
        let clients = (0..CLIENTS).map(async |client| {
            let service = if client % 2 == 0 { &fixture.service } else { &other };
            for index in 0..3 {
                let number = format!("+4520{client:03}{index:03}");
                let sent = if index == 0 {
                    service.start_verification(ADMIN, TENANT, verification(&number), None).await.map(drop)
                } else {
                    service.send_message(ADMIN, TENANT, message(&number, "123456"), None).await.map(drop)
                };
                assert!(matches!(sent, Err(Error::NotSent { .. })), "{sent:?}");
            }
        });
        join_all(clients).await;
    }
    other.stop(std::time::Duration::from_secs(20)).await;
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
    assert_eq!(deadlocks(&database).await, 0);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_unit_that_was_ended_by_a_deadlock_runs_again() {
    let Some(database) = Database::postgres().await else { return };
    let fixture = Arc::new(TestService::new(&database).await);
    let started = fixture.start_verification(NUMBER).await.unwrap();
    // Somebody locks the verification, and then the limits: the wrong order. Its own check for deadlocks comes late, so the resend
    // is ended.
    let mut other = database.connect().await;
    other.execute("BEGIN").await.unwrap();
    other.execute("SET LOCAL deadlock_timeout = '10min'").await.unwrap();
    other.execute("SELECT 1 FROM verifications FOR UPDATE").await.unwrap();
    let resent = {
        let (fixture, id) = (Arc::clone(&fixture), started.id.clone());
        tokio::spawn(async move {
            let resend = Resend { client_ip: None, mode: Default::default() };
            fixture.service.resend_verification(ADMIN, TENANT, &id, resend, None).await
        })
    };
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // Another connection: within a transaction the answer would not change.
    let mut observer = database.connect().await;
    while observer.fetch_one(waits).await.unwrap().get::<i64, _>(0) == 0 {}
    observer.close().await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock(1, hashtext('{TENANT}')) IS NULL");
    other.execute(sqlx::AssertSqlSafe(lock)).await.expect("the resend is ended, and not this");
    other.execute("COMMIT").await.unwrap();
    other.close().await.unwrap();

    let resent = resent.await.unwrap().unwrap();
    assert_eq!(resent.status, VerificationStatus::Pending);
    assert_eq!(fixture.received_count(NUMBER), 2, "each code was sent once");
    let code = fixture.received_code(NUMBER);
    assert_eq!(fixture.check(&started.id, &code).await.unwrap().status, VerificationStatus::Approved);
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
    assert_eq!(deadlocks(&database).await, 1);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_the_server_has_closed_is_replaced() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open(database.url()).await.unwrap();
    let at_once =
        || async { join_all((0..10).map(|_| store.begin())).await.into_iter().collect::<Result<Vec<_>, _>>() };
    drop(at_once().await.unwrap());
    let name = database.name();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    database.command_server(&end).await;
    for mut tx in at_once().await.expect("nobody notices") {
        assert_eq!(meta::get(&mut tx, "nothing").await.unwrap(), None);
        tx.commit().await.unwrap();
    }
    store.close().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_transaction_gives_its_locks_and_its_connection_back() {
    let Some(database) = Database::postgres().await else { return };
    let store = Store::open(database.url()).await.unwrap();
    // Far more than there are connections.
    for _ in 0..100 {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(buckets::load(&mut tx, TENANT, &["a".to_owned()]).await.unwrap().len(), 0);
        meta::put_if_absent(&mut tx, "dropped", &[1]).await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    assert_eq!(meta::put_if_absent(&mut tx, "dropped", &[2]).await.unwrap(), [2]);
    tx.commit().await.unwrap();
    store.close().await;
    assert!(matches!(store.begin().await, Err(StoreError::Unavailable(cause)) if cause.contains("closed")));
    database.remove().await;
}

/// What is known of a message after its request was repeated until the response was definite.
enum Known {
    Accepted,
    /// The commit may have succeeded, and the process that got no response does not deliver the message.
    Nothing,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_of_the_server_under_load_loses_and_doubles_nothing() {
    const CLIENTS: usize = 8;
    const MESSAGES: usize = 15;
    let Some(database) = Database::postgres().await else { return };
    let fixture = Arc::new(TestService::new(&database).await);
    let accepted = Arc::new(AtomicUsize::new(0));
    let number = |client: usize, index: usize| format!("+4520{client:03}{index:03}");
    let clients = (0..CLIENTS).map(|client| {
        let (fixture, accepted) = (Arc::clone(&fixture), Arc::clone(&accepted));
        tokio::spawn(async move {
            let mut known = Vec::new();
            for index in 0..MESSAGES {
                let number = number(client, index);
                let outcome = loop {
                    let new = message(&number, "123456");
                    match fixture.service.send_message(ADMIN, TENANT, new, Some(&number)).await {
                        Ok(message) if message.status == MessageStatus::Accepted => break Known::Accepted,
                        // Its attempt is not stored as ended yet.
                        Ok(_) | Err(Error::StoreUnavailable) => {}
                        Err(Error::StoreUncertain | Error::IdempotencyInFlight) => break Known::Nothing,
                        Err(other) => panic!("{other}"),
                    }
                };
                accepted.fetch_add(1, Ordering::Relaxed);
                known.push((number, outcome));
            }
            known
        })
    });
    let clients: Vec<_> = clients.collect();
    // The server closes every connection, as when it is restarted.
    let name = database.name().to_owned();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    for part in 1..6 {
        while accepted.load(Ordering::Relaxed) < CLIENTS * MESSAGES * part / 6 {
            tokio::task::yield_now().await;
        }
        database.command_server(&end).await;
    }
    let mut unknown = 0;
    for (number, outcome) in join_all(clients).await.into_iter().flat_map(Result::unwrap) {
        match outcome {
            Known::Accepted => assert_eq!(fixture.received_count(&number), 1, "{number}"),
            Known::Nothing => {
                unknown += 1;
                assert!(fixture.received_count(&number) <= 1, "{number}");
            }
        }
    }
    assert!(unknown < CLIENTS * MESSAGES / 2, "most are known: {unknown}");
    let mut tx = fixture.store.begin_read().await.unwrap();
    let filter = messages::MessageQuery { status: Some(MessageStatus::Accepted), limit: 1000, ..Default::default() };
    let stored = messages::list(&mut tx, TENANT, &filter).await.unwrap().len();
    drop(tx);
    assert!(stored >= CLIENTS * MESSAGES - unknown, "{stored} are stored as accepted, {unknown} are unknown");
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
    database.remove().await;
}
