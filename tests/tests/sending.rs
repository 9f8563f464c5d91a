//! Messages: journal before bytes, at most B physical messages, the same answer for the same key: promises P4, P5, P6.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use futures_util::future::join_all;
use sendbox_service::model::{
    Activation, AttemptOutcome, ConnectionInput, Environment, Flow, Flows, InDoubt, Message, MessageFilter,
    MessageStatus, Mode, NewMessage, Sensitive,
};
use sendbox_service::{Caller, Error, LimitName};
use sendbox_tests::house::{House, TENANT, message, templates, twilio};
use sendbox_tests::{Database, on_every_database};

const NUMBER: &str = "+4512345678";
const ADMIN: &Caller = &Caller::Platform;

on_every_database!(
    a_message_is_sent_and_on_record,
    the_same_key_is_one_message,
    an_asynchronous_message_is_sent_by_the_worker,
    what_was_not_sent_is_tried_again_with_the_same_code,
    nobody_knows_is_said_and_not_tried_again,
    no_request_makes_more_messages_than_the_policy_says,
    a_refusal_that_only_the_connector_saw_counts,
    a_fallback_takes_over_when_credentials_are_wrong,
    a_number_that_refuses_is_not_tried_elsewhere,
    a_suspicion_of_fraud_holds_the_numbers_around,
    nothing_is_sent_after_expiry,
    nothing_is_sent_after_a_cancel,
    a_flow_that_is_off_sends_nothing,
    messages_are_found_by_what_they_were,
    a_message_that_waits_survives_a_restart,
    a_production_tenant_starts_closed
);

async fn send(house: &House, new: NewMessage, key: Option<&str>) -> Result<Message, Error> {
    house.service.send_message(ADMIN, TENANT, new, key).await
}

fn not_sent(result: Result<Message, Error>) -> Message {
    match result {
        Err(Error::NotSent { message, .. }) => *message,
        other => panic!("{:?}", other.map(|message| message.status)),
    }
}

/// Waits for what the worker does, without a guess at how long it takes.
async fn until_final(house: &House, id: &str) -> Message {
    loop {
        // The clock of the test stands; a retry is due a little later by it.
        house.clock.advance_millis(100);
        let message = house.service.message(ADMIN, TENANT, id).await.unwrap();
        if message.status.is_final() {
            return message;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn a_message_is_sent_and_on_record(database: &Database) {
    let house = House::furnished(database).await;
    let sent = send(&house, message(NUMBER, "123456"), None).await.unwrap();
    assert_eq!((sent.status, sent.to.as_str(), sent.flow), (MessageStatus::Accepted, "+45…78", Some(Flow::SignIn)));
    assert_eq!(sent.attempts.len(), 1);
    assert_eq!(sent.attempts[0].outcome, Some(AttemptOutcome::Accepted));
    assert!(sent.provider_message_id.unwrap().starts_with("SM"));
    assert_eq!(house.code_on_phone(NUMBER), "123456");
    let read = house.service.message(ADMIN, TENANT, &sent.id).await.unwrap();
    let detail = read.attempts[0].detail.as_ref().unwrap();
    assert!(detail.requests[0].body.contains('['), "masked: {detail:?}");
}

async fn the_same_key_is_one_message(database: &Database) {
    let house = House::furnished(database).await;
    let results = join_all((0..20).map(|_| send(&house, message(NUMBER, "123456"), Some("key-1")))).await;
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
    let again = send(&house, message(NUMBER, "123456"), Some("key-1")).await.unwrap();
    assert_eq!((again.id, again.status), (ids[0].clone(), MessageStatus::Accepted));
    let other = send(&house, message(NUMBER, "654321"), Some("key-1")).await.unwrap_err();
    assert!(matches!(other, Error::IdempotencyMismatch));
    assert_eq!(house.arrived(NUMBER), 1);
}

async fn an_asynchronous_message_is_sent_by_the_worker(database: &Database) {
    let house = House::furnished(database).await;
    let taken = send(&house, NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") }, None).await.unwrap();
    assert!(!taken.status.is_final() || taken.status == MessageStatus::Accepted);
    assert_eq!(until_final(&house, &taken.id).await.status, MessageStatus::Accepted);
    assert_eq!(house.arrived(NUMBER), 1);
}

async fn what_was_not_sent_is_tried_again_with_the_same_code(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=code:20429,times=1".parse().unwrap()).unwrap();
    let new = NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") };
    let id = send(&house, new, None).await.unwrap().id;
    let sent = until_final(&house, &id).await;
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!(sent.attempts.len(), 2);
    assert!(sent.attempts[0].decision.is_some());
    assert_eq!(house.code_on_phone(NUMBER), "123456");
    assert_eq!(house.arrived(NUMBER), 1);
}

async fn nobody_knows_is_said_and_not_tried_again(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=reset-after,times=1".parse().unwrap()).unwrap();
    let sent = send(&house, message(NUMBER, "123456"), None).await.unwrap();
    assert_eq!((sent.status, sent.attempts.len()), (MessageStatus::InDoubt, 1));
    assert_eq!(sent.attempts[0].outcome, Some(AttemptOutcome::InDoubt));
    assert!(house.simulator.counters().accepted <= 1);
}

async fn no_request_makes_more_messages_than_the_policy_says(database: &Database) {
    let house = House::furnished(database).await;
    house.service.save_connection(ADMIN, TENANT, "second", twilio()).await.unwrap();
    house.service.save_connection(ADMIN, TENANT, "third", twilio()).await.unwrap();
    for most in 1..=3 {
        house
            .set_policy(TENANT, |policy| {
                policy.delivery.max_messages = most;
                policy.delivery.in_doubt = InDoubt::PreferDelivery;
                policy.delivery.fallbacks = vec!["second".to_owned(), "third".to_owned()];
            })
            .await;
        house.simulator.clear_inbox();
        // Every attempt is taken by the provider, and its answer lost.
        house.simulator.inject_spec("twilio=reset-after".parse().unwrap()).unwrap();
        let sent = send(&house, message(NUMBER, "123456"), None).await.unwrap();
        house.clock.advance_millis(60_000);
        let sent = until_final(&house, &sent.id).await;
        house.simulator.clear_faults();
        assert_eq!(sent.status, MessageStatus::InDoubt);
        assert_eq!(house.arrived(NUMBER), most as usize, "{:?}", sent.attempts);
        // Past the breakers' rests.
        house.clock.advance_millis(3_600_000);
    }
}

async fn a_refusal_that_only_the_connector_saw_counts(database: &Database) {
    let house = House::furnished(database).await;
    let (parameters, _) = sendbox_tests::stage::connection("vonage");
    let parameters = parameters.as_object().unwrap().clone();
    let vonage = ConnectionInput { connector: "vonage".to_owned(), parameters, templates: templates() };
    house.service.save_connection(ADMIN, TENANT, "vonage", vonage).await.unwrap();
    house.service.activate(ADMIN, TENANT, Activation { name: "vonage".to_owned() }).await.unwrap();
    // Its errors come with HTTP 200: the host sees no refusal.
    house.simulator.inject_spec("vonage=code:1".parse().unwrap()).unwrap();
    for most in 1..=2 {
        house.set_policy(TENANT, |policy| policy.delivery.max_messages = most).await;
        let before = house.simulator.requests().len();
        let new = NewMessage { mode: Mode::Async, ..message(NUMBER, "123456") };
        let id = send(&house, new, None).await.unwrap().id;
        let failed = until_final(&house, &id).await;
        assert_eq!(failed.status, MessageStatus::Failed);
        assert_eq!(failed.failure.unwrap().class, "rate-limited");
        assert_eq!(house.simulator.requests().len() - before, most as usize);
    }
}

async fn a_fallback_takes_over_when_credentials_are_wrong(database: &Database) {
    let house = House::furnished(database).await;
    let mut broken = twilio();
    broken.parameters.insert("authToken".to_owned(), "f".repeat(32).into());
    house.service.save_connection(ADMIN, TENANT, "broken", broken).await.unwrap();
    house.service.activate(ADMIN, TENANT, Activation { name: "broken".to_owned() }).await.unwrap();
    let failed = not_sent(send(&house, message(NUMBER, "111111"), None).await);
    assert_eq!(failed.failure.as_ref().unwrap().class, "authentication-failed");

    house.set_policy(TENANT, |policy| policy.delivery.fallbacks = vec!["main".to_owned()]).await;
    let sent = send(&house, message(NUMBER, "222222"), None).await.unwrap();
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!(sent.attempts.last().unwrap().connection, "main");
    assert_eq!(house.code_on_phone(NUMBER), "222222");
    // The breaker of the broken one is open: it is not asked at all.
    let requests = house.simulator.requests().len();
    send(&house, message(NUMBER, "333333"), None).await.unwrap();
    assert_eq!(house.simulator.requests().len(), requests + 1);
}

async fn a_number_that_refuses_is_not_tried_elsewhere(database: &Database) {
    let house = House::furnished(database).await;
    house.service.save_connection(ADMIN, TENANT, "second", twilio()).await.unwrap();
    house.set_policy(TENANT, |policy| policy.delivery.fallbacks = vec!["second".to_owned()]).await;
    house.simulator.inject_spec("twilio=code:21610,times=1".parse().unwrap()).unwrap();
    let failed = not_sent(send(&house, message(NUMBER, "123456"), None).await);
    assert_eq!((failed.status, failed.attempts.len()), (MessageStatus::Failed, 1));
    assert_eq!(failed.failure.unwrap().class, "recipient-unsubscribed");
    assert_eq!(house.arrived(NUMBER), 0);
}

async fn a_suspicion_of_fraud_holds_the_numbers_around(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    let failed = not_sent(send(&house, message(NUMBER, "123456"), None).await);
    assert_eq!(failed.failure.unwrap().class, "fraud-blocked");
    let neighbour = "+4512345001";
    let held = send(&house, message(neighbour, "123456"), None).await.unwrap_err();
    assert!(matches!(held, Error::Limited { limit: LimitName::Hold, retry_after: Some(3600) }), "{held}");
    send(&house, message("+4512346001", "123456"), None).await.unwrap();

    let holds = house.service.holds(ADMIN, TENANT).await.unwrap();
    assert_eq!((holds.len(), holds[0].prefix.as_str(), &holds[0].message), (1, "+4512…", &failed.id));
    house.service.lift_hold(ADMIN, TENANT, &holds[0].id).await.unwrap();
    send(&house, message(neighbour, "123456"), None).await.unwrap();
    assert!(matches!(house.service.lift_hold(ADMIN, TENANT, &holds[0].id).await, Err(Error::NotFound("hold"))));

    // It ends by itself.
    house.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    not_sent(send(&house, message(NUMBER, "123456"), None).await);
    house.clock.advance_millis(3_599_999);
    assert!(send(&house, message(NUMBER, "123456"), None).await.is_err());
    house.clock.advance_millis(1);
    send(&house, message(NUMBER, "123456"), None).await.unwrap();
}

async fn nothing_is_sent_after_expiry(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let new = NewMessage { lifetime_seconds: Some(60), ..message(NUMBER, "123456") };
    let waiting = send(&house, new, None).await.unwrap();
    assert_eq!(waiting.status, MessageStatus::Queued);
    house.clock.advance_millis(61_000);
    assert_eq!(until_final(&house, &waiting.id).await.status, MessageStatus::Expired);
    assert_eq!(house.arrived(NUMBER), 0);
}

async fn nothing_is_sent_after_a_cancel(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let started = house.start_verification(NUMBER).await.unwrap();
    house.service.cancel_verification(ADMIN, TENANT, &started.id).await.unwrap();
    house.clock.advance_millis(31_000);
    let message = until_final(&house, &started.message.unwrap().id).await;
    assert_eq!(message.status, MessageStatus::Cancelled);
    assert_eq!(house.arrived(NUMBER), 0);
}

async fn a_flow_that_is_off_sends_nothing(database: &Database) {
    let house = House::furnished(database).await;
    let off = Flows([(Flow::SignIn, false)].into_iter().collect());
    house.service.set_flows(ADMIN, TENANT, off).await.unwrap();
    assert!(matches!(send(&house, message(NUMBER, "123456"), None).await, Err(Error::FlowOff(Flow::SignIn))));
    assert!(matches!(house.start_verification(NUMBER).await, Err(Error::FlowOff(Flow::SignIn))));
    assert!(house.simulator.requests().is_empty());
}

async fn messages_are_found_by_what_they_were(database: &Database) {
    let house = House::furnished(database).await;
    for index in 0..5 {
        let number = format!("+451234567{index}");
        send(&house, message(&number, "123456"), None).await.unwrap();
        house.clock.advance_millis(1000);
    }
    let list = |filter| house.service.messages(ADMIN, TENANT, filter);
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
    let one = list(MessageFilter { to: Some(Sensitive::from("+4512345673")), ..Default::default() }).await.unwrap();
    assert_eq!(one.items.len(), 1);
    let none = list(MessageFilter { status: Some(MessageStatus::Failed), ..Default::default() }).await.unwrap();
    assert!(none.items.is_empty());
    let bad = list(MessageFilter { cursor: Some("x".to_owned()), ..Default::default() }).await;
    assert!(matches!(bad, Err(Error::Invalid(_))));
}

async fn a_message_that_waits_survives_a_restart(database: &Database) {
    let house = House::furnished(database).await;
    house.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let waiting = send(&house, message(NUMBER, "123456"), None).await.unwrap();
    let house = house.restart().await;
    house.clock.advance_millis(31_000);
    let sent = until_final(&house, &waiting.id).await;
    assert_eq!(sent.status, MessageStatus::Accepted);
    assert_eq!((house.arrived(NUMBER), house.code_on_phone(NUMBER).as_str()), (1, "123456"));
}

async fn a_production_tenant_starts_closed(database: &Database) {
    let house = House::bare(database).await;
    house.furnish(TENANT, Environment::Production).await;
    assert!(matches!(send(&house, message(NUMBER, "123456"), None).await, Err(Error::FlowOff(Flow::SignIn))));
    let on = Flows([(Flow::SignIn, true)].into_iter().collect());
    house.service.set_flows(ADMIN, TENANT, on).await.unwrap();
    let refused = send(&house, message(NUMBER, "123456"), None).await.unwrap_err();
    assert!(matches!(&refused, Error::CountryNotAllowed(country) if country == "DK"), "{refused}");
    house.set_policy(TENANT, |policy| policy.countries.only = ["DK".to_owned()].into()).await;
    send(&house, message(NUMBER, "123456"), None).await.unwrap();
}
