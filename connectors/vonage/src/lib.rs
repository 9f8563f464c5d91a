//! Vonage's SMS API: one text to one number, and what Vonage later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`response`] what came back means, [`report`] reads delivery receipts
//! and [`errors`] holds Vonage's tables of codes.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector.
pub struct Vonage;

/// Where every request goes.
const ORIGIN: &str = "https://rest.nexmo.com";
const PATH: &str = "/sms/json";

impl Connector for Vonage {
    fn metadata() -> Metadata {
        Metadata {
            id: "vonage-sms",
            version: env!("CARGO_PKG_VERSION"),
            name: "Vonage",
            description: "Sends texts through Vonage's SMS API.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![HostNeed {
                origin: ORIGIN,
                methods: vec![Method::Post],
                path_prefix: PATH,
                message: Some(MessagePlaces::json(NumberFormat::Digits, "/to", "/text")),
                secrets: vec![("apiKey", SecretUse::Sent), ("apiSecret", SecretUse::Sent)],
                purpose: "Hands the message to Vonage.",
            }],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // Vonage has no idempotency key; `client-ref` is only echoed.
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

sendbox_connector_sdk::export_reporting!(Vonage);
