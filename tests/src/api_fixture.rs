//! A tenant in which every operation of the API can succeed, and a sample request for each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sendbox_domain::model::{Environment, ShapeOrigin};
use sendbox_policy::RequestShape;
use sendbox_store::rows::ShapeRow;
use sendbox_store::shapes;
use serde_json::{Value, json};

use crate::api::{Access, Api, Operation, SCOPES, Sample, operations, text};
use crate::simulator_setup::connection;
use crate::test_service::{TENANT, TestService, open_limits, templates};
use crate::versioned;

/// A row of the table of samples: operation, access, path parameters, query, body, status.
type Row = (&'static str, Access, Vec<(&'static str, String)>, &'static str, Option<Value>, u16);

/// A tenant, [`TENANT`], in which every operation can succeed, and a production tenant, [`LIVE`].
pub struct ApiFixture {
    /// The server.
    pub api: Api,
    /// A key of the tenant with every scope.
    pub owner: String,
    /// The id of another key.
    pub key: String,
    /// A message.
    pub message: String,
    /// A message that was cancelled while it waited.
    pub cancelled: String,
    /// A pending verification.
    pub open: String,
    /// Another pending verification.
    pub checked: String,
    /// The code of the other verification.
    pub code: String,
    /// A hold.
    pub hold: String,
    /// A webhook endpoint, at which nothing arrives.
    pub endpoint: String,
    /// A test event of this endpoint, after its first attempt.
    pub event: String,
    /// Versions of connectors, for all tenants and of the tenant.
    pub versions: Versions,
}

/// Files that are versions of connectors in a [`ApiFixture`], by digest.
pub struct Versions {
    /// The active version of [`versioned::ID`] for all tenants.
    pub active: String,
    /// Ready for all tenants.
    pub ready: String,
    /// Ready for all tenants, and unused.
    pub spare: String,
    /// Ready for all tenants; may do more and is not approved.
    pub wider: String,
    /// The confirmation token of its difference.
    pub wider_confirm: String,
    /// The active version of [`OWN`] for the tenant.
    pub own: String,
    /// Ready for the tenant.
    pub own_ready: String,
    /// Ready for the tenant, and unused.
    pub own_spare: String,
    /// Ready for the tenant; may do more and is not approved.
    pub own_wider: String,
    /// The confirmation token of its difference.
    pub own_confirm: String,
    /// A request shape that was held back, of `active` and of `own`.
    pub shape: String,
}

/// The id of the tenant's own connector in a [`ApiFixture`].
pub const OWN: &str = "acme-own";

/// The production tenant of a [`ApiFixture`].
pub const LIVE: &str = "acme-live";
/// The number that the samples send to.
pub const NUMBER: &str = "+4531415926";

impl Versions {
    async fn upload(api: &Api) -> Self {
        let client = api.platform();
        let file = |id: &str, number, does: &str| versioned::version_of(id, number, does);
        let upload = async |base: &str, file: Vec<u8>| {
            let created = client.upload(&format!("{base}/connectors"), file).await;
            let location = created.headers["location"].to_str().unwrap().to_owned();
            let deadline = Instant::now() + Duration::from_secs(60);
            loop {
                let version = client.get(&location).await.expect(200);
                if version["state"] != "checking" {
                    assert_eq!(version["state"], "ready", "{version}");
                    return version;
                }
                assert!(Instant::now() < deadline, "its check does not end");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let all = "/v1".to_owned();
        let own = format!("/v1/tenants/{TENANT}");
        let active = upload(&all, file(versioned::ID, 1, "honest")).await;
        let ready = upload(&all, file(versioned::ID, 2, "honest")).await;
        let wider = upload(&all, file(versioned::ID, 3, "wider")).await;
        let spare = upload(&all, file(versioned::ID, 4, "honest")).await;
        let mine = upload(&own, file(OWN, 1, "honest")).await;
        let own_ready = upload(&own, file(OWN, 2, "honest")).await;
        let own_wider = upload(&own, file(OWN, 3, "wider")).await;
        let own_spare = upload(&own, file(OWN, 4, "honest")).await;
        // The tenant gets its own release of the shared connector.
        let activation = json!({ "digest": wider["digest"] });
        let confirm = json!({ "confirmationToken": wider["difference"]["confirmationToken"] });
        let at = |rest: &str| format!("{own}/connectors/{}/{rest}", versioned::ID);
        client.post(&at(&format!("versions/{}/approval", text(&wider["digest"]))), &confirm).await.expect(200);
        client.post(&at("release/activations"), &activation).await.expect(200);
        let shape = held_shape(api, "", versioned::ID, &active).await;
        held_shape(api, TENANT, OWN, &mine).await;
        Self {
            shape,
            active: text(&active["digest"]),
            ready: text(&ready["digest"]),
            spare: text(&spare["digest"]),
            wider: text(&wider["digest"]),
            wider_confirm: text(&wider["difference"]["confirmationToken"]),
            own: text(&mine["digest"]),
            own_ready: text(&own_ready["digest"]),
            own_spare: text(&own_spare["digest"]),
            own_wider: text(&own_wider["digest"]),
            own_confirm: text(&own_wider["difference"]["confirmationToken"]),
        }
    }
}

/// Stores a request shape of a version that was held back. Returns its id.
async fn held_shape(api: &Api, tenant: &str, connector: &str, version: &Value) -> String {
    let lines = json!({ "carries": "message", "lines": ["POST https://api.twilio.com/", "form Extra = 1"] });
    let description: RequestShape = serde_json::from_value(lines).unwrap();
    let shape = hex::encode(description.digest());
    let row = ShapeRow {
        tenant: tenant.to_owned(),
        connector: connector.to_owned(),
        digest: text(&version["digest"]),
        shape: shape.clone(),
        origin: ShapeOrigin::Held,
        description,
        requests: 1,
        first_seen_at: api.backend.now(),
        last_seen_at: api.backend.now(),
        approved_by: None,
    };
    let mut tx = api.backend.store.begin().await.unwrap();
    shapes::record(&mut tx, &row, 64).await.unwrap();
    tx.commit().await.unwrap();
    shape
}

/// A message that waits for the provider, and is cancelled. Returns its id.
async fn cancelled_message(api: &Api) -> String {
    api.backend.simulator.inject_spec("twilio=retry-after:300,times=1".parse().unwrap()).unwrap();
    let client = api.platform();
    let new = json!({ "to": "+4561234002", "usage": "sign-in", "code": "271828" });
    let waiting = client.post(&format!("/v1/tenants/{TENANT}/messages"), &new).await.expect(202);
    let id = text(&waiting["id"]);
    let cancelled = client.post(&format!("/v1/tenants/{TENANT}/messages/{id}/cancel"), &json!({})).await.expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    id
}

/// Creates a webhook endpoint and tests it. Returns their ids once the first attempt has failed: nothing is due before the clock moves.
async fn tested_endpoint(api: &Api) -> (String, String) {
    let client = api.platform();
    let at = |rest: &str| format!("/v1/tenants/{TENANT}/{rest}");
    let new = json!({ "name": "hooks", "url": "https://hooks.platform.test/a", "events": ["version.rolled-back"] });
    let endpoint = text(&client.post(&at("webhook-endpoints"), &new).await.expect(201)["id"]);
    let test = at(&format!("webhook-endpoints/{endpoint}/test"));
    let event = text(&client.post(&test, &json!({})).await.expect(202)["id"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let shown = client.get(&at(&format!("events/{event}"))).await.expect(200);
        if shown["deliveries"][0]["attempts"] != json!([]) {
            return (endpoint, event);
        }
        assert!(Instant::now() < deadline, "its attempt does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl ApiFixture {
    /// Creates both tenants and everything in them.
    pub async fn new() -> Self {
        let fixture = TestService::standalone().await;
        fixture.add_tenant(LIVE, Environment::Production).await;
        let api = Api::over(fixture).await;
        let (_, owner) = api.create_key(TENANT, &SCOPES).await;
        let (key, _) = api.create_key(TENANT, &["read"]).await;
        let client = api.client(&owner);
        let at = |rest: &str| format!("/v1/tenants/{TENANT}/{rest}");
        let spare = json!({ "connector": "http", "parameters": connection("http").0 });
        client.put(&at("connections/spare"), &spare).await.expect(201);
        client
            .put(&at("test-numbers"), &json!({ "numbers": [{ "number": "+4587654321", "code": "424242" }] }))
            .await
            .expect(200);
        client.put(&at("ingresses/supabase"), &json!({ "kind": "supabase" })).await.expect(201);
        let tested = client.post(&at("connection-tests"), &json!({ "connection": "main", "to": NUMBER })).await;
        assert_eq!(tested.expect(200)["outcome"], "accepted");
        let sent = json!({ "to": NUMBER, "usage": "sign-in", "code": "271828" });
        let message = text(&client.post(&at("messages"), &sent).await.expect(200)["id"]);
        let mut verifications = Vec::new();
        for number in ["+4520918374", "+4520918375"] {
            let new = json!({ "to": number, "usage": "sign-in" });
            verifications.push(text(&client.post(&at("verifications"), &new).await.expect(201)["id"]));
        }
        let code = api.backend.received_code("+4520918375");
        let [open, checked] = verifications.try_into().unwrap();
        // A provider suspects fraud for numbers that are not used otherwise.
        api.backend.simulator.inject_spec("twilio=code:30450,times=1".parse().unwrap()).unwrap();
        let suspected = json!({ "to": "+4533334001", "usage": "sign-in", "code": "271828" });
        client.post(&at("messages"), &suspected).await.problem(424, "message-not-sent");
        let cancelled = cancelled_message(&api).await;
        let hold = text(&client.get(&at("holds")).await.expect(200)[0]["id"]);
        let (endpoint, event) = tested_endpoint(&api).await;
        let versions = Versions::upload(&api).await;
        Self { api, owner, key, message, cancelled, open, checked, code, hold, endpoint, event, versions }
    }

    /// A sample request for every operation of the OpenAPI document, in an order in which all of them succeed.
    ///
    /// Fails if an operation has no row, and if a row has no operation.
    pub fn samples(&self) -> Vec<Sample> {
        use Access::{Anyone, Keys, Platform};
        const MANAGE: Access = Keys(&["manage"]);
        const READ: Access = Keys(&["manage", "read"]);
        const VERIFY: Access = Keys(&["verify"]);
        let (parameters, _) = connection("twilio");
        let main = json!({ "connector": "twilio", "parameters": parameters, "templates": templates() });
        let test = json!({ "connection": "main", "to": NUMBER, "usage": "sign-in", "locale": "en", "dryRun": false });
        let new_key = json!({ "name": "backend", "scopes": ["read"], "expiresAt": "2027-11-23T20:00:00Z" });
        let policy = json!({
            "codes": { "digits": 7, "lifetimeSeconds": 300, "maxTries": 5, "maxSends": 4 },
            "limits": open_limits(),
            "countries": { "all": true, "only": ["DK"] },
            "spend": { "currency": "EUR", "capPerMonthMicros": 100_000_000, "pricePerSegmentMicros": 1, "prices": { "DK": 2 } },
            "numbers": { "landlines": true, "premiumRate": false, "sharedCost": false, "personal": false, "pagers": false },
            "delivery": { "maxMessages": 2, "inDoubt": "prefer-silence", "fallbacks": ["main"], "routes": { "SE": "main" } },
            "originDomain": "example.com",
        });
        let message = json!({
            "to": NUMBER, "usage": "sign-in", "code": "314159", "locale": "en", "variables": { "app": "Acme" },
            "clientIp": "192.0.2.1", "lifetimeSeconds": 60, "mode": "sync", "waitMs": 20000,
            "reference": "session-1", "metadata": { "plan": "pro" },
        });
        let verification = json!({
            "to": NUMBER, "usage": "sign-in", "locale": "en", "variables": { "app": "Acme" }, "clientIp": "192.0.2.1",
            "mode": "sync", "reference": "session-1", "metadata": { "plan": "pro" },
        });
        let search =
            json!({ "to": NUMBER, "usage": "sign-in", "status": "accepted", "connection": "main", "limit": 5 });
        let preview = json!({ "content": "{{code}} for {{app}}", "locale": "en", "variables": { "app": "Acme" } });
        let promotion = json!({ "connection": "main", "targetTenant": LIVE, "targetConnection": "main", "secrets": "copy", "parameters": {} });
        let numbers = json!({ "numbers": [{ "number": "+4587654321", "code": "424242" }] });
        let named = |name: &str| vec![("name", name.to_owned())];
        let id = |id: &str| vec![("id", id.to_owned())];
        let v = &self.versions;
        let digest = |digest: &str| vec![("digest", digest.to_owned())];
        let of = |id: &str, digest: &str| vec![("id", id.to_owned()), ("digest", digest.to_owned())];
        let shape = |id: &str, digest: &str| {
            let mut parameters = of(id, digest);
            parameters.push(("shape", v.shape.clone()));
            parameters
        };
        let canary = |digest: &str| json!({ "digest": digest, "percent": 10 });
        let activation = |digest: &str| json!({ "digest": digest, "autoRollbackSeconds": 60, "drainSeconds": 5 });
        let key = vec![("key", self.key.clone())];
        let ingress = |name: &str| vec![("ingress", name.to_owned())];
        let ingress_input = json!({
            "kind": "kratos",
            "enabled": true,
            "authentication": { "type": "header", "header": "X-Api-Key" },
            "settings": {
                "defaultRegion": "DK", "usages": { "login_code_valid": "sign-in" }, "text": "template",
                "messagesWithoutCode": "ignore", "waitMs": 3000, "repeatSeconds": 600,
            },
        });
        let (endpoint, event) = (vec![("endpoint", self.endpoint.clone())], vec![("event", self.event.clone())]);
        let rows: Vec<Row> = vec![
            ("retrieve_server", Anyone, vec![], "", None, 200),
            ("check_liveness", Anyone, vec![], "", None, 200),
            ("check_readiness", Anyone, vec![], "", None, 200),
            ("retrieve_openapi_document", Anyone, vec![], "", None, 200),
            ("list_problem_types", Anyone, vec![], "", None, 200),
            ("retrieve_problem_type", Anyone, named("limit-reached"), "", None, 200),
            ("create_session", Anyone, vec![], "", Some(json!({ "key": self.owner })), 201),
            ("retrieve_session", Keys(&SCOPES), vec![], "", None, 200),
            ("delete_session", Keys(&SCOPES), vec![], "", None, 204),
            ("list_connectors", Keys(&SCOPES), vec![], "", None, 200),
            ("retrieve_connector", Keys(&SCOPES), id("twilio"), "", None, 200),
            ("upload_connector", Platform, vec![], "", None, 202),
            ("upload_connector_for_tenant", MANAGE, vec![], "", None, 202),
            ("retrieve_upload", Platform, digest(&v.ready), "", None, 200),
            ("list_versions", Platform, id(versioned::ID), "", None, 200),
            ("retrieve_version", Platform, of(versioned::ID, &v.wider), "", None, 200),
            (
                "approve_version",
                Platform,
                of(versioned::ID, &v.wider),
                "",
                Some(json!({ "confirmationToken": v.wider_confirm })),
                200,
            ),
            ("list_request_shapes", Platform, of(versioned::ID, &v.active), "", None, 200),
            ("approve_request_shape", Platform, shape(versioned::ID, &v.active), "", None, 200),
            ("retrieve_release", Platform, id(versioned::ID), "", None, 200),
            ("start_canary", Platform, id(versioned::ID), "", Some(canary(&v.ready)), 200),
            ("end_canary", Platform, id(versioned::ID), "", None, 200),
            ("activate_version", Platform, id(versioned::ID), "", Some(activation(&v.wider)), 200),
            ("roll_back_connector", Platform, id(versioned::ID), "", Some(json!({ "reason": "as a sample" })), 200),
            ("delete_upload", Platform, digest(&v.spare), "", None, 204),
            ("list_connectors_for_tenant", READ, vec![], "", None, 200),
            ("retrieve_connector_for_tenant", READ, id(OWN), "", None, 200),
            ("retrieve_upload_for_tenant", READ, digest(&v.own_ready), "", None, 200),
            ("list_versions_for_tenant", READ, id(OWN), "", None, 200),
            ("retrieve_version_for_tenant", READ, of(OWN, &v.own_wider), "", None, 200),
            (
                "approve_version_for_tenant",
                MANAGE,
                of(OWN, &v.own_wider),
                "",
                Some(json!({ "confirmationToken": v.own_confirm })),
                200,
            ),
            ("list_request_shapes_for_tenant", READ, of(OWN, &v.own), "", None, 200),
            ("approve_request_shape_for_tenant", MANAGE, shape(OWN, &v.own), "", None, 200),
            ("retrieve_release_for_tenant", READ, id(OWN), "", None, 200),
            ("start_canary_for_tenant", MANAGE, id(OWN), "", Some(canary(&v.own_ready)), 200),
            ("end_canary_for_tenant", MANAGE, id(OWN), "", None, 200),
            ("reset_release_for_tenant", MANAGE, id(versioned::ID), "", None, 200),
            ("activate_version_for_tenant", MANAGE, id(OWN), "", Some(activation(&v.own_wider)), 200),
            ("roll_back_connector_for_tenant", MANAGE, id(OWN), "", Some(json!({ "reason": "as a sample" })), 200),
            ("delete_upload_for_tenant", MANAGE, digest(&v.own_spare), "", None, 204),
            ("list_tenants", Platform, vec![], "?limit=200", None, 200),
            ("list_platform_audit_entries", Platform, vec![], "?limit=200", None, 200),
            (
                "create_tenant",
                Platform,
                vec![],
                "",
                Some(json!({ "id": "acme-new", "name": "New", "environment": "development" })),
                201,
            ),
            ("retrieve_tenant", Keys(&SCOPES), vec![], "", None, 200),
            ("update_tenant", MANAGE, vec![], "", Some(json!({ "name": "Acme Ltd" })), 200),
            ("create_key", MANAGE, vec![], "", Some(new_key), 201),
            ("list_keys", READ, vec![], "", None, 200),
            ("rotate_key", MANAGE, key.clone(), "", Some(json!({ "graceSeconds": 60 })), 200),
            ("list_connections", READ, vec![], "", None, 200),
            ("retrieve_connection", READ, named("main"), "", None, 200),
            ("save_connection", MANAGE, named("main"), "", Some(main), 200),
            ("test_connection", MANAGE, vec![], "", Some(test), 200),
            ("preview_template", READ, vec![], "", Some(preview), 200),
            ("activate_connection", MANAGE, vec![], "", Some(json!({ "name": "main" })), 200),
            ("retrieve_active_connection", READ, vec![], "", None, 200),
            ("promote_connection", Platform, vec![], "", Some(promotion), 200),
            ("replace_flows", MANAGE, vec![], "", Some(json!({ "sign-in": true, "mfa": false })), 200),
            ("retrieve_flows", READ, vec![], "", None, 200),
            ("replace_policy", MANAGE, vec![], "", Some(policy), 200),
            ("retrieve_policy", READ, vec![], "", None, 200),
            ("replace_test_numbers", MANAGE, vec![], "", Some(numbers), 200),
            ("retrieve_test_numbers", READ, vec![], "", None, 200),
            ("unlock_number", MANAGE, vec![], "", Some(json!({ "number": NUMBER })), 204),
            ("list_holds", READ, vec![], "", None, 200),
            ("lift_hold", MANAGE, vec![("hold", self.hold.clone())], "", None, 204),
            ("create_message", Keys(&["send"]), vec![], "", Some(message), 200),
            ("list_messages", READ, vec![], "?limit=200&usage=sign-in", None, 200),
            ("search_messages", READ, vec![], "", Some(search.clone()), 200),
            ("cancel_message", Keys(&["send"]), id(&self.cancelled), "", None, 200),
            ("retrieve_message", Keys(&["manage", "read", "send"]), id(&self.message), "", None, 200),
            ("create_verification", VERIFY, vec![], "", Some(verification), 201),
            ("list_verifications", READ, vec![], "?limit=200&usage=sign-in", None, 200),
            (
                "search_verifications",
                READ,
                vec![],
                "",
                Some(json!({ "to": NUMBER, "usage": "sign-in", "limit": 5 })),
                200,
            ),
            ("retrieve_verification", Keys(&["manage", "read", "verify"]), id(&self.open), "", None, 200),
            ("check_verification", VERIFY, id(&self.checked), "", Some(json!({ "code": self.code })), 200),
            (
                "resend_verification",
                VERIFY,
                id(&self.open),
                "",
                Some(json!({ "clientIp": "192.0.2.1", "mode": "sync" })),
                200,
            ),
            ("cancel_verification", VERIFY, id(&self.open), "", None, 200),
            (
                "retrieve_statistics",
                READ,
                vec![],
                "?from=2026-11-22T00:00:00Z&to=2026-11-24T00:00:00Z&bucket=day",
                None,
                200,
            ),
            ("list_audit_entries", READ, vec![], "?limit=200", None, 200),
            ("save_ingress", MANAGE, ingress("kratos"), "", Some(ingress_input), 201),
            ("list_ingresses", READ, vec![], "", None, 200),
            ("retrieve_ingress", READ, ingress("supabase"), "", None, 200),
            ("rotate_ingress_address", MANAGE, ingress("supabase"), "", Some(json!({ "graceSeconds": 60 })), 200),
            ("list_ingress_calls", READ, ingress("supabase"), "", None, 200),
            ("delete_ingress", MANAGE, ingress("supabase"), "", None, 204),
            (
                "create_webhook_endpoint",
                MANAGE,
                vec![],
                "",
                Some(json!({ "name": "new", "url": "https://hooks.platform.test/", "events": ["hold.created"] })),
                201,
            ),
            ("list_webhook_endpoints", READ, vec![], "", None, 200),
            ("retrieve_webhook_endpoint", READ, endpoint.clone(), "", None, 200),
            ("retrieve_webhook_secret", MANAGE, endpoint.clone(), "", None, 200),
            ("rotate_webhook_secret", MANAGE, endpoint.clone(), "", None, 200),
            ("test_webhook_endpoint", MANAGE, endpoint.clone(), "", None, 202),
            ("list_events", READ, vec![], "?limit=200&type=webhook-endpoint.tested", None, 200),
            ("retrieve_event", READ, event.clone(), "", None, 200),
            ("resend_event", MANAGE, event, "", Some(json!({ "endpoint": self.endpoint })), 202),
            (
                "update_webhook_endpoint",
                MANAGE,
                endpoint.clone(),
                "",
                Some(
                    json!({ "name": "other", "url": "https://hooks.platform.test/b", "events": ["hold.created"], "enabled": false }),
                ),
                200,
            ),
            ("delete_webhook_endpoint", MANAGE, endpoint, "", None, 204),
            ("revoke_key", MANAGE, key, "", None, 204),
            ("delete_connection", MANAGE, named("spare"), "?force=true", None, 204),
            ("delete_tenant", Platform, vec![], "", None, 204),
        ];
        let mut described: BTreeMap<String, Operation> =
            operations().iter().map(|operation| (operation.id.clone(), operation.clone())).collect();
        let samples = rows.into_iter().map(|(id, access, path_parameters, query, body, status)| {
            let operation =
                described.remove(id).unwrap_or_else(|| panic!("`{id}` is not an operation, or has two rows"));
            let file = operation.takes_file.then(|| versioned::version_of("acme-new", 1, "honest"));
            Sample { operation, path_parameters, query, body, file, status, access }
        });
        let samples: Vec<_> = samples.collect();
        let forgotten: Vec<_> = described.keys().collect();
        assert!(
            forgotten.is_empty(),
            "no sample in tests/src/api_fixture.rs for {forgotten:?}; a new operation needs one"
        );
        samples
    }

    /// Everything that can be read about both tenants and the platform, and how much was sent. If two dumps are equal, nothing
    /// has changed in between.
    pub async fn dump(&self) -> BTreeMap<String, Value> {
        let platform = self.api.platform();
        let mut all = BTreeMap::new();
        for sample in
            self.samples().iter().filter(|sample| sample.operation.method == "GET" && sample.access != Access::Anyone)
        {
            for tenant in [TENANT, LIVE] {
                let target = sample.target(tenant);
                let answer = platform.get(&target).await;
                let content = answer.comparable();
                all.insert(target, json!([content.status, content.json]));
            }
        }
        for id in [&self.open, &self.checked] {
            let target = format!("/v1/tenants/{TENANT}/verifications/{id}");
            let verification = platform.get(&target).await.expect(200);
            all.insert(target, verification);
        }
        all.insert("requests at providers".to_owned(), json!(self.api.backend.simulator.counters().requests));
        all
    }

    /// Fails if something has changed since `before`.
    pub async fn assert_unchanged(&self, before: &BTreeMap<String, Value>, after_what: &str) {
        let now = self.dump().await;
        for (target, was) in before {
            assert_eq!(was, &now[target], "after {after_what}: {target}");
        }
    }
}
