//! Opening a database: the settings of each connection, and the migrations.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use sendbox_slots::Slots;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqliteConnection, raw_sql};
use tokio::time::Instant;

use super::database::{Database, Postgres};
use super::failure::{Result, StoreError};
use super::postgres::{MAX_CONNECTIONS, Pool};
use super::sqlite::{SETTINGS, Sqlite, TIMEOUT};

/// Connections for everything but look-ups, which find the others free.
const POSTGRES_SLOTS: usize = MAX_CONNECTIONS - 2;

/// All migrations of one database, oldest first. Each runs once, and is never edited after a release. They are run with
/// `run_direct`, because the future of `run` is not `Send` when the connection is borrowed.
fn migrations(scripts: &[(i64, &'static str, &'static str)]) -> Migrator {
    Migrator::with_migrations(
        scripts
            .iter()
            .map(|(number, name, sql)| {
                Migration::new(*number, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
            })
            .collect(),
    )
}

// Listed one by one, because `migrate!` does not notice a new file without a build script.
static SQLITE: LazyLock<Migrator> = LazyLock::new(|| {
    migrations(&[
        (1, "initial", include_str!("../migrations/sqlite/0001_initial.sql")),
        (2, "secret hosts", include_str!("../migrations/sqlite/0002_secret_hosts.sql")),
        (3, "attempts of version", include_str!("../migrations/sqlite/0003_attempts_of_version.sql")),
        (4, "turns and signatures", include_str!("../migrations/sqlite/0004_turns_and_signatures.sql")),
        (5, "ingresses", include_str!("../migrations/sqlite/0005_ingresses.sql")),
        (6, "webhooks", include_str!("../migrations/sqlite/0006_webhooks.sql")),
        (7, "platform data", include_str!("../migrations/sqlite/0007_platform_data.sql")),
        (8, "status callbacks", include_str!("../migrations/sqlite/0008_status_callbacks.sql")),
    ])
});
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| {
    migrations(&[
        (1, "initial", include_str!("../migrations/postgres/0001_initial.sql")),
        (2, "secret hosts", include_str!("../migrations/postgres/0002_secret_hosts.sql")),
        (3, "attempts of version", include_str!("../migrations/postgres/0003_attempts_of_version.sql")),
        (4, "turns and signatures", include_str!("../migrations/postgres/0004_turns_and_signatures.sql")),
        (5, "ingresses", include_str!("../migrations/postgres/0005_ingresses.sql")),
        (6, "webhooks", include_str!("../migrations/postgres/0006_webhooks.sql")),
        (7, "platform data", include_str!("../migrations/postgres/0007_platform_data.sql")),
        (8, "status callbacks", include_str!("../migrations/postgres/0008_status_callbacks.sql")),
    ])
});

pub(super) async fn open(url: &str) -> Result<Database> {
    if url.starts_with("sqlite:") {
        sqlite(url).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        postgres(url).await
    } else {
        Err(StoreError::Unavailable("the URL of the database must begin with `sqlite://` or `postgres://`".to_owned()))
    }
}

async fn sqlite(url: &str) -> Result<Database> {
    let path = path_of(url)?;
    create_file(&path)?;

    // sqlx runs the migrations of both databases.
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await?;
    let prepared = prepare_sqlite(&mut connection).await;
    // Closed in any case, because the connections below must have no other one beside them.
    let closed = connection.close().await;
    prepared?;
    closed?;

    Ok(Database::Sqlite(Sqlite::open(path)?))
}

/// Enables write-ahead logging, and runs the migrations.
async fn prepare_sqlite(connection: &mut SqliteConnection) -> Result<()> {
    raw_sql(SETTINGS).execute(&mut *connection).await?;
    write_ahead(connection).await?;
    // The driver does not lock migrations on SQLite. In a transaction that writes, two processes cannot both find a table missing.
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    SQLITE.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// Switching to write-ahead logging needs exclusive access to the file, and does not wait for it. So it is retried: another
/// process may be starting at the same time.
async fn write_ahead(connection: &mut SqliteConnection) -> Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await;
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let cause = "SQLite cannot use write-ahead logging here; put the file on a local disk".to_owned();
                return Err(StoreError::Unavailable(cause));
            }
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// SQLITE_BUSY or one of its extended codes: <https://www.sqlite.org/rescode.html#busy>.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Creates the file before SQLite does, so that no other user can ever open it. SQLite creates its log with the same mode.
fn create_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::Unavailable(format!("the file of the database: {}", error.kind())))
}

/// The path in `sqlite:///folder/file.db`, as the driver reads it.
fn path_of(url: &str) -> Result<PathBuf> {
    let wrong =
        || StoreError::Unavailable("the URL of the database must be like `sqlite:///folder/file.db`".to_owned());
    let rest = url.strip_prefix("sqlite:").ok_or_else(wrong)?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    // `?` starts parameters, one of which would make it a database in memory.
    if rest.is_empty() || rest.contains(['?', '#']) || rest.contains(":memory:") {
        return Err(wrong());
    }
    percent_decoded(rest).map(PathBuf::from).ok_or_else(wrong)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(rest.next())? * 16 + digit(rest.next())?);
    }
    String::from_utf8(bytes).ok()
}

async fn postgres(url: &str) -> Result<Database> {
    let pool = Pool::open(PgConnectOptions::from_str(url)?).await?;

    // Another process may be running migrations, for longer than the statement timeout. The driver waits for it on an advisory
    // lock, here for at most a minute.
    let mut connection = pool.connect().await?;
    raw_sql("SET statement_timeout = 0; SET lock_timeout = '60s';").execute(&mut connection).await?;
    let migrated = POSTGRES.run_direct(None, &mut connection, false).await;
    // Closing releases the lock, also after a failure.
    let closed = connection.close().await;
    migrated?;
    closed?;

    Ok(Database::Postgres(Postgres { pool, slots: Slots::new(POSTGRES_SLOTS) }))
}
