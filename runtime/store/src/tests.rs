//! Failures that only a test inside the crate can cause. The tests on both databases are in `tests/tests/store`.

use std::future::ready;

use sendbox_domain::model::{Environment, Timestamp};
use sqlx::query;
use tempfile::TempDir;

use super::rows::TenantRow;
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
    for (pool, query_only) in [(&store.writers, "0"), (&store.readers, "1")] {
        for (setting, expected) in settings.into_iter().chain([("PRAGMA query_only", query_only)]) {
            let row = query(setting).fetch_one(pool).await.unwrap();
            let number = sqlx::Row::try_get::<i64, _>(&row, 0).map(|number| number.to_string());
            let value = number.or_else(|_| sqlx::Row::try_get::<String, _>(&row, 0)).unwrap();
            assert_eq!(value, expected, "{setting}");
        }
    }
    assert_eq!(store.writers.options().get_max_connections(), 1);
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
        messages::claim(&mut tx, Timestamp(0), "", Timestamp(0), 1).await?;
        store.close().await;
        tx.commit().await
    };
    // Never polled: only its type matters.
    let _ = |store| send(inside(store));
}
