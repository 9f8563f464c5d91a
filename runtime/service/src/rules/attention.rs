//! What of a tenant needs a person, in words.
//!
//! Promises
//! - it says what is the matter now, and falls silent when that is over: no state, nothing to be ticked off;
//! - a rate counts only beyond chance, so that a tenant that sends little is not told off for one wrong number;
//! - the most severe comes first; the same facts give the same words in the same order;
//! - no text holds a number, a code or a message.
//!
//! Must not know: where the facts come from.

use std::fmt::Write as _;

use sendbox_sandbox::FailureClass;

use crate::model::{
    Attention, Conversion, Countries, Environment, Flow, Rollback, Severity, SpendPolicy, Subject, SubjectKind,
    Timestamp,
};
use crate::rules::watch;

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
/// Names that a text has room for.
const MOST_NAMES: usize = 3;

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

/// The class of that name, if it says that nothing goes until somebody settles it with the provider.
pub fn of_account(class: &str) -> Option<FailureClass> {
    let classes = [
        FailureClass::AuthenticationFailed,
        FailureClass::ConfigurationInvalid,
        FailureClass::InsufficientBalance,
        FailureClass::AccountSuspended,
        FailureClass::QuotaExceeded,
    ];
    classes.into_iter().find(|known| known.as_str() == class)
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

fn say(severity: Severity, text: impl Into<String>, about: Option<(SubjectKind, &str)>) -> Attention {
    let about = about.map(|(kind, id)| Subject { kind, id: id.to_owned() });
    Attention { severity, text: text.into(), about }
}

fn set_up(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let waiting = !facts.flows.is_empty();
    match &facts.active {
        None if waiting => {
            let flows: Vec<&str> = facts.flows.iter().map(|flow| flow.as_str()).collect();
            let text = format!(
                "No connection is active, so nothing can be sent, and flows are on ({}). Set up a connection and activate it.",
                flows.join(", ")
            );
            found.push(say(Severity::Critical, text, None));
        }
        None => {}
        Some(active) => connection(active, waiting, found),
    }
    if facts.environment == Environment::Production && !facts.countries.all && facts.countries.only.is_empty() {
        let severity = if waiting { Severity::Critical } else { Severity::Warning };
        let text =
            "No country is allowed, so every message is refused. Name the countries of your users in the policy.";
        found.push(say(severity, text, None));
    }
}

fn connection(active: &Active, waiting: bool, found: &mut Vec<Attention>) {
    let name = active.name.as_str();
    let about = Some((SubjectKind::Connection, name));
    if !active.missing.is_empty() && waiting {
        let missing = active.missing.join(", ");
        let text = format!("Flows are on, and `{name}` has no template for: {missing}. Add them to the connection.");
        found.push(say(Severity::Critical, text, about));
    } else if let Some(why) = &active.unfit {
        let text = format!("`{name}` does not fit its connector any more and cannot send: {why}.");
        found.push(say(Severity::Critical, text, about));
    }
    if !active.tested {
        let text =
            format!("`{name}` is active, and no test of it as it is now has been accepted. Send a test message.");
        found.push(say(Severity::Warning, text, about));
    }
}

/// The last hour decides, or the last day where the hour has seen too little.
fn sending(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let spans = [(facts.last_hour, "hour"), (facts.last_day, "day")];
    let Some((tally, span)) = spans.into_iter().find(|(tally, _)| tally.ended >= ENOUGH) else { return };
    let severity = match at_most(tally.accepted, tally.ended) {
        rate if rate < HALF => Severity::Critical,
        rate if rate < GOOD => Severity::Warning,
        _ => return,
    };
    let text = format!(
        "Providers took only {} % of the {} messages of the last {span}. Look at what failed.",
        percent(tally.accepted, tally.ended),
        tally.ended
    );
    found.push(say(severity, text, None));
}

/// Providers that take messages and do not deliver them.
fn arriving(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Tally { ended, accepted } = facts.reported;
    if ended < ENOUGH || at_most(accepted, ended) >= GOOD {
        return;
    }
    let text = format!(
        "Of the {ended} messages of the last day that providers reported on, {} % were not delivered. Look at their classes by \
         country, and ask the provider about its route or the sender id.",
        percent(ended - accepted, ended)
    );
    found.push(say(Severity::Warning, text, None));
}

fn refused(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for Refused { connection, class, attempts, recovered } in &facts.refused {
        let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
        let mut text = format!("`{connection}` failed {times} in the last hour ({class}): {}.", class.advice());
        if *recovered {
            text.push_str(" It has sent since.");
        }
        let severity = if *recovered { Severity::Warning } else { Severity::Critical };
        found.push(say(severity, text, Some((SubjectKind::Connection, connection))));
    }
}

fn resting(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for name in &facts.resting {
        let active = facts.active.as_ref().is_some_and(|active| active.name == *name);
        let severity = if active { Severity::Critical } else { Severity::Warning };
        let text = format!("`{name}` failed too often and rests for up to five minutes; only fallbacks send for it.");
        found.push(say(severity, text, Some((SubjectKind::Connection, name))));
    }
}

fn held(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Some(last) = facts.holds.iter().map(|(_, until)| *until).max() else { return };
    let (what, about) = match facts.holds.as_slice() {
        [(id, _)] => ("A thousand numbers are held".to_owned(), Some((SubjectKind::Hold, id.as_str()))),
        many => (format!("{} thousand numbers are held", many.len()), None),
    };
    let text = format!("{what} until {last} because a provider suspects fraud; nothing is sent to them.");
    found.push(say(Severity::Warning, text, about));
}

fn spent(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    let Some((policy, spent)) = facts.spend else { return };
    let (cap, price) = (policy.cap_per_month_micros, policy.price_per_segment_micros);
    if price > 0 && spent.saturating_add(price) > cap {
        let text =
            "The spend cap of this month is reached: messages are refused until the next one. Raise it, or wait.";
        found.push(say(Severity::Critical, text, None));
    } else if cap > 0 && percent(spent, cap) >= NEARLY_SPENT {
        let text = format!(
            "{} % of the spend cap of this month are used; at 100 % messages are refused.",
            percent(spent, cap)
        );
        found.push(say(Severity::Warning, text, None));
    }
}

fn taken_back(facts: &Facts<'_>, found: &mut Vec<Attention>) {
    for (connector, rollback) in &facts.rollbacks {
        if rollback.automatic && facts.now.millis_since(rollback.at) < LATELY_MS {
            let text =
                format!("A version of `{connector}` was taken back by itself at {}: {}.", rollback.at, rollback.reason);
            found.push(say(Severity::Warning, text, Some((SubjectKind::Connector, connector))));
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
        if far && watch::is_clear(elsewhere, (here.approved, here.started)) {
            let text = format!(
                "{} % of the {} verifications of the last day in {country} were completed, {} % elsewhere: somebody may be \
                 having messages sent there for their own gain. Lower the limits, or take the country out of the policy.",
                percent(here.approved, here.started),
                here.started,
                percent(elsewhere.0, elsewhere.1)
            );
            found.push(say(Severity::Warning, text, Some((SubjectKind::Country, country))));
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
        let mut names = old.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if old.len() > MOST_NAMES {
            write!(names, " and {} more", old.len() - MOST_NAMES).ok();
        }
        let text =
            format!("Secrets of `{connection}` are older than a year: {names}. Renew them at the provider and here.");
        found.push(say(Severity::Info, text, Some((SubjectKind::Connection, connection))));
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
