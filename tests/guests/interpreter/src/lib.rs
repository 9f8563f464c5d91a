//! A guest that runs any program over the contract.
//!
//! The program is the plain parameter `program`: one operation per line, in the language of [`program`]. Of everything that an
//! operation lets the guest observe, a digest is written to standard error, in letters, so that the host's scrubber has nothing
//! to remove from it. Two runs that observe the same write the same; the differential test compares them.

mod observe;
mod program;
mod run;

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package sendbox:interpreter;
            world interpreter {
                include sendbox:connector/reporting-connector@1.0.0;
                import sendbox:connector/reveal@1.0.0;
            }
        ",
        path: "../../../wit/connector/v1",
        generate_all,
    });
}

use std::hint::black_box;

use bindings::exports::sendbox::connector::connector::Guest;
use bindings::exports::sendbox::connector::delivery_reports::{Callback, Guest as Reports, Report, ReportError, State};
use bindings::sendbox::connector::types::{
    ConnectorMetadata, ContentKind, Failure, FailureClass, HostNeed, Message, MessagePlaces, NumberFormat, Receipt,
    SecretBinding, SecretUse, Step, Usage,
};

use crate::run::{Given, Machine};

struct Interpreter;

/// 24 bytes that a test finds in the component and overwrites: the kind of content that the connector takes.
static CONTENT: [u8; 24] = *b"interpreter=text........";

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "program": {"type": "string"},
        "plain": {"type": "string"},
        "token": {"type": "string", "writeOnly": true},
        "signer": {"type": "string", "writeOnly": true}
    }
}"#;

impl Guest for Interpreter {
    fn metadata() -> ConnectorMetadata {
        let text = black_box(&CONTENT).starts_with(b"interpreter=text.");
        let secret = |key: &str, usage| SecretBinding { key: key.into(), usage };
        ConnectorMetadata {
            id: "interpreter".into(),
            version: "1.0.0".into(),
            name: "Interpreter".into(),
            description: "Runs a program.".into(),
            readme: "# Interpreter".into(),
            logo: None,
            parameters_schema: SCHEMA.into(),
            content: if text { ContentKind::Text } else { ContentKind::Variables },
            template_schema: None,
            hosts: vec![
                HostNeed {
                    origin: "https://api.hostile.test".into(),
                    methods: vec!["GET".into(), "POST".into()],
                    path_prefix: String::new(),
                    message: Some(MessagePlaces {
                        recipient_format: NumberFormat::E164,
                        recipient: vec![Step::Json("/to".into())],
                        content: vec![Step::Json(if text { "/text".into() } else { "/payload/*".into() })],
                        client_ip: Some(vec![Step::Json("/ip".into())]),
                    }),
                    secrets: vec![secret("token", SecretUse::Sent), secret("signer", SecretUse::SigningOnly)],
                    purpose: "Receives messages.".into(),
                },
                HostNeed {
                    origin: "https://side.hostile.test".into(),
                    methods: vec!["GET".into(), "POST".into()],
                    path_prefix: String::new(),
                    message: None,
                    secrets: vec![secret("token", SecretUse::Sent)],
                    purpose: "Receives a token.".into(),
                },
            ],
            usages: vec![Usage::SignIn, Usage::Register, Usage::ForgotPassword, Usage::Generic],
            locales: vec![],
            idempotent: false,
        }
    }

    fn send(message: Message) -> Result<Receipt, Failure> {
        let mut machine = Machine::new(Given::of_message(&message));
        machine.observe_message(&message);
        machine.run();
        let receipt = Receipt { message_id: Some("m-1".into()), status: None, segments: None, price: None };
        let failure = Failure {
            class: FailureClass::Unknown,
            provider_code: None,
            text: Some("no answer".into()),
            retry_after_seconds: None,
        };
        if machine.answered() { Ok(receipt) } else { Err(failure) }
    }
}

impl Reports for Interpreter {
    fn parse(callback: Callback) -> Result<Vec<Report>, ReportError> {
        let mut machine = Machine::new(Given::of_callback(&callback));
        machine.observe_callback(&callback);
        machine.run();
        let report = |text| Report {
            message_id: "a-message".into(),
            state: State::Queued,
            class: None,
            provider_code: None,
            text: Some(text),
            at: None,
        };
        Ok(observe::observed().into_iter().map(report).collect())
    }
}

#[allow(unsafe_code, reason = "the exports of a component are raw symbols")]
mod export {
    super::bindings::export!(Interpreter with_types_in super::bindings);
    use super::Interpreter;
}
