//! Failures of the store: it reports them without quoting values, and works again once the cause is gone.

use sendbox_domain::model::Timestamp;
use sendbox_service::Error;
use sendbox_store as store;
use sendbox_store::rows::{AuditRow, MessageRow, TenantRow};
use sendbox_store::{
    Backend, Store, StoreError, attempts, audit, connections, keys, messages, meta, tenants, verifications,
};
use sendbox_tests::{Database, on_every_database};
use sqlx::{AssertSqlSafe, Executor};

use crate::sample;

on_every_database!(
    it_opens_again_and_again_and_many_at_once,
    a_newer_database_is_refused,
    a_closed_store_answers_nothing,
    uncommitted_changes_are_lost,
    a_reader_sees_one_moment_and_changes_nothing,
    after_a_failure_nothing_of_the_transaction_stays,
    nothing_is_stored_for_an_unknown_tenant,
    the_audit_is_never_changed,
    unreadable_rows_are_reported_without_their_content,
    a_large_row_is_stored
);

fn unavailable<T: std::fmt::Debug>(result: store::Result<T>) -> String {
    match result {
        Err(StoreError::Unavailable(cause)) => cause,
        other => panic!("expected that the store is not available, got {other:?}"),
    }
}

async fn it_opens_again_and_again_and_many_at_once(database: &Database) {
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let url = database.url().to_owned();
            tokio::spawn(async move { Store::open(&url).await })
        })
        .collect();
    let mut stores = Vec::new();
    for store in opened {
        stores.push(store.await.unwrap().unwrap());
    }
    let backend = if database.is_postgres() { Backend::Postgres } else { Backend::Sqlite };
    for store in &stores {
        assert_eq!(store.backend(), backend);
        store.ping().await.unwrap();
        store.touch(1).await.unwrap();
        store.touch(2).await.unwrap();
    }
    let mut tx = stores[0].begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &sample::tenant("acme")).await.unwrap());
    tx.commit().await.unwrap();
    for store in stores {
        store.close().await;
    }
    let store = Store::open(database.url()).await.unwrap();
    let mut tx = store.begin_read().await.unwrap();
    assert!(tenants::get(&mut tx, "acme").await.unwrap().is_some());
}

async fn a_newer_database_is_refused(database: &Database) {
    Store::open(database.url()).await.unwrap().close().await;
    let mut connection = database.connect().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 999, 'newer', success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
    connection.execute(newer).await.unwrap();
    let cause = unavailable(Store::open(database.url()).await);
    assert!(cause.contains("newer version") && cause.contains("999"), "{cause}");
    connection.execute("DELETE FROM _sqlx_migrations WHERE version = 999").await.unwrap();
    Store::open(database.url()).await.unwrap().close().await;

    sqlx::query("UPDATE _sqlx_migrations SET checksum = $1")
        .bind(vec![0_u8; 48])
        .execute(&mut connection)
        .await
        .unwrap();
    let cause = unavailable(Store::open(database.url()).await);
    assert!(cause.contains("another build"), "{cause}");
}

async fn a_closed_store_answers_nothing(database: &Database) {
    let store = sample::store(database).await;
    store.close().await;
    unavailable(store.begin().await);
    unavailable(store.begin_read().await);
    unavailable(store.ping().await);
    unavailable(store.touch(1).await);
}

async fn uncommitted_changes_are_lost(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("dropped")).await.unwrap();
    drop(tx);
    let mut tx = store.begin_read().await.unwrap();
    assert_eq!(tenants::get(&mut tx, "dropped").await.unwrap(), None);
}

async fn a_reader_sees_one_moment_and_changes_nothing(database: &Database) {
    let store = sample::store(database).await;
    let mut reader = store.begin_read().await.unwrap();
    assert_eq!(tenants::list(&mut reader, None, 9).await.unwrap().len(), 1);
    let mut writer = store.begin().await.unwrap();
    tenants::insert(&mut writer, &sample::tenant("later")).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(tenants::list(&mut reader, None, 9).await.unwrap().len(), 1, "as it was when it began");
    unavailable(tenants::insert(&mut reader, &sample::tenant("never")).await);
    unavailable(reader.commit().await);
    let mut reader = store.begin_read().await.unwrap();
    assert_eq!(tenants::list(&mut reader, None, 9).await.unwrap().len(), 2);
}

async fn after_a_failure_nothing_of_the_transaction_stays(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    keys::insert(&mut tx, &sample::key("acme", "secret-id-1")).await.unwrap();
    let cause = unavailable(keys::insert(&mut tx, &sample::key("acme", "secret-id-1")).await);
    assert!(!cause.contains("secret-id-1"), "{cause}");
    unavailable(keys::insert(&mut tx, &sample::key("acme", "k2")).await);
    unavailable(keys::list(&mut tx, "acme").await);
    unavailable(tx.commit().await);
    let mut tx = store.begin_read().await.unwrap();
    assert_eq!(keys::list(&mut tx, "acme").await.unwrap(), []);
}

async fn nothing_is_stored_for_an_unknown_tenant(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    // On PostgreSQL it is noticed at the commit.
    let mut inserted = messages::insert(&mut tx, &sample::message("gone", "m1")).await;
    if inserted.is_ok() {
        inserted = tx.commit().await;
    } else {
        drop(tx);
    }
    let cause = unavailable(inserted);
    assert!(!cause.contains("gone"), "{cause}");
    let mut tx = store.begin().await.unwrap();
    let inserted = attempts::insert(&mut tx, &sample::attempt("acme", "no-message", 1)).await;
    unavailable(if inserted.is_ok() { tx.commit().await } else { inserted });
}

async fn the_audit_is_never_changed(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    audit::append(&mut tx, &sample::entry(Some("acme"), "tenant.create")).await.unwrap();
    tx.commit().await.unwrap();
    let mut connection = database.connect().await;
    let mut changes = vec!["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"];
    if database.is_postgres() {
        changes.extend(["TRUNCATE audit", "TRUNCATE tenants, audit CASCADE"]);
    }
    for change in changes {
        let refused = connection.execute(AssertSqlSafe(change)).await.unwrap_err();
        assert!(refused.to_string().contains("an audit entry is never"), "{change}: {refused}");
    }
    // What is old may be deleted, and nothing else may.
    let mut tx = store.begin().await.unwrap();
    let old = AuditRow { at: Timestamp(sample::NOW.0 - 1), ..sample::entry(Some("acme"), "flows.set") };
    for _ in 0..3 {
        audit::append(&mut tx, &old).await.unwrap();
    }
    assert_eq!(audit::delete_before(&mut tx, sample::NOW, 2).await.unwrap(), 2);
    assert_eq!(audit::delete_before(&mut tx, sample::NOW, 2).await.unwrap(), 1);
    assert_eq!(audit::delete_before(&mut tx, sample::NOW, 2).await.unwrap(), 0);
    tx.commit().await.unwrap();
    connection.execute("DELETE FROM audit").await.unwrap_err();
    let mut tx = store.begin_read().await.unwrap();
    let entries = audit::list(&mut tx, audit::AuditScope::All, None, None, 9).await.unwrap();
    assert_eq!(
        entries.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
        [sample::entry(Some("acme"), "tenant.create")]
    );
}

async fn unreadable_rows_are_reported_without_their_content(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    keys::insert(&mut tx, &sample::key("acme", "k1")).await.unwrap();
    connections::put(&mut tx, &sample::connection("acme", "main")).await.unwrap();
    messages::insert(&mut tx, &sample::message("acme", "m1")).await.unwrap();
    attempts::insert(&mut tx, &sample::attempt("acme", "m1", 1)).await.unwrap();
    verifications::insert(&mut tx, &sample::verification("acme", "v1")).await.unwrap();
    audit::append(&mut tx, &sample::entry(Some("acme"), "tenant.create")).await.unwrap();
    tx.commit().await.unwrap();

    let mut connection = database.connect().await;
    let columns = [
        ("tenants", "environment"),
        ("tenants", "flows"),
        ("tenants", "policy"),
        ("api_keys", "scopes"),
        ("connections", "parameters"),
        ("connections", "secret_times"),
        ("connections", "secret_hosts"),
        ("connections", "templates"),
        ("messages", "usage"),
        ("messages", "status"),
        ("messages", "mode"),
        ("messages", "failure"),
        ("attempts", "outcome"),
        ("attempts", "failure"),
        ("attempts", "record"),
        ("verifications", "usage"),
        ("verifications", "status"),
    ];
    for (table, column) in columns {
        let good: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {column} FROM {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let put =
            |value: Option<String>| sqlx::query(AssertSqlSafe(format!("UPDATE {table} SET {column} = $1"))).bind(value);
        put(Some("{canary".to_owned())).execute(&mut connection).await.unwrap();
        let mut tx = store.begin_read().await.unwrap();
        let result = match table {
            "tenants" => tenants::get(&mut tx, "acme").await.map(drop),
            "api_keys" => keys::find(&mut tx, "k1").await.map(drop),
            "connections" => connections::list(&mut tx, "acme").await.map(drop),
            "messages" => messages::get(&mut tx, "acme", "m1").await.map(drop),
            "attempts" => attempts::list(&mut tx, "acme", "m1").await.map(drop),
            _ => verifications::get(&mut tx, "acme", "v1").await.map(drop),
        };
        assert_eq!(result, Err(StoreError::Corrupt(format!("{table}.{column}"))));
        let error = Error::from(result.unwrap_err());
        assert!(matches!(error, Error::Internal(_)) && !format!("{error} {error:?}").contains("canary"), "{error}");
        put(good).execute(&mut connection).await.unwrap();
    }

    for (table, column) in [("messages", "attempts"), ("messages", "test"), ("verifications", "tries")] {
        let put = AssertSqlSafe(format!("UPDATE {table} SET {column} = -1"));
        connection.execute(put).await.unwrap();
        let mut tx = store.begin_read().await.unwrap();
        let result = match table {
            "messages" => messages::get(&mut tx, "acme", "m1").await.map(drop),
            _ => verifications::get(&mut tx, "acme", "v1").await.map(drop),
        };
        assert_eq!(result, Err(StoreError::Corrupt(format!("{table}.{column}"))));
        let put = AssertSqlSafe(format!("UPDATE {table} SET {column} = 0"));
        connection.execute(put).await.unwrap();
    }
}

async fn a_large_row_is_stored(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let row = MessageRow { payload: Some(vec![7; 1 << 20]), ..sample::message("acme", "m1") };
    messages::insert(&mut tx, &row).await.unwrap();
    let tenant = TenantRow { name: "é".repeat(100_000), ..sample::tenant("large") };
    tenants::insert(&mut tx, &tenant).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin_read().await.unwrap();
    assert_eq!(messages::get(&mut tx, "acme", "m1").await.unwrap(), Some(row));
    assert_eq!(tenants::get(&mut tx, "large").await.unwrap(), Some(tenant));
}

#[tokio::test]
async fn a_wrong_url_is_refused_without_being_repeated() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("no-database");
    std::fs::write(&file, "hunter2 ".repeat(1000)).unwrap();
    let path = folder.path().display();
    for url in [
        "mysql://user:hunter2@host/db".to_owned(),
        "hunter2".to_owned(),
        String::new(),
        "sqlite:".to_owned(),
        "sqlite::memory:".to_owned(),
        "sqlite://:memory:".to_owned(),
        format!("sqlite://{path}/x.db?mode=memory&password=hunter2"),
        format!("sqlite://{path}/hunter2/x.db"),
        format!("sqlite://{path}"),
        format!("sqlite://{path}/%zz"),
        format!("sqlite://{}", file.display()),
        "postgres://user:hunter2@".to_owned(),
        "postgres://user:hunter2@127.0.0.1:99999/db".to_owned(),
        // Port 1 on loopback: nothing listens there, or nothing that speaks this protocol.
        "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2".to_owned(),
    ] {
        let error = Store::open(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        assert!(matches!(Error::from(error), Error::StoreUnavailable));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite://{}/a%20b.db", folder.path().display())).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    meta::put_if_absent(&mut tx, "salt", &[1]).await.unwrap();
    tx.commit().await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["a b.db", "a b.db-shm", "a b.db-wal"]);
    store.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the log is merged into the file");
}

mod a_server_that_goes_away_comes_back {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn postgres() {
        let Some(database) = Database::postgres().await else { return };
        let store = sample::store(&database).await;
        let mut under_way = store.begin().await.unwrap();
        tenants::insert(&mut under_way, &sample::tenant("under-way")).await.unwrap();

        let name = database.name();
        database.command_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        database.command_server(&cut).await;
        unavailable(under_way.commit().await);
        unavailable(store.begin().await);
        unavailable(store.begin_read().await);
        unavailable(store.ping().await);
        unavailable(store.touch(1).await);

        database.command_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tenants::get(&mut tx, "under-way").await.unwrap(), None, "its success was never reported");
        assert!(tenants::get(&mut tx, "acme").await.unwrap().is_some());
        tx.commit().await.unwrap();
        drop(store);
        database.remove().await;
    }
}
