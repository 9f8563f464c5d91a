//! Webhook endpoints: created, changed, rotated, deleted.
//!
//! Promises: whatever changes an endpoint also changes what the tenant's row says of it, in the same transaction.

use std::collections::BTreeSet;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::model::{
    DisabledReason, EventType, IssuedWebhookEndpoint, NewWebhookEndpoint, Scope, Timestamp, WebhookEndpoint,
    WebhookEndpointChange,
};
use sendbox_domain::rules::policy;
use sendbox_domain::rules::quota::Quota;
use sendbox_domain::rules::subscriptions::{Subscription, Subscriptions};
use sendbox_domain::rules::webhook_schedule::{MAX_URL, PREVIOUS_SECRET_SECONDS, is_to_be_disabled};
use sendbox_policy::{Method, OperatorPolicy};
use sendbox_store::rows::{AuditRow, TenantRow, WebhookEndpointRow};
use sendbox_store::{Tx, audit, tenants, webhooks};
use serde_json::{Value, json};
use url::Url;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::service::Service;
use crate::webhooks::secret::WebhookSecret;

fn view(row: &WebhookEndpointRow, now: Timestamp) -> WebhookEndpoint {
    WebhookEndpoint {
        id: row.id.clone(),
        name: row.name.clone(),
        url: row.url.clone(),
        events: row.events.clone(),
        enabled: row.disabled_reason.is_none(),
        disabled_reason: row.disabled_reason,
        failing_since: row.failing_since,
        dropped_events: row.dropped,
        previous_secret_expires_at: row.old_until.filter(|until| now < *until),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn audit_view(row: &WebhookEndpointRow) -> Value {
    // The path and the query of a URL may hold a token.
    let origin = row.url.as_deref().and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    json!({ "name": row.name, "origin": origin, "events": row.events, "enabled": row.disabled_reason.is_none() })
}

/// Why the service disables an endpoint.
pub(crate) enum EndpointTrouble {
    /// Every attempt has failed, for days.
    Failing,
    /// It responded that it is gone.
    Gone {
        /// The URL that did.
        url: Option<String>,
    },
}

fn target(id: &str) -> String {
    format!("webhook-endpoint:{id}")
}

/// A URL to which requests are sent, as it is stored.
pub(crate) fn read_url(text: &str, operator: &OperatorPolicy) -> Result<String, FieldError> {
    if text.chars().count() > MAX_URL {
        let message = format!("must have at most {MAX_URL} characters");
        return Err(FieldError::new("url", message).coded(FieldCode::MaxLength, &[("bound", &MAX_URL.to_string())]));
    }
    let Ok(url) = Url::parse(text) else {
        return Err(FieldError::new("url", "must be a URL like https://example.com/webhooks")
            .coded(FieldCode::Format, &[("bound", "uri")]));
    };
    if url.fragment().is_some() {
        return Err(FieldError::new("url", "must have no fragment (`#…`)"));
    }
    // The addresses of its name are judged whenever something is sent there.
    operator.check(Method::Post, &url).map_err(|denial| FieldError::new("url", denial.sentence))?;
    Ok(url.into())
}

fn check_events(events: &BTreeSet<EventType>) -> Result<(), FieldError> {
    if events.is_empty() {
        return Err(FieldError::new("events", "must name at least one event").coded(FieldCode::Required, &[]));
    }
    Ok(())
}

/// The subscriptions of a tenant with these endpoints.
fn subscriptions(endpoints: &[WebhookEndpointRow]) -> Subscriptions {
    let enabled = endpoints.iter().filter(|endpoint| endpoint.disabled_reason.is_none());
    let subscription = |endpoint: &WebhookEndpointRow| Subscription {
        endpoint: endpoint.id.clone(),
        events: endpoint.events.clone(),
        is_sent: endpoint.url.is_some(),
    };
    Subscriptions(enabled.map(subscription).collect())
}

/// Stores what the endpoints of a tenant want with the tenant, which is locked.
async fn subscribe(tx: &mut Tx, mut tenant: TenantRow) -> Result<()> {
    tenant.subscriptions = subscriptions(&webhooks::list(tx, &tenant.id).await?);
    Ok(tenants::update(tx, &tenant).await?)
}

async fn find(tx: &mut Tx, tenant: &str, endpoint: &str) -> Result<WebhookEndpointRow> {
    webhooks::get(tx, tenant, endpoint).await?.ok_or(Error::NotFound("webhook endpoint"))
}

impl Service {
    /// Creates a webhook endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::QuotaReached`].
    pub async fn create_webhook_endpoint(
        &self,
        caller: &Caller,
        tenant: &str,
        new: NewWebhookEndpoint,
    ) -> Result<IssuedWebhookEndpoint> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut errors: Vec<FieldError> = policy::display_name(&new.name).err().into_iter().collect();
        let url = new.url.as_deref().map(|url| read_url(url, &self.inner.operator)).transpose();
        let url = url.map_err(|error| errors.push(error)).ok();
        errors.extend(check_events(&new.events).err());
        FieldErrors::none_or(errors)?;
        let (now, id, secret) = (self.now(), id::new("w")?, WebhookSecret::new()?);
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        if webhooks::list(&mut tx, tenant).await?.len() as u64 >= Quota::WebhookEndpoints.max() {
            return Err(Error::full(Quota::WebhookEndpoints));
        }
        let row = WebhookEndpointRow {
            tenant: tenant.to_owned(),
            name: new.name,
            url: url.flatten(),
            events: new.events,
            disabled_reason: None,
            secret: secret.seal(&self.tenant_key(&tenant_row)?, &id)?,
            old_secret: None,
            old_until: None,
            failing_since: None,
            dropped: 0,
            created_at: now,
            updated_at: now,
            id,
        };
        webhooks::insert(&mut tx, &row).await?;
        subscribe(&mut tx, tenant_row).await?;
        let what = ("webhook-endpoint.create", target(&row.id));
        self.record_audit(&mut tx, caller, Some(tenant), what, (None, Some(audit_view(&row)))).await?;
        tx.commit().await?;
        Ok(IssuedWebhookEndpoint { endpoint: view(&row, now), secret: secret.text() })
    }

    /// The webhook endpoints of a tenant, oldest first, without their secrets.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn webhook_endpoints(&self, caller: &Caller, tenant: &str) -> Result<Vec<WebhookEndpoint>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let now = self.now();
        Ok(webhooks::list(&mut tx, tenant).await?.iter().map(|row| view(row, now)).collect())
    }

    /// One webhook endpoint, without its secret.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn webhook_endpoint(&self, caller: &Caller, tenant: &str, endpoint: &str) -> Result<WebhookEndpoint> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        Ok(view(&find(&mut tx, tenant, endpoint).await?, self.now()))
    }

    /// One webhook endpoint, with its secret.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn webhook_secret(&self, caller: &Caller, tenant: &str, endpoint: &str) -> Result<IssuedWebhookEndpoint> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let key = self.tenant_key(&self.tenant_row(&mut tx, tenant).await?)?;
        let row = find(&mut tx, tenant, endpoint).await?;
        let secret = WebhookSecret::open(&key, &row.id, &row.secret)?;
        Ok(IssuedWebhookEndpoint { endpoint: view(&row, self.now()), secret: secret.text() })
    }

    /// Changes a webhook endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn change_webhook_endpoint(
        &self,
        caller: &Caller,
        tenant: &str,
        endpoint: &str,
        change: WebhookEndpointChange,
    ) -> Result<WebhookEndpoint> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut errors: Vec<FieldError> = Vec::new();
        errors.extend(change.name.as_deref().and_then(|name| policy::display_name(name).err()));
        let url = change.url.as_deref().map(|url| read_url(url, &self.inner.operator)).transpose();
        let url = url.map_err(|error| errors.push(error)).ok();
        errors.extend(change.events.as_ref().and_then(|events| check_events(events).err()));
        FieldErrors::none_or(errors)?;
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let mut row = find(&mut tx, tenant, endpoint).await?;
        let before = audit_view(&row);
        row.name = change.name.unwrap_or(row.name);
        row.url = url.flatten().or(row.url);
        row.events = change.events.unwrap_or(row.events);
        match change.enabled {
            Some(true) if row.disabled_reason.take().is_some() => row.failing_since = None,
            Some(false) if row.disabled_reason.is_none() => row.disabled_reason = Some(DisabledReason::Requested),
            _ => {}
        }
        row.updated_at = now;
        webhooks::update(&mut tx, &row).await?;
        subscribe(&mut tx, tenant_row).await?;
        let what = ("webhook-endpoint.change", target(endpoint));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), Some(audit_view(&row)))).await?;
        tx.commit().await?;
        Ok(view(&row, now))
    }

    /// Gives a webhook endpoint a new secret. Events are signed with the previous one as well for a day.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        tenant: &str,
        endpoint: &str,
    ) -> Result<IssuedWebhookEndpoint> {
        caller.may(tenant, &[Scope::Manage])?;
        let (now, secret) = (self.now(), WebhookSecret::new()?);
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let mut row = find(&mut tx, tenant, endpoint).await?;
        let sealed = secret.seal(&self.tenant_key(&tenant_row)?, &row.id)?;
        row.old_secret = Some(std::mem::replace(&mut row.secret, sealed));
        let before = json!({ "previousSecretUntil": row.old_until });
        row.old_until = Some(now.plus_seconds(PREVIOUS_SECRET_SECONDS));
        row.updated_at = now;
        webhooks::update(&mut tx, &row).await?;
        let after = json!({ "previousSecretUntil": row.old_until });
        let what = ("webhook-endpoint.rotate", target(endpoint));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), Some(after))).await?;
        tx.commit().await?;
        Ok(IssuedWebhookEndpoint { endpoint: view(&row, now), secret: secret.text() })
    }

    /// Deletes a webhook endpoint. What waits for it is cancelled.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_webhook_endpoint(&self, caller: &Caller, tenant: &str, endpoint: &str) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let row = find(&mut tx, tenant, endpoint).await?;
        webhooks::delete(&mut tx, tenant, endpoint).await?;
        subscribe(&mut tx, tenant_row).await?;
        let what = ("webhook-endpoint.delete", target(endpoint));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(audit_view(&row)), None)).await?;
        Ok(tx.commit().await?)
    }

    /// Disables a webhook endpoint that has been failing for too long, or is gone. Nothing happens if it has succeeded since, or was
    /// changed.
    pub(crate) async fn disable_endpoint(&self, tenant: &str, endpoint: &str, trouble: EndpointTrouble) -> Result<()> {
        let now = self.now();
        let mut tx = self.completion_store_of(tenant).begin().await?;
        let Some(tenant_row) = tenants::lock(&mut tx, tenant).await? else { return Ok(()) };
        let Some(mut row) = webhooks::get(&mut tx, tenant, endpoint).await? else { return Ok(()) };
        let reason = match trouble {
            EndpointTrouble::Failing if row.failing_since.is_some_and(|since| is_to_be_disabled(since, now)) => {
                DisabledReason::Failing
            }
            EndpointTrouble::Gone { url } if row.url == url => DisabledReason::Gone,
            _ => return Ok(()),
        };
        if row.disabled_reason.is_some() {
            return Ok(());
        }
        row.disabled_reason = Some(reason);
        row.updated_at = now;
        webhooks::update(&mut tx, &row).await?;
        subscribe(&mut tx, tenant_row).await?;
        let entry = AuditRow {
            tenant: Some(tenant.to_owned()),
            at: now,
            actor: "sendbox".to_owned(),
            actor_name: None,
            action: "webhook-endpoint.auto-disable".to_owned(),
            target: target(endpoint),
            before: Some(json!({ "enabled": true })),
            after: Some(json!({ "enabled": false, "disabledReason": reason, "failingSince": row.failing_since })),
        };
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        tracing::warn!(tenant, endpoint, reason = reason.as_str(), "a webhook endpoint was disabled");
        Ok(())
    }
}
