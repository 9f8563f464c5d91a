//! Building a ready connection: the connector at one version, validated parameters, grant and templates.
//!
//! Built from a stored connection once for each revision and version, cached, and shared by all its sends.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sendbox_domain::plan::ConnectionConfig;
use sendbox_policy::TenantGrant;
use sendbox_sandbox::Connector;
use sendbox_store::rows::{ConnectionRow, ReleaseRow, TenantRow};
use sendbox_store::{Tx, connections};
use serde_json::Value;

use crate::connections::cached_connection::{CachedConnection, ReadyConnection};
use crate::connections::secret_hosts::KeptSecrets;
use crate::connections::stored_parameters::StoredParameters;
use crate::connections::validated_settings::{ValidationTime, validation_of};
use crate::connections::validation::ConnectionSettings;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::pinned_shapes::ConnectionShapes;
use crate::releases::request_shapes::version_at;
use crate::releases::resolved_connector::ResolvedConnector;
use crate::service::Service;
use crate::vault::TenantKey;

/// Maximum number of cached connections. When it is reached the cache is cleared, which is simple and rare.
const MAX_CACHED: usize = 10_000;

/// A connection, and the versions of its connector that may send for it, the preferred one first.
pub(crate) struct CandidateVersions {
    row: ConnectionRow,
    connector: ResolvedConnector,
    pub(crate) digests: Vec<String>,
}

impl CandidateVersions {
    /// The release that decided the versions; `None` for a built-in connector.
    pub(crate) fn release(&self) -> Option<&ReleaseRow> {
        self.connector.release()
    }
}

/// What decides which versions a message may use.
#[derive(Clone, Copy, Default)]
pub(crate) struct VersionAffinity<'a> {
    /// The message's id.
    pub(crate) message: &'a str,
    /// The version of its last attempt on this connection.
    pub(crate) current: Option<&'a str>,
    /// Versions that rejected it for a reason that other versions may not have.
    pub(crate) rejected: &'a [&'a str],
}

impl Service {
    /// The versions that may send a message over a connection; `None` when there is no connection of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when its connector was deleted.
    pub(crate) async fn candidate_versions(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        name: &str,
        affinity: VersionAffinity<'_>,
    ) -> Result<Option<CandidateVersions>> {
        let Some(row) = connections::get(tx, &tenant.id, name).await? else { return Ok(None) };
        self.candidates_for(tx, row, affinity).await.map(Some)
    }

    pub(crate) async fn candidates_for(
        &self,
        tx: &mut Tx,
        row: ConnectionRow,
        affinity: VersionAffinity<'_>,
    ) -> Result<CandidateVersions> {
        let connector = self.resolve_connector(tx, &row.tenant, &row.connector).await?.ok_or_else(|| {
            Error::invalid("/connector", format!("the tenant no longer has the connector `{}`", row.connector))
        })?;
        let digests = match &connector {
            ResolvedConnector::BuiltIn(connector) => vec![connector.digest().to_string()],
            ResolvedConnector::Uploaded(release) => {
                let versions = release.versions.candidates(
                    affinity.message,
                    affinity.current,
                    affinity.rejected,
                    &row.digest,
                    self.now(),
                );
                versions.into_iter().map(str::to_owned).collect()
            }
        };
        Ok(CandidateVersions { row, connector, digests })
    }

    /// A connection that is ready to send with this version, from the cache or newly built.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is incompatible with the version; store errors.
    pub(crate) async fn ready_connection_at(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        candidates: &CandidateVersions,
        digest: &str,
    ) -> Result<Arc<ReadyConnection>> {
        let row = &candidates.row;
        let cache_key = (tenant.id.clone(), row.name.clone());
        let row_times = (row.created_at.0, row.updated_at.0);
        let is_current = |cached: &CachedConnection| cached.revision == row.revision && cached.row_times == row_times;
        let cached = lock(&self.inner.ready_connections)
            .get(&cache_key)
            .filter(|cached| is_current(cached))
            .and_then(|cached| cached.versions.get(digest).cloned());
        if let Some(cached) = cached {
            return cached.map_err(Error::Invalid);
        }
        let connector = self.version_of(tx, &candidates.connector, digest).await?;
        let connector = connector
            .ok_or_else(|| Error::invalid("/connector", "this version cannot be loaded; see the log of Sendbox"))?;
        let version_at = version_at(tx, candidates.release(), digest).await?;
        let key = self.tenant_key(tenant)?;
        let time = ValidationTime::within(tx);
        let ready = self.build_stored_connection(time, row, &key, &connector).await.map(|(ready, _)| {
            let version_at = version_at.unwrap_or(ready.version_at);
            Arc::new(ReadyConnection { version_at, ..ready })
        });
        let ready = match ready {
            Err(Error::Invalid(errors)) => Err(errors),
            Err(other) => return Err(other),
            Ok(ready) => Ok(ready),
        };
        let mut all = lock(&self.inner.ready_connections);
        if all.len() >= MAX_CACHED {
            all.clear();
        }
        let cached = all.entry(cache_key).or_insert_with(|| CachedConnection {
            revision: row.revision,
            row_times,
            versions: HashMap::new(),
        });
        if !is_current(cached) {
            *cached = CachedConnection { revision: row.revision, row_times, versions: HashMap::new() };
        }
        cached.versions.insert(digest.to_owned(), ready.clone());
        ready.map_err(Error::Invalid)
    }

    /// Builds a stored connection with this version, and names the parameter that Sendbox filled in.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is incompatible with the version, or the version would read a stored secret in clear or send it to a
    /// host that it was not given for; as [`Service::validated_settings`].
    pub(crate) async fn build_stored_connection<'c>(
        &self,
        time: ValidationTime,
        row: &ConnectionRow,
        key: &TenantKey,
        connector: &'c Connector,
    ) -> Result<(ReadyConnection, Option<&'c str>)> {
        let (ready, filled) = self.build_for_any_host(time, row, key, connector).await?;
        KeptSecrets::all_of(row).require_given_hosts(&ready.grant)?;
        Ok((ready, filled))
    }

    /// The same, whatever hosts the secrets were given for: to find out which hosts those are. It must not send.
    ///
    /// # Errors
    /// As [`Service::build_stored_connection`], but for the hosts.
    pub(crate) async fn build_for_any_host<'c>(
        &self,
        time: ValidationTime,
        row: &ConnectionRow,
        key: &TenantKey,
        connector: &'c Connector,
    ) -> Result<(ReadyConnection, Option<&'c str>)> {
        let stored = StoredParameters::of(row, key)?.for_version(connector.metadata())?;
        let fillable = self.fill_parameters(connector, row, key, stored)?;
        let name = fillable.filled_name;
        let validation = validation_of(&row.tenant, key, connector, fillable, &row.templates);
        let settings = self.validated_settings(time, validation).await?;
        let ready = self.build_ready_connection(&row.name, &row.connector, connector, &settings, row.revision)?;
        Ok((ready, name.filter(|_| settings.is_filled)))
    }

    /// The connection with the first version that it is compatible with.
    pub(crate) async fn first_compatible(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        candidates: &CandidateVersions,
    ) -> Result<Arc<ReadyConnection>> {
        let mut first_error = None;
        for digest in &candidates.digests {
            match self.ready_connection_at(tx, tenant, candidates, digest).await {
                Err(error @ Error::Invalid(_)) => {
                    // Users fix the errors of the preferred version.
                    first_error.get_or_insert(error);
                }
                result => return result,
            }
        }
        Err(first_error.unwrap_or_else(|| Error::invalid("/connector", "none of its versions can send")))
    }

    /// A stored connection, ready to send; `None` when there is no connection of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when no candidate version is compatible with it; store errors.
    pub(crate) async fn ready_connection(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        name: &str,
        affinity: VersionAffinity<'_>,
    ) -> Result<Option<Arc<ReadyConnection>>> {
        match self.candidate_versions(tx, tenant, name, affinity).await? {
            Some(candidates) => self.first_compatible(tx, tenant, &candidates).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes the versions that are no longer loaded from the cache.
    pub(crate) fn evict_ready_connections(&self, digests: &BTreeSet<String>) {
        lock(&self.inner.ready_connections).retain(|_, cached| {
            cached.versions.retain(|digest, _| !digests.contains(digest));
            !cached.versions.is_empty()
        });
    }

    /// Builds a ready connection from validated settings.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a parameter makes a host of the manifest invalid or not allowed.
    pub(crate) fn build_ready_connection(
        &self,
        name: &str,
        connector_id: &str,
        connector: &Connector,
        settings: &ConnectionSettings,
        revision: u64,
    ) -> Result<ReadyConnection> {
        let grant = connector
            .grant(&settings.parameters, &self.inner.operator, &TenantGrant::default())
            .map_err(|error| Error::invalid("/parameters", error.to_string()))?;
        Ok(ReadyConnection {
            name: name.to_owned(),
            connector_id: connector_id.to_owned(),
            revision,
            connector: connector.clone(),
            parameters: Arc::clone(&settings.parameters),
            filled: settings.is_filled,
            grant: Arc::new(grant),
            config: ConnectionConfig { parameters: Value::Null, templates: settings.templates.clone() },
            version_at: self.now(),
            shapes: ConnectionShapes::default(),
        })
    }
}
