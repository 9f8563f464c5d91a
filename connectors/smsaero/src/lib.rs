//! SMS Aero: one text to one number, and what SMS Aero later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`response`] what came back means, [`report`] reads status callbacks
//! and [`errors`] says what a refusal means.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector.
pub struct SmsAero;

/// Every request goes here.
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
            description: "Sends texts through SMS Aero.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host("https://gate.smsaero.ru", "Hands the message to SMS Aero, by its default gate."),
                host("https://gate.smsaero.org", "Hands the message to SMS Aero, by its second gate."),
                host("https://gate.smsaero.net", "Hands the message to SMS Aero, by its third gate."),
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
