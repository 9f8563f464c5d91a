//! An empty tenant over REST, its admin, and what the admin enters.

use serde_json::{Value, json};

use crate::api::{Api, Client, NUMBER, text};
use crate::simulator_setup::connection;
use crate::test_service::{TENANT, TestService, open_limits, templates};

/// A path of the tenant.
pub fn at(rest: &str) -> String {
    format!("/v1/tenants/{TENANT}/{rest}")
}

/// An empty development tenant with the widest limits, and its admin: a key with the scope `manage` only.
pub async fn empty() -> (Api, Client) {
    let api = Api::over(TestService::standalone_without_tenants().await).await;
    api.create_tenant(TENANT, "development").await;
    let (_, secret) = api.create_key(TENANT, &["manage"]).await;
    let admin = api.client(&secret);
    let policy = json!({ "limits": open_limits(), "countries": { "all": true } });
    admin.put(&at("policy"), &policy).await.expect(200);
    (api, admin)
}

/// A good Twilio connection.
pub fn twilio() -> Value {
    json!({ "connector": "twilio", "parameters": connection("twilio").0, "templates": templates() })
}

/// The Twilio connection with another token.
pub fn with_token(token: &str) -> Value {
    let mut input = twilio();
    input["parameters"]["authToken"] = json!(token);
    input
}

/// Which fields of an input are wrong.
pub fn fields(problem: &Value) -> Vec<String> {
    problem["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect()
}

/// A message of the platform.
pub fn message(code: &str) -> Value {
    json!({ "to": NUMBER, "usage": "sign-in", "code": code })
}
