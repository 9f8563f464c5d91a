//! The processes that use the store, and their heartbeats.

use sendbox_store::Store;
use sendbox_store::processes;
use sendbox_store::rows::ProcessRow;
use sendbox_tests::{Database, on_every_database};

use crate::sample;

on_every_database!(only_a_silent_process_is_deleted, a_heartbeat_and_a_deletion_exclude_each_other);

fn row(id: &str, beats: u64) -> ProcessRow {
    ProcessRow { id: id.to_owned(), beats }
}

async fn only_a_silent_process_is_deleted(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    assert_eq!(processes::all(&mut tx).await.unwrap(), []);
    assert!(!processes::beat(&mut tx, "p1").await.unwrap());
    for id in ["p2", "p1"] {
        processes::insert(&mut tx, id).await.unwrap();
    }
    assert!(processes::beat(&mut tx, "p1").await.unwrap());
    assert_eq!(processes::all(&mut tx).await.unwrap(), [row("p1", 1), row("p2", 0)]);

    let lease = sample::lease("p1", 3);
    assert!(!processes::holds(&mut tx, None).await.unwrap());
    assert!(processes::holds(&mut tx, Some(&lease)).await.unwrap());
    assert!(!processes::delete_silent(&mut tx, &row("p1", 0)).await.unwrap(), "it has counted a heartbeat since");
    assert!(processes::holds(&mut tx, Some(&lease)).await.unwrap());
    assert!(processes::delete_silent(&mut tx, &row("p1", 1)).await.unwrap());
    assert!(!processes::delete_silent(&mut tx, &row("p1", 1)).await.unwrap());
    assert!(!processes::holds(&mut tx, Some(&lease)).await.unwrap());
    assert!(!processes::beat(&mut tx, "p1").await.unwrap(), "it must join again");
    assert_eq!(processes::all(&mut tx).await.unwrap(), [row("p2", 0)]);
}

/// One of the two comes first, and the other one learns it.
async fn a_heartbeat_and_a_deletion_exclude_each_other(database: &Database) {
    let stores = [sample::store(database).await, Store::open(database.url()).await.unwrap()];
    for round in 0..50 {
        let id = format!("p{round}");
        let mut tx = stores[0].begin().await.unwrap();
        processes::insert(&mut tx, &id).await.unwrap();
        tx.commit().await.unwrap();
        let beat = async {
            let mut tx = stores[0].begin().await.unwrap();
            let is_alive = processes::beat(&mut tx, &id).await.unwrap();
            tx.commit().await.unwrap();
            is_alive
        };
        let delete = async {
            let mut tx = stores[1].begin().await.unwrap();
            let is_deleted = processes::delete_silent(&mut tx, &row(&id, 0)).await.unwrap();
            tx.commit().await.unwrap();
            is_deleted
        };
        let (is_alive, is_deleted) = tokio::join!(beat, delete);
        assert!(is_alive != is_deleted, "round {round}: {is_alive}");
    }
}
