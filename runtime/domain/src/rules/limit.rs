//! Limits on new messages: how often, how soon, and for how much.
//!
//! A [`Rule`] decides by a short text, its state, which the store keeps by the key of a [`Bucket`]. The store reads the text
//! and writes the new one in one transaction; with that, limits are exact whatever the concurrency. [`buckets`] says which
//! rules a request has to pass. All of them, or none is taken.
//!
//! Promises
//! - never more than a rule allows, in any window of its length: a window that is partly over counts as a whole slot, so the
//!   rule errs on the closed side, by a sixtieth of the window at most;
//! - a clock that is set back opens nothing. What used up its limit stays closed until the clock has caught up;
//! - a refusal names the time at which the same request passes, if nothing else is taken before;
//! - a state stays below one kilobyte, whatever the limit. One that cannot be read lets nothing in.
//!
//! Must not know: how a number is hashed, where a state is kept.

use std::fmt;
use std::net::IpAddr;

use sendbox_contract::Usage;
use time::{Date, Month, OffsetDateTime};

use crate::model::{Policy, Timestamp};

/// Which limit on the way in.
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
    /// 100 failed checks of one number, over all its codes.
    RecipientFailures,
    /// Codes of one verification.
    SendsOfVerification,
    /// A provider suspects fraud at these numbers; see `/holds`.
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
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A window is counted in so many slots.
const SLOTS: u64 = 60;
/// Slots of a stored state at most: the window, the slot that begins and the slot that ends. More is no state of ours.
const MAX_SLOTS: usize = 62;
/// A cooldown grows no longer than this, in seconds.
const MAX_COOLDOWN_SECONDS: u64 = 600;
/// After so many seconds without a message a cooldown starts again.
const COOLDOWN_RESET_SECONDS: u64 = 3600;
/// Doublings after which every cooldown has its greatest length: 1 s × 2^10 is more than ten minutes.
const MAX_DOUBLINGS: u32 = 10;
/// A state is kept so many seconds longer than it counts: a machine whose clock is ahead may remove it, and one whose clock
/// is behind must not find it gone.
const CLOCK_SKEW_SECONDS: u64 = 3600;

/// How a bucket is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At most so many in any window of that length.
    Window {
        /// 0 lets nothing in.
        most: u32,
        /// 0 lets everything in.
        seconds: u64,
    },
    /// A pause after each, that doubles up to ten minutes and starts again after an hour without one.
    Cooldown {
        /// The first pause. 0 is none.
        seconds: u64,
    },
    /// At most so much in a calendar month (UTC).
    Spend {
        /// In millionths of the currency.
        cap_micros: u64,
        /// What this one costs at most.
        price_micros: u64,
    },
}

/// The state after something was let in, or given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// To be stored in place of the one before. ASCII, below one kilobyte.
    pub state: String,
    /// When the state may be removed: it decides nothing any more.
    pub expires_at: Timestamp,
}

/// Why a rule let nothing in. Nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The limit is reached.
    #[error("the limit is reached")]
    Refused {
        /// When the same request passes, if nothing else is taken before. `None`: not by waiting.
        retry_at: Option<Timestamp>,
    },
    /// The stored state is not of this rule.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A stored state that is not of this rule: the limit stays closed until it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored state of a limit cannot be read")]
pub struct Unreadable;

/// When a rule lets the next one in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// Now.
    Now,
    /// Not before.
    At(Timestamp),
    /// Not by waiting.
    Never,
}

impl Rule {
    /// Lets one in, or not.
    ///
    /// # Errors
    /// [`NotTaken`]; then the stored state stays as it is.
    pub fn take(&self, state: Option<&str>, now: Timestamp) -> Result<Taken, NotTaken> {
        match self.next(state, now)? {
            Opens::Now => Ok(self.counted(state, now)?),
            Opens::At(at) => Err(NotTaken::Refused { retry_at: Some(at) }),
            Opens::Never => Err(NotTaken::Refused { retry_at: None }),
        }
    }

    /// When [`Rule::take`] would let one in, if nothing else is taken before.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn next(&self, state: Option<&str>, now: Timestamp) -> Result<Opens, Unreadable> {
        match *self {
            Self::Window { most: 0, seconds: 1.. } => Ok(Opens::Never),
            Self::Window { most, seconds } => Ok(Window::read(state, seconds)?.opens(most, now)),
            Self::Cooldown { seconds: 0 } => Ok(Opens::Now),
            Self::Cooldown { seconds } => Ok(state.map(Cooldown::read).transpose()?.map_or(Opens::Now, |last| {
                let at = last.ends(seconds);
                if now < at { Opens::At(at) } else { Opens::Now }
            })),
            Self::Spend { cap_micros, price_micros } => {
                let spent = Spent::read(state, now)?;
                Ok(match spent.micros.checked_add(price_micros) {
                    Some(sum) if sum <= cap_micros => Opens::Now,
                    _ if price_micros > cap_micros => Opens::Never,
                    _ => Opens::At(spent.month.end()),
                })
            }
        }
    }

    /// Takes back what a message was counted for and did not cost. Only money is given back: a message that was refused by a
    /// provider was still a message that somebody asked for.
    ///
    /// `taken_at` is the time that [`Rule::take`] was given, so that nothing is taken off the sum of another month. `None`: there
    /// is nothing to change.
    ///
    /// # Errors
    /// [`Unreadable`]
    pub fn give_back(&self, state: &str, taken_at: Timestamp) -> Result<Option<Taken>, Unreadable> {
        let Self::Spend { price_micros, .. } = *self else { return Ok(None) };
        let spent = Spent::parse(state)?;
        if price_micros == 0 || spent.month != Calendar::of(taken_at) {
            return Ok(None);
        }
        Ok(Some(Spent { micros: spent.micros.saturating_sub(price_micros), ..spent }.taken()))
    }

    /// The state with one more.
    fn counted(&self, state: Option<&str>, now: Timestamp) -> Result<Taken, Unreadable> {
        match *self {
            Self::Window { seconds, .. } => Ok(Window::read(state, seconds)?.with_one_more(now).taken()),
            Self::Cooldown { seconds: 0 } => Ok(Cooldown { last: now, doublings: 0 }.taken()),
            Self::Cooldown { .. } => Ok(Cooldown::after(state.map(Cooldown::read).transpose()?, now).taken()),
            Self::Spend { price_micros, .. } => {
                let spent = Spent::read(state, now)?;
                Ok(Spent { micros: spent.micros.saturating_add(price_micros), ..spent }.taken())
            }
        }
    }
}

/// Counts by slot. Written `w<width in ms>:<first slot>:<count>,<count>,…`.
struct Window {
    /// Milliseconds.
    length: i64,
    /// Milliseconds of a slot.
    width: i64,
    /// The slot of the first count, in widths since 1970.
    first: i64,
    counts: Vec<u32>,
}

impl Window {
    fn read(state: Option<&str>, seconds: u64) -> Result<Self, Unreadable> {
        let millis = seconds.saturating_mul(1000);
        let width = i64::try_from(millis.div_ceil(SLOTS).max(1)).unwrap_or(i64::MAX);
        let length = i64::try_from(millis).unwrap_or(i64::MAX);
        let empty = Self { length, width, first: 0, counts: Vec::new() };
        let Some(state) = state else { return Ok(empty) };
        let (written, rest) = state.strip_prefix('w').and_then(|rest| rest.split_once(':')).ok_or(Unreadable)?;
        let (first, counts) = rest.split_once(':').ok_or(Unreadable)?;
        if written.parse() != Ok(width) {
            return Err(Unreadable);
        }
        let counts: Vec<u32> = counts.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| Unreadable)?;
        let first: i64 = first.parse().map_err(|_| Unreadable)?;
        // Where slots are, in milliseconds, must be a time that can be reckoned with.
        let reckoned = first.checked_add(MAX_SLOTS as i64).and_then(|last| last.checked_mul(width));
        if counts.len() > MAX_SLOTS || reckoned.is_none() {
            return Err(Unreadable);
        }
        Ok(Self { first, counts, ..empty })
    }

    /// The slots that were used, with their counts, oldest first.
    fn used(&self) -> impl Iterator<Item = (i64, u32)> {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// When a slot has left the window as a whole: its last millisecond is as old as the window is long.
    fn leaves(&self, slot: i64) -> i64 {
        slot.saturating_add(1).saturating_mul(self.width).saturating_sub(1).saturating_add(self.length)
    }

    /// Now; or, on a clock that was set back, the latest time that is on record. Time does not run backwards here.
    fn effective(&self, now: Timestamp) -> i64 {
        self.used().last().map_or(now.0, |(slot, _)| now.0.max(slot.saturating_mul(self.width)))
    }

    fn opens(&self, most: u32, now: Timestamp) -> Opens {
        let effective = self.effective(now);
        let inside: Vec<(i64, u32)> = self.used().filter(|(slot, _)| self.leaves(*slot) > effective).collect();
        let mut sum: u64 = inside.iter().map(|(_, count)| u64::from(*count)).sum();
        let mut opens = Opens::Now;
        for (slot, count) in inside {
            if sum < u64::from(most) {
                break;
            }
            sum = sum.saturating_sub(u64::from(count));
            opens = Opens::At(Timestamp(self.leaves(slot)));
        }
        opens
    }

    fn with_one_more(self, now: Timestamp) -> Self {
        let effective = self.effective(now);
        let slot = effective.div_euclid(self.width);
        let mut kept: Vec<(i64, u32)> = self.used().filter(|(slot, _)| self.leaves(*slot) > effective).collect();
        match kept.last_mut() {
            Some((last, count)) if *last == slot => *count = count.saturating_add(1),
            _ => kept.push((slot, 1)),
        }
        let first = kept.first().map_or(slot, |(slot, _)| *slot);
        let count_of = |wanted: i64| kept.iter().find(|(slot, _)| *slot == wanted).map_or(0, |(_, count)| *count);
        let counts = (first..=slot).map(count_of).collect();
        Self { first, counts, ..self }
    }

    fn taken(&self) -> Taken {
        let counts: Vec<String> = self.counts.iter().map(u32::to_string).collect();
        let last = self.used().last().map_or(self.first, |(slot, _)| slot);
        Taken {
            state: format!("w{}:{}:{}", self.width, self.first, counts.join(",")),
            expires_at: Timestamp(self.leaves(last)).plus_seconds(CLOCK_SKEW_SECONDS),
        }
    }
}

/// The last one, and how often the pause was doubled. Written `c<ms>:<doublings>`.
struct Cooldown {
    last: Timestamp,
    doublings: u32,
}

impl Cooldown {
    fn read(state: &str) -> Result<Self, Unreadable> {
        let (last, doublings) = state.strip_prefix('c').and_then(|rest| rest.split_once(':')).ok_or(Unreadable)?;
        Ok(Self {
            last: Timestamp(last.parse().map_err(|_| Unreadable)?),
            doublings: doublings.parse().map_err(|_| Unreadable)?,
        })
    }

    fn ends(&self, seconds: u64) -> Timestamp {
        let grown = seconds.saturating_mul(1 << self.doublings.min(MAX_DOUBLINGS));
        self.last.plus_seconds(grown.min(MAX_COOLDOWN_SECONDS))
    }

    fn after(last: Option<Self>, now: Timestamp) -> Self {
        let doublings = last
            .filter(|last| now < last.last.plus_seconds(COOLDOWN_RESET_SECONDS))
            .map_or(0, |last| last.doublings.saturating_add(1).min(MAX_DOUBLINGS));
        Self { last: now, doublings }
    }

    fn taken(&self) -> Taken {
        Taken {
            state: format!("c{}:{}", self.last.0, self.doublings),
            expires_at: self.last.plus_seconds(COOLDOWN_RESET_SECONDS + CLOCK_SKEW_SECONDS),
        }
    }
}

/// A month of the calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Calendar {
    year: i32,
    /// 1 to 12.
    month: u8,
}

impl Calendar {
    fn of(at: Timestamp) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).map_or(Date::MAX, |at| at.date());
        Self { year: date.year(), month: date.month().into() }
    }

    /// The first moment of the month after.
    fn end(self) -> Timestamp {
        let (year, month) =
            if self.month >= 12 { (self.year.saturating_add(1), 1) } else { (self.year, self.month + 1) };
        Month::try_from(month)
            .and_then(|month| Date::from_calendar_date(year, month, 1))
            .map_or(Timestamp(i64::MAX), |date| {
                Timestamp(date.midnight().assume_utc().unix_timestamp().saturating_mul(1000))
            })
    }
}

/// What a month has cost. Written `s<year>-<month>:<micros>`.
struct Spent {
    month: Calendar,
    micros: u64,
}

impl Spent {
    /// Of this month. A state of a later month is kept when the clock was set back: the later month is then still open, and
    /// the earlier one was closed.
    fn read(state: Option<&str>, now: Timestamp) -> Result<Self, Unreadable> {
        let month = Calendar::of(now);
        let stored = state.map(Self::parse).transpose()?;
        Ok(stored.filter(|stored| stored.month >= month).unwrap_or(Self { month, micros: 0 }))
    }

    fn parse(state: &str) -> Result<Self, Unreadable> {
        let (month, micros) = state.strip_prefix('s').and_then(|rest| rest.split_once(':')).ok_or(Unreadable)?;
        let (year, month) = month.split_once('-').ok_or(Unreadable)?;
        let month = Calendar {
            year: year.parse().map_err(|_| Unreadable)?,
            month: month.parse().ok().filter(|month| (1..=12).contains(month)).ok_or(Unreadable)?,
        };
        Ok(Self { month, micros: micros.parse().map_err(|_| Unreadable)? })
    }

    fn taken(&self) -> Taken {
        Taken {
            state: format!("s{}-{}:{}", self.month.year, self.month.month, self.micros),
            expires_at: self.month.end().plus_seconds(CLOCK_SKEW_SECONDS),
        }
    }
}

/// What the month has cost so far by the state of a spend cap, in millionths.
///
/// # Errors
/// [`Unreadable`]
pub fn spent(state: Option<&str>, now: Timestamp) -> Result<u64, Unreadable> {
    Spent::read(state, now).map(|spent| spent.micros)
}

/// What is known of a request when the limits are asked.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The number, as the hex of a keyed hash.
    pub recipient: &'a str,
    /// Its [`prefix`], as the hex of a keyed hash.
    pub prefix: &'a str,
    /// The end user's [`ip_block`] as the store may keep it, where the platform named an address.
    pub ip: Option<&'a str>,
    /// The connection that is to send.
    pub connection: &'a str,
    /// Why it is sent.
    pub usage: Usage,
    /// What it costs at most, by [`super::policy::price`]. `None`: nothing is counted towards the cap.
    pub price_micros: Option<u64>,
}

/// A limit that a request has to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What a refusal names.
    pub limit: LimitName,
    /// Under which the store keeps the state, within the tenant: the limit's name, and what of [`Facts`] it counts.
    pub key: String,
    /// How it is counted.
    pub rule: Rule,
}

/// The limits that a request of this tenant has to pass, by key: the store locks them in this order, so that two requests
/// never wait for each other.
pub fn buckets(policy: &Policy, facts: &Facts) -> Vec<Bucket> {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let limits = &policy.limits;
    let mut buckets = Vec::with_capacity(9);
    let mut add = |limit: LimitName, of: &str, rule: Rule| {
        let key = if of.is_empty() { limit.to_string() } else { format!("{limit}:{of}") };
        buckets.push(Bucket { limit, key, rule });
    };
    let window = |most: u32, seconds: u64| Rule::Window { most, seconds };
    add(LimitName::NumberPerHour, facts.recipient, window(limits.number_per_hour, HOUR));
    add(LimitName::NumberPerDay, facts.recipient, window(limits.number_per_day, DAY));
    add(LimitName::PrefixPerHour, facts.prefix, window(limits.prefix_per_hour, HOUR));
    if let Some(ip) = facts.ip {
        add(LimitName::IpPerHour, ip, window(limits.ip_per_hour, HOUR));
    }
    add(LimitName::ConnectionPerMinute, facts.connection, window(limits.connection_per_minute, MINUTE));
    add(LimitName::TenantPerMinute, "", window(limits.tenant_per_minute, MINUTE));
    add(LimitName::TenantPerDay, "", window(limits.tenant_per_day, DAY));
    if limits.cooldown_seconds > 0 {
        add(LimitName::Cooldown, &cooldown_of(facts), Rule::Cooldown { seconds: limits.cooldown_seconds.into() });
    }
    if let (Some(spend), Some(price_micros)) = (&policy.spend, facts.price_micros) {
        add(LimitName::SpendCap, "", Rule::Spend { cap_micros: spend.cap_per_month_micros, price_micros });
    }
    buckets.sort_by(|one, other| one.key.cmp(&other.key));
    buckets
}

fn cooldown_of(facts: &Facts) -> String {
    format!("{}:{}", facts.recipient, facts.usage)
}

/// The block of a thousand numbers that a number belongs to: all but the last three digits, and never less than `+` and four digits.
pub fn prefix(e164: &str) -> &str {
    e164.get(..e164.len().saturating_sub(3).max(5)).unwrap_or(e164)
}

/// What of an address is counted: an IPv4 address as it is, the /64 of an IPv6 address, because one subscriber
/// has all of it at least (RFC 7421). An IPv4 address in IPv6 clothes is itself.
pub fn ip_block(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", std::net::Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests;
