//! Holds: after a provider suspects fraud, nothing is sent to neighbouring numbers for a while. Users can read the reason and lift
//! the hold.

use sendbox_domain::model::{Hold, Scope, Timestamp};
use sendbox_domain::phone;
use sendbox_domain::rules::buckets;
use sendbox_sandbox::Recipient;
use sendbox_store::rows::{HoldRow, MessageRow};
use sendbox_store::{Tx, holds};
use serde_json::json;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::service::Service;
use crate::vault::TenantKey;

/// The duration of a hold. When the fraud continues after it, the provider's next refusal starts another one.
const HOLD_SECONDS: u64 = 3600;

/// The keyed hash of the block of a thousand numbers that a number belongs to.
pub(crate) fn prefix_hash(key: &TenantKey, recipient: &Recipient) -> Vec<u8> {
    key.hash("prefix", &[buckets::prefix(&phone::handset(recipient)).as_bytes()])
}

/// Refuses a number on hold.
pub(crate) async fn check(
    tx: &mut Tx,
    tenant: &str,
    key: &TenantKey,
    recipient: &Recipient,
    now: Timestamp,
) -> Result<()> {
    match holds::find(tx, tenant, &prefix_hash(key, recipient), now).await? {
        Some(hold) => Err(Error::Limited {
            limit: sendbox_domain::LimitName::Hold,
            retry_after: Some(hold.expires_at.seconds_from(now).max(1)),
        }),
        None => Ok(()),
    }
}

/// Puts the block of numbers around the recipient of a message on hold. If it was on hold, that hold keeps its id.
pub(crate) async fn hold(
    tx: &mut Tx,
    key: &TenantKey,
    message: &MessageRow,
    recipient: &Recipient,
    now: Timestamp,
) -> Result<HoldRow> {
    let leading: String = recipient.national.chars().take(2).collect();
    let row = HoldRow {
        tenant: message.tenant.clone(),
        id: id::new("h")?,
        prefix_hash: prefix_hash(key, recipient),
        prefix: format!("+{}{leading}…", recipient.calling_code),
        reason: "a provider refused a message to these numbers because it suspects fraud".to_owned(),
        message: message.id.clone(),
        created_at: now,
        expires_at: now.plus_seconds(HOLD_SECONDS),
    };
    holds::put(tx, &row).await?;
    Ok(row)
}

fn view(row: HoldRow) -> Hold {
    let HoldRow { id, prefix, reason, message, created_at, expires_at, .. } = row;
    Hold { id, prefix, reason, message, created_at, expires_at }
}

impl Service {
    /// The holds of a tenant, the one that ends last first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn holds(&self, caller: &Caller, tenant: &str) -> Result<Vec<Hold>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        Ok(holds::list(&mut tx, tenant, self.now()).await?.into_iter().map(view).collect())
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn lift_hold(&self, caller: &Caller, tenant: &str, id: &str) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let row = holds::delete(&mut tx, tenant, id).await?.ok_or(Error::NotFound("hold"))?;
        let before = json!({ "prefix": row.prefix, "reason": row.reason, "expiresAt": row.expires_at });
        let what = ("hold.lift", format!("hold:{id}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), None)).await?;
        Ok(tx.commit().await?)
    }
}
