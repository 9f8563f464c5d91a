//! Whether a message is let in: countries and limits, in the transaction that writes the message down.
//!
//! All limits are taken or none; when the store fails, nothing is let in.

use std::net::IpAddr;

use sendbox_domain::LimitName;
use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::limit::{self, Bucket, Facts, NotTaken, Opens, Rule, Unreadable};
use sendbox_domain::rules::policy;
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::rows::{MessageRow, TenantRow};
use sendbox_store::{Tx, buckets};

use crate::error::{Error, Result};
use crate::sending::holds;
use crate::vault::TenantKey;

/// What is to be let in.
pub(crate) struct Request<'a> {
    pub(crate) tenant: &'a TenantRow,
    pub(crate) key: &'a TenantKey,
    pub(crate) recipient: &'a Recipient,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) connection: &'a str,
    pub(crate) usage: Usage,
    pub(crate) segments: u32,
}

/// What was taken.
pub(crate) struct Admitted {
    /// From the spend cap, in millionths.
    pub(crate) price_micros: u64,
    /// When the next message of this usage to this number can be let in.
    pub(crate) next_at: Timestamp,
}

/// The keyed hash of a number, for look-ups.
pub(crate) fn recipient_hash(key: &TenantKey, recipient: &Recipient) -> Vec<u8> {
    key.hash("recipient", &[recipient.e164.as_bytes()])
}

/// Lets a message in, or says why not. Nothing is kept of a refusal: the caller drops the transaction.
///
/// # Errors
/// [`Error::CountryNotAllowed`], [`Error::Limited`].
pub(crate) async fn admit(tx: &mut Tx, request: &Request<'_>, now: Timestamp) -> Result<Admitted> {
    let Request { tenant, key, recipient, .. } = *request;
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
    let wanted = limit::buckets(&tenant.policy, &facts);
    let keys: Vec<String> = wanted.iter().map(|bucket| bucket.key.clone()).collect();
    let states = buckets::load(tx, &tenant.id, &keys).await?;
    let mut taken = Vec::with_capacity(wanted.len());
    let mut refused: Option<(LimitName, Option<Timestamp>)> = None;
    let mut next_at = now;
    for Bucket { limit, key, rule } in &wanted {
        match rule.take(states.get(key).map(String::as_str), now) {
            Ok(it) => {
                if *limit == LimitName::Cooldown
                    && let Opens::At(at) = rule.next(Some(&it.state), now).map_err(closed)?
                {
                    next_at = at;
                }
                taken.push((key, it));
            }
            Err(NotTaken::Refused { retry_at }) => refused = longest(refused, (*limit, retry_at)),
            Err(NotTaken::Unreadable(error)) => return Err(closed(error)),
        }
    }
    if let Some((limit, retry_at)) = refused {
        let retry_after = retry_at.map(|at| at.seconds_from(now).max(1));
        return Err(Error::Limited { limit, retry_after });
    }
    for (key, it) in taken {
        buckets::save(tx, &tenant.id, key, &it.state, it.expires_at).await?;
    }
    Ok(Admitted { price_micros: price.unwrap_or(0), next_at })
}

/// The refusal that lasts longest: the time that is given is then the time that helps.
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

/// Takes the price of one more physical message of a message from the spend cap. `false`: the cap does not allow it.
pub(crate) async fn charge_again(tx: &mut Tx, tenant: &TenantRow, row: &MessageRow, now: Timestamp) -> Result<bool> {
    let Some((key, rule)) = spend(tenant, row) else { return Ok(true) };
    let states = buckets::load(tx, &tenant.id, std::slice::from_ref(&key)).await?;
    match rule.take(states.get(&key).map(String::as_str), now) {
        Ok(it) => {
            buckets::save(tx, &tenant.id, &key, &it.state, it.expires_at).await?;
            Ok(true)
        }
        Err(NotTaken::Refused { .. }) => Ok(false),
        Err(NotTaken::Unreadable(error)) => Err(closed(error)),
    }
}

/// Gives the price back of a message that certainly never became one.
pub(crate) async fn give_back(tx: &mut Tx, tenant: &TenantRow, row: &MessageRow) -> Result<()> {
    let Some((key, rule)) = spend(tenant, row) else { return Ok(()) };
    let states = buckets::load(tx, &tenant.id, std::slice::from_ref(&key)).await?;
    if let Some(state) = states.get(&key)
        && let Some(it) = rule.give_back(state, row.created_at).map_err(closed)?
    {
        buckets::save(tx, &tenant.id, &key, &it.state, it.expires_at).await?;
    }
    Ok(())
}

fn spend(tenant: &TenantRow, row: &MessageRow) -> Option<(String, Rule)> {
    let cap_micros = tenant.policy.spend.as_ref()?.cap_per_month_micros;
    (row.price_micros > 0)
        .then(|| (LimitName::SpendCap.to_string(), Rule::Spend { cap_micros, price_micros: row.price_micros }))
}

fn closed(error: Unreadable) -> Error {
    tracing::error!(%error, "a limit stays closed");
    Error::Internal(error.to_string())
}
