//! When a connection is left alone for a while, and how much may be tried again.
//!
//! A [`Breaker`] belongs to one tenant, connector version and host, a [`RetryBudget`] to one tenant. Both live in memory:
//! what they protect is the provider and the waiting user, not a promise, and a new process may learn it again.
//!
//! Promises
//! - five failures in a row within a minute open it, or one that no waiting cures; a success in between resets the count;
//! - while it is open nothing passes; then one probe at a time, and only its success closes it;
//! - a probe that never reports does not keep it shut, and a clock that is set back does not either.
//!
//! Must not know: what a failure was (see [`super::retry::counts_for_breaker`]), who asks.

use std::collections::VecDeque;

use crate::model::Timestamp;

/// Failures in a row that open it.
const FAILURES: usize = 5;
/// They count if they fall within so many milliseconds.
const WITHIN_MS: u64 = 60_000;
/// How long it stays open at first, and at most. Each probe that fails doubles it.
const FIRST_OPEN_MS: u64 = 30_000;
const LONGEST_OPEN_MS: u64 = 300_000;
/// A probe that has not reported after so long is given up. No send takes longer.
const PROBE_MS: u64 = 60_000;

/// What an attempt says of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEvent {
    /// The provider took the message.
    Success,
    /// The provider could not be reached, or was overloaded, or nobody knows.
    Failure,
    /// It cannot work until somebody puts it right.
    OpenAtOnce,
    /// About the message, not about the connection.
    Ignore,
}

/// Whether an attempt may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Yes.
    Yes,
    /// Yes, and it decides whether others may: its outcome must be recorded.
    Probe,
    /// No.
    No {
        /// When to ask again.
        until: Timestamp,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Timestamp,
    },
    /// Waits for the outcome of a probe, if one was begun.
    HalfOpen {
        probe: Option<Timestamp>,
    },
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    /// Failures since the last success, the latest [`FAILURES`] of them.
    failures: VecDeque<Timestamp>,
    /// How long it is open this time.
    open_ms: u64,
}

impl Default for Breaker {
    /// Closed.
    fn default() -> Self {
        Self { state: State::Closed, failures: VecDeque::new(), open_ms: FIRST_OPEN_MS }
    }
}

impl Breaker {
    /// Whether an attempt may begin now. A [`Allowed::Probe`] is under way from here on.
    pub fn allows(&mut self, now: Timestamp) -> Allowed {
        match self.state {
            State::Closed => Allowed::Yes,
            State::Open { until } => {
                // More than its whole time is left only when the clock was set back.
                let until = until.min(now.plus_millis(self.open_ms));
                if now < until {
                    self.state = State::Open { until };
                    return Allowed::No { until };
                }
                self.probe(now)
            }
            State::HalfOpen { probe: Some(begun) } => {
                let begun = begun.min(now);
                let until = begun.plus_millis(PROBE_MS);
                if now < until {
                    self.state = State::HalfOpen { probe: Some(begun) };
                    return Allowed::No { until };
                }
                self.probe(now)
            }
            State::HalfOpen { probe: None } => self.probe(now),
        }
    }

    /// Whether an attempt could begin, without beginning one: for choosing between connections, and for showing.
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Open { until } if now < until)
    }

    fn probe(&mut self, now: Timestamp) -> Allowed {
        self.state = State::HalfOpen { probe: Some(now) };
        Allowed::Probe
    }

    /// Counts what became of an attempt.
    pub fn record(&mut self, event: BreakerEvent, now: Timestamp) {
        match (event, self.state) {
            // An attempt from before it opened: the probe decides.
            (_, State::Open { .. }) => {}
            (BreakerEvent::Success, State::Closed) => self.failures.clear(),
            (BreakerEvent::Success, State::HalfOpen { .. }) => *self = Self::default(),
            (BreakerEvent::Failure, State::Closed) => {
                self.failures.push_back(now);
                while self.failures.len() > FAILURES {
                    self.failures.pop_front();
                }
                let first = self.failures.front().copied().unwrap_or(now);
                if self.failures.len() == FAILURES && now.millis_since(first) <= WITHIN_MS {
                    self.open(now);
                }
            }
            (BreakerEvent::OpenAtOnce, State::Closed) => self.open(now),
            (BreakerEvent::Failure | BreakerEvent::OpenAtOnce, State::HalfOpen { .. }) => {
                self.open_ms = self.open_ms.saturating_mul(2).min(LONGEST_OPEN_MS);
                self.open(now);
            }
            (BreakerEvent::Ignore, State::Closed) => {}
            // The probe said nothing of the connection: another one may.
            (BreakerEvent::Ignore, State::HalfOpen { .. }) => self.state = State::HalfOpen { probe: None },
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.failures.clear();
        self.state = State::Open { until: now.plus_millis(self.open_ms) };
    }
}

/// Retries for each hundred first attempts.
const RETRY_PERCENT: u64 = 10;
/// Retries in a minute that a tenant has in any case, so that one that sends little can retry at all.
const FEWEST_RETRIES: u64 = 10;
/// First attempts and retries are counted over so many seconds.
const BUDGET_SECONDS: u64 = 60;

/// Keeps retries from becoming a flood when a provider fails: at most a tenth of the first attempts of the last minute, and
/// ten in any case.
#[derive(Clone, Debug, Default)]
pub struct RetryBudget {
    /// By second, ascending as they came.
    seconds: VecDeque<Second>,
}

#[derive(Clone, Copy, Debug)]
struct Second {
    /// Since 1970.
    at: i64,
    first_attempts: u64,
    retries: u64,
}

impl RetryBudget {
    /// Counts a message's first attempt.
    pub fn first_attempt(&mut self, now: Timestamp) {
        if let Some(second) = self.second(now) {
            second.first_attempts = second.first_attempts.saturating_add(1);
        }
    }

    /// Takes one retry, if there is one left.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let has = self.has(now);
        if has && let Some(second) = self.second(now) {
            second.retries = second.retries.saturating_add(1);
        }
        has
    }

    /// Whether a retry is left, without taking it.
    pub fn has(&self, now: Timestamp) -> bool {
        let (first_attempts, retries) = self.seconds.iter().filter(|second| is_recent(second, now)).fold(
            (0_u64, 0_u64),
            |(first, retries), second| {
                (first.saturating_add(second.first_attempts), retries.saturating_add(second.retries))
            },
        );
        retries < (first_attempts.saturating_mul(RETRY_PERCENT) / 100).max(FEWEST_RETRIES)
    }

    /// The second that it is. On a clock that was set back a little, the latest one is used.
    fn second(&mut self, now: Timestamp) -> Option<&mut Second> {
        self.seconds.retain(|second| is_recent(second, now));
        let at = now.0.div_euclid(1000);
        if self.seconds.back().is_none_or(|last| last.at < at) {
            self.seconds.push_back(Second { at, first_attempts: 0, retries: 0 });
        }
        self.seconds.back_mut()
    }
}

/// Of the last minute; or, on a clock that was set back, of a minute ahead. What lies further ahead is of no use any more.
fn is_recent(second: &Second, now: Timestamp) -> bool {
    now.0.div_euclid(1000).abs_diff(second.at) < BUDGET_SECONDS
}

#[cfg(test)]
mod tests;
