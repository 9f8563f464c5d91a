//! Creating, listing, renaming and deleting tenants.

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::model::{Environment, Flow, Flows, NewTenant, Page, PageRequest, Scope, Tenant, TenantChange};
use sendbox_domain::rules::policy;
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_store::rows::TenantRow;
use sendbox_store::{audit, tenants};
use serde_json::json;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::paging::{bad_cursor, page_size};
use crate::service::Service;

fn view(row: &TenantRow) -> Tenant {
    Tenant {
        id: row.id.clone(),
        name: row.name.clone(),
        environment: row.environment,
        active_connection: row.active_connection.clone(),
        created_at: row.created_at,
    }
}

impl Service {
    /// Creates a tenant. A development tenant starts with all flows enabled and all countries allowed; a production tenant starts
    /// with all flows disabled and no countries allowed.
    ///
    /// # Errors
    /// [`Error::PlatformOnly`], [`Error::Invalid`], [`Error::Conflict`] when the id is taken.
    pub async fn create_tenant(&self, caller: &Caller, new: NewTenant) -> Result<Tenant> {
        caller.require_platform()?;
        let mut errors = Vec::new();
        errors.extend(new.id.as_deref().and_then(|id| policy::tenant_id(id).err()));
        errors.extend(policy::display_name(&new.name).err());
        FieldErrors::none_or(errors)?;
        let id = match new.id {
            Some(id) => id,
            None => id::new("t-")?,
        };
        let (_, wrapped_key) = self.inner.keys.new_tenant_key(&id)?;
        let is_enabled = new.environment == Environment::Development;
        let row = TenantRow {
            id: id.clone(),
            name: new.name,
            environment: new.environment,
            active_connection: None,
            flows: Flows(Flow::ALL.into_iter().map(|flow| (flow, is_enabled)).collect()),
            policy: policy::new_tenant(new.environment),
            wrapped_key,
            master_key: self.inner.keys.current_id().to_owned(),
            test_numbers: None,
            created_at: self.now(),
            subscriptions: Subscriptions::default(),
        };
        let mut tx = self.inner.store.begin().await?;
        if !tenants::insert(&mut tx, &row).await? {
            return Err(Error::Conflict(if tenants::is_deleted(&mut tx, &id).await? {
                format!(
                    "a deleted tenant `{id}` still has messages, which are being deleted; try again later, or choose another id"
                )
            } else {
                format!("a tenant `{id}` already exists; choose another id")
            }));
        }
        let after = json!({ "name": row.name, "environment": row.environment });
        let what = (audit::TENANT_CREATED, format!("tenant:{id}"));
        self.record_audit(&mut tx, caller, Some(&id), what, (None, Some(after))).await?;
        tx.commit().await?;
        Ok(view(&row))
    }

    /// All tenants, by id.
    ///
    /// # Errors
    /// [`Error::PlatformOnly`].
    pub async fn tenants(&self, caller: &Caller, page: PageRequest) -> Result<Page<Tenant>> {
        caller.require_platform()?;
        let size = page_size(page.limit)?;
        if page.cursor.as_deref().is_some_and(|id| policy::tenant_id(id).is_err()) {
            return Err(bad_cursor());
        }
        let mut tx = self.inner.store.begin_read().await?;
        let mut rows = tenants::list(&mut tx, page.cursor.as_deref(), size + 1).await?;
        let has_more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| row.id.clone());
        Ok(Page { items: rows.iter().map(view).collect(), next_cursor })
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn tenant(&self, caller: &Caller, tenant: &str) -> Result<Tenant> {
        caller.may(tenant, &[Scope::Read, Scope::Send, Scope::Verify])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        Ok(view(&self.tenant_row(&mut tx, tenant).await?))
    }

    /// Renames a tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn change_tenant(&self, caller: &Caller, tenant: &str, change: TenantChange) -> Result<Tenant> {
        caller.may(tenant, &[Scope::Manage])?;
        policy::display_name(&change.name).map_err(|error| FieldErrors(vec![error]))?;
        let mut tx = self.store_of(tenant).begin().await?;
        let mut row = self.lock_tenant(&mut tx, tenant).await?;
        let before = json!({ "name": row.name });
        row.name = change.name;
        let after = json!({ "name": row.name });
        tenants::update(&mut tx, &row).await?;
        let what = ("tenant.change", format!("tenant:{tenant}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), Some(after))).await?;
        tx.commit().await?;
        Ok(view(&row))
    }

    /// Deletes a tenant with its keys, connections, messages and verifications. Its audit log is kept. Messages and verifications are
    /// deleted in the background, where nobody can read them any more; until that is done the id is taken.
    ///
    /// # Errors
    /// [`Error::PlatformOnly`], [`Error::NotFound`].
    pub async fn delete_tenant(&self, caller: &Caller, tenant: &str) -> Result<()> {
        caller.require_platform()?;
        let mut tx = self.store_of(tenant).begin().await?;
        let row = self.lock_tenant(&mut tx, tenant).await?;
        tenants::delete(&mut tx, tenant, self.now()).await?;
        let before = json!({ "name": row.name, "environment": row.environment });
        let what = ("tenant.delete", format!("tenant:{tenant}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), None)).await?;
        tx.commit().await?;
        self.inner.sweep_due.notify_one();
        Ok(())
    }
}
