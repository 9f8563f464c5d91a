//! Which limits a request must pass, by which key each of them counts, and what it gives back.
//!
//! Promises
//! - a limit by number, prefix or address gives back the place of a message that was certainly not sent, and at most as many places in
//!   its window as it has: what fails again and again is let through twice as often as what is sent, and no more;
//! - limits that protect the service and the provider count requests, whatever becomes of them.
//!
//! Must not know: how a number is hashed, where a state is stored.

use std::fmt;
use std::net::IpAddr;

use sendbox_contract::Usage;

use super::limit::Rule;
use crate::model::Policy;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The name of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum LimitName {
    NumberPerHour,
    NumberPerDay,
    PrefixPerHour,
    IpPerHour,
    ConnectionPerMinute,
    TenantPerMinute,
    TenantPerDay,
    Cooldown,
    SpendCap,
    /// 100 checks of codes for one number in 24 hours, across all its codes, without a right one.
    RecipientFailures,
    /// Codes sent for one verification.
    SendsOfVerification,
    /// Notices to one number in a day.
    NoticeNumberPerDay,
    /// Notices of the tenant in a day.
    NoticeTenantPerDay,
    /// The numbers are held because a provider suspects fraud; see `/holds`.
    Hold,
}

impl LimitName {
    /// `number-per-hour`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NumberPerHour => "number-per-hour",
            Self::NumberPerDay => "number-per-day",
            Self::PrefixPerHour => "prefix-per-hour",
            Self::IpPerHour => "ip-per-hour",
            Self::ConnectionPerMinute => "connection-per-minute",
            Self::TenantPerMinute => "tenant-per-minute",
            Self::TenantPerDay => "tenant-per-day",
            Self::Cooldown => "cooldown",
            Self::SpendCap => "spend-cap",
            Self::RecipientFailures => "recipient-failures",
            Self::SendsOfVerification => "sends-of-verification",
            Self::NoticeNumberPerDay => "notice-number-per-day",
            Self::NoticeTenantPerDay => "notice-tenant-per-day",
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The properties of a request that limits depend on.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// A keyed hash of the number, in hexadecimal.
    pub recipient: &'a str,
    /// A keyed hash of its [`prefix`], in hexadecimal.
    pub prefix: &'a str,
    /// The hashed [`ip_block`] of the end user, if the platform gave an address.
    pub ip: Option<&'a str>,
    /// The connection that the message is sent through.
    pub connection: &'a str,
    /// The purpose of the message.
    pub usage: Usage,
    /// Whether it has no code.
    pub is_notice: bool,
    /// The maximum cost, from [`super::policy::price`]. `None` if it does not count towards the cap.
    pub price_micros: Option<u64>,
}

/// A limit that a request must pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The name of the limit, for the refusal.
    pub limit: LimitName,
    /// The key of the state in the store, within the tenant: the limit's name, and the value from [`Facts`] that it counts by.
    pub key: String,
    /// The rule of the limit.
    pub rule: Rule,
}

impl Bucket {
    /// The limit on what this one gives back: as many places in its window as it has itself. For money, no limit (`None`); and limits
    /// that protect the service and the provider count requests, whatever becomes of them, and give nothing back (an error).
    ///
    /// # Errors
    /// [`NoRefund`]
    pub fn refunds(&self, policy: &Policy) -> Result<Option<Self>, NoRefund> {
        let rule = match self.limit {
            LimitName::NumberPerHour
            | LimitName::NumberPerDay
            | LimitName::NoticeNumberPerDay
            | LimitName::PrefixPerHour
            | LimitName::IpPerHour => self.rule,
            LimitName::Cooldown => Rule::Window { max: policy.limits.number_per_hour, seconds: HOUR },
            LimitName::SpendCap => return Ok(None),
            LimitName::ConnectionPerMinute
            | LimitName::TenantPerMinute
            | LimitName::TenantPerDay
            | LimitName::NoticeTenantPerDay
            | LimitName::RecipientFailures
            | LimitName::SendsOfVerification
            | LimitName::Hold => return Err(NoRefund),
        };
        Ok(Some(Self { limit: self.limit, key: format!("refunds:{}", self.key), rule }))
    }
}

/// A limit gives nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this limit gives nothing back")]
pub struct NoRefund;

/// The limit on checks of codes for a number: 100 in any 24 hours (NIST SP 800-63B-4 allows 100 in a row). A right code starts the count
/// over. `recipient`: as in [`Facts`].
pub fn failed_checks(recipient: &str) -> Bucket {
    let limit = LimitName::RecipientFailures;
    Bucket { limit, key: format!("{limit}:{recipient}"), rule: Rule::Window { max: 100, seconds: DAY } }
}

/// The limits that a request of this tenant must pass, sorted by key. The store locks them in this order, so that requests cannot
/// deadlock.
pub fn buckets(policy: &Policy, facts: &Facts) -> Vec<Bucket> {
    let limits = &policy.limits;
    let mut buckets = Vec::with_capacity(9);
    let mut add = |limit: LimitName, of: &str, rule: Rule| {
        let key = if of.is_empty() { limit.to_string() } else { format!("{limit}:{of}") };
        buckets.push(Bucket { limit, key, rule });
    };
    let window = |max: u32, seconds: u64| Rule::Window { max, seconds };
    if facts.is_notice {
        add(LimitName::NoticeNumberPerDay, facts.recipient, window(policy.notices.number_per_day, DAY));
        add(LimitName::NoticeTenantPerDay, "", window(policy.notices.tenant_per_day, DAY));
    } else {
        add(LimitName::NumberPerHour, facts.recipient, window(limits.number_per_hour, HOUR));
        add(LimitName::NumberPerDay, facts.recipient, window(limits.number_per_day, DAY));
    }
    add(LimitName::PrefixPerHour, facts.prefix, window(limits.prefix_per_hour, HOUR));
    if let Some(ip) = facts.ip {
        add(LimitName::IpPerHour, ip, window(limits.ip_per_hour, HOUR));
    }
    add(LimitName::ConnectionPerMinute, facts.connection, window(limits.connection_per_minute, MINUTE));
    add(LimitName::TenantPerMinute, "", window(limits.tenant_per_minute, MINUTE));
    add(LimitName::TenantPerDay, "", window(limits.tenant_per_day, DAY));
    if limits.cooldown_seconds > 0 && !facts.is_notice {
        add(LimitName::Cooldown, &cooldown_key(facts), Rule::Cooldown { seconds: limits.cooldown_seconds.into() });
    }
    if let (Some(spend), Some(price_micros)) = (&policy.spend, facts.price_micros) {
        add(LimitName::SpendCap, "", Rule::Spend { cap_micros: spend.cap_per_month_micros, price_micros });
    }
    buckets.sort_by(|one, other| one.key.cmp(&other.key));
    buckets
}

fn cooldown_key(facts: &Facts) -> String {
    format!("{}:{}", facts.recipient, facts.usage)
}

/// The block of a thousand numbers that a number belongs to: all but the last three digits, and never less than `+` and four digits.
pub fn prefix(e164: &str) -> &str {
    e164.get(..e164.len().saturating_sub(3).max(5)).unwrap_or(e164)
}

/// The block of addresses that is counted together: an IPv4 address by itself, and the /64 of an IPv6 address, because a subscriber has
/// at least that much (RFC 7421). An IPv4-mapped address counts as IPv4.
pub fn ip_block(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", std::net::Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests;
