//! What has certainly not left costs the user nothing, and nobody gets more out of it: promise P19.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_domain::LimitName;
use sendbox_domain::model::{
    Environment, LimitPolicy, Message, MessageStatus, Mode, NewMessage, NewVerification, Resend, Sensitive,
    TestOutcome, Verification, VerificationStatus,
};
use sendbox_service::{Caller, Error};
use sendbox_store::rows::{AttemptRow, Lease};
use sendbox_store::{attempts, messages};
use sendbox_tests::test_service::{TENANT, TestService, message, test_of_main, twilio, verification};
use sendbox_tests::{Database, on_every_database};

const NUMBER: &str = "+4512345678";
const ADMIN: &Caller = &Caller::Platform;
/// The provider refuses the message: it has certainly not left.
const REFUSED: &str = "twilio=code:21211,times=1";
const LATER: &str = "twilio=retry-after:30,times=1";

on_every_database!(
    a_resend_that_was_not_sent_leaves_the_code,
    a_resend_that_waits_leaves_the_code,
    a_resend_that_may_have_left_ends_the_code,
    a_crash_during_a_resend_ends_the_code,
    while_a_resend_is_on_its_way_both_codes_are_tried_together,
    a_repeated_check_is_no_guess_at_a_later_code,
    a_new_verification_that_was_not_sent_supersedes_nothing,
    a_new_verification_supersedes_when_it_may_have_left,
    what_was_not_sent_gives_its_places_back,
    no_limit_gives_back_without_end,
    what_may_have_left_gives_nothing_back,
    a_test_that_was_not_sent_gives_its_places_back,
    a_clock_that_was_ahead_closes_no_limit
);

fn fault(fixture: &TestService, spec: &str) {
    fixture.simulator.inject_spec(spec.parse().unwrap()).unwrap();
}

async fn resend(fixture: &TestService, id: &str, mode: Mode) -> Result<Verification, Error> {
    let resend = Resend { mode, ..Resend::default() };
    fixture.service.resend_verification(ADMIN, TENANT, id, resend, None).await
}

/// Starts a verification. Returns its id, and the code that the phone has received.
async fn start(fixture: &TestService) -> (String, String) {
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    (id, fixture.received_code(NUMBER))
}

/// A code of six digits that is none of these.
fn wrong(codes: &[&str]) -> String {
    (100_000..).map(|code: u32| code.to_string()).find(|code| !codes.contains(&code.as_str())).unwrap()
}

fn not_sent(result: Result<Verification, Error>) -> Verification {
    match result {
        Err(Error::NotSent { verification: Some(verification), .. }) => *verification,
        other => panic!("{other:?}"),
    }
}

fn tries_left(result: Result<Verification, Error>) -> u32 {
    match result {
        Err(Error::WrongCode { tries_left }) => tries_left,
        other => panic!("{other:?}"),
    }
}

fn limited(result: Result<Message, Error>) -> LimitName {
    match result {
        Err(Error::Limited { limit, .. }) => limit,
        other => panic!("{other:?}"),
    }
}

async fn send(fixture: &TestService, tenant: &str, number: &str) -> Result<Message, Error> {
    fixture.service.send_message(ADMIN, tenant, message(number, "123456"), None).await
}

async fn a_resend_that_was_not_sent_leaves_the_code(database: &Database) {
    let fixture = TestService::new(database).await;
    // Refused by the provider, and while nobody waits for it; and last by our own breaker, with no attempt.
    for (spec, mode, breaker) in
        [(REFUSED, Mode::Sync, false), (REFUSED, Mode::Async, false), ("twilio=code:20003,times=1", Mode::Sync, true)]
    {
        let (id, code) = start(&fixture).await;
        let received = fixture.received_count(NUMBER);
        assert_eq!(tries_left(fixture.check(&id, &wrong(&[&code])).await), 4);
        let before = fixture.service.verification(ADMIN, TENANT, &id).await.unwrap();
        fault(&fixture, spec);
        if breaker {
            send(&fixture, TENANT, "+4587654321").await.unwrap_err();
        }
        let after = match mode {
            Mode::Sync => not_sent(resend(&fixture, &id, mode).await),
            Mode::Async => {
                let pending = resend(&fixture, &id, mode).await.unwrap();
                fixture.until_final(&pending.message.unwrap().id).await;
                fixture.service.verification(ADMIN, TENANT, &id).await.unwrap()
            }
        };
        assert_eq!((after.sends_left, after.tries_left), (before.sends_left, before.tries_left), "{spec} {mode:?}");
        assert_eq!((&after.message, after.expires_at), (&before.message, before.expires_at), "{spec} {mode:?}");
        assert_eq!(tries_left(fixture.check(&id, &wrong(&[&code])).await), 3, "{spec} {mode:?}");
        fixture.check(&id, &code).await.unwrap();
        assert_eq!(fixture.received_count(NUMBER), received);
    }
}

async fn a_resend_that_waits_leaves_the_code(database: &Database) {
    let fixture = TestService::new(database).await;
    let (id, code) = start(&fixture).await;
    fault(&fixture, LATER);
    let waiting = resend(&fixture, &id, Mode::Sync).await.unwrap().message.unwrap();
    assert_eq!(waiting.status, MessageStatus::Queued);
    fixture.check(&id, &code).await.unwrap();
    fixture.clock.advance_millis(31_000);
    assert_eq!(fixture.until_final(&waiting.id).await.status, MessageStatus::Cancelled);
    assert_eq!(fixture.received_count(NUMBER), 1);

    // Within its own lifetime: the message with the later code waits for longer.
    let (id, code) = start(&fixture).await;
    fixture.clock.advance_millis(590_000);
    fault(&fixture, LATER);
    let waiting = resend(&fixture, &id, Mode::Sync).await.unwrap().message.unwrap();
    fixture.clock.advance_millis(10_000);
    tries_left(fixture.check(&id, &code).await);
    fixture.clock.advance_millis(21_000);
    assert_eq!(fixture.until_final(&waiting.id).await.status, MessageStatus::Accepted);
    fixture.check(&id, &fixture.received_code(NUMBER)).await.unwrap();
}

async fn a_resend_that_may_have_left_ends_the_code(database: &Database) {
    let fixture = TestService::new(database).await;
    for spec in ["twilio=delay:1ms,times=1", "twilio=reset-after,times=1"] {
        let (id, first) = start(&fixture).await;
        for _ in 0..3 {
            tries_left(fixture.check(&id, &wrong(&[&first])).await);
        }
        fault(&fixture, spec);
        let resent = resend(&fixture, &id, Mode::Sync).await.unwrap();
        assert_eq!((resent.sends_left, resent.tries_left), (2, 5), "{spec}");
        let second = fixture.received_code(NUMBER);
        if first != second {
            assert_eq!(tries_left(fixture.check(&id, &first).await), 4, "{spec}");
        }
        fixture.check(&id, &second).await.unwrap();
    }
}

/// The process dies between the commit that begins the attempt of a resend and the one that stores its result.
async fn a_crash_during_a_resend_ends_the_code(database: &Database) {
    let fixture = TestService::new(database).await;
    let (id, code) = start(&fixture).await;
    fault(&fixture, LATER);
    let waiting = resend(&fixture, &id, Mode::Sync).await.unwrap().message.unwrap().id;
    let mut tx = fixture.store.begin().await.unwrap();
    let mut row = messages::lock(&mut tx, TENANT, &waiting).await.unwrap().unwrap();
    let first = attempts::list(&mut tx, TENANT, &waiting).await.unwrap().remove(0);
    let (finished_at, outcome, failure, decision) = (None, None, None, None);
    let unfinished = AttemptRow { number: 2, finished_at, outcome, failure, decision, ..first };
    attempts::insert(&mut tx, &unfinished).await.unwrap();
    row.status = MessageStatus::Sending;
    row.attempts = 2;
    row.physical_messages = 1;
    row.next_attempt_at = None;
    row.lease = Some(Lease { process: "p-that-has-ended".to_owned(), claim: 1 });
    assert!(messages::update(&mut tx, &row, None).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(tries_left(fixture.check(&id, &wrong(&[&code])).await), 4);
    // The next process finds the attempt, and does not know what the provider received.
    assert_eq!(fixture.until_final(&waiting).await.status, MessageStatus::InDoubt);
    tries_left(fixture.check(&id, &code).await);
}

async fn while_a_resend_is_on_its_way_both_codes_are_tried_together(database: &Database) {
    let fixture = TestService::new(database).await;
    // What is typed while the second message is on its way, and whether it approves. Three tries of the first code are used up.
    for case in 0..4 {
        fixture.clock.advance_millis(1000);
        let (id, first) = start(&fixture).await;
        for _ in 0..3 {
            tries_left(fixture.check(&id, &wrong(&[&first])).await);
        }
        fault(&fixture, "twilio=stall,times=1");
        let mut arrivals = fixture.simulator.subscribe();
        let (service, of) = (fixture.service.clone(), id.clone());
        let sending =
            tokio::spawn(async move { service.resend_verification(ADMIN, TENANT, &of, Resend::default(), None).await });
        arrivals.recv().await.unwrap();
        let second = fixture.received_code(NUMBER);
        let guess = wrong(&[&first, &second]);
        match case {
            0 => drop(fixture.check(&id, &first).await.unwrap()),
            1 => drop(fixture.check(&id, &second).await.unwrap()),
            2 => {
                // Two more guesses are the last ones at the first code, and the first ones at the second.
                assert_eq!(tries_left(fixture.check(&id, &guess).await), 4);
                assert_eq!(tries_left(fixture.check(&id, &guess).await), 3);
                if first != second {
                    assert_eq!(tries_left(fixture.check(&id, &first).await), 2);
                }
                fixture.check(&id, &second).await.unwrap();
            }
            _ => {
                for left in (0..5).rev() {
                    assert_eq!(tries_left(fixture.check(&id, &guess).await), left);
                }
                for code in [&first, &second] {
                    let exhausted = fixture.check(&id, code).await.unwrap_err();
                    assert!(matches!(exhausted, Error::VerificationEnded(_)), "{exhausted}");
                }
            }
        }
        sending.abort();
    }
}

async fn a_repeated_check_is_no_guess_at_a_later_code(database: &Database) {
    let fixture = TestService::new(database).await;
    let check = async |id: &str, code: &str, key: &str| {
        let check = sendbox_domain::model::Check { code: Sensitive::from(code) };
        fixture.service.check_verification(ADMIN, TENANT, id, check, Some(key)).await
    };
    let (id, first) = start(&fixture).await;
    let guess = wrong(&[&first]);
    assert_eq!(tries_left(check(&id, &guess, "guess").await), 4);
    // Codes that were sent and withdrawn do not make a later one look like an earlier one.
    fault(&fixture, REFUSED);
    not_sent(resend(&fixture, &id, Mode::Sync).await);
    assert_eq!(tries_left(check(&id, &guess, "guess").await), 4);
    resend(&fixture, &id, Mode::Sync).await.unwrap();
    let second = fixture.received_code(NUMBER);
    assert_eq!(tries_left(check(&id, &guess, "guess").await), 5, "no try of the second code");
    if second != first {
        assert_eq!(tries_left(check(&id, &first, "first").await), 4);
    }
    assert_eq!(check(&id, &second, "right").await.unwrap().status, VerificationStatus::Approved);
    assert_eq!(check(&id, &second, "right").await.unwrap().status, VerificationStatus::Approved);
}

async fn a_new_verification_that_was_not_sent_supersedes_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    let (first, code) = start(&fixture).await;
    // Refused by the provider, by our own breaker, and by a limit.
    fault(&fixture, REFUSED);
    let second = not_sent(fixture.start_verification(NUMBER).await);
    assert_eq!((second.status, second.sends_left), (VerificationStatus::Pending, 4));
    fault(&fixture, "twilio=code:20003,times=1");
    send(&fixture, TENANT, "+4587654321").await.unwrap_err();
    not_sent(fixture.start_verification(NUMBER).await);
    fixture.set_policy(TENANT, |policy| policy.limits.number_per_hour = 1).await;
    assert!(matches!(fixture.start_verification(NUMBER).await, Err(Error::Limited { .. })));
    let status = fixture.service.verification(ADMIN, TENANT, &first).await.unwrap().status;
    assert_eq!(status, VerificationStatus::Pending);
    fixture.check(&first, &code).await.unwrap();

    // Its next code is sent, and then counts.
    fixture.set_policy(TENANT, |policy| policy.limits.number_per_hour = 100).await;
    // Another revision of the connection has another breaker.
    fixture.service.save_connection(ADMIN, TENANT, "main", twilio()).await.unwrap();
    let (third, code) = {
        fault(&fixture, REFUSED);
        let third = not_sent(fixture.start_verification(NUMBER).await).id;
        resend(&fixture, &third, Mode::Sync).await.unwrap();
        (third, fixture.received_code(NUMBER))
    };
    let status = fixture.service.verification(ADMIN, TENANT, &second.id).await.unwrap().status;
    assert_eq!(status, VerificationStatus::Superseded);
    fixture.check(&third, &code).await.unwrap();
}

async fn a_new_verification_supersedes_when_it_may_have_left(database: &Database) {
    let fixture = TestService::new(database).await;
    let status = async |id: &str| fixture.service.verification(ADMIN, TENANT, id).await.unwrap().status;
    let (first, _) = start(&fixture).await;
    fault(&fixture, LATER);
    let second = fixture.start_verification(NUMBER).await.unwrap();
    assert_eq!(status(&first).await, VerificationStatus::Pending, "the second message has not left");
    // A message that waits is not sent when a later verification was accepted.
    let later = NewVerification { mode: Mode::Async, ..verification(NUMBER) };
    let third = fixture.service.start_verification(ADMIN, TENANT, later, None).await.unwrap();
    assert_eq!(fixture.until_final(&third.message.unwrap().id).await.status, MessageStatus::Accepted);
    assert_eq!(status(&first).await, VerificationStatus::Superseded);
    assert_eq!(status(&second.id).await, VerificationStatus::Superseded);
    fixture.clock.advance_millis(31_000);
    assert_eq!(fixture.until_final(&second.message.unwrap().id).await.status, MessageStatus::Cancelled);
    assert_eq!(fixture.received_count(NUMBER), 2);
    fixture.check(&third.id, &fixture.received_code(NUMBER)).await.unwrap();
}

async fn what_was_not_sent_gives_its_places_back(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("other", Environment::Development).await;
    fixture
        .set_policy(TENANT, |policy| {
            policy.limits = LimitPolicy {
                number_per_hour: 2,
                number_per_day: 2,
                prefix_per_hour: 2,
                cooldown_seconds: 30,
                ..policy.limits
            };
        })
        .await;
    for _ in 0..2 {
        fault(&fixture, REFUSED);
        send(&fixture, TENANT, NUMBER).await.unwrap_err();
    }
    // The limits have two places, and the first pause is as long as ever.
    send(&fixture, TENANT, NUMBER).await.unwrap();
    assert_eq!(limited(send(&fixture, TENANT, NUMBER).await), LimitName::Cooldown);
    fixture.clock.advance_millis(30_000);
    send(&fixture, TENANT, NUMBER).await.unwrap();
    fixture.clock.advance_millis(600_000);
    assert_eq!(limited(send(&fixture, TENANT, NUMBER).await), LimitName::NumberPerDay);
    // What another tenant gets back is its own.
    fault(&fixture, REFUSED);
    send(&fixture, "other", NUMBER).await.unwrap_err();
    assert_eq!(limited(send(&fixture, TENANT, NUMBER).await), LimitName::NumberPerDay);
}

async fn no_limit_gives_back_without_end(database: &Database) {
    type Change = fn(&mut LimitPolicy);
    let cases: [(Change, usize, LimitName); 5] = [
        (|limits| limits.number_per_hour = 3, 6, LimitName::NumberPerHour),
        (|limits| limits.number_per_day = 2, 4, LimitName::NumberPerDay),
        (|limits| limits.ip_per_hour = 2, 4, LimitName::IpPerHour),
        // These count requests, whatever becomes of them.
        (|limits| limits.tenant_per_minute = 3, 3, LimitName::TenantPerMinute),
        (|limits| limits.connection_per_minute = 3, 3, LimitName::ConnectionPerMinute),
    ];
    let fixture = TestService::without_tenants(database).await;
    fault(&fixture, "twilio=code:21211");
    for (change, expected, limit) in cases {
        let tenant = limit.as_str();
        fixture.add_tenant(tenant, Environment::Development).await;
        fixture.set_policy(tenant, |policy| change(&mut policy.limits)).await;
        let mut attempts = 0;
        let reached = loop {
            // Whoever tries many numbers from one address gets no further than with one.
            let number = match limit {
                LimitName::IpPerHour => format!("+4512{attempts:03}678"),
                _ => NUMBER.to_owned(),
            };
            let new = NewMessage { client_ip: Some(Sensitive::from("192.0.2.7")), ..message(&number, "123456") };
            match fixture.service.send_message(ADMIN, tenant, new, None).await {
                Err(Error::NotSent { .. }) => attempts += 1,
                Err(Error::Limited { limit, .. }) => break limit,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((attempts, reached), (expected, limit));
    }
}

async fn what_may_have_left_gives_nothing_back(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.set_policy(TENANT, |policy| policy.limits.number_per_hour = 1).await;
    fault(&fixture, "twilio=reset-after,times=1");
    assert_eq!(send(&fixture, TENANT, NUMBER).await.unwrap().status, MessageStatus::InDoubt);
    assert_eq!(limited(send(&fixture, TENANT, NUMBER).await), LimitName::NumberPerHour);
}

async fn a_test_that_was_not_sent_gives_its_places_back(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.set_policy(TENANT, |policy| policy.limits.cooldown_seconds = 30).await;
    let test = async || {
        let test = test_of_main(NUMBER);
        fixture.service.test_connection(ADMIN, TENANT, test).await
    };
    fault(&fixture, "twilio=code:20003,times=1");
    assert_eq!(test().await.unwrap().outcome, TestOutcome::Failed);
    // The credentials are corrected, and the test is repeated at once.
    fault(&fixture, "twilio=reset-after,times=1");
    assert_eq!(test().await.unwrap().outcome, TestOutcome::InDoubt);
    let refused = test().await.err().unwrap();
    assert!(matches!(refused, Error::Limited { limit: LimitName::Cooldown, .. }), "{refused}");
}

async fn a_clock_that_was_ahead_closes_no_limit(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture
        .set_policy(TENANT, |policy| {
            policy.limits =
                LimitPolicy { number_per_hour: 1, number_per_day: 9, cooldown_seconds: 30, ..policy.limits };
        })
        .await;
    const YEAR: i64 = 365 * 24 * 3_600_000;
    fixture.clock.advance_millis(YEAR);
    send(&fixture, TENANT, NUMBER).await.unwrap();
    fixture.clock.advance_millis(-YEAR);
    let refused = send(&fixture, TENANT, NUMBER).await.unwrap_err();
    let Error::Limited { limit: LimitName::NumberPerHour, retry_after: Some(seconds) } = refused else {
        panic!("{refused:?}")
    };
    assert!(seconds <= 3660, "{seconds}");
    // Closed until then, and open from then on.
    fixture.clock.advance_millis(i64::try_from(seconds).unwrap() * 1000 - 1000);
    assert_eq!(limited(send(&fixture, TENANT, NUMBER).await), LimitName::NumberPerHour);
    fixture.clock.advance_millis(1000);
    send(&fixture, TENANT, NUMBER).await.unwrap();
}
