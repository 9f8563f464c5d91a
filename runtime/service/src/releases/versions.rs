//! Versions of uploaded connectors: uploading, checking, listing, deleting.
//!
//! An upload is on disk before the request is answered. Any process may check it (inspection, compilation, metadata), under a
//! lease, and the result is written once. After a crash the file is checked again. Which file is checked next is decided in
//! `check_turns.rs`; how many may wait is limited by the number of versions that a tenant may have.

use std::sync::atomic::{AtomicU32, Ordering};

use sendbox_domain::model::{ConnectorVersion, Progress, Scope, VersionInspection, VersionRole, VersionState};
use sendbox_domain::rules::capability_diff::Description;
use sendbox_domain::rules::quota::Quota;
use sendbox_domain::rules::release::Versions;
use sendbox_sandbox::{Connector, LoadError, LoadStep};
use sendbox_store::rows::{ReleaseRow, VersionRow};
use sendbox_store::{self, Store, Tx, connections, processes, releases, versions};
use serde_json::json;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::leases::{HeldLease, LeasedRow};
use crate::releases::check_turns::CheckTurn;
use crate::releases::resolved_connector::owner;
use crate::service::Service;

/// Maximum number of versions in a list: no connector can have more.
const MAX_LISTED: u32 = 200;
/// Maximum number of connections for which the effect of a version is computed.
pub(crate) const MAX_COMPARED_CONNECTIONS: u32 = 1000;
/// Maximum number of times that a check is started. A file whose check kills the process each time is refused.
const MAX_CHECKS: u32 = 3;
/// The steps of a check, in order.
const STEPS: [&str; 3] = ["inspecting", "compiling", "reading its metadata"];

/// A check whose lease this process holds.
pub(crate) struct ClaimedCheck {
    row: VersionRow,
    component: Vec<u8>,
    lease: HeldLease,
}

/// The scope of a tenant's connectors in the store; empty for the connectors for all tenants.
pub(crate) fn scope_of(tenant: Option<&str>) -> &str {
    tenant.unwrap_or_default()
}

impl Service {
    /// Uploads a version. The same file is the same version: the flag is `true` when it was uploaded before. A refused file is
    /// checked again.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is too large or not a component; [`Error::QuotaReached`].
    pub async fn upload(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        component: &[u8],
    ) -> Result<(ConnectorVersion, bool)> {
        caller.may_in(tenant, Scope::Manage)?;
        self.require_running()?;
        self.inner.sandbox.peek(component).map_err(|error| Error::invalid("", error.to_string()))?;
        let digest = sendbox_sandbox::Digest::of(component).to_string();
        let now = self.now();
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        if let Some(tenant) = tenant {
            self.lock_tenant(&mut tx, tenant).await?;
        }
        let scope = scope_of(tenant);
        let found = versions::lock(&mut tx, scope, &digest).await?;
        let is_known = found.as_ref().is_some_and(|row| row.state != VersionState::Refused);
        let row = match found {
            Some(row) if is_known => return Ok((self.version_view(&mut tx, scope, row, false).await?, true)),
            Some(row) => {
                let row = VersionRow { state: VersionState::Checking, step: 1, refusal: None, checks: 0, ..row };
                versions::update(&mut tx, &row).await?;
                row
            }
            None => {
                let (number, bytes) = match tenant {
                    Some(_) => (Quota::Versions, Quota::VersionBytes),
                    None => (Quota::SharedVersions, Quota::SharedVersionBytes),
                };
                let stored = versions::stored(&mut tx, scope).await?;
                if stored.versions >= number.max() {
                    return Err(Error::full(number));
                }
                if stored.bytes.saturating_add(component.len() as u64) > bytes.max() {
                    return Err(Error::full(bytes));
                }
                let row = VersionRow {
                    tenant: scope.to_owned(),
                    digest: digest.clone(),
                    connector: None,
                    state: VersionState::Checking,
                    step: 1,
                    refusal: None,
                    description: None,
                    bytes: component.len() as u64,
                    uploaded_at: now,
                    uploaded_by: caller.actor(),
                    checks: 0,
                    lease: None,
                };
                versions::insert(&mut tx, &row, component).await?;
                row
            }
        };
        let after = json!({ "digest": digest, "bytes": row.bytes });
        let what = ("connector.upload", format!("version:{digest}"));
        self.record_audit(&mut tx, caller, tenant, what, (None, Some(after))).await?;
        let view = self.version_view(&mut tx, scope, row, false).await?;
        tx.commit().await?;
        self.inner.release_monitor.wake();
        Ok((view, false))
    }

    /// Checks an upload in the background. The turn ends with the check.
    pub(crate) fn start_check(&self, turn: CheckTurn, check: ClaimedCheck) {
        let service = self.clone();
        self.inner.work.spawn(async move {
            let digest = check.row.digest.clone();
            let checked = service.check_version(check).await;
            drop(turn);
            match checked {
                // The next check can start, and the first version of a connector can send.
                Ok(()) => service.inner.release_monitor.wake(),
                Err(error) => {
                    tracing::error!(digest, %error, "the result of a check could not be stored; the check will be repeated");
                }
            }
        });
    }

    /// Claims the lease of a check. `None`: another process holds it, or the check is done.
    pub(crate) async fn claim_check(&self, scope: &str, digest: &str) -> Result<Option<ClaimedCheck>> {
        let mut tx = self.inner.store.begin().await?;
        let Some(row) = versions::lock(&mut tx, scope, digest).await? else { return Ok(None) };
        if row.state != VersionState::Checking || processes::holds(&mut tx, row.lease.as_ref()).await? {
            return Ok(None);
        }
        let Some(component) = versions::component(&mut tx, scope, digest).await? else { return Ok(None) };
        if row.checks >= MAX_CHECKS {
            let text = format!(
                "its check ended {MAX_CHECKS} times without a result; see the log of Sendbox, and upload it again"
            );
            let row = VersionRow { state: VersionState::Refused, refusal: Some(text), lease: None, ..row };
            versions::update(&mut tx, &row).await?;
            tx.commit().await?;
            return Ok(None);
        }
        let lease =
            self.inner.leases.claim().hold(LeasedRow::Version { owner: scope.to_owned(), digest: digest.to_owned() });
        let row = VersionRow { checks: row.checks + 1, step: 1, lease: Some(lease.lease().clone()), ..row };
        versions::update(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(Some(ClaimedCheck { row, component, lease }))
    }

    async fn check_version(&self, check: ClaimedCheck) -> Result<()> {
        let ClaimedCheck { row, component, lease } = check;
        let (scope, digest) = (row.tenant.as_str(), row.digest.as_str());
        let loaded = self.load_in_steps(&row, &component).await;
        let mut tx = self.inner.store.begin().await?;
        let Some(current) = versions::lock(&mut tx, scope, digest).await? else { return Ok(()) };
        if current.lease.as_ref() != Some(lease.lease()) || current.state != VersionState::Checking {
            return Ok(());
        }
        let row = VersionRow { lease: None, ..current };
        let row = match loaded {
            Ok(connector) => {
                let row = self.accept_connector(&mut tx, row, Description::of(connector.inspect())).await?;
                if row.state == VersionState::Ready {
                    self.inner.catalogue.insert(connector);
                }
                row
            }
            Err(error) if error.is_caused_by_file() => {
                VersionRow { state: VersionState::Refused, refusal: Some(error.to_string()), ..row }
            }
            Err(error) => {
                tracing::error!(digest, %error, "the check of a connector failed for a reason outside of the file; it will be repeated");
                row
            }
        };
        versions::update(&mut tx, &row).await?;
        tx.commit().await?;
        lease.end();
        Ok(())
    }

    /// Loads the file, and stores the progress.
    async fn load_in_steps(&self, row: &VersionRow, component: &[u8]) -> Result<Connector, LoadError> {
        let step = AtomicU32::new(1);
        let progress = |at: LoadStep| {
            let number = match at {
                LoadStep::Inspecting => 1,
                LoadStep::Compiling => 2,
                LoadStep::ReadingMetadata => 3,
            };
            step.store(number, Ordering::Relaxed);
        };
        let loading = self.inner.sandbox.load_with_progress(component, &progress);
        tokio::pin!(loading);
        let mut recorded = 1;
        loop {
            tokio::select! {
                result = &mut loading => return result,
                () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {
                    let now = step.load(Ordering::Relaxed);
                    if now != recorded {
                        recorded = now;
                        // Only shown to users; the check does not depend on it.
                        if let Err(error) = self.record_step(row, now).await {
                            tracing::debug!(%error, "the progress of a check could not be stored");
                        }
                    }
                }
            }
        }
    }

    async fn record_step(&self, row: &VersionRow, step: u32) -> Result<()> {
        let mut tx = self.inner.store.begin().await?;
        if let Some(found) = versions::lock(&mut tx, &row.tenant, &row.digest).await?
            && found.lease == row.lease
            && found.state == VersionState::Checking
        {
            versions::update(&mut tx, &VersionRow { step, ..found }).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Accepts a file that is a connector, unless its id is taken. The first version of a connector becomes active at once.
    async fn accept_connector(&self, tx: &mut Tx, row: VersionRow, description: Description) -> Result<VersionRow> {
        let id = description.id.clone();
        let row = VersionRow { connector: Some(id.clone()), description: Some(description), ..row };
        let refused = |text: String| VersionRow { state: VersionState::Refused, refusal: Some(text), ..row.clone() };
        if self.inner.catalogue.is_reserved(&id) {
            return Ok(refused(format!("`{id}` is a built-in connector; choose another id")));
        }
        if !row.tenant.is_empty() && releases::get(tx, "", &id).await?.is_some() {
            return Ok(refused(format!("`{id}` is a connector for all tenants; choose another id")));
        }
        if releases::get(tx, &row.tenant, &id).await?.is_none() {
            let release = ReleaseRow {
                tenant: row.tenant.clone(),
                connector: id,
                owner: row.tenant.clone(),
                generation: 1,
                versions: Versions::first(row.digest.clone(), self.now()),
            };
            // Not written when another first version was faster; then this one is available and not active.
            releases::put(tx, &release).await?;
        }
        Ok(VersionRow { state: VersionState::Ready, ..row })
    }

    /// The release that applies to a tenant, or to all tenants.
    pub(crate) async fn effective_release(&self, tx: &mut Tx, tenant: Option<&str>, id: &str) -> Result<ReleaseRow> {
        if let Some(tenant) = tenant {
            self.tenant_row(tx, tenant).await?;
        }
        if self.inner.catalogue.built_in(id).is_some() {
            return Err(Error::Conflict(format!(
                "`{id}` is a built-in connector; its version changes only with an update of Sendbox"
            )));
        }
        releases::for_tenant(tx, scope_of(tenant), id).await?.ok_or(Error::NotFound("connector"))
    }

    /// The versions of a connector, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<Vec<ConnectorVersion>> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        let release = self.effective_release(&mut tx, tenant, id).await?;
        let mut views = Vec::new();
        for row in versions::of_connector(&mut tx, &release.owner, id, MAX_LISTED).await? {
            views.push(self.version_view(&mut tx, scope_of(tenant), row, false).await?);
        }
        Ok(views)
    }

    /// One upload, by its digest, including one that is being checked or was refused.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn uploaded(&self, caller: &Caller, tenant: Option<&str>, digest: &str) -> Result<ConnectorVersion> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        if let Some(tenant) = tenant {
            self.tenant_row(&mut tx, tenant).await?;
        }
        let row = versions::get(&mut tx, scope_of(tenant), digest).await?.ok_or(Error::NotFound("upload"))?;
        self.version_view(&mut tx, scope_of(tenant), row, true).await
    }

    /// One version, and how it differs from the active one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn version(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        digest: &str,
    ) -> Result<ConnectorVersion> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        let release = self.effective_release(&mut tx, tenant, id).await?;
        let row = self.ready_version(&mut tx, &release, digest).await?;
        self.version_view(&mut tx, scope_of(tenant), row, true).await
    }

    /// A version of this connector that has passed its check.
    pub(crate) async fn ready_version(&self, tx: &mut Tx, release: &ReleaseRow, digest: &str) -> Result<VersionRow> {
        let row = versions::get(tx, &release.owner, digest).await?;
        let fits =
            |row: &VersionRow| row.state == VersionState::Ready && row.connector.as_deref() == Some(&release.connector);
        row.filter(fits).ok_or(Error::NotFound("version"))
    }

    pub(crate) async fn version_view(
        &self,
        tx: &mut Tx,
        scope: &str,
        row: VersionRow,
        with_difference: bool,
    ) -> Result<ConnectorVersion> {
        let release = match (&row.connector, row.state) {
            (Some(id), VersionState::Ready) => releases::for_tenant(tx, scope, id).await?,
            _ => None,
        };
        // A private connector and one for all tenants may share an id; the version belongs to one of them.
        let release = release.filter(|release| release.owner == row.tenant);
        let difference = match &release {
            Some(release) if with_difference && release.versions.active != row.digest => {
                self.difference(tx, scope, release, &row).await?
            }
            _ => None,
        };
        let activity = || usize::try_from(row.step).ok().and_then(|step| STEPS.get(step.saturating_sub(1)));
        Ok(ConnectorVersion {
            role: release.map(|release| release.versions.role(&row.digest)),
            progress: (row.state == VersionState::Checking).then(|| Progress {
                step: row.step,
                steps: 3,
                activity: activity().map_or_else(|| "waiting".to_owned(), |activity| (*activity).to_owned()),
            }),
            version: row.description.as_ref().map(|description| description.version.clone()),
            inspection: row.description.as_ref().map(VersionInspection::from),
            connector: row.connector,
            digest: row.digest,
            owner: owner(&row.tenant),
            state: row.state,
            refusal: row.refusal,
            bytes: row.bytes,
            uploaded_at: row.uploaded_at,
            uploaded_by: row.uploaded_by,
            difference,
        })
    }

    /// Deletes a version that is not in use. The connector is deleted with its last version, if no connection uses it.
    ///
    /// # Errors
    /// [`Error::Conflict`], which names what uses it.
    pub async fn delete_version(&self, caller: &Caller, tenant: Option<&str>, digest: &str) -> Result<()> {
        caller.may_in(tenant, Scope::Manage)?;
        let scope = scope_of(tenant);
        let store = self.store_of(tenant.unwrap_or_default());
        // Validates connections, which must not happen while the transaction below is open.
        let used_by = self.require_no_dependents(&store, scope, digest).await?;
        let mut tx = store.begin().await?;
        if let Some(tenant) = tenant {
            self.lock_tenant(&mut tx, tenant).await?;
        }
        let row = versions::lock(&mut tx, scope, digest).await?.ok_or(Error::NotFound("upload"))?;
        if let (Some(id), VersionState::Ready) = (&row.connector, row.state) {
            if VersionUse::of(&mut tx, scope, id, digest).await? != used_by {
                let text = "connections or releases were changed at the same time; try again";
                return Err(Error::Conflict(text.to_owned()));
            }
            self.require_unused(&mut tx, scope, id, digest).await?;
        }
        versions::delete(&mut tx, scope, digest).await?;
        if let Some(id) = &row.connector {
            sendbox_store::shapes::delete_of_version(&mut tx, scope, id, digest).await?;
        }
        let before = json!({ "digest": digest, "connector": row.connector });
        let what = ("connector.delete", format!("version:{digest}"));
        self.record_audit(&mut tx, caller, tenant, what, (Some(before), None)).await?;
        tx.commit().await?;
        self.inner.release_monitor.wake();
        Ok(())
    }

    /// Refuses a version that is in use; deletes the release of a connector whose last version this is.
    async fn require_unused(&self, tx: &mut Tx, scope: &str, id: &str, digest: &str) -> Result<()> {
        let now = self.now();
        let releases_here: Vec<ReleaseRow> =
            releases::of_connector(tx, id).await?.into_iter().filter(|release| release.owner == scope).collect();
        let used = connections::using(tx, scope, id, MAX_COMPARED_CONNECTIONS).await?;
        let is_last = versions::of_connector(tx, scope, id, MAX_LISTED).await?.len() == 1;
        if is_last && used.is_empty() {
            for release in &releases_here {
                releases::delete(tx, &release.tenant, id).await?;
            }
            return Ok(());
        }
        for release in &releases_here {
            if release.versions.in_use(now).any(|used| used == digest) {
                let who = if release.tenant.is_empty() { "all tenants" } else { "a tenant" };
                let role = release.versions.role(digest);
                return Err(Error::Conflict(match role {
                    VersionRole::Available => {
                        "messages that started on it may still be in progress; try again in a minute".to_owned()
                    }
                    _ => format!("it is the {} version for {who}; activate another version first", role.as_str()),
                }));
            }
        }
        Ok(())
    }

    /// Refuses a version that a connection sends with because it is incompatible with the active one. Returns what it looked at.
    async fn require_no_dependents(&self, store: &Store, scope: &str, digest: &str) -> Result<VersionUse> {
        let mut tx = store.begin_read().await?;
        let row = versions::get(&mut tx, scope, digest).await?.ok_or(Error::NotFound("upload"))?;
        let (Some(id), VersionState::Ready) = (&row.connector, row.state) else { return Ok(VersionUse::default()) };
        let used_by = VersionUse::of(&mut tx, scope, id, digest).await?;
        for release in releases::of_connector(&mut tx, id).await?.iter().filter(|release| release.owner == scope) {
            let Some(active) = self.load_version(&mut tx, scope, &release.versions.active).await? else { continue };
            let mut connections = self.governed_connections(&mut tx, &release.tenant, release).await?;
            connections.retain(|(row, _)| row.digest == digest);
            if let Some(found) = self.incompatible_connections(connections, &active).await?.first() {
                return Err(Error::Conflict(format!(
                    "the connection `{}` of `{}` is incompatible with the active version and sends with this one; save it again first",
                    found.connection, found.tenant
                )));
            }
        }
        Ok(used_by)
    }
}

/// What decides whether a connection depends on a version.
#[derive(Default, PartialEq)]
struct VersionUse {
    /// The releases of the connector: tenant and generation.
    releases: Vec<(String, u64)>,
    /// The connections that were saved with the version: tenant, name and revision.
    connections: Vec<(String, String, u64)>,
}

impl VersionUse {
    async fn of(tx: &mut Tx, scope: &str, connector: &str, digest: &str) -> Result<Self> {
        let releases = releases::of_connector(tx, connector).await?;
        let connections = connections::using(tx, scope, connector, MAX_COMPARED_CONNECTIONS).await?;
        Ok(Self {
            releases: releases.into_iter().map(|release| (release.tenant, release.generation)).collect(),
            connections: connections
                .into_iter()
                .filter(|row| row.digest == digest)
                .map(|row| (row.tenant, row.name, row.revision))
                .collect(),
        })
    }
}

/// The versions that send, for the audit log.
pub(crate) fn audit_view(versions: &Versions) -> serde_json::Value {
    json!({ "active": versions.active, "previous": versions.previous, "canary": versions.canary })
}
