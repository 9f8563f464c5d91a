//! The release monitor: loads the versions that may send, drops those that have drained, rolls back those that misbehave, and has
//! uploads checked. In every process; the store says what is to be done, so a process that ends leaves it to the others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::model::{AttemptOutcome, Timestamp, VersionFault};
use sendbox_domain::rules::auto_rollback::{self, Tallies};
use sendbox_sandbox::Connector;
use sendbox_store::rows::{AuditRow, ReleaseRow};
use sendbox_store::{Tx, attempts, audit, releases, versions};
use serde_json::json;
use tokio::time::Instant;

use crate::error::Result;
use crate::lock::lock;
use crate::releases::monitor_state::Key;
use crate::service::Service;

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

impl Service {
    /// Until the service stops.
    pub(crate) async fn watch(&self) {
        let mut round_at = Instant::now() + ROUND;
        while !self.inner.stopping.is_cancelled() {
            if let Err(error) = self.keep_watch().await {
                tracing::error!(%error, "the watch could not read the releases");
            }
            let mut suspects = std::mem::take(&mut *lock(&self.inner.watch.suspects));
            if Instant::now() >= round_at {
                round_at = Instant::now() + ROUND;
                suspects.extend(self.on_trial());
            }
            for (scope, connector) in suspects {
                if let Err(error) = self.judge(&scope, &connector).await {
                    tracing::error!(connector, %error, "a version could not be judged");
                    // Again, a little later.
                    lock(&self.inner.watch.suspects).insert((scope, connector));
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
        let changed = lock(&watch.seen).ticks != Some(ticks);
        if changed {
            let all = releases::all(&mut tx).await?;
            for release in &all {
                for digest in release.versions.kept(now) {
                    self.loaded(&mut tx, &release.owner, digest).await?;
                }
            }
            let all = all.into_iter().map(|release| ((release.tenant.clone(), release.connector.clone()), release));
            let mut seen = lock(&watch.seen);
            seen.releases = Arc::new(all.collect());
            seen.ticks = Some(ticks);
            seen.tidied = None;
        }
        drop(tx);
        let all = Arc::clone(&lock(&watch.seen).releases);
        watch.end_drained(&all, now);
        let tidy = lock(&watch.seen).tidied.is_none_or(|at| at.elapsed() >= TIDY);
        if tidy {
            lock(&watch.seen).tidied = Some(Instant::now());
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
        lock(&self.inner.breakers).retain(|(.., digest), _| !gone.contains(digest));
        tracing::debug!(versions = digests.len(), "versions of connectors are let go");
    }

    /// The releases with a version that may have to be taken back.
    fn on_trial(&self) -> Vec<Key> {
        let now = self.now();
        let all = Arc::clone(&lock(&self.inner.watch.seen).releases);
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
            if let Some(fault) = auto_rollback::rollback_reason(&new, &old) {
                drop(tx);
                return self.take_back(&release, &canary.digest, fault).await;
            }
        }
        if let Some(previous) = versions.previous.as_ref().filter(|_| now < versions.watched_until) {
            let since = versions.activated_at;
            let new = tallies(&mut tx, scope, &versions.active, (since, Timestamp(i64::MAX))).await?;
            let old = tallies(&mut tx, scope, previous, (since.minus_millis(BASELINE_MS), since)).await?;
            if let Some(fault) = auto_rollback::rollback_reason(&new, &old) {
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
        if !count.fault && !auto_rollback::counts(count.class) {
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
