use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::fixture::binary;

async fn start(args: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = binary().arg("simulate").args(args).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn next_json(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap()
}

async fn end(mut child: Child, with: &str) -> Option<i32> {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([with, &id]).status().await.unwrap().success());
    child.wait().await.unwrap().code()
}

/// Runs a printed command line as a shell would.
async fn paste(command: &str) -> (Option<i32>, String) {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("SENDBOX_CODE");
    let output = shell.output().await.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn the_printed_command_works_when_pasted() {
    let (child, mut lines) = start(&["--json"]).await;
    let started = next_json(&mut lines).await;
    let ca = started["caFile"].as_str().unwrap().to_owned();
    assert!(std::path::Path::new(&ca).is_file());
    let providers = ["twilio", "smsaero", "gatewayapi", "vonage", "aliyun", "tencent", "http"];
    for (index, provider) in providers.into_iter().enumerate() {
        let example = &started["examples"][index];
        assert_eq!(example["connector"], provider);
        let (exit, stderr) = paste(example["command"].as_str().unwrap()).await;
        assert_eq!(exit, Some(0), "{provider}: {stderr}");
        let event = next_json(&mut lines).await;
        assert_eq!((event["event"].as_str(), event["message"]["provider"].as_str()), (Some("message"), Some(provider)));
    }
    assert_eq!(end(child, "-TERM").await, Some(0));
    assert!(!std::path::Path::new(&ca).exists(), "the temporary files stayed behind");
}

#[tokio::test]
async fn faults_and_the_text_output() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let (child, mut lines) =
        start(&["--fault", "twilio=code:21211,times=1", "--ca-file", &ca.display().to_string()]).await;
    let mut command = String::new();
    let mut greeting = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(" send --connector twilio") {
            command = line.clone();
        }
        greeting.push_str(&line);
        greeting.push('\n');
        if line.contains("Ctrl-C stops") {
            break;
        }
    }
    for part in ["--connect-to api.twilio.com:443=127.0.0.1:", "--extra-ca", "Inbox: http://127.0.0.1:", "authToken"] {
        assert!(greeting.contains(part), "{part}\n{greeting}");
    }
    let (exit, stderr) = paste(&command).await;
    assert_eq!(exit, Some(4), "{stderr}");
    assert!(stderr.contains("invalid-recipient, provider code 21211"), "{stderr}");
    assert_eq!(paste(&command).await.0, Some(0));
    let arrived = lines.next_line().await.unwrap().unwrap();
    assert!(arrived.starts_with("#1 twilio to +4512345678: \"123456 is your code"), "{arrived}");
    assert_eq!(end(child, "-INT").await, Some(0));
    assert!(ca.is_file(), "a file that was asked for stays");
}

#[tokio::test]
async fn a_closed_terminal_ends_it_unless_it_was_started_to_survive_that() {
    let (child, mut lines) = start(&["--json"]).await;
    let ca = next_json(&mut lines).await["caFile"].as_str().unwrap().to_owned();
    assert_eq!(end(child, "-HUP").await, Some(0));
    assert!(!std::path::Path::new(&ca).exists(), "the temporary files stayed behind");

    // As by `nohup`.
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' HUP; exec \"$0\" simulate --json", env!("CARGO_BIN_EXE_sendbox")]);
    let mut child = shell.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = next_json(&mut lines).await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().await.unwrap().success());
    // It still works.
    let (exit, stderr) = paste(started["examples"][0]["command"].as_str().unwrap()).await;
    assert_eq!(exit, Some(0), "{stderr}");
    assert_eq!(next_json(&mut lines).await["event"], "message");
    assert_eq!(end(child, "-TERM").await, Some(0));
}

#[tokio::test]
async fn a_host_responds_with_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let answer = folder.path().join("answer.json");
    std::fs::write(&answer, r#"{"status": 429, "headers": {"retry-after": "9"}, "body": ""}"#).unwrap();
    let spec = format!("api.twilio.com={}", answer.display());
    let (child, mut lines) = start(&["--json", "--answer", &spec]).await;
    let started = next_json(&mut lines).await;
    let command = format!("{} --json", started["examples"][0]["command"].as_str().unwrap());
    assert_eq!(paste(&command).await.0, Some(4));
    assert_eq!(end(child, "-TERM").await, Some(0));
}
