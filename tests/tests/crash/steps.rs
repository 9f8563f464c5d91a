//! A crash between any two lines of a send: what is on disk then, and how the next process continues. Promises P3, P4, P5.
//!
//! Most states are written to disk as the journal would; one is copied
//! during a send, which shows that they are what a crash leaves.

use sendbox_domain::model::{
    AttemptOutcome, Environment, InDoubt, Message, MessageStatus, Mode, NewMessage, Timestamp,
};
use sendbox_service::Caller;
use sendbox_store::rows::{AttemptRow, Lease, MessageRow};
use sendbox_store::{attempts, messages, processes};
use sendbox_tests::test_service::{TENANT, TestService, message, twilio, verification};
use sqlx::{AssertSqlSafe, Connection, Executor};

const ADMIN: &Caller = &Caller::Platform;
const CODE: &str = "123456";
/// The id of a process that has ended.
const DEAD: &str = "p-that-has-ended";

/// A message that waits for its next attempt, with one failed attempt.
async fn waiting(fixture: &TestService, tenant: &str, new: NewMessage) -> MessageRow {
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let taken = fixture.service.send_message(ADMIN, tenant, new, None).await.unwrap();
    assert_eq!(taken.status, MessageStatus::Queued);
    row(fixture, tenant, &taken.id).await
}

async fn row(fixture: &TestService, tenant: &str, id: &str) -> MessageRow {
    let mut tx = fixture.store.begin_read().await.unwrap();
    messages::get(&mut tx, tenant, id).await.unwrap().unwrap()
}

/// Runs a statement directly on the database.
async fn by_hand(fixture: &TestService, sql: String) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&fixture.url).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

/// An attempt in the journal: its connection, and how it ended, if it did.
type Journalled = (&'static str, Option<AttemptOutcome>);

/// Stores a message as it is between two steps of a send, leased by a process that has ended.
async fn put(fixture: &TestService, mut row: MessageRow, journal: &[Journalled]) {
    by_hand(fixture, format!("DELETE FROM attempts WHERE message = '{}'", row.id)).await;
    let now = Timestamp(row.created_at.0);
    let mut tx = fixture.store.begin().await.unwrap();
    let mut next = "main";
    for (index, (connection, outcome)) in journal.iter().enumerate() {
        let attempt = AttemptRow {
            tenant: row.tenant.clone(),
            message: row.id.clone(),
            number: index as u32 + 1,
            connection: (*connection).to_owned(),
            connector: "twilio".to_owned(),
            digest: "sha256:of-that-time".to_owned(),
            started_at: now,
            finished_at: outcome.map(|_| now),
            outcome: *outcome,
            failure: None,
            decision: None,
            record: None,
            response_status: None,
            fault: false,
            provider_id: None,
        };
        attempts::insert(&mut tx, &attempt).await.unwrap();
        next = match (connection, outcome) {
            (_, None | Some(AttemptOutcome::Rejected | AttemptOutcome::Accepted)) => connection,
            // The decision is written with the outcome of the attempt.
            (&"main", Some(AttemptOutcome::InDoubt)) => "second",
            (_, Some(AttemptOutcome::InDoubt)) => "third",
        };
    }
    let open = journal.last().is_some_and(|(_, outcome)| outcome.is_none());
    row.status = if open { MessageStatus::Sending } else { MessageStatus::Queued };
    row.attempts = journal.len() as u32;
    row.physical_messages =
        journal.iter().filter(|(_, outcome)| *outcome != Some(AttemptOutcome::Rejected)).count() as u32;
    row.connection = Some(next.to_owned());
    row.next_attempt_at = None;
    row.failure = None;
    row.lease = Some(Lease { process: DEAD.to_owned(), claim: 1 });
    // Nobody has noticed yet that it has ended.
    if !processes::beat(&mut tx, DEAD).await.unwrap() {
        processes::insert(&mut tx, DEAD).await.unwrap();
    }
    assert!(messages::update(&mut tx, &row, None).await.unwrap());
    tx.commit().await.unwrap();
}

async fn until_final(fixture: &TestService, tenant: &str, id: &str) -> Message {
    loop {
        fixture.clock.advance_millis(10);
        let message = fixture.service.message(ADMIN, tenant, id).await.unwrap();
        if message.status.is_final() {
            return message;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Tenants with their policies for attempts in doubt, and their fallbacks.
const TENANTS: [(&str, InDoubt, u32, &[&str]); 5] = [
    ("silence", InDoubt::PreferSilence, 2, &["second"]),
    ("delivery", InDoubt::PreferDelivery, 2, &["second", "third"]),
    ("delivery-late", InDoubt::PreferDelivery, 2, &["second", "third"]),
    ("delivery-alone", InDoubt::PreferDelivery, 2, &[]),
    ("delivery-once", InDoubt::PreferDelivery, 1, &["second"]),
];

/// Whether the message outlives the crash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Long,
    Short,
    /// Its verification ends before the next process starts.
    Cancelled,
}

/// Tenant, journal, lifetime, final status, number of attempts, and messages at the provider.
type Case<'a> = (&'a str, &'a [Journalled], Life, MessageStatus, usize, usize);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_any_two_steps() {
    use AttemptOutcome::{InDoubt as Doubt, Rejected};
    use Life::{Cancelled, Long, Short};
    use MessageStatus as Status;
    let open = None;
    // Tenant, journal, life; then the status, the attempts, and how many more messages reached the phone.
    #[rustfmt::skip]
    let cases: [Case<'_>; 15] = [
        // Accepted, and no attempt started.
        ("silence", &[], Long, Status::Accepted, 1, 1),
        ("silence", &[], Short, Status::Expired, 0, 0),
        ("silence", &[], Cancelled, Status::Cancelled, 0, 0),
        // An attempt started; its progress is unknown.
        ("silence", &[("main", open)], Long, Status::InDoubt, 1, 0),
        ("delivery", &[("main", open)], Long, Status::Accepted, 2, 1),
        ("delivery-alone", &[("main", open)], Long, Status::InDoubt, 1, 0),
        ("delivery-once", &[("main", open)], Long, Status::InDoubt, 1, 0),
        ("delivery-late", &[("main", open)], Short, Status::InDoubt, 1, 0),
        // The attempt ended as certainly not sent, and the next one has not started.
        ("delivery", &[("main", Some(Rejected))], Long, Status::Accepted, 2, 1),
        ("delivery-once", &[("main", Some(Rejected)), ("main", open)], Long, Status::InDoubt, 2, 0),
        // The attempt ended in doubt, and the next one has not started: it must never be reported as not sent.
        ("delivery", &[("main", Some(Doubt))], Long, Status::Accepted, 2, 1),
        ("delivery-late", &[("main", Some(Doubt))], Short, Status::InDoubt, 1, 0),
        ("delivery-late", &[("main", Some(Doubt))], Cancelled, Status::InDoubt, 1, 0),
        // The last allowed attempt has started.
        ("delivery", &[("main", Some(Doubt)), ("second", open)], Long, Status::InDoubt, 2, 0),
        ("delivery-late", &[("main", Some(Doubt)), ("second", open)], Short, Status::InDoubt, 2, 0),
    ];
    let fixture = TestService::standalone_without_tenants().await;
    for (tenant, ..) in TENANTS {
        fixture.add_tenant(tenant, Environment::Development).await;
        for name in ["second", "third"] {
            fixture.service.save_connection(ADMIN, tenant, name, twilio()).await.unwrap();
        }
    }
    let mut put_there = Vec::new();
    for (index, (tenant, journal, life, ..)) in cases.iter().enumerate() {
        let number = format!("+45201234{index:02}");
        let mode = if index % 2 == 0 { Mode::Sync } else { Mode::Async };
        let taken = if *life == Cancelled {
            fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
            let started = fixture.service.start_verification(ADMIN, tenant, verification(&number), None).await.unwrap();
            let taken = row(&fixture, tenant, &started.message.unwrap().id).await;
            put(&fixture, taken.clone(), journal).await;
            fixture.service.cancel_verification(ADMIN, tenant, &started.id).await.unwrap();
            taken
        } else {
            let lifetime_seconds = Some(if *life == Short { 60 } else { 600 });
            let taken = waiting(&fixture, tenant, NewMessage { lifetime_seconds, ..message(&number, CODE) }).await;
            let taken = MessageRow { mode, ..taken };
            put(&fixture, taken.clone(), journal).await;
            taken
        };
        put_there.push((number, taken.id));
    }
    for (tenant, in_doubt, most, fallbacks) in TENANTS {
        fixture
            .set_policy(tenant, |policy| {
                policy.delivery.in_doubt = in_doubt;
                policy.delivery.max_messages = most;
                policy.delivery.fallbacks = fallbacks.iter().map(|name| (*name).to_owned()).collect();
            })
            .await;
    }
    assert_eq!(fixture.simulator.inbox().len(), 0, "nothing has arrived so far");
    fixture.clock.advance_millis(61_000);
    let fixture = fixture.restart().await;
    let mut wrong = Vec::new();
    for ((tenant, journal, _, status, attempts, arrived), (number, id)) in cases.iter().zip(&put_there) {
        let ended = until_final(&fixture, tenant, id).await;
        let result = (ended.status, ended.attempts.len(), fixture.received_count(number));
        if result != (*status, *attempts, *arrived) {
            wrong.push(format!("{tenant} {journal:?}: {result:?}, not {status:?}, {attempts}, {arrived}"));
        }
        assert!(ended.attempts.iter().all(|attempt| attempt.finished_at.is_some()), "an attempt stayed open");
        let row = row(&fixture, tenant, id).await;
        assert!(row.payload.is_none() && row.lease.is_none(), "a final message keeps nothing");
        if *arrived > 0 && ended.verification.is_none() {
            assert_eq!(fixture.received_code(number), CODE);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_while_the_provider_has_the_message_is_recovered() {
    let fixture = TestService::standalone_without_tenants().await;
    for (tenant, in_doubt) in [("silence", InDoubt::PreferSilence), ("delivery", InDoubt::PreferDelivery)] {
        fixture.add_tenant(tenant, Environment::Development).await;
        fixture.service.save_connection(ADMIN, tenant, "second", twilio()).await.unwrap();
        fixture
            .set_policy(tenant, |policy| {
                policy.delivery.in_doubt = in_doubt;
                policy.delivery.fallbacks = vec!["second".to_owned()];
            })
            .await;
    }
    fixture.simulator.inject_spec("twilio=stall,times=2".parse().unwrap()).unwrap();
    let mut arrivals = fixture.simulator.subscribe();
    let sent = [("silence", "+4520123401"), ("delivery", "+4520123402")];
    for (tenant, number) in sent {
        let service = fixture.service.clone();
        tokio::spawn(async move { service.send_message(ADMIN, tenant, message(number, CODE), None).await });
        arrivals.recv().await.unwrap();
    }
    // A copy of the disk while both providers have the message and neither has responded.
    let file = fixture.url.trim_start_matches("sqlite://").to_owned();
    by_hand(&fixture, format!("VACUUM INTO '{file}.crash'")).await;
    fixture.service.stop(std::time::Duration::ZERO).await;
    for end in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{file}{end}")).ok();
    }
    std::fs::rename(format!("{file}.crash"), &file).unwrap();
    let fixture = fixture.restart().await;

    for ((tenant, number), (status, arrived)) in
        sent.into_iter().zip([(MessageStatus::InDoubt, 1), (MessageStatus::Accepted, 2)])
    {
        let page = fixture.service.messages(ADMIN, tenant, Default::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        let ended = until_final(&fixture, tenant, &page.items[0].id).await;
        assert_eq!((ended.status, fixture.received_count(number)), (status, arrived), "{tenant}");
        assert_eq!(ended.attempts[0].outcome, Some(AttemptOutcome::InDoubt));
        let texts: Vec<_> = fixture.simulator.inbox().into_iter().filter(|it| it.to == number).collect();
        assert!(texts.iter().all(|it| it.text.as_deref() == Some("123456 is your code.")), "the same code");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_leased_by_another_process_are_not_touched() {
    let fixture = TestService::standalone().await;
    let held = waiting(&fixture, TENANT, message("+4520123401", CODE)).await;
    put(&fixture, held.clone(), &[]).await;
    // What the time of day is means nothing, and neither do a few seconds of silence.
    fixture.clock.advance_millis(60_000);
    for _ in 0..7 {
        fixture.clock.advance_monotonic(std::time::Duration::from_secs(1));
        fixture.service.heartbeat().await.unwrap();
    }
    let free = NewMessage { mode: Mode::Async, ..message("+4520123402", CODE) };
    let free = fixture.service.send_message(ADMIN, TENANT, free, None).await.unwrap();
    loop {
        let other = fixture.service.message(ADMIN, TENANT, &free.id).await.unwrap();
        if other.status.is_final() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // The worker has run, and takes the messages that are due longest first.
    assert_eq!(row(&fixture, TENANT, &held.id).await.lease.unwrap().process, DEAD);
    assert_eq!(fixture.received_count("+4520123401"), 0);
    fixture.notice_the_dead().await;
    assert_eq!(until_final(&fixture, TENANT, &held.id).await.status, MessageStatus::Accepted);
    assert_eq!(fixture.received_count("+4520123401"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_slept_through_its_lease_changes_nothing() {
    let fixture = TestService::standalone().await;
    fixture.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let mut arrivals = fixture.simulator.subscribe();
    let service = fixture.service.clone();
    let sleeper =
        tokio::spawn(async move { service.send_message(ADMIN, TENANT, message("+4520123401", CODE), None).await });
    arrivals.recv().await.unwrap();
    // Another process takes over the message, and finds the unfinished attempt.
    let id = fixture.service.messages(ADMIN, TENANT, Default::default()).await.unwrap().items.remove(0).id;
    let mut tx = fixture.store.begin().await.unwrap();
    let mut taken = messages::lock(&mut tx, TENANT, &id).await.unwrap().unwrap();
    assert_eq!(taken.status, MessageStatus::Sending);
    taken.lease = Some(Lease { process: "p-another".to_owned(), claim: 1 });
    processes::insert(&mut tx, "p-another").await.unwrap();
    assert!(messages::update(&mut tx, &taken, None).await.unwrap());
    tx.commit().await.unwrap();
    // The provider's time limit passes, and the first process tries to store its outcome, which is refused.
    let message = sleeper.await.unwrap().unwrap();
    assert_eq!(message.status, MessageStatus::Sending, "the process has lost its lease");
    let after = row(&fixture, TENANT, &id).await;
    assert_eq!(after, taken);
    assert_eq!(message.attempts[0].finished_at, None, "it must not end the attempt either");
}
