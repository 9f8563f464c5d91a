//! Twilio Programmable Messaging, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request, [`response`] reads the response, [`report`] reads status
//! callbacks, and [`errors`] has Twilio's error codes.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The Twilio connector.
pub struct Twilio;

/// The path of every request begins with this.
const PATH_PREFIX: &str = "/2010-04-01/Accounts/";

impl Connector for Twilio {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: PATH_PREFIX,
            message: Some(MessagePlaces::form(NumberFormat::E164, "To", "Body")),
            secrets: vec![("authToken", SecretUse::Sent), ("apiKeySecret", SecretUse::Sent)],
            purpose,
        };
        Metadata {
            id: "twilio-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Twilio",
            description: "Sends text messages through Twilio Programmable Messaging.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host("https://api.twilio.com", "Sends the message through Twilio in the United States (default)."),
                host(
                    "https://api.{edge}.us1.twilio.com",
                    "Sends the message through the selected edge, if no region is selected.",
                ),
                host(
                    "https://api.{edge}.{region}.twilio.com",
                    "Sends the message through the selected edge and region.",
                ),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // Twilio has no idempotency key for creating messages.
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

sendbox_connector_sdk::export_reporting!(Twilio);
