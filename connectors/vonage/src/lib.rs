//! Vonage's SMS API, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request, [`response`] reads the response, [`report`] reads delivery
//! receipts, and [`errors`] has Vonage's error codes.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The Vonage connector.
pub struct Vonage;

/// Origin and path of every request.
const ORIGIN: &str = "https://rest.nexmo.com";
const PATH: &str = "/sms/json";

impl Connector for Vonage {
    fn metadata() -> Metadata {
        Metadata {
            id: "vonage-sms",
            version: env!("CARGO_PKG_VERSION"),
            name: "Vonage",
            description: "Sends text messages through Vonage's SMS API.",
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
                purpose: "Sends the message through Vonage.",
            }],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // Vonage has no idempotency key; `client-ref` is only returned in receipts.
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
