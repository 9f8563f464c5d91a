//! Alerts: what needs a person's attention in a tenant. `model/alert_code.rs` has the texts.
//!
//! Promises
//! - alerts describe the present and disappear with their cause: there is no state, and nothing to acknowledge;
//! - a rate counts only if it is statistically significant, so one wrong number does not alert a tenant that sends little;
//! - the most severe alert comes first, and the same facts give the same alerts in the same order;
//! - no text contains a phone number, a code or a message.
//!
//! Must not know: where the facts come from.

use sendbox_contract::FailureClass;

use crate::model::{
    Alert, AlertCode, AlertSubject, Conversion, Countries, Environment, Flow, Rollback, Severity, Span, SpendPolicy,
    SubjectKind, Timestamp, VersionFault,
};
use crate::rules::auto_rollback;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The period for recent failures.
pub const LAST_HOUR_MS: u64 = HOUR_MS;
/// The period for automatic rollbacks, conversions and, where an hour has too few messages, rates.
pub const LAST_DAY_MS: u64 = DAY_MS;
/// The age at which a secret should be renewed.
const OLD_SECRET_MS: u64 = 365 * DAY_MS;
/// Minimum number of messages or verifications for a rate to be meaningful.
const MIN_SAMPLE: u64 = 20;
/// A success rate below this is a warning.
const WARNING_RATE: f64 = 0.8;
/// A success rate below this is critical.
const CRITICAL_RATE: f64 = 0.5;
/// The share of the spend cap, in percent, from which there is a warning.
const SPEND_WARNING_PERCENT: u64 = 80;
/// Maximum number of names in a text.
const MAX_NAMES: usize = 3;

/// The state of a tenant that alerts are derived from.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The current time.
    pub now: Timestamp,
    /// What the tenant is for.
    pub environment: Environment,
    /// The enabled flows.
    pub flows: &'a [Flow],
    /// The countries that messages may be sent to.
    pub countries: &'a Countries,
    /// The active connection.
    pub active: Option<ActiveConnection>,
    /// Messages of the last hour.
    pub last_hour: Tally,
    /// Messages of the last day.
    pub last_day: Tally,
    /// Messages of the last day with a final delivery report; `accepted` counts those that were delivered.
    pub reported: Tally,
    /// Attempts of the last hour that failed because of the account.
    pub account_failures: Vec<AccountFailures>,
    /// Connections whose circuit breaker is open.
    pub open_breakers: Vec<String>,
    /// Holds: their ids, and when they expire.
    pub holds: Vec<(String, Timestamp)>,
    /// The tenant's spend cap, and what it has spent this month.
    pub spend: Option<(&'a SpendPolicy, u64)>,
    /// The connectors that the tenant uses, and the last rollback of each.
    pub rollbacks: Vec<(String, Rollback)>,
    /// Connections, and when each of their secrets was set.
    pub secrets: Vec<(String, Vec<(String, Timestamp)>)>,
    /// Verifications of the last day, by country.
    pub conversions: Vec<(String, Conversion)>,
}

/// The state of the active connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActiveConnection {
    /// The name of the connection.
    pub name: String,
    /// Whether a test message of its current configuration was accepted.
    pub tested: bool,
    /// Mandatory usages without a template.
    pub missing_templates: Vec<String>,
    /// Why it is incompatible with every version of its connector; `None` if it is compatible with one.
    pub incompatibility: Option<String>,
}

/// How messages ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that have ended, except cancelled ones.
    pub ended: u64,
    /// How many of them were accepted by a provider, or reported as delivered.
    pub accepted: u64,
}

/// Attempts through one connection that failed with one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFailures {
    /// The name of the connection.
    pub connection: String,
    /// The class of the failures.
    pub class: FailureClass,
    /// The number of attempts.
    pub attempts: u64,
    /// Whether the connection has sent since.
    pub recovered: bool,
}

/// Whether nothing can be sent until somebody fixes the account at the provider.
pub fn is_account_failure(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::AuthenticationFailed
            | FailureClass::ConfigurationInvalid
            | FailureClass::InsufficientBalance
            | FailureClass::AccountSuspended
            | FailureClass::QuotaExceeded
    )
}

/// The alerts of a tenant, the most severe first.
pub fn alerts(facts: &Facts<'_>) -> Vec<Alert> {
    let mut found = Vec::new();
    setup(facts, &mut found);
    acceptance_rate(facts, &mut found);
    delivery_rate(facts, &mut found);
    account_failures(facts, &mut found);
    open_breakers(facts, &mut found);
    holds(facts, &mut found);
    spend_cap(facts, &mut found);
    automatic_rollbacks(facts, &mut found);
    sms_pumping(facts, &mut found);
    old_secrets(facts, &mut found);
    found.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
    found
}

fn alert(severity: Severity, code: AlertCode, subject: Option<(SubjectKind, &str)>) -> Alert {
    let subject = subject.map(|(kind, id)| AlertSubject { kind, id: id.to_owned() });
    Alert { severity, message: code.to_string(), code, subject }
}

fn setup(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let has_flows = !facts.flows.is_empty();
    match &facts.active {
        None if has_flows => {
            let flows: Vec<&str> = facts.flows.iter().map(|flow| flow.as_str()).collect();
            found.push(alert(Severity::Critical, AlertCode::NoActiveConnection { flows: flows.join(", ") }, None));
        }
        None => {}
        Some(active) => active_connection(active, has_flows, found),
    }
    if facts.environment == Environment::Production && !facts.countries.all && facts.countries.only.is_empty() {
        let severity = if has_flows { Severity::Critical } else { Severity::Warning };
        found.push(alert(severity, AlertCode::NoCountry {}, None));
    }
}

fn active_connection(active: &ActiveConnection, has_flows: bool, found: &mut Vec<Alert>) {
    let about = Some((SubjectKind::Connection, active.name.as_str()));
    let connection = active.name.clone();
    if !active.missing_templates.is_empty() && has_flows {
        let code = AlertCode::TemplateMissing { connection, missing: active.missing_templates.join(", ") };
        found.push(alert(Severity::Critical, code, about));
    } else if let Some(why) = &active.incompatibility {
        found.push(alert(
            Severity::Critical,
            AlertCode::ConnectionIncompatible { connection, why: why.clone() },
            about,
        ));
    }
    if !active.tested {
        let code = AlertCode::ConnectionUntested { connection: active.name.clone() };
        found.push(alert(Severity::Warning, code, about));
    }
}

/// Looks at the last hour, or at the last day if the hour has too few messages.
fn acceptance_rate(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let spans = [(facts.last_hour, Span::Hour), (facts.last_day, Span::Day)];
    let Some((tally, span)) = spans.into_iter().find(|(tally, _)| tally.ended >= MIN_SAMPLE) else { return };
    let severity = match upper_bound(tally.accepted, tally.ended) {
        rate if rate < CRITICAL_RATE => Severity::Critical,
        rate if rate < WARNING_RATE => Severity::Warning,
        _ => return,
    };
    let percent = percent(tally.accepted, tally.ended);
    found.push(alert(severity, AlertCode::FewAccepted { percent, messages: tally.ended, span }, None));
}

/// Providers that accept messages but do not deliver them.
fn delivery_rate(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let Tally { ended, accepted } = facts.reported;
    if ended < MIN_SAMPLE || upper_bound(accepted, ended) >= WARNING_RATE {
        return;
    }
    let code = AlertCode::FewDelivered { percent: percent(ended - accepted, ended), messages: ended };
    found.push(alert(Severity::Warning, code, None));
}

fn account_failures(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    for AccountFailures { connection, class, attempts, recovered } in &facts.account_failures {
        let (name, class, times) = (connection.clone(), *class, *attempts);
        let (severity, code) = if *recovered {
            (Severity::Warning, AlertCode::AccountRecovered { connection: name, class, times })
        } else {
            (Severity::Critical, AlertCode::AccountRefused { connection: name, class, times })
        };
        found.push(alert(severity, code, Some((SubjectKind::Connection, connection))));
    }
}

fn open_breakers(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    for name in &facts.open_breakers {
        let active = facts.active.as_ref().is_some_and(|active| active.name == *name);
        let severity = if active { Severity::Critical } else { Severity::Warning };
        let code = AlertCode::ConnectionPaused { connection: name.clone() };
        found.push(alert(severity, code, Some((SubjectKind::Connection, name))));
    }
}

fn holds(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let Some(until) = facts.holds.iter().map(|(_, until)| *until).max() else { return };
    let about = match facts.holds.as_slice() {
        [(id, _)] => Some((SubjectKind::Hold, id.as_str())),
        _ => None,
    };
    let code = AlertCode::NumbersHeld { thousands: facts.holds.len() as u64, until };
    found.push(alert(Severity::Warning, code, about));
}

fn spend_cap(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let Some((policy, spent)) = facts.spend else { return };
    let (cap, price) = (policy.cap_per_month_micros, policy.price_per_segment_micros);
    if price > 0 && spent.saturating_add(price) > cap {
        found.push(alert(Severity::Critical, AlertCode::SpendCapReached {}, None));
    } else if cap > 0 && percent(spent, cap) >= SPEND_WARNING_PERCENT {
        found.push(alert(Severity::Warning, AlertCode::SpendCapNear { percent: percent(spent, cap) }, None));
    }
}

fn automatic_rollbacks(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    for (connector, rollback) in &facts.rollbacks {
        if rollback.automatic && facts.now.millis_since(rollback.rolled_back_at) < LAST_DAY_MS {
            let (at, reason) = (rollback.rolled_back_at, rollback.reason.clone());
            let because = rollback.fault.as_ref().map(VersionFault::code);
            let code = AlertCode::VersionRolledBack { connector: connector.clone(), at, reason, because };
            found.push(alert(Severity::Warning, code, Some((SubjectKind::Connector, connector))));
        }
    }
}

/// SMS pumping: somebody who earns on messages to a country has codes sent to numbers that nobody reads, so few of them are entered.
fn sms_pumping(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    let (approved, started) = facts
        .conversions
        .iter()
        .fold((0_u64, 0_u64), |(approved, started), (_, one)| (approved + one.approved, started + one.started));
    for (country, here) in &facts.conversions {
        let elsewhere = (approved - here.approved, started - here.started);
        if here.started < MIN_SAMPLE || elsewhere.1 < MIN_SAMPLE {
            continue;
        }
        let is_under_half = 2 * u128::from(here.approved) * u128::from(elsewhere.1)
            < u128::from(elsewhere.0) * u128::from(here.started);
        if is_under_half && auto_rollback::is_significant(elsewhere, (here.approved, here.started)) {
            let code = AlertCode::CountryPumped {
                country: country.clone(),
                percent: percent(here.approved, here.started),
                verifications: here.started,
                elsewhere: percent(elsewhere.0, elsewhere.1),
            };
            found.push(alert(Severity::Warning, code, Some((SubjectKind::Country, country))));
        }
    }
}

fn old_secrets(facts: &Facts<'_>, found: &mut Vec<Alert>) {
    for (connection, secrets) in &facts.secrets {
        let is_old = |since: Timestamp| facts.now.millis_since(since) > OLD_SECRET_MS;
        let old: Vec<&str> =
            secrets.iter().filter(|(_, since)| is_old(*since)).map(|(name, _)| name.as_str()).collect();
        if old.is_empty() {
            continue;
        }
        let code = AlertCode::SecretsOld {
            connection: connection.clone(),
            names: old.iter().take(MAX_NAMES).copied().collect::<Vec<_>>().join(", "),
            more: old.len().saturating_sub(MAX_NAMES) as u64,
        };
        found.push(alert(Severity::Info, code, Some((SubjectKind::Connection, connection))));
    }
}

/// A percentage, rounded down.
fn percent(part: u64, of: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

/// The highest rate that is plausible for this sample: the upper end of the Wilson score interval at two standard errors.
fn upper_bound(hits: u64, of: u64) -> f64 {
    let (count, share) = (of as f64, hits as f64 / of as f64);
    let middle = share + 2.0 / count;
    let margin = 2.0 * (share * (1.0 - share) / count + 1.0 / (count * count)).sqrt();
    (middle + margin) / (1.0 + 4.0 / count)
}

#[cfg(test)]
mod tests;
