//! Which connector a tenant means by an id, and at which version.
//!
//! An id is first that of a connector which comes with Sendbox, then one of the tenant's own, then one of all tenants.

use sendbox_domain::model::{ConnectorDetail, ConnectorSummary, Owner, Scope};
use sendbox_sandbox::Connector;
use sendbox_store::rows::ReleaseRow;
use sendbox_store::{Tx, releases, versions};

use crate::access::caller::Caller;
use crate::catalogue::summary;
use crate::error::{Error, Result};
use crate::service::Service;

/// A connector, in all its versions.
pub(crate) enum ResolvedConnector {
    /// It has the one version that comes with Sendbox.
    BuiltIn(Connector),
    /// Which of its versions send.
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

/// Whose a connector is, by how it stands in the store.
pub(crate) fn owner(tenant: &str) -> Owner {
    if tenant.is_empty() { Owner::AllTenants } else { Owner::Tenant }
}

impl Service {
    /// What a tenant means by an id. An empty tenant is the platform, which has no connectors of its own.
    pub(crate) async fn line(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Option<ResolvedConnector>> {
        if let Some(connector) = self.inner.catalogue.built_in(id) {
            return Ok(Some(ResolvedConnector::BuiltIn(connector.clone())));
        }
        Ok(releases::for_tenant(tx, tenant, id).await?.map(|release| ResolvedConnector::Uploaded(Box::new(release))))
    }

    /// One version of a line, loaded. `None`: there is no such version, or it may not run.
    pub(crate) async fn version_of(
        &self,
        tx: &mut Tx,
        line: &ResolvedConnector,
        digest: &str,
    ) -> Result<Option<Connector>> {
        match line {
            ResolvedConnector::BuiltIn(connector) => {
                Ok((connector.digest().to_string() == digest).then(|| connector.clone()))
            }
            ResolvedConnector::Uploaded(release) => self.loaded(tx, &release.owner, digest).await,
        }
    }

    /// An uploaded version. It is loaded here when nobody has done so yet: that is rare, since the watch loads whatever may send
    /// (see `watching.rs`), and short, since its compiled code is in the cache of the process that checked it.
    pub(crate) async fn loaded(&self, tx: &mut Tx, owner: &str, digest: &str) -> Result<Option<Connector>> {
        if let Some(connector) = self.inner.catalogue.uploaded(digest) {
            return Ok(Some(connector));
        }
        let Some(component) = versions::component(tx, owner, digest).await? else { return Ok(None) };
        match self.inner.sandbox.load(&component).await {
            Ok(connector) => {
                self.inner.catalogue.keep(connector.clone());
                Ok(Some(connector))
            }
            Err(error) => {
                // It passed its check, so this process differs from the one that checked: other limits, less memory.
                tracing::error!(digest, %error, "a version of a connector cannot be loaded");
                Ok(None)
            }
        }
    }

    /// The version of a line that sends.
    pub(crate) async fn active_of(&self, tx: &mut Tx, line: &ResolvedConnector) -> Result<Connector> {
        let digest = match line {
            ResolvedConnector::BuiltIn(connector) => return Ok(connector.clone()),
            ResolvedConnector::Uploaded(release) => &release.versions.active,
        };
        let found = self.version_of(tx, line, digest).await?;
        found.ok_or_else(|| {
            Error::Internal("the active version of the connector cannot be loaded; see the log".to_owned())
        })
    }

    /// The connector that an input names, at the version that sends.
    pub(crate) async fn connector_of(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Connector> {
        match self.line(tx, tenant, id).await? {
            Some(line) => self.active_of(tx, &line).await,
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

    /// The connectors that a tenant can set up; without one, those of all tenants.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connectors(&self, caller: &Caller, tenant: Option<&str>) -> Result<Vec<ConnectorSummary>> {
        let mut tx = self.seen(caller, tenant).await?;
        let tenant = tenant.unwrap_or_default();
        let mut found = Vec::new();
        for id in self.ids(&mut tx, tenant).await? {
            if let Some(line) = self.line(&mut tx, tenant, &id).await? {
                found.push(summary(&id, line.owner(), &self.active_of(&mut tx, &line).await?));
            }
        }
        Ok(found)
    }

    /// All there is to know of a connector before it is set up.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connector(&self, caller: &Caller, tenant: Option<&str>, id: &str) -> Result<ConnectorDetail> {
        let mut tx = self.seen(caller, tenant).await?;
        let line = self.line(&mut tx, tenant.unwrap_or_default(), id).await?.ok_or(Error::NotFound("connector"))?;
        let connector = self.active_of(&mut tx, &line).await?;
        Ok(self.inner.catalogue.detail(id, line.owner(), &connector))
    }

    /// A look at a tenant's connectors, or, with any key, at those of all tenants.
    async fn seen(&self, caller: &Caller, tenant: Option<&str>) -> Result<Tx> {
        if let Some(tenant) = tenant {
            caller.may(tenant, &[Scope::Read])?;
        }
        let mut tx = self.inner.store.begin_read().await?;
        if let Some(tenant) = tenant {
            self.row(&mut tx, tenant).await?;
        }
        Ok(tx)
    }
}

/// Where a tenant's connectors are looked for.
fn scopes(tenant: &str) -> impl Iterator<Item = &str> {
    [tenant, ""].into_iter().take(if tenant.is_empty() { 1 } else { 2 })
}
