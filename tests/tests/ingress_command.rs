//! `sendbox ingress`, as an admin runs it, against a running `sendbox serve`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::process::Stdio;

use sendbox_tests::process::{Deployment, Process, binary};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT};
use serde_json::Value;
use tokio::process::Command;

/// Runs `sendbox ingress …` and returns the exit code, stdout and stderr.
async fn ingress(process: &Process, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(binary().await);
    command.env_clear().env("SENDBOX_SERVER", process.client.address()).env("SENDBOX_KEY", PLATFORM_KEY);
    command.env("SENDBOX_TENANT", TENANT).stdin(Stdio::null());
    let output = command.arg("ingress").args(args).kill_on_drop(true).output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingress_from_its_creation_to_its_end() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let succeeds = async |args: &[&str]| {
        let (exit, stdout, stderr) = ingress(&process, args).await;
        assert_eq!((exit, stderr.as_str()), (Some(0), ""), "{args:?}: {stdout}");
        stdout
    };
    let fails = async |args: &[&str], exit: i32, why: &str| {
        let (code, stdout, stderr) = ingress(&process, args).await;
        assert_eq!((code, stdout.as_str()), (Some(exit), ""), "{args:?}: {stderr}");
        assert!(stderr.contains(why), "{args:?}: {stderr}");
    };

    assert!(succeeds(&["list"]).await.contains("No ingresses."));
    let created =
        succeeds(&["create", "supabase", "--region", "DK", "--usage", "mfa=sign-in", "--usage", "*=generic"]).await;
    for part in ["/v1/ingress/", "GOTRUE_HOOK_SEND_SMS_SECRETS=v1,whsec_", "supabase", "enabled"] {
        assert!(created.contains(part), "{part}: {created}");
    }
    let shown: Value = serde_json::from_str(&succeeds(&["show", "supabase", "--json"]).await).unwrap();
    assert_eq!(shown["settings"]["usages"], serde_json::json!({ "*": "generic", "mfa": "sign-in" }));
    assert_eq!(shown["settings"]["defaultRegion"], "DK");
    assert!(succeeds(&["calls", "supabase"]).await.contains("No calls yet."));

    // A call with a wrong signature is shown with what to do.
    let address = shown["address"].as_str().unwrap();
    let path = address.find("/v1/").map(|start| &address[start..]).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let signed = http.post(format!("{}{path}", process.client.address())).header("webhook-signature", "v1,AAAA");
    let refused = signed.header("webhook-id", "1").header("webhook-timestamp", "0").body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let calls = succeeds(&["calls", "supabase"]).await;
    assert!(calls.contains("refused") && calls.contains("401") && calls.contains("both clocks"), "{calls}");

    let rotated = succeeds(&["rotate", "supabase", "--grace", "60"]).await;
    assert!(!rotated.contains(path) && rotated.contains("works until"), "{rotated}");

    let secret = deployment.beside("signing.key");
    std::fs::write(&secret, "the-key-that-zitadel-made\n").unwrap();
    let with_secret = succeeds(&["create", "zitadel", "--secret-file", secret.to_str().unwrap(), "--json"]).await;
    let with_secret: Value = serde_json::from_str(&with_secret).unwrap();
    assert_eq!(with_secret["authentication"]["secrets"], serde_json::json!(["the-key-that-zitadel-made"]));
    succeeds(&["create", "zitadel", "--region", "DK"]).await;
    std::fs::write(&secret, "a-newer-key\nthe-key-that-zitadel-made\n").unwrap();
    let replaced = succeeds(&["secret", "zitadel", "--secret-file", secret.to_str().unwrap(), "--json"]).await;
    let replaced: Value = serde_json::from_str(&replaced).unwrap();
    let newer = serde_json::json!(["a-newer-key", "the-key-that-zitadel-made"]);
    assert_eq!(
        (&replaced["authentication"]["secrets"], &replaced["settings"]["defaultRegion"]),
        (&newer, &"DK".into())
    );
    let disabled = succeeds(&["create", "zitadel", "--disabled"]).await;
    assert!(disabled.contains("disabled: every call is refused"), "{disabled}");
    let listed = succeeds(&["list"]).await;
    assert!(listed.contains("supabase") && listed.contains("zitadel"), "{listed}");

    fails(&["create", "sendgrid"], 2, "expected one of logto").await;
    fails(&["create", "logto", "--usage", "mfa"], 2, "NAME=VALUE").await;
    fails(&["create", "logto", "--region", "Denmark"], 2, "defaultRegion").await;
    fails(&["create", "kratos", "--name", "supabase"], 3, "delete it, or choose another name").await;
    fails(&["show", "unknown"], 2, "there is no such ingress").await;
    fails(&["show", "unknown"], 2, "sendbox ingress list").await;
    fails(&["delete", ".."], 2, "must be an id").await;
    assert!(succeeds(&["delete", "supabase"]).await.contains("Deleted"));
    fails(&["delete", "supabase"], 2, "there is no such ingress").await;
    process.stop().await;
}
