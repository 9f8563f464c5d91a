//! How the tests run the binary, and a simulated provider with a matching configuration.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use sendbox_simulator::{HttpSmsAccount, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::command_snapshot::CommandSnapshot;

pub const NUMBER: &str = "+4598765401";
pub const CODE: &str = "704913";
pub const TOKEN: &str = "canary-token-0123456789abcdef";
pub const BEARER: &str = "Bearer canary-authorization";
pub const TEXT: &str = "Canary text";

/// The result of a command.
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

    /// Parses stdout, which must be one JSON object.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

/// An empty session of commands.
pub fn snapshot() -> CommandSnapshot {
    let mut snapshot = CommandSnapshot::new(Path::new(env!("CARGO_BIN_EXE_sendbox")));
    snapshot.replace(env!("CARGO_MANIFEST_DIR"), "[CRATE]");
    snapshot
}

/// The command, without the environment of the caller. SIGHUP is not ignored, even if the tests run under `nohup`.
pub fn binary() -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_sendbox")]);
    // All runs share the cache of compiled connectors.
    command.env_clear().env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).kill_on_drop(true).stdin(Stdio::null());
    command
}

pub async fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> CommandOutput {
    CommandOutput::of(binary().args(args).output().await.unwrap())
}

/// A simulated provider, and a folder with the configurations to send to it.
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

    /// The arguments of a send to the simulator, except the code.
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

    /// An empty session of commands with this fixture.
    pub fn snapshot(&self) -> CommandSnapshot {
        let mut snapshot = snapshot();
        snapshot.replace(self.folder.path().to_str().unwrap(), "[FOLDER]");
        snapshot
    }

    /// Sends, and records the command. The flags that every send of this fixture has are left out.
    pub async fn recorded_send(&self, snapshot: &mut CommandSnapshot, connector: &str, more: &[&str]) -> CommandOutput {
        let ran = self.send(connector, more).await;
        let arguments = [&["send", "--connector", connector], more].concat();
        snapshot.record(&arguments, Some(ran.exit), &ran.stdout, &ran.stderr);
        ran
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

/// The names in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
