use super::*;

const NOW: Timestamp = Timestamp(1_795_464_000_000);

/// A tenant without alerts.
fn well(environment: Environment) -> Facts<'static> {
    static COUNTRIES: std::sync::LazyLock<Countries> =
        std::sync::LazyLock::new(|| Countries { all: false, only: ["DK".to_owned()].into() });
    Facts {
        now: NOW,
        environment,
        flows: &[Flow::SignIn, Flow::Mfa],
        countries: &COUNTRIES,
        active: Some(ActiveConnection { name: "main".to_owned(), tested: true, ..ActiveConnection::default() }),
        last_hour: Tally { ended: 100, accepted: 98 },
        last_day: Tally { ended: 1000, accepted: 980 },
        reported: Tally { ended: 800, accepted: 780 },
        account_failures: Vec::new(),
        open_breakers: Vec::new(),
        holds: Vec::new(),
        spend: None,
        rollbacks: Vec::new(),
        secrets: vec![("main".to_owned(), vec![("token".to_owned(), NOW.minus_millis(OLD_SECRET_MS))])],
        conversions: vec![("DK".to_owned(), Conversion::of(90, 100))],
    }
}

fn none() -> &'static Countries {
    static NONE: std::sync::LazyLock<Countries> = std::sync::LazyLock::new(Countries::default);
    &NONE
}

fn spend(cap: u64, price: u64) -> &'static SpendPolicy {
    Box::leak(Box::new(SpendPolicy {
        currency: "EUR".to_owned(),
        cap_per_month_micros: cap,
        price_per_segment_micros: price,
        prices: Default::default(),
    }))
}

fn rollback(ago: u64, automatic: bool) -> Vec<(String, Rollback)> {
    let rollback = Rollback {
        rolled_back_at: NOW.minus_millis(ago),
        from: "sha256:1".to_owned(),
        to: "sha256:0".to_owned(),
        reason: "it misbehaved".to_owned(),
        automatic,
        fault: None,
    };
    vec![("acme-sms".to_owned(), rollback)]
}

fn refusal(class: FailureClass, attempts: u64, recovered: bool) -> AccountFailures {
    AccountFailures { connection: "main".to_owned(), class, attempts, recovered }
}

/// The severity, the kind and id of the subject, and a part of the text.
type Expected = (Severity, Option<(SubjectKind, &'static str)>, &'static str);
type Change = Box<dyn Fn(&mut Facts<'static>)>;

fn case(change: impl Fn(&mut Facts<'static>) + 'static, expected: Option<Expected>) -> (Change, Option<Expected>) {
    (Box::new(change), expected)
}

fn active(change: impl Fn(&mut ActiveConnection) + 'static) -> impl Fn(&mut Facts<'static>) {
    move |facts| change(facts.active.as_mut().unwrap())
}

fn rates(hour: (u64, u64), day: (u64, u64)) -> impl Fn(&mut Facts<'static>) {
    move |facts| {
        facts.last_hour = Tally { accepted: hour.0, ended: hour.1 };
        facts.last_day = Tally { accepted: day.0, ended: day.1 };
    }
}

fn converted(countries: &'static [(&'static str, u64, u64)]) -> impl Fn(&mut Facts<'static>) {
    move |facts| {
        let of = |(country, approved, started): &(&str, u64, u64)| {
            ((*country).to_owned(), Conversion::of(*approved, *started))
        };
        facts.conversions = countries.iter().map(of).collect();
    }
}

/// Checks which alert each change of a healthy tenant causes, if any.
fn check(cases: Vec<(Change, Option<Expected>)>) {
    for (index, (change, expected)) in cases.iter().enumerate() {
        let mut facts = well(Environment::Production);
        change(&mut facts);
        let found = alerts(&facts);
        let Some((severity, about, words)) = expected else {
            assert!(found.is_empty(), "case {index}: {found:?}");
            continue;
        };
        let [one] = found.as_slice() else { panic!("case {index}: {found:?}") };
        assert_eq!(one.severity, *severity, "case {index}: {one:?}");
        assert!(one.message.contains(words), "case {index}: {one:?}");
        let said = one.subject.as_ref().map(|about| (about.kind, about.id.as_str()));
        assert_eq!(said, *about, "case {index}: {one:?}");
    }
}

use Severity::{Critical, Info, Warning};
use SubjectKind::{Connection, Connector, Country, Hold};

const MAIN: Option<(SubjectKind, &str)> = Some((Connection, "main"));

#[test]
fn what_is_well_needs_nobody() {
    for environment in [Environment::Development, Environment::Production] {
        assert_eq!(alerts(&well(environment)), []);
    }
}

#[test]
fn what_is_not_set_up() {
    check(vec![
        case(|facts| facts.active = None, Some((Critical, None, "(sign-in, mfa)"))),
        case(|facts| (facts.active, facts.flows) = (None, &[]), None),
        case(active(|it| it.tested = false), Some((Warning, MAIN, "Send a test"))),
        case(
            active(|it| it.missing_templates = vec!["register".into(), "generic".into()]),
            Some((Critical, MAIN, "for: register, generic.")),
        ),
        // Without flows, nobody needs it.
        case(
            |facts| {
                facts.active.as_mut().unwrap().missing_templates = vec!["register".into()];
                facts.flows = &[];
            },
            None,
        ),
        case(
            active(|it| it.incompatibility = Some("/parameters: x".into())),
            Some((Critical, MAIN, "cannot send: /parameters: x.")),
        ),
        // The missing templates are the better explanation.
        case(
            active(|it| (it.missing_templates, it.incompatibility) = (vec!["generic".into()], Some("x".into()))),
            Some((Critical, MAIN, "no template for: generic.")),
        ),
        case(|facts| facts.countries = none(), Some((Critical, None, "No country"))),
        case(|facts| (facts.countries, facts.flows) = (none(), &[]), Some((Warning, None, "No country"))),
        case(|facts| (facts.countries, facts.environment) = (none(), Environment::Development), None),
    ]);
}

#[test]
fn a_rate_is_low_beyond_chance() {
    check(vec![
        case(rates((0, 19), (0, 19)), None),
        case(rates((13, 20), (1000, 1000)), None),
        case(rates((12, 20), (1000, 1000)), Some((Warning, None, "60 % of the 20 messages of the last hour"))),
        case(rates((4, 20), (1000, 1000)), Some((Critical, None, "20 %"))),
        case(rates((0, 20), (0, 20)), Some((Critical, None, " 0 %"))),
        case(rates((20, 20), (20, 1000)), None),
        // The hour has too few messages, so the day counts.
        case(rates((0, 19), (700, 1000)), Some((Warning, None, "70 % of the 1000 messages of the last day"))),
        case(rates((0, 19), (790, 1000)), None),
        case(rates((0, 0), (7_900_000, 10_000_000)), Some((Warning, None, "79 %"))),
    ]);
}

#[test]
fn the_account_refuses() {
    use FailureClass::{AuthenticationFailed, InsufficientBalance};
    let once = refusal(AuthenticationFailed, 1, false);
    let over = refusal(InsufficientBalance, 7, true);
    check(vec![
        case(
            move |facts| facts.account_failures = vec![once.clone()],
            Some((Critical, MAIN, "failed once in the last hour (authentication-failed): check the credentials")),
        ),
        case(move |facts| facts.account_failures = vec![over.clone()], Some((Warning, MAIN, "failed 7 times"))),
    ]);
    for (class, is) in [
        (AuthenticationFailed, true),
        (InsufficientBalance, true),
        (FailureClass::AccountSuspended, true),
        (FailureClass::ConfigurationInvalid, true),
        (FailureClass::QuotaExceeded, true),
        (FailureClass::RateLimited, false),
        (FailureClass::InvalidRecipient, false),
    ] {
        assert_eq!(is_account_failure(class), is, "{class}");
    }
}

#[test]
fn paused_connections_and_held_numbers() {
    let until = NOW.plus_seconds(60);
    check(vec![
        case(|facts| facts.open_breakers = vec!["main".into()], Some((Critical, MAIN, "is paused"))),
        case(
            |facts| facts.open_breakers = vec!["spare".into()],
            Some((Warning, Some((Connection, "spare")), "is paused")),
        ),
        case(
            move |facts| facts.holds = vec![("h1".into(), until)],
            Some((Warning, Some((Hold, "h1")), "A thousand numbers are held until 2026-11-23T20:01:00Z")),
        ),
        case(
            move |facts| facts.holds = vec![("h1".into(), NOW), ("h2".into(), until)],
            Some((Warning, None, "2 thousand numbers are held until 2026-11-23T20:01:00Z")),
        ),
    ]);
}

#[test]
fn money_runs_out() {
    check(vec![
        case(|facts| facts.spend = Some((spend(1000, 10), 799)), None),
        case(|facts| facts.spend = Some((spend(1000, 10), 800)), Some((Warning, None, "80 % of the spend cap"))),
        case(|facts| facts.spend = Some((spend(1000, 10), 990)), Some((Warning, None, "99 %"))),
        case(|facts| facts.spend = Some((spend(1000, 10), 991)), Some((Critical, None, "is reached"))),
        case(|facts| facts.spend = Some((spend(1000, 10), u64::MAX)), Some((Critical, None, "is reached"))),
        case(|facts| facts.spend = Some((spend(0, 10), 0)), Some((Critical, None, "is reached"))),
        // Messages cost nothing.
        case(|facts| facts.spend = Some((spend(0, 0), 0)), None),
        case(|facts| facts.spend = Some((spend(1000, 0), 1000)), Some((Warning, None, "100 %"))),
    ]);
}

#[test]
fn a_version_was_rolled_back() {
    let about = Some((Connector, "acme-sms"));
    check(vec![
        case(
            |facts| facts.rollbacks = rollback(0, true),
            Some((Warning, about, "at 2026-11-23T20:00:00Z: it misbehaved.")),
        ),
        case(
            |facts| facts.rollbacks = rollback(LAST_DAY_MS - 1, true),
            Some((Warning, about, "rolled back automatically")),
        ),
        case(|facts| facts.rollbacks = rollback(LAST_DAY_MS, true), None),
        case(|facts| facts.rollbacks = rollback(0, false), None),
    ]);
}

#[test]
fn codes_that_do_not_come_back_from_one_country() {
    let about = Some((Country, "XX"));
    check(vec![
        case(converted(&[("DK", 90, 100), ("XX", 1, 20)]), Some((Warning, about, "5 % of the 20 verifications"))),
        case(converted(&[("DK", 90, 100), ("XX", 0, 19)]), None),
        // There is nothing to compare with.
        case(converted(&[("DK", 19, 19), ("XX", 0, 1000)]), None),
        case(converted(&[("XX", 0, 1000)]), None),
        // Lower, but by less than half.
        case(converted(&[("DK", 900, 1000), ("XX", 500, 1000)]), None),
        case(converted(&[("DK", 900, 1000), ("XX", 449, 1000)]), Some((Warning, about, "44 % of the 1000"))),
        // Far lower, but not significantly.
        case(converted(&[("DK", 5, 20), ("XX", 2, 20)]), None),
        case(converted(&[]), None),
    ]);
}

#[test]
fn what_was_taken_does_not_arrive() {
    let reported = |accepted, ended| move |facts: &mut Facts<'_>| facts.reported = Tally { ended, accepted };
    check(vec![
        case(reported(10, 20), Some((Warning, None, "Of the 20 messages of the last day"))),
        case(reported(700, 1000), Some((Warning, None, "30 % were not delivered"))),
        // Too few to be significant.
        case(reported(0, 19), None),
        case(reported(14, 20), None),
        case(reported(800, 1000), None),
        case(reported(0, 0), None),
    ]);
}

#[test]
fn secrets_grow_old() {
    let old = |names: &[&str]| {
        let at = NOW.minus_millis(OLD_SECRET_MS + 1);
        vec![("main".to_owned(), names.iter().map(|name| ((*name).to_owned(), at)).collect())]
    };
    let (one, five) = (old(&["token"]), old(&["a", "b", "c", "d", "e"]));
    check(vec![
        case(move |facts| facts.secrets = one.clone(), Some((Info, MAIN, "older than a year: `token`."))),
        case(move |facts| facts.secrets = five.clone(), Some((Info, MAIN, "`a`, `b`, `c` and 2 more."))),
    ]);
}

/// A program reads from the code and its values what a person reads from the sentence: both come from one value, and everything in
/// the sentence is in the data.
#[test]
fn every_value_of_a_sentence_stands_beside_it() {
    let mut facts = well(Environment::Production);
    facts.active = Some(ActiveConnection {
        name: "main".into(),
        incompatibility: Some("x is y".into()),
        ..ActiveConnection::default()
    });
    facts.account_failures =
        vec![refusal(FailureClass::AccountSuspended, 3, false), refusal(FailureClass::QuotaExceeded, 2, true)];
    facts.open_breakers = vec!["main".into()];
    facts.holds = vec![("h1".into(), NOW), ("h2".into(), NOW)];
    facts.rollbacks = rollback(0, true);
    facts.spend = Some((spend(1000, 10), 850));
    facts.countries = none();
    facts.last_hour = Tally { ended: 40, accepted: 10 };
    facts.reported = Tally { ended: 40, accepted: 10 };
    facts.conversions = vec![("DK".into(), Conversion::of(90, 100)), ("XX".into(), Conversion::of(1, 20))];
    facts.secrets = vec![("main".into(), "abcde".chars().map(|name| (name.into(), Timestamp(0))).collect())];
    let mut found = alerts(&facts);
    facts.active.as_mut().unwrap().missing_templates = vec!["register".into()];
    facts.spend = Some((spend(1000, 10), 1000));
    found.extend(alerts(&facts));
    facts.active = None;
    found.extend(alerts(&facts));
    let mut codes = std::collections::BTreeSet::new();
    for one in &found {
        let written = serde_json::to_value(one).unwrap();
        codes.insert(written["code"].as_str().unwrap().to_owned());
        for (name, value) in written["values"].as_object().unwrap() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // Values that the sentence splits are searched by their first part.
            let first = value.split(", ").next().unwrap();
            assert!(one.message.contains(first), "{name}: {value}: {}", one.message);
        }
    }
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), documented());
}

/// The codes in the schema.
fn documented() -> Vec<String> {
    let schema = serde_json::to_value(<AlertCode as utoipa::PartialSchema>::schema()).unwrap();
    let all = schema["oneOf"].as_array().unwrap();
    let mut codes: Vec<String> =
        all.iter().map(|one| one["properties"]["code"]["enum"][0].as_str().unwrap().to_owned()).collect();
    codes.sort();
    codes
}

#[test]
fn the_most_severe_comes_first() {
    let mut facts = well(Environment::Production);
    facts.secrets = vec![("main".to_owned(), vec![("token".to_owned(), Timestamp(0))])];
    facts.rollbacks = rollback(0, true);
    facts.open_breakers = vec!["main".to_owned()];
    facts.active = Some(ActiveConnection { name: "main".to_owned(), ..ActiveConnection::default() });
    let severities: Vec<Severity> = alerts(&facts).into_iter().map(|it| it.severity).collect();
    assert_eq!(severities, [Critical, Warning, Warning, Info]);
}
