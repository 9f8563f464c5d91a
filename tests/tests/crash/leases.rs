//! Two processes on one store, one of which has a clock that steps, or sleeps: nothing is sent twice, and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::model::{AttemptOutcome, InDoubt, Message, MessageStatus, Mode, NewMessage};
use sendbox_sandbox::policy::Limits;
use sendbox_service::clock::ManualClock;
use sendbox_service::{Caller, Service};
use sendbox_simulator::TlsMode;
use sendbox_store::rows::MessageRow;
use sendbox_store::{messages, processes};
use sendbox_tests::test_service::{
    START, TENANT, TWILIO_HOST, TestService, message, notice_the_dead, twilio_in_dublin, verification,
};
use sendbox_tests::{Database, on_every_database};

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4520123401";
const CODE: &str = "123456";
const TWO_HOURS: i64 = 7_200_000;

on_every_database!(
    a_clock_that_steps_neither_doubles_nor_loses_a_message,
    a_process_that_slept_sends_nothing_after_waking,
    a_process_that_joins_again_does_not_write_under_its_old_name,
    a_process_that_stops_leaves_its_messages_at_once
);

async fn row(fixture: &TestService, id: &str) -> MessageRow {
    let mut tx = fixture.store.begin_read().await.unwrap();
    messages::get(&mut tx, TENANT, id).await.unwrap().unwrap()
}

/// The only message to a number, as soon as there is one.
async fn message_to(fixture: &TestService, number: &str) -> Message {
    loop {
        let page = fixture.service.messages(ADMIN, TENANT, Default::default()).await.unwrap();
        let masked = format!("{}…{}", &number[..3], &number[number.len() - 2..]);
        if let Some(message) = page.items.into_iter().find(|message| message.to == masked) {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_final(service: &Service, id: &str) -> Message {
    loop {
        let message = service.message(ADMIN, TENANT, id).await.unwrap();
        if message.status.is_final() {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_clock_that_steps_neither_doubles_nor_loses_a_message(database: &Database) {
    let fixture = TestService::new(database).await;
    let clock = Arc::new(ManualClock::at(START));
    let other = fixture.second_instance_with(&clock).await;
    let step = |millis| {
        fixture.clock.advance_millis(millis);
        clock.advance_millis(millis);
    };
    for (index, millis) in [TWO_HOURS, -TWO_HOURS].into_iter().enumerate() {
        // While the provider has the message.
        let number = format!("+452012341{index}");
        fixture.simulator.inject_spec("twilio=delay:2s,times=1".parse().unwrap()).unwrap();
        let mut arrivals = fixture.simulator.subscribe();
        let (service, new) = (fixture.service.clone(), message(&number, CODE));
        let sending = tokio::spawn(async move { service.send_message(ADMIN, TENANT, new, None).await });
        arrivals.recv().await.unwrap();
        step(millis);
        // The other process takes up what is free.
        let free = NewMessage { mode: Mode::Async, ..message(&format!("+452012342{index}"), CODE) };
        let free = other.send_message(ADMIN, TENANT, free, None).await.unwrap();
        assert_eq!(until_final(&other, &free.id).await.status, MessageStatus::Accepted);
        let sent = sending.await.unwrap().unwrap();
        assert_eq!((sent.status, sent.attempts.len()), (MessageStatus::Accepted, 1), "{millis}: {sent:?}");
        assert_eq!(fixture.received_count(&number), 1);
        step(-millis);

        // Between two attempts.
        let number = format!("+452012343{index}");
        fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
        let waiting = fixture.service.send_message(ADMIN, TENANT, message(&number, CODE), None).await.unwrap();
        assert_eq!(waiting.status, MessageStatus::Queued);
        step(millis);
        let expected = if millis > 0 {
            // Its code has expired, as far as anybody can know.
            (MessageStatus::Expired, 0)
        } else {
            // It waits until the clock is right again.
            step(-millis + 31_000);
            (MessageStatus::Accepted, 1)
        };
        let ended = until_final(&fixture.service, &waiting.id).await;
        assert_eq!((ended.status, fixture.received_count(&number)), expected, "{millis}: {ended:?}");
        step(if millis > 0 { -millis } else { -31_000 });
    }
    other.stop(Duration::from_secs(20)).await;
}

/// It sleeps while its message waits for a slot of the sandbox, and another process takes over.
async fn a_process_that_slept_sends_nothing_after_waking(database: &Database) {
    // No limit of a send ends before the test does.
    let ms = 120_000;
    let limits = Limits { connect_ms: ms, tls_ms: ms, first_byte_ms: ms, send_ms: ms, ..Limits::default() };
    let fixture = TestService::with_limits(database.url(), limits).await;
    fixture.add_tenant(TENANT, sendbox_domain::model::Environment::Development).await;
    fixture.service.save_connection(ADMIN, TENANT, "second", twilio_in_dublin()).await.unwrap();
    fixture
        .set_policy(TENANT, |policy| {
            policy.delivery.in_doubt = InDoubt::PreferDelivery;
            policy.delivery.fallbacks = vec!["second".to_owned()];
        })
        .await;
    let clock = Arc::new(ManualClock::at(START));
    let other = fixture.second_instance_with(&clock).await;

    // Sends that connect to a server that does not answer hold all slots that the tenant may have.
    fixture.simulator.set_tls_mode(TWILIO_HOST, TlsMode::Stall).unwrap();
    let mut holding = Vec::new();
    for index in 0..6 {
        let (service, new) = (fixture.service.clone(), verification(&format!("+452012345{index}")));
        tokio::spawn(async move { service.start_verification(ADMIN, TENANT, new, None).await });
        holding.push(message_to(&fixture, &format!("+452012345{index}")).await.verification.unwrap());
    }
    let service = fixture.service.clone();
    let sleeper = tokio::spawn(async move { service.send_message(ADMIN, TENANT, message(NUMBER, CODE), None).await });
    let id = message_to(&fixture, NUMBER).await.id;
    let process = row(&fixture, &id).await.lease.unwrap().process;
    // Nothing but its sends is left of it: a process that sleeps claims nothing.
    fixture.service.begin_shutdown();

    // For this process no time passes. The other one finds it dead, and sends the message, which may have been sent before.
    notice_the_dead(&other, &clock).await;
    let sent = until_final(&other, &id).await;
    assert_eq!((sent.status, sent.attempts.len()), (MessageStatus::Accepted, 2), "{sent:?}");
    assert_eq!(sent.attempts[0].outcome, Some(AttemptOutcome::InDoubt));
    assert_eq!(fixture.received_count(NUMBER), 1);
    let before = row(&fixture, &id).await;

    // It wakes, and the slots become free.
    fixture.clock.advance_monotonic(Duration::from_secs(20));
    fixture.simulator.set_tls_mode(TWILIO_HOST, TlsMode::Good).unwrap();
    for verification in holding {
        fixture.service.cancel_verification(ADMIN, TENANT, &verification).await.unwrap();
    }
    let answer = sleeper.await.unwrap().unwrap();
    assert_eq!((answer.id, answer.status), (id.clone(), MessageStatus::Accepted));
    assert_eq!(fixture.received_count(NUMBER), 1, "it was sent a second time");
    assert_eq!(row(&fixture, &id).await, before);
    // It has joined again, under another name.
    let mut tx = fixture.store.begin_read().await.unwrap();
    let all = processes::all(&mut tx).await.unwrap();
    assert!(all.len() == 2 && all.iter().all(|member| member.id != process), "{all:?}");
    drop(tx);
    other.stop(Duration::from_secs(20)).await;
}

async fn a_process_that_joins_again_does_not_write_under_its_old_name(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let mut arrivals = fixture.simulator.subscribe();
    let service = fixture.service.clone();
    let sleeper = tokio::spawn(async move { service.send_message(ADMIN, TENANT, message(NUMBER, CODE), None).await });
    arrivals.recv().await.unwrap();
    let id = message_to(&fixture, NUMBER).await.id;
    let process = row(&fixture, &id).await.lease.unwrap().process;
    let mut tx = fixture.store.begin().await.unwrap();
    processes::delete(&mut tx, &process).await.unwrap();
    tx.commit().await.unwrap();
    // Its own worker finds the message, whose earlier delivery still waits for the provider.
    fixture.service.heartbeat().await.unwrap();
    let taken = until_final(&fixture.service, &id).await;
    assert_eq!((taken.status, taken.attempts.len()), (MessageStatus::InDoubt, 1));
    assert!(taken.failure.as_ref().unwrap().message.contains("the process ended"), "{taken:?}");
    let before = row(&fixture, &id).await;
    // The time of the earlier delivery is over, and it learns nothing that it may store.
    let answer = sleeper.await.unwrap().unwrap();
    assert_eq!((answer.id, answer.failure), (id.clone(), taken.failure));
    assert_eq!(row(&fixture, &id).await, before);
    let mut tx = fixture.store.begin_read().await.unwrap();
    let all = processes::all(&mut tx).await.unwrap();
    assert!(all.len() == 1 && all[0].id != process, "{all:?}");
}

async fn a_process_that_stops_leaves_its_messages_at_once(database: &Database) {
    let fixture = TestService::new(database).await;
    let clock = Arc::new(ManualClock::at(START));
    let other = fixture.second_instance_with(&clock).await;
    fixture.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let mut arrivals = fixture.simulator.subscribe();
    let (service, new) = (other.clone(), message(NUMBER, CODE));
    tokio::spawn(async move { service.send_message(ADMIN, TENANT, new, None).await });
    arrivals.recv().await.unwrap();
    let id = message_to(&fixture, NUMBER).await.id;
    other.stop(Duration::ZERO).await;
    // No time passes for the other process, on either clock.
    let ended = until_final(&fixture.service, &id).await;
    assert_eq!((ended.status, ended.attempts.len()), (MessageStatus::InDoubt, 1));
    assert_eq!(fixture.received_count(NUMBER), 1);
}
