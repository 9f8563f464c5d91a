//! What of a tenant needs a person. `model/finding.rs` has the words.
//!
//! Promises
//! - it says what is the matter now, and falls silent when that is over: no state, nothing to be ticked off;
//! - a rate counts only beyond chance, so that a tenant that sends little does not get an alert for one wrong number;
//! - the most severe comes first; the same facts give the same words in the same order;
//! - no text holds a number, a code or a message.
//!
//! Must not know: where the facts come from.

use sendbox_contract::FailureClass;

use crate::model::{
    Attention, Conversion, Countries, Environment, Finding, Flow, Rollback, Severity, Span, SpendPolicy, Subject,
    SubjectKind, Timestamp, VersionFault,
};
use crate::rules::auto_rollback;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// What has just failed is of this time.
pub const RECENT_MS: u64 = HOUR_MS;
/// How long a version that was taken back, and how far back rates are looked at.
pub const LATELY_MS: u64 = DAY_MS;
/// After so long a secret is old.
const OLD_SECRET_MS: u64 = 365 * DAY_MS;
/// Messages or verifications before a rate says anything.
const ENOUGH: u64 = 20;
/// A rate of success below this is to be looked at.
const GOOD: f64 = 0.8;
/// Below this most messages are lost.
const HALF: f64 = 0.5;
/// Of the spend cap, in percent.
const NEARLY_SPENT: u64 = 80;
/// The largest number of names in a text.
const MAX_NAMES: usize = 3;

/// What is known of a tenant.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What time it is.
    pub now: Timestamp,
    /// What the tenant is for.
    pub environment: Environment,
    /// Flows that are on.
    pub flows: &'a [Flow],
    /// Where messages may go.
    pub countries: &'a Countries,
    /// The connection that sends.
    pub active: Option<Active>,
    /// Messages of the last hour.
    pub last_hour: Tally,
    /// Messages of the last day.
    pub last_day: Tally,
    /// Messages of the last day of which a provider reported the end, and whether they are there.
    pub reported: Tally,
    /// Attempts of the last hour that failed for a reason of the account.
    pub refused: Vec<Refused>,
    /// Connections whose breaker is open.
    pub resting: Vec<String>,
    /// Holds: their ids, and when they end.
    pub holds: Vec<(String, Timestamp)>,
    /// The tenant's cap, and what the month has cost.
    pub spend: Option<(&'a SpendPolicy, u64)>,
    /// Connectors that the tenant uses, and the last version of each that was taken back.
    pub rollbacks: Vec<(String, Rollback)>,
    /// Connections, and since when each of their secrets is set.
    pub secrets: Vec<(String, Vec<(String, Timestamp)>)>,
    /// Verifications of the last day by country.
    pub conversions: Vec<(String, Conversion)>,
}

/// The connection that sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Active {
    /// Its name.
    pub name: String,
    /// Whether a test has vouched for it as it is.
    pub tested: bool,
    /// Mandatory usages without a template.
    pub missing: Vec<String>,
    /// Why it fits no version of its connector, if so.
    pub unfit: Option<String>,
}

/// How messages ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that ended, but for those that were cancelled.
    pub ended: u64,
    /// Of those: well, taken by a provider, or reported to be there.
    pub accepted: u64,
}

/// Attempts over one connection that failed with one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub connection: String,
    /// The class.
    pub class: FailureClass,
    /// How many.
    pub attempts: u64,
    /// Whether the connection has sent since.
    pub recovered: bool,
}

/// Whether nothing is sent until somebody settles it with the provider.
pub fn is_of_account(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::AuthenticationFailed
            | FailureClass::ConfigurationInvalid
            | FailureClass::InsufficientBalance
            | FailureClass::AccountSuspended
            | FailureClass::QuotaExceeded
    )
}

/// What needs a person; the most severe first.
pub fn attention(facts: &Facts<'_>) -> Vec<Attention> {
    let mut found = Vec::new();
    set_up(facts, &mut found);
    sending(facts, &mut found);
    arriving(facts, &mut found);
    refused(facts, &mut found);
    resting(facts, &mut found);
    held(facts, &mut found);
    spent(facts, &mut found);
    taken_back(facts, &mut found);
    pumped(facts, &mut found);
    old_secrets(facts, &mut found);
    found.sort_by_key(|attention| std::cmp::Reverse(attention.severity));
    found
}

fn say(severity: Severity, finding: Finding, subject: Option<(SubjectKind, &str)>) -> Attention {
    let subject = subject.map(|(kind, id)| Subject { kind, id: id.to_owned() });
    Attention { severity, message: finding.to_string(), finding, subject }
}

fn set_up(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let waiting = !facts.flows.is_empty();
    match &facts.active {
        None if waiting => {
            let flows: Vec<&str> = facts.flows.iter().map(|flow| flow.as_str()).collect();
            found.push(say(Severity::Critical, Finding::NoActiveConnection { flows: flows.join(", ") }, None));
        }
        None => {}
        Some(active) => connection(active, waiting, found),
    }
    if facts.environment == Environment::Production && !facts.countries.all && facts.countries.only.is_empty() {
        let severity = if waiting { Severity::Critical } else { Severity::Warning };
        found.push(say(severity, Finding::NoCountry {}, None));
    }
}

fn connection(active: &Active, waiting: bool, found: &mut Vec<Attention>) {
    let about = Some((SubjectKind::Connection, active.name.as_str()));
    let connection = active.name.clone();
    if !active.missing.is_empty() && waiting {
        let finding = Finding::TemplateMissing { connection, missing: active.missing.join(", ") };
        found.push(say(Severity::Critical, finding, about));
    } else if let Some(why) = &active.unfit {
        found.push(say(Severity::Critical, Finding::ConnectionUnfit { connection, why: why.clone() }, about));
    }
    if !active.tested {
        let finding = Finding::ConnectionUntested { connection: active.name.clone() };
        found.push(say(Severity::Warning, finding, about));
    }
}

/// The last hour decides, or the last day where the hour has seen too little.
fn sending(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let spans = [(facts.last_hour, Span::Hour), (facts.last_day, Span::Day)];
    let Some((tally, span)) = spans.into_iter().find(|(tally, _)| tally.ended >= ENOUGH) else { return };
    let severity = match at_most(tally.accepted, tally.ended) {
        rate if rate < HALF => Severity::Critical,
        rate if rate < GOOD => Severity::Warning,
        _ => return,
    };
    let percent = percent(tally.accepted, tally.ended);
    found.push(say(severity, Finding::FewAccepted { percent, messages: tally.ended, span }, None));
}

/// Providers that take messages and do not deliver them.
fn arriving(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Tally { ended, accepted } = facts.reported;
    if ended < ENOUGH || at_most(accepted, ended) >= GOOD {
        return;
    }
    let finding = Finding::FewDelivered { percent: percent(ended - accepted, ended), messages: ended };
    found.push(say(Severity::Warning, finding, None));
}

fn refused(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for Refused { connection, class, attempts, recovered } in &facts.refused {
        let (name, class, times) = (connection.clone(), *class, *attempts);
        let (severity, finding) = if *recovered {
            (Severity::Warning, Finding::AccountRecovered { connection: name, class, times })
        } else {
            (Severity::Critical, Finding::AccountRefused { connection: name, class, times })
        };
        found.push(say(severity, finding, Some((SubjectKind::Connection, connection))));
    }
}

fn resting(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for name in &facts.resting {
        let active = facts.active.as_ref().is_some_and(|active| active.name == *name);
        let severity = if active { Severity::Critical } else { Severity::Warning };
        let finding = Finding::ConnectionRests { connection: name.clone() };
        found.push(say(severity, finding, Some((SubjectKind::Connection, name))));
    }
}

fn held(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Some(until) = facts.holds.iter().map(|(_, until)| *until).max() else { return };
    let about = match facts.holds.as_slice() {
        [(id, _)] => Some((SubjectKind::Hold, id.as_str())),
        _ => None,
    };
    let finding = Finding::NumbersHeld { thousands: facts.holds.len() as u64, until };
    found.push(say(Severity::Warning, finding, about));
}

fn spent(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Some((policy, spent)) = facts.spend else { return };
    let (cap, price) = (policy.cap_per_month_micros, policy.price_per_segment_micros);
    if price > 0 && spent.saturating_add(price) > cap {
        found.push(say(Severity::Critical, Finding::SpendCapReached {}, None));
    } else if cap > 0 && percent(spent, cap) >= NEARLY_SPENT {
        found.push(say(Severity::Warning, Finding::SpendCapNear { percent: percent(spent, cap) }, None));
    }
}

fn taken_back(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for (connector, rollback) in &facts.rollbacks {
        if rollback.automatic && facts.now.millis_since(rollback.rolled_back_at) < LATELY_MS {
            let (at, reason) = (rollback.rolled_back_at, rollback.reason.clone());
            let because = rollback.fault.as_ref().map(VersionFault::code);
            let finding = Finding::VersionTakenBack { connector: connector.clone(), at, reason, because };
            found.push(say(Severity::Warning, finding, Some((SubjectKind::Connector, connector))));
        }
    }
}

/// Whoever is paid for messages to a country has them sent to numbers that nobody looks at: the codes do not come back.
fn pumped(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let (approved, started) = facts
        .conversions
        .iter()
        .fold((0_u64, 0_u64), |(approved, started), (_, one)| (approved + one.approved, started + one.started));
    for (country, here) in &facts.conversions {
        let elsewhere = (approved - here.approved, started - here.started);
        if here.started < ENOUGH || elsewhere.1 < ENOUGH {
            continue;
        }
        let far = 2 * u128::from(here.approved) * u128::from(elsewhere.1)
            < u128::from(elsewhere.0) * u128::from(here.started);
        if far && auto_rollback::is_significant(elsewhere, (here.approved, here.started)) {
            let finding = Finding::CountryPumped {
                country: country.clone(),
                percent: percent(here.approved, here.started),
                verifications: here.started,
                elsewhere: percent(elsewhere.0, elsewhere.1),
            };
            found.push(say(Severity::Warning, finding, Some((SubjectKind::Country, country))));
        }
    }
}

fn old_secrets(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for (connection, secrets) in &facts.secrets {
        let is_old = |since: Timestamp| facts.now.millis_since(since) > OLD_SECRET_MS;
        let old: Vec<&str> =
            secrets.iter().filter(|(_, since)| is_old(*since)).map(|(name, _)| name.as_str()).collect();
        if old.is_empty() {
            continue;
        }
        let finding = Finding::SecretsOld {
            connection: connection.clone(),
            names: old.iter().take(MAX_NAMES).copied().collect::<Vec<_>>().join(", "),
            more: old.len().saturating_sub(MAX_NAMES) as u64,
        };
        found.push(say(Severity::Info, finding, Some((SubjectKind::Connection, connection))));
    }
}

/// Whole percent, rounded down.
fn percent(part: u64, of: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

/// The rate that chance leaves possible: the upper end of Wilson's interval (1927) at two standard errors.
fn at_most(hits: u64, of: u64) -> f64 {
    let (count, share) = (of as f64, hits as f64 / of as f64);
    let middle = share + 2.0 / count;
    let margin = 2.0 * (share * (1.0 - share) / count + 1.0 / (count * count)).sqrt();
    (middle + margin) / (1.0 + 4.0 / count)
}

#[cfg(test)]
mod tests;
