//! Resolving a connector's id for a tenant, and loading its versions.
//!
//! An id names, in this order, a built-in connector, a private connector of the tenant, or a connector for all tenants.

use sendbox_domain::model::{ConnectorDetail, ConnectorSummary, Owner, Scope};
use sendbox_sandbox::Connector;
use sendbox_store::rows::ReleaseRow;
use sendbox_store::{Tx, releases, versions};

use crate::access::caller::Caller;
use crate::catalogue::summary;
use crate::error::{Error, Result};
use crate::service::Service;

/// A connector, with the release that decides which of its versions send.
pub(crate) enum ResolvedConnector {
    /// Has the one version that is part of Sendbox.
    BuiltIn(Connector),
    /// Has uploaded versions, of which its release decides.
    Uploaded(Box<ReleaseRow>),
}

impl ResolvedConnector {
    pub(crate) fn owner(&self) -> Owner {
        match self {
            Self::BuiltIn(_) => Owner::BuiltIn,
            Self::Uploaded(release) => owner(&release.owner),
        }
    }

    pub(crate) fn release(&self) -> Option<&ReleaseRow> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Uploaded(release) => Some(release),
        }
    }
}

/// The owner of a connector, from its scope in the store.
pub(crate) fn owner(tenant: &str) -> Owner {
    if tenant.is_empty() { Owner::AllTenants } else { Owner::Tenant }
}

impl Service {
    /// Resolves an id for a tenant. An empty tenant means the platform, which sees the connectors for all tenants.
    pub(crate) async fn resolve_connector(
        &self,
        tx: &mut Tx,
        tenant: &str,
        id: &str,
    ) -> Result<Option<ResolvedConnector>> {
        if let Some(connector) = self.inner.catalogue.built_in(id) {
            return Ok(Some(ResolvedConnector::BuiltIn(connector.clone())));
        }
        Ok(releases::for_tenant(tx, tenant, id).await?.map(|release| ResolvedConnector::Uploaded(Box::new(release))))
    }

    /// One version of a connector, loaded. `None`: there is no such version, or it may not run.
    pub(crate) async fn version_of(
        &self,
        tx: &mut Tx,
        connector: &ResolvedConnector,
        digest: &str,
    ) -> Result<Option<Connector>> {
        match connector {
            ResolvedConnector::BuiltIn(connector) => {
                Ok((connector.digest().to_string() == digest).then(|| connector.clone()))
            }
            ResolvedConnector::Uploaded(release) => self.load_version(tx, &release.owner, digest).await,
        }
    }

    /// Loads an uploaded version, unless it is loaded already. That is rare, because the release monitor loads every version that
    /// may send, and fast, because its compiled code is in the cache of the process that checked it.
    pub(crate) async fn load_version(&self, tx: &mut Tx, owner: &str, digest: &str) -> Result<Option<Connector>> {
        if let Some(connector) = self.inner.catalogue.uploaded(digest) {
            return Ok(Some(connector));
        }
        if !tx.may_wait() {
            if self.inner.catalogue.is_unloadable(digest, self.now()) {
                return Ok(None);
            }
            return Err(Error::VersionNotLoaded { owner: owner.to_owned(), digest: digest.to_owned() });
        }
        let Some(component) = versions::component(tx, owner, digest).await? else { return Ok(None) };
        match self.inner.calls.load(&component).await {
            Ok(connector) => {
                self.inner.catalogue.insert(connector.clone());
                Ok(Some(connector))
            }
            Err(error) => {
                // It passed its check, so this process differs from the one that checked it: other limits, or less memory.
                tracing::error!(digest, %error, "a version of a connector cannot be loaded");
                self.inner.catalogue.mark_unloadable(digest, self.now());
                Ok(None)
            }
        }
    }

    /// Loads a version that a transaction is about to need, unless it is loaded. Loading runs the version, and on SQLite everybody who
    /// writes would wait for that.
    pub(crate) async fn preload_version(&self, tenant: &str, id: &str, digest: &str) -> Result<()> {
        let mut tx = self.store_of(tenant).begin_read().await?;
        if let Some(resolved) = self.resolve_connector(&mut tx, tenant, id).await? {
            self.version_of(&mut tx, &resolved, digest).await?;
        }
        Ok(())
    }

    /// The active version of a connector.
    pub(crate) async fn active_of(&self, tx: &mut Tx, connector: &ResolvedConnector) -> Result<Connector> {
        let digest = match connector {
            ResolvedConnector::BuiltIn(connector) => return Ok(connector.clone()),
            ResolvedConnector::Uploaded(release) => &release.versions.active,
        };
        let found = self.version_of(tx, connector, digest).await?;
        found.ok_or_else(|| {
            Error::Internal("the active version of the connector cannot be loaded; see the log".to_owned())
        })
    }

    /// The active version of the connector that a request names.
    pub(crate) async fn connector_of(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Connector> {
        match self.resolve_connector(tx, tenant, id).await? {
            Some(connector) => self.active_of(tx, &connector).await,
            None => {
                let ids = self.ids(tx, tenant).await?.join(", ");
                Err(Error::invalid("/connector", format!("must be a connector of this tenant, one of {ids}")))
            }
        }
    }

    async fn ids(&self, tx: &mut Tx, tenant: &str) -> Result<Vec<String>> {
        let mut ids: Vec<String> = self.inner.catalogue.all_built_in().map(|(id, _)| id.to_owned()).collect();
        for scope in scopes(tenant) {
            ids.extend(releases::of_scope(tx, scope).await?.into_iter().map(|release| release.connector));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The connectors that a tenant can set up; without a tenant, those for all tenants.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connectors(&self, caller: &Caller, tenant: Option<&str>) -> Result<Vec<ConnectorSummary>> {
        let mut tx = self.begin_scoped_read(caller, tenant).await?;
        let tenant = tenant.unwrap_or_default();
        let mut found = Vec::new();
        for id in self.ids(&mut tx, tenant).await? {
            if let Some(resolved) = self.resolve_connector(&mut tx, tenant, &id).await? {
                found.push(summary(&id, resolved.owner(), &self.active_of(&mut tx, &resolved).await?));
            }
        }
        Ok(found)
    }

    /// The full description of a connector, for setting it up.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connector(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<ConnectorDetail> {
        let mut tx = self.begin_scoped_read(caller, tenant).await?;
        let resolved = self
            .resolve_connector(&mut tx, tenant.unwrap_or_default(), id)
            .await?
            .ok_or(Error::NotFound("connector"))?;
        let connector = self.active_of(&mut tx, &resolved).await?;
        Ok(self.inner.catalogue.detail(id, resolved.owner(), &connector))
    }

    /// Begins a read of a tenant's connectors, or, with any key, of the connectors for all tenants.
    async fn begin_scoped_read(&self, caller: &Caller, tenant: Option<&str>) -> Result<Tx> {
        if let Some(tenant) = tenant {
            caller.may(tenant, &[Scope::Read])?;
        }
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        if let Some(tenant) = tenant {
            self.tenant_row(&mut tx, tenant).await?;
        }
        Ok(tx)
    }
}

/// The scopes in which a tenant's connectors are searched.
fn scopes(tenant: &str) -> impl Iterator<Item = &str> {
    [tenant, ""].into_iter().take(if tenant.is_empty() { 1 } else { 2 })
}
