//! Owners share the connections: none of them takes all, and look-ups have connections of their own.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::join_all;
use sendbox_store::{Store, StoreError, Tx, keys};
use sendbox_tests::{Database, on_every_database};

use crate::sample;

on_every_database!(one_owner_leaves_connections_to_the_others, look_ups_find_a_connection, what_ends_something_waits);

/// More transactions than there are connections.
const MANY: usize = 40;

async fn count(tx: &mut Tx) -> usize {
    keys::list(tx, "acme").await.unwrap().len()
}

async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Reads that never end, one of each owner.
async fn hold(store: &Store, owners: impl Iterator<Item = String>) {
    let reads = owners.map(|owner| {
        let store = store.for_owner(&owner);
        async move {
            let tx = store.begin_read().await;
            std::future::pending::<()>().await;
            drop(tx);
        }
    });
    join_all(reads).await;
}

async fn one_owner_leaves_connections_to_the_others(database: &Database) {
    let store = sample::store(database).await;
    let mut held = pin!(hold(&store, (0..MANY).map(|_| "busy".to_owned())));
    assert!(is_pending(held.as_mut()).await, "all of them have asked");
    let others = async {
        for owner in ["calm", "other"] {
            let mut tx = store.for_owner(owner).begin_read().await.unwrap();
            assert_eq!(count(&mut tx).await, 0, "{owner}");
        }
    };
    tokio::select! {
        () = held => unreachable!("they never end"),
        () = others => {}
    }
}

async fn look_ups_find_a_connection(database: &Database) {
    let store = sample::store(database).await;
    let mut held = pin!(hold(&store, (0..MANY).map(|owner| owner.to_string())));
    assert!(is_pending(held.as_mut()).await);
    let look_up = async {
        let mut tx = store.begin_lookup().await.unwrap();
        count(&mut tx).await
    };
    tokio::select! {
        () = held => unreachable!("they never end"),
        found = look_up => assert_eq!(found, 0),
    }
}

async fn what_ends_something_waits(database: &Database) {
    let store = sample::store(database).await;
    let busy = store.for_owner("busy");
    let lent = store.begin().await.unwrap();
    let mut begun = pin!(join_all((0..1_000).map(|_| async { busy.begin().await.map(drop) })));
    assert!(is_pending(begun.as_mut()).await);
    assert_eq!(busy.begin().await.err(), Some(StoreError::Busy));
    let completing = store.for_completion("busy");
    let mut ended = pin!(completing.begin());
    assert!(is_pending(ended.as_mut()).await, "it is not refused");
    drop(lent);
    let (begun, ended) = tokio::join!(begun, async { ended.await.map(drop) });
    assert_eq!(ended, Ok(()));
    let refused = begun.iter().filter(|begun| **begun == Err(StoreError::Busy)).count();
    assert!(refused > 0 && begun.iter().any(Result::is_ok));
    assert_eq!(store.refusals(), u64::try_from(refused + 1).unwrap());
}
