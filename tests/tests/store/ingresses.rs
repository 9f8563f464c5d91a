//! Ingresses, and the newest calls of each.

use sendbox_store::ingresses;
use sendbox_store::rows::{IngressCallRow, IngressRow};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    an_ingress_is_read_as_it_was_written,
    an_address_is_found_by_its_hash,
    only_the_newest_calls_are_kept
);

async fn an_ingress_is_read_as_it_was_written(database: &Database) {
    let store = sample::store(database).await;
    let first = sample::ingress("acme", "main");
    let mut tx = store.begin().await.unwrap();
    ingresses::put(&mut tx, &first).await.unwrap();
    assert_eq!(ingresses::get(&mut tx, "acme", "main").await.unwrap().as_ref(), Some(&first));
    // What identifies it stays, whatever is written.
    let changed = IngressRow { enabled: false, sealed: vec![7], old_token_hash: None, ..first.clone() };
    ingresses::put(&mut tx, &IngressRow { id: "g-other".to_owned(), ..changed.clone() }).await.unwrap();
    assert_eq!(ingresses::list(&mut tx, "acme").await.unwrap(), [changed]);
    assert!(ingresses::list(&mut tx, "other").await.unwrap().is_empty());
    assert!(!ingresses::delete(&mut tx, "other", "main").await.unwrap());
    assert!(ingresses::delete(&mut tx, "acme", "main").await.unwrap());
    assert_eq!(ingresses::get(&mut tx, "acme", "main").await.unwrap(), None);
    tx.commit().await.unwrap();
}

async fn an_address_is_found_by_its_hash(database: &Database) {
    let store = sample::store(database).await;
    let row = sample::ingress("acme", "main");
    let mut tx = store.begin().await.unwrap();
    ingresses::put(&mut tx, &row).await.unwrap();
    let old = row.old_token_hash.clone().unwrap();
    let until = row.old_token_until.unwrap();
    for (hash, now, is_found) in [
        (row.token_hash.as_slice(), until, true),
        (&old, NOW, true),
        (&old, until, false),
        (b"another", NOW, false),
        (b"", NOW, false),
    ] {
        assert_eq!(ingresses::find(&mut tx, hash, now).await.unwrap().is_some(), is_found, "{hash:?} {now}");
    }
    tx.commit().await.unwrap();
}

async fn only_the_newest_calls_are_kept(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    for number in 0..10 {
        let received_at = NOW.plus_seconds(number);
        ingresses::insert_call(
            &mut tx,
            &IngressCallRow { received_at, ..sample::ingress_call("acme", &format!("c{number}")) },
        )
        .await
        .unwrap();
    }
    let of_another = IngressCallRow { ingress: "g-another".to_owned(), ..sample::ingress_call("acme", "c0") };
    ingresses::insert_call(&mut tx, &of_another).await.unwrap();
    assert_eq!(ingresses::trim_calls(&mut tx, "acme", "g-acme-main", 4).await.unwrap(), 6);
    assert_eq!(ingresses::trim_calls(&mut tx, "acme", "g-acme-main", 4).await.unwrap(), 0);
    let newest = ingresses::calls(&mut tx, "acme", "g-acme-main", 3).await.unwrap();
    assert_eq!(newest.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["c9", "c8", "c7"]);
    assert_eq!(ingresses::calls(&mut tx, "acme", "g-another", 3).await.unwrap(), [of_another]);
    // By age, a few at a time.
    assert_eq!(ingresses::delete_calls_before(&mut tx, NOW.plus_seconds(8), 2).await.unwrap(), 2);
    assert_eq!(ingresses::delete_calls_before(&mut tx, NOW.plus_seconds(8), 9).await.unwrap(), 1);
    assert_eq!(ingresses::calls(&mut tx, "acme", "g-acme-main", 9).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
}
