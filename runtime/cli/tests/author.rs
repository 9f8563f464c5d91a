//! An author's way, from nothing to a send: `new`, `cargo test`, `cargo build`, `inspect`, and `send` against a scripted
//! answer of their provider.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

fn sendbox(project: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sendbox"));
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).current_dir(project).kill_on_drop(true);
    command
}

async fn cargo(project: &Path, args: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    // As in a shell of the author's own: what the outer cargo says to its children is not for this one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET_") || name == "RUSTFLAGS"
    }) {
        cargo.env_remove(name);
    }
    // Kept between runs, outside the project: only what the author wrote is built anew.
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("author-target"));
    let output = cargo.args(args).current_dir(project).output().await.unwrap();
    assert!(output.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn from_nothing_to_a_send() {
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
        // Asked, not killed: it then removes what it wrote.
        let id = simulator.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        assert_eq!(simulator.wait().await.unwrap().code(), Some(0));
    }
}
