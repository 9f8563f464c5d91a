//! How a version differs from the active one, in general and for each connection that would use it, and its approval.
//!
//! Promises
//! - versions are compared as resolved: with the parameters of each connection, including defaults and callback URLs;
//! - a tenant sees only its own connections;
//! - a version that would read a stored secret in clear is refused for every connection that stores one, approved or not;
//! - a version that would send a stored secret to a host that it was not given for is incompatible with the connection, approved or not.

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::{
    Approval, ConnectionDifference, ConnectorVersion, Difference, IncompatibleConnection, Reach, Scope,
    VersionDifference, VersionRole,
};
use sendbox_domain::rules::capability_diff::CapabilityDiff;
use sendbox_domain::rules::capability_diff::connection::{Resolved, lines};
use sendbox_sandbox::Connector;
use sendbox_store::rows::{ApprovalRow, ConnectionRow, ReleaseRow, TenantRow, VersionRow};
use sendbox_store::{Tx, connections, releases, tenants, versions};
use serde_json::json;

use crate::access::caller::Caller;
use crate::connections::stored_parameters::StoredParameters;
use crate::connections::validated_settings::ValidationTime;
use crate::delivery_reports::callback_url::callback_url_parameter;
use crate::error::{Error, Result};
use crate::releases::versions::{MAX_COMPARED_CONNECTIONS, scope_of};
use crate::service::Service;
use crate::vault;

/// Maximum number of connections that are listed.
const MAX_LISTED: usize = 100;
/// Maximum number of connections that an error text names.
const MAX_LISTED_IN_TEXT: usize = 10;

/// The effect of a version on the connections that would use it.
#[derive(Default)]
struct ConnectionImpact {
    incompatible: Vec<IncompatibleConnection>,
    differing: Vec<ConnectionDifference>,
}

/// How a version differs from the active one, with the fingerprint of the difference.
async fn compare_with_active(
    tx: &mut Tx,
    release: &ReleaseRow,
    version: &VersionRow,
) -> Result<Option<(CapabilityDiff, String)>> {
    let Some(active) = versions::get(tx, &release.owner, &release.versions.active).await? else { return Ok(None) };
    let (Some(before), Some(after)) = (&active.description, &version.description) else { return Ok(None) };
    let difference = CapabilityDiff::between(before, after);
    let fingerprint = difference.fingerprint(&active.digest, &version.digest);
    Ok(Some((difference, fingerprint)))
}

impl Service {
    /// The difference as it is shown for a scope.
    pub(crate) async fn difference(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        version: &VersionRow,
    ) -> Result<Option<VersionDifference>> {
        let Some((difference, confirmation_token)) = compare_with_active(tx, release, version).await? else {
            return Ok(None);
        };
        let approval = approval(tx, scope, release, &confirmation_token).await?;
        let active = self.load_version(tx, &release.owner, &release.versions.active).await?;
        let connector = self.load_version(tx, &release.owner, &version.digest).await?;
        let readme = |connector: &Connector| connector.metadata().readme.clone();
        let (old_readme, new_readme) = (active.as_ref().map(readme), connector.as_ref().map(readme));
        let ConnectionImpact { incompatible, differing } = match &connector {
            Some(connector) => self.connection_impact(tx, scope, release, connector).await?,
            None => ConnectionImpact::default(),
        };
        Ok(Some(VersionDifference {
            from: release.versions.active.clone(),
            to: version.digest.clone(),
            reach: difference.reach,
            needs_approval: difference.reach == Reach::Wider && approval.is_none(),
            wider: difference.wider,
            narrower: difference.narrower,
            other: difference.other,
            readme: new_readme.filter(|new| old_readme.as_ref() != Some(new)),
            confirmation_token,
            approved_at: approval.as_ref().map(|approval| approval.approved_at),
            approved_by: approval.map(|approval| approval.approved_by),
            connections: differing,
            incompatible_connections: incompatible,
        }))
    }

    /// The connections whose version a release decides: those of one tenant or, for an empty scope, of all tenants that follow it.
    pub(crate) async fn governed_connections(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
    ) -> Result<Vec<(ConnectionRow, TenantRow)>> {
        let mut found = Vec::new();
        for row in connections::using(tx, scope, &release.connector, MAX_COMPARED_CONNECTIONS).await? {
            // Skips tenants with a release of their own, or a private connector of this name.
            let own = releases::for_tenant(tx, &row.tenant, &release.connector).await?;
            if own.is_none_or(|own| own.tenant != release.tenant) {
                continue;
            }
            if let Some(tenant) = tenants::get(tx, &row.tenant).await? {
                found.push((row, tenant));
            }
        }
        Ok(found)
    }

    async fn connection_impact(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        connector: &Connector,
    ) -> Result<ConnectionImpact> {
        let mut impact = ConnectionImpact::default();
        for (row, tenant) in self.governed_connections(tx, scope, release).await? {
            if impact.incompatible.len() >= MAX_LISTED && impact.differing.len() >= MAX_LISTED {
                break;
            }
            match self.difference_for_connection(tx, &tenant, &row, connector).await {
                Ok(lines) if lines.is_empty() || impact.differing.len() >= MAX_LISTED => {}
                Ok(lines) => {
                    impact.differing.push(ConnectionDifference { tenant: row.tenant, connection: row.name, lines });
                }
                Err(Error::Invalid(_)) if impact.incompatible.len() >= MAX_LISTED => {}
                Err(Error::Invalid(FieldErrors(errors))) => {
                    impact.incompatible.push(IncompatibleConnection {
                        tenant: row.tenant,
                        connection: row.name,
                        errors,
                    });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(impact)
    }

    /// The differences for one connection.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is incompatible with the version.
    async fn difference_for_connection(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &ConnectionRow,
        connector: &Connector,
    ) -> Result<Vec<Difference>> {
        let key = self.tenant_key(tenant)?;
        let (after, filled) = self.build_stored_connection(ValidationTime::within(tx), row, &key, connector).await?;
        // A connection that cannot send now has nothing to compare with.
        let Some(before) = self.sending_connection(tx, tenant, row).await? else { return Ok(Vec::new()) };
        let reach = |connector: &Connector, parameters: &sendbox_sandbox::Parameters| {
            connector.reach(parameters).map_err(|error| Error::invalid("/parameters", error.to_string()))
        };
        let (before, after) = (
            Resolved {
                reach: reach(&before.connector, &before.parameters)?,
                schema: &before.connector.metadata().parameters_schema,
                filled: callback_url_parameter(&before.connector).filter(|_| before.filled),
            },
            Resolved {
                reach: reach(connector, &after.parameters)?,
                schema: &connector.metadata().parameters_schema,
                filled,
            },
        );
        let stored = StoredParameters::of(row, &key)?;
        Ok(lines(&stored.names(), &before, &after))
    }

    /// Those of these connections that are incompatible with a version. Takes no transaction, because it validates them all.
    pub(crate) async fn incompatible_connections(
        &self,
        connections: Vec<(ConnectionRow, TenantRow)>,
        connector: &Connector,
    ) -> Result<Vec<IncompatibleConnection>> {
        let mut found = Vec::new();
        for (row, tenant) in connections {
            let key = self.tenant_key(&tenant)?;
            match self.build_stored_connection(ValidationTime::Now, &row, &key, connector).await {
                Ok(_) => {}
                Err(Error::Invalid(FieldErrors(errors))) => {
                    found.push(IncompatibleConnection { tenant: row.tenant, connection: row.name, errors });
                }
                Err(other) => return Err(other),
            }
            if found.len() >= MAX_LISTED {
                break;
            }
        }
        Ok(found)
    }

    /// Refuses a version that would read a stored secret of one of these connections in clear. An approval does not permit it. Each
    /// send enforces the same rule: see `stored_parameters.rs`.
    pub(crate) async fn require_sealed_secrets(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        connector: &Connector,
    ) -> Result<()> {
        let mut found = Vec::new();
        for (row, tenant) in self.governed_connections(tx, scope, release).await? {
            let stored = StoredParameters::of(&row, &self.tenant_key(&tenant)?)?;
            for name in stored.unsealed_by(connector.metadata()) {
                found.push(format!("`{name}` of `{}` (tenant `{}`)", row.name, row.tenant));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let more = found.len().saturating_sub(MAX_LISTED_IN_TEXT);
        let mut named = found.into_iter().take(MAX_LISTED_IN_TEXT).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        Err(Error::Conflict(format!(
            "this version would read stored secrets in clear: {named}. Upload a version that marks them `writeOnly`, or delete these \
             connections first"
        )))
    }

    /// Refuses a version that needs an approval, unless exactly its difference was approved.
    pub(crate) async fn require_approval(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        digest: &str,
    ) -> Result<()> {
        if release.versions.role(digest) != VersionRole::Available {
            // It already sends, or was sending, in this scope.
            return Ok(());
        }
        let version = self.ready_version(tx, release, digest).await?;
        let Some((difference, fingerprint)) = compare_with_active(tx, release, &version).await? else {
            return Err(Error::Internal("the versions cannot be compared".to_owned()));
        };
        if difference.reach != Reach::Wider || approval(tx, scope, release, &fingerprint).await?.is_some() {
            return Ok(());
        }
        Err(Error::ApprovalRequired(sentences(&difference.wider)))
    }

    /// Approves the wider reach and the changed texts of a version, compared with the active one: exactly the difference that was
    /// shown.
    ///
    /// # Errors
    /// [`Error::DiffChanged`] when the difference has changed since it was shown.
    pub async fn approve_version(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        digest: &str,
        approval: Approval,
    ) -> Result<ConnectorVersion> {
        caller.may_in(tenant, Scope::Manage)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let release = self.effective_release(&mut tx, tenant, id).await?;
        let version = self.ready_version(&mut tx, &release, digest).await?;
        let compared = compare_with_active(&mut tx, &release, &version).await?;
        let Some((difference, fingerprint)) = compared.filter(|_| release.versions.active != digest) else {
            return Err(Error::Conflict("this version is already active; there is nothing to approve".to_owned()));
        };
        if !vault::constant_time_eq(approval.confirmation_token.as_bytes(), fingerprint.as_bytes()) {
            return Err(Error::DiffChanged);
        }
        let row = ApprovalRow {
            // A tenant approves for itself only.
            tenant: scope_of(tenant).to_owned(),
            connector: id.to_owned(),
            fingerprint,
            approved_at: self.now(),
            approved_by: caller.actor(),
        };
        releases::approve(&mut tx, &row).await?;
        let after = json!({ "digest": digest, "from": release.versions.active, "wider": sentences(&difference.wider) });
        let what = ("connector.approve", format!("connector:{id}"));
        self.record_audit(&mut tx, caller, tenant, what, (None, Some(after))).await?;
        tx.commit().await?;
        // In a transaction of its own: it validates connections, and this may take long.
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        self.version_view(&mut tx, scope_of(tenant), version, true).await
    }
}

/// The approval of a difference, given in this scope or by the platform for all tenants.
async fn approval(tx: &mut Tx, scope: &str, release: &ReleaseRow, fingerprint: &str) -> Result<Option<ApprovalRow>> {
    let own = releases::approval(tx, scope, &release.connector, fingerprint).await?;
    if own.is_some() || !release.owner.is_empty() {
        return Ok(own);
    }
    Ok(releases::approval(tx, "", &release.connector, fingerprint).await?)
}

fn sentences(lines: &[Difference]) -> Vec<String> {
    lines.iter().map(|line| line.message.clone()).collect()
}
