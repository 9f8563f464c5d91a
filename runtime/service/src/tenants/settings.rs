//! The settings of a tenant (flows, policy, test numbers) and its audit log.

use sendbox_domain::model::{
    AuditEntry, AuditFilter, Environment, Flows, MaskedTestNumbers, Page, Policy, Scope, TestNumbers,
};
use sendbox_domain::phone;
use sendbox_domain::rules::policy;
use sendbox_store::audit::AuditScope;
use sendbox_store::rows::TenantRow;
use sendbox_store::{audit, connections, tenants};
use serde_json::{Value, json};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::paging::{bad_cursor, no_longer_than, page_size};
use crate::revision::{IfMatch, policy_revision};
use crate::service::Service;
use crate::vault::TenantKey;

/// The associated data of sealed test numbers.
const TEST_NUMBERS: &str = "test-numbers";

fn value(shape: &impl serde::Serialize) -> Option<Value> {
    serde_json::to_value(shape).ok()
}

/// Numbers in E.164, each with its fixed code.
type TestNumberCodes = Vec<(String, String)>;

/// The test numbers of a tenant, in clear.
pub(crate) fn test_numbers(row: &TenantRow, key: &TenantKey) -> Result<TestNumberCodes> {
    let Some(sealed) = &row.test_numbers else { return Ok(Vec::new()) };
    let plain = key.open(TEST_NUMBERS, sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Internal("stored test numbers cannot be read".to_owned()))
}

impl Service {
    /// All seven flows, and which of them are enabled.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn flows(&self, caller: &Caller, tenant: &str) -> Result<Flows> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        Ok(self.tenant_row(&mut tx, tenant).await?.flows.complete())
    }

    /// Replaces the flows. A flow that is not named is disabled.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_flows(&self, caller: &Caller, tenant: &str, flows: Flows) -> Result<Flows> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        let mut row = self.lock_tenant(&mut tx, tenant).await?;
        let before = value(&row.flows.complete());
        let after = flows.complete();
        row.flows = after.clone();
        tenants::update(&mut tx, &row).await?;
        let what = ("flows.change", format!("tenant:{tenant}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (before, value(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// The policy for codes, limits, countries, spending and delivery.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn policy(&self, caller: &Caller, tenant: &str) -> Result<Policy> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        Ok(self.tenant_row(&mut tx, tenant).await?.policy)
    }

    /// Replaces the policy. Settings that are left out get their defaults.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all errors.
    pub async fn set_policy(&self, caller: &Caller, tenant: &str, policy: Policy) -> Result<Policy> {
        self.set_policy_if(caller, tenant, policy, &IfMatch::Unconditional).await
    }

    /// [`Self::set_policy`], if the present policy has this revision.
    ///
    /// # Errors
    /// As there; [`Error::PreconditionFailed`].
    pub async fn set_policy_if(
        &self,
        caller: &Caller,
        tenant: &str,
        policy: Policy,
        if_match: &IfMatch,
    ) -> Result<Policy> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        let mut row = self.lock_tenant(&mut tx, tenant).await?;
        if_match.check(Some(&policy_revision(&row.policy)))?;
        let names: Vec<String> =
            connections::list(&mut tx, tenant).await?.into_iter().map(|connection| connection.name).collect();
        policy::check(&policy, &names)?;
        let before = value(&row.policy);
        row.policy = policy;
        tenants::update(&mut tx, &row).await?;
        let what = ("policy.change", format!("tenant:{tenant}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (before, value(&row.policy))).await?;
        tx.commit().await?;
        Ok(row.policy)
    }

    /// The test numbers, masked.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn test_numbers(&self, caller: &Caller, tenant: &str) -> Result<MaskedTestNumbers> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        Ok(masked(&test_numbers(&row, &self.tenant_key(&row)?)?))
    }

    /// Replaces the test numbers.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all errors; [`Error::PlatformOnly`] for a production tenant, except to remove all.
    pub async fn set_test_numbers(
        &self,
        caller: &Caller,
        tenant: &str,
        numbers: TestNumbers,
    ) -> Result<MaskedTestNumbers> {
        caller.may(tenant, &[Scope::Manage])?;
        let pairs: TestNumberCodes = policy::test_numbers(&numbers)?
            .into_iter()
            .map(|fixed| (fixed.number.as_str().to_owned(), fixed.code.as_str().to_owned()))
            .collect();
        let mut tx = self.store_of(tenant).begin().await?;
        let mut row = self.lock_tenant(&mut tx, tenant).await?;
        if row.environment == Environment::Production && !pairs.is_empty() {
            // Whoever signs in with such a number needs no phone.
            caller.require_platform()?;
        }
        let key = self.tenant_key(&row)?;
        let before = masked(&test_numbers(&row, &key)?);
        let plain = serde_json::to_vec(&pairs).map_err(|error| Error::Internal(error.to_string()))?;
        row.test_numbers = Some(key.seal(TEST_NUMBERS, &zeroize::Zeroizing::new(plain))?);
        tenants::update(&mut tx, &row).await?;
        let after = masked(&pairs);
        let what = ("test-numbers.change", format!("tenant:{tenant}"));
        // The masked numbers may be equal although a code changed; the time makes that change visible.
        let after_entry = json!({ "numbers": after.numbers, "at": self.now() });
        self.record_audit(&mut tx, caller, Some(tenant), what, (value(&before), Some(after_entry))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// The audit log of a tenant or, without one, of the platform and all tenants, including deleted ones; newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`]; [`Error::PlatformOnly`] without a tenant.
    pub async fn audit(&self, caller: &Caller, tenant: Option<&str>, filter: AuditFilter) -> Result<Page<AuditEntry>> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        let audit_scope = match tenant {
            Some(tenant) => {
                self.tenant_row(&mut tx, tenant).await?;
                AuditScope::Tenant(tenant)
            }
            None => AuditScope::All,
        };
        let size = page_size(filter.limit)?;
        no_longer_than("cursor", filter.cursor.as_deref(), 200)?;
        no_longer_than("action", filter.action.as_deref(), 60)?;
        let before = filter.cursor.map(|cursor| cursor.parse::<i64>().map_err(|_| bad_cursor())).transpose()?;
        let mut rows = audit::list(&mut tx, audit_scope, filter.action.as_deref(), before, size + 1).await?;
        let has_more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next_cursor = rows.last().filter(|_| has_more).map(|(id, _)| id.to_string());
        let items = rows.into_iter().map(|(id, row)| AuditEntry {
            id: id.to_string(),
            tenant: row.tenant,
            created_at: row.at,
            actor: row.actor,
            actor_name: row.actor_name,
            action: row.action,
            target: row.target,
            before: row.before,
            after: row.after,
        });
        Ok(Page { items: items.collect(), next_cursor })
    }
}

fn masked(pairs: &TestNumberCodes) -> MaskedTestNumbers {
    let numbers = pairs.iter().filter_map(|(number, _)| phone::recipient(number).ok());
    MaskedTestNumbers { numbers: numbers.map(|number| phone::masked(&number)).collect() }
}
