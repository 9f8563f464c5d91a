//! Messages and verifications over REST: what the platform keeps with them, lists and searches, cancelling, languages, kinds of numbers;
//! and settings that two admins change at the same time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_tests::api::{Api, Client, NUMBER, text};
use sendbox_tests::empty_tenant::{at, empty, fields, message, twilio};
use sendbox_tests::test_service::{TENANT, open_limits};
use serde_json::{Value, json};

/// A tenant that sends, its admin, and a client with a key that sends and verifies.
async fn sending() -> (Api, Client, Client) {
    let (api, admin) = empty().await;
    admin.put(&at("connections/main"), &twilio()).await.expect(201);
    admin.put(&at("active-connection"), &json!({ "name": "main" })).await.expect(200);
    let (_, key) = api.create_key(TENANT, &["send", "verify", "read"]).await;
    let platform = api.client(&key);
    (api, admin, platform)
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|entry| text(&entry["id"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_platform_keeps_with_a_message_is_shown_and_found() {
    let (api, _, platform) = sending().await;
    let mut new = message("100001");
    new["reference"] = json!("session-8812");
    new["metadata"] = json!({ "plan": "pro", "cart.id": "" });
    let sent = platform.post(&at("messages"), &new).await.expect(200);
    assert_eq!((&sent["reference"], &sent["metadata"]), (&new["reference"], &new["metadata"]));
    let id = text(&sent["id"]);
    let there = platform.get(&at(&format!("messages/{id}"))).await.expect(200);
    assert_eq!((&there["reference"], &there["metadata"]), (&new["reference"], &new["metadata"]));
    let bare = platform.post(&at("messages"), &message("100002")).await.expect(200);
    assert_eq!((&bare["reference"], &bare["metadata"]), (&Value::Null, &json!({})));

    api.backend.clock.advance_millis(1000);
    // The message of a verification has what the verification has.
    let verification =
        json!({ "to": "+4520918374", "usage": "sign-in", "reference": "session-8812", "metadata": { "a": "b" } });
    let verification = platform.post(&at("verifications"), &verification).await.expect(201);
    assert_eq!((&verification["reference"], &verification["metadata"]), (&json!("session-8812"), &json!({ "a": "b" })));
    let of_verification = text(&verification["message"]["id"]);
    let found = platform.get(&at("messages?reference=session-8812")).await.expect(200);
    assert_eq!(ids(&found), [of_verification, id]);
    assert_eq!(found["items"][0]["metadata"], json!({ "a": "b" }));
    assert!(ids(&platform.get(&at("messages?reference=session-881")).await.expect(200)).is_empty());
    let found = platform.get(&at("verifications?reference=session-8812")).await.expect(200);
    assert_eq!(ids(&found), [text(&verification["id"])]);

    // The same key with another reference is another request.
    let key = [("idempotency-key", "k1")];
    platform.call("POST", &at("messages"), Some(&new), &key).await.expect(200);
    platform.call("POST", &at("messages"), Some(&new), &key).await.expect(200);
    new["reference"] = json!("session-8813");
    platform.call("POST", &at("messages"), Some(&new), &key).await.problem(422, "idempotency-mismatch");

    for (field, value, wrong) in [
        ("reference", json!("x".repeat(129)), "/reference"),
        ("reference", json!(""), "/reference"),
        ("metadata", json!({ "a b": "x" }), "/metadata"),
        ("metadata", json!({ "plan": "x".repeat(201) }), "/metadata/plan"),
    ] {
        for (path, mut new) in
            [("messages", message("100003")), ("verifications", json!({ "to": NUMBER, "usage": "sign-in" }))]
        {
            new[field] = value.clone();
            assert_eq!(fields(&platform.post(&at(path), &new).await.problem(422, "invalid-input")), [wrong], "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_looked_for_in_a_body_and_lists_have_pages() {
    let (api, _, platform) = sending().await;
    for number in ["+4520918371", "+4520918372", "+4520918371"] {
        let new = json!({ "to": number, "usage": "sign-in" });
        platform.post(&at("verifications"), &new).await.expect(201);
        api.backend.clock.advance_millis(1000);
    }
    let all = ids(&platform.get(&at("verifications")).await.expect(200));
    assert_eq!(all.len(), 3);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = platform.get(&at(&format!("verifications?limit=2{cursor}"))).await.expect(200);
        seen.extend(ids(&page));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    for number in ["+4520918371", "+45 20 91 83 71", "\u{202a}+45 20 91 83 71\u{202c}"] {
        let search = json!({ "to": number });
        let found = platform.post(&at("verifications/search"), &search).await.expect(200);
        assert_eq!(ids(&found), [all[0].clone(), all[2].clone()], "{number}");
        let found = platform.post(&at("messages/search"), &search).await.expect(200);
        assert_eq!(ids(&found).len(), 2, "{number}");
    }
    let found = platform.post(&at("messages/search"), &json!({ "to": "+4520918371", "limit": 1 })).await.expect(200);
    let next = json!({ "to": "+4520918371", "limit": 1, "cursor": found["nextCursor"] });
    let last = platform.post(&at("messages/search"), &next).await.expect(200);
    assert!(last.get("nextCursor").is_none() && ids(&last) != ids(&found), "{last}");
    let wrong = platform.post(&at("messages/search"), &json!({ "to": "+15" })).await.problem(422, "invalid-input");
    assert_eq!(fields(&wrong), ["/to"]);
    // A number has no place in a URL.
    platform.get(&at("messages?to=%2B4520918371")).await.problem(422, "invalid-input");
    platform.get(&at("verifications?to=%2B4520918371")).await.problem(422, "invalid-input");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_waits_can_be_cancelled_and_costs_nothing() {
    let (api, admin, platform) = sending().await;
    let mut limits = serde_json::to_value(open_limits()).unwrap();
    limits["numberPerHour"] = json!(1);
    admin.put(&at("policy"), &json!({ "limits": limits, "countries": { "all": true } })).await.expect(200);
    api.backend.simulator.inject_spec("twilio=retry-after:300,times=1".parse().unwrap()).unwrap();
    let waiting = platform.post(&at("messages"), &message("100001")).await.expect(202);
    let cancel = at(&format!("messages/{}/cancel", text(&waiting["id"])));
    platform.post(&at("messages"), &message("100002")).await.problem(429, "limit-reached");
    admin.post(&cancel, &json!({})).await.problem(403, "insufficient-scope");
    let cancelled = platform.post(&cancel, &json!({})).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["nextAttemptAt"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(cancelled["failure"]["requestSent"], "no");
    assert_eq!(platform.post(&cancel, &json!({})).await.expect(200), cancelled);
    assert_eq!(api.backend.received_count(NUMBER), 0);

    // It has given back its place.
    let sent = platform.post(&at("messages"), &message("100003")).await.expect(200);
    let cancel = at(&format!("messages/{}/cancel", text(&sent["id"])));
    let problem = platform.post(&cancel, &json!({})).await.problem(409, "conflict");
    assert!(text(&problem["detail"]).contains("`accepted`"), "{problem}");
    let verification = json!({ "to": "+4520918374", "usage": "sign-in" });
    let verification = platform.post(&at("verifications"), &verification).await.expect(201);
    let cancel = at(&format!("messages/{}/cancel", text(&verification["message"]["id"])));
    let problem = platform.post(&cancel, &json!({})).await.problem(409, "conflict");
    assert!(text(&problem["detail"]).contains("cancel the verification"), "{problem}");
    platform.post(&at("messages/m0/cancel"), &json!({})).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_language_a_code_is_sent() {
    let (api, admin, platform) = sending().await;
    let mut connection = twilio();
    let templates = connection["templates"].as_array_mut().unwrap();
    for (locale, content) in
        [("de", "{{code}} ist Ihr Code"), ("zh-CN", "{{code}} 验证码"), ("pt-BR", "{{code}} e o codigo")]
    {
        templates.push(json!({ "usage": "sign-in", "locale": locale, "content": content }));
    }
    admin.put(&at("connections/main"), &connection).await.expect(200);
    for (number, locale, stored, sent) in [
        (10, "de_DE.UTF-8", Some("de-DE"), "ist Ihr Code"),
        (11, "de-AT,de;q=0.9,en", Some("de-AT"), "ist Ihr Code"),
        (12, "zh_Hans_CN", Some("zh-Hans-CN"), "验证码"),
        (13, "pt_PT", Some("pt-PT"), "codigo"),
        (14, "zh-TW", Some("zh-TW"), ""),
        (15, "*", None, ""),
        (16, "!", None, ""),
        (17, "en_AE", Some("en-AE"), ""),
    ] {
        let number = format!("+45209183{number}");
        let new = json!({ "to": number, "usage": "sign-in", "code": "100001", "locale": locale });
        let message = platform.post(&at("messages"), &new).await.expect(200);
        assert_eq!(message["locale"].as_str(), stored, "{locale}");
        let inbox = api.backend.simulator.inbox();
        let text = inbox.iter().find(|message| message.to.ends_with(&number[1..])).unwrap().text.clone().unwrap();
        let is_other = ["ist Ihr Code", "验证码", "codigo"].iter().any(|known| text.contains(known));
        assert_eq!((text.contains(sent), is_other), (true, !sent.is_empty()), "{locale}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_cost_the_sender_are_refused_unless_the_policy_allows_them() {
    let (_api, admin, platform) = sending().await;
    let send = async |number: &str| {
        let new = json!({ "to": number, "usage": "sign-in", "code": "100001" });
        platform.post(&at("messages"), &new).await
    };
    for number in ["+44 909 879 0000", "+44 70 1234 5678", "+44 76 4012 3456", "+49 180 2 123456"] {
        send(number).await.problem(403, "number-kind-not-allowed");
        let verification = json!({ "to": number, "usage": "sign-in" });
        platform.post(&at("verifications"), &verification).await.problem(403, "number-kind-not-allowed");
    }
    send("+44 20 7946 0018").await.expect(200);
    let policy = |numbers: Value| json!({ "limits": open_limits(), "countries": { "all": true }, "numbers": numbers });
    admin.put(&at("policy"), &policy(json!({ "landlines": false, "personal": true }))).await.expect(200);
    let problem = send("+44 20 7946 0018").await.problem(403, "number-kind-not-allowed");
    assert!(text(&problem["detail"]).contains("`landline`"), "{problem}");
    send("+44 70 1234 5678").await.expect(200);
    // New area codes are of the country of their calling code.
    admin.put(&at("policy"), &json!({ "limits": open_limits(), "countries": { "only": ["US"] } })).await.expect(200);
    send("+1 624 222 4624").await.expect(200);
    send("+881 612345678").await.problem(403, "country-not-allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_admins_do_not_overwrite_each_other() {
    let (_api, admin, _) = sending().await;
    for (path, changed) in [
        ("policy", json!({ "limits": open_limits(), "countries": { "all": true }, "originDomain": "example.com" })),
        ("connections/main", twilio()),
    ] {
        let tag = |response: &sendbox_tests::api::ApiResponse| text(&json!(response.headers["etag"].to_str().unwrap()));
        let put = async |tag: &str| admin.call("PUT", &at(path), Some(&changed), &[("if-match", tag)]).await;
        let read = tag(&admin.get(&at(path)).await);
        assert_eq!(tag(&admin.get(&at(path)).await), read, "nothing has changed");
        let saved = put(&read).await;
        let newer = tag(&saved);
        saved.expect(200);
        assert_ne!(newer, read, "{path}");
        let problem = put(&read).await.problem(412, "precondition-failed");
        assert!(text(&problem["detail"]).contains("read it again"), "{problem}");
        assert_eq!(tag(&admin.get(&at(path)).await), newer, "nothing was saved");
        put(&format!("W/{newer}")).await.expect(200);
        put("*").await.expect(200);
        put("without-quotation-marks").await.problem(422, "invalid-input");
        admin.put(&at(path), &changed).await.expect(200);
    }
    let new = admin.call("PUT", &at("connections/new"), Some(&twilio()), &[("if-match", "*")]).await;
    new.problem(412, "precondition-failed");
    admin.get(&at("connections/new")).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_names_the_key_and_a_message_what_it_lacked() {
    let (_api, admin, platform) = sending().await;
    let mut connection = twilio();
    let content = "{{app}}: {{code}}";
    let usages = ["generic", "register", "forgot-password", "sign-in"];
    connection["templates"] = usages.map(|usage| json!({ "usage": usage, "content": content })).into_iter().collect();
    let saved = admin.put(&at("connections/main"), &connection).await.expect(200);
    assert_eq!(saved["neededVariables"], json!(["app"]));
    let audit = admin.get(&at("audit?action=connection.save")).await.expect(200);
    let entry = &audit["items"][0];
    assert!(text(&entry["actor"]).starts_with("key:") && entry["actorName"] == "manage", "{entry}");

    let sent = platform.post(&at("messages"), &message("100001")).await.expect(200);
    let there = platform.get(&at(&format!("messages/{}", text(&sent["id"])))).await.expect(200);
    assert_eq!(there["attempts"][0]["detail"]["unfilledVariables"], json!(["app"]));
    let mut filled = message("100002");
    filled["variables"] = json!({ "app": "Acme" });
    let sent = platform.post(&at("messages"), &filled).await.expect(200);
    let there = platform.get(&at(&format!("messages/{}", text(&sent["id"])))).await.expect(200);
    assert_eq!(there["attempts"][0]["detail"]["unfilledVariables"], json!([]));
}
