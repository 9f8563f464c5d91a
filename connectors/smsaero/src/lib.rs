//! SMS Aero, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request, [`response`] reads the response, [`report`] reads status
//! callbacks, and [`errors`] classifies errors.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The SMS Aero connector.
pub struct SmsAero;

/// The path of every request.
const PATH: &str = "/v2/sms/send";

impl Connector for SmsAero {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: PATH,
            message: Some(MessagePlaces::json(NumberFormat::Digits, "/number", "/text")),
            secrets: vec![("apiKey", SecretUse::Sent)],
            purpose,
        };
        Metadata {
            id: "smsaero-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "SMS Aero",
            description: "Sends text messages through SMS Aero.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host("https://gate.smsaero.ru", "Sends the message through SMS Aero's default server."),
                host("https://gate.smsaero.org", "Sends the message through SMS Aero's second server, if selected."),
                host("https://gate.smsaero.net", "Sends the message through SMS Aero's third server, if selected."),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // SMS Aero has no idempotency key.
            idempotent: false,
        }
    }

    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        request::build(message, config)
    }

    fn read_response(response: &Response) -> Result<Receipt, Failure> {
        response::read(response)
    }
}

sendbox_connector_sdk::export_reporting!(SmsAero);
