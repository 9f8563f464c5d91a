//! A blocked service: the store is locked, a client is slow, a check hangs, the log is not read. `/readyz`
//! reports it, and SIGTERM still ends the process within 20 s.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sendbox_tests::bomb;
use sendbox_tests::process::{ApiResponse, Deployment, Process};
use sendbox_tests::test_service::PLATFORM_KEY;
use sqlx::{Connection, SqliteConnection};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The time limit that a supervisor can rely on.
const WITHIN: Duration = Duration::from_secs(20);

/// Holds the database's only write lock until it is dropped.
async fn write_lock(deployment: &Deployment) -> SqliteConnection {
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", deployment.data().join("sendbox.db").display()))
            .await
            .unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

async fn readiness(process: &Process) -> ApiResponse {
    process.client.ask("GET", "/readyz", None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_writes_it_is_not_ready() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    assert_eq!(readiness(&process).await.status, 200);
    let lock = write_lock(&deployment).await;
    // A result is cached for a second.
    let refused = loop {
        let answer = readiness(&process).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((refused.status, refused.text("/type")), (503, "/problems/store-unavailable"), "{refused:?}");
    assert!(process.log().contains("not ready"), "{}", process.log());
    // The process is alive, and reports it.
    assert_eq!(process.client.ask("GET", "/healthz", None).await.unwrap().status, 200);
    lock.close().await.unwrap();
    while readiness(&process).await.status != 200 {}
    process.stop().await;
}

/// Everything that a shutdown waits for, at once: an incomplete request, a write that waits for the lock, and the
/// check of an upload, which hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_whatever_blocks_it() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;

    let address = process.client.address().strip_prefix("http://").unwrap().to_owned();
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/tenants HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {PLATFORM_KEY}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();

    let bomb = bomb::all().into_iter().find(|bomb| bomb.name == bomb::LARGEST_FUNCTIONS).unwrap();
    let taken = process.client.upload("/v1/connectors", &bomb.component()).await.unwrap();
    assert!(taken.is_success(), "{taken:?}");
    let compiler = loop {
        if let Some(child) = child_of(process.id()) {
            break child;
        }
        tokio::task::yield_now().await;
    };
    kill_process(compiler, Signal::STOP).unwrap();

    let _lock = write_lock(&deployment).await;
    let client = process.client.clone();
    let waiting = tokio::spawn(async move {
        let body = serde_json::json!({ "to": "+4520123401", "usage": "sign-in", "code": "123456" });
        client.post("messages", &body, None).await
    });
    let asked = Instant::now();
    let (code, log) = process.stopped().await;
    assert!(asked.elapsed() < WITHIN, "it took {:?}:\n{log}", asked.elapsed());
    // 7 if a request had to be aborted.
    assert!(matches!(code, Some(0 | 7)), "{code:?}:\n{log}");
    assert!(log.contains("stopped before all sends had ended"), "{log}");
    waiting.await.unwrap().ok();
    kill_process(compiler, Signal::KILL).ok();
}

/// Nobody reads the log, so every thread that logs blocks forever, and only the hard stop ends the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_when_every_thread_hangs() {
    let deployment = Deployment::new().await;
    let mut command = deployment.command(&[]).await;
    command.env_clear().env("SENDBOX_LOG", "trace").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The log is read until the service is ready.
    let mut log = child.stderr.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = async {
        loop {
            let line = stdout.next_line().await.unwrap().expect("it serves");
            if let Some((address, _)) = line.strip_prefix("listening on http://").and_then(|rest| rest.split_once(';'))
            {
                break address.to_owned();
            }
        }
    };
    let mut nowhere = tokio::io::sink();
    let address = tokio::select! {
        address = started => address,
        _ = tokio::io::copy(&mut log, &mut nowhere) => panic!("it ended"),
    };
    // Until there is no response any more: from then on, every thread that logs is blocked.
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut silent = 0;
    while silent < 3 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let answer = tokio::io::copy(&mut stream, &mut nowhere);
        silent = if tokio::time::timeout(Duration::from_secs(3), answer).await.is_ok() { 0 } else { silent + 1 };
    }
    let asked = Instant::now();
    kill_process(Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    let status = child.wait().await.unwrap();
    assert!(asked.elapsed() < WITHIN, "it took {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(7));
}

/// A child of the process.
fn child_of(process: u32) -> Option<Pid> {
    let parent = |stat: &str| stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse::<u32>().ok();
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let number: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        Pid::from_raw(number).filter(|_| parent(&stat) == Some(process))
    })
}
