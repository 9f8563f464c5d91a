//! A version sends only requests of known shapes: rehearsed, tested, run as a canary, or approved. Others are held back.

use sendbox_domain::model::{
    AuditFilter, CanaryStart, ConnectionInput, ConnectionTest, Environment, Message, Sensitive, ShapeOrigin,
    TestOutcome, VersionShape,
};
use sendbox_service::Error;
use sendbox_service::{Caller, Service};
use sendbox_tests::test_service::{START, TENANT, TestService, message};
use sendbox_tests::versioned::{ID, digest, input, version};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

use crate::harness::{ADMIN, activate, release, release_of, service_with_connector, until, upload, use_it};

on_every_database!(
    a_request_that_was_never_seen_is_held_back_and_its_message_goes_on,
    a_request_that_is_approved_is_sent_by_every_process,
    what_a_canary_sends_is_recorded_and_may_be_sent,
    a_version_that_waits_for_its_time_is_held_back,
    another_target_is_held_back,
    a_held_shape_is_stored_once_per_tenant,
    deleting_a_version_deletes_its_shapes
);

const AT_HOME: &str = "+4520000001";
const ABROAD: &str = "+46701234567";
const OTHER: &str = "acme-other";

async fn send(service: &Service, tenant: &str, number: &str) -> Message {
    match service.send_message(ADMIN, tenant, message(number, "314159"), None).await {
        Ok(message) => message,
        Err(Error::NotSent { message, .. }) => *message,
        Err(other) => panic!("{other}"),
    }
}

fn met(message: &Message) -> Vec<&str> {
    message.attempts.iter().map(|attempt| attempt.connector_digest.as_str()).collect()
}

fn accepted(message: &Message) -> bool {
    message.status.as_str() == "accepted"
}

async fn shapes(service: &Service, tenant: Option<&str>, component: &[u8]) -> Vec<VersionShape> {
    service.version_shapes(ADMIN, tenant, ID, &digest(component)).await.unwrap()
}

async fn held(service: &Service, tenant: Option<&str>, component: &[u8]) -> Vec<VersionShape> {
    let all = shapes(service, tenant, component).await;
    all.into_iter().filter(|shape| shape.origin == ShapeOrigin::Held).collect()
}

fn added(shape: &VersionShape) -> Vec<&str> {
    shape.changes.iter().filter(|change| change.added).map(|change| change.line.as_str()).collect()
}

/// Sends a test message with a version, which need not be active.
async fn test(fixture: &TestService, component: &[u8], dry_run: bool) {
    let test: ConnectionTest = serde_json::from_value(json!({
        "connection": "acme", "version": digest(component), "to": AT_HOME, "dryRun": dry_run,
    }))
    .unwrap();
    let report = fixture.service.test_connection(ADMIN, TENANT, test).await.unwrap();
    assert_eq!(
        report.outcome,
        if dry_run { TestOutcome::DryRun } else { TestOutcome::Accepted },
        "{:?}",
        report.failure
    );
}

async fn a_request_that_was_never_seen_is_held_back_and_its_message_goes_on(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "abroad"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    test(&fixture, &bad, false).await;
    let tested = shapes(&fixture.service, Some(TENANT), &bad).await;
    assert!(tested.iter().any(|shape| shape.origin == ShapeOrigin::Test), "{tested:?}");
    activate(&fixture, &bad).await.unwrap();
    let at_home = send(&fixture.service, TENANT, AT_HOME).await;
    assert_eq!((accepted(&at_home), met(&at_home)), (true, vec![digest(&bad).as_str()]));

    let abroad = send(&fixture.service, TENANT, ABROAD).await;
    assert!(accepted(&abroad), "the previous version takes over: {abroad:?}");
    assert_eq!(met(&abroad), [digest(&bad), digest(&first)]);
    assert_eq!(fixture.received_count(ABROAD), 1, "one message, whatever happened");
    let attempt = &abroad.attempts[0];
    let failure = attempt.failure.as_ref().unwrap();
    assert_eq!((failure.class.as_str(), failure.request_sent.as_str()), ("connector-fault", "no"));
    // The operator sees the request, masked, and what differs.
    let whole = fixture.service.message(ADMIN, TENANT, &abroad.id).await.unwrap();
    let detail = serde_json::to_value(whole.attempts[0].detail.as_ref().unwrap()).unwrap();
    let body = detail["heldRequest"]["body"].as_str().unwrap();
    assert!(body.contains("MaxPrice=9") && body.contains("[recipient]"), "{body}");
    assert_eq!(detail["heldShape"]["changes"], json!([{ "added": true, "line": "form MaxPrice = 9" }]));
    for secret in ["314159", "701234567", sendbox_simulator::SimulatorConfig::default().twilio.auth_token.as_str()] {
        assert!(!detail.to_string().contains(secret), "{detail}");
    }
    let held = held(&fixture.service, None, &bad).await;
    assert_eq!((held.len(), held[0].requests, added(&held[0])), (1, 1, vec!["form MaxPrice = 9"]));
    assert_eq!(detail["heldShape"]["shape"], Value::from(held[0].id.clone()));
    // The version is rolled back, as for any other fault.
    let after = until("the version is rolled back", || async {
        let release = release_of(&fixture, TENANT).await;
        (release.active == digest(&first)).then_some(release)
    })
    .await;
    assert!(after.last_rollback.unwrap().reason.starts_with("it misbehaved"));
    assert_eq!(
        (after.held_requests.len(), after.held_requests[0].shapes, &after.held_requests[0].digest),
        (1, 1, &digest(&bad))
    );
    assert_eq!(met(&send(&fixture.service, TENANT, ABROAD).await), [digest(&first)]);
}

async fn a_request_that_is_approved_is_sent_by_every_process(database: &Database) {
    let first = version(1, "abroad");
    let fixture = service_with_connector(database, &first).await;
    let other = fixture.second_instance().await;
    for service in [&fixture.service, &other] {
        assert!(accepted(&send(service, TENANT, AT_HOME).await));
        let refused = send(service, TENANT, ABROAD).await;
        assert_eq!(refused.status.as_str(), "failed", "{refused:?}");
    }
    let waits = held(&fixture.service, None, &first).await;
    assert_eq!((waits.len(), waits[0].requests), (1, 2));
    let shape = &waits[0].id;
    for (wrong, at) in [("0".repeat(64), digest(&first)), (shape.clone(), digest(b"none"))] {
        let refused = fixture.service.approve_shape(ADMIN, None, ID, &at, &wrong).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    let approved = fixture.service.approve_shape(ADMIN, None, ID, &digest(&first), shape).await.unwrap();
    assert_eq!((approved.origin, approved.approved_by.as_deref()), (ShapeOrigin::Approved, Some("platform")));
    let again = fixture.service.approve_shape(ADMIN, None, ID, &digest(&first), shape).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    for service in [&other, &fixture.service] {
        let sent = send(service, TENANT, ABROAD).await;
        assert_eq!((accepted(&sent), met(&sent)), (true, vec![digest(&first).as_str()]), "{sent:?}");
    }
    assert_eq!(release(&fixture).await.held_requests, []);
    let audit = fixture.service.audit(ADMIN, None, AuditFilter::default()).await.unwrap();
    let row = audit
        .items
        .iter()
        .find(|row| row.action == "connector.approve-shape")
        .expect("the approval is in the audit log");
    assert_eq!((row.target.as_str(), row.actor.as_str()), ("connector:acme-sms", "platform"));
    other.stop(std::time::Duration::from_secs(20)).await;
}

async fn what_a_canary_sends_is_recorded_and_may_be_sent(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "abroad"));
    let fixture = service_with_connector(database, &first).await;
    assert!(accepted(&send(&fixture.service, TENANT, AT_HOME).await));
    upload(&fixture, &second).await;
    let start = CanaryStart { digest: digest(&second), percent: 99, generation: None };
    fixture.service.start_canary(ADMIN, None, ID, start).await.unwrap();
    let seen = until("the canary sends abroad", || async {
        assert!(accepted(&send(&fixture.service, TENANT, ABROAD).await));
        let seen = shapes(&fixture.service, None, &second).await;
        seen.into_iter().find(|shape| shape.origin == ShapeOrigin::Canary)
    })
    .await;
    // The shape is shown before the activation, with the lines that the active version does not send.
    assert_eq!(added(&seen), ["form MaxPrice = 9"]);
    activate(&fixture, &second).await.unwrap();
    let sent = send(&fixture.service, TENANT, ABROAD).await;
    assert_eq!((accepted(&sent), met(&sent)), (true, vec![digest(&second).as_str()]), "{sent:?}");
    assert_eq!(held(&fixture.service, None, &second).await, []);
}

/// The connection sets the time from which the version sends something else, between its upload and now.
async fn a_version_that_waits_for_its_time_is_held_back(database: &Database) {
    let first = version(1, "priced");
    let fixture = service_with_connector(database, &first).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let came = u128::try_from(START.0).unwrap();
    let moment = if now > came { came + 1 } else { came };
    let ConnectionInput { mut parameters, .. } = input();
    parameters.insert("department".to_owned(), moment.to_string().into());
    let changed = ConnectionInput { parameters, ..input() };
    fixture.service.save_connection(ADMIN, TENANT, "acme", changed).await.unwrap();
    let refused = send(&fixture.service, TENANT, AT_HOME).await;
    assert_eq!(refused.status.as_str(), "failed", "{refused:?}");
    let held = held(&fixture.service, None, &first).await;
    assert_eq!(held.len(), 1);
    assert!(added(&held[0]).iter().all(|line| line.starts_with("header x-class = ")), "{held:?}");
    assert_eq!(held[0].changes.len(), 2, "the other class is gone: {held:?}");
}

async fn another_target_is_held_back(database: &Database) {
    let (first, bad) = (version(1, "honest"), version(2, "elsewhere"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &bad).await;
    test(&fixture, &bad, true).await;
    activate(&fixture, &bad).await.unwrap();
    let abroad = send(&fixture.service, TENANT, ABROAD).await;
    assert_eq!((accepted(&abroad), met(&abroad)), (true, vec![digest(&bad).as_str(), digest(&first).as_str()]));
    let held = held(&fixture.service, None, &bad).await;
    assert_eq!(added(&held[0]), ["query Source = acme"]);
}

async fn a_held_shape_is_stored_once_per_tenant(database: &Database) {
    let first = version(1, "abroad");
    let fixture = service_with_connector(database, &first).await;
    fixture.add_tenant(OTHER, Environment::Development).await;
    use_it(&fixture, OTHER).await;
    for _ in 0..3 {
        assert_eq!(send(&fixture.service, TENANT, ABROAD).await.status.as_str(), "failed");
        fixture.clock.advance_millis(60_000);
    }
    assert!(accepted(&send(&fixture.service, OTHER, AT_HOME).await), "another tenant's messages go on");
    let own = held(&fixture.service, Some(TENANT), &first).await;
    assert_eq!((own.len(), own[0].requests), (1, 3));
    assert_eq!(held(&fixture.service, Some(OTHER), &first).await, []);
    let shape = &own[0].id;
    let refused = fixture.service.approve_shape(ADMIN, Some(OTHER), ID, &digest(&first), shape).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    // A test sends it, and does not approve it.
    let again = Sensitive::from(ABROAD);
    let test: ConnectionTest =
        serde_json::from_value(json!({ "connection": "acme", "to": again.expose(), "dryRun": false })).unwrap();
    assert_eq!(fixture.service.test_connection(ADMIN, TENANT, test).await.unwrap().outcome, TestOutcome::Accepted);
    assert_eq!(held(&fixture.service, Some(TENANT), &first).await.len(), 1);
    // A tenant approves only for itself.
    fixture.service.approve_shape(&Caller::Platform, Some(TENANT), ID, &digest(&first), shape).await.unwrap();
    assert!(accepted(&send(&fixture.service, TENANT, ABROAD).await));
    assert_eq!(send(&fixture.service, OTHER, ABROAD).await.status.as_str(), "failed");
}

async fn deleting_a_version_deletes_its_shapes(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    test(&fixture, &second, false).await;
    assert!(!shapes(&fixture.service, Some(TENANT), &second).await.is_empty());
    fixture.service.delete_version(ADMIN, None, &digest(&second)).await.unwrap();
    upload(&fixture, &second).await;
    assert_eq!(shapes(&fixture.service, Some(TENANT), &second).await, []);
}
