//! Every text of the server comes with a code and values, so that a console can show it in another language.
//! The console has a text for each code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use sendbox_tests::api::{Api, ApiResponse, NUMBER, text};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::{TENANT, TestService, templates};
use sendbox_tests::versioned::version;
use serde_json::{Value, json};

/// A path of the tenant.
fn at(rest: &str) -> String {
    format!("/v1/tenants/{TENANT}/{rest}")
}

/// The code and the values of the error of a field.
fn field_error(problem: &Value, field: &str) -> (String, Value) {
    let all = problem["errors"].as_array().unwrap();
    let found = all.iter().find(|one| one["field"] == field).unwrap_or_else(|| panic!("{field}: {problem}"));
    (text(&found["code"]), found.get("values").cloned().unwrap_or_else(|| json!({})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outcomes_have_codes() {
    let api = Api::over(TestService::standalone().await).await;
    let platform = api.platform();
    api.backend.simulator.inject_spec("twilio=code:20003,times=1".parse().unwrap()).unwrap();
    let body = json!({ "to": NUMBER, "usage": "sign-in", "code": "314159" });
    let refused = platform.post(&at("messages"), &body).await.problem(424, "message-not-sent");
    let decision = &refused["message"]["attempts"][0]["decision"];
    assert_eq!(decision["code"], "nothing");
    let values =
        json!({ "cause": "account", "class": "authentication-failed", "noRetry": "same-end", "noFallback": "none" });
    assert_eq!(decision["values"], values);
    assert!(text(&decision["message"]).contains("there is no other connection"), "{decision}");

    let counted = platform.get(&at("statistics")).await.expect(200);
    let alerts = counted["alerts"].as_array().unwrap();
    let one = alerts.iter().find(|one| one["code"] == "account-refused").unwrap();
    assert_eq!(one["values"], json!({ "connection": "main", "class": "authentication-failed", "times": 1 }));
    assert!(text(&one["message"]).starts_with("`main` failed once"), "{one}");

    for number in [1, 2] {
        let does = if number == 1 { "honest" } else { "wider" };
        let uploaded = platform.upload("/v1/connectors", version(number, does)).await.expect(202);
        let place = format!("/v1/connector-uploads/{}", text(&uploaded["digest"]));
        while platform.get(&place).await.expect(200)["state"] == "checking" {
            tokio::task::yield_now().await;
        }
    }
    let all = platform.get("/v1/connectors/acme-sms/versions").await.expect(200);
    let all = all.as_array().or_else(|| all["items"].as_array()).unwrap().clone();
    let wider = all.iter().find(|one| one["role"] == "available").unwrap();
    let path = format!("/v1/connectors/acme-sms/versions/{}", text(&wider["digest"]));
    let difference = platform.get(&path).await.expect(200)["difference"].clone();
    let line = difference["wider"].as_array().unwrap().iter().find(|line| line["code"] == "host-new").unwrap().clone();
    assert!(text(&line["values"]["target"]).starts_with("https://collect.acme.test"), "{line}");
    assert!(text(&line["message"]).contains(&text(&line["values"]["target"])), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_errors_have_codes() {
    let api = Api::over(TestService::standalone().await).await;
    let platform = api.platform();
    let put = async |input: Value| platform.put(&at("connections/other"), &input).await.problem(422, "invalid-input");
    let parameters =
        json!({ "accountSID": "AC-not-hex", "authToken": "", "disableRiskCheck": "yes", "colour": "blue" });
    let some = json!([
        { "usage": "register", "content": "no place for it" },
        { "usage": "generic", "locale": "not a tag", "content": "{{code}}" },
        { "usage": "sign-in", "content": " " },
    ]);
    let problem = put(json!({ "connector": "twilio", "parameters": parameters, "templates": some })).await;
    for (field, code, values) in [
        (
            "/parameters/accountSID",
            "characters",
            json!({ "prefix": "AC", "characters": "0-9, a-f, A-F", "min": "32", "max": "32" }),
        ),
        // The error does not repeat a secret.
        ("/parameters/authToken", "secret", json!({})),
        ("/parameters/disableRiskCheck", "type", json!({ "bound": "boolean" })),
        ("/parameters", "unknown", json!({})),
        ("/templates/0/content", "template-no-code", json!({})),
        ("/templates/1/locale", "language-tag", json!({})),
        ("/templates/2/content", "empty", json!({})),
    ] {
        let (found, given) = field_error(&problem, field);
        assert_eq!(found, code, "{field}: {problem}");
        assert_eq!(given, values, "{field}");
    }
    let problem = put(json!({ "connector": "twilio", "parameters": {}, "templates": [] })).await;
    assert_eq!(field_error(&problem, "/parameters/accountSID").0, "required");
    let missing = json!({ "bound": "register, sign-in, forgot-password, generic" });
    assert_eq!(field_error(&problem, "/templates"), ("templates-missing".to_owned(), missing));

    // Errors from decoding the body.
    let refused = |answer: ApiResponse| answer.problem(422, "invalid-input");
    let lacking = refused(platform.put(&at("active-connection"), &json!({})).await);
    assert_eq!(field_error(&lacking, "/name").0, "required");
    let unknown = refused(platform.put(&at("active-connection"), &json!({ "name": "main", "colour": 1 })).await);
    assert_eq!(field_error(&unknown, "/colour").0, "unknown");
    let policy = platform.get(&at("policy")).await.expect(200);
    let mut wrong = policy.clone();
    wrong["codes"]["maxTries"] = 99.into();
    wrong["originDomain"] = "https://example.com".into();
    let problem = refused(platform.put(&at("policy"), &wrong).await);
    assert_eq!(field_error(&problem, "/codes/maxTries"), ("range".to_owned(), json!({ "min": "1", "max": "10" })));
    assert_eq!(field_error(&problem, "/originDomain").0, "domain");

    // A valid connection has no errors.
    let good = json!({ "connector": "twilio", "parameters": connection("twilio").0, "templates": templates() });
    platform.put(&at("connections/other"), &good).await.expect(201);
    let preview = platform.post(&at("template-previews"), &json!({ "content": "{{code}} – yours" })).await.expect(200);
    assert_eq!(preview["hints"][0]["code"], "write-otherwise");
    assert_eq!(preview["hints"][0]["values"]["instead"], "`–` → `-`");
}

/// The sentences of the German console for a topic.
fn sentences(about: &str) -> String {
    const GERMAN: &str = include_str!("../../runtime/console/web/src/text/de/server-messages.ts");
    let beginning = format!("\n    {about}: ");
    let from = GERMAN.find(&beginning).unwrap_or_else(|| panic!("no sentences about {about}"));
    let rest = &GERMAN[from..];
    rest[..rest.find("\n    }").unwrap()].to_owned()
}

/// The codes of the parts of a decision.
fn pieces(name: &str) -> String {
    const GERMAN: &str = include_str!("../../runtime/console/web/src/text/de/server-messages.ts");
    let rest = GERMAN.split_once(&format!("const {name}: ")).unwrap_or_else(|| panic!("no {name}")).1;
    rest[..rest.find("\n};").unwrap()].to_owned()
}

/// The codes of a schema in the OpenAPI document.
fn codes(document: &Value, schema: &str) -> Vec<String> {
    let schema = &document["components"]["schemas"][schema];
    let words = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let found: Vec<String> = match schema["oneOf"].as_array() {
        Some(all) => all.iter().flat_map(|one| words(&one["properties"]["code"]["enum"])).collect(),
        None => words(&schema["enum"]),
    };
    assert!(!found.is_empty(), "no codes: {schema}");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_german_console_has_a_sentence_for_each_code() {
    let document: Value = serde_json::from_str(&sendbox_server::openapi().to_json().unwrap()).unwrap();
    let mut all: Vec<(String, String, String)> = Vec::new();
    for (schema, about) in [
        ("AlertCode", sentences("attention")),
        ("DifferenceCode", sentences("difference")),
        ("DecisionCode", sentences("decision")),
        ("VersionFault", sentences("fault")),
        ("FieldCode", sentences("field")),
        ("HintCode", sentences("hint")),
        ("Cause", pieces("causes")),
        ("NotAgain", pieces("notAgain")),
        ("NoFallback", pieces("noFallback")),
        ("VersionFault", pieces("because")),
    ] {
        all.extend(codes(&document, schema).into_iter().map(|code| (schema.to_owned(), code, about.clone())));
    }
    let api = Api::over(TestService::standalone_without_tenants().await).await;
    let kinds = api.anonymous().get("/problems").await.expect(200);
    for kind in kinds.as_array().unwrap() {
        let name = text(&kind["type"]).replace("/problems/", "");
        all.push(("problem".to_owned(), name, sentences("problem")));
    }
    let lacking: Vec<_> = all
        .iter()
        .filter(|(_, code, about)| {
            ![format!(" \"{code}\": "), format!(" {code}: ")].iter().any(|key| about.contains(key))
        })
        .map(|(schema, code, _)| format!("{schema} {code}"))
        .collect();
    assert_eq!(lacking, [""; 0]);
}
