//! The real binary: `sendbox serve` as a process, to call, stop and kill.
//!
//! - [`Deployment`]: what outlives a process: the data folder and the simulated provider.
//! - [`Process`]: a run of `sendbox serve` in that deployment. It is ready when it has printed its address.
//! - [`Client`]: a client of its API with the platform key.
//!
//! Guarantees: a process ends when its [`Process`] is dropped, also when a test fails; waiting does not rely on sleeps.
//!
//! Must not know: how the process works. It sees what an operator and a platform see.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use sendbox_simulator::{Simulator, SimulatorConfig};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use crate::database::connect;
use crate::test_service::{PLATFORM_KEY, TENANT, open_limits, twilio};

/// A message that is not final after this time was lost. No test comes close to it.
const NEVER: Duration = Duration::from_secs(120);

/// What outlives a process: the data folder and the provider.
pub struct Deployment {
    /// The providers, in the process of the test.
    pub simulator: Simulator,
    folder: TempDir,
    /// A data folder whose process has compiled its connectors.
    compiled: OnceCell<PathBuf>,
}

impl Deployment {
    /// An empty folder and a provider.
    pub async fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        simulator.write_ca(folder.path().join("ca.pem")).unwrap();
        fs::write(folder.path().join("platform.key"), PLATFORM_KEY).unwrap();
        Self { simulator, folder, compiled: OnceCell::new() }
    }

    /// The folder of `--data`.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A connection to the database in it.
    pub async fn database(&self) -> AnyConnection {
        connect(&format!("sqlite://{}", self.data().join("sendbox.db").display())).await
    }

    /// A file beside the data folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments with which `sendbox` serves this deployment: on any free port, with the simulated providers only.
    pub fn arguments(&self) -> Vec<String> {
        self.arguments_in(self.data())
    }

    fn arguments_in(&self, data: PathBuf) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut arguments = vec!["serve".to_owned()];
        let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
        add("--data", path(data));
        add("--listen", "127.0.0.1:0".to_owned());
        add("--platform-key-file", path(self.beside("platform.key")));
        add("--extra-ca", path(self.beside("ca.pem")));
        for spec in self.simulator.connect_to() {
            add("--connect-to", spec);
        }
        arguments
    }

    /// The command that starts the service, with further arguments.
    pub async fn command(&self, further: &[&str]) -> Command {
        let mut command = Command::new(binary().await);
        command.args(self.arguments()).args(further);
        command
    }

    /// Starts a process in another data folder, and waits until it is ready. A new folder gets the connectors that the first one has
    /// compiled, so that its process is ready within a second.
    pub async fn start_in(&self, data: PathBuf, further: &[&str]) -> Process {
        self.start_under(&[], data, further).await
    }

    /// Like [`Self::start_in`], with a program in front that runs the command in its own process.
    pub async fn start_under(&self, program: &[&str], data: PathBuf, further: &[&str]) -> Process {
        self.prepare_data(&data);
        let binary = binary().await;
        let mut command = match program {
            [] => Command::new(binary),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
        };
        command.args(self.arguments_in(data.clone())).args(further);
        let process = Process::start(command).await;
        self.compiled.get_or_init(|| async { data }).await;
        process
    }

    /// Creates a data folder with the connectors that the first one has compiled, unless it exists.
    pub fn prepare_data(&self, data: &Path) {
        if let Some(compiled) = self.compiled.get()
            && !data.exists()
        {
            copy_compiled(compiled, data);
        }
    }

    /// Removes a data folder of [`Self::start_in`], unless others take their connectors from it.
    pub fn remove_data(&self, data: &Path) {
        if self.compiled.get().is_none_or(|compiled| compiled != data) {
            fs::remove_dir_all(data).unwrap();
        }
    }

    /// Starts the service, and waits until it is ready.
    pub async fn start(&self) -> Process {
        self.start_with(&[]).await
    }

    /// Like [`Self::start`], with further arguments.
    pub async fn start_with(&self, further: &[&str]) -> Process {
        Process::start(self.command(further).await).await
    }

    /// Starts the service, which must fail, and returns its output.
    pub async fn refused(&self, further: &[&str]) -> Output {
        let mut command = self.command(further).await;
        clean(&mut command);
        let output = command.output().await.unwrap();
        assert!(!output.status.success(), "it must not serve");
        output
    }

    /// The received messages, as number and text, oldest first.
    pub fn received_messages(&self) -> Vec<(String, String)> {
        self.simulator.inbox().into_iter().map(|message| (message.to, message.text.unwrap_or_default())).collect()
    }
}

/// Copies the compiled connectors of a data folder into a new one.
fn copy_compiled(from: &Path, data: &Path) {
    let (from, to) = (from.join("compiled"), data.join("compiled"));
    fs::create_dir_all(&to).unwrap();
    for folder in [data, &to] {
        fs::set_permissions(folder, fs::metadata(&from).unwrap().permissions()).unwrap();
    }
    for file in fs::read_dir(&from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// A run of `sendbox serve`. It is killed when this is dropped.
pub struct Process {
    /// A client of its API.
    pub client: Client,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

/// Clears the environment, and ends the process with the test.
fn clean(command: &mut Command) {
    command.env_clear().kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // For commands that start the service in a separate namespace.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
}

impl Process {
    /// Starts a command that ends in `sendbox serve`, and waits until it is ready.
    pub async fn start(mut command: Command) -> Self {
        clean(&mut command);
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let Some(line) = stdout.next_line().await.unwrap() else {
                reader.await.unwrap();
                let status = child.wait().await.unwrap();
                panic!("`sendbox serve` ended with {status} before it was ready:\n{}", log.lock().unwrap());
            };
            if let Some((address, _)) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(';')) {
                break address.to_owned();
            }
        };
        Self { client: Client::new(address), child, log, reader }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
        self.end().await;
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        kill_process(Pid::from_raw(self.id().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    }

    /// Sends SIGTERM, and waits for the exit code 0.
    pub async fn stop(self) {
        self.terminate();
        let (code, log) = self.end().await;
        assert_eq!(code, Some(0), "it ended with an error:\n{log}");
    }

    /// Sends SIGTERM, and waits for the process to exit. Returns the exit code, unless it was killed, and the log.
    pub async fn stopped(self) -> (Option<i32>, String) {
        self.terminate();
        self.end().await
    }

    /// Waits for the process to exit. Returns the exit code, unless it was killed, and the log.
    async fn end(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().await.unwrap();
        self.reader.await.unwrap();
        let log = self.log.lock().unwrap().clone();
        assert!(!log.contains("panicked at"), "it panicked:\n{log}");
        (status.code(), log)
    }
}

/// A response of the API.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` if there is none.
    pub body: Value,
}

impl ApiResponse {
    /// A member of the body, as text.
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {self:?}"))
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A client with the platform key, for one tenant. An error of a call means that there was no complete response.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    fn new(address: String) -> Self {
        // A new connection for each request: the server may close an idle one just when it is used again.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { http, address }
    }

    /// The address of the service: `http://127.0.0.1:40321`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request to a path below the tenant's.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<ApiResponse, reqwest::Error> {
        let url = format!("{}/v1/tenants{path}", self.address);
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        answer(request).await
    }

    /// Sends a request to any path.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<ApiResponse, reqwest::Error> {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answer(request).await
    }

    /// Uploads the file of a connector with `POST`, to any path.
    pub async fn upload(&self, path: &str, component: &[u8]) -> Result<ApiResponse, reqwest::Error> {
        let request = self.http.post(format!("{}{path}", self.address)).header("content-type", "application/wasm");
        answer(request.body(component.to_vec())).await
    }

    /// `POST`, to a path below the tenant's.
    pub async fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<ApiResponse, reqwest::Error> {
        self.call(Method::POST, &format!("/{TENANT}/{path}"), Some(body), key).await
    }

    /// `POST` of a form with a further header, without a key, to any path.
    pub async fn post_form(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (name, value): (&str, &str),
    ) -> Result<ApiResponse, reqwest::Error> {
        // Its builder must not live across an `await`.
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}{path}", self.address)).header(name, value);
        response(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// `PUT`, which must succeed.
    pub async fn put(&self, path: &str, body: &Value) {
        let answer = self.call(Method::PUT, &format!("/{TENANT}/{path}"), Some(body), None).await.unwrap();
        assert!(answer.is_success(), "{path}: {answer:?}");
    }

    /// `GET`, which must succeed.
    pub async fn get(&self, path: &str) -> ApiResponse {
        let answer = self.call(Method::GET, &format!("/{TENANT}/{path}"), None, None).await.unwrap();
        assert!(answer.is_success(), "{path}: {answer:?}");
        answer
    }

    /// Creates a tenant with an active connection to the simulated Twilio, a second connection, and the widest limits.
    pub async fn add_tenant(&self) {
        let tenant = json!({ "id": TENANT, "name": "Acme", "environment": "development" });
        let made = self.call(Method::POST, "", Some(&tenant), None).await.unwrap();
        assert_eq!(made.status, 201, "{made:?}");
        let twilio = twilio();
        let connection = json!({
            "connector": twilio.connector, "parameters": twilio.parameters, "templates": twilio.templates,
        });
        self.put("connections/main", &connection).await;
        self.put("connections/second", &connection).await;
        self.put("active-connection", &json!({ "name": "main" })).await;
        self.set_delivery(json!({})).await;
    }

    /// Sets `delivery` in the policy.
    pub async fn set_delivery(&self, delivery: Value) {
        let limits = serde_json::to_value(open_limits()).unwrap();
        self.put("policy", &json!({ "limits": limits, "countries": { "all": true }, "delivery": delivery })).await;
    }

    /// The messages to a number, newest first.
    pub async fn messages_to(&self, number: &str) -> Vec<Value> {
        match self.post("messages/search", &json!({ "to": number }), None).await.unwrap().body["items"].take() {
            Value::Array(items) => items,
            other => panic!("{other}"),
        }
    }

    /// Waits until no message is in progress. A message that never ends fails the test instead of blocking it forever.
    pub async fn until_all_are_final(&self) {
        let deadline = Instant::now() + NEVER;
        loop {
            let mut open = Vec::new();
            for status in ["queued", "sending"] {
                let page = self.get(&format!("messages?status={status}&limit=1")).await;
                open.extend(page.body["items"].as_array().unwrap().iter().cloned());
            }
            if open.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "these did not end: {open:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Sends a request with the platform key.
async fn answer(request: reqwest::RequestBuilder) -> Result<ApiResponse, reqwest::Error> {
    response(request.bearer_auth(PLATFORM_KEY)).await
}

async fn response(request: reqwest::RequestBuilder) -> Result<ApiResponse, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let bytes = response.bytes().await?;
    Ok(ApiResponse { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

/// The path of the binary. `SENDBOX_BINARY` names one; otherwise it is the one that cargo puts beside this test, which a test run
/// of the whole workspace has just built. It is built here only if it is missing: after a change, `cargo test -p sendbox-tests`
/// alone tests the old binary; `cargo build -p sendbox` builds a new one.
pub async fn binary() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    BINARY
        .get_or_init(|| async {
            if let Some(path) = std::env::var_os("SENDBOX_BINARY") {
                return path.into();
            }
            // target/debug/deps/crash-0123456789abcdef
            let test = std::env::current_exe().unwrap();
            let folder = test.parent().and_then(Path::parent).unwrap();
            let binary = folder.join("sendbox");
            if !binary.exists() {
                build(folder).await;
            }
            assert!(binary.exists(), "{} was not built", binary.display());
            binary
        })
        .await
}

async fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    // The variables that cargo sets for a test would make build scripts run again, here and in the next build.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if (text.starts_with("CARGO_") && text != "CARGO_HOME") || text == "OUT_DIR" {
            cargo.env_remove(&name);
        }
    }
    cargo.args(["build", "--locked", "--package", "sendbox", "--target-dir"]).arg(folder.parent().unwrap());
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
        None => panic!("this test runs in no folder of cargo's"),
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().await.unwrap();
    assert!(output.status.success(), "the binary cannot be built:\n{}", String::from_utf8_lossy(&output.stderr));
}
