//! The watch over versions: what may send is loaded, what has drained is let go, what misbehaves is taken back, and what was
//! uploaded is checked. In every process; the store says what is to be done, so a process that ends leaves it to the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_sandbox::Connector;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::model::{AttemptOutcome, Timestamp, VersionFault};
use crate::rules::watch::{self, Tallies};
use crate::service::{Service, held};
use crate::store::rows::{AuditRow, ReleaseRow};
use crate::store::{Tx, attempts, audit, releases, versions};

/// How often the store is asked whether another process has changed a release, or left a file unchecked.
const POLL: Duration = Duration::from_millis(200);
/// How often every version on trial is judged, whether it has failed here or not.
const ROUND: Duration = Duration::from_secs(5);
/// How often versions are let go that nobody needs any more, when no release has changed.
const TIDY: Duration = Duration::from_secs(30);
/// What the version before did in this time, before it was replaced, is what the new one is held against.
pub(crate) const BASELINE_MS: u64 = 3_600_000;
/// The newest attempts of a version that are looked at: enough to tell a tenth from chance, and a short look at any rate of sends.
const LOOKED_AT: u32 = 5000;
/// Files that are checked at once.
const CHECKS: u32 = 2;

/// Scope and connector.
type Key = (String, String);

/// What the watch knows.
#[derive(Default)]
pub(crate) struct Watch {
    woken: Notify,
    /// Versions that have just failed.
    suspects: Mutex<BTreeSet<Key>>,
    /// Ends what is under way on a version: scope, connector, digest.
    signals: Mutex<HashMap<(String, String, String), Signal>>,
    seen: Mutex<Seen>,
}

/// What is cancelled when a version has drained, and the generation of the release by which it was last given to a send. What
/// the watch has read before that says nothing of it.
#[derive(Default)]
struct Signal {
    token: CancellationToken,
    generation: u64,
}

/// The releases, as last read.
#[derive(Default)]
struct Seen {
    ticks: Option<i64>,
    tidied: Option<Instant>,
    releases: Arc<BTreeMap<Key, ReleaseRow>>,
}

impl Watch {
    /// Says that something has changed.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Says that a version has failed, so that it is judged now.
    pub(crate) fn suspect(&self, scope: String, connector: String) {
        held(&self.suspects).insert((scope, connector));
        self.wake();
    }

    /// What is cancelled when a version has drained.
    pub(crate) fn signal(&self, release: &ReleaseRow, digest: &str) -> CancellationToken {
        let key = (release.tenant.clone(), release.connector.clone(), digest.to_owned());
        let mut signals = held(&self.signals);
        let signal = signals.entry(key).or_default();
        signal.generation = signal.generation.max(release.generation);
        signal.token.clone()
    }

    /// Ends what is under way on versions that have drained.
    fn end_drained(&self, releases: &BTreeMap<Key, ReleaseRow>, now: Timestamp) {
        held(&self.signals).retain(|(scope, connector, digest), signal| {
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

impl Service {
    /// Until the service stops.
    pub(crate) async fn watch(&self) {
        let mut round_at = Instant::now() + ROUND;
        while !self.inner.stopping.is_cancelled() {
            if let Err(error) = self.keep_watch().await {
                tracing::error!(%error, "the watch could not read the releases");
            }
            let mut suspects = std::mem::take(&mut *held(&self.inner.watch.suspects));
            if Instant::now() >= round_at {
                round_at = Instant::now() + ROUND;
                suspects.extend(self.on_trial());
            }
            for (scope, connector) in suspects {
                if let Err(error) = self.judge(&scope, &connector).await {
                    tracing::error!(connector, %error, "a version could not be judged");
                    // Again, a little later.
                    held(&self.inner.watch.suspects).insert((scope, connector));
                }
            }
            if let Err(error) = self.take_up_checks().await {
                tracing::error!(%error, "the watch could not take up a check");
            }
            tokio::select! {
                () = self.inner.watch.woken.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    /// Sees what has changed: loads what may send, ends what has drained, lets go of what nobody needs.
    pub(crate) async fn keep_watch(&self) -> Result<()> {
        let watch = &self.inner.watch;
        let now = self.now();
        let mut tx = self.inner.store.begin_read().await?;
        let ticks = releases::ticks(&mut tx).await?;
        let changed = held(&watch.seen).ticks != Some(ticks);
        if changed {
            let all = releases::all(&mut tx).await?;
            for release in &all {
                for digest in release.versions.kept(now) {
                    self.loaded(&mut tx, &release.owner, digest).await?;
                }
            }
            let all = all.into_iter().map(|release| ((release.tenant.clone(), release.connector.clone()), release));
            let mut seen = held(&watch.seen);
            seen.releases = Arc::new(all.collect());
            seen.ticks = Some(ticks);
            seen.tidied = None;
        }
        drop(tx);
        let all = Arc::clone(&held(&watch.seen).releases);
        watch.end_drained(&all, now);
        let tidy = held(&watch.seen).tidied.is_none_or(|at| at.elapsed() >= TIDY);
        if tidy {
            held(&watch.seen).tidied = Some(Instant::now());
            let kept: BTreeSet<String> =
                all.values().flat_map(|release| release.versions.kept(now).map(str::to_owned)).collect();
            self.let_go_of(self.inner.catalogue.keep_only(&kept));
        }
        Ok(())
    }

    /// Gives back all that belongs to versions which are no longer loaded.
    fn let_go_of(&self, connectors: Vec<Connector>) {
        if connectors.is_empty() {
            return;
        }
        let digests: BTreeSet<String> = connectors.iter().map(|connector| connector.digest().to_string()).collect();
        self.forget_prepared(&digests);
        let gone: BTreeSet<_> = connectors.iter().map(Connector::digest).collect();
        held(&self.inner.breakers).retain(|(.., digest), _| !gone.contains(digest));
        tracing::debug!(versions = digests.len(), "versions of connectors are let go");
    }

    /// The releases with a version that may have to be taken back.
    fn on_trial(&self) -> Vec<Key> {
        let now = self.now();
        let all = Arc::clone(&held(&self.inner.watch.seen).releases);
        let on_trial = |release: &&ReleaseRow| {
            let versions = &release.versions;
            versions.canary.is_some() || (versions.previous.is_some() && now < versions.watched_until)
        };
        all.values().filter(on_trial).map(|release| (release.tenant.clone(), release.connector.clone())).collect()
    }

    /// Holds the versions of a release against each other, and takes back what must go.
    pub(crate) async fn judge(&self, scope: &str, connector: &str) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin_read().await?;
        let Some(release) = releases::get(&mut tx, scope, connector).await? else { return Ok(()) };
        let versions = &release.versions;
        if let Some(canary) = &versions.canary {
            let since = canary.started_at;
            let new = tallies(&mut tx, scope, &canary.digest, (since, Timestamp(i64::MAX))).await?;
            let old = tallies(&mut tx, scope, &versions.active, (since, Timestamp(i64::MAX))).await?;
            if let Some(fault) = watch::must_go(&new, &old) {
                drop(tx);
                return self.take_back(&release, &canary.digest, fault).await;
            }
        }
        if let Some(previous) = versions.previous.as_ref().filter(|_| now < versions.watched_until) {
            let since = versions.activated_at;
            let new = tallies(&mut tx, scope, &versions.active, (since, Timestamp(i64::MAX))).await?;
            let old = tallies(&mut tx, scope, previous, (since.minus_millis(BASELINE_MS), since)).await?;
            if let Some(fault) = watch::must_go(&new, &old) {
                drop(tx);
                return self.take_back(&release, &versions.active, fault).await;
            }
        }
        Ok(())
    }

    /// Takes a version back, if nobody has changed the release since it was judged.
    async fn take_back(&self, judged: &ReleaseRow, digest: &str, fault: VersionFault) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(release) = releases::lock(&mut tx, &judged.tenant, &judged.connector).await? else { return Ok(()) };
        if release.generation != judged.generation {
            // It is judged again as it is now.
            self.inner.watch.suspect(judged.tenant.clone(), judged.connector.clone());
            return Ok(());
        }
        let reason = fault.to_string();
        let after = if release.versions.active == digest {
            release.versions.roll_back(fault.into(), now)
        } else {
            release.versions.end_trial(Some(fault), now)
        };
        let Ok(after) = after else { return Ok(()) };
        let before = json!({ "active": release.versions.active, "canary": release.versions.canary });
        let entry = AuditRow {
            tenant: (!release.tenant.is_empty()).then(|| release.tenant.clone()),
            at: now,
            actor: "sendbox".to_owned(),
            action: "connector.take-back".to_owned(),
            target: format!("connector:{}", release.connector),
            before: Some(before),
            after: Some(json!({ "active": after.active, "canary": after.canary, "reason": reason })),
        };
        let row = ReleaseRow { generation: release.generation + 1, versions: after, ..release };
        if !releases::put(&mut tx, &row).await? {
            return Ok(());
        }
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        tracing::warn!(tenant = row.tenant, connector = row.connector, digest, reason, "a version was taken back");
        self.keep_watch().await
    }

    /// Begins the checks of files that nobody is at.
    async fn take_up_checks(&self) -> Result<()> {
        let mut tx = self.inner.store.begin_read().await?;
        let rows = versions::unchecked(&mut tx, self.now(), CHECKS).await?;
        drop(tx);
        for row in rows {
            self.begin_check(row.tenant, row.digest);
        }
        Ok(())
    }
}

/// How a version did, by tenant, as far as it says something of the version.
async fn tallies(tx: &mut Tx, scope: &str, digest: &str, time: (Timestamp, Timestamp)) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    for count in attempts::counts(tx, scope, digest, time, LOOKED_AT).await? {
        if !count.fault && !watch::counts(count.class.as_deref()) {
            continue;
        }
        let tally = tallies.entry(count.tenant).or_default();
        tally.attempts += count.attempts;
        if count.outcome != AttemptOutcome::Accepted {
            tally.failed += count.attempts;
        }
        if count.fault {
            tally.faults += count.attempts;
        }
    }
    Ok(tallies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::release::Versions;

    fn release(generation: u64, active: &str) -> ReleaseRow {
        let versions = Versions::first(active.to_owned(), Timestamp(0));
        ReleaseRow { tenant: "t".to_owned(), connector: "c".to_owned(), owner: String::new(), generation, versions }
    }

    fn read(release: &ReleaseRow) -> BTreeMap<Key, ReleaseRow> {
        BTreeMap::from([((release.tenant.clone(), release.connector.clone()), release.clone())])
    }

    /// A send may know of a release before the watch has read it: it is not ended by what the watch knew before.
    #[test]
    fn what_was_read_before_ends_nothing_that_came_after() {
        let watch = Watch::default();
        let (before, after) = (release(1, "a"), release(2, "b"));
        let (old, new) = (watch.signal(&before, "a"), watch.signal(&after, "b"));
        watch.end_drained(&read(&before), Timestamp(0));
        assert!(!old.is_cancelled() && !new.is_cancelled());
        watch.end_drained(&read(&after), Timestamp(0));
        assert!(old.is_cancelled() && !new.is_cancelled());
        // Whoever begins on it later, when it is active again, has nothing to do with that end.
        let again = watch.signal(&release(3, "a"), "a");
        watch.end_drained(&read(&after), Timestamp(0));
        assert!(!again.is_cancelled());
        watch.end_drained(&BTreeMap::new(), Timestamp(0));
        assert!(!again.is_cancelled() && !new.is_cancelled(), "a release that is gone ends nothing");
    }
}
