//! Versions outlive their process, and other processes see releases and rollbacks.

use sendbox_domain::model::{AttemptOutcome, CanaryStart, MessageStatus, VersionState};
use sendbox_store::rows::{AttemptRow, Lease, MessageRow};
use sendbox_store::{attempts, messages, processes, versions};
use sendbox_tests::test_service::{TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, version};
use sendbox_tests::{Database, on_every_database};

use crate::harness::{
    ADMIN, activate, checked, met, release, release_of, send, service_with_connector, until, upload, upload_for,
};

/// The id of a process that has ended.
const DEAD: &str = "p-that-is-gone";

on_every_database!(
    versions_and_decisions_survive_a_restart,
    another_process_sees_decisions,
    an_abandoned_check_is_resumed,
    a_check_that_crashes_each_time_is_given_up,
    a_version_that_a_transaction_needs_is_loaded
);

async fn versions_and_decisions_survive_a_restart(database: &Database) {
    let (first, second, third) = (version(1, "honest"), version(2, "honest"), version(3, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    upload(&fixture, &third).await;
    upload_for(&fixture, Some(TENANT), &version(9, "trap")).await;
    activate(&fixture, &second).await.unwrap();
    let start = CanaryStart { digest: digest(&third), percent: 50, generation: None };
    fixture.service.start_canary(ADMIN, None, ID, start).await.unwrap();
    let before = release(&fixture).await;
    let fixture = fixture.restart().await;
    let after = release(&fixture).await;
    assert_eq!((&after.active, &after.previous, &after.canary), (&before.active, &before.previous, &before.canary));
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!(sent.status.as_str(), "accepted");
    let met = met(&fixture, &sent.id).await;
    assert!(met[0] == digest(&second) || met[0] == digest(&third));
}

/// Two processes on one store: a change in one applies to the next message of the other.
async fn another_process_sees_decisions(database: &Database) {
    let (first, second, bad) = (version(1, "honest"), version(2, "honest"), version(3, "trap"));
    let fixture = service_with_connector(database, &first).await;
    let other = fixture.second_instance().await;
    upload(&fixture, &second).await;
    upload(&fixture, &bad).await;
    let send_there = async |number: u64| {
        let new = sendbox_tests::test_service::message(&format!("+45{number}"), "314159");
        other.send_message(ADMIN, TENANT, new, None).await.unwrap()
    };
    assert_eq!(send_there(20_000_001).await.attempts[0].connector_digest, digest(&first));
    activate(&fixture, &second).await.unwrap();
    assert_eq!(send_there(20_000_002).await.attempts[0].connector_digest, digest(&second));
    assert_eq!(other.release(ADMIN, None, ID).await.unwrap().active, digest(&second));
    // A failure there rolls back both.
    activate(&fixture, &bad).await.unwrap();
    let rescued = send_there(20_000_003).await;
    assert_eq!(rescued.status.as_str(), "accepted");
    until("the version is rolled back", || async {
        (release_of(&fixture, TENANT).await.active == digest(&second)).then_some(())
    })
    .await;
    let sent = send(&fixture, 20_000_004).await;
    assert_eq!(met(&fixture, &sent.id).await, [digest(&second)]);
    other.stop(std::time::Duration::from_secs(20)).await;
}

/// A crash between the response to an upload and the end of its check.
async fn an_abandoned_check_is_resumed(database: &Database) {
    let fixture = TestService::new(database).await;
    let file = version(1, "honest");
    upload(&fixture, &file).await;
    // As the process left it: on disk, leased, unchecked.
    let mut tx = fixture.store.begin().await.unwrap();
    let row = versions::lock(&mut tx, "", &digest(&file)).await.unwrap().unwrap();
    versions::update(&mut tx, &versions_row_left(row, 1)).await.unwrap();
    processes::insert(&mut tx, DEAD).await.unwrap();
    sendbox_store::releases::delete(&mut tx, "", ID).await.unwrap();
    tx.commit().await.unwrap();
    let fixture = fixture.restart().await;
    fixture.notice_the_dead().await;
    let version = checked(&fixture, None, &digest(&file)).await;
    assert_eq!(version.state, VersionState::Ready);
    assert_eq!(release(&fixture).await.active, digest(&file));
}

async fn a_check_that_crashes_each_time_is_given_up(database: &Database) {
    let fixture = TestService::new(database).await;
    let file = version(1, "honest");
    upload(&fixture, &file).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let row = versions::lock(&mut tx, "", &digest(&file)).await.unwrap().unwrap();
    versions::update(&mut tx, &versions_row_left(row, 3)).await.unwrap();
    tx.commit().await.unwrap();
    let refused = until("it is given up", || async {
        let version = fixture.service.uploaded(ADMIN, None, &digest(&file)).await.unwrap();
        (version.state == VersionState::Refused).then_some(version)
    })
    .await;
    assert!(refused.refusal.unwrap().contains("ended 3 times"));
}

/// An attempt that a crash has cut is judged by the version that sent it, even if that sends no more and is not loaded.
async fn a_version_that_a_transaction_needs_is_loaded(database: &Database) {
    let files = [version(1, "honest"), version(2, "honest"), version(3, "honest")];
    let fixture = service_with_connector(database, &files[0]).await;
    for file in &files[1..] {
        upload(&fixture, file).await;
        activate(&fixture, file).await.unwrap();
    }
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let id = send(&fixture, 12_345_678).await.id;
    let mut tx = fixture.store.begin().await.unwrap();
    let row = messages::lock(&mut tx, TENANT, &id).await.unwrap().unwrap();
    assert_eq!(row.status, MessageStatus::Queued);
    let begun = attempts::list(&mut tx, TENANT, &id).await.unwrap().remove(0);
    let cut = AttemptRow {
        number: 2,
        digest: digest(&files[0]),
        finished_at: None,
        outcome: None,
        failure: None,
        decision: None,
        ..begun
    };
    attempts::insert(&mut tx, &cut).await.unwrap();
    let sending = MessageRow {
        status: MessageStatus::Sending,
        attempts: 2,
        physical_messages: 1,
        next_attempt_at: None,
        lease: Some(Lease { process: DEAD.to_owned(), claim: 1 }),
        ..row
    };
    processes::insert(&mut tx, DEAD).await.unwrap();
    assert!(messages::update(&mut tx, &sending, None).await.unwrap());
    tx.commit().await.unwrap();
    // No message may continue with the first version, and a new process does not load it.
    fixture.clock.advance_millis(120_000);
    let fixture = fixture.restart().await;
    fixture.notice_the_dead().await;
    let ended = until("the attempt is judged", || async {
        let message = fixture.service.message(ADMIN, TENANT, &id).await.unwrap();
        message.status.is_final().then_some(message)
    })
    .await;
    assert_eq!((ended.status, ended.attempts.len()), (MessageStatus::InDoubt, 2));
    assert_eq!(ended.attempts[1].outcome, Some(AttemptOutcome::InDoubt));
}

fn versions_row_left(row: sendbox_store::rows::VersionRow, checks: u32) -> sendbox_store::rows::VersionRow {
    sendbox_store::rows::VersionRow {
        state: VersionState::Checking,
        connector: None,
        description: None,
        checks,
        lease: Some(Lease { process: DEAD.to_owned(), claim: 1 }),
        ..row
    }
}
