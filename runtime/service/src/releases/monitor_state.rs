//! The state of the release monitor, and the signals to and from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use sendbox_domain::model::Timestamp;
use sendbox_store::rows::ReleaseRow;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::lock::lock;
use crate::releases::check_turns::CheckTurns;

/// The key of a release: its scope (a tenant, or empty for all tenants) and the connector's id.
pub(crate) type ReleaseKey = (String, String);

/// The state of the monitor, shared by its task and by the operations that change releases.
#[derive(Default)]
pub(crate) struct ReleaseMonitor {
    pub(super) woken: Notify,
    /// Releases with a version that has just failed.
    pub(super) suspects: Mutex<BTreeSet<ReleaseKey>>,
    /// Cancels the sends on a version, by scope, connector and digest.
    signals: Mutex<HashMap<(String, String, String), Signal>>,
    pub(super) snapshot: Mutex<ReleaseSnapshot>,
    /// Whose upload is checked next.
    pub(super) check_turns: Arc<CheckTurns>,
}

/// The token that is cancelled when a version has drained, and the generation of the release for which a send last received it.
/// An older release that the monitor has read does not apply to it.
#[derive(Default)]
struct Signal {
    token: CancellationToken,
    generation: u64,
}

/// The releases as last read from the store.
#[derive(Default)]
pub(crate) struct ReleaseSnapshot {
    pub(super) ticks: Option<i64>,
    pub(super) cleaned_up: Option<Instant>,
    pub(super) releases: Arc<BTreeMap<ReleaseKey, ReleaseRow>>,
}

impl ReleaseMonitor {
    /// Wakes the monitor: a release or an upload has changed.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Has a release evaluated now, because one of its versions has failed.
    pub(crate) fn suspect(&self, scope: String, connector: String) {
        lock(&self.suspects).insert((scope, connector));
        self.wake();
    }

    /// The token that is cancelled when a version has drained.
    pub(crate) fn signal(&self, release: &ReleaseRow, digest: &str) -> CancellationToken {
        let key = (release.tenant.clone(), release.connector.clone(), digest.to_owned());
        let mut signals = lock(&self.signals);
        let signal = signals.entry(key).or_default();
        signal.generation = signal.generation.max(release.generation);
        signal.token.clone()
    }

    /// Cancels the sends on versions that have drained.
    pub(super) fn end_drained(&self, releases: &BTreeMap<ReleaseKey, ReleaseRow>, now: Timestamp) {
        lock(&self.signals).retain(|(scope, connector, digest), signal| {
            // A deleted release cancels nothing: its sends run to their end.
            let Some(release) = releases.get(&(scope.clone(), connector.clone())) else { return false };
            let may_continue = release.generation < signal.generation || release.versions.may_continue(digest, now);
            if !may_continue {
                signal.token.cancel();
            }
            may_continue
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

    fn read(release: &ReleaseRow) -> BTreeMap<ReleaseKey, ReleaseRow> {
        BTreeMap::from([((release.tenant.clone(), release.connector.clone()), release.clone())])
    }

    /// A send may know a newer release than the monitor. The older one that the monitor has read must not cancel it.
    #[test]
    fn an_outdated_release_does_not_cancel_newer_sends() {
        let monitor = ReleaseMonitor::default();
        let (before, after) = (release(1, "a"), release(2, "b"));
        let (old, new) = (monitor.signal(&before, "a"), monitor.signal(&after, "b"));
        monitor.end_drained(&read(&before), Timestamp(0));
        assert!(!old.is_cancelled() && !new.is_cancelled());
        monitor.end_drained(&read(&after), Timestamp(0));
        assert!(old.is_cancelled() && !new.is_cancelled());
        // A send that starts later, when the version is active again, is not cancelled.
        let again = monitor.signal(&release(3, "a"), "a");
        monitor.end_drained(&read(&after), Timestamp(0));
        assert!(!again.is_cancelled());
        monitor.end_drained(&BTreeMap::new(), Timestamp(0));
        assert!(!again.is_cancelled() && !new.is_cancelled(), "a deleted release cancels nothing");
    }
}
