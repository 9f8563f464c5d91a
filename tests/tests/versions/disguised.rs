//! A version that presents itself differently, or fills in other defaults, is noticed before it sends.

use sendbox_domain::model::{Difference, DifferenceCode, Environment, Reach, VersionState};
use sendbox_service::Error;
use sendbox_tests::test_service::TENANT;
use sendbox_tests::versioned::{ID, digest, version};
use sendbox_tests::{Database, on_every_database};

use crate::harness::{ADMIN, activate, approve, service_with_connector, upload, use_it};

on_every_database!(
    another_name_waits_for_its_approval,
    the_same_version_in_another_file_is_shown,
    a_default_is_shown_for_each_connection,
    a_default_never_chooses_where_a_message_goes,
    a_tenant_sees_its_own_connections_alone
);

fn codes(lines: &[Difference]) -> Vec<DifferenceCode> {
    lines.iter().map(|line| line.code).collect()
}

async fn another_name_waits_for_its_approval(database: &Database) {
    let (first, renamed) = (version(1, "honest"), version(2, "renamed"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &renamed).await.difference.unwrap();
    assert_eq!((difference.reach, difference.needs_approval), (Reach::Wider, true));
    assert_eq!(codes(&difference.wider), [DifferenceCode::Name, DifferenceCode::Readme]);
    assert_eq!(difference.wider[0].message, "it is called “Twilio (official)”, and no longer “Acme SMS”");
    assert!(difference.readme.unwrap().contains("evil.test"), "it can be read before it is approved");
    let refused = activate(&fixture, &renamed).await.unwrap_err();
    assert!(matches!(&refused, Error::ApprovalRequired(lines) if lines[0].contains("Twilio (official)")), "{refused}");
    approve(&fixture, &renamed).await.unwrap();
    activate(&fixture, &renamed).await.unwrap();
}

async fn the_same_version_in_another_file_is_shown(database: &Database) {
    let (first, second) = (version(1, "honest"), version(1, "narrower"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &second).await.difference.unwrap();
    let texts: Vec<&str> = difference.other.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(texts, ["the author's version is still `0001`, though the file differs"]);
    assert_eq!(difference.reach, Reach::Narrower);
}

async fn a_default_is_shown_for_each_connection(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "default"));
    let fixture = service_with_connector(database, &first).await;
    let difference = upload(&fixture, &second).await.difference.unwrap();
    assert_eq!(codes(&difference.other), [DifferenceCode::Version, DifferenceCode::DefaultNew]);
    let [connection] = difference.connections.as_slice() else { panic!("{difference:?}") };
    assert_eq!((connection.tenant.as_str(), connection.connection.as_str()), (TENANT, "acme"));
    let texts: Vec<&str> = connection.lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(texts, ["its `department` would be filled in by default: `evil`"]);
}

async fn a_default_never_chooses_where_a_message_goes(database: &Database) {
    let fixture = service_with_connector(database, &version(1, "honest")).await;
    let refused = upload(&fixture, &version(3, "origin")).await;
    assert_eq!(refused.state, VersionState::Refused);
    let why = refused.refusal.unwrap();
    assert!(why.contains("a default never fills an origin") && why.contains("`endpoint`"), "{why}");
}

async fn a_tenant_sees_its_own_connections_alone(database: &Database) {
    let (first, second) = (version(1, "honest"), version(2, "default"));
    let fixture = service_with_connector(database, &first).await;
    fixture.add_tenant("other", Environment::Development).await;
    use_it(&fixture, "other").await;
    for component in [&second, &version(3, "stricter")] {
        upload(&fixture, component).await;
        for (tenant, wanted) in
            [(None, vec!["other", TENANT]), (Some(TENANT), vec![TENANT]), (Some("other"), vec!["other"])]
        {
            let shown = fixture.service.version(ADMIN, tenant, ID, &digest(component)).await.unwrap();
            let difference = shown.difference.unwrap();
            let mut tenants: Vec<&str> = difference.connections.iter().map(|one| one.tenant.as_str()).collect();
            tenants.extend(difference.incompatible_connections.iter().map(|one| one.tenant.as_str()));
            tenants.sort_unstable();
            let mut wanted = wanted;
            wanted.sort_unstable();
            assert_eq!(tenants, wanted, "as {tenant:?} sees it");
        }
    }
}
