//! Limits on new messages: their rate, the pause between them, and what they may cost.
//!
//! A [`Rule`] decides from its state, a short text that the store keeps under the key of a [`Bucket`]. The store reads the state and
//! writes the new one in one transaction, so limits are exact under any concurrency. [`buckets`] lists the rules that a request must
//! pass. A request counts towards all of them or towards none.
//!
//! Promises
//! - a rule is never exceeded in any window of its length: a slot that has partly left the window still counts as a whole, so the rule
//!   errs on the strict side, by at most a sixtieth of the window;
//! - a clock that is set back does not open a limit. A limit that is used up stays closed until the clock has caught up;
//! - a refusal names the time at which the same request passes, if nothing else is counted before;
//! - a state is smaller than one kilobyte, whatever the limit. A state that cannot be read lets nothing through.
//!
//! Must not know: how a number is hashed, where a state is stored.

use std::fmt;
use std::net::IpAddr;

use sendbox_contract::Usage;
use time::{Date, Month, OffsetDateTime};

use crate::model::{Policy, Timestamp};

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
    /// 100 failed checks for one number, across all its codes.
    RecipientFailures,
    /// Codes sent for one verification.
    SendsOfVerification,
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
            Self::Hold => "hold",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Number of slots in a window.
const SLOTS: u64 = 60;
/// Maximum number of slots in a stored state: the window, and a partial slot at each end. A longer state is invalid.
const MAX_SLOTS: usize = 62;
/// Maximum length of a cooldown, in seconds.
const MAX_COOLDOWN_SECONDS: u64 = 600;
/// A cooldown starts over after this many seconds without a message.
const COOLDOWN_RESET_SECONDS: u64 = 3600;
/// Number of doublings after which every cooldown has its maximum length: 1 s × 2^10 is more than ten minutes.
const MAX_DOUBLINGS: u32 = 10;
/// A state is kept this many seconds longer than needed: a machine whose clock is ahead may remove it, and one whose clock is behind
/// must not find it gone.
const CLOCK_SKEW_SECONDS: u64 = 3600;

/// The rule of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At most `max` requests in any window of this length.
    Window {
        /// 0 lets nothing through.
        max: u32,
        /// 0 lets everything through.
        seconds: u64,
    },
    /// A pause after each request, which doubles up to ten minutes and starts over after an hour without a request.
    Cooldown {
        /// The first pause. 0 means no pause.
        seconds: u64,
    },
    /// A spend cap for a calendar month (UTC).
    Spend {
        /// In millionths of the currency.
        cap_micros: u64,
        /// The maximum cost of this request, in millionths.
        price_micros: u64,
    },
}

/// The state of a rule, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// The encoded state, which replaces the stored one. ASCII, less than one kilobyte.
    pub state: String,
    /// When the state may be removed because it no longer matters.
    pub expires_at: Timestamp,
}

/// Why a rule did not let a request through. The request was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The limit is reached.
    #[error("the limit is reached")]
    Reached {
        /// When the same request passes, if nothing else is counted before. `None` if waiting does not help.
        retry_at: Option<Timestamp>,
    },
    /// The stored state does not belong to this rule.
    #[error(transparent)]
    UnreadableState(#[from] UnreadableState),
}

/// A stored state that does not belong to its rule. The limit stays closed until the state is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored state of a limit cannot be read")]
pub struct UnreadableState;

/// When a rule lets the next request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAllowed {
    /// Now.
    Now,
    /// At this time.
    At(Timestamp),
    /// Not at any time, so waiting does not help.
    Never,
}

impl Rule {
    /// Counts a request if the rule lets it through.
    ///
    /// # Errors
    /// [`LimitError`], and the stored state stays as it is.
    pub fn take(&self, state: Option<&str>, now: Timestamp) -> Result<LimitState, LimitError> {
        match self.next(state, now)? {
            NextAllowed::Now => Ok(self.increment(state, now)?),
            NextAllowed::At(at) => Err(LimitError::Reached { retry_at: Some(at) }),
            NextAllowed::Never => Err(LimitError::Reached { retry_at: None }),
        }
    }

    /// When [`Rule::take`] would let a request through, if nothing else is counted before.
    ///
    /// # Errors
    /// [`UnreadableState`]
    pub fn next(&self, state: Option<&str>, now: Timestamp) -> Result<NextAllowed, UnreadableState> {
        match *self {
            Self::Window { max: 0, seconds: 1.. } => Ok(NextAllowed::Never),
            Self::Window { max, seconds } => Ok(Window::read(state, seconds)?.next_allowed(max, now)),
            Self::Cooldown { seconds: 0 } => Ok(NextAllowed::Now),
            Self::Cooldown { seconds } => Ok(state.map(Cooldown::read).transpose()?.map_or(NextAllowed::Now, |last| {
                let at = last.ends(seconds);
                if now < at { NextAllowed::At(at) } else { NextAllowed::Now }
            })),
            Self::Spend { cap_micros, price_micros } => {
                let spent = MonthlySpend::read(state, now)?;
                Ok(match spent.micros.checked_add(price_micros) {
                    Some(sum) if sum <= cap_micros => NextAllowed::Now,
                    _ if price_micros > cap_micros => NextAllowed::Never,
                    _ => NextAllowed::At(spent.month.end()),
                })
            }
        }
    }

    /// Refunds a message that was counted but not sent. Only money is refunded: a message that the provider refused was still requested, so
    /// it counts towards the other limits.
    ///
    /// `taken_at` is the time that was passed to [`Rule::take`], so that no other month's total is reduced. `None` if there is nothing to
    /// change.
    ///
    /// # Errors
    /// [`UnreadableState`]
    pub fn refund(&self, state: &str, taken_at: Timestamp) -> Result<Option<LimitState>, UnreadableState> {
        let Self::Spend { price_micros, .. } = *self else { return Ok(None) };
        let spent = MonthlySpend::parse(state)?;
        if price_micros == 0 || spent.month != CalendarMonth::of(taken_at) {
            return Ok(None);
        }
        Ok(Some(MonthlySpend { micros: spent.micros.saturating_sub(price_micros), ..spent }.to_state()))
    }

    /// The state with one more request.
    fn increment(&self, state: Option<&str>, now: Timestamp) -> Result<LimitState, UnreadableState> {
        match *self {
            Self::Window { seconds, .. } => Ok(Window::read(state, seconds)?.incremented(now).to_state()),
            Self::Cooldown { seconds: 0 } => Ok(Cooldown { last: now, doublings: 0 }.to_state()),
            Self::Cooldown { .. } => Ok(Cooldown::after(state.map(Cooldown::read).transpose()?, now).to_state()),
            Self::Spend { price_micros, .. } => {
                let spent = MonthlySpend::read(state, now)?;
                Ok(MonthlySpend { micros: spent.micros.saturating_add(price_micros), ..spent }.to_state())
            }
        }
    }
}

/// Counts by slot. Encoded as `w<width in ms>:<first slot>:<count>,<count>,…`.
struct Window {
    /// The length of the window, in milliseconds.
    length: i64,
    /// The width of a slot, in milliseconds.
    width: i64,
    /// The slot of the first count: its number since the Unix epoch.
    first: i64,
    counts: Vec<u32>,
}

impl Window {
    fn read(state: Option<&str>, seconds: u64) -> Result<Self, UnreadableState> {
        let millis = seconds.saturating_mul(1000);
        let width = i64::try_from(millis.div_ceil(SLOTS).max(1)).unwrap_or(i64::MAX);
        let length = i64::try_from(millis).unwrap_or(i64::MAX);
        let empty = Self { length, width, first: 0, counts: Vec::new() };
        let Some(state) = state else { return Ok(empty) };
        let (written, rest) = state.strip_prefix('w').and_then(|rest| rest.split_once(':')).ok_or(UnreadableState)?;
        let (first, counts) = rest.split_once(':').ok_or(UnreadableState)?;
        if written.parse() != Ok(width) {
            return Err(UnreadableState);
        }
        let counts: Vec<u32> =
            counts.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| UnreadableState)?;
        let first: i64 = first.parse().map_err(|_| UnreadableState)?;
        // The times of all slots, in milliseconds, must not overflow.
        let last_end = first.checked_add(MAX_SLOTS as i64).and_then(|last| last.checked_mul(width));
        if counts.len() > MAX_SLOTS || last_end.is_none() {
            return Err(UnreadableState);
        }
        Ok(Self { first, counts, ..empty })
    }

    /// The slots with requests, and their counts, oldest first.
    fn used(&self) -> impl Iterator<Item = (i64, u32)> {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// When the whole slot has left the window: its last millisecond is as old as the window is long.
    fn leaves_window_at(&self, slot: i64) -> i64 {
        slot.saturating_add(1).saturating_mul(self.width).saturating_sub(1).saturating_add(self.length)
    }

    /// The current time or, if the clock was set back, the latest recorded time, so that time never runs backwards.
    fn effective_now(&self, now: Timestamp) -> i64 {
        self.used().last().map_or(now.0, |(slot, _)| now.0.max(slot.saturating_mul(self.width)))
    }

    fn next_allowed(&self, max: u32, now: Timestamp) -> NextAllowed {
        let effective_now = self.effective_now(now);
        let inside: Vec<(i64, u32)> =
            self.used().filter(|(slot, _)| self.leaves_window_at(*slot) > effective_now).collect();
        let mut sum: u64 = inside.iter().map(|(_, count)| u64::from(*count)).sum();
        let mut opens = NextAllowed::Now;
        for (slot, count) in inside {
            if sum < u64::from(max) {
                break;
            }
            sum = sum.saturating_sub(u64::from(count));
            opens = NextAllowed::At(Timestamp(self.leaves_window_at(slot)));
        }
        opens
    }

    fn incremented(self, now: Timestamp) -> Self {
        let effective_now = self.effective_now(now);
        let slot = effective_now.div_euclid(self.width);
        let mut kept: Vec<(i64, u32)> =
            self.used().filter(|(slot, _)| self.leaves_window_at(*slot) > effective_now).collect();
        match kept.last_mut() {
            Some((last, count)) if *last == slot => *count = count.saturating_add(1),
            _ => kept.push((slot, 1)),
        }
        let first = kept.first().map_or(slot, |(slot, _)| *slot);
        let count_of = |wanted: i64| kept.iter().find(|(slot, _)| *slot == wanted).map_or(0, |(_, count)| *count);
        let counts = (first..=slot).map(count_of).collect();
        Self { first, counts, ..self }
    }

    fn to_state(&self) -> LimitState {
        let counts: Vec<String> = self.counts.iter().map(u32::to_string).collect();
        let last = self.used().last().map_or(self.first, |(slot, _)| slot);
        LimitState {
            state: format!("w{}:{}:{}", self.width, self.first, counts.join(",")),
            expires_at: Timestamp(self.leaves_window_at(last)).plus_seconds(CLOCK_SKEW_SECONDS),
        }
    }
}

/// The time of the last request, and how often the pause was doubled. Encoded as `c<ms>:<doublings>`.
struct Cooldown {
    last: Timestamp,
    doublings: u32,
}

impl Cooldown {
    fn read(state: &str) -> Result<Self, UnreadableState> {
        let (last, doublings) = state.strip_prefix('c').and_then(|rest| rest.split_once(':')).ok_or(UnreadableState)?;
        Ok(Self {
            last: Timestamp(last.parse().map_err(|_| UnreadableState)?),
            doublings: doublings.parse().map_err(|_| UnreadableState)?,
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

    fn to_state(&self) -> LimitState {
        LimitState {
            state: format!("c{}:{}", self.last.0, self.doublings),
            expires_at: self.last.plus_seconds(COOLDOWN_RESET_SECONDS + CLOCK_SKEW_SECONDS),
        }
    }
}

/// A calendar month (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CalendarMonth {
    year: i32,
    /// 1 to 12.
    month: u8,
}

impl CalendarMonth {
    fn of(at: Timestamp) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).map_or(Date::MAX, |at| at.date());
        Self { year: date.year(), month: date.month().into() }
    }

    /// The beginning of the next month.
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

/// The spending of a month. Encoded as `s<year>-<month>:<micros>`.
struct MonthlySpend {
    month: CalendarMonth,
    micros: u64,
}

impl MonthlySpend {
    /// The spending of the current month. The state of a later month is kept if the clock was set back, because the earlier month has been
    /// closed.
    fn read(state: Option<&str>, now: Timestamp) -> Result<Self, UnreadableState> {
        let month = CalendarMonth::of(now);
        let stored = state.map(Self::parse).transpose()?;
        Ok(stored.filter(|stored| stored.month >= month).unwrap_or(Self { month, micros: 0 }))
    }

    fn parse(state: &str) -> Result<Self, UnreadableState> {
        let (month, micros) = state.strip_prefix('s').and_then(|rest| rest.split_once(':')).ok_or(UnreadableState)?;
        let (year, month) = month.split_once('-').ok_or(UnreadableState)?;
        let month = CalendarMonth {
            year: year.parse().map_err(|_| UnreadableState)?,
            month: month.parse().ok().filter(|month| (1..=12).contains(month)).ok_or(UnreadableState)?,
        };
        Ok(Self { month, micros: micros.parse().map_err(|_| UnreadableState)? })
    }

    fn to_state(&self) -> LimitState {
        LimitState {
            state: format!("s{}-{}:{}", self.month.year, self.month.month, self.micros),
            expires_at: self.month.end().plus_seconds(CLOCK_SKEW_SECONDS),
        }
    }
}

/// What has been spent this month according to the state of a spend cap, in millionths.
///
/// # Errors
/// [`UnreadableState`]
pub fn spent(state: Option<&str>, now: Timestamp) -> Result<u64, UnreadableState> {
    MonthlySpend::read(state, now).map(|spent| spent.micros)
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

/// The limits that a request of this tenant must pass, sorted by key. The store locks them in this order, so that requests cannot
/// deadlock.
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
    let window = |max: u32, seconds: u64| Rule::Window { max, seconds };
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
