//! When a message must no longer leave.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What ends the time in which a message may leave. Unlike a send that is withdrawn, a request that is leaving already is not
/// interrupted: its response says what became of the message.
#[derive(Clone, Debug, Default)]
pub struct Revocation {
    /// When the message expires.
    pub expires_at: Option<Instant>,
    /// Cancelled when nobody wants the message any more.
    pub cancelled: CancellationToken,
}

impl Revocation {
    /// Whether the message must not leave now.
    pub(crate) fn is_revoked(&self) -> bool {
        self.cancelled.is_cancelled() || self.expires_at.is_some_and(|at| Instant::now() >= at)
    }

    /// Waits until it must not leave.
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
