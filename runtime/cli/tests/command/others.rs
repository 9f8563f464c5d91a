//! `inspect` and `new`.

use super::fixture::{binary, names, run};

#[tokio::test]
async fn inspect_says_it_in_words_first() {
    let ran = run(&["inspect", "twilio"]).await;
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    for part in [
        "It cannot read secrets, codes, numbers or texts",
        "It may reach https://api.twilio.com/2010-04-01/Accounts/ (POST), with the message: the number (e164) goes into",
        "the form field `To`, the content into the form field `Body`",
        "The secret `authToken` is sent there.",
        "when `edge` and `region` are given",
        "It reaches nothing else.",
        "authToken                required, secret",
        "memory 16.0 MiB, CPU 250 ms",
        "sha256:",
        "sendbox:connector/http-outbound@1.0.0",
    ] {
        assert!(ran.stdout.contains(part), "{part}\n{}", ran.stdout);
    }
    let http = run(&["inspect", "http"]).await.stdout;
    assert!(http.contains("The secret `webhookSecret` signs what goes there, and is never sent itself."), "{http}");
    assert!(http.contains("your own address, in the parameter `endpoint`"), "{http}");
}

#[tokio::test]
async fn inspect_says_it_to_scripts() {
    let json = run(&["inspect", "twilio", "--json"]).await.json();
    assert_eq!(json["reveals"], false);
    assert_eq!(json["metadata"]["id"], "twilio-short-message-service");
    assert_eq!(json["hosts"][0]["secrets"], serde_json::json!([{"key": "authToken", "use": "sent"}]));
    assert_eq!(json["limits"]["requests"], 4);
    assert!(json["digest"].as_str().unwrap().starts_with("sha256:"));
    let list = run(&["inspect", "--json"]).await.json();
    let listed: Vec<&str> =
        list["connectors"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(listed.contains(&"http") && listed.contains(&"twilio"), "{listed:?}");
}

#[tokio::test]
async fn a_home_without_a_cache_is_no_obstacle() {
    let output = binary().args(["inspect", "twilio"]).env("XDG_CACHE_HOME", "/proc/none").output().await.unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("running without a cache"));
}

#[tokio::test]
async fn new_writes_a_whole_project() {
    let folder = tempfile::tempdir().unwrap();
    let output = binary().args(["new", "acme-sms"]).current_dir(folder.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let next = String::from_utf8(output.stdout).unwrap();
    assert!(next.contains("cargo build --target wasm32-wasip2") && next.contains("acme_sms.wasm"), "{next}");

    let project = folder.path().join("acme-sms");
    let there = names(&project);
    for name in [".gitignore", "Cargo.toml", "README.md", "config.example.json", "sdk", "src"] {
        assert!(there.iter().any(|one| one == name), "{name}: {there:?}");
    }
    assert!(project.join("sdk/wit").is_dir());
    let text = |name: &str| std::fs::read_to_string(project.join(name)).unwrap();
    assert!(text("Cargo.toml").contains("name = \"acme-sms\""));
    assert!(text("src/lib.rs").contains("acme-sms") && text("README.md").contains("acme_sms.wasm"));
    assert!(text("config.example.json").contains("{{code}}"), "the example's own braces are gone");
    for name in ["Cargo.toml", "README.md", "src/lib.rs"] {
        assert!(!text(name).contains("{{name}}") && !text(name).contains("{{crate_name}}"), "{name}");
    }

    let again = binary().args(["new", "acme-sms"]).current_dir(folder.path()).output().await.unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
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
