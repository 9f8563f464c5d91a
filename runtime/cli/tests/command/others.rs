//! `inspect` and `new`.

use super::fixture::{binary, names, run, snapshot};

#[tokio::test]
async fn inspect_describes_connectors() {
    let mut snapshot = snapshot();
    for args in [&["inspect"][..], &["inspect", "twilio"], &["inspect", "http"]] {
        let ran = run(args).await;
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        snapshot.record(args, Some(ran.exit), &ran.stdout, &ran.stderr);
    }
    snapshot.assert("inspect");
    // The snapshot leaves sizes out.
    let twilio = run(&["inspect", "twilio"]).await.stdout;
    assert!(twilio.contains("memory 16.0 MiB, CPU 250 ms"), "{twilio}");
}

#[tokio::test]
async fn inspect_prints_json() {
    let json = run(&["inspect", "twilio", "--json"]).await.json();
    assert_eq!(json["reveals"], false);
    assert_eq!(json["metadata"]["id"], "twilio-short-message-service");
    let secrets = ["authToken", "apiKeySecret"].map(|key| serde_json::json!({ "key": key, "use": "sent" }));
    assert_eq!(json["hosts"][0]["secrets"], serde_json::json!(secrets));
    assert_eq!(json["limits"]["requests"], 4);
    assert!(json["digest"].as_str().unwrap().starts_with("sha256:"));
    let list = run(&["inspect", "--json"]).await.json();
    let listed: Vec<&str> =
        list["connectors"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(listed.contains(&"http") && listed.contains(&"twilio"), "{listed:?}");
}

#[tokio::test]
async fn inspect_works_without_a_cache() {
    let output = binary().args(["inspect", "twilio"]).env("XDG_CACHE_HOME", "/proc/none").output().await.unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("running without a cache"));
}

#[tokio::test]
async fn new_writes_a_complete_project() {
    let folder = tempfile::tempdir().unwrap();
    let output = binary().args(["new", "acme-sms"]).current_dir(folder.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut snapshot = snapshot();
    snapshot.record(&["new", "acme-sms"], output.status.code(), &stdout, &String::from_utf8_lossy(&output.stderr));

    let project = folder.path().join("acme-sms");
    let there = names(&project);
    for name in [".gitignore", "Cargo.toml", "README.md", "config.example.json", "sdk", "src"] {
        assert!(there.iter().any(|one| one == name), "{name}: {there:?}");
    }
    assert!(project.join("sdk/wit").is_dir());
    let text = |name: &str| std::fs::read_to_string(project.join(name)).unwrap();
    assert!(text("Cargo.toml").contains("name = \"acme-sms\""));
    assert!(text("src/lib.rs").contains("acme-sms") && text("README.md").contains("acme_sms.wasm"));
    assert!(text("config.example.json").contains("{{code}}"), "the braces of the example are replaced");
    for name in ["Cargo.toml", "README.md", "src/lib.rs"] {
        assert!(!text(name).contains("{{name}}") && !text(name).contains("{{crate_name}}"), "{name}");
    }

    let again = binary().args(["new", "acme-sms"]).current_dir(folder.path()).output().await.unwrap();
    assert_eq!(again.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&again.stderr);
    assert!(stderr.contains("is not empty"), "{stderr}");
    snapshot.record(&["new", "acme-sms"], again.status.code(), &String::from_utf8_lossy(&again.stdout), &stderr);
    snapshot.assert("new");
}

#[tokio::test]
async fn new_fills_an_empty_folder_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("empty");
    std::fs::create_dir(&dir).unwrap();
    let ran = run(&["new", "acme-sms", "--dir", &dir.display().to_string()]).await;
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(dir.join("Cargo.toml").is_file());
}
