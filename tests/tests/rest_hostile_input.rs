//! Hostile input for every operation of the OpenAPI document: it is refused with a problem document, changes nothing, and
//! is not repeated in the response.
//!
//! Every request is a valid one from the table of samples, with one change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use sendbox_tests::api::{Access, ApiFixture, ApiResponse, Operation, Sample, operations};
use sendbox_tests::pointer::{pointers, with};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT};
use sendbox_tests::wrong_queries::wrong_queries;
use serde_json::{Value, json};

/// A marker in place of a number, a code or a secret. It does not occur by chance.
const CANARY: &str = "4598123476";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A client with a key that may send this request.
fn key(fixture: &ApiFixture, sample: &Sample) -> String {
    let key = if sample.access == Access::Platform { PLATFORM_KEY } else { &fixture.owner };
    format!("Bearer {key}")
}

/// Sends a sample with another body, byte for byte.
async fn with_body(fixture: &ApiFixture, sample: &Sample, body: &[u8]) -> ApiResponse {
    let authorization = key(fixture, sample);
    let headers = [("Authorization", authorization.as_str()), JSON];
    fixture.api.wire(&sample.operation.method, &sample.target(TENANT), &headers, body).await
}

/// Fails if the response repeats something of the request.
#[track_caller]
fn assert_silent(answer: &ApiResponse, what: &str) {
    let headers = format!("{:?}", answer.headers);
    assert!(!answer.text.contains(CANARY) && !headers.contains(CANARY), "{what}: {}", answer.text);
}

/// The samples with a body, and their bodies.
fn bodies(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &Value)> {
    samples.iter().filter_map(|sample| Some((sample, sample.body.as_ref()?)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_json_is_refused() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let samples = fixture.samples();
    assert_eq!(bodies(&samples).count(), operations().iter().filter(|operation| operation.takes_body).count());
    for (sample, body) in bodies(&samples) {
        let id = &sample.operation.id;
        let good = body.to_string();
        let cut = &good[..good.len() - 1];
        let deep = ["[".repeat(10_000), "{\"a\":".repeat(10_000)];
        let twice = format!("{good} {good}");
        let unfinished = format!("{cut}, \"x\": \"{CANARY}");
        let single = format!("{cut}, 'x': '{CANARY}'}}");
        let huge_number = format!("{cut}, \"x\": 1e999}}");
        let surrogate = format!("{cut}, \"x\": \"{CANARY}\\ud800\"}}");
        let comment = format!("/* {CANARY} */ {good}");
        let control = format!("{cut}, \"x\": \"{CANARY}\n\"}}");
        let mut malformed: Vec<Vec<u8>> =
            [cut, &deep[0], &deep[1], &twice, &unfinished, &single, &huge_number, &surrogate, &comment, &control]
                .map(|body| body.as_bytes().to_vec())
                .into();
        // Not UTF-8: a lone byte, an overlong `/`, UTF-16, and gzip.
        malformed.push([cut.as_bytes(), b", \"x\": \"\xff\"}"].concat());
        malformed.push([cut.as_bytes(), b", \"x\": \"\xc0\xaf\"}"].concat());
        malformed.push(good.encode_utf16().flat_map(u16::to_le_bytes).collect());
        malformed.push(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0]);
        malformed.push([b"\xef\xbb\xbf", good.as_bytes()].concat());
        malformed.push(b"\0".to_vec());
        malformed.push(format!("code={CANARY}").into_bytes());
        for body in malformed {
            let answer = with_body(&fixture, sample, &body).await;
            assert_silent(&answer, id);
            let status = answer.status;
            assert_eq!(status, 400, "{id}: {}: {}", String::from_utf8_lossy(&body[..body.len().min(80)]), answer.text);
            answer.problem(400, "malformed-json");
        }
        if !sample.operation.body_is_optional {
            with_body(&fixture, sample, b"").await.problem(400, "malformed-json");
        }
        // U+0000 and a repeated name, at the top level and further down.
        let nul = format!("{cut}, \"x\": \"{CANARY}\\u0000\"}}");
        let nul_name = format!("{cut}, \"{CANARY}\\u0000\": 1}}");
        let name = body.as_object().unwrap().keys().next().unwrap();
        let double = format!("{cut}, \"{name}\": \"{CANARY}\"}}");
        let inner = format!("{cut}, \"x\": {{\"y\": \"{CANARY}\", \"y\": 1}}}}");
        for body in [nul, nul_name, double, inner] {
            let answer = with_body(&fixture, sample, body.as_bytes()).await;
            assert_silent(&answer, id);
            answer.problem(422, "invalid-input");
        }
        fixture.assert_unchanged(&before, id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_too_large_or_undeclared_are_refused() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    for (sample, body) in bodies(&fixture.samples()) {
        let id = &sample.operation.id;
        let authorization = key(&fixture, sample);
        let send = async |headers: &[(&str, &str)], body: &[u8]| {
            let headers = [&[("Authorization", authorization.as_str())], headers].concat();
            fixture.api.wire(&sample.operation.method, &sample.target(TENANT), &headers, body).await
        };
        let good = body.to_string();
        for headers in [
            &[][..],
            &[("Content-Type", "text/plain")],
            &[("Content-Type", "application/x-www-form-urlencoded")],
            &[("Content-Type", "multipart/form-data; boundary=x")],
            &[("Content-Type", "application/jsonp")],
            &[("Content-Type", "text/plain; application/json")],
            &[("Content-Type", "application/problem+json")],
            &[("Content-Type", "application/json, text/plain")],
            &[("Content-Type", "\u{e4}")],
        ] {
            send(headers, good.as_bytes()).await.problem(415, "unsupported-media-type");
        }
        // Larger than any path accepts, as white space and as a text that would be stored.
        let huge = [" ".repeat(600 * 1024), good.clone()].concat();
        send(&[JSON], huge.as_bytes()).await.problem(413, "body-too-large");
        let kept = format!("{{\"name\": \"{}\"}}", CANARY.repeat(60_000));
        let refused = send(&[JSON], kept.as_bytes()).await;
        assert_silent(&refused, id);
        refused.problem(413, "body-too-large");
        // In chunks, without a declared length.
        let piece = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
        let pieces = format!(
            "{} {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            sample.operation.method,
            sample.target(TENANT),
            piece.repeat(9),
        );
        fixture.api.raw(pieces.as_bytes()).await.problem(413, "body-too-large");
        // A little more than most paths accept.
        let large = [" ".repeat(65 * 1024), good].concat();
        if ["save_connection", "test_connection", "preview_template", "promote_connection"].contains(&id.as_str()) {
            // Templates fit, so this would be carried out; it must not be here.
            continue;
        }
        send(&[JSON], large.as_bytes()).await.problem(413, "body-too-large");
        fixture.assert_unchanged(&before, id).await;
    }
    fixture.assert_unchanged(&before, "all").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_value_of_a_wrong_type_is_refused() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    for (sample, body) in bodies(&fixture.samples()) {
        let id = &sample.operation.id;
        for place in pointers(body) {
            let wrong = match body.pointer(&place).unwrap() {
                Value::String(_) => vec![json!({ "x": CANARY }), json!([CANARY]), json!(true)],
                Value::Bool(_) => vec![json!(CANARY), json!(1), json!([])],
                Value::Number(_) => numbers(),
                Value::Array(_) => vec![json!(CANARY), json!({ CANARY: 1 }), json!(7)],
                Value::Object(_) => vec![json!(CANARY), json!([CANARY]), json!([]), json!(false)],
                Value::Null => panic!("no sample has null"),
            };
            for wrong in wrong {
                let spoiled = with(body, &place, wrong).to_string();
                let answer = with_body(&fixture, sample, spoiled.as_bytes()).await;
                assert_silent(&answer, &format!("{id} {place}"));
                assert_eq!(answer.status, 422, "{id} {place}: {spoiled}: {}", answer.text);
                let problem = answer.problem(422, "invalid-input");
                assert!(!problem["errors"].as_array().unwrap().is_empty(), "{id} {place}");
            }
        }
        fixture.assert_unchanged(&before, id).await;
    }
}

/// Values that are invalid for every number field.
fn numbers() -> Vec<Value> {
    let written = ["-1", "0.5", "4294967296.5", "18446744073709551615", "99999999999999999999999", "1e308", "-1e308"];
    let mut wrong: Vec<Value> = written.iter().map(|number| serde_json::from_str(number).unwrap()).collect();
    wrong.extend([json!(CANARY), json!([1]), json!(true)]);
    wrong
}

/// Free texts: any value is accepted.
const FREE: [(&str, &str); 14] = [
    // Stored and shown as they are.
    ("create_message", "/reference"),
    ("create_message", "/metadata/plan"),
    ("create_verification", "/reference"),
    ("create_verification", "/metadata/plan"),
    // A language that is not understood is that of the template without a locale.
    ("test_connection", "/locale"),
    ("preview_template", "/locale"),
    ("create_message", "/locale"),
    ("create_verification", "/locale"),
    ("preview_template", "/content"),
    ("preview_template", "/variables"),
    ("preview_template", "/variables/app"),
    ("save_connection", "/parameters/authToken"),
    ("create_message", "/variables/app"),
    ("create_verification", "/variables/app"),
];

/// Settings whose invalid value is quoted, or is part of the field's name: an admin chooses them, and they do not contain a number,
/// a code or a secret.
const QUOTED: [&str; 6] = [
    "save_connection /templates/",
    "save_connection /parameters, as a name",
    "promote_connection /parameters, as a name",
    "replace_policy /countries/only/",
    "replace_policy /delivery/routes, as a name",
    "replace_policy /spend/prices, as a name",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_response_repeats_invalid_values() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    // Longer than a code may be, with invisible characters, and with digits that could be a number.
    let texts = [
        format!("+{CANARY}-{CANARY}-{CANARY}-{CANARY}-{CANARY}\u{202e}"),
        format!("'\"><!--{CANARY}{{{{{}}}}}-->", "x".repeat(80)),
    ];
    let mut leaks = BTreeSet::new();
    for (sample, body) in bodies(&fixture.samples()) {
        let id = sample.operation.id.as_str();
        for place in pointers(body) {
            if body.pointer(&place).unwrap().is_string() && !FREE.contains(&(id, place.as_str())) {
                for text in &texts {
                    let spoiled = with(body, &place, json!(text)).to_string();
                    let answer = with_body(&fixture, sample, spoiled.as_bytes()).await;
                    assert!((400..500).contains(&answer.status), "{id} {place}: {}", answer.text);
                    answer.assert_problem();
                    if answer.text.contains(CANARY) || answer.text.contains(&CANARY[..8]) {
                        leaks.insert(format!("{id} {place}: {}", answer.json["errors"]));
                    }
                }
            }
            // As the name of a member, beside the known ones.
            if let Some(members) = body.pointer(&place).unwrap().as_object()
                && !FREE.contains(&(id, place.as_str()))
            {
                let mut members = members.clone();
                members.insert(format!("+{CANARY}"), json!(CANARY));
                let spoiled = with(body, &place, Value::Object(members)).to_string();
                let answer = with_body(&fixture, sample, spoiled.as_bytes()).await;
                assert_eq!(answer.status, 422, "{id} {place}: {}", answer.text);
                answer.assert_problem();
                if answer.text.contains(CANARY) || answer.text.contains(&CANARY[..8]) {
                    leaks.insert(format!("{id} {place}, as a name: {}", answer.json["errors"]));
                }
            }
        }
        fixture.assert_unchanged(&before, id).await;
    }
    leaks.retain(|leak| !QUOTED.iter().any(|quoted| leak.starts_with(quoted)));
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_fields_are_named_by_pointer() {
    let fixture = ApiFixture::new().await;
    let mut elsewhere = BTreeSet::new();
    for (sample, body) in bodies(&fixture.samples()) {
        let id = sample.operation.id.as_str();
        for place in pointers(body).iter().filter(|place| !FREE.contains(&(id, place.as_str()))) {
            let spoiled = match body.pointer(place).unwrap() {
                Value::String(_) => with(body, place, json!("x".repeat(100))),
                Value::Number(_) => with(body, place, json!(4_000_000_000_u32)),
                _ => continue,
            };
            let answer = with_body(&fixture, sample, spoiled.to_string().as_bytes()).await;
            for error in answer.json["errors"].as_array().into_iter().flatten() {
                let field = error["field"].as_str().unwrap();
                if spoiled.pointer(field).is_none() {
                    elsewhere.insert(format!("{id} {place}: `{field}`"));
                }
            }
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_may_be_left_out_may_be_null() {
    let fixture = ApiFixture::new().await;
    let mut seen = 0;
    for sample in fixture.samples().iter().filter(|sample| sample.operation.body_is_optional) {
        for body in ["", "null", "{}", " null "] {
            let answer = with_body(&fixture, sample, body.as_bytes()).await;
            assert_eq!(answer.status, sample.status, "{} `{body}`: {}", sample.operation.id, answer.text);
            // A verification sends four codes at most.
            if sample.operation.id == "resend_verification" && body == "{}" {
                break;
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_has_one_spelling() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let long = "a".repeat(5_000);
    let number = format!("%2B{CANARY}");
    let tricks = [
        "..",
        ".",
        "%2e%2e",
        "%2E%2E%2F%2E%2E",
        "..%2f..",
        "a%2fb",
        "%00",
        "a%00",
        "%ff",
        "%",
        "%zz",
        "",
        "Acme",
        "acme%20",
        "acme;x=1",
        "a%5cb",
        "..%5c",
        "%252e%252e",
        "%c3%a4",
        "a*",
        "'%20OR%201=1--",
        "{tenant}",
        &long,
        &number,
    ];
    for sample in &fixture.samples() {
        let operation = &sample.operation;
        let authorization = key(&fixture, sample);
        let (body, kind) = sample.wire();
        let send = async |target: &str| {
            let headers = [("Authorization", authorization.as_str()), kind];
            let answer = fixture.api.wire(&operation.method, target, &headers, &body).await;
            assert_silent(&answer, target);
            answer
        };
        let good = sample.target(TENANT);
        let path = good.split('?').next().unwrap();
        for place in operation.path_parameters() {
            for trick in tricks {
                let value = |name: &str| match name {
                    name if name == place => trick.to_owned(),
                    "tenant" => TENANT.to_owned(),
                    name => sample.path_parameters.iter().find(|(known, _)| *known == name).unwrap().1.clone(),
                };
                let target = operation.at(value);
                let answer = send(&target).await;
                assert_eq!(answer.status, 404, "{} {target:.200}: {}", operation.method, answer.text);
                answer.problem(404, "not-found");
            }
        }
        // The same path in another spelling is another path.
        if path != "/" {
            for target in [
                format!("/{path}"),
                format!("{path}/"),
                format!("{path}/.."),
                format!("{path}//"),
                format!("/./{path}"),
                format!("/x/..{path}"),
                path.replacen("/v1", "/V1", 1).replacen("/problems", "/PROBLEMS", 1).replacen("z", "Z", 1) + "%20",
                format!("{path}%2f"),
                format!("{path}%00"),
                format!("{path};v=1"),
            ] {
                let answer = send(&target).await;
                answer.assert_problem();
                // With one more segment it may be the path of another operation, with an impossible id.
                // So may be `search/`, which is no search.
                let is_other = target.ends_with("/..") || path.ends_with("/search");
                let nothing = answer.status == 404 || (answer.status == 405 && is_other);
                assert!(nothing, "{} {target}: {}", operation.method, answer.text);
            }
        }
    }
    fixture.assert_unchanged(&before, "paths").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_not_described_is_refused() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let samples = fixture.samples();
    let mut described: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Operation { path, method, .. } in operations() {
        described.entry(path).or_default().insert(method);
    }
    let authorization = format!("Bearer {PLATFORM_KEY}");
    for sample in &samples {
        let there = &described[sample.operation.path.as_str()];
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "M4598123476"] {
            if there.contains(method) {
                continue;
            }
            let target = sample.target(TENANT);
            let headers = [("Authorization", authorization.as_str()), JSON, ("X-HTTP-Method-Override", "DELETE")];
            let answer = fixture.api.wire(method, &target, &headers, b"{}").await;
            assert_silent(&answer, &target);
            assert_eq!(answer.status, 405, "{method} {target}: {}", answer.text);
            let allow = answer.headers["allow"].to_str().unwrap().to_owned();
            let allowed: BTreeSet<_> = allow.split(',').map(str::trim).filter(|method| *method != "HEAD").collect();
            assert_eq!(&allowed, there, "{target}");
            answer.problem(405, "method-not-allowed");
        }
        // HEAD is GET without a body.
        if sample.operation.method == "GET" {
            let headers = [("Authorization", authorization.as_str())];
            let answer = fixture.api.wire("HEAD", &sample.target(TENANT), &headers, b"").await;
            assert_eq!((answer.status, answer.text.as_str()), (sample.status, ""), "{}", sample.operation.id);
        }
    }
    fixture.assert_unchanged(&before, "methods").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_are_read_strictly() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let mut read = 0;
    for sample in fixture.samples().iter().filter(|sample| !sample.operation.query.is_empty()) {
        let operation = &sample.operation;
        let authorization = key(&fixture, sample);
        let target = sample.target(TENANT);
        let path = target.split('?').next().unwrap();
        let mut queries: Vec<(String, Option<&str>)> = vec![
            (format!("%2B{CANARY}=1"), None),
            (format!("nobody={CANARY}"), Some("nobody")),
            (format!("%00={CANARY}"), None),
            ("=".to_owned(), None),
        ];
        for name in &operation.query {
            let wrong = wrong_queries(name).unwrap_or_else(|| panic!("no wrong values for the parameter `{name}`"));
            queries.extend(wrong.into_iter().map(|value| (format!("{name}={value}"), Some(name.as_str()))));
            let good = if name == "limit" { "2" } else { "true" };
            queries.push((format!("{name}={good}&{name}={good}"), Some(name)));
            queries.push((format!("{}={good}", name.to_uppercase()), None));
        }
        for (query, field) in queries {
            let headers = [("Authorization", authorization.as_str())];
            let answer = fixture.api.wire(&operation.method, &format!("{path}?{query}"), &headers, b"").await;
            assert_silent(&answer, &query);
            assert_eq!(answer.status, 422, "{} {query}: {}", operation.id, answer.text);
            let problem = answer.problem(422, "invalid-input");
            if let Some(field) = field {
                assert_eq!(problem["errors"][0]["field"], field, "{} {query}", operation.id);
            }
            read += 1;
        }
    }
    assert!(read > 50, "{read}");
    fixture.assert_unchanged(&before, "queries").await;
}

/// An ignored parameter would be dangerous: `POST /connection-tests?dryRun=true` would send a message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_that_no_operation_knows_are_refused() {
    let fixture = ApiFixture::new().await;
    let mut taken = BTreeSet::new();
    let samples = fixture.samples();
    for sample in samples.iter().filter(|sample| sample.operation.query.is_empty() && sample.access != Access::Anyone) {
        let authorization = key(&fixture, sample);
        let (body, kind) = sample.wire();
        let headers = [("Authorization", authorization.as_str()), kind];
        let target = format!("{}?dryRun=true", sample.target(TENANT));
        let answer = fixture.api.wire(&sample.operation.method, &target, &headers, &body).await;
        if answer.status < 400 {
            taken.insert(sample.operation.id.clone());
        }
    }
    assert!(taken.is_empty(), "{taken:?} ignore an unknown parameter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_are_read_strictly() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let long = "a".repeat(10_000);
    for sample in fixture.samples().iter().filter(|sample| sample.access != Access::Anyone) {
        let operation = &sample.operation;
        let good = key(&fixture, sample);
        let bare = good.trim_start_matches("Bearer ").to_owned();
        let (body, kind) = sample.wire();
        let send = async |headers: &[(&str, &str)]| {
            let headers = [&[kind], headers].concat();
            let answer = fixture.api.wire(&operation.method, &sample.target(TENANT), &headers, &body).await;
            assert_silent(&answer, &operation.id);
            answer
        };
        for authorization in [
            bare.clone(),
            format!("Basic {bare}"),
            format!("Bearer{bare}"),
            format!("Bearer {bare}, Bearer {bare}"),
            format!("Bearer \"{bare}\""),
            format!("Bearer {bare} {CANARY}"),
            format!("Bearer {CANARY}"),
            format!("Bearer {long}"),
            format!("Bearer \u{e4}{bare}"),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            String::new(),
        ] {
            send(&[("Authorization", &authorization)]).await.problem(401, "unauthenticated");
        }
        // Two keys are refused, even if they are the same.
        send(&[("Authorization", &good), ("Authorization", &good)]).await.problem(401, "unauthenticated");
        send(&[("Authorization", "Bearer x"), ("Authorization", &good)]).await.problem(401, "unauthenticated");
        // A key is not accepted anywhere else.
        for name in ["X-Api-Key", "Cookie", "X-Forwarded-Authorization", "Proxy-Authorization"] {
            send(&[(name, &good)]).await.problem(401, "unauthenticated");
        }
        if operation.headers.iter().any(|header| header == "Idempotency-Key") {
            for key in ["", "a b", "\u{e4}", &"k".repeat(256), "4598123476\t4598123476"] {
                let refused = send(&[("Authorization", &good), ("Idempotency-Key", key)]).await;
                let problem = refused.problem(422, "invalid-input");
                assert_eq!(problem["errors"][0]["field"], "Idempotency-Key", "{key:?}");
            }
            let two = [("Authorization", good.as_str()), ("Idempotency-Key", "k"), ("Idempotency-Key", "k")];
            send(&two).await.problem(422, "invalid-input");
        }
    }
    // The server does not use the caller's request id, and does not repeat it.
    let authorization = format!("Bearer {PLATFORM_KEY}");
    for name in ["X-Request-Id", "Origin", "Referer", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "Accept"] {
        let headers = [("Authorization", authorization.as_str()), (name, CANARY)];
        let answer = fixture.api.wire("GET", &format!("/v1/tenants/{TENANT}"), &headers, b"").await;
        assert_silent(&answer, name);
        answer.expect(200);
    }
    let with_header = |name: &str| {
        operations().iter().filter(|operation| operation.headers.iter().any(|header| header == name)).count()
    };
    assert_eq!(with_header("Idempotency-Key"), 4);
    assert_eq!(with_header("If-Match"), 2);
    fixture.assert_unchanged(&before, "headers").await;
}

/// Clients decide how fast bodies come, and how many at once: whoever may not call an operation is refused before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_not_read_for_a_caller_that_may_not_send_it() {
    let ApiFixture { api, .. } = ApiFixture::new().await;
    let (_, reader) = api.create_key(TENANT, &["read"]).await;
    let of_tenant = |method: &str, rest: &str| format!("{method} /v1/tenants/{TENANT}/{rest}");
    for (target, kind, status, problem) in [
        ("POST /v1/connectors".to_owned(), "application/wasm", 403, "platform-only"),
        (of_tenant("POST", "connectors"), "application/wasm", 403, "insufficient-scope"),
        (of_tenant("PUT", "connections/a"), "application/json", 403, "insufficient-scope"),
        (of_tenant("POST", "messages"), "application/json", 403, "insufficient-scope"),
        (of_tenant("POST", "verifications/a/check"), "application/json", 403, "insufficient-scope"),
        ("PUT /v1/tenants/nobody/policy".to_owned(), "application/json", 404, "not-found"),
        // It may preview, and its body is missing.
        (of_tenant("POST", "template-previews"), "application/json", 400, "bad-request"),
    ] {
        let head = format!(
            "{target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reader}\r\nContent-Type: {kind}\r\n\
             Connection: close\r\nContent-Length: 60000\r\n\r\n"
        );
        api.raw_and_shutdown(head.as_bytes()).await.problem(status, problem);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invalid_http_is_refused() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let owner =
        format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\nConnection: close\r\n", fixture.owner);
    let path = format!("/v1/tenants/{TENANT}");
    let body = format!("{{\"name\": \"{CANARY}\"}}");
    let length = body.len();
    for request in [
        // A length that is repeated, wrong or missing: the end of a body must never be ambiguous.
        format!(
            "PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Content-Length: {length}\r\nContent-Length: 1\r\n\r\n{body}"
        ),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Content-Length: +{length}\r\n\r\n{body}"),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Content-Length: -1\r\n\r\n{body}"),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Transfer-Encoding: gzip, identity\r\n\r\n{body}"),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Transfer-Encoding: chunked\r\n\r\nzz\r\n{body}"),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Content-Length : {length}\r\n\r\n{body}"),
        // Malformed heads.
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}No colon\r\nContent-Length: {length}\r\n\r\n{body}"),
        format!("PATCH {path} HTTP/9.9\r\nHost: a\r\n{owner}Content-Length: {length}\r\n\r\n{body}"),
        format!("PATCH {path} x HTTP/1.1\r\nHost: a\r\n{owner}Content-Length: {length}\r\n\r\n{body}"),
        format!("GET {path}\u{e4} HTTP/1.1\r\nHost: a\r\n{owner}\r\n"),
        // No host, or two.
        format!("PATCH {path} HTTP/1.1\r\n{owner}Content-Length: {length}\r\n\r\n{body}"),
        format!("PATCH {path} HTTP/1.1\r\nHost: a\r\nHost: a\r\n{owner}Content-Length: {length}\r\n\r\n{body}"),
    ] {
        let answer = fixture.api.raw(request.as_bytes()).await;
        assert_silent(&answer, &request);
        assert!((400..500).contains(&answer.status), "{request:.120}: {}", answer.status);
    }
    // An incomplete body.
    let request = format!("PATCH {path} HTTP/1.1\r\nHost: a\r\n{owner}Content-Length: 900\r\n\r\n{body}");
    fixture.api.raw_and_shutdown(request.as_bytes()).await.problem(400, "bad-request");
    fixture.assert_unchanged(&before, "broken requests").await;
}
