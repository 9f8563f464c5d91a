//! Secrets of connections, over REST: they go in, never come out, and go only where they were given for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_tests::api::{ApiResponse, LIVE, NUMBER, text};
use sendbox_tests::empty_tenant::{at, empty, message, twilio, with_token};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::TENANT;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_go_in_and_never_come_out() {
    let (api, admin) = empty().await;
    let (_, send_key) = api.create_key(TENANT, &["send"]).await;
    let sender = api.client(&send_key);
    let token = text(&connection("twilio").0["authToken"]);
    let hidden = |answer: ApiResponse, status| {
        assert!(!answer.text.contains(&token), "{}", answer.text);
        answer.expect(status)
    };
    let first = admin.put(&at("connections/main"), &twilio()).await;
    assert_eq!(first.headers["location"], at("connections/main").as_str());
    let first = hidden(first, 201);
    assert_eq!((&first["revision"], &first["active"], &first["testedAt"]), (&json!(1), &json!(false), &Value::Null));
    let set = text(&first["secrets"]["authToken"]);
    assert!(first["parameters"].get("authToken").is_none(), "{first}");
    sender.post(&at("messages"), &message("100001")).await.problem(409, "no-active-connection");
    admin.put(&at("active-connection"), &json!({ "name": "main" })).await.expect(200);
    sender.post(&at("messages"), &message("100002")).await.expect(200);

    // If it is left out, it stays: the provider accepts the next message.
    api.backend.clock.advance_millis(5_000);
    let mut without = twilio();
    without["parameters"].as_object_mut().unwrap().remove("authToken");
    without["templates"][1]["content"] = json!("{{code}} lets you in.");
    let second = hidden(admin.put(&at("connections/main"), &without).await, 200);
    assert_eq!((&second["revision"], &second["active"]), (&json!(2), &json!(true)));
    assert_eq!(text(&second["secrets"]["authToken"]), set, "its age is unchanged");
    sender.post(&at("messages"), &message("100003")).await.expect(200);
    let last = api.backend.simulator.inbox().pop().unwrap();
    assert_eq!(last.text.as_deref(), Some("100003 lets you in."));

    // A new one applies from the next message on, and the connection shows it.
    let third = hidden(admin.put(&at("connections/main"), &with_token("another-token-of-the-tenant")).await, 200);
    assert_ne!(text(&third["secrets"]["authToken"]), set);
    let failed = sender.post(&at("messages"), &message("100004")).await.problem(424, "message-not-sent");
    assert_eq!(failed["message"]["failure"]["class"], "authentication-failed");
    // Removing it would leave the connection incomplete, so the change is refused.
    let mut null = twilio();
    null["parameters"]["authToken"] = Value::Null;
    let problem = admin.put(&at("connections/main"), &null).await.problem(422, "invalid-input");
    assert!(problem.to_string().contains("authToken"), "{problem}");
    hidden(admin.put(&at("connections/main"), &twilio()).await, 200);
    // An error about the whole does not show what is stored.
    let mut bare = twilio();
    bare["parameters"] = json!({ "region": "us1" });
    hidden(admin.put(&at("connections/main"), &bare).await, 422);
    let test = json!({ "connection": "main", "to": NUMBER, "parameters": {} });
    hidden(admin.post(&at("connection-tests"), &test).await, 422);
    sender.post(&at("messages"), &message("100005")).await.expect(200);

    for path in ["connections", "connections/main", "audit", "messages"] {
        hidden(admin.get(&at(path)).await, 200);
    }
}

/// Whoever may change where a connection sends must not get its secrets at a host of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_secret_goes_to_no_host_that_it_was_not_given_for() {
    const SECRET: &str = "Bearer zu-8Lq2-the-stored-secret";
    const HOME: &str = "https://hooks.simulator.test/send";
    const AWAY: &str = "https://collect.attacker.test/send";
    let (api, admin) = empty().await;
    api.create_tenant(LIVE, "production").await;
    let input = |endpoint: &str, secret: Option<&str>| {
        let mut parameters = json!({ "endpoint": endpoint });
        if let Some(secret) = secret {
            parameters["authorization"] = json!(secret);
        }
        json!({ "connector": "http", "parameters": parameters })
    };
    let test = |endpoint: &str, secret: Option<&str>, dry_run: bool| {
        let mut test = input(endpoint, secret);
        test.as_object_mut().unwrap().extend([
            ("connection".to_owned(), json!("main")),
            ("to".to_owned(), json!(NUMBER)),
            ("dryRun".to_owned(), json!(dry_run)),
        ]);
        test
    };
    let promotion = |endpoint: &str| {
        json!({
            "connection": "main", "targetTenant": LIVE, "secrets": "copy", "parameters": { "endpoint": endpoint },
        })
    };
    let is_refused = |answer: ApiResponse| {
        let problem = answer.problem(422, "invalid-input");
        let error =
            problem["errors"].as_array().unwrap().iter().find(|error| error["code"] == "secret-for-other-hosts");
        let error = error.unwrap_or_else(|| panic!("{problem}"));
        assert_eq!(error["field"], "/parameters/authorization");
        assert!(text(&error["message"]).contains("https://collect.attacker.test"), "{problem}");
        assert!(!problem.to_string().contains("zu-8Lq2"), "{problem}");
    };
    admin.put(&at("connections/main"), &input(HOME, Some(SECRET))).await.expect(201);
    let tested = admin.post(&at("connection-tests"), &test(HOME, None, false)).await.expect(200);
    assert_eq!(tested["outcome"], "accepted");
    let audit = admin.get(&at("audit?action=connection.test")).await.expect(200);
    assert_eq!(audit["items"][0]["after"]["hosts"], json!(["https://hooks.simulator.test"]));

    let saved = admin.get(&at("connections/main")).await.expect(200);

    // Another host, or the same name with another port, wherever it is given.
    for dry_run in [true, false] {
        is_refused(admin.post(&at("connection-tests"), &test(AWAY, None, dry_run)).await);
    }
    is_refused(admin.put(&at("connections/main"), &input(AWAY, None)).await);
    is_refused(api.platform().post(&at("promotions"), &promotion(AWAY)).await);
    let port = input("https://hooks.simulator.test:8443/send", None);
    admin.put(&at("connections/main"), &port).await.problem(422, "invalid-input");
    assert_eq!(admin.get(&at("connections/main")).await.expect(200), saved, "nothing is saved");

    // Another path of the same host keeps it; with another host it is given again.
    admin.post(&at("connection-tests"), &test("https://hooks.simulator.test/other", None, true)).await.expect(200);
    admin.post(&at("connection-tests"), &test(AWAY, Some("Bearer another"), true)).await.expect(200);
    api.platform().post(&at("promotions"), &promotion(HOME)).await.expect(200);
    admin.put(&at("connections/main"), &input(AWAY, Some("Bearer another"))).await.expect(200);
    // And the way back is another change of hosts.
    let back = admin.put(&at("connections/main"), &input(HOME, None)).await.problem(422, "invalid-input");
    assert!(text(&back["errors"][0]["message"]).contains("https://hooks.simulator.test"), "{back}");
}
