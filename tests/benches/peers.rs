//! The CPU of a send in the sandbox, compared with what others need for the same message: Twilio's API over TLS, 64 sends at once,
//! the provider simulated in a process of its own.
//!
//! - `logto`: our Twilio connector in the sandbox / Logto's published Twilio connector in Node, which isolates nothing;
//! - `undici`: the same / a function of a few lines in Node;
//! - `native`: the same / a plain HTTP client in Rust.
//!
//! Runs are interleaved, medians are taken, and the ratios are printed last. Node is warmed with 10,000 sends. A failed send ends the
//! benchmark with an error. It needs Node with npm, and installs the pinned packages of `tests/peers` the first time.

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
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sendbox_sandbox::policy::{EffectiveGrant, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{Connector, Outcome, Parameters, Sandbox, SandboxConfig, SendRequest};
use sendbox_simulator::{Simulator, SimulatorConfig};
use sendbox_tests::bench::{cpu_time, is_benchmark, median, run_at_once, runtime};
use sendbox_tests::sandbox_fixture::{NoNames, addresses, message, text};
use sendbox_tests::simulator_setup::connection;

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPETITIONS: usize = 5;
const SENDS: usize = 3_000;
const WARM: usize = 10_000;
const AT_ONCE: usize = 64;
const HOST: &str = "api.twilio.com";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    rustls::crypto::ring::default_provider().install_default().expect("nobody chose a provider before");
    if let Some(at) = arguments.iter().position(|argument| argument == "--provider") {
        runtime().block_on(provider(Path::new(&arguments[at + 1])));
    } else if is_benchmark("peers") {
        runtime().block_on(run());
    }
}

/// Simulates the provider until the process is killed.
async fn provider(authority: &Path) {
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    std::fs::write(authority, simulator.ca_pem()).unwrap();
    println!("{}", simulator.tls_addr());
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        // Otherwise it would remember every message.
        simulator.clear_inbox();
    }
}

struct Provider {
    process: Child,
    address: SocketAddr,
    authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl Provider {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("ca.pem");
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("--provider")
            .arg(&authority)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { process, address: line.trim().parse().unwrap(), authority, _folder: folder }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
    }
}

/// Runs so many sends, `AT_ONCE` at a time. Returns the CPU of one in microseconds.
async fn measure<F, Fut>(sends: usize, send: F) -> f64
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let before = cpu_time();
    run_at_once(sends, AT_ONCE, send).await;
    (cpu_time() - before).as_secs_f64() * 1e6 / sends as f64
}

struct Sandboxed {
    sandbox: Sandbox,
    connector: Connector,
    parameters: Arc<Parameters>,
    grant: Arc<EffectiveGrant>,
}

impl Sandboxed {
    async fn new(provider: &Provider) -> Arc<Self> {
        let sandbox = Sandbox::new(SandboxConfig {
            in_flight: AT_ONCE as u32,
            addresses: addresses([format!("{HOST}:443={}", provider.address)]),
            extra_authorities: vec![CertificateDer::from_pem_file(&provider.authority).unwrap().to_vec()],
            resolver: Some(Arc::new(NoNames)),
            ..SandboxConfig::default()
        })
        .unwrap();
        let connector = sandbox.load(sendbox_catalogue::find("twilio").unwrap().component).await.unwrap();
        let parameters = connector.parameters(&connection("twilio").0).unwrap();
        let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default()).unwrap();
        Arc::new(Self { sandbox, connector, parameters: Arc::new(parameters), grant: Arc::new(grant) })
    }

    async fn send(self: Arc<Self>) {
        let request = SendRequest {
            owner: "bench".into(),
            parameters: Arc::clone(&self.parameters),
            grant: Arc::clone(&self.grant),
            message: message(text()),
            pinned: None,
            dry_run: None,
            withdrawn: None,
            revocation: None,
        };
        let result = self.sandbox.send(&self.connector, request).await;
        assert!(matches!(result.outcome, Outcome::Accepted(_)), "a send failed: {:?}", result.outcome);
    }
}

struct Native {
    client: reqwest::Client,
    url: String,
    account: String,
    token: String,
    body: String,
}

impl Native {
    fn new(provider: &Provider) -> Arc<Self> {
        let authority = reqwest::Certificate::from_pem(&std::fs::read(&provider.authority).unwrap()).unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .tls_certs_only([authority])
            .resolve(HOST, provider.address)
            .build()
            .unwrap();
        let (parameters, _) = connection("twilio");
        let parameter = |name: &str| parameters[name].as_str().unwrap().to_owned();
        let account = parameter("accountSID");
        Arc::new(Self {
            client,
            url: format!("https://{HOST}:{}/2010-04-01/Accounts/{account}/Messages.json", provider.address.port()),
            account,
            token: parameter("authToken"),
            body: format!(
                "To=%2B4520918374&MessagingServiceSid={}&Body=123456%20is%20your%20code.",
                parameter("fromMessagingServiceSID")
            ),
        })
    }

    async fn send(self: Arc<Self>) {
        let request = self.client.post(&self.url).basic_auth(&self.account, Some(&self.token));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(self.body.clone());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert!(answer["sid"].is_string());
    }
}

/// The CPU of a send of a peer in Node, in microseconds.
fn in_node(folder: &Path, peer: &str, provider: &Provider) -> f64 {
    let output = Command::new("node")
        .arg("send.mjs")
        .args([peer, &provider.address.to_string()])
        .arg(&provider.authority)
        .arg(connection("twilio").0.to_string())
        .args([WARM.to_string(), SENDS.to_string()])
        .current_dir(folder)
        .output()
        .expect("Node starts");
    assert!(output.status.success(), "{peer}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

async fn run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    let installed = Command::new("npm").args(install).current_dir(&folder).status().expect("npm starts");
    assert!(installed.success(), "the packages of tests/peers cannot be installed");
    let provider = Provider::start();
    let (sandboxed, native) = (Sandboxed::new(&provider).await, Native::new(&provider));
    let sandboxed_send = || Arc::clone(&sandboxed).send();
    let native_send = || Arc::clone(&native).send();
    measure(500, sandboxed_send).await;
    measure(500, native_send).await;
    let mut figures: [Vec<f64>; 4] = Default::default();
    for round in 1..=REPETITIONS {
        let of_round = [
            measure(SENDS, sandboxed_send).await,
            measure(SENDS, native_send).await,
            in_node(&folder, "undici", &provider),
            in_node(&folder, "logto", &provider),
        ];
        let [ours, native, undici, logto] = of_round;
        println!(
            "{round}: CPU per send, µs: {ours:.0} sandboxed, {native:.0} native, {undici:.0} undici, {logto:.0} Logto"
        );
        figures.iter_mut().zip(of_round).for_each(|(figures, figure)| figures.push(figure));
    }
    let [ours, native, undici, logto] = figures.map(median);
    println!("native   {:.2}", ours / native);
    println!("undici   {:.2}", ours / undici);
    println!("logto    {:.2}   (must reach 0.35)", ours / logto);
}
