//! The cost of a message in the service: `sendbox serve` in a process of its own, called over HTTP, with a simulated provider over
//! TLS.
//!
//! It measures, on SQLite and PostgreSQL, with 1 and with 64 requests at once:
//! - `server`: CPU (user and system) of the server per synchronous message that the provider accepted;
//! - `database`: CPU of PostgreSQL per message;
//! - `native`: CPU per send of a plain HTTP client in a third process, to the same provider, in the same minutes;
//! - `service / native`: the first divided by the last, on SQLite, 64 at once.
//!
//! Runs are interleaved, medians are taken, and the ratios are printed last. A run in which any message was not accepted is not
//! counted: the benchmark ends with an error instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sendbox_tests::Database;
use sendbox_tests::bench::{is_benchmark, median, runtime};
use sendbox_tests::process::{Deployment, Process};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT};
use serde_json::json;
use tokio::task::JoinSet;

const REPETITIONS: usize = 5;
/// Requests at once, and messages of a run.
const LOADS: [(usize, usize); 2] = [(1, 400), (64, 4_000)];
const NATIVE_SENDS: usize = 4_000;
const HOST: &str = "api.twilio.com";
/// Clock ticks in a second, as `/proc` counts them (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    rustls::crypto::ring::default_provider().install_default().ok();
    if let Some(at) = arguments.iter().position(|argument| argument == "--native") {
        runtime().block_on(native(arguments[at + 1].parse().unwrap(), &arguments[at + 2]));
        return;
    }
    if is_benchmark("service") {
        runtime().block_on(run());
    }
}

/// User and system time of a process, from the text of its `stat`.
fn cpu_of(stat: &str) -> f64 {
    // The name of the program may hold spaces; it ends with the last bracket.
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    let ticks: f64 = fields[11..13].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

fn cpu(process: u32) -> f64 {
    cpu_of(&fs::read_to_string(format!("/proc/{process}/stat")).unwrap())
}

/// CPU of all processes of PostgreSQL on this machine.
fn cpu_of_postgres() -> f64 {
    let stats =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| stat.contains("(postgres)")).map(|stat| cpu_of(&stat)).sum()
}

/// Sends with a plain client, and prints the CPU of each in microseconds.
async fn native(address: SocketAddr, authority: &str) {
    let authority = reqwest::Certificate::from_pem(&fs::read(authority).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .http1_only()
        .tls_certs_only([authority])
        .resolve(HOST, address)
        .build()
        .unwrap();
    let (parameters, _) = sendbox_tests::simulator_setup::connection("twilio");
    let text = |name: &str| parameters[name].as_str().unwrap().to_owned();
    let (account, token) = (text("accountSID"), text("authToken"));
    let url = format!("https://{HOST}:{}/2010-04-01/Accounts/{account}/Messages.json", address.port());
    let body = format!(
        "To=%2B4520000001&MessagingServiceSid={}&Body=123456%20is%20your%20code.",
        text("fromMessagingServiceSID")
    );
    let send = async |_| {
        let request = client.post(&url).basic_auth(&account, Some(&token));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.clone());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(answer["sid"].is_string());
    };
    let at_once =
        |count| futures_util::stream::StreamExt::for_each_concurrent(futures_util::stream::iter(0..count), 64, send);
    at_once(500).await;
    let before = cpu(std::process::id());
    at_once(NATIVE_SENDS).await;
    println!("{}", (cpu(std::process::id()) - before) * 1e6 / NATIVE_SENDS as f64);
}

fn native_cpu(deployment: &Deployment) -> f64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--native", &deployment.simulator.tls_addr().to_string()])
        .arg(deployment.beside("ca.pem"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// A running server, and numbers that no message has gone to.
struct Target {
    process: Process,
    http: reqwest::Client,
    next_number: Arc<AtomicUsize>,
}

impl Target {
    async fn new(process: Process) -> Self {
        process.client.add_tenant().await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, http, next_number: Arc::default() }
    }

    /// Sends so many messages. Returns how long it took.
    async fn send(&self, at_once: usize, messages: usize) -> Duration {
        let left = Arc::new(AtomicUsize::new(messages));
        let url = format!("{}/v1/tenants/{TENANT}/messages", self.process.client.address());
        let begun = Instant::now();
        let mut senders = JoinSet::new();
        for _ in 0..at_once {
            let (http, url) = (self.http.clone(), url.clone());
            let (left, next_number) = (Arc::clone(&left), Arc::clone(&self.next_number));
            senders.spawn(async move {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let number = format!("+4520{:06}", next_number.fetch_add(1, Ordering::Relaxed) % 1_000_000);
                    let body = json!({ "to": number, "usage": "sign-in", "code": "123456" }).to_string();
                    let request = http.post(&url).bearer_auth(PLATFORM_KEY).header("content-type", "application/json");
                    let response = request.body(body).send().await.unwrap();
                    let status = response.status();
                    let text = response.text().await.unwrap();
                    assert!(
                        status == 200 && text.contains("\"accepted\""),
                        "a message failed, so nothing is counted: {text}"
                    );
                }
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
        begun.elapsed()
    }
}

/// What the runs of one load came to, one entry for each.
#[derive(Default)]
struct Figures {
    server_us: Vec<f64>,
    database_us: Vec<f64>,
    per_second: Vec<f64>,
}

async fn run() {
    let deployment = Deployment::new().await;
    let on_postgres = Deployment::new().await;
    let database = Database::postgres().await;
    let mut targets = vec![("SQLite", Target::new(deployment.start().await).await)];
    if let Some(database) = &database {
        let process = on_postgres.start_with(&["--database-url", database.url()]).await;
        targets.push(("PostgreSQL", Target::new(process).await));
    }
    let mut figures: Vec<Figures> = targets.iter().flat_map(|_| LOADS.map(|_| Figures::default())).collect();
    let mut native_us = Vec::new();
    for (_, target) in &targets {
        target.send(16, 500).await;
    }
    for round in 1..=REPETITIONS {
        println!("round {round} of {REPETITIONS}");
        native_us.push(native_cpu(&deployment));
        for (index, (_, target)) in targets.iter().enumerate() {
            for (load, (at_once, messages)) in LOADS.into_iter().enumerate() {
                let process = target.process.id();
                let before = (cpu(process), cpu_of_postgres());
                let took = target.send(at_once, messages).await;
                let per_message = 1e6 / messages as f64;
                let figures = &mut figures[index * LOADS.len() + load];
                figures.server_us.push((cpu(process) - before.0) * per_message);
                figures.database_us.push((cpu_of_postgres() - before.1) * per_message);
                figures.per_second.push(messages as f64 / took.as_secs_f64());
            }
        }
    }
    println!(
        "\n{:<12} {:>8} {:>18} {:>18} {:>14}",
        "database", "at once", "server µs/message", "database µs/message", "messages/s"
    );
    let mut sqlite_us = 0.0;
    for (index, (name, _)) in targets.iter().enumerate() {
        for (load, (at_once, _)) in LOADS.into_iter().enumerate() {
            let Figures { server_us, database_us, per_second } =
                std::mem::take(&mut figures[index * LOADS.len() + load]);
            let server = median(server_us);
            if index == 0 && at_once == 64 {
                sqlite_us = server;
            }
            println!(
                "{name:<12} {at_once:>8} {server:>18.0} {:>18.0} {:>14.0}",
                if index == 0 { 0.0 } else { median(database_us) },
                median(per_second)
            );
        }
    }
    let native = median(native_us);
    println!("native       {:>8} {native:>18.0}", 64);
    println!("\nmessages per server CPU-second (SQLite, 64 at once): {:.0}", 1e6 / sqlite_us);
    println!("service / native: {:.1}", sqlite_us / native);
    for (_, target) in targets {
        target.process.stop().await;
    }
    if let Some(database) = database {
        database.remove().await;
    }
}
