//! The metadata of this connector, and its hostile behaviours in `metadata`.

use std::hint::black_box;

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::types::{
    ConnectorMetadata, ContentKind, HostNeed, MessagePlaces, NumberFormat, SecretBinding, SecretUse, Step, Usage,
};
use crate::metadata_behaviour::MetadataBehaviour;

/// 32 bytes that a test finds in the component and overwrites.
pub static MARKER: [u8; 32] = *b"metadata-behaviour=honest.......";

const SCHEMA: &str = r#"{
    "type": "object",
    "required": ["behaviour"],
    "properties": {
        "behaviour": {"type": "string"},
        "aim": {"type": "string", "default": ""},
        "endpoint": {"type": "string"},
        "token": {"type": "string", "writeOnly": true},
        "signer": {"type": "string", "writeOnly": true}
    }
}"#;

/// Runs the behaviour that the marker names.
pub fn metadata() -> ConnectorMetadata {
    let marker = black_box(&MARKER);
    let name = marker.split(|byte| *byte == b'=').nth(1).unwrap_or_default();
    let name = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    let behaviour = MetadataBehaviour::ALL.into_iter().find(|behaviour| behaviour.name().as_bytes() == name);
    match behaviour.unwrap_or(MetadataBehaviour::Honest) {
        MetadataBehaviour::Honest => honest(),
        MetadataBehaviour::Loops => loop {
            black_box(());
        },
        MetadataBehaviour::Calls => {
            config::get("token");
            honest()
        }
        MetadataBehaviour::Traps => std::process::abort(),
        MetadataBehaviour::Giant => ConnectorMetadata { readme: "x".repeat(200 << 10), ..honest() },
        MetadataBehaviour::Bomb => ConnectorMetadata { readme: "x".repeat(4 << 20), ..honest() },
        MetadataBehaviour::Hosts => {
            let need = honest().hosts.remove(0);
            ConnectorMetadata { hosts: vec![need; 65], ..honest() }
        }
        MetadataBehaviour::Lies => lies(),
    }
}

/// Metadata in which everything is wrong.
fn lies() -> ConnectorMetadata {
    let need = |origin: &str, secret: &str| HostNeed {
        origin: origin.into(),
        secrets: vec![SecretBinding { key: secret.into(), usage: SecretUse::Sent }],
        ..honest().hosts.remove(0)
    };
    ConnectorMetadata {
        id: "Not An Id".into(),
        name: " ".into(),
        parameters_schema: r#"{"type": 7}"#.into(),
        template_schema: Some("{".into()),
        hosts: vec![need("https://*", "token"), need("ftp://api.hostile.test", "token")],
        usages: vec![],
        ..honest()
    }
}

/// The placement of the message in the form fields `To` and `Body`.
fn places() -> MessagePlaces {
    MessagePlaces {
        recipient_format: NumberFormat::E164,
        recipient: vec![Step::Form("To".into())],
        content: vec![Step::Form("Body".into())],
        client_ip: None,
    }
}

fn honest() -> ConnectorMetadata {
    let bound = |key: &str, usage| SecretBinding { key: key.into(), usage };
    let api = |path: &str, recipient_format, recipient: Step, content: Step, client_ip: Option<Step>| HostNeed {
        origin: "https://api.hostile.test".into(),
        methods: vec!["GET".into(), "POST".into()],
        path_prefix: path.into(),
        message: Some(MessagePlaces {
            recipient_format,
            recipient: vec![recipient],
            content: vec![content],
            client_ip: client_ip.map(|step| vec![step]),
        }),
        secrets: vec![bound("token", SecretUse::Sent), bound("signer", SecretUse::SigningOnly)],
        purpose: "Receives messages in another way.".into(),
    };
    let pointer = |pointer: &str| Step::Json(pointer.into());
    ConnectorMetadata {
        id: "hostile".into(),
        version: "1.0.0".into(),
        name: "Hostile".into(),
        description: "Does what it should not.".into(),
        readme: "# Hostile".into(),
        logo: None,
        parameters_schema: SCHEMA.into(),
        content: ContentKind::Text,
        template_schema: None,
        hosts: vec![
            HostNeed {
                origin: "https://api.hostile.test".into(),
                methods: vec!["POST".into()],
                path_prefix: "/v1".into(),
                message: Some(places()),
                secrets: vec![bound("token", SecretUse::Sent), bound("signer", SecretUse::SigningOnly)],
                purpose: "Receives messages.".into(),
            },
            HostNeed {
                origin: "https://side.hostile.test".into(),
                methods: vec!["GET".into(), "POST".into()],
                path_prefix: String::new(),
                message: None,
                secrets: vec![],
                purpose: "Receives neither messages nor secrets.".into(),
            },
            HostNeed {
                origin: "{endpoint}".into(),
                methods: vec!["POST".into()],
                path_prefix: String::new(),
                message: Some(places()),
                secrets: vec![],
                purpose: "The tenant's own endpoint.".into(),
            },
            api("/json", NumberFormat::E164, pointer("/to"), pointer("/text"), Some(pointer("/ip"))),
            api("/list", NumberFormat::Digits, pointer("/recipients/0/msisdn"), pointer("/message"), None),
            api("/xml", NumberFormat::Digits, Step::Xml("/request/to".into()), Step::Xml("/request/text".into()), None),
            api("/query", NumberFormat::E164, Step::Query("to".into()), Step::Query("text".into()), None),
        ],
        usages: vec![Usage::SignIn, Usage::Register, Usage::ForgotPassword, Usage::Generic],
        locales: vec![],
        idempotent: false,
    }
}
