//! Messages: reading one, listing them, and cancelling one.

use std::collections::BTreeMap;

use sendbox_domain::message_fields::MAX_REFERENCE_CHARACTERS;
use sendbox_domain::model::{Message, MessageFilter, MessageStatus, Page, Scope, Sensitive};
use sendbox_domain::phone;
use sendbox_sandbox::{FailureClass, Party, RecordedFailure};
use sendbox_store::messages::MessageQuery;
use sendbox_store::rows::{AttemptRow, TenantRow};
use sendbox_store::{Done, Tx, attempts, buckets, messages, processes, reports};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::paging::{newest_first, no_longer_than, page_of};
use crate::sending::admission::recipient_hash;
use crate::sending::message_end::end_before_attempt;
use crate::sending::messages::view;
use crate::sending::unsent::{self, is_unsent};
use crate::service::Service;
use crate::webhooks::outbox;

impl Service {
    /// One message, with every attempt and its trace.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn message(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Message> {
        caller.may(tenant, &[Scope::Read, Scope::Send])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        drop(tx);
        self.read_message(tenant, id).await
    }

    /// Messages, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn messages(&self, caller: &Caller, tenant: &str, filter: MessageFilter) -> Result<Page<Message>> {
        self.messages_to(caller, tenant, filter, None).await
    }

    /// Messages to a number, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`].
    pub async fn messages_to(
        &self,
        caller: &Caller,
        tenant: &str,
        filter: MessageFilter,
        to: Option<Sensitive>,
    ) -> Result<Page<Message>> {
        caller.may(tenant, &[Scope::Read])?;
        no_longer_than("country", filter.country.as_deref(), 3)?;
        no_longer_than("connection", filter.connection.as_deref(), 40)?;
        no_longer_than("reference", filter.reference.as_deref(), MAX_REFERENCE_CHARACTERS)?;
        let (size, before) = newest_first(filter.limit, filter.cursor.as_deref())?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let query = MessageQuery {
            status: filter.status,
            usage: filter.usage,
            country: filter.country,
            recipient_hash: self.number_to_find(&row, to)?,
            connection: filter.connection,
            reference: filter.reference,
            delivery: filter.delivery,
            since: filter.since,
            until: filter.until,
            before,
            limit: size + 1,
        };
        let rows = messages::list(&mut tx, tenant, &query).await?;
        let (rows, next_cursor) = page_of(rows, size, |row| (row.created_at, &row.id));
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let mut attempts_by_message: BTreeMap<String, Vec<AttemptRow>> = BTreeMap::new();
        for attempt in attempts::list_for(&mut tx, tenant, &ids).await? {
            attempts_by_message.entry(attempt.message.clone()).or_default().push(attempt);
        }
        let mut reports_by_message = reports::list_for(&mut tx, tenant, &ids).await?;
        let items = rows.into_iter().map(|row| {
            let attempts = attempts_by_message.remove(&row.id).unwrap_or_default();
            let reports = reports_by_message.remove(&row.id).unwrap_or_default();
            view(row, attempts, reports)
        });
        Ok(Page { items: items.collect(), next_cursor })
    }

    /// The keyed hash of a number that is looked for.
    pub(crate) fn number_to_find(&self, tenant: &TenantRow, to: Option<Sensitive>) -> Result<Option<Vec<u8>>> {
        let Some(to) = to else { return Ok(None) };
        let number = phone::recipient(to.expose()).map_err(|error| Error::invalid("/to", error.to_string()))?;
        Ok(Some(recipient_hash(&self.tenant_key(tenant)?, &number)))
    }

    /// Cancels a message that waits for an attempt. It gives back what it took of the limits, unless an earlier attempt may have reached the
    /// recipient: then it ends in doubt.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it is being sent, has ended otherwise, or belongs to a verification.
    pub async fn cancel_message(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Message> {
        caller.may(tenant, &[Scope::Send])?;
        let (service, key) = (self.clone(), (tenant.to_owned(), id.to_owned()));
        let cancelled = self.write(self.store_of(tenant), move |tx| {
            let (service, key) = (service.clone(), key.clone());
            Box::pin(async move { service.end_waiting_message(tx, &key.0, &key.1).await })
        });
        cancelled.await?;
        self.read_message(tenant, id).await
    }

    async fn end_waiting_message(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Done<()>> {
        let tenant_row = self.tenant_row(tx, tenant).await?;
        let mut row = messages::lock(tx, tenant, id).await?.ok_or(Error::NotFound("message"))?;
        if row.verification.is_some() {
            return Err(Error::Conflict("the message belongs to a verification: cancel the verification".to_owned()));
        }
        if row.status == MessageStatus::Cancelled {
            return Ok(Done::Rollback(()));
        }
        if row.status.is_final() {
            let text = format!("the message has ended as `{}`, and can no longer be cancelled", row.status.as_str());
            return Err(Error::Conflict(text));
        }
        if processes::holds(tx, row.lease.as_ref()).await? {
            let text = "the message is being sent, and can no longer be cancelled; retrieve it for its outcome";
            return Err(Error::Conflict(text.to_owned()));
        }
        let now = self.now();
        let sealed = row.payload.clone();
        let text = "it was cancelled before it could be sent".to_owned();
        let failure = RecordedFailure::before_sending(FailureClass::NotSent, Party::Host, text);
        end_before_attempt(&mut row, MessageStatus::Cancelled, Some(failure));
        if is_unsent(&row) {
            // Before the counts of statistics, which change with the message.
            buckets::lock(tx, tenant).await?;
        }
        messages::update(tx, &row, None).await?;
        if is_unsent(&row) {
            unsent::give_back(tx, &tenant_row, &self.tenant_key(&tenant_row)?, &row, sealed.as_deref(), now).await?;
        }
        outbox::message_ended(tx, &tenant_row.subscriptions, &row, now).await?;
        Ok(Done::Commit(()))
    }
}
