//! Secrets of connections, over REST: they go in, never come out, and go only where they were given for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_tests::api::{Api, ApiResponse, Client, LIVE, NUMBER, text};
use sendbox_tests::empty_tenant::{at, empty, message, twilio, with_token};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::{TENANT, templates};
use sendbox_tests::versioned::{ID, digest, parameters, version};
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

/// A tenant with an active connection that uses a version of a connector of its own, as its admin uses it.
struct OwnConnector {
    api: Api,
    admin: Client,
}

/// The host to which the hostile versions would send the secret.
const AWAY: &str = "hooks.simulator.test";

impl OwnConnector {
    async fn with(first: &[u8]) -> Self {
        let (api, admin) = empty().await;
        let own = Self { api, admin };
        own.upload(first).await;
        own.save(Some(&own.token())).await.expect(201);
        own.admin.put(&at("active-connection"), &json!({ "name": "acme" })).await.expect(200);
        own
    }

    /// The secret that the simulated provider knows.
    fn token(&self) -> String {
        text(&connection("twilio").0["authToken"])
    }

    /// Saves the connection with this secret, or with the one that is stored.
    async fn save(&self, token: Option<&str>) -> ApiResponse {
        let mut parameters = parameters();
        match token {
            Some(token) => parameters.insert("authToken".to_owned(), json!(token)),
            None => parameters.remove("authToken"),
        };
        let input = json!({ "connector": ID, "parameters": parameters, "templates": templates() });
        self.admin.put(&at("connections/acme"), &input).await
    }

    /// Uploads a version, and approves what it may newly do. Returns it as it was shown.
    async fn upload(&self, component: &[u8]) -> Value {
        let created = self.admin.upload(&at("connectors"), component.to_vec()).await;
        let location = created.headers["location"].to_str().unwrap().to_owned();
        let version = loop {
            let version = self.admin.get(&location).await.expect(200);
            if version["state"] != "checking" {
                break version;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        assert_eq!(version["state"], "ready", "{version}");
        if version["difference"]["needsApproval"] == true {
            let confirm = json!({ "confirmationToken": version["difference"]["confirmationToken"] });
            let approval = at(&format!("connectors/{ID}/versions/{}/approval", digest(component)));
            self.admin.post(&approval, &confirm).await.expect(200);
        }
        version
    }

    fn release(&self, rest: &str) -> String {
        at(&format!("connectors/{ID}/release/{rest}"))
    }

    async fn activate(&self, component: &[u8]) -> Value {
        let activation = json!({ "digest": digest(component) });
        self.admin.post(&self.release("activations"), &activation).await.expect(200)
    }

    async fn roll_back(&self) {
        self.admin.post(&self.release("rollbacks"), &json!({})).await.expect(200);
    }

    async fn start_canary(&self, component: &[u8]) {
        let canary = json!({ "digest": digest(component), "percent": 99 });
        self.admin.put(&self.release("canary"), &canary).await.expect(200);
    }

    /// Sends a message, which must be accepted. Returns the versions of its attempts.
    async fn send(&self) -> Vec<String> {
        let sent = self.api.platform().post(&at("messages"), &message("271828")).await.expect(200);
        let sent = self.api.platform().get(&at(&format!("messages/{}", text(&sent["id"])))).await.expect(200);
        sent["attempts"].as_array().unwrap().iter().map(|attempt| text(&attempt["connectorDigest"])).collect()
    }

    async fn test(&self, more: Value) -> ApiResponse {
        let mut test = json!({ "connection": "acme", "to": NUMBER });
        test.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.admin.post(&at("connection-tests"), &test).await
    }

    /// The number of requests that arrived at [`AWAY`].
    fn arrived(&self) -> usize {
        self.api.backend.simulator.requests().iter().filter(|request| request.host == AWAY).count()
    }
}

/// Fails unless the secret would have to be given again.
fn assert_asked_again(errors: &Value) {
    let error = &errors[0];
    assert_eq!((&error["field"], &error["code"]), (&json!("/parameters/authToken"), &json!("secret-for-other-hosts")));
    assert!(
        text(&error["message"]).contains("give it again to have it sent to https://hooks.simulator.test"),
        "{error}"
    );
}

/// Whoever may choose the version of a connector must not get a secret at a host of their own either, approved or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_gets_no_stored_secret_for_another_host() {
    let (first, hostile) = (version(1, "honest"), version(2, "collect"));
    let own = OwnConnector::with(&first).await;
    let shown = own.upload(&hostile).await;
    assert_asked_again(&shown["difference"]["incompatibleConnections"][0]["errors"]);

    // In a test, with the parameters that are stored and with others.
    let mut others = parameters();
    others.remove("authToken");
    for dry_run in [true, false] {
        let stored = json!({ "version": digest(&hostile), "dryRun": dry_run });
        let changed = json!({ "version": digest(&hostile), "dryRun": dry_run, "parameters": others });
        for test in [stored, changed] {
            assert_asked_again(&own.test(test).await.problem(422, "invalid-input")["errors"]);
        }
    }
    // As a canary, as the active version, and after a rollback and another activation.
    own.start_canary(&hostile).await;
    for _ in 0..5 {
        assert_eq!(own.send().await, [digest(&first)]);
    }
    let activated = own.activate(&hostile).await;
    assert_asked_again(&activated["incompatibleConnections"][0]["errors"]);
    assert_eq!(own.send().await, [digest(&first)]);
    own.roll_back().await;
    assert_eq!(own.send().await, [digest(&first)]);
    own.activate(&hostile).await;
    assert_eq!(own.send().await, [digest(&first)]);
    // Saving the connection with the version keeps no secret for it.
    assert_asked_again(&own.save(None).await.problem(422, "invalid-input")["errors"]);
    assert_asked_again(&own.test(json!({ "dryRun": true })).await.problem(422, "invalid-input")["errors"]);
    let shown = own.admin.get(&at("connections/acme")).await.expect(200);
    assert_eq!(shown["connectorDigest"], digest(&first));
    assert_eq!(own.arrived(), 0);

    // Whoever has the secret can give it to the version. Another rule then ends this send, whose secret has left for another host.
    own.save(Some(&own.token())).await.expect(200);
    assert_eq!(own.send().await, [digest(&hostile), digest(&first)]);
    assert_eq!(own.arrived(), 1);
    let audit = own.admin.get(&at("audit?action=connection.save")).await.expect(200);
    let hosts = json!({ "authToken": ["https://api.twilio.com", "https://hooks.simulator.test"] });
    assert_eq!(audit["items"][0]["after"]["secretHosts"], hosts);
    // And then it can be kept.
    own.save(None).await.expect(200);
}

/// A secret that is given while a canary sends is given to the canary as well, so that it can be tried before it is active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_given_again_is_for_the_canary_too() {
    let (first, second) = (version(1, "honest"), version(2, "collect"));
    let own = OwnConnector::with(&first).await;
    own.upload(&second).await;
    own.start_canary(&second).await;
    own.save(None).await.expect(200);
    assert_eq!(own.send().await, [digest(&first)]);
    assert_eq!(own.arrived(), 0, "a secret that is kept is not given to the canary");
    own.save(Some(&own.token())).await.expect(200);
    // One message in a hundred is not in the canary, which ends soon after the first fault.
    for _ in 0..5 {
        own.send().await;
    }
    assert!(own.arrived() > 0);
}

/// The version to which a release can be rolled back does not send, so a secret is not given to it unknowingly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_not_given_to_the_version_before() {
    let (first, hostile) = (version(1, "honest"), version(2, "moved"));
    let own = OwnConnector::with(&first).await;
    own.upload(&hostile).await;
    own.activate(&hostile).await;
    // Whoever prepares this knows no secret, and gives another one.
    own.save(Some("a-token-of-the-attacker")).await.expect(200);
    own.activate(&first).await;
    // The second time, it is the value that is stored.
    for _ in 0..2 {
        own.save(Some(&own.token())).await.expect(200);
    }
    own.roll_back().await;
    assert_eq!(own.send().await, [digest(&first)]);
    assert_eq!(own.arrived(), 0);
}

/// A secret that is given again for a version with other hosts can still be sent with the version before, after a rollback.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_finds_its_secret() {
    let (first, moved) = (version(1, "honest"), version(2, "moved"));
    let own = OwnConnector::with(&first).await;
    own.upload(&moved).await;
    own.activate(&moved).await;
    own.save(Some(&own.token())).await.expect(200);
    own.roll_back().await;
    assert_eq!(own.send().await, [digest(&first)]);
    // Another secret was never given for the host of the first version.
    own.activate(&moved).await;
    own.save(Some("another-token-of-the-tenant")).await.expect(200);
    own.roll_back().await;
    let refused = own.test(json!({ "dryRun": true })).await.problem(422, "invalid-input");
    assert!(text(&refused["errors"][0]["message"]).contains("https://api.twilio.com"), "{refused}");
}
