//! Which versions of a connector send: tried on a share, activated, taken back. Each change is one row, written if nobody else
//! has changed it meanwhile.

use std::collections::BTreeMap;

use sendbox_domain::model::{
    AttemptOutcome, CanaryStart, Comparison, Latency, Release, RollbackRequest, Scope, Side, Standing, Timestamp,
    VersionActivated, VersionActivation,
};
use sendbox_domain::rules::release::{
    DRAIN_SECONDS, LONGEST_DRAIN_SECONDS, LONGEST_WATCH_SECONDS, Reason, ReleaseError, Versions, WATCH_SECONDS,
};
use sendbox_store::rows::ReleaseRow;
use sendbox_store::{self, Tx, attempts, releases};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::releases::release_monitor::BASELINE_MS;
use crate::releases::resolved_connector::owner;
use crate::releases::versions::{scope, shown};
use crate::service::Service;

/// The newest attempts whose durations are looked at, and those that are counted.
const DURATIONS: u32 = 1000;
const COUNTED: u32 = 100_000;

/// A change of a release.
struct Changed {
    before: ReleaseRow,
    after: ReleaseRow,
}

impl Service {
    /// Which versions send here, and how they do.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a connector that comes with Sendbox.
    pub async fn release(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<Release> {
        self.may_for(caller, tenant, Scope::Read)?;
        let mut tx = self.inner.store.begin_read().await?;
        let row = self.release_here(&mut tx, tenant, id).await?;
        self.release_view(&mut tx, scope(tenant), row).await
    }

    /// Tries a version on a share of the messages, or changes the share.
    ///
    /// # Errors
    /// [`Error::ApprovalNeeded`]; [`Error::Conflict`] when somebody was faster, or it would read a stored secret in clear;
    /// [`Error::NotFound`].
    pub async fn try_version(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        start: CanaryStart,
    ) -> Result<Release> {
        self.may_for(caller, tenant, Scope::Manage)?;
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let (of, release) = self.to_change(&mut tx, tenant, id, start.generation).await?;
        self.may_send(&mut tx, of, &release, &start.digest).await?;
        let after = release.versions.try_on(&start.digest, start.percent, now).map_err(refused)?;
        let changed = self.put(&mut tx, of, release, after).await?;
        self.finish(tx, caller, tenant, "connector.canary", changed, None).await
    }

    /// Ends the trial. What is under way on that version may end.
    ///
    /// # Errors
    /// [`Error::Conflict`] when no version is tried.
    pub async fn end_trial(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<Release> {
        self.may_for(caller, tenant, Scope::Manage)?;
        let mut tx = self.inner.store.begin().await?;
        let (of, release) = self.to_change(&mut tx, tenant, id, None).await?;
        let after = release.versions.end_trial(None, self.now()).map_err(refused)?;
        let changed = self.put(&mut tx, of, release, after).await?;
        self.finish(tx, caller, tenant, "connector.canary-end", changed, None).await
    }

    /// Makes a version the one that sends, from the next message on. Connections that do not fit it stay with one that they fit,
    /// and are named.
    ///
    /// # Errors
    /// [`Error::ApprovalNeeded`]; [`Error::Conflict`] when somebody was faster, it is active already, or it would read a stored
    /// secret in clear; [`Error::NotFound`].
    pub async fn activate_version(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        activation: VersionActivation,
    ) -> Result<VersionActivated> {
        self.may_for(caller, tenant, Scope::Manage)?;
        let watch =
            within("/autoRollbackSeconds", activation.auto_rollback_seconds, WATCH_SECONDS, LONGEST_WATCH_SECONDS)?;
        let drain = within("/drainSeconds", activation.drain_seconds, DRAIN_SECONDS, LONGEST_DRAIN_SECONDS)?;
        let mut tx = self.inner.store.begin().await?;
        let (of, release) = self.to_change(&mut tx, tenant, id, activation.generation).await?;
        let connector = self.may_send(&mut tx, of, &release, &activation.digest).await?;
        let after = release.versions.activate(&activation.digest, watch, drain, self.now()).map_err(refused)?;
        let changed = self.put(&mut tx, of, release, after).await?;
        let incompatible_connections = self.unfit(&mut tx, of, &changed.after, &connector).await?;
        let release = self.finish(tx, caller, tenant, "connector.activate", changed, None).await?;
        Ok(VersionActivated { release, incompatible_connections })
    }

    /// Goes one version back.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is none, or somebody was faster.
    pub async fn roll_back(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        request: RollbackRequest,
    ) -> Result<Release> {
        self.may_for(caller, tenant, Scope::Manage)?;
        let reason = request.reason.unwrap_or_else(|| "it was taken back by hand".to_owned());
        if reason.chars().count() > 200 || reason.chars().any(sendbox_contract::is_hidden) {
            return Err(Error::invalid("/reason", "must be one line of at most 200 characters"));
        }
        let mut tx = self.inner.store.begin().await?;
        let (of, release) = self.to_change(&mut tx, tenant, id, request.generation).await?;
        let after = release.versions.roll_back(Reason::Person(reason.clone()), self.now()).map_err(refused)?;
        let changed = self.put(&mut tx, of, release, after).await?;
        self.finish(tx, caller, tenant, "connector.roll-back", changed, Some(reason)).await
    }

    /// A tenant's own decision ends: from now on it follows what is decided for all.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has none; [`Error::Conflict`] when the version of all would read a stored secret in clear.
    pub async fn follow_all(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Release> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.inner.store.begin().await?;
        let release = self.release_here(&mut tx, Some(tenant), id).await?;
        if release.tenant.is_empty() || !release.owner.is_empty() {
            return Err(Error::NotFound("release of this tenant's own"));
        }
        releases::delete(&mut tx, tenant, id).await?;
        let after = self.release_here(&mut tx, Some(tenant), id).await?;
        if let Some(connector) = self.loaded(&mut tx, &after.owner, &after.versions.active).await? {
            self.keeps_sealed(&mut tx, tenant, &after, &connector).await?;
        }
        self.finish(tx, caller, Some(tenant), "connector.follow", Changed { before: release, after }, None).await
    }

    /// The release that is to be changed, and for whom the change is.
    async fn to_change<'t>(
        &self,
        tx: &mut Tx,
        tenant: Option<&'t str>,
        id: &str,
        generation: Option<u64>,
    ) -> Result<(&'t str, ReleaseRow)> {
        let of = scope(tenant);
        let here = self.release_here(tx, tenant, id).await?;
        // Read again under its lock; a tenant that has none yet begins with that of all.
        let release = releases::lock(tx, of, id).await?.unwrap_or(here);
        if generation.is_some_and(|seen| seen != release.generation) {
            let text = "the release has changed since you read it; read it again and decide again";
            return Err(Error::Conflict(text.to_owned()));
        }
        Ok((of, release))
    }

    /// A version that may be used here, loaded.
    async fn may_send(
        &self,
        tx: &mut Tx,
        of: &str,
        release: &ReleaseRow,
        digest: &str,
    ) -> Result<sendbox_sandbox::Connector> {
        self.runnable(tx, release, digest).await?;
        let loaded = self.loaded(tx, &release.owner, digest).await?;
        let connector = loaded
            .ok_or_else(|| Error::Conflict("this version cannot be loaded here; see Sendbox's log".to_owned()))?;
        // Before the approval, which would not help.
        self.keeps_sealed(tx, of, release, &connector).await?;
        self.approved(tx, of, release, digest).await?;
        Ok(connector)
    }

    /// Writes a change, unless somebody was faster.
    async fn put(&self, tx: &mut Tx, of: &str, before: ReleaseRow, versions: Versions) -> Result<Changed> {
        // A tenant's first own decision begins to count anew.
        let generation = if before.tenant == of { before.generation + 1 } else { 1 };
        let after = ReleaseRow { tenant: of.to_owned(), generation, versions, ..before.clone() };
        if !releases::put(tx, &after).await? {
            let text = "the release was changed at the same time; read it again and decide again";
            return Err(Error::Conflict(text.to_owned()));
        }
        Ok(Changed { before, after })
    }

    async fn finish(
        &self,
        mut tx: Tx,
        caller: &Caller,
        tenant: Option<&str>,
        action: &str,
        changed: Changed,
        reason: Option<String>,
    ) -> Result<Release> {
        let Changed { before, after } = changed;
        let mut now_shown = shown(&after.versions);
        if let (Some(reason), Some(members)) = (reason, now_shown.as_object_mut()) {
            members.insert("reason".to_owned(), reason.into());
        }
        let what = (action, format!("connector:{}", after.connector));
        self.note(&mut tx, caller, tenant, what, (Some(shown(&before.versions)), Some(now_shown))).await?;
        let view = self.release_view(&mut tx, scope(tenant), after).await?;
        tx.commit().await?;
        self.inner.watch.wake();
        Ok(view)
    }

    async fn release_view(&self, tx: &mut Tx, of: &str, row: ReleaseRow) -> Result<Release> {
        let versions = &row.versions;
        let end = Timestamp(i64::MAX);
        let comparison = match (&versions.canary, &versions.previous) {
            (Some(canary), _) => {
                let since = canary.started_at;
                let active = side(tx, of, &versions.active, Standing::Active, (since, end)).await?;
                let tried = side(tx, of, &canary.digest, Standing::Canary, (since, end)).await?;
                Some(Comparison { since, versions: vec![active, tried] })
            }
            (None, Some(previous)) => {
                let since = versions.activated_at;
                let before = (since.minus_millis(BASELINE_MS), since);
                let active = side(tx, of, &versions.active, Standing::Active, (since, end)).await?;
                let previous = side(tx, of, previous, Standing::Previous, before).await?;
                Some(Comparison { since, versions: vec![active, previous] })
            }
            (None, None) => None,
        };
        let held_requests = sendbox_store::shapes::held(tx, of, &row.connector).await?;
        Ok(Release {
            connector: row.connector,
            owner: owner(&row.owner),
            tenant: (!row.tenant.is_empty()).then_some(row.tenant),
            active: row.versions.active,
            previous: row.versions.previous,
            canary: row.versions.canary,
            generation: row.generation,
            activated_at: row.versions.activated_at,
            auto_rollback_until: row.versions.watched_until,
            last_rollback: row.versions.last_rollback,
            comparison,
            held_requests,
        })
    }
}

/// How a version did. A tenant sees its own attempts alone.
async fn side(
    tx: &mut Tx,
    of: &str,
    digest: &str,
    role: Standing,
    (since, until): (Timestamp, Timestamp),
) -> Result<Side> {
    let mut side = Side {
        digest: digest.to_owned(),
        role,
        attempts: 0,
        accepted: 0,
        in_doubt: 0,
        rejected: 0,
        faults: 0,
        success_rate: None,
        failures: BTreeMap::new(),
        latency_ms: Latency::of(attempts::durations(tx, of, digest, (since, until), DURATIONS).await?),
    };
    for count in attempts::counts(tx, of, digest, (since, until), COUNTED).await? {
        side.attempts += count.attempts;
        match count.outcome {
            AttemptOutcome::Accepted => side.accepted += count.attempts,
            AttemptOutcome::InDoubt => side.in_doubt += count.attempts,
            AttemptOutcome::Rejected => side.rejected += count.attempts,
        }
        if count.fault {
            side.faults += count.attempts;
        }
        if let Some(class) = count.class {
            *side.failures.entry(class).or_default() += count.attempts;
        }
    }
    side.success_rate = (side.attempts > 0).then(|| side.accepted as f64 / side.attempts as f64);
    Ok(side)
}

fn refused(error: ReleaseError) -> Error {
    match error {
        ReleaseError::Percent => Error::invalid("/percent", error.to_string()),
        other => Error::Conflict(other.to_string()),
    }
}

fn within(field: &str, given: Option<u32>, default: u32, most: u32) -> Result<u32> {
    match given.unwrap_or(default) {
        seconds if seconds <= most => Ok(seconds),
        _ => Err(Error::invalid(field, format!("must be from 0 to {most} seconds"))),
    }
}
