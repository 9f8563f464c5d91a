//! `demo` and `serve`: started, used as a new user would use them, and stopped.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::fixture::binary;

/// A command that runs until it gets a signal.
struct RunningCommand {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl RunningCommand {
    /// Starts it. Returns what it printed up to the line that contains `ready`.
    async fn start(args: &[&str], ready: &str) -> (Self, String) {
        let mut child = binary()
            .args(args)
            .env_remove("SENDBOX_PLATFORM_KEY")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            printed.push_str(&line);
            printed.push('\n');
            if line.contains(ready) {
                return (Self { child, lines }, printed);
            }
        }
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        panic!("it ended early\n{printed}\n{errors}");
    }

    /// Sends a signal. Returns the exit code and stderr.
    async fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        (self.child.wait().await.unwrap().code(), errors)
    }
}

/// Runs a script without input, and with a socket as stderr, which cannot be opened by name.
async fn shell(script: &str) -> String {
    let (mut errors, theirs) = UnixStream::pair().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", script]).stdin(Stdio::null()).stderr(OwnedFd::from(theirs));
    let output = bash.output().await.unwrap();
    // Closes the last copy of the other end.
    drop(bash);
    let mut stderr = String::new();
    errors.read_to_string(&mut stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_commands_of_the_demo_work_when_pasted() {
    let (mut demo, printed) = RunningCommand::start(&["demo", "--port", "0"], "Messages appear below").await;
    let script = printed.split_once("# 1. ").unwrap().1.split_once("Messages appear").unwrap().0;
    let answer = shell(&format!("# 1. {script}")).await;
    assert!(answer.contains("the phone shows ") && answer.contains("\"status\":\"approved\""), "{answer}");
    let arrived = demo.lines.next_line().await.unwrap().unwrap();
    assert!(arrived.starts_with("phone: #1 twilio to +4512345678: "), "{arrived}");
    let (code, errors) = demo.end("-INT").await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test]
async fn the_demo_sends_in_the_language_that_is_asked_for_and_its_provider_fails_on_request() {
    let args = ["demo", "--port", "0", "--phone-port", "0", "--fault", "twilio=code:21211,times=1"];
    let (mut demo, printed) = RunningCommand::start(&args, "Messages appear below").await;
    let after = |name: &str| printed.split_once(name).unwrap().1.split_whitespace().next().unwrap().to_owned();
    let (api, key) = (after("\n  API "), after("\n  tenant key "));
    let send = format!(
        "curl -sS {api}/messages -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
         -d '{{\"to\": \"+4512345678\", \"usage\": \"sign-in\", \"code\": \"123456\", \"locale\": \"de\"}}'"
    );
    let refused = shell(&send).await;
    assert!(refused.contains("message-not-sent"), "{refused}");
    let sent = shell(&send).await;
    assert!(sent.contains("\"status\":\"accepted\""), "{sent}");
    let arrived = demo.lines.next_line().await.unwrap().unwrap();
    assert!(arrived.contains("123456 ist dein Code zur Anmeldung"), "{arrived}");
    let (code, errors) = demo.end("-INT").await;
    assert_eq!(code, Some(0), "{errors}");
}

#[tokio::test]
async fn serve_generates_keys_and_reports_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let args = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
    let (serve, printed) = RunningCommand::start(&args, "listening on ").await;
    let api = printed.split_once("listening on ").unwrap().1.split(';').next().unwrap().to_owned();
    for (path, part) in [("/healthz", ""), ("/readyz", ""), ("/openapi.json", "\"openapi\":\"3.1"), ("/docs", "<html")]
    {
        let body = shell(&format!("curl -sSf {api}{path}")).await;
        assert!(body.contains(part), "{path}: {body}");
    }
    for file in ["platform.key", "master.keys", "sendbox.db"] {
        let mode = Path::new(data).join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let tenant = format!(
        "curl -sSf {api}/v1/tenants -H \"Authorization: Bearer $(cat {data}/platform.key)\" \
         -H 'Content-Type: application/json' -d '{{\"id\": \"acme\", \"name\": \"Acme\", \"environment\": \"development\"}}'"
    );
    assert!(shell(&tenant).await.contains("\"id\":\"acme\""));

    let second = binary().args(args).output().await.unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another sendbox is running"));

    let (code, errors) = serve.end("-TERM").await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("generated the platform key") && errors.contains("generated the master key"), "{errors}");

    // Without its master key, a database is not opened.
    let keys = Path::new(data).join("master.keys");
    let aside = Path::new(data).join("aside");
    std::fs::rename(&keys, &aside).unwrap();
    let locked_out = binary().args(args).output().await.unwrap();
    assert_eq!(locked_out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&locked_out.stderr).contains("master.keys is missing"));
    std::fs::write(&keys, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    let wrong = binary().args(args).output().await.unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("was not given"));
    std::fs::rename(&aside, &keys).unwrap();
    // With a port for health checks. A closed terminal stops it like SIGTERM.
    let named = ["serve", "--data", data, "--listen", "localhost:0", "--health-listen", "127.0.0.1:0"];
    let (again, printed) = RunningCommand::start(&named, "listening on ").await;
    let checks = printed.split_once("health checks on ").unwrap().1.split_once("/healthz").unwrap().0.to_owned();
    for (path, status) in [("/healthz", "200"), ("/readyz", "200"), ("/v1/tenants", "404"), ("/console/", "404")] {
        let answered = shell(&format!("curl -sS -o /dev/null -w '%{{http_code}}' {checks}{path}")).await;
        assert_eq!(answered, status, "{path}");
    }
    let (code, errors) = again.end("-HUP").await;
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("\"message\":\"stopped\""), "JSON where it is no terminal: {errors}");
}
