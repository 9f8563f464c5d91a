//! Which versions of a connector send: canaries, activations and rollbacks. Each change is one row, written only if nobody else has
//! changed it in the meantime.

use std::collections::BTreeMap;

use sendbox_domain::model::{
    AttemptOutcome, CanaryStart, ComparedVersion, Comparison, Latency, Release, RollbackRequest, Scope, Timestamp,
    VersionActivated, VersionActivation, VersionRole,
};
use sendbox_domain::rules::release::{
    AUTO_ROLLBACK_SECONDS, DRAIN_SECONDS, MAX_AUTO_ROLLBACK_SECONDS, MAX_DRAIN_SECONDS, ReleaseError, RollbackReason,
    Versions,
};
use sendbox_store::attempts::VersionPeriod;
use sendbox_store::rows::ReleaseRow;
use sendbox_store::{self, Tx, attempts, releases};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::releases::release_monitor::BASELINE_MS;
use crate::releases::resolved_connector::owner;
use crate::releases::versions::{audit_view, scope_of};
use crate::service::Service;

/// Maximum number of attempts, the newest of each tenant, whose durations are read for the latency.
const MAX_DURATIONS: u32 = 1000;
/// Maximum number of attempts, the newest of each tenant, that are counted.
const MAX_COUNTED: u32 = 100_000;

/// A release before and after a change.
struct ReleaseChange {
    before: ReleaseRow,
    after: ReleaseRow,
}

impl Service {
    /// Which versions send, and a comparison of their results.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a built-in connector.
    pub async fn release(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<Release> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        let row = self.effective_release(&mut tx, tenant, id).await?;
        self.release_view(&mut tx, scope_of(tenant), row).await
    }

    /// Starts a canary: a version sends a percentage of the messages. For the current canary, changes the percentage.
    ///
    /// # Errors
    /// [`Error::ApprovalRequired`]; [`Error::Conflict`] when the release was changed in the meantime, or the version would read a
    /// stored secret in clear; [`Error::NotFound`].
    pub async fn start_canary(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        start: CanaryStart,
    ) -> Result<Release> {
        caller.may_in(tenant, Scope::Manage)?;
        self.preload_version(scope_of(tenant), id, &start.digest).await?;
        let now = self.now();
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let (scope, release) = self.lock_release(&mut tx, tenant, id, start.generation).await?;
        self.sendable_version(&mut tx, scope, &release, &start.digest).await?;
        let after = release.versions.start_canary(&start.digest, start.percent, now).map_err(release_error)?;
        let changed = self.write_release(&mut tx, scope, release, after).await?;
        self.commit_release(tx, caller, tenant, "connector.canary", changed, None).await
    }

    /// Ends the canary. Messages in progress on that version may finish.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is no canary.
    pub async fn end_canary(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<Release> {
        caller.may_in(tenant, Scope::Manage)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let (scope, release) = self.lock_release(&mut tx, tenant, id, None).await?;
        let after = release.versions.end_canary(None, self.now()).map_err(release_error)?;
        let changed = self.write_release(&mut tx, scope, release, after).await?;
        self.commit_release(tx, caller, tenant, "connector.canary-end", changed, None).await
    }

    /// Activates a version, from the next message on. Connections that are incompatible with it keep sending with a compatible
    /// version, and are listed in the result.
    ///
    /// # Errors
    /// [`Error::ApprovalRequired`]; [`Error::Conflict`] when the release was changed in the meantime, the version is already
    /// active, or it would read a stored secret in clear; [`Error::NotFound`].
    pub async fn activate_version(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        activation: VersionActivation,
    ) -> Result<VersionActivated> {
        caller.may_in(tenant, Scope::Manage)?;
        let watch = seconds_within(
            "/autoRollbackSeconds",
            activation.auto_rollback_seconds,
            AUTO_ROLLBACK_SECONDS,
            MAX_AUTO_ROLLBACK_SECONDS,
        )?;
        let drain = seconds_within("/drainSeconds", activation.drain_seconds, DRAIN_SECONDS, MAX_DRAIN_SECONDS)?;
        self.preload_version(scope_of(tenant), id, &activation.digest).await?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let (scope, release) = self.lock_release(&mut tx, tenant, id, activation.generation).await?;
        let connector = self.sendable_version(&mut tx, scope, &release, &activation.digest).await?;
        let after = release.versions.activate(&activation.digest, watch, drain, self.now()).map_err(release_error)?;
        let changed = self.write_release(&mut tx, scope, release, after).await?;
        if scope.is_empty() {
            end_withdrawals(&mut tx, id).await?;
        }
        let connections = self.governed_connections(&mut tx, scope, &changed.after).await?;
        let release = self.commit_release(tx, caller, tenant, "connector.activate", changed, None).await?;
        let incompatible_connections = self.incompatible_connections(connections, &connector).await?;
        Ok(VersionActivated { release, incompatible_connections })
    }

    /// Rolls back to the previous version.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is none, or the release was changed in the meantime.
    pub async fn roll_back(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        request: RollbackRequest,
    ) -> Result<Release> {
        caller.may_in(tenant, Scope::Manage)?;
        let reason = request.reason.unwrap_or_else(|| "it was rolled back manually".to_owned());
        if reason.chars().count() > 200 || reason.chars().any(sendbox_contract::is_hidden) {
            return Err(Error::invalid("/reason", "must be a single line of at most 200 characters"));
        }
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let (scope, release) = self.lock_release(&mut tx, tenant, id, request.generation).await?;
        let after =
            release.versions.roll_back(RollbackReason::Manual(reason.clone()), self.now()).map_err(release_error)?;
        let changed = self.write_release(&mut tx, scope, release, after).await?;
        self.commit_release(tx, caller, tenant, "connector.roll-back", changed, Some(reason)).await
    }

    /// Deletes a tenant's own release. From then on the release for all tenants applies to it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has none; [`Error::Conflict`] when the active version for all tenants would read a
    /// stored secret in clear.
    pub async fn delete_own_release(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Release> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        let release = self.effective_release(&mut tx, Some(tenant), id).await?;
        if release.tenant.is_empty() || !release.owner.is_empty() {
            return Err(Error::NotFound("release of this tenant's own"));
        }
        releases::delete(&mut tx, tenant, id).await?;
        let after = self.effective_release(&mut tx, Some(tenant), id).await?;
        if let Some(connector) = self.load_version(&mut tx, &after.owner, &after.versions.active).await? {
            self.require_sealed_secrets(&mut tx, tenant, &after, &connector).await?;
        }
        self.commit_release(
            tx,
            caller,
            Some(tenant),
            "connector.follow",
            ReleaseChange { before: release, after },
            None,
        )
        .await
    }

    /// Locks the release for a change, and returns it with the scope of the change.
    async fn lock_release<'t>(
        &self,
        tx: &mut Tx,
        tenant: Option<&'t str>,
        id: &str,
        generation: Option<u64>,
    ) -> Result<(&'t str, ReleaseRow)> {
        let scope = scope_of(tenant);
        let effective = self.effective_release(tx, tenant, id).await?;
        // Read again under its lock. A tenant without a release of its own starts from the one for all tenants.
        let release = releases::lock(tx, scope, id).await?.unwrap_or(effective);
        if generation.is_some_and(|expected| expected != release.generation) {
            let text = "the release has changed since you read it; read it again and repeat the change";
            return Err(Error::Conflict(text.to_owned()));
        }
        Ok((scope, release))
    }

    /// Loads a version, after checking that it may send in this scope.
    async fn sendable_version(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        digest: &str,
    ) -> Result<sendbox_sandbox::Connector> {
        self.ready_version(tx, release, digest).await?;
        let loaded = self.load_version(tx, &release.owner, digest).await?;
        let connector = loaded
            .ok_or_else(|| Error::Conflict("this version cannot be loaded; see the log of Sendbox".to_owned()))?;
        // Checked before the approval, because an approval does not permit it.
        self.require_sealed_secrets(tx, scope, release, &connector).await?;
        self.require_approval(tx, scope, release, digest).await?;
        Ok(connector)
    }

    /// Writes a change, unless the release was changed in the meantime.
    async fn write_release(
        &self,
        tx: &mut Tx,
        scope: &str,
        before: ReleaseRow,
        versions: Versions,
    ) -> Result<ReleaseChange> {
        // The generations of a tenant's own release start at 1.
        let generation = if before.tenant == scope { before.generation + 1 } else { 1 };
        let after = ReleaseRow { tenant: scope.to_owned(), generation, versions, ..before.clone() };
        if !releases::put(tx, &after).await? {
            let text = "the release was changed at the same time; read it again and repeat the change";
            return Err(Error::Conflict(text.to_owned()));
        }
        Ok(ReleaseChange { before, after })
    }

    async fn commit_release(
        &self,
        mut tx: Tx,
        caller: &Caller,
        tenant: Option<&str>,
        action: &str,
        changed: ReleaseChange,
        reason: Option<String>,
    ) -> Result<Release> {
        let ReleaseChange { before, after } = changed;
        let mut after_view = audit_view(&after.versions);
        if let (Some(reason), Some(members)) = (reason, after_view.as_object_mut()) {
            members.insert("reason".to_owned(), reason.into());
        }
        let what = (action, format!("connector:{}", after.connector));
        self.record_audit(&mut tx, caller, tenant, what, (Some(audit_view(&before.versions)), Some(after_view)))
            .await?;
        let view = self.release_view(&mut tx, scope_of(tenant), after).await?;
        tx.commit().await?;
        self.inner.release_monitor.wake();
        Ok(view)
    }

    async fn release_view(&self, tx: &mut Tx, scope: &str, row: ReleaseRow) -> Result<Release> {
        let versions = &row.versions;
        let end = Timestamp(i64::MAX);
        let comparison = match (&versions.canary, &versions.previous) {
            (Some(canary), _) => {
                let since = canary.started_at;
                let active = compared_version(tx, scope, &versions.active, VersionRole::Active, (since, end)).await?;
                let canary = compared_version(tx, scope, &canary.digest, VersionRole::Canary, (since, end)).await?;
                Some(Comparison { since, versions: vec![active, canary] })
            }
            (None, Some(previous)) => {
                let since = versions.activated_at;
                let before = (since.minus_millis(BASELINE_MS), since);
                let active = compared_version(tx, scope, &versions.active, VersionRole::Active, (since, end)).await?;
                let previous = compared_version(tx, scope, previous, VersionRole::Previous, before).await?;
                Some(Comparison { since, versions: vec![active, previous] })
            }
            (None, None) => None,
        };
        let held_requests = sendbox_store::shapes::held(tx, scope, &row.connector).await?;
        Ok(Release {
            connector: row.connector,
            owner: owner(&row.owner),
            tenant: (!row.tenant.is_empty()).then_some(row.tenant),
            active: row.versions.active,
            previous: row.versions.previous,
            canary: row.versions.canary,
            generation: row.generation,
            activated_at: row.versions.activated_at,
            auto_rollback_until: row.versions.auto_rollback_until,
            last_rollback: row.versions.last_rollback,
            comparison,
            held_requests,
        })
    }
}

/// Deletes the releases of tenants from which a version for all tenants was withdrawn: the next version is another one.
async fn end_withdrawals(tx: &mut Tx, connector: &str) -> Result<()> {
    for release in releases::of_connector(tx, connector).await? {
        if release.versions.is_withdrawal {
            releases::delete(tx, &release.tenant, connector).await?;
        }
    }
    Ok(())
}

/// The results of a version. A tenant sees only its own attempts.
async fn compared_version(
    tx: &mut Tx,
    scope: &str,
    digest: &str,
    role: VersionRole,
    (since, until): (Timestamp, Timestamp),
) -> Result<ComparedVersion> {
    let period = VersionPeriod { tenant: scope, digest, since, until };
    let mut result = ComparedVersion {
        digest: digest.to_owned(),
        role,
        attempts: 0,
        accepted: 0,
        in_doubt: 0,
        rejected: 0,
        faults: 0,
        success_rate: None,
        failures: BTreeMap::new(),
        latency_ms: Latency::of(attempts::durations(tx, &period, MAX_DURATIONS).await?),
    };
    for count in attempts::counts(tx, &period, MAX_COUNTED).await? {
        result.attempts += count.attempts;
        match count.outcome {
            AttemptOutcome::Accepted => result.accepted += count.attempts,
            AttemptOutcome::InDoubt => result.in_doubt += count.attempts,
            AttemptOutcome::Rejected => result.rejected += count.attempts,
        }
        if count.fault {
            result.faults += count.attempts;
        }
        if let Some(class) = count.class {
            *result.failures.entry(class).or_default() += count.attempts;
        }
    }
    result.success_rate = (result.attempts > 0).then(|| result.accepted as f64 / result.attempts as f64);
    Ok(result)
}

fn release_error(error: ReleaseError) -> Error {
    match error {
        ReleaseError::InvalidPercent => Error::invalid("/percent", error.to_string()),
        other => Error::Conflict(other.to_string()),
    }
}

fn seconds_within(field: &str, given: Option<u32>, default: u32, max: u32) -> Result<u32> {
    match given.unwrap_or(default) {
        seconds if seconds <= max => Ok(seconds),
        _ => Err(Error::invalid(field, format!("must be from 0 to {max} seconds"))),
    }
}
