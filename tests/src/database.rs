//! An empty database for one test: a SQLite file, or a separate database on a PostgreSQL server.
//!
//! The server is the one at `SENDBOX_TEST_POSTGRES` (a `postgres://` URL whose user may create databases). When that is
//! not set, a temporary server is started from the installed PostgreSQL programs, on a free loopback port, for as long as
//! the test binary runs. Without them, tests on PostgreSQL return immediately, and a line on the terminal says so; with
//! `SENDBOX_REQUIRE_POSTGRES=1`, as in CI, they fail.
//!
//! [`on_every_database!`](crate::on_every_database) runs a story on both databases.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock};

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

/// An empty database for one test.
pub struct Database {
    url: String,
    location: Location,
}

enum Location {
    /// The folder of the file.
    Folder(TempDir),
    /// The server, and the name of the database on it.
    Server { server: String, name: String },
}

impl Database {
    /// A path in a new folder, where `Store::open` will create the file.
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        Self { url: format!("sqlite://{}/store.db", folder.path().display()), location: Location::Folder(folder) }
    }

    /// A new database on the server. `None` if there is no server, which is reported on the terminal.
    pub async fn postgres() -> Option<Self> {
        static NOTICE: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = match server() {
            Ok(server) => server,
            Err(cause) => {
                let required = std::env::var_os("SENDBOX_REQUIRE_POSTGRES").is_some_and(|value| value == "1");
                assert!(!required, "SENDBOX_REQUIRE_POSTGRES is set, and {cause}");
                // Directly to the terminal: the output of `eprintln!` is captured while tests pass.
                NOTICE.call_once(|| {
                    let line = format!(
                        "\nSKIPPED: every test named `…::postgres` of this target, because {cause}. To run them: \
                         `apt install postgresql`, or set SENDBOX_TEST_POSTGRES=postgres://user@host/postgres\n"
                    );
                    std::io::stderr().write_all(line.as_bytes()).unwrap();
                });
                return None;
            }
        };
        let name = format!("sendbox_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        command(server, &format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        Some(Self { url: on(server, &name), location: Location::Server { server: server.clone(), name } })
    }

    /// For `Store::open`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is on a PostgreSQL server.
    pub fn is_postgres(&self) -> bool {
        matches!(self.location, Location::Server { .. })
    }

    /// A separate connection of the test, besides the store's.
    pub async fn connect(&self) -> AnyConnection {
        connect(&self.url).await
    }

    /// Runs a command on the server outside this database, for example to drop it while the store is open.
    pub async fn command_server(&self, sql: &str) {
        let Location::Server { server, .. } = &self.location else { panic!("SQLite has no server") };
        command(server, sql).await;
    }

    /// The name of the database on the server.
    pub fn name(&self) -> &str {
        let Location::Server { name, .. } = &self.location else { panic!("a file has no name") };
        name
    }

    /// Removes the database. A failed test leaves its database for inspection until the temporary server stops.
    pub async fn remove(self) {
        match self.location {
            Location::Folder(folder) => folder.close().unwrap(),
            Location::Server { server, name } => command(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await,
        }
    }
}

/// A connection of the test to a database.
pub async fn connect(url: &str) -> AnyConnection {
    install_default_drivers();
    AnyConnection::connect(url).await.unwrap()
}

/// Defines two tests for each story: `name::sqlite` and `name::postgres`. A story that is not listed is dead code,
/// which the compiler reports.
///
/// ```ignore
/// on_every_database!(tenants_round_trip);
///
/// async fn tenants_round_trip(database: &Database) {
///     let store = Store::open(database.url()).await.unwrap();
/// }
/// ```
#[macro_export]
macro_rules! on_every_database {
    ($($story:ident),* $(,)?) => { $(
        mod $story {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                let database = $crate::Database::sqlite();
                super::$story(&database).await;
                database.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                let Some(database) = $crate::Database::postgres().await else { return };
                super::$story(&database).await;
                database.remove().await;
            }
        }
    )* };
}

/// The URL of another database on the same server.
fn on(server: &str, database: &str) -> String {
    let (server, parameters) = server.split_once('?').map_or((server, None), |(a, b)| (a, Some(b)));
    let start = server.find("://").map_or(0, |at| at + 3);
    let host = server[start..].find('/').map_or(server, |at| &server[..start + at]);
    let parameters = parameters.map(|text| format!("?{text}")).unwrap_or_default();
    format!("{host}/{database}{parameters}")
}

async fn command(server: &str, sql: &str) {
    install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

/// The URL of the server of this test binary, or why there is none.
fn server() -> &'static Result<String, String> {
    static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("SENDBOX_TEST_POSTGRES") {
        Ok(url) => Ok(url),
        Err(_) => start(),
    })
}

/// The folder of `initdb` and `postgres`: on PATH, or the newest version where Debian installs it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// User and group `nobody`: PostgreSQL refuses to run as root.
fn nobody() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
    Some((fields.next()??, fields.next()??))
}

fn start() -> Result<String, String> {
    let programs = programs().ok_or("there is no PostgreSQL here")?;
    let folder = tempfile::Builder::new().prefix("sendbox-postgres-").tempdir().map_err(|error| error.to_string())?;
    let mut user = None;
    if fs::metadata(folder.path()).map_err(|error| error.to_string())?.uid() == 0 {
        let (uid, gid) = nobody().ok_or("root may not run PostgreSQL, and there is no user `nobody`")?;
        std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).map_err(|error| error.to_string())?;
        user = Some((uid, gid));
    }
    let run = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(folder.path()).env("LC_ALL", "C");
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command
    };
    let data = folder.path().join("data");
    let made = run(&programs.join("initdb"))
        .args(["--username=sendbox", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
        .arg(&data)
        .output()
        .map_err(|error| format!("initdb did not start: {error}"))?;
    if !made.status.success() {
        return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr).trim()));
    }

    // A port that is free now may be in use a moment later: then the server exits, and another port is tried.
    for _ in 0..5 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        // The shell outlives this process and reads from it: when its standard input closes, for whatever reason, the server is
        // killed and its folder removed.
        let script = "trap '' INT HUP; folder=$1; shift; \"$@\" & server=$!; exec 2>/dev/null; cat >/dev/null; \
                      kill -QUIT $server; wait $server; cd /; rm -rf \"$folder\"";
        let mut shell = run(Path::new("/bin/sh"))
            .args(["-c", script, "sh"])
            .arg(folder.path())
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-p")
            .arg(port.to_string())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=400"])
            // The server is temporary: nothing needs to reach the disk.
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server did not start: {error}"))?;
        if is_ready(&mut shell) {
            static RUNNING: Mutex<Option<Child>> = Mutex::new(None);
            // Kept for the lifetime of the process, with its standard input. The shell removes the folder.
            *RUNNING.lock().unwrap() = Some(shell);
            let _ = folder.keep();
            return Ok(format!("postgres://sendbox@127.0.0.1:{port}/postgres"));
        }
        shell.kill().map_err(|error| error.to_string())?;
        shell.wait().map_err(|error| error.to_string())?;
    }
    Err("PostgreSQL's server does not start here".to_owned())
}

/// Reads the server's output until it accepts connections; `false` if it exits first. Later output is
/// discarded.
fn is_ready(shell: &mut Child) -> bool {
    let mut lines = BufReader::new(shell.stderr.take().unwrap()).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("ready to accept connections"));
    if ready {
        std::thread::spawn(move || lines.for_each(drop));
    }
    ready
}
