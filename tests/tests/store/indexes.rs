//! The indexes of both databases are the same. `runtime/store/src/query_plans.rs` shows which of them SQLite uses.

use std::collections::BTreeSet;

use sendbox_store::Store;
use sendbox_tests::Database;
use sqlx::Executor;

/// The names of the indexes that the migrations create.
async fn indexes(database: &Database) -> BTreeSet<String> {
    Store::open(database.url()).await.unwrap().close().await;
    let names = if database.is_postgres() {
        "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' \
         AND indexname NOT IN (SELECT conname FROM pg_constraint)"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    };
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut database.connect().await).await.unwrap();
    // Of sqlx.
    names.into_iter().filter(|name| !name.starts_with("_sqlx")).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let Some(postgres) = Database::postgres().await else { return };
    let sqlite = Database::sqlite();
    let (on_sqlite, on_postgres) = (indexes(&sqlite).await, indexes(&postgres).await);
    assert!(on_sqlite.contains("messages_newest"));
    assert_eq!(on_sqlite, on_postgres);
    sqlite.remove().await;
    postgres.remove().await;
}

/// PostgreSQL chooses by the sizes of tables, which are small here. So everything but reading an index in order is disabled.
#[tokio::test]
async fn each_filter_of_the_list_has_an_index_in_order_on_postgres() {
    let Some(postgres) = Database::postgres().await else { return };
    Store::open(postgres.url()).await.unwrap().close().await;
    let mut connection = postgres.connect().await;
    connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off").await.unwrap();
    for (index, filter) in [
        ("messages_newest", "TRUE"),
        ("messages_newest", "created_at >= 5"),
        ("messages_not_accepted", "status = 'failed' AND status <> 'accepted'"),
        ("messages_of_usage", "usage = 'sign-in'"),
        ("messages_of_country", "country = 'DK'"),
        ("messages_of_recipient", "recipient_hash = 'x'"),
        ("messages_of_connection", "connection = 'main'"),
        ("messages_reported", "delivery = 'delivered'"),
    ] {
        for before in ["TRUE", "(created_at, id) < (9, 'm')"] {
            let explain = format!(
                "EXPLAIN SELECT id FROM messages WHERE tenant = 'acme' AND {filter} AND {before} \
                 ORDER BY created_at DESC, id DESC LIMIT 50"
            );
            let plan = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(explain.clone()));
            let plan = plan.fetch_all(&mut connection).await.unwrap().join("\n");
            assert!(plan.contains(&format!("Backward using {index} ")) && !plan.contains("Sort"), "{explain}\n{plan}");
            // Not compared row by row.
            assert!(!plan.contains("Filter:"), "{explain}\n{plan}");
        }
    }
    drop(connection);
    postgres.remove().await;
}
