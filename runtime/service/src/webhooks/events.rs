//! Events: listed, tested, sent again.

use sendbox_domain::model::{
    Event, EventData, EventDelivery, EventDeliveryStatus, EventFilter, EventResend, EventType, Page, Scope, TestEvent,
    Timestamp,
};
use sendbox_store::events::EventQuery;
use sendbox_store::rows::{EventDeliveryRow, EventRow};
use sendbox_store::{Tx, events, webhooks};
use serde_json::json;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::paging::{bad_cursor, no_longer_than, page_size};
use crate::service::Service;
use crate::webhooks::outbox::event_row;
use crate::webhooks::status_callback;

fn delivery_view(row: EventDeliveryRow) -> EventDelivery {
    let is_pending = row.status == EventDeliveryStatus::Pending;
    EventDelivery {
        endpoint: row.endpoint,
        status: row.status,
        attempts: row.attempts,
        next_attempt_at: is_pending.then_some(row.next_attempt_at),
    }
}

fn view(row: EventRow, deliveries: Vec<EventDeliveryRow>) -> Event {
    Event {
        id: row.id,
        kind: row.kind,
        timestamp: row.happened_at,
        data: row.data,
        deliveries: deliveries.into_iter().map(delivery_view).collect(),
    }
}

fn read_cursor(text: &str) -> Option<(Timestamp, String)> {
    let (at, id) = text.split_once('-')?;
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(())?;
    Some((Timestamp(at.parse().ok()?), id.to_owned()))
}

async fn read_event(tx: &mut Tx, tenant: &str, id: &str) -> Result<Event> {
    let row = events::get(tx, tenant, id).await?.ok_or(Error::NotFound("event"))?;
    let mut deliveries = events::deliveries_of(tx, tenant, std::slice::from_ref(&row.id)).await?;
    let deliveries = deliveries.remove(&row.id).unwrap_or_default();
    Ok(view(row, deliveries))
}

impl Service {
    /// Events of a tenant, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn events(&self, caller: &Caller, tenant: &str, filter: EventFilter) -> Result<Page<Event>> {
        caller.may(tenant, &[Scope::Read])?;
        let size = page_size(filter.limit)?;
        no_longer_than("cursor", filter.cursor.as_deref(), 200)?;
        no_longer_than("subject", filter.subject.as_deref(), 60)?;
        let before = filter.cursor.as_deref().map(|cursor| read_cursor(cursor).ok_or_else(bad_cursor)).transpose()?;
        let query = EventQuery {
            kind: filter.kind,
            subject: filter.subject,
            since: filter.since,
            until: filter.until,
            before,
            limit: size + 1,
        };
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let mut rows = events::list(&mut tx, tenant, &query).await?;
        let has_more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| format!("{}-{}", row.happened_at.0, row.id));
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut deliveries = events::deliveries_of(&mut tx, tenant, &ids).await?;
        let items = rows.into_iter().map(|row| {
            let deliveries = deliveries.remove(&row.id).unwrap_or_default();
            view(row, deliveries)
        });
        Ok(Page { items: items.collect(), next_cursor })
    }

    /// One event, with its attempts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn event(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Event> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        read_event(&mut tx, tenant, id).await
    }

    /// Writes a test event for one endpoint.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] when the endpoint is disabled.
    pub async fn test_webhook_endpoint(&self, caller: &Caller, tenant: &str, endpoint: &str) -> Result<Event> {
        caller.may(tenant, &[Scope::Manage])?;
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let row = webhooks::get(&mut tx, tenant, endpoint).await?.ok_or(Error::NotFound("webhook endpoint"))?;
        if row.disabled_reason.is_some() {
            return Err(disabled());
        }
        let data = EventData::Test(TestEvent { tenant: tenant.to_owned(), endpoint: row.id.clone() });
        let mut event = event_row(tenant, EventType::EndpointTested, &row.id, &data, now)?;
        // Tests do not wait for each other.
        event.subject.clone_from(&event.id);
        events::insert(&mut tx, &event, row.url.is_some().then_some(row.id.as_str())).await?;
        let what = ("webhook-endpoint.test", format!("webhook-endpoint:{endpoint}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (None, Some(json!({ "event": event.id })))).await?;
        let event = read_event(&mut tx, tenant, &event.id).await?;
        tx.commit().await?;
        self.inner.events_due.notify_one();
        Ok(event)
    }

    /// Sends an event again, with the same id.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when no endpoint can get it.
    pub async fn resend_event(&self, caller: &Caller, tenant: &str, id: &str, resend: EventResend) -> Result<Event> {
        caller.may(tenant, &[Scope::Manage])?;
        no_longer_than("/endpoint", resend.endpoint.as_deref(), 60)?;
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let row = events::get(&mut tx, tenant, id).await?.ok_or(Error::NotFound("event"))?;
        let deliveries = events::deliveries_of(&mut tx, tenant, std::slice::from_ref(&row.id)).await?;
        let deliveries = deliveries.into_values().next().unwrap_or_default();
        let endpoints = webhooks::list(&mut tx, tenant).await?;
        let wanted: Vec<&str> = match &resend.endpoint {
            Some(endpoint) => vec![endpoint],
            None => deliveries.iter().map(|delivery| delivery.endpoint.as_str()).collect(),
        };
        let callback = status_callback::receiver(&mut tx, &row).await?;
        let mut restarted = Vec::new();
        for delivery in deliveries.iter().filter(|delivery| callback.as_ref() == Some(&delivery.endpoint)) {
            if wanted.contains(&delivery.endpoint.as_str()) {
                events::restart(&mut tx, delivery.sequence, now).await?;
                restarted.push(delivery.endpoint.as_str());
            }
        }
        for endpoint in endpoints.iter().filter(|endpoint| wanted.contains(&endpoint.id.as_str())) {
            if endpoint.disabled_reason.is_some() || endpoint.url.is_none() {
                continue;
            }
            match deliveries.iter().find(|delivery| delivery.endpoint == endpoint.id) {
                Some(delivery) => events::restart(&mut tx, delivery.sequence, now).await?,
                None => events::insert_delivery(&mut tx, &row, &endpoint.id, now).await?,
            }
            restarted.push(endpoint.id.as_str());
        }
        if restarted.is_empty() {
            return match &resend.endpoint {
                Some(wanted) if !endpoints.iter().any(|endpoint| endpoint.id == *wanted) => {
                    Err(Error::NotFound("webhook endpoint"))
                }
                Some(_) => Err(disabled()),
                None => Err(Error::Conflict(
                    "no enabled endpoint with a URL was to get this event; name one as `endpoint`".to_owned(),
                )),
            };
        }
        let what = ("event.resend", format!("event:{id}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (None, Some(json!({ "endpoints": restarted })))).await?;
        let event = read_event(&mut tx, tenant, id).await?;
        tx.commit().await?;
        self.inner.events_due.notify_one();
        Ok(event)
    }
}

fn disabled() -> Error {
    Error::Conflict("this webhook endpoint is disabled, or has no URL; enable it first".to_owned())
}
