//! Setting up a tenant over REST only: the steps that a Logto admin knows, keys, and the way to production.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;

use sendbox_tests::api::{ApiFixture, LIVE, NUMBER, text};
use sendbox_tests::empty_tenant::{at, empty, fields, message, twilio, with_token};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::{START, TENANT};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_can_be_browsed() {
    let (_api, admin) = empty().await;
    let cards = admin.get("/v1/connectors").await.expect(200);
    let ids: Vec<_> = cards.as_array().unwrap().iter().map(|card| text(&card["id"])).collect();
    assert_eq!(ids, ["gatewayapi", "http", "twilio", "vonage"]);
    let card = &cards[2];
    assert!(text(&card["logo"]).contains("<svg") && text(&card["digest"]).starts_with("sha256:"), "{card}");
    assert_eq!((&card["content"], &card["reveals"]), (&json!("text"), &json!(false)));

    let detail = admin.get("/v1/connectors/twilio").await.expect(200);
    assert!(text(&detail["readme"]).starts_with('#'));
    let schema = &detail["parametersSchema"];
    // The auth token, or an API key in its place.
    assert_eq!(schema["required"], json!(["accountSID"]));
    for secret in ["authToken", "apiKeySecret"] {
        assert_eq!(schema["properties"][secret]["writeOnly"], true);
    }
    let reach = detail["reach"].as_array().unwrap();
    let home = reach.iter().find(|host| host["origin"] == "https://api.twilio.com").unwrap();
    let secrets: BTreeSet<String> = home["secrets"].as_array().unwrap().iter().map(text).collect();
    assert_eq!((&home["methods"], secrets.len()), (&json!(["POST"]), 2));
    assert!(secrets.contains("authToken") && secrets.contains("apiKeySecret"), "{home}");
    assert_eq!(home["message"]["recipient"], "the form field `To`");
    assert!(reach.iter().all(|host| !text(&host["purpose"]).is_empty()));
    assert!(detail["usages"].as_array().unwrap().contains(&json!("sign-in")));
    // The test service has no default texts; the tests of the command check those.
    assert!(detail["defaultTemplates"].is_array());
    admin.get("/v1/connectors/nobody").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mistakes_are_reported_at_once_and_nothing_is_saved() {
    let (_api, admin) = empty().await;
    let input = json!({
        "connector": "twilio",
        "parameters": {
            "accountSID": "AC-not-hex",
            "authToken": "",
            "from": "a sender that is too long",
            "disableRiskCheck": "yes",
            "region": "ie1",
            "colour": "blue",
        },
        "templates": [
            { "usage": "register", "content": "{{code}}" },
            { "usage": "sign-in", "content": "no place for it" },
            { "usage": "sign-up", "content": "{{code}}" },
            { "usage": "generic", "locale": "not a tag", "content": "{{code}}" },
            { "usage": "generic", "content": "{{code}}", "template": "17" },
        ],
    });
    let problem = admin.put(&at("connections/main"), &input).await.problem(422, "invalid-input");
    let fields: BTreeSet<_> = fields(&problem).into_iter().collect();
    for wanted in [
        "/parameters/accountSID",
        "/parameters/authToken",
        "/parameters/from",
        "/parameters/disableRiskCheck",
        "/templates/1/content",
        "/templates/2/usage",
        "/templates/3/locale",
        "/templates/4",
    ] {
        assert!(fields.contains(wanted), "{wanted} is not among {fields:?}");
    }
    assert!(fields.iter().any(|field| field.starts_with("/parameters") && problem.to_string().contains("edge")));
    assert!(problem.to_string().contains("colour"), "the unknown field is named: {problem}");
    assert_eq!(admin.get(&at("connections")).await.expect(200), json!([]));
    admin.get(&at("connections/main")).await.problem(404, "not-found");
    let audit = admin.get(&at("audit?action=connection.save")).await.expect(200);
    assert_eq!(audit["items"], json!([]));

    let unknown = json!({ "connector": "carrier-pigeon", "parameters": {} });
    let problem = admin.put(&at("connections/main"), &unknown).await.problem(422, "invalid-input");
    assert_eq!(problem["errors"][0]["field"], "/connector");
    assert!(text(&problem["detail"]).contains("http, twilio"), "the existing ones are named: {problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_previewed_before_it_is_saved() {
    let (api, admin) = empty().await;
    for (content, encoding, segments, outside, hint) in [
        ("{{code}} is your code.", "gsm7", 1, json!([]), None),
        ("{{code}} – your code", "ucs2", 1, json!(["–"]), Some("write `-` for `–`")),
        ("{{code}} 验证码", "ucs2", 1, json!(["验", "证", "码"]), Some("have no like there")),
        (&format!("{{{{code}}}} {}", "a".repeat(160)), "gsm7", 2, json!([]), Some("7 characters less")),
        (&format!("{{{{code}}}} ’{}", "a".repeat(100)), "ucs2", 2, json!(["’"]), Some("1 instead of 2 segments")),
    ] {
        let preview = admin.post(&at("template-previews"), &json!({ "content": content })).await.expect(200);
        assert_eq!(preview["text"], content.replace("{{code}}", "123456"));
        assert_eq!((&preview["encoding"], &preview["segments"]), (&json!(encoding), &json!(segments)), "{preview}");
        assert_eq!(preview["outsideGsm7"], outside);
        let hints = preview["hints"].to_string();
        assert!(hint.map_or(hints == "[]", |hint| hints.contains(hint)), "{hints}");
    }
    let body = json!({ "content": "{{code}} for {{app}}, {{ nick }}", "variables": { "app": "Acme" } });
    let preview = admin.post(&at("template-previews"), &body).await.expect(200);
    assert_eq!(preview["text"], "123456 for Acme, {{ nick }}");
    assert_eq!(preview["unknownVariables"], json!(["nick"]));

    // A small request does not become a large text.
    let large = json!({ "content": "{{a}}".repeat(1_600), "variables": { "a": "a".repeat(2_000) } });
    let problem = admin.post(&at("template-previews"), &large).await.problem(422, "invalid-input");
    assert!(fields(&problem)[0].ends_with("content") && problem.to_string().contains("1600"), "{problem}");

    // A missing mandatory usage is named.
    for missing in ["register", "sign-in", "forgot-password", "generic"] {
        let mut input = twilio();
        input["templates"].as_array_mut().unwrap().retain(|template| template["usage"] != missing);
        let problem = admin.put(&at("connections/main"), &input).await.problem(422, "invalid-input");
        assert_eq!(fields(&problem), ["/templates"]);
        assert!(text(&problem["errors"][0]["message"]).ends_with(&format!("for: {missing}")), "{problem}");
    }
    assert_eq!(api.backend.simulator.counters().requests, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_message_shows_what_happened() {
    let (api, admin) = empty().await;
    let token = text(&connection("twilio").0["authToken"]);
    let test = |input: Value, more: Value| {
        let mut test = input;
        test.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        test["to"] = json!(NUMBER);
        test
    };
    // Not saved, and nothing is sent.
    let dry = admin.post(&at("connection-tests"), &test(twilio(), json!({ "dryRun": true }))).await;
    let hidden = [NUMBER, "31415926", &token, "is your code"];
    assert!(hidden.iter().all(|value| !dry.text.contains(value)), "{}", dry.text);
    let dry = dry.expect(200);
    assert_eq!((&dry["outcome"], &dry["failure"]), (&json!("dry-run"), &Value::Null));
    assert!(text(&dry["requests"][0]["url"]).starts_with("https://api.twilio.com/2010-04-01/Accounts/AC"), "{dry}");
    assert_eq!(api.backend.simulator.counters().requests, 0);
    assert_eq!(admin.get(&at("audit?action=connection.test")).await.expect(200)["items"], json!([]));

    // Not saved, and it arrives.
    let sent = admin.post(&at("connection-tests"), &test(twilio(), json!({ "usage": "sign-in" }))).await;
    let code = api.backend.received_code(NUMBER);
    assert!(hidden.iter().chain([&code.as_str()]).all(|value| !sent.text.contains(value)), "{}", sent.text);
    let sent = sent.expect(200);
    assert_eq!(sent["outcome"], "accepted");
    assert!(text(&sent["providerMessageId"]).starts_with("SM"));
    assert_eq!(sent["size"]["segments"], 1);
    assert!(!sent["trace"].as_array().unwrap().is_empty());
    let request = &sent["requests"][0];
    assert_eq!((&request["method"], &request["carriesMessage"]), (&json!("POST"), &json!(true)));
    assert!(text(&request["body"]).contains('['), "it is shown where something is masked: {request}");
    assert_eq!(api.backend.received_count(NUMBER), 1);
    assert_eq!(admin.get(&at("messages")).await.expect(200)["items"], json!([]), "a test is not on the list");

    // Wrong credentials: the report says who refused, and what to do.
    let wrong = "ffffffffffffffffffffffffffffffff";
    let failed = admin.post(&at("connection-tests"), &test(with_token(wrong), json!({}))).await;
    assert!(!failed.text.contains(wrong), "{}", failed.text);
    let failed = failed.expect(200);
    assert_eq!((&failed["outcome"], &failed["providerMessageId"]), (&json!("failed"), &Value::Null));
    let failure = &failed["failure"];
    assert_eq!((&failure["class"], &failure["party"]), (&json!("authentication-failed"), &json!("provider")));
    assert_eq!(failure["providerCode"], "20003");
    assert!(!text(&failure["message"]).is_empty() && !text(&failure["advice"]).is_empty(), "{failure}");
    assert_eq!(api.backend.received_count(NUMBER), 1);

    // Invalid input is reported before anything is sent.
    let requests = api.backend.simulator.counters().requests;
    let problem = admin.post(&at("connection-tests"), &json!({ "connector": "twilio", "to": NUMBER })).await;
    let problem = problem.problem(422, "invalid-input");
    assert!(fields(&problem).iter().any(|field| field == "/templates"), "{problem}");
    admin.post(&at("connection-tests"), &test(twilio(), json!({ "usage": "!" }))).await.problem(422, "invalid-input");
    assert_eq!(api.backend.simulator.counters().requests, requests);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_switch_the_next_message_uses_the_other_connection() {
    let (api, admin) = empty().await;
    let (_, send_key) = api.create_key(TENANT, &["send"]).await;
    let sender = api.client(&send_key);
    let last = || api.backend.simulator.inbox().pop().unwrap().provider;
    admin.put(&at("connections/main"), &twilio()).await.expect(201);
    let own = json!({ "connector": "http", "parameters": connection("http").0 });
    admin.put(&at("connections/own"), &own).await.expect(201);
    assert_eq!(admin.get(&at("active-connection")).await.expect(200)["name"], Value::Null);
    admin.put(&at("active-connection"), &json!({ "name": "nobody" })).await.problem(404, "not-found");
    let active = admin.put(&at("active-connection"), &json!({ "name": "main" })).await.expect(200);
    assert_eq!((&active["name"], active.get("previous")), (&json!("main"), None));
    assert_eq!(active["flows"].as_array().unwrap().len(), 7, "all of a development tenant are on");
    sender.post(&at("messages"), &message("100001")).await.expect(200);
    assert_eq!(last(), "twilio");
    let active = admin.put(&at("active-connection"), &json!({ "name": "own" })).await.expect(200);
    assert_eq!((&active["name"], &active["previous"]), (&json!("own"), &json!("main")));
    sender.post(&at("messages"), &message("100002")).await.expect(200);
    assert_eq!(last(), "http");
    assert_eq!(admin.get(&format!("/v1/tenants/{TENANT}")).await.expect(200)["activeConnection"], "own");

    // The active connection is not deleted by accident.
    admin.put(&at("flows"), &flows(&["sign-in", "mfa"])).await.expect(200);
    let refused = admin.delete(&at("connections/own")).await.problem(409, "connection-in-use");
    assert_eq!(refused["flows"], json!(["sign-in", "mfa"]));
    let named = text(&refused["detail"]);
    assert!(named.contains("sign-in, mfa"), "{named}");
    sender.post(&at("messages"), &message("100003")).await.expect(200);
    assert_eq!(admin.delete(&at("connections/own?force=true")).await.status, 204);
    sender.post(&at("messages"), &message("100004")).await.problem(409, "no-active-connection");
    assert_eq!(admin.get(&at("active-connection")).await.expect(200)["name"], Value::Null);
    // An inactive one needs no force, unless the policy names it.
    let mut policy = admin.get(&at("policy")).await.expect(200);
    policy["delivery"]["fallbacks"] = json!(["main"]);
    admin.put(&at("policy"), &policy).await.expect(200);
    admin.delete(&at("connections/main?force=true")).await.problem(409, "conflict");
    policy["delivery"]["fallbacks"] = json!([]);
    admin.put(&at("policy"), &policy).await.expect(200);
    assert_eq!(admin.delete(&at("connections/main")).await.status, 204);

    // Everything is in the audit log, newest first.
    let audit = admin.get(&at("audit?limit=200")).await;
    assert!(!audit.text.contains(&text(&connection("twilio").0["authToken"])), "{}", audit.text);
    let items = audit.expect(200)["items"].clone();
    let entries: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|entry| format!("{} {}", text(&entry["action"]), text(&entry["target"])))
        .collect();
    let tenant = format!("tenant:{TENANT}");
    assert_eq!(entries[0], format!("tenant.create {tenant}"));
    assert_eq!(
        entries.iter().skip_while(|line| !line.starts_with("connection")).collect::<Vec<_>>(),
        [
            "connection.save connection:main",
            "connection.save connection:own",
            "connection.activate connection:main",
            "connection.activate connection:own",
            &format!("flows.change {tenant}"),
            "connection.delete connection:own",
            &format!("policy.change {tenant}"),
            &format!("policy.change {tenant}"),
            "connection.delete connection:main",
        ]
    );
    let entry = |line: &str| &items[entries.len() - 1 - entries.iter().position(|entry| entry == line).unwrap()];
    let switched = entry("connection.activate connection:own");
    assert_eq!((&switched["before"]["active"], &switched["after"]["active"]), (&json!("main"), &json!("own")));
    let changed = entry(&format!("flows.change {tenant}"));
    assert_eq!((&changed["before"]["sign-up"], &changed["after"]["sign-up"]), (&json!(true), &json!(false)));
    assert_eq!(changed["after"].get("mfa"), None, "unchanged connections are left out");
    let saved = entry("connection.save connection:main");
    assert_eq!((&saved["before"], &saved["after"]["connector"]), (&Value::Null, &json!("twilio")));
    assert!(saved["after"]["secrets"]["authToken"].is_string(), "the time when it was set, not its value");
    let deleted = entry("connection.delete connection:own");
    assert_eq!((&deleted["before"]["active"], &deleted["after"]), (&json!(true), &Value::Null));
    assert!(items.as_array().unwrap().iter().skip(9).all(|entry| entry["createdAt"].is_string()));
    let actors: BTreeSet<_> = items.as_array().unwrap()[..9].iter().map(|entry| text(&entry["actor"])).collect();
    assert!(actors.len() == 1 && actors.first().unwrap().starts_with("key:k"), "{actors:?}");
}

/// All seven flows, with these enabled.
fn flows(on: &[&str]) -> Value {
    let all = ["sign-up", "sign-in", "password-reset", "account-linking", "member-invitation", "identity-check", "mfa"];
    Value::Object(all.iter().map(|flow| ((*flow).to_owned(), json!(on.contains(flow)))).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_created_rotated_and_revoked() {
    let (api, admin) = empty().await;
    let tenant = format!("/v1/tenants/{TENANT}");
    let works = async |secret: &str| api.client(secret).get(&tenant).await.status;
    let made = admin.post(&at("keys"), &json!({ "name": "CI", "scopes": ["read"] })).await.expect(201);
    let (id, first) = (text(&made["id"]), text(&made["secret"]));
    assert!(first.starts_with(&format!("sbx_{id}_")), "its id is in it");
    let listed = admin.get(&at("keys")).await;
    assert!(!listed.text.contains(&first), "{}", listed.text);
    let entry = listed.json.as_array().unwrap().iter().find(|key| key["id"] == *id).unwrap().clone();
    assert_eq!((&entry["name"], &entry["scopes"], entry.get("secret")), (&json!("CI"), &json!(["read"]), None));
    assert_eq!(works(&first).await, 200);

    // Both work during the grace period, and then only the new one.
    let rotate = |grace: u64| json!({ "graceSeconds": grace });
    let rotated = admin.post(&at(&format!("keys/{id}/rotate")), &rotate(3600)).await.expect(200);
    let second = text(&rotated["secret"]);
    assert!(first != second && rotated["previousSecretExpiresAt"].is_string());
    assert_eq!((works(&first).await, works(&second).await), (200, 200));
    api.backend.clock.advance_millis(3_599_000);
    assert_eq!((works(&first).await, works(&second).await), (200, 200));
    api.backend.clock.advance_millis(1_000);
    assert_eq!((works(&first).await, works(&second).await), (401, 200));
    // Without a grace period it takes effect immediately, also without a body.
    let third = text(&admin.call("POST", &at(&format!("keys/{id}/rotate")), None, &[]).await.expect(200)["secret"]);
    assert_eq!((works(&second).await, works(&third).await), (401, 200));
    admin.post(&at(&format!("keys/{id}/rotate")), &rotate(604_801)).await.problem(422, "invalid-input");
    admin.post(&at("keys/knobody/rotate"), &rotate(1)).await.problem(404, "not-found");
    assert_eq!(works(&third).await, 200);

    // Deleted, it is unknown.
    assert_eq!(admin.delete(&at(&format!("keys/{id}"))).await.status, 204);
    api.client(&third).get(&tenant).await.problem(401, "unauthenticated");
    admin.delete(&at(&format!("keys/{id}"))).await.problem(404, "not-found");

    // A key with an expiry expires.
    let at_end = START.plus_seconds(7200).to_string();
    let new = json!({ "name": "short", "scopes": ["read"], "expiresAt": at_end });
    let short = text(&admin.post(&at("keys"), &new).await.expect(201)["secret"]);
    assert_eq!(works(&short).await, 200);
    api.backend.clock.advance_millis(3_600_000);
    api.client(&short).get(&tenant).await.problem(401, "unauthenticated");

    // All errors of a new key at once.
    let past = START.to_string();
    let wrong = json!({ "name": " ", "scopes": [], "expiresAt": past });
    let problem = admin.post(&at("keys"), &wrong).await.problem(422, "invalid-input");
    assert_eq!(fields(&problem).len(), 3, "{problem}");

    let audit = admin.get(&at("audit")).await;
    for secret in [&first, &second, &third, &short] {
        // `sbx_`, the id, `_`, and the secret, which may contain `_` itself.
        assert!(!audit.text.contains(secret.splitn(3, '_').nth(2).unwrap()));
    }
    let actions: BTreeSet<_> =
        audit.json["items"].as_array().unwrap().iter().map(|entry| text(&entry["action"])).collect();
    assert!(["key.create", "key.rotate", "key.delete"].iter().all(|action| actions.contains(*action)), "{actions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tested_connection_goes_to_production() {
    let (api, admin) = empty().await;
    api.create_tenant(LIVE, "production").await;
    let platform = api.platform();
    let promote = async |body: Value| platform.post(&at("promotions"), &body).await;
    let live = async |path: &str| platform.get(&format!("/v1/tenants/{LIVE}/{path}")).await;
    let token = text(&connection("twilio").0["authToken"]);
    let to = |tenant: &str| json!({ "connection": "main", "targetTenant": tenant });
    let plain = to(LIVE);
    admin.put(&at("connections/main"), &twilio()).await.expect(201);

    promote(json!({ "connection": "nobody", "targetTenant": LIVE })).await.problem(404, "not-found");
    let refused = promote(to("nobody")).await.problem(422, "invalid-input");
    assert!(refused["errors"][0]["field"].as_str().unwrap().ends_with("targetTenant"));
    let untested = promote(plain.clone()).await.problem(409, "conflict");
    assert!(text(&untested["detail"]).contains("/connection-tests"), "{untested}");
    let test = json!({ "connection": "main", "to": NUMBER });
    let tested = admin.post(&at("connection-tests"), &test).await.expect(200);
    assert_eq!(tested["outcome"], "accepted");
    assert!(admin.get(&at("connections/main")).await.expect(200)["testedAt"].is_string());
    // In one direction only, and not between tenants of one environment.
    let back = format!("/v1/tenants/{LIVE}/promotions");
    platform.post(&back, &to(TENANT)).await.problem(409, "conflict");
    api.create_tenant("second-stage", "development").await;
    promote(to("second-stage")).await.problem(409, "conflict");

    // First a preview, which changes nothing.
    let look = promote(plain.clone()).await;
    assert!(!look.text.contains(&token), "{}", look.text);
    let look = look.expect(200);
    assert_eq!((&look["applied"], &look["replaces"], &look["active"]), (&json!(false), &json!(false), &json!(false)));
    let changes = look["changes"].as_array().unwrap();
    let change = |field: &str| changes.iter().find(|change| change["field"] == field);
    assert_eq!(change("/parameters/authToken").unwrap()["after"], "set");
    assert_eq!(change("/connector").unwrap()["after"], "twilio");
    assert!(change("/templates/sign-in").is_some(), "{changes:?}");
    assert_eq!(live("connections").await.expect(200), json!([]));

    // A change in between invalidates the confirmation.
    let confirmed = |look: &Value| {
        let mut body = plain.clone();
        body["confirmationToken"] = look["confirmationToken"].clone();
        body
    };
    let mut changed = twilio();
    changed["templates"][0]["content"] = json!("{{code}} is your code to join.");
    admin.put(&at("connections/main"), &changed).await.expect(200);
    promote(confirmed(&look)).await.problem(409, "conflict");
    admin.post(&at("connection-tests"), &test).await.expect(200);
    promote(confirmed(&look)).await.problem(409, "diff-changed");
    promote(confirmed(&json!({ "confirmationToken": "yes" }))).await.problem(409, "diff-changed");
    assert_eq!(live("connections").await.expect(200), json!([]));
    let look = promote(plain.clone()).await.expect(200);
    let done = promote(confirmed(&look)).await.expect(200);
    assert_eq!((&done["applied"], &done["changes"]), (&json!(true), &look["changes"]));
    assert_eq!(done["confirmationToken"], Value::Null);
    let there = live("connections/main").await;
    assert!(!there.text.contains(&token), "{}", there.text);
    let there = there.expect(200);
    assert_eq!((&there["active"], &there["templates"]), (&json!(false), &changed["templates"]));
    assert!(there["testedAt"].is_string() && there["secrets"]["authToken"].is_string(), "{there}");
    // Now there is nothing to change, and the same token does not work again.
    promote(confirmed(&look)).await.problem(409, "diff-changed");
    assert_eq!(promote(plain.clone()).await.expect(200)["changes"], json!([]));

    // It sends there, once that tenant allows messages.
    let put = async |path: &str, body: Value| platform.put(&format!("/v1/tenants/{LIVE}/{path}"), &body).await;
    put("active-connection", json!({ "name": "main" })).await.expect(200);
    let (_, key) = api.create_key(LIVE, &["send"]).await;
    let send = async || api.client(&key).post(&format!("/v1/tenants/{LIVE}/messages"), &message("100001")).await;
    assert_eq!(send().await.problem(409, "flow-disabled")["flow"], "sign-in");
    put("flows", flows(&["sign-in"])).await.expect(200);
    assert_eq!(send().await.problem(403, "country-not-allowed")["country"], "DK");
    put("policy", json!({ "countries": { "only": ["DK"] } })).await.expect(200);
    send().await.expect(200);

    // The secret must be entered again; another account is untested.
    let mut ask = json!({ "connection": "main", "targetTenant": LIVE, "targetConnection": "second", "secrets": "ask" });
    let missing = promote(ask.clone()).await.problem(422, "invalid-input");
    assert_eq!(fields(&missing), ["/parameters/authToken"]);
    let other = "fedcba9876543210fedcba9876543210";
    ask["parameters"] = json!({ "authToken": other });
    ask["confirmationToken"] = promote(ask.clone()).await.expect(200)["confirmationToken"].clone();
    let done = promote(ask.clone()).await;
    assert!(!done.text.contains(other) && !done.text.contains(&token), "{}", done.text);
    assert_eq!(done.expect(200)["targetConnection"], "second");
    assert_eq!(live("connections/second").await.expect(200)["testedAt"], Value::Null);
    let mut look = plain.clone();
    look["targetConnection"] = json!("second");
    let look = promote(look).await.expect(200);
    assert_eq!(
        look["changes"],
        json!([{ "field": "/parameters/authToken", "before": "set", "after": "set (another value)" }])
    );

    let audit = live("audit").await;
    assert!(!audit.text.contains(other) && !audit.text.contains(&token), "{}", audit.text);
    let promoted = audit.json["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "connection.promote");
    assert_eq!(promoted.unwrap()["after"]["promotedFrom"], format!("{TENANT}/main"));
    assert_eq!(promoted.unwrap()["actor"], "platform");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_policy_test_numbers_and_unlocking() {
    let fixture = ApiFixture::new().await;
    let admin = fixture.api.client(&fixture.owner);
    let verify = |usage: &str, number: &str| json!({ "to": number, "usage": usage });

    let off = admin.put(&at("flows"), &flows(&["sign-in"])).await.expect(200);
    assert_eq!(off, flows(&["sign-in"]));
    assert_eq!(admin.get(&at("flows")).await.expect(200), off);
    let mfa = admin.post(&at("verifications"), &verify("mfa-verification", NUMBER)).await.problem(409, "flow-disabled");
    assert_eq!(mfa["flow"], "mfa");
    admin.post(&at("verifications"), &verify("generic", NUMBER)).await.expect(201);

    // All values that are out of range at once, and nothing is stored.
    let policy = admin.get(&at("policy")).await.expect(200);
    let wrong = json!({
        "codes": { "digits": 4, "lifetimeSeconds": 601, "maxTries": 0, "maxSends": 11 },
        "limits": { "numberPerHour": 0, "cooldownSeconds": 601 },
        "countries": { "only": ["dk"] },
        "spend": { "currency": "euro", "capPerMonthMicros": 1, "pricePerSegmentMicros": 2_000_000_000, "prices": { "DNK": 1 } },
        "delivery": { "maxMessages": 4, "fallbacks": ["nobody", "nobody"], "routes": { "DK": "nobody" } },
        "originDomain": "https://example.com",
    });
    let problem = admin.put(&at("policy"), &wrong).await.problem(422, "invalid-input");
    let found: BTreeSet<_> = fields(&problem).into_iter().collect();
    let wanted = [
        "/codes/digits",
        "/codes/lifetimeSeconds",
        "/codes/maxSends",
        "/codes/maxTries",
        "/countries/only",
        "/delivery/fallbacks/0",
        "/delivery/fallbacks/1",
        "/delivery/maxMessages",
        "/delivery/routes/DK",
        "/limits/cooldownSeconds",
        "/limits/numberPerHour",
        "/originDomain",
        "/spend/currency",
        "/spend/pricePerSegmentMicros",
        "/spend/prices/DNK",
    ];
    assert_eq!(found, wanted.map(str::to_owned).into());
    assert_eq!(admin.get(&at("policy")).await.expect(200), policy);
    let mut longer = policy.clone();
    longer["codes"]["digits"] = json!(8);
    assert_eq!(admin.put(&at("policy"), &longer).await.expect(200), longer);
    admin.post(&at("verifications"), &verify("sign-in", NUMBER)).await.expect(201);
    assert_eq!(fixture.api.backend.received_code(NUMBER).len(), 8);

    // A number that never receives a message, and whose code is always right.
    let fixed = json!({ "numbers": [{ "number": "+45 87 65 43 21", "code": "424242" }] });
    let set = admin.put(&at("test-numbers"), &fixed).await.expect(200);
    assert_eq!(set, json!({ "numbers": ["+45…21"] }));
    assert_eq!(admin.get(&at("test-numbers")).await.expect(200), set);
    let started = admin.post(&at("verifications"), &verify("sign-in", "+4587654321")).await.expect(201);
    assert_eq!((&started["test"], &started["to"]), (&json!(true), &json!("+45…21")));
    assert_eq!(fixture.api.backend.received_count("+4587654321"), 0);
    let check = at(&format!("verifications/{}/check", text(&started["id"])));
    admin.post(&check, &json!({ "code": "424243" })).await.problem(422, "wrong-code");
    assert_eq!(admin.post(&check, &json!({ "code": "424242" })).await.expect(200)["status"], "approved");
    let wrong = json!({ "numbers": [{ "number": "12", "code": "1" }, { "number": "+4512345678", "code": "abcdef" }] });
    let problem = admin.put(&at("test-numbers"), &wrong).await.problem(422, "invalid-input");
    let found = fields(&problem);
    assert_eq!(found, ["/numbers/0/code", "/numbers/0/number", "/numbers/1/code"], "{problem}");
    let audit = admin.get(&at("audit?limit=200")).await;
    assert!(!audit.text.contains("87654321") && !audit.text.contains("424242"), "{}", audit.text);

    // A production tenant gets them from the platform only: whoever signs in with one needs no phone.
    let live = format!("/v1/tenants/{LIVE}/test-numbers");
    let manager = fixture.api.client(&fixture.api.create_key(LIVE, &["manage"]).await.1);
    manager.put(&live, &fixed).await.problem(403, "platform-only");
    fixture.api.platform().put(&live, &fixed).await.expect(200);
    manager.put(&live, &json!({ "numbers": [] })).await.expect(200);

    // A hundred wrong codes lock a number; an admin unlocks it.
    let (mut check, mut code) = (String::new(), String::new());
    for checks in [5; 19].into_iter().chain([4, 1]) {
        let id = text(&admin.post(&at("verifications"), &verify("sign-in", NUMBER)).await.expect(201)["id"]);
        (check, code) = (at(&format!("verifications/{id}/check")), fixture.api.backend.received_code(NUMBER));
        let wrong = if code == "00000000" { "11111111" } else { "00000000" };
        for _ in 0..checks {
            admin.post(&check, &json!({ "code": wrong })).await.problem(422, "wrong-code");
        }
    }
    for (path, body) in [(&check, json!({ "code": code })), (&at("verifications"), verify("sign-in", NUMBER))] {
        let refused = admin.post(path, &body).await;
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3600..=25 * 3600).contains(&seconds), "{path}: {seconds}");
        assert_eq!(refused.problem(429, "limit-reached")["limit"], "recipient-failures", "{path}");
    }
    assert_eq!(admin.post(&at("unlocks"), &json!({ "number": NUMBER })).await.status, 204);
    assert_eq!(admin.post(&check, &json!({ "code": code })).await.expect(200)["status"], "approved");
    let audit = admin.get(&at("audit?action=number.unlock")).await.expect(200);
    let entry = &audit["items"][0];
    assert_eq!(entry["target"], "number:+45…26");
    assert_eq!((&entry["before"]["failedChecks"], &entry["after"]["failedChecks"]), (&json!(100), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_that_are_left_out_are_disabled() {
    let (_api, admin) = empty().await;
    // As the document says for this operation.
    let set = admin.put(&at("flows"), &json!({ "sign-in": true })).await.expect(200);
    assert_eq!(set, flows(&["sign-in"]));
}
