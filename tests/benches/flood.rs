//! What one hostile tenant costs another: `sendbox serve` in a process of its own, called over HTTP.
//!
//! The hostile tenant has a key with every scope. From 64 connections it sends each operation of the API, as it should be and with the
//! largest and the most repetitive bodies, for as long as a run lasts. Its client has the lowest priority: in reality it runs
//! elsewhere.
//!
//! - `messages`: p99 of `POST /messages` of the good tenant beside it / alone;
//! - `healthz`: the same of `GET /healthz`.
//!
//! Runs are interleaved, and medians are taken. If a message of the good tenant is not accepted, the benchmark ends with an error.
//! `SENDBOX_FLOOD_SECONDS` sets how long a run lasts, and `SENDBOX_FLOOD_RUNS` how many there are of each kind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use sendbox_tests::api::SCOPES;
use sendbox_tests::api_fixture::ApiFixture;
use sendbox_tests::bench::{is_benchmark, median, runtime};
use sendbox_tests::largest_bodies::largest_bodies;
use sendbox_tests::process::{Deployment, Process};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT, open_limits, twilio};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;

const HOSTILE: &str = "hostile";
const CONNECTIONS: usize = 64;
/// The time between two requests of the good tenant, so that it does not compete with itself.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Serialize, Deserialize)]
struct Request {
    method: String,
    target: String,
    content_type: String,
    body: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--hostile") {
        runtime().block_on(flood(&arguments[at + 1], &arguments[at + 2], Path::new(&arguments[at + 3])));
        return;
    }
    if is_benchmark("flood") {
        runtime().block_on(run());
    }
}

/// Every operation, as it should be, with the largest bodies, and with a file that is no connector.
async fn requests() -> Vec<Request> {
    let fixture = ApiFixture::new().await;
    let mut requests = Vec::new();
    for sample in fixture.samples() {
        let (target, method) = (sample.target(HOSTILE), sample.operation.method.to_string());
        let request = |content_type: &str, body: String| Request {
            method: method.clone(),
            target: target.clone(),
            content_type: content_type.to_owned(),
            body,
        };
        if sample.file.is_some() {
            requests.push(request("application/wasm", "\0".repeat(1 << 20)));
            continue;
        }
        requests.push(request("application/json", sample.body.as_ref().map(ToString::to_string).unwrap_or_default()));
        for body in largest_bodies(&sample) {
            requests.push(request("application/json", String::from_utf8(body).unwrap()));
        }
    }
    requests
}

/// Sends all requests again and again, until the process is killed.
async fn flood(address: &str, key: &str, file: &Path) {
    let requests: Arc<Vec<Request>> = Arc::new(serde_json::from_slice(&fs::read(file).unwrap()).unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (requests, next, http) = (Arc::clone(&requests), Arc::clone(&next), http.clone());
        let (address, key) = (address.to_owned(), key.to_owned());
        senders.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number == CONNECTIONS {
                    println!("flooding");
                }
                let request = &requests[number % requests.len()];
                let sent = http
                    .request(request.method.parse().unwrap(), format!("{address}{}", request.target))
                    .bearer_auth(&key)
                    .header("content-type", &request.content_type)
                    .body(request.body.clone());
                // Refusals and broken connections are what it wants to provoke.
                if let Ok(answer) = sent.send().await {
                    answer.bytes().await.ok();
                }
            }
        });
    }
    senders.join_next().await;
}

/// The hostile tenant's client.
struct Hostile(Child);

impl Hostile {
    /// Begins to flood, and returns once the first requests were answered.
    fn start(address: &str, key: &str, file: &Path) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(program).args(["--hostile", address, key]).arg(file);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "flooding\n");
        Self(child)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// p99 of each kind of request of the good tenant.
struct Latencies {
    messages: Duration,
    health: Duration,
}

/// Sends messages and asks for the health, one after the other.
async fn good_requests(process: &Process, http: &reqwest::Client, run: Duration, sent: &mut usize) -> Latencies {
    let address = process.client.address();
    let (mut messages, mut health, begun) = (Vec::new(), Vec::new(), Instant::now());
    while begun.elapsed() < run {
        let number = format!("+4520{:06}", *sent % 1_000_000);
        *sent += 1;
        let body = json!({ "to": number, "usage": "sign-in", "code": "123456" }).to_string();
        let at = Instant::now();
        let request = http.post(format!("{address}/v1/tenants/{TENANT}/messages")).bearer_auth(PLATFORM_KEY);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        messages.push(at.elapsed());
        assert!(
            status == 200 && text.contains("\"accepted\""),
            "a message of the good tenant failed: {status}: {text}"
        );
        let at = Instant::now();
        assert_eq!(http.get(format!("{address}/healthz")).send().await.unwrap().status(), 200);
        health.push(at.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    Latencies { messages: p99(messages), health: p99(health) }
}

fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// The hostile tenant, set up like the good one. Returns a key of it with every scope.
async fn add_hostile_tenant(process: &Process) -> String {
    let call = async |method: Method, path: &str, body: serde_json::Value| {
        let answer = process.client.call(method, path, Some(&body), None).await.unwrap();
        assert!(answer.is_success(), "{path}: {answer:?}");
        answer.body
    };
    let tenant = json!({ "id": HOSTILE, "name": "Hostile", "environment": "development" });
    call(Method::POST, "", tenant).await;
    let twilio = twilio();
    let connection =
        json!({ "connector": twilio.connector, "parameters": twilio.parameters, "templates": twilio.templates });
    call(Method::PUT, &format!("/{HOSTILE}/connections/main"), connection).await;
    call(Method::PUT, &format!("/{HOSTILE}/active-connection"), json!({ "name": "main" })).await;
    let policy = json!({ "limits": open_limits(), "countries": { "all": true } });
    call(Method::PUT, &format!("/{HOSTILE}/policy"), policy).await;
    let key = call(Method::POST, &format!("/{HOSTILE}/keys"), json!({ "name": "all", "scopes": SCOPES })).await;
    key["secret"].as_str().unwrap().to_owned()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

async fn run() {
    let run = Duration::from_secs(setting("SENDBOX_FLOOD_SECONDS", 6));
    let repetitions = setting("SENDBOX_FLOOD_RUNS", 5);
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let key = add_hostile_tenant(&process).await;
    let file = deployment.beside("requests.json");
    fs::write(&file, serde_json::to_vec(&requests().await).unwrap()).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut sent = 0;
    good_requests(&process, &http, Duration::from_secs(2), &mut sent).await;
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 1..=repetitions {
        let alone = good_requests(&process, &http, run, &mut sent).await;
        let hostile = Hostile::start(process.client.address(), &key, &file);
        let beside = good_requests(&process, &http, run, &mut sent).await;
        drop(hostile);
        for (name, alone, beside) in
            [("messages", alone.messages, beside.messages), ("healthz", alone.health, beside.health)]
        {
            let ratio = beside.as_secs_f64() / alone.as_secs_f64();
            println!("{round}: {name:<9} p99 {alone:?} alone, {beside:?} beside a hostile tenant ({ratio:.2})");
            ratios.entry(name).or_default().push(ratio);
        }
    }
    println!("messages of the good tenant: {sent}, all accepted");
    for (name, ratios) in ratios {
        println!("{name:<9} {:.2}   (must reach 1.50)", median(ratios));
    }
    process.stop().await;
}
