//! Finds mistakes in a connector's metadata that would otherwise appear only at installation.

use serde_json::Value;

use crate::connector::Connector;
use crate::http::Method;
use crate::message::Usage;
use crate::metadata::{ContentKind, HostNeed, MessagePlaces, Metadata, NumberFormat, SecretUse, Step};

/// Metadata of a connector that sends texts to `https://api.example.com` with the secret `token`, for tests that need some:
/// `Metadata { content: ContentKind::Variables, ..example_metadata() }`.
#[must_use]
pub fn example_metadata() -> Metadata {
    Metadata {
        id: "example-sms",
        version: "1.0.0",
        name: "Example",
        description: "Sends text messages.",
        readme: "# Example",
        logo: None,
        parameters_schema: r#"{"type":"object","properties":{"token":{"type":"string","writeOnly":true}}}"#,
        content: ContentKind::Text,
        template_schema: None,
        hosts: vec![example_host()],
        usages: Usage::ALL.to_vec(),
        locales: vec![],
        idempotent: false,
    }
}

/// The host of [`example_metadata`]: takes forms with the number in `To` and the text in `Body`.
#[must_use]
pub fn example_host() -> HostNeed {
    HostNeed {
        origin: "https://api.example.com",
        methods: vec![Method::Post],
        path_prefix: "",
        message: Some(MessagePlaces::form(NumberFormat::E164, "To", "Body")),
        secrets: vec![("token", SecretUse::Sent)],
        purpose: "Sends the message.",
    }
}

/// The mistakes in the metadata of `C`, a sentence each; empty if there are none.
#[must_use]
pub fn metadata_problems<C: Connector>() -> Vec<String> {
    problems(&C::metadata())
}

fn problems(metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |good: bool, problem: String| {
        if !good {
            found.push(problem);
        }
    };

    let id_is_good = (3..=64).contains(&metadata.id.len())
        && metadata.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    check(id_is_good, format!("id `{}` must have 3 to 64 characters, only a-z, 0-9 and -", metadata.id));
    for (name, text) in [
        ("version", metadata.version),
        ("name", metadata.name),
        ("description", metadata.description),
        ("readme", metadata.readme),
    ] {
        check(!text.trim().is_empty(), format!("{name} is empty"));
    }
    if let Some(logo) = metadata.logo {
        check(logo.len() <= 32 * 1024, "the logo is larger than 32 KiB".into());
        check(
            logo.trim_start().starts_with("<svg") || logo.trim_start().starts_with("<?xml"),
            "the logo is not an SVG document".into(),
        );
    }
    check(
        (metadata.content == ContentKind::Template) == metadata.template_schema.is_some(),
        "`template_schema` is required for content kind `Template`, and not allowed for others".into(),
    );
    check(!metadata.usages.is_empty(), "no usage is supported".into());

    let schema: Value = serde_json::from_str(metadata.parameters_schema).unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object);
    check(
        schema.get("type").and_then(Value::as_str) == Some("object") && properties.is_some(),
        "the schema of the parameters must be the JSON Schema of an object with properties".into(),
    );
    let property = |key: &str| properties.and_then(|properties| properties.get(key));

    check(!metadata.hosts.is_empty(), "there are no hosts, so nothing can be sent".into());
    check(
        metadata.hosts.iter().any(|host| host.message.is_some()),
        "no host receives the message, so nothing can be sent".into(),
    );
    for host in &metadata.hosts {
        let origin = host.origin;
        check(!host.methods.is_empty(), format!("{origin} allows no method"));
        check(!host.purpose.is_empty(), format!("{origin} has no purpose"));
        check(
            origin.starts_with("https://") || (origin.starts_with('{') && origin.ends_with('}')),
            format!("{origin} must be `https://…` or one `{{parameter}}`"),
        );
        for key in origin.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(key, _)| key) {
            check(property(key).is_some(), format!("{origin}: there is no parameter `{key}`"));
            let chooses = |word: &&&str| property(key).and_then(|schema| schema.get(**word)).is_some();
            if let Some(word) = ["default", "const", "$ref"].iter().find(chooses) {
                check(
                    false,
                    format!(
                        "{origin}: the parameter `{key}` must not have a `{word}`, because the tenant chooses the host"
                    ),
                );
            }
        }
        if let Some(places) = &host.message {
            places_problems(places).into_iter().for_each(|problem| check(false, format!("{origin}: {problem}")));
        }
        for (key, _) in &host.secrets {
            let secret = property(key).and_then(|schema| schema.get("writeOnly")) == Some(&Value::Bool(true));
            check(secret, format!("{origin}: `{key}` is not a secret; set `writeOnly: true`"));
        }
    }
    found
}

/// The maximum number of steps of a place, as on the host.
const STEPS_MAX: usize = 4;

fn places_problems(places: &MessagePlaces) -> Vec<String> {
    let mut found = Vec::new();
    let all = [Some(&places.recipient), Some(&places.content), places.client_ip.as_ref()];
    for steps in all.into_iter().flatten() {
        if steps.is_empty() || steps.len() > STEPS_MAX {
            found.push(format!("a place must have 1 to {STEPS_MAX} steps; {steps:?} has {}", steps.len()));
        }
        if steps.iter().skip(1).any(|step| matches!(step, Step::Query(_) | Step::PathSegment(_) | Step::Header(_))) {
            found.push(format!("a query parameter, path segment or header must be the first step: {steps:?}"));
        }
        for step in steps {
            let good = match step {
                Step::PathSegment(_) => true,
                Step::Query(name) | Step::Header(name) | Step::Form(name) => !name.is_empty(),
                Step::Json(pointer) => pointer.starts_with('/'),
                Step::Xml(path) => path.starts_with('/') && path.split('/').skip(1).all(|name| !name.is_empty()),
            };
            if !good {
                found.push(format!("a step must have a name, or a path that begins with `/`: {step:?}"));
            }
        }
    }
    if places.recipient == places.content
        || places.client_ip.as_ref().is_some_and(|steps| [&places.recipient, &places.content].contains(&steps))
    {
        found.push("number, content and IP address must be at different places".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Metadata {
        Metadata {
            logo: Some("<svg/>"),
            parameters_schema: r#"{"type":"object","properties":{
                "token":{"type":"string","writeOnly":true},"edge":{"type":"string"}}}"#,
            hosts: vec![HostNeed { origin: "https://api.{edge}.example.com", ..example_host() }],
            ..example_metadata()
        }
    }

    fn places(metadata: &mut Metadata) -> &mut MessagePlaces {
        metadata.hosts[0].message.as_mut().unwrap()
    }

    #[test]
    fn sound_metadata_has_no_problem_and_each_mistake_has_one() {
        type Mistake = fn(&mut Metadata);
        let mistakes: [(&str, Mistake); 17] = [
            ("id `A`", |metadata| metadata.id = "A"),
            ("version is empty", |metadata| metadata.version = ""),
            ("the logo is not an SVG", |metadata| metadata.logo = Some("GIF89a")),
            ("`template_schema` is required", |metadata| metadata.content = ContentKind::Template),
            ("no usage", |metadata| metadata.usages.clear()),
            ("allows no method", |metadata| metadata.hosts[0].methods.clear()),
            ("no purpose", |metadata| metadata.hosts[0].purpose = ""),
            ("must be `https", |metadata| metadata.hosts[0].origin = "http://example.com"),
            ("no parameter `region`", |metadata| metadata.hosts[0].origin = "https://{region}.example.com"),
            ("must not have a `default`", |metadata| {
                metadata.parameters_schema = r#"{"type":"object","properties":{
                    "token":{"type":"string","writeOnly":true},"edge":{"type":"string","default":"x"}}}"#;
            }),
            ("`edge` is not a secret", |metadata| metadata.hosts[0].secrets = vec![("edge", SecretUse::Sent)]),
            ("1 to 4 steps", |metadata| places(metadata).recipient.clear()),
            ("must be the first step", |metadata| places(metadata).content.push(Step::Query("x"))),
            ("begins with `/`", |metadata| places(metadata).content.push(Step::Json("text"))),
            ("begins with `/`", |metadata| places(metadata).content.push(Step::Xml("/a//b"))),
            ("different places", |metadata| places(metadata).content = vec![Step::Form("To")]),
            ("no host receives", |metadata| metadata.hosts[0].message = None),
        ];
        assert_eq!(problems(&sound()), Vec::<String>::new());
        for (want, make) in mistakes {
            let mut metadata = sound();
            make(&mut metadata);
            let found = problems(&metadata);
            assert!(found.len() == 1 && found[0].contains(want), "{want}: {found:?}");
        }
    }

    #[test]
    fn a_broken_schema_is_found() {
        let mut metadata = sound();
        metadata.parameters_schema = "{";
        assert!(problems(&metadata).iter().any(|problem| problem.contains("must be the JSON Schema")));
    }
}
