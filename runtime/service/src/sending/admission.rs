//! Admission of a message: countries and limits, checked in the transaction that stores the message; and what the limits give back when
//! the message was certainly not sent.
//!
//! Either all limits are charged or none; when the store fails, nothing is admitted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::buckets::{self as limits, Bucket, Facts};
use sendbox_domain::rules::limit::{LimitError, LimitState, NextAllowed, Rule, UnreadableState};
use sendbox_domain::rules::policy;
use sendbox_domain::{LimitName, phone};
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::buckets::{self, BucketState};
use sendbox_store::rows::{MessageRow, TenantRow};
use sendbox_store::{Done, Tx};

use crate::error::{Error, Result};
use crate::sending::holds;
use crate::service::Service;
use crate::vault::TenantKey;

/// A message for which admission is requested.
pub(crate) struct AdmissionRequest<'a> {
    pub(crate) tenant: &'a TenantRow,
    pub(crate) key: &'a TenantKey,
    pub(crate) recipient: &'a Recipient,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) connection: &'a str,
    pub(crate) usage: Usage,
    /// Whether it has no code.
    pub(crate) is_notice: bool,
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

/// The keyed hash of a number, for limits and look-ups. All spellings of a number have the same one.
pub(crate) fn recipient_hash(key: &TenantKey, recipient: &Recipient) -> Vec<u8> {
    key.hash("recipient", &[phone::handset(recipient).as_bytes()])
}

/// Admits a message and charges all limits. After an error the caller drops the transaction, so nothing is charged.
///
/// # Errors
/// [`Error::CountryNotAllowed`], [`Error::NumberKindNotAllowed`], [`Error::Limited`].
pub(crate) async fn admit(tx: &mut Tx, request: &AdmissionRequest<'_>, now: Timestamp) -> Result<Admission> {
    let AdmissionRequest { tenant, key, recipient, .. } = *request;
    let country = recipient.country.as_deref();
    if !policy::allows(&tenant.policy.countries, country) {
        return Err(Error::CountryNotAllowed(country.unwrap_or("numbers of no country (`001`)").to_owned()));
    }
    if let Some(kind) = policy::refused_kind(&tenant.policy.numbers, recipient) {
        return Err(Error::NumberKindNotAllowed(kind));
    }
    holds::check(tx, &tenant.id, key, recipient, now).await?;
    let price = policy::price(&tenant.policy, recipient.country.as_deref(), request.segments);
    let hashes = Hashes::new(key, recipient, request.client_ip);
    let facts = hashes.facts(request.connection, (request.usage, request.is_notice), price);
    let buckets_to_charge = limits::buckets(&tenant.policy, &facts);
    let keys: Vec<String> = buckets_to_charge.iter().map(|bucket| bucket.key.clone()).collect();
    let mut states = buckets::load(tx, &tenant.id, &keys).await?;
    let mut ahead = Vec::new();
    for bucket in &buckets_to_charge {
        if redate(&mut states, bucket, now)?.is_some() {
            ahead.push(bucket.clone());
        }
    }
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
        if !ahead.is_empty() {
            return Err(Error::LimitsAhead { tenant: tenant.id.clone(), buckets: ahead });
        }
        let retry_after = retry_at.map(|at| at.seconds_from(now).max(1));
        return Err(Error::Limited { limit, retry_after });
    }
    let states: Vec<BucketState<'_>> = charges.iter().map(|(key, charge)| state_of(key, charge)).collect();
    buckets::save(tx, &tenant.id, &states).await?;
    Ok(Admission { price_micros: price.unwrap_or(0), next_at })
}

/// The state of a bucket, to be stored.
pub(crate) fn state_of<'a>(key: &'a str, charge: &'a LimitState) -> BucketState<'a> {
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

/// Counts what was counted in the future as of now. Returns the state that is to be stored, if there was anything.
pub(crate) fn redate(
    states: &mut BTreeMap<String, String>,
    bucket: &Bucket,
    now: Timestamp,
) -> Result<Option<LimitState>> {
    let Some(state) = states.get_mut(&bucket.key) else { return Ok(None) };
    let redated = bucket.rule.redated(state, now).map_err(unreadable_limit)?;
    if let Some(redated) = &redated {
        state.clone_from(&redated.state);
    }
    Ok(redated)
}

/// Charges the price of another physical message to the spend cap. Returns `false` when the cap does not allow it.
pub(crate) async fn charge_again(tx: &mut Tx, tenant: &TenantRow, row: &MessageRow, now: Timestamp) -> Result<bool> {
    let Some(bucket) = spend_bucket(tenant, row) else { return Ok(true) };
    let mut states = buckets::load(tx, &tenant.id, std::slice::from_ref(&bucket.key)).await?;
    let redated = redate(&mut states, &bucket, now)?;
    let (changed, is_charged) = match bucket.rule.take(states.get(&bucket.key).map(String::as_str), now) {
        Ok(charge) => (Some(charge), true),
        Err(LimitError::Reached { .. }) => (redated, false),
        Err(LimitError::UnreadableState(error)) => return Err(unreadable_limit(error)),
    };
    if let Some(state) = &changed {
        buckets::save(tx, &tenant.id, &[state_of(&bucket.key, state)]).await?;
    }
    Ok(is_charged)
}

/// What was charged for a message that was certainly not sent.
pub(crate) struct Charge<'a> {
    pub(crate) recipient: &'a Recipient,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) usage: Usage,
    /// Whether it has no code.
    pub(crate) is_notice: bool,
    /// What was charged to the spend cap.
    pub(crate) price_micros: u64,
    /// When it was admitted.
    pub(crate) at: Timestamp,
}

/// Gives back the places in the limits by number, prefix and address, the pause and the price of a message that was certainly not sent.
/// Each limit gives back a bounded number of places (`rules/buckets.rs`); beyond that, what fails counts. Must be called in the
/// transaction that ends the message, so that nothing is given back twice. Returns when the next message of this usage to this number
/// can be admitted, if its pause was given back.
pub(crate) async fn refund(
    tx: &mut Tx,
    tenant: &TenantRow,
    key: &TenantKey,
    charge: &Charge<'_>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let hashes = Hashes::new(key, charge.recipient, charge.client_ip);
    let price = Some(charge.price_micros).filter(|price| *price > 0);
    let mut refunds = Vec::new();
    for bucket in limits::buckets(&tenant.policy, &hashes.facts("", (charge.usage, charge.is_notice), price)) {
        if let Ok(budget) = bucket.refunds(&tenant.policy) {
            refunds.push((bucket, budget));
        }
    }
    let keys: Vec<String> = refunds
        .iter()
        .flat_map(|(bucket, budget)| [Some(&bucket.key), budget.as_ref().map(|budget| &budget.key)])
        .flatten()
        .cloned()
        .collect();
    let mut states = buckets::load(tx, &tenant.id, &keys).await?;
    let mut next_at = None;
    // By key: a statement stores each of them once.
    let mut changed: BTreeMap<&str, LimitState> = BTreeMap::new();
    for (bucket, budget) in &refunds {
        let Some(refunded) = states.get(&bucket.key).map(|state| bucket.rule.refund(state, charge.at)) else {
            continue;
        };
        let Some(refunded) = refunded.map_err(unreadable_limit)? else { continue };
        if let Some(budget) = budget {
            let redated = redate(&mut states, budget, now)?;
            match budget.rule.take(states.get(&budget.key).map(String::as_str), now) {
                Ok(taken) => {
                    changed.insert(&budget.key, taken);
                }
                Err(LimitError::Reached { .. }) => {
                    changed.extend(redated.map(|redated| (budget.key.as_str(), redated)));
                    continue;
                }
                Err(LimitError::UnreadableState(error)) => return Err(unreadable_limit(error)),
            }
        }
        if bucket.limit == LimitName::Cooldown {
            next_at = Some(match bucket.rule.next(Some(&refunded.state), now).map_err(unreadable_limit)? {
                NextAllowed::At(at) => at,
                NextAllowed::Now | NextAllowed::Never => now,
            });
        }
        changed.insert(&bucket.key, refunded);
    }
    let changed: Vec<BucketState<'_>> = changed.iter().map(|(key, state)| state_of(key, state)).collect();
    buckets::save(tx, &tenant.id, &changed).await?;
    Ok(next_at)
}

/// The keyed hashes by which limits count.
struct Hashes {
    recipient: String,
    prefix: String,
    ip: Option<String>,
}

impl Hashes {
    fn new(key: &TenantKey, recipient: &Recipient, client_ip: Option<IpAddr>) -> Self {
        Self {
            recipient: hex::encode(recipient_hash(key, recipient)),
            prefix: hex::encode(holds::prefix_hash(key, recipient)),
            ip: client_ip.map(|ip| hex::encode(key.hash("ip", &[limits::ip_block(ip).as_bytes()]))),
        }
    }

    fn facts<'a>(
        &'a self,
        connection: &'a str,
        (usage, is_notice): (Usage, bool),
        price_micros: Option<u64>,
    ) -> Facts<'a> {
        let Self { recipient, prefix, ip } = self;
        Facts { recipient, prefix, ip: ip.as_deref(), connection, usage, is_notice, price_micros }
    }
}

fn spend_bucket(tenant: &TenantRow, row: &MessageRow) -> Option<Bucket> {
    let cap_micros = tenant.policy.spend.as_ref()?.cap_per_month_micros;
    let rule = Rule::Spend { cap_micros, price_micros: row.price_micros };
    let limit = LimitName::SpendCap;
    (row.price_micros > 0).then(|| Bucket { limit, key: limit.to_string(), rule })
}

pub(crate) fn unreadable_limit(error: UnreadableState) -> Error {
    tracing::error!(%error, "the state of a limit cannot be read; messages under this limit are refused");
    Error::Internal(error.to_string())
}

/// Loads the states of limits. The failed checks of a number have a lock of their own.
async fn load(tx: &mut Tx, tenant: &str, limits: &[Bucket]) -> Result<BTreeMap<String, String>> {
    let (alone, others): (Vec<_>, Vec<_>) =
        limits.iter().partition(|bucket| bucket.limit == LimitName::RecipientFailures);
    let keys: Vec<String> = others.into_iter().map(|bucket| bucket.key.clone()).collect();
    let mut states = buckets::load(tx, tenant, &keys).await?;
    for Bucket { key, .. } in alone {
        states.extend(buckets::load_alone(tx, tenant, key).await?.map(|state| (key.clone(), state)));
    }
    Ok(states)
}

impl Service {
    /// Stores limits that were counted in the future as of now, so that a clock that was ahead closes them no longer than they are.
    pub(crate) async fn redate_limits(&self, tenant: String, ahead: Vec<Bucket>) -> Result<()> {
        let now = self.now();
        let store = self.store_of(&tenant);
        let stored = self.write_again(&store, move |tx| {
            let (tenant, ahead) = (tenant.clone(), ahead.clone());
            Box::pin(async move {
                let mut states = load(tx, &tenant, &ahead).await?;
                let mut redated = BTreeMap::new();
                for bucket in &ahead {
                    redated.extend(redate(&mut states, bucket, now)?.map(|state| (bucket.key.as_str(), state)));
                }
                let redated: Vec<BucketState<'_>> = redated.iter().map(|(key, state)| state_of(key, state)).collect();
                buckets::save(tx, &tenant, &redated).await?;
                Ok(Done::Commit(()))
            })
        });
        stored.await
    }
}
