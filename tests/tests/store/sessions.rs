//! Sessions: found by their hash only, and deleted with their key.

use sendbox_store::{keys, sessions, tenants};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(sessions_round_trip, sessions_end_with_their_key_and_with_time);

async fn sessions_round_trip(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    keys::insert(&mut tx, &sample::key("acme", "k1")).await.unwrap();
    let (of_key, other, of_platform) =
        (sample::session(Some("k1"), 1), sample::session(Some("k1"), 2), sample::session(None, 3));
    for session in [&of_key, &other, &of_platform] {
        sessions::insert(&mut tx, session).await.unwrap();
    }
    assert_eq!(sessions::find(&mut tx, &of_key.id).await.unwrap(), Some(of_key.clone()));
    assert_eq!(sessions::find(&mut tx, &[1]).await.unwrap(), None);
    assert_eq!(sessions::of_key(&mut tx, Some("k1")).await.unwrap(), [of_key.clone(), other]);
    assert_eq!(sessions::of_key(&mut tx, None).await.unwrap(), [of_platform]);

    sessions::touch(&mut tx, &of_key.id, NOW.plus_seconds(60)).await.unwrap();
    sessions::touch(&mut tx, &of_key.id, NOW.plus_seconds(30)).await.unwrap();
    let seen = sessions::find(&mut tx, &of_key.id).await.unwrap().unwrap().seen_at;
    assert_eq!(seen, NOW.plus_seconds(60), "a state never goes back");

    assert!(sessions::delete(&mut tx, &of_key.id).await.unwrap());
    assert!(!sessions::delete(&mut tx, &of_key.id).await.unwrap());
}

async fn sessions_end_with_their_key_and_with_time(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    for (tenant, key, id) in [("acme", "k1", 1), ("acme", "k2", 2), ("other", "k3", 3)] {
        keys::insert(&mut tx, &sample::key(tenant, key)).await.unwrap();
        sessions::insert(&mut tx, &sample::session(Some(key), id)).await.unwrap();
    }
    sessions::insert(&mut tx, &sample::session(None, 4)).await.unwrap();
    keys::delete(&mut tx, "acme", "k1").await.unwrap();
    for (wanted, id) in [(false, 1), (true, 2)] {
        assert_eq!(sessions::find(&mut tx, &[id, 0, 255]).await.unwrap().is_some(), wanted);
    }
    tenants::delete(&mut tx, "other", NOW).await.unwrap();
    assert_eq!(sessions::find(&mut tx, &[3, 0, 255]).await.unwrap(), None);

    // Opened at `NOW`, last seen a second later.
    let long_ago = NOW.minus_millis(1);
    assert_eq!(sessions::delete_ended(&mut tx, long_ago, NOW).await.unwrap(), 0);
    sessions::touch(&mut tx, &[4, 0, 255], NOW.plus_seconds(9)).await.unwrap();
    assert_eq!(sessions::delete_ended(&mut tx, long_ago, NOW.plus_seconds(5)).await.unwrap(), 1, "the idle one");
    assert_eq!(sessions::delete_ended(&mut tx, NOW, long_ago).await.unwrap(), 1, "the old one");
}
