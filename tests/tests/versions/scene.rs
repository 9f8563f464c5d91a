//! What the stories share: a house with an uploaded connector, and a wait for what happens in the background.

use std::time::{Duration, Instant};

use sendbox_sandbox::Usage;
use sendbox_service::model::{
    Activation, Approval, ConnectorVersion, Message, Mode, NewMessage, Release, Sensitive, VersionActivation,
    VersionState,
};
use sendbox_service::{Caller, Error};
use sendbox_tests::Database;
use sendbox_tests::house::{House, TENANT};
use sendbox_tests::versioned::{ID, digest, input};

pub const ADMIN: &Caller = &Caller::Platform;

/// What has not happened after this time will not.
const NEVER: Duration = Duration::from_secs(60);

/// Waits until `look` finds something. What is waited for happens in the background, and nobody tells.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + NEVER;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it does not happen: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Uploads a file for all tenants, and waits for the end of its check.
pub async fn upload(house: &House, component: &[u8]) -> ConnectorVersion {
    upload_for(house, None, component).await
}

/// The same, for a tenant.
pub async fn upload_for(house: &House, tenant: Option<&str>, component: &[u8]) -> ConnectorVersion {
    house.service.upload(ADMIN, tenant, component).await.unwrap();
    checked(house, tenant, &digest(component)).await
}

/// Waits for the end of a check.
pub async fn checked(house: &House, tenant: Option<&str>, digest: &str) -> ConnectorVersion {
    until("the end of a check", || async {
        let version = house.service.uploaded(ADMIN, tenant, digest).await.unwrap();
        (version.state != VersionState::Checking).then_some(version)
    })
    .await
}

/// The furnished house, with the first version uploaded for all tenants and its connection active.
pub async fn house_with(database: &Database, first: &[u8]) -> House {
    let house = House::furnished(database).await;
    let version = upload(&house, first).await;
    assert_eq!(version.state, VersionState::Ready, "{:?}", version.refusal);
    use_it(&house, TENANT).await;
    house
}

/// A tenant sends with it.
pub async fn use_it(house: &House, tenant: &str) {
    house.service.save_connection(ADMIN, tenant, "acme", input()).await.unwrap();
    house.service.activate(ADMIN, tenant, Activation { name: "acme".to_owned() }).await.unwrap();
}

/// Makes a version active for all tenants.
pub async fn activate(house: &House, component: &[u8]) -> Result<Release, Error> {
    let activation = VersionActivation {
        digest: digest(component),
        generation: None,
        auto_rollback_seconds: None,
        drain_seconds: None,
    };
    house.service.activate_version(ADMIN, None, ID, activation).await.map(|activated| activated.release)
}

/// Approves what a version may do.
pub async fn approve(house: &House, component: &[u8]) -> Result<ConnectorVersion, Error> {
    let version = house.service.version(ADMIN, None, ID, &digest(component)).await?;
    let confirmation_token = version.difference.expect("it differs").confirmation_token;
    house.service.approve_version(ADMIN, None, ID, &digest(component), Approval { confirmation_token }).await
}

/// What sends.
pub async fn release(house: &House) -> Release {
    house.service.release(ADMIN, None, ID).await.unwrap()
}

/// Sends a message of the platform, and gives back what became of it, sent or not.
pub async fn send(house: &House, number: u64) -> Message {
    send_for(house, TENANT, number).await
}

/// The same, of a tenant.
pub async fn send_for(house: &House, tenant: &str, number: u64) -> Message {
    let new = NewMessage {
        to: Sensitive::from(format!("+45{number}").as_str()),
        usage: Usage::SignIn,
        code: Sensitive::from("314159"),
        locale: None,
        variables: Default::default(),
        client_ip: None,
        lifetime_seconds: None,
        mode: Mode::Sync,
    };
    match house.service.send_message(ADMIN, tenant, new, None).await {
        Ok(message) => message,
        Err(Error::NotSent { message, .. }) => *message,
        Err(other) => panic!("{other}"),
    }
}

/// The versions that a message met, in order.
pub async fn met(house: &House, id: &str) -> Vec<String> {
    let message = house.service.message(ADMIN, TENANT, id).await.unwrap();
    message.attempts.into_iter().map(|attempt| attempt.connector_digest).collect()
}
