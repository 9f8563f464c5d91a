use std::collections::BTreeSet;

use sendbox_contract::TextEncoding;
use sendbox_policy::Manifest;
use serde_json::json;

use super::*;

fn metadata(content: ContentKind) -> Metadata {
    Metadata {
        id: "test".into(),
        version: "1".into(),
        name: "Test".into(),
        description: String::new(),
        readme: String::new(),
        logo: None,
        parameters_schema: json!({}),
        content,
        template_schema: None,
        manifest: Manifest::default(),
        usages: Usage::ALL.to_vec(),
        locales: Vec::new(),
        idempotent: false,
        secret_keys: BTreeSet::new(),
        validators: sendbox_contract::Validators::default(),
    }
}

fn config() -> ConnectionConfig {
    ConnectionConfig::read(json!({
        "parameters": {"token": "t"},
        "templates": [
            {"usage": "sign-in", "content": "{{code}} til {{link}}, {{minutes}} min"},
            {"usage": "generic", "content": "{{code}} {{locale}}"},
            {"usage": "register", "template": "SMS_1"},
        ],
    }))
    .map_err(|errors| errors.to_string())
    .unwrap()
}

fn request() -> MessageRequest {
    MessageRequest {
        notice_templates: Vec::new(),
        to: "+45 12 34 56 78".to_owned().into(),
        usage: Usage::SignIn,
        locale: None,
        code: Some("123456".to_owned().into()),
        text: None,
        variables: vec![("link".into(), "x.dk".to_owned().into())],
        client_ip: None,
        origin_domain: None,
        lifetime: Duration::from_secs(61),
        idempotency_key: "key-1".into(),
        attempt: Attempt { number: 2, started_at: 1_700_000_000_000, nonce: "0f".repeat(16) },
    }
}

fn errors(planned: Result<Plan, FieldErrors>) -> Vec<FieldError> {
    match planned {
        Err(FieldErrors(errors)) => errors,
        Ok(_) => panic!("there is a plan"),
    }
}

#[test]
fn a_text_is_rendered_and_measured() {
    let plan = plan(&config(), request(), &metadata(ContentKind::Text)).unwrap();
    let Content::Text { text, encoding, segments, units } = &plan.message.content else { panic!() };
    assert_eq!(text.as_str(), "123456 til x.dk, 2 min");
    assert_eq!((*encoding, *segments, *units), (TextEncoding::Gsm7, 1, 22));
    assert_eq!(plan.message.recipient.e164.as_str(), "+4512345678");
    assert_eq!(plan.message.lifetime_seconds, 61);
    assert_eq!((plan.message.idempotency_key.as_str(), plan.message.attempt.number), ("key-1", 2));
    assert!(plan.unknown_variables.is_empty());
}

#[test]
fn unknown_variables_stay_and_are_reported() {
    let plan =
        plan(&config(), MessageRequest { variables: vec![], ..request() }, &metadata(ContentKind::Text)).unwrap();
    let Content::Text { text, .. } = &plan.message.content else { panic!() };
    assert_eq!(text.as_str(), "123456 til {{link}}, 2 min");
    assert_eq!(plan.unknown_variables, ["link"]);
}

#[test]
fn a_usage_without_template_falls_to_generic() {
    let request = MessageRequest { usage: Usage::BindMfa, locale: Some("da".into()), ..request() };
    let plan = plan(&config(), request, &metadata(ContentKind::Text)).unwrap();
    let Content::Text { text, .. } = &plan.message.content else { panic!() };
    assert_eq!(text.as_str(), "123456 da");
    assert_eq!(plan.message.usage, Usage::BindMfa);
}

#[test]
fn a_usage_that_the_connector_does_not_know_is_generic() {
    let metadata = Metadata { usages: vec![Usage::Generic], ..metadata(ContentKind::Text) };
    assert_eq!(plan(&config(), request(), &metadata).unwrap().message.usage, Usage::Generic);
    let none = Metadata { usages: vec![Usage::Register], ..metadata };
    assert!(errors(plan(&config(), request(), &none)).iter().any(|error| error.field == "/usage"));
}

#[test]
fn variables_come_code_first_and_without_templates() {
    let empty = ConnectionConfig { parameters: json!({}), templates: vec![] };
    let plan =
        plan(&empty, MessageRequest { locale: Some("da".into()), ..request() }, &metadata(ContentKind::Variables));
    let message = plan.unwrap().message;
    let Content::Variables(variables) = &message.content else { panic!() };
    let named: Vec<(&str, &str)> = variables.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
    assert_eq!(named, [("code", "123456"), ("link", "x.dk")]);
    assert_eq!(message.locale.as_deref(), Some("da"));
}

#[test]
fn a_providers_template_goes_on_as_it_is() {
    let request = MessageRequest { usage: Usage::Register, ..request() };
    let plan = plan(&config(), request, &metadata(ContentKind::Template)).unwrap();
    let Content::Template { template, variables } = &plan.message.content else { panic!() };
    assert_eq!((template.as_str(), variables.len()), ("SMS_1", 2));
}

#[test]
fn a_template_of_the_other_kind_is_said_to_be_one() {
    let text =
        errors(plan(&config(), MessageRequest { usage: Usage::Register, ..request() }, &metadata(ContentKind::Text)));
    assert!(text[0].message.contains("needs `content`"), "{text:?}");
    let provider = errors(plan(&config(), request(), &metadata(ContentKind::Template)));
    assert!(provider[0].message.contains("needs `template`"), "{provider:?}");
}

#[test]
fn the_language_is_the_connectors() {
    let metadata = Metadata { locales: vec!["en".into(), "pt-br".into()], ..metadata(ContentKind::Text) };
    for (wanted, told) in
        [("pt-BR", Some("pt-br")), ("pt_PT", Some("pt-br")), ("en-GB", Some("en")), ("da", None), ("", None)]
    {
        let request = MessageRequest { locale: Some(wanted.into()), ..request() };
        assert_eq!(plan(&config(), request, &metadata).unwrap().message.locale.as_deref(), told, "{wanted}");
    }
}

#[test]
fn everything_wrong_is_named_at_once_and_nothing_is_shown() {
    let request = MessageRequest {
        to: "4598765432".to_owned().into(),
        code: Some("98-76".to_owned().into()),
        variables: vec![
            ("code".into(), "987654".to_owned().into()),
            ("a b".into(), "".to_owned().into()),
            ("x".into(), "".to_owned().into()),
            ("x".into(), "9".repeat(3000).into()),
        ],
        client_ip: Some("987.6.5.4".to_owned().into()),
        origin_domain: Some("Example.com".into()),
        lifetime: Duration::ZERO,
        idempotency_key: "a b".into(),
        ..request()
    };
    let errors = errors(plan(&config(), request, &metadata(ContentKind::Text)));
    let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
    let wanted = [
        "/code",
        "/variables/code",
        "/variables",
        "/variables/x",
        "/variables/x",
        "/clientIp",
        "/to",
        "/lifetimeSeconds",
        "Idempotency-Key",
        "/originDomain",
    ];
    assert_eq!(fields, wanted);
    let shown = FieldErrors(errors).to_string();
    assert!(!shown.contains("98") && !shown.contains("76"), "{shown}");
}

#[test]
fn a_text_that_is_too_long_says_how_long() {
    let long = vec![("link".into(), Zeroizing::new("x".repeat(1700)))];
    let errors = errors(plan(&config(), MessageRequest { variables: long, ..request() }, &metadata(ContentKind::Text)));
    assert!(errors[0].message.contains("1718 characters"), "{errors:?}");
}

#[test]
fn the_origin_bound_line_stands_under_every_text_and_is_measured() {
    let config = ConnectionConfig::read(json!({
        "parameters": {},
        "templates": [
            {"usage": "sign-in", "content": "Code {{code}}\n"},
            {"usage": "register", "content": "{{code}}\n\n@example.com #{{code}}"},
            {"usage": "generic", "content": "{{code}} {{link}}"},
        ],
    }))
    .map_err(|errors| errors.to_string())
    .unwrap();
    for (usage, want) in [
        (Usage::SignIn, "Code 123456\n\n@example.com #123456"),
        (Usage::Register, "123456\n\n@example.com #123456"),
        (Usage::BindMfa, "123456 x.dk\n\n@example.com #123456"),
    ] {
        let request = MessageRequest { usage, origin_domain: Some("example.com".into()), ..request() };
        let plan = plan(&config, request, &metadata(ContentKind::Text)).unwrap();
        let Content::Text { text, units, .. } = &plan.message.content else { panic!() };
        assert_eq!(text.as_str(), want);
        assert_eq!((*units as usize, plan.size), (want.len(), Some(text::measure(want))));
    }
    // The longest text that is allowed; the appended line makes it too long.
    let long = || vec![("link".into(), Zeroizing::new("x".repeat(1593)))];
    let without = MessageRequest { usage: Usage::Generic, variables: long(), ..request() };
    assert!(plan(&config, without, &metadata(ContentKind::Text)).is_ok());
    let with = MessageRequest {
        usage: Usage::Generic,
        variables: long(),
        origin_domain: Some("example.com".into()),
        ..request()
    };
    let errors = errors(plan(&config, with, &metadata(ContentKind::Text)));
    assert!(errors[0].message.contains("1622 characters"), "{errors:?}");
}

#[test]
fn a_configuration_is_read_whole() {
    for (config, field, words) in [
        (json!([]), "", "must be an object"),
        (json!({}), "/parameters", "is missing"),
        (json!({"parameters": 1}), "/parameters", "must be an object"),
        (json!({"parameters": {}, "accountSID": "x"}), "/accountSID", "stand in `parameters`"),
        (json!({"parameters": {"templates": []}}), "/parameters/templates", "move them up"),
        (json!({"parameters": {}, "templates": {}}), "/templates", "must be a list"),
        (json!({"parameters": {}, "templates": [{"usage": "generic"}]}), "/templates/0", "neither"),
    ] {
        let Err(FieldErrors(errors)) = ConnectionConfig::read(config) else { panic!("{field} was taken") };
        assert_eq!(errors[0].field, field);
        assert!(errors[0].message.contains(words), "{errors:?}");
    }
}

#[test]
fn a_text_is_sent_as_it_is() {
    let text = |text: &str| MessageRequest {
        text: Some(text.to_owned().into()),
        origin_domain: Some("example.com".into()),
        ..request()
    };
    let planned =
        plan(&config(), text("123456: it is you. {{code}}"), &metadata(ContentKind::Text)).unwrap_or_else(|_| panic!());
    let Content::Text { text: sent, segments, .. } = &planned.message.content else { panic!() };
    assert_eq!((sent.as_str(), *segments), ("123456: it is you. {{code}}", 1));
    assert!(planned.unknown_variables.is_empty());
    // A connector that takes no texts gets the code.
    let planned =
        plan(&config(), text("123456: it is you."), &metadata(ContentKind::Variables)).unwrap_or_else(|_| panic!());
    let Content::Variables(variables) = &planned.message.content else { panic!() };
    assert_eq!((variables[0].name.as_str(), variables[0].value.as_str()), ("code", "123456"));
    for (request, field) in
        [(text("it is you."), "/text"), (text(""), "/text"), (text(&format!("123456{}", "x".repeat(1600))), "/text")]
    {
        let errors = errors(plan(&config(), request, &metadata(ContentKind::Text)));
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), [field]);
    }
}

#[test]
fn a_message_without_a_code_needs_a_text_or_a_template_without_one() {
    let without_code = || MessageRequest { code: None, origin_domain: Some("example.com".into()), ..request() };
    let with_text = MessageRequest { text: Some("A key was added.".to_owned().into()), ..without_code() };
    let planned = plan(&config(), with_text, &metadata(ContentKind::Text)).unwrap_or_else(|_| panic!());
    assert!(planned.message.code.is_none());
    for kind in [ContentKind::Text, ContentKind::Template, ContentKind::Variables] {
        let errors = errors(plan(&config(), without_code(), &metadata(kind)));
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["/code"], "{kind:?}");
    }
}
