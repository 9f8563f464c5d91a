//! Uploads over REST: an upload that is incomplete, of another type or too large leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_sandbox::policy::Limits;
use sendbox_tests::api::{Api, text};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT, TestService};
use sendbox_tests::versioned::{ID, digest, version};
use serde_json::json;

const WASM: (&str, &str) = ("Content-Type", "application/wasm");

/// Fails if an upload has left something behind.
async fn assert_nothing_is_there(api: &Api, component: &[u8]) {
    let platform = api.platform();
    platform.get(&format!("/v1/connector-uploads/{}", digest(component))).await.problem(404, "not-found");
    let all = platform.get("/v1/connectors").await.expect(200);
    assert!(all.as_array().unwrap().iter().all(|connector| connector["id"] != ID), "{all}");
    let audit = platform.get("/v1/audit?action=connector.upload").await.expect(200);
    assert_eq!(audit["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incomplete_uploads_are_not_stored() {
    let api = Api::over(TestService::standalone().await).await;
    let component = version(1, "honest");
    let key = format!("Bearer {PLATFORM_KEY}");
    let head = |length: usize| {
        format!(
            "POST /v1/connectors HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {key}\r\n\
             Content-Type: application/wasm\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    // The connection ends in the middle of the file.
    let half = [head(component.len()).as_bytes(), &component[..component.len() / 2]].concat();
    api.raw_and_shutdown(&half).await.problem(400, "bad-request");
    assert_nothing_is_there(&api, &component).await;

    // Another kind.
    for kind in ["application/json", "application/octet-stream", ""] {
        let headers = [("Authorization", key.as_str()), ("Content-Type", kind)];
        let refused = api.wire("POST", "/v1/connectors", &headers, &component).await;
        refused.problem(415, "unsupported-media-type");
    }
    // An empty file.
    let headers = [("Authorization", key.as_str()), WASM];
    for (file, why) in [(&b"no such thing"[..], "magic number"), (b"\x7fELF", "precompiled")] {
        let refused = api.wire("POST", "/v1/connectors", &headers, file).await.problem(422, "invalid-input");
        assert!(text(&refused["detail"]).contains(why), "{refused}");
    }

    // Larger than a connector may be: declared, and detected while it is received.
    let large = vec![0; Limits::default().component_bytes + 1];
    api.wire("POST", "/v1/connectors", &headers, &large).await.problem(413, "body-too-large");
    let mut pieces = format!(
        "POST /v1/connectors HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {key}\r\n\
         Content-Type: application/wasm\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        large.len()
    )
    .into_bytes();
    pieces.extend_from_slice(&large);
    pieces.extend_from_slice(b"\r\n0\r\n\r\n");
    api.raw(&pieces).await.problem(413, "body-too-large");
    assert_nothing_is_there(&api, &component).await;

    // And the complete file.
    let taken = api.platform().upload("/v1/connectors", component.clone()).await;
    let place = taken.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("/v1/connector-uploads/{}", digest(&component)));
    assert_eq!(taken.expect(202)["state"], "checking");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_approval_names_what_is_new() {
    let api = Api::over(TestService::standalone().await).await;
    let platform = api.platform();
    let own = format!("/v1/tenants/{TENANT}/connectors");
    let mut digests = Vec::new();
    for component in [version(1, "honest"), version(2, "wider")] {
        let place = platform.upload(&own, component.clone()).await.headers["location"].to_str().unwrap().to_owned();
        while platform.get(&place).await.expect(200)["state"] == "checking" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        digests.push(digest(&component));
    }
    let activation = json!({ "digest": digests[1] });
    let refused = platform.post(&format!("{own}/{ID}/release/activations"), &activation).await;
    let refused = refused.problem(409, "approval-required");
    assert!(text(&refused["detail"]).contains("https://collect.acme.test"), "the error names what is new: {refused}");
    let release = platform.get(&format!("{own}/{ID}/release")).await.expect(200);
    assert_eq!((text(&release["active"]), &release["generation"]), (digests[0].clone(), &json!(1)));
}
