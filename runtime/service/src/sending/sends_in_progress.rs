//! The messages of verifications that this process is delivering, so that what is being sent can be revoked when its code is no longer
//! wanted.
//!
//! A message is registered before it is read whether its code is wanted, or in the transaction that stores it. So whoever ends the
//! verification afterwards finds it here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sendbox_store::rows::{MessageRow, VerificationRow};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// The deliveries in progress. A message may be in two of them, if the lease of the earlier one is lost.
#[derive(Default)]
pub(crate) struct SendsInProgress {
    sends: Arc<Mutex<BTreeMap<u64, Send>>>,
    registered: AtomicU64,
}

struct Send {
    tenant: String,
    message: String,
    verification: String,
    usage: &'static str,
    recipient_hash: Vec<u8>,
    cancelled: CancellationToken,
}

/// A message that is registered until this is dropped.
pub(crate) struct RegisteredSend {
    sends: Arc<Mutex<BTreeMap<u64, Send>>>,
    number: u64,
    cancelled: CancellationToken,
}

impl RegisteredSend {
    /// A token for one attempt, which is also cancelled when the message must no longer leave.
    pub(crate) fn attempt(&self) -> CancellationToken {
        self.cancelled.child_token()
    }
}

impl SendsInProgress {
    /// Registers a message. It must also no longer leave once `lost` is cancelled.
    pub(crate) fn register(&self, message: &MessageRow, lost: &CancellationToken) -> RegisteredSend {
        let cancelled = lost.child_token();
        let number = self.registered.fetch_add(1, Ordering::Relaxed);
        if let Some(verification) = message.verification.clone() {
            let send = Send {
                tenant: message.tenant.clone(),
                message: message.id.clone(),
                verification,
                usage: message.usage.as_str(),
                recipient_hash: message.recipient_hash.clone(),
                cancelled: cancelled.clone(),
            };
            lock(&self.sends).insert(number, send);
        }
        RegisteredSend { sends: Arc::clone(&self.sends), number, cancelled }
    }

    /// Revokes what is being sent for a verification that has ended, or has a later message: that message is not revoked.
    pub(crate) fn revoke(&self, tenant: &str, verification: &str, later_message: Option<&str>) {
        self.revoke_where(tenant, |send| {
            send.verification == verification && Some(send.message.as_str()) != later_message
        });
    }

    /// Revokes what is being sent for the verifications that this one supersedes.
    pub(crate) fn revoke_superseded_by(&self, row: &VerificationRow) {
        self.revoke_where(&row.tenant, |send| {
            send.verification != row.id && send.usage == row.usage.as_str() && send.recipient_hash == row.recipient_hash
        });
    }

    fn revoke_where(&self, tenant: &str, is_obsolete: impl Fn(&Send) -> bool) {
        for send in lock(&self.sends).values() {
            if send.tenant == tenant && is_obsolete(send) {
                send.cancelled.cancel();
            }
        }
    }
}

impl Drop for RegisteredSend {
    fn drop(&mut self) {
        lock(&self.sends).remove(&self.number);
    }
}
