//! The release monitor: loads the versions that may send, unloads drained ones, rolls back those that misbehave, and starts checks
//! of uploads. It runs in every process. All its work is derived from the store, so other processes continue when one ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::model::{AttemptOutcome, Timestamp, VersionFault};
use sendbox_domain::rules::auto_rollback::{self, Tallies, Verdict};
use sendbox_domain::rules::release::Versions;
use sendbox_sandbox::Connector;
use sendbox_store::attempts::VersionPeriod;
use sendbox_store::rows::{AuditRow, ReleaseRow};
use sendbox_store::{Tx, attempts, audit, releases, tenants, versions};
use serde_json::json;
use tokio::time::Instant;

use crate::error::Result;
use crate::lock::lock;
use crate::releases::monitor_state::ReleaseKey;
use crate::service::Service;
use crate::webhooks::outbox;

/// How often the store is polled for releases changed by other processes, and for unchecked uploads.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How often every monitored release is evaluated, whether or not it has failed in this process.
const EVALUATION_INTERVAL: Duration = Duration::from_secs(5);
/// How often unused versions are unloaded when no release has changed.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(30);
/// The length of the baseline: an activated version is compared with the last hour of the version that it replaced.
pub(crate) const BASELINE_MS: u64 = 3_600_000;
/// Maximum number of attempts of a version, newest first, that are counted, evenly divided among its tenants, so that a flood of one tenant
/// does not hide the others: enough to tell a difference of a tenth from chance, and cheap at any rate of sends.
const SAMPLE_SIZE: u32 = 5000;
/// Maximum number of tenants whose uploads are read at once, to choose among. The others follow as soon as one of these has none left.
const WAITING_TENANTS: u32 = 1000;

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn monitor_releases(&self) {
        let mut evaluate_at = Instant::now() + EVALUATION_INTERVAL;
        while !self.inner.stopping.is_cancelled() {
            if let Err(error) = self.refresh_releases().await {
                tracing::error!(%error, "the release monitor could not read the releases");
            }
            let mut suspects = std::mem::take(&mut *lock(&self.inner.release_monitor.suspects));
            if Instant::now() >= evaluate_at {
                evaluate_at = Instant::now() + EVALUATION_INTERVAL;
                suspects.extend(self.monitored_releases());
            }
            for (scope, connector) in suspects {
                if let Err(error) = self.evaluate_release(&scope, &connector).await {
                    tracing::error!(connector, %error, "a release could not be evaluated");
                    // Tried again in the next round.
                    lock(&self.inner.release_monitor.suspects).insert((scope, connector));
                }
            }
            if let Err(error) = self.start_pending_checks().await {
                tracing::error!(%error, "the release monitor could not start a check");
            }
            tokio::select! {
                biased;
                () = self.inner.release_monitor.woken.notified() => {}
                () = self.inner.clock.timer(POLL_INTERVAL) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    /// Reads the releases if they have changed: loads versions that may send, ends sends on drained versions, and unloads versions
    /// that are no longer needed.
    pub(crate) async fn refresh_releases(&self) -> Result<()> {
        let monitor = &self.inner.release_monitor;
        let now = self.now();
        let mut tx = self.inner.store.begin_read().await?;
        let ticks = releases::ticks(&mut tx).await?;
        let changed = lock(&monitor.snapshot).ticks != Some(ticks);
        if changed {
            let all = releases::all(&mut tx).await?;
            for release in &all {
                for digest in release.versions.in_use(now) {
                    self.load_version(&mut tx, &release.owner, digest).await?;
                }
            }
            let all = all.into_iter().map(|release| ((release.tenant.clone(), release.connector.clone()), release));
            let mut snapshot = lock(&monitor.snapshot);
            snapshot.releases = Arc::new(all.collect());
            snapshot.ticks = Some(ticks);
            snapshot.cleaned_up = None;
        }
        drop(tx);
        let all = Arc::clone(&lock(&monitor.snapshot).releases);
        monitor.end_drained(&all, now);
        let is_due = lock(&monitor.snapshot).cleaned_up.is_none_or(|at| at.elapsed() >= CLEANUP_INTERVAL);
        if is_due {
            lock(&monitor.snapshot).cleaned_up = Some(Instant::now());
            let kept: BTreeSet<String> =
                all.values().flat_map(|release| release.versions.in_use(now).map(str::to_owned)).collect();
            self.drop_unloaded(self.inner.catalogue.retain(&kept));
        }
        Ok(())
    }

    /// Frees the cached connections and breakers of versions that are no longer loaded.
    fn drop_unloaded(&self, connectors: Vec<Connector>) {
        if connectors.is_empty() {
            return;
        }
        let digests: BTreeSet<String> = connectors.iter().map(|connector| connector.digest().to_string()).collect();
        self.evict_ready_connections(&digests);
        let gone: BTreeSet<_> = connectors.iter().map(Connector::digest).collect();
        lock(&self.inner.breakers).retain(|(.., digest), _| !gone.contains(digest));
        tracing::debug!(versions = digests.len(), "unused versions of connectors were unloaded");
    }

    /// The releases with a version that may have to be rolled back: a canary, or a newly activated version.
    fn monitored_releases(&self) -> Vec<ReleaseKey> {
        let now = self.now();
        let all = Arc::clone(&lock(&self.inner.release_monitor.snapshot).releases);
        let is_monitored = |release: &&ReleaseRow| {
            let versions = &release.versions;
            versions.canary.is_some() || (versions.previous.is_some() && now < versions.auto_rollback_until)
        };
        all.values().filter(is_monitored).map(|release| (release.tenant.clone(), release.connector.clone())).collect()
    }

    /// Compares the versions of a release, and rolls back a faulty one.
    pub(crate) async fn evaluate_release(&self, scope: &str, connector: &str) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin_read().await?;
        let Some(release) = releases::get(&mut tx, scope, connector).await? else { return Ok(()) };
        let versions = &release.versions;
        let end = Timestamp(i64::MAX);
        let mut compared = Vec::new();
        if let Some(canary) = &versions.canary {
            let since = canary.started_at;
            let new = tallies(&mut tx, scope, &canary.digest, (since, end)).await?;
            let old = tallies(&mut tx, scope, &versions.active, (since, end)).await?;
            compared.push((canary.digest.clone(), new, old));
        }
        if let Some(previous) = versions.previous.as_ref().filter(|_| now < versions.auto_rollback_until) {
            let since = versions.activated_at;
            let new = tallies(&mut tx, scope, &versions.active, (since, end)).await?;
            let old = tallies(&mut tx, scope, previous, (since.minus_millis(BASELINE_MS), since)).await?;
            compared.push((versions.active.clone(), new, old));
        }
        drop(tx);
        for (digest, new, old) in compared {
            if !scope.is_empty() {
                if let Some(fault) = auto_rollback::rollback_reason(&new, &old) {
                    return self.roll_back_faulty(&release, scope, &digest, fault).await;
                }
                continue;
            }
            match auto_rollback::verdict(&new, &old) {
                Verdict::Stays => {}
                Verdict::RolledBack(fault) => return self.roll_back_faulty(&release, scope, &digest, fault).await,
                Verdict::Withdrawn(from) => {
                    let known = Arc::clone(&lock(&self.inner.release_monitor.snapshot).releases);
                    // The faults stay for as long as the version is monitored. A tenant with a release of its own needs no transaction.
                    let is_open = |tenant: &String| !known.contains_key(&(tenant.clone(), connector.to_owned()));
                    for (tenant, fault) in from.into_iter().filter(|(tenant, _)| is_open(tenant)) {
                        self.roll_back_faulty(&release, &tenant, &digest, fault).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Rolls a version back, if the release has not changed since it was evaluated: in the release itself, or, in the name of a tenant
    /// that follows the release for all, in a release of its own.
    async fn roll_back_faulty(
        &self,
        evaluated: &ReleaseRow,
        scope: &str,
        digest: &str,
        fault: VersionFault,
    ) -> Result<()> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let Some(release) = releases::lock(&mut tx, &evaluated.tenant, &evaluated.connector).await? else {
            return Ok(());
        };
        if release.generation != evaluated.generation {
            // The changed release is evaluated again.
            self.inner.release_monitor.suspect(evaluated.tenant.clone(), evaluated.connector.clone());
            return Ok(());
        }
        let is_own = release.tenant != scope;
        if is_own
            && (tenants::get(&mut tx, scope).await?.is_none()
                || releases::get(&mut tx, scope, &release.connector).await?.is_some())
        {
            // The tenant is gone, or has decided for itself.
            return Ok(());
        }
        let reason = fault.to_string();
        let Some(after) = without_version(&release.versions, digest, fault, now) else { return Ok(()) };
        let before = json!({ "active": release.versions.active, "canary": release.versions.canary });
        let entry = AuditRow {
            tenant: (!scope.is_empty()).then(|| scope.to_owned()),
            at: now,
            actor: "sendbox".to_owned(),
            actor_name: None,
            action: "connector.auto-roll-back".to_owned(),
            target: format!("connector:{}", release.connector),
            before: Some(before),
            after: Some(json!({ "active": after.active, "canary": after.canary, "reason": reason })),
        };
        let generation = if is_own { 1 } else { release.generation + 1 };
        let versions = Versions { is_withdrawal: is_own || release.versions.is_withdrawal, ..after };
        let row = ReleaseRow { tenant: scope.to_owned(), generation, versions, ..release };
        if !releases::put(&mut tx, &row).await? {
            return Ok(());
        }
        audit::append(&mut tx, &entry).await?;
        outbox::version_rolled_back(&mut tx, &row, digest, &reason, now).await?;
        tx.commit().await?;
        tracing::warn!(
            tenant = row.tenant,
            connector = row.connector,
            digest,
            reason,
            "a version was rolled back automatically"
        );
        self.refresh_releases().await
    }

    /// Starts checks of uploads that no process is checking, as many as there is room for, in turns between tenants.
    async fn start_pending_checks(&self) -> Result<()> {
        let turns = &self.inner.release_monitor.check_turns;
        if !turns.has_room() {
            return Ok(());
        }
        let mut tx = self.inner.store.begin_read().await?;
        let mut waiting = versions::next_unchecked(&mut tx, WAITING_TENANTS).await?;
        drop(tx);
        while let Some(turn) = turns.begin(waiting.iter().map(|row| row.tenant.as_str())) {
            let next = waiting.iter().position(|row| row.tenant == turn.tenant()).map(|index| waiting.remove(index));
            let Some(row) = next else { break };
            // Claimed before the next turn begins, so that checks begin in the order of the turns.
            if let Some(check) = self.claim_check(&row.tenant, &row.digest).await? {
                self.start_check(turn, check);
            }
        }
        Ok(())
    }
}

/// The versions of a release after a faulty one is rolled back. `None` when that is not possible.
fn without_version(versions: &Versions, digest: &str, fault: VersionFault, now: Timestamp) -> Option<Versions> {
    if versions.active == digest {
        versions.roll_back(fault.into(), now).ok()
    } else {
        versions.end_canary(Some(fault), now).ok()
    }
}

/// The results of a version by tenant, without failures that say nothing about the version.
async fn tallies(tx: &mut Tx, tenant: &str, digest: &str, (since, until): (Timestamp, Timestamp)) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    let period = VersionPeriod { tenant, digest, since, until };
    for count in attempts::counts(tx, &period, SAMPLE_SIZE).await? {
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
