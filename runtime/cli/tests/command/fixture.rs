//! What the tests share: how to run the binary, and a provider with a configuration that fits.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use sendbox_simulator::{HttpSmsAccount, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

pub const NUMBER: &str = "+4598765401";
pub const CODE: &str = "704913";
pub const TOKEN: &str = "canary-token-0123456789abcdef";
pub const BEARER: &str = "Bearer canary-authorization";
pub const TEXT: &str = "Canary text";

/// What a run came to.
pub struct CommandOutput {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl CommandOutput {
    fn of(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// stdout as the one JSON object that it must be.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// The binary, in an environment that holds nothing of the caller's.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sendbox"));
    // Compiled connectors are shared by all runs: it is what the cache is for.
    command.env_clear().env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).kill_on_drop(true).stdin(Stdio::null());
    command
}

pub async fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> CommandOutput {
    CommandOutput::of(binary().args(args).output().await.unwrap())
}

/// A simulated provider, and a folder with what is needed to send to it.
pub struct CliFixture {
    pub simulator: Simulator,
    folder: TempDir,
}

impl CliFixture {
    pub async fn new() -> Self {
        let mut config = SimulatorConfig {
            http: HttpSmsAccount { authorization: Some(BEARER.to_owned()), ..HttpSmsAccount::default() },
            ..SimulatorConfig::default()
        };
        config.twilio.auth_token = TOKEN.to_owned();
        let twilio = json!({
            "parameters": {
                "accountSID": config.twilio.account_sid, "authToken": TOKEN,
                "fromMessagingServiceSID": format!("MG{}", "0a".repeat(16)),
            },
            "templates": [
                {"usage": "generic", "content": format!("{TEXT} {{{{code}}}}")},
                {"usageType": "SignIn", "locale": "da", "content": format!("{TEXT} på dansk {{{{code}}}} {{{{minutes}}}} min {{{{link}}}}")},
            ],
        });
        let http = json!({"parameters": {"endpoint": "https://hooks.simulator.test/sms", "authorization": BEARER}});
        let fixture = Self { simulator: Simulator::start(config).await.unwrap(), folder: tempfile::tempdir().unwrap() };
        fixture.write("twilio.json", &twilio.to_string());
        fixture.write("http.json", &http.to_string());
        fixture.simulator.write_ca(fixture.path("ca.pem")).unwrap();
        fixture
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, contents: &str) -> String {
        std::fs::write(self.path(name), contents).unwrap();
        self.path(name).display().to_string()
    }

    /// Everything that a send to the simulator needs, but the code.
    pub fn args(&self, connector: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let config = format!("{connector}.json");
        let mut args: Vec<String> =
            ["send", "--connector", connector, "--config", &path(&config), "--to", NUMBER].map(str::to_owned).to_vec();
        for line in self.simulator.connect_to() {
            args.extend(["--connect-to".to_owned(), line]);
        }
        args.extend(["--extra-ca".to_owned(), path("ca.pem")]);
        args
    }

    /// Sends, with further arguments.
    pub async fn send(&self, connector: &str, more: &[&str]) -> CommandOutput {
        let mut args = self.args(connector);
        args.extend(["--code", CODE].map(str::to_owned));
        args.extend(more.iter().map(|one| (*one).to_owned()));
        run(&args).await
    }

    /// Sends with the code on standard input.
    pub async fn send_piped(&self, code: &str, more: &[&str]) -> CommandOutput {
        let mut child = binary()
            .args(self.args("twilio"))
            .args(["--code", "-"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(code.as_bytes()).await.unwrap();
        CommandOutput::of(child.wait_with_output().await.unwrap())
    }
}

/// Names of what is in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
