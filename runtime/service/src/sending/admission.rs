//! Admission of a message: countries and limits, checked in the transaction that stores the message.
//!
//! Either all limits are charged or none; when the store fails, nothing is admitted.

use std::net::IpAddr;

use sendbox_domain::LimitName;
use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::limit::{self, Bucket, Facts, LimitError, LimitState, NextAllowed, Rule, UnreadableState};
use sendbox_domain::rules::policy;
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::Tx;
use sendbox_store::buckets::{self, BucketState};
use sendbox_store::rows::{MessageRow, TenantRow};

use crate::error::{Error, Result};
use crate::sending::holds;
use crate::vault::TenantKey;

/// A message for which admission is requested.
pub(crate) struct AdmissionRequest<'a> {
    pub(crate) tenant: &'a TenantRow,
    pub(crate) key: &'a TenantKey,
    pub(crate) recipient: &'a Recipient,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) connection: &'a str,
    pub(crate) usage: Usage,
    pub(crate) segments: u32,
}

/// The end of a limit is rounded up to a multiple of this. So most messages leave it as it is, and with it the index that the sweep
/// reads.
const EXPIRY_STEP_MS: i64 = 10 * 60 * 1000;

/// The result of an admission.
pub(crate) struct Admission {
    /// Charged to the spend cap, in millionths of its currency.
    pub(crate) price_micros: u64,
    /// When the next message of this usage to this number can be admitted.
    pub(crate) next_at: Timestamp,
}

/// The keyed hash of a number, for look-ups.
pub(crate) fn recipient_hash(key: &TenantKey, recipient: &Recipient) -> Vec<u8> {
    key.hash("recipient", &[recipient.e164.as_bytes()])
}

/// Admits a message and charges all limits. After an error the caller drops the transaction, so nothing is charged.
///
/// # Errors
/// [`Error::CountryNotAllowed`], [`Error::Limited`].
pub(crate) async fn admit(tx: &mut Tx, request: &AdmissionRequest<'_>, now: Timestamp) -> Result<Admission> {
    let AdmissionRequest { tenant, key, recipient, .. } = *request;
    let country = recipient.country.as_deref();
    if !policy::allows(&tenant.policy.countries, country) {
        return Err(Error::CountryNotAllowed(country.unwrap_or("numbers of no country (`001`)").to_owned()));
    }
    holds::check(tx, &tenant.id, key, recipient, now).await?;
    let price = policy::price(&tenant.policy, recipient.country.as_deref(), request.segments);
    let number = hex::encode(recipient_hash(key, recipient));
    let prefix = hex::encode(holds::prefix_hash(key, recipient));
    let ip = request.client_ip.map(|ip| hex::encode(key.hash("ip", &[limit::ip_block(ip).as_bytes()])));
    let facts = Facts {
        recipient: &number,
        prefix: &prefix,
        ip: ip.as_deref(),
        connection: request.connection,
        usage: request.usage,
        price_micros: price,
    };
    let buckets_to_charge = limit::buckets(&tenant.policy, &facts);
    let keys: Vec<String> = buckets_to_charge.iter().map(|bucket| bucket.key.clone()).collect();
    let states = buckets::load(tx, &tenant.id, &keys).await?;
    let mut charges = Vec::with_capacity(buckets_to_charge.len());
    let mut refusal: Option<(LimitName, Option<Timestamp>)> = None;
    let mut next_at = now;
    for Bucket { limit, key, rule } in &buckets_to_charge {
        match rule.take(states.get(key).map(String::as_str), now) {
            Ok(charge) => {
                if *limit == LimitName::Cooldown
                    && let NextAllowed::At(at) = rule.next(Some(&charge.state), now).map_err(unreadable_limit)?
                {
                    next_at = at;
                }
                charges.push((key, charge));
            }
            Err(LimitError::Reached { retry_at }) => refusal = longest(refusal, (*limit, retry_at)),
            Err(LimitError::UnreadableState(error)) => return Err(unreadable_limit(error)),
        }
    }
    if let Some((limit, retry_at)) = refusal {
        let retry_after = retry_at.map(|at| at.seconds_from(now).max(1));
        return Err(Error::Limited { limit, retry_after });
    }
    let states: Vec<BucketState<'_>> = charges.iter().map(|(key, charge)| state_of(key, charge)).collect();
    buckets::save(tx, &tenant.id, &states).await?;
    Ok(Admission { price_micros: price.unwrap_or(0), next_at })
}

/// The state of a bucket, to be stored.
fn state_of<'a>(key: &'a str, charge: &'a LimitState) -> BucketState<'a> {
    let end = charge.expires_at.0;
    let expires_at = Timestamp(end.saturating_add((EXPIRY_STEP_MS - end % EXPIRY_STEP_MS) % EXPIRY_STEP_MS));
    BucketState { key, state: &charge.state, expires_at }
}

/// The refusal that lasts longest, so that waiting for the returned time is enough.
fn longest(
    one: Option<(LimitName, Option<Timestamp>)>,
    other: (LimitName, Option<Timestamp>),
) -> Option<(LimitName, Option<Timestamp>)> {
    let weight = |at: Option<Timestamp>| at.map_or(i64::MAX, |at| at.0);
    match one {
        Some(one) if weight(one.1) >= weight(other.1) => Some(one),
        _ => Some(other),
    }
}

/// Charges the price of another physical message to the spend cap. Returns `false` when the cap does not allow it.
pub(crate) async fn charge_again(tx: &mut Tx, tenant: &TenantRow, row: &MessageRow, now: Timestamp) -> Result<bool> {
    let Some((key, rule)) = spend_rule(tenant, row) else { return Ok(true) };
    let states = buckets::load(tx, &tenant.id, std::slice::from_ref(&key)).await?;
    match rule.take(states.get(&key).map(String::as_str), now) {
        Ok(charge) => {
            buckets::save(tx, &tenant.id, &[state_of(&key, &charge)]).await?;
            Ok(true)
        }
        Err(LimitError::Reached { .. }) => Ok(false),
        Err(LimitError::UnreadableState(error)) => Err(unreadable_limit(error)),
    }
}

/// Refunds the price of a message that was certainly not sent.
pub(crate) async fn refund(tx: &mut Tx, tenant: &TenantRow, row: &MessageRow) -> Result<()> {
    let Some((key, rule)) = spend_rule(tenant, row) else { return Ok(()) };
    let states = buckets::load(tx, &tenant.id, std::slice::from_ref(&key)).await?;
    if let Some(state) = states.get(&key)
        && let Some(refunded) = rule.refund(state, row.created_at).map_err(unreadable_limit)?
    {
        buckets::save(tx, &tenant.id, &[state_of(&key, &refunded)]).await?;
    }
    Ok(())
}

fn spend_rule(tenant: &TenantRow, row: &MessageRow) -> Option<(String, Rule)> {
    let cap_micros = tenant.policy.spend.as_ref()?.cap_per_month_micros;
    (row.price_micros > 0)
        .then(|| (LimitName::SpendCap.to_string(), Rule::Spend { cap_micros, price_micros: row.price_micros }))
}

fn unreadable_limit(error: UnreadableState) -> Error {
    tracing::error!(%error, "the state of a limit cannot be read; messages under this limit are refused");
    Error::Internal(error.to_string())
}
