//! Sending while versions change: canary shares, stickiness, automatic rollback, drain.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::model::{
    AuditFilter, CanaryStart, Environment, EventFilter, EventType, Message, NewWebhookEndpoint, Release, Timestamp,
    VersionActivation, VersionFault,
};
use sendbox_sandbox::FailureClass;
use sendbox_store::attempts;
use sendbox_store::attempts::VersionPeriod;
use sendbox_tests::test_service::{START, TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, input, version};
use sendbox_tests::{Database, on_every_database};

use serde_json::json;

use crate::harness::{
    ADMIN, activate, met, release, release_of, send, send_for, service_with_connector, until, upload, use_it,
};

on_every_database!(
    a_canary_gets_its_share_and_each_message_keeps_its_side,
    a_canary_that_traps_is_rolled_back_and_its_messages_are_sent,
    a_version_that_sometimes_loops_is_rolled_back,
    an_active_version_that_traps_is_rolled_back,
    a_version_that_fails_more_often_is_rolled_back,
    a_trap_after_the_message_is_out_is_in_doubt_and_ends_the_version,
    a_version_stays_when_the_previous_one_fails_too,
    a_version_that_fails_one_tenant_is_withdrawn_from_it_alone,
    a_parameter_that_is_too_long_is_no_fault_of_the_version,
    running_sends_may_finish_within_the_drain
);

fn start(component: &[u8], percent: u8) -> CanaryStart {
    CanaryStart { digest: digest(component), percent, generation: None }
}

/// Waits until a version has been rolled back for the only tenant that sends.
async fn rolled_back(fixture: &TestService, component: &[u8]) -> Release {
    let gone = digest(component);
    let taken = until("a version is rolled back", || async {
        let release = release_of(fixture, TENANT).await;
        release.last_rollback.as_ref().is_some_and(|rollback| rollback.from == gone).then_some(release)
    })
    .await;
    assert!(taken.last_rollback.as_ref().is_some_and(|rollback| rollback.automatic));
    taken
}

fn accepted(message: &Message) -> bool {
    message.status.as_str() == "accepted"
}

async fn a_canary_gets_its_share_and_each_message_keeps_its_side(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    fixture.service.start_canary(ADMIN, None, ID, start(&second, 50)).await.unwrap();
    let mut sides = BTreeMap::<String, u32>::new();
    for number in 0..60 {
        let message = send(&fixture, 20_000_000 + number).await;
        assert!(accepted(&message));
        *sides.entry(message.attempts[0].connector_digest.clone()).or_default() += 1;
    }
    // The chance of fewer than ten of sixty is one in a hundred million.
    assert!(sides.len() == 2 && sides.values().all(|count| *count >= 10), "{sides:?}");
    let comparison = release(&fixture).await.comparison.unwrap();
    for side in comparison.versions {
        assert_eq!(side.attempts, u64::from(sides[&side.digest]));
        assert_eq!((side.accepted, side.faults, side.success_rate), (side.attempts, 0, Some(1.0)));
    }
    let ended = fixture.service.end_canary(ADMIN, None, ID).await.unwrap();
    assert_eq!((ended.canary, ended.last_rollback), (None, None));
    assert_eq!(send(&fixture, 20_000_100).await.attempts[0].connector_digest, digest(&first));
}

async fn a_canary_that_traps_is_rolled_back_and_its_messages_are_sent(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "trap"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    fixture.service.start_canary(ADMIN, None, ID, start(&bad, 50)).await.unwrap();
    let mut through_bad = 0;
    for number in 0..20 {
        let message = send(&fixture, 20_000_000 + number).await;
        assert!(accepted(&message), "{message:?}");
        let met = met(&fixture, &message.id).await;
        assert_eq!(met.last(), Some(&digest(&first)));
        through_bad += usize::from(met.len() > 1);
        assert_eq!(fixture.received_count(&format!("+45{}", 20_000_000 + number)), 1, "one message, whatever happened");
    }
    let after = rolled_back(&fixture, &bad).await;
    assert!(through_bad > 0, "the canary sent no message");
    assert_eq!((after.active, after.canary), (digest(&first), None));
    let rollback = after.last_rollback.unwrap();
    assert!(rollback.reason.starts_with("it misbehaved in "));
    assert!(matches!(rollback.fault, Some(VersionFault::Misbehaved { .. })), "{rollback:?}");
}

async fn a_version_that_sometimes_loops_is_rolled_back(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "tenth"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    activate(&fixture, &bad).await.unwrap();
    for number in 0..200 {
        let message = send(&fixture, 20_000_000 + number).await;
        assert!(accepted(&message), "{message:?}");
        if release_of(&fixture, TENANT).await.active == digest(&first) {
            return;
        }
    }
    let after = rolled_back(&fixture, &bad).await;
    assert_eq!(after.active, digest(&first));
}

async fn an_active_version_that_traps_is_rolled_back(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "trap"));
    let fixture = service_with_connector(database, &first).await;
    let events = [EventType::VersionRolledBack].into_iter().collect();
    let endpoint = NewWebhookEndpoint { name: "stored".to_owned(), url: None, events };
    fixture.service.create_webhook_endpoint(ADMIN, TENANT, endpoint).await.unwrap();
    upload(&fixture, &bad).await;
    activate(&fixture, &bad).await.unwrap();
    let message = send(&fixture, 20_000_000).await;
    assert!(accepted(&message), "{message:?}");
    assert_eq!(met(&fixture, &message.id).await, [digest(&bad), digest(&first)]);
    assert!(message.attempts[0].decision.as_ref().unwrap().message.contains("the one before is asked"));
    let after = rolled_back(&fixture, &bad).await;
    assert_eq!((&after.active, &after.previous), (&digest(&first), &None));
    // The tenant is told, once.
    let events = fixture.service.events(ADMIN, TENANT, EventFilter::default()).await.unwrap().items;
    let told: Vec<_> = events.iter().map(|event| (event.kind, &event.data)).collect();
    let reason = after.last_rollback.unwrap().reason;
    let expected = json!({
        "tenant": TENANT, "connector": ID, "digest": digest(&bad), "active": digest(&first), "reason": reason,
    });
    assert_eq!(told, [(EventType::VersionRolledBack, &expected)]);
    assert_eq!(met(&fixture, &send(&fixture, 20_000_001).await.id).await, [digest(&first)]);
}

async fn a_version_that_fails_more_often_is_rolled_back(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "refuse"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    for number in 0..20 {
        assert!(accepted(&send(&fixture, 20_000_000 + number).await));
    }
    fixture.clock.advance_millis(1);
    activate(&fixture, &bad).await.unwrap();
    for number in 0..20 {
        let message = send(&fixture, 20_000_100 + number).await;
        assert!(accepted(&message), "the previous version takes over: {message:?}");
    }
    let after = rolled_back(&fixture, &bad).await;
    assert_eq!(after.active, digest(&first));
    let reason = after.last_rollback.unwrap().reason;
    assert!(reason.contains("failed"), "{reason}");
}

async fn a_trap_after_the_message_is_out_is_in_doubt_and_ends_the_version(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "late"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    activate(&fixture, &bad).await.unwrap();
    let message = send(&fixture, 20_000_000).await;
    assert_eq!(message.status.as_str(), "in-doubt", "{message:?}");
    assert_eq!(fixture.received_count("+4520000000"), 1, "and nothing is sent a second time");
    assert_eq!(rolled_back(&fixture, &bad).await.active, digest(&first));
}

/// The provider is down, which is no reason for a rollback.
async fn a_version_stays_when_the_previous_one_fails_too(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    fixture.service.start_canary(ADMIN, None, ID, start(&second, 50)).await.unwrap();
    fixture.simulator.inject_spec("twilio=code:30007,times=200".parse().unwrap()).unwrap();
    let mut met_versions = BTreeSet::new();
    for number in 0..20 {
        let message = send(&fixture, 20_000_000 + number).await;
        assert!(!accepted(&message));
        met_versions.extend(met(&fixture, &message.id).await);
    }
    // Two rounds of the release monitor: after that, the version has been judged.
    for number in 3..5 {
        upload(&fixture, &version(number, "honest")).await;
    }
    let after = release(&fixture).await;
    assert!(after.canary.is_some() && after.last_rollback.is_none(), "{after:?}");
    assert_eq!(met_versions.len(), 2);
}

/// What one tenant meets says nothing to the others, until a second one meets it as well.
async fn a_version_that_fails_one_tenant_is_withdrawn_from_it_alone(database: &Database) {
    let (first, bad, third) = (version(1, "honest"), version(2, "trap"), version(3, "honest"));
    let fixture = service_with_connector(database, &first).await;
    for tenant in ["second", "third"] {
        fixture.add_tenant(tenant, Environment::Development).await;
        use_it(&fixture, tenant).await;
    }
    for component in [&bad, &third] {
        upload(&fixture, component).await;
    }
    activate(&fixture, &bad).await.unwrap();
    assert!(accepted(&send(&fixture, 20_000_000).await));
    rolled_back(&fixture, &bad).await;
    assert_eq!(release(&fixture).await.active, digest(&bad), "the others keep it");
    assert_eq!(release_of(&fixture, "third").await.active, digest(&bad));
    let audit = fixture.service.audit(ADMIN, Some(TENANT), AuditFilter::default()).await.unwrap();
    assert!(audit.items.iter().any(|entry| entry.action == "connector.auto-roll-back"), "{audit:?}");

    // The next version is for all again, and so is one that fails two tenants.
    activate(&fixture, &third).await.unwrap();
    assert_eq!(release_of(&fixture, TENANT).await.active, digest(&third));
    fixture.clock.advance_millis(1);
    activate(&fixture, &bad).await.unwrap();
    for (number, tenant) in ["second", "third"].into_iter().enumerate() {
        assert!(accepted(&send_for(&fixture, tenant, 20_000_100 + number as u64).await));
    }
    until("a version is rolled back for all", || async {
        (release(&fixture).await.active == digest(&third)).then_some(())
    })
    .await;
    let of_first = release_of(&fixture, TENANT).await;
    assert_eq!((of_first.active, of_first.tenant), (digest(&third), None), "it follows the release for all");
}

/// The old version drains until its deadline; attempts that have not ended by then are ended, with a correct outcome.
async fn running_sends_may_finish_within_the_drain(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    // The provider accepts the message and does not respond.
    fixture.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let service = fixture.service.clone();
    let before = fixture.simulator.counters().requests;
    let new = sendbox_tests::test_service::message("+4520000000", "314159");
    let sending = tokio::spawn(async move { service.send_message(ADMIN, TENANT, new, None).await });
    until("the request is out", || async { (fixture.simulator.counters().requests > before).then_some(()) }).await;
    let activation = VersionActivation {
        digest: digest(&second),
        generation: None,
        auto_rollback_seconds: None,
        drain_seconds: Some(5),
    };
    fixture.service.activate_version(ADMIN, None, ID, activation).await.unwrap();
    // Other messages use the new version immediately.
    let other = send(&fixture, 20_000_001).await;
    assert_eq!(met(&fixture, &other.id).await, [digest(&second)]);
    assert!(!sending.is_finished(), "it has five seconds");
    fixture.clock.advance_millis(5_000);
    let ended = sending.await.unwrap().unwrap();
    assert_eq!(ended.status.as_str(), "in-doubt", "{ended:?}");
    assert_eq!(ended.attempts[0].connector_digest, digest(&first));
    let text = &ended.attempts[0].failure.as_ref().unwrap().message;
    assert!(text.contains("withdrawn"), "{text}");
}

/// The request would be too long with any version.
async fn a_parameter_that_is_too_long_is_no_fault_of_the_version(database: &Database) {
    let component = version(1, "honest");
    let fixture = service_with_connector(database, &component).await;
    let mut long = input();
    long.parameters.insert("accountSID".to_owned(), "A".repeat(4096).into());
    fixture.service.save_connection(ADMIN, TENANT, "acme", long).await.unwrap();
    let sent = send(&fixture, 12_345_678).await;
    let failure = sent.attempts[0].failure.as_ref().unwrap();
    assert_eq!(failure.class, FailureClass::ConfigurationInvalid, "{failure:?}");
    assert!(failure.message.contains("shorten the parameter `accountSID`"), "{failure:?}");
    let digest = digest(&component);
    let period = VersionPeriod { tenant: TENANT, digest: &digest, since: START, until: Timestamp(i64::MAX) };
    let mut tx = fixture.store.begin_read().await.unwrap();
    let counts = attempts::counts(&mut tx, &period, 100).await.unwrap();
    assert!(counts.iter().all(|count| !count.fault && count.attempts == 1), "{counts:?}");
}
