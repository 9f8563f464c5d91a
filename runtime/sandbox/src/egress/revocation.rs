//! When a message must no longer leave.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whether a message may leave now. It is called right before the first byte leaves, on the thread that sends, so it must not block.
pub type MayLeave = Arc<dyn Fn() -> bool + Send + Sync>;

/// What ends the time in which a message may leave. Unlike a send that is withdrawn, a request that is leaving already is not
/// interrupted: its response says what became of the message.
#[derive(Clone, Default)]
pub struct Revocation {
    /// When the message expires.
    pub expires_at: Option<Instant>,
    /// Cancelled when nobody wants the message any more.
    pub cancelled: CancellationToken,
    /// A condition of the caller. It is for what no timer and no token tells in time: a process that was suspended continues where it
    /// was, and that may be right before the first byte.
    pub may_leave: Option<MayLeave>,
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation")
            .field("expires_at", &self.expires_at)
            .field("cancelled", &self.cancelled)
            .finish_non_exhaustive()
    }
}

impl Revocation {
    /// Whether the message must not leave now.
    pub(crate) fn is_revoked(&self) -> bool {
        self.cancelled.is_cancelled()
            || self.expires_at.is_some_and(|at| Instant::now() >= at)
            || self.may_leave.as_ref().is_some_and(|may_leave| !may_leave())
    }

    /// Waits until it has expired or is cancelled.
    pub(crate) async fn revoked(&self) {
        let expired = async {
            match self.expires_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancelled.cancelled() => {}
            () = expired => {}
        }
    }
}
