//! The cost of the sandbox, compared with the same work without it.
//!
//! It measures:
//! - `tax`: CPU (user and system) per send, sandboxed / native, with the same HTTP client, 64 at once, against a server in
//!   another process on loopback without TLS;
//! - `instantiate`: instance + call + drop, tuned pool / pool defaults;
//! - `faults`: minor page faults per sandboxed send.
//!
//! Runs are interleaved, medians are taken, and the ratios are printed last. A run in which any send failed is not counted: the
//! benchmark ends with an error instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sendbox_sandbox::policy::{AddressPolicy, EffectiveGrant, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{
    Allocation, Attempt, Connector, Content, Message, Outcome, Parameters, Recipient, Sandbox, SandboxConfig,
    SendRequest, Usage, Variable,
};
use sendbox_tests::bench::{cpu_time, is_benchmark, median, run_at_once, runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPETITIONS: usize = 5;
const SENDS: usize = 3_000;
const AT_ONCE: usize = 64;
const INSTANCES: usize = 5_000;
const HOST: &str = "provider.bench.test";
const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const AUTHORIZATION: &str = "Basic QUMwMDAwOjAxMjM0NTY3ODlhYmNkZWY=";

fn main() {
    // `cargo bench` and `cargo test --benches` pass flags that are not for us.
    if std::env::args().any(|argument| argument == "--provider") {
        runtime().block_on(provider());
        return;
    }
    if !is_benchmark("send") {
        return;
    }
    // Backtraces cost microseconds at every drop of a call that ended early.
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        println!("note: RUST_BACKTRACE is set; unset it for figures to compare");
    }
    rustls::crypto::ring::default_provider().install_default().expect("nobody chose a provider before");
    let (mut child, address) = start_provider();
    runtime().block_on(run(address));
    child.kill().expect("the provider is ours to end");
}

// ---- the provider, in a process of its own ----

fn start_provider() -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--provider")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the benchmark can start itself");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().parse().expect("the provider says where it listens"))
}

async fn provider() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Some(end) = request_end(&mut stream, &mut buffer).await {
                buffer.drain(..end);
                let body = r#"{"id":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads until the buffer contains a whole request, and returns where it ends.
async fn request_end(stream: &mut tokio::net::TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length: usize = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |value| value.trim().parse().unwrap());
            if buffer.len() >= head + 4 + length {
                return Some(head + 4 + length);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}

// ---- the measured side ----

struct Side {
    sandbox: Sandbox,
    connector: Connector,
    parameters: Arc<Parameters>,
    grant: Arc<EffectiveGrant>,
}

impl Side {
    async fn new(address: SocketAddr, allocation: Allocation) -> Arc<Self> {
        let addresses =
            AddressPolicy::default().with_connect_to(&format!("{HOST}:{}={address}", address.port())).unwrap();
        let sandbox = Sandbox::new(SandboxConfig {
            in_flight: AT_ONCE as u32,
            addresses,
            allocation,
            ..SandboxConfig::default()
        })
        .unwrap();
        let component = sendbox_catalogue::find("http").unwrap().component;
        let connector = sandbox.load(component).await.unwrap();
        let parameters = connector
            .parameters(&serde_json::json!({
                "endpoint": endpoint(address),
                "authorization": AUTHORIZATION,
                "webhookSecret": SECRET,
            }))
            .unwrap();
        let operator: OperatorPolicy = serde_json::from_value(serde_json::json!({
            "allow_http": [{ "host": HOST, "port": address.port() }],
        }))
        .unwrap();
        let grant = connector.grant(&parameters, &operator, &TenantGrant::default()).unwrap();
        Arc::new(Self { sandbox, connector, parameters: Arc::new(parameters), grant: Arc::new(grant) })
    }

    async fn send(&self) {
        let request = SendRequest {
            owner: "bench".into(),
            parameters: Arc::clone(&self.parameters),
            grant: Arc::clone(&self.grant),
            message: message(),
            pinned: None,
            dry_run: None,
            withdrawn: None,
            revocation: None,
        };
        let report = self.sandbox.send(&self.connector, request).await;
        assert!(matches!(report.outcome, Outcome::Accepted(_)), "a send failed: {:?}", report.outcome);
    }
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{HOST}:{}/sms", address.port())
}

fn message() -> Message {
    Message {
        recipient: Recipient {
            e164: "+4512345678".to_owned().into(),
            national: "12345678".to_owned().into(),
            country: Some("DK".into()),
            calling_code: "45".into(),
        },
        usage: Usage::SignIn,
        locale: Some("da".into()),
        content: Content::Variables(vec![Variable { name: "code".into(), value: "482913".to_owned().into() }]),
        code: Some("482913".to_owned().into()),
        lifetime_seconds: 600,
        client_ip: None,
        idempotency_key: "bench".into(),
        attempt: Attempt::first().unwrap(),
    }
}

/// The same send without a sandbox: the same client, the same request, and the response is read in the same way.
struct Native {
    client: reqwest::Client,
    url: String,
}

impl Native {
    fn new(address: SocketAddr) -> Arc<Self> {
        let client = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .resolve(HOST, address)
            .build()
            .unwrap();
        Arc::new(Self { client, url: endpoint(address) })
    }

    async fn send(&self) {
        let message = message();
        let Content::Variables(variables) = &message.content else { unreachable!("made above") };
        let body = serde_json::json!({
            "to": message.recipient.digits(),
            "type": "SignIn",
            "payload": { "code": *variables[0].value, "locale": message.locale },
        })
        .to_string();
        let timestamp = message.attempt.started_at / 1000;
        let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, SECRET).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{timestamp}.{body}", message.idempotency_key).as_bytes());
        let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
        let response = self
            .client
            .post(&self.url)
            .header("Authorization", AUTHORIZATION)
            .header("Content-Type", "application/json")
            .header("webhook-id", &message.idempotency_key)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{signature}"))
            .body(body)
            .send()
            .await
            .unwrap();
        assert!(response.status().is_success());
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(answer["id"].is_string());
    }
}

struct Measured {
    cpu: Duration,
    wall: Duration,
    faults: f64,
}

/// Runs `SENDS` sends, `AT_ONCE` at a time, and returns the cost of one.
async fn measure<F, Fut>(send: F) -> Measured
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (cpu, faults, wall) = (cpu_time(), minor_faults(), Instant::now());
    run_at_once(SENDS, AT_ONCE, send).await;
    let sends = SENDS as u32;
    Measured {
        cpu: (cpu_time() - cpu) / sends,
        wall: wall.elapsed() / sends,
        faults: (minor_faults() - faults) as f64 / f64::from(sends),
    }
}

async fn instances(side: &Side) -> Duration {
    let began = Instant::now();
    for _ in 0..INSTANCES {
        side.sandbox.run_metadata(&side.connector).await.unwrap();
    }
    began.elapsed() / INSTANCES as u32
}

async fn run(address: SocketAddr) {
    let tuned = Side::new(address, Allocation::PoolTuned).await;
    let defaults = Side::new(address, Allocation::PoolDefaults).await;
    let on_demand = Side::new(address, Allocation::OnDemand).await;
    let native = Native::new(address);
    let sandboxed = || {
        let side = Arc::clone(&tuned);
        async move { side.send().await }
    };
    let unsandboxed = || {
        let native = Arc::clone(&native);
        async move { native.send().await }
    };
    measure(sandboxed).await;
    measure(unsandboxed).await;

    let (mut tax, mut faults, mut ratio, mut ratio_on_demand) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=REPETITIONS {
        let inside = measure(sandboxed).await;
        let outside = measure(unsandboxed).await;
        let (with_tuned, with_defaults, with_none) =
            (instances(&tuned).await, instances(&defaults).await, instances(&on_demand).await);
        println!(
            "{round}: CPU per send {:?} sandboxed, {:?} native (wall {:?}, {:?}); {:.2} faults per send; \
             instance {with_tuned:?} tuned, {with_defaults:?} defaults, {with_none:?} on demand",
            inside.cpu, outside.cpu, inside.wall, outside.wall, inside.faults
        );
        tax.push(inside.cpu.as_secs_f64() / outside.cpu.as_secs_f64());
        faults.push(inside.faults);
        ratio.push(with_tuned.as_secs_f64() / with_defaults.as_secs_f64());
        ratio_on_demand.push(with_tuned.as_secs_f64() / with_none.as_secs_f64());
    }
    println!("faults per send          {:.2}   (must reach 0.10)", median(faults));
    println!("instantiate / on demand  {:.2}", median(ratio_on_demand));
    println!("instantiate / defaults   {:.2}   (must reach 0.60)", median(ratio));
    println!("tax                      {:.2}   (must reach 3.50)", median(tax));
}

/// Field 10 of `/proc/self/stat`, see proc_pid_stat(5).
fn minor_faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = &stat[stat.rfind(')').unwrap() + 2..];
    after_name.split(' ').nth(7).unwrap().parse().unwrap()
}
