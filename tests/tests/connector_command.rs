//! `sendbox connector`, as an admin or a script runs it, against a running `sendbox serve`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use sendbox_tests::authority::Authority;
use sendbox_tests::command_snapshot::CommandSnapshot;
use sendbox_tests::process::{Deployment, Process, binary};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT, templates};
use sendbox_tests::versioned::{ID, digest, parameters, version, version_of};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

/// How a command ended.
#[derive(Debug)]
struct CommandOutput {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl CommandOutput {
    /// Parses stdout, which must be one JSON document.
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the command ended with this exit code.
    #[track_caller]
    fn ended(self, exit: i32) -> Self {
        assert_eq!(self.exit, Some(exit), "{self:#?}");
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(PLATFORM_KEY), "the key is shown: {text}");
        }
        self
    }
}

/// `sendbox connector …`, with a key and a server in the environment, and no terminal.
async fn connector(server: &str, key: &str, args: &[&str]) -> CommandOutput {
    trusting(server, key, args, None).await
}

/// Like [`connector`], where the system trusts only these certificate authorities.
async fn trusting(server: &str, key: &str, args: &[&str], authorities: Option<&Path>) -> CommandOutput {
    let mut command = Command::new(binary().await);
    command.env_clear().env("SENDBOX_SERVER", server).env("SENDBOX_KEY", key).stdin(Stdio::null());
    command.envs(authorities.map(|path| ("SSL_CERT_FILE", path)));
    let output = command.arg("connector").args(args).kill_on_drop(true).output().await.unwrap();
    CommandOutput {
        exit: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn record(snapshot: &mut CommandSnapshot, args: &[&str], ran: &CommandOutput) {
    snapshot.record(&[&["connector"], args].concat(), ran.exit, &ran.stdout, &ran.stderr);
}

/// A running service with files to upload, and a record of the commands.
struct Harness {
    process: Process,
    deployment: Deployment,
    snapshot: Mutex<CommandSnapshot>,
}

impl Harness {
    async fn new() -> Self {
        let deployment = Deployment::new().await;
        let process = deployment.start().await;
        process.client.add_tenant().await;
        let mut snapshot = CommandSnapshot::new(binary().await);
        snapshot.replace(deployment.beside("").to_str().unwrap(), "");
        Self { process, deployment, snapshot: Mutex::new(snapshot) }
    }

    async fn run(&self, args: &[&str]) -> CommandOutput {
        self.run_with_key(PLATFORM_KEY, args).await
    }

    /// Runs a command and records it, except for JSON of the server, which the tests of the API cover.
    async fn run_with_key(&self, key: &str, args: &[&str]) -> CommandOutput {
        let ran = connector(self.process.client.address(), key, args).await;
        if !(ran.exit == Some(0) && args.contains(&"--json")) {
            record(&mut self.snapshot.lock().unwrap(), args, &ran);
        }
        ran
    }

    /// Compares the recorded commands with a snapshot, and stops the service.
    async fn finish(self, name: &str) {
        self.snapshot.into_inner().unwrap().assert(name);
        self.process.stop().await;
    }

    fn file(&self, name: &str, component: &[u8]) -> String {
        let path: PathBuf = self.deployment.beside(name);
        std::fs::write(&path, component).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn push(&self, component: &[u8], more: &[&str]) -> CommandOutput {
        let file = self.file("pushed.wasm", component);
        self.run(&[&["push", &file], more].concat()).await
    }

    /// Makes the tenant send with the uploaded connector.
    async fn use_it(&self) {
        let connection = json!({ "connector": ID, "parameters": parameters(), "templates": templates() });
        self.process.client.put("connections/acme", &connection).await;
        self.process.client.put("active-connection", &json!({ "name": "acme" })).await;
    }

    /// Sends this many messages.
    async fn send(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let message = json!({ "to": format!("+45{}", 40_000_000 + number), "usage": "sign-in", "code": "314159" });
            let answer = self.process.client.post("messages", &message, None).await.unwrap();
            assert!(answer.is_success(), "{answer:?}");
        }
    }
}

/// The beginning of the component's digest.
fn short(component: &[u8]) -> String {
    digest(component).trim_start_matches("sha256:").chars().take(12).collect()
}

#[tokio::test]
async fn a_release_from_upload_to_rollback() {
    let harness = Harness::new().await;
    let (first, wider) = (version(1, "honest"), version(2, "wider"));
    let (one, two) = (short(&first), short(&wider));
    let pushed = harness.push(&first, &[]).await.ended(0);
    assert!(pushed.stdout.contains("Checked acme-sms 0001") && pushed.stdout.contains("It is the active version"));
    assert!(pushed.stderr.starts_with("0/3 uploading\n"), "{}", pushed.stderr);
    harness.use_it().await;

    // The version may do more: the command fails, and prints the command that approves exactly that.
    let refused = harness.push(&wider, &["--activate"]).await.ended(3);
    assert!(refused.stdout.contains("it may do MORE:\n  + new host: "), "{}", refused.stdout);
    assert!(refused.stdout.contains("  · the author's version: 0001 → 0002"), "{}", refused.stdout);
    assert!(refused.stderr.contains("(approval-required)"), "{}", refused.stderr);
    let approve = refused.stderr.split_once("connector approve ").unwrap().1.split_once('`').unwrap().0;
    let activate = harness.run(&["activate", ID, &two]).await.ended(3);
    assert!(activate.stderr.contains("a rule of Sendbox refused it"), "{}", activate.stderr);
    let shown = harness.run(&["show", ID, &two]).await.ended(0);
    for part in ["It may reach https://collect.acme.test", "  + new host: ", "role     available", approve] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }

    let stale = harness.run(&["approve", ID, &two, "--confirm", &"0".repeat(64)]).await.ended(3);
    assert!(stale.stderr.contains("(diff-changed)"), "{}", stale.stderr);
    let approved = harness.run(&[&["approve"][..], &approve.split(' ').collect::<Vec<_>>()].concat()).await.ended(0);
    assert!(approved.stdout.contains("Approved") && approved.stdout.contains("  + new host: "), "{}", approved.stdout);

    harness.run(&["canary", ID, &two, "50"]).await.ended(0);
    harness.send(0..30).await;
    let status = harness.run(&["status", ID]).await.ended(0).stdout;
    assert!(status.contains(&format!("canary    {two}  50 % of messages")), "{status}");
    let row = |name: &str| -> Vec<String> {
        let line = status.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.trim().trim_start_matches(name).split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("version"), [one.as_str(), two.as_str()], "{status}");
    let attempts: Vec<u32> = row("attempts").iter().map(|cell| cell.parse().unwrap()).collect();
    assert_eq!(attempts.iter().sum::<u32>(), 30, "{status}");
    assert_eq!(row("attempts"), row("accepted"), "{status}");

    harness.run(&["activate", ID, &two]).await.ended(0);
    let listed = harness.run(&["versions", ID]).await.ended(0).stdout;
    let role = |short: &str| {
        let line = listed.lines().find(|line| line.contains(short)).unwrap();
        line.split_whitespace().nth(2).unwrap().to_owned()
    };
    assert_eq!((role(&one), role(&two)), ("previous".to_owned(), "active".to_owned()));
    let back = harness.run(&["rollback", ID, "--reason", "slow in Norway"]).await.ended(0).stdout;
    assert!(
        back.contains(&format!("Last rollback: from {two} to {one}")) && back.contains("manual: slow in Norway"),
        "{back}"
    );
    assert!(harness.run(&["rollback", ID]).await.ended(3).stderr.contains("(conflict)"));
    harness.finish("connector-release").await;
}

/// A new request shape is held back, listed, and approved with the command that is printed beside it.
#[tokio::test]
async fn a_request_that_was_held_back_is_shown_and_approved() {
    let harness = Harness::new().await;
    let abroad = version(1, "abroad");
    let one = short(&abroad);
    harness.push(&abroad, &[]).await.ended(0);
    let unseen = harness.run(&["shapes", ID, &one]).await.ended(0);
    assert!(unseen.stdout.contains("No request of this version has been recorded"), "{}", unseen.stdout);
    harness.use_it().await;
    harness.send(0..1).await;
    let message = json!({ "to": "+46701234567", "usage": "sign-in", "code": "271828" });
    let refused = harness.process.client.post("messages", &message, None).await.unwrap();
    assert!(!refused.is_success(), "{refused:?}");

    let status = harness.run(&["status", ID]).await.ended(0).stdout;
    assert!(status.contains("Held back: requests of 1 shape"), "{status}");
    let shown = harness.run(&["shapes", ID, &one]).await.ended(0).stdout;
    for part in ["  form To = [recipient e164]", "HELD BACK, 1 request", "    + form MaxPrice = 9\n"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for secret in ["271828", "701234567"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let approve = shown.split_once("connector approve-shape ").unwrap().1.lines().next().unwrap();
    let approve: Vec<&str> = approve.split(' ').collect();
    let unclear = harness.run(&["approve-shape", ID, &one, "0000"]).await.ended(2);
    assert!(unclear.stderr.contains("0000"), "{}", unclear.stderr);
    let approved = harness.run(&[&["approve-shape"][..], &approve].concat()).await.ended(0).stdout;
    assert!(approved.contains("may send requests of shape") && approved.contains("+ form MaxPrice = 9"), "{approved}");
    harness.run(&[&["approve-shape"][..], &approve].concat()).await.ended(3);

    let sent = harness.process.client.post("messages", &message, None).await.unwrap();
    assert!(sent.is_success(), "{sent:?}");
    let shapes = harness.run(&["shapes", ID, &one, "--json"]).await.ended(0).json();
    let origins: Vec<&str> = shapes.as_array().unwrap().iter().filter_map(|one| one["origin"].as_str()).collect();
    assert!(origins.contains(&"approved") && !origins.contains(&"held"), "{origins:?}");
    harness.finish("connector-shapes").await;
}

#[tokio::test]
async fn json_output_is_that_of_the_server() {
    let harness = Harness::new().await;
    let (first, wider, narrower) = (version(1, "honest"), version(2, "wider"), version(3, "narrower"));
    let pushed = harness.push(&first, &["--json"]).await.ended(0);
    assert_eq!((pushed.json()["version"]["role"].as_str(), pushed.stderr.as_str()), (Some("active"), ""));
    let refused = harness.push(&wider, &["--json"]).await.ended(3).json();
    assert_eq!(refused["error"]["class"], "approval-required");
    assert!(refused["error"]["message"].as_str().unwrap().contains("collect.acme.test"), "{refused}");
    assert!(refused["error"]["advice"].as_str().unwrap().contains("connector approve acme-sms"), "{refused}");
    let tried = harness.push(&wider, &["--json", "--approve", "--canary", "10"]).await.ended(0).json();
    assert_eq!(tried["release"]["canary"]["percent"], 10);
    assert_eq!(tried["version"]["difference"]["reach"], "wider");
    let ended = harness.run(&["canary", ID, "--end", "--json"]).await.ended(0).json();
    assert_eq!((ended["canary"].clone(), ended["active"].as_str()), (Value::Null, Some(&*digest(&first))));
    let activated = harness.push(&narrower, &["--json", "--activate"]).await.ended(0).json();
    assert_eq!(activated["release"]["active"], digest(&narrower));
    assert_eq!(activated["incompatibleConnections"], json!([]));
    let status = harness.run(&["status", ID, "--json"]).await.ended(0).json();
    assert_eq!(status["comparison"]["versions"].as_array().unwrap().len(), 2);
    let versions = harness.run(&["versions", ID, "--json"]).await.ended(0).json();
    assert_eq!(versions.as_array().unwrap().len(), 3);
    let listed = harness.run(&["list", "--json"]).await.ended(0).json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&ID) && ids.contains(&"twilio"), "{ids:?}");
    // A version that was just a canary may still have messages in progress; one that never sent has none.
    assert!(harness.run(&["delete", &short(&wider)]).await.ended(3).stderr.contains("in progress"));
    let unused = version(4, "narrower");
    harness.push(&unused, &[]).await.ended(0);
    let deleted = harness.run(&["delete", &short(&unused), "--json"]).await.ended(0).json();
    assert_eq!(deleted["deleted"], digest(&unused));
    assert!(harness.run(&["delete", &short(&narrower)]).await.ended(3).stderr.contains("active"));
    harness.finish("connector-json").await;
}

#[tokio::test]
async fn an_ambiguous_digest_prefix_is_refused() {
    let harness = Harness::new().await;
    let first = version(1, "honest");
    let digit = short(&first).chars().next().unwrap();
    let (number, second) = (2..9999)
        .map(|number| (number, version(number, "honest")))
        .find(|(_, other)| short(other).starts_with(digit))
        .unwrap();
    // Digests depend on the compiler that built the guest.
    {
        let mut snapshot = harness.snapshot.lock().unwrap();
        snapshot.replace(&format!(" {number:04}"), " [SECOND]");
        snapshot.replace(&format!("sha256:{digit}\n"), "sha256:[PREFIX]\n");
        snapshot.replace(&format!("begin with {digit}:"), "begin with [PREFIX]:");
    }
    harness.push(&first, &[]).await.ended(0);
    harness.push(&second, &[]).await.ended(0);
    let unclear = harness.run(&["activate", ID, &format!("sha256:{digit}")]).await.ended(2);
    for part in [&*digest(&first), &*digest(&second), "2 versions of acme-sms begin with", "Give more digits"] {
        assert!(unclear.stderr.contains(part), "{part}: {}", unclear.stderr);
    }
    harness.run(&["activate", ID, &digest(&second)]).await.ended(0);
    let none = harness.run(&["show", ID, "f00d"]).await.ended(2);
    assert!(none.stderr.contains("no version of acme-sms begins with f00d"), "{}", none.stderr);
    harness.finish("connector-digests").await;
}

#[tokio::test]
async fn a_private_connector_belongs_to_its_tenant() {
    let harness = Harness::new().await;
    let mine = version_of("own-sms", 1, "honest");
    let key = json!({ "name": "ci", "scopes": ["manage", "read"] });
    let key = harness.process.client.post("keys", &key, None).await.unwrap().text("/secret").to_owned();
    let file = harness.file("mine.wasm", &mine);
    let refused = harness.run_with_key(&key, &["push", &file]).await.ended(3);
    assert!(refused.stderr.contains("(platform-only)") && refused.stderr.contains("--tenant"), "{}", refused.stderr);
    harness.run_with_key(&key, &["push", &file, "--tenant", TENANT]).await.ended(0);
    let theirs = harness.run_with_key(&key, &["list", "--tenant", TENANT]).await.ended(0).stdout;
    assert!(theirs.lines().any(|line| line.contains("own-sms") && line.contains("  tenant  ")), "{theirs}");
    assert!(!harness.run(&["list"]).await.ended(0).stdout.contains("own-sms"));
    let gone = harness.run(&["status", "own-sms"]).await.ended(2);
    assert!(gone.stderr.contains("(not-found)"), "{}", gone.stderr);
    harness.run(&["delete", &short(&mine), "--tenant", TENANT]).await.ended(0);
    harness.finish("connector-tenant").await;
}

#[tokio::test]
async fn invalid_files_are_refused_with_the_reason() {
    let harness = Harness::new().await;
    let text = harness.push(b"hello", &[]).await.ended(2);
    assert!(text.stderr.contains("(invalid-input)") && text.stderr.contains("magic number"), "{}", text.stderr);
    let whole = version(1, "honest");
    let cut = harness.push(&whole[..whole.len() / 2], &[]).await.ended(3);
    assert!(cut.stderr.contains("malformed") && cut.stderr.contains("the connector"), "{}", cut.stderr);
    let taken = harness.push(&version_of("twilio", 1, "honest"), &["--json"]).await.ended(3).json();
    assert_eq!(taken["error"]["class"], "connector-refused");
    let missing = harness.run(&["push", "/no/such/file.wasm"]).await.ended(2);
    assert!(missing.stderr.contains("cannot read /no/such/file.wasm"), "{}", missing.stderr);
    harness.finish("connector-refused").await;
}

#[tokio::test]
async fn invalid_keys_and_servers_are_reported() {
    let harness = Harness::new().await;
    let server = harness.process.client.address().to_owned();
    let wrong = harness.run_with_key("a-key-that-opens-nothing-0123456789", &["list"]).await.ended(2);
    assert!(wrong.stderr.contains("(unauthenticated)") && wrong.stderr.contains("SENDBOX_KEY"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("opens-nothing"), "{}", wrong.stderr);
    let none = harness.run_with_key("", &["list"]).await.ended(2);
    assert!(none.stderr.contains("no key: SENDBOX_KEY is not set"), "{}", none.stderr);
    let file = harness.file("key", format!("{PLATFORM_KEY}\n").as_bytes());
    connector(&server, "", &["list", "--key-file", &file]).await.ended(0);
    let clear = connector("http://sendbox.example.test", PLATFORM_KEY, &["list"]).await.ended(2);
    assert!(clear.stderr.contains("neither encrypted"), "{}", clear.stderr);
    let mut snapshot = harness.snapshot.into_inner().unwrap();
    record(&mut snapshot, &["list", "--server", "http://sendbox.example.test"], &clear);
    harness.process.stop().await;
    let nobody = connector(&server, PLATFORM_KEY, &["list"]).await.ended(6);
    record(&mut snapshot, &["list"], &nobody);
    let nobody = connector(&server, PLATFORM_KEY, &["list", "--json"]).await.ended(6);
    record(&mut snapshot, &["list", "--json"], &nobody);
    snapshot.assert("connector-keys-and-servers");
    let nobody = nobody.json();
    assert_eq!(
        (nobody["error"]["class"].as_str(), nobody["error"]["party"].as_str()),
        (Some("no-server"), Some("network"))
    );
}

#[tokio::test]
async fn a_lost_response_to_a_change_is_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answers = tokio::spawn(async move {
        // Two connections that are closed without a response, and a page of another server.
        for answer in ["", "", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let doubt = connector(&server, PLATFORM_KEY, &["rollback", ID]).await.ended(5);
    assert!(doubt.stderr.contains("the request may have been carried out"), "{}", doubt.stderr);
    let lost = connector(&server, PLATFORM_KEY, &["status", ID]).await.ended(6);
    assert!(lost.stderr.contains("no complete response"), "{}", lost.stderr);
    let page = connector(&server, PLATFORM_KEY, &["status", ID]).await.ended(7);
    assert!(page.stderr.contains("is not Sendbox"), "{}", page.stderr);
    answers.await.unwrap();
    let mut snapshot = CommandSnapshot::new(binary().await);
    record(&mut snapshot, &["rollback", ID], &doubt);
    record(&mut snapshot, &["status", ID], &lost);
    record(&mut snapshot, &["status", ID], &page);
    snapshot.assert("connector-lost-responses");
}

#[tokio::test]
async fn the_key_goes_to_a_server_that_the_system_trusts_and_no_redirect_is_followed() {
    let (ours, strange) = (Authority::new("ours"), Authority::new("strange"));
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("authorities.pem");
    std::fs::write(&authorities, ours.pem()).unwrap();
    // One after another: an untrusted authority, and two that are trusted.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let elsewhere = format!("HTTP/1.1 307 Over there\r\nlocation: {server}/v1/other\r\ncontent-length: 0\r\n\r\n");
    let answers = tokio::spawn(async move {
        let mut requests = Vec::new();
        for (authority, answer) in [
            (&strange, String::new()),
            (&ours, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]".to_owned()),
            (&ours, elsewhere),
        ] {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = TlsAcceptor::from(authority.server_config(&["localhost"]));
            // The client rejects an untrusted server.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            requests.push(String::from_utf8_lossy(&request[..length]).into_owned());
            stream.write_all(answer.as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
        requests.retain(|request| !request.is_empty());
        requests
    });
    let list = || trusting(&server, PLATFORM_KEY, &["list", "--json"], Some(&authorities));
    let stranger = list().await.ended(6).json();
    assert_eq!(stranger["error"]["class"], "untrusted-server");
    assert!(stranger["error"]["message"].as_str().unwrap().contains("certificate"), "{stranger}");
    assert_eq!(list().await.ended(0).json(), json!([]));
    let redirected = list().await.ended(7).json();
    assert_eq!(redirected["error"]["class"], "not-sendbox");
    let requests = answers.await.unwrap();
    assert_eq!(requests.len(), 2, "the untrusted server has received nothing: {requests:?}");
    assert!(requests.iter().all(|request| request.starts_with("GET /v1/connectors ")), "{requests:?}");
}
