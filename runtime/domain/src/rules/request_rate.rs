//! How many requests a tenant's keys may make, beside messages and checks, which have limits of their own.
//!
//! Each request costs points by the work that it causes. A key and its tenant each have an allowance of points, which refills steadily.
//!
//! Promises
//! - within any period, no more points are spent than the allowance and what has refilled since;
//! - a refusal spends nothing, and names the time after which the same request passes, if nothing else is spent before.
//!
//! Times are those of a clock that is never set, since some moment of the process: what was spent is kept in memory only.
//!
//! Must not know: which requests there are, and where spent points are kept.

use std::time::Duration;

use serde::Deserialize;

/// How many seconds an allowance takes to refill.
const BURST_SECONDS: u32 = 20;
/// More would be no limit.
const MAX_PER_SECOND: u32 = 1_000_000;

/// The work that a request causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Reads one thing, or a short list.
    Read,
    /// Reads a page of what may be millions, or changes something.
    SearchOrChange,
    /// Renders texts, compiles or calls a connector.
    Compute,
}

impl Work {
    /// What it costs, in points.
    pub fn points(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::SearchOrChange => 5,
            Self::Compute => 20,
        }
    }
}

/// An allowance of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most points that can be spent at once.
    pub max: u32,
    /// How long one point takes to refill.
    pub refill: Duration,
}

impl Allowance {
    /// What one key may spend on signing in, one point each time. Each leaves an entry in the audit log.
    pub const SIGN_INS: Self = Self { max: 100, refill: Duration::from_secs(300) };

    /// So many points a second on average, and as many as refill in 20 seconds at once.
    pub fn per_second(points: u32) -> Self {
        let points = points.clamp(1, MAX_PER_SECOND);
        Self { max: points * BURST_SECONDS, refill: Duration::from_secs(1) / points }
    }
}

/// How many points may be spent, which the operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestRates {
    /// Points a second of one key.
    pub key_per_second: u32,
    /// Points a second of all keys of a tenant together.
    pub tenant_per_second: u32,
}

impl Default for RequestRates {
    fn default() -> Self {
        Self { key_per_second: 50, tenant_per_second: 100 }
    }
}

/// When everything that was spent has refilled. All that is kept of an allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    refilled_at: Duration,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remaining {
    /// The points that can be spent now.
    pub points: u32,
    /// The most points that can be spent at once.
    pub max: u32,
    /// The seconds after which all of them can be spent again, rounded up.
    pub refilled_in: u64,
}

impl Spent {
    /// What is left of the allowance.
    pub fn remaining(self, allowance: Allowance, now: Duration) -> Remaining {
        let missing = self.refilled_at.saturating_sub(now);
        let refill = allowance.refill.as_nanos().max(1);
        let spent = u32::try_from(missing.as_nanos().div_ceil(refill)).unwrap_or(u32::MAX);
        Remaining {
            points: allowance.max.saturating_sub(spent),
            max: allowance.max,
            refilled_in: missing.as_secs() + u64::from(missing.subsec_nanos() > 0),
        }
    }

    /// Whether this is the same as if nothing had been spent.
    pub fn is_refilled(self, now: Duration) -> bool {
        self.refilled_at <= now
    }

    /// Spends the points of a request.
    ///
    /// # Errors
    /// The seconds after which the same request passes, rounded up.
    pub fn spend(self, allowance: Allowance, points: u32, now: Duration) -> Result<Self, u64> {
        let refilled_at = self.refilled_at.max(now) + allowance.refill * points;
        let early = refilled_at.saturating_sub(now + allowance.refill * allowance.max);
        if early.is_zero() {
            Ok(Self { refilled_at })
        } else {
            Err(early.as_secs() + u64::from(early.subsec_nanos() > 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_is_what_can_be_spent() {
        let allowance = Allowance::per_second(5);
        let mut spent = Spent::default();
        let mut now = Duration::from_secs(7);
        assert_eq!(spent.remaining(allowance, now), Remaining { points: 100, max: 100, refilled_in: 0 });
        for (points, left, refilled_in) in [(1, 99, 1), (20, 79, 5), (79, 0, 20)] {
            spent = spent.spend(allowance, points, now).unwrap();
            assert_eq!(spent.remaining(allowance, now), Remaining { points: left, max: 100, refilled_in });
        }
        assert!(spent.spend(allowance, 1, now).is_err());
        now += Duration::from_millis(1100);
        assert_eq!(spent.remaining(allowance, now), Remaining { points: 5, max: 100, refilled_in: 19 });
        assert!(spent.spend(allowance, 5, now).is_ok() && spent.spend(allowance, 6, now).is_err());
    }

    const TINY: Allowance = Allowance { max: 40, refill: Duration::from_millis(100) };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn an_allowance_is_spent_and_refills() {
        let spent = Spent::default().spend(TINY, 20, at(0)).unwrap().spend(TINY, 20, at(0)).unwrap();
        assert_eq!(spent.spend(TINY, 20, at(0)), Err(2));
        assert_eq!(spent.spend(TINY, 1, at(0)), Err(1));
        assert!(spent.spend(TINY, 1, at(100)).is_ok());
        assert!(spent.spend(TINY, 20, at(1_999)).is_err());
        assert!(spent.spend(TINY, 20, at(2_000)).is_ok());
        assert!(!spent.is_refilled(at(3_999)) && spent.is_refilled(at(4_000)));
    }

    proptest! {
        #[test]
        fn no_more_is_spent_than_what_was_there_and_what_has_refilled(
            requests in prop::collection::vec((0..3_000_u64, 0..40_u32), 1..200),
        ) {
            let (mut now, mut spent, mut points) = (0, Spent::default(), 0);
            for (pause, cost) in requests {
                now += pause;
                match spent.spend(TINY, cost, at(now)) {
                    Ok(after) => {
                        points += u64::from(cost);
                        spent = after;
                    }
                    Err(seconds) => prop_assert!(spent.spend(TINY, cost, at(now + seconds * 1000)).is_ok()),
                }
                prop_assert!(points <= u64::from(TINY.max) + now / 100);
            }
        }
    }
}
