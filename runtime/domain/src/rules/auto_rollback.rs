//! When a version is rolled back automatically.
//!
//! A version is compared with the one that it replaces. It is rolled back if it misbehaves (traps, exceeds a limit, violates its
//! manifest) while the other does not, or if it fails significantly more often.
//!
//! Promises
//! - one fault is enough if the other version has none: a version that worked yesterday is the safer choice;
//! - a rate counts only if it is significant: at least five attempts, ten percentage points more, and a difference of more than three
//!   standard errors;
//! - no tenant takes a version away from the others, whatever it sends and however much ([`Verdict`]): what one tenant met withdraws the
//!   version for that tenant, and for all only what is still a reason without any one of them;
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

/// What is to be done about a new version that several tenants use.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It may stay.
    Stays,
    /// It is rolled back for all tenants.
    RolledBack(VersionFault),
    /// It is rolled back for these tenants only.
    Withdrawn(BTreeMap<String, VersionFault>),
}

/// What is to be done about a version that several tenants use.
pub fn verdict(new: &Tallies, old: &Tallies) -> Verdict {
    let all = Sides::of(new, old);
    if let Some(fault) = all.reason() {
        let does_not_need = |tenant: &String| all.without(new.get(tenant), old.get(tenant)).reason().is_some();
        if new.keys().all(does_not_need) {
            return Verdict::RolledBack(fault);
        }
    }
    let mut withdrawn = BTreeMap::new();
    for (tenant, tally) in new {
        let before = old.get(tenant);
        // Failures of a tenant that the other version has never served may be its own: a wrong password.
        if tally.faults == 0 && before.is_none_or(|before| before.attempts == 0) {
            continue;
        }
        let mut own = Sides::default();
        own.add(Some(tally), before);
        if let Some(fault) = own.reason() {
            withdrawn.insert(tenant.clone(), fault);
        }
    }
    if withdrawn.is_empty() { Verdict::Stays } else { Verdict::Withdrawn(withdrawn) }
}

/// Why a new version that only one tenant decides on must be rolled back; `None` if it may stay.
pub fn rollback_reason(new: &Tallies, old: &Tallies) -> Option<VersionFault> {
    Sides::of(new, old).reason()
}

/// Results of several tenants.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    total: Tally,
    /// The tenants with attempts, and the sum of their failure rates.
    tenants: u64,
    rates: f64,
}

impl Side {
    fn add(&mut self, tally: &Tally) {
        self.total.attempts += tally.attempts;
        self.total.failed += tally.failed;
        self.total.faults += tally.faults;
        if tally.attempts > 0 {
            self.tenants += 1;
            self.rates += tally.failed as f64 / tally.attempts as f64;
        }
    }

    fn remove(&mut self, tally: &Tally) {
        self.total.attempts -= tally.attempts;
        self.total.failed -= tally.failed;
        self.total.faults -= tally.faults;
        if tally.attempts > 0 {
            self.tenants -= 1;
            self.rates -= tally.failed as f64 / tally.attempts as f64;
        }
    }

    /// The failure rate, averaged over the tenants, so that each has the same weight.
    fn mean_rate(&self) -> Option<f64> {
        (self.tenants > 0).then(|| self.rates / self.tenants as f64)
    }
}

/// The results of a new version and of the one that it replaces.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    new: Side,
    old: Side,
    /// Of the tenants that both served.
    shared_new: Side,
    shared_old: Side,
    shared: u64,
}

impl Sides {
    fn of(new: &Tallies, old: &Tallies) -> Self {
        let mut sides = Self::default();
        new.iter().for_each(|(tenant, tally)| sides.add(Some(tally), old.get(tenant)));
        old.iter().filter(|(tenant, _)| !new.contains_key(*tenant)).for_each(|(_, tally)| sides.add(None, Some(tally)));
        sides
    }

    /// Adds the results of a tenant.
    fn add(&mut self, new: Option<&Tally>, old: Option<&Tally>) {
        new.into_iter().for_each(|tally| self.new.add(tally));
        old.into_iter().for_each(|tally| self.old.add(tally));
        if let (Some(new), Some(old)) = (new, old) {
            self.shared += 1;
            self.shared_new.add(new);
            self.shared_old.add(old);
        }
    }

    /// The same without the results of a tenant.
    fn without(mut self, new: Option<&Tally>, old: Option<&Tally>) -> Self {
        new.into_iter().for_each(|tally| self.new.remove(tally));
        old.into_iter().for_each(|tally| self.old.remove(tally));
        if let (Some(new), Some(old)) = (new, old) {
            self.shared -= 1;
            self.shared_new.remove(new);
            self.shared_old.remove(old);
        }
        self
    }

    fn reason(&self) -> Option<VersionFault> {
        self.misbehaves().or_else(|| self.fails_more())
    }

    fn misbehaves(&self) -> Option<VersionFault> {
        let (new, old) = (self.new.total, self.old.total);
        if new.faults == 0 {
            return None;
        }
        // Going back to a version that misbehaves as well helps only if it misbehaves significantly less.
        let clearly = is_significant((new.faults, new.attempts), (old.faults, old.attempts));
        (old.faults == 0 || clearly).then_some(VersionFault::Misbehaved { faults: new.faults, attempts: new.attempts })
    }

    fn fails_more(&self) -> Option<VersionFault> {
        // Compare tenants that both versions served; if there are none, compare all.
        let (new, old) = if self.shared > 0 { (&self.shared_new, &self.shared_old) } else { (&self.new, &self.old) };
        let (rate, before) = (new.mean_rate()?, old.mean_rate().unwrap_or(0.0));
        let (a, b) = (new.total, old.total);
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

    fn tally(attempts: u64, failed: u64, faults: u64) -> Tally {
        Tally { attempts, failed, faults }
    }

    /// Twenty tenants with fifty attempts each, and others.
    fn tenants(failed: u64, others: &[(&str, Tally)]) -> Tallies {
        let honest = (0..20).map(|number| (format!("t{number}"), tally(50, failed, 0)));
        honest.chain(others.iter().map(|(name, tally)| ((*name).to_owned(), *tally))).collect()
    }

    /// Whatever one tenant does: it fails more than all others together, or makes the version misbehave, with or without attempts
    /// on the version before, alone or where others fail by chance.
    #[test]
    fn a_tenant_takes_no_version_away_from_the_others() {
        let many = tally(100_000, 100_000, 0);
        let faulty = tally(11, 1, 1);
        for (before, hostile, by_chance, withdrawn) in [
            (Some(tally(10, 0, 0)), many, 0, true),
            (Some(tally(10, 0, 0)), faulty, 0, true),
            (Some(tally(10, 0, 0)), tally(100_000, 100_000, 50_000), 3, true),
            (Some(tally(10, 10, 0)), many, 3, false),
            (Some(tally(10, 10, 10)), tally(10, 10, 10), 3, false),
            (None, faulty, 0, true),
            (None, many, 0, false),
            (None, many, 3, false),
        ] {
            let old: Vec<_> = before.into_iter().map(|tally| ("hostile", tally)).collect();
            let verdict = verdict(&tenants(by_chance, &[("hostile", hostile)]), &tenants(0, &old));
            let found = match verdict {
                Verdict::Stays => Vec::new(),
                Verdict::Withdrawn(from) => from.into_keys().collect(),
                Verdict::RolledBack(fault) => panic!("{fault}: {before:?} {hostile:?}"),
            };
            assert_eq!(
                found,
                if withdrawn { vec!["hostile"] } else { Vec::new() },
                "{before:?} {hostile:?} {by_chance}"
            );
        }
    }

    #[test]
    fn where_several_agree_it_goes_for_all() {
        let healthy = tenants(0, &[]);
        for (what, new, goes) in [
            ("all fail much more often", tenants(40, &[]), true),
            ("two of them misbehave", tenants(0, &[("t0", tally(50, 1, 1)), ("t1", tally(50, 1, 1))]), true),
            ("one of them misbehaves", tenants(0, &[("t0", tally(50, 1, 1))]), false),
            ("nobody fails", tenants(0, &[]), false),
        ] {
            let verdict = verdict(&new, &healthy);
            assert_eq!(matches!(verdict, Verdict::RolledBack(_)), goes, "{what}: {verdict:?}");
        }
        // The only tenant that uses a version decides for itself.
        let alone = verdict(&of(20, 20, 0), &of(1000, 0, 0));
        assert!(matches!(alone, Verdict::Withdrawn(from) if from.len() == 1));
        // With nothing to compare with, two that mostly fail agree.
        let two: Tallies = [("a".to_owned(), tally(20, 20, 0)), ("b".to_owned(), tally(20, 20, 0))].into();
        assert!(matches!(verdict(&two, &Tallies::new()), Verdict::RolledBack(_)));
    }
}
