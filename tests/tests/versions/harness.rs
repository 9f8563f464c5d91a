//! A service with an uploaded connector, and functions that wait for background work.

use std::time::{Duration, Instant};

use sendbox_domain::model::{
    Activation, Approval, ConnectorVersion, Message, Mode, NewMessage, Release, Sensitive, VersionActivation,
    VersionState,
};
use sendbox_sandbox::Usage;
use sendbox_service::{Caller, Error};
use sendbox_tests::Database;
use sendbox_tests::test_service::{TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, input};

pub const ADMIN: &Caller = &Caller::Platform;

/// The time limit for background work.
const NEVER: Duration = Duration::from_secs(60);

/// Waits until `look` finds something. Background work does not report its end.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + NEVER;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Uploads a file for all tenants, and waits for the end of its check.
pub async fn upload(fixture: &TestService, component: &[u8]) -> ConnectorVersion {
    upload_for(fixture, None, component).await
}

/// Like [`upload`], for a tenant.
pub async fn upload_for(fixture: &TestService, tenant: Option<&str>, component: &[u8]) -> ConnectorVersion {
    fixture.service.upload(ADMIN, tenant, component).await.unwrap();
    checked(fixture, tenant, &digest(component)).await
}

/// Waits until the check of a file has ended.
pub async fn checked(fixture: &TestService, tenant: Option<&str>, digest: &str) -> ConnectorVersion {
    until("the end of a check", || async {
        let version = fixture.service.uploaded(ADMIN, tenant, digest).await.unwrap();
        (version.state != VersionState::Checking).then_some(version)
    })
    .await
}

/// A service with a tenant whose active connection uses the first version, which is uploaded for all tenants.
pub async fn service_with_connector(database: &Database, first: &[u8]) -> TestService {
    let fixture = TestService::new(database).await;
    let version = upload(&fixture, first).await;
    assert_eq!(version.state, VersionState::Ready, "{:?}", version.refusal);
    use_it(&fixture, TENANT).await;
    fixture
}

/// Makes a tenant send with the uploaded connector.
pub async fn use_it(fixture: &TestService, tenant: &str) {
    fixture.service.save_connection(ADMIN, tenant, "acme", input()).await.unwrap();
    fixture.service.activate(ADMIN, tenant, Activation { name: "acme".to_owned() }).await.unwrap();
}

/// Activates a version for all tenants.
pub async fn activate(fixture: &TestService, component: &[u8]) -> Result<Release, Error> {
    let activation = VersionActivation {
        digest: digest(component),
        generation: None,
        auto_rollback_seconds: None,
        drain_seconds: None,
    };
    fixture.service.activate_version(ADMIN, None, ID, activation).await.map(|activated| activated.release)
}

/// Approves the difference of a version.
pub async fn approve(fixture: &TestService, component: &[u8]) -> Result<ConnectorVersion, Error> {
    let version = fixture.service.version(ADMIN, None, ID, &digest(component)).await?;
    let confirm = version.difference.expect("it differs").confirmation_token;
    fixture.service.approve_version(ADMIN, None, ID, &digest(component), Approval { confirmation_token: confirm }).await
}

/// The release of the connector for all tenants.
pub async fn release(fixture: &TestService) -> Release {
    fixture.service.release(ADMIN, None, ID).await.unwrap()
}

/// The release that applies to a tenant.
pub async fn release_of(fixture: &TestService, tenant: &str) -> Release {
    fixture.service.release(ADMIN, Some(tenant), ID).await.unwrap()
}

/// Sends a message of the platform. Returns the stored message, whether it was sent or not.
pub async fn send(fixture: &TestService, number: u64) -> Message {
    send_for(fixture, TENANT, number).await
}

/// Like [`send`], for a tenant.
pub async fn send_for(fixture: &TestService, tenant: &str, number: u64) -> Message {
    let new = NewMessage {
        to: Sensitive::from(format!("+45{number}").as_str()),
        usage: Usage::SignIn,
        code: Some(Sensitive::from("314159")),
        text: None,
        locale: None,
        variables: Default::default(),
        client_ip: None,
        lifetime_seconds: None,
        reference: None,
        metadata: Default::default(),
        mode: Mode::Sync,
        wait_ms: None,
    };
    match fixture.service.send_message(ADMIN, tenant, new, None).await {
        Ok(message) => message,
        Err(Error::NotSent { message, .. }) => *message,
        Err(other) => panic!("{other}"),
    }
}

/// The versions of a message's attempts, in order.
pub async fn met(fixture: &TestService, id: &str) -> Vec<String> {
    let message = fixture.service.message(ADMIN, TENANT, id).await.unwrap();
    message.attempts.into_iter().map(|attempt| attempt.connector_digest).collect()
}
