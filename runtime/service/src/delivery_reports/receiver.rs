//! Receiving delivery reports: from a provider's call to the delivery state of a message.
//!
//! The connector of the connection parses the call, in the sandbox and blind, with the version that would send the connection's
//! next message. Its reports are on disk before the provider receives a successful response.
//!
//! A report changes the delivery state and the statistics of a message and nothing else: it causes no send, and no limit, breaker,
//! release or verification depends on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sendbox_domain::model::{Delivery, ReceivedReport, Timestamp};
use sendbox_domain::rules::report::{MAX_REPORTS_PER_CALL, MAX_WAIT_MS, MAX_WAITING, most_advanced, provider_time};
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_sandbox::{Callback, CallbackError, DeliveryReport, ReportRefusal};
use sendbox_store::rows::{AttemptRow, ConnectionRow, ReportRow, TenantRow};
use sendbox_store::{Done, Tx, attempts, connections, messages, reports, tenants};
use zeroize::Zeroizing;

use crate::delivery_reports::callback_url::{random_token, token};
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;
use crate::vault::TenantKey;
use crate::webhooks::outbox;

/// The owner of the store's work for callers that have not shown the token of a callback URL. No tenant has this name.
const CALLBACKS: &str = "/callbacks";

/// Maximum number of expired reports that are deleted whenever a new report has to wait.
const SWEEP_BATCH: u32 = 100;

/// A provider's HTTP request, as received. Has no `Debug`: it contains phone numbers.
pub struct ReportCall {
    /// `POST`
    pub method: String,
    /// Path and query, as they were received.
    pub target: String,
    /// The `Host` header.
    pub host: Option<String>,
    /// Names, in any case, and values.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Zeroizing<Vec<u8>>,
}

/// The connection that a call is for. It is only returned for a correct token.
pub struct ReportReceiver {
    tenant: TenantRow,
    connection: ConnectionRow,
}

/// The keyed hash by which a report finds its attempt. The id itself is not stored: a connector, which reads blind, may return a
/// phone number in its place.
pub(crate) fn provider_id(key: &TenantKey, connection: &str, id: &str) -> Vec<u8> {
    key.hash("provider-message-id", &[connection.as_bytes(), id.as_bytes()])
}

/// The row of a report.
fn report_row(key: &TenantKey, connection: &ConnectionRow, report: DeliveryReport, now: Timestamp) -> ReportRow {
    ReportRow {
        tenant: connection.tenant.clone(),
        connection: connection.name.clone(),
        provider_id: provider_id(key, &connection.name, &report.message_id),
        state: report.state,
        class: report.class,
        provider_code: report.provider_code.filter(|code| !code.is_empty()),
        text: report.text.filter(|text| !text.is_empty()),
        provider_at: report.at.and_then(|at| provider_time(&at, now)),
        signed: report.signed,
        received_at: now,
        attempt: None,
    }
}

/// The delivery state of a message: that of its most advanced report.
pub(crate) fn delivery(reports: &[ReportRow]) -> Option<Delivery> {
    most_advanced(reports, |report| report.state).map(|report| Delivery {
        state: report.state,
        class: report.class,
        provider_code: report.provider_code.clone(),
        reported_at: report.received_at,
    })
}

/// The reports of each attempt, in the order in which they were received.
pub(crate) fn reports_by_attempt(reports: Vec<ReportRow>) -> BTreeMap<u32, Vec<ReceivedReport>> {
    let mut by_attempt: BTreeMap<u32, Vec<ReceivedReport>> = BTreeMap::new();
    for report in reports {
        let Some((_, attempt)) = report.attempt else { continue };
        by_attempt.entry(attempt).or_default().push(ReceivedReport {
            state: report.state,
            class: report.class,
            provider_code: report.provider_code,
            message: report.text,
            signed: report.signed,
            reported_at: report.received_at,
            provider_time: report.provider_at,
        });
    }
    by_attempt
}

/// Assigns reports that arrived before the attempt was finished to it. The caller must lock the provider id before the message.
pub(crate) async fn claim_waiting_reports(
    tx: &mut Tx,
    attempt: &AttemptRow,
    subscriptions: &Subscriptions,
    now: Timestamp,
) -> Result<bool> {
    let Some(provider_id) = &attempt.provider_id else { return Ok(false) };
    let attempt_key = (attempt.message.as_str(), attempt.number);
    let connection_key = (attempt.tenant.as_str(), attempt.connection.as_str());
    let claimed = reports::claim(tx, connection_key, provider_id, attempt_key, now.minus_millis(MAX_WAIT_MS)).await?;
    if claimed > 0 {
        update_delivery(tx, &attempt.tenant, subscriptions, std::slice::from_ref(&attempt.message), now).await?;
    }
    Ok(claimed > 0)
}

/// Updates the delivery state of these messages.
async fn update_delivery(
    tx: &mut Tx,
    tenant: &str,
    subscriptions: &Subscriptions,
    messages: &[String],
    now: Timestamp,
) -> Result<()> {
    for (message, reports) in reports::list_for(tx, tenant, messages).await? {
        let Some(Delivery { state, .. }) = delivery(&reports) else { continue };
        let Some(has_callback) = messages::set_delivery(tx, tenant, &message, state).await? else { continue };
        if outbox::wants_delivery(subscriptions, state, has_callback)
            && let Some(row) = messages::get(tx, tenant, &message).await?
        {
            outbox::message_reported(tx, subscriptions, &row, state, now).await?;
        }
    }
    Ok(())
}

impl Service {
    /// The connection whose callback URL was called.
    ///
    /// # Errors
    /// [`Error::NotFound`], whether the tenant, the connection or the token is wrong; [`Error::Busy`]; store errors.
    pub async fn report_receiver(&self, tenant: &str, connection: &str, given_token: &str) -> Result<ReportReceiver> {
        self.require_running()?;
        let _slot = self.inner.callback_limiter.look_up(tenant).await.ok_or(Error::Busy)?;
        // Anyone can call, and name any tenant: for the store, those who have shown no token take turns as one.
        let mut tx = self.store_of(CALLBACKS).begin_read().await?;
        let found = match tenants::get(&mut tx, tenant).await? {
            Some(tenant) => connections::get(&mut tx, &tenant.id, connection).await?.map(|row| (tenant, row)),
            None => None,
        };
        let stored_token = match &found {
            Some((tenant, row)) => token(row, &self.tenant_key(tenant)?)?,
            None => None,
        };
        // Always compares, with a random token if there is none, so that the response time reveals nothing.
        let (expected_token, exists) = match stored_token {
            Some(stored) => (stored, true),
            None => (random_token()?, false),
        };
        let matches = vault::constant_time_eq(given_token.as_bytes(), expected_token.as_bytes());
        match found {
            Some((tenant, connection)) if matches && exists => Ok(ReportReceiver { tenant, connection }),
            _ => Err(Error::NotFound("path")),
        }
    }

    /// Parses a call and stores its reports. `Ok` is returned after they are on disk; a repeated report changes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::ReportNotAuthentic`], [`Error::ReportMalformed`], [`Error::ReportUnreadable`];
    /// [`Error::NotFound`] when the connector reads no reports; store errors. In all cases nothing was changed.
    pub async fn receive_report(&self, receiver: ReportReceiver, call: ReportCall) -> Result<()> {
        self.require_running()?;
        let ReportReceiver { tenant, connection } = receiver;
        let slot = self.inner.callback_limiter.acquire((tenant.id.clone(), connection.name.clone()));
        let _slot = slot.await.ok_or(Error::Busy)?;
        let mut tx = self.store_of(&tenant.id).begin_read().await?;
        let sender = self.sending_connection(&mut tx, &tenant, &connection).await?;
        drop(tx);
        let Some(sender) = sender else {
            tracing::warn!(
                tenant = tenant.id,
                connection = connection.name,
                "a report was received for a connection that is incompatible with its connector"
            );
            return Err(Error::ReportUnreadable);
        };
        let callback = Callback {
            method: call.method.clone(),
            url: self.called_url(&call),
            headers: call.headers,
            body: call.body,
        };
        let parameters = Arc::clone(&sender.parameters);
        let parsed = match self.inner.calls.parse_report(&sender.connector, parameters, &callback).await {
            Ok(parsed) if parsed.len() <= MAX_REPORTS_PER_CALL => parsed,
            Ok(_) => return Err(Error::ReportMalformed),
            Err(CallbackError::NotSupported) => return Err(Error::NotFound("path")),
            Err(CallbackError::NoFreeSlot | CallbackError::OutOfTime { .. }) => return Err(Error::Busy),
            Err(CallbackError::Refused(ReportRefusal::NotAuthentic)) => return Err(Error::ReportNotAuthentic),
            Err(CallbackError::Refused(ReportRefusal::Malformed)) => return Err(Error::ReportMalformed),
            Err(CallbackError::Fault(fault)) => {
                let digest = sender.connector.digest().to_string();
                let connector = sender.connector_id.as_str();
                tracing::warn!(tenant = tenant.id, connection = connection.name, connector, digest, %fault, "the connector could not read a report");
                return Err(Error::ReportUnreadable);
            }
        };
        self.store_reports(&tenant, &connection, parsed).await
    }

    /// The URL as the provider called it, which is what it signs.
    fn called_url(&self, call: &ReportCall) -> String {
        match (&self.inner.public_url, &call.host) {
            (Some(public), _) => format!("{public}{}", call.target),
            // A proxy in front of this server terminates TLS.
            (None, Some(host)) => format!("https://{host}{}", call.target),
            (None, None) => call.target.clone(),
        }
    }

    async fn store_reports(
        &self,
        tenant: &TenantRow,
        connection: &ConnectionRow,
        parsed: Vec<DeliveryReport>,
    ) -> Result<()> {
        let (key, now) = (self.tenant_key(tenant)?, self.now());
        let identified = parsed.into_iter().filter(|report| !report.message_id.is_empty());
        let rows: Vec<ReportRow> = identified.map(|report| report_row(&key, connection, report, now)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let of_connection = (tenant.id.clone(), connection.name.clone());
        let subscriptions = tenant.subscriptions.clone();
        self.write(self.store_of(&tenant.id), move |tx| {
            let ((tenant, connection), rows) = (of_connection.clone(), rows.clone());
            let subscriptions = subscriptions.clone();
            Box::pin(async move {
                store_rows(tx, (&tenant, &connection), &subscriptions, rows, now).await?;
                Ok(Done::Commit(()))
            })
        })
        .await
    }
}

/// Stores the reports of one call, each with the attempt that it is about if that is known.
async fn store_rows(
    tx: &mut Tx,
    (tenant, connection): (&str, &str),
    subscriptions: &Subscriptions,
    mut rows: Vec<ReportRow>,
    now: Timestamp,
) -> Result<()> {
    if connections::get(tx, tenant, connection).await?.is_none() {
        return Err(Error::NotFound("path"));
    }
    let ids: BTreeSet<Vec<u8>> = rows.iter().map(|row| row.provider_id.clone()).collect();
    let mut attempts_by_id: HashMap<Vec<u8>, (String, u32)> = HashMap::new();
    for id in ids {
        reports::lock(tx, &id).await?;
        if let Some(attempt_key) = attempts::of_provider(tx, tenant, connection, &id).await? {
            attempts_by_id.insert(id, attempt_key);
        }
    }
    // In the order of their ids, to avoid deadlocks.
    let messages: BTreeSet<String> = attempts_by_id.values().map(|(message, _)| message.clone()).collect();
    let mut locked = BTreeSet::new();
    for message in messages {
        if messages::lock(tx, tenant, &message).await?.is_some() {
            locked.insert(message);
        }
    }
    let mut has_waiting = false;
    for row in &mut rows {
        row.attempt = attempts_by_id.get(&row.provider_id).filter(|(message, _)| locked.contains(message)).cloned();
        has_waiting |= reports::insert(tx, row).await? && row.attempt.is_none();
    }
    update_delivery(tx, tenant, subscriptions, &locked.into_iter().collect::<Vec<_>>(), now).await?;
    if has_waiting {
        reports::sweep(tx, now.minus_millis(MAX_WAIT_MS), SWEEP_BATCH).await?;
        reports::keep_newest(tx, tenant, connection, MAX_WAITING).await?;
    }
    Ok(())
}
