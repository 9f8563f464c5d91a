//! When a version is rolled back automatically.
//!
//! A version is compared with the one that it replaces. It is rolled back if it misbehaves (traps, exceeds a limit, violates its
//! manifest) while the other does not, or if it fails significantly more often.
//!
//! Promises
//! - one fault is enough if the other version has none: a version that worked yesterday is the safer choice;
//! - a rate counts only if it is significant: at least five attempts, ten percentage points more, and a difference of more than three
//!   standard errors;
//! - every tenant has the same weight, however much it sends: one tenant with a wrong password does not take a version away from the
//!   others;
//! - failures that say nothing about a version (an unreachable number, suspected fraud, an overloaded machine, an unsupported country)
//!   do not count.
//!
//! Must not know: where attempts are stored, how a rollback is done.

use std::collections::BTreeMap;

use sendbox_contract::FailureClass;

use crate::model::VersionFault;

/// Minimum number of attempts of the new version for its rate to be meaningful.
const MIN_ATTEMPTS: u64 = 5;
/// The failure rate must be higher by this much.
const MARGIN: f64 = 0.10;
/// The difference must exceed this many standard errors, which chance explains in fewer than one of five hundred cases.
const STANDARD_ERRORS: f64 = 3.0;

/// How a version performed for one tenant. Only attempts that say something about the version are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that have ended.
    pub attempts: u64,
    /// How many of them were not accepted.
    pub failed: u64,
    /// How many of them misbehaved.
    pub faults: u64,
}

/// Whether an attempt with this failure says something about its version. `None` means that it was accepted.
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

/// How a version performed, by tenant.
pub type Tallies = BTreeMap<String, Tally>;

/// Why the new version must be rolled back; `None` if it may stay.
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
    // Going back to a version that misbehaves as well helps only if it misbehaves significantly less.
    let clearly = is_significant((new.faults, new.attempts), (old.faults, old.attempts));
    (old.faults == 0 || clearly).then_some(VersionFault::Misbehaved { faults: new.faults, attempts: new.attempts })
}

fn fails_more(new: &Tallies, old: &Tallies) -> Option<VersionFault> {
    // Compare tenants that both versions served; if there are none, compare all.
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
        // There is nothing to compare with. A version that mostly fails is no better than the one that was in use.
        return (a.attempts >= 2 * MIN_ATTEMPTS && rate > 0.5)
            .then_some(VersionFault::MostlyFailed { failed: a.failed, attempts: a.attempts });
    }
    if a.attempts < MIN_ATTEMPTS
        || rate - before < MARGIN
        || !is_significant((a.failed, a.attempts), (b.failed, b.attempts))
    {
        return None;
    }
    // Casting a float to an integer saturates.
    let percent = |rate: f64| (rate * 100.0).round() as u64;
    let (attempts, attempts_before) = (a.attempts, b.attempts);
    Some(VersionFault::FailedMore { percent: percent(rate), attempts, before: percent(before), attempts_before })
}

/// The failure rate, averaged over the tenants.
fn mean_rate(tallies: &Tallies) -> Option<f64> {
    let rates: Vec<f64> = tallies
        .values()
        .filter(|tally| tally.attempts > 0)
        .map(|tally| tally.failed as f64 / tally.attempts as f64)
        .collect();
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}

/// Whether a proportion is significantly higher than another one: the two-proportion z statistic with one success and one failure added
/// to each side (Agresti and Caffo 2000), which keeps it reliable for small counts.
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
