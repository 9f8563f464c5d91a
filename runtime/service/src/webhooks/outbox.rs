//! The outbox: events are written in the transaction in which they happen.
//!
//! Promises
//! - an event is written if and only if what it tells is committed;
//! - whether anybody wants it is known from the rows of the tenant and of the message, which its callers have read anyway: without an
//!   endpoint and a status callback, nothing is read or written;
//! - an event holds no code, no text, no full number and no secret.
//!
//! An endpoint that is enabled while a message is being sent may miss the event of that message.

use sendbox_domain::ingress::twilio_callback;
use sendbox_domain::model::{
    EventData, EventType, HoldEvent, MessageEvent, Timestamp, VerificationEvent, VerificationStatus, VersionEvent,
};
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_sandbox::DeliveryState;
use sendbox_store::rows::{EventRow, HoldRow, MessageRow, ReleaseRow, TenantRow, VerificationRow};
use sendbox_store::{Tx, connections, events, releases, tenants, verifications};

use crate::error::{Error, Result};
use crate::id;

/// The row of an event.
pub(crate) fn event_row(
    tenant: &str,
    kind: EventType,
    subject: &str,
    data: &EventData,
    now: Timestamp,
) -> Result<EventRow> {
    Ok(EventRow {
        tenant: tenant.to_owned(),
        id: id::ordered("e", now)?,
        kind,
        subject: subject.to_owned(),
        happened_at: now,
        data: serde_json::to_value(data).map_err(|error| Error::Internal(error.to_string()))?,
    })
}

/// Who gets an event.
struct Receivers<'a> {
    tenant: &'a str,
    subscriptions: &'a Subscriptions,
    /// The id of the ingress whose status callback of the message gets it, too.
    callback: Option<&'a str>,
}

impl<'a> Receivers<'a> {
    fn endpoints(tenant: &'a str, subscriptions: &'a Subscriptions) -> Self {
        Self { tenant, subscriptions, callback: None }
    }

    fn of_message(row: &'a MessageRow, subscriptions: &'a Subscriptions) -> Self {
        let callback = row.status_callback.as_ref().map(|callback| callback.ingress.as_str());
        Self { tenant: &row.tenant, subscriptions, callback }
    }
}

/// Writes an event, if an endpoint or a status callback wants it.
async fn write(
    tx: &mut Tx,
    receivers: Receivers<'_>,
    (kind, subject): (EventType, &str),
    data: impl FnOnce() -> EventData,
    now: Timestamp,
) -> Result<()> {
    let Receivers { tenant, subscriptions, callback } = receivers;
    let callback = callback.filter(|_| twilio_callback::status(kind).is_some());
    if callback.is_none() && !subscriptions.want(kind) {
        return Ok(());
    }
    let event = event_row(tenant, kind, subject, &data(), now)?;
    let receivers: Vec<&str> = subscriptions.receivers(kind).chain(callback).collect();
    Ok(events::insert(tx, &event, receivers).await?)
}

fn message_data(row: &MessageRow, delivery_state: Option<DeliveryState>) -> EventData {
    EventData::Message(MessageEvent {
        tenant: row.tenant.clone(),
        id: row.id.clone(),
        status: row.status,
        to: row.recipient_masked.clone(),
        country: row.country.clone(),
        usage: row.usage,
        verification: row.verification.clone(),
        test: row.test,
        failure_class: row.failure.as_ref().map(|failure| failure.class),
        delivery_state,
        created_at: row.created_at,
    })
}

fn verification_data(row: &VerificationRow, status: VerificationStatus) -> EventData {
    EventData::Verification(VerificationEvent {
        tenant: row.tenant.clone(),
        id: row.id.clone(),
        status,
        to: row.recipient_masked.clone(),
        usage: row.usage,
        test: row.test,
        message: row.message.clone(),
        created_at: row.created_at,
    })
}

/// Tells how a message has ended. Nothing is told of one that has not.
pub(crate) async fn message_ended(
    tx: &mut Tx,
    subscriptions: &Subscriptions,
    row: &MessageRow,
    now: Timestamp,
) -> Result<()> {
    let Some(kind) = EventType::of_message(row.status) else { return Ok(()) };
    let receivers = Receivers::of_message(row, subscriptions);
    write(tx, receivers, (kind, &row.id), || message_data(row, None), now).await
}

/// Whether anybody wants to know of the delivery state of a message, which may have a status callback.
pub(crate) fn wants_delivery(subscriptions: &Subscriptions, state: DeliveryState, has_callback: bool) -> bool {
    EventType::of_delivery(state).is_some_and(|kind| has_callback || subscriptions.want(kind))
}

/// Tells what a provider has reported of a message.
pub(crate) async fn message_reported(
    tx: &mut Tx,
    subscriptions: &Subscriptions,
    row: &MessageRow,
    state: DeliveryState,
    now: Timestamp,
) -> Result<()> {
    let Some(kind) = EventType::of_delivery(state) else { return Ok(()) };
    let receivers = Receivers::of_message(row, subscriptions);
    write(tx, receivers, (kind, &row.id), || message_data(row, Some(state)), now).await
}

/// Tells that a verification was approved.
pub(crate) async fn verification_approved(
    tx: &mut Tx,
    subscriptions: &Subscriptions,
    row: &VerificationRow,
    now: Timestamp,
) -> Result<()> {
    let (kind, status) = (EventType::VerificationApproved, VerificationStatus::Approved);
    let receivers = Receivers::endpoints(&row.tenant, subscriptions);
    write(tx, receivers, (kind, &row.id), || verification_data(row, status), now).await
}

/// Ends pending verifications that have expired, and tells it. Returns their number.
pub(crate) async fn expire_verifications(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    let mut expired = verifications::expire(tx, now, limit).await?;
    expired.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let mut tenant: Option<TenantRow> = None;
    for row in &expired {
        if tenant.as_ref().is_none_or(|tenant| tenant.id != row.tenant) {
            tenant = tenants::get(tx, &row.tenant).await?;
        }
        let Some(tenant) = &tenant else { continue };
        let what = (EventType::VerificationExpired, row.id.as_str());
        let data = || verification_data(row, VerificationStatus::Expired);
        write(tx, Receivers::endpoints(&tenant.id, &tenant.subscriptions), what, data, now).await?;
    }
    Ok(expired.len() as u64)
}

/// Tells that nothing is sent to some numbers for a while.
pub(crate) async fn hold_created(
    tx: &mut Tx,
    subscriptions: &Subscriptions,
    hold: &HoldRow,
    now: Timestamp,
) -> Result<()> {
    let data = || {
        EventData::Hold(HoldEvent {
            tenant: hold.tenant.clone(),
            prefix: hold.prefix.clone(),
            reason: hold.reason.clone(),
            message: hold.message.clone(),
            expires_at: hold.expires_at,
        })
    };
    let receivers = Receivers::endpoints(&hold.tenant, subscriptions);
    write(tx, receivers, (EventType::HoldCreated, &hold.message), data, now).await
}

/// Tells that a version was rolled back, in this release: to the tenant, or to all tenants that use the connector and follow the release
/// for all.
pub(crate) async fn version_rolled_back(
    tx: &mut Tx,
    release: &ReleaseRow,
    digest: &str,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let concerned: Vec<TenantRow> = if release.tenant.is_empty() {
        let mut concerned = Vec::new();
        for tenant in tenants::subscribed(tx).await? {
            let uses = !connections::using(tx, &tenant.id, &release.connector, 1).await?.is_empty();
            if uses && releases::get(tx, &tenant.id, &release.connector).await?.is_none() {
                concerned.push(tenant);
            }
        }
        concerned
    } else {
        tenants::get(tx, &release.tenant).await?.into_iter().collect()
    };
    for tenant in concerned {
        let data = || {
            EventData::Version(VersionEvent {
                tenant: tenant.id.clone(),
                connector: release.connector.clone(),
                digest: digest.to_owned(),
                active: release.versions.active.clone(),
                reason: reason.to_owned(),
            })
        };
        let what = (EventType::VersionRolledBack, release.connector.as_str());
        write(tx, Receivers::endpoints(&tenant.id, &tenant.subscriptions), what, data, now).await?;
    }
    Ok(())
}
