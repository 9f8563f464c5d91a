//! The sends of this process that are in progress and belong to a verification, so that one can be revoked when its code is no
//! longer wanted.

use std::collections::HashMap;
use std::sync::Mutex;

use sendbox_store::rows::{MessageRow, VerificationRow};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Tenant and message.
type MessageKey = (String, String);

/// The sends in progress.
#[derive(Default)]
pub(crate) struct SendsInProgress {
    sends: Mutex<HashMap<MessageKey, Send>>,
}

struct Send {
    verification: String,
    usage: &'static str,
    recipient_hash: Vec<u8>,
    cancelled: CancellationToken,
}

/// A send that is registered until this is dropped.
pub(crate) struct RegisteredSend<'a> {
    registry: &'a SendsInProgress,
    key: MessageKey,
}

impl SendsInProgress {
    /// Registers a send. The token is cancelled when the message must no longer leave.
    pub(crate) fn register(&self, message: &MessageRow) -> (CancellationToken, Option<RegisteredSend<'_>>) {
        let cancelled = CancellationToken::new();
        let Some(verification) = message.verification.clone() else { return (cancelled, None) };
        let key = (message.tenant.clone(), message.id.clone());
        let send = Send {
            verification,
            usage: message.usage.as_str(),
            recipient_hash: message.recipient_hash.clone(),
            cancelled: cancelled.clone(),
        };
        lock(&self.sends).insert(key.clone(), send);
        (cancelled, Some(RegisteredSend { registry: self, key }))
    }

    /// Revokes what is being sent for a verification that has ended.
    pub(crate) fn revoke(&self, tenant: &str, verification: &str) {
        self.revoke_where(tenant, |send| send.verification == verification);
    }

    /// Revokes what is being sent for the verifications that this one supersedes.
    pub(crate) fn revoke_superseded_by(&self, row: &VerificationRow) {
        self.revoke_where(&row.tenant, |send| {
            send.verification != row.id && send.usage == row.usage.as_str() && send.recipient_hash == row.recipient_hash
        });
    }

    fn revoke_where(&self, tenant: &str, is_obsolete: impl Fn(&Send) -> bool) {
        for ((of, _), send) in lock(&self.sends).iter() {
            if of == tenant && is_obsolete(send) {
                send.cancelled.cancel();
            }
        }
    }
}

impl Drop for RegisteredSend<'_> {
    fn drop(&mut self) {
        lock(&self.registry.sends).remove(&self.key);
    }
}
