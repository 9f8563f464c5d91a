//! `sendbox dev` with a component that another tool builds: each new file is activated and tried, whatever it contains.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::path::Path;
use std::process::Stdio;

use sendbox_tests::process::binary;
use sendbox_tests::test_service::templates;
use sendbox_tests::versioned::{parameters, version};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

/// The output up to the line that says that the command waits for changes.
async fn until_watching(lines: &mut tokio::io::Lines<BufReader<ChildStdout>>) -> String {
    let mut text = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("Watching for changes.") {
            return text;
        }
        text.push_str(&line);
        text.push('\n');
    }
    panic!("it ended early:\n{text}");
}

/// `sendbox dev` in a folder, with a folder for its temporary files.
async fn dev(folder: &Path, more: &[&str]) -> Child {
    let mut command = Command::new(binary().await);
    command.env_clear().env("TMPDIR", folder.join("temporary")).current_dir(folder).kill_on_drop(true);
    command.args(["dev", "--component", "built.wasm"]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn a_file_that_another_tool_builds_is_tried_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Replaced atomically, as a linker does.
    let write = |component: &[u8]| {
        std::fs::write(folder.join("next.wasm"), component).unwrap();
        std::fs::rename(folder.join("next.wasm"), folder.join("built.wasm")).unwrap();
    };
    std::fs::create_dir(folder.join("temporary")).unwrap();
    let settings = json!({ "parameters": parameters(), "templates": templates() }).to_string();
    std::fs::write(folder.join("dev.json"), settings).unwrap();
    write(&version(1, "honest"));

    let mut dev_process = dev(folder, &[]).await;
    let mut lines = BufReader::new(dev_process.stdout.take().unwrap()).lines();
    let mut errors = dev_process.stderr.take().unwrap();
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        errors.read_to_string(&mut text).await.unwrap();
        text
    });
    let first = until_watching(&mut lines).await;
    for part in ["Nothing leaves it.", "acme-sms 0001: ", "POST https://api.twilio.com/", "Accepted."] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(!first.contains(parameters()["authToken"].as_str().unwrap()), "{first}");
    for (component, parts) in [
        (version(2, "narrower"), &["it may do less", "  - no longer", "Activated: ", "Accepted."][..]),
        (version(3, "trap"), &["Activated: ", "FAILED: ", "connector-fault"]),
        (version(2, "narrower"), &["already loaded", "Activated: ", "Accepted."]),
        // It is activated, but the configuration is not valid for it.
        (version(4, "stricter"), &["parameter `department` must be given now", "Activated: "]),
        (b"no component".to_vec(), &[]),
        (version(5, "wider"), &["it may do MORE", "  + new host: ", "Accepted."]),
    ] {
        write(&component);
        let text = until_watching(&mut lines).await;
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!parts.is_empty() || text.is_empty(), "{text}");
    }

    let id = dev_process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert_eq!(dev_process.wait().await.unwrap().code(), Some(0));
    let errors = errors.await.unwrap();
    for part in [
        "/parameters/department",
        "magic number",
        "The previous version stays active.",
        "could not be tried.",
        "IT MAY DO MORE",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    assert_eq!(std::fs::read_dir(folder.join("temporary")).unwrap().count(), 0, "everything is removed");
}

#[tokio::test]
async fn once_ends_with_the_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("temporary")).unwrap();
    let settings = json!({ "parameters": parameters(), "templates": templates() }).to_string();
    std::fs::write(folder.join("dev.json"), settings).unwrap();
    let whole = version(1, "honest");
    for (component, exit) in [
        (whole.clone(), 0),
        (version(2, "loop"), 3),
        (version(3, "late"), 5),
        (whole[..whole.len() / 2].to_vec(), 3),
        (b"no component".to_vec(), 2),
    ] {
        std::fs::write(folder.join("built.wasm"), component).unwrap();
        let output = dev(folder, &["--once"]).await.wait_with_output().await.unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(exit), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
