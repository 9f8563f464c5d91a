//! Versions are compared, approved, activated and rolled back.

use sendbox_domain::model::{
    Approval, AuditFilter, CanaryStart, ConnectionTest, Environment, Reach, RollbackRequest, Sensitive, TestOutcome,
    VersionActivation, VersionRole,
};
use sendbox_service::Error;
use sendbox_tests::test_service::TENANT;
use sendbox_tests::versioned::{ID, digest, input, version};
use sendbox_tests::{Database, on_every_database};

use crate::harness::{ADMIN, activate, approve, release, send, send_for, service_with_connector, upload, use_it};

on_every_database!(
    an_equal_version_needs_no_approval,
    a_wider_version_waits_for_its_approval,
    a_connection_that_does_not_fit_is_named_and_not_broken,
    a_rollback_goes_one_step_back,
    a_tenant_decides_for_itself,
    a_version_can_be_tested_before_it_sends,
    a_version_that_comes_with_sendbox_is_not_swapped,
    decisions_are_in_the_audit_log
);

fn activation(component: &[u8]) -> VersionActivation {
    VersionActivation { digest: digest(component), generation: None, auto_rollback_seconds: None, drain_seconds: None }
}

async fn an_equal_version_needs_no_approval(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "narrower"));
    let fixture = service_with_connector(database, &first).await;
    let uploaded = upload(&fixture, &second).await;
    let difference = uploaded.difference.unwrap();
    assert_eq!((difference.reach, difference.needs_approval), (Reach::Narrower, false));
    let other: Vec<&str> = difference.other.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(other, ["the author's version: 0001 → 0002"]);
    let release = activate(&fixture, &second).await.unwrap();
    assert_eq!((release.active, release.previous, release.generation), (digest(&second), Some(digest(&first)), 2));
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!((sent.status.as_str(), &sent.attempts[0].connector_digest), ("accepted", &digest(&second)));
    let again = activate(&fixture, &second).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

async fn a_wider_version_waits_for_its_approval(database: &Database) {
    let (first, wider) = (version(1, "honest"), version(2, "wider"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &wider).await.difference.unwrap();
    assert_eq!((difference.reach, difference.needs_approval), (Reach::Wider, true));
    assert!(difference.wider.iter().any(|line| line.message.contains("https://collect.acme.test")), "{difference:?}");
    let start = CanaryStart { digest: digest(&wider), percent: 10, generation: None };
    for refused in [
        activate(&fixture, &wider).await.map(drop),
        fixture.service.start_canary(ADMIN, None, ID, start).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::ApprovalRequired(_))), "{refused:?}");
    }
    let wrong = Approval { confirmation_token: "0".repeat(64) };
    let refused = fixture.service.approve_version(ADMIN, None, ID, &digest(&wider), wrong).await;
    assert!(matches!(refused, Err(Error::DiffChanged)), "{refused:?}");
    let approved = approve(&fixture, &wider).await.unwrap().difference.unwrap();
    assert_eq!((approved.needs_approval, approved.approved_by.as_deref()), (false, Some("platform")));
    activate(&fixture, &wider).await.unwrap();
    // The approval is for this difference only: compared with another version, an approval is needed again.
    let other = version(3, "honest");
    upload(&fixture, &other).await;
    activate(&fixture, &other).await.unwrap();
    let again = version(4, "wider");
    upload(&fixture, &again).await;
    assert!(matches!(activate(&fixture, &again).await, Err(Error::ApprovalRequired(_))));
    // A version that was active before needs no approval.
    assert_eq!(release(&fixture).await.previous, Some(digest(&wider)));
    fixture.service.roll_back(ADMIN, None, ID, RollbackRequest::default()).await.unwrap();
}

async fn a_connection_that_does_not_fit_is_named_and_not_broken(database: &Database) {
    let (first, stricter) = (version(1, "honest"), version(2, "stricter"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &stricter).await.difference.unwrap();
    assert!(
        difference.other.iter().any(|line| line.message == "parameter `department` must be given now"),
        "{difference:?}"
    );
    let named = |unfit: &[sendbox_domain::model::IncompatibleConnection]| {
        unfit.iter().map(|one| (one.tenant.clone(), one.connection.clone())).collect::<Vec<_>>()
    };
    assert_eq!(named(&difference.incompatible_connections), [(TENANT.to_owned(), "acme".to_owned())]);
    let activated = fixture.service.activate_version(ADMIN, None, ID, activation(&stricter)).await.unwrap();
    assert_eq!(named(&activated.incompatible_connections), [(TENANT.to_owned(), "acme".to_owned())]);
    let shown = fixture.service.connection(ADMIN, TENANT, "acme").await.unwrap();
    assert_eq!(shown.connector_digest, digest(&first), "it shows the version that it sends with");
    assert!(activated.incompatible_connections[0].errors.iter().any(|error| error.to_string().contains("department")));
    // It sends as before.
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!((sent.status.as_str(), &sent.attempts[0].connector_digest), ("accepted", &digest(&first)));
    // Once the missing parameter is set, it uses the new version.
    let mut fitting = input();
    fitting.parameters.insert("department".to_owned(), "logins".into());
    fixture.service.save_connection(ADMIN, TENANT, "acme", fitting).await.unwrap();
    let shown = fixture.service.connection(ADMIN, TENANT, "acme").await.unwrap();
    assert_eq!(shown.connector_digest, digest(&stricter));
    let sent = send(&fixture, 12_345_679).await;
    assert_eq!((sent.status.as_str(), &sent.attempts[0].connector_digest), ("accepted", &digest(&stricter)));
}

async fn a_rollback_goes_one_step_back(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    let nothing = fixture.service.roll_back(ADMIN, None, ID, RollbackRequest::default()).await;
    assert!(matches!(nothing, Err(Error::Conflict(_))), "{nothing:?}");
    upload(&fixture, &second).await;
    activate(&fixture, &second).await.unwrap();
    let stale = RollbackRequest { generation: Some(1), reason: None };
    assert!(matches!(fixture.service.roll_back(ADMIN, None, ID, stale).await, Err(Error::Conflict(_))));
    let request = RollbackRequest { generation: Some(2), reason: Some("two providers complain".to_owned()) };
    let back = fixture.service.roll_back(ADMIN, None, ID, request).await.unwrap();
    assert_eq!((back.active, back.previous), (digest(&first), None));
    let rollback = back.last_rollback.unwrap();
    assert_eq!((rollback.reason.as_str(), rollback.automatic), ("two providers complain", false));
    assert_eq!(send(&fixture, 12_345_678).await.attempts[0].connector_digest, digest(&first));
}

async fn a_tenant_decides_for_itself(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    let fixture = service_with_connector(database, &first).await;
    fixture.add_tenant("other", Environment::Development).await;
    use_it(&fixture, "other").await;
    upload(&fixture, &second).await;
    let activated = fixture.service.activate_version(ADMIN, Some(TENANT), ID, activation(&second)).await.unwrap();
    assert_eq!((activated.release.tenant.as_deref(), activated.release.generation), (Some(TENANT), 1));
    assert_eq!(release(&fixture).await.active, digest(&first), "for the others nothing has changed");
    assert_eq!(send(&fixture, 12_345_678).await.attempts[0].connector_digest, digest(&second));
    assert_eq!(send_for(&fixture, "other", 12_345_678).await.attempts[0].connector_digest, digest(&first));
    fixture.service.delete_own_release(ADMIN, TENANT, ID).await.unwrap();
    assert_eq!(send(&fixture, 12_345_679).await.attempts[0].connector_digest, digest(&first));
    assert!(matches!(fixture.service.delete_own_release(ADMIN, TENANT, ID).await, Err(Error::NotFound(_))));
}

async fn a_version_can_be_tested_before_it_sends(database: &Database) {
    let (first, second, wider) = (version(1, "honest"), version(2, "honest"), version(3, "wider"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    upload(&fixture, &wider).await;
    let test = |component: &[u8]| ConnectionTest {
        connection: Some("acme".to_owned()),
        connector: None,
        version: Some(digest(component)),
        parameters: None,
        templates: None,
        to: Sensitive::from("+4512345678"),
        usage: None,
        locale: None,
        dry_run: false,
    };
    let report = fixture.service.test_connection(ADMIN, TENANT, test(&second)).await.unwrap();
    assert_eq!(report.outcome, TestOutcome::Accepted);
    assert_eq!(release(&fixture).await.active, digest(&first));
    let refused = fixture.service.test_connection(ADMIN, TENANT, test(&wider)).await;
    assert!(matches!(refused, Err(Error::ApprovalRequired(_))), "a test is a send");
    let unknown = fixture.service.test_connection(ADMIN, TENANT, test(b"another file")).await;
    assert!(matches!(unknown, Err(Error::NotFound(_))));
}

async fn a_version_that_comes_with_sendbox_is_not_swapped(database: &Database) {
    let fixture = service_with_connector(database, &version(1, "honest")).await;
    for refused in [
        fixture.service.release(ADMIN, None, "twilio").await.map(drop),
        fixture.service.roll_back(ADMIN, Some(TENANT), "twilio", RollbackRequest::default()).await.map(drop),
        fixture.service.activate_version(ADMIN, None, "twilio", activation(b"x")).await.map(drop),
    ] {
        assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("built-in connector")), "{refused:?}");
    }
}

async fn decisions_are_in_the_audit_log(database: &Database) {
    let (first, wider) = (version(1, "honest"), version(2, "wider"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &wider).await;
    approve(&fixture, &wider).await.unwrap();
    let start = CanaryStart { digest: digest(&wider), percent: 10, generation: None };
    let tried = fixture.service.start_canary(ADMIN, None, ID, start).await.unwrap();
    assert_eq!(tried.comparison.unwrap().versions[1].role, VersionRole::Canary);
    activate(&fixture, &wider).await.unwrap();
    fixture.service.roll_back(ADMIN, None, ID, RollbackRequest::default()).await.unwrap();
    let audit = fixture.service.audit(ADMIN, None, AuditFilter::default()).await.unwrap();
    let actions: Vec<&str> = audit.items.iter().rev().map(|entry| entry.action.as_str()).collect();
    let about: Vec<&&str> = actions.iter().filter(|action| action.starts_with("connector.")).collect();
    let wanted = ["upload", "upload", "approve", "canary", "activate", "roll-back"];
    assert_eq!(about.len(), wanted.len(), "{about:?}");
    assert!(about.iter().zip(wanted).all(|(action, wanted)| action.ends_with(wanted)), "{about:?}");
}
