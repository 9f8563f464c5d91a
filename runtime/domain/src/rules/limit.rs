//! Limits on new messages: their rate, the pause between them, and what they may cost.
//!
//! A [`Rule`] decides from its state, a short text that the store keeps under the key of a bucket. The store reads the state and writes
//! the new one in one transaction, so limits are exact under any concurrency. Which rules a request must pass is in `rules/buckets.rs`.
//! A request counts towards all of them or towards none.
//!
//! Promises
//! - a rule is never exceeded in any window of its length: a slot that has partly left the window still counts as a whole, so the rule
//!   errs on the strict side, by at most a sixtieth of the window;
//! - a clock that is set back opens no limit, and one that was ahead for a moment closes none: what was counted in the future is
//!   counted as of now ([`Rule::redated`]), so a limit that is used up opens after its own length, and a minute at most;
//! - what is given back ([`Rule::refund`]) is taken from where it was counted, so no limit lets more through than if the request had
//!   never been made;
//! - a refusal names the time at which the same request passes, if nothing else is counted before;
//! - a state is smaller than one kilobyte, whatever the limit. A state that cannot be read lets nothing through.
//!
//! Must not know: how a number is hashed, where a state is stored.

use std::collections::BTreeMap;

use time::{Date, Month, OffsetDateTime};

use crate::model::Timestamp;

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
/// Clocks of two machines may differ by this many seconds. What was counted further in the future was counted by a wrong clock.
const MAX_AHEAD_SECONDS: u64 = 60;

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

    /// Gives back a request that was counted, and whose message was certainly not sent.
    ///
    /// `taken_at` is the time that was passed to [`Rule::take`]. `None` if there is nothing to change: its window or month is over, or
    /// the state no longer shows what was counted then.
    ///
    /// # Errors
    /// [`UnreadableState`]
    pub fn refund(&self, state: &str, taken_at: Timestamp) -> Result<Option<LimitState>, UnreadableState> {
        match *self {
            Self::Window { seconds, .. } => {
                Ok(Window::read(Some(state), seconds)?.without(taken_at).map(|window| window.to_state()))
            }
            Self::Cooldown { .. } => Ok(Cooldown::read(state)?.without(taken_at).map(|cooldown| cooldown.to_state())),
            Self::Spend { price_micros, .. } => {
                let spent = MonthlySpend::parse(state)?;
                if price_micros == 0 || spent.month != CalendarMonth::of(taken_at) {
                    return Ok(None);
                }
                Ok(Some(MonthlySpend { micros: spent.micros.saturating_sub(price_micros), ..spent }.to_state()))
            }
        }
    }

    /// The state with everything that lies in the future dated now, if the clock was ahead when it was counted. `None` if it was not.
    /// To be stored before the state is used, even if the request is refused: otherwise the limit stays closed until that future.
    ///
    /// # Errors
    /// [`UnreadableState`]
    pub fn redated(&self, state: &str, now: Timestamp) -> Result<Option<LimitState>, UnreadableState> {
        let latest = now.plus_seconds(MAX_AHEAD_SECONDS);
        match *self {
            Self::Window { seconds, .. } => {
                let window = Window::read(Some(state), seconds)?;
                let is_ahead = window.used().any(|(slot, _)| slot.saturating_mul(window.width) > latest.0);
                Ok(is_ahead.then(|| window.dated_no_later_than(now).to_state()))
            }
            Self::Cooldown { .. } => {
                let cooldown = Cooldown::read(state)?;
                let is_ahead = cooldown.last > latest;
                Ok(is_ahead.then(|| Cooldown { last: now, earlier: None, ..cooldown }.to_state()))
            }
            Self::Spend { .. } => {
                let spent = MonthlySpend::parse(state)?;
                let is_ahead = spent.month > CalendarMonth::of(latest);
                Ok(is_ahead.then(|| MonthlySpend { month: CalendarMonth::of(now), ..spent }.to_state()))
            }
        }
    }

    /// How many requests count now towards a window.
    ///
    /// # Errors
    /// [`UnreadableState`]; also for another rule.
    pub fn count(&self, state: Option<&str>, now: Timestamp) -> Result<u64, UnreadableState> {
        let Self::Window { seconds, .. } = *self else { return Err(UnreadableState) };
        let window = Window::read(state, seconds)?;
        Ok(window.inside(window.effective_now(now)).values().copied().map(u64::from).sum())
    }

    /// The state with one more request.
    fn increment(&self, state: Option<&str>, now: Timestamp) -> Result<LimitState, UnreadableState> {
        match *self {
            Self::Window { seconds, .. } => Ok(Window::read(state, seconds)?.incremented(now).to_state()),
            Self::Cooldown { seconds: 0 } => Ok(Cooldown { last: now, doublings: 0, earlier: None }.to_state()),
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
        let inside = self.inside(effective_now);
        let mut sum: u64 = inside.values().copied().map(u64::from).sum();
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
        let mut counts = self.inside(effective_now);
        let count = counts.entry(slot).or_default();
        *count = count.saturating_add(1);
        self.with(slot, counts)
    }

    /// The counts by slot that are still in the window.
    fn inside(&self, now: i64) -> BTreeMap<i64, u32> {
        self.used().filter(|(slot, _)| self.leaves_window_at(*slot) > now).collect()
    }

    /// With these counts, the last of which is not after `last`.
    fn with(self, last: i64, counts: BTreeMap<i64, u32>) -> Self {
        let first = counts.keys().next().map_or(last, |slot| *slot);
        let counts = (first..=last).map(|slot| counts.get(&slot).copied().unwrap_or(0)).collect();
        Self { first, counts, ..self }
    }

    /// With everything that lies in the future moved into the present slot.
    fn dated_no_later_than(self, now: Timestamp) -> Self {
        let present = now.0.div_euclid(self.width);
        let mut counts = BTreeMap::new();
        for (slot, count) in self.inside(now.0) {
            let of_slot: &mut u32 = counts.entry(slot.min(present)).or_default();
            *of_slot = of_slot.saturating_add(count);
        }
        self.with(present, counts)
    }

    /// Without one of the requests that were counted at this time. `None` if none is.
    fn without(mut self, taken_at: Timestamp) -> Option<Self> {
        let index = usize::try_from(taken_at.0.div_euclid(self.width).checked_sub(self.first)?).ok()?;
        let count = self.counts.get_mut(index)?;
        *count = count.checked_sub(1)?;
        Some(self)
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

/// The time of the last request, and how often the pause was doubled. Encoded as `c<ms>:<doublings>`, followed by `:<ms>` of the
/// request before it.
struct Cooldown {
    last: Timestamp,
    doublings: u32,
    /// The request before the last one. Its pause was doubled for the last one. `None` if there was none, or if it is not known any more.
    earlier: Option<Timestamp>,
}

impl Cooldown {
    fn read(state: &str) -> Result<Self, UnreadableState> {
        let (last, rest) = state.strip_prefix('c').and_then(|rest| rest.split_once(':')).ok_or(UnreadableState)?;
        let (doublings, earlier) = rest.split_once(':').map_or((rest, None), |(one, other)| (one, Some(other)));
        let time = |text: &str| text.parse().map(Timestamp).map_err(|_| UnreadableState);
        Ok(Self {
            last: time(last)?,
            doublings: doublings.parse().map_err(|_| UnreadableState)?,
            earlier: earlier.map(time).transpose()?,
        })
    }

    fn ends(&self, seconds: u64) -> Timestamp {
        let grown = seconds.saturating_mul(1 << self.doublings.min(MAX_DOUBLINGS));
        self.last.plus_seconds(grown.min(MAX_COOLDOWN_SECONDS))
    }

    fn after(last: Option<Self>, now: Timestamp) -> Self {
        match last.filter(|last| now < last.last.plus_seconds(COOLDOWN_RESET_SECONDS)) {
            Some(last) => Self { last: now, doublings: last.doublings.saturating_add(1), earlier: Some(last.last) },
            None => Self { last: now, doublings: 0, earlier: None },
        }
    }

    /// Without the request that was counted at this time. `None` if it is none of the last two, or nothing is known of the one
    /// before it.
    fn without(self, taken_at: Timestamp) -> Option<Self> {
        if taken_at == self.last {
            return match (self.doublings.checked_sub(1), self.earlier) {
                (Some(doublings), Some(earlier)) => Some(Self { last: earlier, doublings, earlier: None }),
                (Some(_), None) => None,
                // The first one. Without it, the last request was so long ago that it no longer matters.
                (None, _) => {
                    let long_ago = taken_at.minus_millis(COOLDOWN_RESET_SECONDS * 1000);
                    Some(Self { last: long_ago, doublings: 0, earlier: None })
                }
            };
        }
        (Some(taken_at) == self.earlier).then(|| Self {
            doublings: self.doublings.saturating_sub(1),
            earlier: None,
            ..self
        })
    }

    fn to_state(&self) -> LimitState {
        let earlier = self.earlier.map(|at| format!(":{}", at.0)).unwrap_or_default();
        LimitState {
            state: format!("c{}:{}{earlier}", self.last.0, self.doublings),
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

#[cfg(test)]
mod tests;
