//! What follows for a verification and for the limits when it is known whether a message may have left. Called in the transaction that
//! stores the message.
//!
//! Promises
//! - earlier codes end when a message with a later one may have left, and not before;
//! - a message that has certainly not left gives back what its code took: the place of the code before, the send, the limits. Once.
//!
//! Locks the buckets of limits before verifications.

use sendbox_domain::model::{Timestamp, VerificationStatus};
use sendbox_domain::phone;
use sendbox_domain::rules::attempt;
use sendbox_store::rows::{MessageRow, TenantRow};
use sendbox_store::verifications::SentCode;
use sendbox_store::{Tx, verifications};

use crate::error::{Error, Result};
use crate::sending::admission::{self, Charge};
use crate::sending::payload::Payload;
use crate::vault::TenantKey;

/// Whether a message has ended, and has certainly not left.
pub(crate) fn is_unsent(row: &MessageRow) -> bool {
    attempt::is_unsent(row.status, row.physical_messages)
}

/// Ends earlier codes: the message may have left.
pub(crate) async fn end_earlier_codes(tx: &mut Tx, row: &MessageRow) -> Result<()> {
    let Some(verification) = &row.verification else { return Ok(()) };
    let sent = SentCode {
        tenant: &row.tenant,
        recipient_hash: &row.recipient_hash,
        usage: row.usage.as_str(),
        verification,
        message: &row.id,
    };
    Ok(verifications::end_earlier_codes(tx, sent).await?)
}

/// Gives back what a message took that has ended and certainly not left. `sealed`: its payload before it ended.
pub(crate) async fn give_back(
    tx: &mut Tx,
    tenant: &TenantRow,
    key: &TenantKey,
    row: &MessageRow,
    sealed: Option<&[u8]>,
    now: Timestamp,
) -> Result<()> {
    let sealed = sealed.ok_or_else(|| Error::Internal("a message has lost its payload".to_owned()))?;
    let payload = Payload::open(key, &row.id, sealed)?;
    let recipient = phone::recipient(&payload.to).map_err(|error| Error::Internal(error.to_string()))?;
    let charge = Charge {
        recipient: &recipient,
        client_ip: payload.client_ip.as_ref().and_then(|ip| ip.parse().ok()),
        usage: row.usage,
        is_notice: payload.code.is_none(),
        price_micros: row.price_micros,
        at: row.created_at,
    };
    let next_at = admission::refund(tx, tenant, key, &charge, now).await?;
    match &row.verification {
        Some(verification) => withdraw_code(tx, row, verification, next_at, now).await,
        None => Ok(()),
    }
}

/// Takes back a code that nobody has received. The code before is the current one again, as it was.
async fn withdraw_code(
    tx: &mut Tx,
    message: &MessageRow,
    verification: &str,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let Some(mut row) = verifications::lock(tx, &message.tenant, verification).await? else { return Ok(()) };
    if row.status != VerificationStatus::Pending {
        return Ok(());
    }
    row.sends = row.sends.saturating_sub(1);
    row.resend_at = next_at.unwrap_or(row.resend_at);
    if row.message.as_ref() == Some(&message.id) {
        match row.previous.take().filter(|previous| previous.expires_at > now) {
            Some(previous) => {
                row.code_mac = previous.code_mac;
                row.code_key = previous.code_key;
                row.tries = previous.tries;
                row.expires_at = previous.expires_at;
                row.message = previous.message;
                row.code_order = previous.code_order;
            }
            // The verification stays open for a resend.
            None => row.code_order = 0,
        }
    } else if row.previous.as_ref().is_some_and(|previous| previous.message.as_ref() == Some(&message.id)) {
        row.previous = None;
    }
    verifications::update_codes(tx, &row).await?;
    Ok(())
}
