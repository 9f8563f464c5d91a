//! The circuit breaker of a connection, and the retry budget of a tenant.
//!
//! A [`Breaker`] belongs to one tenant, connector version and host, a [`RetryBudget`] to one tenant. Both live in memory: they protect
//! the provider and the waiting user, no promise depends on them, and a new process can learn the state again.
//!
//! Promises
//! - a breaker opens after five failures in a row within a minute, or after one that waiting cannot fix; a success in between resets the
//!   count;
//! - an open breaker lets nothing through; then it admits one probe at a time, and only a successful probe closes it;
//! - neither a probe whose outcome is never recorded nor a clock that is set back keeps it open for good.
//!
//! Must not know: how failures are classified (see [`super::retry::breaker_event`]), who asks.

use std::collections::VecDeque;

use crate::model::Timestamp;

/// Number of failures in a row that open a breaker.
const FAILURE_THRESHOLD: usize = 5;
/// The failures count only if they occur within this period.
const FAILURE_WINDOW_MS: u64 = 60_000;
/// How long a breaker stays open at first. Each failed probe doubles it.
const FIRST_OPEN_MS: u64 = 30_000;
/// The longest that a breaker stays open.
const MAX_OPEN_MS: u64 = 300_000;
/// A probe without an outcome is given up after this time. No send takes longer.
const PROBE_TIMEOUT_MS: u64 = 60_000;
/// How long a message waits before it asks again while a probe is running.
const PROBE_POLL_MS: u64 = 2_000;
/// The shortest period over which waiting messages are spread when a breaker lets messages through again.
const MIN_SPREAD_MS: u64 = 5_000;

/// What the outcome of an attempt means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEvent {
    /// The provider accepted the message.
    Success,
    /// The provider was unreachable or overloaded, or the outcome is in doubt.
    Failure,
    /// The connection cannot work until somebody fixes it.
    OpenAtOnce,
    /// The outcome concerns the message, not the connection.
    Ignore,
}

/// Whether an attempt may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerDecision {
    /// It may.
    Allow,
    /// It may, as a probe. Its outcome decides whether the breaker closes, so it must be recorded.
    Probe,
    /// It may not.
    Reject {
        /// When to ask again.
        until: Timestamp,
    },
    /// It may not, because a probe is running.
    ProbeRunning {
        /// When the probe is given up, if its outcome is not recorded before.
        until: Timestamp,
    },
}

impl BreakerDecision {
    /// When a message that may not be sent asks again. `None`: it may be sent.
    pub fn wait_until(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Allow | Self::Probe => None,
            Self::Reject { until } => Some(until),
            // Most probes have their outcome long before they are given up.
            Self::ProbeRunning { until } => Some(until.min(now.plus_millis(PROBE_POLL_MS))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Timestamp,
    },
    /// Waits for the outcome of a probe, if one has started.
    HalfOpen {
        probe: Option<Timestamp>,
    },
}

/// When a message that an open breaker has stopped asks again: after `until`, and not all messages at the same time. `jitter` is
/// from 0 to 1. `None`: the message expires before that.
pub fn resume_at(until: Timestamp, now: Timestamp, expires_at: Timestamp, jitter: f64) -> Option<Timestamp> {
    let spread = until.millis_since(now).max(MIN_SPREAD_MS) as f64 * jitter.clamp(0.0, 1.0);
    // A cast of a float to an integer saturates. What the spread does not leave time for asks as soon as it can.
    let at = until.plus_millis(spread as u64);
    [at, until].into_iter().find(|at| *at < expires_at)
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    state: State,
    /// The most recent failures since the last success, up to [`FAILURE_THRESHOLD`].
    failures: VecDeque<Timestamp>,
    /// How long the breaker stays open this time.
    open_ms: u64,
}

impl Default for Breaker {
    /// Closed.
    fn default() -> Self {
        Self { state: State::Closed, failures: VecDeque::new(), open_ms: FIRST_OPEN_MS }
    }
}

impl Breaker {
    /// Whether an attempt may begin now. After [`BreakerDecision::Probe`], the probe counts as running.
    pub fn allows(&mut self, now: Timestamp) -> BreakerDecision {
        match self.state {
            State::Closed => BreakerDecision::Allow,
            State::Open { until } => {
                // More than the whole period is left only if the clock was set back.
                let until = until.min(now.plus_millis(self.open_ms));
                if now < until {
                    self.state = State::Open { until };
                    return BreakerDecision::Reject { until };
                }
                self.probe(now)
            }
            State::HalfOpen { probe: Some(begun) } => {
                let begun = begun.min(now);
                let given_up = begun.plus_millis(PROBE_TIMEOUT_MS);
                if now < given_up {
                    self.state = State::HalfOpen { probe: Some(begun) };
                    return BreakerDecision::ProbeRunning { until: given_up };
                }
                self.probe(now)
            }
            State::HalfOpen { probe: None } => self.probe(now),
        }
    }

    /// Whether the breaker is open, without starting a probe. For choosing between connections and for display.
    pub fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Open { until } if now < until)
    }

    fn probe(&mut self, now: Timestamp) -> BreakerDecision {
        self.state = State::HalfOpen { probe: Some(now) };
        BreakerDecision::Probe
    }

    /// Records the outcome of an attempt.
    pub fn record(&mut self, event: BreakerEvent, now: Timestamp) {
        match (event, self.state) {
            // The attempt began before the breaker opened: the probe decides.
            (_, State::Open { .. }) => {}
            (BreakerEvent::Success, State::Closed) => self.failures.clear(),
            (BreakerEvent::Success, State::HalfOpen { .. }) => *self = Self::default(),
            (BreakerEvent::Failure, State::Closed) => {
                self.failures.push_back(now);
                while self.failures.len() > FAILURE_THRESHOLD {
                    self.failures.pop_front();
                }
                let first = self.failures.front().copied().unwrap_or(now);
                if self.failures.len() == FAILURE_THRESHOLD && now.millis_since(first) <= FAILURE_WINDOW_MS {
                    self.open(now);
                }
            }
            (BreakerEvent::OpenAtOnce, State::Closed) => self.open(now),
            (BreakerEvent::Failure | BreakerEvent::OpenAtOnce, State::HalfOpen { .. }) => {
                self.open_ms = self.open_ms.saturating_mul(2).min(MAX_OPEN_MS);
                self.open(now);
            }
            (BreakerEvent::Ignore, State::Closed) => {}
            // The probe was inconclusive, so another one may run.
            (BreakerEvent::Ignore, State::HalfOpen { .. }) => self.state = State::HalfOpen { probe: None },
        }
    }

    fn open(&mut self, now: Timestamp) {
        self.failures.clear();
        self.state = State::Open { until: now.plus_millis(self.open_ms) };
    }
}

/// Retries per hundred first attempts.
const RETRY_PERCENT: u64 = 10;
/// Retries per minute that every tenant has, so that one that sends little can retry at all.
const MIN_RETRIES: u64 = 10;
/// The period over which first attempts and retries are counted.
const BUDGET_WINDOW_SECONDS: u64 = 60;

/// Keeps retries from piling up when a provider fails: at most a tenth of the first attempts of the last minute, or ten if that is more.
#[derive(Clone, Debug, Default)]
pub struct RetryBudget {
    /// Counts by second, oldest first.
    seconds: VecDeque<Second>,
}

#[derive(Clone, Copy, Debug)]
struct Second {
    /// Seconds since the Unix epoch.
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

    /// Takes a retry from the budget, if one is left.
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
        retries < (first_attempts.saturating_mul(RETRY_PERCENT) / 100).max(MIN_RETRIES)
    }

    /// The counts of the current second. If the clock was set back a little, the latest second is used.
    fn second(&mut self, now: Timestamp) -> Option<&mut Second> {
        self.seconds.retain(|second| is_recent(second, now));
        let at = now.0.div_euclid(1000);
        if self.seconds.back().is_none_or(|last| last.at < at) {
            self.seconds.push_back(Second { at, first_attempts: 0, retries: 0 });
        }
        self.seconds.back_mut()
    }
}

/// Whether a second is within the last minute or, if the clock was set back, up to a minute ahead.
fn is_recent(second: &Second, now: Timestamp) -> bool {
    now.0.div_euclid(1000).abs_diff(second.at) < BUDGET_WINDOW_SECONDS
}

#[cfg(test)]
mod tests;
