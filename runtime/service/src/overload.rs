//! Requests that were refused because too many were waiting, counted for the log: one line a second at most, however many they are.
//! Each has a line of its own as a request, with its tenant.

use std::time::Duration;

use crate::service::Service;

/// How often the counters are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Refusals {
    /// Because too many sends of the tenant waited for a slot.
    sends: u64,
    /// Because too many requests waited for the store.
    store: u64,
}

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn report_refusals(&self) {
        let mut before = Refusals::default();
        while !self.inner.stopping.is_cancelled() {
            tokio::select! {
                biased;
                () = self.inner.clock.timer(INTERVAL) => {}
                () = self.inner.stopping.cancelled() => {}
            }
            let sends = self.inner.refused_sends.total();
            let now = Refusals { sends, store: self.inner.store.refusals() };
            if now != before {
                let (sends, store) = (now.sends - before.sends, now.store - before.store);
                tracing::warn!(
                    sends,
                    store,
                    "requests were refused: too many were waiting for a slot or for the store"
                );
                before = now;
            }
        }
    }
}
