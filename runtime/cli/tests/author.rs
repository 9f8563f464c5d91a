//! The work of a connector's author: `new`, `cargo test`, `cargo build`, `inspect`, `send` against a scripted response of the
//! provider, and then `dev`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

fn sendbox(project: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sendbox"));
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).current_dir(project).kill_on_drop(true);
    command
}

/// As in the author's own shell: removes what the outer cargo sets for its children.
fn as_in_a_shell(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET_") || name == "RUSTFLAGS"
    }) {
        command.env_remove(name);
    }
    // Kept between runs, outside the project: only the author's own sources are built again.
    command
        .env("CARGO", env!("CARGO"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("author-target"));
}

async fn cargo(project: &Path, args: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    as_in_a_shell(&mut cargo);
    let output = cargo.args(args).current_dir(project).output().await.unwrap();
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn from_a_new_project_to_a_send() {
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("acme-sms");
    if project.exists() {
        std::fs::remove_dir_all(&project).unwrap();
    }
    let parent = project.parent().unwrap();
    assert!(sendbox(parent).args(["new", "acme-sms"]).stdout(Stdio::null()).status().await.unwrap().success());
    cargo(&project, &["test", "--locked"]).await;
    cargo(&project, &["build", "--locked", "--target", "wasm32-wasip2", "--release"]).await;
    let component = parent.join("author-target/wasm32-wasip2/release/acme_sms.wasm").display().to_string();

    let inspection = sendbox(&project).args(["inspect", &component, "--json"]).output().await.unwrap();
    let inspection: Value = serde_json::from_slice(&inspection.stdout).unwrap();
    assert_eq!(
        (inspection["metadata"]["id"].as_str(), inspection["reveals"].as_bool()),
        (Some("acme-sms"), Some(false))
    );

    for (answer, exit, member, value) in [
        ("accepted", 0, "/receipt/messageId", "msg-1"),
        ("invalid-number", 4, "/error/providerCode", "E104"),
        ("too-many", 4, "/error/class", "rate-limited"),
    ] {
        let spec = format!("api.example.com=answers/{answer}.json");
        let mut simulator = sendbox(&project);
        let mut simulator =
            simulator.args(["simulate", "--json", "--answer", &spec]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(simulator.stdout.take().unwrap()).lines();
        let started: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let connect_to = started["connectTo"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        let connect_to = connect_to.filter(|one| one.starts_with("api.example.com:")).collect::<Vec<_>>();

        let mut send = sendbox(&project);
        send.args(["send", "--json", "--connector", &component, "--config", "config.example.json"]);
        send.args(["--to", "+4512345678", "--code", "123456", "--connect-to", connect_to[0]]);
        let output = send.args(["--extra-ca", started["caFile"].as_str().unwrap()]).output().await.unwrap();
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{answer}: {json}");
        assert_eq!(json.pointer(member).and_then(Value::as_str), Some(value), "{answer}: {json}");
        // With SIGTERM it removes its files.
        let id = simulator.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        assert_eq!(simulator.wait().await.unwrap().code(), Some(0));
    }
    the_development_loop(&project).await;
}

/// The project is built and tried once; then it is watched, and each change is activated.
async fn the_development_loop(project: &Path) {
    let dev = |more: &[&str]| {
        let mut dev = sendbox(project);
        as_in_a_shell(&mut dev);
        dev.arg("dev").args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        dev
    };
    let output = dev(&["--once"]).output().await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "acme-sms 0.1.0: ",
        "POST https://api.example.com/v1/messages",
        "[secret apiKey]",
        "Accepted. Provider id: msg-1",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert!(!stdout.contains("example-key") && !stdout.contains("4512345678"), "{stdout}");
    change(project, "dev.json", "accepted.json", "invalid-number.json");
    let output = dev(&["--once"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(4), "the provider refuses: {}", String::from_utf8_lossy(&output.stdout));

    let mut dev_process = dev(&[]).spawn().unwrap();
    let mut lines = BufReader::new(dev_process.stdout.take().unwrap()).lines();
    let mut errors = dev_process.stderr.take().unwrap();
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        errors.read_to_string(&mut text).await.unwrap();
        text
    });
    let mut until_watching = async || {
        let mut text = String::new();
        loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("it ended: {text}"));
            if line.starts_with("Watching for changes.") {
                return text;
            }
            text.push_str(&line);
            text.push('\n');
        }
    };
    let first = until_watching().await;
    assert!(first.contains("FAILED: ") && first.contains("E104"), "{first}");
    // The scripted response changes: the simulator is restarted, and the versions are kept.
    change(project, "dev.json", "invalid-number.json", "accepted.json");
    let restarted = until_watching().await;
    assert!(restarted.contains("already loaded") && restarted.contains("Accepted."), "{restarted}");
    change(project, "Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    let swapped = until_watching().await;
    for part in
        ["acme-sms 0.2.0: ", "it may do the same", "· the author's version: 0.1.0 → 0.2.0", "Activated: ", "Accepted."]
    {
        assert!(swapped.contains(part), "{part}: {swapped}");
    }
    change(project, "src/lib.rs", "read(response)", "read(respons)");
    assert_eq!(until_watching().await, "");
    // It builds again, may do more, and its provider is not simulated.
    change(project, "src/lib.rs", "read(respons)", "read(response)");
    let _same = until_watching().await;
    change(project, "src/request.rs", "https://api.example.com/v1", "https://api.example.org/v1");
    let refused = until_watching().await;
    assert!(refused.contains("FAILED: ") && refused.contains("connector-fault"), "{refused}");
    change(project, "src/lib.rs", "https://api.example.com", "https://api.example.org");
    let wider = until_watching().await;
    for part in [
        "it may do MORE",
        "+ new host: POST https://api.example.org",
        "Activated: ",
        "Nothing was sent: api.example.org",
    ] {
        assert!(wider.contains(part), "{part}: {wider}");
    }
    change(project, "dev.json", "\"sender\"", "\"sendr\"");
    assert!(!until_watching().await.contains("Accepted."));

    let id = dev_process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert_eq!(dev_process.wait().await.unwrap().code(), Some(0));
    let errors = errors.await.unwrap();
    for part in [
        "error: the build failed",
        "The previous version stays active.",
        "IT MAY DO MORE",
        "/parameters/sender: is missing",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
}

/// Replaces the file at once, as an editor does.
fn change(project: &Path, file: &str, from: &str, to: &str) {
    let path = project.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    let aside = project.with_extension("saved");
    std::fs::write(&aside, text.replacen(from, to, 1)).unwrap();
    std::fs::rename(&aside, &path).unwrap();
}
