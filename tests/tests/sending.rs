//! Messages: journal before bytes, a bounded number of physical messages, the same response for the same key: promises P4, P5, P6.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;

use futures_util::future::join_all;
use sendbox_contract::FailureClass;
use sendbox_domain::LimitName;
use sendbox_domain::model::{
    Activation, AttemptOutcome, ConnectionInput, Environment, Flow, Flows, InDoubt, Message, MessageFilter,
    MessageStatus, Mode, NewMessage, Sensitive,
};
use sendbox_sandbox::policy::Limits;
use sendbox_service::{Caller, Error};
use sendbox_simulator::TlsMode;
use sendbox_store::messages::{self, MessageQuery};
use sendbox_store::rows::MessageRow;
use sendbox_tests::test_service::{TENANT, TWILIO_HOST, TestService, message, templates, twilio, verification};
use sendbox_tests::{Database, on_every_database};

const NUMBER: &str = "+4512345678";
const ADMIN: &Caller = &Caller::Platform;

on_every_database!(
    a_message_is_sent_and_recorded,
    the_same_key_is_one_message,
    an_asynchronous_message_is_sent_by_the_worker,
    an_unsent_message_is_retried_with_the_same_code,
    an_attempt_in_doubt_is_reported_and_not_retried,
    no_request_makes_more_messages_than_the_policy_says,
    a_refusal_that_only_the_connector_saw_counts,
    a_fallback_takes_over_when_credentials_are_wrong,
    messages_wait_while_the_breaker_is_open,
    a_revoked_send_says_nothing_about_its_connection,
    tenants_take_turns,
    a_number_that_refuses_is_not_tried_elsewhere,
    a_suspicion_of_fraud_holds_nearby_numbers,
    nothing_is_sent_after_expiry,
    nothing_is_sent_after_a_cancel,
    a_flow_that_is_off_sends_nothing,
    messages_are_found_by_what_they_were,
    a_message_that_waits_survives_a_restart,
    a_production_tenant_starts_closed
);

async fn send(fixture: &TestService, new: NewMessage, key: Option<&str>) -> Result<Message, Error> {
    fixture.service.send_message(ADMIN, TENANT, new, key).await
}

fn not_sent(result: Result<Message, Error>) -> Message {
    match result {
        Err(Error::NotSent { message, .. }) => *message,
        other => panic!("{:?}", other.map(|message| message.status)),
    }
}

async fn a_message_is_sent_and_recorded(database: &Database) {
    let fixture = TestService::new(database).await;
    let sent = send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
    assert_eq!((sent.status, sent.to.as_str(), sent.flow), (MessageStatus::Accepted, "+45…78", Some(Flow::SignIn)));
    assert_eq!(sent.attempts.len(), 1);
    assert_eq!(sent.attempts[0].outcome, Some(AttemptOutcome::Accepted));
    assert!(sent.provider_message_id.unwrap().starts_with("SM"));
    assert_eq!(fixture.received_code(NUMBER), "123456");
    let read = fixture.service.message(ADMIN, TENANT, &sent.id).await.unwrap();
    let detail = read.attempts[0].detail.as_ref().unwrap();
    assert!(detail.requests[0].body.contains('['), "masked: {detail:?}");
}

async fn the_same_key_is_one_message(database: &Database) {
    let fixture = TestService::new(database).await;
    let results = join_all((0..20).map(|_| send(&fixture, message(NUMBER, "123456"), Some("key-1")))).await;
    let mut ids: Vec<String> = Vec::new();
    for result in results {
        match result {
            Ok(message) => ids.push(message.id),
            Err(Error::IdempotencyInFlight) => {}
            Err(other) => panic!("{other}"),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let again = send(&fixture, message(NUMBER, "123456"), Some("key-1")).await.unwrap();
    assert_eq!((again.id, again.status), (ids[0].clone(), MessageStatus::Accepted));
    let other = send(&fixture, message(NUMBER, "654321"), Some("key-1")).await.unwrap_err();
    assert!(matches!(other, Error::IdempotencyMismatch));
    assert_eq!(fixture.received_count(NUMBER), 1);
}

async fn an_asynchronous_message_is_sent_by_the_worker(database: &Database) {
    let fixture = TestService::new(database).await;
    let taken = send(&fixture, NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") }, None).await.unwrap();
    assert!(!taken.status.is_final() || taken.status == MessageStatus::Accepted);
    assert_eq!(fixture.until_final(&taken.id).await.status, MessageStatus::Accepted);
    assert_eq!(fixture.received_count(NUMBER), 1);
}

async fn an_unsent_message_is_retried_with_the_same_code(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=code:20429,times=1".parse().unwrap()).unwrap();
    let new = NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") };
    let id = send(&fixture, new, None).await.unwrap().id;
    let sent = fixture.until_final(&id).await;
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!(sent.attempts.len(), 2);
    assert!(sent.attempts[0].decision.is_some());
    assert_eq!(fixture.received_code(NUMBER), "123456");
    assert_eq!(fixture.received_count(NUMBER), 1);
}

async fn an_attempt_in_doubt_is_reported_and_not_retried(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=reset-after,times=1".parse().unwrap()).unwrap();
    let sent = send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
    assert_eq!((sent.status, sent.attempts.len()), (MessageStatus::InDoubt, 1));
    assert_eq!(sent.attempts[0].outcome, Some(AttemptOutcome::InDoubt));
    assert!(fixture.simulator.counters().accepted <= 1);
}

async fn no_request_makes_more_messages_than_the_policy_says(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.service.save_connection(ADMIN, TENANT, "second", twilio()).await.unwrap();
    fixture.service.save_connection(ADMIN, TENANT, "third", twilio()).await.unwrap();
    for most in 1..=3 {
        fixture
            .set_policy(TENANT, |policy| {
                policy.delivery.max_messages = most;
                policy.delivery.in_doubt = InDoubt::PreferDelivery;
                policy.delivery.fallbacks = vec!["second".to_owned(), "third".to_owned()];
            })
            .await;
        fixture.simulator.clear_inbox();
        // The provider accepts every attempt, and its response is lost.
        fixture.simulator.inject_spec("twilio=reset-after".parse().unwrap()).unwrap();
        let sent = send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
        fixture.clock.advance_millis(60_000);
        let sent = fixture.until_final(&sent.id).await;
        fixture.simulator.clear_faults();
        assert_eq!(sent.status, MessageStatus::InDoubt);
        assert_eq!(fixture.received_count(NUMBER), most as usize, "{:?}", sent.attempts);
        // After the circuit breakers have closed again.
        fixture.clock.advance_millis(3_600_000);
    }
}

async fn a_refusal_that_only_the_connector_saw_counts(database: &Database) {
    let fixture = TestService::new(database).await;
    let (parameters, _) = sendbox_tests::simulator_setup::connection("vonage");
    let parameters = parameters.as_object().unwrap().clone();
    let vonage = ConnectionInput {
        connector: "vonage".to_owned(),
        parameters,
        templates: templates(),
        rotate_callback_url: false,
    };
    fixture.service.save_connection(ADMIN, TENANT, "vonage", vonage).await.unwrap();
    fixture.service.activate(ADMIN, TENANT, Activation { name: "vonage".to_owned() }).await.unwrap();
    // Its errors come with HTTP 200: the host sees no refusal.
    fixture.simulator.inject_spec("vonage=code:1".parse().unwrap()).unwrap();
    for most in 1..=2 {
        fixture.set_policy(TENANT, |policy| policy.delivery.max_messages = most).await;
        let before = fixture.simulator.requests().len();
        let new = NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") };
        let id = send(&fixture, new, None).await.unwrap().id;
        let failed = fixture.until_final(&id).await;
        assert_eq!(failed.status, MessageStatus::Failed);
        assert_eq!(failed.failure.unwrap().class, FailureClass::RateLimited);
        assert_eq!(fixture.simulator.requests().len() - before, most as usize);
    }
}

async fn a_fallback_takes_over_when_credentials_are_wrong(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut broken = twilio();
    broken.parameters.insert("authToken".to_owned(), "f".repeat(32).into());
    fixture.service.save_connection(ADMIN, TENANT, "broken", broken).await.unwrap();
    fixture.service.activate(ADMIN, TENANT, Activation { name: "broken".to_owned() }).await.unwrap();
    let failed = not_sent(send(&fixture, message(NUMBER, "111111"), None).await);
    assert_eq!(failed.failure.as_ref().unwrap().class, FailureClass::AuthenticationFailed);

    fixture.set_policy(TENANT, |policy| policy.delivery.fallbacks = vec!["main".to_owned()]).await;
    let sent = send(&fixture, message(NUMBER, "222222"), None).await.unwrap();
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!(sent.attempts.last().unwrap().connection, "main");
    assert_eq!(fixture.received_code(NUMBER), "222222");
    // The circuit breaker of the broken connection is open: it is not tried at all.
    let requests = fixture.simulator.requests().len();
    send(&fixture, message(NUMBER, "333333"), None).await.unwrap();
    assert_eq!(fixture.simulator.requests().len(), requests + 1);
}

async fn messages_wait_while_the_breaker_is_open(database: &Database) {
    let fixture = TestService::new(database).await;
    // Wrong credentials open the breaker at once.
    fixture.simulator.inject_spec("twilio=code:20003,times=1".parse().unwrap()).unwrap();
    not_sent(send(&fixture, message(NUMBER, "111111"), None).await);
    let requests = fixture.simulator.requests().len();
    // The caller of a synchronous message learns it, and may try something else.
    let refused = not_sent(send(&fixture, message(NUMBER, "222222"), None).await);
    assert_eq!((refused.attempts.len(), refused.failure.unwrap().class), (0, FailureClass::ProviderUnavailable));

    let later =
        |code, lifetime| NewMessage { mode: Mode::Async, lifetime_seconds: Some(lifetime), ..message(NUMBER, code) };
    let expires_before = send(&fixture, later("333333", 20), None).await.unwrap();
    let waits = send(&fixture, later("444444", 600), None).await.unwrap();
    // Nothing that waits for the breaker outlives its code.
    let ended = fixture.until_final(&expires_before.id).await;
    assert_eq!((ended.status, ended.attempts.len()), (MessageStatus::Failed, 0));
    let waiting = fixture.service.message(ADMIN, TENANT, &waits.id).await.unwrap();
    assert_eq!((waiting.status, waiting.attempts.len()), (MessageStatus::Queued, 0));
    assert_eq!(fixture.simulator.requests().len(), requests, "nothing was sent while the breaker was open");
    // It is the probe that closes the breaker.
    let sent = fixture.until_final(&waits.id).await;
    assert_eq!((sent.status, fixture.received_code(NUMBER).as_str()), (MessageStatus::Accepted, "444444"));
}

/// Neither the breaker nor the retry budget counts a send that nobody wanted any more.
async fn a_revoked_send_says_nothing_about_its_connection(database: &Database) {
    // No limit of a send ends before the test does.
    let ms = 240_000;
    let limits = Limits { connect_ms: ms, tls_ms: ms, first_byte_ms: ms, send_ms: ms, ..Limits::default() };
    let fixture = Arc::new(TestService::with_limits(database.url(), limits).await);
    fixture.add_tenant(TENANT, Environment::Development).await;
    fixture.simulator.set_tls_mode(TWILIO_HOST, TlsMode::Stall).unwrap();
    // More than a breaker allows in a minute, and as many as a tenant has retries.
    for index in 0..10 {
        let number = format!("+45201234{index:02}");
        let (starting, verification) = (Arc::clone(&fixture), verification(&number));
        let starting =
            tokio::spawn(async move { starting.service.start_verification(ADMIN, TENANT, verification, None).await });
        let id = loop {
            let page = fixture.service.messages(ADMIN, TENANT, MessageFilter::default()).await.unwrap();
            if page.items.len() > index {
                break page.items[0].verification.clone().unwrap();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        fixture.service.cancel_verification(ADMIN, TENANT, &id).await.unwrap();
        let Err(Error::NotSent { message, .. }) = starting.await.unwrap() else { panic!("it was cancelled") };
        assert_eq!((message.status, message.attempts.len()), (MessageStatus::Cancelled, 1));
        assert_eq!(message.attempts[0].outcome, Some(AttemptOutcome::Rejected));
        // So that the newest message comes first.
        fixture.clock.advance_millis(1);
    }
    fixture.simulator.set_tls_mode(TWILIO_HOST, TlsMode::Good).unwrap();
    fixture.simulator.inject_spec("twilio=code:20429,times=1".parse().unwrap()).unwrap();
    let new = NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") };
    let id = send(&fixture, new, None).await.unwrap().id;
    let sent = fixture.until_final(&id).await;
    assert_eq!((sent.status, sent.attempts.len()), (MessageStatus::Accepted, 2), "it was tried, and again");
}

/// The worker claims a few messages of each tenant in turn, and delivers a bounded number of each.
async fn tenants_take_turns(database: &Database) {
    let fixture = TestService::new(database).await;
    let sent = send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
    let mut tx = fixture.store.begin_read().await.unwrap();
    let sent = messages::get(&mut tx, TENANT, &sent.id).await.unwrap().unwrap();
    drop(tx);
    let tenants: Vec<String> = (0..30).map(|number| format!("tenant-{number:02}")).collect();
    for tenant in &tenants {
        fixture.add_tenant(tenant, Environment::Development).await;
    }
    // All of them are due in the same moment. They cannot be sent without their payload, so they keep their places.
    let mut tx = fixture.store.begin().await.unwrap();
    for tenant in &tenants {
        for number in 0..16 {
            let waiting = MessageRow {
                tenant: tenant.clone(),
                id: format!("m{number:02}"),
                status: MessageStatus::Queued,
                attempts: 0,
                physical_messages: 0,
                payload: None,
                ..sent.clone()
            };
            messages::insert(&mut tx, &waiting).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    // The sandbox has eight slots, so twelve of a tenant are in progress; the worker delivers 256 messages, and claims 32 at once.
    let by_tenant = loop {
        let mut tx = fixture.store.begin_read().await.unwrap();
        let mut by_tenant = Vec::new();
        for tenant in &tenants {
            let rows =
                messages::list(&mut tx, tenant, &MessageQuery { limit: 100, ..Default::default() }).await.unwrap();
            by_tenant.push(rows.into_iter().filter_map(|row| row.lease).map(|lease| lease.claim).collect::<Vec<_>>());
        }
        if by_tenant.iter().map(Vec::len).sum::<usize>() > 256 - 32 {
            break by_tenant;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for claims in by_tenant {
        assert!((1..=12).contains(&claims.len()), "{claims:?}");
        for claim in &claims {
            let at_once = claims.iter().filter(|other| *other == claim).count();
            assert!(at_once <= 8, "{claims:?}");
        }
    }
}

async fn a_number_that_refuses_is_not_tried_elsewhere(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.service.save_connection(ADMIN, TENANT, "second", twilio()).await.unwrap();
    fixture.set_policy(TENANT, |policy| policy.delivery.fallbacks = vec!["second".to_owned()]).await;
    fixture.simulator.inject_spec("twilio=code:21610,times=1".parse().unwrap()).unwrap();
    let failed = not_sent(send(&fixture, message(NUMBER, "123456"), None).await);
    assert_eq!((failed.status, failed.attempts.len()), (MessageStatus::Failed, 1));
    assert_eq!(failed.failure.unwrap().class, FailureClass::RecipientUnsubscribed);
    assert_eq!(fixture.received_count(NUMBER), 0);
}

async fn a_suspicion_of_fraud_holds_nearby_numbers(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    let failed = not_sent(send(&fixture, message(NUMBER, "123456"), None).await);
    assert_eq!(failed.failure.unwrap().class, FailureClass::FraudBlocked);
    let neighbour = "+4512345001";
    let held = send(&fixture, message(neighbour, "123456"), None).await.unwrap_err();
    assert!(matches!(held, Error::Limited { limit: LimitName::Hold, retry_after: Some(3600) }), "{held}");
    send(&fixture, message("+4512346001", "123456"), None).await.unwrap();

    let holds = fixture.service.holds(ADMIN, TENANT).await.unwrap();
    assert_eq!((holds.len(), holds[0].prefix.as_str(), &holds[0].message), (1, "+4512…", &failed.id));
    fixture.service.lift_hold(ADMIN, TENANT, &holds[0].id).await.unwrap();
    send(&fixture, message(neighbour, "123456"), None).await.unwrap();
    assert!(matches!(fixture.service.lift_hold(ADMIN, TENANT, &holds[0].id).await, Err(Error::NotFound("hold"))));

    // It ends without further requests.
    fixture.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    not_sent(send(&fixture, message(NUMBER, "123456"), None).await);
    fixture.clock.advance_millis(3_599_999);
    assert!(send(&fixture, message(NUMBER, "123456"), None).await.is_err());
    fixture.clock.advance_millis(1);
    send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
}

async fn nothing_is_sent_after_expiry(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let new = NewMessage { lifetime_seconds: Some(60), ..message(NUMBER, "123456") };
    let waiting = send(&fixture, new, None).await.unwrap();
    assert_eq!(waiting.status, MessageStatus::Queued);
    fixture.clock.advance_millis(61_000);
    assert_eq!(fixture.until_final(&waiting.id).await.status, MessageStatus::Expired);
    assert_eq!(fixture.received_count(NUMBER), 0);
}

async fn nothing_is_sent_after_a_cancel(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let started = fixture.start_verification(NUMBER).await.unwrap();
    fixture.service.cancel_verification(ADMIN, TENANT, &started.id).await.unwrap();
    fixture.clock.advance_millis(31_000);
    let message = fixture.until_final(&started.message.unwrap().id).await;
    assert_eq!(message.status, MessageStatus::Cancelled);
    assert_eq!(fixture.received_count(NUMBER), 0);
}

async fn a_flow_that_is_off_sends_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    let off = Flows([(Flow::SignIn, false)].into_iter().collect());
    fixture.service.set_flows(ADMIN, TENANT, off).await.unwrap();
    assert!(matches!(send(&fixture, message(NUMBER, "123456"), None).await, Err(Error::FlowDisabled(Flow::SignIn))));
    assert!(matches!(fixture.start_verification(NUMBER).await, Err(Error::FlowDisabled(Flow::SignIn))));
    assert!(fixture.simulator.requests().is_empty());
}

async fn messages_are_found_by_what_they_were(database: &Database) {
    let fixture = TestService::new(database).await;
    for index in 0..5 {
        let number = format!("+451234567{index}");
        send(&fixture, message(&number, "123456"), None).await.unwrap();
        fixture.clock.advance_millis(1000);
    }
    let list = |filter| fixture.service.messages(ADMIN, TENANT, filter);
    let first = list(MessageFilter { limit: Some(2), ..Default::default() }).await.unwrap();
    assert_eq!(first.items.len(), 2);
    let mut all: Vec<String> = first.items.iter().map(|message| message.to.clone()).collect();
    let mut next = first.next_cursor;
    while let Some(cursor) = next {
        let page = list(MessageFilter { limit: Some(2), cursor: Some(cursor), ..Default::default() }).await.unwrap();
        all.extend(page.items.iter().map(|message| message.to.clone()));
        next = page.next_cursor;
    }
    assert_eq!(all, ["+45…74", "+45…73", "+45…72", "+45…71", "+45…70"]);
    let to = |number: &str| Some(Sensitive::from(number));
    let one = fixture.service.messages_to(ADMIN, TENANT, MessageFilter::default(), to("+4512345673")).await.unwrap();
    assert_eq!(one.items.len(), 1);
    let none = list(MessageFilter { status: Some(MessageStatus::Failed), ..Default::default() }).await.unwrap();
    assert!(none.items.is_empty());
    let bad = list(MessageFilter { cursor: Some("x".to_owned()), ..Default::default() }).await;
    assert!(matches!(bad, Err(Error::Invalid(_))));
}

async fn a_message_that_waits_survives_a_restart(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let waiting = send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
    let fixture = fixture.restart().await;
    fixture.clock.advance_millis(31_000);
    let sent = fixture.until_final(&waiting.id).await;
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!((fixture.received_count(NUMBER), fixture.received_code(NUMBER).as_str()), (1, "123456"));
}

async fn a_production_tenant_starts_closed(database: &Database) {
    let fixture = TestService::without_tenants(database).await;
    fixture.add_tenant(TENANT, Environment::Production).await;
    assert!(matches!(send(&fixture, message(NUMBER, "123456"), None).await, Err(Error::FlowDisabled(Flow::SignIn))));
    let on = Flows([(Flow::SignIn, true)].into_iter().collect());
    fixture.service.set_flows(ADMIN, TENANT, on).await.unwrap();
    let refused = send(&fixture, message(NUMBER, "123456"), None).await.unwrap_err();
    assert!(matches!(&refused, Error::CountryNotAllowed(country) if country == "DK"), "{refused}");
    fixture.set_policy(TENANT, |policy| policy.countries.only = ["DK".to_owned()].into()).await;
    send(&fixture, message(NUMBER, "123456"), None).await.unwrap();
}
