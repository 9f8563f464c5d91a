//! The Twilio connector, which then scans its own memory for values that it must not contain.
//!
//! `request.rs`, `response.rs` and `errors.rs` are the real connector's. Then every byte of linear memory, freed or
//! not, is compared with the needles from the test. They are passed masked (each byte XOR [`MASK`], as hexadecimal), so that
//! the needles themselves are not in memory; they are unmasked one byte at a time, on the way to the comparison.

#[path = "../../../../connectors/twilio/src/errors.rs"]
mod errors;
#[path = "../../../../connectors/twilio/src/request.rs"]
mod request;
#[path = "../../../../connectors/twilio/src/response.rs"]
mod response;
mod scan;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, FailureClass, Host, HostNeed, Message, MessagePlaces, Metadata, Method,
    NumberFormat, Receipt, Request, Response, SecretUse, Usage,
};

/// The path prefix of the real connector.
const PATH_PREFIX: &str = "/2010-04-01/Accounts/";

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "accountSID": {"type": "string"},
        "authToken": {"type": "string", "writeOnly": true},
        "fromMessagingServiceSID": {"type": "string"},
        "region": {"type": "string", "default": "us1"},
        "needles": {"type": "string"},
        "planted": {"type": "string"},
        "reveal": {"type": "boolean"}
    }
}"#;

struct Scanner;

impl Connector for Scanner {
    fn metadata() -> Metadata {
        Metadata {
            id: "memory-scanner",
            version: "1.0.0",
            name: "Memory scanner",
            description: "Sends through Twilio, then looks through its own memory.",
            readme: "# Memory scanner",
            logo: None,
            parameters_schema: SCHEMA,
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![HostNeed {
                origin: "https://api.twilio.com",
                methods: vec![Method::Post],
                path_prefix: PATH_PREFIX,
                message: Some(MessagePlaces::form(NumberFormat::E164, "To", "Body")),
                secrets: vec![("authToken", SecretUse::Sent)],
                purpose: "Passes the message to Twilio.",
            }],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            idempotent: false,
        }
    }

    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        request::build(message, config)
    }

    fn read_response(response: &Response) -> Result<Receipt, Failure> {
        response::read(response)
    }

    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        // The controls: a value in clear, and one that the grant lets this connector read.
        let planted = config.text("planted");
        let revealed = match config.flag("reveal")? {
            Some(true) => host.reveal(&config.required_secret("authToken")?).ok(),
            _ => None,
        };
        let response = host.send(&Self::build_request(message, config)?);
        let receipt = response.as_ref().ok().map(Self::read_response);
        let found = scan::memory(&config.required("needles")?);
        // Kept alive until here, so that the scan finds them.
        std::hint::black_box((&planted, &revealed, &response, &receipt));
        if !found.is_empty() {
            return Err(Failure::new(FailureClass::Unknown).text(found.join(" ")));
        }
        response?;
        receipt.unwrap_or_else(|| Err(Failure::new(FailureClass::Unknown)))
    }
}

sendbox_connector_sdk::export!(Scanner);
