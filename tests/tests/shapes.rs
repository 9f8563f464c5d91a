//! The requests of the built-in connectors in normal use have the shapes that were rehearsed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;

use sendbox_sandbox::policy::{EffectiveGrant, Limits, OperatorPolicy, PinnedShapes, TenantGrant};
use sendbox_sandbox::{
    Attempt, Connector, Content, ContentKind, DryRun, FailureClass, Message, Outcome, Parameters, Recipient, Rehearsal,
    RehearsedTemplate, RequestSent, SendRequest, SendResult, TextEncoding, Usage, Variable,
};
use sendbox_simulator::SimulatorConfig;
use sendbox_tests::simulator_setup::{SimulatorSetup, connection};
use serde_json::{Value, json};

/// 2026-11-23, when the versions were uploaded.
const CAME_AT: u64 = 1_795_421_801_000;
/// A code that occurs nowhere else.
const CODE: &str = "904417";

/// Sets of parameters in addition to those of [`connection`], each for a connection of its own. `null` removes one of those.
fn variants(name: &str) -> Vec<Value> {
    let fields = json!({ "x-from": "45", "x-id": "{{id}}", "x-ttl": "{{seconds}}", "x-kind": "{{type}}", "x-lang": "{{locale}}" });
    let more: Vec<Value> = match name {
        "twilio" => vec![
            json!({ "validityPeriod": "lifetime" }),
            json!({ "validityPeriod": 600, "from": "3600", "disableRiskCheck": true }),
            json!({ "from": "600", "validityPeriod": "lifetime", "edge": "dublin", "region": "ie1" }),
            json!({ "statusCallback": "https://reports.example/600/45" }),
            json!({ "apiKeySid": "SK0123456789abcdef0123456789abcdef", "apiKeySecret": "abcdefgh" }),
        ],
        "smsaero" => vec![json!({ "callbackUrl": "https://reports.example/r" }), json!({ "host": "gate.smsaero.org" })],
        "gatewayapi" => vec![
            json!({ "validityPeriod": "lifetime", "priority": "URGENT", "messageClass": "premium" }),
            json!({ "validityPeriod": 60, "sender": "45", "callbackUrl": "https://reports.example/r" }),
        ],
        "vonage" => vec![
            json!({ "ttl": "lifetime", "callbackUrl": "https://reports.example/r" }),
            json!({ "ttl": 600_000, "brandName": "7" }),
        ],
        "aliyun" => vec![json!({ "endpoint": "dysmsapi.ap-southeast-1.aliyuncs.com" })],
        "tencent" => vec![json!({ "endpoint": "sms.intl.tencentcloudapi.com", "region": "ap-singapore" })],
        "http" => vec![
            json!({ "authorization": "Bearer abcdefgh" }),
            json!({ "webhookSecret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
            json!({ "endpoint": "https://hooks.simulator.test/45/sms?tenant=7&lang=en" }),
            json!({ "endpoint": "https://hooks.simulator.test/sms?lang=en", "method": "GET", "fields": fields }),
            json!({ "endpoint": null, "formEndpoint": "https://hooks.simulator.test/sms", "fields": fields }),
            json!({ "method": "PUT", "fields": { "options": [fields, "45"] }, "headers": { "x-id": "{{id}}", "x-ttl": "{{seconds}}", "accept-language": "{{locale}}" } }),
        ],
        other => panic!("no parameters for {other}"),
    };
    let (usual, _) = connection(name);
    let with = |more: &Value| {
        let mut all = usual.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        all.retain(|_, value| !value.is_null());
        Value::Object(all)
    };
    std::iter::once(usual.clone()).chain(more.iter().map(with)).collect()
}

/// One template for each usage and language.
fn templates(name: &str) -> Vec<RehearsedTemplate> {
    let (_, both) = connection(name);
    let one = |usage, locale: Option<&str>, template: &str| RehearsedTemplate {
        usage,
        locale: locale.map(str::to_owned),
        template: template.to_owned(),
    };
    let with_variables = match name {
        "aliyun" => r#"{"template":"600","variables":{"yzm":"code","min":"minutes"}}"#,
        _ => r#"{"template":"600","variables":["minutes","code"]}"#,
    };
    match name {
        "aliyun" | "tencent" => vec![
            one(Usage::Generic, None, both),
            one(Usage::SignIn, None, "44973901"),
            one(Usage::SignIn, Some("da"), "600"),
            one(Usage::Register, Some("zh-CN"), r#"{"china":"1","overseas":"45"}"#),
            one(Usage::Register, None, with_variables),
        ],
        _ => Vec::new(),
    }
}

struct Connected {
    connector: Connector,
    parameters: Arc<Parameters>,
    grant: Arc<EffectiveGrant>,
    pinned: Arc<PinnedShapes>,
}

impl Connected {
    async fn new(setup: &SimulatorSetup, name: &str, parameters: &Value) -> Self {
        Self::with_templates(setup, name, parameters, templates(name)).await
    }

    async fn with_templates(
        setup: &SimulatorSetup,
        name: &str,
        parameters: &Value,
        templates: Vec<RehearsedTemplate>,
    ) -> Self {
        let connector = setup.load(name).await;
        let parameters = Arc::new(connector.parameters(parameters).unwrap());
        let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default()).unwrap();
        let grant = Arc::new(grant);
        let rehearsal = Rehearsal {
            owner: "acme".to_owned(),
            parameters: Arc::clone(&parameters),
            grant: Arc::clone(&grant),
            templates,
            at_unix_ms: CAME_AT,
        };
        let pinned = Arc::new(setup.sandbox.rehearse(&connector, &rehearsal).await.unwrap());
        assert!(!pinned.is_empty(), "{name}: nothing is pinned");
        Self { connector, parameters, grant, pinned }
    }

    async fn send(&self, setup: &SimulatorSetup, message: Message) -> SendResult {
        let request = SendRequest {
            owner: "acme".to_owned(),
            parameters: Arc::clone(&self.parameters),
            grant: Arc::clone(&self.grant),
            message,
            pinned: Some(Arc::clone(&self.pinned)),
            dry_run: Some(DryRun { show_sealed: false }),
            withdrawn: None,
            revocation: None,
        };
        setup.sandbox.send(&self.connector, request).await
    }
}

/// The clear values of one message.
#[derive(Clone, Debug)]
struct Clear {
    usage: Usage,
    locale: Option<&'static str>,
    destination: (Option<&'static str>, &'static str, &'static str),
    lifetime_seconds: u32,
    encoding: TextEncoding,
    units: u32,
    segments: u32,
    client_ip: bool,
    attempt: u32,
    variables: &'static [&'static str],
    now: u64,
}

const DESTINATIONS: [(Option<&str>, &str, &str); 12] = [
    (Some("DK"), "45", "20123456"),
    (Some("US"), "1", "2015550123"),
    (Some("CA"), "1", "4165550123"),
    (Some("CN"), "86", "13800138000"),
    (Some("HK"), "852", "51234567"),
    (Some("RU"), "7", "9121234567"),
    (Some("KZ"), "7", "7012345678"),
    (Some("DE"), "49", "15123456789"),
    (Some("EG"), "20", "1001234567"),
    (Some("IN"), "91", "8123456789"),
    (Some("LU"), "352", "628123456"),
    (None, "882", "1612345678"),
];
const LIFETIMES: [u32; 22] =
    [1, 2, 7, 19, 20, 45, 59, 60, 61, 119, 120, 300, 419, 420, 600, 900, 999, 1000, 2700, 3600, 36_001, 86_400];
const LOCALES: [Option<&str>; 8] =
    [None, Some("en"), Some("da"), Some("zh-CN"), Some("zh-Hant-TW"), Some("pt-BR"), Some("de"), Some("us")];
const VARIABLES: [&[&str]; 5] =
    [&[], &["link"], &["link", "user.name"], &["to", "type"], &["a", "b", "c", "d", "e", "f", "g", "h", "i"]];

/// Every value of each list, combined with every value of the next list at some point: the lengths have no large common divisor, so
/// that many combinations occur.
fn messages(count: usize) -> impl Iterator<Item = Clear> {
    (0..count).map(|n| {
        let encoding = if n % 2 == 0 { TextEncoding::Gsm7 } else { TextEncoding::Ucs2 };
        let (units, segments) = [(12, 1), (60, 1), (300, 3), (640, 5)][n / 3 % 4];
        Clear {
            usage: Usage::ALL[n % Usage::ALL.len()],
            locale: LOCALES[n / 2 % LOCALES.len()],
            destination: DESTINATIONS[n / 5 % DESTINATIONS.len()],
            lifetime_seconds: LIFETIMES[n % LIFETIMES.len()],
            encoding,
            units,
            segments,
            client_ip: n / 7 % 2 == 0,
            attempt: 1 + u32::try_from(n / 11 % 6).unwrap(),
            variables: VARIABLES[n / 4 % VARIABLES.len()],
            now: CAME_AT + u64::try_from(n).unwrap() * 86_400_000 * 3,
        }
    })
}

fn message(kind: ContentKind, templates: &[RehearsedTemplate], clear: &Clear) -> Message {
    let variables = || {
        let code = Variable { name: "code".to_owned(), value: CODE.to_owned().into() };
        let others = clear
            .variables
            .iter()
            .map(|name| Variable { name: (*name).to_owned(), value: format!("value of {name}, 45 600").into() });
        std::iter::once(code).chain(others).collect::<Vec<_>>()
    };
    let content = match kind {
        ContentKind::Text => Content::Text {
            text: format!("{CODE} er koden").into(),
            encoding: clear.encoding,
            segments: clear.segments,
            units: clear.units,
        },
        ContentKind::Variables => Content::Variables(variables()),
        ContentKind::Template => {
            let of = |usage| templates.iter().filter(move |template| template.usage == usage);
            let exact = of(clear.usage).find(|template| template.locale.as_deref() == clear.locale);
            let template = exact.or_else(|| of(Usage::Generic).next()).unwrap();
            Content::Template { template: template.template.clone(), variables: variables() }
        }
    };
    let (country, calling_code, national) = clear.destination;
    Message {
        recipient: Recipient {
            e164: format!("+{calling_code}{national}").into(),
            national: national.to_owned().into(),
            country: country.map(str::to_owned),
            calling_code: calling_code.to_owned(),
        },
        usage: clear.usage,
        locale: clear.locale.map(str::to_owned),
        content,
        code: Some(CODE.to_owned().into()),
        lifetime_seconds: clear.lifetime_seconds,
        client_ip: clear.client_ip.then(|| "203.0.113.7".to_owned().into()),
        idempotency_key: format!("key-{}", clear.now),
        attempt: Attempt { number: clear.attempt, started_at: clear.now, ..Attempt::first().unwrap() },
    }
}

#[tokio::test]
async fn no_built_in_connector_is_held_back_in_honest_use() {
    let setup = SimulatorSetup::new(SimulatorConfig::default(), Limits::default()).await;
    for built_in in sendbox_catalogue::all() {
        let name = built_in.name;
        for parameters in variants(name) {
            let connected = Connected::new(&setup, name, &parameters).await;
            let kind = connected.connector.metadata().content;
            let templates = templates(name);
            for clear in messages(66) {
                let report = connected.send(&setup, message(kind, &templates, &clear)).await;
                assert!(
                    matches!(report.outcome, Outcome::NotSentDryRun),
                    "{name} with {clear:?}: {:?}\npinned:\n{}",
                    report.outcome,
                    connected.pinned.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                );
            }
        }
    }
}

/// A template that needs a variable of the platform: it is rehearsed with one, so that a message with it is not held back, and a
/// message without it is not sent.
#[tokio::test]
async fn a_template_is_rehearsed_with_the_variables_that_it_names() {
    let setup = SimulatorSetup::new(SimulatorConfig::default(), Limits::default()).await;
    for (name, template) in [
        ("aliyun", r#"{"template":"SMS_1","variables":{"code":"code","app":"product","min":"minutes"}}"#),
        ("tencent", r#"{"template":"1","variables":["product","code","minutes"]}"#),
    ] {
        let templates =
            || vec![RehearsedTemplate { usage: Usage::Generic, locale: None, template: template.to_owned() }];
        let connected = Connected::with_templates(&setup, name, &connection(name).0, templates()).await;
        for clear in messages(66) {
            let clear = Clear { variables: &["product", "link"], ..clear };
            let report = connected.send(&setup, message(ContentKind::Template, &templates(), &clear)).await;
            assert!(matches!(report.outcome, Outcome::NotSentDryRun), "{name} with {clear:?}: {:?}", report.outcome);
        }
        let clear = Clear { variables: &["link"], ..messages(1).next().unwrap() };
        let report = connected.send(&setup, message(ContentKind::Template, &templates(), &clear)).await;
        let Outcome::Failed(failure) = report.outcome else { panic!("{name}: {:?}", report.outcome) };
        assert_eq!((failure.class, failure.request_sent), (FailureClass::InvalidRequest, RequestSent::No), "{name}");
        assert!(failure.text.contains("`product`"), "{name}: {failure:?}");
    }
}
