//! A user who moves from Logto takes the parameters along and sees the same request reach the provider.
//!
//! `tests/cases/logto/*.json` holds what Logto's published connectors sent to a server on loopback, with their names and
//! versions: for each input the method, URL, authorization, content type and body. Here the same input goes through the
//! service's plan and the real component, as a dry run, and must give the same request. Where we differ on purpose, the case
//! names the deviation, which must be one of [`DEVIATIONS`] and is listed in the connector's README.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::{ConnectionConfig, MessageRequest, plan};
use sendbox_sandbox::policy::{Limits, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{Attempt, Connector, DryRun, Outcome, Sandbox, SendRequest};
use sendbox_tests::sandbox_fixture;
use serde_json::Value;

/// The intended differences. One that no case shows must be removed.
const DEVIATIONS: [(&str, &[&str]); 7] = [
    ("aliyun", &["only the code goes into the template", "the country chooses the template"]),
    (
        "gatewayapi",
        &[
            "a sender of more than 11 characters is refused",
            "encoding UCS2 for a text outside of the GSM alphabet",
            "no dot segments in an address",
        ],
    ),
    (
        "http",
        &[
            "an address is written in its normal form",
            "an empty query keeps its question mark",
            "no backslash in an address",
            "no dot segments in an address",
            "no fragment in an address",
            "no semicolon in a query",
            "no user name in an address",
        ],
    ),
    ("smsaero", &["a text under 2 or over 640 units is refused", "usages without a template use generic"]),
    (
        "tencent",
        &[
            "a code of more than 6 digits, or with letters, is refused",
            "a number has its +",
            "only the code goes into the template",
            "usages without a template use generic",
        ],
    ),
    ("twilio", &["accountSID is checked"]),
    ("vonage", &["a sender that Vonage would cut is refused", "type unicode for a text outside of the GSM alphabet"]),
];

/// The deviations of all connectors that send texts.
const OF_TEXTS: [&str; 6] = [
    "texts: a template without {{code}} is refused",
    "texts: inherited names are no variables",
    "texts: more than 1600 units are refused",
    "texts: two templates for one usage are refused",
    "texts: {{locale}} of no language is empty",
    "texts: {{minutes}} has a value",
];

/// The compared parts of a request.
#[derive(Debug, PartialEq)]
struct Sent {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn of(request: &Value) -> Self {
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        let headers = request["headers"].as_object().unwrap();
        Self {
            method: text("method"),
            url: text("url"),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            body: text("body"),
        }
    }
}

fn attempt(input: &Value) -> Attempt {
    let given = Attempt::first().unwrap();
    Attempt {
        number: 1,
        started_at: input["startedAt"].as_u64().unwrap_or(given.started_at),
        nonce: input["nonce"].as_str().map_or(given.nonce, str::to_owned),
    }
}

/// The request that our connector would send, or why it would not.
async fn ours(sandbox: &Sandbox, connector: &Connector, input: &Value) -> Result<Sent, String> {
    let mut config = serde_json::Map::new();
    for key in ["parameters", "templates"] {
        if let Some(value) = input.get(key) {
            config.insert(key.to_owned(), value.clone());
        }
    }
    let config = ConnectionConfig::read(Value::Object(config)).map_err(|problems| problems.to_string())?;
    let text = |key: &str| input[key].as_str().map(str::to_owned);
    let variables = input["variables"].as_array().into_iter().flatten();
    let request = MessageRequest {
        notice_templates: Vec::new(),
        to: format!("+{}", text("to").unwrap().trim_start_matches('+')).into(),
        usage: text("usage").unwrap().parse().unwrap(),
        locale: text("locale"),
        code: Some(text("code").unwrap().into()),
        text: None,
        variables: variables
            .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned().into()))
            .collect(),
        client_ip: text("ip").map(Into::into),
        lifetime: Duration::from_secs(600),
        idempotency_key: "parity".into(),
        attempt: attempt(input),
        origin_domain: None,
    };
    let planned = plan(&config, request, connector.metadata()).map_err(|problems| problems.to_string())?;
    let parameters = connector.parameters(&config.parameters).map_err(|error| error.to_string())?;
    let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default()).unwrap();
    let request = SendRequest {
        owner: "parity".into(),
        parameters: Arc::new(parameters),
        grant: Arc::new(grant),
        message: planned.message,
        pinned: None,
        dry_run: Some(DryRun { show_sealed: true }),
        withdrawn: None,
        revocation: None,
    };
    let report = sandbox.send(connector, request).await;
    match report.outcome {
        Outcome::NotSentDryRun => {}
        other => return Err(format!("{other:?}")),
    }
    let [record] = report.requests.as_slice() else { panic!("{} requests", report.requests.len()) };
    let clear = record.clear.clone().unwrap();
    Ok(Sent { method: record.method.clone(), url: clear.url, headers: clear.headers, body: clear.body })
}

/// Keeps only the headers that were recorded, under their recorded names.
fn compared(mut sent: Sent, with: &Sent) -> Sent {
    sent.headers = with
        .headers
        .iter()
        .filter_map(|(name, _)| {
            let (_, value) = sent.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
            Some((name.clone(), value.clone()))
        })
        .collect();
    sent
}

/// Removes what we add on purpose, which must be there.
fn without_additions(deviations: &[&str], mut sent: Sent, what: &str) -> Sent {
    for (deviation, addition) in [
        ("encoding UCS2 for a text outside of the GSM alphabet", r#","encoding":"UCS2""#),
        ("type unicode for a text outside of the GSM alphabet", r#","type":"unicode""#),
    ] {
        if deviations.contains(&deviation) {
            assert_eq!(sent.body.matches(addition).count(), 1, "{what}: {}", sent.body);
            sent.body = sent.body.replace(addition, "");
        }
    }
    if deviations.contains(&"an empty query keeps its question mark") {
        sent.url = sent.url.strip_suffix('?').expect(what).to_owned();
    }
    sent
}

async fn parity(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("cases/logto/{name}.json"));
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let sandbox = sandbox_fixture::sandbox(Limits::default(), &[], None);
    let connector = sandbox.load(sendbox_catalogue::find(name).unwrap().component).await.unwrap();
    let wanted = DEVIATIONS.iter().find(|(of, _)| *of == name).unwrap().1;
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let cases = recorded["cases"].as_array().unwrap();
    assert!(cases.len() >= 25, "{name}: {} inputs", cases.len());
    for (index, case) in cases.iter().enumerate() {
        let what = format!("{name} #{index} {}", case["input"]);
        let deviations: Vec<&str> =
            case["deviates"].as_array().into_iter().flatten().map(|one| one.as_str().unwrap()).collect();
        for deviation in &deviations {
            assert!(wanted.contains(deviation) || OF_TEXTS.contains(deviation), "{what}: {deviation} is not listed");
            shown.insert(deviation);
        }
        let mut input = recorded["usual"].clone();
        for (key, value) in case["input"].as_object().unwrap() {
            input[key] = value.clone();
        }
        let result = ours(&sandbox, &connector, &input).await;
        if case["refusedHere"] == true {
            assert!(result.is_err(), "{what}: sent, although the case expects a refusal");
            continue;
        }
        // What Logto's connector sends when the input is corrected.
        let request = if case["corrected"].is_null() { &case["request"] } else { &case["corrected"]["request"] };
        let theirs = Sent::of(request);
        let sent = result.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(without_additions(&deviations, compared(sent, &theirs), &what), theirs, "{what}");
    }
    for deviation in wanted {
        assert!(shown.contains(deviation), "{name}: no case shows `{deviation}`");
    }
}

#[tokio::test]
async fn aliyun() {
    parity("aliyun").await;
}

#[tokio::test]
async fn gatewayapi() {
    parity("gatewayapi").await;
}

#[tokio::test]
async fn http() {
    parity("http").await;
}

#[tokio::test]
async fn smsaero() {
    parity("smsaero").await;
}

#[tokio::test]
async fn tencent() {
    parity("tencent").await;
}

#[tokio::test]
async fn twilio() {
    parity("twilio").await;
}

#[tokio::test]
async fn vonage() {
    parity("vonage").await;
}
