//! Verifications: what starting, checking and resending have in common, and reading and cancelling.
//!
//! Promises
//! - a code verifies at most once, whatever the concurrency: the last step is a guarded update;
//! - a try is counted, on disk, before the code is compared; failed tries are also counted for the number, over all its codes;
//! - there is one valid code for a tenant, usage and number: a new one replaces the previous one as soon as its message may have left.
//!   Until then the code on the phone is valid, within its own lifetime and tries. While the message is on its way both are valid, and a
//!   check counts as a try of both;
//! - a code is compared in constant time, as a keyed hash that is bound to tenant, usage, number and verification.

use std::net::IpAddr;
use std::sync::Arc;

use sendbox_domain::message_fields::{MAX_REFERENCE_CHARACTERS, MAX_WAIT};
use sendbox_domain::model::{
    MessageStatus, Mode, Page, Scope, Sensitive, Timestamp, Verification, VerificationFilter, VerificationMessage,
    VerificationStatus,
};
use sendbox_domain::rules::{code, verification};
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::rows::{TenantRow, VerificationRow};
use sendbox_store::verifications::VerificationQuery;
use sendbox_store::{Tx, messages, verifications};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::paging::{newest_first, no_longer_than, page_of};
use crate::sending::messages::AdmittedMessage;
use crate::sending::payload::{OutgoingMessage, Payload};
use crate::service::Service;
use crate::vault::{CodeBinding, TenantKey, random};

/// The sensitive data that a resend needs. Sealed at rest; has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct ResendPayload {
    pub(crate) to: Zeroizing<String>,
    pub(crate) variables: Vec<(String, Zeroizing<String>)>,
}

impl ResendPayload {
    pub(crate) fn seal(&self, key: &TenantKey, id: &str) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(key.seal(&format!("verification/{id}"), &Zeroizing::new(plain))?)
    }

    pub(crate) fn open(key: &TenantKey, id: &str, sealed: &[u8]) -> Result<Self> {
        let plain = key.open(&format!("verification/{id}"), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a stored verification cannot be read".to_owned()))
    }
}

/// What became of a request to send a code.
pub(crate) enum AcceptedVerification {
    /// The idempotency key was used before; `first` is the verification of that request.
    Repeated {
        first: String,
    },
    /// Nothing is sent to a test number.
    Unsent(Box<Verification>),
    Admitted {
        verification: Box<VerificationRow>,
        admitted: Box<AdmittedMessage>,
    },
}

/// The current status of a verification.
pub(crate) fn status(row: &VerificationRow, now: Timestamp) -> VerificationStatus {
    verification::status(row.status, (row.tries, row.max_tries), row.expires_at, now)
}

pub(crate) fn view(row: &VerificationRow, message: Option<MessageStatus>, now: Timestamp) -> Verification {
    let status = status(row, now);
    // Another code may be sent when the tries are used up.
    let sends_left = match status {
        VerificationStatus::Pending | VerificationStatus::Exhausted if !row.test => {
            row.max_sends.saturating_sub(row.sends)
        }
        _ => 0,
    };
    Verification {
        id: row.id.clone(),
        status,
        to: row.recipient_masked.clone(),
        usage: row.usage,
        locale: row.locale.clone(),
        reference: row.platform_data.reference.clone(),
        metadata: row.platform_data.metadata.clone(),
        test: row.test,
        tries_left: if status == VerificationStatus::Pending { row.max_tries.saturating_sub(row.tries) } else { 0 },
        sends_left,
        expires_at: row.expires_at,
        resend_available_at: (sends_left > 0).then_some(row.resend_at),
        created_at: row.created_at,
        approved_at: row.approved_at,
        message: row.message.clone().zip(message).map(|(id, status)| VerificationMessage { id, status }),
    }
}

impl Service {
    /// Generates a code from the operating system's randomness.
    pub(crate) fn generate_code(&self, digits: u8) -> Result<Zeroizing<String>> {
        // One byte in 43 is rejected, so that 64 bytes almost always yield enough digits.
        for _ in 0..8 {
            if let Some(code) = code::digits(random::<64>()?.as_ref(), digits) {
                return Ok(code);
            }
        }
        Err(Error::Internal("the random numbers of the operating system are not usable".to_owned()))
    }

    /// Sends the code of a verification, and returns the verification.
    pub(crate) async fn send_code(&self, row: VerificationRow, admitted: AdmittedMessage) -> Result<Verification> {
        let message = self.dispatch(admitted, Some(&row.id), MAX_WAIT).await?;
        Ok(view(&row, Some(message.status), self.now()))
    }

    #[allow(clippy::too_many_arguments, reason = "all parts of a message")]
    pub(crate) fn outgoing(
        &self,
        row: &VerificationRow,
        recipient: Arc<Recipient>,
        variables: Vec<(String, Zeroizing<String>)>,
        code: Zeroizing<String>,
        client_ip: Option<IpAddr>,
        lifetime_seconds: u32,
        mode: Mode,
    ) -> OutgoingMessage {
        OutgoingMessage {
            payload: Payload {
                to: Zeroizing::new(recipient.e164.to_string()),
                code: Some(code),
                text: None,
                variables,
                client_ip: client_ip.map(|ip| Zeroizing::new(ip.to_string())),
                lifetime_seconds,
            },
            recipient,
            usage: row.usage,
            locale: row.locale.clone(),
            verification: Some(row.id.clone()),
            mode,
            platform_data: row.platform_data.clone(),
            status_callback: None,
        }
    }

    pub(crate) fn code_mac(
        &self,
        tenant: &TenantRow,
        id: &str,
        usage: Usage,
        recipient: &[u8],
        code: &str,
    ) -> Result<Vec<u8>> {
        let binding = CodeBinding { tenant: &tenant.id, verification: id, usage: usage.as_str(), recipient };
        Ok(self.inner.keys.code_mac(self.inner.keys.current_id(), &binding, code)?)
    }

    pub(crate) async fn read_verification(&self, tenant: &str, id: &str) -> Result<Verification> {
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.view_of(&mut tx, tenant, id).await
    }

    pub(crate) async fn view_of(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Verification> {
        let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        let message = match &row.message {
            Some(message) => messages::get(tx, tenant, message).await?.map(|message| message.status),
            None => None,
        };
        Ok(view(&row, message, self.now()))
    }

    /// One verification.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn verification(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Verification> {
        caller.may(tenant, &[Scope::Read, Scope::Verify])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        self.view_of(&mut tx, tenant, id).await
    }

    /// Verifications, newest first; with `to`, those of this number.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn verifications(
        &self,
        caller: &Caller,
        tenant: &str,
        filter: VerificationFilter,
        to: Option<Sensitive>,
    ) -> Result<Page<Verification>> {
        caller.may(tenant, &[Scope::Read])?;
        no_longer_than("reference", filter.reference.as_deref(), MAX_REFERENCE_CHARACTERS)?;
        let (size, before) = newest_first(filter.limit, filter.cursor.as_deref())?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let query = VerificationQuery {
            usage: filter.usage,
            recipient_hash: self.number_to_find(&row, to)?,
            reference: filter.reference,
            since: filter.since,
            until: filter.until,
            before,
            limit: size + 1,
        };
        let rows = verifications::list(&mut tx, tenant, &query).await?;
        let (rows, next_cursor) = page_of(rows, size, |row| (row.created_at, &row.id));
        let ids: Vec<String> = rows.iter().filter_map(|row| row.message.clone()).collect();
        let statuses = messages::statuses(&mut tx, tenant, &ids).await?;
        let now = self.now();
        let status = |row: &VerificationRow| row.message.as_ref().and_then(|id| statuses.get(id).copied());
        Ok(Page { items: rows.iter().map(|row| view(row, status(row), now)).collect(), next_cursor })
    }

    /// Cancels a verification: its code becomes invalid, and nothing more is sent.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::VerificationEnded`] when it has already ended with another status.
    pub async fn cancel_verification(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Verification> {
        caller.may(tenant, &[Scope::Verify])?;
        let mut tx = self.store_of(tenant).begin().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let was_pending = verifications::end(&mut tx, tenant, id, VerificationStatus::Cancelled).await?;
        let verification = self.view_of(&mut tx, tenant, id).await?;
        if !was_pending && verification.status != VerificationStatus::Cancelled {
            return Err(Error::VerificationEnded(Box::new(verification)));
        }
        tx.commit().await?;
        self.inner.sends.revoke(tenant, id, None);
        Ok(verification)
    }
}
