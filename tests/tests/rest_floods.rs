//! One tenant asks for more than it may, in every way that it can: the others are served, and memory stays bounded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::time::Duration;

use futures_util::future::join_all;
use sendbox_domain::model::Environment;
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_tests::api::{Access, Api, ApiFixture, ApiResponse, Client, LIVE, NUMBER, SCOPES, operations};
use sendbox_tests::empty_tenant::{at, message};
use sendbox_tests::largest_bodies::largest_bodies;
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT, TestService};
use sendbox_tests::{Database, on_every_database};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

on_every_database!(a_key_that_asks_too_fast_is_refused_and_no_other_is, sign_ins_of_a_key_are_counted);

/// 100 points for each key and 160 for its tenant. The clock of the service stands still, so nothing refills.
const RATES: RequestRates = RequestRates { key_per_second: 5, tenant_per_second: 8 };

async fn limited(database: &Database) -> Api {
    let api = Api::over(TestService::with_rates(database, RATES).await).await;
    api.create_tenant(LIVE, "production").await;
    api
}

async fn a_key_that_asks_too_fast_is_refused_and_no_other_is(database: &Database) {
    let api = limited(database).await;
    let (_, secret) = api.create_key(TENANT, &SCOPES).await;
    let (first, second) = (api.client(&secret), api.client(&api.create_key(TENANT, &["read"]).await.1));
    let other = api.client(&api.create_key(LIVE, &["read"]).await.1);
    let list = at("messages");
    let listed = async |client: &Client| {
        let mut count = 0;
        while count < 1_000 && client.get(&list).await.status == 200 {
            count += 1;
        }
        count
    };
    // A page of messages costs five points.
    assert_eq!(listed(&first).await, 20);
    let refused = first.get(&list).await;
    let headers = |response: &ApiResponse, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| response.headers[*name].to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(headers(&refused, &["retry-after", "ratelimit-reset", "ratelimit-remaining"]), ["1", "1", "0"]);
    refused.problem(429, "too-many-requests");
    // Whatever it is: also a change that would be refused for its body, which is not read.
    first.post(&at("template-previews"), &json!({})).await.problem(429, "too-many-requests");
    first.put(&at("policy"), &json!({ "unknown": 1 })).await.problem(429, "too-many-requests");
    // Messages have limits of their own, and so do checks.
    first.post(&at("messages"), &message("271828")).await.expect(200);
    first.post(&at("verifications/none/check"), &json!({ "code": "123456" })).await.problem(404, "not-found");
    // What is left to the tenant, its other keys can spend. The platform and other tenants have not lost anything.
    assert_eq!(listed(&second).await, 12);
    for _ in 0..200 {
        api.platform().get(&list).await.expect(200);
    }
    let listed_elsewhere = other.get(&format!("/v1/tenants/{LIVE}/messages")).await;
    let rate = headers(&listed_elsewhere, &["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]);
    assert_eq!(rate, ["100", "95", "1"]);
    listed_elsewhere.expect(200);
    // The platform has no such limit, and nothing is said of one.
    assert!(!api.platform().get(&list).await.headers.contains_key("ratelimit-limit"));
    api.backend.clock.advance_monotonic(Duration::from_secs(1));
    assert_eq!([listed(&first).await, listed(&second).await], [1, 0]);
}

async fn sign_ins_of_a_key_are_counted(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let (_, secret) = api.create_key(TENANT, &["read"]).await;
    let sign_in = async |key: &str| api.anonymous().post("/v1/session", &json!({ "key": key })).await;
    for _ in 0..100 {
        sign_in(&secret).await.expect(201);
    }
    let refused = sign_in(&secret).await;
    assert_eq!(refused.headers["retry-after"], "300");
    assert!(!refused.headers.contains_key("set-cookie"));
    refused.problem(429, "too-many-requests");
    let (_, another) = api.create_key(TENANT, &["read"]).await;
    sign_in(&another).await.expect(201);
    sign_in(PLATFORM_KEY).await.expect(201);
    api.backend.clock.advance_monotonic(Duration::from_secs(300));
    sign_in(&secret).await.expect(201);
    sign_in(&secret).await.problem(429, "too-many-requests");
}

/// An upload whose body the server has begun to wait for, or its refusal.
async fn unfinished_upload(api: &Api, key: &str) -> (TcpStream, String) {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: application/wasm\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        at("connectors"),
        2 << 20,
    );
    let mut stream = TcpStream::connect(api.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    (stream, String::from_utf8(status.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_do_not_arrive_keep_no_message_out() {
    let fixture = ApiFixture::new().await;
    let api = &fixture.api;
    let mut held = Vec::new();
    for _ in 0..12 {
        let (stream, status) = unfinished_upload(api, &fixture.owner).await;
        assert_eq!(status, "HTTP/1.1 100");
        held.push(stream);
    }
    let (_, status) = unfinished_upload(api, &fixture.owner).await;
    assert_eq!(status, "HTTP/1.1 429");
    // Another tenant's uploads, and the messages of both.
    api.create_tenant("neighbour", "development").await;
    let (_, neighbour) = api.create_key("neighbour", &["manage"]).await;
    let file = vec![0; 128 * 1024];
    let uploaded = api.client(&neighbour).upload("/v1/tenants/neighbour/connectors", file.clone()).await;
    assert_eq!(uploaded.status, 422, "it is looked at: {}", uploaded.text);
    api.backend.clock.advance_millis(60_000);
    api.client(&fixture.owner).post(&at("messages"), &message("271829")).await.expect(200);
    // The memory is free again once the clients have gone.
    drop(held);
    loop {
        let answer = api.client(&fixture.owner).upload(&at("connectors"), file.clone()).await;
        if answer.status != 429 {
            assert_eq!(answer.status, 422, "{}", answer.text);
            break;
        }
        tokio::task::yield_now().await;
    }
}

/// What the process has resident (`VmRSS:`), or had at most (`VmHWM:`), in MiB.
fn resident(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Every operation that takes a body, with everything that is large, many at once, while another tenant sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_inputs_of_every_operation_stop_nobody() {
    let fixture = ApiFixture::new().await;
    let samples = fixture.samples();
    let with_body = samples.iter().filter(|sample| sample.body.is_some()).count();
    assert_eq!(with_body, operations().iter().filter(|operation| operation.takes_body).count());
    fixture.api.backend.add_tenant("neighbour", Environment::Development).await;
    let (_, neighbour) = fixture.api.create_key("neighbour", &["send"]).await;
    let sender = fixture.api.client(&neighbour);
    let before = resident("VmRSS:");
    // From now on, the most that was resident is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();

    let mut sent = 0;
    for sample in &samples {
        let key = if sample.access == Access::Platform { PLATFORM_KEY } else { &fixture.owner };
        let authorization = format!("Bearer {key}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let target = sample.target(TENANT);
        for bodies in largest_bodies(sample).chunks(16) {
            let method = sample.operation.method.as_str();
            let flood = join_all(bodies.iter().map(|body| fixture.api.wire(method, &target, &headers, body)));
            let message = json!({ "to": NUMBER, "usage": "sign-in", "code": format!("{:06}", 100_000 + sent) });
            let (answers, accepted) = tokio::join!(flood, sender.post("/v1/tenants/neighbour/messages", &message));
            for answer in answers {
                let status = answer.status;
                assert!(status < 500, "{}: {status}: {}", sample.operation.id, answer.text);
            }
            assert_eq!(accepted.expect(200)["status"], "accepted");
            sent += 1;
        }
    }
    assert!(sent > 20, "{sent}");
    let most = resident("VmHWM:");
    assert!(most.saturating_sub(before) < 512, "from {before} to {most} MiB");
}
