//! What the release monitor knows, and how others tell it that something has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use sendbox_domain::model::Timestamp;
use sendbox_store::rows::ReleaseRow;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Scope and connector.
pub(crate) type Key = (String, String);

/// What the monitor knows: shared by the task that watches and by whoever changes something.
#[derive(Default)]
pub(crate) struct ReleaseMonitor {
    pub(super) woken: Notify,
    /// Versions that have just failed.
    pub(super) suspects: Mutex<BTreeSet<Key>>,
    /// Ends what is under way on a version: scope, connector, digest.
    signals: Mutex<HashMap<(String, String, String), Signal>>,
    pub(super) seen: Mutex<SeenReleases>,
}

/// What is cancelled when a version has drained, and the generation of the release by which it was last given to a send. What
/// the monitor has read before that says nothing of it.
#[derive(Default)]
struct Signal {
    token: CancellationToken,
    generation: u64,
}

/// The releases, as last read.
#[derive(Default)]
pub(crate) struct SeenReleases {
    pub(super) ticks: Option<i64>,
    pub(super) tidied: Option<Instant>,
    pub(super) releases: Arc<BTreeMap<Key, ReleaseRow>>,
}

impl ReleaseMonitor {
    /// Says that something has changed.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Says that a version has failed, so that it is judged now.
    pub(crate) fn suspect(&self, scope: String, connector: String) {
        lock(&self.suspects).insert((scope, connector));
        self.wake();
    }

    /// What is cancelled when a version has drained.
    pub(crate) fn signal(&self, release: &ReleaseRow, digest: &str) -> CancellationToken {
        let key = (release.tenant.clone(), release.connector.clone(), digest.to_owned());
        let mut signals = lock(&self.signals);
        let signal = signals.entry(key).or_default();
        signal.generation = signal.generation.max(release.generation);
        signal.token.clone()
    }

    /// Ends what is under way on versions that have drained.
    pub(super) fn end_drained(&self, releases: &BTreeMap<Key, ReleaseRow>, now: Timestamp) {
        lock(&self.signals).retain(|(scope, connector, digest), signal| {
            // A release that is gone ends nothing: what is under way comes to its own end.
            let Some(release) = releases.get(&(scope.clone(), connector.clone())) else { return false };
            let goes_on = release.generation < signal.generation || release.versions.may_go_on(digest, now);
            if !goes_on {
                signal.token.cancel();
            }
            goes_on
        });
    }
}

#[cfg(test)]
mod tests {
    use sendbox_domain::rules::release::Versions;

    use super::*;

    fn release(generation: u64, active: &str) -> ReleaseRow {
        let versions = Versions::first(active.to_owned(), Timestamp(0));
        ReleaseRow { tenant: "t".to_owned(), connector: "c".to_owned(), owner: String::new(), generation, versions }
    }

    fn read(release: &ReleaseRow) -> BTreeMap<Key, ReleaseRow> {
        BTreeMap::from([((release.tenant.clone(), release.connector.clone()), release.clone())])
    }

    /// A send may know of a release before the monitor has read it: it is not ended by what the monitor knew before.
    #[test]
    fn what_was_read_before_ends_nothing_that_came_after() {
        let monitor = ReleaseMonitor::default();
        let (before, after) = (release(1, "a"), release(2, "b"));
        let (old, new) = (monitor.signal(&before, "a"), monitor.signal(&after, "b"));
        monitor.end_drained(&read(&before), Timestamp(0));
        assert!(!old.is_cancelled() && !new.is_cancelled());
        monitor.end_drained(&read(&after), Timestamp(0));
        assert!(old.is_cancelled() && !new.is_cancelled());
        // Whoever begins on it later, when it is active again, has nothing to do with that end.
        let again = monitor.signal(&release(3, "a"), "a");
        monitor.end_drained(&read(&after), Timestamp(0));
        assert!(!again.is_cancelled());
        monitor.end_drained(&BTreeMap::new(), Timestamp(0));
        assert!(!again.is_cancelled() && !new.is_cancelled(), "a release that is gone ends nothing");
    }
}
