//! Failures that only a test inside the crate can cause. The tests on both databases are in `tests/tests/store`.

use std::future::ready;
use std::sync::{Arc, Mutex};

use rusqlite::types::Value as SqliteValue;
use sendbox_domain::model::{Environment, Timestamp};
use tempfile::TempDir;

use super::query::{Row, SqliteRow, query};
use super::rows::{Lease, TenantRow};
use super::*;

async fn open() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
    (folder, store)
}

fn tenant(id: &str, bytes: usize) -> TenantRow {
    TenantRow {
        id: id.to_owned(),
        name: String::new(),
        environment: Environment::Development,
        active_connection: None,
        flows: Default::default(),
        policy: Default::default(),
        wrapped_key: vec![7; bytes],
        master_key: String::new(),
        test_numbers: None,
        created_at: Timestamp(0),
        subscriptions: Default::default(),
    }
}

async fn ids(store: &Store) -> Vec<String> {
    let mut tx = store.begin_read().await.unwrap();
    tenants::list(&mut tx, None, 100).await.unwrap().into_iter().map(|tenant| tenant.id).collect()
}

/// Leaves the writing connection no page to grow by.
async fn fill_the_disk(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    // SQLite raises this to the number of pages in use.
    tx.execute(query("PRAGMA max_page_count = 1")).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_rolls_the_transaction_back() {
    let (_folder, store) = open().await;
    fill_the_disk(&store).await;
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &tenant("small", 1)).await.unwrap());
    let full = tenants::insert(&mut tx, &tenant("large", 1 << 20)).await;
    assert!(matches!(&full, Err(StoreError::Unavailable(cause)) if cause.contains("full")), "{full:?}");
    // SQLite has rolled back by itself: a further statement would be committed on its own.
    assert!(tenants::insert(&mut tx, &tenant("late", 1)).await.is_err());
    assert!(tx.commit().await.is_err());
    assert!(ids(&store).await.is_empty());
}

#[tokio::test]
async fn after_a_full_disk_the_store_works_again() {
    let (_folder, store) = open().await;
    for round in ["a", "b", "c"] {
        fill_the_disk(&store).await;
        let mut tx = store.begin().await.unwrap();
        assert!(tenants::insert(&mut tx, &tenant("never", 1 << 20)).await.is_err());
        drop(tx);
        // A new connection replaced the one whose disk was full.
        let mut tx = store.begin().await.unwrap();
        assert!(tenants::insert(&mut tx, &tenant(round, 1 << 20)).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(ids(&store).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_abandoned_statement_breaks_its_transaction() {
    let (_folder, store) = open().await;
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &tenant("before", 1)).await.unwrap());
    // Takes far longer than the first poll.
    let long =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT COUNT(*) FROM n";
    tokio::select! {
        biased;
        done = tx.execute(query(long)) => panic!("done at once: {done:?}"),
        () = ready(()) => {}
    }
    assert!(tx.commit().await.is_err(), "whether the statement has run is not known");
    assert!(ids(&store).await.is_empty());
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &tenant("after", 1)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ids(&store).await, ["after"]);
}

#[tokio::test]
async fn sqlite_is_configured_for_durability() {
    let (_folder, store) = open().await;
    let settings = [
        ("PRAGMA journal_mode", "wal"),
        ("PRAGMA synchronous", "2"),
        ("PRAGMA foreign_keys", "1"),
        ("PRAGMA secure_delete", "1"),
        ("PRAGMA busy_timeout", "5000"),
    ];
    for (mut tx, query_only) in [(store.begin().await.unwrap(), "0"), (store.begin_read().await.unwrap(), "1")] {
        for (setting, expected) in settings.into_iter().chain([("PRAGMA query_only", query_only)]) {
            let Some(Row::Sqlite(SqliteRow { values, .. })) = tx.one(query(setting)).await.unwrap() else { panic!() };
            let value = match &values[..] {
                [SqliteValue::Integer(number)] => number.to_string(),
                [SqliteValue::Text(text)] => text.clone(),
                other => panic!("{other:?}"),
            };
            assert_eq!(value, expected, "{setting}");
        }
    }
}

async fn add(store: &Store, id: &str) -> Result<bool> {
    let row = tenant(id, 1);
    store.write(move |tx| Box::pin(async move { tenants::insert(tx, &row).await.map(Done::Commit) })).await
}

/// Starts the units while the writer is busy with a transaction, so that they are one batch.
async fn together<T>(store: &Store, units: impl Future<Output = T>) -> T {
    let busy = store.begin().await.unwrap();
    let mut units = std::pin::pin!(units);
    // Each unit is queued at the first look at it.
    assert!(is_pending(units.as_mut()).await);
    drop(busy);
    units.await
}

async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn a_unit_that_fails_panics_or_waits_is_undone_alone() {
    let (_folder, store) = open().await;
    let fails = store.write(|tx| {
        Box::pin(async move {
            tenants::insert(tx, &tenant("fails", 1)).await?;
            Err::<Done<()>, _>(StoreError::Unavailable("as it wants".to_owned()))
        })
    });
    let panics = store.write::<(), StoreError, _>(|tx| {
        Box::pin(async move {
            tenants::insert(tx, &tenant("panics", 1)).await?;
            panic!("on purpose")
        })
    });
    let waits = store.write::<(), StoreError, _>(|tx| {
        Box::pin(async move {
            tenants::insert(tx, &tenant("waits", 1)).await?;
            tokio::task::yield_now().await;
            Ok(Done::Commit(()))
        })
    });
    let changes_nothing =
        store.write(|tx| Box::pin(async move { tenants::insert(tx, &tenant("undone", 1)).await.map(Done::Rollback) }));
    let breaks = store.write(|tx| {
        Box::pin(async move {
            tenants::insert(tx, &tenant("breaks", 1)).await?;
            // The failure is passed over, and the unit is not committed all the same.
            assert!(tx.execute(query("SELECT * FROM missing")).await.is_err());
            Ok::<_, StoreError>(Done::Commit(()))
        })
    });
    let all = async {
        tokio::join!(add(&store, "first"), fails, panics, waits, changes_nothing, breaks, add(&store, "last"))
    };
    let (first, fails, panics, waits, undone, breaks, last) = together(&store, all).await;
    assert_eq!((first, undone, last), (Ok(true), Ok(true), Ok(true)));
    let cause = |result: Result<()>| result.unwrap_err().to_string();
    assert!(cause(fails).contains("as it wants"));
    assert!(cause(panics).contains("panicked"));
    assert!(cause(waits).contains("waited"));
    assert!(cause(breaks).contains("an earlier statement"));
    assert_eq!(ids(&store).await, ["first", "last"]);
}

#[tokio::test]
async fn a_batch_that_the_disk_has_no_room_for_fails_as_a_whole() {
    let (_folder, store) = open().await;
    fill_the_disk(&store).await;
    let large = store
        .write(|tx| Box::pin(async move { tenants::insert(tx, &tenant("large", 1 << 20)).await.map(Done::Commit) }));
    let all = async { tokio::join!(add(&store, "before"), large, add(&store, "behind")) };
    let (before, large, behind) = together(&store, all).await;
    for refused in [before, large] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    // It had not begun, and belongs to the next batch.
    assert_eq!(behind, Ok(true));
    assert_eq!(add(&store, "later").await, Ok(true));
    assert_eq!(ids(&store).await, ["behind", "later"]);
}

#[tokio::test]
async fn a_unit_that_nobody_waits_for_any_more_is_not_begun() {
    let (_folder, store) = open().await;
    let busy = store.begin().await.unwrap();
    let mut gone = Box::pin(add(&store, "gone"));
    assert!(is_pending(gone.as_mut()).await);
    drop(gone);
    drop(busy);
    assert_eq!(add(&store, "next").await, Ok(true));
    assert_eq!(ids(&store).await, ["next"]);
}

#[tokio::test]
async fn a_statement_ends_in_time() {
    let (_folder, store) = open().await;
    let mut tx = store.begin_read().await.unwrap();
    tx.set_timeout(std::time::Duration::from_millis(1)).await.unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let ended = tx.execute(query(endless)).await;
    assert!(matches!(&ended, Err(StoreError::Unavailable(cause)) if cause.contains("too long")), "{ended:?}");
    drop(tx);
    // The connection is given back, and takes its time again.
    assert!(ids(&store).await.is_empty());
}

/// What units did, in the order in which they ran.
type Order = Arc<Mutex<Vec<String>>>;

/// A unit that notes its name.
async fn note(store: Store, order: &Order, name: String) -> Result<()> {
    let order = Arc::clone(order);
    store
        .write(move |_| {
            Box::pin(async move {
                order.lock().unwrap().push(name);
                Ok(Done::Rollback(()))
            })
        })
        .await
}

#[tokio::test]
async fn owners_take_turns_for_the_writer() {
    let (_folder, store) = open().await;
    let order = Order::default();
    let busy = store.for_owner("busy");
    let all = async {
        let units = (0..100).map(|number| note(busy.clone(), &order, format!("busy {number}")));
        let ends = note(store.for_completion("busy"), &order, "busy ends".to_owned());
        let calm = note(store.for_owner("calm"), &order, "calm".to_owned());
        tokio::join!(futures_util::future::join_all(units), ends, calm)
    };
    let (units, ends, calm) = together(&store, all).await;
    assert!(units.iter().all(Result::is_ok) && ends.is_ok() && calm.is_ok());
    let order = order.lock().unwrap();
    assert_eq!(order[..4], ["busy ends", "calm", "busy 0", "busy 1"], "one each, and what ends something first");
    assert_eq!(order.len(), 102);
}

/// A unit that is queued while another one runs has its turn at once, and the rest of the busy owner is left to the next batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calm_owner_waits_for_a_few_units_of_a_busy_one() {
    let (_folder, store) = open().await;
    let order = Order::default();
    let (entered, is_running) = std::sync::mpsc::channel();
    let (leave, may_end) = std::sync::mpsc::channel();
    let busy = store.for_owner("busy");
    let first = busy.write(move |_| {
        Box::pin(async move {
            entered.send(()).unwrap();
            may_end.recv().unwrap();
            Ok::<_, StoreError>(Done::Rollback(()))
        })
    });
    let mut first = std::pin::pin!(first);
    assert!(is_pending(first.as_mut()).await);
    is_running.recv().unwrap();
    let count = 2 * sqlite::BATCH_OF_OWNER;
    let others =
        futures_util::future::join_all((0..count).map(|number| note(busy.clone(), &order, number.to_string())));
    let mut others = std::pin::pin!(others);
    assert!(is_pending(others.as_mut()).await);
    let calm = async {
        let calm = note(store.for_owner("calm"), &order, "calm".to_owned());
        let mut calm = std::pin::pin!(calm);
        assert!(is_pending(calm.as_mut()).await);
        leave.send(()).unwrap();
        calm.await.unwrap();
        // Its batch has ended, perhaps with a few of the busy owner in it.
        order.lock().unwrap().iter().position(|name| name == "calm").unwrap()
    };
    assert!(calm.await <= 1, "it was the second to run, however many waited");
    first.await.unwrap();
    others.await;
    assert_eq!(order.lock().unwrap().len(), count + 1);
}

#[tokio::test]
async fn what_waits_for_the_writer_is_bounded() {
    let (_folder, store) = open().await;
    let lent = store.begin().await.unwrap();
    let order = Order::default();
    let busy = store.for_owner("busy");
    let units = (0..10_000).map(|number| note(busy.clone(), &order, number.to_string()));
    let mut units = std::pin::pin!(futures_util::future::join_all(units));
    assert!(is_pending(units.as_mut()).await);
    assert_eq!(store.refusals(), 10_000 - u64::try_from(sendbox_slots::MAX_WAITING_OF_OWNER).unwrap());
    assert_eq!(busy.begin().await.err(), Some(StoreError::Busy));
    let mut calm = std::pin::pin!(note(store.for_owner("calm"), &order, "calm".to_owned()));
    assert!(is_pending(calm.as_mut()).await);
    let mut ends = std::pin::pin!(note(store.for_completion("busy"), &order, "ends".to_owned()));
    assert!(is_pending(ends.as_mut()).await, "a result is never lost for lack of room");
    drop(lent);
    calm.await.unwrap();
    ends.await.unwrap();
    let done = units.await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), sendbox_slots::MAX_WAITING_OF_OWNER);
    assert!(done.iter().flat_map(|done| done.as_ref().err()).all(|error| *error == StoreError::Busy));
}

#[tokio::test]
async fn one_owner_leaves_readers_to_the_others_and_look_ups_have_their_own() {
    let (_folder, store) = open().await;
    let busy = store.for_owner("busy");
    let mut held = Vec::new();
    for _ in 0..sqlite::READERS_OF_OWNER {
        held.push(busy.begin_read().await.unwrap());
    }
    let mut further = std::pin::pin!(busy.begin_read());
    assert!(is_pending(further.as_mut()).await, "it has its share");
    for owner in sqlite::READERS_OF_OWNER..sqlite::READERS {
        held.push(store.for_owner(&owner.to_string()).begin_read().await.unwrap());
    }
    let calm = store.for_owner("calm");
    let mut calm = std::pin::pin!(calm.begin_read());
    assert!(is_pending(calm.as_mut()).await, "all are taken");
    let lookups = [store.begin_lookup().await.unwrap(), store.begin_lookup().await.unwrap()];
    assert_eq!(lookups.len(), sqlite::LOOKUPS);
    held.remove(0);
    assert!(calm.await.is_ok(), "the one that holds the fewest is next");
    assert!(further.await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_interrupts_reads_that_do_not_end() {
    let (folder, store) = open().await;
    assert!(add(&store, "stored").await.unwrap());
    let mut tx = store.begin_read().await.unwrap();
    tx.set_timeout(std::time::Duration::from_secs(3600)).await.unwrap();
    // Not even a statement runs in this one.
    let idle = store.begin_read().await.unwrap();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    let reading = tokio::spawn(async move { tx.execute(query(endless)).await });
    store.close().await;
    assert!(matches!(reading.await.unwrap(), Err(StoreError::Unavailable(_))));
    assert!(
        add(&store, "late").await.is_err() && store.begin_read().await.is_err() && store.begin_lookup().await.is_err()
    );
    drop(idle);
    assert!(folder.path().join("store.db").exists());
}

/// Handlers are spawned, so their futures must be `Send`.
#[test]
fn futures_are_send() {
    fn send<T: Send>(_: T) {}
    send(Store::open(""));
    let inside = |store: Store| async move {
        let mut tx = store.begin().await?;
        tenants::lock(&mut tx, "").await?;
        buckets::load(&mut tx, "", &[]).await?;
        messages::list(&mut tx, "", &Default::default()).await?;
        messages::claim(&mut tx, "acme", Timestamp(0), &Lease { process: String::new(), claim: 0 }, 1).await?;
        store.close().await;
        tx.commit().await
    };
    // Never polled: only its type matters.
    let _ = |store| send(inside(store));
}
