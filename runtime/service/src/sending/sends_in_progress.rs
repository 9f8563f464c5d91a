//! The messages that this process is delivering, so that none is delivered twice at the same time; and the sends that belong to a
//! verification, so that one can be revoked when its code is no longer wanted.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use sendbox_store::rows::{MessageRow, VerificationRow};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Tenant and message.
type MessageKey = (String, String);

/// The deliveries and sends in progress.
#[derive(Default)]
pub(crate) struct SendsInProgress {
    deliveries: Mutex<HashSet<MessageKey>>,
    sends: Mutex<HashMap<MessageKey, Send>>,
}

/// A delivery in progress, until this is dropped.
pub(crate) struct DeliveryGuard<'a> {
    registry: &'a SendsInProgress,
    key: MessageKey,
}

impl Drop for DeliveryGuard<'_> {
    fn drop(&mut self) {
        lock(&self.registry.deliveries).remove(&self.key);
    }
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
    /// Begins to deliver a message. `None`: this process is delivering it already. Its lease may have expired in the meantime, and the
    /// worker has claimed the message again.
    pub(crate) fn begin_delivery(&self, tenant: &str, message: &str) -> Option<DeliveryGuard<'_>> {
        let key = (tenant.to_owned(), message.to_owned());
        let is_new = lock(&self.deliveries).insert(key.clone());
        // Only then is there a guard: its end removes the message.
        is_new.then(|| DeliveryGuard { registry: self, key })
    }

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

    /// Revokes what is being sent for a verification that has ended, or has a later message: that message is not revoked.
    pub(crate) fn revoke(&self, tenant: &str, verification: &str, later_message: Option<&str>) {
        self.revoke_where(tenant, |message, send| send.verification == verification && Some(message) != later_message);
    }

    /// Revokes what is being sent for the verifications that this one supersedes.
    pub(crate) fn revoke_superseded_by(&self, row: &VerificationRow) {
        self.revoke_where(&row.tenant, |_, send| {
            send.verification != row.id && send.usage == row.usage.as_str() && send.recipient_hash == row.recipient_hash
        });
    }

    fn revoke_where(&self, tenant: &str, is_obsolete: impl Fn(&str, &Send) -> bool) {
        for ((of, message), send) in lock(&self.sends).iter() {
            if of == tenant && is_obsolete(message, send) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_delivered_once_at_a_time() {
        let sends = SendsInProgress::default();
        let delivery = sends.begin_delivery("acme", "m1");
        assert!(delivery.is_some());
        assert!(sends.begin_delivery("acme", "m1").is_none());
        assert!(sends.begin_delivery("acme", "m2").is_some() && sends.begin_delivery("other", "m1").is_some());
        drop(delivery);
        assert!(sends.begin_delivery("acme", "m1").is_some());
    }
}
