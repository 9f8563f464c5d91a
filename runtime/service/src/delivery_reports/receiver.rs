//! Receiving delivery reports: from a provider's call to the delivery state of a message.
//!
//! The connector of the connection parses the call, in the sandbox and blind, with the version that would send the connection's
//! next message. Its reports are on disk before the provider receives a successful response.
//!
//! A report changes the delivery state and the statistics of a message and nothing else: it causes no send, and no limit, breaker,
//! release or verification depends on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sendbox_domain::model::{Delivery, DeliveryReportView, Timestamp};
use sendbox_domain::rules::report::{MOST_OF_A_CALL, MOST_WAITING, WAITS_MS, furthest, provider_time};
use sendbox_sandbox::{Callback, CallbackError, DeliveryReport, ReportRefusal};
use sendbox_store::rows::{AttemptRow, ConnectionRow, ReportRow, TenantRow};
use sendbox_store::{Tx, attempts, connections, messages, reports, tenants};
use zeroize::Zeroizing;

use crate::delivery_reports::callback_url::{random_token, token};
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;
use crate::vault::TenantKey;

/// Expired waiting reports that are deleted whenever a new one has to wait.
const SWEPT: u32 = 100;

/// A provider's HTTP request, as received. Has no `Debug`: it holds numbers.
pub struct ReportCall {
    /// `POST`
    pub method: String,
    /// Path and query, as they were received.
    pub target: String,
    /// The `Host` header.
    pub host: Option<String>,
    /// Names and values; the names are in any case.
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
        received_at: now,
        of: None,
    }
}

/// The delivery state of a message: that of the report that is furthest.
pub(crate) fn delivery(reports: &[ReportRow]) -> Option<Delivery> {
    furthest(reports, |report| report.state).map(|report| Delivery {
        state: report.state,
        class: report.class,
        provider_code: report.provider_code.clone(),
        reported_at: report.received_at,
    })
}

/// The reports of each attempt, in the order in which they were received.
pub(crate) fn by_attempt(reports: Vec<ReportRow>) -> BTreeMap<u32, Vec<DeliveryReportView>> {
    let mut found: BTreeMap<u32, Vec<DeliveryReportView>> = BTreeMap::new();
    for report in reports {
        let Some((_, attempt)) = report.of else { continue };
        found.entry(attempt).or_default().push(DeliveryReportView {
            state: report.state,
            class: report.class,
            provider_code: report.provider_code,
            message: report.text,
            reported_at: report.received_at,
            provider_time: report.provider_at,
        });
    }
    found
}

/// Assigns the reports that arrived before the end of an attempt to it. The caller has locked the id before the message.
pub(crate) async fn claim_waiting_reports(tx: &mut Tx, attempt: &AttemptRow, now: Timestamp) -> Result<()> {
    let Some(provider_id) = &attempt.provider_id else { return Ok(()) };
    let of = (attempt.message.as_str(), attempt.number);
    let place = (attempt.tenant.as_str(), attempt.connection.as_str());
    if reports::claim(tx, place, provider_id, of, now.minus_millis(WAITS_MS)).await? > 0 {
        update_delivery(tx, &attempt.tenant, std::slice::from_ref(&attempt.message)).await?;
    }
    Ok(())
}

/// Updates the delivery state of these messages.
async fn update_delivery(tx: &mut Tx, tenant: &str, messages: &[String]) -> Result<()> {
    for (message, reports) in reports::list_for(tx, tenant, messages).await? {
        if let Some(delivery) = delivery(&reports) {
            messages::set_delivery(tx, tenant, &message, delivery.state).await?;
        }
    }
    Ok(())
}

impl Service {
    /// The connection whose callback URL was called.
    ///
    /// # Errors
    /// [`Error::NotFound`], equally for a wrong tenant, connection or token; store errors.
    pub async fn report_receiver(&self, tenant: &str, connection: &str, given: &str) -> Result<ReportReceiver> {
        self.require_running()?;
        let mut tx = self.inner.store.begin_read().await?;
        let found = match tenants::get(&mut tx, tenant).await? {
            Some(tenant) => connections::get(&mut tx, &tenant.id, connection).await?.map(|row| (tenant, row)),
            None => None,
        };
        let known = match &found {
            Some((tenant, row)) => token(row, &self.tenant_key(tenant)?)?,
            None => None,
        };
        // Always compares, if need be with a random token, so that the time reveals nothing.
        let (expected, is_known) = match known {
            Some(known) => (known, true),
            None => (random_token()?, false),
        };
        let fits = vault::same(given.as_bytes(), expected.as_bytes());
        match found {
            Some((tenant, connection)) if fits && is_known => Ok(ReportReceiver { tenant, connection }),
            _ => Err(Error::NotFound("path")),
        }
    }

    /// Parses a call and stores its reports. `Ok` is returned after they are on disk; a repeated report changes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::ReportNotAuthentic`], [`Error::ReportMalformed`], [`Error::ReportUnread`];
    /// [`Error::NotFound`] when the connector reads no reports; store errors. Nothing was changed
    /// then.
    pub async fn take_report(&self, receiver: ReportReceiver, call: ReportCall) -> Result<()> {
        self.require_running()?;
        let ReportReceiver { tenant, connection } = receiver;
        let slot = self.inner.callback_limiter.enter((tenant.id.clone(), connection.name.clone()));
        let _slot = slot.ok_or(Error::Busy)?;
        let mut tx = self.inner.store.begin_read().await?;
        let sender = self.sending_connection(&mut tx, &tenant, &connection).await?;
        drop(tx);
        let Some(sender) = sender else {
            tracing::warn!(
                tenant = tenant.id,
                connection = connection.name,
                "a report was received for a connection that does not fit its connector"
            );
            return Err(Error::ReportUnread);
        };
        let callback = Callback {
            method: call.method.clone(),
            url: self.called_url(&call),
            headers: call.headers,
            body: call.body,
        };
        let parameters = Arc::clone(&sender.parameters);
        let found = match self.inner.sandbox.parse_report(&sender.connector, parameters, &callback).await {
            Ok(found) if found.len() <= MOST_OF_A_CALL => found,
            Ok(_) => return Err(Error::ReportMalformed),
            Err(CallbackError::NotSupported) => return Err(Error::NotFound("path")),
            Err(CallbackError::NoFreeSlot | CallbackError::OutOfTime { .. }) => return Err(Error::Busy),
            Err(CallbackError::Refused(ReportRefusal::NotAuthentic)) => return Err(Error::ReportNotAuthentic),
            Err(CallbackError::Refused(ReportRefusal::Malformed)) => return Err(Error::ReportMalformed),
            Err(CallbackError::Fault(fault)) => {
                let digest = sender.connector.digest().to_string();
                let connector = sender.connector_id.as_str();
                tracing::warn!(tenant = tenant.id, connection = connection.name, connector, digest, %fault, "the connector could not read a report");
                return Err(Error::ReportUnread);
            }
        };
        self.keep_reports(&tenant, &connection, found).await
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

    async fn keep_reports(
        &self,
        tenant: &TenantRow,
        connection: &ConnectionRow,
        found: Vec<DeliveryReport>,
    ) -> Result<()> {
        let (key, now) = (self.tenant_key(tenant)?, self.now());
        let named = found.into_iter().filter(|report| !report.message_id.is_empty());
        let mut rows: Vec<ReportRow> = named.map(|report| report_row(&key, connection, report, now)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.store.begin().await?;
        if connections::get(&mut tx, &tenant.id, &connection.name).await?.is_none() {
            return Err(Error::NotFound("path"));
        }
        let ids: BTreeSet<Vec<u8>> = rows.iter().map(|row| row.provider_id.clone()).collect();
        let mut attempts_of: HashMap<Vec<u8>, (String, u32)> = HashMap::new();
        for id in ids {
            reports::lock(&mut tx, &id).await?;
            if let Some(of) = attempts::of_provider(&mut tx, &tenant.id, &connection.name, &id).await? {
                attempts_of.insert(id, of);
            }
        }
        // In the order of their ids, to avoid deadlocks.
        let messages: BTreeSet<String> = attempts_of.values().map(|(message, _)| message.clone()).collect();
        let mut there = BTreeSet::new();
        for message in messages {
            if messages::lock(&mut tx, &tenant.id, &message).await?.is_some() {
                there.insert(message);
            }
        }
        let mut waits = false;
        for row in &mut rows {
            row.of = attempts_of.get(&row.provider_id).filter(|(message, _)| there.contains(message)).cloned();
            waits |= reports::insert(&mut tx, row).await? && row.of.is_none();
        }
        update_delivery(&mut tx, &tenant.id, &there.into_iter().collect::<Vec<_>>()).await?;
        if waits {
            reports::sweep(&mut tx, now.minus_millis(WAITS_MS), SWEPT).await?;
            reports::keep_newest(&mut tx, &tenant.id, &connection.name, MOST_WAITING).await?;
        }
        Ok(tx.commit().await?)
    }
}
