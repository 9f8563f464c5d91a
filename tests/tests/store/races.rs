//! Concurrency: counts are exact, and nothing waits forever. Two stores on one database represent two
//! processes.

use std::collections::BTreeMap;
use std::future::Future;

use sendbox_store::rows::{IdempotencyRow, MessageRow, ProcessRow, VerificationRow};
use sendbox_store::{Store, buckets, idempotency, keys, messages, meta, processes, tenants, verifications};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    no_change_of_a_locked_row_is_lost,
    no_message_is_claimed_twice,
    a_dead_process_is_taken_over_once,
    tries_are_exact,
    a_code_is_approved_once,
    no_count_in_a_bucket_is_lost,
    an_idempotency_key_has_one_first_use,
    all_get_the_same_small_value,
    a_rollback_frees_the_slot
);

const MANY: usize = 64;

/// Runs `task` many times at once, half of them on each store.
async fn at_once<T, F>(stores: &[Store; 2], task: impl Fn(Store, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..MANY).map(|number| tokio::spawn(task(stores[number % 2].clone(), number))).collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

async fn no_message_is_claimed_twice(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let mut tx = stores[0].begin().await.unwrap();
    let all = 300;
    for number in 0..all {
        messages::insert(&mut tx, &sample::waiting("acme", &format!("m{number:03}"))).await.unwrap();
    }
    processes::insert(&mut tx, "p1").await.unwrap();
    tx.commit().await.unwrap();

    let claims = at_once(&stores, |store, number| async move {
        let lease = sample::lease("p1", number as u64);
        let mut claimed = Vec::new();
        loop {
            let mut tx = store.begin().await.unwrap();
            let rows = messages::claim(&mut tx, "acme", NOW, &lease, 7).await.unwrap();
            tx.commit().await.unwrap();
            assert!(rows.len() <= 7, "no more than asked for");
            if rows.is_empty() {
                return claimed;
            }
            claimed.extend(rows.into_iter().map(|row| (row.id, lease.claim)));
        }
    })
    .await;

    let pairs: Vec<_> = claims.into_iter().flatten().collect();
    let owners: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!((pairs.len(), owners.len()), (all, all), "each once");
    let mut tx = stores[0].begin_read().await.unwrap();
    for (id, owner) in owners {
        let row = messages::get(&mut tx, "acme", &id).await.unwrap().unwrap();
        assert_eq!(row.lease, Some(sample::lease("p1", owner)), "{id}");
    }
}

async fn a_dead_process_is_taken_over_once(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let mut tx = stores[0].begin().await.unwrap();
    messages::insert(&mut tx, &sample::waiting("acme", "m1")).await.unwrap();
    tx.commit().await.unwrap();
    // In each round all processes find that the holder is dead, and claim the one message. The one that gets it can write; the previous
    // holder no longer can, and is declared dead once.
    let mut before: Option<MessageRow> = None;
    for round in 0..5_u64 {
        let mut tx = stores[0].begin().await.unwrap();
        for number in 0..MANY {
            processes::insert(&mut tx, &format!("r{round}w{number}")).await.unwrap();
        }
        tx.commit().await.unwrap();
        let dead = before.as_ref().and_then(|row| row.lease.clone()).map(|lease| lease.process);
        let claims = at_once(&stores, |store, number| {
            let dead = dead.clone();
            async move {
                let mut tx = store.begin().await.unwrap();
                let mut is_first = false;
                if let Some(id) = dead {
                    is_first = processes::delete_silent(&mut tx, &ProcessRow { id, beats: 0 }).await.unwrap();
                }
                let lease = sample::lease(&format!("r{round}w{number}"), 0);
                let rows = messages::claim(&mut tx, "acme", NOW, &lease, 9).await.unwrap();
                tx.commit().await.unwrap();
                (is_first, rows)
            }
        })
        .await;
        assert_eq!(claims.iter().filter(|(is_first, _)| *is_first).count(), usize::from(dead.is_some()));
        let heirs: Vec<MessageRow> = claims.into_iter().flat_map(|(_, rows)| rows).collect();
        assert_eq!(heirs.len(), 1, "round {round}");
        if let Some(late) = before {
            let mut tx = stores[1].begin().await.unwrap();
            assert!(!messages::update(&mut tx, &late, late.lease.as_ref()).await.unwrap());
            tx.commit().await.unwrap();
        }
        before = heirs.into_iter().next();
    }
}

async fn tries_are_exact(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let mut tx = stores[0].begin().await.unwrap();
    let row = VerificationRow { max_tries: 10, ..sample::verification("acme", "v1") };
    verifications::insert(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    let counted = at_once(&stores, |store, _| async move {
        let mut tx = store.begin().await.unwrap();
        let counted = verifications::count_try(&mut tx, "acme", "v1", NOW).await.unwrap();
        tx.commit().await.unwrap();
        counted.map(|row| row.tries)
    })
    .await;
    let mut counted: Vec<_> = counted.into_iter().flatten().collect();
    counted.sort_unstable();
    assert_eq!(counted, (1..=10).collect::<Vec<_>>(), "each try its own number");
}

async fn a_code_is_approved_once(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    for round in 0..5 {
        let id = format!("v{round}");
        let mut tx = stores[0].begin().await.unwrap();
        let row = VerificationRow { max_tries: 100, ..sample::verification("acme", &id) };
        verifications::insert(&mut tx, &row).await.unwrap();
        tx.commit().await.unwrap();
        let approved = at_once(&stores, |store, number| {
            let (id, mac) = (id.clone(), row.code_mac.clone());
            async move {
                let mut tx = store.begin().await.unwrap();
                let mut approved = false;
                // Some compete to end it in another way.
                if number % 8 == 7 {
                    let end = sendbox_domain::model::VerificationStatus::Cancelled;
                    approved |= verifications::end(&mut tx, "acme", &id, end).await.unwrap();
                } else {
                    approved |= verifications::approve(&mut tx, "acme", &id, &mac, NOW).await.unwrap();
                }
                tx.commit().await.unwrap();
                approved
            }
        })
        .await;
        assert_eq!(approved.into_iter().filter(|approved| *approved).count(), 1, "round {round}");
    }
}

async fn no_count_in_a_bucket_is_lost(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    // Overlapping sets in different orders: locking them in the given order would deadlock. Meanwhile a
    // sweep removes expired rows, which the counters never are.
    at_once(&stores, |store, number| async move {
        let mut keys: Vec<String> = [0, 1, 2, 3, 4]
            .into_iter()
            .filter(|key| number % (key + 2) != 0)
            .chain([5])
            .map(|key| format!("b{key}"))
            .collect();
        if number % 2 == 0 {
            keys.reverse();
        }
        let mut tx = store.begin().await.unwrap();
        let states = buckets::load(&mut tx, "acme", &keys).await.unwrap();
        let count = |key: &String| states.get(key).map_or(0, |state| state.parse::<u32>().unwrap());
        let counted: Vec<String> = keys.iter().map(|key| (count(key) + 1).to_string()).collect();
        let counted: Vec<_> =
            keys.iter().zip(&counted).map(|(key, count)| sample::bucket(key, count, NOW.plus_seconds(60))).collect();
        buckets::save(&mut tx, "acme", &counted).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        // Rows that are locked and left empty are removed by the sweep.
        buckets::load_alone(&mut tx, "acme", &format!("empty{}", number % 3)).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        buckets::sweep(&mut tx, NOW, 100).await.unwrap();
        tx.commit().await.unwrap();
    })
    .await;
    let mut tx = stores[0].begin().await.unwrap();
    let keys: Vec<_> = (0..6).map(|key| format!("b{key}")).collect();
    let states = buckets::load(&mut tx, "acme", &keys).await.unwrap();
    for (key, name) in keys.iter().enumerate() {
        let expected = (0..MANY).filter(|number| key == 5 || number % (key + 2) != 0).count();
        assert_eq!(states[name], expected.to_string(), "{name}");
    }
}

async fn an_idempotency_key_has_one_first_use(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    // In the first round it is new, in the second it has expired.
    for (round, now) in [NOW, NOW.plus_seconds(86_400)].into_iter().enumerate() {
        let claims = at_once(&stores, |store, number| async move {
            let resource = format!("r{round}m{number}");
            let row = IdempotencyRow { expires_at: now.plus_seconds(86_400), ..sample::first_use("acme", &resource) };
            let mut tx = store.begin().await.unwrap();
            let first = idempotency::claim(&mut tx, &row, now).await.unwrap();
            tx.commit().await.unwrap();
            (resource, first)
        })
        .await;
        let winners: Vec<_> = claims.iter().filter(|(_, first)| first.is_none()).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let winner = &winners[0].0;
        for (_, first) in claims.iter().filter(|(_, first)| first.is_some()) {
            assert_eq!(&first.as_ref().unwrap().resource, winner);
        }
    }
}

async fn all_get_the_same_small_value(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let values = at_once(&stores, |store, number| async move {
        let mut tx = store.begin().await.unwrap();
        let value = meta::put_if_absent(&mut tx, "salt", &[u8::try_from(number).unwrap()]).await.unwrap();
        tx.commit().await.unwrap();
        value
    })
    .await;
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}

async fn a_rollback_frees_the_slot(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let claims = at_once(&stores, |store, number| async move {
        let mut tx = store.begin().await.unwrap();
        let row = sample::first_use("acme", &format!("m{number}"));
        let first = idempotency::claim(&mut tx, &row, NOW).await.unwrap();
        // All but one roll back.
        if number == MANY / 2 {
            tx.commit().await.unwrap()
        } else {
            drop(tx)
        }
        first.map(|first| first.resource)
    })
    .await;
    let winner = format!("m{}", MANY / 2);
    assert_eq!(claims[MANY / 2], None, "nobody else has committed");
    assert!(claims.iter().flatten().all(|resource| *resource == winner), "{claims:?}");
}

/// Each kind of row that is read, changed and written back, 64 times at once.
async fn no_change_of_a_locked_row_is_lost(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    let mut tx = stores[0].begin().await.unwrap();
    keys::insert(&mut tx, &sample::key("acme", "k1")).await.unwrap();
    messages::insert(&mut tx, &sample::waiting("acme", "m1")).await.unwrap();
    verifications::insert(&mut tx, &sample::verification("acme", "v1")).await.unwrap();
    tx.commit().await.unwrap();

    at_once(&stores, |store, _| async move {
        let mut tx = store.begin().await.unwrap();
        let mut tenant = tenants::lock(&mut tx, "acme").await.unwrap().unwrap();
        tenant.wrapped_key.push(1);
        tenants::update(&mut tx, &tenant).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let mut tenant = tenants::with_other_master_key(&mut tx, "m2", 1).await.unwrap().remove(0);
        tenant.wrapped_key.push(1);
        tenants::update(&mut tx, &tenant).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let mut key = keys::find(&mut tx, "k1").await.unwrap().unwrap();
        key.hash.push(1);
        keys::update(&mut tx, &key).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let mut message = messages::lock(&mut tx, "acme", "m1").await.unwrap().unwrap();
        message.attempts += 1;
        assert!(messages::update(&mut tx, &message, None).await.unwrap());
        tx.commit().await.unwrap();

        let mut tx = store.begin().await.unwrap();
        let mut verification = verifications::lock(&mut tx, "acme", "v1").await.unwrap().unwrap();
        verification.sends += 1;
        assert!(verifications::update_codes(&mut tx, &verification).await.unwrap());
        tx.commit().await.unwrap();
    })
    .await;

    let mut tx = stores[1].begin_read().await.unwrap();
    let tenant = tenants::get(&mut tx, "acme").await.unwrap().unwrap();
    assert_eq!(tenant.wrapped_key.len(), sample::tenant("acme").wrapped_key.len() + 2 * MANY);
    let key = keys::find(&mut tx, "k1").await.unwrap().unwrap();
    assert_eq!(key.hash.len(), 32 + MANY);
    let message = messages::get(&mut tx, "acme", "m1").await.unwrap().unwrap();
    assert_eq!(message.attempts, 1 + u32::try_from(MANY).unwrap());
    let verification = verifications::get(&mut tx, "acme", "v1").await.unwrap().unwrap();
    assert_eq!(verification.sends, 1 + u32::try_from(MANY).unwrap());
}
