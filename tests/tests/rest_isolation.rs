//! A tenant cannot see, change or even notice another, and a key permits what its scopes name: for every operation of the
//! OpenAPI document. And promise P13: responses do not reveal whether a number is known.
//!
//! The requests come from the table of samples in `sendbox_tests::api_fixture`, which fails if an operation has no row. Each
//! succeeds for its owner, which is shown at the end: so a refusal is due to the caller, not to the request.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_domain::model::{LimitPolicy, Timestamp};
use sendbox_service::clock::Clock as _;
use sendbox_tests::api::{Access, ApiFixture, ApiResponse, Client, LIVE, NUMBER, SCOPES, Sample, text};
use sendbox_tests::test_service::{PLATFORM_KEY, TENANT};
use serde_json::{Value, json};

/// Another tenant, with nothing set up.
const OTHER: &str = "umbrella";
/// A tenant that does not exist.
const MISSING_TENANT: &str = "initech";

/// Creates the other tenant, and a client with a key that may do everything there.
async fn intruder(fixture: &ApiFixture) -> Client {
    fixture.api.create_tenant(OTHER, "development").await;
    let (_, secret) = fixture.api.create_key(OTHER, &SCOPES).await;
    fixture.api.client(&secret)
}

fn of_a_tenant(samples: &[Sample]) -> impl Iterator<Item = &Sample> {
    samples.iter().filter(|sample| sample.operation.of_a_tenant())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_tenant_is_indistinguishable_from_a_missing_one() {
    let fixture = ApiFixture::new().await;
    let intruder = intruder(&fixture).await;
    let samples = fixture.samples();
    let before = fixture.dump().await;
    for sample in of_a_tenant(&samples) {
        let id = &sample.operation.id;
        let there = sample.send(&intruder, TENANT).await;
        let not_there = sample.send(&intruder, MISSING_TENANT).await;
        assert_eq!(there.comparable(), not_there.comparable(), "{id}");
        // Operations of the platform are refused as such first, for any tenant.
        if id == "delete_tenant" {
            there.problem(403, "platform-only");
        } else {
            there.problem(404, "not-found");
        }
        fixture.assert_unchanged(&before, id).await;
    }
    assert!(of_a_tenant(&samples).count() > 25, "the document describes a tenant's operations");

    // The same requests succeed for callers who may send them.
    let (owner, platform) = (fixture.api.client(&fixture.owner), fixture.api.platform());
    for sample in &samples {
        let client = if sample.access == Access::Platform { &platform } else { &owner };
        let answer = sample.send(client, TENANT).await;
        assert_eq!(answer.status, sample.status, "{}: {}", sample.operation.id, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_would_be_refused_reveals_nothing_either() {
    let fixture = ApiFixture::new().await;
    let intruder = intruder(&fixture).await;
    // Malformed, invalid, and valid except for what it names: none of them may reveal that the tenant exists.
    for sample in of_a_tenant(&fixture.samples()).filter(|sample| sample.operation.takes_body) {
        let Sample { operation, .. } = sample;
        for body in [json!({ "unknown": 1 }), json!([]), json!({}), json!({ "name": "not-there", "to": "1" })] {
            let ask = async |tenant| {
                let target = sample.target(tenant);
                intruder.call(&operation.method, &target, Some(&body), &[]).await
            };
            let (there, not_there) = (ask(TENANT).await, ask(MISSING_TENANT).await);
            assert_eq!(there.comparable(), not_there.comparable(), "{} {body}", operation.id);
            there.assert_problem();
        }
    }
    for sample in of_a_tenant(&fixture.samples()).filter(|sample| !sample.operation.query.is_empty()) {
        for query in ["?limit=0", "?cursor=!", "?unknown=1", "?limit=10&cursor=5", "?force=maybe"] {
            let ask = async |tenant| {
                let target = sample.target(tenant);
                let path = target.split('?').next().unwrap();
                intruder.call(&sample.operation.method, &format!("{path}{query}"), None, &[]).await
            };
            let (there, not_there) = (ask(TENANT).await, ask(MISSING_TENANT).await);
            assert_eq!(there.comparable(), not_there.comparable(), "{} {query}", sample.operation.id);
            there.assert_problem();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_another_tenant_are_not_found() {
    let fixture = ApiFixture::new().await;
    let intruder = intruder(&fixture).await;
    let before = fixture.dump().await;
    let platform = fixture.api.platform();
    let mut seen = 0;
    for sample in fixture
        .samples()
        .iter()
        .filter(|sample| sample.operation.of_a_tenant() && sample.operation.path_parameters().len() > 1)
    {
        if ["save_connection", "save_ingress"].contains(&sample.operation.id.as_str()) {
            // A name is free in each tenant, so saving it creates a new one.
            continue;
        }
        seen += 1;
        // Under the wrong tenant they are not found, not even by the platform.
        for client in [&intruder, &platform] {
            sample.send(client, OTHER).await.problem(404, "not-found");
        }
        fixture.assert_unchanged(&before, &sample.operation.id).await;
    }
    assert!(seen >= 9, "the document has operations on parts of a tenant");

    // Neither in a body, nor in a query.
    let at = |rest: &str| format!("/v1/tenants/{OTHER}/{rest}");
    intruder.put(&at("active-connection"), &json!({ "name": "main" })).await.problem(404, "not-found");
    let test = json!({ "connection": "main", "to": "+4512345678", "dryRun": true });
    intruder.post(&at("connection-tests"), &test).await.problem(404, "not-found");
    let policy = json!({ "delivery": { "fallbacks": ["main"], "routes": { "DK": "main" } } });
    let refused = intruder.put(&at("policy"), &policy).await.problem(422, "invalid-input");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "{refused}");
    let items = intruder.get(&at("messages?connection=main")).await.expect(200)["items"].clone();
    assert_eq!(items, json!([]));
    let own = intruder.get(&at("messages")).await.expect(200);
    assert_eq!(own["items"], json!([]));
    // A cursor from the other tenant's list continues in the caller's own list.
    let page = fixture.api.platform().get(&format!("/v1/tenants/{TENANT}/messages?limit=1")).await.expect(200);
    let cursor = text(&page["nextCursor"]);
    assert_eq!(intruder.get(&at(&format!("messages?cursor={cursor}"))).await.expect(200)["items"], json!([]));
    fixture.assert_unchanged(&before, "names in bodies").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_names_and_keys_of_two_tenants_are_two() {
    let fixture = ApiFixture::new().await;
    let other = intruder(&fixture).await;
    let samples = fixture.samples();
    let sample = |id: &str| samples.iter().find(|sample| sample.operation.id == id).unwrap();
    sample("save_connection").send(&other, OTHER).await.expect(201);
    sample("activate_connection").send(&other, OTHER).await.expect(200);
    let owner = fixture.api.client(&fixture.owner);
    let mut ids = Vec::new();
    for (client, tenant) in [(&owner, TENANT), (&other, OTHER)] {
        let send = sample("create_message");
        let headers = [("Idempotency-Key", "the-same-key")];
        let answer = client.call("POST", &send.target(tenant), send.body.as_ref(), &headers).await;
        ids.push(text(&answer.expect(200)["id"]));
    }
    assert_ne!(ids[0], ids[1], "a key of one tenant does not answer for another");
    sample("delete_connection").send(&owner, TENANT).await.expect(204);
    other.delete(&format!("/v1/tenants/{OTHER}/connections/main?force=true")).await.expect(204);
    owner.get(&format!("/v1/tenants/{TENANT}/connections/main")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_nothing_is_accessible() {
    let fixture = ApiFixture::new().await;
    let id = fixture.owner.split('_').nth(1).unwrap();
    let wrong = [
        fixture.owner[..fixture.owner.len() - 1].to_owned(),
        format!("{}A", fixture.owner),
        format!("sbx_{id}_"),
        format!("sbx_{id}_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        id.to_owned(),
        PLATFORM_KEY.to_uppercase(),
        PLATFORM_KEY[1..].to_owned(),
    ];
    let nobody = fixture.api.anonymous();
    let samples = fixture.samples();
    for sample in samples.iter().filter(|sample| sample.access == Access::Anyone) {
        let operation = &sample.operation;
        let is_outside = !operation.path.starts_with("/v1") || operation.id == "create_session";
        assert!(!operation.secured && is_outside, "{}", operation.id);
        assert_eq!(sample.send(&nobody, TENANT).await.status, sample.status, "{}", operation.id);
    }
    let before = fixture.dump().await;
    for sample in samples.iter().filter(|sample| sample.access != Access::Anyone) {
        let operation = &sample.operation;
        assert!(operation.secured, "{} is described as open", operation.id);
        let refused = sample.send(&nobody, TENANT).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer", "{}", operation.id);
        let refusal = refused.comparable();
        refused.problem(401, "unauthenticated");
        for key in &wrong {
            // All wrong keys fail in the same way, whether they resemble an existing one or not.
            let refused = sample.send(&fixture.api.client(key), TENANT).await;
            assert_eq!(refused.comparable(), refusal, "{}", operation.id);
        }
    }
    fixture.assert_unchanged(&before, "requests without a key").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn platform_operations_are_refused_to_tenants() {
    let fixture = ApiFixture::new().await;
    let before = fixture.dump().await;
    let owner = fixture.api.client(&fixture.owner);
    let mut refused = Vec::new();
    for sample in fixture.samples().iter().filter(|sample| sample.access == Access::Platform) {
        sample.send(&owner, TENANT).await.problem(403, "platform-only");
        refused.push(sample.operation.id.clone());
    }
    refused.sort();
    let all = [
        "activate_version",
        "approve_request_shape",
        "approve_version",
        "create_tenant",
        "delete_tenant",
        "delete_upload",
        "end_canary",
        "list_platform_audit_entries",
        "list_request_shapes",
        "list_tenants",
        "list_versions",
        "promote_connection",
        "retrieve_release",
        "retrieve_upload",
        "retrieve_version",
        "roll_back_connector",
        "start_canary",
        "upload_connector",
    ];
    assert_eq!(refused, all);
    // The production tenant is another tenant, too.
    owner.get(&format!("/v1/tenants/{LIVE}")).await.problem(404, "not-found");
    fixture.assert_unchanged(&before, "what only the platform may do").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scope_permits_what_it_names_and_nothing_else() {
    let fixture = ApiFixture::new().await;
    let mut keys = Vec::new();
    for scope in SCOPES {
        keys.push((scope, fixture.api.client(&fixture.api.create_key(TENANT, &[scope]).await.1)));
    }
    let before = fixture.dump().await;
    let samples = fixture.samples();
    let mut refusals = 0;
    for sample in &samples {
        let Access::Keys(allowed) = sample.access else { continue };
        for (scope, client) in keys.iter().filter(|(scope, _)| !allowed.contains(scope)) {
            let refused = sample.send(client, TENANT).await;
            assert_eq!(refused.status, 403, "{} with `{scope}`: {}", sample.operation.id, refused.text);
            let refused = refused.problem(403, "insufficient-scope");
            assert!(allowed.contains(&refused["scope"].as_str().unwrap()), "the missing scope is named: {refused}");
            refusals += 1;
        }
    }
    assert!(refusals > 60, "{refusals} refusals");
    fixture.assert_unchanged(&before, "requests without the scope").await;

    // One of the named scopes is enough.
    for sample in &samples {
        let Access::Keys(allowed) = sample.access else { continue };
        let client = &keys.iter().find(|(scope, _)| scope == allowed.last().unwrap()).unwrap().1;
        let answer = sample.send(client, TENANT).await;
        assert_eq!(answer.status, sample.status, "{}: {}", sample.operation.id, answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_creates_a_stronger_one() {
    let ApiFixture { api, .. } = ApiFixture::new().await;
    let at = |rest: &str| format!("/v1/tenants/{TENANT}/{rest}");
    let admin = api.client(&api.create_key(TENANT, &["manage"]).await.1);
    for (scopes, status) in [
        (vec!["read"], 201),
        (vec!["manage"], 201),
        (vec!["manage", "read"], 201),
        (vec!["send"], 403),
        (vec!["manage", "verify"], 403),
    ] {
        let answer = admin.post(&at("keys"), &json!({ "name": "k", "scopes": scopes })).await;
        assert_eq!(answer.status, status, "{scopes:?}: {}", answer.text);
    }
    // Nor can it take a key over by rotating its secret.
    let (stronger, secret) = api.create_key(TENANT, &SCOPES).await;
    let refused =
        admin.post(&at(&format!("keys/{stronger}/rotate")), &json!({})).await.problem(403, "insufficient-scope");
    assert!(["send", "verify"].contains(&refused["scope"].as_str().unwrap()), "{refused}");
    assert_eq!(api.client(&secret).get(&format!("/v1/tenants/{TENANT}")).await.status, 200);
    // A key that may only read creates none at all.
    let (_, reader) = api.create_key(TENANT, &["read", "send", "verify"]).await;
    let new = json!({ "name": "k", "scopes": ["read"] });
    let refused = api.client(&reader).post(&at("keys"), &new).await.problem(403, "insufficient-scope");
    assert_eq!(refused["scope"], "manage");
}

/// Neither a key that ends soon nor a secret that was replaced gets its holder anything that lasts longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_outlives_the_one_that_made_it() {
    let ApiFixture { api, .. } = ApiFixture::new().await;
    let at = |rest: &str| format!("/v1/tenants/{TENANT}/{rest}");
    let now = api.backend.now();
    let key = |expires_at: Option<Timestamp>| json!({ "name": "k", "scopes": ["manage"], "expiresAt": expires_at });
    let short = api.platform().post(&at("keys"), &key(Some(now.plus_seconds(60)))).await.expect(201);
    let holder = api.client(&text(&short["secret"]));
    for (expires_at, status) in [
        (Some(now.plus_seconds(59)), 201),
        (Some(now.plus_seconds(60)), 201),
        (Some(now.plus_seconds(61)), 422),
        (None, 422),
    ] {
        let answer = holder.post(&at("keys"), &key(expires_at)).await;
        assert_eq!(answer.status, status, "{expires_at:?}: {}", answer.text);
    }
    // Nor by taking over one that lasts.
    let (lasting, secret) = api.create_key(TENANT, &["manage"]).await;
    let rotate = |id: &str| at(&format!("keys/{id}/rotate"));
    holder.post(&rotate(&lasting), &json!({})).await.problem(422, "invalid-input");
    holder.post(&rotate(&text(&short["id"])), &json!({})).await.expect(200);

    // A secret that was replaced, perhaps because it leaked, does not replace the new one, and makes nothing that lasts.
    let old = api.client(&secret);
    let rotated = old.post(&rotate(&lasting), &json!({ "graceSeconds": 300 })).await.expect(200);
    let owner = api.client(&text(&rotated["secret"]));
    old.get(&at("keys")).await.expect(200);
    for id in [&lasting, &text(&short["id"])] {
        old.post(&rotate(id), &json!({})).await.problem(409, "conflict");
    }
    old.post(&at("keys"), &key(None)).await.problem(422, "invalid-input");
    old.post(&at("keys"), &key(Some(now.plus_seconds(301)))).await.problem(422, "invalid-input");
    old.post(&at("keys"), &key(Some(now.plus_seconds(300)))).await.expect(201);
    owner.post(&rotate(&lasting), &json!({})).await.expect(200);
}

/// A response as a caller who looks for differences sees it: without the ids and the number of the request.
fn alike(answer: &ApiResponse) -> (u16, String) {
    let mut json = answer.json.clone();
    let mut all = vec![&mut json];
    while let Some(value) = all.pop() {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    if ["id", "instance", "to"].contains(&name.as_str()) && member.is_string() {
                        *member = json!("…");
                    } else {
                        all.push(member);
                    }
                }
            }
            Value::Array(items) => all.extend(items),
            _ => {}
        }
    }
    (answer.status, json.to_string())
}

/// P13: a number that has verified, failed and been blocked before gets the same responses as an unknown number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_do_not_reveal_whether_a_number_is_known() {
    const KNOWN: &str = NUMBER;
    const UNKNOWN: &str = "+4531415927";
    let fixture = ApiFixture::new().await;
    let at = |rest: &str| format!("/v1/tenants/{TENANT}/{rest}");
    let client = fixture.api.client(&fixture.owner);
    let start =
        async |number: &str| client.post(&at("verifications"), &json!({ "to": number, "usage": "sign-in" })).await;
    let check = async |id: &str, code: &str| {
        client.post(&at(&format!("verifications/{id}/check")), &json!({ "code": code })).await
    };
    // The default limits, which count what was sent and expire.
    fixture.api.backend.set_policy(TENANT, |policy| policy.limits = LimitPolicy::default()).await;
    fixture.api.backend.clock.advance_millis(25 * 3_600_000);
    // A history: a verification that succeeded, one that was exhausted, one that was cancelled.
    let wait = || fixture.api.backend.clock.advance_millis(11 * 60_000);
    let id = text(&start(KNOWN).await.expect(201)["id"]);
    check(&id, &fixture.api.backend.received_code(KNOWN)).await.expect(200);
    wait();
    let id = text(&start(KNOWN).await.expect(201)["id"]);
    for _ in 0..5 {
        check(&id, "not the code").await.problem(422, "wrong-code");
    }
    wait();
    let id = text(&start(KNOWN).await.expect(201)["id"]);
    client.call("POST", &at(&format!("verifications/{id}/cancel")), None, &[]).await.expect(200);
    fixture.api.backend.clock.advance_millis(25 * 3_600_000);

    let story = async |number: &str| {
        let mut answers = Vec::new();
        let started = start(number).await;
        answers.push(alike(&started));
        let id = text(&started.expect(201)["id"]);
        // Too early for another message, both by resending and by starting again.
        let resend = at(&format!("verifications/{id}/resend"));
        answers.push(alike(&client.call("POST", &resend, None, &[]).await));
        answers.push(alike(&start(number).await));
        answers.push(alike(&client.get(&at(&format!("verifications/{id}"))).await));
        for wrong in ["", "000", "not the code", "1234567890123"] {
            answers.push(alike(&check(&id, wrong).await));
        }
        fixture.api.backend.clock.advance_millis(31_000);
        answers.push(alike(&client.call("POST", &resend, None, &[]).await));
        let code = fixture.api.backend.received_code(number);
        answers.push(alike(&check(&id, &code).await));
        answers.push(alike(&check(&id, &code).await));
        answers.push(alike(&client.call("POST", &resend, None, &[]).await));
        answers
    };
    let begun = fixture.api.backend.clock.now();
    let known = story(KNOWN).await;
    let taken = fixture.api.backend.clock.now().millis_since(begun);
    // At the same time on another day: the responses are compared without the date.
    fixture.api.backend.clock.advance_millis(24 * 3_600_000 - i64::try_from(taken).unwrap());
    let unknown = story(UNKNOWN).await;
    let statuses: Vec<_> = known.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [201, 429, 429, 200, 422, 422, 422, 422, 200, 200, 410, 410]);
    let day = |at: Timestamp| at.to_string()[..10].to_owned();
    let (first, second) = (day(begun), day(begun.plus_seconds(24 * 3600)));
    for ((known, answer), (unknown, other)) in known.iter().zip(&unknown) {
        assert_eq!((known, answer.replace(&first, "day")), (unknown, other.replace(&second, "day")));
    }
}
