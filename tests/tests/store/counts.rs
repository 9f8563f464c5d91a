//! The counts that statistics show are those of the rows, after any history.

use sendbox_contract::{DeliveryState, FailureClass, RecordedFailure};
use sendbox_domain::model::{AttemptOutcome, MessageStatus, Timestamp, VerificationStatus};
use sendbox_store::rows::{AttemptRow, MessageRow, VerificationRow};
use sendbox_store::{Store, Tx, attempts, messages, statistics, tenants, verifications};
use sendbox_tests::recount::{assert_counted, counted};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    counts_are_those_of_the_rows,
    counts_outlive_the_rows_and_then_expire,
    reports_of_many_messages_at_once_block_nobody
);

const HOUR: u64 = 3_600_000;
/// Changes of a history.
const STEPS: usize = 800;
/// A full hour.
const START: Timestamp = Timestamp(NOW.0 / 3_600_000 * 3_600_000);

/// Random numbers that replay.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len() as u64) as usize]
    }
}

const STATUSES: [MessageStatus; 7] = [
    MessageStatus::Queued,
    MessageStatus::Sending,
    MessageStatus::Accepted,
    MessageStatus::Failed,
    MessageStatus::InDoubt,
    MessageStatus::Expired,
    MessageStatus::Cancelled,
];

/// A message in one of three hours. It may be to a test number, and may have ended already.
fn message(dice: &mut Dice, number: usize) -> MessageRow {
    let mut row = MessageRow {
        created_at: START.plus_millis(dice.roll(3 * HOUR)),
        country: dice.one_of(&[Some("DK"), Some("SE"), None]).map(str::to_owned),
        test: dice.roll(8) == 0,
        segments: dice.one_of(&[None, Some(1), Some(3)]),
        physical_messages: 0,
        attempts: 0,
        lease: Some(sample::lease("w1", 7)),
        ..sample::message(dice.one_of(&["acme", "other"]), &format!("m{number}"))
    };
    set_status(dice, &mut row);
    row
}

fn set_status(dice: &mut Dice, row: &mut MessageRow) {
    row.status = dice.one_of(&STATUSES);
    row.physical_messages = dice.roll(3) as u32;
    row.failure = match row.status {
        MessageStatus::Accepted => None,
        _ if dice.roll(4) == 0 => None,
        _ => Some(RecordedFailure {
            class: dice.one_of(&[FailureClass::InvalidRecipient, FailureClass::InDoubt, FailureClass::Unknown]),
            ..sample::failure()
        }),
    };
    if row.status.is_final() {
        row.lease = None;
    }
}

/// What a message goes through: attempts, which finish once, and its end, which is written by the holder of the lease only.
async fn change_message(tx: &mut Tx, dice: &mut Dice, row: &mut MessageRow) {
    let mut changed = row.clone();
    let outcome = dice.one_of(&[AttemptOutcome::Accepted, AttemptOutcome::Rejected, AttemptOutcome::InDoubt]);
    match dice.roll(4) {
        0 => {
            let state = dice.one_of(&[
                DeliveryState::Sent,
                DeliveryState::Delivered,
                DeliveryState::Undelivered,
                DeliveryState::Rejected,
                DeliveryState::Expired,
            ]);
            // Also of messages that have not ended.
            messages::set_delivery(tx, &row.tenant, &row.id, state).await.unwrap();
        }
        1 => {
            changed.attempts += 1;
            let attempt =
                AttemptRow { started_at: row.created_at, ..sample::attempt(&row.tenant, &row.id, changed.attempts) };
            attempts::insert(tx, &attempt).await.unwrap();
            let took = dice.one_of(&[0, 3, 15, 16, 17, 250, 999, 60_000, 10_000_000]);
            let finished_at = Some(Timestamp(row.created_at.0 + took - 2));
            let finished = AttemptRow { finished_at, outcome: Some(outcome), ..attempt };
            assert!(attempts::finish(tx, &finished).await.unwrap());
            assert!(!attempts::finish(tx, &finished).await.unwrap(), "an attempt finishes once");
            row.attempts = changed.attempts;
        }
        _ => set_status(dice, &mut changed),
    }
    // Two writers of the same end: only the first one holds the lease.
    let is_held = messages::update(tx, &changed, Some(&sample::lease("w1", 7))).await.unwrap();
    assert_eq!(is_held, !row.status.is_final());
    if is_held {
        if changed.status.is_final() {
            assert!(!messages::update(tx, &changed, Some(&sample::lease("w1", 7))).await.unwrap());
        }
        *row = changed;
    }
}

async fn change_verification(tx: &mut Tx, dice: &mut Dice, row: &VerificationRow, of_tenant: &[&MessageRow]) {
    let (tenant, id) = (row.tenant.as_str(), row.id.as_str());
    match dice.roll(4) {
        0 => drop(verifications::approve(tx, tenant, id, &row.code_mac, START).await.unwrap()),
        1 => drop(verifications::end(tx, tenant, id, VerificationStatus::Cancelled).await.unwrap()),
        2 => drop(verifications::count_try(tx, tenant, id, START).await.unwrap()),
        // A resend: another message to the same number.
        _ => {
            let first = of_tenant.iter().find(|message| Some(&message.id) == row.message.as_ref());
            let same = of_tenant.iter().find(|message| Some(&message.country) == first.map(|first| &first.country));
            let message = same.map(|message| message.id.clone());
            verifications::update_codes(tx, &VerificationRow { message, ..row.clone() }).await.unwrap();
        }
    }
}

/// Two tenants with a random history. Some transactions are rolled back.
async fn live(store: &Store, seed: u64) {
    let mut dice = Dice(seed);
    let (mut sent, mut started): (Vec<MessageRow>, Vec<VerificationRow>) = (Vec::new(), Vec::new());
    for number in 0..STEPS {
        let mut tx = store.begin().await.unwrap();
        let (mut sent_then, mut started_then) = (sent.clone(), started.clone());
        match dice.roll(6) {
            0 | 1 => {
                let row = message(&mut dice, number);
                messages::insert(&mut tx, &row).await.unwrap();
                sent_then.push(row);
            }
            2 if !sent_then.is_empty() => {
                let of = &sent_then[dice.roll(sent_then.len() as u64) as usize];
                let row = VerificationRow {
                    created_at: of.created_at,
                    expires_at: of.created_at.plus_seconds(600),
                    test: dice.roll(8) == 0,
                    message: Some(of.id.clone()),
                    ..sample::verification(&of.tenant, &format!("v{number}"))
                };
                verifications::insert(&mut tx, &row).await.unwrap();
                started_then.push(row);
            }
            3 if !started_then.is_empty() => {
                let row = &started_then[dice.roll(started_then.len() as u64) as usize];
                let of_tenant: Vec<_> = sent_then.iter().filter(|message| message.tenant == row.tenant).collect();
                change_verification(&mut tx, &mut dice, row, &of_tenant).await;
            }
            _ if !sent_then.is_empty() => {
                let index = dice.roll(sent_then.len() as u64) as usize;
                change_message(&mut tx, &mut dice, &mut sent_then[index]).await;
            }
            _ => {}
        }
        // Else dropped, as by a crash.
        if dice.roll(5) > 0 {
            tx.commit().await.unwrap();
            (sent, started) = (sent_then, started_then);
        }
    }
}

async fn with_two_tenants(database: &Database) -> Store {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    tx.commit().await.unwrap();
    store
}

async fn counts_are_those_of_the_rows(database: &Database) {
    let store = with_two_tenants(database).await;
    let mut connection = database.connect().await;
    live(&store, 0x5eed).await;
    assert_counted(&mut connection).await;
    let counts = counted(&mut connection).await;
    assert!(counts.len() > 30 && counts.iter().any(|line| line.starts_with("other ")), "{counts:?}");
    // What the API reads: the counts, and what has not ended.
    let mut tx = store.begin_read().await.unwrap();
    let all = (Timestamp(0), Timestamp(i64::MAX));
    for tenant in ["acme", "other"] {
        let by_bucket = statistics::by_bucket(&mut tx, tenant, all, HOUR).await.unwrap();
        let by_country = statistics::by_country(&mut tx, tenant, all).await.unwrap();
        let count = "SELECT COUNT(*) FROM messages WHERE test = 0 AND tenant = $1";
        let rows: i64 = sqlx::query_scalar(count).bind(tenant).fetch_one(&mut connection).await.unwrap();
        assert_eq!((by_bucket.len(), by_country.len()), (3, 3));
        assert_eq!(by_bucket.iter().map(|(_, counts)| counts.messages()).sum::<u64>(), rows as u64);
        assert_eq!(by_country.iter().map(|(_, counts)| counts.messages()).sum::<u64>(), rows as u64);
        assert!(by_bucket.iter().any(|(_, counts)| counts.in_progress > 0));
    }
}

async fn counts_outlive_the_rows_and_then_expire(database: &Database) {
    let store = with_two_tenants(database).await;
    let mut connection = database.connect().await;
    live(&store, 7).await;
    let before = counted(&mut connection).await;
    let mut tx = store.begin().await.unwrap();
    let later = START.plus_millis(4 * HOUR);
    while messages::delete_before(&mut tx, later, 100).await.unwrap() > 0 {}
    while verifications::delete_before(&mut tx, later, 100).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    assert_eq!(counted(&mut connection).await, before);

    // In steps, and only hours before the given one.
    let second = START.plus_millis(HOUR);
    let mut tx = store.begin().await.unwrap();
    assert_eq!(statistics::delete_before(&mut tx, second, 1).await.unwrap(), 1);
    while statistics::delete_before(&mut tx, second, 5).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    let is_first_hour = |line: &&String| line.split(' ').nth(1) == Some(START.0.to_string().as_str());
    let kept: Vec<String> = before.iter().filter(|line| !is_first_hour(line)).cloned().collect();
    assert!(kept.len() < before.len() && !kept.is_empty());
    assert_eq!(counted(&mut connection).await, kept);

    // And with their tenant, in steps.
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::delete(&mut tx, "acme", NOW).await.unwrap());
    while tenants::delete_rows(&mut tx, 7).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    let others: Vec<String> = kept.into_iter().filter(|line| line.starts_with("other ")).collect();
    assert_eq!(counted(&mut connection).await, others);
}

/// Calls that report on the same messages in opposite orders, while the messages' attempts end.
async fn reports_of_many_messages_at_once_block_nobody(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..60_u64 {
        let open = number % 2 == 0;
        let row = MessageRow {
            test: false,
            country: Some(["DK", "SE", "DE"][number as usize % 3].to_owned()),
            created_at: START.plus_millis(number % 4 * HOUR),
            status: if open { MessageStatus::Sending } else { MessageStatus::Accepted },
            ..sample::message("acme", &format!("m{number:02}"))
        };
        messages::insert(&mut tx, &row).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tasks = Vec::new();
    for task in 0..6_u64 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..10 {
                let mut tx = store.begin().await.unwrap();
                // Each call has messages of its own, and all have the same hours and countries.
                let mut reported: Vec<u64> =
                    (0..60).filter(|number| number % 2 == 1 && number / 2 % 6 == task).collect();
                if task % 2 == 0 {
                    reported.reverse();
                }
                for number in reported {
                    let state = if round % 2 == 0 { DeliveryState::Delivered } else { DeliveryState::Undelivered };
                    messages::set_delivery(&mut tx, "acme", &format!("m{number:02}"), state).await.unwrap();
                }
                tx.commit().await.unwrap();
                let id = format!("m{:02}", (task * 10 + round) % 60 / 2 * 2);
                let mut tx = store.begin().await.unwrap();
                let row = messages::lock(&mut tx, "acme", &id).await.unwrap().unwrap();
                let ended = MessageRow { status: MessageStatus::Accepted, failure: None, lease: None, ..row };
                messages::update(&mut tx, &ended, None).await.unwrap();
                tx.commit().await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_counted(&mut database.connect().await).await;
}
