//! Statistics: the counts of one tenant, and its alerts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_contract::{FailureClass, Party, RecordedFailure, RequestSent};
use sendbox_domain::model::{
    Alert, AttemptOutcome, Bucket, Conversion, Countries, CountryCount, Deletion, Environment, FailureCount, Latency,
    MessageStatus, Mode, Rollback, Scope, Sensitive, Severity, SpendPolicy, StartedCount, Statistics, StatisticsBucket,
    StatisticsFilter, TestNumber, TestNumbers, Timestamp,
};
use sendbox_domain::rules::release::Versions;
use sendbox_sandbox::Usage;
use sendbox_service::{Caller, Error};
use sendbox_store::rows::{AttemptRow, ConnectionRow, MessageRow, ReleaseRow};
use sendbox_store::{Tx, attempts, connections, messages, releases};
use sendbox_tests::test_service::{START, TENANT, TestService, message, test_of_main, twilio};
use sendbox_tests::{Database, on_every_database};
use sqlx::{AssertSqlSafe, Executor};

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4512345678";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

on_every_database!(
    what_was_sent_is_counted,
    each_status_is_counted_within_the_period,
    messages_are_timed,
    what_a_provider_wrote_breaks_nothing,
    a_series_has_every_bucket,
    statistics_need_the_read_scope,
    set_up_mistakes_need_attention,
    failures_need_attention,
    rollbacks_and_old_secrets_need_attention,
    a_country_whose_codes_do_not_come_back_is_named
);

async fn statistics(fixture: &TestService, filter: StatisticsFilter) -> Statistics {
    fixture.service.statistics(ADMIN, TENANT, filter).await.unwrap()
}

async fn attention(fixture: &TestService) -> Vec<Alert> {
    statistics(fixture, StatisticsFilter::default()).await.alerts
}

/// The only alert that contains this text.
#[track_caller]
fn attention_with<'a>(all: &'a [Alert], text: &str) -> &'a Alert {
    let found: Vec<_> = all.iter().filter(|one| one.message.contains(text)).collect();
    assert_eq!(found.len(), 1, "{text}: {all:?}");
    found[0]
}

/// Fails if an alert contains this text.
#[track_caller]
fn silent(all: &[Alert], text: &str) {
    assert!(all.iter().all(|one| !one.message.contains(text)), "{text}: {all:?}");
}

fn after(millis: i64) -> Timestamp {
    Timestamp(START.0 + millis)
}

/// A message that was accepted this long after the start, and has ended.
fn row(id: &str, at: i64, status: MessageStatus) -> MessageRow {
    MessageRow {
        id: id.to_owned(),
        tenant: TENANT.to_owned(),
        created_at: after(at),
        expires_at: after(at + 600_000),
        usage: Usage::SignIn,
        locale: None,
        recipient_hash: vec![1; 32],
        recipient_masked: "+45…78".to_owned(),
        country: Some("DK".to_owned()),
        payload: None,
        verification: None,
        status,
        mode: Mode::Sync,
        test: false,
        connection: Some("main".to_owned()),
        segments: Some(2),
        provider_message_id: None,
        failure: None,
        attempts: 1,
        physical_messages: 1,
        price_micros: 5,
        // The worker does not touch messages that are leased.
        next_attempt_at: (!status.is_final()).then(|| after(30 * DAY)),
        lease: None,
        platform_data: Default::default(),
        status_callback: None,
    }
}

fn failure(class: FailureClass, text: &str) -> Option<RecordedFailure> {
    Some(RecordedFailure {
        class,
        party: Party::Provider,
        request_sent: RequestSent::Yes,
        text: text.to_owned(),
        provider_code: None,
        retry_after: None,
        denied_by_settings: false,
    })
}

/// The attempt with which a provider accepted a message, this long after Sendbox accepted it.
fn taken(message: &MessageRow, took: i64) -> AttemptRow {
    AttemptRow {
        tenant: message.tenant.clone(),
        message: message.id.clone(),
        number: 1,
        connection: "main".to_owned(),
        connector: "twilio".to_owned(),
        digest: "sha256:00".to_owned(),
        started_at: message.created_at,
        finished_at: Some(Timestamp(message.created_at.0 + took)),
        outcome: Some(AttemptOutcome::Accepted),
        failure: None,
        decision: None,
        record: None,
        response_status: None,
        fault: false,
        provider_id: None,
    }
}

async fn insert(fixture: &TestService, rows: &[MessageRow]) {
    let mut tx = fixture.store.begin().await.unwrap();
    for row in rows {
        messages::insert(&mut tx, row).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn what_was_sent_is_counted(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant("other", Environment::Development).await;
    let number = TestNumber { number: Sensitive::from("+4587654321"), code: Sensitive::from("424242") };
    fixture.service.set_test_numbers(ADMIN, TENANT, TestNumbers { numbers: vec![number] }).await.unwrap();
    let prices = [("DK".to_owned(), 3)].into();
    let spend = SpendPolicy {
        currency: "EUR".to_owned(),
        cap_per_month_micros: 1_000_000,
        price_per_segment_micros: 7,
        prices,
    };
    fixture.set_policy(TENANT, |policy| policy.spend = Some(spend)).await;

    // Two verifications, of which one is approved; one message of the platform; one that the provider refuses.
    let started = fixture.start_verification(NUMBER).await.unwrap().id;
    fixture.check(&started, &fixture.received_code(NUMBER)).await.unwrap();
    fixture.start_verification("+46701234567").await.unwrap();
    fixture.clock.advance_millis(2 * HOUR);
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    fixture.simulator.inject_spec("twilio=code:21211,times=1".parse().unwrap()).unwrap();
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap_err();
    // Test numbers and other tenants do not count.
    fixture.start_verification("+4587654321").await.unwrap();
    fixture.service.send_message(ADMIN, TENANT, message("+4587654321", "314159"), None).await.unwrap();
    fixture.service.send_message(ADMIN, "other", message(NUMBER, "314159"), None).await.unwrap();
    fixture.clock.advance_millis(1);

    let found = statistics(&fixture, StatisticsFilter::default()).await;
    let now = after(2 * HOUR + 1);
    assert_eq!((found.from, found.to, found.bucket), (after(-22 * HOUR), now, Bucket::Hour));
    let totals = found.totals;
    assert_eq!((totals.messages, totals.accepted, totals.failed), (4, 3, 1));
    assert_eq!((totals.in_doubt, totals.cancelled, totals.expired, totals.in_progress), (0, 0, 0, 0));
    // Two to Denmark and one to Sweden; a refused message costs nothing.
    assert_eq!((totals.segments, totals.cost_micros), (3, 3 + 3 + 7));
    assert_eq!(found.conversion, Conversion { started: 2, approved: 1, rate: Some(0.5) });
    assert_eq!(found.latency_ms, Some(Latency { p50: 0, p95: 0, p99: 0 }));
    assert_eq!(found.failures, [FailureCount { class: FailureClass::InvalidRecipient, count: 1 }]);
    let country = |country: &str, messages, accepted, conversion| CountryCount {
        country: country.to_owned(),
        messages,
        accepted,
        delivered: 0,
        undelivered: 0,
        conversion: Some(conversion),
    };
    let expected = [country("DK", 3, 2, Conversion::of(1, 1)), country("SE", 1, 1, Conversion::of(0, 1))];
    assert_eq!(found.countries, expected);
    let points: Vec<StatisticsBucket> = found.series.iter().copied().filter(|point| point.messages > 0).collect();
    let latency_ms = Some(Latency { p50: 0, p95: 0, p99: 0 });
    let point = |at, messages, accepted, failed| StatisticsBucket {
        messages,
        accepted,
        failed,
        latency_ms,
        ..StatisticsBucket::empty(at)
    };
    let first = StatisticsBucket { verifications: StartedCount { started: 2, approved: 1 }, ..point(START, 2, 2, 0) };
    assert_eq!(points, [first, point(after(2 * HOUR), 2, 1, 1)]);
    // 24 hours that begin a millisecond after a full hour are counted as 25.
    assert_eq!(found.series.len(), 25);

    // No number, code or text.
    let written = serde_json::to_string(&found).unwrap();
    for canary in ["12345678", "…78", "314159", "is your code"] {
        assert!(!written.contains(canary), "{canary}: {written}");
    }
}

async fn each_status_is_counted_within_the_period(database: &Database) {
    use MessageStatus::{Accepted, Cancelled, Expired, Failed, InDoubt, Queued, Sending};
    let fixture = TestService::new(database).await;
    let mut rows = Vec::new();
    let statuses = [Queued, Sending, Accepted, Failed, InDoubt, Expired, Cancelled];
    // One, two, … seven messages; one of each status within the last millisecond.
    for (index, status) in statuses.into_iter().enumerate() {
        for number in 0..=index {
            let at = if number == 0 { DAY - 1 } else { 0 };
            rows.push(MessageRow { segments: None, ..row(&format!("m{index}{number}"), at, status) });
        }
    }
    // Just outside the period, and to a test number.
    rows.push(row("before", -1, Accepted));
    rows.push(row("behind", DAY, Accepted));
    rows.push(MessageRow { test: true, ..row("test", 0, Accepted) });
    // Two physical messages of two segments, without a country.
    rows.push(MessageRow { physical_messages: 2, country: None, ..row("twice", HOUR, InDoubt) });
    // No physical message.
    rows.push(MessageRow { physical_messages: 0, ..row("none", HOUR, Failed) });
    insert(&fixture, &rows).await;

    let filter = StatisticsFilter { from: Some(START), to: Some(after(DAY)), bucket: None };
    let found = statistics(&fixture, filter).await;
    let totals = found.totals;
    assert_eq!((totals.messages, totals.in_progress, totals.accepted, totals.failed), (30, 1 + 2, 3, 4 + 1));
    assert_eq!((totals.in_doubt, totals.expired, totals.cancelled), (5 + 1, 6, 7));
    assert_eq!((totals.segments, totals.cost_micros), (28 + 4, 28 * 5 + 10));
    let sums = found.series.iter().fold((0, 0, 0), |(messages, accepted, failed), point| {
        (messages + point.messages, accepted + point.accepted, failed + point.failed)
    });
    assert_eq!(sums, (30, 3, 5));
    assert_eq!((found.series.len(), found.series[0].messages, found.series[1].messages), (24, 21, 2));
    assert_eq!((found.series[23].starts_at, found.series[23].messages), (after(23 * HOUR), 7));
    let countries: Vec<_> =
        found.countries.iter().map(|one| (one.country.as_str(), one.messages, one.accepted)).collect();
    assert_eq!(countries, [("DK", 29, 3), ("001", 1, 0)]);
    assert!(found.countries[0].conversion.is_none());
    // Nothing was started, and nothing that was accepted has an attempt here.
    assert_eq!((found.conversion.rate, found.latency_ms), (None, None));
}

async fn messages_are_timed(database: &Database) {
    let fixture = TestService::new(database).await;
    let mut tx = fixture.store.begin().await.unwrap();
    for number in 0..1100_i64 {
        let message = row(&format!("m{number:04}"), number, MessageStatus::Accepted);
        insert_taken(&mut tx, message, if number < 100 { 60_000 } else { number - 99 }).await;
    }
    insert_taken(&mut tx, row("late", HOUR, MessageStatus::Accepted), 7).await;
    // A clock that was set back makes no negative latency.
    insert_taken(&mut tx, row("clock", HOUR, MessageStatus::Accepted), -5).await;
    // To a test number, and after the period.
    insert_taken(&mut tx, MessageRow { test: true, ..row("test", HOUR, MessageStatus::Accepted) }, 60_000).await;
    insert_taken(&mut tx, row("behind", 2 * HOUR, MessageStatus::Accepted), 60_000).await;
    tx.commit().await.unwrap();
    let filter = StatisticsFilter { from: Some(START), to: Some(after(HOUR + 10)), bucket: None };
    let found = statistics(&fixture, filter).await;
    assert_eq!(found.totals.messages, 1102);
    // The middles of the ranges of 550 ms, and of a minute.
    assert_eq!(found.latency_ms, Some(Latency { p50: 543, p95: 59_391, p99: 59_391 }));
    let latencies: Vec<_> = found.series.iter().map(|point| point.latency_ms).collect();
    assert_eq!(latencies, [found.latency_ms, Some(Latency { p50: 0, p95: 7, p99: 7 })]);
}

/// A message, and an attempt that a provider accepted after this time.
async fn insert_taken(tx: &mut Tx, message: MessageRow, took: i64) {
    messages::insert(tx, &message).await.unwrap();
    let finished = taken(&message, took);
    attempts::insert(tx, &AttemptRow { finished_at: None, outcome: None, ..finished.clone() }).await.unwrap();
    assert!(attempts::finish(tx, &finished).await.unwrap());
}

async fn what_a_provider_wrote_breaks_nothing(database: &Database) {
    let fixture = TestService::new(database).await;
    let failed = |id: &str, class: FailureClass, text: &str| MessageRow {
        failure: failure(class, text),
        ..row(id, 0, MessageStatus::Failed)
    };
    insert(
        &fixture,
        &[
            failed("m1", FailureClass::Unknown, "a\u{0}b \"class\": \"x\" \\ '"),
            failed("m2", FailureClass::Unknown, "🦀\u{2028}"),
            failed("m3", FailureClass::InvalidRecipient, ""),
            // A message that succeeded has no failure, and one that is retried has not failed yet.
            MessageRow { failure: failure(FailureClass::RateLimited, ""), ..row("m4", 0, MessageStatus::Queued) },
            row("m5", 0, MessageStatus::InDoubt),
        ],
    )
    .await;
    let filter = StatisticsFilter { from: Some(START), to: Some(after(HOUR)), bucket: None };
    let counts: Vec<_> =
        statistics(&fixture, filter).await.failures.into_iter().map(|one| (one.class, one.count)).collect();
    assert_eq!(counts, [(FailureClass::Unknown, 2), (FailureClass::InvalidRecipient, 1)]);
}

async fn a_series_has_every_bucket(database: &Database) {
    let fixture = TestService::new(database).await;
    insert(&fixture, &[row("m1", 0, MessageStatus::Accepted), row("m2", 3 * DAY, MessageStatus::Accepted)]).await;
    let from = Timestamp(START.0 - DAY);
    let days = StatisticsFilter { from: Some(from), to: Some(after(4 * DAY)), bucket: Some(Bucket::Day) };
    let found = statistics(&fixture, days).await;
    // The period begins at 20:00, so it touches six days.
    let midnight = START.0 - 20 * HOUR;
    let expected: Vec<StatisticsBucket> = [0, 1, 0, 0, 1, 0]
        .into_iter()
        .zip(-1_i64..)
        .map(|(messages, day)| StatisticsBucket {
            messages,
            accepted: messages,
            ..StatisticsBucket::empty(Timestamp(midnight + day * DAY))
        })
        .collect();
    assert_eq!(found.series, expected);
    let hours = statistics(&fixture, StatisticsFilter { bucket: Some(Bucket::Hour), ..days }).await;
    assert_eq!((hours.series.len(), hours.totals), (5 * 24, found.totals));
    for wrong in [
        StatisticsFilter { to: Some(from), ..days },
        StatisticsFilter { from: Some(Timestamp(START.0 - 93 * DAY)), to: Some(START), bucket: None },
        StatisticsFilter { from: Some(Timestamp(START.0 - 32 * DAY)), to: Some(START), bucket: Some(Bucket::Hour) },
    ] {
        let refused = fixture.service.statistics(ADMIN, TENANT, wrong).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{wrong:?}");
    }
}

async fn statistics_need_the_read_scope(database: &Database) {
    let fixture = TestService::new(database).await;
    let key = |tenant: &str, scope| Caller::Key {
        tenant: tenant.to_owned(),
        key: "k".to_owned(),
        scopes: [scope].into(),
        expires_at: None,
        has_old_secret: false,
    };
    for (caller, may) in [
        (key(TENANT, Scope::Read), true),
        (key(TENANT, Scope::Manage), true),
        (key(TENANT, Scope::Send), false),
        (key(TENANT, Scope::Verify), false),
        (key("other", Scope::Manage), false),
    ] {
        let answer = fixture.service.statistics(&caller, TENANT, StatisticsFilter::default()).await;
        assert_eq!(answer.is_ok(), may, "{caller:?}");
    }
    let missing = fixture.service.statistics(ADMIN, "nobody", StatisticsFilter::default()).await;
    assert!(matches!(missing, Err(Error::NotFound(_))));
}

async fn set_up_mistakes_need_attention(database: &Database) {
    let fixture = TestService::new(database).await;
    // Only a test is missing.
    let found = attention(&fixture).await;
    assert_eq!((found.len(), attention_with(&found, "have not been tested").severity), (1, Severity::Warning));
    fixture.service.test_connection(ADMIN, TENANT, test_of_main(NUMBER)).await.unwrap();
    assert_eq!(attention(&fixture).await, []);

    // An untested change, and a connection that a newer connector may find incomplete.
    let mut input = twilio();
    input.templates.as_array_mut().unwrap()[0]["content"] = "{{code}} it is.".into();
    fixture.service.save_connection(ADMIN, TENANT, "main", input).await.unwrap();
    attention_with(&attention(&fixture).await, "have not been tested");
    let mut beside = database.connect().await;
    let change = r#"UPDATE connections SET templates = '[{"usage":"generic","content":"{{code}}"}]'"#;
    beside.execute(AssertSqlSafe(change)).await.unwrap();
    let found = attention(&fixture).await;
    let missing = attention_with(&found, "no template for: register, sign-in, forgot-password.");
    assert_eq!(missing.severity, Severity::Critical);

    fixture.service.delete_connection(ADMIN, TENANT, "main", Deletion { force: true }).await.unwrap();
    let found = attention(&fixture).await;
    assert_eq!((found.len(), attention_with(&found, "No connection is active").severity), (1, Severity::Critical));

    // A production tenant begins with nothing allowed, and its flows disabled.
    fixture.add_tenant("live", Environment::Production).await;
    let of_live = async || fixture.service.statistics(ADMIN, "live", StatisticsFilter::default()).await.unwrap().alerts;
    assert_eq!(attention_with(&of_live().await, "No country is allowed").severity, Severity::Warning);
    fixture
        .set_policy("live", |policy| policy.countries = Countries { all: false, only: ["DK".to_owned()].into() })
        .await;
    silent(&of_live().await, "No country is allowed");
}

async fn failures_need_attention(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.simulator.inject_spec("twilio=code:20003,times=1".parse().unwrap()).unwrap();
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap_err();
    let found = attention(&fixture).await;
    let refused = attention_with(&found, "failed once in the last hour (authentication-failed)");
    assert_eq!((refused.severity, refused.subject.as_ref().unwrap().id.as_str()), (Severity::Critical, "main"));
    assert_eq!(attention_with(&found, "is paused").severity, Severity::Critical);
    // It is fixed, and sends again.
    fixture.clock.advance_millis(60_000);
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    let found = attention(&fixture).await;
    assert_eq!(attention_with(&found, "It has sent since").severity, Severity::Warning);
    silent(&found, "is paused");
    fixture.clock.advance_millis(HOUR);
    silent(&attention(&fixture).await, "authentication-failed");

    // Fraud.
    fixture.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
    fixture.service.send_message(ADMIN, TENANT, message("+4533334001", "314159"), None).await.unwrap_err();
    let hold = fixture.service.holds(ADMIN, TENANT).await.unwrap().remove(0);
    let found = attention(&fixture).await;
    let held = attention_with(&found, "suspects fraud");
    assert_eq!(held.subject.as_ref().unwrap().id, hold.id);
    fixture.service.lift_hold(ADMIN, TENANT, &hold.id).await.unwrap();
    silent(&attention(&fixture).await, "suspects fraud");

    // The spend cap: four fifths, then all of it.
    let spend = |cap| SpendPolicy {
        currency: "EUR".to_owned(),
        cap_per_month_micros: cap,
        price_per_segment_micros: 1,
        prices: Default::default(),
    };
    fixture.set_policy(TENANT, |policy| policy.spend = Some(spend(5))).await;
    for _ in 0..4 {
        silent(&attention(&fixture).await, "spend cap");
        fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    }
    assert_eq!(attention_with(&attention(&fixture).await, "80 % of the spend cap").severity, Severity::Warning);
    fixture.service.send_message(ADMIN, TENANT, message(NUMBER, "314159"), None).await.unwrap();
    assert_eq!(attention_with(&attention(&fixture).await, "is reached").severity, Severity::Critical);

    // A failure rate: a few failures are not reported, many are.
    silent(&attention(&fixture).await, "Providers accepted only");
    let now = fixture.now().0 - START.0;
    let failed: Vec<_> = (0..20).map(|number| row(&format!("f{number}"), now, MessageStatus::Failed)).collect();
    insert(&fixture, &failed).await;
    attention_with(&attention(&fixture).await, "Providers accepted only");
}

async fn rollbacks_and_old_secrets_need_attention(database: &Database) {
    let fixture = TestService::new(database).await;
    // A connection with an uploaded connector whose new version was rolled back.
    let mut tx = fixture.store.begin().await.unwrap();
    let main = connections::get(&mut tx, TENANT, "main").await.unwrap().unwrap();
    let uploaded = ConnectionRow { name: "acme".to_owned(), connector: "acme-sms".to_owned(), ..main };
    connections::put(&mut tx, &uploaded).await.unwrap();
    let release = |automatic, generation| ReleaseRow {
        tenant: String::new(),
        connector: "acme-sms".to_owned(),
        owner: String::new(),
        generation,
        versions: Versions {
            last_rollback: Some(Rollback {
                rolled_back_at: START,
                from: "sha256:1".to_owned(),
                to: "sha256:0".to_owned(),
                reason: "it misbehaved in 1 of 5 attempts".to_owned(),
                automatic,
                fault: None,
            }),
            ..Versions::first("sha256:0".to_owned(), START)
        },
    };
    assert!(releases::put(&mut tx, &release(true, 1)).await.unwrap());
    tx.commit().await.unwrap();
    let found = attention(&fixture).await;
    let rollback = attention_with(&found, "it misbehaved in 1 of 5 attempts");
    assert_eq!(rollback.subject.as_ref().unwrap().id, "acme-sms");
    // A manual rollback is known already, and after a day a rollback is no longer news.
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(releases::put(&mut tx, &release(false, 2)).await.unwrap());
    tx.commit().await.unwrap();
    silent(&attention(&fixture).await, "misbehaved");
    let mut tx = fixture.store.begin().await.unwrap();
    assert!(releases::put(&mut tx, &release(true, 3)).await.unwrap());
    tx.commit().await.unwrap();
    fixture.clock.advance_millis(DAY);
    silent(&attention(&fixture).await, "misbehaved");

    silent(&attention(&fixture).await, "older than a year");
    fixture.clock.advance_millis(365 * DAY);
    let found = attention(&fixture).await;
    let old = attention_with(&found, "Secrets of `main` are older than a year: `authToken`.");
    assert_eq!(old.severity, Severity::Info);
}

async fn a_country_whose_codes_do_not_come_back_is_named(database: &Database) {
    let fixture = TestService::new(database).await;
    for number in 0..20 {
        let number = format!("+45201000{number:02}");
        let id = fixture.start_verification(&number).await.unwrap().id;
        fixture.check(&id, &fixture.received_code(&number)).await.unwrap();
    }
    for number in 0..19 {
        fixture.start_verification(&format!("+467012345{number:02}")).await.unwrap();
    }
    silent(&attention(&fixture).await, "elsewhere");
    fixture.start_verification("+46701234599").await.unwrap();
    let found = attention(&fixture).await;
    let pumped =
        attention_with(&found, "0 % of the 20 verifications of the last day in SE were completed, 100 % elsewhere");
    assert_eq!(pumped.subject.as_ref().unwrap().id, "SE");
    fixture.clock.advance_millis(DAY + 1);
    silent(&attention(&fixture).await, "elsewhere");
}
