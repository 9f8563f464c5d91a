//! An upload is stored, checked, and becomes a version or is refused with a reason.

use sendbox_domain::model::{Environment, Owner, VersionRole, VersionState};
use sendbox_service::{Caller, Error};
use sendbox_store::rows::{Lease, VersionRow};
use sendbox_store::versions;
use sendbox_tests::test_service::{TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, input, version, version_of};
use sendbox_tests::{Database, on_every_database};

use crate::harness::{ADMIN, activate, release, send, service_with_connector, until, upload, upload_for};

on_every_database!(
    the_first_version_is_active_and_sends,
    the_same_file_is_the_same_version,
    a_further_version_sends_nothing_by_itself,
    invalid_connectors_are_refused_with_a_reason,
    the_id_of_another_owner_is_refused,
    a_private_connector_is_invisible_to_others,
    only_unused_versions_are_deleted,
    tenants_take_turns_with_their_uploads,
    deleting_a_tenant_deletes_its_connectors
);

async fn the_first_version_is_active_and_sends(database: &Database) {
    let first = version(1, "honest");
    let fixture = service_with_connector(database, &first).await;
    let release = release(&fixture).await;
    assert_eq!((release.active, release.generation, release.owner), (digest(&first), 1, Owner::AllTenants));
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!(sent.status.as_str(), "accepted");
    let version = fixture.service.version(ADMIN, None, ID, &digest(&first)).await.unwrap();
    assert_eq!(version.role, Some(VersionRole::Active));
    let found = fixture.service.connector(ADMIN, Some(TENANT), ID).await.unwrap();
    assert_eq!((found.summary.version.as_str(), found.summary.owner), ("0001", Owner::AllTenants));
}

async fn the_same_file_is_the_same_version(database: &Database) {
    let first = version(1, "honest");
    let fixture = service_with_connector(database, &first).await;
    let (again, is_there) = fixture.service.upload(ADMIN, None, &first).await.unwrap();
    assert!(is_there);
    assert_eq!((again.state, again.digest), (VersionState::Ready, digest(&first)));
    assert_eq!(fixture.service.versions(ADMIN, None, ID).await.unwrap().len(), 1);
}

async fn a_further_version_sends_nothing_by_itself(database: &Database) {
    let first = version(1, "honest");
    let fixture = service_with_connector(database, &first).await;
    let second = upload(&fixture, &version(2, "honest")).await;
    assert_eq!((second.state, second.role), (VersionState::Ready, Some(VersionRole::Available)));
    let sent = send(&fixture, 12_345_678).await;
    assert_eq!(sent.attempts[0].connector_digest, digest(&first));
    let all = fixture.service.versions(ADMIN, None, ID).await.unwrap();
    assert_eq!(all.len(), 2);
}

async fn invalid_connectors_are_refused_with_a_reason(database: &Database) {
    let fixture = TestService::new(database).await;
    for (file, why) in [
        (b"".to_vec(), "magic number"),
        (b"\x7fELF and more".to_vec(), "precompiled"),
        (b"\0asm\x01\0\0\0".to_vec(), "core module"),
        (vec![0; 3 << 20], "bytes"),
    ] {
        let refused = fixture.service.upload(ADMIN, None, &file).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid(_)) && refused.to_string().contains(why), "{why}: {refused}");
    }
    // Stored, and then refused: a truncated file, and one with invalid metadata.
    let whole = version(1, "honest");
    for (file, why) in
        [(whole[..whole.len() / 2].to_vec(), "malformed"), (version_of("No such id", 1, "honest"), "`id` must be")]
    {
        let refused = upload(&fixture, &file).await;
        assert_eq!((refused.state, refused.role), (VersionState::Refused, None));
        let text = refused.refusal.unwrap();
        assert!(text.contains(why), "{why}: {text}");
    }
    assert!(matches!(fixture.service.release(ADMIN, None, ID).await, Err(Error::NotFound(_))));
    // When it is uploaded again, it is checked and refused again.
    let (again, is_there) = fixture.service.upload(ADMIN, None, &whole[..whole.len() / 2]).await.unwrap();
    assert_eq!((again.state, is_there), (VersionState::Checking, false));
}

async fn the_id_of_another_owner_is_refused(database: &Database) {
    let fixture = service_with_connector(database, &version(1, "honest")).await;
    for (tenant, id, why) in [
        (None, "twilio", "built-in connector"),
        (Some(TENANT), "twilio", "built-in connector"),
        (Some(TENANT), ID, "a connector for all tenants"),
    ] {
        let refused = upload_for(&fixture, tenant, &version_of(id, 7, "honest")).await;
        assert_eq!(refused.state, VersionState::Refused);
        let text = refused.refusal.unwrap();
        assert!(text.contains(why), "{text}");
    }
    assert_eq!(fixture.service.connector(ADMIN, Some(TENANT), "twilio").await.unwrap().summary.owner, Owner::BuiltIn);
}

async fn a_private_connector_is_invisible_to_others(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("other", Environment::Development).await;
    let mine = version(1, "honest");
    let version = upload_for(&fixture, Some(TENANT), &mine).await;
    assert_eq!((version.state, version.owner), (VersionState::Ready, Owner::Tenant));
    let ids = |tenant: Option<&'static str>| {
        let service = fixture.service.clone();
        async move {
            let all = service.connectors(ADMIN, tenant).await.unwrap();
            all.into_iter().map(|connector| connector.id).collect::<Vec<_>>()
        }
    };
    assert!(ids(Some(TENANT)).await.contains(&ID.to_owned()));
    for elsewhere in [None, Some("other")] {
        assert!(!ids(elsewhere).await.contains(&ID.to_owned()));
        assert!(matches!(fixture.service.connector(ADMIN, elsewhere, ID).await, Err(Error::NotFound(_))));
        assert!(matches!(fixture.service.versions(ADMIN, elsewhere, ID).await, Err(Error::NotFound(_))));
        assert!(matches!(fixture.service.release(ADMIN, elsewhere, ID).await, Err(Error::NotFound(_))));
        assert!(matches!(fixture.service.uploaded(ADMIN, elsewhere, &digest(&mine)).await, Err(Error::NotFound(_))));
    }
    let refused = fixture.service.save_connection(ADMIN, "other", "acme", input()).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid(_)), "{refused}");
    // Another tenant may have a connector with the same id, even the same file, and neither notices.
    let theirs = upload_for(&fixture, Some("other"), &mine).await;
    assert_eq!(theirs.state, VersionState::Ready);
    fixture.service.delete_version(ADMIN, Some(TENANT), &digest(&mine)).await.unwrap();
    assert!(ids(Some("other")).await.contains(&ID.to_owned()));
    fixture.service.save_connection(ADMIN, "other", "acme", input()).await.unwrap();
}

async fn only_unused_versions_are_deleted(database: &Database) {
    let (first, second, third) = (version(1, "honest"), version(2, "honest"), version(3, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    upload(&fixture, &third).await;
    activate(&fixture, &second).await.unwrap();
    let delete = |component: &[u8]| {
        let (service, digest) = (fixture.service.clone(), digest(component));
        async move { service.delete_version(ADMIN, None, &digest).await }
    };
    for (in_use, word) in [(&first, "previous"), (&second, "active")] {
        let refused = delete(in_use).await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(why) if why.contains(word)), "{refused}");
    }
    delete(&third).await.unwrap();
    assert!(matches!(delete(&third).await, Err(Error::NotFound(_))));
    assert_eq!(fixture.service.versions(ADMIN, None, ID).await.unwrap().len(), 2);
}

/// Uploads that wait for a check, as a process that has ended left them: one tenant has many, and another one that came last.
async fn tenants_take_turns_with_their_uploads(database: &Database) {
    const OTHER: &str = "other";
    let fixture = TestService::new(database).await;
    fixture.add_tenant(OTHER, Environment::Development).await;
    let files: Vec<(&str, Vec<u8>)> =
        (1..=5).map(|number| (TENANT, version(number, "honest"))).chain([(OTHER, version(9, "honest"))]).collect();
    let mut tx = fixture.store.begin().await.unwrap();
    for (index, (tenant, file)) in (0_u64..).zip(&files) {
        let row = VersionRow {
            tenant: (*tenant).to_owned(),
            digest: digest(file),
            connector: None,
            state: VersionState::Checking,
            step: 1,
            refusal: None,
            description: None,
            bytes: file.len() as u64,
            uploaded_at: fixture.now().plus_seconds(index),
            uploaded_by: "platform".to_owned(),
            checks: 0,
            lease: Some(Lease { process: "p-that-is-gone".to_owned(), claim: 1 }),
        };
        assert!(versions::insert(&mut tx, &row, file).await.unwrap());
    }
    tx.commit().await.unwrap();
    until("all are checked", || async {
        let mut tx = fixture.store.begin_read().await.unwrap();
        let mut rows = Vec::new();
        for (tenant, file) in &files {
            rows.push(versions::get(&mut tx, tenant, &digest(file)).await.unwrap().unwrap());
        }
        let begun = |tenant: &str| rows.iter().filter(|row| row.tenant == tenant && row.checks > 0).count();
        assert!(begun(TENANT) < 2 || begun(OTHER) == 1, "the others take turns with a tenant that has many files");
        rows.iter().all(|row| row.state == VersionState::Ready).then_some(())
    })
    .await;
}

async fn deleting_a_tenant_deletes_its_connectors(database: &Database) {
    let fixture = TestService::new(database).await;
    let mine = version(1, "honest");
    upload_for(&fixture, Some(TENANT), &mine).await;
    fixture.service.delete_tenant(ADMIN, TENANT).await.unwrap();
    fixture.service.sweep().await;
    fixture.add_tenant(TENANT, Environment::Development).await;
    let key = Caller::Platform;
    assert!(matches!(fixture.service.uploaded(&key, Some(TENANT), &digest(&mine)).await, Err(Error::NotFound(_))));
    assert!(matches!(fixture.service.release(&key, Some(TENANT), ID).await, Err(Error::NotFound(_))));
}
