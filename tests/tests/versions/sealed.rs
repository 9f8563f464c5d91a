//! A stored secret is never handed to a version that does not seal it: not in a canary, activation, test, promotion or
//! rollback.

use sendbox_domain::field_error::FieldCode;
use sendbox_domain::model::{
    AuditFilter, CanaryStart, ConnectionTest, DifferenceCode, Environment, PromotedSecrets, Promotion, Reach,
    RollbackRequest, Sensitive, TestOutcome,
};
use sendbox_service::Error;
use sendbox_store::connections;
use sendbox_store::rows::ConnectionRow;
use sendbox_tests::test_service::{TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, parameters, version};
use sendbox_tests::{Database, on_every_database};
use sqlx::Row as _;

use crate::harness::{ADMIN, activate, approve, met, release, send, service_with_connector, upload, use_it};

on_every_database!(
    a_version_that_unseals_is_neither_tried_nor_activated,
    a_parameter_that_is_gone_is_not_handed_over,
    a_rollback_unseals_nothing,
    an_older_secret_is_for_the_hosts_of_the_version_that_it_was_saved_with,
    a_sealed_secret_is_not_promoted_in_clear
);

/// The secret of the connections.
fn token() -> String {
    parameters()["authToken"].as_str().unwrap().to_owned()
}

/// Fails if the database or a response of the service contains the secret in clear text.
async fn assert_sealed(database: &Database, fixture: &TestService, answers: &[String]) {
    let mut connection = database.connect().await;
    let mut found = answers.to_vec();
    for rows in [
        "SELECT COALESCE(failure, '') || COALESCE(decision, '') || COALESCE(record, '') AS text FROM attempts",
        "SELECT parameters || templates AS text FROM connections",
        "SELECT COALESCE(failure, '') AS text FROM messages",
        "SELECT COALESCE(description, '') || COALESCE(refusal, '') AS text FROM connector_versions",
    ] {
        let all = sqlx::query(rows).fetch_all(&mut connection).await.unwrap();
        found.extend(all.iter().map(|row| row.get::<String, _>("text")));
    }
    found.push(
        serde_json::to_string(&fixture.service.audit(ADMIN, None, AuditFilter::default()).await.unwrap()).unwrap(),
    );
    let messages = fixture.service.messages(ADMIN, TENANT, Default::default()).await.unwrap();
    found.push(serde_json::to_string(&messages).unwrap());
    for message in messages.items {
        let whole = fixture.service.message(ADMIN, TENANT, &message.id).await.unwrap();
        found.push(serde_json::to_string(&whole).unwrap());
    }
    for text in found {
        assert!(!text.contains(&token()), "the secret is in clear text: {text}");
    }
}

fn test_with(component: &[u8], dry_run: bool) -> ConnectionTest {
    ConnectionTest {
        connection: Some("acme".to_owned()),
        connector: None,
        version: Some(digest(component)),
        parameters: None,
        templates: None,
        to: Sensitive::from("+4512345678"),
        usage: None,
        locale: None,
        dry_run,
    }
}

/// Whether an error is about the unsealed secret.
fn is_unsealed(error: &Error) -> bool {
    let Error::Invalid(problems) = error else { return false };
    problems.0.iter().any(|one| one.field == "/parameters/authToken" && one.code == Some(FieldCode::SecretUnsealed))
}

async fn a_version_that_unseals_is_neither_tried_nor_activated(database: &Database) {
    let (first, unsealing) = (version(1, "honest"), version(2, "unseal"));
    let fixture = service_with_connector(database, &first).await;
    let uploaded = upload(&fixture, &unsealing).await;
    let mut answers = vec![serde_json::to_string(&uploaded).unwrap()];
    let difference = uploaded.difference.unwrap();
    assert_eq!((difference.reach, difference.needs_approval), (Reach::Wider, true));
    let line = difference.wider.iter().find(|line| line.code == DifferenceCode::ParameterOpen).unwrap();
    assert!(line.message.starts_with("the secret `authToken` would be handed over in clear"), "{line:?}");
    let [unfit] = difference.incompatible_connections.as_slice() else { panic!("{difference:?}") };
    assert_eq!(unfit.errors[0].code, Some(FieldCode::SecretUnsealed));

    // An approval does not help.
    approve(&fixture, &unsealing).await.unwrap();
    let start = CanaryStart { digest: digest(&unsealing), percent: 50, generation: None };
    for refused in [
        activate(&fixture, &unsealing).await.map(drop),
        fixture.service.start_canary(ADMIN, None, ID, start.clone()).await.map(drop),
        fixture.service.start_canary(ADMIN, Some(TENANT), ID, start).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(why) if why.contains("`authToken` of `acme`")), "{refused}");
        answers.push(refused.to_string());
    }
    for dry_run in [true, false] {
        let refused = fixture.service.test_connection(ADMIN, TENANT, test_with(&unsealing, dry_run)).await.unwrap_err();
        assert!(is_unsealed(&refused), "{refused}");
        answers.push(refused.to_string());
    }
    assert_eq!(met(&fixture, &send(&fixture, 12_345_678).await.id).await, [digest(&first)]);
    assert_sealed(database, &fixture, &answers).await;
}

/// The previous version sends the message that this one refuses.
async fn a_parameter_that_is_gone_is_not_handed_over(database: &Database) {
    let (first, forgetful) = (version(1, "honest"), version(2, "forget"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &forgetful).await.difference.unwrap();
    let [connection] = difference.connections.as_slice() else { panic!("{difference:?}") };
    assert_eq!(connection.lines[0].code, DifferenceCode::ConnectionSecretGone);
    activate(&fixture, &forgetful).await.unwrap();
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!(met(&fixture, &sent.id).await, [digest(&forgetful), digest(&first)]);
    let failure = sent.attempts[0].failure.as_ref().unwrap();
    assert!(failure.message.contains("the token is not set"), "{failure:?}");
    let report = fixture.service.test_connection(ADMIN, TENANT, test_with(&forgetful, false)).await.unwrap();
    assert_sealed(database, &fixture, &[serde_json::to_string(&report).unwrap()]).await;
}

/// The secret was sealed after the version to which the rollback returns was created.
async fn a_rollback_unseals_nothing(database: &Database) {
    let (unsealing, second) = (version(1, "unseal"), version(2, "honest"));
    let fixture = TestService::new(database).await;
    upload(&fixture, &unsealing).await;
    upload(&fixture, &second).await;
    approve(&fixture, &second).await.unwrap();
    activate(&fixture, &second).await.unwrap();
    use_it(&fixture, TENANT).await;
    fixture.service.roll_back(ADMIN, None, ID, RollbackRequest::default()).await.unwrap();
    assert_eq!(release(&fixture).await.active, digest(&unsealing));
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!(sent.status.as_str(), "accepted", "{sent:?}");
    assert_eq!(met(&fixture, &sent.id).await, [digest(&second)], "with the version that seals it");
    let refused = fixture.service.test_connection(ADMIN, TENANT, test_with(&unsealing, true)).await.unwrap_err();
    assert!(is_unsealed(&refused), "{refused}");
    let kept = fixture.service.delete_version(ADMIN, None, &digest(&second)).await.unwrap_err();
    assert!(matches!(kept, Error::Conflict(_)), "{kept}");
    assert_sealed(database, &fixture, &[]).await;
}

/// A release of Sendbox that did not store for which hosts secrets were given left them out.
async fn an_older_secret_is_for_the_hosts_of_the_version_that_it_was_saved_with(database: &Database) {
    async fn forget_hosts(fixture: &TestService, digest: Option<String>) {
        let mut tx = fixture.store.begin().await.unwrap();
        let row = connections::get(&mut tx, TENANT, "acme").await.unwrap().unwrap();
        let digest = digest.unwrap_or_else(|| row.digest.clone());
        connections::put(&mut tx, &ConnectionRow { secret_hosts: None, digest, ..row }).await.unwrap();
        tx.commit().await.unwrap();
    }
    let (first, wider) = (version(1, "honest"), version(2, "collect"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &wider).await;
    approve(&fixture, &wider).await.unwrap();
    activate(&fixture, &wider).await.unwrap();
    forget_hosts(&fixture, None).await;
    let fixture = fixture.restart().await;
    assert_eq!(met(&fixture, &send(&fixture, 12_345_678).await.id).await, [digest(&first)]);
    // If that version is gone, for those of the active one, which has been sending the secret.
    forget_hosts(&fixture, Some("sha256:gone".to_owned())).await;
    let fixture = fixture.restart().await;
    let versions = met(&fixture, &send(&fixture, 12_345_679).await.id).await;
    assert_eq!(versions.first(), Some(&digest(&wider)));
    fixture.service.stop(std::time::Duration::from_secs(20)).await;
}

async fn a_sealed_secret_is_not_promoted_in_clear(database: &Database) {
    let (unsealing, second) = (version(1, "unseal"), version(2, "honest"));
    let fixture = TestService::new(database).await;
    upload(&fixture, &unsealing).await;
    upload(&fixture, &second).await;
    fixture.add_tenant("other", Environment::Development).await;
    fixture.add_tenant("production", Environment::Production).await;
    approve(&fixture, &second).await.unwrap();
    let activation = sendbox_domain::model::VersionActivation {
        digest: digest(&second),
        generation: None,
        auto_rollback_seconds: None,
        drain_seconds: None,
    };
    fixture.service.activate_version(ADMIN, Some("other"), ID, activation).await.unwrap();
    use_it(&fixture, "other").await;
    let test = ConnectionTest { version: None, ..test_with(&second, false) };
    let report = fixture.service.test_connection(ADMIN, "other", test).await.unwrap();
    assert_eq!(report.outcome, TestOutcome::Accepted);
    let promotion = Promotion {
        connection: "acme".to_owned(),
        target_tenant: "production".to_owned(),
        target_connection: None,
        secrets: PromotedSecrets::Copy,
        parameters: Default::default(),
        confirmation_token: None,
    };
    let refused = fixture.service.promote(ADMIN, "other", promotion).await.unwrap_err();
    assert!(is_unsealed(&refused), "{refused}");
    let follow = fixture.service.delete_own_release(ADMIN, "other", ID).await.unwrap_err();
    assert!(matches!(&follow, Error::Conflict(why) if why.contains("`authToken` of `acme`")), "{follow}");
    assert_sealed(database, &fixture, &[refused.to_string(), follow.to_string()]).await;
}
