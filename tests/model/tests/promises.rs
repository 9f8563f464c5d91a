//! Every state of the models keeps the promises, and each guard that is taken away is noticed, with a history that can be read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fmt::Write as _;

use sendbox_domain::model::MessageStatus;
use sendbox_model::lease::LeaseModel;
use sendbox_model::message::{Config, Start};
use sendbox_model::verification::VerificationModel;
use sendbox_model::{Fault, Model, search};

/// A search that needs more states than this is too long for CI.
const MAX_STATES: usize = 1_000_000;

fn exhaust(name: &str, model: &impl Model) -> usize {
    match search(model, MAX_STATES) {
        Ok(report) => {
            println!("{name}: {report}");
            report.states
        }
        Err(found) => panic!("{name}: {found}"),
    }
}

#[test]
fn a_process_that_is_taken_for_dead_does_not_act() {
    assert!(exhaust("leases", &LeaseModel::BASE) > 10_000);
    assert!(exhaust("leases, with a suspension of both", &LeaseModel::SUSPENDED) > 10_000);
}

#[test]
fn messages_keep_their_promises() {
    let mut states = 0;
    for config in Config::all() {
        let name = format!("{}, {} crashes, {} suspensions", config.name, config.crashes, config.sleeps);
        states += exhaust(&name, &config);
    }
    println!("messages: {states} states in all");
    assert!(states > 100_000, "the models have become smaller: {states}");
}

#[test]
fn verifications_keep_their_promises() {
    assert!(exhaust("verifications", &VerificationModel::BASE) > 10_000);
}

/// A search that cannot reach an end shows nothing about it.
#[test]
fn messages_come_to_every_end() {
    let ends = [
        ("accepted", MessageStatus::Accepted),
        ("failed", MessageStatus::Failed),
        ("in doubt", MessageStatus::InDoubt),
        ("expired", MessageStatus::Expired),
        ("cancelled", MessageStatus::Cancelled),
    ];
    let config = Config { has_verification: true, sleeps: 0, ..Config::BASE };
    for (name, status) in ends {
        let found = search(&Reaches { config, status }, MAX_STATES).unwrap_err();
        assert!(found.promise.ends_with("reached."), "{name}: {found}");
    }
}

/// A model whose promise is that no message ends with a status.
struct Reaches {
    config: Config,
    status: MessageStatus,
}

impl Model for Reaches {
    type State = <Config as Model>::State;

    fn initial(&self) -> Vec<Self::State> {
        self.config.initial()
    }

    fn steps(&self, state: &Self::State) -> Vec<(String, Self::State)> {
        self.config.steps(state)
    }

    fn broken(&self, state: &Self::State) -> Option<String> {
        (state.row.status == self.status).then(|| "The status is reached.".to_owned())
    }

    fn broken_by_step(&self, _: &Self::State, _: &Self::State) -> Option<String> {
        None
    }

    fn is_final(&self, state: &Self::State) -> bool {
        self.config.is_final(state)
    }
}

fn found(model: &impl Model, promise: &str, histories: &mut String) {
    let found = search(model, MAX_STATES).expect_err(promise);
    writeln!(histories, "{}", found.promise).unwrap();
    for (number, step) in found.steps.iter().enumerate() {
        writeln!(histories, "{:>4}. {step}", number + 1).unwrap();
    }
    assert_eq!(found.promise, promise, "{found}");
}

/// Guards of messages that are taken away, and the promise that is broken then.
#[test]
fn each_guard_of_a_message_is_needed() {
    let silence = Config::BASE;
    let cancelled = Config { start: Start::Sync, has_verification: true, crashes: 0, sleeps: 0, ..silence };
    let reported = Config { reports: 1, connections: 1, crashes: 0, sleeps: 0, ..silence };
    let lost = "A message leaves from a process that no longer has its lease.";
    let mut histories = String::new();
    for (fault, config, promise) in [
        (Fault::LeaseNotChecked, silence, lost),
        (Fault::LeaseNotCompared, silence, "A message leaves after it has ended."),
        (Fault::LeasedMessageClaimed, silence, lost),
        (Fault::SentBeforeStored, silence, "A message leaves, and its attempt is not open in the journal."),
        (Fault::ExpiryCheckedTooEarly, silence, "A message leaves after it has expired."),
        (
            Fault::CancelledSendNotRevoked,
            cancelled,
            "A message leaves after the same process has cancelled its verification.",
        ),
        (Fault::CrashForgotten, silence, "The tenant prefers silence, and the phone receives two messages."),
        (Fault::ReportNotLocked, reported, "A report overtakes its message, and is never assigned to it."),
        (Fault::WaitingReportsIgnored, reported, "A report overtakes its message, and is never assigned to it."),
    ] {
        writeln!(histories, "\n{fault:?}").unwrap();
        found(&Config { fault: Some(fault), ..config }, promise, &mut histories);
    }
    println!("{histories}");
}

#[test]
fn each_guard_of_a_lease_is_needed() {
    let mut histories = String::new();
    for (fault, promise) in [
        (
            Fault::HeartbeatNotCompared,
            "A process that is suspended together with the others, or not at all, is taken for dead.",
        ),
        (Fault::ValidFromEnd, "A process acts under its leases although others have taken them over."),
    ] {
        writeln!(histories, "\n{fault:?}").unwrap();
        found(&LeaseModel { fault: Some(fault), ..LeaseModel::BASE }, promise, &mut histories);
    }
    println!("{histories}");
}

#[test]
fn each_guard_of_a_verification_is_needed() {
    let mut histories = String::new();
    for (fault, promise) in [
        (Fault::TryCountedAfterCheck, "A code is compared more often than the policy says."),
        (Fault::TriesNotBounded, "A code is compared more often than the policy says."),
        (Fault::PendingNotCompared, "A verification that has ended changes."),
        (Fault::CodeNotCompared, "A code approves after the message with a later one has left."),
        (Fault::EarlierCodeEndedAtOnce, "The code on the phone is not valid, and no later one has left."),
        (Fault::EarlierCodeKept, "A code approves after the message with a later one has left."),
    ] {
        writeln!(histories, "\n{fault:?}").unwrap();
        found(&VerificationModel { fault: Some(fault), ..VerificationModel::BASE }, promise, &mut histories);
    }
    println!("{histories}");
}
