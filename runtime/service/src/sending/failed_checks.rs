//! The limit on checks of a number's codes without a right one.
//!
//! A number that has used it up is sent no codes, because none could be checked. It opens again when the oldest failures are a day old,
//! or when a person unlocks it.
//!
//! The count of a number is locked after everything else, and alone: a check locks its verification first.

use sendbox_domain::model::{Scope, Sensitive, Timestamp};
use sendbox_domain::phone;
use sendbox_domain::rules::buckets::{Bucket, failed_checks};
use sendbox_domain::rules::limit::{LimitError, NextAllowed};
use sendbox_store::{Tx, buckets};
use serde_json::json;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::sending::admission::{recipient_hash, redate, state_of, unreadable_limit};
use crate::service::Service;

fn bucket(recipient_hash: &[u8]) -> Bucket {
    failed_checks(&hex::encode(recipient_hash))
}

fn limited(bucket: &Bucket, retry_at: Option<Timestamp>, now: Timestamp) -> Error {
    Error::Limited { limit: bucket.limit, retry_after: retry_at.map(|at| at.seconds_from(now).max(1)) }
}

/// Counts a check of a number as failed, until it is known to be right. After an error the caller drops the transaction.
///
/// # Errors
/// [`Error::Limited`].
pub(crate) async fn count(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], now: Timestamp) -> Result<()> {
    let bucket = bucket(recipient_hash);
    let state = buckets::load_alone(tx, tenant, &bucket.key).await?;
    let mut states = state.map(|state| (bucket.key.clone(), state)).into_iter().collect();
    let redated = redate(&mut states, &bucket, now)?;
    match bucket.rule.take(states.get(&bucket.key).map(String::as_str), now) {
        Ok(taken) => Ok(buckets::save(tx, tenant, &[state_of(&bucket.key, &taken)]).await?),
        Err(LimitError::Reached { .. }) if redated.is_some() => {
            Err(Error::LimitsAhead { tenant: tenant.to_owned(), buckets: vec![bucket] })
        }
        Err(LimitError::Reached { retry_at }) => Err(limited(&bucket, retry_at, now)),
        Err(LimitError::UnreadableState(error)) => Err(unreadable_limit(error)),
    }
}

/// Refuses a number of which no code can be checked now. Locks nothing: a check that is counted at the same time refuses itself.
///
/// # Errors
/// [`Error::Limited`].
pub(crate) async fn require_unlocked(tx: &mut Tx, tenant: &str, recipient_hash: &[u8], now: Timestamp) -> Result<()> {
    let bucket = bucket(recipient_hash);
    let Some(state) = buckets::peek(tx, tenant, &bucket.key).await? else { return Ok(()) };
    let mut states = [(bucket.key.clone(), state)].into();
    let redated = redate(&mut states, &bucket, now)?;
    match bucket.rule.next(states.get(&bucket.key).map(String::as_str), now).map_err(unreadable_limit)? {
        NextAllowed::Now => Ok(()),
        _ if redated.is_some() => Err(Error::LimitsAhead { tenant: tenant.to_owned(), buckets: vec![bucket] }),
        NextAllowed::At(at) => Err(limited(&bucket, Some(at), now)),
        NextAllowed::Never => Err(limited(&bucket, None, now)),
    }
}

/// Forgets the failed checks of a number, after a right one.
pub(crate) async fn clear(tx: &mut Tx, tenant: &str, recipient_hash: &[u8]) -> Result<()> {
    Ok(buckets::clear(tx, tenant, &bucket(recipient_hash).key).await?)
}

impl Service {
    /// Resets the count of failed checks of a number.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub async fn unlock_number(&self, caller: &Caller, tenant: &str, number: Sensitive) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let recipient =
            phone::recipient(number.expose()).map_err(|error| Error::invalid("/number", error.to_string()))?;
        let mut tx = self.store_of(tenant).begin().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let hash = recipient_hash(&self.tenant_key(&row)?, &recipient);
        let bucket = bucket(&hash);
        let state = buckets::load_alone(&mut tx, tenant, &bucket.key).await?;
        let failures = bucket.rule.count(state.as_deref(), self.now()).map_err(unreadable_limit)?;
        clear(&mut tx, tenant, &hash).await?;
        let what = ("number.unlock", format!("number:{}", phone::masked(&recipient)));
        let change = (Some(json!({ "failedChecks": failures })), Some(json!({ "failedChecks": 0 })));
        self.record_audit(&mut tx, caller, Some(tenant), what, change).await?;
        Ok(tx.commit().await?)
    }
}
