//! The log of an ingress: its newest calls, without numbers, codes and texts.
//!
//! A call that caused a message is recorded in the transaction that stores the message. Of the other calls, a bounded number a second is
//! recorded (`recorded_calls.rs`).

use sendbox_contract::Usage;
use sendbox_domain::ingress::request::IngressRequest;
use sendbox_domain::model::{IngressCall, IngressOutcome, Scope, Timestamp};
use sendbox_domain::phone;
use sendbox_store::rows::{IngressCallRow, IngressRow};
use sendbox_store::{Done, ingresses, messages};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::service::Service;

/// Number of calls of an ingress that are kept.
const KEPT: u32 = 500;
/// Number of calls that are listed.
const LISTED: u32 = 100;
/// Maximum length of an explanation, in characters.
const MAX_DETAIL: usize = 500;

/// What is recorded of a call that caused no message of its own.
#[derive(Default)]
pub(crate) struct CallRecord {
    pub(crate) recipient_masked: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) message: Option<String>,
    pub(crate) detail: Option<String>,
}

impl CallRecord {
    /// What is recorded of every message that is asked for.
    pub(crate) fn of(requested: &IngressRequest) -> Self {
        let (recipient_masked, usage) = (Some(phone::masked(&requested.recipient)), Some(requested.usage));
        Self { recipient_masked, usage, ..Self::default() }
    }
}

/// The row of a call.
pub(crate) fn call_row(
    ingress: &IngressRow,
    now: Timestamp,
    outcome: IngressOutcome,
    status: Option<u16>,
    record: CallRecord,
) -> Result<IngressCallRow> {
    Ok(IngressCallRow {
        tenant: ingress.tenant.clone(),
        ingress: ingress.id.clone(),
        id: id::ordered("c", now)?,
        received_at: now,
        outcome,
        status,
        recipient_masked: record.recipient_masked,
        usage: record.usage,
        message: record.message,
        detail: record.detail.map(|detail| detail.chars().take(MAX_DETAIL).collect()),
    })
}

impl Service {
    /// Records a call that caused no message of its own. The response does not depend on it: if it fails, that is logged.
    pub(crate) async fn record_call(
        &self,
        ingress: &IngressRow,
        outcome: IngressOutcome,
        status: u16,
        record: CallRecord,
    ) {
        if !self.inner.recorded_calls.admit(&ingress.id, self.inner.clock.monotonic()) {
            return;
        }
        if let Err(error) = self.store_call(ingress, outcome, status, record).await {
            tracing::warn!(%error, ingress = ingress.id, "a call of an ingress could not be recorded");
        }
    }

    async fn store_call(
        &self,
        ingress: &IngressRow,
        outcome: IngressOutcome,
        status: u16,
        record: CallRecord,
    ) -> Result<()> {
        let row = call_row(ingress, self.now(), outcome, Some(status), record)?;
        let store = self.store_of(&ingress.tenant);
        let stored = self.write_again(&store, move |tx| {
            let row = row.clone();
            Box::pin(async move {
                ingresses::insert_call(tx, &row).await?;
                ingresses::trim_calls(tx, &row.tenant, &row.ingress, KEPT).await?;
                Ok(Done::Commit(()))
            })
        });
        stored.await
    }

    /// The newest calls of an ingress, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ingress_calls(&self, caller: &Caller, tenant: &str, name: &str) -> Result<Vec<IngressCall>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let row = ingresses::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("ingress"))?;
        let calls = ingresses::calls(&mut tx, tenant, &row.id, LISTED).await?;
        let ids: Vec<String> = calls.iter().filter_map(|call| call.message.clone()).collect();
        let statuses = messages::statuses(&mut tx, tenant, &ids).await?;
        let view = |call: IngressCallRow| IngressCall {
            received_at: call.received_at,
            outcome: call.outcome,
            status: call.status,
            to: call.recipient_masked,
            usage: call.usage,
            message_status: call.message.as_ref().and_then(|id| statuses.get(id).copied()),
            message: call.message,
            detail: call.detail,
        };
        Ok(calls.into_iter().map(view).collect())
    }
}
