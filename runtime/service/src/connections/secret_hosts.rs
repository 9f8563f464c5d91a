//! Which hosts a stored secret was given for.
//!
//! Promise: a stored secret is sent to no host that its connection could not send it to when it was given. Nobody can read a stored
//! secret, but whoever may change where a connection sends could have it sent to a host of their own: with other parameters, with a
//! promotion, or with another version of the connector. So a secret is stored with its hosts, and only giving it again changes them.
//!
//! - A change, a test or a promotion that keeps a secret is refused if the secret could then be sent to another host.
//! - A version that would send it to another host is incompatible with the connection, approved or not, whatever its role. The
//!   connection keeps sending with a version that is compatible.
//! - A secret is given for the hosts of the active version and of the canary, because both send then. The previous version does not
//!   send, so it adds no host that the same value was not given for before.
//!
//! The same holds for built-in connectors, whose version changes with an update of Sendbox.

use std::collections::BTreeSet;
use std::sync::Arc;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_policy::{EffectiveGrant, Origin, ReachEntry};
use sendbox_store::rows::{ConnectionRow, SecretHosts};
use sendbox_store::{Tx, connections, tenants};

use crate::connections::validated_settings::ValidationTime;
use crate::error::{Error, Result};
use crate::releases::resolved_connector::ResolvedConnector;
use crate::service::Service;
use crate::vault::TenantKey;

/// A stored connection, and secrets of it that a request keeps, or gives again unchanged.
pub(crate) struct KeptSecrets<'a> {
    pub(crate) row: &'a ConnectionRow,
    pub(crate) names: BTreeSet<&'a str>,
}

impl<'a> KeptSecrets<'a> {
    /// All secrets of a stored connection.
    pub(crate) fn all_of(row: &'a ConnectionRow) -> Self {
        Self { row, names: row.secret_times.keys().map(String::as_str).collect() }
    }

    /// Only the secrets with these names.
    pub(crate) fn only(mut self, is_meant: impl Fn(&str) -> bool) -> Self {
        self.names.retain(|name| is_meant(name));
        self
    }

    /// Refuses to send these secrets to hosts that they were not given for. `grant` is what the connection may reach.
    ///
    /// # Errors
    /// One error for each secret that has to be given again.
    pub(crate) fn require_given_hosts(&self, grant: &EffectiveGrant) -> Result<(), FieldErrors> {
        let errors = self.names.iter().filter_map(|name| {
            let given = self.hosts_of(name);
            let other: Vec<String> = hosts_of(grant, name).difference(&given).cloned().collect();
            let message = format!("is stored for other hosts; give it again to have it sent to {}", other.join(", "));
            let pointer = name.replace('~', "~0").replace('/', "~1");
            (!other.is_empty()).then(|| {
                FieldError::new(format!("/parameters/{pointer}"), message)
                    .coded(FieldCode::SecretForOtherHosts, &[("bound", &other.join(", "))])
            })
        });
        FieldErrors::none_or(errors.collect())
    }

    /// The hosts that a secret was given for. None are known if the service could not find them out when it started.
    fn hosts_of(&self, name: &str) -> BTreeSet<String> {
        self.row.secret_hosts.as_ref().and_then(|all| all.get(name)).cloned().unwrap_or_default()
    }
}

/// The hosts that a connection reaches, as origins without paths.
pub(crate) fn hosts(grant: &EffectiveGrant) -> BTreeSet<String> {
    grant.reach().entries.iter().map(host_of).collect()
}

/// The hosts that this secret may be sent to, also those that the operator does not allow today.
fn hosts_of(grant: &EffectiveGrant, secret: &str) -> BTreeSet<String> {
    let receives = |entry: &&ReachEntry| entry.secrets.iter().any(|binding| binding.key == secret);
    grant.reach().entries.iter().filter(receives).map(host_of).collect()
}

fn host_of(entry: &ReachEntry) -> String {
    Origin { exact_path: None, ..entry.origin.clone() }.to_string()
}

impl Service {
    /// Stores in a new or changed row for which hosts its secrets were given. Those that are `kept` have the hosts that they had, and
    /// may not be sent to others now. Those that are given now have the hosts that the versions that send now may send them to. Those
    /// that are `repeated`, given again with the value that is stored, have in addition the hosts of before that the previous version
    /// needs, so that a rollback works. `grant` is what the row may reach with the active version.
    ///
    /// # Errors
    /// [`Error::Invalid`] with an error for each kept secret that has to be given again.
    pub(crate) async fn with_secret_hosts(
        &self,
        tx: &mut Tx,
        key: &TenantKey,
        row: ConnectionRow,
        grant: &EffectiveGrant,
        kept: Option<&KeptSecrets<'_>>,
        repeated: Option<&KeptSecrets<'_>>,
    ) -> Result<ConnectionRow> {
        if let Some(kept) = kept {
            kept.require_given_hosts(grant)?;
        }
        let resolved = self.resolve_connector(tx, &row.tenant, &row.connector).await?;
        let versions = resolved.as_ref().and_then(ResolvedConnector::release).map(|release| &release.versions);
        let (mut canary, mut previous) = (None, None);
        if let (Some(resolved), Some(versions)) = (&resolved, versions) {
            if let Some(trial) = &versions.canary {
                canary = self.grant_at(tx, key, &row, resolved, &trial.digest).await?;
            }
            if let Some(before) = &versions.previous {
                previous = self.grant_at(tx, key, &row, resolved, before).await?;
            }
        }
        let mut hosts = SecretHosts::new();
        for name in row.secret_times.keys() {
            let has_it = |secrets: &&KeptSecrets<'_>| secrets.names.contains(name.as_str());
            let mut given = hosts_of(grant, name);
            given.extend(canary.iter().flat_map(|canary| hosts_of(canary, name)));
            if let (Some(previous), Some(repeated)) = (&previous, repeated.filter(has_it)) {
                given.extend(hosts_of(previous, name).intersection(&repeated.hosts_of(name)).cloned());
            }
            let given = kept.filter(has_it).map_or(given, |kept| kept.hosts_of(name));
            hosts.insert(name.clone(), given);
        }
        Ok(ConnectionRow { secret_hosts: Some(hosts), ..row })
    }

    /// What a stored connection may reach with a version; `None` when it is incompatible with it, or there is no such version.
    async fn grant_at(
        &self,
        tx: &mut Tx,
        key: &TenantKey,
        row: &ConnectionRow,
        resolved: &ResolvedConnector,
        digest: &str,
    ) -> Result<Option<Arc<EffectiveGrant>>> {
        let Some(connector) = self.version_of(tx, resolved, digest).await? else { return Ok(None) };
        match self.build_for_any_host(ValidationTime::within(tx), row, key, &connector).await {
            Ok((connection, _)) => Ok(Some(connection.grant)),
            Err(Error::Invalid(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Fills in for which hosts secrets were given, in connections that were saved by a release of Sendbox that did not store it: those
    /// of the version that the connection was saved with. If it is gone or incompatible, those of the active version, which has
    /// been sending the secrets until now. Runs before the service sends, and finds nothing after the first time.
    pub(crate) async fn fill_secret_hosts(&self) -> Result<()> {
        let mut tx = self.inner.store.begin_read().await?;
        let mut filled = Vec::new();
        for row in connections::without_secret_hosts(&mut tx).await? {
            match self.last_known_hosts(&mut tx, &row).await {
                Ok(Some(hosts)) => filled.push((row, hosts)),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(tenant = row.tenant, connection = row.name, %error, "it is not known which hosts older secrets were given for");
                }
            }
        }
        drop(tx);
        if filled.is_empty() {
            return Ok(());
        }
        let mut tx = self.inner.store.begin().await?;
        for (row, hosts) in &filled {
            connections::fill_secret_hosts(&mut tx, row, hosts).await?;
        }
        Ok(tx.commit().await?)
    }

    /// `None` when the tenant was deleted: then it has no key.
    async fn last_known_hosts(&self, tx: &mut Tx, row: &ConnectionRow) -> Result<Option<SecretHosts>> {
        let Some(tenant) = tenants::get(tx, &row.tenant).await? else { return Ok(None) };
        let key = self.tenant_key(&tenant)?;
        let mut grant = None;
        if let Some(resolved) = self.resolve_connector(tx, &row.tenant, &row.connector).await? {
            grant = self.grant_at(tx, &key, row, &resolved, &row.digest).await?;
            if grant.is_none() {
                let active = self.active_of(tx, &resolved).await?.digest().to_string();
                grant = self.grant_at(tx, &key, row, &resolved, &active).await?;
            }
        }
        let hosts = |name: &String| grant.as_ref().map(|grant| hosts_of(grant, name)).unwrap_or_default();
        Ok(Some(row.secret_times.keys().map(|name| (name.clone(), hosts(name))).collect()))
    }
}
