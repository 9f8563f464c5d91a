//! The HTTP connector, as it ships, against the simulated endpoint: each format and method, every way to authenticate, headers and
//! fields of the tenant, and what counts as success.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::policy::header::check_name;
use sendbox_sandbox::{FailureClass, RequestSent};
use sendbox_simulator::{HttpSmsAccount, HttpSmsFormat, ScriptedAnswer, ScriptedHost, SimulatorConfig};
use sendbox_tests::sandbox_fixture::{CODE, E164};
use sendbox_tests::simulator_setup::SimulatorSetup;
use sendbox_tests::{expect_accepted, expect_failure};
use serde_json::{Value, json};

const ENDPOINT: &str = "https://hooks.simulator.test/send";

async fn with(http: HttpSmsAccount) -> SimulatorSetup {
    SimulatorSetup::new(SimulatorConfig { http, ..SimulatorConfig::default() }, Limits::default()).await
}

/// Sends one message, and checks that the endpoint got it.
async fn accepted(http: HttpSmsAccount, parameters: Value) {
    let setup = with(http).await;
    let connector = setup.load("http").await;
    let what = parameters.to_string();
    let receipt = expect_accepted(&what, setup.send(&connector, "a", &parameters, "").await);
    let inbox = setup.simulator.inbox();
    assert_eq!(inbox.len(), 1, "{what}");
    assert_eq!((inbox[0].to.as_str(), inbox[0].variables["code"].as_str()), (&E164[1..], CODE), "{what}");
    assert_eq!(receipt.message_id, inbox[0].provider_id, "{what}");
}

#[tokio::test]
async fn each_format_and_method_arrives() {
    let account = |method: &str, format| HttpSmsAccount { method: method.into(), format, ..HttpSmsAccount::default() };
    for method in ["POST", "PUT", "PATCH"] {
        accepted(account(method, HttpSmsFormat::Json), json!({ "endpoint": ENDPOINT, "method": method })).await;
        accepted(account(method, HttpSmsFormat::Form), json!({ "formEndpoint": ENDPOINT, "method": method })).await;
    }
    accepted(account("GET", HttpSmsFormat::Query), json!({ "endpoint": ENDPOINT, "method": "GET" })).await;
}

#[tokio::test]
async fn each_way_to_authenticate_is_accepted() {
    let account = |authorization: &str| HttpSmsAccount {
        authorization: Some(authorization.into()),
        api_key: Some(("x-auth-token".into(), "canary of the key".into())),
        ..HttpSmsAccount::default()
    };
    // The user name may look like a number. printf '4512345679:canary of the password' | base64
    for (value, parameters) in [
        ("Bearer canary.of.the.token", json!({ "bearerToken": "canary.of.the.token" })),
        (
            "Basic NDUxMjM0NTY3OTpjYW5hcnkgb2YgdGhlIHBhc3N3b3Jk",
            json!({ "username": "4512345679", "password": "canary of the password" }),
        ),
        ("Token canary", json!({ "authorization": "Token canary" })),
    ] {
        let mut parameters = parameters;
        parameters["endpoint"] = ENDPOINT.into();
        parameters["apiKeyHeader"] = "x-auth-token".into();
        parameters["apiKey"] = "canary of the key".into();
        accepted(account(value), parameters.clone()).await;

        parameters["apiKey"] = "not the canary of the key".into();
        let setup = with(account(value)).await;
        let connector = setup.load("http").await;
        let report = setup.send(&connector, "a", &parameters, "").await;
        let failure = expect_failure(value, report, FailureClass::AuthenticationFailed, RequestSent::Yes);
        assert!(!failure.text.contains("canary"), "{}", failure.text);
    }
}

/// What the tenant enters may look like a number: the host gave it to the connector.
#[tokio::test]
async fn headers_and_fields_of_the_tenant_arrive() {
    let fields = json!({ "from": "+14155550100", "account": 4_512_345_679_u64, "ttl": "{{seconds}}" });
    let headers = json!({ "x-tenant": "4512345679", "user-agent": "shop/1.0" });
    let sent = |ttl: Value, account: Value| -> BTreeMap<String, Value> {
        [("from".to_owned(), json!("+14155550100")), ("account".to_owned(), account), ("ttl".to_owned(), ttl)].into()
    };
    let account = |format, method: &str, fields| HttpSmsAccount {
        format,
        method: method.into(),
        headers: [("x-tenant", "4512345679"), ("user-agent", "shop/1.0")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        fields,
        ..HttpSmsAccount::default()
    };
    let with =
        |key: &str, method: &str| json!({ key: ENDPOINT, "method": method, "headers": headers, "fields": fields });
    let mut nested = with("endpoint", "POST");
    nested["fields"]["options"] = json!({ "callbacks": ["+4512345679", 4_512_345_679_u64, null], "type": "{{type}}" });
    let mut wanted = sent(json!(600), json!(4_512_345_679_u64));
    wanted.insert(
        "options".to_owned(),
        json!({ "callbacks": ["+4512345679", 4_512_345_679_u64, null], "type": "SignIn" }),
    );
    accepted(account(HttpSmsFormat::Json, "POST", wanted), nested).await;
    let text = || sent(json!("600"), json!("4512345679"));
    accepted(account(HttpSmsFormat::Form, "PUT", text()), with("formEndpoint", "PUT")).await;
    accepted(account(HttpSmsFormat::Query, "GET", text()), with("endpoint", "GET")).await;
}

#[tokio::test]
async fn the_parameters_say_what_counts_as_success() {
    let answer = |status, body| ScriptedAnswer { status, headers: BTreeMap::new(), body };
    let host = |host: &str, status, body| ScriptedHost { host: host.into(), answer: answer(status, body) };
    let config = SimulatorConfig {
        scripted: vec![
            host("yes.simulator.test", 202, json!({ "ok": true, "message": { "ref": "m-1" } })),
            host("no.simulator.test", 202, json!({ "ok": false, "message": { "ref": "m-1" } })),
            host("page.simulator.test", 202, json!("<html>")),
            host("other.simulator.test", 200, json!({ "ok": true })),
        ],
        ..SimulatorConfig::default()
    };
    let setup = SimulatorSetup::new(config, Limits::default()).await;
    let connector = setup.load("http").await;
    let parameters = |host: &str| {
        json!({
            "endpoint": format!("https://{host}.simulator.test/"),
            "successStatus": [202],
            "successPointer": "/ok",
            "successValue": "true",
            "messageIdPointer": "/message/ref",
        })
    };
    let receipt = expect_accepted("yes", setup.send(&connector, "a", &parameters("yes"), "").await);
    assert_eq!(receipt.message_id.as_deref(), Some("m-1"));
    for (host, class, code) in [
        ("no", FailureClass::Unknown, "false"),
        ("page", FailureClass::InDoubt, "202"),
        ("other", FailureClass::InDoubt, "200"),
    ] {
        let report = setup.send(&connector, host, &parameters(host), "").await;
        let failure = expect_failure(host, report, class, RequestSent::Yes);
        assert_eq!(failure.provider_code.as_deref(), Some(code), "{host}");
    }
}

/// A header that the schema accepts and the policy refuses would end the send as a fault of the connector.
#[tokio::test]
async fn the_policy_allows_every_header_that_the_schema_accepts() {
    let setup = with(HttpSmsAccount::default()).await;
    let connector = setup.load("http").await;
    let is_accepted =
        |name: &str| connector.parameters(&json!({ "endpoint": ENDPOINT, "headers": { name: "1" } })).is_ok();
    let words = [
        "accel",
        "addr",
        "amz",
        "api",
        "appengine",
        "arr",
        "authorization",
        "azure",
        "client",
        "clientip",
        "cluster",
        "coming",
        "content",
        "copy",
        "custom",
        "encoding",
        "envoy",
        "for",
        "forward",
        "forwarded",
        "from",
        "gateway",
        "goog",
        "host",
        "http",
        "id",
        "ip",
        "key",
        "length",
        "meta",
        "method",
        "original",
        "originating",
        "override",
        "proto",
        "proxy",
        "proxyuser",
        "range",
        "real",
        "remote",
        "request",
        "requested",
        "rewrite",
        "scheme",
        "sendfile",
        "socketip",
        "source",
        "ssl",
        "tenant",
        "token",
        "trail",
        "transfer",
        "true",
        "tunneled",
        "type",
        "upload",
        "uri",
        "url",
        "user",
        "verb",
        "via",
        "website",
    ];
    let mut names: Vec<String> =
        ["accept", "authorization", "content-type", "cookie", "host", "range", "webhook-id"].map(str::to_owned).into();
    for one in words {
        names.push(one.to_owned());
        names.push(format!("x-{one}"));
        names.extend(words.map(|other| format!("x-{one}-{other}")));
    }
    names.push("x-custom-ip-authorization".to_owned());
    names.push("x-true-client-ip".to_owned());
    let accepted = names.iter().filter(|name| is_accepted(name));
    let refused: Vec<&String> = accepted.clone().filter(|name| check_name(name).is_err()).collect();
    assert_eq!(refused, Vec::<&String>::new());
    assert!(accepted.count() > 500);
}
