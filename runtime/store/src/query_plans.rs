//! Tests of how much statements read: their query plans on SQLite, and the steps of its virtual machine. Both are the same on every
//! run and every machine, unlike times.

use sendbox_contract::{DeliveryState, Usage};
use sendbox_domain::model::{
    AttemptOutcome, Environment, EventType, MessageStatus, Mode, PlatformData, Timestamp, VerificationStatus,
};
use tempfile::TempDir;

use super::events::EventQuery;
use super::messages::MessageQuery;
use super::query::Executed;
use super::rows::{AttemptRow, MessageRow, TenantRow, VerificationRow};
use super::verifications::VerificationQuery;
use super::*;

const START: i64 = 1_795_464_000_000;
const HOUR: u64 = 3_600_000;
const ALL_TIME: (Timestamp, Timestamp) = (Timestamp(START), Timestamp(START + 1_000_000_000));

/// A store with one tenant that has this many messages, each with an attempt and a verification. One in ten is in each of the states
/// that are not `accepted`.
async fn store_with(count: i64) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &tenant()).await.unwrap());
    for number in 0..count {
        insert(&mut tx, &message(number), number % 2 == 0).await;
        verifications::insert(&mut tx, &verification(number)).await.unwrap();
    }
    tx.commit().await.unwrap();
    (folder, store)
}

async fn insert(tx: &mut Tx, message: &MessageRow, is_delivered: bool) {
    messages::insert(tx, message).await.unwrap();
    if is_delivered {
        messages::set_delivery(tx, "acme", &message.id, DeliveryState::Delivered).await.unwrap();
    }
    let finished = attempt(message);
    attempts::insert(tx, &AttemptRow { finished_at: None, outcome: None, ..finished.clone() }).await.unwrap();
    assert!(attempts::finish(tx, &finished).await.unwrap());
}

fn tenant() -> TenantRow {
    TenantRow {
        id: "acme".to_owned(),
        name: String::new(),
        environment: Environment::Production,
        active_connection: None,
        flows: Default::default(),
        policy: Default::default(),
        wrapped_key: Vec::new(),
        master_key: String::new(),
        test_numbers: None,
        created_at: Timestamp(START),
        subscriptions: Default::default(),
    }
}

fn message(number: i64) -> MessageRow {
    let status = match number % 10 {
        0 => MessageStatus::Failed,
        1 => MessageStatus::InDoubt,
        2 => MessageStatus::Queued,
        _ => MessageStatus::Accepted,
    };
    MessageRow {
        id: format!("m{number:06}"),
        tenant: "acme".to_owned(),
        created_at: Timestamp(START + number * 10_000),
        expires_at: Timestamp(START + number * 10_000 + 600_000),
        usage: if number % 3 == 0 { Usage::SignIn } else { Usage::Generic },
        locale: None,
        recipient_hash: vec![u8::try_from(number % 7).unwrap(); 32],
        recipient_masked: String::new(),
        country: Some(["DK", "SE", "DE"][usize::try_from(number % 3).unwrap()].to_owned()),
        payload: None,
        verification: Some(format!("v{number:06}")),
        status,
        mode: Mode::Sync,
        test: false,
        connection: Some(["main", "backup"][usize::try_from(number % 2).unwrap()].to_owned()),
        segments: Some(1),
        provider_message_id: None,
        failure: None,
        attempts: 1,
        physical_messages: 1,
        price_micros: 5,
        next_attempt_at: None,
        lease: None,
        platform_data: PlatformData { reference: Some(format!("r{}", number % 4)), ..PlatformData::default() },
        status_callback: None,
    }
}

fn attempt(message: &MessageRow) -> AttemptRow {
    let accepted = message.status == MessageStatus::Accepted;
    AttemptRow {
        tenant: message.tenant.clone(),
        message: message.id.clone(),
        number: 1,
        connection: "main".to_owned(),
        connector: "twilio".to_owned(),
        digest: "sha256:00".to_owned(),
        started_at: message.created_at,
        finished_at: Some(Timestamp(message.created_at.0 + 300)),
        outcome: Some(if accepted { AttemptOutcome::Accepted } else { AttemptOutcome::InDoubt }),
        failure: None,
        decision: None,
        record: None,
        response_status: None,
        fault: false,
        provider_id: None,
    }
}

fn verification(number: i64) -> VerificationRow {
    let message = message(number);
    VerificationRow {
        id: format!("v{number:06}"),
        tenant: message.tenant,
        usage: message.usage,
        locale: None,
        recipient_hash: message.recipient_hash,
        recipient_masked: String::new(),
        payload: None,
        test: false,
        code_mac: Vec::new(),
        code_key: String::new(),
        status: VerificationStatus::Approved,
        tries: 0,
        max_tries: 5,
        sends: 1,
        max_sends: 4,
        created_at: message.created_at,
        expires_at: message.expires_at,
        resend_at: message.created_at,
        approved_at: None,
        message: Some(message.id),
        code_order: 1,
        previous: None,
        platform_data: message.platform_data,
    }
}

/// Runs every statement of `statistics.rs` that reads, once.
async fn statistics_of_everything(store: &Store) -> Vec<Executed> {
    let mut tx = store.begin_read().await.unwrap();
    let since = Timestamp(START);
    assert!(!statistics::by_bucket(&mut tx, "acme", ALL_TIME, HOUR).await.unwrap().is_empty());
    assert!(!statistics::by_country(&mut tx, "acme", ALL_TIME).await.unwrap().is_empty());
    statistics::failures(&mut tx, "acme", ALL_TIME).await.unwrap();
    assert!(!statistics::latencies(&mut tx, "acme", ALL_TIME, HOUR).await.unwrap().is_empty());
    assert!(!statistics::started_by_bucket(&mut tx, "acme", ALL_TIME, HOUR).await.unwrap().is_empty());
    assert!(!statistics::conversions(&mut tx, "acme", ALL_TIME).await.unwrap().is_empty());
    assert!(!statistics::newest_by_status(&mut tx, "acme", since, 100).await.unwrap().is_empty());
    assert!(!statistics::newest_by_connection(&mut tx, "acme", since, 100).await.unwrap().is_empty());
    let executed = tx.take_executed();
    let written = include_str!("statistics.rs").matches("tenant: &str").count();
    assert_eq!(executed.len(), written, "a function of statistics.rs is missing here");
    executed
}

#[tokio::test]
async fn statistics_read_only_the_period_by_an_index() {
    let (_folder, store) = store_with(10).await;
    for Executed { sql, plan, .. } in statistics_of_everything(&store).await {
        for line in plan.iter().filter(|line| line.starts_with("SCAN") || line.starts_with("SEARCH")) {
            let reads_period = ["tenant=? AND hour>?", "messages_newest (tenant=? AND created_at>?"];
            let reads_open = ["messages_not_accepted (tenant=? AND status=? AND created_at>?"];
            let reads_one = ["attempts_1 (tenant=? AND message=?)"];
            let mut allowed = reads_period.iter().chain(&reads_open).chain(&reads_one);
            let is_found = allowed.any(|read| line.contains(read));
            // Subselects of this statement.
            assert!(is_found || ["SCAN counted", "SCAN newest"].contains(&line.as_str()), "{line}\n{sql}");
        }
    }
}

#[tokio::test]
async fn statistics_take_as_many_steps_for_more_messages() {
    let [(_one, once), (_two, thrice)] = [store_with(400).await, store_with(400).await];
    let mut tx = thrice.begin().await.unwrap();
    for number in 0..800 {
        // At the same times, and ended: those that have not are counted one by one.
        let message = message(number % 400);
        let status = if message.status.is_final() { message.status } else { MessageStatus::Accepted };
        let message = MessageRow { id: format!("x{number:06}"), status, ..message };
        insert(&mut tx, &message, number % 2 == 0).await;
    }
    tx.commit().await.unwrap();
    let [once, thrice] = [statistics_of_everything(&once).await, statistics_of_everything(&thrice).await];
    for (once, thrice) in once.iter().zip(&thrice) {
        let (most, steps) = (once.steps / 10 * 11 + 10, thrice.steps);
        assert!(once.steps > 0 && steps <= most, "{steps} steps after {}\n{}", once.steps, once.sql);
    }
}

/// The attempts of all are of one version and one tenant.
#[tokio::test]
async fn versions_are_judged_by_as_many_attempts_however_many_there_are() {
    let [(_one, small), (_two, large)] = [store_with(200).await, store_with(2000).await];
    let mut steps = Vec::new();
    for store in [&small, &large] {
        let mut tx = store.begin_read().await.unwrap();
        for tenant in ["", "acme"] {
            let (since, until) = ALL_TIME;
            let period = attempts::VersionPeriod { tenant, digest: "sha256:00", since, until };
            let counts = attempts::counts(&mut tx, &period, 20).await.unwrap();
            assert_eq!(counts.iter().map(|count| count.attempts).sum::<u64>(), 20);
            assert_eq!(attempts::durations(&mut tx, &period, 20).await.unwrap().len(), 20);
        }
        let executed = tx.take_executed();
        for Executed { sql, plan, .. } in &executed {
            for line in plan.iter().filter(|line| line.contains("attempts")) {
                assert!(line.contains("INDEX attempts_of_version ("), "{line}\n{sql}");
            }
        }
        steps.push(executed.iter().map(|executed| executed.steps).sum::<i32>());
    }
    assert!(steps[1] <= steps[0] / 10 * 11, "{steps:?}");
}

#[tokio::test]
async fn each_filter_of_the_list_has_an_index_in_order() {
    let [(_one, small), (_two, large)] = [store_with(60).await, store_with(600).await];
    let statuses = [
        MessageStatus::Queued,
        MessageStatus::Sending,
        MessageStatus::Failed,
        MessageStatus::InDoubt,
        MessageStatus::Expired,
        MessageStatus::Cancelled,
    ];
    let none = MessageQuery::default;
    let mut cases = vec![
        ("messages_newest", none()),
        ("messages_newest", MessageQuery { status: Some(MessageStatus::Accepted), ..none() }),
        ("messages_of_usage", MessageQuery { usage: Some(Usage::SignIn), ..none() }),
        ("messages_of_country", MessageQuery { country: Some("DK".to_owned()), ..none() }),
        ("messages_of_recipient", MessageQuery { recipient_hash: Some(vec![2; 32]), ..none() }),
        ("messages_of_connection", MessageQuery { connection: Some("backup".to_owned()), ..none() }),
        ("messages_of_reference", MessageQuery { reference: Some("r1".to_owned()), ..none() }),
        ("messages_reported", MessageQuery { delivery: Some(DeliveryState::Delivered), ..none() }),
        ("messages_newest", MessageQuery { since: Some(Timestamp(START)), ..none() }),
        ("messages_newest", MessageQuery { until: Some(Timestamp(START + 550_000)), ..none() }),
    ];
    cases.extend(statuses.map(|status| ("messages_not_accepted", MessageQuery { status: Some(status), ..none() })));
    // Fails to compile when a filter is added.
    let MessageQuery {
        status: _,
        usage: _,
        country: _,
        recipient_hash: _,
        connection: _,
        reference: _,
        delivery: _,
        since: _,
        until: _,
        before: _,
        limit: _,
    } = none();
    for (index, filter) in cases {
        let from_there = Some((Timestamp(START + 590_000), "m000059".to_owned()));
        for before in [None, from_there] {
            let filter = MessageQuery { before, limit: 3, ..filter.clone() };
            let mut steps = Vec::new();
            for store in [&small, &large] {
                let mut tx = store.begin_read().await.unwrap();
                let found = messages::list(&mut tx, "acme", &filter).await.unwrap().len();
                let executed = tx.take_executed();
                let [Executed { sql, plan, steps: taken }] = &executed[..] else { panic!("one statement") };
                let search = format!("SEARCH messages USING INDEX {index} (");
                assert!(plan.len() == 1 && plan[0].starts_with(&search), "{index}: {plan:?}\n{sql}");
                steps.push((found, *taken));
            }
            // As many steps, however many messages there are.
            assert!(steps[0] == steps[1], "{filter:?}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn each_filter_of_verifications_has_an_index_in_order() {
    let [(_one, small), (_two, large)] = [store_with(60).await, store_with(600).await];
    let none = VerificationQuery::default;
    // Fails to compile when a filter is added.
    let VerificationQuery { usage: _, recipient_hash: _, reference: _, since: _, until: _, before: _, limit: _ } =
        none();
    for (index, filter) in [
        ("verifications_newest", none()),
        ("verifications_of_usage", VerificationQuery { usage: Some(Usage::SignIn), ..none() }),
        ("verifications_of_recipient", VerificationQuery { recipient_hash: Some(vec![2; 32]), ..none() }),
        ("verifications_of_reference", VerificationQuery { reference: Some("r1".to_owned()), ..none() }),
        ("verifications_newest", VerificationQuery { since: Some(Timestamp(START)), ..none() }),
        ("verifications_newest", VerificationQuery { until: Some(Timestamp(START + 550_000)), ..none() }),
    ] {
        for before in [None, Some((Timestamp(START + 590_000), "v000059".to_owned()))] {
            let filter = VerificationQuery { before, limit: 3, ..filter.clone() };
            let mut steps = Vec::new();
            for store in [&small, &large] {
                let mut tx = store.begin_read().await.unwrap();
                let found = verifications::list(&mut tx, "acme", &filter).await.unwrap().len();
                let executed = tx.take_executed();
                let [Executed { sql, plan, steps: taken }] = &executed[..] else { panic!("one statement") };
                let search = format!("SEARCH verifications USING INDEX {index} (");
                assert!(plan.len() == 1 && plan[0].starts_with(&search), "{index}: {plan:?}\n{sql}");
                steps.push((found, *taken));
            }
            assert!(steps[0] == steps[1] && steps[0].0 == 3, "{filter:?}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn sweeps_read_only_what_has_expired() {
    let (_folder, store) = store_with(10).await;
    let mut tx = store.begin().await.unwrap();
    let long_ago = Timestamp(START - 1);
    tx.take_executed();
    verifications::expire(&mut tx, long_ago, 100).await.unwrap();
    buckets::sweep(&mut tx, long_ago, 100).await.unwrap();
    holds::sweep(&mut tx, long_ago, 100).await.unwrap();
    idempotency::sweep(&mut tx, long_ago, 100).await.unwrap();
    reports::sweep(&mut tx, long_ago, 100).await.unwrap();
    messages::delete_before(&mut tx, long_ago, 100).await.unwrap();
    verifications::delete_before(&mut tx, long_ago, 100).await.unwrap();
    connections::delete_tests_before(&mut tx, long_ago, 100).await.unwrap();
    sessions::sweep(&mut tx, long_ago, 100).await.unwrap();
    // A statement for each table of counts, and for the audit log one that finds nothing.
    statistics::delete_before(&mut tx, long_ago, 100).await.unwrap();
    audit::delete_before(&mut tx, long_ago, 100).await.unwrap();
    // They find nothing.
    events::delete_before(&mut tx, long_ago, 100).await.unwrap();
    events::keep_newest(&mut tx, "acme", 100, 100).await.unwrap();
    events::are_more_than(&mut tx, "acme", 100).await.unwrap();
    let executed = tx.take_executed();
    assert_eq!(executed.len(), 9 + 4 + 1 + 3);
    for Executed { sql, plan, .. } in executed {
        // `old` is the list of what is deleted.
        let is_fine = |line: &&String| !line.starts_with("SCAN") || *line == "SCAN old";
        assert!(plan.iter().all(|line| is_fine(&line)), "{plan:#?}\n{sql}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}\n{sql}");
    }
}

#[tokio::test]
async fn events_are_found_by_an_index() {
    let (_folder, store) = store_with(0).await;
    let mut tx = store.begin().await.unwrap();
    let lease = rows::Lease { process: "p1".to_owned(), claim: 1 };
    tx.take_executed();
    for filter in [
        EventQuery::default(),
        EventQuery { kind: Some(EventType::MessageFailed), ..EventQuery::default() },
        EventQuery { subject: Some("m1".to_owned()), ..EventQuery::default() },
        EventQuery { since: Some(Timestamp(1)), until: Some(Timestamp(9)), ..EventQuery::default() },
        EventQuery { before: Some((Timestamp(9), "e9".to_owned())), ..EventQuery::default() },
    ] {
        events::list(&mut tx, "acme", &filter).await.unwrap();
    }
    events::next_due(&mut tx).await.unwrap();
    events::next_endpoint(&mut tx, ("acme", "w1")).await.unwrap();
    events::claim(&mut tx, ("acme", "w1"), Timestamp(START), &lease, 4).await.unwrap();
    tenants::subscribed(&mut tx).await.unwrap();
    let executed = tx.take_executed();
    assert_eq!(executed.len(), 5 + 4);
    for Executed { sql, plan, .. } in executed {
        let is_fine = |line: &&String| !line.starts_with("SCAN") || line.contains(" USING ") || *line == "SCAN due";
        assert!(plan.iter().all(|line| is_fine(&line)), "{plan:#?}\n{sql}");
        assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "{plan:#?}\n{sql}");
    }
}
