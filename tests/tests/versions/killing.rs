//! The real binary is killed, or stopped, while connectors are uploaded and swapped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sendbox_tests::process::{ApiResponse, Client, Deployment};
use sendbox_tests::versioned::{ID, digest, input, version};
use serde_json::{Value, json};

/// The time limit for background work.
const NEVER: Duration = Duration::from_secs(60);

pub fn release_at(rest: &str) -> String {
    format!("/v1/connectors/{ID}/release{rest}")
}

/// Waits until the check of a file has ended.
async fn checked(client: &Client, digest: &str) -> Value {
    let deadline = Instant::now() + NEVER;
    loop {
        let version = client.ask("GET", &format!("/v1/connector-uploads/{digest}"), None).await.unwrap();
        if version.status == 200 && version.text("/state") != "checking" {
            assert_eq!(version.text("/state"), "ready", "{version:?}");
            return version.body;
        }
        assert!(Instant::now() < deadline, "its check does not end: {version:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn upload(client: &Client, component: &[u8]) {
    client.upload("/v1/connectors", component).await.unwrap();
    checked(client, &digest(component)).await;
}

async fn send(client: &Client, number: u32) -> Result<ApiResponse, reqwest::Error> {
    let body = json!({ "to": format!("+45{number}"), "usage": "sign-in", "code": "123456" });
    client.post("messages", &body, Some(&format!("k{number}"))).await
}

/// Creates a tenant that sends with the first version.
pub async fn add_tenant(client: &Client, first: &[u8]) {
    client.add_tenant().await;
    upload(client, first).await;
    let input = input();
    let connection =
        json!({ "connector": input.connector, "parameters": input.parameters, "templates": input.templates });
    client.put("connections/acme", &connection).await;
    client.put("active-connection", &json!({ "name": "acme" })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_right_after_an_upload_was_answered() {
    let deployment = Deployment::new().await;
    let mut process = deployment.start().await;
    let file = version(1, "honest");
    let taken = process.client.upload("/v1/connectors", &file).await.unwrap();
    assert_eq!(taken.status, 202, "{taken:?}");
    // One time less than a check may start before it is given up.
    for _ in 0..2 {
        process.kill().await;
        process = deployment.start().await;
    }
    let version = checked(&process.client, &digest(&file)).await;
    assert_eq!(version["role"], "active");
    process.stop().await;
}

/// Whenever the process dies, one version is active, the previous one stays ready, and messages are sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_versions_are_swapped() {
    let deployment = Deployment::new().await;
    let mut process = deployment.start().await;
    let files: Vec<Vec<u8>> = (1..4).map(|number| version(number, "honest")).collect();
    add_tenant(&process.client, &files[0]).await;
    for file in &files[1..] {
        upload(&process.client, file).await;
    }
    let digests: Vec<String> = files.iter().map(|file| digest(file)).collect();
    let mut active = digests[0].clone();
    let mut number = 20_000_000;
    for round in 0..4_usize {
        let next = digests.iter().find(|digest| **digest != active).unwrap().clone();
        let client = process.client.clone();
        let activation = json!({ "digest": next });
        let path = release_at("/activations");
        let swap = tokio::spawn(async move { client.ask("POST", &path, Some(&activation)).await });
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let client = process.client.clone();
                tokio::spawn(async move { send(&client, number + sender).await })
            })
            .collect();
        // In some rounds before the response to the swap, in others after it.
        if round % 2 == 1 {
            swap.await.unwrap().unwrap();
        }
        process.kill().await;
        process = deployment.start().await;
        let release = process.client.ask("GET", &release_at(""), None).await.unwrap();
        let now = release.text("/active").to_owned();
        assert!(now == next || (round % 2 == 0 && now == active), "{release:?}");
        if now == next {
            assert_eq!(release.text("/previous"), active);
        }
        active = now;
        join_all(senders).await;
        process.client.until_all_are_final().await;
        for sender in 0..4 {
            // Repeated with the same key: accepted before or now, sent once, or in doubt.
            let again = send(&process.client, number + sender).await.unwrap();
            let status = again.text("/status");
            assert!(status == "accepted" || status == "in-doubt", "{again:?}");
            let arrived = deployment
                .received_messages()
                .iter()
                .filter(|(to, _)| *to == format!("+45{}", number + sender))
                .count();
            assert!(arrived <= 1 && (arrived == 1 || status == "in-doubt"), "{arrived}, {again:?}");
        }
        number += 4;
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_during_a_canary() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    let (first, second) = (version(1, "honest"), version(2, "honest"));
    add_tenant(&process.client, &first).await;
    upload(&process.client, &second).await;
    let canary = json!({ "digest": digest(&second), "percent": 50 });
    let tried = process.client.ask("PUT", &release_at("/canary"), Some(&canary)).await.unwrap();
    assert_eq!(tried.status, 200, "{tried:?}");
    deployment.simulator.inject_spec("twilio=delay:1s".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let client = Arc::new(process.client.clone());
    let senders: Vec<_> = (0..8)
        .map(|number| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { send(&client, 20_000_000 + number).await })
        })
        .collect();
    for _ in 0..8 {
        arrivals.recv().await.unwrap();
    }
    process.stop().await;
    let mut met = std::collections::BTreeSet::new();
    for answer in join_all(senders).await {
        let answer = answer.unwrap().expect("waiting callers get a response");
        assert_eq!((answer.status, answer.text("/status")), (200, "accepted"), "{answer:?}");
        met.insert(answer.text("/attempts/0/connectorDigest").to_owned());
    }
    deployment.simulator.clear_faults();
    let process = deployment.start().await;
    let release = process.client.ask("GET", &release_at(""), None).await.unwrap();
    assert_eq!(release.text("/canary/digest"), digest(&second), "the canary continues after a restart");
    let sides = release.body["comparison"]["versions"].as_array().unwrap();
    assert_eq!(sides.iter().map(|side| side["accepted"].as_u64().unwrap()).sum::<u64>(), 8);
    process.stop().await;
}
