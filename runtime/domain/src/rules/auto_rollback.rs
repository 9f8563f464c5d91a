//! When a version is taken back by itself.
//!
//! A version is held against the one that it replaces. Two things end it: it misbehaves (traps, exceeds a limit, breaks its
//! manifest) while the other does not, or it fails clearly more often.
//!
//! Promises
//! - one fault is enough, where the other version has none: a version that worked yesterday is the safer choice;
//! - a rate counts only beyond chance: five attempts at least, ten points more, and a difference that three standard errors
//!   do not explain;
//! - each tenant counts once, whatever it sends: one tenant with a wrong password takes no version away from the others;
//! - what says nothing of a version (a number that takes no messages, suspicion of fraud, an overloaded machine, a country that
//!   is not served) does not count.
//!
//! Must not know: where attempts are kept, what happens to a version.

use std::collections::BTreeMap;

use sendbox_contract::FailureClass;

use crate::model::VersionFault;

/// Attempts of the new version before its rate says anything.
const ENOUGH: u64 = 5;
/// The margin: a rate of failures that is higher by this.
const MARGIN: f64 = 0.10;
/// And that chance explains in fewer than one of five hundred cases.
const STANDARD_ERRORS: f64 = 3.0;

/// How a version did for one tenant. Only what says something of the version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that have ended.
    pub attempts: u64,
    /// Of those: not accepted.
    pub failed: u64,
    /// Of those: it misbehaved.
    pub faults: u64,
}

/// Whether an attempt that ended like this says something of its version. `None`: it was accepted.
pub fn counts(class: Option<FailureClass>) -> bool {
    !matches!(
        class,
        Some(
            FailureClass::InvalidRecipient
                | FailureClass::RecipientUnsubscribed
                | FailureClass::RecipientBlocked
                | FailureClass::FraudBlocked
                | FailureClass::UnsupportedDestination
                | FailureClass::Unavailable
        )
    )
}

/// How a version did, by tenant.
pub type Tallies = BTreeMap<String, Tally>;

/// Why a version must go; `None`: it may stay.
pub fn rollback_reason(new: &Tallies, old: &Tallies) -> Option<VersionFault> {
    misbehaves(new, old).or_else(|| fails_more(new, old))
}

fn total(tallies: &Tallies) -> Tally {
    tallies.values().fold(Tally::default(), |sum, one| Tally {
        attempts: sum.attempts + one.attempts,
        failed: sum.failed + one.failed,
        faults: sum.faults + one.faults,
    })
}

fn misbehaves(new: &Tallies, old: &Tallies) -> Option<VersionFault> {
    let (new, old) = (total(new), total(old));
    if new.faults == 0 {
        return None;
    }
    // An old version that misbehaves too is no better, unless it does so more rarely than chance explains.
    let clearly = is_significant((new.faults, new.attempts), (old.faults, old.attempts));
    (old.faults == 0 || clearly).then_some(VersionFault::Misbehaved { faults: new.faults, attempts: new.attempts })
}

fn fails_more(new: &Tallies, old: &Tallies) -> Option<VersionFault> {
    // Only tenants that both have served can be compared; where there are none, whatever the old one did must do.
    let shared = |side: &Tallies, other: &Tallies| -> Tallies {
        side.iter()
            .filter(|(tenant, _)| other.contains_key(*tenant))
            .map(|(tenant, tally)| (tenant.clone(), *tally))
            .collect()
    };
    let (mine, theirs) = (shared(new, old), shared(old, new));
    let (mine, theirs) = if mine.is_empty() { (new.clone(), old.clone()) } else { (mine, theirs) };
    let (rate, before) = (mean_rate(&mine)?, mean_rate(&theirs).unwrap_or(0.0));
    let (a, b) = (total(&mine), total(&theirs));
    if b.attempts == 0 {
        // Nothing to compare with. A version that mostly fails is not better than one that was in use.
        return (a.attempts >= 2 * ENOUGH && rate > 0.5)
            .then_some(VersionFault::MostlyFailed { failed: a.failed, attempts: a.attempts });
    }
    if a.attempts < ENOUGH || rate - before < MARGIN || !is_significant((a.failed, a.attempts), (b.failed, b.attempts))
    {
        return None;
    }
    // A cast of a float to an integer saturates.
    let percent = |rate: f64| (rate * 100.0).round() as u64;
    let (attempts, attempts_before) = (a.attempts, b.attempts);
    Some(VersionFault::FailedMore { percent: percent(rate), attempts, before: percent(before), attempts_before })
}

/// The mean over the tenants of the share that failed.
fn mean_rate(tallies: &Tallies) -> Option<f64> {
    let rates: Vec<f64> = tallies
        .values()
        .filter(|tally| tally.attempts > 0)
        .map(|tally| tally.failed as f64 / tally.attempts as f64)
        .collect();
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}

/// Whether a share is higher than another one beyond chance: the two-proportion z statistic, with one success and one failure
/// added to each side (Agresti and Caffo 2000), which keeps it honest for small counts.
pub fn is_significant((hits, of): (u64, u64), (other_hits, other_of): (u64, u64)) -> bool {
    let side = |hits: u64, of: u64| {
        let count = of as f64 + 2.0;
        let share = (hits as f64 + 1.0) / count;
        (share, share * (1.0 - share) / count)
    };
    let ((share, variance), (other, other_variance)) = (side(hits, of), side(other_hits, other_of));
    share - other > STANDARD_ERRORS * (variance + other_variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attempts: u64, failed: u64, faults: u64) -> Tallies {
        [("t".to_owned(), Tally { attempts, failed, faults })].into()
    }

    #[test]
    fn a_fault_is_enough_where_the_other_has_none() {
        for (new, old, goes) in [
            (of(100, 0, 0), of(100, 0, 0), false),
            (of(1, 1, 1), of(1000, 0, 0), true),
            (of(1, 1, 1), of(0, 0, 0), true),
            (of(10, 1, 1), of(10, 1, 1), false),
            (of(1000, 300, 300), of(1000, 1, 1), true),
        ] {
            assert_eq!(rollback_reason(&new, &old).is_some(), goes, "{new:?} {old:?}");
        }
    }

    #[test]
    fn a_rate_counts_beyond_chance() {
        for (new, old, goes) in [
            ((4, 4), (1000, 0), false),
            ((5, 5), (1000, 0), true),
            ((20, 20), (1000, 0), true),
            ((10, 3), (10, 1), false),
            ((100, 12), (1000, 10), true),
            ((100, 8), (1000, 10), false),
            ((10_000, 1_050), (10_000, 1_000), false),
            ((100, 60), (100, 55), false),
            // Both cannot send: the provider is down, or the account is empty.
            ((50, 50), (50, 50), false),
            // Nobody knows how the other does.
            ((20, 20), (0, 0), true),
            ((9, 9), (0, 0), false),
            ((20, 5), (0, 0), false),
        ] {
            let (new, old) = (of(new.0, new.1, 0), of(old.0, old.1, 0));
            assert_eq!(rollback_reason(&new, &old).is_some(), goes, "{new:?} {old:?}");
        }
    }

    #[test]
    fn why_it_goes_is_said_as_data_too() {
        for (new, old, code, text) in [
            (of(9, 2, 2), of(9, 0, 0), "misbehaved", "it misbehaved in 2 of 9 attempts; see their traces"),
            (of(20, 18, 0), of(0, 0, 0), "mostly-failed", "18 of its 20 attempts failed"),
            (
                of(20, 15, 0),
                of(1000, 10, 0),
                "failed-more",
                "75 % of its 20 attempts failed, 1 % of the 1000 of the version before",
            ),
        ] {
            let fault = rollback_reason(&new, &old).unwrap();
            let written = serde_json::to_value(&fault).unwrap();
            assert_eq!(fault.code(), code);
            assert_eq!((written["code"].as_str(), fault.to_string().as_str()), (Some(code), text));
            for value in written["values"].as_object().unwrap().values() {
                assert!(text.contains(&value.to_string()), "{written}");
            }
            assert_eq!(serde_json::from_value::<VersionFault>(written).unwrap(), fault);
        }
    }

    /// One tenant of many, however much it sends.
    #[test]
    fn a_tenant_takes_no_version_away_from_the_others() {
        let honest =
            |failed| (0..20).map(move |number| (format!("t{number}"), Tally { attempts: 50, failed, faults: 0 }));
        let mut new: Tallies = honest(0).collect();
        let old: Tallies =
            honest(0).chain([("hostile".to_owned(), Tally { attempts: 10, failed: 0, faults: 0 })]).collect();
        new.insert("hostile".to_owned(), Tally { attempts: 100_000, failed: 100_000, faults: 0 });
        assert_eq!(rollback_reason(&new, &old), None);
        let all: Tallies = honest(40).collect();
        assert!(rollback_reason(&all, &old).is_some());
    }
}
