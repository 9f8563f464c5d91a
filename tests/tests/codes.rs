//! A code verifies once, and guessing is counted: promises P1, P2, P5 and P6.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use futures_util::future::join_all;
use sendbox_domain::LimitName;
use sendbox_domain::model::{Check, Environment, Resend, Sensitive, TestNumber, TestNumbers, VerificationStatus};
use sendbox_service::{Caller, Error};
use sendbox_store::rows::VerificationRow;
use sendbox_store::verifications;
use sendbox_tests::test_service::{TENANT, TestService, verification};
use sendbox_tests::{Database, on_every_database};

const NUMBER: &str = "+4512345678";
const ADMIN: &Caller = &Caller::Platform;

on_every_database!(
    a_code_is_sent_and_verified,
    one_of_a_thousand_correct_checks_succeeds,
    wrong_codes_are_checked_only_as_often_as_allowed,
    a_new_request_does_not_reset_failed_tries,
    a_locked_number_opens_after_a_day,
    a_correct_code_resets_the_count_of_the_number,
    a_resend_creates_a_new_code_and_invalidates_the_old_one,
    resends_run_out,
    a_check_whose_response_was_lost_is_repeated,
    a_repeated_check_is_no_guess_at_a_later_code,
    a_resend_whose_response_was_lost_is_repeated,
    a_code_expires,
    a_cancelled_or_superseded_code_verifies_nothing,
    a_code_belongs_to_its_tenant_and_verification,
    a_test_number_receives_nothing_and_verifies_with_its_fixed_code,
    codes_survive_a_restart
);

/// A wrong code.
fn wrong(code: &str) -> String {
    let last = code.chars().last().unwrap();
    format!("{}{}", &code[..code.len() - 1], if last == '0' { '1' } else { '0' })
}

fn ended(error: &Error) -> Option<VerificationStatus> {
    match error {
        Error::VerificationEnded(verification) => Some(verification.status),
        _ => None,
    }
}

async fn a_code_is_sent_and_verified(database: &Database) {
    let fixture = TestService::new(database).await;
    let started = fixture.start_verification(NUMBER).await.unwrap();
    assert_eq!(started.status, VerificationStatus::Pending);
    assert_eq!((started.to.as_str(), started.tries_left), ("+45…78", 5));
    let code = fixture.received_code(NUMBER);
    assert_eq!(code.len(), 6);

    let refused = fixture.check(&started.id, &wrong(&code)).await.unwrap_err();
    assert!(matches!(refused, Error::WrongCode { tries_left: 4 }), "{refused}");
    // As people type it.
    let typed = format!(" {}-{} ", &code[..3], &code[3..]);
    let approved = fixture.check(&started.id, &typed).await.unwrap();
    assert_eq!(approved.status, VerificationStatus::Approved);
    let again = fixture.check(&started.id, &code).await.unwrap_err();
    assert_eq!(ended(&again), Some(VerificationStatus::Approved));
}

async fn one_of_a_thousand_correct_checks_succeeds(database: &Database) {
    let fixture = TestService::new(database).await;
    for round in 0..3 {
        let number = format!("+45123456{round:02}");
        let id = fixture.start_verification(&number).await.unwrap().id;
        let code = fixture.received_code(&number);
        let checks = (0..1000).map(|_| {
            let (service, id, code) = (fixture.service.clone(), id.clone(), code.clone());
            tokio::spawn(async move {
                let check = Check { code: Sensitive::from(code.as_str()) };
                service.check_verification(ADMIN, TENANT, &id, check, None).await
            })
        });
        let results = join_all(checks).await;
        let approved = results.iter().filter(|result| result.as_ref().unwrap().is_ok()).count();
        assert_eq!(approved, 1, "round {round}");
    }
}

async fn wrong_codes_are_checked_only_as_often_as_allowed(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    let guess = wrong(&code);
    let results = join_all((0..200).map(|_| fixture.check(&id, &guess))).await;
    let mut left: Vec<u32> = results
        .iter()
        .filter_map(|result| match result {
            Err(Error::WrongCode { tries_left }) => Some(*tries_left),
            Err(Error::VerificationEnded(_)) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    left.sort_unstable();
    assert_eq!(left, [0, 1, 2, 3, 4]);
    // The correct code comes too late.
    let late = fixture.check(&id, &code).await.unwrap_err();
    assert_eq!(ended(&late), Some(VerificationStatus::Exhausted));
}

async fn a_new_request_does_not_reset_failed_tries(database: &Database) {
    let fixture = TestService::new(database).await;
    let locked = |error: &Error| match error {
        Error::Limited { limit: LimitName::RecipientFailures, retry_after: Some(seconds) } => *seconds,
        other => panic!("{other:?}"),
    };
    // 100 failed checks. Of the last verification, some tries are left.
    let mut last = (String::new(), String::new());
    for checks in [5; 19].into_iter().chain([4, 1]) {
        let id = fixture.start_verification(NUMBER).await.unwrap().id;
        let code = fixture.received_code(NUMBER);
        for _ in 0..checks {
            assert!(matches!(fixture.check(&id, &wrong(&code)).await, Err(Error::WrongCode { .. })));
        }
        last = (id, code);
    }
    // Not even the right code helps now, so none is sent, and nothing is charged.
    let (id, code) = last;
    locked(&fixture.check(&id, &code).await.unwrap_err());
    let sent = fixture.received_count(NUMBER);
    locked(&fixture.start_verification(NUMBER).await.unwrap_err());
    locked(&fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await.unwrap_err());
    fixture.set_policy(TENANT, |policy| policy.limits.number_per_hour = 22).await;
    let seconds = locked(&fixture.start_verification(NUMBER).await.unwrap_err());
    assert_eq!(fixture.received_count(NUMBER), sent);
    // Other numbers and tenants are not locked; and a person opens it, with the tries that were left.
    fixture.add_tenant("other", Environment::Development).await;
    fixture.service.start_verification(ADMIN, "other", verification(NUMBER), None).await.unwrap();
    fixture.start_verification("+4587654321").await.unwrap();
    let before = fixture.service.verification(ADMIN, TENANT, &id).await.unwrap();
    assert_eq!(before.tries_left, 4);
    fixture.service.unlock_number(ADMIN, TENANT, Sensitive::from(NUMBER)).await.unwrap();
    fixture.check(&id, &code).await.unwrap();
    assert!((24 * 3600..=24 * 3600 + 1440).contains(&seconds), "{seconds}");
}

async fn a_locked_number_opens_after_a_day(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.set_policy(TENANT, |policy| policy.codes.max_tries = 10).await;
    let fail = async || {
        let id = fixture.start_verification(NUMBER).await?.id;
        let guess = wrong(&fixture.received_code(NUMBER));
        for _ in 0..10 {
            match fixture.check(&id, &guess).await {
                Err(Error::WrongCode { .. }) => {}
                other => drop(other?),
            }
        }
        Ok::<(), Error>(())
    };
    for _ in 0..5 {
        fail().await.unwrap();
    }
    fixture.clock.advance_millis(12 * 3_600_000);
    for _ in 0..5 {
        fail().await.unwrap();
    }
    let Err(Error::Limited { limit: LimitName::RecipientFailures, retry_after: Some(seconds) }) = fail().await else {
        panic!("it is not locked")
    };
    fixture.clock.advance_millis(i64::try_from(seconds).unwrap() * 1000 - 1000);
    fail().await.unwrap_err();
    fixture.clock.advance_millis(1000);
    // The failures of the first half have ended, those of the second count: never more than a hundred in a day.
    for _ in 0..5 {
        fail().await.unwrap();
    }
    fail().await.unwrap_err();
}

async fn a_correct_code_resets_the_count_of_the_number(database: &Database) {
    let fixture = TestService::new(database).await;
    for _ in 0..25 {
        let id = fixture.start_verification(NUMBER).await.unwrap().id;
        let code = fixture.received_code(NUMBER);
        for _ in 0..4 {
            assert!(matches!(fixture.check(&id, &wrong(&code)).await, Err(Error::WrongCode { .. })));
        }
        fixture.check(&id, &code).await.unwrap();
    }
}

async fn a_resend_creates_a_new_code_and_invalidates_the_old_one(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let first = fixture.received_code(NUMBER);
    assert!(matches!(fixture.check(&id, &wrong(&first)).await, Err(Error::WrongCode { tries_left: 4 })));
    let resent = fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await.unwrap();
    assert_eq!((resent.sends_left, resent.tries_left), (2, 5));
    let second = fixture.received_code(NUMBER);
    // Both codes are equal once in a million times: then the test shows nothing, and nothing is wrong.
    if first != second {
        assert!(matches!(fixture.check(&id, &first).await, Err(Error::WrongCode { .. })));
    }
    fixture.check(&id, &second).await.unwrap();
    let late = fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await.unwrap_err();
    assert_eq!(ended(&late), Some(VerificationStatus::Approved));
    assert_eq!(fixture.received_count(NUMBER), 2);
}

async fn a_check_whose_response_was_lost_is_repeated(database: &Database) {
    let fixture = TestService::new(database).await;
    let check = async |id: &str, code: &str, key: &str| {
        let check = Check { code: Sensitive::from(code) };
        fixture.service.check_verification(ADMIN, TENANT, id, check, Some(key)).await
    };
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    // A wrong code is counted once.
    for _ in 0..3 {
        let refused = check(&id, &wrong(&code), "guess").await.unwrap_err();
        assert!(matches!(refused, Error::WrongCode { tries_left: 4 }), "{refused}");
    }
    // The key belongs to that code.
    assert!(matches!(check(&id, &code, "guess").await, Err(Error::IdempotencyMismatch)));
    let approved = check(&id, &code, "right").await.unwrap();
    assert_eq!(approved.status, VerificationStatus::Approved);
    assert_eq!(check(&id, &code, "right").await.unwrap(), approved);
    // Nobody else is told that the code was right, not even with a key that was used before the approval.
    assert_eq!(ended(&check(&id, &code, "other").await.unwrap_err()), Some(VerificationStatus::Approved));
    assert_eq!(ended(&fixture.check(&id, &code).await.unwrap_err()), Some(VerificationStatus::Approved));

    // A key whose check was counted, and which another check overtook.
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    assert!(matches!(check(&id, &wrong(&code), "early").await, Err(Error::WrongCode { .. })));
    fixture.check(&id, &code).await.unwrap();
    assert!(check(&id, &wrong(&code), "early").await.is_err());
}

/// Not even if the later code is the one that was typed.
async fn a_repeated_check_is_no_guess_at_a_later_code(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let first = fixture.received_code(NUMBER);
    let mut tx = fixture.store.begin().await.unwrap();
    let first_mac = verifications::get(&mut tx, TENANT, &id).await.unwrap().unwrap().code_mac;
    drop(tx);
    let resend = async || fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await;
    let check = async |key| {
        let check = Check { code: Sensitive::from(first.as_str()) };
        fixture.service.check_verification(ADMIN, TENANT, &id, check, Some(key)).await
    };
    resend().await.unwrap();
    assert!(matches!(check("early").await, Err(Error::WrongCode { tries_left: 4 })));
    resend().await.unwrap();
    // The third code happens to be the first one again.
    let mut tx = fixture.store.begin().await.unwrap();
    let row = verifications::lock(&mut tx, TENANT, &id).await.unwrap().unwrap();
    assert!(verifications::update_codes(&mut tx, &VerificationRow { code_mac: first_mac, ..row }).await.unwrap());
    tx.commit().await.unwrap();
    assert!(matches!(check("early").await, Err(Error::WrongCode { tries_left: 5 })), "counted for the second code");
    assert_eq!(check("late").await.unwrap().status, VerificationStatus::Approved);
}

async fn a_resend_whose_response_was_lost_is_repeated(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let resend =
        async |key| fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), Some(key)).await;
    let first = resend("once").await.unwrap();
    let code = fixture.received_code(NUMBER);
    let again = resend("once").await.unwrap();
    assert_eq!((again.sends_left, again.message), (first.sends_left, first.message));
    assert_eq!(fixture.received_count(NUMBER), 2, "the first code and one resend");
    let next = resend("twice").await.unwrap();
    assert_eq!((next.sends_left, fixture.received_count(NUMBER)), (first.sends_left - 1, 3));
    // The response to the first resend does not bring its code back.
    resend("once").await.unwrap();
    assert!(matches!(fixture.check(&id, &code).await, Err(Error::WrongCode { .. })));
    fixture.check(&id, &fixture.received_code(NUMBER)).await.unwrap();
}

async fn resends_run_out(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    for _ in 0..3 {
        fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await.unwrap();
    }
    let refused = fixture.service.resend_verification(ADMIN, TENANT, &id, Resend::default(), None).await.unwrap_err();
    assert!(matches!(refused, Error::Limited { limit: LimitName::SendsOfVerification, retry_after: None }));
    assert_eq!(fixture.received_count(NUMBER), 4);
}

async fn a_code_expires(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    fixture.clock.advance_millis(600_000 - 1);
    assert!(matches!(fixture.check(&id, &wrong(&code)).await, Err(Error::WrongCode { .. })));
    fixture.clock.advance_millis(1);
    assert_eq!(ended(&fixture.check(&id, &code).await.unwrap_err()), Some(VerificationStatus::Expired));
    assert_eq!(fixture.service.verification(ADMIN, TENANT, &id).await.unwrap().status, VerificationStatus::Expired);
}

async fn a_cancelled_or_superseded_code_verifies_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    let first = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    let second = fixture.start_verification(NUMBER).await.unwrap().id;
    assert_eq!(ended(&fixture.check(&first, &code).await.unwrap_err()), Some(VerificationStatus::Superseded));
    let code = fixture.received_code(NUMBER);
    fixture.service.cancel_verification(ADMIN, TENANT, &second).await.unwrap();
    assert_eq!(ended(&fixture.check(&second, &code).await.unwrap_err()), Some(VerificationStatus::Cancelled));
    // Cancelling twice is not an error; cancelling an approved verification is.
    fixture.service.cancel_verification(ADMIN, TENANT, &second).await.unwrap();
}

async fn a_code_belongs_to_its_tenant_and_verification(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("other", Environment::Development).await;
    let mine = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    let check = || Check { code: Sensitive::from(code.as_str()) };
    let elsewhere = fixture.service.check_verification(ADMIN, "other", &mine, check(), None).await.unwrap_err();
    assert!(matches!(elsewhere, Error::NotFound(_)));
    // The same number and usage of another tenant is independent.
    let theirs = fixture.service.start_verification(ADMIN, "other", verification(NUMBER), None).await.unwrap().id;
    let other_code = fixture.received_code(NUMBER);
    if code != other_code {
        let refused = fixture.service.check_verification(ADMIN, "other", &theirs, check(), None).await.unwrap_err();
        assert!(matches!(refused, Error::WrongCode { .. }));
    }
    fixture.check(&mine, &code).await.unwrap();
}

async fn a_test_number_receives_nothing_and_verifies_with_its_fixed_code(database: &Database) {
    let fixture = TestService::new(database).await;
    let number = TestNumber { number: Sensitive::from("+45 12 34 56 78"), code: Sensitive::from("424242") };
    let shown = fixture.service.set_test_numbers(ADMIN, TENANT, TestNumbers { numbers: vec![number] }).await.unwrap();
    assert_eq!(shown.numbers, ["+45…78"]);
    // Exempt from limits.
    fixture.set_policy(TENANT, |policy| policy.limits.number_per_hour = 1).await;
    for _ in 0..3 {
        let started = fixture.start_verification(NUMBER).await.unwrap();
        assert!(started.test);
        assert!(matches!(fixture.check(&started.id, "424243").await, Err(Error::WrongCode { .. })));
        fixture.check(&started.id, "424242").await.unwrap();
    }
    assert_eq!(fixture.received_count(NUMBER), 0);
}

async fn codes_survive_a_restart(database: &Database) {
    let fixture = TestService::new(database).await;
    let id = fixture.start_verification(NUMBER).await.unwrap().id;
    let code = fixture.received_code(NUMBER);
    let fixture = fixture.restart().await;
    assert!(matches!(fixture.check(&id, &wrong(&code)).await, Err(Error::WrongCode { tries_left: 4 })));
    fixture.check(&id, &code).await.unwrap();
}
